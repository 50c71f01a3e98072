"""The power app alone on a bench: unit, pool, store and events are stood in for, time by hand.

SETTINGS are the defaults of dictionary/payload/power.toml that the tests count on (tests/host compares them).
"""

from flight.app.power import Power
from flight.device.power import ARRAY_PRODUCING, BUS_REGULATED, FEED_PRESENT, PowerUnit

LOADS = ("HEATER_SUPPLY", "RADIO", "INSTRUMENT", "CAMERA", "RECORDER", "MECHANISM", "BEACON", "SPARE")
HEATERS, RADIO, INSTRUMENT, CAMERA, RECORDER, MECHANISM, BEACON, SPARE = range(8)
OCV = (2900, 3300, 3420, 3520, 3580, 3630, 3690, 3770, 3870, 3960, 4060, 4170)
OCV_NAMES = ("000", "005", "010", "020", "030", "040", "050", "060", "070", "080", "090", "100")
REACH = (45, 76, 93, 99, 100)
REACH_NAMES = ("M40", "M20", "0", "20", "40")
PRIORITIES = (0, 2, 4, 5, 3, 6, 1, 7)
LIMITS_A = (3.0, 1.0, 0.8, 0.5, 0.4, 1.2, 0.2, 0.5)


def _settings():
    """Names and values; those that have to be neighbours are."""
    rows: list[tuple[str, float]] = [("OCV_" + OCV_NAMES[k] + "_MV", OCV[k]) for k in range(len(OCV))]
    rows += [("REACH_" + REACH_NAMES[k] + "_PCT", REACH[k]) for k in range(len(REACH))]
    rows += [("PRIORITY_" + LOADS[k], PRIORITIES[k]) for k in range(8)]
    rows += [("LIMIT_" + LOADS[k] + "_A", LIMITS_A[k]) for k in range(8)]
    rows += [
        ("CAPACITY_AH", 105.0),
        ("CHARGE_EFFICIENCY", 0.995),
        ("CELLS_IN_SERIES", 8),
        ("NOMINAL_V", 29.0),
        ("RESISTANCE_OHM", 0.025),
        ("RESISTANCE_PER_K", 0.07),
        ("REST_A", 0.6),
        ("REST_S", 1800),
        ("CORRECTION_S", 14400.0),
        ("JUMP_PCT", 15.0),
        ("CHARGE_MIN_C", 0.0),
        ("CHARGE_MAX_C", 45.0),
        ("CHARGE_MARGIN_K", 1.5),
        ("CHARGE_HYSTERESIS_K", 1.0),
        ("PACK_SENSORS", 3),
        ("PACK_APART_K", 5.0),
        ("CHARGE_LIMIT_A", 4.0),
        ("CHARGE_LIMIT_V", 32.8),
        ("DEFAULT_LOADS", 1),
        ("SHED_PCT", 12.0),
        ("SHED_STEP_PCT", 3.0),
        ("SHED_HYSTERESIS_PCT", 3.0),
        ("SHED_V", 24.8),
        ("SHED_HYSTERESIS_V", 0.7),
        ("RESTORE_S", 300),
        ("RETRY_S", 60),
        ("RETRIES", 2),
        ("ESSENTIAL_RETRY_S", 1800),
        ("FORGIVE_S", 3600),
        ("LOW_CHARGE_PCT", 20.0),
        ("CRITICAL_CHARGE_PCT", 10.0),
        ("CHARGE_BACK_PCT", 3.0),
        ("LOW_V", 25.0),
        ("CRITICAL_V", 24.3),
        ("BACK_V", 0.6),
        ("RESERVE_PCT", 5.0),
        ("NIGHT_S", 1275721),
        ("NIGHT_POWER_W", 6.0),
        ("NIGHT_MEAN_S", 43200.0),
        ("HEATER_MAX_W", 37.0),
        ("HEATER_MIN_W", 8.0),
        ("HEATER_CRITICAL_W", 5.0),
        ("HEATER_PEAK", 1.5),
        ("KEEP_PCT", 0.5),
        ("KEEP_S", 1800),
    ]
    return rows


SETTINGS = _settings()
# Points that have to be neighbours.
NEIGHBOURS = tuple([name + "_A" for name in LOADS])
LOOK_S = 5


class Ids:
    """Any name of the dictionary is there: numbers from 1 on, in the order in which they are asked for.

    absent: names that no app of the mission gives.
    """

    def __init__(self, absent):
        self.numbers = {}
        self._absent = absent
        for name, _ in SETTINGS:
            getattr(self, "POWER_" + name)
        for name in NEIGHBOURS:
            getattr(self, "POWER_" + name)

    def __getattr__(self, name):
        if name in self._absent:
            raise AttributeError(name)
        numbers = self.numbers
        if name not in numbers:
            numbers[name] = len(numbers) + 1
        return numbers[name]


