"""The board's time-based schedule (ST[11]): list, delete, shift, enable, disable, reset.

Requests are named as `list` names them, source:apid:count. `delete` and `shift` without names take the whole schedule;
`delete` and `reset` of everything want --all.

example:

    perilune schedule list
    perilune schedule delete 0:100:17 0:100:18
    perilune schedule shift --by -30
    perilune schedule reset --all
"""

from __future__ import annotations

import argparse

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..errors import UsageError

SUMMARY = "list and change the board's time-based schedule"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=["list", "delete", "shift", "enable", "disable", "reset"], nargs="?", default="list"
    )
    parser.add_argument("requests", nargs="*", metavar="SOURCE:APID:COUNT", help="which requests")
    parser.add_argument("--by", type=float, metavar="SECONDS", help="how far to shift")
    parser.add_argument("--all", action="store_true", help="the whole schedule")
    add_command_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    items = [_item(text) for text in arguments.requests]
    action = arguments.action
    if action == "shift" and arguments.by is None:
        raise UsageError("`shift` needs how far", next_step="perilune schedule shift --by -30")
    if ((action == "delete" and not items) or action == "reset") and not arguments.all:
        raise UsageError(f"`{action}` would empty the schedule", next_step="add --all if that is meant")
    with open_ground(arguments) as ground:
        if action == "list":
            return _list(ground, arguments)
        if action == "delete":
            name, args, octets = (
                ("schedule.delete", {}, b"") if items else ("schedule.delete_window", {"window": 0}, b"")
            )
        elif action == "shift":
            name, octets = "schedule.shift" if items else "schedule.shift_all", b""
            args = {"offset_ms": round(arguments.by * 1000)}
        else:
            name, args, octets = f"schedule.{action}", {}, b""
        result = ground.request(name, args, items, octets, timeout_s=arguments.timeout).check()
        if arguments.json:
            print_json(result.data())
        else:
            print(result.line())
    return 0


def _item(text: str) -> dict[str, int]:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise UsageError("not a request of the schedule", expected="SOURCE:APID:COUNT", found=text)
    return dict(zip(("source", "apid", "sequence"), map(int, parts), strict=True))


def _list(ground: object, arguments: argparse.Namespace) -> int:
    from ..client.ground import Ground  # noqa: PLC0415
    from ..telemetry.reports import ScheduleReport, as_data  # noqa: PLC0415

    assert isinstance(ground, Ground)  # open_ground gives no other
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
