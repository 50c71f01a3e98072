"""Housekeeping parameter report structure (ECSS-E-ST-70-41C 6.3.3): what is in a report and when it is due."""

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
    """One structure. sid: 0..65535. fmt: descriptors. size: octets. period_ms: a multiple of the cycle.

    left_ms: until the next report. created: made by 3/1, so 3/3 may delete it.
    """

    def __init__(self, sid: int, period_ms: int, size: int, fmt: bytes) -> None:
        self.sid = sid
        self.period_ms = period_ms
        self.size = size
        self.fmt = fmt
        self.enabled = False
        self.on_change = False
        self.created = False
        self.left_ms = 0


def dictionary_structures(tables: Tables) -> "list[Structure]":
    """The structures of the dictionary. Those with the same period are due in different cycles where possible."""
    found = []
    for number, row in enumerate(tables.HOUSEKEEPING):
        structure = Structure(
            row[HOUSEKEEPING_SID], row[HOUSEKEEPING_PERIOD_MS], row[HOUSEKEEPING_SIZE], row[HOUSEKEEPING_FORMAT]
        )
        structure.enabled = row[HOUSEKEEPING_FLAGS] & HOUSEKEEPING_ENABLED != 0
        structure.on_change = row[HOUSEKEEPING_FLAGS] & HOUSEKEEPING_ON_CHANGE != 0
        structure.left_ms = 100 * number % structure.period_ms
        found.append(structure)
    return found
