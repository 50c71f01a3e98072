"""PUS-C telecommand and telemetry packets, ECSS-E-ST-70-41C §7.4, firmware/SPEC.md sections 8 to 10.

Here lives the whole packet around its data field: primary and secondary header, CUC time, packet error control. What
is in the data field is the dictionary's business.
"""

from __future__ import annotations

import struct

import msgspec
from flight.codec import crc16

from ..errors import PacketError
from .space_packet import HEADER_LENGTH, MAX_APID, SpacePacketHeader, check_range, unpack_header

PUS_VERSION = 2
TC_SECONDARY_LENGTH = 5
TM_SECONDARY_LENGTH = 14
CRC_LENGTH = 2
TC_MIN_LENGTH = HEADER_LENGTH + TC_SECONDARY_LENGTH + CRC_LENGTH
TM_MIN_LENGTH = HEADER_LENGTH + TM_SECONDARY_LENGTH + CRC_LENGTH
CUC_P_FIELD = 0x1E

# Acknowledgement flags of a telecommand, at their places in octet 0 of the secondary header.
ACK_ACCEPTANCE = 1
ACK_START = 2
ACK_PROGRESS = 4
ACK_COMPLETION = 8
ACK_ALL = 15

_TC_SECONDARY = struct.Struct(">BBBH")
_TM_SECONDARY = struct.Struct(">BBBHHBIH")


class CucTime(msgspec.Struct, frozen=True, order=True):
    """Seconds since 1958-01-01T00:00:00 TAI (32 bits) and a fraction in 1/65536 s."""

    seconds: int
    fraction: int = 0

    @property
    def tai_s(self) -> float:
        """Seconds since 1958-01-01T00:00:00 TAI as one number."""
        return self.seconds + self.fraction / 65536


class Telecommand(msgspec.Struct, frozen=True):
    """One telecommand. `acknowledge` is a sum of ACK_..., `source` the source identifier (0 = ground)."""

    apid: int
    service: int
    subtype: int
    data: bytes = b""
    sequence_count: int = 0
    acknowledge: int = ACK_ALL
    source: int = 0

    def pack(self) -> bytes:
        """The packet with its error control. Raises FieldRangeError for a field that does not fit."""
        check_range("APID", self.apid, 0, MAX_APID)
        check_range("acknowledgement flags", self.acknowledge, 0, ACK_ALL)
        check_range("service type", self.service, 0, 255)
        check_range("message subtype", self.subtype, 0, 255)
        check_range("source identifier", self.source, 0, 65535)
        secondary = _TC_SECONDARY.pack(PUS_VERSION << 4 | self.acknowledge, self.service, self.subtype, self.source)
        length = TC_SECONDARY_LENGTH + len(self.data) + CRC_LENGTH
        header = SpacePacketHeader(self.apid, self.sequence_count, length, is_telecommand=True)
        return with_crc(header.pack() + secondary + self.data)

    @property
    def request_id(self) -> int:
        """What verification reports carry: packet identification and sequence control, 32 bits."""
        return (0x1800 | self.apid) << 16 | 0xC000 | self.sequence_count


class Telemetry(msgspec.Struct, frozen=True):
    """One telemetry packet. `time_status` is the spacecraft time reference status, 0 to 15."""

    apid: int
    service: int
    subtype: int
    time: CucTime
    data: bytes = b""
    sequence_count: int = 0
    message_count: int = 0
    destination: int = 0
    time_status: int = 0

    def pack(self) -> bytes:
        """The packet with its error control. Raises FieldRangeError for a field that does not fit."""
        check_range("APID", self.apid, 0, MAX_APID)
        check_range("service type", self.service, 0, 255)
        check_range("message subtype", self.subtype, 0, 255)
        check_range("message type counter", self.message_count, 0, 65535)
        check_range("destination identifier", self.destination, 0, 65535)
        check_range("time reference status", self.time_status, 0, 15)
        check_range("CUC seconds", self.time.seconds, 0, 0xFFFF_FFFF)
        check_range("CUC fraction", self.time.fraction, 0, 65535)
        secondary = _TM_SECONDARY.pack(
            PUS_VERSION << 4 | self.time_status,
            self.service,
            self.subtype,
            self.message_count,
            self.destination,
            CUC_P_FIELD,
            self.time.seconds,
            self.time.fraction,
        )
        length = TM_SECONDARY_LENGTH + len(self.data) + CRC_LENGTH
        return with_crc(SpacePacketHeader(self.apid, self.sequence_count, length).pack() + secondary + self.data)


