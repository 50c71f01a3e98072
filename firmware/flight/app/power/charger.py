"""May the battery be charged? Its temperature decides: lithium plates when it is charged below 0 degC.

Charging is inhibited below `charge_min_c` and above `charge_max_c`, each with a margin for what the sensors do not see,
when no sensor can be believed, and when so many cells are lost that the unit cannot be told a voltage as low as what is
left of them needs. Of three sensors the median counts; of two the worse for each limit, because nobody
tells which is right. How many can be believed, `good`, is for the ground: a sensor that has no reading cannot, nor one
that stands `pack_apart_k` apart from the others.
"""

from micropython import const

COLD = const(1)
HOT = const(2)
UNKNOWN = const(4)
COMMANDED = const(8)
CELLS = const(16)

# Outside of this a sensor of the pack is broken, degC.
_POSSIBLE_MIN_C: int = const(-80)
_POSSIBLE_MAX_C: int = const(100)


class Charger:
    """inhibit: bits above. low_c, high_c: what counts for each limit; median_c: for reports. valid: sensors that count,
    good: that can be believed.

    allowed: as commanded. too_few_cells: for the lowest voltage of the unit. Allocates when made, never after.
    """

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        ids = core.ids
        self._values = core.values
        self._min = core.index(ids.POWER_CHARGE_MIN_C)
        self._max = core.index(ids.POWER_CHARGE_MAX_C)
        self._margin = core.index(ids.POWER_CHARGE_MARGIN_K)
        self._apart = core.index(ids.POWER_PACK_APART_K)
        self._hysteresis = core.index(ids.POWER_CHARGE_HYSTERESIS_K)
        self.allowed = True
        self.too_few_cells = False
        self.inhibit = UNKNOWN
        self.valid = self.good = 0
        self.low_c = self.high_c = self.median_c = 0.0

    def look(self, sensors) -> None:  # type: ignore[no-untyped-def]
        """Take the temperatures of the pack: low_c, median_c, high_c of those that count."""
        count = 0
        low = middle = high = 0.0
        for number in range(len(sensors)):
            reading = sensors[number]
            celsius = reading.value
            if not reading.valid or not _POSSIBLE_MIN_C <= celsius <= _POSSIBLE_MAX_C:
                continue
            count += 1
            if count == 1:
                low = middle = high = celsius
            elif celsius < low:
                middle = low
                low = celsius
            elif celsius > high:
                middle = high
                high = celsius
            else:
                middle = celsius
        self.valid = self.good = count
        apart_k = self._values[self._apart]
        if count == 0:
            return
        if count == 3:
            if high - middle > apart_k or middle - low > apart_k:
                self.good = 2
            self.low_c = self.median_c = self.high_c = middle
        else:
            if high - low > apart_k:
                self.good = 1
            self.low_c = low
            self.high_c = high
            self.median_c = (low + high) * 0.5

    def decide(self) -> bool:
        """May be charged, after look()."""
        values = self._values
        before = self.inhibit
        inhibit = 0 if self.allowed else COMMANDED
        if self.too_few_cells:
            inhibit |= CELLS
        if self.valid == 0:
            inhibit |= UNKNOWN
        else:
            # Once inhibited, only well inside the limits again.
            low_k = values[self._margin] + (values[self._hysteresis] if before & COLD else 0)
            high_k = values[self._margin] + (values[self._hysteresis] if before & HOT else 0)
            if self.low_c < values[self._min] + low_k:
                inhibit |= COLD
            if self.high_c > values[self._max] - high_k:
                inhibit |= HOT
        self.inhibit = inhibit
        return inhibit == 0
