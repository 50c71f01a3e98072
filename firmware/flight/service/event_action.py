"""ST[19] event-action: an event starts a stored request, and with 21/4 a sequence. ECSS-E-ST-70-41C 6.19, 8.19.

Layouts. 19/1: number (1 octet), for each the event id (2) and a telecommand packet. 19/7: number, for each the event id
and enabled (1). 19/11: number, for each event id, enabled, packet. Reports that do not fit into a packet go on in the
next one. A request with several items is all or nothing.

An event only notes that its request is wanted: it may be raised while a report is written or a request is executed. The
10 Hz group executes what was noted, in that order, at most EVENT_ACTIONS_PER_CYCLE each time, so neither a flood of
events nor an action that raises its own event keeps the board from anything else. Definitions of the dictionary stay in
flash; those of 19/1 are lost by a restart.
"""

from array import array

from micropython import const

from ..codec import copy
from ..errors import OK
from ..idle import NEVER, Idler
from ..limits import EVENT_ACTIONS_MAX, EVENT_ACTIONS_PER_CYCLE, SCHEDULE_PACKET_MAX, TC_FRAME_MAX
from ..packet.telecommand import Telecommand
from ..tables import ACTION_ENABLED, ACTION_EVENT, ACTION_FLAGS, ACTION_REQUEST, Tables
from .base import Service
from .event import EventListener, Events
from .failure import ALREADY_THERE, DATA_LENGTH, DONE, STATE, TABLE_FULL, UNKNOWN_ID, UNKNOWN_SUBTYPE
from .request import Request
from .router import Router
from .telemetry import Telemetry

_ADD = const(1)
_DELETE = const(2)
_DELETE_ALL = const(3)
_ENABLE = const(4)
_DISABLE = const(5)
_STATUS = const(6)
_STATUS_REPORT = const(7)
_START = const(8)
_STOP = const(9)
_DEFINITIONS = const(10)
_DEFINITION_REPORT = const(11)

_PACKET_MIN = const(13)


