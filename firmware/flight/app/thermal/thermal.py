"""The thermal app: its turn, its commands, its events and points.

The parts know little of each other; this file joins them.
"""

from micropython import const

from ...device.power import ARRAY_PRODUCING, FEED_PRESENT
from ...device.thermal import SUPPLY_PRESENT
from ...service.failure import DONE, STATE, STORAGE, UNKNOWN_FUNCTION, VALUE_RANGE
from ...service.request import Request
from ..base import App
from ..lunar_day import NIGHT as PHASE_NIGHT
from .heating import CUT_OUT, CutOutListener, Heating
from .places import BY_LIGHT, HEATED, HEATERS, NIGHT, ZONES, Places, heater_of
from .sensors import DOUBTFUL, KNOWN, LOST, SensorListener, Sensors
from .supply import Supply
from .watch import UNCONTROLLED, Watch, WatchListener

_STEP_S: int = const(10)
_ALL: int = const(255)
# Supply that is wanted and not there, and a budget that is too small, are told after this time.
_PATIENCE_S: int = const(600)
_COUNT_MAX: int = const(0x7FFF)

_EVENTS_OF_ZONE = ("ZONE_KNOWN", "ZONE_DOUBTFUL", "ZONE_LOST")
_EVENTS_OF_HEATER = (
    "HEATER_RECOVERED",
    "HEATER_STUCK_ON",
    "HEATER_UNCONTROLLED",
    "HEATER_STUCK_OFF",
    "HEATER_DEGRADED",
)


