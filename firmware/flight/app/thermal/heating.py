"""From temperatures to what each heater is told: who decides over it, its duty, its share of the power.

Order of rights, the first that applies: disabled by the ground, isolated, cut out, open loop (its zone is not known),
commanded duty, PI control. A cut-out gives way to nobody. The budget is above all duties.

A cut-out ends when its zone is known to be a band colder. Without sensors it goes on for `cut_out_blind_s`, in which
the zone cools, and then open loop takes over, whose duties keep a zone within bounds by themselves.
"""

from micropython import const

from ...device.thermal import ThermalUnit
from .budget import share
from .control import Control
from .places import HEATED, HEATERS, Places
from .sensors import DOUBTFUL, KNOWN, Sensors
from .switching import Switching
from .watch import UNCONTROLLED, Watch

# Who decides over a heater.
AUTOMATIC = const(0)
OPEN_LOOP = const(1)
MANUAL = const(2)
CUT_OUT = const(3)
ISOLATED = const(4)
DISABLED = const(5)

_NEARLY = 0.001


class CutOutListener:
    """Who is told what changes."""

    def cut_out(self, heater: int, on: bool) -> None:
        """The zone of *heater* became too hot; on = False: it is well again."""


class Heating:
    """Allocates when made, never after.

    setpoint: by heater, degC. state: who decides. cut: 1 = cut out. watts: power at duty 1. wanted_w: before the budget
    cut it. heater_w: as told. manual_s: time left of a commanded duty. cut_outs: mod 65536.
    """

    def __init__(
        self, values: "list[float]", places: Places, unit: ThermalUnit, sensors: Sensors, listener: CutOutListener
    ) -> None:
        self._values = values
        self._places = places
        self._unit = unit
        self._sensors = sensors
        self._listener = listener
        self.watch: Watch
        self.control = Control(values, places)
        self.switching = Switching(values, places)
        self.setpoint = [0.0] * HEATERS
        self.override = [0.0] * HEATERS
        self.overridden = bytearray(HEATERS)
        self.state = bytearray(HEATERS)
        self.cut = bytearray(HEATERS)
        self._blind_s = [0] * HEATERS  # of a cut-out
        self.manual_s = [0] * HEATERS
        self.manual = [0.0] * HEATERS
        self.watts = [0.0] * HEATERS
        self.wanted_w = 0.0
        self.heater_w = 0.0
        self.short = False
        self.cut_outs = 0
        self.armed = 0
        self._duty = [0.0] * HEATERS
        self._asked = [0.0] * HEATERS
        self._limited = bytearray(HEATERS)
        self._priority = [1] * HEATERS
        self._switched = bytearray(HEATERS)

    def step(self, column: int, open_loop: int, budget_w: float, bus_v: float, supplied: bool, dt_s: int) -> None:
        """Decide over every heater and tell it. column, open_loop: places of their tables in `values`."""
        values = self._values
        places = self._places
        switched = 1 if values[places.switched] else 0
        for heater in range(HEATERS):
            self.watts[heater] = bus_v * bus_v / values[places.ohm + heater]
            self._priority[heater] = int(values[places.priority + heater])
            self._switched[heater] = switched
            self.setpoint[heater] = self.override[heater] if self.overridden[heater] else values[column + heater]
            self._guard(heater, dt_s)
            self.state[heater] = self._who(heater)
            wanted = self._wanted(heater, open_loop, supplied, dt_s)
            self._duty[heater] = self._asked[heater] = self.switching.duty(heater, wanted, dt_s, bool(switched))
        self._share(budget_w)
        self.heater_w = 0.0
        for heater in range(HEATERS):
            self._tell(heater)
            self.heater_w += self._duty[heater] * self.watts[heater]

    def _guard(self, heater: int, dt_s: int) -> None:
        """The cut-out. In doubt the hottest sensor decides."""
        zone = HEATED[heater]
        limit_c = self._values[self._places.cut_out + heater]
        c = self._sensors.hot[zone]
        known = self._sensors.state[zone] <= DOUBTFUL
        if self.cut[heater]:
            self._blind_s[heater] = 0 if known else self._blind_s[heater] + dt_s
            over = c < limit_c - self._values[self._places.cut_out_band_k]
            if over if known else self._blind_s[heater] >= self._values[self._places.cut_out_blind_s]:
                self.cut[heater] = 0
                self._listener.cut_out(heater, False)
        elif known and c >= limit_c:
            self.cut[heater] = 1
            self._blind_s[heater] = 0
            self.cut_outs = (self.cut_outs + 1) & 0xFFFF
            self._listener.cut_out(heater, True)

    def _who(self, heater: int) -> int:
        if not int(self._values[self._places.enabled]) >> heater & 1:
            return DISABLED
        if self.watch.isolated(heater):
            return ISOLATED
        if self.cut[heater]:
            return CUT_OUT
        if self._sensors.state[HEATED[heater]] != KNOWN:
            return OPEN_LOOP
        return MANUAL if self.manual_s[heater] > 0 else AUTOMATIC

    def _wanted(self, heater: int, open_loop: int, supplied: bool, dt_s: int) -> float:
        if self.manual_s[heater] > 0:
            # Its time passes also while somebody else decides.
            self.manual_s[heater] = max(0, self.manual_s[heater] - dt_s)
        state = self.state[heater]
        if state == AUTOMATIC:
            error_k = self.setpoint[heater] - self._sensors.c[HEATED[heater]]
            return self.control.duty(heater, error_k, dt_s, not supplied or self._limited[heater] != 0)
        if state == MANUAL:
            return self.manual[heater]
        if state == OPEN_LOOP:
            duty = self._values[open_loop + heater]
            self.control.hold(heater, duty)
            return duty
        return 0.0

    def _share(self, budget_w: float) -> None:
        """Nobody gets what there is not. What a heater is known not to give it takes from nobody."""
        duty = self._duty
        state = self.watch.state
        self.wanted_w = 0.0
        stuck_w = 0.0
        for heater in range(HEATERS):
            if state[heater] == UNCONTROLLED:
                stuck_w += self.watts[heater]
            else:
                self.watts[heater] *= self.watch.share[heater]
            if self.state[heater] >= CUT_OUT:
                duty[heater] = 0.0
            self.wanted_w += duty[heater] * self.watts[heater]
        if stuck_w:
            budget_w = max(budget_w - stuck_w, budget_w * self._values[self._places.budget_floor])
        step = self._values[self._places.duty_step]
        self.short = share(duty, self.watts, self._priority, self._switched, budget_w, step)

    def _tell(self, heater: int) -> None:
        unit = self._unit
        duty = self._duty[heater]
        self._limited[heater] = 1 if duty < self._asked[heater] - _NEARLY else 0
        arm = self.state[heater] < CUT_OUT
        if arm != (self.armed >> heater & 1 == 1):
            self.armed ^= 1 << heater
            unit.set_enable(heater, arm)
            self.watch.told(heater)
        if duty != self.switching.output[heater]:
            unit.set_duty(heater, duty)
            self.watch.told(heater)
            self.switching.told(heater, duty)
