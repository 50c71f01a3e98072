"""The archive: nothing acknowledged is lost, everything is found again, and it can be read out anew."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
import random
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from flight.limits import APID
from perilune import cli
from perilune.archive import ArchiveError, ArchiveReader, ArchiveWriter
from perilune.archive import days as archive_days
from perilune.archive import writer as archive_writer
from perilune.archive.days import detach, replay
from perilune.archive.derive import Deriver
from perilune.dictionary.load import CORE
from perilune.dictionary.model import Dictionary
from perilune.errors import PacketError
from perilune.link.downlink import Dropped
from perilune.packet.pus import Telecommand
from perilune.telemetry import Decoder, Undecodable
from perilune.telemetry import reports as r

from tests.bench import bench_host, downlink
from tests.host.recorded_downlink import TRIAL, record

DAY_S = 86_400
NOON = 1_795_176_000  # 2026-11-20T12:00:00Z
ROOT = Path(__file__).resolve().parents[2]
KILLS = 20


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def write(path: Path, starts: list[float] | None = None, each_s: float = 0.1) -> None:
    """The recording, once from each start on, a frame every each_s."""
    with ArchiveWriter(path, record().dictionary) as archive:
        for start in starts or [NOON]:
            for number, frame in enumerate(record().frames):
                archive.frames([frame], start + number * each_s)


def scalar() -> list[r.Report | Undecodable]:
    decoder = Decoder(record().dictionary)
    return [decoder.decode(octets) for octets in record().packets]


def expected_values(name: str) -> list[int | float]:
    return [
        report.values[name].engineering
        for report in scalar()
        if isinstance(report, r.HousekeepingReport) and name in report.values
    ]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive.sqlite"
    write(path)
    return path


# --- what goes in comes out -------------------------------------------------------------------------------------------


def test_frames_are_kept_as_they_came(archive: Path) -> None:
    with ArchiveReader(archive) as reader:
        frames = list(reader.frames())
    assert [octets for _, octets in frames] == list(record().frames)
    assert [received for received, _ in frames] == [NOON * 1_000_000 + n * 100_000 for n in range(len(frames))]


def test_every_value_is_found_with_its_times(archive: Path) -> None:
    with ArchiveReader(archive) as reader:
        names = {row.name for row in reader.parameters()}
        known = {point.name for row in record().dictionary.housekeeping.values() for point, _ in row.fields}
        assert names <= known
        assert {"trial.level", "trial.real", "core.uptime_s", "modes.mode"} <= names
        for name in names:
            series = reader.values(name)
            assert sorted(map(str, series.engineering.tolist())) == sorted(map(str, expected_values(name)))
            assert np.all(np.diff(series.received_us) >= 0)
        uptime = reader.values("core.uptime_s")
    assert uptime.engineering.tolist() == expected_values("core.uptime_s")
    assert uptime.unit == "s"


def test_values_between_two_times(archive: Path) -> None:
    start, end = NOON * 1_000_000 + 2_000_000, NOON * 1_000_000 + 5_000_000
    with ArchiveReader(archive) as reader:
        whole = reader.values("trial.level")
        part = reader.values("trial.level", start, end)
        wanted = (whole.received_us >= start) & (whole.received_us < end)
        assert 0 < len(part) < len(whole)
        assert part.raw.tolist() == whole.raw[wanted].tolist()
        # On board the clock was set in between: the order is another one.
        set_us = int(whole.onboard_us[-1])
        late = reader.values("trial.level", set_us, None, by="onboard")
        assert late.raw.tolist() == whole.raw[whole.onboard_us >= set_us].tolist()
        assert len(reader.values("trial.level", end, start)) == 0


def test_enumerated_values_have_their_names(archive: Path) -> None:
    with ArchiveReader(archive) as reader:
        series = reader.values("modes.mode")
        assert {series.shown(n) for n in range(len(series))} == {"BOOT", "SAFE"}


def test_events_and_reports_are_those_of_the_decoder(archive: Path) -> None:
    reports = scalar()
    with ArchiveReader(archive) as reader:
        found = list(reader.reports())
        events = list(reader.events())
        low = list(reader.events(severity="low"))
    singles = [report for report in reports if not isinstance(report, r.HousekeepingReport)]
    assert [row["raw"] for row in found] == [report.raw.hex() for report in singles]
    assert [row["report"] for row in found] == [r.as_data(report)["report"] for report in singles]
    assert [row["text"] for row in events] == [report.text for report in reports if isinstance(report, r.EventReport)]
    assert [row["name"] for row in low] == ["trial.low"]


def test_a_name_that_is_not_there_has_a_suggestion(archive: Path) -> None:
    with ArchiveReader(archive) as reader, pytest.raises(ArchiveError, match=r"did you mean .*trial\.level"):
        reader.values("trial.levl")


def test_commands_have_their_delivery_and_their_verification(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    # The recording answers requests with these counts: 10 is `trial.fail`, refused at its start; 19 does not exist.
    counts = {10: "TRIAL.FAIL code=304 after_start=0", 9999: "CORE.PING"}
    with ArchiveWriter(path, record().dictionary, clock=Clock()) as archive:
        older = Telecommand(APID, 17, 1, b"", 10).pack()
        archive.command(older, sent_s=NOON - 5 * DAY_S)
        data = bytes.fromhex("0202 0130 00")
        numbers = [
            archive.command(Telecommand(APID, 8, 1, data, 10).pack(), source="test", sent_s=NOON - 2),
            archive.command(Telecommand(APID, 17, 1, b"", 9999).pack(), text="typed", sent_s=NOON - 1),
        ]
        archive.delivery(numbers[0], "delivered", NOON)
        archive.frames(record().frames, NOON)
    with ArchiveReader(path) as reader:
        old, failed, lost = reader.commands()
    assert old["verification"] == []
    assert (failed["text"], failed["delivery"], failed["source"]) == (counts[10], "delivered", "test")
    assert [(stage["stage"], stage["success"]) for stage in failed["verification"]] == [("acceptance", 1), ("start", 0)]
    assert failed["verification"][1]["failure"] == "app_0x130 at 1, value 304"
    assert (lost["text"], lost["verification"]) == ("typed", [])


def test_plain_sql_sees_what_is_in_it(archive: Path) -> None:
    connection = sqlite3.connect(archive)
    rows = connection.execute("SELECT name, low, high, last FROM value_range WHERE name = 'trial.level'").fetchall()
    values = expected_values("trial.level")
    assert (min(row[1] for row in rows), max(row[2] for row in rows)) == (min(values), max(values))
    [(severity, count)] = connection.execute(
        "SELECT severity, count(*) FROM event WHERE name = 'trial.full'"
    ).fetchall()
    assert (severity, count) == ("high", 1)
    connection.close()


# --- bookkeeping ------------------------------------------------------------------------------------------------------


def test_gaps_and_drops_are_booked(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    frames = list(record().frames)
    del frames[30:32]
    with ArchiveWriter(path, record().dictionary, clock=Clock()) as archive:
        archive.frames(frames)
        archive.take(Dropped(0x51, 260), NOON + 1)
        archive.commit()
    with ArchiveReader(path) as reader:
        gaps = list(reader.gaps())
        assert list(reader.faults()) == [{"received_us": (NOON + 1) * 1_000_000, "reason": "tm_fecf", "octets": 260}]
        info = reader.info()
    assert {(gap["kind"], gap["vcid"], gap["missing"]) for gap in gaps if gap["kind"] == "frame"} == {
        ("frame", -1, 2),
        ("frame", 0, 2),
    }
    assert any(gap["kind"] == "packet" for gap in gaps)
    assert (info["frames"], info["gaps"], info["faults"]) == (len(frames), len(gaps), 1)


def test_what_another_dictionary_cannot_read_is_kept_and_read_later(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    foreign = msgspec.structs.replace(record().dictionary, content_hash=bytes(32))
    with ArchiveWriter(path, foreign, clock=Clock()) as archive:
        archive.frames(record().frames)
    with ArchiveReader(path) as reader:
        assert reader.info()["undecodable"] > 200
        assert reader.parameters() == []
    assert replay(path, record().dictionary) == len(record().packets)
    with ArchiveReader(path) as reader:
        assert reader.info()["undecodable"] == 3  # a structure that the board had not described yet
        assert reader.values("core.uptime_s").engineering.tolist() == expected_values("core.uptime_s")


def changed_calibration() -> Dictionary:
    dictionary = record().dictionary

    def changed(point: object) -> object:
        named = getattr(point, "name", "") == "trial.level"
        return msgspec.structs.replace(point, coefficients=(1.0, 2.0, 0.5)) if named else point  # type: ignore[type-var]

    rows = {
        name: msgspec.structs.replace(row, fields=tuple((changed(point), bit) for point, bit in row.fields))
        for name, row in dictionary.housekeeping.items()
    }
    points = {name: changed(point) for name, point in dictionary.points.items()}
    return msgspec.structs.replace(dictionary, housekeeping=rows, points=points)


def test_another_calibration_is_taken_at_replay(archive: Path) -> None:
    with ArchiveReader(archive) as reader:
        raw = reader.values("trial.level").raw
        frames = list(reader.frames())
    replay(archive, changed_calibration())
    with ArchiveReader(archive) as reader:
        series = reader.values("trial.level")
        assert list(reader.frames()) == frames
    assert series.raw.tolist() == raw.tolist()
    assert series.engineering.tolist() == [1.0 + 2.0 * x + 0.5 * x * x for x in raw.astype(float).tolist()]


# --- ends of a process ------------------------------------------------------------------------------------------------

CHILD = """
import sys
from perilune.archive import ArchiveWriter
from tests.bench import bench_host, downlink
from tests.host.recorded_downlink import FRAME_FILE_STEP, frames_in
import zlib, msgspec
from perilune.dictionary.model import Dictionary
path, frame_file, dictionary_file = sys.argv[1:4]
dictionary = msgspec.json.decode(open(dictionary_file, "rb").read(), type=Dictionary)
frames = frames_in(frame_file)
with ArchiveWriter(path, dictionary, flush_s=0.02) as archive:
    done = archive.commit()
    print(done, flush=True)
    while True:
        part = [frames[(done + n) % len(frames)] for n in range(FRAME_FILE_STEP)]
        done = archive.frames(part, done)
        print(done, flush=True)
