"""What the fuzzers drive: each function takes any octets, runs one decoder on them and raises on what must not be.

hypothesis calls them in the normal test run, atheris in ``make fuzz``. A failure is a crash, an exception that is not
the decoder's own, a result that depends on how the stream was cut, or an octet that nobody accounts for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import perilune_codec as c
from flight.codec import twin
from flight.limits import TC_FRAME_MAX, TM_FRAME_LENGTH
from perilune.errors import PacketError
from perilune.link.downlink import DownlinkDecoder, Dropped
from perilune.packet.pus import unpack_telecommand, unpack_telemetry
from perilune_codec.batch import FrameLayout, PacketExtractor, check_frames

from tests.host.flight_link import FlightLink

STEPS = (1, 3, 7, 64)
ASM = b"\x1a\xcf\xfc\x1d"


def pieces(octets: bytes, step: int) -> list[bytes]:
    """The octets cut into pieces of step octets; step 0 leaves them whole."""
    return [octets[at : at + step] for at in range(0, len(octets), step)] if step else [octets]


def agree(results: list[Any], what: str) -> None:
    """All results must be the first one."""
    for result in results[1:]:
        if result != results[0]:
            raise AssertionError(f"{what}: expected {results[0]!r}, found {result!r}")


def received(receiver: Any, buf: bytearray, frame_at: int, counters: int, parts: list[bytes]) -> Any:
    """Frames and counters of a receiver that takes the parts."""
    frames = []
    for part in parts:
        pos = 0
        while pos < len(part):
            pos = receiver.feed(part, pos, len(part))
            n = receiver.take()
            if n:
                frames.append(bytes(buf[frame_at : frame_at + n]))
    return frames, [receiver.count(i) for i in range(counters)], receiver.pending()


def cltu_receiver(data: bytes) -> None:
    """CLTU search and BCH decoding: C and twin, whole and in pieces."""
    mode = data[0] if data else 0
    results = []
    for codec in (c, twin):
        for step in (0, *STEPS) if codec is c else (0, 7):
            buf = bytearray(7 + mode % 40)
            rx = codec.CltuReceiver(buf, bool(mode & 1))
            results.append(received(rx, buf, 0, 10, pieces(data[1:], step)))
    agree(results, "CLTU receiver")


def tm_frame_sync(data: bytes) -> None:
    """ASM search and frame check: C and twin, whole and in pieces. Octet 0 chooses tolerances and randomiser."""
    mode = data[0] if data else 0
    results = []
    for codec in (c, twin):
        for step in (0, *STEPS) if codec is c else (0, 7):
            buf = bytearray(24 + 8)
            sync = codec.TmFrameSync(buf, 24, mode & 7, mode >> 3 & 7, bool(mode & 64))
            results.append(received(sync, buf, 4, 7, pieces(data[1:], step)))
    agree(results, "TM frame synchroniser")


def fields(data: bytes) -> None:
    """Field descriptors from nowhere, over a structure of the rest: C and twin."""
    n = data[0] % 32 if data else 0
    fmt, structure = data[1 : 1 + n], data[1 + n :]
    results = []
    for codec in (c, twin):
        values: list[float] = [0] * 9
        unpacked = codec.unpack(fmt, structure, 0, len(structure), values)
        buf = bytearray(structure)
        packed = codec.pack(fmt, values, buf, 0, len(buf))
        results.append((unpacked, packed, repr(values), bytes(buf) if "nan" not in repr(values) else b""))
    agree(results, "fields")


def headers(data: bytes) -> None:
    """Headers of any octets, as they are and with a right check code: C and twin."""
    frame, packet = bytearray(data), bytearray(data)
    if len(data) >= 13:
        frame[0] &= 0x33
        frame[2:4] = bytes((frame[2] & 0xFC | (len(data) - 1) >> 8 & 3, (len(data) - 1) & 0xFF))
        packet[0], packet[2] = 0x18 | packet[0] & 7, packet[2] | 0xC0
        packet[4:6] = (len(data) - 7).to_bytes(2, "big")
        for octets in (frame, packet):
            c.crc16_put(octets, 0, len(octets) - 2)
    results: list[Any] = []
    for codec in (c, twin):
        seen: list[Any] = []
        for content in (data, bytes(frame), bytes(packet)):
            scid, vcid, map_id = 0, 0, 0
            if len(content) > 5:
                scid, vcid, map_id = (content[0] & 3) << 8 | content[1], content[2] >> 2, content[5] & 63
            fields: list[int] = [0] * 9
            seen.append((codec.tc_frame_read(content, len(content), 1024, scid, vcid, map_id, fields), list(fields)))
            seen.append((codec.tc_packet_read(content, 0, len(content), 1024, fields), fields))
            hmac = codec.HmacSha256(data[:32])
            if len(content) > 22:
                numbers = (content[6] << 8 | content[7], content[8] << 8 | content[9], 0)
                seen.append(codec.sdls_check(hmac, bytes(5), content, 5, 6, len(content) - 16, *numbers, 1000))
        results.append(seen)
    agree(results, "headers")


def batch(data: bytes) -> None:
    """Frames of any octets, all marked good: packets must lie in the stream."""
    layout = FrameLayout(13 + (data[0] if data else 0), 13 + (data[0] if data else 0), 0)
    check_frames(data, layout)
    extractor = PacketExtractor(data[1] & 7 if len(data) > 1 else 0, layout)
    found = extractor.extract(data, np.ones(layout.count(len(data)), dtype=np.uint8))
    ends = found.table["offset"].astype(np.uint64) + found.table["length"]
    if (ends > found.stream.size).any():
        raise AssertionError("a packet runs over the stream")


def flight_uplink(data: bytes) -> None:
    """The flight software's whole uplink, authenticated: any octets, then they as the content of a good CLTU."""
    frame = bytearray(data[: TC_FRAME_MAX - 2] + b"\0\0")
    if len(frame) >= 8:
        frame[2:4] = bytes((frame[2] & 0xFC | (len(frame) - 1) >> 8, (len(frame) - 1) & 0xFF))
    c.crc16_put(frame, 0, len(frame) - 2)
    cltu = bytearray(c.cltu_size(len(frame)))
    c.cltu_encode(frame, 0, len(frame), cltu, 0, False)
    results = []
    for step in (0, 5):
        link = FlightLink(ad_key=bytes(32), bd_key=bytes(range(32)))
        out = b"".join(link.exchange(part, 0) for part in pieces(data + bytes(cltu), step))
        results.append((link.received, list(link.drops.counts), out))
    agree(results, "flight uplink")


