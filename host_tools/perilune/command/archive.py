"""Keep what came down, and ask for it: values, events, reports and commands over time, with gaps and raw frames.

examples:

    perilune archive ingest ARCHIVE.sqlite downlink.bin --dictionary mission/
    perilune archive info ARCHIVE.sqlite
    perilune archive query ARCHIVE.sqlite core.load_permille --from 2026-11-21 --to 2026-11-22T06:00
    perilune archive query ARCHIVE.sqlite --events
    perilune archive export ARCHIVE.sqlite core.load_permille thermal.battery_c --csv values.csv
    perilune archive plot ARCHIVE.sqlite core.load_permille --png load.png
    perilune archive replay ARCHIVE.sqlite --dictionary mission/
    perilune archive detach ARCHIVE.sqlite --before 2026-11-01

Times are UTC, by the receive time unless --onboard. An archive is an SQLite file: perilune/archive/layout.py says what
is in its tables. `perilune link PORT --archive FILE` fills one while it listens.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..archive.reader import ArchiveReader
    from ..dictionary.model import Dictionary

SUMMARY = "keep frames, and ask for values, events and commands over time"
PROGRESS_ROWS = 10_000
UNPRINTED = ("fields", "packet", "raw", "onboard_utc", "time_status")
KINDS = ("events", "reports", "commands", "gaps", "faults", "undecodable")
REPORTS = ("reports", "undecodable")  # rows that are not all alike


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        example = next(line.strip() for line in (__doc__ or "").splitlines() if f"perilune archive {name}" in line)
        sub = actions.add_parser(
            name,
            help=summary,
            description=f"{summary}\n\nexample:\n\n    {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("archive", type=Path, metavar="ARCHIVE", help="the archive's SQLite file")
        sub.set_defaults(act=run)
        if name not in ("info", "query", "detach"):
            sub.add_argument("--json", action="store_true", help="what was done, as one JSON object")
        return sub

    sub = action(
        "ingest", "store a recording of the downlink (octets of the line, or frames with their markers)", _ingest
    )
    sub.add_argument("recording", type=Path, help="file with the octets")
    sub.add_argument("--received", type=_time, metavar="TIME", help="when it came (default: the file's own time)")
    sub.add_argument("--rate", type=_rate, default=0.0, metavar="OCTETS", help="octets a second that it came with")
    sub.add_argument("--durable", action="store_true", help="wait for the disk at each commit, against power cuts")
    _dictionary(sub)
    sub = action("replay", "read everything out of the frames again, with another dictionary", _replay)
    _dictionary(sub)
    sub = action("info", "what is in an archive", _info)
    sub.add_argument("--parameters", action="store_true", help="list the parameters that have values")
    sub.add_argument("--json", action="store_true", help="as one JSON object")
    sub = action("query", "print values, events, reports, commands, gaps", _query)
    _selection(sub)
    sub.add_argument("--json", action="store_true", help="one JSON object a line")
    sub = action("export", "write values, events, reports, commands, gaps to a file", _export)
    _selection(sub)
    formats = sub.add_mutually_exclusive_group(required=True)
    formats.add_argument("--csv", type=Path, metavar="FILE")
    formats.add_argument("--jsonl", type=Path, metavar="FILE", help="JSON, one object a line")
    formats.add_argument("--parquet", type=Path, metavar="FILE", help="needs perilune[parquet]")
    sub = action("plot", "draw parameters over time as PNG and as a page that zooms", _plot)
    _selection(sub, kinds=False)
    sub.add_argument("--png", type=Path, help="PNG to write (default: beside the archive)")
    sub.add_argument("--html", type=Path, help="page to write (default: beside the archive)")
    sub = action("detach", "move old days into files of their own; queries still find them", _detach)
    sub.add_argument("--before", type=_date, required=True, metavar="DATE", help="first day to stay")
    sub.add_argument("--json", action="store_true", help="one JSON object a line")


def _dictionary(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dictionary",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="the mission's dictionary folder, beside the core's; default: the one that the archive holds",
    )
    parser.add_argument("--force", action="store_true", help="use it though the board speaks another one")


def _selection(parser: argparse.ArgumentParser, kinds: bool = True) -> None:
    parser.add_argument(
        "parameters", nargs="*" if kinds else "+", metavar="PARAMETER", help="such as core.load_permille"
    )
    parser.add_argument("--from", dest="start", type=_time, metavar="TIME", help="UTC, such as 2026-11-21T06:00")
    parser.add_argument("--to", dest="end", type=_time, metavar="TIME", help="UTC, not included")
    parser.add_argument("--onboard", action="store_true", help="times are on-board times")
    if kinds:
        group = parser.add_mutually_exclusive_group()
        for kind in KINDS:
            group.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind)


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no date; write it as 2026-11-21") from error


def _rate(text: str) -> float:
    """Octets a second."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 1 <= rate < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no rate; give octets a second, such as 11520")
    return rate


