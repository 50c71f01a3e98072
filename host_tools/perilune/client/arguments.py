"""Arguments that all subcommands share which speak to a board, and what is made of them. Imports nothing heavy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..command_line import completes, positive_count, positive_seconds
from ..errors import UsageError, file_error
from .progress import Progress

if TYPE_CHECKING:
    from .ground import Ground


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """--target, --config, --baud: which board, and how it is reached."""
    target = parser.add_argument(
        "-t", "--target", help="target of perilune.toml, or a port (default: the file's default target)"
    )
    completes(target, "targets")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration instead of the perilune.toml found")
    parser.add_argument(
        "--baud", type=positive_count, help="baud rate of a serial port (default 115200, or the target's)"
    )


def add_command_arguments(parser: argparse.ArgumentParser, timeout_s: float = 10.0) -> None:
    """Those of subcommands that command a board."""
    add_target_arguments(parser)
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        default=timeout_s,
        metavar="SECONDS",
        help=f"give up after this time ({timeout_s:g})",
    )
    parser.add_argument(
        "--override-dictionary", action="store_true", help="command a board that speaks another dictionary than ours"
    )
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def open_ground(arguments: argparse.Namespace) -> Ground:
    """The ground that the arguments name; a terminal is told what is waited for. Raises as open_ground.open_ground."""
    from .open_ground import open_ground as open_it  # noqa: PLC0415  # not for --help

    ground = open_it(
        arguments.target,
        configuration=arguments.config,
        baud=arguments.baud,
        missions=getattr(arguments, "mission", None) or (),
        override_dictionary=getattr(arguments, "override_dictionary", False),
    )
    ground.progress = Progress()
    return ground


def confirmed(question: str) -> bool:
    """Has somebody at the terminal typed yes? The question goes to stderr; no answer (Ctrl-D) is no."""
    print(f"{question} Type yes: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip().lower() == "yes"


def check_writable(path: Path | None, *inputs: Path | None) -> None:
    """Raises now what would come after a long wait; nothing of the file is changed.

    FileError for a file that cannot be written, UsageError for one of the *inputs*, which would be lost.
    """
    if path is None:
        return
    was_there = path.exists()
    if was_there and any(source is not None and source.exists() and path.samefile(source) for source in inputs):
        raise UsageError(f"{path} is read, and would be overwritten", next_step="name another file to write")
    try:
        with path.open("ab"):
            pass
        if not was_there:
            path.unlink()
    except OSError as error:
        raise file_error(error, path) from error


def received_times(ground: Ground, name: str) -> tuple[str, str]:
    """When the latest value of a point was received (UTC), and when the board wrote it ("" for what never came)."""
    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415

    latest = ground.values.get(name)
    if latest is None:
        return "", ""
    return iso_of_unix(ground.wall() - (ground.clock() - latest.received_s)), latest.time.shown


def tell_missed(ground: Ground, tool: str) -> None:
    """Tell on stderr what of a shared port came and was not read in time."""
    status = ground.status
    if status is not None and status.sharing.missed:
        print(
            f"perilune {tool}: {status.sharing.missed} events of the link were not read in time and are missing here; "
            "try: a machine with less to do; the archive of `perilune link` has them",
            file=sys.stderr,
        )


class DictionaryWatch:
    """Tells on stderr, once, that the board speaks another dictionary, and at the end what could not be read."""

    def __init__(self, ground: Ground, tool: str) -> None:
        self._ground = ground
        self._tool = tool
        self._told = False
        ground.subscribe(lambda _: self.look())

    def look(self) -> None:
        """Say so as soon as it is known."""
        mismatch = self._ground.mismatch
        if mismatch is not None and not self._told and not self._ground.override_dictionary:
            self._told = True
            print(f"perilune {self._tool}: {mismatch}", file=sys.stderr, flush=True)

    def end(self) -> int:
        """The count of what could not be read; the exit status: 1 when another dictionary was the cause."""
        self.look()
        tell_missed(self._ground, self._tool)
        counts = self._ground.decoder.counters.undecodable
        if counts:
            from .names import counted  # noqa: PLC0415  # not for --help

            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
            what = counted(sum(counts.values()), "packet")
            print(
                f"perilune {self._tool}: {what} could not be read ({reasons}); "
                "try: perilune hk check --keep FILE keeps their octets",
                file=sys.stderr,
            )
        return 1 if self._told else 0


def print_json(data: Any) -> None:
    """One JSON object on one line. Octets of a path that are no UTF-8 are escaped as by Python: \\udc80 to \\udcff."""
    import msgspec  # noqa: PLC0415

    try:
        text = msgspec.json.encode(data).decode()
    except UnicodeEncodeError:
        import json  # noqa: PLC0415

        text = json.dumps(msgspec.to_builtins(data), separators=(",", ":"))
    print(text, flush=True)


def print_table(columns: list[str], rows: list[list[str]]) -> None:
    """A table: with rich on a terminal, in plain columns otherwise."""
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        Console(highlight=False, markup=False).print(table)
        return
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    for row in [columns, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
