"""PUS-C packets of the flight code against the spacepackets library, both directions."""

from __future__ import annotations

from flight import errors
from flight.errors import DropCounters
from flight.packet.counters import MessageTypeCounters, SequenceCounts
from flight.packet.telecommand import Telecommand
from flight.packet.telemetry import Clock, TelemetryWriter
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

OCTET = st.integers(0, 255)
WORD = st.integers(0, 65535)
APID = st.integers(0, 2046)


@given(APID, st.integers(0, 16383), OCTET, OCTET, WORD, st.integers(0, 15), st.binary(max_size=235))
def test_telecommands_of_spacepackets_are_read(
    apid: int, count: int, service: int, subtype: int, source: int, ack: int, data: bytes
) -> None:
    packet = PusTc(
        service=service,
        message_subtype=subtype,
        apid=apid,
        seq_count=count,
        source_id=source,
        ack_flags=ack,
        app_data=data,
    ).pack()
    telecommand = Telecommand((apid,), DropCounters())
    assert telecommand.read(bytearray(packet), 0, len(packet)) == errors.OK
    assert (telecommand.apid, telecommand.count, telecommand.source) == (apid, count, source)
    assert (telecommand.service, telecommand.subtype, telecommand.ack) == (service, subtype, ack)
    assert packet[telecommand.data_start : telecommand.data_end] == data
    assert telecommand.next == len(packet)


@given(APID, st.integers(1, 255), OCTET, WORD, st.integers(0, 15), st.integers(0, 2**30 - 1), st.binary(max_size=1002))
def test_telemetry_is_read_by_spacepackets(
    apid: int, service: int, subtype: int, destination: int, status: int, seconds: int, data: bytes
) -> None:
    clock = Clock()
    clock.seconds, clock.fraction, clock.status = seconds, 0xABCD, status
    writer = TelemetryWriter(clock, SequenceCounts((apid,)), MessageTypeCounters(DropCounters()))
    for expected_count in range(2):
        at = writer.begin(apid, service, subtype, destination)
        writer.buffer[at : at + len(data)] = data
        packet = bytes(writer.buffer[: writer.end(at + len(data))])
        read = PusTm.unpack(packet, timestamp_len=7)
        assert (read.apid, read.seq_count, read.service, read.message_subtype) == (
            apid,
            expected_count,
            service,
            subtype,
        )
        assert (read.pus_tm_sec_header.message_counter, read.pus_tm_sec_header.dest_id) == (expected_count, destination)
        assert read.pus_tm_sec_header.spacecraft_time_ref == status
        assert read.timestamp == b"\x1e" + (seconds + 1_956_528_000).to_bytes(4, "big") + b"\xab\xcd"
        assert read.source_data == data
