"""Steps of a sequence in octets: read, judged, made to a telecommand. ECSS-E-ST-70-41C 6.21.

Step: kind (1 octet: STEP_REQUEST, STEP_REQUEST_AT, STEP_WAIT, with STEP_GO_ON if a failure does not end the sequence);
when: ms after the end of the step before (4), or for STEP_REQUEST_AT on-board time (CUC, 7). Then for a request: length
(1), service type, subtype, application data; for a wait: relation (1), on-board parameter (2), value (4: i32, f32 for a
float), timeout in ms (4). A whole telecommand takes eleven octets more, which the board writes when it needs them: so
64 steps fit into SEQUENCE_OCTETS.
"""

from micropython import const

from ..codec import FIELD_FLOAT, copy, crc16_put, field, unpack
from ..limits import APID, SEQUENCE_DATA_MAX, SEQUENCE_DELAY_MAX_MS, SEQUENCE_TIMEOUT_MIN_MS
from ..packet.cuc import TIME_LENGTH, read_fraction, read_seconds
from ..pool import Pool
from ..tables import (
    RELATION_ABOVE,
    RELATION_BELOW,
    RELATION_EQUAL,
    RELATION_NOT_EQUAL,
    STEP_GO_ON,
    STEP_REQUEST_AT,
    STEP_WAIT,
)

_WAIT_LENGTH = const(11)
_HEADERS = const(11)  # primary 6, secondary 5
_ERROR_CONTROL = const(2)
_ON_BOARD_SOURCE = const(1)
_FLOAT = field(FIELD_FLOAT, 32, 0, 0)


class Step:
    """The step read last. Allocates when made, never after.

    kind: STEP_... without STEP_GO_ON, which is `go_on`. delay_ms; seconds, fraction: when. data, data_end: service
    type, subtype, application data. relation, index, value, timeout_ms: of a wait.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._values = pool.values
        self._parsed: list[float] = [0]
        self.kind = 0
        self.go_on = False
        self.delay_ms = 0
        self.seconds = 0
        self.fraction = 0
        self.data = 0
        self.data_end = 0
        self.relation = 0
        self.index = 0
        self.value: float = 0
        self.timeout_ms = 0

    def read(self, octets: "bytes | bytearray", at: int, end: int) -> int:
        """Read and judge the step at octets[at]; the position behind it, -1 when it is not good."""
        if at >= end:
            return -1
        kind = octets[at]
        self.go_on = kind & STEP_GO_ON != 0
        self.kind = kind & ~STEP_GO_ON
        at += 1
        if self.kind == STEP_REQUEST_AT:
            if at + TIME_LENGTH > end:
                return -1
            self.seconds = read_seconds(octets, at)
            self.fraction = read_fraction(octets, at)
            at += TIME_LENGTH
            if self.seconds < 0:
                return -1
        elif self.kind > STEP_WAIT:
            return -1
        else:
            self.delay_ms = _u32(octets, at, end)
            at += 4
            if not 0 <= self.delay_ms <= SEQUENCE_DELAY_MAX_MS:
                return -1
        return self._read_wait(octets, at, end) if self.kind == STEP_WAIT else self._read_request(octets, at, end)

    def _read_request(self, octets: "bytes | bytearray", at: int, end: int) -> int:
        if at >= end:
            return -1
        self.data = at + 1
        self.data_end = stop = at + 1 + octets[at]
        return stop if 2 <= octets[at] <= SEQUENCE_DATA_MAX and stop <= end else -1

    def _read_wait(self, octets: "bytes | bytearray", at: int, end: int) -> int:
        if at + _WAIT_LENGTH > end:
            return -1
        self.relation = octets[at]
        self.index = self._pool.index_of(octets[at + 1] << 8 | octets[at + 2])
        self.timeout_ms = _u32(octets, at + 7, end)
        if self.relation > RELATION_ABOVE or self.index < 0:
            return -1
        if not SEQUENCE_TIMEOUT_MIN_MS <= self.timeout_ms <= SEQUENCE_DELAY_MAX_MS:
            return -1
        if self._pool.kind(self.index) == FIELD_FLOAT:
            unpack(_FLOAT, octets, at + 3, at + 7, self._parsed)
            self.value = self._parsed[0]
        else:
            high = octets[at + 3] << 8 | octets[at + 4]
            if 0x4000 <= high < 0xC000:
                return -1
            self.value = (high - 0x10000 if high >= 0x8000 else high) << 16 | octets[at + 5] << 8 | octets[at + 6]
        return at + _WAIT_LENGTH

    def holds(self) -> bool:
        """Does the condition of the wait hold now?"""
        value = self._values[self.index]
        relation = self.relation
        if relation == RELATION_EQUAL:
            return value == self.value
        if relation == RELATION_NOT_EQUAL:
            return value != self.value
        return value < self.value if relation == RELATION_BELOW else value > self.value

    def write_packet(self, octets: "bytes | bytearray", packet: bytearray) -> int:
        """Write the telecommand of a request to packet[0:n]; n. Only failures of it are reported."""
        packet[0] = 0x18 | APID >> 8
        packet[1] = APID & 0xFF
        packet[2] = 0xC0
        packet[3] = 0
        packet[4] = 0
        packet[6] = 0x20
        packet[7] = octets[self.data]
        packet[8] = octets[self.data + 1]
        packet[9] = 0
        packet[10] = _ON_BOARD_SOURCE
        end = copy(octets, self.data + 2, self.data_end, packet, _HEADERS)
        packet[5] = end + _ERROR_CONTROL - 7
        return crc16_put(packet, 0, end)


def _u32(octets: "bytes | bytearray", at: int, end: int) -> int:
    """Four octets as an integer, -1 when they are not there or are no small integer."""
    if at + 4 > end or octets[at] > 0x3F:
        return -1
    return octets[at] << 24 | octets[at + 1] << 16 | octets[at + 2] << 8 | octets[at + 3]