def _time(text: str) -> int:
    """POSIX microseconds."""
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no time; give UTC as 2026-11-21 or 2026-11-21T06:00:00") from error
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.UTC)
    return round(time.timestamp() * 1_000_000)


def run(arguments: argparse.Namespace) -> int:
    status: int = arguments.act(arguments)
    return status


def _load(arguments: argparse.Namespace) -> Dictionary:
    """The dictionary in the folders, else the one that the archive holds, else the core's."""
    from ..archive.layout import connect_to_read  # noqa: PLC0415  # imports of the work are made when there is work
    from ..archive.writer import kept_dictionary  # noqa: PLC0415
    from ..dictionary import load  # noqa: PLC0415
    from ..dictionary.load import CORE  # noqa: PLC0415

    if not arguments.dictionary and arguments.archive.is_file():
        connection = connect_to_read(arguments.archive)
        try:
            kept = kept_dictionary(connection)
        finally:
            connection.close()
        if kept is not None:
            return kept
    return load([CORE, *arguments.dictionary])


class _Progress:
    """A line on the terminal that tells how far a long work is; nothing where nobody looks."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        if self._shown:
            print(f"\r{done:,} {self._unit}", end="", file=sys.stderr, flush=True)

    def counting(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The same rows; how many have gone by is shown."""
        for number, row in enumerate(rows, 1):
            if not number % PROGRESS_ROWS:
                self(number)
            yield row

    def end(self) -> None:
        if self._shown:
            print(file=sys.stderr)


def _ingest(arguments: argparse.Namespace) -> int:
    import msgspec  # noqa: PLC0415

    from ..archive import ArchiveError, ArchiveWriter  # noqa: PLC0415
    from ..archive.ingest import ingest  # noqa: PLC0415

    try:
        written_s = arguments.recording.stat().st_mtime
    except OSError as error:
        raise ArchiveError(
            f"cannot read {arguments.recording}", found=error.strerror or "", next_step="check the name"
        ) from error
    received_s = written_s if arguments.received is None else arguments.received / 1_000_000
    progress = _Progress("octets")
    with ArchiveWriter(
        arguments.archive, _load(arguments), durable=arguments.durable, force=arguments.force
    ) as archive:
        done = ingest(archive, arguments.recording, received_s, arguments.rate, progress)
    progress.end()
    text = (
        f"{done.frames} frames, {done.packets} packets from {done.octets} octets; "
        f"{done.dropped_octets} octets dropped, {done.missing_frames} frames missing"
    )
    return _done(arguments, msgspec.to_builtins(done), text)


def _done(arguments: argparse.Namespace, told: dict[str, Any], text: str) -> int:
    """Tell what was done; status 0."""
    import json  # noqa: PLC0415

    print(json.dumps(told) if arguments.json else text)
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from ..archive.days import replay  # noqa: PLC0415

    progress = _Progress("frames")
    packets = replay(arguments.archive, _load(arguments), force=arguments.force, progress=progress)
    progress.end()
    return _done(arguments, {"packets": packets}, f"{packets} packets read out")


def _info(arguments: argparse.Namespace) -> int:
    import json  # noqa: PLC0415

    from ..archive import ArchiveReader  # noqa: PLC0415
    from ..archive.tables import timed_rows  # noqa: PLC0415

    with ArchiveReader(arguments.archive) as archive:
        [told] = timed_rows([archive.info()])
        names = sorted({row.name for row in archive.parameters()})
    if arguments.parameters:
        told["parameters"] = names
    if arguments.json:
        print(json.dumps(told))
        return 0
    for key, value in told.items():
        print(f"{key.replace('_', ' '):22} {', '.join(value) if isinstance(value, list) else value}")
    return 0


