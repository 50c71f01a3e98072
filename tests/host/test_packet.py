"""Space packets and PUS-C headers: literal octets from SPEC.md, and `spacepackets` both ways as second opinion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perilune.errors import FieldRangeError, PacketError
from perilune.packet.pus import (
    ACK_ALL,
    CucTime,
    Telecommand,
    Telemetry,
    unpack_telecommand,
    unpack_telemetry,
    with_crc,
)
from perilune.packet.space_packet import SequenceCounts, SpacePacketHeader, unpack_header
from spacepackets.ecss import PusTc, PusTm

# fmt: off
TELECOMMAND_17_1 = bytes([
    0x18, 0x64,              # version 0, telecommand, secondary header, APID 0x064
    0xC0, 0x05,              # unsegmented, count 5
    0x00, 0x06,              # 13 octets in all
    0x2F,                    # PUS-C, all four acknowledgements
    0x11, 0x01,              # service 17, subtype 1
    0x00, 0x00,              # source 0: ground
    0xD7, 0xC4,              # CRC-16 of the 11 octets before
])
TELEMETRY_17_2 = bytes([
    0x08, 0x64,              # version 0, telemetry, secondary header, APID 0x064
    0xC0, 0x03,              # unsegmented, count 3
    0x00, 0x0F,              # 22 octets in all
    0x20,                    # PUS-C, time reference status 0
    0x11, 0x02,              # service 17, subtype 2
    0x00, 0x07,              # message type counter 7
    0x00, 0x00,              # destination 0
    0x1E,                    # CUC 4+2, TAI
    0x00, 0x00, 0x00, 0x01,  # 1 s
    0x80, 0x00,              # and a half
    0x2D, 0xF7,              # CRC-16 of the 20 octets before
])
# fmt: on


def test_telecommand_octets_w070_w080() -> None:
    telecommand = Telecommand(apid=0x64, service=17, subtype=1, sequence_count=5)
    assert telecommand.pack() == TELECOMMAND_17_1
    assert unpack_telecommand(TELECOMMAND_17_1) == telecommand
    assert telecommand.request_id == 0x1864C005


def test_telemetry_octets_w081() -> None:
    telemetry = Telemetry(0x64, 17, 2, CucTime(1, 0x8000), sequence_count=3, message_count=7)
    assert telemetry.pack() == TELEMETRY_17_2
    assert unpack_telemetry(TELEMETRY_17_2) == telemetry
    assert telemetry.time.tai_s == 1.5


APIDS = st.integers(0, 0x7FE)
OCTETS = st.binary(max_size=300)
BYTE = st.integers(0, 255)
WORD = st.integers(0, 65535)
COUNT = st.integers(0, 16383)

TELECOMMANDS = st.builds(
    Telecommand,
    apid=APIDS,
    service=BYTE,
    subtype=BYTE,
    data=OCTETS,
    sequence_count=COUNT,
    acknowledge=st.integers(0, ACK_ALL),
    source=WORD,
)
TELEMETRY = st.builds(
    Telemetry,
    apid=APIDS,
    service=BYTE,
    subtype=BYTE,
    time=st.builds(CucTime, st.integers(0, 2**32 - 1), WORD),
    data=OCTETS,
    sequence_count=COUNT,
    message_count=WORD,
    destination=WORD,
)


@given(TELECOMMANDS)
def test_telecommand_to_spacepackets(ours: Telecommand) -> None:
    theirs = PusTc.unpack(ours.pack())
    assert (theirs.apid, theirs.service, theirs.message_subtype, theirs.app_data, theirs.seq_count) == (
        ours.apid, ours.service, ours.subtype, ours.data, ours.sequence_count,
    )  # fmt: skip
    assert theirs.source_id == ours.source
    assert theirs.pack() == ours.pack()


@given(TELECOMMANDS)
def test_telecommand_from_spacepackets(expected: Telecommand) -> None:
    theirs = PusTc(
        service=expected.service,
        message_subtype=expected.subtype,
        apid=expected.apid,
        app_data=expected.data,
        seq_count=expected.sequence_count,
        source_id=expected.source,
        ack_flags=expected.acknowledge,
    )
    assert unpack_telecommand(bytes(theirs.pack())) == expected
    assert expected.pack() == theirs.pack()


@given(TELEMETRY)
def test_telemetry_to_spacepackets(ours: Telemetry) -> None:
    theirs = PusTm.unpack(ours.pack(), timestamp_len=7)
    assert (theirs.apid, theirs.service, theirs.message_subtype, theirs.source_data, theirs.seq_count) == (
        ours.apid, ours.service, ours.subtype, ours.data, ours.sequence_count,
    )  # fmt: skip
    assert theirs.timestamp == b"\x1e" + ours.time.seconds.to_bytes(4, "big") + ours.time.fraction.to_bytes(2, "big")
    assert theirs.pack() == ours.pack()


@given(TELEMETRY)
def test_telemetry_from_spacepackets(expected: Telemetry) -> None:
    theirs = PusTm(
        service=expected.service,
        message_subtype=expected.subtype,
        timestamp=b"\x1e" + expected.time.seconds.to_bytes(4, "big") + expected.time.fraction.to_bytes(2, "big"),
        source_data=expected.data,
        apid=expected.apid,
        seq_count=expected.sequence_count,
        message_counter=expected.message_count,
        destination_id=expected.destination,
    )
    assert unpack_telemetry(bytes(theirs.pack())) == expected
    assert expected.pack() == theirs.pack()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("apid", 0x7FF),
        ("apid", -1),
        ("service", 256),
        ("subtype", -1),
        ("sequence_count", 16384),
        ("acknowledge", 16),
        ("source", 65536),
        ("data", bytes(65530)),
    ],
)
def test_telecommand_field_out_of_range(field: str, value: object) -> None:
    fields: dict[str, object] = {"apid": 1, "service": 17, "subtype": 1, field: value}
    with pytest.raises(FieldRangeError, match=r"out of range; expected .*; found"):
        Telecommand(**fields).pack()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("apid", 0x7FF),
        ("service", 256),
        ("subtype", 256),
        ("message_count", 65536),
        ("destination", 65536),
        ("time_status", 16),
        ("time", CucTime(1 << 32)),
        ("time", CucTime(0, 65536)),
    ],
)
def test_telemetry_field_out_of_range(field: str, value: object) -> None:
    fields: dict[str, object] = {"apid": 1, "service": 17, "subtype": 2, "time": CucTime(0), field: value}
    with pytest.raises(FieldRangeError, match=r"out of range; expected .*; found"):
        Telemetry(**fields).pack()  # type: ignore[arg-type]


def spoiled(packet: bytes, offset: int, octet: int) -> bytes:
    """`packet` with one octet changed and the error control made right again."""
    octets = bytearray(packet[:-2])
    octets[offset] = octet
    return with_crc(bytes(octets))


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (b"", "too short for its header"),
        (TELECOMMAND_17_1[:5], "too short for its header"),
        (TELECOMMAND_17_1[:12], "too short"),
        (TELECOMMAND_17_1 + b"\x00", "another length"),
        (TELECOMMAND_17_1[:-1] + b"\x83", "error control is wrong; expected D7C4; found D783"),
        (TELEMETRY_17_2, "other type"),
        (spoiled(TELECOMMAND_17_1, 0, 0x38), "not the one of this mission"),
        (spoiled(TELECOMMAND_17_1, 0, 0x10), "not the one of this mission"),
        (spoiled(TELECOMMAND_17_1, 2, 0x40), "not the one of this mission"),
        (spoiled(TELECOMMAND_17_1, 6, 0x1F), "another PUS version"),
    ],
)
def test_bad_telecommand_is_refused_with_what_is_wrong(packet: bytes, message: str) -> None:
    with pytest.raises(PacketError, match=message):
        unpack_telecommand(packet)


def test_telemetry_with_another_time_format_is_refused() -> None:
    with pytest.raises(PacketError, match="another format; expected P-field 1E; found 2E"):
        unpack_telemetry(spoiled(TELEMETRY_17_2, 13, 0x2E))


@given(st.binary(max_size=100))
def test_any_octets_give_a_packet_or_a_packet_error(octets: bytes) -> None:
    for read in (unpack_telecommand, unpack_telemetry):
        try:
            packet = read(octets)
        except PacketError:
            continue
        assert packet.pack() == octets


def test_header_round_trip_keeps_every_field() -> None:
    header = SpacePacketHeader(
        apid=0x7FF, sequence_count=16383, data_length=65536, is_telecommand=True, sequence_flags=1, version=5
    )
    assert unpack_header(header.pack()) == header
    assert header.pack().hex() == "bfff7fffffff"


def test_sequence_counts_wrap_for_each_apid_alone_w072() -> None:
    counts = SequenceCounts()
    assert [counts.take(1) for _ in range(16385)][-2:] == [16383, 0]
    assert counts.take(2) == 0
