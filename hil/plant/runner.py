"""Running the plant against a clock: so many seconds of plant time for each second of the clock.

The clock is injected; nothing here sleeps. When the machine cannot follow, the plant falls behind and says so: it never
jumps, because a step that is left out would not be the plant any more.
"""

from __future__ import annotations

from collections.abc import Callable

from hil.plant.plant import Plant

# Speed over lines: a master's 1 s timeout is 1 min of plant time at the upper end. In process there is no such bound.
LINE_SPEED_MIN, LINE_SPEED_MAX = 1.0, 60.0
# Longest time that one call may take steps for, in steps: keeps a line responsive while the plant catches up.
STEPS_PER_CALL = 200


class RealTimeRunner:
    """Keeps a plant at `speed` times a clock that counts seconds from anywhere."""

    def __init__(self, plant: Plant, clock: Callable[[], float], speed: float = 1.0) -> None:
        if not LINE_SPEED_MIN <= speed <= LINE_SPEED_MAX:
            raise ValueError(
                f"speed: expected {LINE_SPEED_MIN:g} to {LINE_SPEED_MAX:g}, found {speed:g}; run in process for more"
            )
        self.plant = plant
        self.speed = speed
        self._clock = clock
        self._clock_start = clock()
        self._plant_start = plant.now_s

    @property
    def target_s(self) -> float:
        """Plant time that the clock asks for."""
        return self._plant_start + (self._clock() - self._clock_start) * self.speed

    @property
    def lag_s(self) -> float:
        """Plant time that is missing by more than a step."""
        return max(0.0, self.target_s - self.plant.now_s - self.plant.step_s)

    def catch_up(self) -> int:
        """Take the steps that are due, at most STEPS_PER_CALL; returns how many."""
        before = self.plant.step_count
        target = min(self.target_s, self.plant.now_s + STEPS_PER_CALL * self.plant.step_s)
        self.plant.advance_to(target)
        return self.plant.step_count - before

    def hold(self, seconds: float = 0.0) -> None:
        """Start counting anew from now: after a pause, or after the plant was advanced by hand."""
        self._clock_start = self._clock() + seconds
        self._plant_start = self.plant.now_s
