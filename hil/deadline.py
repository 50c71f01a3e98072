"""A deadline: one object that is passed down, so that many waits share one end.

The clock is injected: seconds of the target's time, which on some targets only moves while somebody waits.
"""

from __future__ import annotations

from collections.abc import Callable

from hil.targets.errors import DeadlinePassed


class Deadline:
    """Ends *timeout_s* seconds of *clock* from now."""

    def __init__(self, clock: Callable[[], float], timeout_s: float) -> None:
        self._clock = clock
        self._end_s = clock() + timeout_s
        self.timeout_s = timeout_s

    @property
    def left_s(self) -> float:
        """Seconds left, 0 when it has passed."""
        return max(0.0, self._end_s - self._clock())

    @property
    def passed(self) -> bool:
        """Is it over?"""
        return self._clock() >= self._end_s

    def check(self, expected: str, found: str) -> None:
        """Raise DeadlinePassed with these words when it is over."""
        if self.passed:
            raise DeadlinePassed(f"expected {expected} within {self.timeout_s:g} s, found {found}")
