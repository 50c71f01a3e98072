"""A power unit made of the board's own parts, behind the interface of power.py.

Wiring (dictionary [[device]]): i2c = number of the bus; bus, array, feed, battery = addresses of their INA226;
battery_c = addresses of TMP117; loads = pins of the switches, in the order of the loads, "" = none; load_monitors =
addresses of an INA226 for each load, 0 = none; charger = pin that allows charging. What is not wired has no valid
reading. Shunts are parameters.

A part takes about a millisecond of the bus, so each second some of them are read in turn. There is no trip in hardware:
the app's own over-current limit switches a load off.
"""

from micropython import const

from .ina226 import Ina226
from .power import ARRAY_PRODUCING, BATTERY_SENSORS, CHARGING, FEED_PRESENT, LOADS, PowerUnit
from .reading import AGE_MAX_S
from .tmp117 import Tmp117

_LINES = ("bus", "array", "feed", "battery")
_PARTS_PER_STEP: int = const(4)
_FEED_MIN_V = 22.0
_PRODUCING_W = 1.0
_CHARGING_A = 0.02
_COUNT_MASK: int = const(0xFFFF)


def wired(wiring, name: str) -> tuple:  # type: ignore[type-arg, no-untyped-def]
    """What the wiring says of *name*, () = nothing. At start only."""
    for key, values in wiring:
        if key == name:
            return tuple(values)
    return ()


class PartsPowerUnit(PowerUnit):
    """devices: the board's; wiring: as above. Allocates when made, never after."""

    def __init__(self, devices, wiring) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        hal = devices.hal
        self._values = devices.values
        self._i2c = hal.i2c(wired(wiring, "i2c")[0])
        self._stale = devices.parameter("STALE_S")
        # Parts in the order in which they are read, and the place of the shunt of each; -1 = a TMP117.
        self._parts: list = []  # type: ignore[type-arg]
        self._shunts: list[int] = []
        self._wire_lines(devices, wiring)
        self._wire_battery(wiring)
        self._wire_loads(devices, wiring)
        # The app publishes by this order.
        self.all = [self.bus_v, self.bus_a, self.array_v, self.array_a, self.feed_v, self.feed_a]
        self.all += [self.battery_v, self.battery_a, self.unit_c]
        self.all += self.battery_c + self.load_a
        charger = wired(wiring, "charger")
        self._charger = hal.output(charger[0]) if charger else None
        self._next = 0
        self._answered = 0

    def _wire_lines(self, devices, wiring) -> None:  # type: ignore[no-untyped-def]
        for name in _LINES:
            address = wired(wiring, name)
            if not address:
                continue
            part = Ina226(self._i2c, address[0])
            self._add(part, devices.parameter("SHUNT_" + name.upper() + "_OHM"))
            setattr(self, name + "_v", part.volts)
            setattr(self, name + "_a", part.amperes)

    def _wire_battery(self, wiring) -> None:  # type: ignore[no-untyped-def]
        addresses = wired(wiring, "battery_c")
        for k in range(min(len(addresses), BATTERY_SENSORS)):
            sensor = Tmp117(self._i2c, addresses[k])
            self._add(sensor, -1)
            self.battery_c[k] = sensor.celsius

    def _wire_loads(self, devices, wiring) -> None:  # type: ignore[no-untyped-def]
        pins = wired(wiring, "loads")
        self._switches: list = [None] * LOADS  # type: ignore[type-arg]
        for k in range(min(len(pins), LOADS)):
            if pins[k]:
                self._switches[k] = devices.hal.output(pins[k])
        addresses = wired(wiring, "load_monitors")
        for k in range(min(len(addresses), LOADS)):
            if addresses[k]:
                part = Ina226(self._i2c, addresses[k])
                self._add(part, devices.parameter("SHUNT_LOAD_OHM"))
                self.load_a[k] = part.amperes

    def _add(self, part, shunt: int) -> None:  # type: ignore[no-untyped-def]
        self._parts.append(part)
        self._shunts.append(shunt)

    def set_load(self, index: int, on: bool) -> None:
        super().set_load(index, on)
        switch = self._switches[index]
        if switch is not None:
            switch.set(on)
            self.load_on = self.load_on | 1 << index if on else self.load_on & ~(1 << index)

    def set_charger(self, on: bool) -> None:
        super().set_charger(on)
        if self._charger is not None:
            self._charger.set(on)

    def step(self, elapsed_s: int) -> None:
        stale_s = self._values[self._stale]
        parts = self._parts
        for part in parts:
            age_s = part.age_s + elapsed_s
            part.age_s = age_s if age_s < AGE_MAX_S else AGE_MAX_S
        age_s = self.age_s + elapsed_s
        self.age_s = age_s if age_s < AGE_MAX_S else AGE_MAX_S
        if age_s > stale_s:
            self.link_ok = False
        for _ in range(min(_PARTS_PER_STEP, len(parts))):
            self._read(parts[self._next], self._shunts[self._next])
            self._next += 1
            if self._next == len(parts):
                self._next = 0
                self._round()

    def _read(self, part, shunt: int) -> None:  # type: ignore[no-untyped-def]
        errors = self.errors
        errors.requests = (errors.requests + 1) & _COUNT_MASK
        good = part.read() if shunt < 0 else part.read(self._values[shunt])
        if good:
            errors.replies = (errors.replies + 1) & _COUNT_MASK
            self._answered += 1
        else:
            errors.timeouts = (errors.timeouts + 1) & _COUNT_MASK

    def _round(self) -> None:
        """All parts were read once: that is a set of readings, when any of them answered."""
        if self._answered:
            self.age_s = 0
            self.link_ok = True
            self.updates = (self.updates + 1) & _COUNT_MASK
        else:
            self.errors.failures = (self.errors.failures + 1) & _COUNT_MASK
        self._answered = 0
        status = 0
        if self.feed_v.valid and self.feed_v.value > _FEED_MIN_V:
            status |= FEED_PRESENT
        if self.array_v.valid and self.array_v.value * self.array_a.value > _PRODUCING_W:
            status |= ARRAY_PRODUCING
        if self.battery_a.valid and self.battery_a.value > _CHARGING_A:
            status |= CHARGING
        self.status = status
