"""Measure the ground's archive and decoding: ``make bench-host``.

Everything is beside plain work of the same run: a raw write of the same octets, and plain inserts of the same frames by
sqlite3. Only the ratios mean anything on another machine. Exit status 1 when a goal is missed.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from perilune.archive import ArchiveReader, ArchiveWriter
from perilune.dictionary import Dictionary
from perilune.telemetry import Decoder
from perilune.telemetry.batch import BatchDecoder

from tests.bench import downlink

ROUNDS = 3
BLOCKS = 6  # of 16384 packets
PACKETS = BLOCKS * downlink.BLOCK
COMMIT_FRAMES = 64  # that a fast line brings between two looks at it
DAY_S = 86_400
NOON = 1_795_176_000
LINE = "{:56} {:>16} {:>12}  {}"


class Goal(NamedTuple):
    """A row of the table."""

    what: str
    figure: str
    goal: str
    met: bool | None = None


def median_s(work: Callable[[int], object]) -> float:
    """Median time of the work over the rounds; it gets the number of the round."""
    times = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def write_raw(path: Path, frames: list[bytes], blocks: int) -> None:
    """The octets into a file, synchronised at the end."""
    with path.open("wb") as file:
        for _ in range(blocks):
            for at in range(0, len(frames), COMMIT_FRAMES):
                file.write(b"".join(frames[at : at + COMMIT_FRAMES]))
        file.flush()
        os.fsync(file.fileno())


def insert_plainly(path: Path, frames: list[bytes], blocks: int) -> None:
    """The frames into a table of sqlite3, in the same transactions and with the same durability as the archive's."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE frame (id INTEGER PRIMARY KEY, received_us INTEGER, octets BLOB)")
    for block in range(blocks):
        for at in range(0, len(frames), COMMIT_FRAMES):
            connection.execute("BEGIN")
            rows = [(NOON + block, frame) for frame in frames[at : at + COMMIT_FRAMES]]
            connection.executemany("INSERT INTO frame (received_us, octets) VALUES (?, ?)", rows)
            connection.execute("COMMIT")
    connection.close()


def ingest(path: Path, frames: list[bytes], blocks: int, dictionary: Dictionary) -> None:
    """The frames into an archive, with everything read out at the end."""
    with ArchiveWriter(path, dictionary) as archive:
        for block in range(blocks):
            for at in range(0, len(frames), COMMIT_FRAMES):
                archive.frames(frames[at : at + COMMIT_FRAMES], NOON + block)
    assert archive.packets == blocks * downlink.BLOCK


def ingest_rows(folder: Path, dictionary: Dictionary) -> list[Goal]:
    """Ingest beside plain work."""
    frames = downlink.frames(downlink.packets())
    raw = median_s(lambda n: write_raw(folder / f"raw{n}", frames, BLOCKS))
    plain = median_s(lambda n: insert_plainly(folder / f"plain{n}", frames, BLOCKS))
    ours = median_s(lambda n: ingest(folder / f"archive{n}", frames, BLOCKS, dictionary))
    octets = sum(map(len, frames)) * BLOCKS
    with ArchiveReader(folder / "archive0") as reader:
        info = reader.info()
        assert (info["gaps"], info["undecodable"], info["housekeeping_reports"]) == (0, 0, PACKETS)
        stored = info["octets"]
    rate = PACKETS / ours
    return [
        Goal("raw write of the frames to a file", f"{PACKETS / raw:,.0f}/s", ""),
        Goal("plain sqlite3 inserts of the frames", f"{PACKETS / plain:,.0f}/s", ""),
        Goal("archive: frames, values, gaps", f"{rate:,.0f}/s", "10,000/s", rate >= 10_000),
        Goal("  beside a raw write, times slower", f"{ours / raw:.1f}", ""),
        Goal("  beside plain inserts, times slower", f"{ours / plain:.1f}", "5", ours <= 5 * plain),
        Goal("  octets stored for each octet of frames", f"{stored / octets:.2f}", "2.5", stored <= 2.5 * octets),
    ]


