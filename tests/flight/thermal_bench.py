"""The thermal app alone on a bench: its devices, its place in the pool and its events are stood in for, time by hand.

TABLES and SETTINGS are the defaults of dictionary/payload/thermal.toml that the tests count on; tests/host compares
them.
"""

from flight.app.thermal import Thermal
from flight.app.thermal.places import HEATED, HEATERS, ZONE_NAMES, ZONES
from flight.device.power import PowerUnit
from flight.device.thermal import SUPPLY_PRESENT, ThermalUnit

STRUCTURE, ELECTRONICS, BATTERY, INSTRUMENT, RADIO, MAST, RADIATOR, ARRAY = range(ZONES)
# By zone, or by heater.
TABLES = {
    "SENSORS": (3, 7, 7, 7, 3, 7, 3, 3),
    "LOW_C": (-200, -60, -60, -80, -80, -150, -230, -230),
    "HIGH_C": (130, 85, 85, 85, 85, 100, 100, 150),
    "RATE_K_PER_MIN": (5, 2, 1, 2, 2, 4, 20, 30),
    "DAY_C": (0, 4, -5, -5, -30),
    "NIGHT_C": (-18, -4, -25, -25, -60),
    "SURVIVAL_C": (-20, -5, -27, -27, -62),
    "CUT_OUT_C": (45, 40, 45, 48, 62),
    "HEATER_OHM": (78.4, 65.3, 130.7, 156.8, 196),
    "GAIN_PER_K": (0.25, 0.25, 0.25, 0.25, 0.25),
    "INTEGRAL_S": (7200, 7200, 7200, 7200, 3600),
    "OPEN_DAY": (0, 0.1, 0, 0, 0),
    "OPEN_NIGHT": (0.05, 0.28, 0.05, 0.05, 0.2),
    "PRIORITY": (2, 1, 3, 4, 5),
}
SETTINGS = {
    "COLUMN_BOOT": 3,
    "COLUMN_SAFE": 3,
    "COLUMN_STANDBY": 3,
    "COLUMN_NOMINAL": 3,
    "COLUMN_SCIENCE": 3,
    "COLUMN_SURVIVAL": 2,
    "PERIOD_S": 10,
    "NOISE_K": 1.5,
    "DISAGREE_K": 3,
    "REJECT_S": 60,
    "RETURN_S": 600,
    "FLAT_S": 3600,
    "SILENT_S": 120,
    "LIGHT_S": 120,
    "DEADBAND_K": 0.1,
    "DUTY_STEP": 0.02,
    "SWITCHED": 0,
    "MIN_ON_S": 60,
    "MIN_OFF_S": 60,
    "CUT_OUT_BAND_K": 5,
    "CUT_OUT_BLIND_S": 7200,
    "SETTLE_S": 30,
    "FAULT_S": 60,
    "CURRENT_A": 0.02,
    "DEGRADED_SHARE": 0.75,
    "NOMINAL_V": 28,
    "BUDGET_MAX_W": 37,
    "BUDGET_FLOOR": 0.5,
    "SUPPLY_BAND_K": 2,
    "SUPPLY_MIN_S": 120,
    "SUPPLY_PERIOD_S": 1800,
    "SILENT_EXCESS": 1.5,
    "ENABLED_HEATERS": 31,
}
SURVIVAL = 5  # mode
STEP_S = 10
MENDED_A_TURN = 10


class Ids:
    """Any name of the dictionary is there: numbers in the order in which they are asked for."""

    def __init__(self):
        self.numbers = {}

    def __getattr__(self, name):
        numbers = self.numbers
        if name not in numbers:
            numbers[name] = len(numbers)
        return numbers[name]


class Events:
    """Keeps what is raised, or only counts it."""

    def __init__(self, ids):
        self._ids = ids
        self.raised = []
        self.count = 0
        self.keep = True

    def raise_(self, event_id, a=0, b=0, c=0, d=0):
        self.count += 1
        if self.keep:
            self.raised.append((event_id, a, b, c, d))


class Parameters:
    """saved: how often the persistent ones were kept. status: what the store says.

    As on board, a parameter that is only written, not put, is taken for damaged memory and mended after a while.
    """

    def __init__(self, values):
        self.saved = 0
        self.status = 0
        self._values = values
        self._copy = {}
        self._all = []
        self._next = 0

    def put(self, index, value):
        if index not in self._copy:
            self._all.append(index)
        self._values[index] = self._copy[index] = value

    def mend(self, count):
        for _ in range(count):
            index = self._all[self._next]
            self._next = (self._next + 1) % len(self._all)
            self._values[index] = self._copy[index]

    def save(self):
        self.saved += 1
        return self.status


