"""ST[21] request sequencing: sequences of steps, loaded, executed, aborted, reported. ECSS-E-ST-70-41C 6.21, 8.21.

Steps: sequence_steps.py. 21/1 loads a sequence whole; a longer one comes by 21/128, parts 21/129 in order, 21/130,
and can be activated only when all of it is there, its CRC-16 is right and every step is good. Those of the dictionary
are in flash. 21/7: number (1), for each sequence id (2), state (1: 1 being loaded, 2 loaded, 3 executed), step (1,
from 0). 21/10: id, length, CRC-16 (2 each), of a sequence that is being loaded those of the octets that are there, so
that a load that was broken off can go on. 21/12: id, steps (1), offset (2), octets to the end of the packet; as
many reports as it takes. 21/14: number (1), ids.

Activating opens an execution: progress after each step, completion after the last one. A step fails when its request
is refused or fails at once, when its wait times out, or when its on-board time lies more than SCHEDULE_LATE_MS
behind; then the sequence goes on or ends, as the step says.
"""

from array import array

from micropython import const

from ..codec import copy, crc16
from ..idle import NEVER
from ..limits import (
    CYCLE_MS,
    SCHEDULE_LATE_MS,
    SEQUENCE_OCTETS,
    SEQUENCE_STEPS_MAX,
    SEQUENCES_MAX,
    SEQUENCES_RUNNING_MAX,
    TC_FRAME_MAX,
)
from ..tables import SEQUENCE_ID, SEQUENCE_OCTETS_AT, SEQUENCE_STEPS, STEP_REQUEST_AT, STEP_WAIT, Tables
from .base import Service
from .event import Events
from .failure import (
    ABORTED,
    ALREADY_THERE,
    DATA_LENGTH,
    DEFERRED,
    DONE,
    EXECUTIONS_FULL,
    STATE,
    STEP_FAILED,
    TABLE_FULL,
    TIME_PAST,
    TIMEOUT,
    UNKNOWN_ID,
    UNKNOWN_SUBTYPE,
    VALUE_RANGE,
)
from .onboard_time import OnboardTime
from .request import Request
from .router import Router
from .sequence_steps import Step
from .telemetry import Telemetry
from .verification import Verification

_LOAD = const(1)
_UNLOAD = const(3)
_ACTIVATE = const(4)
_ABORT = const(5)
_STATUS = const(6)
_STATUS_REPORT = const(7)
_CHECKSUM = const(9)
_CHECKSUM_REPORT = const(10)
_CONTENT = const(11)
_CONTENT_REPORT = const(12)
_ABORT_ALL = const(13)
_ABORT_REPORT = const(14)
_BEGIN = const(128)
_PART = const(129)
_END = const(130)

_LOADING = const(1)
_LOADED = const(2)
_EXECUTED = const(3)
_NONE = const(255)
_TICKS_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)
_REPORT_OCTETS = const(512)


