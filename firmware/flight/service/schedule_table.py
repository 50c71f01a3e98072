"""The requests of the time-based schedule: a bounded table in octets, sorted by time, each entry kept in the store.

Entry, and record of the store (key STORE_SCHEDULE + place in the table): seconds since EPOCH (4 octets), fraction
(2), mark of the latest shift (1), length of the packet (1), the packet. An empty record is a free place. Inserting
moves only the octets of `order`; times are compared as small integers.

A change of several records is whole or not at all, also when the power goes in the middle of it: begin() keeps a record
of it (key STORE_SCHEDULE_CHANGE), end() empties that. A start that finds one carries the change out (what was carried
out already, it finds so): a deletion, with CHANGE_RESET of the state too; a shift of those that have not its mark. An
insertion counts from its end() on: up to there its record is the deletion of what is being inserted. Record: change
(1), mark (1), offset of a shift in s (4) and 1/65536 s (2), places (8, the first is the high bit).
"""

from micropython import const

from ..codec import copy
from ..errors import OK
from ..limits import SCHEDULE_MAX, SCHEDULE_PACKET_MAX, STORE_SCHEDULE, STORE_SCHEDULE_CHANGE
from ..packet.telecommand import Telecommand
from .parameter import Store

_HEADER: int = const(8)
_MARK_AT: int = const(6)
_LENGTH_AT: int = const(7)
_ENTRY: int = _HEADER + SCHEDULE_PACKET_MAX
# Seconds that a record may begin with, so that no sum of times leaves the small integers.
_SECONDS_HIGH = const(0x3E)

CHANGE_DELETE = const(1)
CHANGE_SHIFT = const(2)
CHANGE_RESET = const(3)
CHANGE_INSERT = const(4)  # not in the store
_CHANGE: int = 8 + (SCHEDULE_MAX + 7) // 8
_PLACES_AT = const(8)