class Devices:
    def __init__(self):
        self.power = PowerUnit()
        self.thermal = ThermalUnit()


class Core:
    """What an app sees of the board while it is made."""

    def __init__(self):
        self.ids = Ids()
        self.values = [0.0] * 320
        self.devices = Devices()
        self.events = Events(self.ids)
        self.parameters = Parameters(self.values)

    def supply(self, identifier):
        return identifier

    def index(self, identifier):
        return identifier


class Asked:
    """A request with its arguments; code, where: what it was blamed for."""

    def __init__(self, *args):
        self.args = args
        self.code = 0

    def blame(self, code, where, number):
        self.code = code
        return code


class Bench:
    """app, unit, power: the app and its null devices. c: what the sensors of each zone show; off: added to one channel.

    conducts: what each heater does with its duty while armed; shorted: heaters on by themselves; welded: armed by
    themselves. supply: the power app's part, follows what the app wants.
    """

    def __init__(self):
        self.core = Core()
        self.app = Thermal(self.core)
        self.unit = self.core.devices.thermal
        self.power = self.core.devices.power
        self.power.link_ok = True
        self.c = [10.0] * ZONES
        self.off = [0.0] * 24
        self.dead = bytearray(24)
        self.conducts = [1.0] * HEATERS
        self.shorted = bytearray(HEATERS)
        self.welded = bytearray(HEATERS)
        self.silent = False
        self.supply = True
        self.turns = 0
        self.watt = [0.0] * HEATERS
        ids = self.core.ids
        for name, row in TABLES.items():
            zones = ZONE_NAMES if len(row) == ZONES else [ZONE_NAMES[zone] for zone in HEATED]
            for number in range(len(row)):
                self.set(zones[number] + "_" + name, row[number])
        for name, setting in SETTINGS.items():
            self.set(name, setting)
        self.core.values[ids.POWER_HEATER_BUDGET_W] = 37.0
        self.asked = len(ids.numbers)

    def set(self, name, value):
        """A parameter of the app."""
        self.core.parameters.put(getattr(self.core.ids, "THERMAL_" + name), value)

    def value(self, name):
        return self.core.values[getattr(self.core.ids, "THERMAL_" + name)]

    def budget(self, watts):
        self.core.values[self.core.ids.POWER_HEATER_BUDGET_W] = watts

    def run(self, seconds):
        """Turns of the app, new readings before each."""
        for _ in range(seconds // STEP_S):
            self.turn()

    def turn(self):
        self.turns += 1
        self.supply = self.app.supply.wanted
        for heater in range(HEATERS):
            self._heat(heater)
        if not self.silent:
            self._read()
        self.app.step_01hz()
        self.core.parameters.mend(MENDED_A_TURN)

    def _heat(self, heater):
        unit = self.unit
        share = 1.0 if self.shorted[heater] else unit.duty[heater]
        if not (unit.enable >> heater & 1 or self.welded[heater]) or not self.supply:
            share = 0.0
        share *= self.conducts[heater]
        ohm = TABLES["HEATER_OHM"][heater]
        self.watt[heater] = share * 28.0 * 28.0 / ohm
        unit.heater_a[heater].value = share * 28.0 / ohm
        unit.heater_a[heater].valid = True

    def _read(self):
        unit = self.unit
        unit.updates = (unit.updates + 1) & 0xFFFF
        unit.status = SUPPLY_PRESENT if self.supply else 0
        # A converter is never quite still.
        flicker = 0.01 if self.turns & 1 else 0.0
        for channel in range(24):
            reading = unit.temperature_c[channel]
            reading.valid = not self.dead[channel]
            reading.value = self.c[channel // 3] + self.off[channel] + flicker

    def command(self, name, *args):
        """Perform a function; its code."""
        request = Asked(*args)
        return self.app.command(getattr(self.core.ids, "FUNCTION_THERMAL_" + name), request)  # type: ignore[arg-type]

    def events(self):
        """Names and values of the events since the last call."""
        names = {}
        for name in self.core.ids.numbers:
            if name.startswith("EVENT_THERMAL_"):
                names[self.core.ids.numbers[name]] = name[14:]
        found = [(names[event[0]], event[1:]) for event in self.core.events.raised]
        self.core.events.raised = []
        return found

    def raised(self):
        """Names of the events since the last call."""
        return [event[0] for event in self.events()]
