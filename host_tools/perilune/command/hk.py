"""Housekeeping of a board: watch it live, or check that it is as it should be.

    perilune hk watch                                 all values, limits in colour, the age of each
    perilune hk watch power thermal.battery_c         only these; a subsystem, a point, or a pattern
    perilune hk check --for 60s                       all reports there, in time, nothing lost, within limits
    perilune hk check --for 60s --expect expect.toml  and as expected; status 5 when not
    perilune hk check --for 5m --junit hk.xml         a report that CI systems read

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
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.arguments import add_target_arguments
from ..housekeeping.duration import duration

if TYPE_CHECKING:
    from ..client.ground import Ground
    from ..housekeeping.expectation import Expectation
    from ..housekeeping.table import LiveTable

SUMMARY = "watch housekeeping, or check it with a verdict"
VIOLATIONS = 5
_REDRAW_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune hk`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action_parser(name: str, summary: str) -> argparse.ArgumentParser:
        lines = [line.strip() for line in (__doc__ or "").splitlines() if f"perilune hk {name}" in line]
        return actions.add_parser(
            name,
            help=summary,
            description=f"{summary}\n\nexample:\n\n" + "\n".join(f"    {line}" for line in lines),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    watch = action_parser("watch", "a live table of the latest values")
    add_target_arguments(watch)
    watch.add_argument("points", nargs="*", help="subsystems, points or patterns (power, thermal.*_c); all without any")
    watch.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="end after this time (60s, 5m)")
    watch.add_argument("--every", type=duration, default=1.0, metavar="TIME", help="plain lines so often (1s)")
    check = action_parser("check", "a verdict after a time, and an exit status")
    add_target_arguments(check)
    check.add_argument("--for", dest="for_s", type=duration, default=60.0, metavar="TIME", help="so long (60s)")
    check.add_argument("--expect", type=Path, metavar="FILE", help="what is expected besides (TOML)")
    check.add_argument("--strict", action="store_true", help="yellow limits fail too")
    check.add_argument(
        "--passive", action="store_true", help="send nothing: take the intervals of the dictionary for the board's"
    )
    check.add_argument("--json", action="store_true", help="the verdict as JSON")
    check.add_argument("--junit", type=Path, metavar="FILE", help="the verdict as JUnit XML")
    for action in (watch, check):
        action.add_argument(
            "--override-dictionary", action="store_true", help="read a board that speaks another dictionary than ours"
        )


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune hk`; the exit status."""
    from ..client.arguments import open_ground  # noqa: PLC0415
    from ..housekeeping.expectation import Expectation, read_expectation  # noqa: PLC0415

    with open_ground(arguments) as ground:
        if arguments.action == "watch":
            return _watch(ground, arguments)
        # A wrong file is told before anything is waited for.
        expectation = read_expectation(arguments.expect, ground.dictionary) if arguments.expect else Expectation()
        return _check(ground, expectation, arguments)


def _watch(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..housekeeping.table import LiveTable  # noqa: PLC0415

    table = LiveTable(ground.dictionary, arguments.points)
    ground.subscribe(lambda report: table.add(report, ground.clock()))
    end_s = ground.clock() + (arguments.for_s or float("inf"))
    try:
        if sys.stdout.isatty():
            _draw(ground, table, end_s)
        else:
            _print(ground, table, end_s, arguments.every)
    except KeyboardInterrupt:
        pass
    return 0


def _draw(ground: Ground, table: LiveTable, end_s: float) -> None:
    from rich.console import Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(auto_refresh=False, screen=True, vertical_overflow="crop") as live:
        while ground.clock() < end_s:
            ground.run(min(_REDRAW_S, max(0.0, end_s - ground.clock())))
            live.update(Group(Text(str(ground.state), "bold"), table.rendered(ground.clock())), refresh=True)


def _print(ground: Ground, table: LiveTable, end_s: float, every_s: float) -> None:
    while ground.clock() < end_s:
        ground.run(min(every_s, end_s - ground.clock()))
        lines = table.lines(ground.clock())
        print("\n".join(lines) if lines else str(ground.state), flush=True)


def _check(ground: Ground, expectation: Expectation, arguments: argparse.Namespace) -> int:
    from ..housekeeping.ask import ask_structures  # noqa: PLC0415
    from ..housekeeping.check import Checker  # noqa: PLC0415
    from ..housekeeping.verdict_report import as_json, as_junit, as_text  # noqa: PLC0415

    ground.await_link()
    checker = Checker(ground.dictionary, expectation, strict=arguments.strict)
    start_s = ground.clock()
    end_listening = ground.subscribe(lambda report: checker.add(report, ground.clock()))
    if not arguments.passive:
        ask_structures(ground)
    while (left_s := start_s + arguments.for_s - ground.clock()) > 0:
        ground.run(min(left_s, 1.0))
        if sys.stderr.isatty():
            print(f"\rlistening, {left_s:4.0f} s left ", end="", file=sys.stderr, flush=True)
    end_listening()
    if sys.stderr.isatty():
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr)
    verdict = checker.verdict(start_s, ground.clock())
    if arguments.junit is not None:
        arguments.junit.write_bytes(as_junit(verdict))
    print(as_json(verdict).decode() if arguments.json else as_text(verdict))
    return 0 if verdict.passed else VIOLATIONS
