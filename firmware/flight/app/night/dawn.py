"""The stages of the return at sunrise. A sequence waits for them; what they take is parameters.

1 LIGHT: array or feed has been lit for `return_lit_s`. 2 WARM: the battery may be charged, it is `return_battery_c`
warm. 3 POWER: array and feed deliver `return_w`, or the battery is as full as stage 4 asks; and the charge is not low,
which would lead from STANDBY to SAFE at once. 4 CHARGED: the charge is
`return_soc_pct`. A stage is reached when its condition has held for `return_hold_s`, and is left only by the night.
"""

from micropython import const

NONE = const(0)
LIGHT = const(1)
WARM = const(2)
POWER = const(3)
CHARGED = const(4)


class Dawn:
    """stage: reached. Allocates when made, never after."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        ids = core.ids
        index = core.index
        self._values = core.values
        self._array_w = index(ids.POWER_ARRAY_W)
        self._feed_w = index(ids.POWER_FEED_W)
        self._battery_c = index(ids.POWER_BATTERY_C)
        self._battery_valid = index(ids.POWER_BATTERY_C_VALID)
        self._soc = index(ids.POWER_BATTERY_SOC)
        self._state = index(ids.POWER_STATE)
        self._lit_s = index(ids.NIGHT_RETURN_LIT_S)
        self._return_c = index(ids.NIGHT_RETURN_BATTERY_C)
        self._return_w = index(ids.NIGHT_RETURN_W)
        self._return_pct = index(ids.NIGHT_RETURN_SOC_PCT)
        self._hold_s = index(ids.NIGHT_RETURN_HOLD_S)
        self.stage = NONE
        self._held_s = 0

    def begin(self, stage: int = NONE) -> None:
        """Another phase has begun, or the return goes on after a restart."""
        self.stage = stage if stage <= CHARGED else NONE
        self._held_s = 0

    def is_over(self) -> bool:
        return self.stage == CHARGED

    def look(self, lit: bool, elapsed_s: int) -> bool:
        """Time goes on; True when the next stage is reached."""
        if self.stage == CHARGED or not self._holds(lit):
            self._held_s = 0
            return False
        self._held_s += elapsed_s
        if self._held_s < self._values[self._lit_s if self.stage == NONE else self._hold_s]:
            return False
        self._held_s = 0
        self.stage += 1
        return True

    def _holds(self, lit: bool) -> bool:
        """Is the condition of the next stage there?"""
        values = self._values
        if not lit:
            return False
        if self.stage == NONE:
            return True
        if self.stage == LIGHT:
            return bool(values[self._battery_valid] > 0 and values[self._battery_c] >= values[self._return_c])
        charged: bool = values[self._soc] >= values[self._return_pct]
        if self.stage == WARM:
            powered = bool(values[self._array_w] + values[self._feed_w] >= values[self._return_w])
            return (charged or powered) and values[self._state] == 0
        return charged
