"""Power app: measures bus, sources and battery; counts the charge; switches loads; guards the battery; forecasts.

Lives here: the order of a look and what the ground sees. Does not live here: the charge (charge.py), the
temperatures of charging (charger.py), the loads (loads.py), the forecast, the heaters' budget and the energy state
(energy.py), how the unit is reached (flight/device).

A look is what is done with each new set of readings. Modes are driven by events, which the dictionary's event-actions
turn into mode requests that an operator can replace: low charge or voltage in STANDBY, NOMINAL and SCIENCE asks for
SAFE, a critical one in SAFE for SURVIVAL; it is asked again each minute until it has happened.
"""

from micropython import const

from ...device.power import ARRAY_PRODUCING, FEED_PRESENT, HEATER_SUPPLY, LOADS, UNDERVOLTAGE
from ...limits import STORE_POWER
from ...service.failure import DONE, STATE, STORAGE, UNKNOWN_FUNCTION
from ...service.request import Request
from ...tables import MODE_NOMINAL, MODE_SAFE, MODE_SCIENCE, MODE_STANDBY
from ..base import App
from ..lunar_day import NIGHT
from .charge import CELL_LOST, DISAGREES, StateOfCharge
from .charger import Charger
from .energy import STATE_CRITICAL, STATE_NORMAL, Energy
from .loads import LATCHED, RESTORED, SHED, STUCK_OFF, STUCK_ON, TRIPPED, Loads

# Record of the journal: version, wanted, latched for good, flags (charger allowed 1, cells lost from bit 1 on, and
# those below), charge (4).
_RECORD: int = const(8)
_VERSION: int = const(1)
_CHARGE_UNKNOWN: int = const(0x80)
_FEED_FORBIDDEN: int = const(0x40)
_CELLS_LOST: int = const(0x3E)
_ASK_AGAIN_S: int = const(60)
# Looks in a row without voltage or current of the battery, before it is told.
_LOOKS: int = const(3)
# After a start nothing is known of the unit; the first readings should have come by then, in the board's time.
_NOT_YET: int = const(-1)
_FIRST_S: int = const(60)
# A sensor of the pack has been bad for so long before it is told; good ones make up for it four times slower.
_PACK_S: int = const(60)
# While the unit is silent the forecast goes on so often.
_BLIND_S: int = const(60)
_WORKING: int = 1 << MODE_STANDBY | 1 << MODE_NOMINAL | 1 << MODE_SCIENCE