"""


def test_killing_the_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    frames = record().frames
    (tmp_path / "frames").write_bytes(b"".join(frames))
    (tmp_path / "dictionary").write_bytes(msgspec.json.encode(record().dictionary))
    chance = random.Random(6)
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, path, tmp_path / "frames", tmp_path / "dictionary"],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": "host_tools:firmware:.:tests/flight", "PATH": ""},
        )
        assert child.stdout is not None
        acknowledged = 0
        # Kill somewhere between two acknowledgements; which, and how far into the work behind it, is chance.
        for _ in range(chance.randrange(1, 60)):
            acknowledged = int(child.stdout.readline())
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(chance.random() * 0.01)
        child.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *(int(line) for line in child.stdout.read().split())])
        child.wait()
        child.stdout.close()
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = connection.execute("SELECT octets, received_us FROM frame ORDER BY id").fetchall()
        connection.close()
        assert len(stored) >= acknowledged > 0
        assert all(row[0] == frames[number % len(frames)] for number, row in enumerate(stored))
    whole = tmp_path / "whole.sqlite"
    with ArchiveWriter(whole, record().dictionary) as archive:
        for octets, received_us in stored:
            archive.frames([octets], received_us / 1_000_000)
    with ArchiveWriter(path, record().dictionary):
        pass  # reads out what the last one left
    with ArchiveReader(path) as killed, ArchiveReader(whole) as undisturbed:
        for name in ("trial.level", "core.uptime_s"):
            assert killed.values(name).raw.tolist() == undisturbed.values(name).raw.tolist()
        assert [row["raw"] for row in killed.reports()] == [row["raw"] for row in undisturbed.reports()]


def test_a_full_disk_is_told_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    archive = ArchiveWriter(path, record().dictionary, clock=Clock())
    connection = archive._connection
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 12}")
    acknowledged = 0
    with pytest.raises(ArchiveError, match="make room on the disk"):
        for frame in record().frames * 50:
            acknowledged = archive.frames([frame])
    connection.execute("PRAGMA max_page_count = 1000000")
    assert archive.commit() == acknowledged + 1  # the one that was refused was kept, and goes in now
    archive.close()
    with ArchiveReader(path) as reader:
        assert len(list(reader.frames())) == acknowledged + 1
        assert len(reader.values("core.uptime_s")) > 0


@pytest.mark.parametrize("step", ["_write_singles", "_write_chunks"])
def test_reading_out_that_fails_is_done_again_from_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path, whole = tmp_path / "archive.sqlite", tmp_path / "whole.sqlite"
    write(whole)
    archive = ArchiveWriter(path, record().dictionary, clock=Clock())
    for number, frame in enumerate(record().frames):
        if number % 40 == 20:
            archive.flush()
        if number % 40 == 30:
            with monkeypatch.context() as patch:
                patch.setattr(Deriver, step, broken(getattr(Deriver, step)))
                with pytest.raises(ArchiveError, match="make room on the disk"):
                    archive.flush()
        archive.frames([frame], NOON + number * 0.1)
    archive.close()
    assert archive.packets == len(record().packets)
    assert everything(path) == everything(whole)


def broken(step: Callable[..., None]) -> Callable[..., None]:
    """The step, done, and then refused by a full disk."""

    def fail(*arguments: object) -> None:
        step(*arguments)
        raise sqlite3.OperationalError("database or disk is full")

    return fail


def test_one_writer_at_a_time(archive: Path) -> None:
    with ArchiveWriter(archive, record().dictionary), pytest.raises(ArchiveError, match="somebody writes"):
        ArchiveWriter(archive, record().dictionary)
    ArchiveWriter(archive, record().dictionary).close()


def test_files_that_are_no_archive(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"not a database, but long enough to be looked at" * 100)
    for use in (lambda: ArchiveReader(other), lambda: ArchiveWriter(other, record().dictionary)):
        with pytest.raises(ArchiveError, match="check the name"):
            use()
    with pytest.raises(ArchiveError, match="no archive"):
        ArchiveReader(tmp_path / "missing.sqlite")
    newer = tmp_path / "newer.sqlite"
    write(newer)
    connection = sqlite3.connect(newer)
    connection.execute("UPDATE meta SET value = 99 WHERE key = 'format'")
    connection.commit()
    connection.close()
    with pytest.raises(ArchiveError, match="expected 1; found 99"):
        ArchiveReader(newer)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
        "CREATE TABLE meta (key TEXT, value TEXT)",
        "CREATE TABLE meta (name TEXT, content TEXT)",
    ],
)
def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path, made: str) -> None:
    path, line = tmp_path / "orders.sqlite", tmp_path / "line.bin"
    line.write_bytes(b"".join(record().octets))
    connection = sqlite3.connect(path)
    connection.execute(made)
    connection.close()
    before = path.read_bytes()
    for words in (
        ("ingest", path, line, "--dictionary", TRIAL),
        ("replay", path, "--dictionary", TRIAL),
        ("detach", path, "--before", "2026-11-21"),
        ("info", path),
        ("ingest", path, line),
    ):
        status, _, err = perilune("archive", *words)
        assert (status, len(err.splitlines())) == (1, 1), err
        assert f"{path} is no archive" in err
    assert path.read_bytes() == before
    assert not path.with_name("orders.sqlite-wal").exists()


def test_a_file_that_is_damaged_is_told_as_such(archive: Path) -> None:
    with archive.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (archive.stat().st_size - 8192))
    status, _, err = perilune("archive", "query", archive, "--events")
    assert (status, len(err.splitlines())) == (1, 1), err
    assert "the file is damaged" in err


def test_a_dictionary_of_another_version_asks_for_ours(tmp_path: Path, archive: Path) -> None:
    line = tmp_path / "line.bin"
    line.write_bytes(b"".join(record().octets))
    for content in (zlib.compress(b'{"mission": 1}'), zlib.compress(b"no JSON"), b"nothing compressed"):
        connection = sqlite3.connect(archive)
        connection.execute("UPDATE dictionary SET content = ?", (content,))
        connection.commit()
        connection.close()
        for words in (("replay", archive), ("ingest", archive, line)):
            status, _, err = perilune("archive", *words)
            assert (status, len(err.splitlines())) == (1, 1), err
            assert "another version" in err and "try: give --dictionary" in err
    assert perilune("archive", "replay", archive, "--dictionary", TRIAL)[0] == 0


def test_a_frame_of_another_length_is_refused(tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / "archive.sqlite", record().dictionary) as archive:
        with pytest.raises(PacketError, match="expected 256 octets; found 3"):
            archive.frames([b"abc"])
        assert archive.frames(record().frames[:2]) == 2


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_million_packets_in_flat_memory(tmp_path: Path) -> None:
    rows = bench_host.memory_rows(tmp_path, downlink.dictionary(tmp_path / "dictionary"), 10_000_000)
    assert all(row.met for row in rows), rows


# --- days -------------------------------------------------------------------------------------------------------------


def three_days(path: Path) -> None:
    # The second recording runs over midnight.
    write(path, [NOON, NOON + DAY_S / 2 - 5, NOON + 2 * DAY_S])


def everything(path: Path) -> tuple[object, ...]:
    with ArchiveReader(path) as reader:
        series = [reader.values(row.name) for row in reader.parameters()]
        info = reader.info()
        return (
            [(one.name, one.received_us.tolist(), one.raw.tolist()) for one in series],
            list(reader.frames()),
            list(reader.reports()),
            list(reader.events()),
            list(reader.gaps()),
            [
                info[key]
                for key in ("frames", "reports", "events", "gaps", "housekeeping_reports", "first_us", "last_us")
            ],
        )


def test_detached_days_are_still_found(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    three_days(path)
    before = everything(path)
    midnight = (NOON + DAY_S // 2) * 1_000_000
    with ArchiveReader(path) as reader:
        second_day = reader.values("core.uptime_s", midnight, midnight + DAY_S * 1_000_000).raw.tolist()
    moved = detach(path, datetime.date(2026, 11, 22))
    assert [Path(one.path).name for one in moved] == ["2026-11-20.sqlite", "2026-11-21.sqlite"]
    assert everything(path) == before
    with ArchiveReader(path) as reader:
        assert second_day
        assert reader.values("core.uptime_s", midnight, midnight + DAY_S * 1_000_000).raw.tolist() == second_day
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM frame").fetchone() == (len(record().frames),)
    connection.close()
    # A day file is an archive by itself.
    with ArchiveReader(moved[0].path) as reader:
        assert len(list(reader.frames())) == moved[0].frames
        assert len(reader.values("trial.level")) > 0
    assert detach(path, datetime.date(2026, 11, 22)) == []
    assert replay(path, record().dictionary) == 3 * len(record().packets)
    assert everything(path)[0] == before[0]


def test_values_come_a_day_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    three_days(path)
    detach(path, datetime.date(2026, 11, 22))
    with ArchiveReader(path) as reader:
        whole = reader.values("trial.level")
        days = list(reader.daily_values("trial.level"))
        start = int(whole.received_us[20]) + 1
        part = list(reader.daily_values("trial.level", start, start + 3_000_000))
        assert list(reader.daily_values("trial.level", start, start)) == []
        with pytest.raises(ArchiveError, match="did you mean"):
            list(reader.daily_values("trial.levl"))
    assert [int(day.received_us[0]) // (DAY_S * 1_000_000) for day in days] == [20777, 20778, 20779]
    assert [value for day in days for value in day.raw.tolist()] == whole.raw.tolist()
    inside = (whole.received_us >= start) & (whole.received_us < start + 3_000_000)
    assert [value for day in part for value in day.raw.tolist()] == whole.raw[inside].tolist()


def test_frames_that_come_to_a_day_that_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    write(path)
    detach(path, datetime.date(2026, 11, 21))
    write(path)  # a clock that was set back
    before = everything(path)
    moved = detach(path, datetime.date(2026, 11, 21))
    assert [Path(one.path).name for one in moved] == ["2026-11-20-2.sqlite"]
    assert everything(path) == before
    with ArchiveReader(path) as reader:
        assert len(list(reader.frames())) == 2 * len(record().frames)


def test_parts_of_a_day_are_read_in_the_order_in_which_they_went(tmp_path: Path) -> None:
    """Parts whose number has two figures, too: passes of a day, after each of which somebody detaches."""
    path, whole = tmp_path / "archive.sqlite", tmp_path / "whole.sqlite"
    parts_of = [(NOON + start, record().frames[start : start + 10]) for start in range(0, 110, 10)]
    with ArchiveWriter(whole, record().dictionary) as archive:
        for received_s, frames in parts_of:
            archive.frames(frames, received_s)
    for received_s, frames in parts_of:
        with ArchiveWriter(path, record().dictionary) as archive:
            archive.frames(frames, received_s)
        detach(path, datetime.date(2026, 11, 21))
    with ArchiveReader(path) as parts, ArchiveReader(whole) as undisturbed:
        assert len(parts.info()["day_files"]) == 11
        assert [Path(name).name for name in parts.info()["day_files"]][:2] == [
            "2026-11-20.sqlite",
            "2026-11-20-2.sqlite",
        ]
        assert list(parts.frames()) == list(undisturbed.frames())
    replay(path, record().dictionary)
    assert everything(path) == everything(whole)


@pytest.mark.parametrize("stop", ["entered", "deleting"])
def test_a_detach_that_is_cut_counts_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str) -> None:
    path = tmp_path / "archive.sqlite"
    three_days(path)
    before = everything(path)
    finish = archive_days._finish

    def cut(main: sqlite3.Connection) -> None:
        if stop == "deleting" and main.execute("SELECT count(*) FROM day_file").fetchone()[0]:
            main.execute("DELETE FROM frame WHERE id < 50")
            main.execute("DELETE FROM chunk WHERE first_us < (SELECT min(end_us) FROM day_file) AND id % 2")
        if main.execute("SELECT count(*) FROM day_file").fetchone()[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(archive_days, "_finish", cut)
    with pytest.raises(KeyboardInterrupt):
        detach(path, datetime.date(2026, 11, 22))
    monkeypatch.setattr(archive_days, "_finish", finish)
    assert everything(path) == before
    detach(path, datetime.date(2026, 11, 22))
    assert everything(path) == before


def test_chunks_fill_up_whatever_the_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One frame at a time, and all at once, give the same values; neither leaves a chunk for every flush."""
    slow, fast = tmp_path / "slow.sqlite", tmp_path / "fast.sqlite"
    with ArchiveWriter(slow, record().dictionary, flush_s=0.0) as archive:
        for number, frame in enumerate(record().frames):
            archive.frames([frame], NOON + number)
    monkeypatch.setattr(archive_writer, "DERIVE_FRAMES", 10_000)
    with ArchiveWriter(fast, record().dictionary) as archive:
        for number, frame in enumerate(record().frames):
            archive.take(type("", (), {})(), NOON)  # what is no frame is passed over
            archive.frames([frame], NOON + number)
    assert everything(slow)[0] == everything(fast)[0]
    chunks = [sqlite3.connect(path).execute("SELECT count(*) FROM chunk").fetchone()[0] for path in (slow, fast)]
    assert chunks[0] == chunks[1]


