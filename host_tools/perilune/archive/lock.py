"""One writer at a time for an archive: a lock on a file beside it, which the system gives up with the process."""

from __future__ import annotations

import os
from pathlib import Path

from .layout import ArchiveError

try:
    import fcntl
except ImportError:  # Windows; there the lock is the file's own sharing mode
    fcntl = None  # type: ignore[assignment]


class WriterLock:
    """Held from the constructor to `release`. Raises ArchiveError when somebody else holds it."""

    def __init__(self, archive: Path) -> None:
        self._path = archive.with_name(archive.name + ".lock")
        try:
            self._file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            if not archive.absolute().parent.is_dir():
                raise ArchiveError(
                    f"there is no folder {archive.absolute().parent}",
                    next_step="make it, or correct the archive's name",
                ) from error
            raise ArchiveError(
                f"cannot write beside {archive}", found=str(error), next_step="give a file in a folder of yours"
            ) from error
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise ArchiveError(
                f"somebody writes to {archive} already",
                found=f"process {holder}" if holder else "",
                next_step="attach to its line instead, or end it",
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let others write."""
        self._file.close()
