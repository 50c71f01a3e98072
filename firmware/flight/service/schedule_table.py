"""The requests of the time-based schedule: a bounded table in octets, sorted by time, each entry kept in the store.

Entry, and record of the store (key STORE_SCHEDULE + place in the table): seconds since EPOCH (4 octets), fraction
(2), flags (1, not used), length of the packet (1), the packet. An empty record is a free place. Inserting moves only
the octets of `order`; times are compared as small integers.
"""

from micropython import const

from ..codec import copy
from ..errors import OK
from ..limits import SCHEDULE_MAX, SCHEDULE_PACKET_MAX, STORE_SCHEDULE
from ..packet.telecommand import Telecommand
from .parameter import Store

_HEADER: int = const(8)
_LENGTH_AT: int = const(7)
_ENTRY: int = _HEADER + SCHEDULE_PACKET_MAX
# Seconds that a record may begin with, so that no sum of times leaves the small integers.
_SECONDS_HIGH = const(0x3E)


class ScheduleTable:
    """Allocates when made, never after.

    order: places of the `count` entries by ascending time, then by age. held: how many at its head are held back.
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

    # --- start -------------------------------------------------------------------------------------------------------

    def load(self, reader: Telecommand) -> None:
        """Take the entries of the store, at start; *reader* judges the packets."""
        record = self.packet
        for place in range(SCHEDULE_MAX):
            length = self._store.get(STORE_SCHEDULE + place, record)
            if length <= _HEADER or record[_LENGTH_AT] != length - _HEADER or record[0] > _SECONDS_HIGH:
                continue
            if reader.read(record, _HEADER, length) != OK or reader.next != length:
                continue
            copy(record, 0, length, self._data, place * _ENTRY)
            self.order[self.count] = place
            self.count += 1
        self.sort()
