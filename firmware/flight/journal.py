"""Journal: a small append-only store of records in flash sectors. Latest wins; SPEC 15 has every octet.

One sector is active and takes one record behind the other; when it is full, or when anything in it is not as it should
be, the records that count go to another sector, whose header is written last and makes it the active one. So a cut at
any octet of any write or erasure leaves what was there before or what is new. Nothing here knows what records mean.

Erasing takes up to 2 s on silicon, in which the board stands still: it happens once in JOURNAL_LOG octets of writing,
and whoever knows a quiet hour calls compact(). Storage that fails is given up for this run, with a status and a
counter; what could be read is still there, and the board flies on.
"""

from array import array

from micropython import const

from .codec import copy, crc16_check, crc16_put, crc32_check, crc32_put, crc32_update
from .hal.null import STORAGE_ABSENT, STORAGE_FAILED, STORAGE_OK, Storage
from .limits import JOURNAL_KEYS, JOURNAL_LOG, JOURNAL_RECORD_MAX

# Statuses beside those of the storage.
JOURNAL_KEY = const(-16)  # no such key can be
JOURNAL_LENGTH = const(-17)  # too long, or not a part of the buffer
JOURNAL_FULL = const(-18)  # all records together fit no sector
JOURNAL_DAMAGED = const(-19)  # a record is not as it was written

# Sector header: magic and version (4), sequence number (4), CRC-32 of both.
_MAGIC = b"PLJ\x01"
_SECTOR_HEADER = const(12)
_SEQUENCE_MAX = const(0x3FFFFFFF)

# Record: key, kind, length (2), low half of the sector's sequence number (2), CRC-16 of these; the octets, zeros to a
# multiple of four; CRC-32 of the first four octets and the record's own.
_HEAD = const(8)
_OVERHEAD = const(12)
_KIND_DATA = const(0xD0)
_KIND_DELETED = const(0xDE)
_ERASED = const(0xFF)
_PIECE = const(64)


def _size(length: int) -> int:
    """Octets in flash of a record of *length* octets."""
    return _OVERHEAD + ((length + 3) & ~3)


