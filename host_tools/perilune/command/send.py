"""Send commands as the dictionary knows them, and show each stage of their verification as it comes.

A command is checked before it leaves: name, arguments, units, ranges, the board's mode. A hazardous one asks on a
terminal, or needs --hazardous; it is armed by itself. Several commands go one after the other until one fails.

exit status: 0 all completed, 1 port, dictionary, mode or a hazard that nobody confirmed, 2 wrong text, 3 refused or
failed on board, 4 no answer

example:

    perilune send CORE.PING
    perilune send MODES.CHANGE mode=STANDBY
    perilune send -t bench "MODES.CHANGE mode=STANDBY" "CORE.SET_PARAMETERS (parameter=modes.reset_limit value=2)"
    perilune send CORE.RESTART --hazardous --json
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, confirmed, open_ground, print_json
from ..command_line import completes
from ..errors import NotAllowedError

if TYPE_CHECKING:
    from ..client.command_run import StageSeen
    from ..client.command_text import CommandText
    from ..client.ground import Ground

SUMMARY = "send commands and follow them to their end"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    texts = parser.add_argument(
        "commands", nargs="+", metavar="COMMAND", help="SUBSYSTEM.COMMAND argument=value ..., in quotes or not"
    )
    completes(texts, "commands")
    add_command_arguments(parser)
    parser.add_argument("--hazardous", action="store_true", help="send hazardous commands without asking")


def joined(words: list[str]) -> list[str]:
    """Commands as they were meant: what is an argument (name=value, an item) belongs to the command before it."""
    texts: list[str] = []
    for word in words:
        first = word.split()[0] if word.split() else ""
        if texts and ("=" in first or first.startswith("(")):
            texts[-1] += f" {word}"
        else:
            texts.append(word)
    return texts


def run(arguments: argparse.Namespace) -> int:
    with open_ground(arguments) as ground:
        parsed = [(text, ground.parse(text)) for text in joined(arguments.commands)]
        for text, command in parsed:
            status = _send(ground, text.strip(), command, arguments)
            if status:
                return status
    return 0


def _send(ground: Ground, text: str, command: CommandText, arguments: argparse.Namespace) -> int:
    hazardous = arguments.hazardous
    if command.is_hazardous and not hazardous and sys.stdin.isatty():
        if not confirmed(f"{text} is hazardous: {command.command.text}\nSend it?"):
            raise NotAllowedError(f"{text} was not sent", expected="yes", next_step="add --hazardous if you are sure")
        hazardous = True
    if not arguments.json:
        print(text, flush=True)

    def told(seen: StageSeen) -> None:
        if not arguments.json:
            ground.progress("")
            print(f"  {seen.line()}", flush=True)

    result = ground.command(command, text=text, timeout_s=arguments.timeout, hazardous=hazardous, on_stage=told)
    if arguments.json:
        print_json(result.data())
    if not result.success:
        print(f"perilune send: {result.line()}", file=sys.stderr)
    return result.exit_status
