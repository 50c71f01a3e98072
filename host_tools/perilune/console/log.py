"""Lines that came, oldest first, as many as memory is given to."""

from __future__ import annotations

import threading
from collections import deque

import msgspec

# Lines that an operator can scroll back to; some hours of a busy pass.
LINES_MAX = 1000


class LogLine(msgspec.Struct, frozen=True):
    """number: counts all lines from 1; style: of rich, "" for plain."""

    number: int
    text: str
    style: str = ""


class Log:
    """last: number of the latest line, 0 before the first. Any thread may use it."""

    def __init__(self, most: int = LINES_MAX) -> None:
        self.last = 0
        self._lock = threading.Lock()
        self._lines: deque[LogLine] = deque(maxlen=most)

    def add(self, text: str, style: str = "") -> None:
        """A line; the oldest goes when there are too many."""
        with self._lock:
            self.last += 1
            self._lines.append(LogLine(self.last, text, style))

    def since(self, number: int) -> list[LogLine]:
        """Lines after that number which are still there."""
        with self._lock:
            new = min(self.last - number, len(self._lines))
            return [self._lines[index] for index in range(len(self._lines) - new, len(self._lines))]
