"""On-board monitoring (ST[12]): what is checked, what is out of limits; enable and disable checks.

example:

    perilune monitors
    perilune monitors disable "thermal.*"
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..errors import UsageError

if TYPE_CHECKING:
    from ..client.ground import Ground

SUMMARY = "list, enable, disable on-board checks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["list", "enable", "disable"], nargs="?", default="list")
    parser.add_argument("names", nargs="*", metavar="MONITOR", help="names or patterns of monitors")
    add_command_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with open_ground(arguments) as ground:
        if arguments.action == "list":
            return _list(ground, arguments)
        from .events import chosen  # noqa: PLC0415

        if not arguments.names:
            raise UsageError(f"`{arguments.action}` needs names of monitors", next_step="perilune monitors list")
        names = chosen(arguments.names, list(ground.dictionary.monitors))
        items = [{"monitor": ground.dictionary.monitors[name].id} for name in names]
        result = ground.request(f"monitoring.{arguments.action}", items=items, timeout_s=arguments.timeout).check()
        if arguments.json:
            print_json(result.data())
        else:
            print(f"{arguments.action}d {len(names)} monitors")
    return 0


def _list(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..telemetry.reports import MonitorDefinitionsReport, as_data  # noqa: PLC0415
    from .events import chosen  # noqa: PLC0415

    result = ground.request("monitoring.report_definitions", timeout_s=arguments.timeout).check()
    reports = [report for report in result.reports if isinstance(report, MonitorDefinitionsReport)]
    known = [row.name or f"monitor_{row.id}" for report in reports for row in report.definitions]
    wanted = set(chosen(arguments.names, known) if arguments.names else known)
    if arguments.json:
        rows = [row for report in reports for row in as_data(report)["definitions"]]
        print_json([row for row in rows if (row["name"] or f"monitor_{row['id']}") in wanted])
        return 0
    table = []
    for report in reports:
        for row in report.definitions:
            name = row.name or f"monitor_{row.id}"
            if name in wanted:
                enabled = "enabled" if row.enabled else "disabled"
                bounds = f"{row.a:g} .. {row.b:g}"
                table.append([name, row.point, row.check, bounds, f"{row.period_ms} ms", enabled, row.status])
    print_table(["monitor", "point", "check", "bounds", "period", "", "status"], table)
    return 0
