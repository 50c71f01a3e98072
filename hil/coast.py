"""A board in virtual time that has nothing to do but to report: the same cycles and polls, without what surrounds them.

Housekeeping that is due, and frames that leave, make most turns of a quiet board; each turn looks at all pollers and at
all tasks of the fastest rate group. Here only the task and the poller that are due are called, at the same times and in
the same order, so nothing can tell the difference but the clock on the wall. Of the seconds in which the 1 Hz group
would only count and say again what is so (seconds.py), the last one before anybody reads it is run. Everything else is
the executive's, and nothing is passed over while a poller listens to the payload bus.

Lives here: what may be passed over, and when. Does not live here: cycles without any work (Executive.leave_out).
"""

from __future__ import annotations

from functools import reduce
from operator import and_

from flight.executive import LOAD_CYCLES
from flight.hal.host import VirtualClock
from flight.idle import NEVER
from flight.limits import CYCLE_MS, FLUSH_MS, GROUP_CYCLES, VOUCHED_CYCLES
from flight.topology import Core

from hil.seconds import second_idlers

_SECOND_MS = CYCLE_MS * GROUP_CYCLES[1]
# A poller that waits for octets wants to be called within this time, and looks at its port in every turn before.
_LISTENING_MS = 200


def _never(now_ms: int) -> int:
    """Polls a payload bus that is not there."""
    return NEVER