def with_crc(octets: bytes) -> bytes:
    """`octets` and their CRC-16 (SPEC.md section 1)."""
    crc: int = crc16(octets, 0, len(octets))
    return octets + crc.to_bytes(2, "big")


def unpack_telecommand(packet: bytes) -> Telecommand:
    """The telecommand in `packet`, which must be whole and alone. Raises PacketError with what is wrong."""
    header = _checked_header(packet, is_telecommand=True, minimum=TC_MIN_LENGTH)
    flags, service, subtype, source = _TC_SECONDARY.unpack_from(packet, HEADER_LENGTH)
    _check_pus_version(flags)
    return Telecommand(
        apid=header.apid,
        service=service,
        subtype=subtype,
        data=packet[HEADER_LENGTH + TC_SECONDARY_LENGTH : -CRC_LENGTH],
        sequence_count=header.sequence_count,
        acknowledge=flags & 15,
        source=source,
    )


def unpack_telemetry(packet: bytes) -> Telemetry:
    """The telemetry packet in `packet`, which must be whole and alone. Raises PacketError with what is wrong."""
    header = _checked_header(packet, is_telecommand=False, minimum=TM_MIN_LENGTH)
    fields = _TM_SECONDARY.unpack_from(packet, HEADER_LENGTH)
    flags, service, subtype, message_count, destination, p_field, seconds, fraction = fields
    _check_pus_version(flags)
    if p_field != CUC_P_FIELD:
        raise PacketError(
            "time field has another format",
            expected=f"P-field {CUC_P_FIELD:02X}",
            found=f"{p_field:02X}",
            next_step="check that board and ground speak the same wire version",
        )
    return Telemetry(
        apid=header.apid,
        service=service,
        subtype=subtype,
        time=CucTime(seconds, fraction),
        data=packet[HEADER_LENGTH + TM_SECONDARY_LENGTH : -CRC_LENGTH],
        sequence_count=header.sequence_count,
        message_count=message_count,
        destination=destination,
        time_status=flags & 15,
    )


def _checked_header(packet: bytes, *, is_telecommand: bool, minimum: int) -> SpacePacketHeader:
    kind = "telecommand" if is_telecommand else "telemetry"
    header = unpack_header(packet)
    if len(packet) < minimum:
        raise PacketError(f"{kind} packet is too short", expected=f"{minimum} octets", found=str(len(packet)))
    if header.data_length + HEADER_LENGTH != len(packet):
        raise PacketError(
            f"{kind} packet has another length than its header says",
            expected=f"{header.data_length + HEADER_LENGTH} octets",
            found=str(len(packet)),
        )
    if header.version != 0 or not header.has_secondary_header or header.sequence_flags != 0b11:
        raise PacketError(
            f"{kind} packet header is not the one of this mission",
            expected="version 0, secondary header, unsegmented",
            found=packet[:HEADER_LENGTH].hex(" "),
        )
    if header.is_telecommand != is_telecommand:
        raise PacketError("packet is of the other type", expected=kind, found=packet[:HEADER_LENGTH].hex(" "))
    if crc16(packet, 0, len(packet)) != 0:
        raise PacketError(
            f"{kind} packet error control is wrong",
            expected=f"{crc16(packet, 0, len(packet) - CRC_LENGTH):04X}",
            found=packet[-CRC_LENGTH:].hex().upper(),
        )
    return header


def _check_pus_version(flags: int) -> None:
    if flags >> 4 != PUS_VERSION:
        raise PacketError("packet has another PUS version", expected=f"{PUS_VERSION} (PUS-C)", found=str(flags >> 4))