class Power(App):
    """Allocates when made, never after."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        super().__init__(core)
        self._unit = core.devices.power
        self._values = core.values
        self.soc = StateOfCharge(core)
        self.charger = Charger(core)
        self.loads = Loads(core, self._unit, self)
        self.energy = Energy(core)
        self._bind(core.ids, core.index)
        self._supply(core.ids, core.supply)
        self._record = bytearray(_RECORD)
        self._kept_mas = 0
        self._since_kept_s = 0
        self._started = False
        self._mode = 0
        self._seen = 0
        self._silent_s = 0
        self._ask_s = 0
        self._link = _NOT_YET
        self._first_s = _FIRST_S
        self._feed = False
        self._cut_off = False
        self._disagrees = False
        self._unmeasured = 0  # looks in a row
        self._uncounted_s = 0
        self._pack_s = 0
        self._pack_told = False
        self._blind_s = 0
        self._spent_pct = 0.0  # of the charge, since the unit is silent
        self._inhibit = 0
        self._restarts = 0
        self._supply_heeded = False

    def _bind(self, ids, index) -> None:  # type: ignore[no-untyped-def]
        """Parameters and numbers of the dictionary."""
        self._default_loads = index(ids.POWER_DEFAULT_LOADS)
        self._charge_a = index(ids.POWER_CHARGE_LIMIT_A)
        self._charge_v = index(ids.POWER_CHARGE_LIMIT_V)
        self._keep_pct = index(ids.POWER_KEEP_PCT)
        self._keep_s = index(ids.POWER_KEEP_S)
        self._pack_sensors = index(ids.POWER_PACK_SENSORS)
        self._night_power = index(ids.POWER_NIGHT_POWER_W)
        scale = getattr(ids, "DEVICE_TIME_SCALE", 0)
        self._scale = index(scale) if scale else -1
        # Of other apps, which a mission may not have.
        phase = getattr(ids, "NIGHT_PHASE", 0)
        self._phase = index(phase) if phase else -1
        supply = getattr(ids, "THERMAL_SUPPLY_WANTED", 0)
        self._supply_wanted = index(supply) if supply else -1
        self._functions = (
            ids.FUNCTION_POWER_LOAD_ON,
            ids.FUNCTION_POWER_LOAD_OFF,
            ids.FUNCTION_POWER_SET_LOADS,
            ids.FUNCTION_POWER_CLEAR_LATCH,
            ids.FUNCTION_POWER_SET_CHARGER,
            ids.FUNCTION_POWER_SET_SOC,
            ids.FUNCTION_POWER_SET_FEED,
        )
        # By what happened to a load (loads.py).
        events = [0] * 6
        events[SHED] = ids.EVENT_POWER_LOAD_SHED
        events[RESTORED] = ids.EVENT_POWER_LOAD_RESTORED
        events[TRIPPED] = ids.EVENT_POWER_LOAD_TRIPPED
        events[LATCHED] = ids.EVENT_POWER_LOAD_LATCHED
        events[STUCK_ON] = ids.EVENT_POWER_LOAD_STUCK_ON
        events[STUCK_OFF] = ids.EVENT_POWER_LOAD_STUCK_OFF
        self._load_events = events
        self._event_feed_lost = ids.EVENT_POWER_FEED_LOST
        self._event_feed_back = ids.EVENT_POWER_FEED_BACK
        self._event_undervoltage = ids.EVENT_POWER_UNDERVOLTAGE
        self._event_inhibited = ids.EVENT_POWER_CHARGE_INHIBITED
        self._event_low = ids.EVENT_POWER_LOW_CHARGE
        self._event_critical = ids.EVENT_POWER_CRITICAL_CHARGE
        self._event_state = ids.EVENT_POWER_STATE_CHANGED
        self._event_link_lost = ids.EVENT_POWER_LINK_LOST
        self._event_link_back = ids.EVENT_POWER_LINK_BACK
        self._event_restarted = ids.EVENT_POWER_UNIT_RESTARTED
        self._event_disagrees = ids.EVENT_POWER_CHARGE_DISAGREES
        self._event_cells = ids.EVENT_POWER_CELLS_LOST
        self._event_unknown = ids.EVENT_POWER_BATTERY_UNKNOWN
        self._event_pack_bad = ids.EVENT_POWER_PACK_SENSOR_BAD
        self._event_pack_good = ids.EVENT_POWER_PACK_SENSORS_GOOD
        self._event_known = ids.EVENT_POWER_BATTERY_KNOWN

    def _supply(self, ids, supply) -> None:  # type: ignore[no-untyped-def]
        """Points, in the order in which _publish() and _measure() write them."""
        self._measured = (
            supply(ids.POWER_BUS_V),
            supply(ids.POWER_BUS_A),
            supply(ids.POWER_ARRAY_V),
            supply(ids.POWER_ARRAY_A),
            supply(ids.POWER_FEED_V),
            supply(ids.POWER_FEED_A),
            supply(ids.POWER_BATTERY_V),
            supply(ids.POWER_BATTERY_A),
            supply(ids.POWER_UNIT_C),
        )
        self._load_a = supply(ids.POWER_HEATER_SUPPLY_A)
        for identifier in (
            ids.POWER_RADIO_A,
            ids.POWER_INSTRUMENT_A,
            ids.POWER_CAMERA_A,
            ids.POWER_RECORDER_A,
            ids.POWER_MECHANISM_A,
            ids.POWER_BEACON_A,
        ):
            supply(identifier)
        assert supply(ids.POWER_SPARE_A) == self._load_a + LOADS - 1
        self._points = (
            supply(ids.POWER_VALID),
            supply(ids.POWER_ARRAY_W),
            supply(ids.POWER_FEED_W),
            supply(ids.POWER_BATTERY_C),
            supply(ids.POWER_BATTERY_C_VALID),
            supply(ids.POWER_BATTERY_SOC),
            supply(ids.POWER_CELLS_LOST),
            supply(ids.POWER_SOC_MISMATCH),
            supply(ids.POWER_SOC_CORRECTIONS),
            supply(ids.POWER_FEED_PRESENT),
            supply(ids.POWER_UNIT_STATUS),
            supply(ids.POWER_CHARGER_ON),
            supply(ids.POWER_CHARGE_INHIBIT),
            supply(ids.POWER_LOAD_WANTED),
            supply(ids.POWER_LOAD_ON),
            supply(ids.POWER_LOAD_SHED),
            supply(ids.POWER_LOAD_LATCHED),
            supply(ids.POWER_LOAD_STUCK),
            supply(ids.POWER_TRIPS),
            supply(ids.POWER_STATE),
            supply(ids.POWER_HEATER_BUDGET_W),
            supply(ids.POWER_ENERGY_WH),
            supply(ids.POWER_ENERGY_MARGIN_WH),
            supply(ids.POWER_NIGHT_W),
            supply(ids.POWER_DARK_S),
        )

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, function: int, request: Request) -> int:
        if not self._started:
            self._start()
        functions = self._functions
        argument = request.args[0]
        if function == functions[0]:
            return self._switch(int(argument), True, request)
        if function == functions[1]:
            return self._switch(int(argument), False, request)
        if function == functions[2]:
            self.loads.wanted = int(argument)
        elif function == functions[3]:
            self.loads.clear(int(argument))
        elif function == functions[4]:
            self.charger.allowed = argument != 0
            self._guard_battery()
        elif function == functions[5]:
            self.soc.set_percent(argument)
        elif function == functions[6]:
            self._unit.set_feed(argument != 0)
        else:
            return UNKNOWN_FUNCTION
        self.loads.apply()
        return self._keep_for(request)

    def _switch(self, load: int, on: bool, request: Request) -> int:
        loads = self.loads
        bit = 1 << load
        if on and (loads.latched | loads.shed) & bit:
            return request.blame(STATE, 0, load)
        loads.wanted = loads.wanted | bit if on else loads.wanted & ~bit
        loads.apply()
        return self._keep_for(request)

    def _keep_for(self, request: Request) -> int:
        status = self._keep()
        return DONE if status >= 0 else request.blame(STORAGE, 0, status)

    def mode_changed(self, mode: int, active: bool) -> None:
        self._mode = mode
        self._ask_s = 0

    def told(self, what: int, load: int, amperes: float) -> None:
        """Something happened to a load (loads.py)."""
        self.core.events.raise_(self._load_events[what], load, amperes)
        if what == LATCHED:
            # A restart must not switch it on again.
            self._keep()

    # --- steps --------------------------------------------------------------------------------------------------------

    def step_1hz(self) -> None:
        """Look at new readings; tell when there are none."""
        if not self._started:
            self._start()
        unit = self._unit
        # On a bench the payload's time may run faster than the board's.
        passed_s = (int(self._values[self._scale]) or 1) if self._scale >= 0 else 1
        self._silent_s += passed_s
        if unit.updates != self._seen:
            self._seen = unit.updates
            elapsed_s = self._silent_s
            self._silent_s = 0
            self._spent_pct = 0.0
            self._look(elapsed_s)
        link = 1 if unit.link_ok else 0
        if self._first_s:
            self._first_s -= 1
        if link != self._link and (self._link != _NOT_YET or link or not self._first_s):
            self._link_changed(link)
        if not self._link:
            self._blind_s += passed_s
            if self._blind_s >= _BLIND_S:
                self._forecast_blind(self._blind_s)
                self._blind_s = 0

    def _start(self) -> None:
        """What was kept, else what the parameters say; the unit gets its limits."""
        self._started = True
        record = self._record
        loads = self.loads
        loads.wanted = int(self._values[self._default_loads])
        if self.core.store.get(STORE_POWER, record) == _RECORD and record[0] == _VERSION:
            loads.wanted = record[1]
            loads.latched = record[2]
            for load in range(LOADS):
                if loads.latched >> load & 1:
                    loads.tries[load] = 255
            self.charger.allowed = record[3] & 1 != 0
            self.soc.series_lost = (record[3] & _CELLS_LOST) >> 1
            if record[3] & _FEED_FORBIDDEN:
                self._unit.set_feed(False)
            if not record[3] & _CHARGE_UNKNOWN:
                self.soc.charge_mas = record[4] << 24 | record[5] << 16 | record[6] << 8 | record[7]
                self.soc.known = True
        self._kept_mas = self.soc.charge_mas
        self._limit_charge()
        loads.apply()

    def _keep(self) -> int:
        """What survives a restart; the store's status."""
        record = self._record
        charge = self.soc.charge_mas
        record[0] = _VERSION
        record[1] = self.loads.wanted
        record[2] = self.loads.latched_for_good()
        record[3] = (1 if self.charger.allowed else 0) | self.soc.series_lost << 1
        if not self.soc.known:
            record[3] |= _CHARGE_UNKNOWN
        if not self._unit.feed_wanted:
            record[3] |= _FEED_FORBIDDEN
        record[4] = charge >> 24
        record[5] = charge >> 16 & 0xFF
        record[6] = charge >> 8 & 0xFF
        record[7] = charge & 0xFF
        self._kept_mas = charge
        self._since_kept_s = 0
        return int(self.core.store.put(STORE_POWER, record, 0, _RECORD))

    def _link_changed(self, link: int) -> None:
        before = self._link
        self._link = link
        if link:
            if before != _NOT_YET:
                self.core.events.raise_(self._event_link_back)
        else:
            # As soon as the unit hears us again it shall not charge a battery whose temperature is not known.
            self.charger.valid = 0
            self._guard_battery()
            # What is told from now on is known; what was measured is the last there was.
            self._publish()
            self._values[self._points[0]] = 0
            self.core.events.raise_(self._event_link_lost)

    def _look(self, elapsed_s: int) -> None:
        """New readings have come, *elapsed_s* after those before."""
        unit = self._unit
        soc = self.soc
        charger = self.charger
        charger.look(unit.battery_c)
        self._watch_pack(elapsed_s)
        self._uncounted_s += elapsed_s
        if self._is_measured():
            found = soc.update(unit.battery_v.value, unit.battery_a.value, charger.median_c, self._uncounted_s)
            self._uncounted_s = 0
            self._battery_found(found)
        self._limit_charge()
        self._guard_battery()
        self._hold_supply()
        unit.set_charge_limit_a(self._values[self._charge_a])
        self.loads.limits()
        # Limits of voltages are those of all cells.
        bus_v = unit.bus_v.value / soc.share_left()
        self.loads.update(soc.percent(), soc.known, bus_v, unit.bus_v.valid, elapsed_s)
        self._forecast(elapsed_s)
        self._watch_unit()
        self._drive_modes(elapsed_s)
        self._publish()
        self._since_kept_s += elapsed_s
        changed_mas = abs(soc.charge_mas - self._kept_mas)
        if (
            self._since_kept_s >= self._values[self._keep_s]
            or changed_mas * 100.0 > self._values[self._keep_pct] * soc.capacity_mas()
        ):
            self._keep()

    def _watch_pack(self, elapsed_s: int) -> None:
        """Sensors of the pack: told when one has been bad for long, and when all have been good for longer."""
        if self.charger.good < self._values[self._pack_sensors]:
            self._pack_s = min(self._pack_s + elapsed_s, _PACK_S)
            if self._pack_s == _PACK_S and not self._pack_told:
                self._pack_told = True
                self.core.events.raise_(self._event_pack_bad, self.charger.good)
            return
        self._pack_s = max(0, self._pack_s - (elapsed_s + 3) // 4)
        if self._pack_s == 0 and self._pack_told:
            self._pack_told = False
            self.core.events.raise_(self._event_pack_good)

    def _is_measured(self) -> bool:
        """Are voltage and current of the battery valid? Tells when they are not for some looks, and when again."""
        unit = self._unit
        if unit.battery_v.valid and unit.battery_a.valid:
            if self._unmeasured >= _LOOKS:
                self.core.events.raise_(self._event_known)
            self._unmeasured = 0
            return True
        if self._unmeasured < _LOOKS:
            self._unmeasured += 1
            if self._unmeasured == _LOOKS:
                self.core.events.raise_(self._event_unknown, self.soc.percent())
        return False

    def _battery_found(self, found: int) -> None:
        events = self.core.events
        if found >= CELL_LOST:
            events.raise_(self._event_cells, self.soc.series_lost, self.soc.mismatch_pct)
        if (found == DISAGREES) != self._disagrees:
            self._disagrees = found == DISAGREES
            if self._disagrees:
                events.raise_(self._event_disagrees, self.soc.percent(), self.soc.mismatch_pct)

    def _limit_charge(self) -> None:
        """The charge voltage is that of the cells that are left."""
        unit = self._unit
        volts = self._values[self._charge_v] * self.soc.share_left()
        self.charger.too_few_cells = volts < unit.charge_v_min
        unit.set_charge_limit_v(volts)

    def _guard_battery(self) -> None:
        charger = self.charger
        self._unit.set_charger(charger.decide())
        if charger.inhibit & ~self._inhibit:
            self.core.events.raise_(self._event_inhibited, charger.inhibit, charger.median_c)
        self._inhibit = charger.inhibit

    def _hold_supply(self) -> None:
        """The thermal app may take the supply from heaters that it cannot stop otherwise; before it runs it says 0."""
        if self._supply_wanted < 0:
            return
        wanted = self._values[self._supply_wanted] != 0
        if wanted:
            self._supply_heeded = True
            self.loads.held = 0
        elif self._supply_heeded:
            self.loads.held = 1 << HEATER_SUPPLY

    def _forecast(self, elapsed_s: int) -> None:
        unit = self._unit
        if self._unmeasured:
            # In the dark it gives what a night is expected to take.
            lit = unit.status & (FEED_PRESENT | ARRAY_PRODUCING) != 0
            discharge_w = 0.0 if lit else self._values[self._night_power]
        else:
            discharge_w = -unit.battery_a.value * unit.battery_v.value
        others_w = 0.0
        if unit.bus_v.valid and unit.bus_a.valid:
            others_w = (unit.bus_a.value - unit.load_a[HEATER_SUPPLY].value) * unit.bus_v.value
        # Below this it is the error of the measurement.
        if discharge_w < 0.5:
            discharge_w = 0.0
        usable_pct = self.soc.usable_pct(self.charger.median_c)
        self.energy.update(usable_pct, self.soc.share_left(), discharge_w, others_w, self._supply_may(), elapsed_s)

    def _supply_may(self) -> bool:
        """May the heaters' supply be on? Held back it is the thermal app's own doing."""
        loads = self.loads
        return (loads.wanted & ~loads.shed & ~loads.latched) >> HEATER_SUPPLY & 1 != 0

    def _forecast_blind(self, elapsed_s: int) -> None:
        """The unit is silent: the clock says whether the battery is used, and what is expected of a night how much."""
        values = self._values
        share_left = self.soc.share_left()
        dark = self._phase < 0 or values[self._phase] == NIGHT
        discharge_w = values[self._night_power] if dark else 0.0
        self._spent_pct += discharge_w * elapsed_s / 36.0 / self.energy.battery_wh(share_left)
        usable_pct = self.soc.usable_pct(self.charger.median_c) - self._spent_pct
        self.energy.update(usable_pct, share_left, discharge_w, 0.0, self._supply_may(), elapsed_s)
        self._publish_energy()

    def _watch_unit(self) -> None:
        """The lander's feed, the unit's own cut-off, its restarts."""
        unit = self._unit
        events = self.core.events
        feed = unit.status & FEED_PRESENT != 0
        if feed != self._feed:
            self._feed = feed
            events.raise_(self._event_feed_back if feed else self._event_feed_lost, unit.feed_v.value)
        cut_off = unit.status & UNDERVOLTAGE != 0
        if cut_off:
            if not self._cut_off:
                self.loads.wanted &= int(self._values[self._default_loads])
                self.loads.apply()
                events.raise_(self._event_undervoltage, unit.battery_v.value)
            # It switches on again only what it is told anew.
            unit.tell_again()
        self._cut_off = cut_off
        if unit.restarts != self._restarts:
            self._restarts = unit.restarts
            events.raise_(self._event_restarted, unit.restarts)

    def _drive_modes(self, elapsed_s: int) -> None:
        energy = self.energy
        soc_pct = self.soc.percent()
        before = energy.state
        volts = self._unit.battery_v
        if energy.judge(soc_pct, self.soc.known, volts.value / self.soc.share_left(), volts.valid):
            self.core.events.raise_(self._event_state, before, energy.state, soc_pct)
            self._ask_s = 0
        if energy.state == STATE_NORMAL:
            return
        self._ask_s -= elapsed_s
        if self._ask_s > 0:
            return
        if 1 << self._mode & _WORKING:
            self._ask_s = _ASK_AGAIN_S
            self.core.events.raise_(self._event_low, soc_pct, self._unit.battery_v.value)
        elif self._mode == MODE_SAFE and energy.state == STATE_CRITICAL:
            self._ask_s = _ASK_AGAIN_S
            self.core.events.raise_(self._event_critical, soc_pct, self._unit.battery_v.value)

    def _publish(self) -> None:
        unit = self._unit
        values = self._values
        measured = self._measured
        for number in range(len(measured)):
            values[measured[number]] = unit.all[number].value
        at = self._load_a
        for load in range(LOADS):
            values[at + load] = unit.load_a[load].value
        points = self._points
        soc = self.soc
        charger = self.charger
        loads = self.loads
        energy = self.energy
        values[points[0]] = 0 if self._unmeasured else 1
        values[points[1]] = unit.array_v.value * unit.array_a.value
        values[points[2]] = unit.feed_v.value * unit.feed_a.value
        values[points[3]] = charger.median_c
        values[points[4]] = charger.valid
        values[points[5]] = soc.percent()
        values[points[6]] = soc.series_lost
        values[points[7]] = soc.mismatch_pct
        values[points[8]] = soc.corrections
        values[points[9]] = 1 if self._feed else 0
        values[points[10]] = unit.status
        values[points[11]] = 1 if unit.charger_wanted else 0
        values[points[12]] = charger.inhibit
        values[points[13]] = loads.wanted
        values[points[14]] = unit.load_on
        values[points[15]] = loads.shed & loads.wanted
        values[points[16]] = loads.latched
        values[points[17]] = loads.stuck_on | loads.stuck_off
        values[points[18]] = loads.trips
        values[points[19]] = energy.state
        self._publish_energy()

    def _publish_energy(self) -> None:
        values = self._values
        points = self._points
        energy = self.energy
        values[points[20]] = energy.budget_w
        values[points[21]] = energy.available_wh
        values[points[22]] = energy.margin_wh
        values[points[23]] = energy.night_w
        values[points[24]] = energy.dark_s
