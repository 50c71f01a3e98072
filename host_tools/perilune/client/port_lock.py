"""One program at a time owns a port: a lock file of this user beside whatever lock the port itself has.

It ends with the program, however that ends. Two programs that open the same TCP port or number file would both believe
that they are alone; this is for them.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..errors import PortBusyError
from .own_folders import name_of, runtime_folder

try:
    import fcntl
except ImportError:  # Windows, where a serial port is exclusive by itself
    fcntl = None  # type: ignore[assignment]


class PortLock:
    """The right to open a port. Raises PortBusyError when another program has it."""

    def __init__(self, port: str) -> None:
        self._descriptor: int | None = None
        self.path: Path = runtime_folder() / f"{name_of(port)}.lock"
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.read(descriptor, 32).decode(errors="replace").strip()
                os.close(descriptor)
                raise PortBusyError(
                    f"{port} is in use by another perilune",
                    expected="a port that nobody else has open",
                    found=f"process {holder}" if holder else "a process that does not say who it is",
                    next_step="wait until it ends, or let `perilune link` own the port so that all can share it",
                ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another program have it. Twice is allowed."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
