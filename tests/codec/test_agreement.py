"""The C codec and its Python twin: same results, statuses, counters and errors for all one can pass them."""

from __future__ import annotations

import itertools
import math
from array import array
from typing import Any

import perilune_codec as c
import pytest
from flight.codec import field, twin
from hypothesis import example, given
from hypothesis import strategies as st

OCTETS = st.binary(max_size=200)
POSITION = st.integers(-2, 210)


def outcome(function: Any, *args: Any) -> Any:
    """What a call returns or raises, and what it left in the buffers it was given."""
    try:
        result: Any = function(*args)
    except ValueError as error:
        result = (ValueError, str(error))
    return result, [bytes(a) if isinstance(a, bytearray) else a for a in args]


def both(name: str, *args: Any) -> Any:
    """Call both codecs with copies of the arguments; their common outcome."""
    outcomes = [
        outcome(getattr(codec, name), *[bytearray(a) if isinstance(a, bytearray) else a for a in args])
        for codec in (c, twin)
    ]
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def test_same_names_and_constants() -> None:
    for name in (n for n in vars(twin) if n[0] != "_" and n not in {"array", "const", "pack_into", "unpack_from"}):
        assert hasattr(c, name), name
        if name.isupper() and name != "BACKEND":
            assert getattr(c, name) == getattr(twin, name)


@given(OCTETS, POSITION, POSITION, st.integers(0, 0xFFFF))
def test_crc16(octets: bytes, start: int, end: int, init: int) -> None:
    for name in ("crc16", "crc16_modbus"):
        both(name, octets, start, end, init)
        both(name, octets, start, end)
        both(name + "_check", octets, start, end)
        both(name + "_put", bytearray(octets), start, end)


@given(OCTETS, POSITION, POSITION, st.binary(min_size=4, max_size=8), st.integers(-1, 6))
def test_crc32(octets: bytes, start: int, end: int, state: bytes, pos: int) -> None:
    both("crc32_put", octets, start, end, bytearray(state), pos)
    both("crc32_check", octets, start, end, state, pos)
    both("crc32_update", bytearray(state), pos, octets, start, end)


@given(st.binary(max_size=300), st.integers(-1, 40), st.integers(0, 300))
def test_sha256(octets: bytes, pos: int, end: int) -> None:
    both("sha256", octets, 0, end, bytearray(60), pos)


@given(st.binary(max_size=140), st.lists(st.binary(max_size=130), max_size=4), st.integers(0, 33))
def test_hmac(key: bytes, pieces: list[bytes], n: int) -> None:
    macs = []
    for codec in (c, twin):
        h = codec.HmacSha256(key)
        h.update(b"forgotten", 0, 9)
        h.start()
        for piece in pieces:
            h.update(piece, 0, len(piece))
        out = bytearray(34)
        macs.append(outcome(h.put, out, 1, n))
        for piece in pieces:
            h.update(piece, 0, len(piece))
        macs[-1] += (outcome(h.check, out, 1, n),)
        if 1 <= n <= 32:
            assert macs[-1][2][0] is True
    assert macs[0] == macs[1]


@given(st.binary(max_size=600), POSITION, POSITION)
def test_randomisers(octets: bytes, start: int, end: int) -> None:
    both("randomise_tc", bytearray(octets), start, end)
    both("randomise_tm", bytearray(octets), start, end)


@given(OCTETS, POSITION, POSITION, POSITION)
def test_copy_between_buffers(octets: bytes, start: int, end: int, pos: int) -> None:
    both("copy", octets, start, end, bytearray(100), pos)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_copy_within_a_buffer(octets: bytes, start: int, end: int, pos: int) -> None:
    results = []
    for codec in (c, twin):
        buf = bytearray(octets)
        results.append(outcome(codec.copy, buf, start, end, buf, pos))
    assert results[0] == results[1]


