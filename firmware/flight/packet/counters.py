"""Counters that number telemetry packets: sequence count per APID (133.0-B 4.1.3.4.3) and message type counter per
destination, service and subtype (ECSS-E-ST-70-41C 7.4.3.1). SPEC 8 and 9.
"""

from array import array

from micropython import const

from ..codec import TM_COUNT_FULL, tm_count
from ..errors import MESSAGE_TYPES_FULL, DropCounters
from ..limits import APID_MAX, MESSAGE_TYPES_MAX

_COUNT_MASK = const(0x3FFF)


class SequenceCounts:
    """One 14-bit count per APID, from 0. Allocates when made, never after."""

    def __init__(self, apids: "tuple[int, ...]") -> None:
        assert 0 < len(apids) <= APID_MAX, apids
        for apid in apids:
            assert 0 <= apid <= 2046, apid
        self._index = {apid: index for index, apid in enumerate(apids)}
        assert len(self._index) == len(apids), "an APID stands twice"
        self._counts = array("H", [0] * len(apids))

    def next(self, apid: int) -> int:
        """The count of the next packet of *apid*, one of those given at the start."""
        index = self._index[apid]
        count = self._counts[index]
        self._counts[index] = (count + 1) & _COUNT_MASK
        return count


class MessageTypeCounters:
    """A 16-bit counter for each (destination, service, subtype) seen so far, from 0.

    A table of MESSAGE_TYPES_MAX rows with open addressing; a row is taken when its report is first sent and never given
    back. When all are taken a new kind of report is numbered 0 and counted as MESSAGE_TYPES_FULL. Allocates when made,
    never after. free: rows not taken.
    """

    def __init__(self, drops: DropCounters) -> None:
        assert MESSAGE_TYPES_MAX & (MESSAGE_TYPES_MAX - 1) == 0, MESSAGE_TYPES_MAX
        self._drops = drops
        self._table = array("H", bytes(6 * MESSAGE_TYPES_MAX))  # rows of three words
        self.free = MESSAGE_TYPES_MAX

    def next(self, destination: int, service: int, subtype: int) -> int:
        """The counter of the next report *service* (1..255), *subtype* (0..255) to *destination* (0..65535)."""
        counter = tm_count(self._table, destination, service, subtype)
        if counter <= 0xFFFF:
            return counter
        if counter == TM_COUNT_FULL:
            self._drops.count(MESSAGE_TYPES_FULL)
        else:
            self.free -= 1
        return 0
