"""A line of a board for programs outside: a TCP port on loopback, or a pseudo terminal.

One client at a time, who may go and come again; what the board says while nobody listens is lost, as on a line that
ends in the air. The board never waits for a client.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty
from typing import Protocol

from .targets.errors import ChannelClosed

LOOK_S = 0.2  # how often a quiet port looks whether it should end
READ_SIZE = 4096


class Source(Protocol):
    """The board's end: Channel has it, and LiveLine."""

    def read(self) -> bytes:
        """What came and was not read yet."""

    def read_some(self, timeout_s: float) -> bytes:
        """The same, waiting for the first octet. Raises ChannelClosed."""

    def write(self, data: bytes) -> None:
        """To the board. Raises ChannelClosed."""


class Outlet:
    """Serves one line to one TCP client at a time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._listener.settimeout(LOOK_S)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="outlet", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Address for ``serial.serial_for_url`` and the host tools."""
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Part from the client and stop to listen."""
        self._end.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._end.is_set():
            try:
                client = self._listener.accept()[0]
            except TimeoutError:
                self._source.read()  # nobody there to hear it
                continue
            with client:
                self._couple(client)

    def _couple(self, client: socket.socket) -> None:
        """Move octets both ways until the client or the board goes."""
        gone = threading.Event()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upward = threading.Thread(target=self._to_board, args=(client, gone), daemon=True)
        upward.start()
        try:
            while not (gone.is_set() or self._end.is_set()):
                client.sendall(self._source.read_some(LOOK_S))
        except (OSError, ChannelClosed):
            pass
        finally:
            gone.set()
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            upward.join()

    def _to_board(self, client: socket.socket, gone: threading.Event) -> None:
        with contextlib.suppress(OSError, ChannelClosed):
            while data := client.recv(READ_SIZE):
                self._source.write(data)
        gone.set()


class PtyOutlet:
    """Serves one line as a serial device."""

    def __init__(self, source: Source) -> None:
        self._source = source
        # Our own hold on the slave keeps the line up while nobody has it open.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=work, name="pty outlet", daemon=True) for work in (self._downward, self._upward)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        """Path of the device."""
        return os.ttyname(self._slave)

    def close(self) -> None:
        """Hang up."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _downward(self) -> None:
        while not self._end.is_set():
            try:
                data = self._source.read_some(LOOK_S)
            except ChannelClosed:
                self._end.wait(LOOK_S)  # the board may come back
                continue
            while data and select.select([], [self._master], [], LOOK_S)[1]:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._master, data) :]

    def _upward(self) -> None:
        while not self._end.is_set():
            if select.select([self._master], [], [], LOOK_S)[0]:
                data = os.read(self._master, READ_SIZE)
                with contextlib.suppress(ChannelClosed):
                    self._source.write(data)
