"""ST[11] time-based scheduling: the requests about the schedule. ECSS-E-ST-70-41C 6.11, 8.11.

Layouts (the rest is in dictionary/schedule.toml). 11/4: number (1 octet), for each request its release time (CUC, 7)
and its telecommand packet. Windows of 11/6, 11/8, 11/11, 11/14: 0, 2, 1, 1 times for windows 0, 1, 2, 3, ends included.
11/10: number (1), for each request release time (7), state (1: 0 waiting, 1 held), packet. 11/13: number (1), for each
release time (7), state (1), source, APID, sequence count (2 each). Reports that do not fit into a packet go on in the
next one. A request with several items is all or nothing, also over a power cut.
"""

from micropython import const

from ..errors import OK
from ..limits import SCHEDULE_MAX, SCHEDULE_PACKET_MAX, TIME_SET_MAX
from ..packet.cuc import TIME_LENGTH, read_fraction, read_seconds, write_time
from .base import Service
from .failure import (
    ARGUMENT_RANGE,
    DATA_LENGTH,
    DONE,
    STORAGE,
    TABLE_FULL,
    TIME_PAST,
    UNKNOWN_ID,
    UNKNOWN_SUBTYPE,
    VALUE_RANGE,
)
from .onboard_time import OnboardTime
from .request import Request
from .schedule import Schedule
from .schedule_table import CHANGE_DELETE, CHANGE_INSERT, CHANGE_RESET, CHANGE_SHIFT
from .telemetry import DATA_MAX, Telemetry

_ENABLE = const(1)
_DISABLE = const(2)
_RESET = const(3)
_INSERT = const(4)
_DELETE = const(5)
_DELETE_WINDOW = const(6)
_SHIFT = const(7)
_SHIFT_WINDOW = const(8)
_DETAIL = const(9)
_DETAIL_REPORT = const(10)
_DETAIL_WINDOW = const(11)
_SUMMARY = const(12)
_SUMMARY_REPORT = const(13)
_SUMMARY_WINDOW = const(14)
_SHIFT_ALL = const(15)
_DETAIL_ALL = const(16)
_SUMMARY_ALL = const(17)

_BY_ID = (_DELETE, _SHIFT, _DETAIL, _SUMMARY)
_BY_WINDOW = (_DELETE_WINDOW, _SHIFT_WINDOW, _DETAIL_WINDOW, _SUMMARY_WINDOW)
_ALL = (_SHIFT_ALL, _DETAIL_ALL, _SUMMARY_ALL)
_TIMES = (0, 2, 1, 1)
_ID_LENGTH = const(6)
_PACKET_MIN = const(13)
_LATEST_S = const(0x3FFFFFFF)


