"""Cyclic executive: a 10 Hz cycle, three rate groups, what is polled in between, and the watchdog.

Time comes from the injected clock alone, so a run in virtual time is the same run. A cycle that comes late is not made
up for: the next one is where it would have been. Groups of 1 Hz and 0.1 Hz run in cycles of their own (PHASE), so that
they do not add up.

Cycles in which nothing is due can be left out: leave_out() counts them as done, with the same result as if they had
run. In virtual time that is most of them; a board has nothing to gain and runs them all.
"""

from micropython import const

from .hal.null import Clock, Watchdog
from .idle import NEVER, Idler
from .limits import CYCLE_MS, GROUP_BUDGETS_US, GROUP_CYCLES, GROUP_PHASES, VOUCHED_CYCLES, WATCHDOG_MS

_TICKS_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)
LOAD_CYCLES = const(10)  # the load is told for one second


class RateGroup:
    """Tasks that run every `cycles` cycles, in the order they were added.

    budget_us: what one run may take. last_us, worst_us: what runs took. overruns: runs over budget, mod 65536.
    age: cycles since the last run ended.
    """

    def __init__(self, cycles: int, phase: int, budget_us: int) -> None:
        self.cycles = cycles
        self.left = phase + 1
        self.budget_us = budget_us
        self.last_us = 0
        self.worst_us = 0
        self.overruns = 0
        self.age = 0
        self.tasks: list = []  # type: ignore[type-arg]
        self.modes: list[int] = []
        self.apps: list[int] = []
        self.idlers: list[Idler] = []

    def add(  # type: ignore[no-untyped-def]
        self, task, modes: int, idler: "Idler | None" = None, app: int = 0
    ) -> None:
        """Run task() in the modes whose bit is in *modes*. idler: tells when it need not run. app: whose it is, 1 is
        the first app, 0 the core. At start only.
        """
        self.tasks.append(task)
        self.modes.append(modes)
        self.apps.append(app)
        if idler is not None:
            self.idlers.append(idler)


def _note_nobody(number: int) -> None:
    """Nobody wants to know."""