class Sequencing(Service):
    """Allocates when made, never after. completed, aborted: sequences since the start, mod 65536."""

    service_type = 21

    def __init__(self, core, tables: Tables) -> None:  # type: ignore[no-untyped-def]
        self._tm: Telemetry = core.tm
        self._time: OnboardTime = core.time
        self._router: Router = core.router
        self._verification: Verification = core.verification
        self._events: Events = core.events
        self._values: list[float] = core.values
        self._clock = core.hal.clock
        self._step = Step(core.pool)
        self._packet = bytearray(TC_FRAME_MAX)
        rows = tables.SEQUENCES
        places = SEQUENCES_MAX + len(rows)
        # By place, loaded ones first. A place without an id is free.
        self._ids = array("H", [0] * places)
        self._state = bytearray(places)
        self._octets: list[bytes | bytearray] = [bytearray(SEQUENCE_OCTETS) for _ in range(SEQUENCES_MAX)]
        self._length = array("H", [0] * places)
        self._steps = bytearray(places)
        self._crc = array("H", [0] * places)
        self._received = array("H", [0] * places)
        for number, row in enumerate(rows):
            place = SEQUENCES_MAX + number
            self._ids[place] = row[SEQUENCE_ID]
            self._state[place] = _LOADED
            self._octets.append(row[SEQUENCE_OCTETS_AT])
            self._length[place] = self._received[place] = len(row[SEQUENCE_OCTETS_AT])
            self._steps[place] = row[SEQUENCE_STEPS]
            assert self._good(place), row[SEQUENCE_ID]
        # By execution: place of the sequence (_NONE = free), octet and number of its step, slot of verification, is it
        # waiting for its condition, and since when the step is delayed or waits.
        self._running = bytearray([_NONE] * SEQUENCES_RUNNING_MAX)
        self._at = array("H", [0] * SEQUENCES_RUNNING_MAX)
        self._number = bytearray(SEQUENCES_RUNNING_MAX)
        self._slot = bytearray(SEQUENCES_RUNNING_MAX)
        self._waiting = bytearray(SEQUENCES_RUNNING_MAX)
        self._since_ms = [0] * SEQUENCES_RUNNING_MAX
        self._ended = bytearray(2 * SEQUENCES_RUNNING_MAX)  # ids that 21/14 tells
        self.completed = 0
        self.aborted = 0
        ids = core.ids
        self._event_aborted = ids.EVENT_SEQUENCE_ABORTED
        self._points = (
            core.supply(ids.SEQUENCE_RUNNING),
            core.supply(ids.SEQUENCE_COMPLETED),
            core.supply(ids.SEQUENCE_ABORTED),
        )

    def step_1hz(self) -> None:
        """Bring the points up to date."""
        running = 0
        for execution in range(SEQUENCES_RUNNING_MAX):
            if self._running[execution] != _NONE:
                running += 1
        self._values[self._points[0]] = running
        self._values[self._points[1]] = self.completed
        self._values[self._points[2]] = self.aborted

    # --- execution --------------------------------------------------------------------------------------------------

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
        step = self._step
        behind = step.read(self._octets[place], self._at[execution], self._length[place])
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
            return min(-late_ms, CYCLE_MS)
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
        end = self._step.write_packet(self._octets[place], self._packet)
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
        self._waiting[execution] = 0
        self._since_ms[execution] = now_ms
        self._at[execution] = behind
        self._number[execution] = number + 1
        if number + 1 == self._steps[place]:
            self._running[execution] = _NONE
            self.completed = (self.completed + 1) & 0xFFFF
            self._verification.close(self._slot[execution])
        else:
            self._verification.progress(self._slot[execution], number)

    def _end(self, execution: int, code: int, why: int) -> None:
        """The sequence does not come to its end."""
        sequence = self._ids[self._running[execution]]
        number = self._number[execution]
        self._running[execution] = _NONE
        self.aborted = (self.aborted + 1) & 0xFFFF
        self._verification.abort(self._slot[execution], code, number, why)
        self._events.raise_(self._event_aborted, sequence, number, why)

    def runs_any(self) -> bool:
        """Is a sequence at work?"""
        running = 0
        for execution in range(SEQUENCES_RUNNING_MAX):
            running += self._running[execution] != _NONE
        return running > 0

    # --- sequences --------------------------------------------------------------------------------------------------

    def _find(self, identifier: int) -> int:
        """Place of the sequence, -1 when there is none; identifier 0: a free place."""
        for place in range(len(self._ids)):
            if self._ids[place] == identifier:
                return place
        return -1

    def _execution_of(self, place: int) -> int:
        for execution in range(SEQUENCES_RUNNING_MAX):
            if self._running[execution] == place:
                return execution
        return -1

    def _good(self, place: int) -> bool:
        """Is every step good, and is their number right?"""
        at = 0
        count = 0
        while at >= 0 and at < self._length[place]:
            at = self._step.read(self._octets[place], at, self._length[place])
            count += 1
        return at >= 0 and count == self._steps[place] <= SEQUENCE_STEPS_MAX

    def _checksum(self, place: int) -> int:
        """CRC-16 of the octets that are there."""
        return crc16(self._octets[place], 0, self._received[place])

    # --- requests ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        if subtype == _STATUS:
            self._report_status(request.source)
            return DONE
        if subtype == _ABORT_ALL:
            self._abort_all(request.source)
            return DONE
        identifier = int(request.args[0])
        place = self._find(identifier) if identifier else -1
        if subtype in (_LOAD, _BEGIN):
            return self._begin(request, identifier, place)
        if place < 0:
            return request.blame(UNKNOWN_ID, 0, identifier)
        if subtype == _ACTIVATE:
            return self._activate(request, place)
        if subtype == _ABORT:
            execution = self._execution_of(place)
            if execution < 0:
                return request.blame(STATE, 0, self._state[place])
            self._end(execution, ABORTED, ABORTED)
        elif subtype == _UNLOAD:
            if place >= SEQUENCES_MAX or self._execution_of(place) >= 0:
                return request.blame(STATE, 0, identifier)
            self._ids[place] = 0
        elif subtype == _PART:
            return self._part(request, place)
        elif subtype == _END:
            return self._finish(request, place)
        else:
            return self._report(request, place)
        return DONE

    def _begin(self, request: Request, identifier: int, place: int) -> int:
        """21/1, 21/128."""
        if place >= 0:
            return request.blame(ALREADY_THERE, 0, identifier)
        place = self._find(0)
        if place < 0:
            return request.blame(TABLE_FULL, 0, SEQUENCES_MAX)
        args = request.args
        whole = request.subtype == _LOAD
        self._steps[place] = int(args[1])
        self._length[place] = request.data_end - request.at if whole else int(args[2])
        self._received[place] = 0
        self._state[place] = _LOADING
        if not whole:
            self._crc[place] = int(args[3])
            self._ids[place] = identifier
            return DONE
        self._received[place] = self._length[place]
        octets = self._octets[place]
        assert isinstance(octets, bytearray)
        copy(request.buffer, request.at, request.data_end, octets, 0)
        if not self._good(place):
            return request.blame(VALUE_RANGE, 2, int(args[1]))
        self._ids[place] = identifier
        self._state[place] = _LOADED
        return DONE

    def _part(self, request: Request, place: int) -> int:
        """21/129: parts come in order, or they are not taken."""
        length = request.data_end - request.at
        received = self._received[place]
        if self._state[place] != _LOADING:
            return request.blame(STATE, 0, self._state[place])
        if int(request.args[1]) != received:
            return request.blame(VALUE_RANGE, 1, int(request.args[1]))
        if not length or received + length > self._length[place]:
            return request.blame(DATA_LENGTH, 2, length)
        octets = self._octets[place]
        assert isinstance(octets, bytearray)
        copy(request.buffer, request.at, request.data_end, octets, received)
        self._received[place] = received + length
        return DONE

    def _finish(self, request: Request, place: int) -> int:
        """21/130: a sequence that is not whole and good is forgotten."""
        if self._state[place] != _LOADING:
            return request.blame(STATE, 0, self._state[place])
        if self._received[place] != self._length[place]:
            code = request.blame(DATA_LENGTH, self._length[place], self._received[place])
        elif self._checksum(place) != self._crc[place]:
            code = request.blame(VALUE_RANGE, 0, self._checksum(place))
        elif not self._good(place):
            code = request.blame(VALUE_RANGE, 1, self._steps[place])
        else:
            self._state[place] = _LOADED
            return DONE
        self._ids[place] = 0
        return code

    def _activate(self, request: Request, place: int) -> int:
        if self._state[place] != _LOADED or self._execution_of(place) >= 0:
            return request.blame(STATE, 0, self._state[place])
        execution = self._execution_of(_NONE)
        slot = self._verification.defer(request) if execution >= 0 else -1
        if slot < 0:
            return request.blame(EXECUTIONS_FULL, 0, SEQUENCES_RUNNING_MAX)
        self._running[execution] = place
        self._at[execution] = 0
        self._number[execution] = 0
        self._slot[execution] = slot
        self._waiting[execution] = 0
        self._since_ms[execution] = self._clock.ticks_ms()
        return DEFERRED

    # --- reports ----------------------------------------------------------------------------------------------------

    def _abort_all(self, destination: int) -> None:
        """Abort first, then tell: between begin() and send() no other report may begin."""
        count = 0
        for execution in range(SEQUENCES_RUNNING_MAX):
            place = self._running[execution]
            if place != _NONE:
                self._ended[2 * count] = self._ids[place] >> 8
                self._ended[2 * count + 1] = self._ids[place] & 0xFF
                count += 1
                self._end(execution, ABORTED, ABORTED)
        tm = self._tm
        tm.begin(21, _ABORT_REPORT, destination)
        tm.u8(count)
        tm.at = copy(self._ended, 0, 2 * count, tm.buffer, tm.at)
        tm.send()

    def _report_status(self, destination: int) -> None:
        tm = self._tm
        start = tm.begin(21, _STATUS_REPORT, destination)
        tm.u8(0)
        for place in range(len(self._ids)):
            if self._ids[place] and tm.room() >= 4:
                tm.buffer[start] += 1
                execution = self._execution_of(place)
                tm.u16(self._ids[place])
                tm.u8(self._state[place] if execution < 0 else _EXECUTED)
                tm.u8(0 if execution < 0 else self._number[execution])
        tm.send()

    def _report(self, request: Request, place: int) -> int:
        """21/10, 21/12."""
        if request.subtype not in (_CHECKSUM, _CONTENT):
            return UNKNOWN_SUBTYPE
        tm = self._tm
        if request.subtype == _CHECKSUM:
            tm.begin(21, _CHECKSUM_REPORT, request.source)
            tm.u16(self._ids[place])
            tm.u16(self._received[place])
            tm.u16(self._checksum(place))
            tm.send()
            return DONE
        if self._state[place] != _LOADED:
            return request.blame(STATE, 0, self._state[place])
        for start in range(0, self._length[place], _REPORT_OCTETS):
            end = min(start + _REPORT_OCTETS, self._length[place])
            tm.begin(21, _CONTENT_REPORT, request.source)
            tm.u16(self._ids[place])
            tm.u8(self._steps[place])
            tm.u16(start)
            tm.at = copy(self._octets[place], start, end, tm.buffer, tm.at)
            tm.send()
        return DONE
