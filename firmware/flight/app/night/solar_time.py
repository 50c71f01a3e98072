"""Local solar time on board: seconds since local noon, propagated with the board's uptime, kept over restarts.

The ground says which hour angle the sun had at an on-board time; from then on the uptime alone counts, so that setting
the on-board clock anew moves no sun. A restart goes on at the kept time and calls it ESTIMATED, because nobody knows
how long the board was off; a sunrise that is seen puts an estimate right.

Record STORE_NIGHT: version (1), state (1), seconds since noon (4), phase of the day (1), stage of the return (1). The
last two are the app's, which goes on with them.
"""

from micropython import const

from ...limits import STORE_NIGHT

UNKNOWN = const(0)
ESTIMATED = const(1)  # known before a restart, or found by a sunrise
KNOWN = const(2)  # said by the ground since the start

_RECORD: int = const(8)
_VERSION: int = const(2)


class SolarTime:
    """Allocates when made, never after.

    state: above. since_noon_s: now, 0..day_s - 1. phase, stage: what else is kept.
    """

    def __init__(self, store) -> None:  # type: ignore[no-untyped-def]
        self._store = store
        self._record = bytearray(_RECORD)
        self.state = UNKNOWN
        self.since_noon_s = 0
        self.phase = 0
        self.stage = 0
        self._kept_s = 0

    def load(self) -> None:
        """Go on at what was kept, at start."""
        record = self._record
        if self._store.get(STORE_NIGHT, record) == _RECORD and record[0] == _VERSION and record[2] < 0x40:
            self.since_noon_s = record[2] << 24 | record[3] << 16 | record[4] << 8 | record[5]
            self.state = ESTIMATED if record[1] else UNKNOWN
            self.phase = record[6]
            self.stage = record[7]

    def keep(self) -> int:
        """Put the time into the store; its status."""
        record = self._record
        record[0] = _VERSION
        record[1] = self.state
        record[2] = self.since_noon_s >> 24
        record[3] = self.since_noon_s >> 16 & 0xFF
        record[4] = self.since_noon_s >> 8 & 0xFF
        record[5] = self.since_noon_s & 0xFF
        record[6] = self.phase
        record[7] = self.stage
        self._kept_s = 0
        return int(self._store.put(STORE_NIGHT, record, 0, _RECORD))

    def set(self, since_noon_s: int, day_s: int, state: int) -> int:
        """It is now so long after noon (any number); status of the store."""
        self.since_noon_s = since_noon_s % day_s
        self.state = state
        return self.keep()

    def forget(self) -> None:
        """Nothing is known any more."""
        self.state = UNKNOWN
        self.keep()

    def advance(self, elapsed_s: int, day_s: int, keep_s: int) -> None:
        """Time goes on; it is kept every *keep_s*."""
        if self.state == UNKNOWN:
            return
        self.since_noon_s = (self.since_noon_s + elapsed_s) % day_s
        self._kept_s += elapsed_s
        if self._kept_s >= keep_s:
            self.keep()
