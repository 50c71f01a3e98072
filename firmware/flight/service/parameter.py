"""ST[20] parameter management: read any on-board parameter, set settable ones, back to defaults; persistent ones are
kept.

ECSS-E-ST-70-41C 6.20, 8.20. A value stands in whole octets in its own type. 20/1 and 20/2: number (1 octet), ids or
(id, value) pairs. 20/3: number, (id, value) pairs, all or nothing, each judged before acceptance. 20/128: everything
that is settable, as reports 20/2. 20/129: number, ids whose defaults come back, none = all.

Kept in the store as one record: for each persistent parameter that is not at its default its id (2), kind (1), width
(1), value (4). What the dictionary no longer knows, or knows otherwise, is not taken.
"""

from micropython import const

from ..codec import FIELD_FLOAT, FIELD_HALVES, FIELD_SIGNED, pack, unpack
from ..limits import PERSISTENT_MAX, STORE_PARAMETERS
from ..pool import Pool
from ..tables import (
    PARAMETER_FLAGS,
    PARAMETER_HIGH,
    PARAMETER_INDEX,
    PARAMETER_LOW,
    PARAMETER_PERSISTENT,
    PARAMETER_VALUES,
    Tables,
)
from .base import Service
from .failure import (
    DATA_LENGTH,
    DONE,
    NOT_SETTABLE,
    REPORT_SIZE,
    STORAGE,
    UNKNOWN_ID,
    UNKNOWN_SUBTYPE,
    VALUE_RANGE,
)
from .request import Request
from .telemetry import DATA_MAX, Telemetry

_READ = const(1)
_REPORT = const(2)
_SET = const(3)
_READ_ALL = const(128)
_DEFAULTS = const(129)

_ENTRY = const(8)  # octets of one parameter in the store's record
# The largest item of a report: id and eight octets.
_ITEM_MAX = const(10)


class Store:
    """What keeps records over a reset; the journal is one. A key is 1..JOURNAL_KEYS."""

    def put(self, key: int, buffer: bytearray, start: int, end: int) -> int:
        """Keep buffer[start:end] under *key*, instead of what was there. 0, or a negative status."""
        return 0

    def get(self, key: int, buffer: bytearray) -> int:
        """Read the record *key* into buffer[0:n]; n, -1 when there is none or it does not fit."""
        return -1


