"""ST[03] housekeeping: structures of on-board parameters, sent at an interval. ECSS-E-ST-70-41C 6.3, 8.3.

Structures come from the dictionary and, at run time, from 3/1. Report 3/25: SID (2 octets), then the values, packed by
one call of the codec straight from the pool. A structure "on change" is looked at every period and sent when a value
differs from the last report, and after HOUSEKEEPING_QUIET_PERIODS in any case. Layouts of the requests:
dictionary/core.toml.

A request with several items is all or nothing: each is judged before any is carried out.
"""

from micropython import const

from ..codec import FIELD_SIZE, copy, crc16, crc16_modbus
from ..idle import NEVER, Idler
from ..limits import (
    CYCLE_MS,
    HOUSEKEEPING_CREATED_FIELDS,
    HOUSEKEEPING_CREATED_MAX,
    HOUSEKEEPING_QUIET_PERIODS,
)
from ..pool import Pool
from ..tables import Tables
from .base import Service
from .failure import (
    ALREADY_THERE,
    DONE,
    REPORT_SIZE,
    STATE,
    TABLE_FULL,
    UNKNOWN_ID,
    UNKNOWN_SUBTYPE,
    VALUE_RANGE,
)
from .request import Request
from .structure import Structure, dictionary_structures
from .telemetry import DATA_MAX, Telemetry

_CREATE = const(1)
_DELETE = const(3)
_ENABLE = const(5)
_DISABLE = const(6)
_REPORT_STRUCTURES = const(9)
_STRUCTURE = const(10)
_REPORT = const(25)
_ONE_SHOT = const(27)
_CHANGE_PERIOD = const(31)
_ON_CHANGE = const(128)  # of this mission framework: subtypes from 128 on are free (ECSS-E-ST-70-41C 5.3.4)

# Octets of one item of each request; the SID is its first two. 3/1 has one structure.
_ITEM = {_DELETE: 2, _ENABLE: 2, _DISABLE: 2, _REPORT_STRUCTURES: 2, _ONE_SHOT: 2, _CHANGE_PERIOD: 6, _ON_CHANGE: 3}
_SID_LENGTH = const(2)
_PERIOD_MAX_MS = const(3_600_000)


