"""One UART of a board: a TCP connection on loopback for an emulated one, a serial port for a real one.

A reader thread takes every byte from the first one on, whether anybody asks for it or not: QEMU stands still, with its
control port, when the peer of a UART does not read. What came in is kept until it is read, and the last part of it once
more as evidence. The channel outlives the connection: after a power cut the same object is attached to a new one.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Protocol

from .errors import ChannelClosed, ChannelTimeout

EVIDENCE_SIZE = 1 << 20  # bytes kept of each direction; older ones go
SEND_TIMEOUT_S = 10  # a board that takes nothing for so long hangs
SHOWN_SIZE = 400  # bytes of the tail quoted in an error


class Connection(Protocol):
    """What a channel needs of a socket. ``recv`` waits for the first byte; b"" or OSError: the other end is gone."""

    def recv(self, size: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> None: ...

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...


class Channel:
    """Bytes to and from one UART. Safe for one reader and one writer thread."""

    def __init__(self, name: str, explain: Callable[[], str] = lambda: "") -> None:
        """*name* appears in errors; *explain* tells why a connection ended, for the error's text."""
        self.name = name
        self._explain = explain
        self._socket: Connection | None = None
        self._thread: threading.Thread | None = None
        self._arrived = threading.Condition()
        self._unread = bytearray()
        self._received = bytearray()
        self._sent = bytearray()

    @property
    def is_open(self) -> bool:
        """True while the other end is there."""
        return self._socket is not None

    @property
    def received(self) -> bytes:
        """The last bytes that came in, read or not; at most ``EVIDENCE_SIZE``."""
        with self._arrived:
            return bytes(self._received)

    @property
    def sent(self) -> bytes:
        """The last bytes that were written; at most ``EVIDENCE_SIZE``."""
        return bytes(self._sent)

    def attach(self, connection: Connection) -> None:
        """Take over *connection* and start to read it. What an earlier one left unread goes."""
        self.detach()
        self.read()
        if isinstance(connection, socket.socket):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
        self._socket = connection
        self._thread = threading.Thread(target=self._read, args=(connection,), name=f"uart {self.name}", daemon=True)
        self._thread.start()

    def detach(self) -> None:
        """Close the connection and wait for the reader thread. What came in stays readable."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if connection is not None:
            connection.close()

    def _read(self, connection: Connection) -> None:
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                data = b""
            with self._arrived:
                self._unread += data
                self._received += data
                del self._received[:-EVIDENCE_SIZE]
                if not data:
                    if self._socket is connection:
                        self._socket = None
                        connection.close()
                    self._arrived.notify_all()
                    return
                self._arrived.notify_all()

    def write(self, data: bytes) -> None:
        """Send all of *data*. Raises ChannelClosed when nobody is there or the board takes nothing any more."""
        connection = self._socket
        if connection is None:
            raise ChannelClosed(f"{self.name}: nobody at the other end{self._reason()}")
        self._sent += data
        del self._sent[:-EVIDENCE_SIZE]
        try:
            connection.sendall(data)
        except OSError as error:
            raise ChannelClosed(f"{self.name}: could not send {len(data)} bytes: {error}{self._reason()}") from error

    def read(self) -> bytes:
        """Return all that came in and was not read yet, without waiting."""
        with self._arrived:
            data = bytes(self._unread)
            self._unread.clear()
            return data

    def read_some(self, timeout_s: float) -> bytes:
        """Return what came in, waiting for the first byte *timeout_s* at most. Raises ChannelClosed after the last."""
        with self._arrived:
            if not self._unread and self._socket is not None:
                self._arrived.wait(timeout_s)
            closed = not self._unread and self._socket is None
        if closed:  # outside the lock: the reason may take its time, and meanwhile a new connection may be attached
            raise ChannelClosed(f"{self.name}: nobody at the other end{self._reason()}")
        return self.read()

    def wait(self, timeout_s: float) -> bool:
        """Wait for bytes, *timeout_s* at most, and leave them where they are; False when none are there."""
        with self._arrived:
            if not self._unread and self._socket is not None:
                self._arrived.wait(timeout_s)
            return bool(self._unread)

    def read_exactly(self, size: int, timeout_s: float = 10.0) -> bytes:
        """Return the next *size* bytes. Raises ChannelTimeout or ChannelClosed."""
        return self._take(lambda: size if len(self._unread) >= size else -1, f"{size} bytes", timeout_s)

    def read_until(self, end: bytes, timeout_s: float = 10.0) -> bytes:
        """Return what comes up to and with *end*. Raises ChannelTimeout or ChannelClosed; nothing is taken then."""

        def found() -> int:
            at = self._unread.find(end)
            return -1 if at < 0 else at + len(end)

        return self._take(found, repr(end), timeout_s)

    def read_line(self, timeout_s: float = 10.0) -> str:
        """Return the next line without its end, as text."""
        return self.read_until(b"\n", timeout_s).decode(errors="replace").rstrip("\r\n")

    def _take(self, complete: Callable[[], int], wanted: str, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while (size := complete()) < 0:
                found = f"found {bytes(self._unread[-SHOWN_SIZE:])!r}"
                if self._socket is None:
                    raise ChannelClosed(f"{self.name}: closed before {wanted}; {found}{self._reason()}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ChannelTimeout(f"{self.name}: expected {wanted} within {timeout_s:g} s, {found}")
                self._arrived.wait(left)
            data = bytes(self._unread[:size])
            del self._unread[:size]
            return data

    def _reason(self) -> str:
        reason = self._explain()
        return f" ({reason})" if reason else ""
