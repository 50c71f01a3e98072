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

    def place(self, length: int) -> int:
        """Octet where a unit of *length* octets can go now, for put(); -1 when nowhere."""
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

    def put(self, at: int, source: bytes | bytearray | memoryview, start: int, end: int) -> None:
        """Append source[start:end] at the octet that place(end - start) has just given."""
        buffer = self.buffer
        length = end - start
        buffer[at] = length >> 8
        buffer[at + 1] = length & 0xFF
        if self.count == 0:
            self._head = 0
            self._wrap = self._size
            self.start = _LENGTH
            self.end = _LENGTH + length
        elif at < self._tail:
            self._wrap = self._tail
        self._tail = copy(source, start, end, buffer, at + _LENGTH)
        self.count += 1

    def pop(self) -> None:
        """Drop the oldest unit; start and end then are the next one's."""
        head = self.end
        if head == self._wrap:
            head = 0
            self._wrap = self._size
        self._head = head
        self.count -= 1
        if self.count:
            buffer = self.buffer
            self.start = start = head + _LENGTH
            self.end = start + (buffer[head] << 8 | buffer[head + 1])
