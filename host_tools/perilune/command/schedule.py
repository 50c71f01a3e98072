"""The board's time-based schedule (ST[11]): list, delete, shift, enable, disable, reset.

Requests are named as `list` names them, source:apid:count. `shift` without names takes the whole schedule; `delete` and
`reset` of everything want --all. Without an action the schedule is listed.

example:

    perilune schedule
    perilune schedule list --json
    perilune schedule delete 0:100:17 0:100:18
    perilune schedule shift --by -30
    perilune schedule disable
    perilune schedule enable
    perilune schedule reset --all
"""

from __future__ import annotations

import argparse
from typing import Any

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..command_line import Actions, run_action, schedule_id, signed_seconds
from ..errors import UsageError

SUMMARY = "list and change the board's time-based schedule"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, __doc__, default="list")
    for name, summary, act in (
        ("list", "show what is scheduled", _list),
        ("delete", "take requests out of the schedule", _delete),
        ("shift", "move requests, or all of them, in time", _shift),
        ("enable", "release requests when their time comes", _switch),
        ("disable", "hold all requests back", _switch),
        ("reset", "empty the schedule and disable it", _reset),
    ):
        sub = actions.add(name, summary, act)
        if name in ("delete", "shift"):
            sub.add_argument(
                "requests", nargs="*", type=schedule_id, metavar="SOURCE:APID:COUNT", help="which requests"
            )
        if name in ("delete", "reset"):
            sub.add_argument("--all", action="store_true", help="the whole schedule")
        if name == "shift":
            sub.add_argument("--by", type=signed_seconds, required=True, metavar="SECONDS", help="how far: 30, -30")
        add_command_arguments(sub)


run = run_action


def _do(arguments: argparse.Namespace, name: str, items: list[dict[str, int]], args: dict[str, Any]) -> int:
    with open_ground(arguments) as ground:
        result = ground.request(f"schedule.{name}", args, items, timeout_s=arguments.timeout).check()
    if arguments.json:
        print_json(result.data())
    else:
        print(result.line())
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    if arguments.requests:
        return _do(arguments, "delete", arguments.requests, {})
    _all(arguments)
    return _do(arguments, "delete_window", [], {"window": 0})


def _shift(arguments: argparse.Namespace) -> int:
    name = "shift" if arguments.requests else "shift_all"
    return _do(arguments, name, arguments.requests, {"offset_ms": round(arguments.by * 1000)})


def _switch(arguments: argparse.Namespace) -> int:
    return _do(arguments, arguments.action, [], {})


def _reset(arguments: argparse.Namespace) -> int:
    _all(arguments)
    return _do(arguments, "reset", [], {})


def _all(arguments: argparse.Namespace) -> None:
    if not arguments.all:
        raise UsageError(f"`{arguments.action}` would empty the schedule", next_step="add --all if that is meant")


def _list(arguments: argparse.Namespace) -> int:
    from ..telemetry.reports import ScheduleReport, as_data  # noqa: PLC0415  # imports of the work, for the work

    with open_ground(arguments) as ground:
        result = ground.request("schedule.detail_all", timeout_s=arguments.timeout).check()
    reports = [report for report in result.reports if isinstance(report, ScheduleReport)]
    if arguments.json:
        print_json([entry for report in reports for entry in as_data(report)["entries"]])
        return 0
    entries = sorted((entry for report in reports for entry in report.entries), key=lambda entry: entry.release)
    if not entries:
        print("the schedule is empty")
        return 0
    rows = []
    for entry in entries:
        request = entry.request
        name = f"{request.source}:{request.apid}:{request.sequence_count}"
        rows.append([entry.release.iso, entry.release.onboard, name, "held" if entry.held else "", request.text])
    print_table(["release (UTC)", "on board", "request", "", "command"], rows)
    return 0
