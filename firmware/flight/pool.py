"""On-board parameters: one list with the current value of every telemetry point and settable parameter.

Apps and services write their points, `values[index] = x`; settable parameters change through Parameters.put alone.
Housekeeping, monitors, sequences and ST[20] read the same list. An index is the place of the id in ascending order.
Values are integers in -2^30..2^30-1 or floats: neither allocates.
"""

from .codec import FIELD_FLOAT
from .tables import Tables


class Pool:
    """Current values and who supplies them. Allocates when made, never after.

    values: by index. Writing a point before its supplier claimed it is not checked at run time; the dictionary's check
    starts the topology on a workstation and reports every point that nobody claimed.
    """

    def __init__(self, tables: Tables) -> None:
        self._ids = tables.POOL_IDS
        self._types = tables.POOL_TYPES
        self.values = list(tables.POOL_START)
        self._supplied = bytearray(len(self.values))

    def index_of(self, identifier: int) -> int:
        """Index of the on-board parameter *identifier* (0..65535), -1 when there is none. Allocates nothing."""
        ids = self._ids
        low = 0
        high = len(self.values)
        while low < high:
            middle = (low + high) >> 1
            found = ids[2 * middle] << 8 | ids[2 * middle + 1]
            if found == identifier:
                return middle
            if found < identifier:
                low = middle + 1
            else:
                high = middle
        return -1

    def supply(self, identifier: int) -> int:
        """Claim that the caller keeps this point up to date; its index. At start only."""
        index = self.index_of(identifier)
        assert index >= 0, identifier
        self._supplied[index] = min(self._supplied[index] + 1, 255)
        return index

    def suppliers(self, index: int) -> int:
        """How many claimed to supply the point at *index*."""
        return self._supplied[index]

    def id_at(self, index: int) -> int:
        """Id of the on-board parameter at *index*."""
        return self._ids[2 * index] << 8 | self._ids[2 * index + 1]

    def kind(self, index: int) -> int:
        """Field kind (SPEC 11) of the on-board parameter at *index*."""
        return self._types[2 * index]

    def width(self, index: int) -> int:
        """Width in bits, as it stands in reports, of the on-board parameter at *index*."""
        return self._types[2 * index + 1]

    def write_field(self, index: int, bit: int, fmt: bytearray, at: int) -> int:
        """Write to fmt[at:at+6] the descriptor that puts this value at *bit* of a report; the bit behind it.

        A float starts at the next octet, as its descriptor demands.
        """
        kind = self._types[2 * index]
        width = self._types[2 * index + 1]
        if kind == FIELD_FLOAT:
            bit = (bit + 7) & ~7
        fmt[at] = kind
        fmt[at + 1] = width
        fmt[at + 2] = bit >> 8
        fmt[at + 3] = bit & 0xFF
        fmt[at + 4] = index >> 8
        fmt[at + 5] = index & 0xFF
        return bit + width