def ground_downlink(data: bytes) -> None:
    """The ground's whole downlink: any octets, then they as headers and content of frames with a right FECF."""
    stream = bytearray(data)
    for at in range(0, len(data), TM_FRAME_LENGTH - 2):
        frame = bytearray(data[at : at + TM_FRAME_LENGTH - 2].ljust(TM_FRAME_LENGTH, b"\x55"))
        frame[0:2] = bytes((0x0A, 0x51 | frame[1] & 0x0E))
        frame[4] = 0x18 | frame[4] & 7
        c.crc16_put(frame, 0, TM_FRAME_LENGTH - 2)
        stream += ASM + frame
    results = []
    for step in (0, 1, 61):
        decoder = DownlinkDecoder()
        events = [event for part in pieces(bytes(stream), step) for event in decoder.feed(part)]
        if decoder.accounted_octets() != len(stream):
            raise AssertionError(f"{decoder.accounted_octets()} of {len(stream)} octets accounted for")
        drops = {why: (account.octets, account.count) for why, account in decoder.drops.by_reason.items()}
        results.append(([event for event in events if not isinstance(event, Dropped)], decoder.counters, drops))
    agree(results, "ground downlink")


def packets(data: bytes) -> None:
    """PUS packets on the ground: read, or refused with PacketError. Once as they are, once with a right CRC."""
    for octets in (data, data + c.crc16(data, 0, len(data)).to_bytes(2, "big")):
        for unpack in (unpack_telecommand, unpack_telemetry):
            with contextlib.suppress(PacketError):
                if unpack(octets).pack() != octets:
                    raise AssertionError("a packet does not come back as it was")


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (cltu_receiver, tm_frame_sync, fields, headers, batch, flight_uplink, ground_downlink, packets)
}


def seeds() -> list[bytes]:
    """Good octets to begin with, so that the fuzzers need not find out check codes by themselves."""
    from tests.vectors import wire  # noqa: PLC0415

    rows = [row[3] for row in wire.CLTU_STREAMS] + [row[4] for row in wire.TM_STREAMS]
    rows += [row[1] for row in wire.CRC16_BLOCKS] + [bytes((len(row[1]),)) + row[1] + row[3] for row in wire.STRUCTURES]
    return [b"\x01" + row for row in rows] + [bytes(row) for row in rows]