@given(st.binary(min_size=0, max_size=20), st.integers(-1, 15), st.booleans())
def test_bch(octets: bytes, pos: int, correct: bool) -> None:
    both("bch_encode", octets, pos)
    both("bch_decode", bytearray(octets), pos, correct)


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(0, 300), st.integers(0, 20), st.booleans())
@example(bytes(range(256)) * 2, 1, 512, 0, True)  # the randomiser's sequence twice over
def test_cltu_encode(octets: bytes, start: int, end: int, pos: int, randomise: bool) -> None:
    both("cltu_encode", octets, start, end, bytearray(600), pos, randomise)
    assert c.cltu_size(len(octets)) == twin.cltu_size(len(octets))


def streams(parts: list[bytes]) -> st.SearchStrategy[bytes]:
    """Streams of good parts, damaged ones and garbage."""
    damaged = st.builds(
        lambda part, at, bit, cut: (
            part[: at % len(part)] + bytes((part[at % len(part)] ^ bit,)) + part[at % len(part) + 1 + cut :]
        ),
        st.sampled_from(parts),
        st.integers(0, 300),
        st.sampled_from([0, 1, 2, 4, 8, 16, 32, 64, 128, 3, 255]),
        st.integers(0, 1),
    )
    part = st.one_of(st.sampled_from(parts), damaged, st.binary(max_size=12))
    return st.lists(part, max_size=8).map(b"".join)


def drive(receiver: Any, buf: bytearray, frame_at: int, stream: bytes, cuts: list[int], takes: bool) -> list[Any]:
    """Everything one can see of a receiver while it takes the stream in pieces."""
    seen: list[Any] = []
    counters = 10 if frame_at == 0 else 7
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        pos = start
        while pos < end:
            pos = receiver.feed(stream, pos, end)
            seen.append((pos, receiver.pending()))
            n = receiver.take() if takes or pos % 3 else 0
            if n:
                seen.append(bytes(buf[frame_at : frame_at + n]))
    seen.append([receiver.count(i) for i in range(counters)])
    return seen


CLTU = bytearray(26)
c.cltu_encode(b"\x30\xa5\x00\x07\x00\x00\xad\x3f", 0, 8, CLTU, 0, False)
CUTS = st.lists(st.integers(0, 400), max_size=6)


@given(
    streams([bytes(CLTU), b"\xeb\x90", bytes(CLTU[2:]), bytes(CLTU[-8:])]),
    CUTS,
    st.booleans(),
    st.integers(7, 30),
    st.booleans(),
)
def test_cltu_receiver(stream: bytes, cuts: list[int], correct: bool, size: int, takes: bool) -> None:
    seen = []
    for codec in (c, twin):
        buf = bytearray(size)
        rx = codec.CltuReceiver(buf, correct)
        seen.append(drive(rx, buf, 0, stream, cuts, takes))
        rx.reset()
        seen[-1].append([rx.pending(), rx.take(), rx.count(codec.CLTU_SEARCH_BYTES)])
    assert seen[0] == seen[1]


ASM = b"\x1a\xcf\xfc\x1d"
FRAME = bytearray(b"\x0a\x51\x00\x00\x18\x00\x55\x55\x55\x55\x55\x55\x01\x00\x00\x00\x00\x00")
c.crc16_put(FRAME, 0, len(FRAME) - 2)


@given(
    streams([ASM + FRAME, ASM, bytes(FRAME), ASM + ASM + FRAME]),
    CUTS,
    st.integers(0, 7),
    st.integers(0, 7),
    st.booleans(),
    st.booleans(),
)
def test_tm_frame_sync(
    stream: bytes, cuts: list[int], search_errors: int, lock_errors: int, randomised: bool, takes: bool
) -> None:
    seen = []
    for codec in (c, twin):
        buf = bytearray(len(FRAME) + 8)
        sync = codec.TmFrameSync(buf, len(FRAME), search_errors, lock_errors, randomised)
        seen.append(drive(sync, buf, 4, stream, cuts, takes))
        seen[-1].append(sync.locked())
        sync.reset()
        seen[-1].append([sync.pending(), sync.take(), sync.locked(), sync.count(codec.TM_SEARCH_BYTES)])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("codec", [c, twin])
