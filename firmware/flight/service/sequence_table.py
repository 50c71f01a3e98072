"""The sequences that can be activated: those of the dictionary in flash, those of ST[21] in memory and in the store.

A loaded sequence takes the place of one of the dictionary that has the same id, as soon as it is there as a whole, and
until it is unloaded. It survives a restart: head and octets are kept in SEQUENCE_RECORDS records of the store for each
place. The first one, which holds the head, is emptied before and written after the others, and the head has the CRC-16
of all octets: what a power cut leaves is the whole sequence or none.

Head, in front of the octets: id (2), steps (1), not used (1), length (2), CRC-16 (2).
"""

from array import array

from micropython import const

from ..codec import crc16
from ..limits import (
    JOURNAL_RECORD_MAX,
    SEQUENCE_OCTETS,
    SEQUENCE_RECORDS,
    SEQUENCE_STEPS_MAX,
    SEQUENCES_MAX,
    STORE_SEQUENCES,
)
from ..pool import Pool
from ..tables import SEQUENCE_ID, SEQUENCE_OCTETS_AT, SEQUENCE_STEPS, Tables
from .parameter import Store
from .sequence_steps import Step

LOADING = const(1)
LOADED = const(2)

_HEAD: int = const(8)


class SequenceTable:
    """Allocates when made and in load(), never after.

    By place, loaded ones first, a place with id 0 is free: ids, state, octets (the steps are octets[start:start +
    length]), start, length, steps, crc (as announced), received (octets that are there). step: the one read last.
    """

    def __init__(self, tables: Tables, pool: Pool, store: Store) -> None:
        self._store = store
        self.step = Step(pool)
        rows = tables.SEQUENCES
        places = SEQUENCES_MAX + len(rows)
        none = [0] * places
        self.ids = array("H", none)
        self.state = bytearray(places)
        self.octets: list[bytes | bytearray] = [bytearray(_HEAD + SEQUENCE_OCTETS) for _ in range(SEQUENCES_MAX)]
        self.start = bytearray(places)
        self.length = array("H", none)
        self.steps = bytearray(places)
        self.crc = array("H", none)
        self.received = array("H", none)
        self._kept = bytearray(SEQUENCES_MAX)  # 1: the store may have a head of this place
        for place in range(SEQUENCES_MAX):
            self.start[place] = _HEAD
        for number, row in enumerate(rows):
            place = SEQUENCES_MAX + number
            self.ids[place] = row[SEQUENCE_ID]
            self.state[place] = LOADED
            self.octets.append(row[SEQUENCE_OCTETS_AT])
            self.length[place] = self.received[place] = len(row[SEQUENCE_OCTETS_AT])
            self.steps[place] = row[SEQUENCE_STEPS]
            assert self.good(place), row[SEQUENCE_ID]

    def use(self, store: Store) -> None:
        """Keep sequences in *store* from now on."""
        self._store = store

    # --- looking ------------------------------------------------------------------------------------------------------

    def find(self, identifier: int) -> int:
        """Place of the sequence, a loaded one before one of the dictionary; -1: there is none; id 0: a free place."""
        for place in range(len(self.ids)):
            if self.ids[place] == identifier:
                return place
        return -1

    def ready(self, identifier: int) -> int:
        """Place of the sequence that an activation means: the loaded one when all of it is there. -1: there is none."""
        found = -1
        for place in range(len(self.ids)):
            if self.ids[place] == identifier:
                if self.state[place] == LOADED:
                    return place
                found = place
        return found

    def is_replaced(self, place: int) -> bool:
        """Is it one of the dictionary whose id a loaded one has?"""
        return self.find(self.ids[place]) != place

    def end(self, place: int) -> int:
        """Where the octets of a place end."""
        return self.start[place] + self.length[place]

    def good(self, place: int) -> bool:
        """Is every step good, and is their number right?"""
        at: int = self.start[place]
        end = self.end(place)
        count = 0
        while 0 <= at < end:
            at = self.step.read(self.octets[place], at, end)
            count += 1
        return at >= 0 and count == self.steps[place] <= SEQUENCE_STEPS_MAX

    def checksum(self, place: int) -> int:
        """CRC-16 of the octets that are there."""
        return crc16(self.octets[place], self.start[place], self.start[place] + self.received[place])

    # --- the store ----------------------------------------------------------------------------------------------------

    def keep(self, place: int) -> int:
        """All of a loaded sequence is there: keep it; status of the store."""
        octets = self.octets[place]
        assert isinstance(octets, bytearray)
        crc = self.checksum(place)
        octets[0] = self.ids[place] >> 8
        octets[1] = self.ids[place] & 0xFF
        octets[2] = self.steps[place]
        octets[3] = 0
        octets[4] = self.length[place] >> 8
        octets[5] = self.length[place] & 0xFF
        octets[6] = crc >> 8
        octets[7] = crc & 0xFF
        status = self._erase(place)
        self._kept[place] = 1
        end = self.end(place)
        for record in range(SEQUENCE_RECORDS - 1, -1, -1):
            at = record * JOURNAL_RECORD_MAX
            if at < end and status >= 0:
                last = min(at + JOURNAL_RECORD_MAX, end)
                status = min(status, self._store.put(_key(place, record), octets, at, last))
        return status

    def forget(self, place: int) -> int:
        """Make the place of a loaded sequence free; status of the store."""
        self.ids[place] = 0
        return self._erase(place)

    def _erase(self, place: int) -> int:
        """Empty the record with the head, if there is one: the others mean nothing without it."""
        if not self._kept[place]:
            return 0
        octets = self.octets[place]
        assert isinstance(octets, bytearray)
        status = int(self._store.put(_key(place, 0), octets, 0, 0))
        self._kept[place] = 1 if status < 0 else 0
        return status

    def load(self) -> None:
        """Take the sequences of the store, at start. Allocates."""
        for place in range(SEQUENCES_MAX):
            octets = self.octets[place]
            assert isinstance(octets, bytearray)
            length = 0
            for record in range(SEQUENCE_RECORDS):
                at = record * JOURNAL_RECORD_MAX
                view = memoryview(octets)[at : at + JOURNAL_RECORD_MAX]
                found = self._store.get(_key(place, record), view)  # type: ignore[arg-type]
                if found <= 0:
                    break
                self._kept[place] = 1
                length += found
            if length > _HEAD:
                self._take(place, octets, length)

    def _take(self, place: int, octets: bytearray, length: int) -> None:
        """Take what the store had for a place, if it is a whole and good sequence."""
        self.length[place] = self.received[place] = octets[4] << 8 | octets[5]
        self.steps[place] = octets[2]
        identifier = octets[0] << 8 | octets[1]
        if self.end(place) > length or not identifier or self.find(identifier) in range(SEQUENCES_MAX):
            return
        if self.checksum(place) == octets[6] << 8 | octets[7] and self.good(place):
            self.ids[place] = identifier
            self.state[place] = LOADED


def _key(place: int, record: int) -> int:
    return STORE_SEQUENCES + place * SEQUENCE_RECORDS + record