# --- the command ------------------------------------------------------------------------------------------------------


def perilune(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main([str(argument) for argument in arguments])
    return status, out.getvalue(), err.getvalue()


def test_the_command_ingests_queries_exports_and_plots(tmp_path: Path) -> None:
    path, line = tmp_path / "archive.sqlite", tmp_path / "line.bin"
    line.write_bytes(b"noise" + b"".join(record().octets))
    ingest = (
        "archive",
        "ingest",
        path,
        line,
        "--dictionary",
        TRIAL,
        "--received",
        "2026-11-20T12:00",
        "--rate",
        "1000",
    )
    status, out, _ = perilune(*ingest)
    assert status == 0
    assert f"{len(record().frames)} frames, {len(record().packets)} packets" in out
    assert "5 octets dropped, 0 frames missing" in out
    status, out, _ = perilune("archive", "query", path, "trial.level", "--json")
    rows = [json.loads(text) for text in out.splitlines()]
    assert [row["value"] for row in rows] == expected_values("trial.level")
    assert rows[0]["received"] < rows[-1]["received"]
    status, out, _ = perilune("archive", "query", path, "trial.level", "--from", "2026-11-20T12:00:10")
    assert 0 < len(out.splitlines()) < len(rows)
    table = tmp_path / "values.csv"
    assert perilune("archive", "export", path, "trial.level", "modes.mode", "--csv", table)[0] == 0
    with table.open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [float(row["value"]) for row in read if row["name"] == "trial.level"] == expected_values("trial.level")
    assert perilune("archive", "export", path, "--events", "--jsonl", tmp_path / "events")[0] == 0
    assert "trial.full" in (tmp_path / "events").read_text(encoding="utf-8")
    status, out, _ = perilune("archive", "info", path, "--json", "--parameters")
    info = json.loads(out)
    assert (info["frames"], info["undecodable"]) == (len(record().frames), 3)
    assert "trial.level" in info["parameters"]
    png, html = tmp_path / "x.png", tmp_path / "x.html"
    assert perilune("archive", "plot", path, "trial.level", "core.uptime_s", "--png", png, "--html", html)[0] == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "trial.level" in html.read_text(encoding="utf-8")
    board = ("--onboard", "--png", png, "--html", html)
    assert perilune("archive", "plot", path, "trial.level", *board)[0] == 0
    assert "Mode BOOT ended" in html.read_text(encoding="utf-8")
    # The archive holds the dictionary that it was read out with.
    assert perilune("archive", "replay", path)[1] == f"{len(record().packets)} packets read out\n"
    status, out, _ = perilune("archive", "detach", path, "--before", "2026-11-21", "--json")
    assert json.loads(out)["day"] == "2026-11-20"


def test_mistakes_at_the_command_have_a_way_out(tmp_path: Path, archive: Path) -> None:
    for arguments, expected, message in (
        (("query", tmp_path / "none", "x.y"), 1, "no archive"),
        (("query", archive), 2, "ask for parameters or for one kind of rows"),
        (("query", archive, "trial.levl"), 2, "there is no parameter trial.levl; try: trial.level"),
        (("query", archive, "nothing.*"), 2, "there is no parameter nothing.*"),
        (("query", archive, "--events", "--from", "2026-11-22", "--to", "2026-11-21"), 2, "--from is not before --to"),
        (("replay", tmp_path / "none" / "x"), 1, "no archive"),
        (("ingest", tmp_path / "none" / "x", archive), 1, f"there is no folder {tmp_path / 'none'}"),
        (("query", archive, "--events", "--onboard"), 2, "leave it out"),
        (("ingest", tmp_path / "new.sqlite", tmp_path / "none"), 1, "cannot read"),
        (("plot", archive, "trial.level", "--from", "2030-01-01"), 1, "no values in that time"),
    ):
        status, _, err = perilune("archive", *arguments)
        assert status == expected
        assert message in err
        assert len(err.splitlines()) == 1


def test_nothing_is_written_over_the_archive(tmp_path: Path, archive: Path) -> None:
    write(archive, [NOON + DAY_S])
    [day] = detach(archive, datetime.date(2026, 11, 21))
    link = tmp_path / "values.csv"
    link.symlink_to(archive)
    before = everything(archive)
    for words in (
        ("export", archive, "trial.level", "--csv", archive),
        ("export", archive, "trial.level", "--csv", link),
        ("export", archive, "--events", "--jsonl", day.path),
        ("export", archive, "trial.level", "--parquet", archive),
        ("plot", archive, "trial.level", "--png", archive),
        ("plot", archive, "trial.level", "--html", archive),
    ):
        status, _, err = perilune("archive", *words)
        assert (status, len(err.splitlines())) == (2, 1), (words, err)
        assert f"{words[-1]} is of the archive itself; try: give another file" in err
        assert everything(archive) == before
    assert perilune("archive", "export", archive, "trial.level", "--csv", tmp_path / "archive.sqlite.csv")[0] == 0


@pytest.mark.parametrize("rate", ["nan", "inf", "-5", "0", "1e-300", "fast"])
def test_a_rate_is_octets_a_second(archive: Path, capsys: pytest.CaptureFixture[str], rate: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["archive", "ingest", str(archive), str(archive), f"--rate={rate}"])
    assert end.value.code == 2
    assert f"{rate} is no rate" in capsys.readouterr().err


@pytest.mark.parametrize("piece", [5, 50_000])
def test_parquet_is_read_back(tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow: .venv/bin/pip install -e '.[parquet]'")
    # In the first rows of the small pieces nobody has set the clock, and no value has a name.
    monkeypatch.setattr("perilune.archive.tables._PARQUET_ROWS", piece)
    table = tmp_path / "values.parquet"
    assert perilune("archive", "export", archive, "trial.level", "modes.mode", "--parquet", table)[0] == 0
    rows = parquet.read_table(table).to_pylist()
    assert [row["value"] for row in rows if row["name"] == "trial.level"] == expected_values("trial.level")
    assert {row["text"] for row in rows if row["name"] == "modes.mode"} == {"BOOT", "SAFE"}
    assert len({row["onboard_utc"] is None for row in rows}) == 2
    _, out, _ = perilune("archive", "export", archive, "--events", "--parquet", table, "--json")
    assert json.loads(out)["rows"] == len(parquet.read_table(table))


def test_a_table_of_reports_has_what_each_kind_of_them_says(tmp_path: Path, archive: Path) -> None:
    """The first report is an event; those behind it say other things."""
    table = tmp_path / "reports.csv"
    assert perilune("archive", "export", archive, "--reports", "--csv", table)[0] == 0
    with table.open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    rows = [json.loads(line) for line in perilune("archive", "query", archive, "--reports", "--json")[1].splitlines()]
    assert read[0]["report"] == "event" != read[-1]["report"]

    def cell(value: object) -> str:
        return json.dumps(value) if isinstance(value, (dict, list)) else "" if value is None else str(value)

    assert [{key: text for key, text in row.items() if text} for row in read] == [
        {key: cell(value) for key, value in row.items() if cell(value)} for row in rows
    ]


@pytest.mark.parametrize("piece", [5, 50_000])
def test_a_parquet_file_of_reports_has_what_each_kind_of_them_says(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow: .venv/bin/pip install -e '.[parquet]'")
    monkeypatch.setattr("perilune.archive.tables._PARQUET_ROWS", piece)
    table = tmp_path / "reports.parquet"
    assert perilune("archive", "export", archive, "--reports", "--parquet", table)[0] == 0
    read = parquet.read_table(table).to_pylist()
    rows = [json.loads(line) for line in perilune("archive", "query", archive, "--reports", "--json")[1].splitlines()]
    for key in ("report", "stage", "success", "step", "request_id", "severity", "period_ms"):
        assert [row[key] for row in read] == [row.get(key) for row in rows], key
    # Of a schedule it is yes or no, of what cannot be read it is words.
    details = [row.get("detail") for row in rows]
    assert {type(detail) for detail in details} == {bool, str, type(None)}
    assert [row["detail"] for row in read] == [
        json.dumps(detail) if isinstance(detail, bool) else detail for detail in details
    ]
    assert json.loads(next(row["failure"] for row in read if row["failure"]))["code"] > 0


def test_a_reader_that_holds_still_sees_nothing_of_what_comes(archive: Path) -> None:
    with ArchiveReader(archive) as reader:
        reader.hold()
        before = len(list(reader.reports()))
        write(archive, [NOON + 3600])
        assert len(list(reader.reports())) == before
    with ArchiveReader(archive) as reader:
        assert len(list(reader.reports())) > before


def test_parquet_without_pyarrow_says_what_is_missing(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, _, err = perilune("archive", "export", archive, "trial.level", "--parquet", tmp_path / "x")
    assert status == 1
    assert "pip install 'perilune[parquet]'" in err


def test_queries_use_an_index(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every question with a period SQLite's plan has no SCAN of a table."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    rows_of, rows = ArchiveReader._rows_of, ArchiveReader._rows

    def note_rows_of(self: ArchiveReader, file: Any, query: str, time: int, *parameters: object) -> Any:
        asked.append((query, (file.first_us, file.end_us, *parameters)))
        return rows_of(self, file, query, time, *parameters)

    def note_rows(self: ArchiveReader, connection: sqlite3.Connection, query: str, *parameters: object) -> Any:
        asked.append((query, parameters))
        return rows(self, connection, query, *parameters)

    monkeypatch.setattr(ArchiveReader, "_rows_of", note_rows_of)
    monkeypatch.setattr(ArchiveReader, "_rows", note_rows)
    with ArchiveReader(archive) as reader:
        start, end = NOON * 1_000_000, (NOON + 5) * 1_000_000
        reader.values("trial.level", start, end)
        for kind in ("events", "reports", "commands", "gaps", "faults", "frames"):
            list(getattr(reader, kind)(start, end))
        list(reader.events(start, end, name="trial.low"))
        list(reader.reports(start, end, "undecodable"))
    connection = sqlite3.connect(archive)
    asked.append(("SELECT report FROM verification WHERE command = ?", (1,)))
    for query, parameters in asked:
        if "FROM day_file" in query:
            continue  # a row for each day that was detached
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]
        assert plan
        assert not [step for step in plan if step.startswith("SCAN")], (query, plan)
    assert len(asked) > 8
    connection.close()


def test_memory_is_judged_by_its_highest_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = iter([100.0, 150.0, 101.0, 101.0])
    monkeypatch.setattr(bench_host, "resident_mb", lambda: next(marks))
    growth = bench_host.memory_rows(tmp_path, downlink.dictionary(tmp_path / "dictionary"), 4 * downlink.BLOCK)[0]
    assert growth.value == 50.0
    assert not growth.met


def test_the_core_alone_is_the_default_dictionary(tmp_path: Path) -> None:
    assert CORE.is_dir()
    path, line = tmp_path / "archive.sqlite", tmp_path / "line.bin"
    line.write_bytes(b"".join(record().octets))
    assert perilune("archive", "ingest", path, line)[0] == 0
    with ArchiveReader(path) as reader:
        assert reader.info()["undecodable"] > 200  # the trial mission has another hash


def test_times_of_a_clock_that_nobody_has_set_are_no_utc(archive: Path) -> None:
    """The clock of the recording is set in its middle."""
    _, out, _ = perilune("archive", "query", archive, "core.uptime_s", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    unset = [row for row in rows if row["onboard_utc"] is None]
    assert 0 < len(unset) < len(rows)
    assert all(row["onboard"].startswith("start + ") and row["onboard"].endswith(" s") for row in unset)
    for row in unset:  # counted since the start, as the uptime is
        assert abs(float(row["onboard"].split()[2]) - row["value"]) < 2
    assert all(row["onboard"] == row["onboard_utc"] for row in rows if row not in unset)
    for words in (["core.uptime_s"], ["--events"], ["--reports"], ["core.uptime_s", "--onboard"]):
        for options in ([], ["--json"]):
            _, out, _ = perilune("archive", "query", archive, *words, *options)
            assert "start + " in out
            assert "2019-12-31" not in out
            assert "2020-01-01" not in out
    _, out, _ = perilune("archive", "query", archive, "--events", "--json")
    event = json.loads(out.splitlines()[0])
    assert (event["name"], event["onboard_utc"], event["onboard"][:8]) == ("core.boot", None, "start + ")
    csv_file, picture = archive.with_suffix(".csv"), archive.with_suffix(".html")
    perilune("archive", "export", archive, "core.uptime_s", "--csv", csv_file)
    assert "2019-12-31" not in csv_file.read_text(encoding="utf-8")
    perilune("archive", "plot", archive, "core.uptime_s", "--onboard")
    assert "2019-12-31" not in picture.read_text(encoding="utf-8")


def test_parameters_are_named_in_any_case_and_by_patterns(archive: Path) -> None:
    exact = perilune("archive", "query", archive, "trial.level", "trial.real")[1]
    assert perilune("archive", "query", archive, "TRIAL.Level", "trial.rea?")[1] == exact
    _, out, _ = perilune("archive", "query", archive, "trial.*", "--json")
    names = {json.loads(line)["name"] for line in out.splitlines()}
    assert {"trial.level", "trial.real"} < names
    assert all(name.startswith("trial.") for name in names)


def test_a_period_without_rows_says_so(archive: Path) -> None:
    for words in (["trial.level"], ["--events"], ["--commands"]):
        for options in ([], ["--json"]):
            status, out, err = perilune("archive", "query", archive, *words, "--from", "2030-01-01", *options)
            assert (status, out) == (0, "")
            assert "nothing in that time" in err
            assert "2026-11-20T12:00:00" in err


def test_a_date_that_is_none_is_told_with_an_example(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["archive", "detach", str(archive), "--before", "21.11.2026"])
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "21.11.2026 is no date" in told
    assert "2026-11-21" in told


def test_stages_that_repeat_are_folded() -> None:
    from perilune.command.archive import _cell  # noqa: PLC0415

    stages = [{"stage": "acceptance", "success": 1, "failure": None}]
    stages += [{"stage": "progress", "success": 1, "failure": None}] * 60
    stages += [{"stage": "completion", "success": 0, "failure": "late"}]
    assert _cell("verification", stages) == "acceptance progress x60 completion FAILED late"


def test_what_was_done_is_told_as_json(tmp_path: Path) -> None:
    path, line = tmp_path / "archive.sqlite", tmp_path / "line.bin"
    line.write_bytes(b"".join(record().octets))
    told = [
        json.loads(perilune("archive", *words, "--json")[1])
        for words in (
            ("ingest", path, line, "--dictionary", TRIAL, "--received", "2026-11-20"),
            ("replay", path),
            ("export", path, "trial.level", "--csv", tmp_path / "x.csv"),
            ("plot", path, "trial.level"),
        )
    ]
    assert (told[0]["frames"], told[0]["missing_frames"]) == (len(record().frames), 0)
    assert told[1] == {"packets": len(record().packets)}
    assert told[2] == {"rows": len(expected_values("trial.level")), "file": str(tmp_path / "x.csv")}
    assert told[3] == {"png": str(path.with_suffix(".png")), "html": str(path.with_suffix(".html"))}
