"""What an archive answers, as CSV, JSON lines, Parquet, or a picture."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PeriluneError
from ..run_record import Column, Event, Mode, RunRecord
from ..telemetry.onboard_time import iso_of_unix, shown_unix
from .reader import ArchiveReader, Series

Row = dict[str, Any]
Columns = dict[str, set[type]]
# A picture has no more places than this across; the steps between are left out evenly.
PLOT_ROWS = 20_000
# Rows that become one piece of a Parquet file, and stay in memory so long.
_PARQUET_ROWS = 50_000


class ExportError(PeriluneError):
    """Something that is needed to write the file is missing."""


def iso(us: int | None) -> str:
    """POSIX microseconds as UTC text."""
    return "" if us is None else iso_of_unix(us / 1_000_000)


def value_rows(series: Iterable[Series]) -> Iterator[Row]:
    """One row for each value: times, name, raw, value, unit."""
    for one in series:
        received, onboard, raw = one.received_us.tolist(), one.onboard_us.tolist(), one.raw.tolist()
        statuses = one.time_status.tolist()
        for number in range(len(one)):
            yield {
                "received": iso(received[number]),
                **_onboard(onboard[number], statuses[number]),
                "name": one.name,
                "raw": raw[number],
                "value": one.shown(number),
                "unit": one.unit,
            }


def _onboard(us: int | None, status: int | None) -> Row:
    """onboard: UTC, or the time since the start while nobody had set the clock; onboard_utc: null then."""
    shown, utc = ("", None) if us is None else shown_unix(us, status or 0)
    return {"onboard": shown, "onboard_utc": utc}


def timed_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of the reader with their times as UTC, on-board times as `_onboard` tells them."""
    for row in rows:
        told: Row = {}
        for key, value in row.items():
            if key == "onboard_us":
                told |= _onboard(value, row["time_status"])
            elif key.endswith("_us"):
                told[key.removesuffix("_us")] = iso(value)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                told[key] = list(timed_rows(value))
            else:
                told[key] = value
        yield told


def write_json_lines(rows: Iterable[Row], file: IO[str]) -> int:
    """One JSON object a line; how many. What is no number is null."""
    count = 0
    for row in rows:
        count += 1
        file.write(json.dumps(_finite(row), separators=(",", ":"), allow_nan=False) + "\n")
    return count


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def columns_of(rows: Iterable[Row]) -> Columns:
    """The columns of rows that are not all alike, in the order in which they first come, with the types in each."""
    found: Columns = {}
    for row in rows:
        for key, value in _flat(row).items():
            types = found.setdefault(key, set())
            if value is not None:
                types.add(type(value))
    return found


def _flat(row: Row) -> Row:
    """The same row; what is nested stands as JSON."""
    return {key: json.dumps(value) if isinstance(value, (dict, list)) else value for key, value in row.items()}


def write_csv(rows: Iterable[Row], file: IO[str], columns: Columns | None = None) -> int:
    """A head line and a line for each row, RFC 4180; how many rows. What is nested stands as JSON.

    columns: of all rows, when these are not all alike; without them those of the first row. Raises ValueError for a row
    with another one.
    """
    writer: Any = None
    count = 0
    for row in rows:
        count += 1
        if writer is None:
            writer = csv.DictWriter(file, list(columns or row), restval="", lineterminator="\n")
            writer.writeheader()
        writer.writerow(_flat(row))
    return count


