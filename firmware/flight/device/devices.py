"""The devices of the board: which there are (dictionary [[device]]), their turn at 1 Hz, their points.

Lives here: the bus and the units by role. Does not live here: what a unit is (power.py, thermal.py), how one is reached
(its driver).
"""

from micropython import const

from ..tables import DEVICE_POWER
from .modbus import Master
from .power import PowerUnit
from .reading import Errors
from .thermal import ThermalUnit

# Points of the units are told this often: they are for diagnosis.
_PUBLISH_S: int = const(10)

_NAMES = ("POWER", "THERMAL")
_NAMES_OF_POINTS = (
    "REQUESTS",
    "REPLIES",
    "TIMEOUTS",
    "CORRUPT",
    "STRANGERS",
    "EXCEPTIONS",
    "RETRIES",
    "FAILURES",
    "LINK_OK",
    "AGE_S",
    "RESTARTS",
)


class Devices:
    """Every unit by role; one that no dictionary names is the null unit. Allocates when made, never after.

    hal, values, master(), parameter(): for drivers. modbus: the master, None when no driver is on the bus.
    """

    def __init__(self, core, rows, drivers) -> None:  # type: ignore[no-untyped-def]
        self.hal = core.hal
        self.values = core.values
        self._core = core
        self.modbus: Master | None = None
        self._timeout = self._attempts = self._period = self._stale = 0
        self._rare = False  # are readings asked for less often than they go stale?
        self._events = core.events
        self._event_rare = 0
        self.power = PowerUnit()
        self.thermal = ThermalUnit()
        self._places: list[tuple[int, ...]] = []
        self._units: list = []  # type: ignore[type-arg]
        for number in range(len(drivers)):
            role, data = rows[number]
            device = drivers[number](self, data)
            if role == DEVICE_POWER:
                self.power = device
            else:
                self.thermal = device
            self._units.append(device)
            self._places.append(self._supply(core, "DEVICE_" + _NAMES[role] + "_"))
        self._core = None
        self._publish_in_s = 0

    def _supply(self, core, prefix: str) -> "tuple[int, ...]":  # type: ignore[no-untyped-def]
        return tuple([core.supply(getattr(core.ids, prefix + name)) for name in _NAMES_OF_POINTS])

    def parameter(self, name: str) -> int:
        """Index in `values` of the on-board parameter DEVICE_<name>. At start only."""
        core = self._core
        return int(core.index(getattr(core.ids, "DEVICE_" + name)))

    def master(self) -> Master:
        """The master on the payload bus, made when the first driver asks for it. At start only."""
        if self.modbus is None:
            self.modbus = Master(self.hal.bus)
            self._timeout = self.parameter("TIMEOUT_MS")
            self._attempts = self.parameter("ATTEMPTS")
            self._period = self.parameter("PERIOD_S")
            self._stale = self.parameter("STALE_S")
            self._event_rare = self._core.ids.EVENT_DEVICE_READINGS_RARE
            self._core.executive.add_poller(self.modbus.poll)
        return self.modbus

    def step_1hz(self) -> None:
        """The units' turn, and their points."""
        units = self._units
        for number in range(len(units)):
            units[number].step(1)
        self._publish_in_s -= 1
        if self._publish_in_s > 0:
            return
        self._publish_in_s = _PUBLISH_S
        if self.modbus is not None:
            self.modbus.timeout_ms = self.values[self._timeout]
            self.modbus.attempts = self.values[self._attempts]
            self._look_at_period(self.values[self._period], self.values[self._stale])
        for number in range(len(units)):
            unit = units[number]
            self._publish(unit, unit.errors, self._places[number])

    def _look_at_period(self, period_s: int, stale_s: int) -> None:
        """Tell once that every reading goes stale before the next one."""
        rare = period_s > stale_s
        if rare and not self._rare:
            self._events.raise_(self._event_rare, period_s, stale_s)
        self._rare = rare

    def _publish(self, unit, errors: Errors, places: "tuple[int, ...]") -> None:  # type: ignore[no-untyped-def]
        values = self.values
        values[places[0]] = errors.requests
        values[places[1]] = errors.replies
        values[places[2]] = errors.timeouts
        values[places[3]] = errors.corrupt
        values[places[4]] = errors.strangers
        values[places[5]] = errors.exceptions
        values[places[6]] = errors.retries
        values[places[7]] = errors.failures
        values[places[8]] = 1 if unit.link_ok else 0
        values[places[9]] = unit.age_s
        values[places[10]] = unit.restarts