class Executive:
    """Allocates when made and by add...(), never after.

    mode_bit: bit of the present mode. note_app(number): told whose task runs, before and after an app's. load_permille:
    busy time of the last second. cycles: since start, mod 2^30. late: cycles that began a whole cycle or more late, mod
    65536.
    """

    def __init__(self, clock: Clock, watchdog: Watchdog, mode_bit: int) -> None:
        self._clock = clock
        self._watchdog = watchdog
        self.mode_bit = mode_bit
        self.groups = [
            RateGroup(GROUP_CYCLES[n], GROUP_PHASES[n], GROUP_BUDGETS_US[n]) for n in range(len(GROUP_CYCLES))
        ]
        self._pollers: list = []  # type: ignore[type-arg]
        self._on_overrun: list = []  # type: ignore[type-arg]
        self.load_permille = 0
        self.worst_load_permille = 0
        self.cycles = 0
        self.late = 0
        self.running = True
        self._vouched = -1
        self.note_app = _note_nobody
        self._due_ms = 0
        self._busy_us = 0
        # With the 1 Hz group, which cannot be left out.
        self._load_left = GROUP_PHASES[1] + 1
        self._load_since_us = 0
        # Until the next cycle and until the pollers' time is up, as the last turn left them.
        self._left_ms = 0
        self._poll_ms = 0

    def add_poller(self, poll) -> None:  # type: ignore[no-untyped-def]
        """poll(now_ms) is called between cycles when octets arrive or its time is up; it returns that time in ms."""
        self._pollers.append(poll)

    def add_overrun_listener(self, listener) -> None:  # type: ignore[no-untyped-def]
        """listener(group, microseconds) is called for every run over its budget."""
        self._on_overrun.append(listener)

    def vouch(self) -> None:
        """The board is well, as far as its self-check sees. Once said, the watchdog is fed while it is said again."""
        self._vouched = VOUCHED_CYCLES

    def start(self) -> None:
        """The first cycle is due now."""
        self._due_ms = self._clock.ticks_ms()
        self._load_since_us = self._clock.ticks_us()
        self._watchdog.start(WATCHDOG_MS)

    def run(self) -> None:
        """Turn until somebody clears `running`."""
        while self.running:
            self._clock.wait(self.turn())

    def turn(self) -> int:
        """Everything that is due now; milliseconds until the next thing is."""
        clock = self._clock
        begin_us = clock.ticks_us()
        now_ms: int = clock.ticks_ms()
        left_ms: int = (self._due_ms - now_ms) & _TICKS_MASK
        if left_ms == 0 or left_ms >= _HALF:
            self._cycle(now_ms)
            now_ms = clock.ticks_ms()
            left_ms = (self._due_ms - now_ms) & _TICKS_MASK
            if left_ms >= _HALF:
                left_ms = 0
        poll_ms = NEVER
        for poll in self._pollers:
            wait_ms: int = poll(now_ms)
            if wait_ms < poll_ms:
                poll_ms = wait_ms
        self._left_ms = left_ms
        self._poll_ms = poll_ms
        self._busy_us += (clock.ticks_us() - begin_us) & _TICKS_MASK
        return poll_ms if poll_ms < left_ms else left_ms

    def leave_out(self, wait_ms: int, most_ms: int) -> int:
        """Leave out the cycles in which nothing would be done; milliseconds until the next thing is, as of turn().

        wait_ms: what turn() has just returned. most_ms: no cycle is left out that begins in so many ms or later.
        """
        left_ms = self._left_ms
        poll_ms = self._poll_ms
        # Those before the pollers' time is up, or with it.
        cycles: int = ((poll_ms if poll_ms < most_ms else most_ms - 1) - left_ms) // CYCLE_MS + 1
        groups = self.groups
        for number in range(1, len(groups)):
            left = groups[number].left - 1
            if left < cycles:
                cycles = left
        idlers = groups[0].idlers
        if cycles <= 0 or len(idlers) < len(groups[0].tasks):
            return wait_ms
        # The last task is the one that has most to do.
        for number in range(len(idlers) - 1, -1, -1):
            idle = idlers[number].idle_cycles()
            if idle < cycles:
                if idle <= 0:
                    return wait_ms
                cycles = idle
        self._count_as_done(cycles)
        left_ms += cycles * CYCLE_MS
        return poll_ms if poll_ms < left_ms else left_ms

    def _count_as_done(self, cycles: int) -> None:
        groups = self.groups
        for idler in groups[0].idlers:
            idler.leave_out(cycles)
        for number in range(1, len(groups)):
            groups[number].left -= cycles
            groups[number].age += cycles
        self.cycles = (self.cycles + cycles) & _TICKS_MASK
        self._due_ms = (self._due_ms + cycles * CYCLE_MS) & _TICKS_MASK
        self._load_left -= cycles
        if self._vouched > 0:
            self._vouched = max(self._vouched - cycles, 0)
        self._watchdog.feed()

    def _cycle(self, now_ms: int) -> None:
        due_ms = self._due_ms
        behind_ms = (now_ms - due_ms) & _TICKS_MASK
        if behind_ms >= CYCLE_MS:
            self.late = (self.late + behind_ms // CYCLE_MS) & 0xFFFF
            due_ms += behind_ms // CYCLE_MS * CYCLE_MS
        self._due_ms = (due_ms + CYCLE_MS) & _TICKS_MASK
        self.cycles = (self.cycles + 1) & _TICKS_MASK
        alive = True
        for number in range(len(self.groups)):
            group = self.groups[number]
            group.age += 1
            group.left -= 1
            if group.left <= 0:
                group.left = group.cycles
                self._run_group(number, group)
                group.age = 0
            if group.age > group.cycles:
                alive = False
        if self._vouched > 0:
            self._vouched -= 1
        if alive and self._vouched:
            self._watchdog.feed()
        self._load_left -= 1
        if self._load_left == 0:
            self._measure_load()

    def _run_group(self, number: int, group: RateGroup) -> None:
        clock = self._clock
        begin_us = clock.ticks_us()
        tasks = group.tasks
        modes = group.modes
        apps = group.apps
        for index in range(len(tasks)):
            # Not noted before: a task may change the mode, and the next ones must not run in a mode that is over.
            if modes[index] & self.mode_bit:
                app = apps[index]
                if app:
                    self.note_app(app)
                    tasks[index]()
                    self.note_app(0)
                else:
                    tasks[index]()
        took_us = (clock.ticks_us() - begin_us) & _TICKS_MASK
        group.last_us = took_us
        if took_us > group.worst_us:
            group.worst_us = took_us
        if took_us > group.budget_us:
            group.overruns = (group.overruns + 1) & 0xFFFF
            for listener in self._on_overrun:
                listener(number, took_us)

    def _measure_load(self) -> None:
        """Busy time as a part of the time since the last measurement."""
        now_us = self._clock.ticks_us()
        period_us = (now_us - self._load_since_us) & _TICKS_MASK
        if period_us >= 1000:
            self.load_permille = min(self._busy_us // (period_us // 1000), 1000)
            if self.load_permille > self.worst_load_permille:
                self.worst_load_permille = self.load_permille
        self._busy_us = 0
        self._load_since_us = now_us
        self._load_left = LOAD_CYCLES