def _rows(archive: ArchiveReader, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    from ..archive.tables import timed_rows, value_rows  # noqa: PLC0415
    from ..errors import UsageError  # noqa: PLC0415

    kind, start, end = arguments.kind, arguments.start, arguments.end
    _check_period(arguments)
    if bool(kind) == bool(arguments.parameters):
        raise UsageError(
            "ask for parameters or for one kind of rows",
            next_step="name a parameter, or give --events, --commands, ...",
        )
    if kind and arguments.onboard:
        raise UsageError("--onboard is for parameters", next_step="leave it out")
    if kind is None:
        names = _parameters(archive, arguments)
        if arguments.onboard:
            return value_rows(archive.values(name, start, end, "onboard") for name in names)
        days = (archive.daily_values(name, start, end) for name in names)
        return value_rows(series for name in days for series in name)
    if kind == "undecodable":
        return timed_rows(archive.reports(start, end, "undecodable"))
    found: Iterator[dict[str, Any]] = getattr(archive, kind)(start, end)
    return timed_rows(found)


def _check_period(arguments: argparse.Namespace) -> None:
    from ..errors import UsageError  # noqa: PLC0415

    if arguments.start is not None and arguments.end is not None and arguments.start >= arguments.end:
        raise UsageError("--from is not before --to", next_step="exchange them; both are UTC, --to is not included")


def _check_outputs(archive: Path, *outputs: Path) -> None:
    """Raises UsageError for an output that is one of the archive's own files."""
    from ..errors import UsageError  # noqa: PLC0415

    own = [archive.with_name(archive.name + end) for end in ("", "-wal", "-shm")]
    own += archive.with_name(archive.name + ".days").glob("*.sqlite")
    for path in outputs:
        if path.exists() and any(file.exists() and path.samefile(file) for file in own):
            raise UsageError(f"{path} is of the archive itself", next_step="give another file")


def _parameters(archive: ArchiveReader, arguments: argparse.Namespace) -> list[str]:
    """The archive's names of the parameters that are asked for, in any case and by patterns."""
    from ..archive import ArchiveError  # noqa: PLC0415
    from ..client.names import chosen  # noqa: PLC0415

    known = sorted({row.name for row in archive.parameters()})
    if not known:
        raise ArchiveError(f"{archive.path} has no values yet", next_step="`perilune archive info` tells what it has")
    return chosen(arguments.parameters, known, "parameter", "perilune archive info --parameters")


def _say_nothing(archive: ArchiveReader) -> None:
    """No row was found: to a person, not into the data."""
    from ..archive.tables import iso  # noqa: PLC0415

    first, last = archive.span()
    has = "it is empty" if first is None else f"it has frames from {iso(first)} to {iso(last)}"
    print(f"perilune archive: nothing in that time in {archive.path}; {has}", file=sys.stderr)


def _query(arguments: argparse.Namespace) -> int:
    from ..archive import ArchiveReader  # noqa: PLC0415
    from ..archive.tables import write_json_lines  # noqa: PLC0415

    with ArchiveReader(arguments.archive) as archive:
        rows = _rows(archive, arguments)
        count = 0
        if arguments.json:
            count = write_json_lines(rows, sys.stdout)
        else:
            for count, row in enumerate(rows, 1):  # noqa: B007
                print("  ".join(_cell(key, value) for key, value in row.items() if key not in UNPRINTED))
        if not count:
            _say_nothing(archive)
    return 0


def _cell(key: str, value: Any) -> str:
    if key == "verification":
        stages = [f"{stage['stage']}{'' if stage['success'] else ' FAILED ' + stage['failure']}" for stage in value]
        runs = [(stage, len(list(same))) for stage, same in itertools.groupby(stages)]
        return " ".join(stage if times == 1 else f"{stage} x{times}" for stage, times in runs)
    if isinstance(value, float):
        return f"{value:.7g}"
    return str(value)


def _export(arguments: argparse.Namespace) -> int:
    from ..archive import ArchiveReader  # noqa: PLC0415
    from ..archive.tables import columns_of, write_csv, write_json_lines, write_parquet  # noqa: PLC0415

    path: Path = arguments.csv or arguments.jsonl or arguments.parquet
    _check_outputs(arguments.archive, path)
    with ArchiveReader(arguments.archive) as archive:
        progress = _Progress("rows")
        columns = None
        if arguments.kind in REPORTS and not arguments.jsonl:
            archive.hold()
            columns = columns_of(_rows(archive, arguments))
        rows = progress.counting(_rows(archive, arguments))
        if arguments.parquet:
            count = write_parquet(rows, path, columns)
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                count = write_csv(rows, file, columns) if arguments.csv else write_json_lines(rows, file)
    progress.end()
    return _done(arguments, {"rows": count, "file": str(path)}, f"{count} rows in {path}")


def _plot(arguments: argparse.Namespace) -> int:
    from .. import plot  # noqa: PLC0415
    from ..archive import ArchiveReader  # noqa: PLC0415
    from ..archive.tables import run_of  # noqa: PLC0415

    by = "onboard" if arguments.onboard else "received"
    _check_period(arguments)
    png = arguments.png or arguments.archive.with_suffix(".png")
    html = arguments.html or arguments.archive.with_suffix(".html")
    _check_outputs(arguments.archive, png, html)
    with ArchiveReader(arguments.archive) as archive:
        names = _parameters(archive, arguments)
        series = [archive.values(name, arguments.start, arguments.end, by) for name in names]
        record = run_of(archive, series, arguments.start, arguments.end, by)
    plot.write_png(record, png)
    plot.write_html(record, html)
    return _done(arguments, {"png": str(png), "html": str(html)}, f"{png}\n{html}")


def _detach(arguments: argparse.Namespace) -> int:
    import json  # noqa: PLC0415

    from ..archive.days import detach  # noqa: PLC0415

    progress = _Progress("days")
    done = detach(arguments.archive, arguments.before, progress)
    progress.end()
    for moved in done:
        if arguments.json:
            print(json.dumps({"day": moved.day, "path": moved.path, "frames": moved.frames}))
        else:
            print(f"{moved.day}: {moved.frames} frames in {moved.path}")
    if not done and not arguments.json:
        print(f"nothing to move: {arguments.archive} holds no whole day before {arguments.before:%Y-%m-%d}")
    return 0
