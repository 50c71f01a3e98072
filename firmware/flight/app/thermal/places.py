"""Zones and heaters of the payload, and where the app's points and parameters are in the pool.

The wiring is that of dictionary/units/thermal_unit.toml: heater output i warms zone HEATED[i].
"""

from micropython import const

ZONES = const(8)
SENSORS = const(3)  # places for sensors of a zone
HEATERS = const(5)
COLUMNS = const(3)  # of the table of set-points

ZONE_NAMES = ("STRUCTURE", "ELECTRONICS", "BATTERY", "INSTRUMENT", "RADIO", "MAST", "RADIATOR", "ARRAY")
HEATED = (1, 2, 3, 4, 5)
MODE_NAMES = ("BOOT", "SAFE", "STANDBY", "NOMINAL", "SCIENCE", "SURVIVAL")

# Columns of the table of set-points; BY_LIGHT: day or night, as the power unit's sources tell.
DAY = const(0)
NIGHT = const(1)
SURVIVAL = const(2)
BY_LIGHT = const(3)


def heater_of(zone: int) -> int:
    """Heater output of *zone*, -1 when it has none."""
    for heater in range(HEATERS):
        if HEATED[heater] == zone:
            return heater
    return -1


class Places:
    """Indices in `values`; those of a table are the first of a row that follow each other. Allocates when made.

    core: ids, index() and supply() of the board, while it is being made.
    """

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        self._core = core
        heated = tuple([ZONE_NAMES[zone] for zone in HEATED])

        # Points, by zone and by heater.
        self.c = self._row(ZONE_NAMES, "C", True)
        self.valid = self._row(ZONE_NAMES, "VALID", True)
        self.setpoint = self._row(heated, "SETPOINT_C", True)
        self.duty = self._row(heated, "DUTY", True)
        self.heater_a = self._row(heated, "HEATER_A", True)
        self.state = self._row(heated, "HEATER", True)
        self.fault = self._row(heated, "FAULT", True)

        # Points of the whole.
        self.heater_w = self._point("HEATER_W")
        self.budget_w = self._point("BUDGET_W")
        self.column = self._point("COLUMN")
        self.lit = self._point("LIT")
        self.supply_wanted = self._point("SUPPLY_WANTED")
        self.supply_present = self._point("SUPPLY_PRESENT")
        self.unit_silent = self._point("UNIT_SILENT")
        self.rejected_sensors = self._point("REJECTED_SENSORS")
        self.doubtful_zones = self._point("DOUBTFUL_ZONES")
        self.lost_zones = self._point("LOST_ZONES")
        self.faulty_heaters = self._point("FAULTY_HEATERS")
        self.cut_outs = self._point("CUT_OUTS")
        self.rejections = self._point("REJECTIONS")
        self.heater_faults = self._point("HEATER_FAULTS")
        self.cut_out_count = self._point("CUT_OUT_COUNT")
        self.unit_c = self._point("UNIT_C")

        # Parameters by zone, by heater, by mode.
        self.sensors = self._row(ZONE_NAMES, "SENSORS")
        self.low = self._row(ZONE_NAMES, "LOW_C")
        self.high = self._row(ZONE_NAMES, "HIGH_C")
        self.rate = self._row(ZONE_NAMES, "RATE_K_PER_MIN")
        self.columns = (self._row(heated, "DAY_C"), self._row(heated, "NIGHT_C"), self._row(heated, "SURVIVAL_C"))
        self.cut_out = self._row(heated, "CUT_OUT_C")
        self.ohm = self._row(heated, "HEATER_OHM")
        self.gain = self._row(heated, "GAIN_PER_K")
        self.integral = self._row(heated, "INTEGRAL_S")
        self.open_loop = (self._row(heated, "OPEN_DAY"), self._row(heated, "OPEN_NIGHT"))
        self.priority = self._row(heated, "PRIORITY")
        self.column_of = self._row(("COLUMN",), MODE_NAMES[0])
        for number in range(1, len(MODE_NAMES)):
            assert self._row(("COLUMN",), MODE_NAMES[number]) == self.column_of + number

        # Parameters of the whole.
        self.period_s = self._parameter("PERIOD_S")
        self.noise_k = self._parameter("NOISE_K")
        self.disagree_k = self._parameter("DISAGREE_K")
        self.reject_s = self._parameter("REJECT_S")
        self.return_s = self._parameter("RETURN_S")
        self.flat_s = self._parameter("FLAT_S")
        self.silent_s = self._parameter("SILENT_S")
        self.deadband_k = self._parameter("DEADBAND_K")
        self.duty_step = self._parameter("DUTY_STEP")
        self.light_s = self._parameter("LIGHT_S")
        self.switched = self._parameter("SWITCHED")
        self.min_on_s = self._parameter("MIN_ON_S")
        self.min_off_s = self._parameter("MIN_OFF_S")
        self.cut_out_band_k = self._parameter("CUT_OUT_BAND_K")
        self.cut_out_blind_s = self._parameter("CUT_OUT_BLIND_S")
        self.settle_s = self._parameter("SETTLE_S")
        self.fault_s = self._parameter("FAULT_S")
        self.current_a = self._parameter("CURRENT_A")
        self.degraded_share = self._parameter("DEGRADED_SHARE")
        self.nominal_v = self._parameter("NOMINAL_V")
        self.budget_max_w = self._parameter("BUDGET_MAX_W")
        self.budget_floor = self._parameter("BUDGET_FLOOR")
        self.supply_band_k = self._parameter("SUPPLY_BAND_K")
        self.supply_min_s = self._parameter("SUPPLY_MIN_S")
        self.supply_period_s = self._parameter("SUPPLY_PERIOD_S")
        self.silent_excess = self._parameter("SILENT_EXCESS")
        self.enabled = self._parameter("ENABLED_HEATERS")

        # Of the devices, of the power app, of the night app; -1 in a mission without them.
        identifier = getattr(core.ids, "DEVICE_TIME_SCALE", 0)
        self.scale = core.index(identifier) if identifier else -1
        identifier = getattr(core.ids, "POWER_HEATER_BUDGET_W", 0)
        self.power_budget = core.index(identifier) if identifier else -1
        identifier = getattr(core.ids, "NIGHT_PHASE", 0)
        self.night_phase = core.index(identifier) if identifier else -1
        self._core = None

    def _row(self, names: "tuple[str, ...]", what: str, point: bool = False) -> int:
        """The first of the entries <name>_<what>; the others follow it in the order of *names*."""
        first = -1
        for number in range(len(names)):
            name = names[number] + "_" + what
            index = self._point(name) if point else self._parameter(name)
            if number == 0:
                first = index
            assert index == first + number, name
        return first

    def _point(self, name: str) -> int:
        core = self._core
        return int(core.supply(getattr(core.ids, "THERMAL_" + name)))

    def _parameter(self, name: str) -> int:
        core = self._core
        return int(core.index(getattr(core.ids, "THERMAL_" + name)))
