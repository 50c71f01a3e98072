"""Independent definitions beside ours: crcmod, zlib, hashlib, hmac and spacepackets."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import zlib
from typing import Any

import crcmod.predefined
import perilune_codec as c
import pytest
from flight.codec import twin
from hypothesis import given
from hypothesis import strategies as st
from perilune_codec import _codec
from spacepackets.ccsds import CdsShortTimestamp, PacketType, SpacePacketHeader
from spacepackets.ecss import PusTc, PusTm
from spacepackets.ecss.tm import MiscParams

from tests.vectors import wire

CODECS = pytest.mark.parametrize("codec", [c, twin])
CRC16 = crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")
MODBUS = crcmod.predefined.mkPredefinedCrcFun("modbus")


@CODECS
@given(octets=st.binary(max_size=300))
def test_crc16_of_crcmod(codec: Any, octets: bytes) -> None:
    assert codec.crc16(octets, 0, len(octets)) == CRC16(octets)
    assert codec.crc16_modbus(octets, 0, len(octets)) == MODBUS(octets)


@given(octets=st.binary(max_size=700), init=st.integers(0, 0xFFFF), cut=st.integers(0, 40))
def test_every_crc16_loop_of_the_host(octets: bytes, init: int, cut: int) -> None:
    data = octets[cut:]  # so that it begins at any alignment
    expected = _codec.lib.pl_crc16(init, data, len(data))
    assert expected == crcmod.mkCrcFun(0x11021, initCrc=init, rev=False)(data)
    for loop in (
        _codec.lib.pl_batch_crc16_sliced,
        _codec.lib.pl_batch_crc16_carryless,
        _codec.lib.pl_batch_crc16,
    ):
        assert loop(init, data, len(data)) == expected


@CODECS
@given(octets=st.binary(max_size=300))
def test_crc32_of_zlib(codec: Any, octets: bytes) -> None:
    out = bytearray(4)
    codec.crc32_put(octets, 0, len(octets), out, 0)
    assert int.from_bytes(out, "big") == zlib.crc32(octets)


@CODECS
@given(key=st.binary(max_size=150), octets=st.binary(max_size=300))
def test_sha256_and_hmac_of_the_standard_library(codec: Any, key: bytes, octets: bytes) -> None:
    out = bytearray(32)
    codec.sha256(octets, 0, len(octets), out, 0)
    assert out == hashlib.sha256(octets).digest()
    h = codec.HmacSha256(key)
    h.update(octets, 0, len(octets))
    h.put(out, 0, 32)
    assert out == hmac.digest(key, octets, "sha256")


ACKNOWLEDGE_BITS = [8, 4, 2, 1]  # completion, progress, start, acceptance: SPEC 9, W-082


@CODECS
@given(
    apid=st.integers(0, 2046),
    count=st.integers(0, 16383),
    service=st.integers(0, 255),
    subtype=st.integers(0, 255),
    ack=st.integers(0, 15),
    source=st.integers(0, 65535),
    data=st.binary(max_size=200),
)
def test_w070_w080_telecommand_of_spacepackets(
    codec: Any, apid: int, count: int, service: int, subtype: int, ack: int, source: int, data: bytes
) -> None:
    theirs = PusTc(
        service=service,
        message_subtype=subtype,
        apid=apid,
        seq_count=count,
        ack_flags=ack,
        source_id=source,
        app_data=data,
    ).pack()
    n = 13 + len(data)
    ours = bytearray(n)
    codec.pack(wire.PACKET_HEADER, [0, 1, 1, apid, 3, count, n - 7], ours, 0, n)
    flags = [int(ack & bit != 0) for bit in ACKNOWLEDGE_BITS]
    codec.pack(wire.TC_SECONDARY, [2, *flags, service, subtype, source], ours, 6, n)
    ours[11 : n - 2] = data
    codec.crc16_put(ours, 0, n - 2)
    assert ours == theirs
    read = PusTc.unpack(bytes(ours))
    assert (read.apid, read.seq_count, read.service, read.message_subtype) == (apid, count, service, subtype)
    assert (read.source_id, read.app_data, read.pus_tc_sec_header.ack_flags) == (source, data, ack)
    back = [0] * 8
    codec.unpack(wire.TC_SECONDARY, theirs, 6, n, back)
    assert back == [2, *flags, service, subtype, source]
    assert codec.crc16_check(theirs, 0, n)


@CODECS
@given(
    apid=st.integers(0, 2046),
    count=st.integers(0, 16383),
    service=st.integers(0, 255),
    subtype=st.integers(0, 255),
    message_count=st.integers(0, 65535),
    destination=st.integers(0, 65535),
    reference=st.integers(0, 15),
    seconds=st.integers(0, 2**32 - 1),
    fraction=st.integers(0, 65535),
    data=st.binary(max_size=200),
)
def test_w081_telemetry_of_spacepackets(
    codec: Any,
    apid: int,
    count: int,
    service: int,
    subtype: int,
    message_count: int,
    destination: int,
    reference: int,
    seconds: int,
    fraction: int,
    data: bytes,
) -> None:
    time = b"\x1e" + seconds.to_bytes(4, "big") + fraction.to_bytes(2, "big")
    theirs = PusTm(
        apid=apid,
        service=service,
        message_subtype=subtype,
        timestamp=time,
        source_data=data,
        seq_count=count,
        message_counter=message_count,
        destination_id=destination,
        misc_params=MiscParams(spacecraft_time_ref=reference),
    ).pack()
    n = 22 + len(data)
    ours = bytearray(n)
    secondary = [
        2,
        reference,
        service,
        subtype,
        message_count,
        destination,
        0x1E,
        seconds >> 16,
        seconds & 0xFFFF,
        fraction,
    ]
    codec.pack(wire.PACKET_HEADER, [0, 0, 1, apid, 3, count, n - 7], ours, 0, n)
    codec.pack(wire.TM_SECONDARY, secondary, ours, 6, n)
    ours[20 : n - 2] = data
    codec.crc16_put(ours, 0, n - 2)
    assert ours == theirs
    read = PusTm.unpack(bytes(ours), timestamp_len=7)
    assert (read.apid, read.seq_count, read.service, read.message_subtype) == (apid, count, service, subtype)
    assert (read.timestamp, read.source_data, read.pus_tm_sec_header.dest_id) == (time, data, destination)
    back = [0] * 10
    codec.unpack(wire.TM_SECONDARY, theirs, 6, n, back)
    assert back == secondary


def test_second_opinions_are_not_blind() -> None:
    """Both libraries see a packet that differs in one bit."""
    packet = bytearray(PusTc(service=17, message_subtype=1, apid=100, seq_count=5).pack())
    packet[8] ^= 1
    assert CRC16(packet) != 0
    header = SpacePacketHeader.unpack(packet)
    assert (header.apid, header.packet_type) == (100, PacketType.TC)
    assert CdsShortTimestamp.from_datetime(datetime.datetime(2028, 1, 1, tzinfo=datetime.UTC)).ccsds_days == 25567
