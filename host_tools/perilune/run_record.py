"""A recorded run: columns over time, with modes and events, in one file.

Lives here: writing and reading the file. Does not live here: pictures of it (plot.py).

The file is a NumPy archive (.npz, a ZIP of .npy arrays) that any NumPy reads:
  time_s       float64, seconds since the start of the run, rising
  data         float32, one row for each time, one column for each entry of "columns"; NaN where there was no value
  meta         text, JSON: {"format": 1, "title", "columns": [{"name", "unit", "group", "label", "low", "high"}],
               "modes": [[time_s, name]], "events": [[time_s, severity, name, text]], "facts": {name: value}}
Columns of one group share a panel in a plot; low and high are limits, null where there is none. A column of the name
sun_elevation_deg tells where night is.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from perilune.errors import PeriluneError

FORMAT = 1
Severity = Literal["info", "low", "medium", "high"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
SUN_COLUMN = "sun_elevation_deg"


class RunRecordError(PeriluneError):
    """A file that is no recorded run."""


@dataclass(frozen=True)
class Column:
    """One value over time. `group` names the panel; `low` and `high` are limits in the column's unit."""

    name: str
    unit: str = ""
    group: str = ""
    label: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def text(self) -> str:
        """What a reader sees."""
        return self.label or self.name


@dataclass(frozen=True)
class Mode:
    """A mode that began at a time."""

    time_s: float
    name: str


@dataclass(frozen=True)
class Event:
    """Something that happened; severity is one of SEVERITIES, after the four of PUS service 5."""

    time_s: float
    severity: str
    name: str
    text: str = ""


@dataclass
class RunRecord:
    """A recorded run in memory. `data` has a row for each time and a column for each of `columns`."""

    title: str
    columns: list[Column]
    time_s: NDArray[np.float64]
    data: NDArray[np.float32]
    modes: list[Mode] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    facts: dict[str, str | float] = field(default_factory=dict)

    def column(self, name: str) -> NDArray[np.float32]:
        """Values of one column. Raises KeyError."""
        for k, column in enumerate(self.columns):
            if column.name == name:
                values: NDArray[np.float32] = self.data[:, k]
                return values
        raise KeyError(f"run has no column {name!r}; it has {', '.join(c.name for c in self.columns)}")

    def groups(self) -> dict[str, list[int]]:
        """Places of the columns by group, in the order of the file; columns without a group are left out."""
        found: dict[str, list[int]] = {}
        for k, column in enumerate(self.columns):
            if column.group:
                found.setdefault(column.group, []).append(k)
        return found

    def nights(self) -> list[tuple[float, float]]:
        """Times in s between which the sun was down; empty without a column of the sun."""
        try:
            down = self.column(SUN_COLUMN) < 0.0
        except KeyError:
            return []
        edges = np.flatnonzero(np.diff(np.concatenate([[False], down, [False]]).astype(np.int8)))
        last = len(self.time_s) - 1
        return [
            (float(self.time_s[a]), float(self.time_s[min(int(b), last)]))
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]


