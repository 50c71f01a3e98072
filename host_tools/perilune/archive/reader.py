"""Questions to an archive: values of a parameter over time, events, reports, commands. Days that were detached are
asked too.

Times are POSIX microseconds, from start (included) to end (not included); None: no bound. By the receive time, unless
`by="onboard"`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .layout import DAY_FILES, DAY_US, TIMED, ArchiveError, connect_to_read, meta, unusable

BY = ("received", "onboard")
_FIRST = -(1 << 62)
_LAST = 1 << 62


class Series(msgspec.Struct):
    """Values of one parameter in the order of their receive times.

    time_status: of each on-board time (0: nobody had set the clock). names: of enumerated values, by raw number.
    """

    name: str
    unit: str
    received_us: NDArray[np.int64]
    onboard_us: NDArray[np.int64]
    time_status: NDArray[np.uint8]
    raw: NDArray[Any]
    engineering: NDArray[Any]
    names: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.received_us)

    def shown(self, number: int) -> str | float | int:
        """The value of that place: its name where it has one, else the engineering value."""
        value: float | int = self.engineering[number].item()
        return self.names.get(int(value), value) if self.names else value


class ParameterRow(msgspec.Struct, frozen=True):
    """A parameter as an archive knows it. file: where its values are."""

    id: int
    name: str
    dictionary: str
    type: str
    unit: str
    coefficients: tuple[float, ...]
    names: dict[str, int]


class _File(msgspec.Struct):
    """One SQLite file of the archive, and spans of receive time whose rows in it do not count."""

    connection: sqlite3.Connection
    first_us: int
    end_us: int
    without: list[tuple[int, int]]


class ArchiveReader:
    """Reads an archive; a writer may be at work on it meanwhile. Raises ArchiveError when it cannot."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._main = connect_to_read(self.path)
        self._days: dict[str, sqlite3.Connection] = {}

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hold(self) -> None:
        """Answer from now on as of the next question, whatever a writer does meanwhile."""
        try:
            self._main.execute("BEGIN")
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    def close(self) -> None:
        """Leave the files."""
        self._main.close()
        for connection in self._days.values():
            connection.close()

    # --- values -------------------------------------------------------------------------------------------------------

    def parameters(self) -> list[ParameterRow]:
        """All parameters that have values, in the main file or in that of a day; each once for each dictionary."""
        found: dict[tuple[str, str], ParameterRow] = {}
        for file in self._files(_FIRST, _LAST):
            for row in self._rows(file.connection, _PARAMETERS + " ORDER BY name"):
                parameter = _parameter(row)
                found.setdefault((parameter.name, parameter.dictionary), parameter)
        return [found[key] for key in sorted(found)]

    def values(self, name: str, start_us: int | None = None, end_us: int | None = None, by: str = "received") -> Series:
        """Values of a parameter. Raises ArchiveError for a name that the archive does not know."""
        if by not in BY:
            raise ArchiveError(f"no time {by}", expected=" or ".join(BY), found=by)
        start, end = _FIRST if start_us is None else start_us, _LAST if end_us is None else end_us
        parts: list[_Part] = []
        known = False
        for file in self._files(start, end) if by == "received" else self._files(_FIRST, _LAST):
            for row in self._rows(file.connection, _PARAMETERS + " WHERE name = ?", name):
                known = True
                parts += self._chunks(file, _parameter(row), start, end, by)
        if not known and not any(row.name == name for row in self.parameters()):
            raise self._unknown(name)
        return _series(name, parts)

    def daily_values(self, name: str, start_us: int | None = None, end_us: int | None = None) -> Iterator[Series]:
        """The same by receive time, a day at a time: memory for a day's values is enough for years of them."""
        first, last = self.span()
        if first is None or last is None:
            raise self._unknown(name)
        begin = first if start_us is None else max(first, start_us)
        end = last + 1 if end_us is None else min(last + 1, end_us)
        while True:
            part_end = min((begin // DAY_US + 1) * DAY_US, end)
            series = self.values(name, begin, part_end)  # the first one also complains about an unknown name
            if len(series):
                yield series
            begin = part_end
            if begin >= end:
                return

    def span(self) -> tuple[int | None, int | None]:
        """First and last receive time of all frames; None while there are none."""
        found = [
            self._rows(file.connection, "SELECT min(received_us), max(received_us) FROM frame")[0]
            for file in self._files(_FIRST, _LAST)
        ]
        spans = [(first, last) for first, last in found if first is not None]
        if not spans:
            return None, None
        return min(first for first, _ in spans), max(last for _, last in spans)

    def _unknown(self, name: str) -> ArchiveError:
        import difflib  # noqa: PLC0415  # only for those who mistype

        near = difflib.get_close_matches(name, {row.name for row in self.parameters()}, 3)
        step = f"did you mean {', '.join(near)}?" if near else "`perilune archive info --parameters` lists all"
        return ArchiveError(f"the archive has no values of {name}", next_step=step)

    def _chunks(self, file: _File, parameter: ParameterRow, start: int, end: int, by: str) -> list[_Part]:
        dtype = np.dtype(f"<{parameter.type}")
        bounds = (start, end) if by == "received" else (_FIRST, _LAST)
        rows = self._rows(file.connection, _VALUES, parameter.id, bounds[1], bounds[0])
        parts = []
        for received_octets, onboard_octets, time_status, octets in rows:
            received = np.frombuffer(received_octets, dtype="<i8")
            onboard = np.frombuffer(onboard_octets, dtype="<i8")
            raw = np.frombuffer(octets, dtype=dtype)
            times = received if by == "received" else onboard
            wanted = (times >= start) & (times < end)
            for first, last in file.without:
                wanted &= (received < first) | (received >= last)
            if not wanted.all():
                received, onboard, raw = received[wanted], onboard[wanted], raw[wanted]
            if len(received):
                parts.append(_Part(parameter, received, onboard, time_status, raw))
        return parts

    # --- rows ---------------------------------------------------------------------------------------------------------

    def events(
        self, start_us: int | None = None, end_us: int | None = None, name: str = "", severity: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Events: received_us, onboard_us, time_status, name, severity, text, fields."""
        query = (
            "SELECT event.received_us, event.onboard_us, report.time_status, event.name, event.severity, event.text, "
            "report.content "
            "FROM event JOIN report ON report.id = event.report WHERE event.received_us >= ? AND event.received_us < ?"
        )
        parameters: list[object] = []
        for column, wanted in (("name", name), ("severity", severity)):
            if wanted:
                query += f" AND event.{column} = ?"
                parameters.append(wanted)
        for row in self._timed(query + " ORDER BY event.received_us, event.report", start_us, end_us, *parameters):
            fields = msgspec.json.decode(row[6]).get("fields", {})
            yield {
                "received_us": row[0],
                "onboard_us": row[1],
                "time_status": row[2],
                "name": row[3],
                "severity": row[4],
                "text": row[5],
                "fields": {key: value["text"] or value["engineering"] for key, value in fields.items()},
            }

    def reports(
        self, start_us: int | None = None, end_us: int | None = None, kind: str = ""
    ) -> Iterator[dict[str, Any]]:
        """All packets but housekeeping, with what they say. kind: a tag of reports.py, undecodable among them."""
        query = (
            "SELECT received_us, onboard_us, time_status, vcid, service, subtype, sequence, kind, octets, content "
            "FROM report WHERE received_us >= ? AND received_us < ?" + (" AND kind = ?" if kind else "")
        )
        wanted = [kind] if kind else []
        for row in self._timed(query + " ORDER BY received_us, id", start_us, end_us, *wanted):
            yield {
                "received_us": row[0],
                "onboard_us": row[1],
                "time_status": row[2],
                "vcid": row[3],
                "type": f"{row[4]}/{row[5]}",
                "sequence_count": row[6],
                "report": row[7],
                "raw": row[8].hex(),
                **msgspec.json.decode(row[9]),
            }

    def commands(self, start_us: int | None = None, end_us: int | None = None) -> Iterator[dict[str, Any]]:
        """Telecommands with their delivery and their verification, stage by stage."""
        query = (
            "SELECT id, sent_us, request_id, text, source, packet, delivery, delivery_us FROM command "
            "WHERE sent_us >= ? AND sent_us < ? ORDER BY sent_us, id"
        )
        for file in self._bounded(start_us, end_us):
            for row in self._rows_of(file, query, 1):
                stages = self._rows(file.connection, _STAGES, row[0])
                yield {
                    "sent_us": row[1],
                    "request_id": row[2],
                    "text": row[3],
                    "source": row[4],
                    "packet": row[5].hex(),
                    "delivery": row[6],
                    "delivery_us": row[7],
                    "verification": [dict(zip(_STAGE, stage, strict=True)) for stage in stages],
                }

    def gaps(self, start_us: int | None = None, end_us: int | None = None) -> Iterator[dict[str, Any]]:
        """What is missing by its counters: kind is frame, packet, or a report type; vcid -1 is the master channel."""
        query = "SELECT received_us, kind, vcid, missing FROM gap WHERE received_us >= ? AND received_us < ?"
        for row in self._timed(query + " ORDER BY received_us, id", start_us, end_us):
            yield dict(zip(("received_us", "kind", "vcid", "missing"), row, strict=True))

    def faults(self, start_us: int | None = None, end_us: int | None = None) -> Iterator[dict[str, Any]]:
        """What the line dropped."""
        query = "SELECT received_us, reason, octets FROM fault WHERE received_us >= ? AND received_us < ?"
        for row in self._timed(query + " ORDER BY received_us, id", start_us, end_us):
            yield dict(zip(("received_us", "reason", "octets"), row, strict=True))

    def frames(self, start_us: int | None = None, end_us: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Receive time and octets of each frame."""
        query = "SELECT received_us, octets FROM frame WHERE received_us >= ? AND received_us < ?"
        yield from self._timed(query + " ORDER BY received_us, id", start_us, end_us)

    def info(self) -> dict[str, Any]:
        """What is in it: counts, span of time, dictionaries, gaps, drops, day files."""
        found: dict[str, Any] = {"path": str(self.path), "dictionary": meta(self._main, "dictionary")}
        totals = dict.fromkeys(("frame", "report", "event", "command", "chunk", "gap", "fault"), 0)
        samples = undecodable = 0
        for file in self._files(_FIRST, _LAST):
            for table in totals:
                totals[table] += self._count(file, f"SELECT count(*) FROM {table}", TIMED[table])
            samples += self._count(file, "SELECT coalesce(sum(count), 0) FROM chunk", "first_us")
            undecodable += self._count(file, "SELECT count(*) FROM report WHERE kind = 'undecodable'", "received_us")
        found |= {f"{name}s": count for name, count in totals.items()}
        found["housekeeping_reports"] = samples
        found["undecodable"] = undecodable
        found["first_us"], found["last_us"] = self.span()
        found["day_files"] = [row[0] for row in self._rows(self._main, DAY_FILES)]
        found["octets"] = self.path.stat().st_size
        return found

    # --- files --------------------------------------------------------------------------------------------------------

    def _files(self, start: int, end: int) -> Iterator[_File]:
        """The files with rows between these times, oldest first, the main one last."""
        days = self._rows(self._main, DAY_FILES)
        for name, first, last, _ in days:
            if first < end and last > start:
                if name not in self._days:
                    self._days[name] = connect_to_read(self.path.parent / name)
                yield _File(self._days[name], start, end, [])
        # A day that is on its way into its file has rows in both.
        yield _File(self._main, start, end, [(first, last) for _, first, last, moved in days if not moved])

    def _bounded(self, start_us: int | None, end_us: int | None) -> Iterator[_File]:
        return self._files(_FIRST if start_us is None else start_us, _LAST if end_us is None else end_us)

    def _timed(self, query: str, start_us: int | None, end_us: int | None, *parameters: object) -> Iterator[Any]:
        """Rows whose first column is the time that counts."""
        for file in self._bounded(start_us, end_us):
            yield from self._rows_of(file, query, 0, *parameters)

    def _rows_of(self, file: _File, query: str, time: int, *parameters: object) -> Iterator[Any]:
        try:
            for row in file.connection.execute(query, (file.first_us, file.end_us, *parameters)):
                if not any(first <= row[time] < last for first, last in file.without):
                    yield row
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    def _rows(self, connection: sqlite3.Connection, query: str, *parameters: object) -> list[Any]:
        try:
            return connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    def _count(self, file: _File, query: str, column: str) -> int:
        where = [f"NOT ({column} >= {first} AND {column} < {last})" for first, last in file.without]
        if where:
            query += (" AND " if " WHERE " in query else " WHERE ") + " AND ".join(where)
        return int(self._rows(file.connection, query)[0][0])


class _Part(msgspec.Struct):
    parameter: ParameterRow
    received: NDArray[np.int64]
    onboard: NDArray[np.int64]
    time_status: int
    raw: NDArray[Any]


_PARAMETERS = "SELECT id, name, dictionary, type, unit, calibration, names FROM parameter"
_VALUES = (
    "SELECT chunk.received, chunk.onboard, chunk.time_status, value.octets "
    "FROM value JOIN chunk ON chunk.id = value.chunk "
    "WHERE value.parameter = ? AND value.first_us < ? AND value.last_us >= ? ORDER BY value.first_us, value.id"
)
_STAGE = ("received_us", "onboard_us", "time_status", "stage", "success", "step", "failure")
_STAGES = (
    "SELECT verification.received_us, verification.onboard_us, report.time_status, stage, success, step, failure "
    "FROM verification JOIN report ON report.id = verification.report "
    "WHERE command = ? ORDER BY verification.received_us, verification.report"
)


def _parameter(row: Any) -> ParameterRow:
    coefficients = tuple(msgspec.json.decode(row[5]))
    return ParameterRow(row[0], row[1], row[2], row[3], row[4], coefficients, msgspec.json.decode(row[6]))


def _series(name: str, parts: list[_Part]) -> Series:
    """One series, in the order of receive times, then of on-board times: it may be in several structures."""
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Series(name, "", nothing, nothing, nothing.astype(np.uint8), nothing, nothing)
    received = np.concatenate([part.received for part in parts])
    onboard = np.concatenate([part.onboard for part in parts])
    status = np.concatenate([np.full(len(part.received), part.time_status, dtype=np.uint8) for part in parts])
    raw = np.concatenate([part.raw for part in parts])
    engineering = np.concatenate([_calibrated(part) for part in parts])
    steps = np.diff(received)
    if np.any(steps < 0) or np.any((steps == 0) & (np.diff(onboard) < 0)):
        order = np.lexsort((onboard, received))
        received, onboard, status = received[order], onboard[order], status[order]
        raw, engineering = raw[order], engineering[order]
    last = parts[-1].parameter
    names = {number: text for text, number in last.names.items()}
    return Series(name, last.unit, received, onboard, status, raw, engineering, names)


def _calibrated(part: _Part) -> NDArray[Any]:
    if not part.parameter.coefficients:
        return part.raw
    result: NDArray[Any] = np.polynomial.polynomial.polyval(
        part.raw.astype(np.float64), np.array(part.parameter.coefficients)
    )
    return result
