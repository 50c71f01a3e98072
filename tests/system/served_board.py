"""A board behind a real port, in real time, in a thread: a TCP port of the loopback interface, or a pseudo-terminal.

The board goes on when a client goes, as one that stays powered. `unplug` takes the port away, `plug` gives it back.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from perilune.client.sitl_transport import SitlTransport
from perilune.dictionary.load import CORE
from perilune.link.transport import Transport

from tests.system.targets import TRIAL, QemuTarget

TURN_S = 0.005


class QemuTransport:
    """The space link of the emulated board."""

    def __init__(self, target: QemuTarget) -> None:
        self._target = target

    def fileno(self) -> int | None:
        return None

    def read(self, timeout_s: float) -> bytes:
        self._target.run(timeout_s)
        return self._target.receive()

    def write(self, data: bytes) -> bool:
        self._target.send(data)
        return True

    def close(self) -> None:
        """The target is its maker's."""


class ServedBoard:
    """url: where a ground opens it. transport: to the board; `sitl` with the trial mission when None."""

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport or SitlTransport([CORE, TRIAL])
        self.url = ""
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="served board", daemon=True)

    def __enter__(self) -> Self:
        self._open()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(10)
        self._close()

    def restart(self, cause: int) -> None:
        """As if the reset line were pulled, or the power were cut; `sitl` only."""
        assert isinstance(self._transport, SitlTransport)
        with self._lock:
            self._transport.board.restart(cause)

    def _serve(self) -> None:
        while not self._end.is_set():
            with self._lock:
                out = self._transport.read(0.0)
                data = self._exchange(out)
                if data:
                    self._transport.write(data)
            time.sleep(TURN_S)

    def _open(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    def _exchange(self, out: bytes) -> bytes:
        raise NotImplementedError


class TcpBoard(ServedBoard):
    """Behind TCP: one client at a time, who may go and come again."""

    def _open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._client: socket.socket | None = None
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def _close(self) -> None:
        self._listener.close()
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _exchange(self, out: bytes) -> bytes:
        if self._client is None:
            with contextlib.suppress(BlockingIOError):
                self._client = self._listener.accept()[0]
                self._client.settimeout(5)
            return b""  # what was said to nobody is lost
        try:
            if out:
                self._client.sendall(out)
            if not select.select([self._client], [], [], 0)[0]:
                return b""
            data = self._client.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data


class PtyBoard(ServedBoard):
    """Behind a pseudo-terminal; `url` is a link to it, as udev makes links to adapters."""

    def __init__(self, folder: Path, transport: Transport | None = None) -> None:
        super().__init__(transport)
        self.url = str(folder / "ttyBoard")
        self.garbage = b""  # sent in place of what the board says
        self._master: int | None = None
        self._slave: int | None = None

    def _open(self) -> None:
        self.plug()

    def _close(self) -> None:
        self.unplug()

    def plug(self) -> None:
        """The adapter is there."""
        with self._lock:
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            Path(self.url).unlink(missing_ok=True)
            Path(self.url).symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        """The adapter is gone."""
        with self._lock:
            if self._master is not None and self._slave is not None:
                os.close(self._slave)
                os.close(self._master)
                Path(self.url).unlink()
                self._master = None

    def _exchange(self, out: bytes) -> bytes:
        if self._master is None:
            return b""
        try:
            if out:
                os.write(self._master, self.garbage[: len(out)] if self.garbage else out)
            return os.read(self._master, 4096)
        except OSError:
            return b""
