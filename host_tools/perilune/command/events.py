"""Watch events as they come, or switch their reports off and on (ST[05]).

`enable` and `disable` take names of events, patterns too (`power.*`); `list` asks for those that are switched off.

example:

    perilune events --for 60
    perilune events watch "power.*" --severity medium
    perilune events disable thermal.sensor_lost
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..errors import UsageError

if TYPE_CHECKING:
    from ..client.ground import AnyReport, Ground

SUMMARY = "watch, enable, disable events"
SEVERITIES = ["info", "low", "medium", "high"]
COLOURS = {"info": "", "low": "cyan", "medium": "yellow", "high": "bold red"}
# Ids of one request: its frame holds more, and its group takes 64.
BATCH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["watch", "enable", "disable", "list"], nargs="?", default="watch")
    parser.add_argument("names", nargs="*", metavar="EVENT", help="names or patterns of events (all)")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after this time")
    parser.add_argument("--severity", choices=SEVERITIES, default="info", help="show these and worse (info)")
    add_command_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    with open_ground(arguments) as ground:
        if arguments.action == "watch":
            return _watch(ground, arguments)
        if arguments.action == "list":
            return _list(ground, arguments)
        return _switch(ground, arguments)


def _switch(ground: Ground, arguments: argparse.Namespace) -> int:
    if not arguments.names:
        raise UsageError(f"`{arguments.action}` needs names of events", next_step="perilune events disable NAME ...")
    ids = [ground.dictionary.events[name].id for name in chosen(arguments.names, list(ground.dictionary.events))]
    for at in range(0, len(ids), BATCH):
        items = [{"event": number} for number in ids[at : at + BATCH]]
        result = ground.request(f"core.{arguments.action}_events", items=items, timeout_s=arguments.timeout).check()
        if arguments.json:
            print_json(result.data())
    if not arguments.json:
        print(f"{arguments.action}d {len(ids)} events")
    return 0


def chosen(patterns: list[str], known: list[str]) -> list[str]:
    """Known names that match any pattern. Raises UsageError for a pattern that matches none."""
    from ..client.command_text import did_you_mean  # noqa: PLC0415

    found: dict[str, None] = {}
    for pattern in patterns:
        matching = [name for name in known if fnmatchcase(name, pattern.lower())]
        if not matching:
            raise UsageError(f"there is no {pattern}", next_step=did_you_mean(pattern, known))
        found |= dict.fromkeys(matching)
    return list(found)


def _list(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..telemetry.reports import DisabledEventsReport  # noqa: PLC0415

    result = ground.request("core.list_disabled_events", timeout_s=arguments.timeout).check()
    disabled = {
        number: name
        for report in result.reports
        if isinstance(report, DisabledEventsReport)
        for number, name in report.events
    }
    if arguments.json:
        print_json({"disabled": [{"id": number, "name": name} for number, name in disabled.items()]})
    elif not disabled:
        print("all events are reported")
    else:
        print_table(["id", "disabled event"], [[f"0x{number:04X}", name] for number, name in disabled.items()])
    return 0


def _watch(ground: Ground, arguments: argparse.Namespace) -> int:
    import sys  # noqa: PLC0415

    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415
    from ..telemetry.reports import EventReport, as_data  # noqa: PLC0415

    least = SEVERITIES.index(arguments.severity)
    names = set(chosen(arguments.names, list(ground.dictionary.events))) if arguments.names else None

    def show(report: AnyReport) -> None:
        if not isinstance(report, EventReport) or SEVERITIES.index(report.severity) < least:
            return
        if names is not None and report.name not in names:
            return
        received = iso_of_unix(ground.wall())
        if arguments.json:
            print_json({"received": received} | as_data(report))
            return
        time = report.header.time
        shown = time.iso if time.is_set else time.onboard
        held = f" ({report.held_back} held back)" if report.held_back else ""
        line = f"{received}  {shown}  {report.severity:6}  {report.name}: {report.text}{held}"
        if sys.stdout.isatty() and COLOURS[report.severity]:
            from rich.console import Console  # noqa: PLC0415
            from rich.text import Text  # noqa: PLC0415

            Console(highlight=False).print(Text(line, COLOURS[report.severity]))
        else:
            print(line, flush=True)

    ground.subscribe(show)
    before = ""
    end_s = float("inf") if arguments.for_s is None else ground.clock() + arguments.for_s
    try:
        while (left_s := end_s - ground.clock()) > 0:
            ground.step(min(left_s, 0.1))
            condition = str(ground.state.condition)
            if condition != before and condition not in ("up", "opening"):
                print(f"perilune events: {ground.state}", file=sys.stderr, flush=True)
            before = condition
    except KeyboardInterrupt:
        pass  # the way to end it
    return 0
