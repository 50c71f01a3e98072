"""A line to the board: octets up and down, and what was said on it as evidence.

`Line` is what every target gives for its link, its payload bus and its console. Channel (channel.py) is one with a
reader thread; MemoryLine is the one of a board in this process.
"""

from __future__ import annotations

from typing import Protocol

from flight.hal.host import MemoryPort

from .channel import EVIDENCE_SIZE


class Line(Protocol):
    """Octets to and from a port of the board."""

    def write(self, data: bytes) -> None:
        """Send all of *data*. Raises ChannelClosed when the board takes nothing any more."""

    def read(self) -> bytes:
        """What came and was not read yet, without waiting."""

    @property
    def received(self) -> bytes:
        """The last octets that came, read or not."""

    @property
    def sent(self) -> bytes:
        """The last octets that were written."""


class MemoryLine:
    """The other end of a port in memory. It outlives the port: after a restart `join` it to the new one."""

    def __init__(self) -> None:
        self._port: MemoryPort | None = None
        self._unread = bytearray()
        self._received = bytearray()
        self._sent = bytearray()

    def join(self, port: MemoryPort | None) -> None:
        """From now on the line leads to *port*; None: into the air."""
        self.collect()
        self._port = port

    def collect(self) -> None:
        """Take over what the board has sent."""
        if self._port is not None:
            data = self._port.take()
            self._unread += data
            self._received += data
            del self._received[:-EVIDENCE_SIZE]

    def write(self, data: bytes) -> None:
        """Octets arrive at the board; without one they are lost."""
        self._sent += data
        del self._sent[:-EVIDENCE_SIZE]
        if self._port is not None:
            self._port.put(data)

    def read(self) -> bytes:
        """What came and was not read yet."""
        self.collect()
        data = bytes(self._unread)
        self._unread.clear()
        return data

    @property
    def waiting(self) -> int:
        """Octets that came and were not read."""
        self.collect()
        return len(self._unread)

    @property
    def received(self) -> bytes:
        """The last octets that came, read or not."""
        self.collect()
        return bytes(self._received)

    @property
    def sent(self) -> bytes:
        """The last octets that were written."""
        return bytes(self._sent)
