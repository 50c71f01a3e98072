"""Sequences at work: which step is next, when, and what comes of it. ECSS-E-ST-70-41C 6.21.

Activating opens an execution: progress after each step, completion after the last one. A step that failed and is gone
on from is a failed progress (1/6), also when it is the last one. A step fails when its request
is refused or fails at once, when its wait times out, or when its on-board time lies more than SCHEDULE_LATE_MS
behind; then the sequence goes on or ends, as the step says.
"""

from array import array

from micropython import const

from ..idle import NEVER
from ..limits import CYCLE_MS, SCHEDULE_LATE_MS, SEQUENCES_RUNNING_MAX, TC_FRAME_MAX
from ..tables import STEP_REQUEST_AT, STEP_WAIT
from .event import Events
from .failure import DONE, STEP_FAILED, TIME_PAST, TIMEOUT
from .onboard_time import OnboardTime
from .router import Router
from .sequence_steps import Step
from .sequence_table import SequenceTable
from .verification import Verification

_NONE = const(255)
_TICKS_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)


class SequenceExecutor:
    """Allocates when made, never after. completed, aborted: sequences since the start, mod 65536."""

    def __init__(self, core, table: SequenceTable) -> None:  # type: ignore[no-untyped-def]
        self._time: OnboardTime = core.time
        self._router: Router = core.router
        self._verification: Verification = core.verification
        self._events: Events = core.events
        self._clock = core.hal.clock
        self.table = table
        self._step = table.step
        self._packet = bytearray(TC_FRAME_MAX)
        # By execution: place of the sequence (_NONE = free), octet and number of its step, slot of verification, is it
        # waiting for its condition, and since when the step is delayed or waits.
        self._running = bytearray([_NONE] * SEQUENCES_RUNNING_MAX)
        self._at = array("H", [0] * SEQUENCES_RUNNING_MAX)
        self._number = bytearray(SEQUENCES_RUNNING_MAX)
        self._slot = bytearray(SEQUENCES_RUNNING_MAX)
        self._waiting = bytearray(SEQUENCES_RUNNING_MAX)
        self._since_ms = [0] * SEQUENCES_RUNNING_MAX
        self.completed = 0
        self.aborted = 0
        self._event_aborted = core.ids.EVENT_SEQUENCE_ABORTED

    # --- from outside -------------------------------------------------------------------------------------------------

    def activate(self, place: int, slot: int) -> None:
        """Execute the sequence at *place*; *slot*: its execution in ST[01]. There is room: free() said so."""
        execution = self.execution_of(_NONE)
        self._running[execution] = place
        self._at[execution] = self.table.start[place]
        self._number[execution] = 0
        self._slot[execution] = slot
        self._waiting[execution] = 0
        self._since_ms[execution] = self._clock.ticks_ms()

    def free(self) -> bool:
        """Can another sequence be activated?"""
        return self.execution_of(_NONE) >= 0

    def place_of(self, execution: int) -> int:
        """Place of the sequence of an execution, -1 when it is free."""
        place = self._running[execution]
        return -1 if place == _NONE else place

    def number_of(self, execution: int) -> int:
        """Number of the step that an execution is at."""
        return self._number[execution]

    def running(self) -> int:
        """How many sequences are at work."""
        count = 0
        for execution in range(SEQUENCES_RUNNING_MAX):
            count += self._running[execution] != _NONE
        return count

    def execution_of(self, place: int) -> int:
        """Execution of the sequence at *place*, -1 when it is not at work."""
        for execution in range(SEQUENCES_RUNNING_MAX):
            if self._running[execution] == place:
                return execution
        return -1

    def abort(self, execution: int, code: int) -> None:
        """End a sequence before its end."""
        self._end(execution, code, code)

    # --- steps --------------------------------------------------------------------------------------------------------

    def poll(self, now_ms: int) -> int:
        """Execute the steps that are due, at most one of each sequence; ms until it should be called again."""
        wait_ms = NEVER
        for execution in range(SEQUENCES_RUNNING_MAX):
            if self._running[execution] != _NONE:
                left_ms = self._advance(execution, now_ms)
                wait_ms = min(wait_ms, left_ms)
        return wait_ms

    def _advance(self, execution: int, now_ms: int) -> int:
        """Look at the step of one sequence; ms until it should be looked at again."""
        place = self._running[execution]
        table = self.table
        step = self._step
        behind = step.read(table.octets[place], self._at[execution], table.end(place))
        passed_ms = (now_ms - self._since_ms[execution]) & _TICKS_MASK
        if passed_ms >= _HALF:  # activated in this very turn, by a clock that has gone on
            passed_ms = 0
        if self._waiting[execution]:
            if step.holds():
                self._next(execution, behind, now_ms, DONE)
                return 0
            if passed_ms < step.timeout_ms:
                return min(step.timeout_ms - passed_ms, CYCLE_MS)
            self._next(execution, behind, now_ms, TIMEOUT)
            return 0
        late_ms = self._late_ms(step) if step.kind == STEP_REQUEST_AT else passed_ms - step.delay_ms
        if late_ms < 0:
            # On-board time may be set meanwhile; a delay goes on whatever happens.
            return min(-late_ms, CYCLE_MS) if step.kind == STEP_REQUEST_AT else -late_ms
        if step.kind == STEP_WAIT:
            self._waiting[execution] = 1
            self._since_ms[execution] = now_ms
        elif step.kind == STEP_REQUEST_AT and late_ms > SCHEDULE_LATE_MS:
            self._next(execution, behind, now_ms, TIME_PAST)
        else:
            self._execute(execution, behind, now_ms)
        return 0

    def _late_ms(self, step: Step) -> int:
        """How far on-board time is behind the step's, in ms, cut down; within a second beyond SCHEDULE_LATE_MS."""
        time = self._time
        time.update()
        seconds = time.seconds - step.seconds
        if seconds < -1:
            return -CYCLE_MS
        if seconds > SCHEDULE_LATE_MS // 1000 + 1:
            return SCHEDULE_LATE_MS + 1
        # 1000/65536 = 125/8192
        return (((seconds << 16) + time.fraction - step.fraction) * 125) >> 13

    def _execute(self, execution: int, behind: int, now_ms: int) -> None:
        place = self._running[execution]
        slot = self._slot[execution]
        go_on = self._step.go_on
        end = self._step.write_packet(self.table.octets[place], self._packet)
        status = self._router.execute(self._packet, 0, end)
        # The request may have aborted this sequence, or activated it anew.
        if self._running[execution] == place and self._slot[execution] == slot:
            self._step.go_on = go_on
            self._next(execution, behind, now_ms, max(status, DONE))

    def _next(self, execution: int, behind: int, now_ms: int, code: int) -> None:
        """The step ended with *code*: go on with the one at *behind*, or end."""
        place = self._running[execution]
        number = self._number[execution]
        if code != DONE and not self._step.go_on:
            self._end(execution, STEP_FAILED, code)
            return
        if code != DONE:
            self._verification.progress_failed(self._slot[execution], number, code)
        self._waiting[execution] = 0
        self._since_ms[execution] = now_ms
        self._at[execution] = behind
        self._number[execution] = number + 1
        if number + 1 == self.table.steps[place]:
            self._running[execution] = _NONE
            self.completed = (self.completed + 1) & 0xFFFF
            self._verification.close(self._slot[execution])
        elif code == DONE:
            self._verification.progress(self._slot[execution], number)

    def _end(self, execution: int, code: int, why: int) -> None:
        """The sequence does not come to its end."""
        sequence = self.table.ids[self._running[execution]]
        number = self._number[execution]
        self._running[execution] = _NONE
        self.aborted = (self.aborted + 1) & 0xFFFF
        self._verification.abort(self._slot[execution], code, number, why)
        self._events.raise_(self._event_aborted, sequence, number, why)
