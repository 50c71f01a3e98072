"""Telecommand packet: 133.0-B primary and ECSS-E-ST-70-41C 7.4.4 secondary header, judged in the order of SPEC 8."""

from micropython import const

from ..codec import tc_packet_read
from ..errors import OK, PACKET_APID, PUS_VERSION, DropCounters
from ..limits import TC_FRAME_MAX

# Acknowledgement flags (SPEC 9, W-082): which reports the sender wants.
ACK_ACCEPTANCE = const(1)
ACK_START = const(2)
ACK_PROGRESS = const(4)
ACK_COMPLETION = const(8)

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
        self._fields = [0] * 9
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
        fields = self._fields
        status = tc_packet_read(buffer, start, end, _SIZE_MAX, fields)
        # With the last of all reasons the fields are there.
        if OK < status < PUS_VERSION:
            self.next = fields[0]
            return self._drops.count(status)
        (
            self.next,
            apid,
            self.count,
            self.ack,
            self.service,
            self.subtype,
            self.source,
            self.data_start,
            self.data_end,
        ) = fields
        self.apid = apid
        if apid not in self._apids:
            return self._drops.count(PACKET_APID)
        return OK if status == OK else self._drops.count(status)
