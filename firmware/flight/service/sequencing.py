"""ST[21] request sequencing: sequences of steps, loaded, executed, aborted, reported. ECSS-E-ST-70-41C 6.21, 8.21.

Steps: sequence_steps.py. 21/1 loads a sequence whole; a longer one comes by 21/128, parts 21/129 in order, 21/130,
and can be activated only when all of it is there, its CRC-16 is right and every step is good. Those of the dictionary
are in flash. 21/7: number (1), for each sequence id (2), state (1: 1 being loaded, 2 loaded, 3 executed), step (1,
from 0). 21/10: id, length, CRC-16 (2 each), of a sequence that is being loaded those of the octets that are there, so
that a load that was broken off can go on. 21/12: id, steps (1), offset (2), octets to the end of the packet; as
many reports as it takes. 21/14: number (1), ids.

21/1 and 21/128 may name a sequence of the dictionary that is not at work: the loaded one takes its place when it is
there as a whole, and 21/3 gives the place back. Loaded sequences survive a restart (sequence_table.py); when the store
refuses, the request fails with its status and the sequence is loaded all the same. At work: sequence_executor.py.
"""

from micropython import const

from ..codec import copy
from ..limits import SEQUENCES_MAX, SEQUENCES_RUNNING_MAX
from ..tables import Tables
from .base import Service
from .failure import (
    ABORTED,
    ALREADY_THERE,
    DATA_LENGTH,
    DEFERRED,
    DONE,
    EXECUTIONS_FULL,
    STATE,
    STORAGE,
    TABLE_FULL,
    UNKNOWN_ID,
    UNKNOWN_SUBTYPE,
    VALUE_RANGE,
)
from .request import Request
from .sequence_executor import SequenceExecutor
from .sequence_table import LOADED, LOADING, SequenceTable
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

_EXECUTED = const(3)
_REPORT_OCTETS = const(512)


