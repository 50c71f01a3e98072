"""ST[05] event reporting: four severities, each event can be switched off, each has its own rate limit.

ECSS-E-ST-70-41C 6.5. Report data: event id (2 octets), how many of this event were held back since its last report (1,
stops at 255), the event's fields. Rate limit: an event has EVENT_BURST reports at once and gets one more every
EVENT_REFILL_MS, so a flood of one event neither hides the others nor fills the downlink.
"""

from micropython import const

from ..idle import NEVER, Idler
from ..limits import CYCLE_MS, EVENT_BURST, EVENT_REFILL_MS
from ..tables import EVENT_FORMAT, EVENT_ID, EVENT_SEVERITY, EVENT_SIZE, Tables
from .base import Service
from .failure import DONE, REPORT_SIZE, UNKNOWN_ID
from .request import Request
from .telemetry import DATA_MAX, Telemetry

_ENABLE = const(5)
_DISABLE = const(6)
_REPORT_DISABLED = const(7)
_LIST_DISABLED = const(8)
_ON = const(1)


class EventListener:
    """Whoever acts on events (ST[19]). Called for every event, also one that is switched off or held back."""

    def event_raised(self, event_id: int) -> None:
        """The event *event_id* was raised. Must not execute a request here: a report may be under way around it."""


class Events(Service, Idler):
    """Allocates when made, never after. Not safe from an interrupt.

    listener: EventListener or None. raised, suppressed: events, and reports held back, mod 65536. last: id of the
    latest.
    """

    service_type = 5

    def __init__(self, tables: Tables, tm: Telemetry) -> None:
        self._tm = tm
        self._rows = tables.EVENTS
        self._index = {row[EVENT_ID]: index for index, row in enumerate(tables.EVENTS)}
        count = len(self._rows)
        self._enabled = bytearray(b"\x01" * count)
        self._tokens = bytearray(bytes((EVENT_BURST,)) * count)
        self._held = bytearray(count)
        self._since_ms = 0
        self._spent = False  # does an event wait for a report to be given back?
        self._values: list[float] = [0, 0, 0, 0]
        self.listener: EventListener | None = None
        self.raised = 0
        self.suppressed = 0
        self.last = 0

    def knows(self, event_id: int) -> bool:
        """Is there such an event?"""
        return event_id in self._index

    def raise_(self, event_id: int, a: float = 0, b: float = 0, c: float = 0, d: float = 0) -> None:
        """Report the event with the values of its fields, as many as the dictionary gives it. Allocates nothing."""
        index = self._index[event_id]
        self.raised = (self.raised + 1) & 0xFFFF
        self.last = event_id
        if self._enabled[index]:
            if self._tokens[index]:
                self._tokens[index] -= 1
                self._spent = True
                values = self._values
                values[0] = a
                values[1] = b
                values[2] = c
                values[3] = d
                self._report(index)
            else:
                self.suppressed = (self.suppressed + 1) & 0xFFFF
                if self._held[index] < 255:
                    self._held[index] += 1
        if self.listener is not None:
            self.listener.event_raised(event_id)

    def _report(self, index: int) -> None:
        row = self._rows[index]
        tm = self._tm
        tm.begin(5, row[EVENT_SEVERITY])
        tm.u16(row[EVENT_ID])
        tm.u8(self._held[index])
        tm.pack(row[EVENT_FORMAT], self._values, row[EVENT_SIZE])
        tm.send()
        self._held[index] = 0

    def step(self, elapsed_ms: int) -> None:
        """Time goes on: every event gets one report back for each EVENT_REFILL_MS."""
        self._since_ms += elapsed_ms
        if self._since_ms < EVENT_REFILL_MS:
            return
        self._since_ms -= EVENT_REFILL_MS
        if self._spent:
            self._spent = False
            tokens = self._tokens
            for index in range(len(tokens)):
                if tokens[index] < EVENT_BURST:
                    tokens[index] += 1
                    self._spent = self._spent or tokens[index] < EVENT_BURST

    def idle_cycles(self) -> int:
        return (EVENT_REFILL_MS - self._since_ms) // CYCLE_MS - 1 if self._spent else NEVER

    def leave_out(self, cycles: int) -> None:
        self._since_ms = (self._since_ms + cycles * CYCLE_MS) % EVENT_REFILL_MS

    def check(self, request: Request) -> int:
        """Every id must be known, or nothing is changed (ECSS-E-ST-70-41C 6.5.4)."""
        if request.subtype in (_ENABLE, _DISABLE):
            for item in range(request.items):
                if request.u16(request.at + 2 * item) not in self._index:
                    return request.blame_octets(UNKNOWN_ID, item, 1, request.at + 2 * item, 2)
        return DONE

    def handle(self, request: Request) -> int:
        if request.subtype == _REPORT_DISABLED:
            return self._list_disabled(request)
        enabled = _ON if request.subtype == _ENABLE else 0
        for item in range(request.items):
            self._enabled[self._index[request.u16(request.at + 2 * item)]] = enabled
        return DONE

    def _list_disabled(self, request: Request) -> int:
        """5/8: number of switched-off events (2 octets) and their ids."""
        count = 0
        for flag in self._enabled:
            count += 1 - flag
        if 2 + 2 * count > DATA_MAX:
            return request.blame(REPORT_SIZE, 0, 2 + 2 * count)
        tm = self._tm
        tm.begin(5, _LIST_DISABLED, request.source)
        tm.u16(count)
        for index in range(len(self._enabled)):
            if not self._enabled[index]:
                tm.u16(self._rows[index][EVENT_ID])
        tm.send()
        return DONE
