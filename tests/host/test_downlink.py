"""Octets to frames, packets and CLCWs: every gap and every drop is seen, and pieces make no difference.

Streams are made by the flight downlink and then spoiled; headers that it would never make are written by hand after
SPEC.md section 7.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import flight.errors as reason
import pytest
from flight.codec import crc16
from flight.limits import TM_FRAME_LENGTH, TM_VC_IDLE, TM_VC_PLAYBACK, TM_VC_REALTIME
from flight.link.virtual_channel import VirtualChannel
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.link.clcw import Clcw
from perilune.link.downlink import ClcwReceived, DownlinkDecoder, DownlinkEvent, Dropped, FrameGap, FrameReceived
from perilune.link.packet_extractor import PacketReceived, SequenceGap
from perilune.link.reason import REASON_NAMES
from perilune.packet.pus import CucTime, Telemetry, with_crc

from tests.host.flight_link import FlightLink

ASM = bytes.fromhex("1acffc1d")
FRAME = 4 + TM_FRAME_LENGTH
DATA = TM_FRAME_LENGTH - 12


def telemetry(count: int, size: int = 0, apid: int = 100) -> bytes:
    return Telemetry(apid, 3, 25, CucTime(count), bytes(size), sequence_count=count).pack()


def frame(
    data: bytes,
    *,
    fhp: int = 0,
    vcid: int = 0,
    mc: int = 0,
    vc: int = 0,
    scid: int = 0x0A5,
    version: int = 0,
    status: int = 0x18,
    ocf_flag: int = 1,
    ocf: bytes = b"\x01\x00\x00\x00",
) -> bytes:
    """A TM frame with marker, by hand after SPEC.md section 7."""
    octets = (
        bytes(
            [
                version << 6 | scid >> 4,
                (scid & 15) << 4 | vcid << 1 | ocf_flag,
                mc,
                vc,
                status | fhp >> 8,
                fhp & 0xFF,
            ]
        )
        + data
        + ocf
    )
    crc: int = crc16(octets, 0, len(octets))
    return ASM + octets + crc.to_bytes(2, "big")


def idle(size: int) -> bytes:
    return b"\x07\xff\xc0\x00" + (size - 7).to_bytes(2, "big") + b"\x55" * (size - 6)


def filled(*packets: bytes) -> bytes:
    octets = b"".join(packets)
    return octets + idle(DATA - len(octets))


def packets_of(events: list[DownlinkEvent]) -> list[bytes]:
    return [event.packet for event in events if isinstance(event, PacketReceived)]


def drops_of(events: list[DownlinkEvent]) -> list[tuple[str, int]]:
    return [(REASON_NAMES[event.reason], event.octets) for event in events if isinstance(event, Dropped)]


def test_one_frame_gives_frame_packet_and_clcw_in_this_order() -> None:
    packet = telemetry(0)
    decoder = DownlinkDecoder()
    stream = frame(filled(packet), mc=9, vc=7, ocf=bytes.fromhex("010038ff"))
    events = decoder.feed(stream)
    assert events == [
        FrameReceived(0, 9, 7, stream[4:]),
        PacketReceived(0, 100, 0, packet),
        ClcwReceived(Clcw(lockout=True, wait=True, retransmit=True, report_value=255)),
    ]
    assert decoder.drops.named() == {}
    assert decoder.counters.lock is True


def test_packet_over_three_frames() -> None:
    packet = telemetry(0, size=600)
    parts = [packet[:DATA], packet[DATA : 2 * DATA], packet[2 * DATA :]]
    tail = len(parts[2])
    stream = frame(parts[0]) + frame(parts[1], fhp=0x7FF, mc=1, vc=1)
    stream += frame(filled(parts[2]), fhp=tail, mc=2, vc=2)
    assert packets_of(DownlinkDecoder().feed(stream)) == [packet]


@pytest.mark.parametrize("left", [1, 2, 3, 4, 5])
def test_header_split_over_two_frames(left: int) -> None:
    first = telemetry(0, size=DATA - 22 - left)
    second = telemetry(1)
    stream = frame(first + second[:left]) + frame(filled(second[left:]), fhp=len(second) - left, mc=1, vc=1)
    assert packets_of(DownlinkDecoder().feed(stream)) == [first, second]


def test_missing_frame_is_counted_on_both_channels_and_cuts_the_packet_begun() -> None:
    packet = telemetry(0, size=600)
    stream = frame(packet[:DATA]) + frame(filled(packet[2 * DATA :]), fhp=len(packet) - 2 * DATA, mc=2, vc=2)
    decoder = DownlinkDecoder()
    events = decoder.feed(stream)
    gaps = [event for event in events if isinstance(event, FrameGap)]
    assert gaps == [FrameGap(None, 1), FrameGap(TM_VC_REALTIME, 1)]
    assert drops_of(events) == [("tm_packet_cut", DATA), ("tm_packet_tail", len(packet) - 2 * DATA)]
    assert decoder.counters.missing_master == 1
    assert decoder.counters.missing_channel == {0: 1}


def test_channels_are_counted_apart_and_wrap_at_256() -> None:
    stream = frame(filled(telemetry(0)), mc=255, vc=255)
    stream += frame(filled(telemetry(0)), vcid=TM_VC_PLAYBACK, mc=0, vc=17)
    stream += frame(filled(telemetry(1)), mc=1, vc=0)
    stream += frame(b"\x55" * DATA, vcid=7, fhp=0x7FE, mc=2, vc=3)
    decoder = DownlinkDecoder()
    events = decoder.feed(stream)
    assert [event for event in events if isinstance(event, FrameGap | SequenceGap)] == []
    assert decoder.counters.idle_frames == 1
    assert [event.vcid for event in events if isinstance(event, PacketReceived)] == [0, 1, 0]


def test_gap_of_packet_sequence_count_per_apid_and_channel() -> None:
    stream = frame(filled(telemetry(16382), telemetry(0), telemetry(5, apid=101), telemetry(1)))
    stream += frame(filled(telemetry(900)), vcid=TM_VC_PLAYBACK, mc=1)
    decoder = DownlinkDecoder()
    events = decoder.feed(stream)
    assert [event for event in events if isinstance(event, SequenceGap)] == [SequenceGap(0, 100, 1)]
    assert decoder.counters.missing_packets == 1


def test_first_header_pointer_before_the_end_of_the_packet_begun() -> None:
    packet = telemetry(0, size=600)
    following = telemetry(1)
    stream = frame(packet[:DATA]) + frame(filled(following), fhp=0, mc=1, vc=1)
    events = DownlinkDecoder().feed(stream)
    assert packets_of(events) == [following]
    assert drops_of(events) == [("tm_packet_cut", DATA)]


def test_first_header_pointer_behind_the_end_of_the_packet_begun() -> None:
    packet = telemetry(0, size=300)
    rest = packet[DATA:]
    following = telemetry(1)
    stream = frame(packet[:DATA]) + frame(filled(rest, b"\x00" * 4, following), fhp=len(rest) + 4, mc=1, vc=1)
    events = DownlinkDecoder().feed(stream)
    assert packets_of(events) == [following]
    assert drops_of(events) == [("tm_packet_cut", len(packet) + 4)]


def test_packet_that_ends_in_a_frame_in_which_no_packet_starts() -> None:
    packet = telemetry(0, size=300)
    rest = packet[DATA:]
    good = telemetry(1)
    stream = frame(packet[:DATA]) + frame(rest + bytes(DATA - len(rest)), fhp=0x7FF, mc=1, vc=1)
    events = DownlinkDecoder().feed(stream + frame(filled(good), mc=2, vc=2))
    assert packets_of(events) == [good]
    assert drops_of(events) == [("tm_packet_cut", 2 * DATA)]


def test_length_field_beyond_every_packet_ends_the_grid_until_the_next_pointer() -> None:
    bad = b"\x08\x64\xc0\x00\xff\xff" + bytes(DATA - 6)
    good = telemetry(1)
    events = DownlinkDecoder().feed(frame(bad) + frame(filled(good), mc=1, vc=1))
    assert packets_of(events) == [good]
    assert drops_of(events) == [("packet_size", DATA)]


def spoiled(packet: bytes, offset: int, octet: int) -> bytes:
    octets = bytearray(packet[:-2])
    octets[offset] = octet
    return with_crc(bytes(octets))


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (telemetry(0)[:-1] + b"\x00", "packet_crc"),
        (spoiled(telemetry(0), 0, 0x18), "packet_type"),
        (spoiled(telemetry(0), 0, 0x00), "packet_secondary"),
        (spoiled(telemetry(0), 2, 0x40), "packet_segmented"),
        (spoiled(telemetry(0), 6, 0x10), "pus_version"),
        (b"\x08\x64\xc0\x00\x00\x0e" + bytes(15), "packet_size"),
    ],
)
def test_bad_packet_is_dropped_with_its_reason_and_the_next_one_is_taken(packet: bytes, why: str) -> None:
    good = telemetry(1)
    events = DownlinkDecoder().feed(frame(filled(packet, good)))
    assert packets_of(events) == [good]
    assert drops_of(events) == [(why, len(packet))]


def test_packet_of_another_version_ends_the_grid() -> None:
    events = DownlinkDecoder().feed(frame(filled(telemetry(0), b"\x28")[:DATA]))
    assert drops_of(events) == [("packet_version", DATA - 22)]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"version": 1}, "tm_version"),
        ({"scid": 0x0A4}, "tm_scid"),
        ({"vcid": 2}, "tm_vcid"),
        ({"ocf_flag": 0}, "tm_format"),
        ({"status": 0x98}, "tm_format"),
        ({"status": 0x58}, "tm_format"),
        ({"status": 0x38}, "tm_format"),
        ({"status": 0x08}, "tm_format"),
        ({"fhp": DATA}, "tm_fhp"),
    ],
)
def test_bad_frame_header_is_dropped_with_its_reason(fields: dict[str, int], why: str) -> None:
    decoder = DownlinkDecoder()
    events = decoder.feed(frame(filled(telemetry(0)), **fields))  # type: ignore[arg-type]
    assert drops_of(events) == [(why, FRAME)]
    assert len(events) == 1
    assert decoder.counters.frames == 0


@pytest.mark.parametrize(
    ("ocf", "why"),
    [("81000000", "clcw_format"), ("21000000", "clcw_format"), ("02000000", "clcw_format"), ("01040000", "clcw_vcid")],
)
def test_clcw_that_is_not_ours_is_counted_and_not_given_on(ocf: str, why: str) -> None:
    decoder = DownlinkDecoder()
    events = decoder.feed(frame(filled(telemetry(0)), ocf=bytes.fromhex(ocf)))
    assert [event for event in events if isinstance(event, ClcwReceived)] == []
    assert drops_of(events) == [(why, 0)]


def test_broken_frame_and_garbage_are_accounted_to_the_octet() -> None:
    good = [frame(filled(telemetry(n)), mc=n, vc=n) for n in range(5)]
    broken = bytearray(good[1])
    broken[50] ^= 1
    stream = b"garbage" + good[0] + bytes(broken) + good[2] + b"noise between" + good[3] + good[4]
    decoder = DownlinkDecoder()
    decoder.feed(stream)
    assert decoder.drops.octets(reason.TM_SEARCH) == len(b"garbage") + len(b"noise between")
    assert (decoder.drops.count(reason.TM_FECF), decoder.drops.octets(reason.TM_FECF)) == (1, FRAME)
    assert decoder.counters.frames == 4
    assert decoder.counters.lock_lost == 1
    assert decoder.accounted_octets() == len(stream)


def spoil(stream: bytes, dice: random.Random) -> bytes:
    """`stream` with flipped bits, garbage inserted, pieces removed and doubled."""
    octets = bytearray(stream)
    for _ in range(dice.randrange(12)):
        position = dice.randrange(len(octets) + 1)
        kind = dice.randrange(5)
        if kind == 0 and position < len(octets):
            octets[position] ^= 1 << dice.randrange(8)
        elif kind == 1:
            octets[position:position] = dice.randbytes(dice.randrange(1, 300))
        elif kind == 2:
            del octets[position : position + dice.randrange(1, 300)]
        elif kind == 3:
            octets[position:position] = ASM + dice.randbytes(dice.randrange(20))
        else:
            octets[position:position] = octets[position : position + FRAME]
    return bytes(octets)


def board_stream(seed: int) -> bytes:
    """What the flight downlink sends for packets of all sizes."""
    dice = random.Random(seed)
    board = FlightLink(answers=False)
    stream = bytearray()
    for count in range(dice.randrange(5, 40)):
        board.send(telemetry(count, dice.choice((0, 1, 40, 222, 500))))
        stream += board.exchange(b"", count * 150)
    for late in range(20):
        stream += board.exchange(b"", 10_000 + late * 500)
    return bytes(stream)


def mixed_stream(seed: int) -> bytes:
    """Frames of two of the flight's channels, real time and playback, for packets of all sizes, and idle frames."""
    dice = random.Random(seed)
    channels = [VirtualChannel(vcid, 16, reason.DropCounters()) for vcid in (TM_VC_REALTIME, TM_VC_PLAYBACK)]
    frames: list[bytes] = []
    idle_frames = 0
    count = dice.randrange(5, 40)
    for number in range(count + 1):
        if number < count:
            packet = telemetry(number, dice.choice((0, 1, 40, 222, 500)))
            assert channels[dice.random() < 0.3].send(bytearray(packet), 0, len(packet)) == reason.OK
        for channel in channels:
            if number == count or dice.random() < 0.5:
                channel.close()
            while channel.full:
                frames.append(bytes(channel.seal(len(frames) & 255, 0)))
                channel.sent()
        if dice.random() < 0.3:
            octets = b"\x55" * DATA
            frames.append(frame(octets, fhp=0x7FE, vcid=TM_VC_IDLE, mc=len(frames) & 255, vc=idle_frames))
            idle_frames += 1
    return b"".join(frames)


