"""The monitors at work: definitions, checks and check transitions of ST[12]. ECSS-E-ST-70-41C 6.12.

One place for each definition, in arrays: a check costs no allocation, a definition about 60 octets. A value must be
seen in a new status `repetition` times in a row before the status changes; this holds for all three checks (the
standard takes the mean of as many changes for a delta check). The first sample of a delta check only gives the value
to compare with. What a check finds out of limits raises the event of that side with the fields (monitor id, value).
"""

from array import array

from micropython import const

from ..codec import FIELD_FLOAT, FIELD_SIGNED, copy, field, pack
from ..idle import NEVER as IDLE
from ..idle import Idler
from ..limits import CYCLE_MS, MONITOR_DELAY_MS, MONITOR_TRANSITIONS_MAX, MONITORS_MAX
from ..packet.cuc import write_time
from ..pool import Pool
from ..tables import (
    CHECK_EXPECTED,
    CHECK_LIMIT,
    MONITOR_A,
    MONITOR_B,
    MONITOR_CHECK,
    MONITOR_COEFFICIENTS,
    MONITOR_ENABLED,
    MONITOR_EVENT_HIGH,
    MONITOR_EVENT_LOW,
    MONITOR_FLAGS,
    MONITOR_ID,
    MONITOR_INDEX,
    MONITOR_PERIOD_MS,
    MONITOR_REPETITION,
    MONITOR_VALID,
    Tables,
)
from .event import Events
from .onboard_time import OnboardTime
from .telemetry import Telemetry

# Status of a check.
GOOD = const(0)  # within limits, as expected
UNCHECKED = const(1)
INVALID = const(2)  # its condition does not hold
LOW = const(3)  # below the low limit or the least change, or not as expected
HIGH = const(4)  # above the high limit or the most change

NEVER = const(0xFFFF)  # `valid_index` of a monitor without a condition
_BIG = const(0x3FFFFFFF)

# Report 12/12: number (1), records. Record: monitor (2), point (2), check (1), kind of the numbers (1: 2 = integer, 3 =
# float), value (4), limit that was crossed (4), status before (1), status now (1), time (7).
_TRANSITION_REPORT = const(12)
_RECORD = const(23)
_INTEGER = field(FIELD_SIGNED, 32, 0, 0)
_FLOAT = field(FIELD_FLOAT, 32, 0, 0)


