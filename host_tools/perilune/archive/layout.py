"""Tables of an archive, and how one is opened. The same in the main file and in the files of single days.

Two halves. What came from outside is written once and only ever moved: `frame`, `fault`, `command`. All else is read
out of it with a dictionary and can be made again (days.py): `report`, `event`, `verification`, `gap`, `chunk`, `value`.
A row `meta.decoded` says up to which frame that is done; it changes in the same transaction as what was read, so a
process that dies at any moment leaves both halves whole, and the next one goes on there.

Times: `_us` is POSIX time in microseconds (leap seconds not counted), received by the clock of this machine, onboard as
the board wrote it (its exact CUC is in the frame). In SQL: datetime(received_us / 1000000, 'unixepoch').

Values of housekeeping are columns. A row of `chunk` is up to CHUNK_SAMPLES reports of one structure within one UTC day:
three arrays, little-endian, one element for each report: `received` and `onboard` (64-bit integers, us), `sequence`
(16 bits, packet sequence count). For each parameter in it a row of `value` has the raw values, an array of the type in
`parameter.type` (NumPy's name: u1, i2, f4, ...), and in engineering units the least, the greatest and the last of them.
`parameter` has unit, calibration (polynomial, lowest power first) and names of values, for each dictionary its own.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..errors import PeriluneError

FORMAT = 1
DAY_US = 86_400_000_000
# A kilobyte or some for each parameter: rows that are worth their overhead, and a day of a 1 Hz structure in 22 rows.
CHUNK_SAMPLES = 4096
# `value.id` is chunk * COLUMNS + column: more columns than a report has bits for is never needed.
COLUMNS = 8192
# Another process may be at work on the file; a writer of this one is patient, as none holds its lock for long.
BUSY_S = 30.0

RAW_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dictionary (hash TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frame (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_us INTEGER NOT NULL, octets BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS frame_received ON frame (received_us);
CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_us INTEGER NOT NULL, reason TEXT NOT NULL,
    octets INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS fault_received ON fault (received_us);
CREATE TABLE IF NOT EXISTS command (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sent_us INTEGER NOT NULL, request_id INTEGER NOT NULL, text TEXT NOT NULL,
    source TEXT NOT NULL, packet BLOB NOT NULL, delivery TEXT NOT NULL DEFAULT '', delivery_us INTEGER);
CREATE INDEX IF NOT EXISTS command_request ON command (request_id, sent_us);
CREATE INDEX IF NOT EXISTS command_sent ON command (sent_us);
CREATE TABLE IF NOT EXISTS day_file (
    name TEXT PRIMARY KEY, first_us INTEGER NOT NULL, end_us INTEGER NOT NULL, moved INTEGER NOT NULL) WITHOUT ROWID;
"""

DERIVED = ("report", "event", "verification", "gap", "chunk", "value", "parameter")
DERIVED_TABLES = """
CREATE TABLE IF NOT EXISTS report (
    id INTEGER PRIMARY KEY AUTOINCREMENT, frame INTEGER NOT NULL, received_us INTEGER NOT NULL, onboard_us INTEGER,
    time_status INTEGER, vcid INTEGER NOT NULL, service INTEGER, subtype INTEGER, sequence INTEGER, kind TEXT NOT NULL,
    octets BLOB NOT NULL, content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS report_received ON report (received_us);
CREATE INDEX IF NOT EXISTS report_type ON report (service, subtype, received_us);
CREATE TABLE IF NOT EXISTS event (
    report INTEGER PRIMARY KEY, received_us INTEGER NOT NULL, onboard_us INTEGER NOT NULL, name TEXT NOT NULL,
    severity TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS event_received ON event (received_us);
CREATE INDEX IF NOT EXISTS event_name ON event (name, received_us);
CREATE TABLE IF NOT EXISTS verification (
    report INTEGER PRIMARY KEY, command INTEGER, request_id INTEGER NOT NULL, received_us INTEGER NOT NULL,
    onboard_us INTEGER NOT NULL, stage TEXT NOT NULL, success INTEGER NOT NULL, step INTEGER, failure TEXT);
CREATE INDEX IF NOT EXISTS verification_command ON verification (command);
CREATE INDEX IF NOT EXISTS verification_received ON verification (received_us);
CREATE TABLE IF NOT EXISTS gap (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_us INTEGER NOT NULL, frame INTEGER NOT NULL, kind TEXT NOT NULL,
    vcid INTEGER NOT NULL, missing INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS gap_received ON gap (received_us);
CREATE TABLE IF NOT EXISTS parameter (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, dictionary TEXT NOT NULL, point INTEGER NOT NULL, type TEXT NOT NULL,
    unit TEXT NOT NULL, calibration TEXT NOT NULL, names TEXT NOT NULL, UNIQUE (name, dictionary));
CREATE TABLE IF NOT EXISTS chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT, sid INTEGER NOT NULL, structure TEXT NOT NULL, vcid INTEGER NOT NULL,
    time_status INTEGER NOT NULL, count INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
    received BLOB NOT NULL, onboard BLOB NOT NULL, sequence BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunk_first ON chunk (first_us);
CREATE TABLE IF NOT EXISTS value (
    id INTEGER PRIMARY KEY, parameter INTEGER NOT NULL, chunk INTEGER NOT NULL, first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL, low REAL, high REAL, last REAL, octets BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS value_time ON value (parameter, first_us, last_us);
"""

