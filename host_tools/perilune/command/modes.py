"""Show the board's mode and where it may go from there, or change it.

Without an action the mode is shown.

example:

    perilune modes
    perilune modes show --json
    perilune modes go STANDBY
"""

from __future__ import annotations

import argparse
import sys

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table, received_times
from ..command_line import Actions, completes, run_action

SUMMARY = "show or change the mode of the board"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, __doc__, default="show", asked="go")
    add_command_arguments(actions.add("show", "show the mode and where it may go", _show))
    go = actions.add("go", "change the mode", _go)
    completes(go.add_argument("mode", metavar="MODE", help="name of the mode to go to"), "modes")
    add_command_arguments(go)


run = run_action


def _go(arguments: argparse.Namespace) -> int:
    from ..client.names import next_try  # noqa: PLC0415  # imports of the work are made for the work
    from ..errors import UsageError  # noqa: PLC0415

    with open_ground(arguments) as ground:
        known = [mode.name for mode in ground.dictionary.modes]
        if arguments.mode.upper() not in known:
            raise UsageError(
                f"there is no mode {arguments.mode}",
                expected=f"one of {', '.join(known)}",
                next_step=f"perilune modes go {next_try(arguments.mode, known, 'MODE')}",
            )
        result = ground.command(f"MODES.CHANGE mode={arguments.mode}", timeout_s=arguments.timeout)
    if arguments.json:
        print_json(result.data())
    else:
        print(result.line(), file=sys.stdout if result.success else sys.stderr)
    return result.exit_status


def _show(arguments: argparse.Namespace) -> int:
    with open_ground(arguments) as ground:
        points = [name for name in ("modes.mode", "modes.time_in_mode_s") if name in ground.dictionary.points]
        items = [{"parameter": ground.dictionary.points[name].id} for name in points]
        ground.request("core.read_parameters", items=items, timeout_s=arguments.timeout).check()
    names = {mode.number: mode.name for mode in ground.dictionary.modes}
    now = ground.mode
    received, onboard = received_times(ground, "modes.mode")
    since = ground.values["modes.time_in_mode_s"].value
    if arguments.json:
        transitions = {mode.name: [names[number] for number in mode.next] for mode in ground.dictionary.modes}
        times = {"received": received, "onboard": onboard}
        print_json({"mode": now, "time_in_mode_s": since.raw, **times, "transitions": transitions})
        return 0
    print(f"mode {now} for {since.shown}, received {received}, board time {onboard}")
    rows = [
        ["*" if mode.name == now else "", mode.name, " ".join(names[number] for number in mode.next), mode.text]
        for mode in ground.dictionary.modes
    ]
    print_table(["", "mode", "may go to", "meaning"], rows)
    return 0
