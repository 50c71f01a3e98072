"""Space packet primary header: CCSDS 133.0-B-2 §4.1, firmware/SPEC.md section 8."""

from __future__ import annotations

import struct

import msgspec

from ..errors import FieldRangeError, PacketError

HEADER_LENGTH = 6
IDLE_APID = 0x7FF
MAX_APID = 0x7FE  # 0x7FF is the idle packet's
SEQUENCE_MODULUS = 1 << 14
UNSEGMENTED = 0b11
MAX_DATA_LENGTH = 65536

_HEADER = struct.Struct(">HHH")


class SpacePacketHeader(msgspec.Struct, frozen=True):
    """One primary header. `data_length` is the octets behind it (1 to 65536), not the number in the field."""

    apid: int
    sequence_count: int
    data_length: int
    is_telecommand: bool = False
    has_secondary_header: bool = True
    sequence_flags: int = UNSEGMENTED
    version: int = 0

    def pack(self) -> bytes:
        """The 6 octets. Raises FieldRangeError for a field that does not fit."""
        check_range("APID", self.apid, 0, IDLE_APID)
        check_range("sequence count", self.sequence_count, 0, SEQUENCE_MODULUS - 1)
        check_range("packet data length", self.data_length, 1, MAX_DATA_LENGTH)
        check_range("sequence flags", self.sequence_flags, 0, 3)
        check_range("packet version number", self.version, 0, 7)
        return _HEADER.pack(
            self.version << 13 | self.is_telecommand << 12 | self.has_secondary_header << 11 | self.apid,
            self.sequence_flags << 14 | self.sequence_count,
            self.data_length - 1,
        )


def unpack_header(octets: bytes | bytearray | memoryview, offset: int = 0) -> SpacePacketHeader:
    """The header at `offset`; judging it is the caller's. Raises PacketError if fewer than 6 octets are there."""
    if len(octets) - offset < HEADER_LENGTH:
        raise PacketError(
            "space packet is too short for its header",
            expected=f"{HEADER_LENGTH} octets",
            found=f"{len(octets) - offset}",
            next_step="check where the packet was cut",
        )
    identification, sequence, length = _HEADER.unpack_from(octets, offset)
    return SpacePacketHeader(
        version=identification >> 13,
        is_telecommand=bool(identification & 0x1000),
        has_secondary_header=bool(identification & 0x0800),
        apid=identification & 0x7FF,
        sequence_flags=sequence >> 14,
        sequence_count=sequence & 0x3FFF,
        data_length=length + 1,
    )


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise FieldRangeError unless low <= value <= high."""
    if not low <= value <= high:
        raise FieldRangeError(f"{name} is out of range", expected=f"{low} to {high}", found=str(value))


class SequenceCounts:
    """Packet sequence counts, one per APID, from 0, wrapping at 16384."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    def take(self, apid: int) -> int:
        """The next count of this APID."""
        count = self._next.get(apid, 0)
        self._next[apid] = (count + 1) % SEQUENCE_MODULUS
        return count