def write_parquet(rows: Iterable[Row], path: Path, columns: Columns | None = None) -> int:
    """A Parquet file; how many rows. Raises ExportError without pyarrow.

    columns: of all rows, when these are not all alike; what has several types in one column is text there. Without them
    columns and types are those of the first rows.
    """
    try:
        import pyarrow  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise ExportError("Parquet needs pyarrow", next_step="pip install 'perilune[parquet]'") from error
    writer = None
    count = 0
    part: list[Row] = []
    mixed = {key for key, types in (columns or {}).items() if len(types) > 1}

    def first_schema() -> Any:
        if columns:
            known = {bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64()}
            only = {key: next(iter(types)) if len(types) == 1 else str for key, types in columns.items()}
            return pyarrow.schema([(key, known.get(kind, pyarrow.string())) for key, kind in only.items()])
        found = pyarrow.Table.from_pylist(part).schema
        # What is empty in all of the first rows is text: the UTC of a clock that is set later, a name.
        return pyarrow.schema(
            [field.with_type(pyarrow.string()) if pyarrow.types.is_null(field.type) else field for field in found]
        )

    def flush() -> None:
        nonlocal writer
        if writer is None:
            writer = pyarrow.parquet.ParquetWriter(path, first_schema())
        table = pyarrow.Table.from_pylist(part, schema=writer.schema)
        writer.write_table(table)
        part.clear()

    try:
        for row in rows:
            count += 1
            # A value may be a number here and a name there: names are text of their own.
            plain = _flat(row)
            if "value" in row:
                value: Any = row["value"]
                plain["value"] = None if isinstance(value, str) else float(value)
                plain["text"] = value if isinstance(value, str) else None
                plain["raw"] = float(row["raw"])
            for key in mixed & plain.keys():
                if plain[key] is not None and not isinstance(plain[key], str):
                    plain[key] = json.dumps(plain[key])
            part.append(plain)
            if len(part) >= _PARQUET_ROWS:
                flush()
        if part:
            flush()
    finally:
        if writer is not None:
            writer.close()
    return count


# --- pictures ---------------------------------------------------------------------------------------------------------


def run_of(
    archive: ArchiveReader, series: list[Series], start_us: int | None, end_us: int | None, by: str = "received"
) -> RunRecord:
    """Parameters over time as a run for `plot`: each value holds until the next one; modes and events with them."""
    timed = [_ordered(one, by) for one in series]
    times = np.unique(np.concatenate([at for at, _ in timed])) if timed else np.empty(0, dtype=np.int64)
    if not times.size:
        raise ExportError("there are no values in that time", next_step="`perilune archive info` tells its span")
    if times.size > PLOT_ROWS:
        times = times[np.linspace(0, times.size - 1, PLOT_ROWS).astype(np.int64)]
    data = np.full((times.size, len(series)), np.nan, dtype=np.float32)
    for number, (at, values) in enumerate(timed):
        if at.size:
            places = np.searchsorted(at, times, side="right") - 1
            held = places >= 0
            data[held, number] = values[places[held]].astype(np.float32)
    begin, end = int(times[0]), int(times[-1])
    modes, events = [], []
    bounds = (start_us, end_us) if by == "received" else (None, None)
    for event in sorted(archive.events(*bounds), key=lambda event: int(event[f"{by}_us"])):
        if begin <= event[f"{by}_us"] <= end:
            at_s = (event[f"{by}_us"] - begin) / 1_000_000
            events.append(Event(at_s, event["severity"], event["name"], event["text"]))
            if event["name"] == "modes.changed":
                modes.append(Mode(at_s, str(event["fields"]["after"])))
    shown = iso(begin)
    if by == "onboard":
        statuses = [int(one.time_status[one.onboard_us == begin][0]) for one in series if begin in one.onboard_us]
        shown = shown_unix(begin, max(statuses, default=0))[0]
    title = f"{archive.path.name} from {shown}"
    return RunRecord(title, _columns(series), (times - begin) / 1e6, data, modes, events, {f"{by} from": shown})


def _ordered(one: Series, by: str) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Times and values in the order of those times."""
    if by == "received":
        return one.received_us, one.engineering
    order = np.argsort(one.onboard_us, kind="stable")
    return one.onboard_us[order], one.engineering[order]


def _columns(series: list[Series]) -> list[Column]:
    """A panel for each subsystem, and for each unit in it."""
    units: dict[str, set[str]] = {}
    for one in series:
        units.setdefault(one.name.partition(".")[0], set()).add(one.unit)
    columns = []
    for one in series:
        subsystem = one.name.partition(".")[0]
        alone = len(units[subsystem]) == 1
        columns.append(Column(one.name, one.unit, subsystem if alone else f"{subsystem} ({one.unit or '-'})", one.name))
    return columns
