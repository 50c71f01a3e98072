"""The flight link and packet stages against what hypothesis makes up: framing round trips, garbage, pieces."""

from __future__ import annotations

import downlink_bytes
import uplink_bytes
from flight import errors
from flight.codec import crc16
from flight.errors import DropCounters
from flight.limits import TC_FRAME_MAX, TM_PACKET_MAX
from flight.link.downlink import Downlink
from flight.link.farm import Farm
from flight.link.fdu_queue import FduQueue
from flight.link.tc_frame import TcFrame
from flight.link.uplink import Uplink
from flight.packet.cuc import read_fraction, read_seconds, write_time
from flight.packet.telecommand import Telecommand
from hypothesis import example, given
from hypothesis import strategies as st

SENDS = st.lists(
    st.tuples(
        st.one_of(st.integers(7, 300), st.integers(7, TM_PACKET_MAX)),  # octets
        st.integers(0, 250),  # milliseconds until the next poll
        st.integers(0, 3),  # how often the line refuses before
    ),
    max_size=60,
)


@given(SENDS)
def test_every_packet_that_was_queued_arrives_once_in_order(sends: list[tuple[int, int, int]]) -> None:
    drops = DropCounters()
    downlink = Downlink(Farm(128), drops, 0)
    ground = downlink_bytes.Ground()
    expected: list[bytes] = []
    dropped = 0
    now_ms = 0
    for number, (size, wait_ms, refusals) in enumerate(sends):
        octets = downlink_bytes.packet(size, number)
        if downlink.realtime.send(bytearray(octets), 0, size) == errors.OK:
            expected.append(octets)
        else:
            dropped += 1
        ground.refuse = refusals
        now_ms += wait_ms
        downlink.poll(now_ms, ground.write)
    ground.refuse = 0
    for _ in range(4):
        now_ms += 200
        downlink.poll(now_ms, ground.write)
    # The reader checks markers, FECF, all counts and each first header pointer by itself.
    assert ground.packets == {0: expected, 1: []}
    assert drops.counts[errors.DOWNLINK_FULL] == dropped == drops.total


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 400), st.just(-1)), max_size=40),
    st.lists(st.integers(1, 400), min_size=1, max_size=20),
)
def test_any_stream_in_any_pieces_gives_the_same_and_never_fails(parts: list[bytes | int], pieces: list[int]) -> None:
    # Garbage, good frames (numbered on), and control frames, one after the other.
    stream = b""
    n_s = 0
    for part in parts:
        if isinstance(part, bytes):
            stream += part
        elif part < 0:
            stream += uplink_bytes.cltu(uplink_bytes.unlock())
        else:
            stream += uplink_bytes.cltu(uplink_bytes.ad(n_s, bytes(part % (TC_FRAME_MAX - 8) + 1)))
            n_s = (n_s + 1) & 255

    def run(sizes: list[int]) -> tuple[list[bytes], list[int], int]:
        drops = DropCounters()
        uplink = Uplink(drops)
        at = turn = 0
        while at < len(stream):
            end = min(at + sizes[turn % len(sizes)], len(stream))
            uplink.feed(bytearray(stream), at, end, 0)
            at = end
            turn += 1
        data = []
        while uplink.next():
            data.append(bytes(uplink.buffer[uplink.start : uplink.end]))
            uplink.release()
        return data, list(drops.counts), uplink.farm.report()

    assert run(pieces) == run([len(stream) or 1])


@given(st.binary(max_size=300))
def test_octets_that_are_no_frame_fail_by_the_first_check_they_fail(octets: bytes) -> None:
    reason = TcFrame().read(bytearray(octets), len(octets))
    if len(octets) < 8:
        assert reason == errors.TC_SHORT
        return
    length = ((octets[2] & 3) << 8 | octets[3]) + 1
    if not 8 <= length <= min(len(octets), TC_FRAME_MAX):
        assert reason == errors.TC_LENGTH
    elif crc16(octets, 0, length) != 0:
        assert reason == errors.TC_FECF


@given(st.binary(min_size=6, max_size=280))
def test_a_frame_with_right_fecf_is_accepted_or_has_a_reason(body: bytes) -> None:
    octets = bytearray(body)
    size = len(body) + 2
    octets[2] = octets[2] & 0xFC | size - 1 >> 8
    octets[3] = size - 1 & 0xFF
    frame = bytearray(uplink_bytes.with_fecf(octets))
    fields = TcFrame()
    reason = fields.read(frame, size)
    if size > TC_FRAME_MAX:
        assert reason == errors.TC_LENGTH
    elif reason == errors.OK:
        assert frame[0] & 0xCF == 0 and frame[1] == 0xA5 and frame[2] & 0xFC == 0
        assert fields.end == size - 2
    else:
        assert errors.TC_VERSION <= reason <= errors.TC_SEGMENT


@given(st.binary(max_size=300))
@example(b"\x18d\xc0\x00\x00\x0b \x08\x01\x00\x01\x02\x02\x01,\x00\x1dN")
def test_walking_any_octets_as_packets_ends_and_reads_nothing_beyond(octets: bytes) -> None:
    drops = DropCounters()
    telecommand = Telecommand((0x064,), drops)
    at = refused = 0
    while at < len(octets):
        # Whole telecommands are among the constants that hypothesis finds in the sources.
        if telecommand.read(bytearray(octets), at, len(octets)) != errors.OK:
            refused += 1
        assert at < telecommand.next <= len(octets)
        at = telecommand.next
    assert sum(drops.counts) == refused == drops.total + drops.counts[errors.PACKET_IDLE]


@given(st.lists(st.one_of(st.integers(1, 80), st.just(0)), max_size=200))
def test_the_queue_of_data_units_is_a_queue(steps: list[int]) -> None:
    queue = FduQueue(200)
    model: list[bytes] = []
    for number, length in enumerate(steps):
        if length:
            unit = bytes([number & 255]) * length
            at = queue.place(length)
            if at >= 0:
                queue.put(at, unit, 0, length)
                model.append(unit)
        elif model:
            assert bytes(queue.buffer[queue.start : queue.end]) == model.pop(0)
            queue.pop()
        assert queue.count == len(model)
        if not model:
            assert queue.place(198) == 0
    while model:
        assert bytes(queue.buffer[queue.start : queue.end]) == model.pop(0)
        queue.pop()


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1))
def test_time_on_the_wire_is_seconds_since_1958(seconds_1958: int, fraction: int) -> None:
    epoch = 1_956_528_000
    wire = b"\x1e" + seconds_1958.to_bytes(4, "big") + fraction.to_bytes(2, "big")
    if epoch <= seconds_1958 < epoch + 2**30:
        assert read_seconds(bytearray(wire), 0) == seconds_1958 - epoch
        assert read_fraction(bytearray(wire), 0) == fraction
        out = bytearray(7)
        write_time(out, 0, seconds_1958 - epoch, fraction)
        assert out == wire
    else:
        assert read_seconds(bytearray(wire), 0) == -errors.TIME_RANGE
