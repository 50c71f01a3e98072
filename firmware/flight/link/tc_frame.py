"""TC transfer frame: CCSDS 232.0-B, frame validation and fields. SPEC 4; FARM-1 and authentication come after it."""

from micropython import const

from ..codec import crc16_check
from ..errors import (
    OK,
    TC_CONTROL,
    TC_DATA_SHORT,
    TC_FECF,
    TC_FLAGS,
    TC_LENGTH,
    TC_RESERVED,
    TC_SCID,
    TC_SEGMENT,
    TC_SHORT,
    TC_VERSION,
)
from ..errors import TC_VCID as WRONG_VCID
from ..limits import SCID, TC_FRAME_MAX, TC_MAP_ID, TC_VCID

HEADER_LENGTH = const(5)
FECF_LENGTH = const(2)
FRAME_MIN = const(8)

# Frame types: the bypass and control command flags where they stand in octet 0.
AD = const(0x00)
BD = const(0x20)
BC = const(0x30)
_FLAGS = const(0x30)
_ILLEGAL = const(0x10)

# Control commands (232.0-B 4.1.3.3): Unlock is 00, Set V(R) is 82 00 and V*(R).
UNLOCK = const(0)
SET_VR = const(1)
_UNLOCK_0 = const(0x00)
_SET_VR_0 = const(0x82)
_SET_VR_1 = const(0x00)

# Everything in octets 0 and 1 but the two flags, as one number that has one right value.
_SCID_HIGH = SCID >> 8
_SCID_LOW = SCID & 0xFF
_VCID_BITS = TC_VCID << 2
# Unsegmented (b11), the one MAP.
_SEGMENT_HEADER = 0xC0 | TC_MAP_ID


class TcFrame:
    """Fields of the TC frame read last; valid after read() returned OK.

    kind: AD, BD or BC. n_s: N(S), 0..255. start, end: the data behind the segment header (AD, BD) up to the FECF.
    command: UNLOCK or SET_VR, v_r: V*(R) (BC). Allocates nothing after it was made.
    """

    def __init__(self) -> None:
        self.kind = AD
        self.n_s = 0
        self.start = 0
        self.end = 0
        self.command = UNLOCK
        self.v_r = 0

    def read(self, frame: bytes | bytearray | memoryview, count: int) -> int:
        """Check the frame in frame[0:count], fill octets included. Returns OK or the first failed check's reason."""
        if count < FRAME_MIN:
            return TC_SHORT
        octet_2 = frame[2]
        length = ((octet_2 & 3) << 8 | frame[3]) + 1
        if not FRAME_MIN <= length <= count or length > TC_FRAME_MAX:
            return TC_LENGTH
        if not crc16_check(frame, 0, length):
            return TC_FECF
        octet_0 = frame[0]
        self.kind = kind = octet_0 & _FLAGS
        if octet_0 != kind | _SCID_HIGH or frame[1] != _SCID_LOW or octet_2 & 0xFC != _VCID_BITS or kind == _ILLEGAL:
            return _header_fault(frame)
        self.n_s = frame[4]
        self.end = end = length - FECF_LENGTH
        if kind == BC:
            return self._read_command(frame, end)
        self.start = HEADER_LENGTH + 1
        if end < HEADER_LENGTH + 2:
            return TC_DATA_SHORT
        return OK if frame[HEADER_LENGTH] == _SEGMENT_HEADER else TC_SEGMENT

    def _read_command(self, frame: bytes | bytearray | memoryview, end: int) -> int:
        octet = frame[HEADER_LENGTH]
        if octet == _UNLOCK_0 and end == HEADER_LENGTH + 1:
            self.command = UNLOCK
            return OK
        if octet == _SET_VR_0 and end == HEADER_LENGTH + 3 and frame[HEADER_LENGTH + 1] == _SET_VR_1:
            self.command = SET_VR
            self.v_r = frame[HEADER_LENGTH + 2]
            return OK
        return TC_CONTROL


def _header_fault(frame: bytes | bytearray | memoryview) -> int:
    """Which field of a primary header that is not as it must be comes first in the order of the checks."""
    octet_0 = frame[0]
    if octet_0 & 0xC0:
        return TC_VERSION
    if octet_0 & 0x0C:
        return TC_RESERVED
    if octet_0 & 3 != _SCID_HIGH or frame[1] != _SCID_LOW:
        return TC_SCID
    if frame[2] & 0xFC != _VCID_BITS:
        return WRONG_VCID
    return TC_FLAGS
