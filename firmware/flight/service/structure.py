"""Housekeeping parameter report structure (ECSS-E-ST-70-41C 6.3.3): what is in a report and when it is due."""

from array import array

from ..codec import FIELD_SIZE
from ..limits import CYCLE_MS
from ..tables import (
    HOUSEKEEPING_ENABLED,
    HOUSEKEEPING_FLAGS,
    HOUSEKEEPING_FORMAT,
    HOUSEKEEPING_ON_CHANGE,
    HOUSEKEEPING_PERIOD_MS,
    HOUSEKEEPING_SID,
    HOUSEKEEPING_SIZE,
    Tables,
)


class Structure:
    """One structure. sid: 1..65535, 0 = a free place for 3/1. fmt: descriptors. size: octets. period_ms: of reports.

    left_ms: until the next report. fields: how many of fmt's descriptors count. created: made by 3/1, so 3/3 may delete
    it. crc_a, crc_b: of the last report, quiet: periods since then (on_change).
    """

    def __init__(self, sid: int, period_ms: int, size: int, fmt: "bytes | bytearray") -> None:
        self.sid = sid
        # An integer above 8191 in a frozen tuple is a big one, and adding to it allocates; out of an array it is small.
        self.period_ms = array("i", (period_ms,))[0]
        self.size = size
        self.fmt = fmt
        self.fields = len(fmt) // FIELD_SIZE
        self.enabled = False
        self.on_change = False
        self.created = False
        self.left_ms = 0
        self.crc_a = -1
        self.crc_b = -1
        self.quiet = 0

    def index_at(self, field: int) -> int:
        """Pool index of a field."""
        return self.fmt[FIELD_SIZE * field + 4] << 8 | self.fmt[FIELD_SIZE * field + 5]


def dictionary_structures(tables: Tables) -> "list[Structure]":
    """The structures of the dictionary. Those with the same period are due in different cycles where possible."""
    found = []
    for number, row in enumerate(tables.HOUSEKEEPING):
        structure = Structure(
            row[HOUSEKEEPING_SID], row[HOUSEKEEPING_PERIOD_MS], row[HOUSEKEEPING_SIZE], row[HOUSEKEEPING_FORMAT]
        )
        structure.enabled = row[HOUSEKEEPING_FLAGS] & HOUSEKEEPING_ENABLED != 0
        structure.on_change = row[HOUSEKEEPING_FLAGS] & HOUSEKEEPING_ON_CHANGE != 0
        structure.left_ms = CYCLE_MS * (number + 1) % structure.period_ms
        found.append(structure)
    return found
