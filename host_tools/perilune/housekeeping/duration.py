"""Durations as people type them on a command line: 90, 90s, 5m, 1.5h."""

from __future__ import annotations

import argparse
import math
import re

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TEXT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(s|min|m|h|)")


def duration(text: str) -> float:
    """Seconds, above 0. Raises argparse.ArgumentTypeError."""
    match = _TEXT.fullmatch(text.strip().lower())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"expected a time such as 60s, 5m or 1h, found {text!r}")
    return seconds
