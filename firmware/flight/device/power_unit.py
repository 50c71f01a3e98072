"""The power unit on the payload bus, behind the interface of power.py.

A trip that is being cleared is not told: until the unit has confirmed the request, and after that until a reading shows
the trip gone or that another one came. Else a reading from before would be taken for a second trip.

Its map: dictionary/units/power_unit.toml.
"""

from ..tables import (
    REGISTER_ADDRESS,
    REGISTER_COUNT,
    REGISTER_LOW,
    REGISTER_OFFSET,
    REGISTER_SCALE,
    SPACE_COIL,
    SPACE_INPUT,
)
from .modbus import WRITE_COILS, Client, Transaction
from .modbus_unit import Told, UnitLink
from .power import PowerUnit

# Readings of power.py in their order, as the map names them.
_READINGS = (
    "bus_voltage",
    "bus_current",
    "array_voltage",
    "array_current",
    "feed_voltage",
    "feed_current",
    "battery_voltage",
    "battery_current",
    "unit_temperature",
    "battery_temperature",
    "load_current",
)


class ModbusPowerUnit(PowerUnit, Client):
    """devices: the board's; unit: its map. Allocates when made, never after."""

    def __init__(self, devices, unit) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        link = UnitLink(devices, unit, self)
        self._link = link
        self._places = link.places(_READINGS)
        self._status_at = link.find(SPACE_INPUT, "status")[REGISTER_ADDRESS]
        self._on_at = link.find(SPACE_INPUT, "load_on_mask")[REGISTER_ADDRESS]
        self._tripped_at = link.find(SPACE_INPUT, "load_trip_mask")[REGISTER_ADDRESS]
        self._count_at = link.find(SPACE_INPUT, "trip_count")[REGISTER_ADDRESS]
        bits = link.use_coils(("load_command", "charger_enable", "feed_enable"))
        self._load_bit, self._charger_bit, self._feed_bit = bits
        link.coils = 1 << self._feed_bit
        self._current: Told = link.use_holding("charge_current_limit")
        self._voltage: Told = link.use_holding("charge_voltage_limit")
        row = self._voltage.row
        self.charge_v_min = row[REGISTER_LOW] * row[REGISTER_SCALE] + row[REGISTER_OFFSET]
        self._trips: Told = link.use_holding("load_trip_current", whole=True)
        self._timeout: Told = link.use_holding("link_timeout")
        self._timeout_s = devices.parameter("LINK_TIMEOUT_S")
        self._values = devices.values
        link.ready()
        row = link.find(SPACE_COIL, "trip_clear")
        self._clear = Transaction(
            self, self.errors, link.slave, WRITE_COILS, row[REGISTER_ADDRESS], row[REGISTER_COUNT]
        )
        link.master.add(self._clear)
        self._clear_wanted = 0  # not yet confirmed
        self._clear_sent = 0
        self._clearing = 0  # bits of trips that are not told
        self._trip_count = 0

    def set_load(self, index: int, on: bool) -> None:
        super().set_load(index, on)
        self._link.want_coil(self._load_bit + index, on)

    def clear_trip(self, index: int) -> None:
        self._clear_wanted |= 1 << index
        self._clearing |= 1 << index
        self.load_tripped &= ~(1 << index)

    def set_charger(self, on: bool) -> None:
        super().set_charger(on)
        self._link.want_coil(self._charger_bit, on)

    def set_charge_limit_a(self, amperes: float) -> None:
        self._current.want(0, amperes)

    def set_charge_limit_v(self, volts: float) -> None:
        self._voltage.want(0, volts)

    def set_trip_a(self, index: int, amperes: float) -> None:
        self._trips.want(index, amperes)

    def set_feed(self, on: bool) -> None:
        super().set_feed(on)
        self._link.want_coil(self._feed_bit, on)

    def tell_again(self) -> None:
        self._link.tell_all()

    def step(self, elapsed_s: int) -> None:
        link = self._link
        link.step(elapsed_s)
        # Clearing a trip twice does no harm, so an answer that was lost needs no thought.
        if self._clear_wanted and self.link_ok and not self._clear.busy:
            self._clear.data[0] = self._clear_sent = self._clear_wanted
            link.master.submit(self._clear)

    def received(self) -> None:
        """A set of raw readings has come."""
        link = self._link
        values = link.values
        link.fill(self.all, self._places)
        self._timeout.want(0, self._values[self._timeout_s])
        self.status = values[self._status_at]
        self.load_on = values[self._on_at]
        tripped = values[self._tripped_at]
        if values[self._count_at] != self._trip_count:
            self._trip_count = values[self._count_at]
            self._clearing = 0
        self._clearing &= tripped | self._clear_wanted
        self.load_tripped = tripped & ~self._clearing

    def answered(self, transaction: Transaction, buffer: bytearray, start: int, end: int) -> None:
        """The unit has confirmed that it clears trips."""
        self._clear_wanted &= ~self._clear_sent

    def failed(self, transaction: Transaction, reason: int) -> None:
        """It is asked again."""