def decode_rows(dictionary: Dictionary) -> list[Goal]:
    """Decoding in batches beside one packet at a time."""
    packets = downlink.packets()
    octets = b"".join(downlink.frames(packets))
    decoder = Decoder(dictionary)
    one = median_s(lambda _: [decoder.decode(packet) for packet in packets])
    batch = median_s(lambda _: BatchDecoder(Decoder(dictionary)).decode(octets))
    return [
        Goal(
            "decode one packet at a time, 20 values",
            f"{len(packets) / one:,.0f}/s",
            "10,000/s",
            len(packets) >= 1e4 * one,
        ),
        Goal("decode in batches", f"{len(packets) / batch:,.0f}/s", "1,000,000/s", len(packets) >= 1e6 * batch),
    ]


def query_rows(folder: Path, dictionary: Dictionary) -> list[Goal]:
    """A day of one parameter out of three, each at 1 Hz, live as it is written: frame by frame with flushes between."""
    path = folder / "days"
    frames = downlink.frames(downlink.packets())
    per_frame = downlink.BLOCK / len(frames)
    with ArchiveWriter(path, dictionary) as archive:
        count = round(3 * DAY_S / per_frame)
        for number in range(count):
            archive.frames([frames[number % len(frames)]], NOON - NOON % DAY_S + number * per_frame)
            if number % 100 == 0:
                archive.flush()
    start = (NOON - NOON % DAY_S + DAY_S) * 1_000_000
    found = []

    def query(_: int) -> None:
        with ArchiveReader(path) as reader:
            found.append(len(reader.values("bench.p8", start, start + DAY_S * 1_000_000)))

    taken_ms = 1000 * median_s(query)
    assert DAY_S * 0.95 < found[0] < DAY_S * 1.05, found
    return [Goal(f"a day of one parameter, {found[0]:,} values", f"{taken_ms:.1f} ms", "100 ms", taken_ms <= 100)]


def memory_rows(folder: Path, dictionary: Dictionary, packets: int) -> list[Goal]:
    """Memory while many packets are stored."""
    path = folder / "many"
    frames = downlink.frames(downlink.packets())
    blocks = max(4, packets // downlink.BLOCK)
    marks = []
    start = time.perf_counter()
    with ArchiveWriter(path, dictionary) as archive:
        for block in range(blocks):
            for at in range(0, len(frames), COMMIT_FRAMES):
                archive.frames(frames[at : at + COMMIT_FRAMES], NOON + block)
            if block >= blocks // 4:
                marks.append(resident_mb())
    rate = blocks * downlink.BLOCK / (time.perf_counter() - start)
    growth = marks[-1] - marks[0]
    what = f"memory from {blocks // 4 * downlink.BLOCK:,} to {blocks * downlink.BLOCK:,} packets"
    return [
        Goal(what, f"{growth:+.1f} MB", "8 MB", growth <= 8),
        Goal("  stored meanwhile", f"{rate:,.0f}/s", "10,000/s", rate >= 10_000),
    ]


def resident_mb() -> float:
    """Memory of this process now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> int:
    """packets for the memory's run: the argument, else half a million."""
    packets = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    with tempfile.TemporaryDirectory(prefix="bench_host") as name:
        folder = Path(name)
        dictionary = downlink.dictionary(folder / "dictionary")
        rows = decode_rows(dictionary)
        rows += ingest_rows(folder, dictionary)
        rows += query_rows(folder, dictionary)
        rows += memory_rows(folder, dictionary, packets)
    print(f"Packets of 88 octets with 20 values, {PACKETS:,} of them; medians of {ROUNDS} rounds\n")
    print(LINE.format("", "figure", "goal", ""))
    for row in rows:
        print(LINE.format(row.what, row.figure, row.goal, "" if row.met is None else "met" if row.met else "MISSED"))
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
