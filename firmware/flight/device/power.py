"""What a power unit is to the apps, and the one that is not there.

Commands are desired states: the device keeps telling them to the hardware until it has confirmed them, whatever gets
lost in between. Nothing here decides anything; flight/app/power does.
"""

from micropython import const

from .reading import Errors, Source, readings

LOADS = const(8)
BATTERY_SENSORS = const(3)
# The load that feeds the heaters of the thermal unit.
HEATER_SUPPLY = const(0)

# Bits of `status`.
FEED_PRESENT = const(1)  # the lander's feed is there
ARRAY_PRODUCING = const(2)  # the array could deliver
CHARGING = const(4)
UNDERVOLTAGE = const(8)  # the battery was cut off and the loads were switched off, until they are commanded again
CHARGE_LIMITED = const(16)  # the charger holds the current below the limit
LINK_TIMEOUT = const(32)  # the unit has missed us
BUS_REGULATED = const(64)  # array and feed carry the bus


class PowerUnit(Source):
    """Interface and null unit: no reading is ever valid, commands are kept and go nowhere.

    bus_v ... battery_a: Reading; battery_a > 0 charges. battery_c: sensors of the pack. load_a: current of each load.
    status: bits above. load_on, load_tripped: bit i = load i conducts, is latched off by the unit's own trip.
    link_ok: the unit answers. updates: sets of readings that came, mod 65536; when it moves, readings are new.
    charge_v_min: lowest charge voltage that it can be told. restarts: times the unit was found to have started anew,
    mod 65536. load_wanted, charger_wanted, feed_wanted: what it is told.
    """

    charge_v_min = 0.0

    def __init__(self) -> None:
        super().__init__()
        made = readings(9 + BATTERY_SENSORS + LOADS, self)
        self.bus_v = made[0]
        self.bus_a = made[1]
        self.array_v = made[2]
        self.array_a = made[3]
        self.feed_v = made[4]
        self.feed_a = made[5]
        self.battery_v = made[6]
        self.battery_a = made[7]
        self.unit_c = made[8]
        self.battery_c = made[9 : 9 + BATTERY_SENSORS]
        self.load_a = made[9 + BATTERY_SENSORS :]
        self.all = made
        self.status = 0
        self.load_on = 0
        self.load_tripped = 0
        self.link_ok = False
        self.updates = 0
        self.restarts = 0
        self.errors = Errors()
        self.load_wanted = 0
        self.charger_wanted = False
        self.feed_wanted = True

    def set_load(self, index: int, on: bool) -> None:
        """Switch load *index* (0..7)."""
        if on:
            self.load_wanted |= 1 << index
        else:
            self.load_wanted &= ~(1 << index)

    def clear_trip(self, index: int) -> None:
        """Clear the unit's latched trip of load *index*; the load is then as it was commanded."""

    def set_charger(self, on: bool) -> None:
        """Allow or forbid charging. No unit looks at the battery's temperature: the app has to."""
        self.charger_wanted = on

    def set_charge_limit_a(self, amperes: float) -> None:
        """Largest charge current."""

    def set_charge_limit_v(self, volts: float) -> None:
        """Voltage at which the charger goes from constant current to constant voltage."""

    def set_trip_a(self, index: int, amperes: float) -> None:
        """The unit's own over-current trip of load *index*."""

    def set_feed(self, on: bool) -> None:
        """Take power from the lander's feed when it is there, or never."""
        self.feed_wanted = on

    def tell_again(self) -> None:
        """Tell the unit everything anew, although it has confirmed it."""

    def step(self, elapsed_s: int) -> None:
        """Time goes on by *elapsed_s*: readings age, the next transactions start. At 1 Hz, before the apps."""
