"""Watch events as they come, or switch their reports off and on (ST[05]).

`enable` and `disable` take names of events, patterns too (`power.*`); `list` asks for those that are switched off.
Without an action events are watched.

example:

    perilune events --for 60
    perilune events watch "power.*" --severity medium
    perilune events list
    perilune events disable thermal.sensor_lost
    perilune events enable "thermal.*"
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..client.arguments import (
    DictionaryWatch,
    add_command_arguments,
    open_ground,
    print_json,
    print_table,
)
from ..command_line import Actions, completes, run_action
from ..housekeeping.duration import duration

if TYPE_CHECKING:
    from ..client.ground import AnyReport, Ground
    from ..telemetry.reports import EventReport

SUMMARY = "watch, enable, disable events"
SEVERITIES = ["info", "low", "medium", "high"]
COLOURS = {"info": "", "low": "cyan", "medium": "yellow", "high": "bold red"}
# Ids of one request: its frame holds more, and its group takes 64.
BATCH = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, __doc__, default="watch")
    watch = actions.add("watch", "show events as they come", _watch)
    watch.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="end after this time (60s, 5m)")
    watch.add_argument("--severity", choices=SEVERITIES, default="info", help="show these and worse (info)")
    completes(
        watch.add_argument("names", nargs="*", metavar="EVENT", help="names or patterns of events (all)"), "events"
    )
    listed = actions.add("list", "show the events that are switched off", _list)
    for name, summary in (("disable", "switch the reports of events off"), ("enable", "switch them on again")):
        sub = actions.add(name, summary, _switch)
        completes(sub.add_argument("names", nargs="+", metavar="EVENT", help="names or patterns of events"), "events")
        add_command_arguments(sub)
    add_command_arguments(watch)
    add_command_arguments(listed)


run = run_action


def _switch(arguments: argparse.Namespace) -> int:
    from ..client.names import chosen, counted  # noqa: PLC0415  # imports of the work are made for the work

    with open_ground(arguments) as ground:
        events = ground.dictionary.events
        ids = [events[name].id for name in chosen(arguments.names, list(events), "event", "perilune dictionary show")]
        for at in range(0, len(ids), BATCH):
            items = [{"event": number} for number in ids[at : at + BATCH]]
            result = ground.request(f"core.{arguments.action}_events", items=items, timeout_s=arguments.timeout).check()
            if arguments.json:
                print_json(result.data())
    if not arguments.json:
        print(f"{arguments.action}d {counted(len(ids), 'event')}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from ..telemetry.reports import DisabledEventsReport  # noqa: PLC0415

    with open_ground(arguments) as ground:
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


def _watch(arguments: argparse.Namespace) -> int:
    from ..client.names import chosen  # noqa: PLC0415
    from ..telemetry.reports import EventReport  # noqa: PLC0415

    least = SEVERITIES.index(arguments.severity)
    with open_ground(arguments) as ground:
        events = list(ground.dictionary.events)
        names = set(chosen(arguments.names, events, "event", "perilune dictionary show")) if arguments.names else None

        def show(report: AnyReport) -> None:
            if not isinstance(report, EventReport) or SEVERITIES.index(report.severity) < least:
                return
            if names is None or report.name in names:
                _print_event(ground, report, arguments)

        watched = DictionaryWatch(ground, "events")
        ground.subscribe(show)
        before = ""
        end_s = float("inf") if arguments.for_s is None else ground.clock() + arguments.for_s
        try:
            while (left_s := end_s - ground.clock()) > 0:
                ground.step(min(left_s, 0.1))
                condition = str(ground.state.condition)
                ground.progress("waiting for frames of the board" if condition == "opening" else "")
                if condition != before and condition not in ("up", "opening"):
                    print(f"perilune events: {ground.state}", file=sys.stderr, flush=True)
                before = condition
        except KeyboardInterrupt:
            pass  # the way to end it
        return watched.end()


def _print_event(ground: Ground, report: EventReport, arguments: argparse.Namespace) -> None:
    """One event on one line."""
    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415
    from ..telemetry.reports import as_data  # noqa: PLC0415

    received = iso_of_unix(ground.wall())
    if arguments.json:
        print_json({"received": received} | as_data(report))
        return
    held = f" ({report.held_back} held back)" if report.held_back else ""
    line = f"{received}  {report.header.time.shown}  {report.severity:6}  {report.name}: {report.text}{held}"
    if sys.stdout.isatty() and COLOURS[report.severity]:
        from rich.console import Console  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        Console(highlight=False).print(Text(line, COLOURS[report.severity]))
    else:
        print(line, flush=True)
