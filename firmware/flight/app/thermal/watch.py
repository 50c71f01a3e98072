"""Do the heaters do what they are told: current against duty, heater by heater.

A heater is looked at when its duty has stood for settle_s and the supply is there; what is found counts when it is
found for fault_s. STUCK_ON stays until it is reset: the heater is disarmed, and if current flows even so, the arm
switch is stuck too and only the supply can stop it. The others go when the current is right again: a heater that gives
nothing is still told what it should give.
"""

from micropython import const

from ...device.reading import Reading
from .places import HEATERS, Places

OK = const(0)
STUCK_ON = const(1)  # current without duty; disarmed
UNCONTROLLED = const(2)  # current though disarmed
STUCK_OFF = const(3)  # no current
DEGRADED = const(4)  # less current than there should be

# A deviation has to be this part of the full current at least: tolerance of resistances and of the bus voltage.
_PART = 0.2
_COUNT_MAX = const(0x7FFF)


class WatchListener:
    """Who is told what changes."""

    def heater_changed(self, heater: int, state: int, actual_a: float, expected_a: float) -> None:
        """The state of *heater*."""


class Watch:
    """Allocates when made, never after. state: by heater. share: of its power that is left. faults: mod 65536."""

    def __init__(self, values: "list[float]", places: Places, readings: "list[Reading]", listener: WatchListener):
        self._values = values
        self._places = places
        self._readings = readings
        self._listener = listener
        self.state = bytearray(HEATERS)
        self.share = [1.0] * HEATERS
        self.faults = 0
        self._stood_s = [0] * HEATERS
        self._found = bytearray(HEATERS)
        self._for_s = [0] * HEATERS

    def told(self, heater: int) -> None:
        """*heater* was told something else: its current has to settle."""
        self._stood_s[heater] = 0

    def unsettle(self) -> None:
        """No heater can be judged: no supply, or no readings."""
        for heater in range(HEATERS):
            self._stood_s[heater] = 0

    def update(self, duty: "list[float]", dt_s: int, bus_v: float) -> None:
        """New currents have come. duty: what flows through armed heaters, by heater."""
        settle_s = self._values[self._places.settle_s]
        for heater in range(HEATERS):
            stood_s = self._stood_s[heater]
            if stood_s < _COUNT_MAX - dt_s:
                self._stood_s[heater] = stood_s + dt_s
            if stood_s >= settle_s and self._readings[heater].valid:
                self._judge(heater, duty[heater], dt_s, bus_v)

    def reset(self, heater: int) -> None:
        """Forget what was found."""
        self.state[heater] = self._found[heater] = OK
        self._for_s[heater] = self._stood_s[heater] = 0
        self.share[heater] = 1.0

    def mask(self) -> int:
        """Bit i = heater i has a fault."""
        bits = 0
        for heater in range(HEATERS):
            if self.state[heater]:
                bits |= 1 << heater
        return bits

    def count(self, state: int) -> int:
        """How many heaters are in *state*."""
        number = 0
        for heater in range(HEATERS):
            if self.state[heater] == state:
                number += 1
        return number

    def isolated(self, heater: int) -> bool:
        """*heater* must not be armed."""
        return STUCK_ON <= self.state[heater] <= UNCONTROLLED

    def _judge(self, heater: int, duty: float, dt_s: int, bus_v: float) -> None:
        values = self._values
        places = self._places
        full_a = bus_v / values[places.ohm + heater]
        expected_a = duty * full_a
        actual_a = self._readings[heater].value
        least_a = values[places.current_a]
        found = OK
        if actual_a - expected_a > max(least_a, _PART * full_a):
            found = STUCK_ON
        elif expected_a >= 2 * least_a and actual_a < least_a and actual_a < _PART * expected_a:
            found = STUCK_OFF
        elif expected_a - actual_a > least_a and actual_a < values[places.degraded_share] * expected_a:
            found = DEGRADED
        elif expected_a < 2 * least_a:
            # Too little to see whether it flows.
            found = self.state[heater] if self.state[heater] >= STUCK_OFF else OK
        if self.isolated(heater):
            found = UNCONTROLLED if found == STUCK_ON else STUCK_ON
        if found != self._found[heater]:
            self._found[heater] = found
            self._for_s[heater] = 0
        if found == self.state[heater]:
            return
        self._for_s[heater] += dt_s
        if self._for_s[heater] >= values[places.fault_s]:
            self._enter(heater, found, actual_a, expected_a)

    def _enter(self, heater: int, state: int, actual_a: float, expected_a: float) -> None:
        if state != OK and not (self.state[heater] == UNCONTROLLED and state == STUCK_ON):
            self.faults = (self.faults + 1) & 0xFFFF
        self.state[heater] = state
        self.share[heater] = 1.0
        if state == STUCK_OFF:
            self.share[heater] = 0.0
        elif state == DEGRADED:
            self.share[heater] = max(0.0, actual_a / expected_a)
        self._stood_s[heater] = 0
        self._listener.heater_changed(heater, state, actual_a, expected_a)
