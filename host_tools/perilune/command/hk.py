"""Housekeeping of a board: watch it live, or check that it is as it should be.

    perilune hk watch                                 all values, limits in colour, the age of each
    perilune hk watch power thermal.battery_c         only these; a subsystem, a point, or a pattern
    perilune hk check --for 60s                       all reports there, in time, nothing lost, within limits
    perilune hk check --for 60s --expect expect.toml  and as expected; status 5 when not
    perilune hk check --for 5m --junit hk.xml         a report that CI systems read
    perilune hk check --for 5m --keep odd.bin         and the octets of what cannot be read

A file of expectations:

    [[value]]
    point = "power.battery_soc"
    at_least = 40                                     engineering values; at_most, equals
    when = "always"                                   or "once", "last"

    [[event]]
    event = "thermal.heater_stuck_on"
    at_most = 0
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.arguments import (
    DictionaryWatch,
    add_json,
    add_target_arguments,
    check_writable,
    open_ground,
    print_json,
    tell_missed,
)
from ..command_line import Actions, completes, run_action
from ..housekeeping.duration import duration

if TYPE_CHECKING:
    from ..client.ground import AnyReport, Ground
    from ..housekeeping.check import Verdict
    from ..housekeeping.expectation import Expectation
    from ..housekeeping.table import LiveTable

SUMMARY = "watch housekeeping, or check it with a verdict"
VIOLATIONS = 5
_REDRAW_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune hk`."""
    actions = Actions(parser, __doc__)
    watch = actions.add("watch", "a live table of the latest values", _watch)
    points = watch.add_argument(
        "points",
        nargs="*",
        metavar="POINT",
        help="subsystems, points or patterns (power, thermal.*_c); all without any",
    )
    completes(points, "points")
    watch.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="end after this time (60s, 5m)")
    watch.add_argument("--every", type=duration, default=1.0, metavar="TIME", help="plain lines so often (1s)")
    check = actions.add("check", "a verdict after a time, and an exit status", _check)
    check.add_argument("--for", dest="for_s", type=duration, default=60.0, metavar="TIME", help="so long (60s)")
    check.add_argument("--expect", type=Path, metavar="FILE", help="what is expected besides (TOML)")
    check.add_argument("--strict", action="store_true", help="yellow limits fail too")
    check.add_argument(
        "--passive", action="store_true", help="send nothing: take the intervals of the dictionary for the board's"
    )
    check.add_argument("--junit", type=Path, metavar="FILE", help="the verdict as JUnit XML")
    check.add_argument(
        "--keep", type=Path, metavar="FILE", help="octets of packets that cannot be read, one after the other"
    )
    for action in (watch, check):
        add_target_arguments(action)
        add_json(action)
        action.add_argument(
            "--override-dictionary", action="store_true", help="read a board that speaks another dictionary than ours"
        )


run = run_action


def _watch(arguments: argparse.Namespace) -> int:
    from ..client.names import check_points  # noqa: PLC0415
    from ..housekeeping.table import LiveTable  # noqa: PLC0415

    with open_ground(arguments) as ground:
        check_points(arguments.points, list(ground.dictionary.points))
        table = LiveTable(ground.dictionary, arguments.points)
        ground.subscribe(lambda report: table.add(report, ground.clock(), ground.wall()))
        end_s = ground.clock() + (arguments.for_s or float("inf"))
        watched = DictionaryWatch(ground, "hk watch")
        try:
            if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not arguments.json:
                _draw(ground, table, end_s)
            else:
                _print(ground, table, end_s, arguments)
        except KeyboardInterrupt:
            pass
        return watched.end()


def _draw(ground: Ground, table: LiveTable, end_s: float) -> None:
    from rich.console import Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415

    with Live(auto_refresh=False, screen=True, vertical_overflow="crop") as live:
        while ground.clock() < end_s:
            ground.run(min(_REDRAW_S, max(0.0, end_s - ground.clock())))
            head = f"{iso_of_unix(ground.wall())}  {ground.mismatch or ground.state}"
            live.update(Group(Text(head, "bold"), table.rendered(ground.clock())), refresh=True)


def _print(ground: Ground, table: LiveTable, end_s: float, arguments: argparse.Namespace) -> None:
    while ground.clock() < end_s:
        ground.run(min(arguments.every, end_s - ground.clock()))
        rows = table.rows(ground.clock())
        if arguments.json:
            print_json({"state": str(ground.state), "values": [row.data() for row in rows]})
        else:
            lines = table.lines(ground.clock())
            print("\n".join(lines) if lines else str(ground.state), flush=True)


class _Kept:
    """Octets of what cannot be read, in a file: whole packets, each of which says its length."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("wb")

    def take(self, report: AnyReport) -> None:
        """A report that came."""
        from ..telemetry.reports import Undecodable  # noqa: PLC0415

        if self._file is not None and isinstance(report, Undecodable):
            self._file.write(report.raw)
            self._file.flush()

    def close(self) -> None:
        """No more comes."""
        if self._file is not None:
            self._file.close()


def _check(arguments: argparse.Namespace) -> int:
    from ..housekeeping.expectation import Expectation, read_expectation  # noqa: PLC0415
    from ..housekeeping.verdict_report import as_json, as_junit, as_text  # noqa: PLC0415

    # What is wrong with files is told before anything is waited for.
    check_writable(arguments.junit)
    with open_ground(arguments) as ground:
        expectation = read_expectation(arguments.expect, ground.dictionary) if arguments.expect else Expectation()
        kept = _Kept(arguments.keep)
        ground.subscribe(kept.take)
        try:
            verdict = _listen(ground, expectation, arguments)
        finally:
            kept.close()
        tell_missed(ground, "hk check")
    print(as_json(verdict).decode() if arguments.json else as_text(verdict), flush=True)
    if arguments.junit is not None:
        arguments.junit.write_bytes(as_junit(verdict))
    return 0 if verdict.passed else VIOLATIONS


def _listen(ground: Ground, expectation: Expectation, arguments: argparse.Namespace) -> Verdict:
    """Listen for so long. A board that speaks another dictionary is listened to, and asked nothing."""
    from ..errors import MismatchError  # noqa: PLC0415
    from ..housekeeping.ask import ask_structures  # noqa: PLC0415
    from ..housekeeping.check import Checker  # noqa: PLC0415

    ground.await_link()
    checker = Checker(ground.dictionary, expectation, strict=arguments.strict)
    start_s, began = ground.clock(), ground.wall()
    end_listening = ground.subscribe(lambda report: checker.add(report, ground.clock()))
    if not arguments.passive:
        try:
            ask_structures(ground)
        except MismatchError as error:
            print(f"perilune hk check: {error}", file=sys.stderr, flush=True)
    while (left_s := start_s + arguments.for_s - ground.clock()) > 0:
        ground.run(min(left_s, 1.0))
        if sys.stderr.isatty():
            print(f"\rlistening, {left_s:4.0f} s left ", end="", file=sys.stderr, flush=True)
    end_listening()
    if sys.stderr.isatty():
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr)
    return checker.verdict(start_s, ground.clock(), began)