def test_wrong_arguments_are_value_errors(codec: Any) -> None:
    frame = bytearray(24)
    for arguments in ((bytearray(6), True), (bytearray(0), False)):
        with pytest.raises(ValueError, match="buffer"):
            codec.CltuReceiver(*arguments)
    for length, size in ((11, 100), (4097, 5000), (24, 31)):
        with pytest.raises(ValueError, match="buffer"):
            codec.TmFrameSync(bytearray(size), length, 0, 0, False)
    for errors in ((-1, 0), (8, 0), (0, -1), (0, 8)):
        with pytest.raises(ValueError, match="errors"):
            codec.TmFrameSync(bytearray(32), 24, *errors, False)
    with pytest.raises(ValueError, match="empty"):
        codec.cltu_encode(frame, 3, 3, bytearray(30), 0, False)
    for receiver, counters in (
        (codec.CltuReceiver(frame, True), 10),
        (codec.TmFrameSync(bytearray(32), 24, 0, 0, 0), 7),
    ):
        for which in (-1, counters):
            with pytest.raises(ValueError, match="counter"):
                receiver.count(which)
        with pytest.raises(ValueError, match="range"):
            receiver.feed(b"abc", 1, 4)


# --- fields ---------------------------------------------------------------------------------------------------------


RAW_FIELD = st.tuples(st.integers(0, 5), st.integers(0, 66), st.integers(0, 140), st.integers(0, 9))
NUMBER = st.one_of(
    st.integers(-(2**66), 2**66),
    st.integers(-300, 300),
    st.floats(allow_nan=False),
    st.booleans(),
    st.floats(-1e6, 1e6),
    st.integers(-1000, 1000).map(lambda n: n / 2),
)


def raw(fields: list[tuple[int, int, int, int]]) -> bytes:
    return b"".join(bytes((k, w, b >> 8, b & 255, i >> 8, i & 255)) for k, w, b, i in fields)


@given(st.lists(RAW_FIELD, max_size=6), st.lists(NUMBER, max_size=9), st.binary(max_size=20), st.integers(0, 3))
@example([(3, 32, 0, 0)], [3.4028235677973366e38], bytes(4), 0)
@example([(3, 32, 0, 0)], [3.4028235677973362e38], bytes(4), 0)
@example([(3, 32, 0, 0)], [2**64], bytes(4), 0)
@example([(3, 64, 0, 0)], [-(2**65)], bytes(8), 0)
@example([(1, 64, 0, 0)], [float(2**64)], bytes(8), 0)
@example([(2, 64, 0, 0)], [-float(2**63)], bytes(8), 0)
@example([(1, 1, 0, 0)], [0.5], bytes(1), 0)
@example([(1, 1, 0, 0)], [0.5000000000000001], bytes(1), 0)
@example([(1, 53, 0, 0)], [4503599627370496.5], bytes(7), 0)
def test_pack_and_unpack(
    fields: list[tuple[int, int, int, int]], values: list[float], octets: bytes, start: int
) -> None:
    fmt = raw(fields)
    end = len(octets)
    (status, (_, _, packed, *_)) = both("pack", fmt, values, bytearray(octets), start, end)
    if start <= end:
        assert packed[:start] == octets[:start]
    if isinstance(status, int):
        back: list[list[Any]] = [[None] * len(values) for _ in range(2)]
        counts = [codec.unpack(fmt, packed, start, end, b) for codec, b in ((c, back[0]), (twin, back[1]))]
        assert counts[0] == counts[1]
        assert repr(back[0]) == repr(back[1])  # NaN of arbitrary octets is like NaN