class Thermal(App, SensorListener, WatchListener, CutOutListener):
    """Allocates when made, never after. places, sensors, watch, heating, supply: the parts."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        super().__init__(core)
        ids = core.ids
        self._values = core.values
        self._unit = unit = core.devices.thermal
        self._power = core.devices.power
        self.places = Places(core)
        self.sensors = Sensors(core.values, self.places, unit.temperature_c, self)
        self.heating = Heating(core.values, self.places, unit, self.sensors, self)
        self.watch = Watch(core.values, self.places, unit.heater_a, self)
        self.heating.watch = self.watch
        self.supply = Supply(core.values, self.places, self.sensors, self.watch)
        self._set_setpoint = ids.FUNCTION_THERMAL_SET_SETPOINT
        self._clear_setpoint = ids.FUNCTION_THERMAL_CLEAR_SETPOINT
        self._heater_enable = ids.FUNCTION_THERMAL_HEATER_ENABLE
        self._heater_disable = ids.FUNCTION_THERMAL_HEATER_DISABLE
        self._reset_fault = ids.FUNCTION_THERMAL_RESET_FAULT
        self._reset_sensors = ids.FUNCTION_THERMAL_RESET_SENSORS
        self._set_duty = ids.FUNCTION_THERMAL_SET_DUTY
        self._clear_duty = ids.FUNCTION_THERMAL_CLEAR_DUTY
        self._event_rejected = ids.EVENT_THERMAL_SENSOR_REJECTED
        self._event_returned = ids.EVENT_THERMAL_SENSOR_RETURNED
        self._events_of_zone = tuple([getattr(ids, "EVENT_THERMAL_" + name) for name in _EVENTS_OF_ZONE])
        self._events_of_heater = tuple([getattr(ids, "EVENT_THERMAL_" + name) for name in _EVENTS_OF_HEATER])
        self._event_silent = ids.EVENT_THERMAL_UNIT_SILENT
        self._event_heard = ids.EVENT_THERMAL_UNIT_HEARD
        self._event_cut_out = ids.EVENT_THERMAL_CUT_OUT
        self._event_cut_out_over = ids.EVENT_THERMAL_CUT_OUT_OVER
        self._event_supply = ids.EVENT_THERMAL_SUPPLY_HELD
        self._event_supply_missing = ids.EVENT_THERMAL_SUPPLY_MISSING
        self._event_short = ids.EVENT_THERMAL_SHORT_OF_POWER
        self._event_column = ids.EVENT_THERMAL_SETPOINTS_CHANGED
        self._mode = 0
        self._column = NIGHT
        self._lit = False
        self._light_s = 0
        self._since_s = 0
        self._unheard_s = 0
        self._updates = unit.updates
        self._silent = False
        self._supplied = False
        self._missing_s = 0
        self._short_s = 0
        self._lost_told = 0  # bit i = zone i was told to be doubtful or lost
        self._duty_before = [0.0] * HEATERS
        # The power app looks before the first turn.
        self._values[self.places.supply_wanted] = 1

    # --- its turn -----------------------------------------------------------------------------------------------------

    def mode_changed(self, mode: int, active: bool) -> None:
        self._mode = mode

    def step_01hz(self) -> None:
        """Every period_s: readings, decision, points."""
        # On a bench the payload's time may run faster than the board's.
        scale = self._values[self.places.scale] if self.places.scale >= 0 else 1
        dt_s = self._since_s + _STEP_S * (int(scale) or 1)
        if dt_s < self._values[self.places.period_s]:
            self._since_s = dt_s
            return
        self._since_s = 0
        bus_v = self._volts()
        self._look(dt_s, bus_v)
        self._choose_column(dt_s)
        values = self._values
        places = self.places
        open_loop = places.open_loop[0 if self._lit else 1]
        budget_w = self._budget()
        self.heating.step(places.columns[self._column], open_loop, budget_w, bus_v, self._supplied, dt_s)
        self._decide_supply(open_loop, dt_s)
        self._tell_shortage(budget_w, dt_s)
        values[places.budget_w] = budget_w
        self._publish()

    def _volts(self) -> float:
        """Voltage at the heaters."""
        reading = self._power.bus_v
        volts: float = self._values[self.places.nominal_v]
        if reading.valid and reading.value > 1.0:
            volts = float(reading.value)
        return volts

    def _budget(self) -> float:
        """Power for all heaters: what the power app gives, at most budget_max_w."""
        values = self._values
        places = self.places
        budget_w: float = values[places.budget_max_w]
        if places.power_budget >= 0:
            given_w = values[places.power_budget]
            # Not a number is none.
            budget_w = min(budget_w, given_w) if given_w > 0.0 else 0.0
        return budget_w

    def _look(self, dt_s: int, bus_v: float) -> None:
        """Take what the unit has read since the last turn, or note that it is silent."""
        unit = self._unit
        silent_s = int(self._values[self.places.silent_s])
        self._unheard_s = min(self._unheard_s + dt_s, _COUNT_MAX)
        if unit.updates != self._updates:
            self._updates = unit.updates
            # A silence counts no longer than it takes to be told; a turn as long as it is.
            new_s = min(self._unheard_s, max(silent_s, dt_s))
            self._unheard_s = 0
            if self._silent:
                self._silent = False
                self.core.events.raise_(self._event_heard)
            self.sensors.update(new_s)
            self._supplied = unit.status & SUPPLY_PRESENT != 0
            if not self._supplied:
                self.watch.unsettle()
            self.watch.update(self.heating.switching.output, new_s, bus_v)
        elif self._unheard_s >= silent_s and not self._silent:
            self._silent = True
            for heater in range(HEATERS):
                self._duty_before[heater] = self.heating.switching.output[heater]
            self.core.events.raise_(self._event_silent, self._unheard_s)
            self.sensors.silent()
            self.watch.unsettle()

    def _choose_column(self, dt_s: int) -> None:
        """The column of set-points: of the mode, or by the light."""
        lit = self._lit
        if self._power.link_ok:
            lit = self._power.status & (FEED_PRESENT | ARRAY_PRODUCING) != 0
        elif self.places.night_phase >= 0:
            # The last that was heard of array and feed may be of yesterday.
            lit = self._values[self.places.night_phase] != PHASE_NIGHT
        self._light_s = self._light_s + dt_s if lit != self._lit else 0
        if self._light_s >= self._values[self.places.light_s]:
            self._lit = lit
        column = int(self._values[self.places.column_of + self._mode])
        if column == BY_LIGHT:
            column = 0 if self._lit else NIGHT
        if column != self._column:
            self._column = column
            self.core.events.raise_(self._event_column, column)

    def _decide_supply(self, open_loop: int, dt_s: int) -> None:
        supply = self.supply
        heating = self.heating
        before = supply.held
        if self._silent:
            duty = self._duty_before
            for heater in range(HEATERS):
                if self.watch.state[heater] == UNCONTROLLED:
                    duty[heater] = 1.0
            supply.hold_total(duty, heating.watts, open_loop, dt_s)
        elif self.watch.count(UNCONTROLLED):
            supply.hold_back(heating.setpoint, heating.cut, open_loop, dt_s)
        else:
            supply.normal()
        if supply.held != before:
            self.core.events.raise_(self._event_supply, supply.held)
        if supply.wanted and not self._supplied and not self._silent:
            self._missing_s += dt_s
            if _PATIENCE_S <= self._missing_s < _PATIENCE_S + dt_s:
                self.core.events.raise_(self._event_supply_missing, self._missing_s)
        else:
            self._missing_s = 0

    def _tell_shortage(self, budget_w: float, dt_s: int) -> None:
        if not self.heating.short or not self._supplied:
            self._short_s = 0
            return
        self._short_s += dt_s
        if _PATIENCE_S <= self._short_s < _PATIENCE_S + dt_s:
            self.core.events.raise_(self._event_short, budget_w, self.heating.wanted_w)

    def _publish(self) -> None:
        values = self._values
        places = self.places
        sensors = self.sensors
        heating = self.heating
        for zone in range(ZONES):
            values[places.c + zone] = sensors.c[zone]
            values[places.valid + zone] = 1 if sensors.state[zone] == KNOWN else 0
        cut = 0
        for heater in range(HEATERS):
            values[places.setpoint + heater] = heating.setpoint[heater]
            values[places.duty + heater] = heating.switching.output[heater]
            values[places.heater_a + heater] = self._unit.heater_a[heater].value
            values[places.state + heater] = heating.state[heater]
            values[places.fault + heater] = self.watch.state[heater]
            cut |= heating.cut[heater] << heater
        values[places.heater_w] = heating.heater_w
        values[places.column] = self._column
        values[places.lit] = 1 if self._lit else 0
        values[places.supply_wanted] = 1 if self.supply.wanted else 0
        values[places.supply_present] = 1 if self._supplied else 0
        values[places.unit_silent] = 1 if self._silent else 0
        values[places.rejected_sensors] = sensors.mask()
        values[places.doubtful_zones] = sensors.zones(DOUBTFUL)
        values[places.lost_zones] = sensors.zones(LOST)
        values[places.faulty_heaters] = self.watch.mask()
        values[places.cut_outs] = cut
        values[places.rejections] = sensors.rejections
        values[places.heater_faults] = self.watch.faults
        values[places.cut_out_count] = heating.cut_outs
        values[places.unit_c] = self._unit.unit_c.value

    # --- what the parts find ------------------------------------------------------------------------------------------

    def sensor_rejected(self, zone: int, sensor: int, reason: int, value: float) -> None:
        self.core.events.raise_(self._event_rejected, zone, sensor, reason, value)

    def sensor_returned(self, zone: int, sensor: int) -> None:
        self.core.events.raise_(self._event_returned, zone, sensor)

    def zone_changed(self, zone: int, state: int, value: float) -> None:
        """Told once for each zone; a silent unit is told as such."""
        told = self._lost_told >> zone & 1
        if state != KNOWN and not self._silent:
            self._lost_told |= 1 << zone
        elif state == KNOWN and told:
            self._lost_told &= ~(1 << zone)
        else:
            return
        self.core.events.raise_(self._events_of_zone[state], zone, value)

    def heater_changed(self, heater: int, state: int, actual_a: float, expected_a: float) -> None:
        self.core.events.raise_(self._events_of_heater[state], HEATED[heater], actual_a, expected_a)

    def cut_out(self, heater: int, on: bool) -> None:
        zone = HEATED[heater]
        self.core.events.raise_(self._event_cut_out if on else self._event_cut_out_over, zone, self.sensors.hot[zone])

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, function: int, request: Request) -> int:
        """All take effect with the next turn."""
        zone = int(request.args[0])
        if function == self._reset_sensors:
            first = 0 if zone == _ALL else zone
            last = ZONES - 1 if zone == _ALL else zone
            for each in range(first, last + 1):
                self.sensors.trust(each)
            return DONE
        if zone == _ALL:
            code = DONE
            for heater in range(HEATERS):
                code = self._command_heater(function, heater, request)
            return code
        return self._command_heater(function, heater_of(zone), request)

    def _command_heater(self, function: int, heater: int, request: Request) -> int:
        heating = self.heating
        if function == self._set_setpoint:
            return self._take_setpoint(heater, request)
        if function == self._clear_setpoint:
            heating.overridden[heater] = 0
        elif function == self._heater_enable:
            return self._enable(1 << heater, True, request)
        elif function == self._heater_disable:
            return self._enable(1 << heater, False, request)
        elif function == self._reset_fault:
            self.watch.reset(heater)
        elif function == self._set_duty:
            # Nobody would see how hot it becomes, as long as its zone is not known.
            if heating.state[heater] >= CUT_OUT or self.sensors.state[HEATED[heater]] != KNOWN:
                return request.blame(STATE, 0, heating.state[heater])
            heating.manual[heater] = request.args[1]
            heating.manual_s[heater] = int(request.args[2])
        elif function == self._clear_duty:
            heating.manual_s[heater] = 0
        else:
            return UNKNOWN_FUNCTION
        return DONE

    def _take_setpoint(self, heater: int, request: Request) -> int:
        """A set-point that the cut-out would never let be reached is refused."""
        values = self._values
        places = self.places
        celsius = request.args[1]
        if not celsius <= values[places.cut_out + heater] - values[places.cut_out_band_k]:
            return request.blame(VALUE_RANGE, 1, int(celsius))
        self.heating.override[heater] = celsius
        self.heating.overridden[heater] = 1
        return DONE

    def _enable(self, bit: int, on: bool, request: Request) -> int:
        """The parameter that says which heaters may be used, kept over a restart."""
        parameters = self.core.parameters
        index = self.places.enabled
        enabled = int(self._values[index])
        parameters.put(index, enabled | bit if on else enabled & ~bit)
        status = parameters.save()
        return DONE if status >= 0 else request.blame(STORAGE, 0, status)