class RunRecorder:
    """Collects a run and writes it.

        with RunRecorder(path, "night at 45 degrees", columns) as run:
            run.sample(t, {"soc": 0.8}); run.mode(t, "SURVIVAL"); run.event(t, "high", "FEED_LOST")

    The file is written whole, beside and then renamed: at the end, also on an exception, and with every `flush`.
    """

    def __init__(self, path: Path, title: str, columns: Sequence[Column]) -> None:
        names = [c.name for c in columns]
        if len(set(names)) != len(names):
            raise ValueError(f"run record: expected each column name once, found {names}")
        self.path = path
        self._title = title
        self._columns = list(columns)
        self._times: list[float] = []
        self._rows: list[list[float]] = []
        self._modes: list[Mode] = []
        self._events: list[Event] = []
        self.facts: dict[str, str | float] = {}

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    def sample(self, time_s: float, values: Mapping[str, float]) -> None:
        """Add a row; columns that `values` lacks are NaN. Raises ValueError when the time goes backwards."""
        if self._times and time_s < self._times[-1]:
            raise ValueError(f"run record: expected a time from {self._times[-1]} s, found {time_s} s")
        self._times.append(time_s)
        self._rows.append([float(values.get(c.name, math.nan)) for c in self._columns])

    def mode(self, time_s: float, name: str) -> None:
        """Note that a mode began; the one that already is, is not noted again."""
        if not self._modes or self._modes[-1].name != name:
            self._modes.append(Mode(time_s, name))

    def event(self, time_s: float, severity: str, name: str, text: str = "") -> None:
        """Note an event. Raises ValueError for a severity that is not one of SEVERITIES."""
        if severity not in SEVERITIES:
            raise ValueError(f"run record: expected a severity out of {', '.join(SEVERITIES)}, found {severity!r}")
        self._events.append(Event(time_s, severity, name, text))

    def record(self) -> RunRecord:
        """What was collected so far."""
        shape = (len(self._rows), len(self._columns))
        data = np.array(self._rows, dtype=np.float32).reshape(shape)
        times = np.array(self._times, dtype=np.float64)
        return RunRecord(self._title, self._columns, times, data, self._modes, self._events, self.facts)

    def flush(self) -> None:
        """Write what was collected so far."""
        write_run(self.path, self.record())


def write_run(path: Path, run: RunRecord) -> None:
    """Write a run; a file of the name is replaced at once and whole."""
    meta = {
        "format": FORMAT,
        "title": run.title,
        "columns": [asdict(c) for c in run.columns],
        "modes": [[m.time_s, m.name] for m in run.modes],
        "events": [[e.time_s, e.severity, e.name, e.text] for e in run.events],
        "facts": run.facts,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        np.savez_compressed(file, time_s=run.time_s, data=run.data, meta=np.array(json.dumps(meta)))
    beside.replace(path)


class _Meta(msgspec.Struct):
    """What "meta" holds."""

    title: str
    columns: list[Column]
    modes: list[tuple[float, str]]
    events: list[tuple[float, Severity, str, str]]
    facts: dict[str, str | float] = {}


# What NumPy and zipfile raise for a file that is another one, or damaged.
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    AttributeError,
    RuntimeError,  # "encrypted"; RecursionError and NotImplementedError (how it is compressed) are of this kind
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_run(path: Path) -> RunRecord:
    """Read a run. Raises RunRecordError with what is wrong with the file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            time_s, data = archive["time_s"].astype(np.float64), archive["data"].astype(np.float32)
            meta: Any = json.loads(str(archive["meta"]))
    except FileNotFoundError as error:
        raise RunRecordError(str(path), expected="a recorded run", found="no file", next_step="record one") from error
    except _UNREADABLE as error:
        # What NumPy says of another file is about pickles.
        found = (error.strerror or str(error)) if isinstance(error, OSError) and error.errno else "another kind of file"
        raise RunRecordError(
            f"{path} is not a recorded run",
            expected="a recorded run (.npz)",
            found=found,
            next_step="`perilune seq rehearse FILE --record RUN.npz` makes one; an archive has `perilune archive plot`",
        ) from error
    found_format = meta.get("format") if isinstance(meta, dict) else None
    if found_format != FORMAT:
        found = f"format {found_format}"
        raise RunRecordError(str(path), expected=f"format {FORMAT}", found=found, next_step="record the run again")
    try:
        told = msgspec.convert(meta, _Meta)
    except msgspec.ValidationError as error:
        raise RunRecordError(str(path), expected="title, columns, modes and events", found=str(error)) from error
    if time_s.ndim != 1 or data.shape != (len(time_s), len(told.columns)):
        expected = f"{time_s.size} rows of {len(told.columns)} values"
        raise RunRecordError(str(path), expected=expected, found=f"shape {data.shape}")
    modes = [Mode(*mode) for mode in told.modes]
    events = [Event(*event) for event in told.events]
    return RunRecord(told.title, told.columns, time_s, data, modes, events, told.facts)