def decode(stream: bytes, pieces: list[int]) -> tuple[list[DownlinkEvent], DownlinkDecoder]:
    decoder = DownlinkDecoder()
    events: list[DownlinkEvent] = []
    position = 0
    for size in pieces:
        events += decoder.feed(stream[position : position + size])
        position += size
    events += decoder.feed(stream[position:])
    return events, decoder


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pieces_make_no_difference_and_every_octet_is_accounted_for(seed: int) -> None:
    dice = random.Random(seed)
    stream = spoil((board_stream if seed % 2 else mixed_stream)(seed % 50), dice)
    whole, decoder = decode(stream, [])
    assert decoder.accounted_octets() == len(stream)
    for pieces in ([1] * len(stream), [dice.randrange(1, 700) for _ in range(200)]):
        events, other = decode(stream, pieces)
        assert events == whole
        assert other.counters == decoder.counters
        assert other.drops.named() == decoder.drops.named()


def test_accounts_are_right_after_every_octet() -> None:
    stream = spoil(mixed_stream(3), random.Random(8))
    decoder = DownlinkDecoder()
    for position in range(len(stream)):
        decoder.feed(stream[position : position + 1])
        assert decoder.accounted_octets() == position + 1


@pytest.mark.parametrize(("stream", "channels"), [(board_stream, {0, 7}), (mixed_stream, {0, 1, 7})])
def test_clean_stream_of_the_flight_downlink_loses_nothing(stream: Callable[[int], bytes], channels: set[int]) -> None:
    seen: set[int] = set()
    for seed in range(20):
        events, decoder = decode(stream(seed), [])
        assert decoder.drops.named() == {}
        assert [event for event in events if isinstance(event, FrameGap)] == []
        assert len(packets_of(events)) >= 5
        seen |= {event.vcid for event in events if isinstance(event, FrameReceived)}
    assert seen == channels


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_any_octets_never_raise(octets: bytes) -> None:
    decoder = DownlinkDecoder()
    decoder.feed(octets)
    assert decoder.accounted_octets() == len(octets)


def test_every_reason_has_a_name_of_its_own_w110() -> None:
    assert len(set(REASON_NAMES.values())) == len(REASON_NAMES)
    assert REASON_NAMES[0x51] == "tm_fecf"
    assert REASON_NAMES[0x48] == "packet_crc"