class Parameters(Service):
    """Allocates when made, never after."""

    service_type = 20

    def __init__(self, tables: Tables, pool: Pool, tm: Telemetry, store: Store) -> None:
        self._rows = tables.PARAMETERS
        self._defaults = tables.POOL_START
        self._pool = pool
        self._values = pool.values
        self._tm = tm
        self._store = store
        self._fmt = bytearray(6)
        self._parsed: list[float] = [0, 0]
        self._record = bytearray(_ENTRY * PERSISTENT_MAX)
        for row in self._rows:
            pool.supply(pool.id_at(row[PARAMETER_INDEX]))
        # Each value twice more, by row: two of three are right when a bit of memory has turned over.
        self._second = [self._values[row[PARAMETER_INDEX]] for row in self._rows]
        self._third = list(self._second)
        self._next = 0

    def use(self, store: Store) -> None:
        """Keep records in *store* from now on."""
        self._store = store

    # --- three of each ------------------------------------------------------------------------------------------------

    def _take(self, row: int, value: float) -> None:
        """The parameter of *row* has this value from now on."""
        self._values[self._rows[row][PARAMETER_INDEX]] = value
        self._second[row] = value
        self._third[row] = value

    def put(self, index: int, value: float) -> None:
        """Set the parameter at pool index *index* from on board; a value that is only written is taken for damage."""
        self._take(self._row_of(index), value)

    def mend(self, count: int) -> int:
        """Compare the three of the next *count* parameters; the id of one whose value had to be mended, or -1."""
        values = self._values
        mended = -1
        for _ in range(count):
            row = self._next
            self._next = row + 1 if row + 1 < len(self._rows) else 0
            index = self._rows[row][PARAMETER_INDEX]
            second = self._second[row]
            third = self._third[row]
            if values[index] != second or second != third:
                if second == third:
                    values[index] = second
                    mended = self._pool.id_at(index)
                else:
                    self._take(row, third if values[index] == third else values[index])
        return mended

    # --- one value ----------------------------------------------------------------------------------------------------

    def _row_of(self, index: int) -> int:
        """Row of the settable parameter at pool index *index*, -1 when it is none."""
        rows = self._rows
        low = 0
        high = len(rows)
        while low < high:
            middle = (low + high) >> 1
            found = rows[middle][PARAMETER_INDEX]
            if found == index:
                return middle
            if found < index:
                low = middle + 1
            else:
                high = middle
        return -1

    def _octets(self, index: int) -> int:
        return (self._pool.width(index) + 7) >> 3

    def _descriptor(self, index: int, kind: int) -> None:
        """The descriptor of one value alone in whole octets: its place is at the end of them."""
        fmt = self._fmt
        width = self._pool.width(index)
        fmt[0] = kind
        fmt[1] = width
        fmt[3] = -width & 7

    def write(self, index: int, buffer: bytearray, at: int) -> int:
        """Write the value at pool index *index* to buffer[at:]; the position behind it."""
        end = at + self._octets(index)
        for place in range(at, end):
            buffer[place] = 0
        self._descriptor(index, self._pool.kind(index))
        self._parsed[0] = self._values[index]
        pack(self._fmt, self._parsed, buffer, at, end)
        return end

    def parse(self, index: int, buffer: bytearray, at: int) -> bool:
        """Read a value for pool index *index* from buffer[at:] into _parsed[0]; False when no integer can hold it."""
        kind = self._pool.kind(index)
        wide = kind != FIELD_FLOAT and self._pool.width(index) == 32
        self._descriptor(index, FIELD_HALVES if wide else kind)
        parsed = self._parsed
        unpack(self._fmt, buffer, at, at + self._octets(index), parsed)
        if wide:
            high = int(parsed[0])
            if kind == FIELD_SIGNED and high >= 0x8000:
                high -= 0x10000
            if not -0x4000 <= high <= 0x3FFF:
                return False
            parsed[0] = high << 16 | int(parsed[1])
        return True

    def _allowed(self, row: int, value: float) -> bool:
        definition = self._rows[row]
        if not definition[PARAMETER_LOW] <= value <= definition[PARAMETER_HIGH]:
            return False
        return not definition[PARAMETER_VALUES] or value in definition[PARAMETER_VALUES]

    # --- requests -----------------------------------------------------------------------------------------------------

    def check(self, request: Request) -> int:
        """Walk the items of 20/3: their lengths depend on the ids, so a bad id or value is a failed acceptance."""
        if request.subtype != _SET:
            return DONE
        at = request.at
        end = request.data_end
        for item in range(request.items):
            if at + 2 > end:
                return request.blame(DATA_LENGTH, item, end - request.data_start)
            index = self._pool.index_of(request.u16(at))
            if index < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
            row = self._row_of(index)
            if row < 0:
                return request.blame_octets(NOT_SETTABLE, item, 1, at, 2)
            width = self._octets(index)
            if at + 2 + width > end:
                return request.blame(DATA_LENGTH, item, end - request.data_start)
            if not self.parse(index, request.buffer, at + 2) or not self._allowed(row, self._parsed[0]):
                return request.blame_octets(VALUE_RANGE, item, self._pool.kind(index), at + 2, width)
            at += 2 + width
        return DONE if at == end else request.blame(DATA_LENGTH, request.items, end - request.data_start)

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        if subtype == _READ:
            return self._read(request)
        if subtype == _SET:
            return self._set(request)
        if subtype == _READ_ALL:
            self._read_all(request.source)
            return DONE
        return self._default(request) if subtype == _DEFAULTS else UNKNOWN_SUBTYPE

    def _read(self, request: Request) -> int:
        size = 1
        for item in range(request.items):
            index = self._pool.index_of(request.u16(request.at + 2 * item))
            if index < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, request.at + 2 * item, 2)
            size += 2 + self._octets(index)
        if size > DATA_MAX:
            return request.blame(REPORT_SIZE, 0, size)
        tm = self._tm
        tm.begin(20, _REPORT, request.source)
        tm.u8(request.items)
        for item in range(request.items):
            self._append(self._pool.index_of(request.u16(request.at + 2 * item)))
        tm.send()
        return DONE

    def _append(self, index: int) -> None:
        tm = self._tm
        tm.u16(self._pool.id_at(index))
        tm.at = self.write(index, tm.buffer, tm.at)

    def _read_all(self, destination: int) -> None:
        """Reports 20/2 with as many values as each holds."""
        tm = self._tm
        rows = self._rows
        number = 0
        while number < len(rows):
            at = tm.begin(20, _REPORT, destination)
            tm.u8(0)
            count = 0
            while number < len(rows) and tm.room() >= _ITEM_MAX and count < 255:
                self._append(rows[number][PARAMETER_INDEX])
                number += 1
                count += 1
            tm.buffer[at] = count
            tm.send()

    def _set(self, request: Request) -> int:
        at = request.at
        persistent = False
        for _ in range(request.items):
            index = self._pool.index_of(request.u16(at))
            self.parse(index, request.buffer, at + 2)
            row = self._row_of(index)
            self._take(row, self._parsed[0])
            if self._rows[row][PARAMETER_FLAGS] & PARAMETER_PERSISTENT:
                persistent = True
            at += 2 + self._octets(index)
        return self._keep(request) if persistent else DONE

    def _default(self, request: Request) -> int:
        for item in range(request.items):
            index = self._pool.index_of(request.u16(request.at + 2 * item))
            if index < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, request.at + 2 * item, 2)
            if self._row_of(index) < 0:
                return request.blame_octets(NOT_SETTABLE, item, 1, request.at + 2 * item, 2)
        for item in range(request.items):
            index = self._pool.index_of(request.u16(request.at + 2 * item))
            self._take(self._row_of(index), self._defaults[index])
        if not request.items:
            for row in range(len(self._rows)):
                self._take(row, self._defaults[self._rows[row][PARAMETER_INDEX]])
        return self._keep(request)

    # --- over a reset -------------------------------------------------------------------------------------------------

    def _keep(self, request: Request) -> int:
        """Write the record. The values stay set also when the store refuses, and the request fails with its status."""
        status = self.save()
        return DONE if status >= 0 else request.blame(STORAGE, 0, status)

    def save(self) -> int:
        """Put the persistent parameters that are not at their defaults into the store; its status."""
        record = self._record
        at = 0
        for row in self._rows:
            index = row[PARAMETER_INDEX]
            if row[PARAMETER_FLAGS] & PARAMETER_PERSISTENT and self._values[index] != self._defaults[index]:
                identifier = self._pool.id_at(index)
                record[at] = identifier >> 8
                record[at + 1] = identifier & 0xFF
                record[at + 2] = self._pool.kind(index)
                record[at + 3] = self._pool.width(index)
                self.write(index, record, at + 4)
                at += _ENTRY
        return self._store.put(STORE_PARAMETERS, record, 0, at)

    def load(self) -> int:
        """Take the values of the store, at start; how many were taken."""
        record = self._record
        length = self._store.get(STORE_PARAMETERS, record)
        taken = 0
        for at in range(0, length - _ENTRY + 1, _ENTRY):
            index = self._pool.index_of(record[at] << 8 | record[at + 1])
            row = self._row_of(index) if index >= 0 else -1
            if row < 0 or record[at + 2] != self._pool.kind(index) or record[at + 3] != self._pool.width(index):
                continue
            if self.parse(index, record, at + 4) and self._allowed(row, self._parsed[0]):
                self._take(row, self._parsed[0])
                taken += 1
        return taken