class Sequencing(Service):
    """Allocates when made and in load(), never after."""

    service_type = 21

    def __init__(self, core, tables: Tables) -> None:  # type: ignore[no-untyped-def]
        self._tm: Telemetry = core.tm
        self._verification: Verification = core.verification
        self._values: list[float] = core.values
        self.table = SequenceTable(tables, core.pool, core.store)
        self.executor = SequenceExecutor(core, self.table)
        self._ended = bytearray(2 * SEQUENCES_RUNNING_MAX)  # ids that 21/14 tells
        ids = core.ids
        self._points = (
            core.supply(ids.SEQUENCE_RUNNING),
            core.supply(ids.SEQUENCE_COMPLETED),
            core.supply(ids.SEQUENCE_ABORTED),
        )

    def load(self) -> None:
        """Take the sequences of the store, at start."""
        self.table.load()

    def step_1hz(self) -> None:
        """Bring the points up to date."""
        self._values[self._points[0]] = self.executor.running()
        self._values[self._points[1]] = self.executor.completed
        self._values[self._points[2]] = self.executor.aborted

    def poll(self, now_ms: int) -> int:
        """The sequences at work; ms until it should be called again."""
        return self.executor.poll(now_ms)

    # --- requests ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        if subtype == _STATUS:
            self._report_status(request.source)
            return DONE
        if subtype == _ABORT_ALL:
            self._abort_all(request.source)
            return DONE
        table = self.table
        identifier = int(request.args[0])
        place = table.find(identifier) if identifier else -1
        if subtype in (_LOAD, _BEGIN):
            return self._begin(request, identifier, place)
        if place < 0:
            return request.blame(UNKNOWN_ID, 0, identifier)
        if subtype == _ACTIVATE:
            return self._activate(request, table.ready(identifier))
        if subtype == _ABORT:
            execution = self.executor.execution_of(table.ready(identifier))
            if execution < 0:
                return request.blame(STATE, 0, table.state[place])
            self.executor.abort(execution, ABORTED)
        elif subtype == _UNLOAD:
            if place >= SEQUENCES_MAX or self.executor.execution_of(place) >= 0:
                return request.blame(STATE, 0, identifier)
            return _kept(request, table.forget(place))
        elif subtype == _PART:
            return self._part(request, place)
        elif subtype == _END:
            return self._finish(request, place)
        else:
            return self._report(request, place)
        return DONE

    def _begin(self, request: Request, identifier: int, place: int) -> int:
        """21/1, 21/128."""
        table = self.table
        if not identifier or 0 <= place < SEQUENCES_MAX:
            return request.blame(ALREADY_THERE, 0, identifier)
        if place >= 0 and self.executor.execution_of(place) >= 0:
            return request.blame(STATE, 0, identifier)
        place = table.find(0)
        if place < 0:
            return request.blame(TABLE_FULL, 0, SEQUENCES_MAX)
        args = request.args
        whole = request.subtype == _LOAD
        table.steps[place] = int(args[1])
        table.length[place] = request.data_end - request.at if whole else int(args[2])
        table.received[place] = 0
        table.state[place] = LOADING
        if not whole:
            table.crc[place] = int(args[3])
            table.ids[place] = identifier
            return DONE
        table.received[place] = table.length[place]
        octets = table.octets[place]
        assert isinstance(octets, bytearray)
        copy(request.buffer, request.at, request.data_end, octets, table.start[place])
        if not table.good(place):
            return request.blame(VALUE_RANGE, 2, int(args[1]))
        table.ids[place] = identifier
        table.state[place] = LOADED
        return _kept(request, table.keep(place))

    def _part(self, request: Request, place: int) -> int:
        """21/129: parts come in order, or they are not taken."""
        table = self.table
        length = request.data_end - request.at
        received = table.received[place]
        if table.state[place] != LOADING:
            return request.blame(STATE, 0, table.state[place])
        if int(request.args[1]) != received:
            return request.blame(VALUE_RANGE, 1, int(request.args[1]))
        if not length or received + length > table.length[place]:
            return request.blame(DATA_LENGTH, 2, length)
        octets = table.octets[place]
        assert isinstance(octets, bytearray)
        copy(request.buffer, request.at, request.data_end, octets, table.start[place] + received)
        table.received[place] = received + length
        return DONE

    def _finish(self, request: Request, place: int) -> int:
        """21/130: a sequence that is not whole and good is forgotten."""
        table = self.table
        if table.state[place] != LOADING:
            return request.blame(STATE, 0, table.state[place])
        if table.received[place] != table.length[place]:
            code = request.blame(DATA_LENGTH, table.length[place], table.received[place])
        elif table.checksum(place) != table.crc[place]:
            code = request.blame(VALUE_RANGE, 0, table.checksum(place))
        elif not table.good(place):
            code = request.blame(VALUE_RANGE, 1, table.steps[place])
        else:
            other = table.ready(table.ids[place])
            if other != place and self.executor.execution_of(other) >= 0:
                return request.blame(STATE, 0, table.ids[place])
            table.state[place] = LOADED
            return _kept(request, table.keep(place))
        table.ids[place] = 0
        return code

    def _activate(self, request: Request, place: int) -> int:
        executor = self.executor
        if self.table.state[place] != LOADED or executor.execution_of(place) >= 0:
            return request.blame(STATE, 0, self.table.state[place])
        slot = self._verification.defer(request) if executor.free() else -1
        if slot < 0:
            return request.blame(EXECUTIONS_FULL, 0, SEQUENCES_RUNNING_MAX)
        executor.activate(place, slot)
        return DEFERRED

    # --- reports ----------------------------------------------------------------------------------------------------

    def _abort_all(self, destination: int) -> None:
        """Abort first, then tell: between begin() and send() no other report may begin."""
        count = 0
        executor = self.executor
        for execution in range(SEQUENCES_RUNNING_MAX):
            place = executor.place_of(execution)
            if place >= 0:
                self._ended[2 * count] = self.table.ids[place] >> 8
                self._ended[2 * count + 1] = self.table.ids[place] & 0xFF
                count += 1
                executor.abort(execution, ABORTED)
        tm = self._tm
        tm.begin(21, _ABORT_REPORT, destination)
        tm.u8(count)
        tm.at = copy(self._ended, 0, 2 * count, tm.buffer, tm.at)
        tm.send()

    def _report_status(self, destination: int) -> None:
        """21/7. One of the dictionary that is replaced, or is about to be, is told when it is at work alone."""
        table = self.table
        tm = self._tm
        start = tm.begin(21, _STATUS_REPORT, destination)
        tm.u8(0)
        for place in range(len(table.ids)):
            execution = self.executor.execution_of(place)
            if not table.ids[place] or tm.room() < 4 or (execution < 0 and table.is_replaced(place)):
                continue
            tm.buffer[start] += 1
            tm.u16(table.ids[place])
            tm.u8(table.state[place] if execution < 0 else _EXECUTED)
            tm.u8(0 if execution < 0 else self.executor.number_of(execution))
        tm.send()

    def _report(self, request: Request, place: int) -> int:
        """21/10, 21/12."""
        if request.subtype not in (_CHECKSUM, _CONTENT):
            return UNKNOWN_SUBTYPE
        table = self.table
        tm = self._tm
        if request.subtype == _CHECKSUM:
            tm.begin(21, _CHECKSUM_REPORT, request.source)
            tm.u16(table.ids[place])
            tm.u16(table.received[place])
            tm.u16(table.checksum(place))
            tm.send()
            return DONE
        if table.state[place] != LOADED:
            return request.blame(STATE, 0, table.state[place])
        first = table.start[place]
        for start in range(0, table.length[place], _REPORT_OCTETS):
            end = min(start + _REPORT_OCTETS, table.length[place])
            tm.begin(21, _CONTENT_REPORT, request.source)
            tm.u16(table.ids[place])
            tm.u8(table.steps[place])
            tm.u16(start)
            tm.at = copy(table.octets[place], first + start, first + end, tm.buffer, tm.at)
            tm.send()
        return DONE


def _kept(request: Request, status: int) -> int:
    """What was asked for is done also when the store refuses, and the request fails with its status."""
    return DONE if status >= 0 else request.blame(STORAGE, 0, status)