VIEWS = """
CREATE VIEW IF NOT EXISTS command_status AS
    SELECT command.id, datetime(sent_us / 1000000, 'unixepoch') AS sent, text, source, delivery,
        verification.stage, verification.success, verification.failure
    FROM command LEFT JOIN verification ON verification.report =
        (SELECT max(report) FROM verification WHERE verification.command = command.id);
CREATE VIEW IF NOT EXISTS value_range AS
    SELECT name, unit, datetime(first_us / 1000000, 'unixepoch') AS first,
        datetime(last_us / 1000000, 'unixepoch') AS last_time, low, high, last
    FROM value JOIN parameter ON parameter.id = value.parameter;
"""

# Columns of received time, by which rows go into the file of their day.
TIMED = {
    "frame": "received_us",
    "fault": "received_us",
    "command": "sent_us",
    "report": "received_us",
    "event": "received_us",
    "verification": "received_us",
    "gap": "received_us",
    "chunk": "first_us",
    "value": "first_us",
}


# The files of days, oldest first: day.sqlite, then day-2.sqlite, ... of what came to a day after it had gone.
DAY_FILES = "SELECT name, first_us, end_us, moved FROM day_file ORDER BY first_us, length(name), name"


class ArchiveError(PeriluneError):
    """A file that is no archive, is in use, or cannot be read or written."""


def connect(path: Path, *, durable: bool = False) -> sqlite3.Connection:
    """Open or create the archive in *path* for writing. Raises ArchiveError.

    Transactions are explicit. A committed one survives the end of the process, however it ends; with `durable` also the
    end of the power (each commit then waits for the disk).
    """
    with _opening(path, str(path), uri=False) as connection:
        # What somebody else has made is looked at before anything is changed in it.
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
            check_format(connection, path)
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA cache_size = -16384")
        # Both processes of a race may create: the tables are made where they are not there yet.
        connection.execute("BEGIN IMMEDIATE")
        for statement in (RAW_TABLES + DERIVED_TABLES + VIEWS).split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?), ('decoded', 0)", (FORMAT,))
        connection.execute("COMMIT")
        check_format(connection, path)
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the archive in *path* for reading; a writer may be at work on it. Raises ArchiveError."""
    if not path.is_file():
        raise ArchiveError(
            f"no archive {path}", next_step="`perilune link PORT --archive FILE` or `perilune archive ingest` makes one"
        )
    with _opening(path, f"{path.absolute().as_uri()}?mode=ro", uri=True) as connection:
        check_format(connection, path)
    return connection


@contextlib.contextmanager
def _opening(path: Path, name: str, *, uri: bool) -> Iterator[sqlite3.Connection]:
    """A connection that is closed again should its first steps fail. Raises ArchiveError."""
    try:
        connection = sqlite3.connect(name, timeout=BUSY_S, isolation_level=None, uri=uri)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        yield connection
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except ArchiveError:
        connection.close()
        raise


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raises ArchiveError for what is no archive, and for an archive of another format."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(meta)")}
    found = meta(connection, "format") if {"key", "value"} <= columns else None
    if found is None:
        raise ArchiveError(
            f"{path} is no archive",
            expected="an SQLite file made by perilune",
            found="a database without its format",
            next_step="check the name",
        )
    if found != FORMAT:
        raise ArchiveError(
            f"{path} has another format",
            expected=str(FORMAT),
            found=str(found),
            next_step="use the version that made it",
        )


def meta(connection: sqlite3.Connection, key: str) -> object:
    """A value of `meta`, None when it is not there."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def unusable(path: Path, error: sqlite3.Error) -> ArchiveError:
    """What to tell about *error*."""
    if "locked" in str(error):
        step = "another program holds the file; wait for it"
    elif "malformed" in str(error):
        step = "the file is damaged; `sqlite3 FILE .recover` brings out what can still be read"
    elif "disk" in str(error) or "full" in str(error):
        step = "make room on the disk"
    else:
        step = "check the name; an archive is an SQLite file made by perilune"
    return ArchiveError(f"cannot use the archive {path}", found=str(error), next_step=step)