@given(st.integers(1, 64), st.integers(0, 70), st.binary(min_size=20, max_size=20), st.data())
def test_w090_w091_field_of_any_width_anywhere(width: int, bit: int, octets: bytes, data: st.DataObject) -> None:
    as_number = int.from_bytes(octets, "big")
    for kind, low, high in (
        (c.FIELD_UNSIGNED, 0, 2**width - 1),
        (c.FIELD_SIGNED, -(2 ** (width - 1)), 2 ** (width - 1) - 1),
    ):
        value = data.draw(st.integers(low, high))
        fmt = field(kind, width, bit, 0)
        shift = 160 - bit - width
        expected = as_number & ~((2**width - 1) << shift) | (value % 2**width) << shift
        for codec in (c, twin):
            buf = bytearray(octets)
            assert codec.pack(fmt, [value], buf, 0, 20) == 0
            assert buf == expected.to_bytes(20, "big")
            back = [0]
            assert codec.unpack(fmt, buf, 0, 20, back) == 1
            assert back == [value]


@given(st.sampled_from("bBhHiIqQfd"), st.data())
def test_values_in_arrays(typecode: str, data: st.DataObject) -> None:
    values: array[Any] = array(typecode, [0])
    width = values.itemsize * 8
    if typecode in "fd":
        value: float = data.draw(st.floats(width=32 if typecode == "f" else 64, allow_nan=False))
        kind = c.FIELD_FLOAT
    elif typecode.islower():
        value = data.draw(st.integers(-(2 ** (width - 1)), 2 ** (width - 1) - 1))
        kind = c.FIELD_SIGNED
    else:
        value = data.draw(st.integers(0, 2**width - 1))
        kind = c.FIELD_UNSIGNED
    values[0] = value
    fmt = field(kind, width, 8, 0)
    for codec in (c, twin):
        buf = bytearray(9)
        assert codec.pack(fmt, values, buf, 0, 9) == 0
        back: array[Any] = array(typecode, [0])
        assert codec.unpack(fmt, buf, 0, 9, back) == 1
        assert back == values


@pytest.mark.parametrize("codec", [c, twin])
def test_what_is_no_number_is_refused(codec: Any) -> None:
    buf = bytearray(2)
    two = field(codec.FIELD_UNSIGNED, 8, 0, 0) + field(codec.FIELD_UNSIGNED, 8, 8, 1)
    assert codec.pack(two, [1, None], buf, 0, 2) == codec.FIELD_VALUE
    assert buf == b"\x01\x00"  # fields before the bad one are written
    assert codec.pack(two, [1, "2"], buf, 0, 2) == codec.FIELD_VALUE
    assert codec.pack(two, [math.nan, math.inf], buf, 0, 2) == 2
    assert buf == b"\x00\xff"
    assert codec.pack(field(codec.FIELD_FLOAT, 32, 0, 0), [math.nan], bytearray(4), 0, 4) == 0


@pytest.mark.parametrize("codec", [c, twin])
def test_w093_last_bit_of_the_largest_structure(codec: Any) -> None:
    fmt = field(codec.FIELD_UNSIGNED, 1, 65535, 0)
    buf = bytearray(8193)
    assert codec.pack(fmt, [1], buf, 0, 8191) == codec.FIELD_BOUNDS
    assert codec.pack(fmt, [1], buf, 0, 8192) == 0
    assert bytes(buf[8190:8193]) == b"\x00\x01\x00"
    halves = field(codec.FIELD_HALVES, 64, 65530, 0)
    assert codec.pack(halves, [0xFFFF] * 4, buf, 0, 8193) == codec.FIELD_BOUNDS
    buf = bytearray(8200)
    assert codec.pack(halves, [0xFFFF] * 4, buf, 0, 8200) == 0
    assert int.from_bytes(buf, "big") == (2**64 - 1) << 8200 * 8 - 65530 - 64


@pytest.mark.parametrize(
    ("kind", "width", "bit", "index"),
    [
        (0, 8, 0, 0),
        (5, 8, 0, 0),
        (1, 0, 0, 0),
        (1, 65, 0, 0),
        (3, 16, 0, 0),
        (3, 32, 4, 0),
        (1, 8, 65536, 0),
        (1, 8, 0, -1),
    ],
)
def test_impossible_descriptor_is_refused_when_made(kind: int, width: int, bit: int, index: int) -> None:
    with pytest.raises(ValueError, match="field"):
        field(kind, width, bit, index)
