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
from .space_packet import (
    APID_HIGH_MASK,
    COUNT_MASK,
    ERROR_CONTROL_LENGTH,
    IDLE_APID,
    PRIMARY_HEADER_LENGTH,
    SECONDARY_HEADER,
    TYPE_TELECOMMAND,
    UNSEGMENTED,
    VERSION_MASK,
    packet_length,
)

# Acknowledgement flags (SPEC 9, W-082): which reports the sender wants.
ACK_ACCEPTANCE = const(1)
ACK_START = const(2)
ACK_PROGRESS = const(4)
ACK_COMPLETION = const(8)

_PUS_VERSION = const(0x20)  # PUS-C, in the upper half of the octet
_DATA_OFFSET = const(11)  # primary header 6, secondary header 5
_SIZE_MIN = const(13)
# A packet is never split: frame header 5, segment header 1 and FECF 2 are the rest of the longest frame.
_SIZE_MAX = TC_FRAME_MAX - 8
# Version 0, telecommand, secondary header.
_OCTET_0 = TYPE_TELECOMMAND | SECONDARY_HEADER


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
        status = self._read(buffer, start, end)
        if status != OK:
            self._drops.count(status)
        return status

    def _read(self, buffer: bytes | bytearray | memoryview, start: int, end: int) -> int:
        self.start = start
        self.next = end
        if end - start < PRIMARY_HEADER_LENGTH:
            return PACKET_SHORT
        length = packet_length(buffer, start)
        stop = start + length
        if stop > end:
            return PACKET_LENGTH
        self.next = stop
        octet_0 = buffer[start]
        octet_2 = buffer[start + 2]
        self.apid = apid = (octet_0 & APID_HIGH_MASK) << 8 | buffer[start + 1]
        if octet_0 & ~APID_HIGH_MASK != _OCTET_0 or octet_2 < UNSEGMENTED or apid == IDLE_APID:
            return _header_fault(octet_0, apid)
        if not _SIZE_MIN <= length <= _SIZE_MAX:
            return PACKET_SIZE
        if not crc16_check(buffer, start, stop):
            return PACKET_CRC
        if apid not in self._apids:
            return PACKET_APID
        self.count = (octet_2 << 8 | buffer[start + 3]) & COUNT_MASK
        octet = buffer[start + 6]
        self.ack = octet & 0x0F
        self.service = buffer[start + 7]
        self.subtype = buffer[start + 8]
        self.source = buffer[start + 9] << 8 | buffer[start + 10]
        self.data_start = start + _DATA_OFFSET
        self.data_end = stop - ERROR_CONTROL_LENGTH
        return OK if octet & 0xF0 == _PUS_VERSION else PUS_VERSION


def _header_fault(octet_0: int, apid: int) -> int:
    """Which field of a primary header that is not as it must be comes first in the order of the checks."""
    if octet_0 & VERSION_MASK:
        return PACKET_VERSION
    if apid == IDLE_APID:
        return PACKET_IDLE
    if not octet_0 & TYPE_TELECOMMAND:
        return PACKET_TYPE
    if not octet_0 & SECONDARY_HEADER:
        return PACKET_SECONDARY
    return PACKET_SEGMENTED