class ScheduleTable:
    """Allocates when made, never after.

    order: places of the `count` entries by ascending time; equal times in the order in which they came, after a load()
    in that of their places. held: how many at its head are held back.
    marked: 1 for each place that a request has selected. packet, packet_end: the copy that take() made.
    """

    def __init__(self, store: Store) -> None:
        self._data = bytearray(_ENTRY * SCHEDULE_MAX)
        self._store = store
        self.order = bytearray(SCHEDULE_MAX)
        self.count = 0
        self.held = 0
        self.marked = bytearray(SCHEDULE_MAX)
        self.packet = bytearray(_ENTRY)
        self.packet_end = 0
        self._change = bytearray(_CHANGE)
        self._mark = 0  # of the shift that is under way
        self._begun = False  # may the store have the record of a change?

    def use(self, store: Store) -> None:
        """Keep entries in *store* from now on."""
        self._store = store

    # --- one entry ---------------------------------------------------------------------------------------------------

    def seconds(self, place: int) -> int:
        """Release time of the entry: seconds since EPOCH."""
        data = self._data
        at: int = place * _ENTRY
        return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]

    def fraction(self, place: int) -> int:
        """Release time of the entry: 1/65536 s."""
        at = place * _ENTRY
        return self._data[at + 4] << 8 | self._data[at + 5]

    def length(self, place: int) -> int:
        """Octets of the entry's packet."""
        return self._data[place * _ENTRY + _LENGTH_AT]

    def copy_packet(self, place: int, buffer: bytearray, at: int) -> int:
        """Write the entry's packet to buffer[at:]; the position behind it."""
        start = place * _ENTRY + _HEADER
        return copy(self._data, start, start + self.length(place), buffer, at)

    def source(self, place: int) -> int:
        """Source identifier of the entry's packet."""
        return self._u16(place, 9)

    def apid(self, place: int) -> int:
        """APID of the entry's packet."""
        return self._u16(place, 0) & 0x7FF

    def sequence(self, place: int) -> int:
        """Sequence count of the entry's packet."""
        return self._u16(place, 2) & 0x3FFF

    def _u16(self, place: int, offset: int) -> int:
        at = place * _ENTRY + _HEADER + offset
        return self._data[at] << 8 | self._data[at + 1]

    def due(self, place: int, seconds: int, fraction: int) -> bool:
        """Is the entry's time at or before the given one?"""
        own = self.seconds(place)
        return own < seconds or (own == seconds and self.fraction(place) <= fraction)

    # --- all entries -------------------------------------------------------------------------------------------------

    def insert(self, seconds: int, fraction: int, buffer: bytearray, start: int, end: int) -> int:
        """Add the packet buffer[start:end]; status of the store. It fits, and there is a free place."""
        place = 0
        while self.length(place):
            place += 1
        self._data[place * _ENTRY + _LENGTH_AT] = end - start
        copy(buffer, start, end, self._data, place * _ENTRY + _HEADER)
        self.order[self.count] = place
        self.count += 1
        status = self.move(place, seconds, fraction)
        self.sort()
        return status

    def move(self, place: int, seconds: int, fraction: int) -> int:
        """Give the entry another time; status of the store. Then sort()."""
        data = self._data
        at = place * _ENTRY
        data[at] = seconds >> 24
        data[at + 1] = seconds >> 16 & 0xFF
        data[at + 2] = seconds >> 8 & 0xFF
        data[at + 3] = seconds & 0xFF
        data[at + 4] = fraction >> 8
        data[at + 5] = fraction & 0xFF
        data[at + _MARK_AT] = self._mark
        return self._store.put(STORE_SCHEDULE + place, data, at, at + _HEADER + self.length(place))

    def sort(self) -> None:
        """Put the order right again: by insertion, because little has changed. Equal times keep their order."""
        order = self.order
        for number in range(1, self.count):
            place = order[number]
            seconds = self.seconds(place)
            fraction = self.fraction(place)
            at = number
            while at and not self.due(order[at - 1], seconds, fraction):
                order[at] = order[at - 1]
                at -= 1
            order[at] = place

    def hold(self, seconds: int, fraction: int) -> None:
        """Hold back what is due at the given time, and nothing else."""
        held = 0
        while held < self.count and self.due(self.order[held], seconds, fraction):
            held += 1
        self.held = held

    def remove(self, number: int) -> int:
        """Delete the entry order[number]; status of the store."""
        order = self.order
        place = order[number]
        at = place * _ENTRY
        self._data[at + _LENGTH_AT] = 0
        self.marked[place] = 0
        self.count -= 1
        if number < self.held:
            self.held -= 1
        for behind in range(number, self.count):
            order[behind] = order[behind + 1]
        return self._store.put(STORE_SCHEDULE + place, self._data, at, at)

    def take(self, number: int) -> int:
        """Copy the packet of order[number] to packet[0:packet_end] and delete the entry; status of the store."""
        self.packet_end = self.copy_packet(self.order[number], self.packet, 0)
        return self.remove(number)

    # --- selection ---------------------------------------------------------------------------------------------------

    def mark_all(self, mark: int) -> None:
        """Mark every entry with 0 or 1."""
        for place in range(SCHEDULE_MAX):
            self.marked[place] = mark

    def mark_id(self, source: int, apid: int, sequence: int) -> bool:
        """Mark what has this request identifier; False when nothing has."""
        found = False
        for number in range(self.count):
            place = self.order[number]
            if self.sequence(place) == sequence and self.source(place) == source and self.apid(place) == apid:
                self.marked[place] = 1
                found = True
        return found

    def mark_window(self, from_s: int, from_fraction: int, to_s: int, to_fraction: int) -> None:
        """Mark what is due between the two times, ends included."""
        for number in range(self.count):
            place = self.order[number]
            seconds = self.seconds(place)
            after = seconds > from_s or (seconds == from_s and self.fraction(place) >= from_fraction)
            if after and self.due(place, to_s, to_fraction):
                self.marked[place] = 1

    def mark_free(self, count: int) -> None:
        """Mark the places that the next *count* insertions take."""
        for place in range(SCHEDULE_MAX):
            free = count > 0 and not self.length(place)
            self.marked[place] = 1 if free else 0
            count -= self.marked[place]

    # --- changes of several records ----------------------------------------------------------------------------------

    def begin(self, change: int, seconds: int = 0, fraction: int = 0) -> int:
        """The marked places change, by remove(), insert() or move(): all of them or none; status of the store.

        seconds, fraction: how far CHANGE_SHIFT moves them. What changes one record only needs no record of its own.
        """
        record = self._change
        for at in range(_PLACES_AT, _CHANGE):
            record[at] = 0
        records = 1 if change == CHANGE_RESET else 0
        for place in range(SCHEDULE_MAX):
            if self.marked[place] and (self.length(place) != 0) != (change == CHANGE_INSERT):
                record[_PLACES_AT + (place >> 3)] |= 0x80 >> (place & 7)
                records += 1
        if records < 2 and not self._begun:
            return 0
        self._mark = self._free_mark() if change == CHANGE_SHIFT else 0
        record[0] = CHANGE_DELETE if change == CHANGE_INSERT else change
        record[1] = self._mark
        record[2] = seconds >> 24 & 0xFF
        record[3] = seconds >> 16 & 0xFF
        record[4] = seconds >> 8 & 0xFF
        record[5] = seconds & 0xFF
        record[6] = fraction >> 8
        record[7] = fraction & 0xFF
        self._begun = True
        return self._store.put(STORE_SCHEDULE_CHANGE, record, 0, _CHANGE)

    def end(self) -> int:
        """The change is carried out; status of the store."""
        self._mark = 0
        if not self._begun:
            return 0
        status = self._store.put(STORE_SCHEDULE_CHANGE, self._change, 0, 0)
        self._begun = status < 0
        return status

    def _free_mark(self) -> int:
        """A mark that no entry has: there are more marks than places."""
        mark = 1
        number = 0
        while number < self.count:
            number += 1
            if self._data[self.order[number - 1] * _ENTRY + _MARK_AT] == mark:
                mark += 1
                number = 0
        return mark

    def _changes(self, place: int) -> bool:
        """Does the change in _change concern this place?"""
        return self._change[_PLACES_AT + (place >> 3)] & 0x80 >> (place & 7) != 0

    # --- start -------------------------------------------------------------------------------------------------------

    def load(self, reader: Telecommand) -> int:
        """Take the entries of the store, at start; *reader* judges the packets.

        Returns the change that had no end, 0 = none: it is carried out here but for its end().
        """
        change = self._change
        self._begun = self._store.get(STORE_SCHEDULE_CHANGE, change) == _CHANGE
        kind = change[0] if self._begun else 0
        record = self.packet
        for place in range(SCHEDULE_MAX):
            length = self._store.get(STORE_SCHEDULE + place, record)
            if length > 0 and kind in (CHANGE_DELETE, CHANGE_RESET) and self._changes(place):
                self._store.put(STORE_SCHEDULE + place, record, 0, 0)
                continue
            if length <= _HEADER or record[_LENGTH_AT] != length - _HEADER or record[0] > _SECONDS_HIGH:
                continue
            if reader.read(record, _HEADER, length) != OK or reader.next != length:
                continue
            copy(record, 0, length, self._data, place * _ENTRY)
            self.order[self.count] = place
            self.count += 1
            if kind == CHANGE_SHIFT and self._changes(place) and record[_MARK_AT] != change[1]:
                self._shift(place)
        self.sort()
        return kind

    def _shift(self, place: int) -> None:
        """Carry the shift in _change out for one entry."""
        change = self._change
        self._mark = change[1]
        high = change[2] - 0x100 if change[2] & 0x80 else change[2]
        seconds = high << 24 | change[3] << 16 | change[4] << 8 | change[5]
        fraction = self.fraction(place) + (change[6] << 8 | change[7])
        self.move(place, self.seconds(place) + seconds + (fraction >> 16), fraction & 0xFFFF)
