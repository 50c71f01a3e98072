"""A progress bar on a terminal: one line, drawn at most ten times a second, silent when nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

WIDTH = 32
REDRAW_S = 0.1


class Progress:
    """Shows how much of `total` is done; `update` takes the amount done and a word about it."""

    def __init__(self, label: str, total: float, stream: TextIO | None = None) -> None:
        self._label, self._total = label, max(total, 1e-9)
        self._stream = stream or sys.stderr
        self._start = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream.isatty() and self._drawn:
            self._stream.write("\n")

    def update(self, done: float, note: str = "") -> None:
        """Show an amount done, from 0 to the total."""
        now = time.monotonic()
        if not self._stream.isatty() or (now - self._drawn < REDRAW_S and done < self._total):
            return
        self._drawn = now
        share = min(1.0, max(0.0, done / self._total))
        full = round(WIDTH * share)
        left = (now - self._start) / share * (1.0 - share) if share > 0.01 else 0.0
        bar = "█" * full + "░" * (WIDTH - full)
        self._stream.write(f"\r{self._label} {bar} {100 * share:3.0f} % {left:4.0f} s left  {note:<24}")
        self._stream.flush()