class Coast:
    """Belongs to one start of a board: *core* made and not yet started. clock: the board's.

    written: reports of housekeeping are written, and so read values.
    """

    def __init__(self, core: Core, clock: VirtualClock, written: bool) -> None:
        executive = core.executive
        self._executive = executive
        self._clock = clock
        self._housekeeping = core.housekeeping
        self._downlink = core.downlink
        # The wiring polls the payload bus behind what waits for a time, and the link last of all: what the others
        # report leaves at once.
        *polls, self._poll_link = executive._pollers
        modbus = core.devices.modbus if core.devices is not None else None
        self._poll_bus = polls.pop() if modbus is not None and modbus.poll in polls[-1:] else _never
        self._polls = polls
        executive._pollers[:] = [self._poll]
        # Time until each of them is due, ms.
        self._polls_ms: int = 0
        self._bus_ms: int = 0
        self._link_ms: int = 0
        self._tm = core.tm
        self._seconds = second_idlers(core)
        # Those in which all tasks of the 1 Hz group run.
        self._modes_1hz = reduce(and_, executive.groups[1].modes)
        self._written = written
        self._left_out = 0
        self._idlers = [idler for idler in executive.groups[0].idlers if idler is not core.housekeeping]

    def _poll(self, now_ms: int) -> int:
        """All pollers in their order."""
        polls_ms = NEVER
        for poll in self._polls:
            left_ms = poll(now_ms)
            polls_ms = min(polls_ms, left_ms)
        self._polls_ms = polls_ms
        self._bus_ms = self._poll_bus(now_ms)
        self._link_ms = self._poll_link(now_ms)
        return min(polls_ms, self._bus_ms, self._link_ms)

    def _horizon_ms(self, most_ms: int) -> int:
        """Time until something else than a report is due, ms, at most *most_ms*; 1 Hz runs before it are left out."""
        executive = self._executive
        groups = executive.groups
        self._left_out = 0
        if len(groups[0].idlers) < len(groups[0].tasks):
            return 0
        cycles: int = groups[2].left - 1
        for idler in self._idlers:
            cycles = min(cycles, idler.idle_cycles())
        horizon_ms = min(most_ms, self._polls_ms, self._bus_ms, executive._left_ms + CYCLE_MS * cycles)
        second_ms: int = executive._left_ms + CYCLE_MS * (groups[1].left - 1)
        if second_ms + _SECOND_MS < horizon_ms:
            # The last one is run, for whoever reads what it tells.
            self._left_out = self._idle_seconds((min(horizon_ms, self._read_ms()) - 1 - second_ms) // _SECOND_MS)
        return min(horizon_ms, second_ms + _SECOND_MS * self._left_out)

    def _idle_seconds(self, most: int) -> int:
        """How many 1 Hz runs from now, at most *most*, would do nothing but count and tell."""
        if most <= 0 or self._seconds is None or not self._modes_1hz & self._executive.mode_bit:
            return 0
        for idler in self._seconds:
            seconds = idler.idle_cycles()
            if seconds < most:
                most = seconds
                if most <= 0:
                    return 0
        return most

    def _read_ms(self) -> int:
        """Time until a report reads values, ms."""
        housekeeping = self._housekeeping
        left_ms = NEVER
        for structure in housekeeping.structures:
            if structure.enabled and (structure.on_change or self._written):
                left_ms = min(left_ms, structure.left_ms)
        cycles = (left_ms - CYCLE_MS * housekeeping._passed + CYCLE_MS - 1) // CYCLE_MS
        return self._executive._left_ms + CYCLE_MS * (cycles - 1)

    def run(self, wait_ms: int, most_ms: int) -> int:
        """Let time pass until a turn is due, at most *most_ms*; ms passed. wait_ms: what turn() has just returned."""
        passed_ms = self._talk(most_ms)
        passed_ms += self._report(most_ms - passed_ms)
        executive = self._executive
        if passed_ms:
            most_ms -= passed_ms
            wait_ms = min(executive._left_ms, executive._poll_ms)
        wait_ms = min(executive.leave_out(wait_ms, most_ms), most_ms)
        self._clock.advance_ms(wait_ms)
        return passed_ms + wait_ms

    def _talk(self, most_ms: int) -> int:
        """Let time pass as long as only the payload bus has something to do, less than *most_ms*; ms passed."""
        # A sequence that waits for a value looks in every turn.
        if self._bus_ms > _LISTENING_MS or self._polls_ms <= CYCLE_MS:
            return 0
        executive, clock, tm = self._executive, self._clock, self._tm
        horizon_ms = min(most_ms, self._polls_ms, executive._left_ms)
        bus_ms, link_ms = self._bus_ms, self._link_ms
        now_ms = 0
        while now_ms < bus_ms < horizon_ms and bus_ms < link_ms:
            clock.advance_ms(bus_ms - now_ms)
            now_ms = bus_ms
            reports = tm.sent + tm.lost
            bus_ms += self._poll_bus(clock.ticks_ms())
            if tm.sent + tm.lost != reports:
                link_ms = now_ms + self._poll_link(clock.ticks_ms())
        executive._left_ms -= now_ms
        self._pass(now_ms, bus_ms, link_ms)
        return now_ms

    def _pass(self, passed_ms: int, bus_ms: int, link_ms: int) -> None:
        """*passed_ms* have passed; bus_ms, link_ms: when bus and link are due, from before they passed."""
        self._polls_ms -= passed_ms
        self._bus_ms = bus_ms - passed_ms
        self._link_ms = link_ms - passed_ms
        self._executive._poll_ms = min(self._polls_ms, self._bus_ms, self._link_ms)

    def _report(self, most_ms: int) -> int:
        """Let time pass as long as there are only reports to make, less than *most_ms*; ms passed."""
        executive, housekeeping, clock = self._executive, self._housekeeping, self._clock
        downlink, channel = self._downlink, self._downlink.realtime
        if self._polls_ms <= _LISTENING_MS or self._bus_ms <= _LISTENING_MS:
            return 0
        left_ms = executive._left_ms
        link_ms = self._link_ms
        idle = housekeeping.idle_cycles()
        due_ms = left_ms + CYCLE_MS * idle
        horizon_ms = self._horizon_ms(most_ms)
        now_ms = 0
        stepped = 0
        while True:
            next_ms = due_ms if due_ms < link_ms else link_ms
            if next_ms >= horizon_ms or next_ms <= now_ms:
                break
            clock.advance_ms(next_ms - now_ms)
            now_ms = next_ms
            if next_ms == due_ms:
                housekeeping.leave_out(idle)
                housekeeping.step()
                stepped += idle + 1
                idle = housekeeping.idle_cycles()
                due_ms += CYCLE_MS * (1 + idle)
                if now_ms < link_ms and not channel.full:
                    if downlink._waiting == channel.waiting:
                        continue  # the link knows already that something waits for it
                    if channel.waiting:
                        # All that the link would do is to see it.
                        downlink._waiting = True
                        downlink._waiting_ms = clock.ticks_ms()
                        link_ms = min(link_ms, now_ms + FLUSH_MS)
                        continue
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
            self._leave_out_seconds()
        executive._left_ms = left_ms - now_ms
        self._pass(now_ms, self._bus_ms, link_ms)
        return now_ms

    def _leave_out_seconds(self) -> None:
        """The 1 Hz runs that were passed over count as done."""
        executive = self._executive
        group = executive.groups[1]
        seconds = -(group.left - group.cycles) // group.cycles
        if seconds <= 0 or self._seconds is None:
            return
        assert seconds <= self._left_out, (seconds, self._left_out)
        group.left += seconds * group.cycles
        group.age = group.cycles - group.left
        executive._load_left += seconds * LOAD_CYCLES
        executive._vouched = max(VOUCHED_CYCLES - 1 - group.age, 0)
        for idler in self._seconds:
            idler.leave_out(seconds)
