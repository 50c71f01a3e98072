"""Measure the codec on the host and on the emulated board: ``make bench-codec``, or this module with host or board.

Host figures are medians of interleaved rounds, so that a busy machine disturbs all contenders alike; only the ratios of
one run mean anything elsewhere. Board figures are instructions, counted exactly by QEMU. Exit status 1 when a goal is
missed.
"""

from __future__ import annotations

import binascii
import statistics
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import crcmod
import crcmod.predefined
import numpy as np
import perilune_codec as c
from flight.codec import twin
from perilune_codec import _codec
from perilune_codec.batch import Column, FrameLayout, PacketExtractor, check_frames, columns
from spacepackets.ecss import PusTm

from tests.bench import xtce
from tests.bench.board_codec import board_rows
from tests.bench.figures import Figure, run_alone

TITLE = "Codec on this machine, and on the emulated board in instructions"
ROUNDS = 7
ROUND_S = 0.05  # a contender's share of a round, about
LAYOUT = FrameLayout()
UNLIKE = 50_000  # packets that differ
PACKETS = 5 * UNLIKE  # 21 MB: more than the caches of most machines hold, so that the memory copy is one
BATCH_FRAMES = 2048  # 0.5 MB
FIELDS = "4B6H4h2I4d"  # 20 fields in 64 octets: with header and error control a packet of 86
CALIBRATION = (-40.0, 0.0625)


