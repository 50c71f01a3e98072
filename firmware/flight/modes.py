"""Modes of the board: the transition table at work, the command-loss timer, and what a start makes of the one before.

dictionary/modes.toml holds the table. A change is carried out at the next 10 Hz cycle, never inside a request: the exit
requests of the old mode, the change, the entry requests of the new one. A request of them that fails is told and stops
nothing. mode_bit of executive and router change together.

After a start the board is in BOOT until its first cycle; then it goes where `resume` of the last mode says: STANDBY and
NOMINAL go on, SCIENCE becomes NOMINAL (what was measured is not known any more), SURVIVAL goes on (power may fail many
times in a lunar night); everything else, and a board that remembers nothing, is in SAFE.

Repeated resets: each start that nobody commanded is kept with its age in running time; when reset_limit of them are not
older than reset_window_s, the board goes to SAFE and runs only the apps that run in SURVIVAL too, until a mode command.
An app whose code ran when the board crashed (an exception, a fault, a hang) is blamed: it does not run in isolation,
even if it runs in SURVIVAL, and only the ground can call its functions (not a mode, an event, the schedule or a
sequence), so that no app can keep the board restarting. A mode command, or a window without a restart, ends that. Ages
grow by a minute each minute, so a run that was shorter counts as no time, as does the time without power. Without
storage nothing is remembered: every start is the first one.
"""

from micropython import const

from .idle import NEVER, Idler
from .limits import BLAMED_MAX, RESETS_KEPT, STORE_BLAMED, STORE_MODE, STORE_RESETS
from .service.failure import DEFERRED, DONE, EXECUTIONS_FULL, STATE, TRANSITION
from .service.function import FunctionGuard, FunctionHandler
from .service.request import Request
from .tables import (
    MODE_BOOT,
    MODE_ENTRY,
    MODE_EXIT,
    MODE_NUMBER,
    MODE_RESUME,
    MODE_SAFE,
    MODE_SURVIVAL,
    MODES_MAX,
    Tables,
)

# Bit of tasks that run in SAFE and in SURVIVAL: those of an isolated board. Behind the bits of the modes.
_ISOLATED_BIT: int = const(1 << MODES_MAX)
# Modes in which the command-loss timer does not run: there is nowhere safer to go.
_WAITS: int = 1 << MODE_BOOT | 1 << MODE_SAFE | 1 << MODE_SURVIVAL
_NOBODY = const(-1)

REASON_START = const(0)
REASON_COMMAND = const(1)
REASON_COMMAND_LOSS = const(2)
REASON_REPEATED_RESETS = const(3)

# Record STORE_RESETS: 1 when the next start is a commanded one, starts over all time (2), number of ages, ages in s (2
# each). Record STORE_MODE: the mode.
_AGES_AT: int = const(4)
_AGE_STEP_S: int = const(60)
_AGE_MAX: int = const(0xFFFF)


