"""Telecommand packet: 133.0-B primary and ECSS-E-ST-70-41C 7.4.4 secondary header, judged in the order of SPEC 8."""

from micropython import const

from ..codec import crc16_check
from ..errors import (
    OK,
    PACKET_APID,
    PACKET_CRC,
    PACKET_IDLE,
    PACKET_LENGTH,
    PACKET_SECONDARY,
    PACKET_SEGMENTED,
    PACKET_SHORT,
    PACKET_SIZE,
    PACKET_TYPE,
    PACKET_VERSION,
    PUS_VERSION,
    DropCounters,
)
from ..limits import TC_FRAME_MAX

# Acknowledgement flags (SPEC 9, W-082): which reports the sender wants.
ACK_ACCEPTANCE = const(1)
ACK_START = const(2)
ACK_PROGRESS = const(4)
ACK_COMPLETION = const(8)

# Primary header, octet 0: version (3 bits), type, secondary header flag, APID bits 10..8; octet 2: sequence flags.
_HEADER_LENGTH = const(6)
_VERSION = const(0xE0)
_TELECOMMAND = const(0x10)
_SECONDARY = const(0x08)
_APID_HIGH = const(0x07)
_UNSEGMENTED = const(0xC0)
_COUNT_MASK = const(0x3FFF)
_IDLE_APID = const(0x7FF)
# Secondary header: PUS-C in the upper half of its first octet.
_PUS_VERSION = const(0x20)
_DATA_OFFSET = const(11)  # primary header 6, secondary header 5
_ERROR_CONTROL_LENGTH = const(2)
_SIZE_MIN = const(13)
# A packet is never split: frame header 5, segment header 1 and FECF 2 are the rest of the longest frame.
_SIZE_MAX = TC_FRAME_MAX - 8


class Telecommand:
    """The telecommand packet read last; its fields are valid after read() returned OK.

    apids: the APIDs on board. drops: counters, shared. start, next: where the packet is and where the one behind it
    would start (always valid). apid, count: 0..2046, 0..16383. ack: ACK_... . service, subtype: 0..255.
    source: 0..65535. data_start, data_end: application data. Allocates nothing after it was made.

    From PACKET_APID on, the four octets at `start` are the request identifier of a failed acceptance report.
    """

    def __init__(self, apids: "tuple[int, ...]", drops: DropCounters) -> None:
        self._apids = apids
        self._drops = drops
        self.start = 0
        self.next = 0
        self.apid = 0
        self.count = 0
        self.ack = 0
        self.service = 0
        self.subtype = 0
        self.source = 0
        self.data_start = 0
        self.data_end = 0

    def read(self, buffer: bytes | bytearray | memoryview, start: int, end: int) -> int:
        """Read the packet that starts at *start*; *end*: where the octets end. Returns OK or the reason, counted."""
        self.start = start
        self.next = end
        if end - start < _HEADER_LENGTH:
            return self._drops.count(PACKET_SHORT)
        length = (buffer[start + 4] << 8 | buffer[start + 5]) + _HEADER_LENGTH + 1
        stop = start + length
        if stop > end:
            return self._drops.count(PACKET_LENGTH)
        self.next = stop
        octet_0 = buffer[start]
        octet_2 = buffer[start + 2]
        self.apid = apid = (octet_0 & _APID_HIGH) << 8 | buffer[start + 1]
        if octet_0 & ~_APID_HIGH != _TELECOMMAND | _SECONDARY or octet_2 < _UNSEGMENTED or apid == _IDLE_APID:
            return self._drops.count(_header_fault(octet_0, apid))
        if not _SIZE_MIN <= length <= _SIZE_MAX:
            return self._drops.count(PACKET_SIZE)
        if not crc16_check(buffer, start, stop):
            return self._drops.count(PACKET_CRC)
        if apid not in self._apids:
            return self._drops.count(PACKET_APID)
        self.count = (octet_2 << 8 | buffer[start + 3]) & _COUNT_MASK
        octet = buffer[start + 6]
        self.ack = octet & 0x0F
        self.service = buffer[start + 7]
        self.subtype = buffer[start + 8]
        self.source = buffer[start + 9] << 8 | buffer[start + 10]
        self.data_start = start + _DATA_OFFSET
        self.data_end = stop - _ERROR_CONTROL_LENGTH
        if octet & 0xF0 != _PUS_VERSION:
            return self._drops.count(PUS_VERSION)
        return OK


def _header_fault(octet_0: int, apid: int) -> int:
    """Which field of a primary header that is not as it must be comes first in the order of the checks."""
    if octet_0 & _VERSION:
        return PACKET_VERSION
    if apid == _IDLE_APID:
        return PACKET_IDLE
    if not octet_0 & _TELECOMMAND:
        return PACKET_TYPE
    if not octet_0 & _SECONDARY:
        return PACKET_SECONDARY
    return PACKET_SEGMENTED
