"""Space packets out of the data fields of one virtual channel's TM frames: CCSDS 132.0-B-3 §4.1.4, SPEC.md 7 and 8.

Here lives the way from data field and first header pointer to whole, checked packets. Frames and their counts are the
caller's (`downlink.py`). Every octet of a data field ends in a packet, in an idle packet, or in a drop account.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import flight.errors as reason
import msgspec
from flight.codec import crc16
from flight.limits import TM_FRAME_LENGTH, TM_PACKET_MAX

from ..packet.pus import PUS_VERSION, TM_MIN_LENGTH
from ..packet.space_packet import HEADER_LENGTH, IDLE_APID, SEQUENCE_MODULUS, UNSEGMENTED

DATA_FIELD_LENGTH = TM_FRAME_LENGTH - 12
FHP_NO_PACKET = 0x7FF
FHP_IDLE = 0x7FE

_HEADER = struct.Struct(">HHH")
# An idle packet may be as long as what is left of a frame, a telemetry packet as long as the mission says.
_LONGEST = max(TM_PACKET_MAX, DATA_FIELD_LENGTH)


class PacketReceived(msgspec.Struct, frozen=True, tag=True):
    """A whole telemetry packet that passed every check; `packet` is header to error control."""

    vcid: int
    apid: int
    sequence_count: int
    packet: bytes


class SequenceGap(msgspec.Struct, frozen=True, tag=True):
    """`missing` packets of this APID on this virtual channel, modulo 16384, before the packet that follows."""

    vcid: int
    apid: int
    missing: int


class PacketExtractor:
    """Packets of one virtual channel. `emit` gets each event, `drop(reason, octets)` each loss, in order.

    An APID has a sequence of its own on each virtual channel: playback repeats packets that were once real time.
    """

    def __init__(self, vcid: int, emit: Callable[[msgspec.Struct], None], drop: Callable[[int, int], None]) -> None:
        self._vcid = vcid
        self._emit = emit
        self._drop = drop
        self._begun: bytearray | None = None
        self._last_counts: dict[int, int] = {}
        self.packets = 0
        self.packet_octets = 0
        self.idle_packets = 0
        self.idle_octets = 0
        self.missing_packets = 0

    @property
    def pending(self) -> int:
        """Octets of the packet that is begun and not yet whole."""
        return len(self._begun) if self._begun is not None else 0

    def lose_frames(self) -> None:
        """Frames are missing: the packet that was begun will never be whole."""
        if self._begun is not None:
            self._cut()

    def feed(self, data: bytes, first_header: int) -> None:
        """The data field of the next frame, and its first header pointer (0 to length - 1, or FHP_NO_PACKET)."""
        if first_header == FHP_NO_PACKET:
            self._continue(data)
            return
        self._continue(data[:first_header])
        if self._begun is not None:
            self._cut()  # the pointer says a packet starts here, but the one before is not over
        self._start(data, first_header)

    def _continue(self, head: bytes) -> None:
        """Octets before the first header: the rest of the packet begun, if there is one and if they fit."""
        if not head:
            return
        if self._begun is None:
            self._drop(reason.TM_PACKET_TAIL, len(head))
            return
        begun = self._begun + head
        length = _length_of(begun)
        if length is not None and (length > _LONGEST or len(begun) > length):
            self._begun = begun
            self._cut()
        elif len(begun) == length:
            self._begun = None
            self._judge(bytes(begun))
        else:
            self._begun = begun

    def _start(self, data: bytes, position: int) -> None:
        end = len(data)
        while position < end:
            rest = end - position
            if rest < HEADER_LENGTH:
                self._begun = bytearray(data[position:])
                return
            identification, _, field = _HEADER.unpack_from(data, position)
            length = field + 7
            if identification >> 13 != 0 or length > _LONGEST:
                # No packet grid any more; the next first header pointer gives it back.
                self._drop(reason.PACKET_VERSION if identification >> 13 else reason.PACKET_SIZE, rest)
                return
            if length > rest:
                self._begun = bytearray(data[position:])
                return
            self._judge(data[position : position + length])
            position += length

    def _cut(self) -> None:
        assert self._begun is not None  # callers look first
        self._drop(reason.TM_PACKET_CUT, len(self._begun))
        self._begun = None

    def _judge(self, packet: bytes) -> None:
        identification, sequence, _ = _HEADER.unpack_from(packet)
        apid = identification & 0x7FF
        if identification >> 13 == 0 and apid == IDLE_APID:
            self.idle_packets += 1
            self.idle_octets += len(packet)
            return
        fault = _fault_of(packet, identification, sequence)
        if fault is not None:
            self._drop(fault, len(packet))
            return
        self._note_sequence(apid, sequence & 0x3FFF)
        self.packets += 1
        self.packet_octets += len(packet)
        self._emit(PacketReceived(self._vcid, apid, sequence & 0x3FFF, packet))

    def _note_sequence(self, apid: int, count: int) -> None:
        last = self._last_counts.get(apid)
        self._last_counts[apid] = count
        if last is None:
            return
        missing = (count - last - 1) % SEQUENCE_MODULUS
        if missing:
            self.missing_packets += missing
            self._emit(SequenceGap(self._vcid, apid, missing))


def _length_of(begun: bytearray) -> int | None:
    """Octets of the whole packet, None while its length field is not there yet."""
    if len(begun) < HEADER_LENGTH:
        return None
    length: int = _HEADER.unpack_from(begun)[2]
    return length + 7


def _fault_of(packet: bytes, identification: int, sequence: int) -> int | None:
    """The reason of the first check of SPEC.md section 8 that fails, None if none does."""
    if identification >> 13:
        return reason.PACKET_VERSION
    if identification & 0x1000:
        return reason.PACKET_TYPE
    if not identification & 0x0800:
        return reason.PACKET_SECONDARY
    if sequence >> 14 != UNSEGMENTED:
        return reason.PACKET_SEGMENTED
    if not TM_MIN_LENGTH <= len(packet) <= TM_PACKET_MAX:
        return reason.PACKET_SIZE
    if crc16(packet, 0, len(packet)) != 0:
        return reason.PACKET_CRC
    if packet[HEADER_LENGTH] >> 4 != PUS_VERSION:
        return reason.PUS_VERSION
    return None