class Housekeeping(Service, Idler):
    """Allocates when made, never after. structures: all of them, free places of 3/1 with SID 0."""

    service_type = 3

    def __init__(self, tables: Tables, pool: Pool, tm: Telemetry) -> None:
        self._tm = tm
        self._pool = pool
        self._values = pool.values
        self.structures = dictionary_structures(tables)
        for _ in range(HOUSEKEEPING_CREATED_MAX):
            self.structures.append(Structure(0, CYCLE_MS, 0, bytearray(FIELD_SIZE * HOUSEKEEPING_CREATED_FIELDS)))
        self._found = self.structures[0]
        # Cycles until something is due, and cycles that have not yet been taken from the structures' left_ms.
        self._left = 1
        self._passed = 0

    def step(self) -> None:
        """One cycle of CYCLE_MS: send what is due."""
        self._passed += 1
        self._left -= 1
        if self._left > 0:
            return
        passed_ms = self._passed * CYCLE_MS
        self._passed = 0
        next_ms = NEVER
        for structure in self.structures:
            if structure.enabled:
                left_ms = structure.left_ms - passed_ms
                if left_ms <= 0:
                    left_ms += structure.period_ms
                    if not structure.on_change or self._changed(structure):
                        self.send(structure, 0)
                structure.left_ms = left_ms
                if left_ms < next_ms:
                    next_ms = left_ms
        self._left = (next_ms + CYCLE_MS - 1) // CYCLE_MS

    def idle_cycles(self) -> int:
        return self._left - 1

    def leave_out(self, cycles: int) -> None:
        self._passed += cycles
        self._left -= cycles

    def _settle(self) -> None:
        """Take the cycles that have passed from every structure; the next cycle looks at all of them."""
        passed_ms = self._passed * CYCLE_MS
        self._passed = 0
        self._left = 1
        for structure in self.structures:
            if structure.enabled:
                structure.left_ms -= passed_ms

    def start(self) -> None:
        """Send everything that is enabled once, so that the ground need not wait for an interval."""
        for structure in self.structures:
            if structure.enabled:
                structure.left_ms += structure.period_ms
                if not structure.on_change or self._changed(structure):
                    self.send(structure, 0)

    def send(self, structure: Structure, destination: int) -> None:
        """3/25 of *structure*, now."""
        tm = self._tm
        tm.begin(3, _REPORT, destination)
        tm.u16(structure.sid)
        tm.pack(structure.fmt, self._values, structure.size)
        tm.send()

    def _changed(self, structure: Structure) -> bool:
        """Packs to see: two check codes differ, or it was quiet for long. A change that both miss is one in 2^32."""
        tm = self._tm
        end = tm.draft(structure.fmt, self._values, structure.size)
        crc_a = crc16(tm.buffer, end - structure.size, end)
        crc_b = crc16_modbus(tm.buffer, end - structure.size, end)
        structure.quiet += 1
        if crc_a == structure.crc_a and crc_b == structure.crc_b and structure.quiet < HOUSEKEEPING_QUIET_PERIODS:
            return False
        structure.crc_a = crc_a
        structure.crc_b = crc_b
        structure.quiet = 0
        return True

    # --- requests -----------------------------------------------------------------------------------------------------

    def find(self, sid: int) -> "Structure | None":
        """The structure with that SID. The one found last is tried first: items are judged, then done."""
        structure = self._found
        if structure.sid == sid and sid:
            return structure
        for structure in self.structures:
            if structure.sid == sid and sid:
                self._found = structure
                return structure
        return None

    def handle(self, request: Request) -> int:
        if request.subtype == _CREATE:
            return self._create(request)
        item = _ITEM.get(request.subtype, 0)
        if not item:
            return UNKNOWN_SUBTYPE
        items = request.items
        at = request.at
        for number in range(items):
            code = self._judge(request, number, at + item * number)
            if code != DONE:
                return code
        for _ in range(items):
            structure = self.find(request.u16(at))
            if structure is not None:
                self._carry_out(request, structure, at)
            at += item
        return DONE

    def _judge(self, request: Request, number: int, at: int) -> int:
        """DONE, or why item *number* at buffer[at] cannot be carried out."""
        structure = self.find(request.u16(at))
        if structure is None:
            return request.blame_octets(UNKNOWN_ID, number, 1, at, 2)
        subtype = request.subtype
        if subtype == _DELETE and (not structure.created or structure.enabled):
            return request.blame_octets(STATE, number, 1, at, 2)
        if subtype == _CHANGE_PERIOD and not _good_period(request.u16(at + 2), request.u16(at + 4)):
            return request.blame_octets(VALUE_RANGE, number, 1, at + 2, 4)
        return DONE

    def _carry_out(self, request: Request, structure: Structure, at: int) -> None:
        subtype = request.subtype
        if subtype == _DELETE:
            structure.sid = 0
            structure.created = False
        elif subtype == _ENABLE:
            if not structure.enabled:
                self._settle()
                structure.enabled = True
                structure.left_ms = CYCLE_MS
                structure.crc_a = -1
        elif subtype == _DISABLE:
            self._settle()
            structure.enabled = False
        elif subtype == _REPORT_STRUCTURES:
            self._report_structure(structure, request.source)
        elif subtype == _ONE_SHOT:
            self.send(structure, request.source)
        elif subtype == _CHANGE_PERIOD:
            self._settle()
            structure.period_ms = request.u16(at + 2) << 16 | request.u16(at + 4)
            if structure.left_ms > structure.period_ms:
                structure.left_ms = structure.period_ms
        else:
            structure.on_change = request.u8(at + 2) != 0
            structure.crc_a = -1

    def _create(self, request: Request) -> int:
        """3/1: SID, period, parameters. The new structure is disabled, as 6.3.3.5.1 wants it."""
        sid = int(request.args[0])
        period_ms = int(request.args[1])
        if self.find(sid) is not None:
            return request.blame(ALREADY_THERE, 0, sid)
        if period_ms % CYCLE_MS:
            return request.blame(VALUE_RANGE, 1, period_ms)
        structure = self._free_place()
        if structure is None:
            return request.blame(TABLE_FULL, 0, HOUSEKEEPING_CREATED_MAX)
        if request.items > HOUSEKEEPING_CREATED_FIELDS:
            return request.blame(TABLE_FULL, HOUSEKEEPING_CREATED_FIELDS, request.items)
        fmt = structure.fmt
        assert isinstance(fmt, bytearray)
        bit = 0
        for item in range(request.items):
            index = self._pool.index_of(request.u16(request.at + 2 * item))
            if index < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, request.at + 2 * item, 2)
            bit = self._pool.write_field(index, bit, fmt, FIELD_SIZE * item)
        size = (bit + 7) >> 3
        if size + _SID_LENGTH > DATA_MAX:
            return request.blame(REPORT_SIZE, 0, size)
        # The codec reads all of fmt: what is left over writes the first field once more.
        for place in range(request.items, HOUSEKEEPING_CREATED_FIELDS):
            copy(fmt, 0, FIELD_SIZE, fmt, FIELD_SIZE * place)
        structure.sid = sid
        structure.period_ms = period_ms
        structure.size = size
        structure.fields = request.items
        structure.created = True
        structure.enabled = False
        structure.on_change = False
        return DONE

    def _free_place(self) -> "Structure | None":
        for structure in self.structures:
            if structure.sid == 0:
                return structure
        return None

    def _report_structure(self, structure: Structure, destination: int) -> None:
        """3/10: SID, enabled, on change, period (4 octets), number of parameters, their ids."""
        tm = self._tm
        tm.begin(3, _STRUCTURE, destination)
        tm.u16(structure.sid)
        tm.u8(1 if structure.enabled else 0)
        tm.u8(1 if structure.on_change else 0)
        tm.u32(structure.period_ms)
        tm.u16(structure.fields)
        for field in range(structure.fields):
            if tm.room() >= 2:
                tm.u16(self._pool.id_at(structure.index_at(field)))
        tm.send()


def _good_period(high: int, low: int) -> bool:
    """CYCLE_MS to an hour, a multiple of CYCLE_MS; given as halves, because 32 bits are no small integer."""
    if high > _PERIOD_MAX_MS >> 16:
        return False
    period_ms = high << 16 | low
    return CYCLE_MS <= period_ms <= _PERIOD_MAX_MS and period_ms % CYCLE_MS == 0