class MonitorTable(Idler):
    """Allocates when made, never after.

    Arrays by place: ids (0 = free), index (of the point in the pool), check, enabled, period (cycles), repetition,
    status, a, b (limits, or mask and value), event_low, event_high (0 = none), coefficients (None = raw values),
    valid_index, valid_mask, valid_value. top: places in use are below it. transitions: since the start, mod 65536.
    """

    def __init__(self, tables: Tables, pool: Pool, time: OnboardTime, tm: Telemetry, events: Events) -> None:
        self._pool = pool
        self._values = pool.values
        self._time = time
        self._tm = tm
        self._events = events
        none = [0] * MONITORS_MAX
        self.ids = array("H", none)
        self.index = array("H", none)
        self.check = bytearray(MONITORS_MAX)
        self.enabled = bytearray(MONITORS_MAX)
        self.period = array("H", none)
        self.repetition = bytearray(MONITORS_MAX)
        self.status = bytearray(MONITORS_MAX)
        self.a: list[float] = [0] * MONITORS_MAX
        self.b: list[float] = [0] * MONITORS_MAX
        self.event_low = array("H", none)
        self.event_high = array("H", none)
        self.coefficients: list[tuple[float, ...] | None] = [None] * MONITORS_MAX
        self.valid_index = array("H", none)
        self.valid_mask = [0] * MONITORS_MAX
        self.valid_value = [0] * MONITORS_MAX
        self._left = array("H", none)
        self._candidate = bytearray(MONITORS_MAX)
        self._count = bytearray(MONITORS_MAX)
        self._last: list[float] = [0] * MONITORS_MAX
        self._seen = bytearray(MONITORS_MAX)
        # Cycles until a sample is due, and cycles that have not yet been taken from _left.
        self._next = 1
        self._passed = 0
        self.top = 0
        self.running = True
        self.transitions = 0
        self.delay_ms = MONITOR_DELAY_MS
        self._records = bytearray(_RECORD * MONITOR_TRANSITIONS_MAX)
        self._recorded = 0
        self._age_ms = 0
        self._number: list[float] = [0]
        for row in tables.MONITORS:
            self._take(row)

    def _take(self, row: tuple) -> None:  # type: ignore[type-arg]
        """Add a definition of the dictionary."""
        place = self.free()
        assert place >= 0, row[MONITOR_ID]
        self.ids[place] = row[MONITOR_ID]
        self.index[place] = row[MONITOR_INDEX]
        self.check[place] = row[MONITOR_CHECK]
        self.period[place] = row[MONITOR_PERIOD_MS] // CYCLE_MS
        self.repetition[place] = row[MONITOR_REPETITION]
        self.a[place] = row[MONITOR_A]
        self.b[place] = row[MONITOR_B]
        self.event_low[place] = row[MONITOR_EVENT_LOW]
        self.event_high[place] = row[MONITOR_EVENT_HIGH]
        self.coefficients[place] = row[MONITOR_COEFFICIENTS] or None
        valid = row[MONITOR_VALID]
        self.valid_index[place] = valid[0] if valid else NEVER
        self.valid_mask[place] = valid[1] if valid else 0
        self.valid_value[place] = valid[2] if valid else 0
        self.restart(place, row[MONITOR_FLAGS] & MONITOR_ENABLED)
        # Spread over the period, so that no cycle carries all checks.
        self._left[place] = 1 + place % self.period[place]

    # --- definitions ------------------------------------------------------------------------------------------------

    def find(self, identifier: int) -> int:
        """Place of the monitor *identifier* (1..65535), -1 when there is none."""
        for place in range(self.top):
            if self.ids[place] == identifier and identifier:
                return place
        return -1

    def free(self) -> int:
        """A free place, below `top` from now on; -1 when there is none."""
        for place in range(MONITORS_MAX):
            if not self.ids[place]:
                self.top = max(self.top, place + 1)
                return place
        return -1

    def restart(self, place: int, enabled: int) -> None:
        """Begin the check anew: nothing is known of the point. The first sample is taken in the next cycle."""
        self.settle()
        self.enabled[place] = 1 if enabled else 0
        self.status[place] = UNCHECKED
        self._candidate[place] = UNCHECKED
        self._count[place] = 0
        self._seen[place] = 0
        self._left[place] = 1

    def delete(self, place: int) -> None:
        """Make the place free."""
        self.ids[place] = 0
        self.enabled[place] = 0

    def is_float(self, place: int) -> bool:
        """Are values and limits floats?"""
        return self.coefficients[place] is not None or self._pool.kind(self.index[place]) == FIELD_FLOAT

    # --- checks -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One cycle of CYCLE_MS: take the samples that are due, report transitions."""
        if self.running:
            self._passed += 1
            self._next -= 1
            if self._next <= 0:
                self._sample_due()
        if self._recorded:
            self._age_ms += CYCLE_MS
            if self._age_ms >= self.delay_ms:
                self.report_transitions()

    def _sample_due(self) -> None:
        self.settle()
        enabled = self.enabled
        left = self._left
        soonest = IDLE
        for place in range(self.top):
            if enabled[place]:
                if not left[place]:
                    left[place] = self.period[place]
                    self._sample(place)
                if left[place] < soonest:
                    soonest = left[place]
        self._next = soonest

    def settle(self) -> None:
        """Take the cycles that have passed from every monitor; the next cycle looks at all. Before any change."""
        passed = self._passed
        self._passed = 0
        self._next = 1
        if passed:
            left = self._left
            for place in range(self.top):
                if self.enabled[place]:
                    left[place] -= passed

    def idle_cycles(self) -> int:
        if self._recorded:
            return 0
        return self._next - 1 if self.running else IDLE

    def leave_out(self, cycles: int) -> None:
        if self.running:
            self._passed += cycles
            self._next -= cycles

    def value(self, place: int) -> float:
        """Present value of the point, as it is checked."""
        value = self._values[self.index[place]]
        coefficients = self.coefficients[place]
        if coefficients is None:
            return value
        result = 0.0
        for power in range(len(coefficients) - 1, -1, -1):
            result = result * value + coefficients[power]
        return result

    def _sample(self, place: int) -> None:
        condition = self.valid_index[place]
        if condition != NEVER and int(self._values[condition]) & self.valid_mask[place] != self.valid_value[place]:
            self._seen[place] = 0
            self._count[place] = 0
            if self.status[place] != INVALID:
                self._change(place, INVALID, self.value(place))
            return
        value = self.value(place)
        check = self.check[place]
        if check == CHECK_LIMIT:
            status = _side(value, self.a[place], self.b[place])
        elif check == CHECK_EXPECTED:
            status = GOOD if int(value) & int(self.a[place]) == self.b[place] else LOW
        else:
            last = self._last[place]
            self._last[place] = value
            if not self._seen[place]:
                self._seen[place] = 1
                return
            status = _side(_difference(value, last), self.a[place], self.b[place])
        if status == self.status[place]:
            self._count[place] = 0
            return
        if status != self._candidate[place] or not self._count[place]:
            self._candidate[place] = status
            self._count[place] = 0
        self._count[place] += 1
        if self._count[place] >= self.repetition[place]:
            self._count[place] = 0
            self._change(place, status, value)

    def _change(self, place: int, status: int, value: float) -> None:
        before = self.status[place]
        self.status[place] = status
        if before == UNCHECKED and status == GOOD:
            return
        self.transitions = (self.transitions + 1) & 0xFFFF
        self._record(place, before, status, value)
        event = self.event_low[place] if status == LOW else self.event_high[place] if status == HIGH else 0
        if event:
            self._events.raise_(event, self.ids[place], value)

    # --- transitions ------------------------------------------------------------------------------------------------

    def _record(self, place: int, before: int, status: int, value: float) -> None:
        if self._recorded == MONITOR_TRANSITIONS_MAX:
            self.report_transitions()
        records = self._records
        at = _RECORD * self._recorded
        point = self._pool.id_at(self.index[place])
        records[at] = self.ids[place] >> 8
        records[at + 1] = self.ids[place] & 0xFF
        records[at + 2] = point >> 8
        records[at + 3] = point & 0xFF
        records[at + 4] = self.check[place]
        records[at + 5] = FIELD_FLOAT if self.is_float(place) else FIELD_SIGNED
        self.write(place, value, records, at + 6)
        # Below: the low limit; an expected value is in b.
        low = (status if status in (LOW, HIGH) else before) == LOW and self.check[place] != CHECK_EXPECTED
        self.write(place, self.a[place] if low else self.b[place], records, at + 10)
        records[at + 14] = before
        records[at + 15] = status
        self._time.update()
        write_time(records, at + 16, self._time.seconds, self._time.fraction)
        if not self._recorded:
            self._age_ms = 0
        self._recorded += 1

    def write(self, place: int, value: float, buffer: bytearray, at: int) -> None:
        """Write a value or a limit of the monitor to buffer[at:at+4]: f32 if its values are floats, else i32."""
        self._number[0] = value
        for octet in range(at, at + 4):
            buffer[octet] = 0
        pack(_FLOAT if self.is_float(place) else _INTEGER, self._number, buffer, at, at + 4)

    def report_transitions(self) -> None:
        """12/12 with the transitions since the last one."""
        tm = self._tm
        tm.begin(12, _TRANSITION_REPORT)
        tm.u8(self._recorded)
        tm.at = copy(self._records, 0, _RECORD * self._recorded, tm.buffer, tm.at)
        tm.send()
        self._recorded = 0


def _side(value: float, low: float, high: float) -> int:
    """Where *value* is; NaN is below."""
    if value > high:
        return HIGH
    return GOOD if value >= low else LOW


def _difference(value: float, last: float) -> float:
    """value - last, held within the small integers."""
    if value >= 0:
        return _BIG if last < 0 and value > _BIG + last else value - last
    return -_BIG if last > 0 and value < last - _BIG else value - last
