"""The course of a value in one line of block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The latest `width` values between their own lowest and highest; a blank for what is no number.

    Values that are all the same make a low line.
    """
    shown = values[-width:] if width > 0 else []
    numbers = [value for value in shown if math.isfinite(value)]
    if not numbers:
        return " " * len(shown)
    low = min(numbers)
    # Scaled before it is subtracted: the difference of two large numbers may be no number.
    span = max(numbers) / 2 - low / 2
    return "".join(_bar((value / 2 - low / 2) / span if span else 0.0) for value in shown)


def _bar(part: float) -> str:
    return BARS[min(len(BARS) - 1, int(part * len(BARS)))] if math.isfinite(part) else " "
