"""Night app: knows the sun, prepares for the night, wakes up in it, and leads the board back at sunrise.

Lives here: phases of the lunar day and the events that lead through the modes. Does not live here: local solar time
(solar_time.py), the sun (sun.py), the stages of the return (dawn.py), and what is done: that is in sequences of the
dictionary, which the events start by event-actions and which an operator replaces by ST[21].

Phases. Lit is what the array or the lander's feed could supply: without them it is night for the battery, and on the
feed it is day. NIGHT begins when the sun goes below the horizon mask and nothing is lit, or when nothing has been lit
for `dark_s` whatever the clock says. It ends when something is lit and the sun is up, or when it has been lit for
`lit_s` although the clock says night. DAWN is the day until the return is over; DUSK the last `dusk_s` before the
predicted sunset. Without solar time there is no DUSK, and light alone tells day from night. While the power unit is
silent, the clock alone decides, and without a clock nothing changes.

Only the array sees the sun: what the feed does says nothing about solar time.

What an event asked for and what did not happen is asked for again each `again_s`, as long as `automatic` is on:
SURVIVAL in the night, the way out of it by day. So a board that was commanded to another mode at night for a while
finds its way. Phase and stage are kept: a restart during the return asks for the rest of it at once.
"""

from micropython import const

from ...device.power import ARRAY_PRODUCING, FEED_PRESENT
from ...service.failure import DONE, STATE, UNKNOWN_FUNCTION
from ...service.request import Request
from ...tables import MODE_BOOT, MODE_STANDBY, MODE_SURVIVAL
from ..base import App
from ..lunar_day import DAWN, DAY, DUSK, NEVER_S, NIGHT
from .dawn import Dawn
from .solar_time import ESTIMATED, KNOWN, UNKNOWN, SolarTime
from .sun import Sun

# Step of this app, s of board time: the 0.1 Hz group.
_STEP_S: int = const(10)
_FOREVER_S: int = const(0x3FFFFFFF)
# Modes that need not be led into the night.
_QUIET_MODES: int = 1 << MODE_SURVIVAL | 1 << MODE_BOOT
# Modes on the way of the return.
_RETURNING: int = 1 << MODE_SURVIVAL | 1 << MODE_STANDBY
_TURN_DEG = 360.0


