"""A line on the terminal that says what is waited for, once it takes longer than a second; nothing where nobody looks.

It is written with a carriage return and blanks alone, so that every terminal shows it; it goes before other lines come.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

AFTER_S = 1.0
_EACH_S = 0.5
_WIDTH = 78


class Progress:
    """Call it with what is waited for, as often as you like; with "" when nothing is."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_on = self._stream.isatty()
        self._since_s: float | None = None
        self._told_s = 0.0
        self._shown = 0

    def __call__(self, what: str) -> None:
        """What is waited for now."""
        if not self._is_on:
            return
        if not what:
            self._since_s = None
            self._clear()
            return
        now_s = self._clock()
        if self._since_s is None:
            self._since_s = self._told_s = now_s
        if now_s - self._since_s >= AFTER_S and (now_s - self._told_s >= _EACH_S or not self._shown):
            self._told_s = now_s
            line = f"{what[: _WIDTH - 8]}, {now_s - self._since_s:.0f} s"
            self._stream.write(f"\r{line.ljust(self._shown)}")
            self._stream.flush()
            self._shown = len(line)

    def _clear(self) -> None:
        if self._shown:
            self._stream.write(f"\r{' ' * self._shown}\r")
            self._stream.flush()
            self._shown = 0
