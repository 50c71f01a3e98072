"""The eight switched loads: wanted, shed, latched after over-current, stuck.

A load is told to be on when it is wanted, not held back by another app, not shed and not latched.

Shedding goes by priority: 0 is never shed; 1 is shed below `shed_pct` of charge, each higher one `shed_step_pct`
earlier, and comes back `shed_hysteresis_pct` later.
While the bus voltage is below `shed_v`, one more priority is shed with every look, the highest first, and they come
back one by one each `restore_s` once it is `shed_hysteresis_v` above.

Over-current is found by the unit's own trip, or here when the current is above the limit for some looks in a row. The
load is off for `retry_s`, then tried again, `retries` times; then it stays latched until a command clears it. A load of
priority 0 is tried again all the same, each `essential_retry_s`: without the heaters' supply the night is lost. A retry
that holds for `forgive_s` is forgotten.
"""

from array import array

from micropython import const

from ...device.power import LOADS, PowerUnit

_LOOKS: int = const(3)  # in a row, before a current or a switch is believed to be wrong
_HIGHEST: int = const(15)  # priority
# Longest waiting time of the table of 16-bit seconds.
_WAIT_MAX: int = const(0xFFFF)


class Loads:
    """Bits by load: wanted, held, shed, latched, stuck_on, stuck_off. Allocates when made, never after.

    tries: retries so far of each load. listener: told(event, load, amperes) when something happens: TRIPPED ... below.
    amperes: what the load took when it was last seen on; when the unit has tripped it, it takes nothing any more.
    """

    def __init__(self, core, unit: PowerUnit, listener) -> None:  # type: ignore[no-untyped-def]
        ids = core.ids
        index = core.index
        self._values = core.values
        self._unit = unit
        self._listener = listener
        # Parameters with neighbouring ids have neighbouring places.
        self._priority = index(ids.POWER_PRIORITY_HEATER_SUPPLY)
        self._limit = index(ids.POWER_LIMIT_HEATER_SUPPLY_A)
        assert index(ids.POWER_PRIORITY_SPARE) == self._priority + LOADS - 1
        assert index(ids.POWER_LIMIT_SPARE_A) == self._limit + LOADS - 1
        self._shed_pct = index(ids.POWER_SHED_PCT)
        self._shed_step = index(ids.POWER_SHED_STEP_PCT)
        self._shed_back = index(ids.POWER_SHED_HYSTERESIS_PCT)
        self._shed_v = index(ids.POWER_SHED_V)
        self._shed_back_v = index(ids.POWER_SHED_HYSTERESIS_V)
        self._restore_s = index(ids.POWER_RESTORE_S)
        self._retry_s = index(ids.POWER_RETRY_S)
        self._retries = index(ids.POWER_RETRIES)
        self._essential_s = index(ids.POWER_ESSENTIAL_RETRY_S)
        self._forgive_s = index(ids.POWER_FORGIVE_S)
        self.wanted = 0
        self.held = 0
        self.shed = 0
        self.latched = 0
        self.stuck_on = 0
        self.stuck_off = 0
        self.trips = 0
        self.tries = bytearray(LOADS)
        self._high = bytearray(LOADS)  # looks in a row over the limit
        self._last_a = [0.0] * LOADS  # while on
        self._odd = bytearray(LOADS)  # looks in a row not as told
        self._wait_s = array("H", [0] * LOADS)  # until the next try, or until a try is forgiven
        # Loads of this priority and above are shed for the voltage; _HIGHEST + 1: none.
        self._voltage_level = _HIGHEST + 1
        self._steady_s = 0

    def told(self) -> int:
        """Bits of what shall be on."""
        return self.wanted & ~self.held & ~self.shed & ~self.latched

    def latched_for_good(self) -> int:
        """Bits of the latched loads that are not tried again."""
        bits = 0
        for load in range(LOADS):
            if self.latched >> load & 1 and self.tries[load] >= self._values[self._retries]:
                bits |= 1 << load
        return bits

    def clear(self, load: int) -> None:
        """Forget the trips of *load*; it comes on again when it is wanted."""
        self.latched &= ~(1 << load)
        self.tries[load] = 0
        self._wait_s[load] = 0
        self._high[load] = 0
        self._unit.clear_trip(load)

    def apply(self) -> None:
        """Tell the unit."""
        told = self.told()
        for load in range(LOADS):
            self._unit.set_load(load, told >> load & 1 != 0)

    def limits(self) -> None:
        """The unit trips where we would."""
        for load in range(LOADS):
            self._unit.set_trip_a(load, self._values[self._limit + load])

    def update(self, soc_pct: float, soc_known: bool, bus_v: float, bus_valid: bool, elapsed_s: int) -> None:
        """New readings: decide what is on, tell the unit. A voltage that is not valid sheds and restores nothing."""
        if bus_valid:
            self._voltage(bus_v, elapsed_s)
        self._shed_now(soc_pct, soc_known)
        before = self._unit.load_wanted
        for load in range(LOADS):
            self._watch(load, before, elapsed_s)
        self.apply()

    # --- shedding -----------------------------------------------------------------------------------------------------

    def _shed_now(self, soc_pct: float, soc_known: bool) -> None:
        values = self._values
        shed = 0
        for load in range(LOADS):
            priority = values[self._priority + load]
            if priority == 0:
                continue
            bit = 1 << load
            limit = values[self._shed_pct] + (priority - 1) * values[self._shed_step]
            if self.shed & bit:
                limit += values[self._shed_back]
            if (soc_known and soc_pct < limit) or priority >= self._voltage_level:
                shed |= bit
        changed = (shed ^ self.shed) & self.wanted
        self.shed = shed
        for load in range(LOADS):
            if changed >> load & 1:
                self._tell(SHED if shed >> load & 1 else RESTORED, load)

    def _voltage(self, bus_v: float, elapsed_s: int) -> None:
        values = self._values
        if bus_v < values[self._shed_v]:
            self._steady_s = 0
            # The highest priority that is still on.
            level = 0
            for load in range(LOADS):
                priority = int(values[self._priority + load])
                if self.told() >> load & 1 and level < priority < self._voltage_level:
                    level = priority
            if level:
                self._voltage_level = level
        elif self._voltage_level <= _HIGHEST and bus_v > values[self._shed_v] + values[self._shed_back_v]:
            self._steady_s += elapsed_s
            if self._steady_s >= values[self._restore_s]:
                self._steady_s = 0
                self._voltage_level += 1

    # --- over-current, stuck switches ---------------------------------------------------------------------------------

    def _watch(self, load: int, told: int, elapsed_s: int) -> None:
        """One load: trips and retries, then whether its switch does what it is told."""
        bit = 1 << load
        unit = self._unit
        wait_s = self._wait_s[load] - elapsed_s
        self._wait_s[load] = wait_s if wait_s > 0 else 0
        if self.latched & bit:
            if wait_s <= 0:
                self._try_again(load, bit)
            return
        current = unit.load_a[load]
        self._high[load] += 1
        if not (current.valid and unit.load_on & bit):
            self._high[load] = 0
        else:
            self._last_a[load] = current.value
            if current.value <= self._values[self._limit + load]:
                self._high[load] = 0
        if (unit.load_tripped & bit and told & bit) or self._high[load] >= _LOOKS:
            self._trip(load, bit)
            return
        if wait_s <= 0:
            self.tries[load] = 0
        self._compare(load, bit, told)

    def _trip(self, load: int, bit: int) -> None:
        values = self._values
        self.latched |= bit
        self.trips = (self.trips + 1) & 0xFFFF
        self._high[load] = 0
        if self.tries[load] < values[self._retries]:
            self._wait_s[load] = int(values[self._retry_s])
            self._tell(TRIPPED, load)
        else:
            self._wait_s[load] = int(values[self._essential_s])
            self._tell(LATCHED, load)

    def _tell(self, what: int, load: int) -> None:
        self._listener.told(what, load, self._last_a[load])

    def _try_again(self, load: int, bit: int) -> None:
        values = self._values
        if self.tries[load] >= values[self._retries] and values[self._priority + load]:
            return
        if self.tries[load] < 255:
            self.tries[load] += 1
        self.latched &= ~bit
        self._wait_s[load] = int(min(values[self._forgive_s], _WAIT_MAX))
        self._unit.clear_trip(load)

    def _compare(self, load: int, bit: int, told: int) -> None:
        unit = self._unit
        is_on = unit.load_on & bit
        if is_on == told & bit or unit.load_tripped & bit:
            self._odd[load] = 0
            self.stuck_on &= ~bit
            self.stuck_off &= ~bit
            return
        if (self.stuck_off if is_on else self.stuck_on) & bit:
            # Told otherwise meanwhile: now it is wrong in the other way.
            self.stuck_on &= ~bit
            self.stuck_off &= ~bit
            self._odd[load] = 0
        if self._odd[load] < _LOOKS:
            self._odd[load] += 1
            if self._odd[load] == _LOOKS:
                if is_on:
                    self.stuck_on |= bit
                else:
                    self.stuck_off |= bit
                self._tell(STUCK_ON if is_on else STUCK_OFF, load)


SHED = const(0)
RESTORED = const(1)
TRIPPED = const(2)
LATCHED = const(3)
STUCK_ON = const(4)
STUCK_OFF = const(5)
