"""What the journal keeps for the link, and what the ground sees of the journal. SPEC 6, 15.

Anti-replay numbers: the record holds numbers up to NUMBERS_AHEAD above what was accepted when it was made, and no frame
with a number above them is executed before there is a new one. It is made anew in the second in which half of them are
used up, between the frames; only a burst of more makes a frame wait for it. After a restart the board goes on at the
kept numbers, so up to NUMBERS_AHEAD of the ground's next ones are refused; it has to leave them out, and the points
tell which. A commanded restart keeps the exact numbers and refuses none. When the storage refuses, frames are taken
all the same: a board that cannot write must not become one that cannot be commanded.
"""

from micropython import const

from ..limits import NUMBERS_AHEAD, STORE_NUMBERS
from ..link.sdls import NumberKeeper, SecurityAssociation
from .failure import DONE, STORAGE
from .function import FunctionHandler
from .request import Request

_WIDTH: int = const(4)
_RECORD: int = const(8)
_HALF_MAX: int = const(0xFFFF)


def _left(association: SecurityAssociation) -> int:
    """Numbers up to the kept one, negative when it is behind; what is far off is cut, and still far off."""
    high = min(max(association.kept_high - association.number_high, -2), 2)
    return (high << 16) + association.kept_low - association.number_low


def _is_above(high: int, low: int, other_high: int, other_low: int) -> bool:
    return high > other_high or (high == other_high and low > other_low)


class KeptNumbers(NumberKeeper):
    """Keeps the numbers of the associations *pair* (AD, BD) in *store*. Allocates when made, never after."""

    def __init__(self, store, pair: "tuple[SecurityAssociation, SecurityAssociation]") -> None:  # type: ignore[no-untyped-def]
        self._store = store
        self.pair = pair
        self._record = bytearray(_RECORD)
        self.refused = False  # by the store, at the last attempt: only then numbers may be above their kept ones

    def are_intact(self) -> bool:
        """Is every number where its kept one allows?"""
        for association in self.pair:
            left = _left(association)
            if left > NUMBERS_AHEAD or (left < 0 and not self.refused):
                return False
        return True

    def load(self) -> None:
        """Go on at the kept numbers; from now on nothing above them is accepted without a record. At start."""
        known = self._store.get(STORE_NUMBERS, self._record) == _RECORD
        for index in range(2):
            association = self.pair[index]
            if known:
                association.number_high = self._half(index * _WIDTH)
                association.number_low = self._half(index * _WIDTH + 2)
            association.kept_high = association.number_high
            association.kept_low = association.number_low
            association.keeper = self

    def catch_up(self) -> None:
        """Go on no lower than a record that could not be read at the start. After the journal found it."""
        if self._store.get(STORE_NUMBERS, self._record) != _RECORD:
            return
        for index in range(2):
            association = self.pair[index]
            high = self._half(index * _WIDTH)
            low = self._half(index * _WIDTH + 2)
            # What this run wrote is what is kept.
            if not _is_above(high, low, association.kept_high, association.kept_low):
                continue
            association.kept_high = high
            association.kept_low = low
            if _is_above(high, low, association.number_high, association.number_low):
                association.number_high = high
                association.number_low = low

    def passed(self, association: SecurityAssociation) -> None:
        """Keep a number NUMBERS_AHEAD above the one just accepted; also the other one's, where the store refused it."""
        for index in range(2):
            other = self.pair[index]
            if other is association or (self.refused and _left(other) < 0):
                low = other.number_low + NUMBERS_AHEAD
                high = other.number_high + (low >> 16)
                if high > _HALF_MAX:  # the highest there is
                    high = low = _HALF_MAX
                self._write(index, high, low & _HALF_MAX)
            else:
                self._write(index, other.kept_high, other.kept_low)
        self.refused = self._put() < 0
        if not self.refused:
            for index in range(2):
                self.pair[index].kept_high = self._half(index * _WIDTH)
                self.pair[index].kept_low = self._half(index * _WIDTH + 2)

    def step_1hz(self) -> None:
        """Keep numbers further on when half of those kept are used up, so that no frame has to wait for it; and when
        the store refused to.
        """
        for association in self.pair:
            left = _left(association)
            # Where nothing was accepted yet nothing is kept ahead: the first frame does that.
            if 0 < left < NUMBERS_AHEAD // 2 or (left < 0 and self.refused):
                self.passed(association)

    def settle(self) -> None:
        """Keep the exact numbers: a restart is about to come, and no more frames are taken."""
        for index in range(2):
            self._write(index, self.pair[index].number_high, self.pair[index].number_low)
        self._put()

    def _write(self, index: int, high: int, low: int) -> None:
        """Let the record hold this number of pair[*index*]."""
        record = self._record
        at = index * _WIDTH
        record[at] = high >> 8
        record[at + 1] = high & 0xFF
        record[at + 2] = low >> 8
        record[at + 3] = low & 0xFF

    def _half(self, at: int) -> int:
        """16 bits of the record."""
        return self._record[at] << 8 | self._record[at + 1]

    def _put(self) -> int:
        return int(self._store.put(STORE_NUMBERS, self._record, 0, _RECORD))


class StorageState(FunctionHandler):
    """Points of the journal and of the numbers; the function that compacts. Allocates when made, never after."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        self._core = core
        ids = core.ids
        supply = core.supply
        self._points = (
            supply(ids.STORAGE_USED_OCTETS),
            supply(ids.STORAGE_WRITES),
            supply(ids.STORAGE_COMPACTIONS),
            supply(ids.STORAGE_FAILURES),
            supply(ids.STORAGE_DAMAGED),
            supply(ids.STORAGE_REFUSED),
        )
        self._numbers = (
            supply(ids.STORAGE_NUMBER_AD_HIGH),
            supply(ids.STORAGE_NUMBER_AD_LOW),
            supply(ids.STORAGE_NUMBER_BD_HIGH),
            supply(ids.STORAGE_NUMBER_BD_LOW),
        )
        core.functions.add(ids.FUNCTION_STORAGE_COMPACT, self)

    def command(self, function: int, request: Request) -> int:
        status = self._core.journal.compact()
        if status != 0:
            return request.blame(STORAGE, 0, status)
        if self._core.numbers is not None:
            self._core.numbers.catch_up()
        return DONE

    def step_1hz(self) -> None:
        """Bring the points up to date."""
        core = self._core
        values = self._core.values
        journal = core.journal
        points = self._points
        values[points[0]] = journal.used()
        values[points[1]] = journal.writes
        values[points[2]] = journal.compactions
        values[points[3]] = journal.failures
        values[points[4]] = journal.damaged
        values[points[5]] = 1 if journal.refused else 0
        if core.numbers is not None:
            numbers = self._numbers
            for index in range(2):
                association = core.numbers.pair[index]
                values[numbers[2 * index]] = association.number_high
                values[numbers[2 * index + 1]] = association.number_low