class Night(App):
    """Allocates when made, never after. phase: DAY .. DAWN."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        super().__init__(core)
        self._values = core.values
        self._unit = core.devices.power
        self.time = SolarTime(core.store)
        self.time.load()
        self.sun = Sun()
        self.dawn = Dawn(core)
        self._bind(core.ids, core.index, core.supply)
        self.phase = DAY
        self.awake = False
        self.wake_ups = 0
        self._started = False
        self._mode = MODE_BOOT
        self._lit = False
        self._heard = False
        self._same_light_s = 0
        self._since_phase_s = 0
        self._since_asked_s = 0
        self._to_wake_s = 0
        self._awake_s = 0
        self._doubt_s = 0

    def _bind(self, ids, index, supply) -> None:  # type: ignore[no-untyped-def]
        self._latitude = index(ids.NIGHT_LATITUDE_DEG)
        self._declination = index(ids.NIGHT_DECLINATION_DEG)
        self._mask = index(ids.NIGHT_HORIZON_DEG)
        self._day = index(ids.NIGHT_SYNODIC_DAY_S)
        self._keep = index(ids.NIGHT_KEEP_S)
        self._dusk = index(ids.NIGHT_DUSK_S)
        self._dark = index(ids.NIGHT_DARK_S)
        self._lit_hold = index(ids.NIGHT_LIT_S)
        self._trust = index(ids.NIGHT_TRUST_S)
        self._again = index(ids.NIGHT_AGAIN_S)
        self._dawn_max = index(ids.NIGHT_DAWN_MAX_S)
        self._wake_period = index(ids.NIGHT_WAKE_PERIOD_S)
        self._wake = index(ids.NIGHT_WAKE_S)
        self._automatic = index(ids.NIGHT_AUTOMATIC)
        # A bench has it, where the payload's time may run faster than the board's; parts of the board have none.
        scale = getattr(ids, "DEVICE_TIME_SCALE", 0)
        self._scale = index(scale) if scale else -1
        self._points = (
            supply(ids.NIGHT_SUN_ELEVATION_DEG),
            supply(ids.NIGHT_HOUR_ANGLE_DEG),
            supply(ids.NIGHT_TO_SUNSET_S),
            supply(ids.NIGHT_TO_SUNRISE_S),
            supply(ids.NIGHT_TIME_STATE),
            supply(ids.NIGHT_PHASE),
            supply(ids.NIGHT_LIT),
            supply(ids.NIGHT_STAGE),
            supply(ids.NIGHT_AWAKE),
            supply(ids.NIGHT_WAKE_UPS),
            supply(ids.NIGHT_TO_WAKE_S),
        )
        self._functions = (ids.FUNCTION_NIGHT_SET_SOLAR_TIME, ids.FUNCTION_NIGHT_WAKE_UP)
        # By phase.
        self._begun = (
            ids.EVENT_NIGHT_DAY_BEGAN,
            ids.EVENT_NIGHT_DUSK_BEGAN,
            ids.EVENT_NIGHT_NIGHT_BEGAN,
            ids.EVENT_NIGHT_DAWN_BEGAN,
        )
        self._event_wake_up = ids.EVENT_NIGHT_WAKE_UP
        self._event_stage = ids.EVENT_NIGHT_STAGE_REACHED
        self._event_time_set = ids.EVENT_NIGHT_SOLAR_TIME_SET
        self._event_doubt = ids.EVENT_NIGHT_SOLAR_TIME_LOST

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, function: int, request: Request) -> int:
        if function == self._functions[0]:
            return self._set_time(request)
        if function == self._functions[1]:
            if self.awake:
                return request.blame(STATE, 0, 1)
            self._wake_up()
            return DONE
        return UNKNOWN_FUNCTION

    def _set_time(self, request: Request) -> int:
        """Hour angle, and the on-board time at which it held: two halves; 0 = now."""
        high = int(request.args[0])
        low = int(request.args[1])
        ago_s = 0
        if high or low:
            clock = self.core.time
            clock.update()
            if high > 0x3FFF or not clock.status:
                return request.blame(STATE, 0, clock.status)
            ago_s = clock.seconds - (high << 16 | low)
        day_s = int(self._values[self._day])
        self.time.set(int(request.args[2] / _TURN_DEG * day_s) + ago_s, day_s, KNOWN)
        self._doubt_s = 0
        self._look_at_sun()
        self._publish()
        self.core.events.raise_(self._event_time_set, self.sun.elevation_deg, self.sun.to_sunset_s)
        return DONE

    def mode_changed(self, mode: int, active: bool) -> None:
        self._mode = mode
        self._since_asked_s = 0

    # --- step ---------------------------------------------------------------------------------------------------------

    def step_01hz(self) -> None:
        """Ten seconds have passed."""
        values = self._values
        elapsed_s = _STEP_S * ((int(values[self._scale]) or 1) if self._scale >= 0 else 1)
        self.time.advance(elapsed_s, int(values[self._day]), int(values[self._keep]))
        self._look_at_light(elapsed_s)
        self._look_at_sun()
        if self._started:
            self._check_time(elapsed_s)
            self._follow(elapsed_s)
            self._duty(elapsed_s)
        else:
            self._start()
        self._publish()

    def _start(self) -> None:
        """The first look: which phase it is, without saying so; what has to follow is asked for as usual."""
        self._started = True
        kept = self.time.phase
        lit = self._lit if self._heard else kept != NIGHT
        up = self.sun.is_up if self.time.state != UNKNOWN else lit
        self.phase = DAY if up else NIGHT
        if up and (kept == DAWN or (kept == NIGHT and self._mode == MODE_STANDBY) or self._mode == MODE_SURVIVAL):
            self.phase = DAWN
            self.dawn.begin(self.time.stage if kept == DAWN else 0)
            # What was under way is asked for at once.
            self._since_asked_s = _FOREVER_S if kept >= NIGHT else 0
        self._keep_phase()
        self._to_wake_s = int(self._values[self._wake_period])

    def _look_at_light(self, elapsed_s: int) -> None:
        unit = self._unit
        self._heard = unit.link_ok
        lit = unit.status & (ARRAY_PRODUCING | FEED_PRESENT) != 0 if self._heard else self._lit
        if lit != self._lit:
            self._lit = lit
            self._same_light_s = 0
        elif self._heard and self._same_light_s < _FOREVER_S:
            self._same_light_s = min(self._same_light_s + elapsed_s, _FOREVER_S)

    def _look_at_sun(self) -> None:
        values = self._values
        self.sun.update(
            self.time.since_noon_s,
            int(values[self._day]),
            values[self._latitude],
            values[self._declination],
            values[self._mask],
        )

    def _is_night(self) -> bool:
        """See the head of this file."""
        values = self._values
        known = self.time.state != UNKNOWN
        down = known and not self.sun.is_up
        if not self._heard:
            return down if known else self.phase == NIGHT
        if self._lit:
            if self.phase == NIGHT:
                return down and self._same_light_s < values[self._lit_hold]
            return False
        return down or self.phase == NIGHT or self._same_light_s >= values[self._dark]

    def _sees_sun(self) -> bool:
        """Is there light on the array?"""
        return self._heard and self._unit.status & ARRAY_PRODUCING != 0

    def _check_time(self, elapsed_s: int) -> None:
        """Sun deep in a night that the clock tells, or an estimate with darkness deep in its day: it is wrong."""
        state = self.time.state
        if state == UNKNOWN or not self._heard:
            return
        sun = self.sun
        trust_s = self._values[self._trust]
        wrong = False
        if not sun.is_up and self._sees_sun():
            wrong = NEVER_S > sun.to_sunrise_s > trust_s and self._day_s() - sun.to_sunset_s > trust_s
        elif sun.is_up and not self._lit and state == ESTIMATED:
            wrong = NEVER_S > sun.to_sunset_s > trust_s and self._day_s() - sun.to_sunrise_s > trust_s
        if not wrong:
            self._doubt_s = 0
            return
        self._doubt_s += elapsed_s
        if self._doubt_s >= self._values[self._lit_hold]:
            self.core.events.raise_(self._event_doubt, sun.elevation_deg, 1 if self._lit else 0)
            self.time.forget()

    def _day_s(self) -> int:
        return int(self._values[self._day])

    def _follow(self, elapsed_s: int) -> None:
        """Find the phase; say what is new, or what was asked for and has not happened."""
        values = self._values
        self._since_phase_s = min(self._since_phase_s + elapsed_s, _FOREVER_S)
        self._since_asked_s = min(self._since_asked_s + elapsed_s, _FOREVER_S)
        phase = self.phase
        if self._is_night():
            phase = NIGHT
        elif phase == NIGHT:
            phase = DAWN
        elif phase == DAWN:
            if self.dawn.look(self._lit, elapsed_s):
                self._keep_phase()
                self.core.events.raise_(self._event_stage, self.dawn.stage)
            if (self.dawn.is_over() and self._mode != MODE_SURVIVAL) or self._since_phase_s >= values[self._dawn_max]:
                phase = DAY
        elif self.time.state != UNKNOWN and self.sun.is_up and self.sun.to_sunset_s <= values[self._dusk]:
            phase = DUSK
        else:
            phase = DAY
        if phase != self.phase:
            self._enter(phase)
        elif values[self._automatic] and self._since_asked_s >= values[self._again]:
            self._ask_again()

    def _enter(self, phase: int) -> None:
        before = self.phase
        self.phase = phase
        self._since_phase_s = 0
        if phase >= NIGHT:
            self.dawn.begin()
        if phase == DAWN and self.time.state == ESTIMATED and self._sees_sun():
            # The sun is seen to rise: that is what time it is.
            day_s = self._day_s()
            to_sunrise_s = self.sun.to_sunrise_s
            if to_sunrise_s != NEVER_S:
                early = to_sunrise_s if 2 * to_sunrise_s <= day_s else to_sunrise_s - day_s
                if abs(early) <= self._values[self._trust]:
                    self.time.set(self.time.since_noon_s + early, day_s, ESTIMATED)
                    self._look_at_sun()
        if phase == NIGHT:
            self._to_wake_s = int(self._values[self._wake_period])
        self._keep_phase()
        if not self._values[self._automatic]:
            return
        # Without a night before it a dawn leads nowhere, and a day after a dusk is a correction of the clock.
        if phase != DAY or before == DAWN:
            self._say(phase)

    def _keep_phase(self) -> None:
        time = self.time
        if time.phase != self.phase or time.stage != self.dawn.stage:
            time.phase = self.phase
            time.stage = self.dawn.stage
            time.keep()

    def _say(self, phase: int) -> None:
        self._since_asked_s = 0
        self.core.events.raise_(self._begun[phase], self.sun.elevation_deg, self.time.state)

    def _ask_again(self) -> None:
        if self.phase == NIGHT:
            if not 1 << self._mode & _QUIET_MODES:
                self._say(NIGHT)
        elif self.phase == DAWN:
            if 1 << self._mode & _RETURNING and self._lit and not self.core.sequencing.executor.running():
                self._say(DAWN)
        elif self._mode == MODE_SURVIVAL and self.phase == DAY and self._lit:
            self._enter(DAWN)

    def _duty(self, elapsed_s: int) -> None:
        """Wake-ups: the beacon and the radio are on for `wake_s` every `wake_period_s` of the night."""
        values = self._values
        if self.awake:
            self._awake_s += elapsed_s
            if self._awake_s >= values[self._wake]:
                self.awake = False
        if self.phase != NIGHT or self._mode != MODE_SURVIVAL or not values[self._wake_period]:
            return
        self._to_wake_s -= elapsed_s
        if self._to_wake_s <= 0:
            self._to_wake_s += int(values[self._wake_period])
            if self._to_wake_s <= 0:
                self._to_wake_s = int(values[self._wake_period])
            if not self.awake and values[self._automatic] and values[self._wake]:
                self._wake_up()

    def _wake_up(self) -> None:
        self.awake = True
        self._awake_s = 0
        self.wake_ups = (self.wake_ups + 1) & 0xFFFF
        self._values[self._points[8]] = 1
        self.core.events.raise_(self._event_wake_up, self.wake_ups)

    def _publish(self) -> None:
        values = self._values
        points = self._points
        sun = self.sun
        known = self.time.state != UNKNOWN
        values[points[0]] = sun.elevation_deg if known else 0.0
        values[points[1]] = sun.hour_angle_deg if known else 0.0
        # 0: not known. Other apps then reckon with a whole night.
        values[points[2]] = sun.to_sunset_s if known else 0
        values[points[3]] = sun.to_sunrise_s if known else 0
        values[points[4]] = self.time.state
        values[points[5]] = self.phase
        values[points[6]] = 1 if self._lit else 0
        values[points[7]] = self.dawn.stage
        values[points[8]] = 1 if self.awake else 0
        values[points[9]] = self.wake_ups
        values[points[10]] = self._to_wake_s if self.phase == NIGHT else 0
