"""The time-based schedule runs here: what is released, when, and what never is. ECSS-E-ST-70-41C 6.11.

Its requests are in scheduling.py, its entries in schedule_table.py.

Release decisions. A request is released when on-board time runs to its release time while the schedule is enabled, and
in no other way:
 1. Disabled: what falls due is held, not released and not deleted. Enabling releases nothing that was due before.
 2. Time set forward by more than SCHEDULE_LATE_MS: what was jumped over is held. The ground shifts or deletes it.
 3. Time corrected forward by at most that: what was jumped over is released at once, late by the correction.
 4. Time set backward: nothing is released; what was released is gone and is not released again. What was held and
    lies ahead again is held no more.
 5. A board that was off, or stood still, longer than SCHEDULE_LATE_MS beyond a release time: held.
 6. A request leaves the schedule, and the store, before it is executed: one that restarts the board does so once.
Requests with equal times are released in the order in which they came; a restart forgets that order and takes the one
of their records, so give what must come in order times that differ.
Held requests are told by an event, in reports and in housekeeping. One that is shifted into the future waits again.
"""

from micropython import const

from ..errors import DropCounters
from ..idle import NEVER
from ..limits import APID, SCHEDULE_LATE_MS, SCHEDULE_PER_POLL, STORE_SCHEDULE_STATE
from ..packet.telecommand import Telecommand
from .event import Events
from .failure import DONE
from .onboard_time import OnboardTime, TimeListener
from .parameter import Store
from .router import Router
from .schedule_table import CHANGE_RESET, ScheduleTable

# Looked at again after so long, if not before: 2^30 ms are not enough for a lunar day.
_FAR_S = const(1000)


def _ms_of(fraction: int) -> int:
    """1/65536 s in ms, rounded up."""
    ms: int = (fraction * 125 + 8191) >> 13  # 1000/65536 = 125/8192
    return ms


class Schedule(TimeListener):
    """Allocates when made, never after.

    reader: judges packets of entries; what is wrong with them is no drop of the link. released, failed: requests since
    the start, mod 65536.
    """

    def __init__(self, core, store: Store) -> None:  # type: ignore[no-untyped-def]
        self._time: OnboardTime = core.time
        self._router: Router = core.router
        self._events: Events = core.events
        self._values: list[float] = core.values
        self._store = store
        self.table = ScheduleTable(store)
        self.reader = Telecommand((APID,), DropCounters())
        self._state = bytearray(1)
        self.enabled = False
        self.released = 0
        self.failed = 0
        ids = core.ids
        self._event_held = ids.EVENT_SCHEDULE_HELD
        self._event_failed = ids.EVENT_SCHEDULE_RELEASE_FAILED
        self._points = (
            core.supply(ids.SCHEDULE_ENABLED),
            core.supply(ids.SCHEDULE_WAITING),
            core.supply(ids.SCHEDULE_HELD),
            core.supply(ids.SCHEDULE_RELEASED),
            core.supply(ids.SCHEDULE_FAILED),
        )

    def use(self, store: Store) -> None:
        """Keep the schedule in *store* from now on."""
        self._store = store
        self.table.use(store)

    def load(self) -> None:
        """Take the schedule of the store, at start."""
        self.enabled = self._store.get(STORE_SCHEDULE_STATE, self._state) == 1 and self._state[0] == 1
        if self.table.load(self.reader) == CHANGE_RESET:
            self.switch(False)
        self.table.end()

    # --- release -----------------------------------------------------------------------------------------------------

    def poll(self, now_ms: int) -> int:
        """Release what is due; milliseconds until it should be called again."""
        table = self.table
        time = self._time
        held = 0
        released = False
        for _ in range(SCHEDULE_PER_POLL):
            if table.held == table.count:
                break
            time.update()
            left_ms = self._left_ms(table.order[table.held])
            if left_ms > 0:
                break
            released = True
            if self.enabled and left_ms >= -SCHEDULE_LATE_MS:
                self._release()
            else:
                table.held += 1
                held += 1
        if held:
            self._events.raise_(self._event_held, held)
        if released:
            return 0
        if table.held == table.count:
            return NEVER
        left_ms = self._left_ms(table.order[table.held])
        return max(left_ms, 0)

    def _left_ms(self, place: int) -> int:
        """Time until the entry is due in ms, rounded up, at least one less than -SCHEDULE_LATE_MS; far ahead: less."""
        table = self.table
        time = self._time
        seconds = table.seconds(place) - time.seconds
        if seconds > 1:
            return min(seconds - 1, _FAR_S) * 1000
        if seconds < -SCHEDULE_LATE_MS // 1000 - 1:
            return -SCHEDULE_LATE_MS - 1
        return _ms_of((seconds << 16) + table.fraction(place) - time.fraction)

    def _release(self) -> None:
        table = self.table
        table.take(table.held)
        self.released = (self.released + 1) & 0xFFFF
        status = self._router.execute(table.packet, 0, table.packet_end)
        if status > DONE:
            self.failed = (self.failed + 1) & 0xFFFF
            request = self._router.request
            self._events.raise_(self._event_failed, request.source, request.count, status)

    def time_set(self, moved_s: int, moved_fraction: int) -> None:
        """Decisions 2 to 4 of the head of this file."""
        if moved_s < 0 or min(moved_s, _FAR_S) * 1000 + _ms_of(moved_fraction) > SCHEDULE_LATE_MS:
            self._hold_due()

    def switch(self, enabled: bool) -> int:
        """Release from now on, or no more; status of the store."""
        if not self.enabled:
            # Also what fell due since the last poll: enabling releases nothing that was due before.
            self._hold_due()
        self.enabled = enabled
        self._state[0] = 1 if enabled else 0
        return self._store.put(STORE_SCHEDULE_STATE, self._state, 0, 1)

    def _hold_due(self) -> None:
        table = self.table
        time = self._time
        time.update()
        held = table.held
        table.hold(time.seconds, time.fraction)
        if table.held > held:
            self._events.raise_(self._event_held, table.held - held)

    def step_1hz(self) -> None:
        """Bring the points up to date."""
        values = self._values
        points = self._points
        values[points[0]] = 1 if self.enabled else 0
        values[points[1]] = self.table.count
        values[points[2]] = self.table.held
        values[points[3]] = self.released
        values[points[4]] = self.failed