class Events:
    """Keeps the names of what is raised, or only counts it."""

    def __init__(self, ids):
        self._ids = ids
        self.raised = []
        self.amperes = []
        self.count = 0
        self.keep = True

    def raise_(self, event_id, a=0, b=0, c=0, d=0):
        self.count += 1
        if self.keep:
            for name in self._ids.numbers:
                if self._ids.numbers[name] == event_id:
                    self.raised.append((name[len("EVENT_POWER_") :], a))
                    self.amperes.append(b)


class Store:
    """One record. status: what put() returns."""

    def __init__(self):
        self.record = bytearray(16)
        self.length = 0
        self.puts = 0
        self.status = 0

    def put(self, key, record, start, end):
        for i in range(end - start):
            self.record[i] = record[start + i]
        self.length = end - start
        self.puts += 1
        return self.status

    def get(self, key, record):
        for i in range(self.length):
            record[i] = self.record[i]
        return self.length


class Devices:
    def __init__(self):
        self.power = PowerUnit()


class Core:
    """What an app sees of the board while it is made."""

    def __init__(self, absent, store):
        self.ids = Ids(absent)
        self.values: list[float] = [0] * 240
        self.devices = Devices()
        self.events = Events(self.ids)
        self.store = store

    def supply(self, identifier):
        return identifier

    def index(self, identifier):
        return identifier


class Asked:
    """A request with its arguments."""

    def __init__(self, *args):
        self.args = args

    def blame(self, code, where, number):
        return code


class Unit(PowerUnit):
    """A unit whose switches do what they are told. cleared: bits of trips that were cleared. again: told anew.

    charge_v: the charge voltage that it was told.
    """

    charge_v_min = 26.0

    def __init__(self):
        super().__init__()
        self.cleared = 0
        self.again = 0
        self.trip_a = [0.0] * 8
        self.stuck = 0
        self.charge_v = 0.0

    def clear_trip(self, index):
        self.cleared |= 1 << index
        self.load_tripped &= ~(1 << index)

    def set_trip_a(self, index, amperes):
        self.trip_a[index] = amperes

    def set_charge_limit_v(self, volts):
        self.charge_v = volts

    def tell_again(self):
        self.again += 1


class Bench:
    """app, unit; battery, bus and loads are what the test puts into the unit.

    overload: the load that trips when it is on, -1 = none.
    """

    def __init__(self, store=None, absent=("NIGHT_TO_SUNRISE_S", "NIGHT_TO_SUNSET_S", "THERMAL_SUPPLY_WANTED")):
        self.store = Store() if store is None else store
        self.core = Core(absent, self.store)
        self.unit = self.core.devices.power = Unit()
        self.events = self.core.events
        self.overload = -1
        for name, value in SETTINGS:
            self.set(name, value)
        for reading in self.unit.all:
            reading.valid = True
        self.unit.link_ok = True
        self.unit.status = FEED_PRESENT | ARRAY_PRODUCING | BUS_REGULATED
        self.unit.bus_v.value = 28.0
        self.celsius(20.0, 20.0, 20.0)
        self.battery(8 * 3.96, 0.0)
        self.app = Power(self.core)

    def set(self, name, value):
        """A parameter of the app."""
        self.core.values[getattr(self.core.ids, "POWER_" + name)] = value

    def value(self, name):
        """A point of the app."""
        return self.core.values[getattr(self.core.ids, "POWER_" + name)]

    def celsius(self, *values):
        for k in range(len(values)):
            self.unit.battery_c[k].value = values[k]

    def battery(self, volts, amperes):
        self.unit.battery_v.value = volts
        self.unit.battery_a.value = amperes

    def run(self, seconds=LOOK_S):
        """Let time pass with a look every LOOK_S seconds."""
        for second in range(1, seconds + 1):
            if second % LOOK_S == 0:
                self.look()
            self.app.step_1hz()

    def look(self):
        """New readings: switches are as they were told."""
        unit = self.unit
        if self.overload >= 0 and unit.load_wanted >> self.overload & 1:
            unit.load_tripped |= 1 << self.overload
        unit.load_on = (unit.load_wanted & ~unit.load_tripped) ^ unit.stuck
        unit.updates = (unit.updates + 1) & 0xFFFF

    def ask(self, name, *args):
        """Perform a function; its status."""
        return self.app.command(getattr(self.core.ids, "FUNCTION_POWER_" + name), Asked(*args))  # type: ignore[arg-type]

    def names(self):
        """Names of the events since the last call."""
        names = [name for name, _ in self.events.raised]
        self.events.raised = []
        return names
