"""A board in virtual time that has nothing to do but to report: the same cycles and polls, without what surrounds them.

Housekeeping that is due, and frames that leave, make most turns of a quiet board; each turn looks at all pollers and at
all tasks of the fastest rate group. Here only the task and the poller that are due are called, at the same times and in
the same order, so nothing can tell the difference but the clock on the wall. Everything else is the executive's: the
slower rate groups, and whatever a poller other than the link's wants.

Lives here: what may be passed over, and when. Does not live here: cycles without any work (Executive.leave_out).
"""

from __future__ import annotations

from flight.hal.host import VirtualClock
from flight.idle import NEVER
from flight.limits import CYCLE_MS
from flight.topology import Core


class Coast:
    """Belongs to one start of a board: *core* made and not yet started. clock: the board's."""

    def __init__(self, core: Core, clock: VirtualClock) -> None:
        executive = core.executive
        self._executive = executive
        self._clock = clock
        self._housekeeping = core.housekeeping
        # The wiring polls the link last of all: what the others report leaves at once.
        *self._polls, self._poll_link = executive._pollers
        executive._pollers[:] = [self._poll_others, self._poll_link]
        self._others_ms = 0
        self._link = core.hal.link
        self._idlers = [idler for idler in executive.groups[0].idlers if idler is not core.housekeeping]

    def _poll_others(self, now_ms: int) -> int:
        """All pollers but the link's."""
        wait_ms = NEVER
        for poll in self._polls:
            left_ms = poll(now_ms)
            wait_ms = min(wait_ms, left_ms)
        self._others_ms = wait_ms
        return wait_ms

    def _horizon_ms(self, most_ms: int) -> int:
        """Time until something else than a report is due, ms, at most *most_ms*."""
        executive = self._executive
        groups = executive.groups
        if len(groups[0].idlers) < len(groups[0].tasks):
            return 0
        cycles = min(groups[1].left, groups[2].left) - 1
        for idler in self._idlers:
            cycles = min(cycles, idler.idle_cycles())
        return min(most_ms, self._others_ms, executive._left_ms + CYCLE_MS * cycles)

    def run(self, wait_ms: int, most_ms: int) -> int:
        """Let time pass until a turn is due, at most *most_ms*; ms passed. wait_ms: what turn() has just returned."""
        passed_ms = self._report(most_ms)
        executive = self._executive
        if passed_ms:
            most_ms -= passed_ms
            wait_ms = min(executive._left_ms, executive._poll_ms)
        wait_ms = min(executive.leave_out(wait_ms, most_ms), most_ms)
        self._clock.advance_ms(wait_ms)
        return passed_ms + wait_ms

    def _report(self, most_ms: int) -> int:
        """Let time pass as long as there are only reports to make, less than *most_ms*; ms passed."""
        executive, housekeeping, clock = self._executive, self._housekeeping, self._clock
        left_ms = executive._left_ms
        link_ms = executive._poll_ms
        due_ms = left_ms + CYCLE_MS * housekeeping.idle_cycles()
        horizon_ms = self._horizon_ms(most_ms)
        now_ms = 0
        stepped = 0
        while True:
            next_ms = min(due_ms, link_ms)
            if next_ms >= horizon_ms or next_ms <= now_ms:
                break
            clock.advance_ms(next_ms - now_ms)
            now_ms = next_ms
            if next_ms == due_ms:
                idle = housekeeping.idle_cycles()
                housekeeping.leave_out(idle)
                housekeeping.step()
                stepped += idle + 1
                due_ms += CYCLE_MS * (1 + housekeeping.idle_cycles())
            link_ms = now_ms + self._poll_link(clock.ticks_ms())
        if not now_ms:
            return 0
        # Cycles that have begun by now.
        cycles = (now_ms - left_ms) // CYCLE_MS + 1
        if cycles > 0:
            # Housekeeping has counted its own.
            housekeeping.leave_out(-stepped)
            executive._count_as_done(cycles)
            left_ms += CYCLE_MS * cycles
        executive._left_ms = left_ms - now_ms
        executive._poll_ms = min(link_ms, self._others_ms) - now_ms
        self._others_ms -= now_ms
        return now_ms