class Scheduling(Service):
    """Allocates nothing."""

    service_type = 11

    def __init__(self, schedule: Schedule, time: OnboardTime, tm: Telemetry) -> None:
        self._schedule = schedule
        self._table = schedule.table
        self._reader = schedule.reader
        self._time = time
        self._tm = tm

    def check(self, request: Request) -> int:
        """The times of a window: as many as it needs, each a time, in order."""
        window = _window(request)
        length = request.data_end - request.at
        if length != TIME_LENGTH * _TIMES[window]:
            return request.blame(DATA_LENGTH, TIME_LENGTH * _TIMES[window], length)
        for number in range(_TIMES[window]):
            seconds = read_seconds(request.buffer, request.at + TIME_LENGTH * number)
            if seconds < 0:
                return request.blame_octets(-seconds, number, 1, request.at + TIME_LENGTH * number + 1, 4)
        if _TIMES[window] == 2 and _is_after(request.buffer, request.at, request.at + TIME_LENGTH):
            return request.blame_octets(VALUE_RANGE, 1, 1, request.at + TIME_LENGTH + 1, 4)
        return DONE

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        self._time.update()
        if subtype in (_ENABLE, _DISABLE):
            return _kept(request, self._schedule.switch(subtype == _ENABLE))
        if subtype == _RESET:
            return self._reset(request)
        if subtype == _INSERT:
            return self._insert(request)
        code = self._mark(request)
        if code != DONE:
            return code
        if subtype in (_DELETE, _DELETE_WINDOW):
            return self._delete(request)
        if subtype in (_SHIFT, _SHIFT_WINDOW, _SHIFT_ALL):
            return self._shift(request, int(request.args[0]))
        self._report(request.source, subtype in (_DETAIL, _DETAIL_WINDOW, _DETAIL_ALL))
        return DONE

    def _reset(self, request: Request) -> int:
        table = self._table
        table.mark_all(1)
        status = table.begin(CHANGE_RESET)
        while table.count:
            status = min(status, table.remove(table.count - 1))
        status = min(status, self._schedule.switch(False))
        return _kept(request, min(status, table.end()))

    def _insert(self, request: Request) -> int:
        if self._table.count + request.items > SCHEDULE_MAX:
            return request.blame(TABLE_FULL, SCHEDULE_MAX - self._table.count, request.items)
        at = request.at
        for item in range(request.items):
            code = self._judge(request, item, at)
            if code != DONE:
                return code
            at = self._reader.next
        if at != request.data_end:
            return request.blame(DATA_LENGTH, request.items, request.data_end - at)
        at = request.at
        buffer = request.buffer
        self._table.mark_free(request.items)
        status = self._table.begin(CHANGE_INSERT)
        for _ in range(request.items):
            start = at + TIME_LENGTH
            self._reader.read(buffer, start, request.data_end)
            end = self._reader.next
            entry = self._table.insert(read_seconds(buffer, at), read_fraction(buffer, at), buffer, start, end)
            status = min(status, entry)
            at = end
        return _kept(request, min(status, self._table.end()))

    def _judge(self, request: Request, item: int, at: int) -> int:
        """DONE, or why the request *item*, whose time is at buffer[at], cannot be inserted."""
        buffer = request.buffer
        end = request.data_end
        if end - at < TIME_LENGTH + _PACKET_MIN:
            return request.blame(DATA_LENGTH, item, end - at)
        seconds = read_seconds(buffer, at)
        if seconds < 0:
            return request.blame_octets(-seconds, item, 1, at + 1, 4)
        reader = self._reader
        status = reader.read(buffer, at + TIME_LENGTH, end)
        if status != OK:
            return request.blame(status, item, 0)
        length = reader.next - at - TIME_LENGTH
        if length > SCHEDULE_PACKET_MAX:
            return request.blame(DATA_LENGTH, item, length)
        time = self._time
        if seconds >= TIME_SET_MAX:
            return request.blame_octets(ARGUMENT_RANGE, item, 1, at + 1, 4)
        if seconds < time.seconds or (seconds == time.seconds and read_fraction(buffer, at) <= time.fraction):
            return request.blame_octets(TIME_PAST, item, 1, at + 1, 4)
        return DONE

    # --- selection ---------------------------------------------------------------------------------------------------

    def _mark(self, request: Request) -> int:
        """Mark what the request selects. DONE, UNKNOWN_ID or UNKNOWN_SUBTYPE."""
        table = self._table
        table.mark_all(1 if request.subtype in _ALL else 0)
        if request.subtype in _ALL:
            return DONE
        if request.subtype in _BY_WINDOW:
            self._mark_window(request)
            return DONE
        if request.subtype not in _BY_ID:
            return UNKNOWN_SUBTYPE
        for item in range(request.items):
            at = request.at + _ID_LENGTH * item
            if not table.mark_id(request.u16(at), request.u16(at + 2), request.u16(at + 4)):
                return request.blame_octets(UNKNOWN_ID, item, 1, at + 4, 2)
        return DONE

    def _mark_window(self, request: Request) -> None:
        window = _window(request)
        buffer = request.buffer
        at = request.at
        from_s = from_fraction = 0
        to_s = _LATEST_S
        to_fraction = 0xFFFF
        if window in (1, 2):
            from_s = read_seconds(buffer, at)
            from_fraction = read_fraction(buffer, at)
            at += TIME_LENGTH
        if window in (1, 3):
            to_s = read_seconds(buffer, at)
            to_fraction = read_fraction(buffer, at)
        self._table.mark_window(from_s, from_fraction, to_s, to_fraction)

    # --- what is done with the selection -----------------------------------------------------------------------------

    def _delete(self, request: Request) -> int:
        table = self._table
        status = table.begin(CHANGE_DELETE)
        number = table.count
        while number:
            number -= 1
            if table.marked[table.order[number]]:
                status = min(status, table.remove(number))
        return _kept(request, min(status, table.end()))

    def _shift(self, request: Request, offset_ms: int) -> int:
        """Every shifted request must lie ahead, or none moves (6.11.9)."""
        table = self._table
        time = self._time
        offset_s = offset_ms // 1000
        # 65536/1000 = 8192/125
        offset_fraction = ((offset_ms % 1000) << 13) // 125
        for number in range(table.count):
            place = table.order[number]
            if table.marked[place]:
                fraction = table.fraction(place) + offset_fraction
                seconds = table.seconds(place) + offset_s + (fraction >> 16)
                if seconds >= TIME_SET_MAX:
                    return request.blame(ARGUMENT_RANGE, 0, offset_ms)
                if seconds < time.seconds or (seconds == time.seconds and fraction & 0xFFFF <= time.fraction):
                    return request.blame(TIME_PAST, 0, offset_ms)
        status = table.begin(CHANGE_SHIFT, offset_s, offset_fraction)
        for number in range(table.count):
            place = table.order[number]
            if table.marked[place]:
                fraction = table.fraction(place) + offset_fraction
                seconds = table.seconds(place) + offset_s + (fraction >> 16)
                status = min(status, table.move(place, seconds, fraction & 0xFFFF))
                if number < table.held:
                    table.marked[place] = 2
        self._sort_shifted()
        return _kept(request, min(status, table.end()))

    def _sort_shifted(self) -> None:
        """Held entries stay in front; those that were shifted are held no more."""
        table = self._table
        for number in range(table.count):
            if table.marked[table.order[number]] == 2:
                table.held -= 1
        table.sort()

    def _report(self, destination: int, detail: bool) -> None:
        """11/10 or 11/13: as many reports as it takes; one without requests when none was selected."""
        table = self._table
        tm = self._tm
        subtype = _DETAIL_REPORT if detail else _SUMMARY_REPORT
        start = tm.begin(11, subtype, destination)
        tm.u8(0)
        for number in range(table.count):
            place = table.order[number]
            if not table.marked[place]:
                continue
            size = TIME_LENGTH + 1 + (table.length(place) if detail else _ID_LENGTH)
            if tm.room() < size:
                if tm.send() != OK:
                    return  # leave what room there is to the report that says so
                start = tm.begin(11, subtype, destination)
                tm.u8(0)
            tm.buffer[start] += 1
            write_time(tm.buffer, tm.at, table.seconds(place), table.fraction(place))
            tm.at += TIME_LENGTH
            tm.u8(1 if number < table.held else 0)
            if detail:
                tm.at = table.copy_packet(place, tm.buffer, tm.at)
            else:
                tm.u16(table.source(place))
                tm.u16(table.apid(place))
                tm.u16(table.sequence(place))
        tm.send()


def _window(request: Request) -> int:
    """The window argument; a 32-bit argument before it takes two places."""
    return int(request.args[2 if request.subtype == _SHIFT_WINDOW else 0])


def _is_after(buffer: bytearray, at: int, other: int) -> bool:
    """Is the time at buffer[at] after the one at buffer[other]?"""
    seconds = read_seconds(buffer, at)
    other_s = read_seconds(buffer, other)
    return seconds > other_s or (seconds == other_s and read_fraction(buffer, at) > read_fraction(buffer, other))


def _kept(request: Request, status: int) -> int:
    """What was asked for is done also when the store refuses, and the request fails with its status."""
    return DONE if status >= 0 else request.blame(STORAGE, 0, status)


assert DATA_MAX > 1 + TIME_LENGTH + 1 + SCHEDULE_PACKET_MAX