class EventActions(Service, EventListener, Idler):
    """Allocates when made, never after. started, failed, skipped: since the start, mod 65536.

    reader: judges packets of 19/1.
    """

    service_type = 19

    def __init__(self, core, tables: Tables, reader: Telecommand) -> None:  # type: ignore[no-untyped-def]
        self._tm: Telemetry = core.tm
        self._router: Router = core.router
        self._events: Events = core.events
        self._values: list[float] = core.values
        self._reader = reader
        none = [0] * EVENT_ACTIONS_MAX
        # By place. A place without an event is free; a request is in flash or in _data.
        self._event = array("H", none)
        self._enabled = bytearray(EVENT_ACTIONS_MAX)
        self._flash: list[bytes | None] = [None] * EVENT_ACTIONS_MAX
        self._length = bytearray(EVENT_ACTIONS_MAX)
        self._data = bytearray(SCHEDULE_PACKET_MAX * EVENT_ACTIONS_MAX)
        # Places whose request is wanted, in a ring: each at most once, so it is never too small.
        self._wanted = bytearray(EVENT_ACTIONS_MAX)
        self._queue = bytearray(EVENT_ACTIONS_MAX)
        self._first = 0
        self._waiting = 0
        self._packet = bytearray(TC_FRAME_MAX)
        self.running = True
        self.started = 0
        self.failed = 0
        self.skipped = 0
        for place, row in enumerate(tables.EVENT_ACTIONS):
            self._event[place] = row[ACTION_EVENT]
            self._enabled[place] = row[ACTION_FLAGS] & ACTION_ENABLED
            self._flash[place] = row[ACTION_REQUEST]
            self._length[place] = len(row[ACTION_REQUEST])
        ids = core.ids
        self._event_failed = ids.EVENT_EVENT_ACTION_FAILED
        self._points = (
            core.supply(ids.EVENT_ACTION_RUNNING),
            core.supply(ids.EVENT_ACTION_STARTED),
            core.supply(ids.EVENT_ACTION_FAILED),
            core.supply(ids.EVENT_ACTION_SKIPPED),
        )

    # --- at work ----------------------------------------------------------------------------------------------------

    def event_raised(self, event_id: int) -> None:
        """Note that the event's request is wanted."""
        if not self.running:
            return
        place = self._find(event_id)
        if place < 0 or not self._enabled[place]:
            return
        if self._wanted[place]:
            self.skipped = (self.skipped + 1) & 0xFFFF
            return
        self._wanted[place] = 1
        self._queue[(self._first + self._waiting) % EVENT_ACTIONS_MAX] = place
        self._waiting += 1

    def step(self) -> None:
        """One cycle: execute what was wanted before it."""
        left = min(self._waiting, EVENT_ACTIONS_PER_CYCLE)
        # A request may withdraw others, or all of them.
        while left and self._waiting:
            left -= 1
            place = self._queue[self._first]
            self._first = (self._first + 1) % EVENT_ACTIONS_MAX
            self._waiting -= 1
            if self._wanted[place]:
                self._wanted[place] = 0
                self._execute(place)
        values = self._values
        points = self._points
        values[points[0]] = 1 if self.running else 0
        values[points[1]] = self.started
        values[points[2]] = self.failed
        values[points[3]] = self.skipped

    def idle_cycles(self) -> int:
        values = self._values
        points = self._points
        if self._waiting or values[points[0]] != self.running or values[points[3]] != self.skipped:
            return 0
        return NEVER

    def _execute(self, place: int) -> None:
        # A copy: the request itself may change the table.
        end = self._copy_packet(place, self._packet, 0)
        event = self._event[place]
        self.started = (self.started + 1) & 0xFFFF
        status = self._router.execute(self._packet, 0, end)
        if status > DONE:
            self.failed = (self.failed + 1) & 0xFFFF
            self._events.raise_(self._event_failed, event, status)

    def _copy_packet(self, place: int, buffer: bytearray, at: int) -> int:
        flash = self._flash[place]
        if flash is not None:
            return copy(flash, 0, self._length[place], buffer, at)
        start = SCHEDULE_PACKET_MAX * place
        return copy(self._data, start, start + self._length[place], buffer, at)

    def _find(self, event_id: int) -> int:
        """Place of the event's action, -1 when there is none; event 0: a free place."""
        for place in range(EVENT_ACTIONS_MAX):
            if self._event[place] == event_id:
                return place
        return -1

    # --- requests ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        if subtype == _ADD:
            return self._add(request)
        if subtype in (_DELETE, _ENABLE, _DISABLE):
            return self._each(request)
        if subtype == _DELETE_ALL:
            if self.running:
                return request.blame(STATE, 0, 1)
            for place in range(EVENT_ACTIONS_MAX):
                self._delete(place)
        elif subtype == _STATUS:
            self._report_status(request.source)
        elif subtype == _START:
            self.running = True
        elif subtype == _STOP:
            self.running = False
            for place in range(EVENT_ACTIONS_MAX):
                self._withdraw(place)
        elif subtype == _DEFINITIONS:
            return self._report_definitions(request)
        else:
            return UNKNOWN_SUBTYPE
        return DONE

    def _add(self, request: Request) -> int:
        """19/1. An action that is disabled gives way to a new one, an enabled one does not (6.19.5.3)."""
        free = 0
        for place in range(EVENT_ACTIONS_MAX):
            if not self._event[place]:
                free += 1
        at = request.at
        for item in range(request.items):
            code = self._judge(request, item, at)
            if code != DONE:
                return code
            if self._find(request.u16(at)) < 0:
                free -= 1
            if free < 0:
                return request.blame(TABLE_FULL, item, EVENT_ACTIONS_MAX)
            at = self._reader.next
        if at != request.data_end:
            return request.blame(DATA_LENGTH, request.items, request.data_end - at)
        at = request.at
        for _ in range(request.items):
            self._reader.read(request.buffer, at + 2, request.data_end)
            end = self._reader.next
            self._store(request.u16(at), request.buffer, at + 2, end)
            at = end
        return DONE

    def _judge(self, request: Request, item: int, at: int) -> int:
        """DONE, or why the action at buffer[at] cannot be added."""
        left = request.data_end - at
        if left < 2 + _PACKET_MIN:
            return request.blame(DATA_LENGTH, item, left)
        event = request.u16(at)
        if not self._events.knows(event):
            return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
        place = self._find(event)
        if (place >= 0 and self._enabled[place]) or self._named_before(request, item, event):
            return request.blame_octets(ALREADY_THERE, item, 1, at, 2)
        status = self._reader.read(request.buffer, at + 2, request.data_end)
        if status != OK:
            return request.blame(status, item, event)
        length = self._reader.next - at - 2
        return DONE if length <= SCHEDULE_PACKET_MAX else request.blame(DATA_LENGTH, item, length)

    def _named_before(self, request: Request, item: int, event: int) -> bool:
        """Is *event* that of an item before *item*? They are judged already."""
        reader = self._reader
        at = request.at
        for _ in range(item):
            if request.u16(at) == event:
                return True
            reader.read(request.buffer, at + 2, request.data_end)
            at = reader.next
        return False

    def _store(self, event: int, buffer: bytearray, start: int, end: int) -> None:
        place = self._find(event)
        if place < 0:
            place = self._find(0)
        self._delete(place)
        self._event[place] = event
        self._length[place] = end - start
        copy(buffer, start, end, self._data, SCHEDULE_PACKET_MAX * place)

    def _delete(self, place: int) -> None:
        """Make the place free; what its event wanted is wanted no more."""
        self._event[place] = 0
        self._enabled[place] = 0
        self._flash[place] = None
        self._length[place] = 0
        self._withdraw(place)

    def _withdraw(self, place: int) -> None:
        """Take the place out of the ring."""
        if not self._wanted[place]:
            return
        self._wanted[place] = 0
        kept = 0
        for number in range(self._waiting):
            other = self._queue[(self._first + number) % EVENT_ACTIONS_MAX]
            if other != place:
                self._queue[(self._first + kept) % EVENT_ACTIONS_MAX] = other
                kept += 1
        self._waiting = kept

    def _each(self, request: Request) -> int:
        """19/2, 19/4, 19/5: event ids."""
        subtype = request.subtype
        for item in range(request.items):
            at = request.at + 2 * item
            place = self._find(request.u16(at)) if request.u16(at) else -1
            if place < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
            if subtype == _DELETE and self._enabled[place]:
                return request.blame_octets(STATE, item, 1, at, 2)
        for item in range(request.items):
            place = self._find(request.u16(request.at + 2 * item))
            if place < 0:  # named twice and deleted
                continue
            if subtype == _DELETE:
                self._delete(place)
            else:
                self._enabled[place] = 1 if subtype == _ENABLE else 0
                if subtype == _DISABLE:
                    self._withdraw(place)
        return DONE

    # --- reports ----------------------------------------------------------------------------------------------------

    def _report_status(self, destination: int) -> None:
        tm = self._tm
        start = tm.begin(19, _STATUS_REPORT, destination)
        tm.u8(0)
        for place in range(EVENT_ACTIONS_MAX):
            if self._event[place]:
                tm.buffer[start] += 1
                tm.u16(self._event[place])
                tm.u8(self._enabled[place])
        tm.send()

    def _report_definitions(self, request: Request) -> int:
        for item in range(request.items):
            at = request.at + 2 * item
            if not request.u16(at) or self._find(request.u16(at)) < 0:
                return request.blame_octets(UNKNOWN_ID, item, 1, at, 2)
        tm = self._tm
        start = tm.begin(19, _DEFINITION_REPORT, request.source)
        tm.u8(0)
        for item in range(request.items or EVENT_ACTIONS_MAX):
            place = self._find(request.u16(request.at + 2 * item)) if request.items else item
            if not self._event[place]:
                continue
            if tm.room() < 3 + self._length[place]:
                tm.send()
                start = tm.begin(19, _DEFINITION_REPORT, request.source)
                tm.u8(0)
            tm.buffer[start] += 1
            tm.u16(self._event[place])
            tm.u8(self._enabled[place])
            tm.at = self._copy_packet(place, tm.buffer, tm.at)
        tm.send()
        return DONE
