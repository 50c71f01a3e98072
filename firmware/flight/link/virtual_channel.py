"""One virtual channel of the downlink: packets into the data fields of TM frames, CCSDS 132.0-B 4.2.2. SPEC 7.

A bounded queue of whole frames, each with room for its sync marker, header, OCF and FECF. Packets are written one after
the other and run over from frame to frame. What is done here is the data field and the first header pointer; numbering,
CLCW and FECF come when the frame leaves (downlink.py).
"""

from array import array

from micropython import const

from ..codec import copy, idle_packet
from ..errors import DOWNLINK_FULL, DOWNLINK_SIZE, OK, DropCounters
from ..limits import TM_FRAME_LENGTH, TM_PACKET_MAX
from .tm_frame import ASM_LENGTH, DATA_LENGTH, DATA_START, FHP_NONE, prepare, seal

_IDLE_MIN = const(7)  # the smallest packet: primary header and one octet
# For an idle packet that runs over into the next frame.
_IDLE = bytearray(_IDLE_MIN)
_DATA_END = DATA_START + DATA_LENGTH


class VirtualChannel:
    """Frames waiting to leave. Allocates when made, never after. Not safe from an interrupt.

    vcid: 0..6. depth: frames in the queue, 2 or more. full: closed frames. fill: octets in the data field of the open
    frame. waiting: the open frame holds packets that nothing but flushing will send.
    """

    def __init__(self, vcid: int, depth: int, drops: DropCounters) -> None:
        assert depth >= 2, depth
        self.vcid = vcid
        self.frame_count = 0
        self._drops = drops
        self._depth = depth
        self._frames = [bytearray(ASM_LENGTH + TM_FRAME_LENGTH) for _ in range(depth)]
        for frame in self._frames:
            prepare(frame, vcid)
        self._fhp = array("H", [FHP_NONE] * depth)
        self._head = 0  # the oldest closed frame
        self._open = 0  # the frame being filled, free while full == depth
        self.full = 0
        self.fill = 0
        self.waiting = False

    def room(self) -> int:
        """Octets of packets that fit now."""
        return (self._depth - self.full) * DATA_LENGTH - self.fill

    def send(self, packet: bytes | bytearray | memoryview, start: int, end: int) -> int:
        """Queue the packet packet[start:end]. Returns OK, DOWNLINK_FULL or DOWNLINK_SIZE; a dropped one is counted."""
        length = end - start
        if not _IDLE_MIN <= length <= TM_PACKET_MAX:
            return self._drops.count(DOWNLINK_SIZE)
        fill = self.fill
        if length < DATA_LENGTH - fill and self.full < self._depth:
            # Nearly always, and the short way of _write(): it fits into the open frame and does not fill it up.
            slot = self._open
            if fill == 0 or self._fhp[slot] == FHP_NONE:
                self._fhp[slot] = fill
            self.fill = copy(packet, start, end, self._frames[slot], DATA_START + fill) - DATA_START
            self.waiting = True
            return OK
        if length > self.room():
            return self._drops.count(DOWNLINK_FULL)
        self._write(packet, start, end)
        self.waiting = self.fill != 0
        return OK

    def close(self) -> bool:
        """Fill the open frame up with an idle packet. False when there is nothing in it, or no room for the packet."""
        fill = self.fill
        if fill == 0:
            return False
        if fill <= DATA_LENGTH - _IDLE_MIN:
            slot = self._open
            if self._fhp[slot] == FHP_NONE:
                self._fhp[slot] = fill
            idle_packet(self._frames[slot], DATA_START + fill, _DATA_END)
            self.full += 1
            slot += 1
            self._open = slot if slot < self._depth else 0
            self.fill = 0
        else:
            if self.room() < _IDLE_MIN:
                return False
            idle_packet(_IDLE, 0, _IDLE_MIN)
            self._write(_IDLE, 0, _IDLE_MIN)
        self.waiting = False
        return True

    def _write(self, packet: bytes | bytearray | memoryview, start: int, end: int) -> None:
        fill = self.fill
        slot = self._open
        if fill == 0:
            self._fhp[slot] = FHP_NONE
        if self._fhp[slot] == FHP_NONE:
            self._fhp[slot] = fill
        while True:
            left = DATA_LENGTH - fill
            if end - start < left:
                copy(packet, start, end, self._frames[slot], DATA_START + fill)
                self.fill = fill + end - start
                return
            copy(packet, start, start + left, self._frames[slot], DATA_START + fill)
            start += left
            fill = 0
            self.full += 1
            slot = slot + 1
            if slot == self._depth:
                slot = 0
            self._open = slot
            if start == end:
                self.fill = 0
                return
            self._fhp[slot] = FHP_NONE

    def seal(self, mc_count: int, report: int) -> bytearray:
        """The frame that leaves next, complete but for what is sent over again; only while full is not 0.

        mc_count: of the master channel. report: Farm.report().
        """
        head = self._head
        frame = self._frames[head]
        seal(frame, self.vcid, mc_count, self.frame_count, self._fhp[head], report)
        return frame

    def sent(self) -> None:
        """The oldest frame has left: its place is free."""
        self._head += 1
        if self._head == self._depth:
            self._head = 0
        self.full -= 1
        self.frame_count = (self.frame_count + 1) & 0xFF