class Modes(FunctionHandler, FunctionGuard, Idler):
    """Allocates when made, never after. core: the board, of which everything but the apps exists.

    mode: the present one. isolated: only what is needed to survive runs. starts, refused, actions_failed: mod 65536.
    """

    def __init__(self, core, tables: Tables) -> None:  # type: ignore[no-untyped-def]
        self._core = core
        self._values = core.values
        self._transitions = tables.TRANSITIONS
        self._app_modes = tables.APP_MODES
        self._rows = [((), (), MODE_SAFE)] * MODES_MAX
        for row in tables.MODES:
            self._rows[row[MODE_NUMBER]] = (row[MODE_ENTRY], row[MODE_EXIT], row[MODE_RESUME])
        ids = core.ids
        supply = core.supply
        self._points = (
            supply(ids.MODES_MODE),
            supply(ids.MODES_TIME_IN_MODE_S),
            supply(ids.MODES_COMMAND_LOSS_LEFT_S),
            supply(ids.MODES_STARTS),
            supply(ids.MODES_RECENT_RESETS),
            supply(ids.MODES_ISOLATED),
            supply(ids.MODES_REFUSED),
            supply(ids.MODES_ACTIONS_FAILED),
        )
        self._command_loss = core.index(ids.MODES_COMMAND_LOSS_S)
        self._reset_limit = core.index(ids.MODES_RESET_LIMIT)
        self._reset_window = core.index(ids.MODES_RESET_WINDOW_S)
        self._event_changed = ids.EVENT_MODES_CHANGED
        self._event_command_loss = ids.EVENT_MODES_COMMAND_LOSS
        self._event_repeated_resets = ids.EVENT_MODES_REPEATED_RESETS
        self._event_action_failed = ids.EVENT_MODES_ACTION_FAILED
        core.functions.add(ids.FUNCTION_MODES_CHANGE, self)
        core.functions.guard = self
        self.mode = MODE_BOOT
        self.isolated = False
        self.starts = 0
        self.refused = 0
        self.actions_failed = 0
        self._wanted = _NOBODY
        self._reason = REASON_START
        self._isolate = False
        self._execution = _NOBODY
        self._ages = [0] * RESETS_KEPT
        self._count = 0
        self._record = bytearray(_AGES_AT + 2 * RESETS_KEPT)
        self._octet = bytearray(1)
        self._blamed = 0
        self._blame_record = bytearray(3)
        self._uptime = [0, 0]
        self._since_s = 0
        self._heard_s = 0
        self._frames_ad = 0
        self._frames_bd = 0
        self._aged_s = 0

    # --- start --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything is made and parameters have their values: decide where BOOT ends. Allocates nothing."""
        self._remember_start()
        self._remember_blamed()
        for group in self._core.executive.groups:
            modes = group.modes
            for number in range(len(modes)):
                modes[number] |= self._survives(modes[number], group.apps[number])
        self._reason = REASON_START
        self._wanted = MODE_SAFE
        if self._core.store.get(STORE_MODE, self._octet) == 1 and self._octet[0] < MODES_MAX:
            wanted = self._rows[self._octet[0]][2]
            if self._transitions[MODE_BOOT] & 1 << wanted:
                self._wanted = wanted
        limit = self._values[self._reset_limit]
        if limit and self._count >= limit:
            self._core.events.raise_(self._event_repeated_resets, self._count, self._values[self._reset_window])
            self._reason = REASON_REPEATED_RESETS
            self._wanted = MODE_SAFE
            self._isolate = True

    def blame(self, app: int) -> None:
        """The crash that the board has started from was in app number *app*, 0 = in none. Before start()."""
        if 0 < app <= BLAMED_MAX:
            self._blamed = 1 << app - 1

    def _survives(self, modes: int, app: int) -> int:
        """The bit of an isolated board, where what runs in *modes* and belongs to *app* is for it; else 0."""
        if app and self._blamed & 1 << app - 1:
            return 0
        return _ISOLATED_BIT if modes & 1 << MODE_SAFE and modes & 1 << MODE_SURVIVAL else 0

    def allows(self, app: int, request: Request) -> bool:
        """In isolation, from its start on, the board itself leaves a blamed app alone; the ground may know better."""
        if not self.isolated and not self._isolate:
            return True
        return not self._blamed & 1 << app or request.buffer is self._core.uplink.buffer

    def _remember_blamed(self) -> None:
        record = self._blame_record
        new = self._blamed
        if self._core.store.get(STORE_BLAMED, record) == len(record):
            self._blamed |= record[0] << 16 | record[1] << 8 | record[2]
        if new:
            self._keep_blamed()

    def _keep_blamed(self) -> None:
        record = self._blame_record
        record[0] = self._blamed >> 16
        record[1] = self._blamed >> 8 & 0xFF
        record[2] = self._blamed & 0xFF
        self._core.store.put(STORE_BLAMED, record, 0, len(record))

    def _forgive(self) -> None:
        if self._blamed:
            self._blamed = 0
            self._keep_blamed()

    def _remember_start(self) -> None:
        """Take the ages of the starts before, add this one, keep all of them."""
        record = self._record
        length = self._core.store.get(STORE_RESETS, record)
        commanded = False
        if length >= _AGES_AT:
            commanded = record[0] == 1
            self.starts = record[1] << 8 | record[2]
            for number in range(min(record[3], RESETS_KEPT, (length - _AGES_AT) // 2)):
                self._ages[number] = record[_AGES_AT + 2 * number] << 8 | record[_AGES_AT + 2 * number + 1]
                self._count = number + 1
        self.starts = (self.starts + 1) & 0xFFFF
        self._forget_old(0)
        if not commanded:
            if self._count == RESETS_KEPT:
                self._drop_oldest()
            self._ages[self._count] = 0
            self._count += 1
        self._keep_resets(0)

    def _drop_oldest(self) -> None:
        self._count -= 1
        for number in range(self._count):
            self._ages[number] = self._ages[number + 1]

    def _forget_old(self, grown_s: int) -> None:
        """All starts are *grown_s* older; those outside the window do not count any more."""
        ages = self._ages
        for number in range(self._count):
            ages[number] = min(ages[number] + grown_s, _AGE_MAX)
        while self._count and ages[0] >= self._values[self._reset_window]:
            self._drop_oldest()
        if not self._count and grown_s:
            self._forgive()

    def _keep_resets(self, commanded: int) -> None:
        """Put the record of the starts into the store. What the store says is in its own counters."""
        record = self._record
        record[0] = commanded
        record[1] = self.starts >> 8
        record[2] = self.starts & 0xFF
        record[3] = self._count
        at = _AGES_AT
        for number in range(self._count):
            record[at] = self._ages[number] >> 8
            record[at + 1] = self._ages[number] & 0xFF
            at += 2
        self._core.store.put(STORE_RESETS, record, 0, at)

    def restart_commanded(self) -> None:
        """The next start is one that was asked for."""
        self._keep_resets(1)

    # --- changes ------------------------------------------------------------------------------------------------------

    def allowed(self, mode: int) -> bool:
        """The transition table leads from the present mode to *mode*, or it is the present one."""
        return mode == self.mode or self._transitions[self.mode] & 1 << mode != 0

    def command(self, function: int, request: Request) -> int:
        """Change the mode: completed by the cycle that does it."""
        mode = int(request.args[0])
        if not self.allowed(mode):
            self.refused = (self.refused + 1) & 0xFFFF
            return request.blame(TRANSITION, 0, mode)
        if self._wanted != _NOBODY:
            return request.blame(STATE, 0, self._wanted)
        if mode == self.mode and not self.isolated:
            return DONE
        slot = self._core.verification.defer(request)
        if slot < 0:
            return EXECUTIONS_FULL
        self._execution = slot
        self._wanted = mode
        self._reason = REASON_COMMAND
        return DEFERRED

    def step_10hz(self) -> None:
        """Carry out the change that is wanted. First of its cycle."""
        if self._wanted == _NOBODY:
            return
        before = self.mode
        mode = self._wanted
        execution = self._execution
        self._wanted = self._execution = _NOBODY
        if mode != before:
            self._perform(self._rows[before][1], before)
        self.mode = mode
        if self.isolated and not self._isolate:
            self._forgive()
        self.isolated = self._isolate
        self._isolate = False
        core = self._core
        core.router.mode_bit = 1 << mode
        core.executive.mode_bit = _ISOLATED_BIT if self.isolated else 1 << mode
        core.hal.clock.uptime(self._uptime)
        self._since_s = self._uptime[0]
        # A change alone is no word from the ground: the schedule and sequences ask for some too.
        if 1 << before & _WAITS:
            self._heard_s = self._since_s
        self._octet[0] = mode
        core.store.put(STORE_MODE, self._octet, 0, 1)
        self._tell_apps()
        core.events.raise_(self._event_changed, before, mode, self._reason)
        self._publish()
        if mode != before:
            self._perform(self._rows[mode][0], mode)
        if execution >= 0:
            core.verification.close(execution)

    def idle_cycles(self) -> int:
        return NEVER if self._wanted == _NOBODY else 0

    def _tell_apps(self) -> None:
        core = self._core
        bit = core.executive.mode_bit
        apps = core.apps
        for number in range(len(apps)):
            modes = self._app_modes[number]
            active = (modes | self._survives(modes, number + 1)) & bit != 0
            if not self.isolated or not self._blamed & 1 << number:
                core.hal.note_app(number + 1)
                apps[number].mode_changed(self.mode, active)
                core.hal.note_app(0)

    def _perform(self, packets, mode: int) -> None:  # type: ignore[no-untyped-def]
        """Execute the requests that belong to *mode*."""
        core = self._core
        for number in range(len(packets)):
            packet = packets[number]
            status = core.router.execute(packet, 0, len(packet))
            if status > DONE:
                self.actions_failed = (self.actions_failed + 1) & 0xFFFF
                core.events.raise_(self._event_action_failed, mode, number, status)

    # --- time ---------------------------------------------------------------------------------------------------------

    def step_1hz(self) -> None:
        """Command-loss timer, ages of resets, points."""
        core = self._core
        core.hal.clock.uptime(self._uptime)
        now_s = self._uptime[0]
        uplink = core.uplink
        if uplink.frames_ad != self._frames_ad or uplink.frames_bd != self._frames_bd:
            self._frames_ad = uplink.frames_ad
            self._frames_bd = uplink.frames_bd
            self._heard_s = now_s
        if self._count and now_s - self._aged_s >= _AGE_STEP_S:
            self._forget_old(now_s - self._aged_s)
            self._aged_s = now_s
            self._keep_resets(0)
        self._watch_commands(now_s)
        self._publish()

    def _watches(self) -> int:
        """Seconds without a frame that are allowed in this mode; 0 = any number."""
        return 0 if 1 << self.mode & _WAITS else int(self._values[self._command_loss])

    def _watch_commands(self, now_s: int) -> None:
        limit_s = self._watches()
        if limit_s and now_s - self._heard_s >= limit_s and self._wanted == _NOBODY:
            self._core.events.raise_(self._event_command_loss, now_s - self._heard_s)
            self._wanted = MODE_SAFE
            self._reason = REASON_COMMAND_LOSS

    def _publish(self) -> None:
        """Points as they are now. _uptime is up to date."""
        values = self._values
        points = self._points
        now_s = self._uptime[0]
        limit_s = self._watches()
        values[points[0]] = self.mode
        values[points[1]] = now_s - self._since_s
        values[points[2]] = max(limit_s - (now_s - self._heard_s), 0) if limit_s else 0
        values[points[3]] = self.starts
        values[points[4]] = self._count
        values[points[5]] = 1 if self.isolated else 0
        values[points[6]] = self.refused
        values[points[7]] = self.actions_failed
