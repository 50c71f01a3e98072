"""Old days into files of their own, and the whole archive read out again with another dictionary.

A day file is an archive too: the same tables, with the rows of one UTC day. It is written whole beside its place, then
renamed, then entered in the main file; only then do its rows leave the main file, some at a time, so that a writer at
work waits for moments only. Whatever ends this in the middle, every row counts once: a day that is entered and not yet
`moved` is read from its file alone.
"""

from __future__ import annotations

import datetime
import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from ..dictionary.model import Dictionary
from .derive import Deriver
from .layout import (
    DAY_FILES,
    DAY_US,
    DERIVED,
    DERIVED_TABLES,
    TIMED,
    VIEWS,
    ArchiveError,
    connect,
    meta,
    unusable,
)
from .lock import WriterLock
from .writer import derive_stored, keep_dictionary, last_frames, undo

# Rows that leave the main file in one transaction: some 10 ms.
SLICE = 20_000


class Moved(msgspec.Struct, frozen=True):
    """A day that has a file now."""

    day: str
    path: str
    frames: int


def detach(path: Path, before: datetime.date, progress: Callable[[int], None] | None = None) -> list[Moved]:
    """Move all days before *before* (UTC) into files in `<name>.days`. Raises ArchiveError.

    progress: called with days done so far after each.
    """
    if not path.is_file():
        raise ArchiveError(f"no archive {path}", next_step="check the name")
    lock = WriterLock(path.with_name(path.name + ".detach"))
    try:
        main = connect(path)
        try:
            _finish(main)
            limit = _us(before)
            decoded = meta(main, "decoded")
            first = main.execute("SELECT min(received_us) FROM frame").fetchone()[0]
            done = []
            day_us = None if first is None else first // DAY_US * DAY_US
            while day_us is not None and day_us < limit:
                newest = main.execute("SELECT max(id) FROM frame WHERE received_us < ?", (day_us + DAY_US,)).fetchone()
                if newest[0] is not None and isinstance(decoded, int) and newest[0] > decoded:
                    raise ArchiveError(
                        f"{path} has frames of that day that are not read out yet",
                        next_step="`perilune archive replay`, or wait for the writer at work",
                    )
                done.append(_move(main, path, day_us))
                if progress is not None:
                    progress(len(done))
                first = main.execute("SELECT min(received_us) FROM frame WHERE received_us >= ?", (day_us + DAY_US,))
                found = first.fetchone()[0]
                day_us = None if found is None else found // DAY_US * DAY_US
            main.execute("PRAGMA incremental_vacuum").fetchall()
            return done
        finally:
            main.close()
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    finally:
        lock.release()


def _us(day: datetime.date) -> int:
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
    return round(midnight.timestamp()) * 1_000_000


def _move(main: sqlite3.Connection, path: Path, first_us: int) -> Moved:
    day = datetime.datetime.fromtimestamp(first_us // 1_000_000, datetime.UTC).date().isoformat()
    folder = path.with_name(path.name + ".days")
    folder.mkdir(exist_ok=True)
    partial = folder / f"{day}.partial"
    for leftover in folder.glob(f"{day}.partial*"):
        leftover.unlink()
    entered = {row[0] for row in main.execute("SELECT name FROM day_file")}
    # Frames that come to a day after it has gone get another file. One that is not entered was left by an accident.
    names = (f"{day}.sqlite" if number == 1 else f"{day}-{number}.sqlite" for number in itertools.count(1))
    final = next(folder / name for name in names if str((folder / name).relative_to(path.parent)) not in entered)
    _fill(partial, path, first_us)
    partial.replace(final)
    end_us = first_us + DAY_US
    name = str(final.relative_to(path.parent))
    main.execute("INSERT INTO day_file VALUES (?, ?, ?, 0)", (name, first_us, end_us))
    [count] = main.execute(
        "SELECT count(*) FROM frame WHERE received_us >= ? AND received_us < ?", (first_us, end_us)
    ).fetchone()
    _finish(main)
    return Moved(day, str(final), count)


def _fill(partial: Path, path: Path, first_us: int) -> None:
    """Copy the rows of one day."""
    copy = connect(partial, durable=True)
    try:
        copy.execute("ATTACH ? AS source", (str(path),))
        copy.execute("BEGIN IMMEDIATE")
        for table in ("dictionary", "parameter"):
            copy.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM source.{table}")
        copy.execute("INSERT OR REPLACE INTO main.meta SELECT * FROM source.meta WHERE key = 'dictionary'")
        for table, column in TIMED.items():
            copy.execute(
                f"INSERT INTO main.{table} SELECT * FROM source.{table} WHERE {column} >= ? AND {column} < ?",
                (first_us, first_us + DAY_US),
            )
        copy.execute("UPDATE meta SET value = (SELECT coalesce(max(id), 0) FROM frame) WHERE key = 'decoded'")
        copy.execute("COMMIT")
        copy.execute("DETACH source")
        # One file, without a log beside it; written through.
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()


def _finish(main: sqlite3.Connection) -> None:
    """Let the rows of entered days leave the main file."""
    for name, first_us, end_us in main.execute(
        "SELECT name, first_us, end_us FROM day_file WHERE NOT moved"
    ).fetchall():
        for table, column in TIMED.items():
            key = "report" if table in ("event", "verification") else "id"
            while True:
                cursor = main.execute(
                    f"DELETE FROM {table} WHERE {key} IN "
                    f"(SELECT {key} FROM {table} WHERE {column} >= ? AND {column} < ? LIMIT {SLICE})",
                    (first_us, end_us),
                )
                if cursor.rowcount < SLICE:
                    break
        main.execute("UPDATE day_file SET moved = 1 WHERE name = ?", (name,))


def replay(
    path: Path, dictionary: Dictionary, *, force: bool = False, progress: Callable[[int], None] | None = None
) -> int:
    """Read everything out again with *dictionary*, day files first; how many packets. Frames and commands stay.

    Should it end in the middle, opening the archive to write goes on with the main file; another replay begins anew.
    progress: called with frames done so far after each file.
    """
    if not path.is_file():
        raise ArchiveError(f"no archive {path}", next_step="check the name")
    lock = WriterLock(path)
    context = b""
    learnt: list[bytes] = []
    packets = frames = 0
    try:
        main = connect(path)
        names = [row[0] for row in main.execute(DAY_FILES)]
        main.close()
        for file in [*(path.parent / name for name in names), path]:
            connection = connect(file)
            try:
                _empty(connection)
                keep_dictionary(connection, dictionary)
                deriver = Deriver(connection, dictionary, force=force)
                deriver.prime(context)
                deriver.learn(learnt)
                frames += derive_stored(connection, deriver)
                packets += deriver.packets
                context = last_frames(connection, 1 << 62) or context
                learnt += [row[0] for row in connection.execute("SELECT octets FROM report WHERE kind = 'structure'")]
                if file != path:
                    connection.execute("PRAGMA journal_mode = DELETE")
            finally:
                connection.close()
            if progress is not None:
                progress(frames)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    finally:
        lock.release()
    return packets


def _empty(connection: sqlite3.Connection) -> None:
    """Nothing is read out."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for view in ("command_status", "value_range"):
            connection.execute(f"DROP VIEW {view}")
        for table in DERIVED:
            connection.execute(f"DROP TABLE {table}")
        for statement in (DERIVED_TABLES + VIEWS).split(";\n"):
            connection.execute(statement)
        connection.execute("UPDATE meta SET value = 0 WHERE key = 'decoded'")
        connection.execute("COMMIT")
    except BaseException:
        undo(connection)
        raise
