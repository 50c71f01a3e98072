"""Buffer of frame data units between FARM-1 and the packets: CCSDS 232.1-B-2 6.2.2 "placing the FDU in a buffer".

Octets of one bytearray, used round. A unit is never split at the end of the bytearray, so a reader needs one range.
"""

from micropython import const

from ..codec import copy

# Each unit has its length before it.
_LENGTH = const(2)


class FduQueue:
    """First in, first out. Allocates when made, never after. Not safe from an interrupt.

    buffer: where the units are. start, end: the oldest unit in it, valid while `count` is not 0.
    """

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        self._size = size
        self._head = 0  # where the oldest unit's length is
        self._tail = 0  # where the next one goes
        self._wrap = size  # where reading goes back to 0: the end of the last unit before the tail did
        self.count = 0
        self.start = 0
        self.end = 0

    def _place(self, length: int) -> int:
        """Octet where a unit of *length* octets can go, -1 when nowhere."""
        need = length + _LENGTH
        tail = self._tail
        if self.count == 0:
            return 0 if need <= self._size else -1
        if tail <= self._head:
            # Units run over the end, or fill everything: free is only what lies between.
            return tail if need <= self._head - tail else -1
        if need <= self._size - tail:
            return tail
        return 0 if need <= self._head else -1

    def fits(self, length: int) -> bool:
        """True when put() of *length* octets would succeed now."""
        return self._place(length) >= 0

    def put(self, source: bytes | bytearray | memoryview, start: int, end: int) -> bool:
        """Append source[start:end]. False, and nothing changed, when it does not fit."""
        at = self._place(end - start)
        if at < 0:
            return False
        buffer = self.buffer
        if self.count == 0:
            self._head = 0
            self._wrap = self._size
        elif at < self._tail:
            self._wrap = self._tail
        length = end - start
        buffer[at] = length >> 8
        buffer[at + 1] = length & 0xFF
        self._tail = copy(source, start, end, buffer, at + _LENGTH)
        self.count += 1
        if self.count == 1:
            self._look()
        return True

    def pop(self) -> None:
        """Drop the oldest unit; start and end then are the next one's."""
        self.count -= 1
        self._head = self.end
        if self._head == self._wrap:
            self._head = 0
            self._wrap = self._size
        if self.count:
            self._look()

    def _look(self) -> None:
        head = self._head
        self.start = head + _LENGTH
        self.end = self.start + (self.buffer[head] << 8 | self.buffer[head + 1])