@dataclass
class Contender:
    """One way of doing a piece of work: run() does so many units of it."""

    name: str
    units: int
    run: Callable[[], Any]
    times_s: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Units a second, median over the rounds."""
        return self.units / statistics.median(self.times_s)


def measure(contenders: Sequence[Contender]) -> None:
    """Time all contenders in turn, round by round."""
    repeats = []
    for contender in contenders:
        start = time.perf_counter()
        contender.run()
        once = time.perf_counter() - start
        repeats.append(max(1, int(ROUND_S / max(once, 1e-7))))
    for _ in range(ROUNDS):
        for contender, repeat in zip(contenders, repeats, strict=True):
            start = time.perf_counter()
            for _ in range(repeat):
                contender.run()
            contender.times_s.append((time.perf_counter() - start) / repeat)


def show(title: str, unit: str, scale: float, contenders: Sequence[Contender]) -> None:
    """Print rates and what each is beside the first."""
    print(f"\n{title}")
    for contender in contenders:
        ratio = contenders[0].rate / contender.rate
        print(f"  {contender.name:44} {contender.rate / scale:12,.3f} {unit:12} first is {ratio:9.2f} x")


# ---- packets -------------------------------------------------------------------------------------------------------


def housekeeping_packets(count: int) -> list[bytes]:
    """Packets of 86 octets with 20 fields that vary."""
    packets = []
    pack_fields = struct.Struct(">" + FIELDS).pack
    for i in range(count):
        values = [*(i + k & 255 for k in range(4)), *(i * 7 + k & 65535 for k in range(6))]
        values += [*((i * 3 + k & 65535) - 32768 for k in range(4)), i, i * 1000 & 0xFFFFFFFF]
        data = pack_fields(*values, i * 0.5, i * 0.25, -i * 1.0, 1e6 / (i + 1))
        octets = bytearray(struct.pack(">HHHBBBHH", 0x0864, 0xC000 | i & 0x3FFF, 79, 0x20, 3, 25, i & 65535, 0))
        octets += struct.pack(">BIH", 0x1E, 2_000_000_000 + i, 0) + data + b"\0\0"
        c.crc16_put(octets, 0, len(octets) - 2)
        packets.append(bytes(octets))
    return packets


def frames_of(packets: list[bytes]) -> bytes:
    """The packets in TM frames of 256 octets with ASM; the last one is filled with one idle packet."""
    room = LAYOUT.length - 12
    stream = bytearray(b"".join(packets))
    size = len(packets[0])
    idle = -len(stream) % room + room
    stream += struct.pack(">HHH", 0x07FF, 0xC000, idle - 7) + b"\x55" * (idle - 6)
    out = bytearray()
    frame = bytearray(LAYOUT.length)
    for i, at in enumerate(range(0, len(stream), room)):
        first = -at % size if at < len(packets) * size else 0x7FF
        frame[:6] = struct.pack(">HBBH", 0x0A51, i & 255, i & 255, 0x1800 | first)
        frame[6:-6] = stream[at : at + room]
        frame[-6:-2] = b"\x01\0\0\0"
        c.crc16_put(frame, 0, LAYOUT.length - 2)
        out += b"\x1a\xcf\xfc\x1d" + frame
    return bytes(out)


def plan() -> list[Column]:
    """The 20 fields as columns, those of 16 bits calibrated."""
    result: list[Column] = []
    bit = 160
    kinds = {"B": (c.FIELD_UNSIGNED, 8), "H": (c.FIELD_UNSIGNED, 16), "h": (c.FIELD_SIGNED, 16)}
    kinds |= {"I": (c.FIELD_UNSIGNED, 32), "d": (c.FIELD_FLOAT, 64)}
    for number, letter in zip(FIELDS[::2], FIELDS[1::2], strict=True):
        for _ in range(int(number)):
            kind, width = kinds[letter]
            coefficients = CALIBRATION if width == 16 else ()
            result.append(Column(f"{letter}{len(result)}", kind, width, bit, coefficients))
            bit += width
    return result


def decode(octets: np.ndarray[Any, Any], fields: list[Column]) -> list[dict[str, Any]]:
    """Everything, in batches: frame check, packet check, selection, 20 columns."""
    extractor = PacketExtractor(0, LAYOUT)
    result = []
    for at in range(0, octets.size, BATCH_FRAMES * LAYOUT.stride):
        batch = octets[at : at + BATCH_FRAMES * LAYOUT.stride]
        packets = extractor.extract(batch, check_frames(batch, LAYOUT))
        result.append(columns(packets.stream, packets.select(100, 3, 25), fields))
    return result


def downlink_rows() -> list[Figure]:
    """Measure the way from frames to columns; figures with goals."""
    packets = housekeeping_packets(UNLIKE) * (PACKETS // UNLIKE)
    octets = np.frombuffer(frames_of(packets), dtype=np.uint8)
    fields = plan()
    got = {x.name: np.concatenate([part[x.name] for part in decode(octets, fields)]) for x in fields}
    assert got["B0"].tolist() == [i % UNLIKE & 255 for i in range(PACKETS)], "what is measured must be right"
    assert got["h10"][5] == CALIBRATION[0] + CALIBRATION[1] * (15 - 32768)
    batch = octets[: BATCH_FRAMES * LAYOUT.stride]
    good = check_frames(batch, LAYOUT)
    extracted = PacketExtractor(0, LAYOUT).extract(batch, good)
    rows = extracted.select(100, 3, 25)
    part = rows.size
    source = np.frombuffer(b"".join(packets), dtype=np.uint8)
    target = np.empty_like(source)
    some = packets[:500]
    parser = xtce.parser(fields)
    contenders = [
        Contender("frames to calibrated columns, all checks", PACKETS, lambda: decode(octets, fields)),
        Contender("  of it: frame check", part, lambda: check_frames(batch, LAYOUT)),
        Contender("  of it: packets and their check", part, lambda: PacketExtractor(0, LAYOUT).extract(batch, good)),
        Contender("  of it: columns", part, lambda: columns(extracted.stream, rows, fields)),
        Contender("spacepackets, header and CRC", len(some), lambda: [PusTm.unpack(p, 7) for p in some]),
        Contender("space_packet_parser, all fields, no CRC", 100, lambda: xtce.parse(parser, some[:100])),
        Contender("memory copy of the packets", PACKETS, lambda: np.copyto(target, source)),
    ]
    measure(contenders)
    show("Housekeeping packets of 86 octets with 20 fields", "M packets/s", 1e6, contenders)
    ours, theirs, copied = contenders[0].rate, contenders[4].rate, contenders[6].rate
    return [
        Figure("frames to columns beside spacepackets, times faster", round(ours / theirs, 1), "x", at_least=100),
        Figure("frames to columns beside a memory copy, times slower", round(copied / ours, 1), "x", at_most=20),
        Figure("frames to columns", round(ours / 1e6, 2), "M packets/s", at_least=10),
    ]


# ---- CRC and CLTU ----------------------------------------------------------------------------------------------------


def crc_rows() -> list[Figure]:
    """Measure CRC-16; the goals."""
    using = "C extension" if sys.modules["crcmod.crcmod"]._usingExtension else "PURE PYTHON"
    theirs = crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")
    lib = _codec.lib
    goals = []
    for size in (64, 4096, 1 << 20):
        data = bytes(i * 7 & 255 for i in range(size))
        head = data[:4096]
        expected = binascii.crc_hqx(data, 0xFFFF)
        assert c.crc16(data, 0, size) == theirs(data) == lib.pl_crc16(0xFFFF, data, size) == expected
        target = np.empty(size, dtype=np.uint8)
        source = np.frombuffer(data, dtype=np.uint8)
        contenders = [
            Contender("crc16 of flight.codec", size, partial(c.crc16, data, 0, size)),
            Contender(
                "  its loop without carry-less multiplication", size, partial(lib.pl_batch_crc16_sliced, 0, data, size)
            ),
            Contender("  the board's loop", size, partial(lib.pl_crc16, 0, data, size)),
            Contender("binascii.crc_hqx", size, partial(binascii.crc_hqx, data, 0xFFFF)),
            Contender(f"crcmod ({using})", size, partial(theirs, data)),
            Contender("Python twin", len(head), partial(twin.crc16, head, 0, len(head))),
            Contender("memory copy", size, partial(np.copyto, target, source)),
        ]
        measure(contenders)
        show(f"CRC-16 of {size} octets", "MB/s", 1e6, contenders)
        if size == 4096:
            ratio = contenders[0].rate / contenders[3].rate
            goals.append(
                Figure("CRC-16 of 4 KiB beside binascii.crc_hqx, times faster", round(ratio, 1), "x", at_least=5)
            )
    return goals


def feed(codec: Any, stream: bytes, frames: int) -> None:
    buf = bytearray(259)
    rx = codec.CltuReceiver(buf, True)
    pos = found = 0
    while pos < len(stream):
        pos = rx.feed(stream, pos, len(stream))
        found += rx.take() > 0
    assert found == frames


def synchronise(codec: Any, stream: bytes, frames: int) -> None:
    sync = codec.TmFrameSync(bytearray(264), 256, 0, 4, False)
    pos = found = 0
    while pos < len(stream):
        pos = sync.feed(stream, pos, len(stream))
        found += sync.take() > 0
    assert found == frames


def stream_rows() -> None:
    """Measure CLTUs and TM synchronisation, in octets of the line."""
    frame = bytes(range(256))
    size = c.cltu_size(256)
    out = bytearray(size)
    c.cltu_encode(frame, 0, 256, out, 0, True)
    stream = bytes(out) * 100
    noise = bytes(i * i >> 3 & 255 for i in range(len(stream)))
    downlink = frames_of(housekeeping_packets(283))  # fills 100 frames and 1 of idle
    count = len(downlink) // 260
    target = np.empty(len(stream), dtype=np.uint8)
    source = np.frombuffer(stream, dtype=np.uint8)
    contenders = [
        Contender("CLTU, receive", len(stream), lambda: feed(c, stream, 100)),
        Contender("CLTU, encode with randomiser", size, lambda: c.cltu_encode(frame, 0, 256, out, 0, True)),
        Contender("CLTU, search in noise", len(noise), lambda: feed(c, noise, 0)),
        Contender("TM frame synchronisation", len(downlink), lambda: synchronise(c, downlink, count)),
        Contender("CLTU, receive, Python twin", size, lambda: feed(twin, stream[:size], 1)),
        Contender("TM frame synchronisation, Python twin", 2600, lambda: synchronise(twin, downlink[:2600], 10)),
        Contender("memory copy", len(stream), lambda: np.copyto(target, source)),
    ]
    measure(contenders)
    show("Streams, octets on the line", "MB/s", 1e6, contenders)


def host_figures() -> list[Figure]:
    """Measured on this machine, with everything that they stand beside."""
    carryless = "yes" if _codec.lib.pl_batch_has_carryless() else "no"
    print(f"Host: medians of {ROUNDS} interleaved rounds; carry-less multiplication: {carryless}")
    rows = downlink_rows() + crc_rows()
    stream_rows()
    return rows


def figures() -> list[Figure]:
    """Host and board."""
    return host_figures() + board_rows()


if __name__ == "__main__":
    parts = {"host": host_figures, "board": board_rows}
    chosen = parts.get(sys.argv[1] if len(sys.argv) > 1 else "", figures)
    sys.exit(run_alone("codec", TITLE, chosen, [word for word in sys.argv[1:] if word not in parts]))
