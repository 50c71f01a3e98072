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

from perilune.archive import ArchiveReader, ArchiveWriter
from perilune.dictionary import Dictionary
from perilune.telemetry import Decoder
from perilune.telemetry.batch import BatchDecoder

from tests.bench import downlink, through_port
from tests.bench.figures import Figure, run_alone

ROUNDS = 3
BLOCKS = 6  # of 16384 packets
PACKETS = BLOCKS * downlink.BLOCK
COMMIT_FRAMES = 64  # that a fast line brings between two looks at it
DAY_S = 86_400
NOON = 1_795_176_000
MEMORY_PACKETS = 500_000
TITLE = f"Archive and decoding on this machine: packets of 88 octets with 20 values, medians of {ROUNDS} rounds"


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


def ingest_rows(folder: Path, dictionary: Dictionary, link_blocks: int = through_port.BLOCKS) -> list[Figure]:
    """Ingest, and the operator's tool, beside plain work. link_blocks: how much goes through the tool."""
    frames = downlink.frames(downlink.packets())
    raw = median_s(lambda n: write_raw(folder / f"raw{n}", frames, BLOCKS))
    plain = median_s(lambda n: insert_plainly(folder / f"plain{n}", frames, BLOCKS))
    ours = median_s(lambda n: ingest(folder / f"archive{n}", frames, BLOCKS, dictionary))
    octets = sum(map(len, frames)) * BLOCKS
    with ArchiveReader(folder / "archive0") as reader:
        info = reader.info()
        assert (info["gaps"], info["undecodable"], info["housekeeping_reports"]) == (0, 0, PACKETS)
        stored = info["octets"]
    link, link_rate = through_port.link_rows(folder, link_blocks)
    return [
        Figure("raw write of the frames to a file", round(PACKETS / raw), "packets/s"),
        Figure("plain sqlite3 inserts of the frames", round(PACKETS / plain), "packets/s"),
        Figure("archive: frames, values, gaps", round(PACKETS / ours), "packets/s", at_least=10_000),
        Figure("  beside a raw write, times slower", round(ours / raw, 1), "x"),
        Figure("  beside plain inserts, times slower", round(ours / plain, 2), "x", at_most=5),
        Figure("  octets stored for each octet of frames", round(stored / octets, 2), "", at_most=2.5),
        *link,
        Figure("  beside a raw write, times slower", round(PACKETS / raw / link_rate, 1), "x"),
        Figure("  beside plain inserts, times slower", round(PACKETS / plain / link_rate, 2), "x"),
    ]


def decode_rows(dictionary: Dictionary) -> list[Figure]:
    """Decoding in batches beside one packet at a time."""
    packets = downlink.packets()
    octets = b"".join(downlink.frames(packets))
    decoder = Decoder(dictionary)
    one = median_s(lambda _: [decoder.decode(packet) for packet in packets])
    batch = median_s(lambda _: BatchDecoder(Decoder(dictionary)).decode(octets))
    return [
        Figure("decode one packet at a time, 20 values", round(len(packets) / one), "packets/s", at_least=10_000),
        Figure("decode in batches", round(len(packets) / batch), "packets/s", at_least=1_000_000),
    ]


def query_rows(folder: Path, dictionary: Dictionary) -> list[Figure]:
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
    plain_ms = 1000 * plain_query_s(folder / "plain_days", start)
    return [
        Figure("a day of one parameter at 1 Hz", round(taken_ms, 1), "ms", at_most=100),
        Figure("  beside a plain table with an index, times slower", round(taken_ms / plain_ms, 2), "x", at_most=1),
    ]


def plain_query_s(path: Path, start_us: int) -> float:
    """The same question to a table with a row for each value and an index over parameter and time."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE value (parameter INTEGER, received_us INTEGER, onboard_us INTEGER, raw INTEGER)")
    rows = (
        (parameter, start_us + (second - DAY_S) * 1_000_000, second, second)
        for second in range(3 * DAY_S)
        for parameter in range(3)
    )
    with connection:
        connection.executemany("INSERT INTO value VALUES (?, ?, ?, ?)", rows)
        connection.execute("CREATE INDEX value_time ON value (parameter, received_us)")
    query = (
        "SELECT received_us, onboard_us, raw FROM value WHERE parameter = 1 AND received_us >= ? AND received_us < ?"
    )
    found = []
    taken_s = median_s(
        lambda _: found.append(len(connection.execute(query, (start_us, start_us + DAY_S * 1_000_000)).fetchall()))
    )
    connection.close()
    assert found[0] == DAY_S, found
    return taken_s


def memory_rows(folder: Path, dictionary: Dictionary, packets: int) -> list[Figure]:
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
    return [
        Figure("growth of memory while packets are stored", round(max(marks) - marks[0], 1), "MB", at_most=8),
        Figure("  packets stored meanwhile", blocks * downlink.BLOCK, ""),
        Figure("  how fast", round(rate), "packets/s", at_least=10_000),
    ]


def resident_mb() -> float:
    """Memory of this process now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def figures(memory_packets: int = MEMORY_PACKETS) -> list[Figure]:
    """All of it. memory_packets: how many are stored while the memory is watched."""
    with tempfile.TemporaryDirectory(prefix="bench_host") as name:
        folder = Path(name)
        dictionary = downlink.dictionary(folder / "dictionary")
        rows = decode_rows(dictionary)
        rows += ingest_rows(folder, dictionary)
        rows += query_rows(folder, dictionary)
        rows += memory_rows(folder, dictionary, memory_packets)
    return rows


if __name__ == "__main__":
    packets = [int(word) for word in sys.argv[1:] if word.isdecimal()]  # 10000000 for the long run of the memory
    options = [word for word in sys.argv[1:] if not word.isdecimal()]
    sys.exit(run_alone("host", TITLE, lambda: figures(*packets), options))
