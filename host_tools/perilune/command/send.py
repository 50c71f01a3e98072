"""Send commands as the dictionary knows them, and show each stage of their verification as it comes.

A command is checked before it leaves: name, arguments, units, ranges, the board's mode. A hazardous one asks on a
terminal, or needs --hazardous; it is armed by itself. Several commands go one after the other until one fails.

exit status: 0 all completed, 1 port, dictionary or mode, 2 wrong text, 3 refused or failed on board, 4 no answer

example:

    perilune send CORE.PING
    perilune send -t bench "MODES.CHANGE mode=STANDBY" "CORE.SET_PARAMETERS (parameter=modes.reset_limit value=2)"
    perilune send CORE.RESTART --hazardous --json
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, open_ground, print_json

if TYPE_CHECKING:
    from ..client.command_text import CommandText
    from ..client.ground import Ground

SUMMARY = "send commands and follow them to their end"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("commands", nargs="+", metavar="COMMAND", help='"SUBSYSTEM.COMMAND argument=value ..."')
    add_command_arguments(parser)
    parser.add_argument("--hazardous", action="store_true", help="send hazardous commands without asking")


def run(arguments: argparse.Namespace) -> int:
    from ..client.command_text import CommandTextError  # noqa: PLC0415  # imports of the work are made for the work

    with open_ground(arguments) as ground:
        try:
            parsed = [(text, ground.parse(text)) for text in arguments.commands]
        except CommandTextError as error:
            print(f"perilune send: this is no command\n{error}", file=sys.stderr)
            return 2
        for text, command in parsed:
            status = _send(ground, text, command, arguments)
            if status:
                return status
    return 0


def _send(ground: Ground, text: str, command: CommandText, arguments: argparse.Namespace) -> int:
    hazardous = arguments.hazardous
    if command.is_hazardous and not hazardous and sys.stdin.isatty():
        print(f"{text.strip()} is hazardous: {command.command.text}", file=sys.stderr)
        hazardous = input("Send it? Type yes: ").strip().lower() == "yes"
        if not hazardous:
            print("perilune send: not sent", file=sys.stderr)
            return 1
    if not arguments.json:
        print(text.strip(), flush=True)
    result = ground.command(
        command,
        text=text.strip(),
        timeout_s=arguments.timeout,
        hazardous=hazardous,
        on_stage=None if arguments.json else lambda seen: print(f"  {seen.line()}", flush=True),
    )
    if arguments.json:
        print_json(result.data())
    elif not result.success:
        print(f"perilune send: {result.line()}", file=sys.stderr)
    return result.exit_status
