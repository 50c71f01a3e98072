"""ST[12] on-board monitoring: the requests about it and their reports. ECSS-E-ST-70-41C 6.12, 8.12.

The checks are in monitor_table.py. Definitions have the layout of 12/5 in dictionary/monitoring.toml in requests and
reports. 12/9: reporting delay in ms (4 octets), number (1), for each its definition (33), enabled (1), status (1).
12/11: number, for each monitor (2), point (2), check (1), status (1), kind (1: 2 = integer, 3 = float), value (4).
12/14: number, for each monitor (2), enabled (1), status (1). Reports that do not fit into a packet go on in the next
one. A request with several items is all or nothing.
"""

from micropython import const

from ..codec import FIELD_FLOAT, FIELD_HALVES, FIELD_SIGNED, FIELD_UNSIGNED, field, unpack
from ..limits import CYCLE_MS, MONITORS_MAX
from ..pool import Pool
from ..tables import CHECK_DELTA, CHECK_EXPECTED, MONITOR_COEFFICIENTS, MONITOR_INDEX, Tables
from .base import Service
from .event import Events
from .failure import (
    ALREADY_THERE,
    DONE,
    STATE,
    TABLE_FULL,
    UNKNOWN_ID,
    UNKNOWN_SUBTYPE,
    VALUE_RANGE,
)
from .monitor_table import LOW, NEVER, MonitorTable
from .request import Request
from .telemetry import Telemetry

_ENABLE = const(1)
_DISABLE = const(2)
_DELAY = const(3)
_DELETE_ALL = const(4)
_ADD = const(5)
_DELETE = const(6)
_MODIFY = const(7)
_DEFINITIONS = const(8)
_DEFINITION_REPORT = const(9)
_OUT = const(10)
_OUT_REPORT = const(11)
_STATUS = const(13)
_STATUS_REPORT = const(14)
_START = const(15)
_STOP = const(16)

_DEFINITION = const(33)
_PERIOD_MAX_MS = const(3_600_000)
_FLOAT_MAX = 3.4e38
# Where the values of a definition stand in `_parsed`. Only the point tells whether limits are floats: both are read.
_VALID_POINT = const(2)
_MASK = const(3)
_EXPECTED = const(5)
_PERIOD = const(7)
_REPETITION = const(9)
_CHECK = const(10)
_ENGINEERING = const(11)
_A = const(12)
_B = const(14)
_EVENT_LOW = const(16)
_EVENT_HIGH = const(17)
_FLOAT_A = const(18)
_FLOAT_B = const(19)
_FORMAT = (
    field(FIELD_UNSIGNED, 16, 0, 0)
    + field(FIELD_UNSIGNED, 16, 16, 1)
    + field(FIELD_UNSIGNED, 16, 32, _VALID_POINT)
    + field(FIELD_HALVES, 32, 48, _MASK)
    + field(FIELD_HALVES, 32, 80, _EXPECTED)
    + field(FIELD_HALVES, 32, 112, _PERIOD)
    + field(FIELD_UNSIGNED, 8, 144, _REPETITION)
    + field(FIELD_UNSIGNED, 8, 152, _CHECK)
    + field(FIELD_UNSIGNED, 8, 160, _ENGINEERING)
    + field(FIELD_HALVES, 32, 168, _A)
    + field(FIELD_HALVES, 32, 200, _B)
    + field(FIELD_UNSIGNED, 16, 232, _EVENT_LOW)
    + field(FIELD_UNSIGNED, 16, 248, _EVENT_HIGH)
    + field(FIELD_FLOAT, 32, 168, _FLOAT_A)
    + field(FIELD_FLOAT, 32, 200, _FLOAT_B)
)


