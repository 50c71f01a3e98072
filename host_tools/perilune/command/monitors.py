"""On-board monitoring (ST[12]): what is checked, what is out of limits; enable and disable checks.

Without an action the checks are listed.

example:

    perilune monitors
    perilune monitors list "thermal.*"
    perilune monitors disable "thermal.*"
    perilune monitors enable thermal.battery_hot
"""

from __future__ import annotations

import argparse

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..command_line import Actions, completes, run_action

SUMMARY = "list, enable, disable on-board checks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, __doc__, default="list")
    for name, summary, act, count in (
        ("list", "show checks and their status", _list, "*"),
        ("disable", "switch checks off", _switch, "+"),
        ("enable", "switch checks on", _switch, "+"),
    ):
        sub = actions.add(name, summary, act)
        names = sub.add_argument("names", nargs=count, metavar="MONITOR", help="names or patterns of monitors")
        completes(names, "monitors")
        add_command_arguments(sub)


run = run_action


def _switch(arguments: argparse.Namespace) -> int:
    from ..client.names import chosen, counted  # noqa: PLC0415  # imports of the work are made for the work

    with open_ground(arguments) as ground:
        monitors = ground.dictionary.monitors
        names = chosen(arguments.names, list(monitors), "monitor", "perilune monitors list")
        items = [{"monitor": monitors[name].id} for name in names]
        result = ground.request(f"monitoring.{arguments.action}", items=items, timeout_s=arguments.timeout).check()
    if arguments.json:
        print_json(result.data())
    else:
        print(f"{arguments.action}d {counted(len(names), 'monitor')}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from ..client.names import chosen  # noqa: PLC0415
    from ..telemetry.reports import MonitorDefinitionsReport, as_data  # noqa: PLC0415

    with open_ground(arguments) as ground:
        result = ground.request("monitoring.report_definitions", timeout_s=arguments.timeout).check()
    reports = [report for report in result.reports if isinstance(report, MonitorDefinitionsReport)]
    known = [row.name or f"monitor_{row.id}" for report in reports for row in report.definitions]
    wanted = set(chosen(arguments.names, known, "monitor") if arguments.names else known)
    if arguments.json:
        rows = [row for report in reports for row in as_data(report)["definitions"]]
        print_json([row for row in rows if (row["name"] or f"monitor_{row['id']}") in wanted])
        return 0
    if not known:
        print("the board has no monitors")
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
