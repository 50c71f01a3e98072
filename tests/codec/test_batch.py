"""Batch decoding: against the flight codec and struct, one packet at a time, and over damaged and cut streams."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import numpy as np
import perilune_codec as c
import pytest
from hypothesis import given
from hypothesis import strategies as st
from perilune_codec.batch import (
    PACKET,
    BatchError,
    Column,
    FrameLayout,
    PacketExtractor,
    check_frames,
    columns,
)

LENGTH = 64
ROOM = LENGTH - 12
LAYOUT = FrameLayout(LENGTH, LENGTH + 4, 4)
ASM = b"\x1a\xcf\xfc\x1d"


def packet(count: int, data: bytes, apid: int = 100, service: int = 3, subtype: int = 25) -> bytes:
    """Telemetry packet as SPEC.md sections 8 and 9 draw it."""
    octets = bytearray(struct.pack(">HHH", 0x0800 | apid, 0xC000 | count, 15 + len(data)))
    octets += struct.pack(">BBBHH", 0x20, service, subtype, count, 0) + b"\x1e" + bytes(6) + data + b"\0\0"
    c.crc16_put(octets, 0, len(octets) - 2)
    return bytes(octets)


def frame(vcid: int, vc_count: int, fhp: int, data: bytes, fields: int = 0x1800) -> bytes:
    """TM frame with its ASM as SPEC.md section 7 draws it."""
    octets = bytearray(struct.pack(">HBBH", 0x0A51 | vcid << 1, 0, vc_count & 255, fields | fhp))
    octets += data + b"\x01\0\0\0\0\0"
    assert len(octets) == LENGTH
    c.crc16_put(octets, 0, LENGTH - 2)
    return ASM + bytes(octets)


def frames_of(packets: list[bytes], vcid: int = 0, first: int = 0) -> list[bytes]:
    """Frames that carry the packets without gaps; the last is filled with an idle packet."""
    stream = b"".join(packets)
    left = -len(stream) % ROOM
    idle = 0 if left == 0 else left if left >= 7 else left + ROOM
    starts = [0]
    for p in packets:
        starts.append(starts[-1] + len(p))
    if idle:
        stream += struct.pack(">HHH", 0x07FF, 0xC000, idle - 7) + b"\x55" * (idle - 6)
    else:
        starts.pop()
    out = []
    for i, at in enumerate(range(0, len(stream), ROOM)):
        inside = [s - at for s in starts if at <= s < at + ROOM]
        out.append(frame(vcid, first + i, inside[0] if inside else 0x7FF, stream[at : at + ROOM]))
    return out


PACKETS = st.lists(st.binary(max_size=150), min_size=1, max_size=12).map(
    lambda datas: [packet(i, data) for i, data in enumerate(datas)]
)


@given(PACKETS, st.lists(st.integers(0, 60), max_size=4))
def test_packets_come_out_whole_in_any_batches(packets: list[bytes], cuts: list[int]) -> None:
    frames = frames_of(packets)
    extractor = PacketExtractor(0, LAYOUT)
    edges = sorted({0, len(frames), *(cut % (len(frames) + 1) for cut in cuts)})
    found: list[bytes] = []
    statuses: list[int] = []
    last_frames: list[int] = []
    for start, end in itertools.pairwise(edges):
        batch = extractor.extract(b"".join(frames[start:end]))
        found += [batch.octets(i) for i in range(len(batch.table))]
        statuses += batch.table["status"].tolist()
        last_frames += (start + batch.table["frame"]).tolist()
    assert found == packets
    assert statuses == [0] * len(packets)
    assert last_frames == [(end - 1) // ROOM for end in itertools.accumulate(map(len, packets))]
    assert (extractor.frames, extractor.frames_lost, extractor.packets_cut) == (len(frames), 0, 0)
    assert (extractor.octets_skipped, extractor.bad_headers) == (0, 0)


@given(PACKETS, st.data())
def test_a_bad_frame_costs_only_the_packets_in_it(packets: list[bytes], data: st.DataObject) -> None:
    frames = frames_of(packets)
    lost = data.draw(st.integers(0, len(frames) - 1))
    bit = data.draw(st.integers(32, (LENGTH + 4) * 8 - 1))
    spoilt = bytearray(b"".join(frames))
    spoilt[lost * (LENGTH + 4) + bit // 8] ^= 0x80 >> bit % 8
    good = check_frames(spoilt, LAYOUT)
    assert good.tolist() == [int(i != lost) for i in range(len(frames))]
    extractor = PacketExtractor(0, LAYOUT)
    batch = extractor.extract(bytes(spoilt), good)
    ends = np.cumsum([len(p) for p in packets]).tolist()
    expected = [
        p for p, end in zip(packets, ends, strict=True) if end <= lost * ROOM or end - len(p) >= (lost + 1) * ROOM
    ]
    assert [batch.octets(i) for i in range(len(batch.table))] == expected
    assert extractor.frames_lost == int(0 < lost < len(frames) - 1)


def test_only_the_virtual_channel_asked_for() -> None:
    real, played = frames_of([packet(1, b"real")], 0), frames_of([packet(2, b"played")], 1)
    idle = [frame(7, 0, 0x7FE, b"\x55" * ROOM)]
    mixed = b"".join(idle + played + idle + real)
    for vcid, count in ((0, 1), (1, 2)):
        batch = PacketExtractor(vcid, LAYOUT).extract(mixed)
        assert batch.table["sequence"].tolist() == [count]


def test_columns_of_the_packet_table() -> None:
    batch = PacketExtractor(0, LAYOUT).extract(
        b"".join(frames_of([packet(9, b"abc", apid=2046, service=17, subtype=2)]))
    )
    (row,) = batch.table
    assert batch.table.dtype == PACKET
    assert (row["apid"], row["sequence"], row["service"], row["subtype"], row["length"]) == (2046, 9, 17, 2, 25)
    assert len(batch.select(2046, 17, 2)) == 1
    assert len(batch.select(2046, 17, 1)) == len(batch.select(1, 17, 2)) == 0


def spoilt(octets: bytes, at: int, value: int, crc: bool = True) -> bytes:
    changed = bytearray(octets)
    changed[at] = value
    if crc:
        c.crc16_put(changed, 0, len(changed) - 2)
    return bytes(changed)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (spoilt(packet(0, b"x"), 0, 0x28), 0x42),  # version
        (spoilt(packet(0, b"x"), 0, 0x18), 0x44),  # type
        (spoilt(packet(0, b"x"), 0, 0x00), 0x45),  # no secondary header
        (spoilt(packet(0, b"x"), 2, 0x40), 0x46),  # segmented
        (b"\x08\x64\xc0\x00\x00\x00\x20", 0x47),  # too small
        (spoilt(packet(0, b"x"), 20, 0x00, crc=False), 0x48),  # packet error control
        (spoilt(packet(0, b"x"), 6, 0x10), 0x4A),  # PUS version
    ],
)
def test_w074_bad_packet_has_its_drop_reason(octets: bytes, status: int) -> None:
    batch = PacketExtractor(0, LAYOUT).extract(b"".join(frames_of([octets, packet(1, b"next")])))
    assert batch.table["status"].tolist() == [status, 0]
    assert batch.octets(0) == octets


@pytest.mark.parametrize("fields", [0x9800, 0x5800, 0x3800, 0x1000])
def test_frame_with_other_fields_is_counted(fields: int) -> None:
    extractor = PacketExtractor(0, LAYOUT)
    bad = frame(0, 0, 0, packet(0, b"x" * (ROOM - 22)), fields)
    assert len(extractor.extract(bad).table) == 0
    assert (extractor.frames, extractor.bad_headers) == (1, 1)


LONG = packet(0, b"L" * 60)  # 82 octets: 52 in the first frame, 30 in the second
NEXT = packet(1, b"")  # 22 octets, the rest of the second


@pytest.mark.parametrize(
    ("second_fhp", "sequences", "cut"),
    [
        (30, [0, 1], 0),  # as it is
        (29, [], 1),  # another place: the packet begun is given up, and what is at that place is no packet of ours
        (0x7FF, [], 1),  # no start, but the packet begun ends in this frame
    ],
)
def test_first_header_pointer_must_agree_with_the_packet_begun(second_fhp: int, sequences: list[int], cut: int) -> None:
    stream = LONG + NEXT
    extractor = PacketExtractor(0, LAYOUT)
    frames = frame(0, 0, 0, stream[:ROOM]) + frame(0, 1, second_fhp, stream[ROOM:])
    found = extractor.extract(frames).table
    assert found["sequence"][found["status"] == 0].tolist() == sequences
    assert (extractor.frames_lost, extractor.packets_cut) == (0, cut)


def test_header_split_over_two_frames() -> None:
    first = packet(0, b"a" * (ROOM - 22 - 3))  # leaves 3 octets: half a header
    second = packet(1, b"b" * 20)
    extractor = PacketExtractor(0, LAYOUT)
    rest = ROOM - (len(second) - 3)
    idle = struct.pack(">HHH", 0x07FF, 0xC000, rest - 7).ljust(rest, b"\x55")
    stream = first + second + idle
    found = extractor.extract(frame(0, 0, 0, stream[:ROOM]) + frame(0, 1, len(second) - 3, stream[ROOM:]))
    assert [found.octets(0), found.octets(1)] == [first, second]
    assert (extractor.packets_cut, extractor.idle_packets) == (0, 1)


def test_first_header_pointer_outside_the_data_field() -> None:
    for fhp, bad in ((ROOM - 1, 0), (ROOM, 1), (0x7FD, 1)):
        extractor = PacketExtractor(0, LAYOUT)
        extractor.extract(frame(0, 0, fhp, bytes(ROOM)))
        assert extractor.bad_headers == bad


@given(
    st.lists(st.tuples(st.integers(0, 2047), st.integers(0, 3), st.binary(min_size=ROOM, max_size=ROOM)), max_size=8)
)
def test_any_frames_are_survived(parts: list[tuple[int, int, bytes]]) -> None:
    """Good FECF over nonsense: nothing is read or written outside, and every octet is accounted for."""
    extractor = PacketExtractor(0, LAYOUT)
    count = 0
    octets = 0
    for fhp, jump, data in parts:
        count += jump
        batch = extractor.extract(frame(0, count, fhp, data))
        octets += int(batch.table["length"].sum())
        count += 1
    assert extractor.frames == len(parts)
    assert octets <= len(parts) * ROOM


# --- columns --------------------------------------------------------------------------------------------------------


def table_of(lengths: list[int]) -> Any:
    rows = np.zeros(len(lengths), dtype=PACKET)
    rows["length"] = lengths
    rows["offset"] = np.cumsum([0, *lengths[:-1]])
    return rows


FIELDS = st.one_of(
    st.tuples(st.just(c.FIELD_UNSIGNED), st.integers(1, 64), st.integers(0, 100)),
    st.tuples(st.just(c.FIELD_SIGNED), st.integers(1, 64), st.integers(0, 100)),
    st.tuples(st.just(c.FIELD_UNSIGNED), st.sampled_from([8, 16, 32, 64]), st.integers(0, 12).map(lambda n: n * 8)),
    st.tuples(st.just(c.FIELD_SIGNED), st.sampled_from([8, 16, 32, 64]), st.integers(0, 12).map(lambda n: n * 8)),
    st.tuples(st.just(c.FIELD_FLOAT), st.sampled_from([32, 64]), st.integers(0, 12).map(lambda n: n * 8)),
)


@given(st.lists(FIELDS, min_size=1, max_size=6), st.lists(st.binary(min_size=22, max_size=30), max_size=5))
def test_raw_columns_are_the_unpacked_fields(fields: list[tuple[int, int, int]], packets: list[bytes]) -> None:
    plan = [Column(str(i), kind, width, bit) for i, (kind, width, bit) in enumerate(fields)]
    got = columns(b"".join(packets), table_of([len(p) for p in packets]), plan)
    fmt = b"".join(bytes((k, w, b >> 8, b & 255, 0, i)) for i, (k, w, b) in enumerate(fields))
    for row, octets in enumerate(packets):
        values: list[float] = [0] * len(fields)
        assert c.unpack(fmt, octets, 0, len(octets), values) == len(fields)
        for i, column in enumerate(plan):
            assert repr(got[column.name][row].item()) == repr(values[i]) or values[i] != values[i]
            assert got[column.name].dtype.itemsize * 8 >= column.width


@given(FIELDS, st.lists(st.floats(-100, 100), min_size=1, max_size=6), st.binary(min_size=22, max_size=22))
def test_calibrated_columns(field: tuple[int, int, int], coefficients: list[float], octets: bytes) -> None:
    kind, width, bit = field
    with np.errstate(all="ignore"):
        raw = columns(octets, table_of([22]), [Column("x", kind, width, bit)])["x"].astype(float)
        got = columns(octets, table_of([22]), [Column("x", kind, width, bit, tuple(coefficients))])["x"]
        expected = np.full(1, coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            expected = expected * raw + coefficient
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, expected, rtol=1e-12, equal_nan=True)


def test_many_packets_fill_every_block() -> None:
    packets = [packet(i, struct.pack(">Ih", i * 1000003, i - 500)) for i in range(1000)]
    batch = PacketExtractor(0, LAYOUT).extract(b"".join(frames_of(packets)))
    plan = [Column("a", c.FIELD_UNSIGNED, 32, 160), Column("b", c.FIELD_SIGNED, 16, 192, (1.0, 0.5))]
    got = columns(batch.stream, batch.select(100, 3, 25), plan)
    assert got["a"].tolist() == [i * 1000003 for i in range(1000)]
    assert got["b"].tolist() == [1.0 + 0.5 * (i - 500) for i in range(1000)]


def test_short_packets_and_bad_plans_are_refused() -> None:
    with pytest.raises(BatchError, match=r"packet 1: expected at least 3 octets .* found 2"):
        columns(bytes(5), table_of([3, 2]), [Column("a", c.FIELD_UNSIGNED, 17, 0)])
    beyond = table_of([3, 3])
    with pytest.raises(BatchError, match="packet 1"):
        columns(bytes(5), beyond, [Column("a", c.FIELD_UNSIGNED, 8, 0)])
    with pytest.raises(BatchError, match="twice"):
        columns(bytes(5), table_of([5]), [Column("a", c.FIELD_UNSIGNED, 8, 0)] * 2)
    for bad in ((0, 8, 0), (1, 0, 0), (1, 65, 0), (3, 16, 0), (3, 32, 1), (1, 8, -1), (c.FIELD_HALVES, 32, 0)):
        with pytest.raises(BatchError, match="expected kind"):
            Column("x", *bad)
    with pytest.raises(BatchError, match="coefficients"):
        Column("x", 1, 8, 0, (0.0,) * 7)


def test_bad_layouts_and_marks_are_refused() -> None:
    for layout in ((12, 20, 0), (4097, 5000, 0), (64, 63, 0), (64, 64, -1)):
        with pytest.raises(BatchError, match="TM_FRAME_LENGTH"):
            FrameLayout(*layout)
    with pytest.raises(BatchError, match="virtual channel"):
        PacketExtractor(8, LAYOUT)
    with pytest.raises(BatchError, match="marks of good frames"):
        PacketExtractor(0, LAYOUT).extract(bytes(LENGTH + 4), np.ones(2, dtype=np.uint8))
    assert check_frames(bytes(LENGTH + 3), LAYOUT).size == 0
    assert [FrameLayout(64, 68, 4).count(n) for n in (67, 68, 135, 136)] == [0, 1, 1, 2]