class Journal:
    """Records by key, 1..JOURNAL_KEYS, each of 0..JOURNAL_RECORD_MAX octets. Allocates when made, never after.

    Not safe from an interrupt. writes, compactions: done, mod 65536. failures: calls of the storage that failed.
    damaged: records found cut or changed, mod 65536. refused: the storage is given up until compact() or a restart.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._limit = 0
        # By key: where the latest record begins in the active sector, 0 = there is none; and its length.
        self._places = array("i", [0] * (JOURNAL_KEYS + 1))
        self._lengths = array("H", [0] * (JOURNAL_KEYS + 1))
        self._moved = array("i", [0] * (JOURNAL_KEYS + 1))
        self._piece = bytearray(_PIECE)
        self._crc = bytearray(4)
        self._nothing = bytearray(0)
        self._sector = -1
        self._sequence = 0
        self._attempt = 0
        self._end = 0
        # What is behind _end is not known to be erased: nothing may be appended.
        self._dirty = True
        # Are all records known? Else to compact would lose those that are not.
        self._mounted = False
        self.writes = 0
        self.compactions = 0
        self.failures = 0
        self.damaged = 0
        self.refused = False

    # --- start --------------------------------------------------------------------------------------------------------

    def mount(self) -> int:
        """Find the records. Writes nothing. 0 also when there are none yet; a negative status when there is no storage.

        Reads the head of each record and the whole of the last one: only that one can have been cut.
        """
        storage = self._storage
        for key in range(JOURNAL_KEYS + 1):
            self._places[key] = 0
        self._sector = -1
        self._sequence = 0
        self._dirty = True
        self._mounted = False
        self.refused = False
        self._limit = min(storage.sector_size, JOURNAL_LOG) & ~3
        if storage.sectors < 2 or self._limit < _SECTOR_HEADER + _OVERHEAD:
            self.refused = True
            return STORAGE_ABSENT
        for sector in range(storage.sectors):
            sequence = self._sequence_of(sector)
            if sequence > self._sequence:
                self._sequence = sequence
                self._sector = sector
        self._attempt = self._sequence
        if self.refused:  # the latest sector may be the one that cannot be read
            return STORAGE_FAILED
        status = self._scan() if self._sector >= 0 else STORAGE_OK
        self._mounted = status == STORAGE_OK
        return status

    def _sequence_of(self, sector: int) -> int:
        """Sequence number of *sector*, 0 when its header is none."""
        piece = self._piece
        if self._storage.read(sector * self._storage.sector_size, piece, 0, _SECTOR_HEADER) < 0:
            self.refused = True
            self._failed()
            return 0
        for at in range(4):
            if piece[at] != _MAGIC[at]:
                return 0
        if not crc32_check(piece, 0, 8, piece, 8) or piece[4] > _SEQUENCE_MAX >> 24:
            return 0
        return piece[4] << 24 | piece[5] << 16 | piece[6] << 8 | piece[7]

    def _scan(self) -> int:
        """Note the latest record of each key in the active sector."""
        piece = self._piece
        base = self._base()
        at = _SECTOR_HEADER
        last = replaced = replaced_length = key = length = 0
        self._dirty = False
        while at + _OVERHEAD <= self._limit:
            status = self._storage.read(base + at, piece, 0, _HEAD)
            if status < 0:
                self._failed()
                self.refused = True
                return status
            if self._blank():
                break
            if not self._plausible(at):
                self._found_damage()
                break
            last = at
            key = piece[0]
            length = piece[2] << 8 | piece[3]
            replaced = self._places[key]
            replaced_length = self._lengths[key]
            self._places[key] = at if piece[1] == _KIND_DATA else 0
            self._lengths[key] = length
            at += _size(length)
        self._end = at
        status = self._verify(base + last, length) if last else STORAGE_OK
        if status == JOURNAL_DAMAGED:
            self._found_damage()
            self._places[key] = replaced
            self._lengths[key] = replaced_length
        elif status < 0:
            self.refused = True
            return status
        return STORAGE_OK

    def _blank(self) -> bool:
        """The head in _piece is erased flash."""
        erased = 0
        for at in range(_HEAD):
            if self._piece[at] == _ERASED:
                erased += 1
        return erased == _HEAD

    def _plausible(self, at: int) -> bool:
        """The head in _piece belongs to a record of this sector that may lie at *at*."""
        piece = self._piece
        length = piece[2] << 8 | piece[3]
        return (
            crc16_check(piece, 0, _HEAD)
            and 1 <= piece[0] <= JOURNAL_KEYS
            and piece[1] in (_KIND_DATA, _KIND_DELETED)
            and piece[4] << 8 | piece[5] == self._sequence & 0xFFFF
            and at + _size(length) <= self._limit
        )

    def _verify(self, offset: int, length: int) -> int:
        """Does the CRC-32 of the record at *offset* of the storage agree? Its length is known already.

        STORAGE_OK, JOURNAL_DAMAGED, or the status of a read that failed, counted: then nobody knows.
        """
        storage = self._storage
        piece = self._piece
        crc = self._crc
        status = storage.read(offset, piece, 0, _HEAD)
        if status < 0:
            self._failed()
            return status
        crc[0] = crc[1] = crc[2] = crc[3] = 0
        crc32_update(crc, 0, piece, 0, 4)
        at = offset + _HEAD
        left = length
        while left > 0:
            count = min(left, _PIECE)
            status = storage.read(at, piece, 0, count)
            if status < 0:
                self._failed()
                return status
            crc32_update(crc, 0, piece, 0, count)
            at += count
            left -= count
        return self._verify_crc(offset + _size(length) - 4)

    def _verify_crc(self, offset: int) -> int:
        """Are the four octets at *offset* of the storage those in _crc? As _verify()."""
        piece = self._piece
        status = self._storage.read(offset, piece, 0, 4)
        if status < 0:
            self._failed()
            return status
        for at in range(4):
            if piece[at] != self._crc[at]:
                return JOURNAL_DAMAGED
        return STORAGE_OK

    # --- records ------------------------------------------------------------------------------------------------------

    def get(self, key: int, buffer: bytearray) -> int:
        """Read the record *key* into buffer[0:n]; n, or -1 when there is none, it does not fit or is damaged."""
        if not 1 <= key <= JOURNAL_KEYS or not self._places[key] or self._lengths[key] > len(buffer):
            return -1
        storage = self._storage
        crc = self._crc
        offset = self._base() + self._places[key]
        length = self._lengths[key]
        if storage.read(offset, self._piece, 0, 4) < 0 or storage.read(offset + _HEAD, buffer, 0, length) < 0:
            self._failed()
            return -1
        crc[0] = crc[1] = crc[2] = crc[3] = 0
        crc32_update(crc, 0, self._piece, 0, 4)
        crc32_update(crc, 0, buffer, 0, length)
        status = self._verify_crc(offset + _size(length) - 4)
        if status == JOURNAL_DAMAGED:
            self._found_damage()
        return length if status == STORAGE_OK else -1

    def put(self, key: int, buffer: bytearray, start: int, end: int) -> int:
        """Keep buffer[start:end] as the record *key*. 0, or a negative status: then the record may be old or new."""
        if not 1 <= key <= JOURNAL_KEYS:
            return JOURNAL_KEY
        if not 0 <= start <= end <= len(buffer) or end - start > JOURNAL_RECORD_MAX:
            return JOURNAL_LENGTH
        return self._write(key, _KIND_DATA, buffer, start, end)

    def delete(self, key: int) -> int:
        """Forget the record *key*; 0 also when there is none, or a negative status."""
        if not 1 <= key <= JOURNAL_KEYS:
            return JOURNAL_KEY
        if not self._places[key]:
            return STORAGE_OK
        return self._write(key, _KIND_DELETED, self._nothing, 0, 0)

    def compact(self) -> int:
        """Move the records to another sector now; takes the time of an erasure. 0, or a negative status.

        Also tries given-up storage again; where mount() could not read it, that first.
        """
        if self._limit == 0 or self._storage.sectors < 2:
            return STORAGE_ABSENT
        if not self._mounted:
            status = self.mount()
            if status < 0:
                return status
        self.refused = False
        return self._compact(0, _KIND_DELETED, self._nothing, 0, 0)

    def used(self) -> int:
        """Octets of the active sector that are written."""
        return self._end if self._sector >= 0 else 0

    # --- writing ------------------------------------------------------------------------------------------------------

    def _base(self) -> int:
        return self._sector * self._storage.sector_size

    def _failed(self) -> None:
        self.failures = (self.failures + 1) & 0xFFFF

    def _found_damage(self) -> None:
        """Something is not as it was written: the next write moves everything to a fresh sector."""
        self.damaged = (self.damaged + 1) & 0xFFFF
        self._dirty = True

    def _write(self, key: int, kind: int, buffer: bytearray, start: int, end: int) -> int:
        if self.refused:
            return STORAGE_ABSENT if self._storage.sectors < 2 else STORAGE_FAILED
        size = _size(end - start)
        if not self._dirty and self._end + size <= self._limit:
            if self._program(self._base() + self._end, self._sequence, key, kind, buffer, start, end) == STORAGE_OK:
                self._places[key] = self._end if kind == _KIND_DATA else 0
                self._lengths[key] = end - start
                self._end += size
                self.writes = (self.writes + 1) & 0xFFFF
                return STORAGE_OK
            self._dirty = True
        # A deleted record takes no room in a new sector.
        needed = _SECTOR_HEADER + (size if kind == _KIND_DATA else 0)
        for other in range(1, JOURNAL_KEYS + 1):
            if other != key and self._places[other]:
                needed += _size(self._lengths[other])
        if needed > self._limit:
            return JOURNAL_FULL
        status = self._compact(key, kind, buffer, start, end)
        if status == STORAGE_OK:
            self.writes = (self.writes + 1) & 0xFFFF
        return status

    def _program(self, offset: int, sequence: int, key: int, kind: int, buffer: bytearray, start: int, end: int) -> int:
        """Write a record at *offset* of the storage and read it back."""
        storage = self._storage
        crc = self._crc
        length = end - start
        whole = length & ~3
        self._make_head(key, kind, length, sequence)
        crc[0] = crc[1] = crc[2] = crc[3] = 0
        crc32_update(crc, 0, self._piece, 0, 4)
        crc32_update(crc, 0, buffer, start, end)
        status = storage.program(offset, self._piece, 0, _HEAD)
        if status == STORAGE_OK and whole:
            status = storage.program(offset + _HEAD, buffer, start, start + whole)
        if status == STORAGE_OK:
            piece = self._piece
            piece[0] = piece[1] = piece[2] = piece[3] = 0
            copy(buffer, start + whole, end, piece, 0)
            tail = 4 if whole < length else 0
            copy(crc, 0, 4, piece, tail)
            status = storage.program(offset + _HEAD + whole, piece, 0, tail + 4)
        if status != STORAGE_OK:
            self._failed()
            return status
        if self._verify(offset, length) != STORAGE_OK:
            self._failed()
            return STORAGE_FAILED
        return STORAGE_OK

    def _make_head(self, key: int, kind: int, length: int, sequence: int) -> None:
        piece = self._piece
        piece[0] = key
        piece[1] = kind
        piece[2] = length >> 8
        piece[3] = length & 0xFF
        piece[4] = sequence >> 8 & 0xFF
        piece[5] = sequence & 0xFF
        crc16_put(piece, 0, 6)

    # --- another sector -----------------------------------------------------------------------------------------------

    def _compact(self, key: int, kind: int, buffer: bytearray, start: int, end: int) -> int:
        """Move all records but *key* to another sector, put the new one of *key* behind them, make the sector count."""
        status = STORAGE_FAILED
        count = self._storage.sectors
        for step in range(1, count + 1):
            target = (self._sector + step) % count
            if target == self._sector:
                continue
            status = self._fill(target, key, kind, buffer, start, end)
            if status == STORAGE_OK:
                self.compactions = (self.compactions + 1) & 0xFFFF
                return STORAGE_OK
        self.refused = True
        return status

    def _fill(self, target: int, key: int, kind: int, buffer: bytearray, start: int, end: int) -> int:
        storage = self._storage
        base = target * storage.sector_size
        # A number for each attempt: one that failed may turn out to be whole at the next start.
        sequence = self._attempt = self._attempt + 1
        moved = self._moved
        moved[key] = 0
        status = storage.erase(target)
        if status < 0:
            self._failed()
            return status
        at = _SECTOR_HEADER
        for other in range(1, JOURNAL_KEYS + 1):
            moved[other] = 0
            if other == key or not self._places[other]:
                continue
            length = self._lengths[other]
            status = self._verify(self._base() + self._places[other], length)
            if status == JOURNAL_DAMAGED:
                self._found_damage()
                continue
            if status < 0:  # it may be whole: to go on without it would lose it
                return status
            status = self._move(self._base() + self._places[other], base + at, length, sequence)
            if status < 0:
                return status
            moved[other] = at
            at += _size(length)
        if kind == _KIND_DATA:
            status = self._program(base + at, sequence, key, kind, buffer, start, end)
            if status < 0:
                return status
            moved[key] = at
        status = self._make_count(target, sequence)
        if status < 0:
            return status
        if kind == _KIND_DATA:
            at += _size(end - start)
            self._lengths[key] = end - start
        for other in range(JOURNAL_KEYS + 1):
            self._places[other] = moved[other]
        self._sector = target
        self._sequence = sequence
        self._end = at
        self._dirty = False
        return STORAGE_OK

    def _move(self, source: int, offset: int, length: int, sequence: int) -> int:
        """Copy an intact record from *source* to *offset* of the storage, with its CRC-32 as it is."""
        storage = self._storage
        piece = self._piece
        left = _size(length)
        count = _HEAD
        status = STORAGE_OK
        while left > 0 and status == STORAGE_OK:
            status = storage.read(source, piece, 0, count)
            if status == STORAGE_OK:
                if left == _size(length):
                    self._make_head(piece[0], piece[1], length, sequence)
                status = storage.program(offset, piece, 0, count)
            source += count
            offset += count
            left -= count
            count = min(left, _PIECE)
        if status == STORAGE_OK and self._verify(offset - _size(length), length) != STORAGE_OK:
            status = STORAGE_FAILED
        if status != STORAGE_OK:
            self._failed()
        return status

    def _make_count(self, target: int, sequence: int) -> int:
        """Write the header of sector *target*, which makes it the active one at every start from now on."""
        piece = self._piece
        copy(_MAGIC, 0, 4, piece, 0)
        piece[4] = sequence >> 24
        piece[5] = sequence >> 16 & 0xFF
        piece[6] = sequence >> 8 & 0xFF
        piece[7] = sequence & 0xFF
        crc32_put(piece, 0, 8, piece, 8)
        status = self._storage.program(target * self._storage.sector_size, piece, 0, _SECTOR_HEADER)
        if status == STORAGE_OK and self._sequence_of(target) != sequence:
            status = STORAGE_FAILED
        if status != STORAGE_OK:
            self._failed()
        return status