class Monitoring(Service):
    """Allocates when made, never after."""

    service_type = 12

    def __init__(self, core, tables: Tables) -> None:  # type: ignore[no-untyped-def]
        self._tm: Telemetry = core.tm
        self._pool: Pool = core.pool
        self._events: Events = core.events
        self._values: list[float] = core.values
        self._rows = tables.MONITORS
        self.table = MonitorTable(tables, core.pool, core.time, core.tm, core.events)
        self._parsed: list[float] = [0] * 20
        ids = core.ids
        self._points = (
            core.supply(ids.MONITORING_RUNNING),
            core.supply(ids.MONITORING_ENABLED),
            core.supply(ids.MONITORING_OUT),
            core.supply(ids.MONITORING_TRANSITIONS),
        )

    def step_1hz(self) -> None:
        """Bring the points up to date."""
        table = self.table
        enabled = 0
        out = 0
        for place in range(table.top):
            if table.enabled[place]:
                enabled += 1
                if table.status[place] >= LOW:
                    out += 1
        values = self._values
        points = self._points
        values[points[0]] = 1 if table.running else 0
        values[points[1]] = enabled
        values[points[2]] = out
        values[points[3]] = table.transitions

    # --- requests ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        table = self.table
        table.settle()
        if subtype in (_ENABLE, _DISABLE, _DELETE):
            return self._each(request)
        if subtype in (_ADD, _MODIFY):
            return self._define(request)
        if subtype == _DEFINITIONS:
            return self._report_definitions(request)
        if subtype == _DELAY:
            table.delay_ms = int(request.args[0])
        elif subtype == _DELETE_ALL:
            if table.running:
                return request.blame(STATE, 0, 1)
            for place in range(table.top):
                table.delete(place)
        elif subtype == _OUT:
            self._report_out(request.source)
        elif subtype == _STATUS:
            self._report_status(request.source)
        elif subtype in (_START, _STOP):
            table.running = subtype == _START
        else:
            return UNKNOWN_SUBTYPE
        return DONE

    def _each(self, request: Request) -> int:
        """12/1, 12/2, 12/6: monitor ids."""
        table = self.table
        subtype = request.subtype
        for item in range(request.items):
            at = request.at + 2 * item
            place = table.find(request.u16(at))
            if place < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
            if subtype == _DELETE and table.enabled[place]:
                return request.blame_octets(STATE, item, 1, at, 2)
        for item in range(request.items):
            place = table.find(request.u16(request.at + 2 * item))
            if place < 0:  # named twice and deleted
                continue
            if subtype == _DELETE:
                table.delete(place)
            elif subtype == _DISABLE or not table.enabled[place]:
                table.restart(place, subtype == _ENABLE)
        return DONE

    def _define(self, request: Request) -> int:
        """12/5, 12/7: definitions."""
        table = self.table
        adding = request.subtype == _ADD
        for item in range(request.items):
            at = request.at + _DEFINITION * item
            place = table.find(request.u16(at))
            if adding and (place >= 0 or self._named_before(request, item)):
                return request.blame_octets(ALREADY_THERE, item, 1, at, 2)
            if not adding and (place < 0 or self._pool.id_at(table.index[place]) != request.u16(at + 2)):
                return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
            code = self._judge(request, item, at)
            if code != DONE:
                return code
        if adding and self._room() < request.items:
            return request.blame(TABLE_FULL, self._room(), request.items)
        for item in range(request.items):
            at = request.at + _DEFINITION * item
            self._parse(request, at)
            self._store(table.free() if adding else table.find(request.u16(at)), request.u16(at))
        return DONE

    def _named_before(self, request: Request, item: int) -> bool:
        identifier = request.u16(request.at + _DEFINITION * item)
        for other in range(item):
            if request.u16(request.at + _DEFINITION * other) == identifier:
                return True
        return identifier == 0

    def _room(self) -> int:
        room = 0
        for place in range(MONITORS_MAX):
            if not self.table.ids[place]:
                room += 1
        return room

    def _parse(self, request: Request, at: int) -> None:
        unpack(_FORMAT, request.buffer, at, at + _DEFINITION, self._parsed)

    def _coefficients(self, index: int) -> "tuple[float, ...] | None":
        """The calibration of a point, which the board has if a monitor of the dictionary uses it."""
        for row in self._rows:
            if row[MONITOR_INDEX] == index and row[MONITOR_COEFFICIENTS]:
                return row[MONITOR_COEFFICIENTS]  # type: ignore[no-any-return]
        return None

    def _judge(self, request: Request, item: int, at: int) -> int:
        """DONE, or why the definition at buffer[at] cannot be taken; ids first, then numbers from left to right."""
        self._parse(request, at)
        parsed = self._parsed
        index = self._pool.index_of(request.u16(at + 2))
        if index < 0:
            return request.blame_octets(UNKNOWN_ID, item, 1, at + 2, 2)
        if parsed[_VALID_POINT] and self._pool.index_of(int(parsed[_VALID_POINT])) < 0:
            return request.blame_octets(UNKNOWN_ID, item, 1, at + 4, 2)
        for place in (_EVENT_LOW, _EVENT_HIGH):
            if parsed[place] and not self._events.knows(int(parsed[place])):
                return request.blame_octets(UNKNOWN_ID, item, 1, at + 29 + 2 * (place - _EVENT_LOW), 2)
        # Only an integer has bits; and a float that is no number or a large one cannot be made an integer here.
        if parsed[_VALID_POINT] and self._pool.kind(self._pool.index_of(int(parsed[_VALID_POINT]))) == FIELD_FLOAT:
            return request.blame_octets(VALUE_RANGE, item, 1, at + 4, 2)
        if parsed[_MASK] > 0x3FFF or parsed[_EXPECTED] > 0x3FFF:
            return request.blame_octets(VALUE_RANGE, item, 1, at + 6, 4)
        period_ms = -1 if parsed[_PERIOD] > 0x3FFF else self._whole(_PERIOD)
        if not CYCLE_MS <= period_ms <= _PERIOD_MAX_MS or period_ms % CYCLE_MS:
            return request.blame_octets(VALUE_RANGE, item, 1, at + 14, 4)
        if not parsed[_REPETITION]:
            return request.blame_octets(VALUE_RANGE, item, 1, at + 18, 1)
        is_float = parsed[_ENGINEERING] or self._pool.kind(index) == FIELD_FLOAT
        if parsed[_CHECK] > CHECK_DELTA or (parsed[_CHECK] == CHECK_EXPECTED and is_float):
            return request.blame_octets(VALUE_RANGE, item, 1, at + 19, 1)
        if parsed[_ENGINEERING] and (parsed[_ENGINEERING] != 1 or self._coefficients(index) is None):
            return request.blame_octets(VALUE_RANGE, item, 1, at + 20, 1)
        if not self._good_limits(is_float != 0):
            return request.blame_octets(VALUE_RANGE, item, FIELD_FLOAT if is_float else FIELD_SIGNED, at + 21, 4)
        return DONE

    def _good_limits(self, is_float: bool) -> bool:
        """Can the board hold them, and is the low one not above the high one?"""
        parsed = self._parsed
        if is_float:
            return -_FLOAT_MAX <= parsed[_FLOAT_A] <= parsed[_FLOAT_B] <= _FLOAT_MAX
        for place in (_A, _B):
            if 0x4000 <= parsed[place] < 0xC000:
                return False
        return parsed[_CHECK] == CHECK_EXPECTED or self._whole(_A) <= self._whole(_B)

    def _whole(self, place: int) -> int:
        """The 32-bit integer whose halves are at *place*."""
        high = int(self._parsed[place])
        if high >= 0x8000:
            high -= 0x10000
        return high << 16 | int(self._parsed[place + 1])

    def _store(self, place: int, identifier: int) -> None:
        """Write what was parsed to *place*; a modified monitor stays as enabled as it was."""
        table = self.table
        parsed = self._parsed
        table.ids[place] = identifier
        table.index[place] = index = self._pool.index_of(int(parsed[1]))
        table.valid_index[place] = self._pool.index_of(int(parsed[_VALID_POINT])) if parsed[_VALID_POINT] else NEVER
        table.valid_mask[place] = self._whole(_MASK)
        table.valid_value[place] = self._whole(_EXPECTED)
        table.period[place] = self._whole(_PERIOD) // CYCLE_MS
        table.repetition[place] = int(parsed[_REPETITION])
        table.check[place] = int(parsed[_CHECK])
        table.coefficients[place] = self._coefficients(index) if parsed[_ENGINEERING] else None
        is_float = table.is_float(place)
        table.a[place] = parsed[_FLOAT_A] if is_float else self._whole(_A)
        table.b[place] = parsed[_FLOAT_B] if is_float else self._whole(_B)
        table.event_low[place] = int(parsed[_EVENT_LOW])
        table.event_high[place] = int(parsed[_EVENT_HIGH])
        table.restart(place, table.enabled[place])

    # --- reports ----------------------------------------------------------------------------------------------------

    def _report_definitions(self, request: Request) -> int:
        table = self.table
        for item in range(request.items):
            at = request.at + 2 * item
            if table.find(request.u16(at)) < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
        tm = self._tm
        start = self._begin_definitions(request.source)
        for item in range(request.items or table.top):
            place = table.find(request.u16(request.at + 2 * item)) if request.items else item
            if not table.ids[place]:
                continue
            if tm.room() < _DEFINITION + 2:
                tm.send()
                start = self._begin_definitions(request.source)
            tm.buffer[start + 4] += 1
            self._append_definition(place)
        tm.send()
        return DONE

    def _begin_definitions(self, destination: int) -> int:
        start = self._tm.begin(12, _DEFINITION_REPORT, destination)
        self._tm.u32(self.table.delay_ms)
        self._tm.u8(0)
        return start

    def _append_definition(self, place: int) -> None:
        table = self.table
        tm = self._tm
        valid = table.valid_index[place]
        tm.u16(table.ids[place])
        tm.u16(self._pool.id_at(table.index[place]))
        tm.u16(0 if valid == NEVER else self._pool.id_at(valid))
        tm.u32(table.valid_mask[place])
        tm.u32(table.valid_value[place])
        tm.u32(table.period[place] * CYCLE_MS)
        tm.u8(table.repetition[place])
        tm.u8(table.check[place])
        tm.u8(0 if table.coefficients[place] is None else 1)
        self._append_number(place, table.a[place])
        self._append_number(place, table.b[place])
        tm.u16(table.event_low[place])
        tm.u16(table.event_high[place])
        tm.u8(table.enabled[place])
        tm.u8(table.status[place])

    def _append_number(self, place: int, value: float) -> None:
        self.table.write(place, value, self._tm.buffer, self._tm.at)
        self._tm.at += 4

    def _report_out(self, destination: int) -> None:
        table = self.table
        tm = self._tm
        start = tm.begin(12, _OUT_REPORT, destination)
        tm.u8(0)
        for place in range(table.top):
            if table.enabled[place] and table.status[place] >= LOW:
                tm.buffer[start] += 1
                tm.u16(table.ids[place])
                tm.u16(self._pool.id_at(table.index[place]))
                tm.u8(table.check[place])
                tm.u8(table.status[place])
                tm.u8(FIELD_FLOAT if table.is_float(place) else FIELD_SIGNED)
                self._append_number(place, table.value(place))
        tm.send()

    def _report_status(self, destination: int) -> None:
        table = self.table
        tm = self._tm
        start = tm.begin(12, _STATUS_REPORT, destination)
        tm.u8(0)
        for place in range(table.top):
            if table.ids[place]:
                tm.buffer[start] += 1
                tm.u16(table.ids[place])
                tm.u8(table.enabled[place])
                tm.u8(table.status[place])
        tm.send()
