"""Show the board's mode and where it may go from there, or change it.

example:

    perilune modes
    perilune modes go STANDBY
"""

from __future__ import annotations

import argparse
import sys

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..errors import UsageError

SUMMARY = "show or change the mode of the board"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["show", "go"], nargs="?", default="show", help="(show)")
    parser.add_argument("mode", nargs="?", help="name of the mode to go to")
    add_command_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if (arguments.action == "go") != (arguments.mode is not None):
        raise UsageError("`go` takes the name of a mode, `show` none", next_step="perilune modes go STANDBY")
    with open_ground(arguments) as ground:
        if arguments.action == "go":
            result = ground.command(f"MODES.CHANGE mode={arguments.mode}", timeout_s=arguments.timeout)
            if arguments.json:
                print_json(result.data())
            else:
                print(result.line(), file=sys.stdout if result.success else sys.stderr)
            return result.exit_status
        points = [name for name in ("modes.mode", "modes.time_in_mode_s") if name in ground.dictionary.points]
        items = [{"parameter": ground.dictionary.points[name].id} for name in points]
        ground.request("core.read_parameters", items=items, timeout_s=arguments.timeout).check()
        names = {mode.number: mode.name for mode in ground.dictionary.modes}
        now = ground.mode
        if arguments.json:
            transitions = {mode.name: [names[number] for number in mode.next] for mode in ground.dictionary.modes}
            since = ground.values["modes.time_in_mode_s"].value.raw
            print_json({"mode": now, "time_in_mode_s": since, "transitions": transitions})
            return 0
        print(f"mode {now} for {ground.values['modes.time_in_mode_s'].value.shown}")
        rows = [
            ["*" if mode.name == now else "", mode.name, " ".join(names[number] for number in mode.next), mode.text]
            for mode in ground.dictionary.modes
        ]
        print_table(["", "mode", "may go to", "meaning"], rows)
    return 0
