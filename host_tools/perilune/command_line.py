"""The parser of the command line: options stand anywhere, mistakes name what was meant, values are checked as typed.

    actions = Actions(parser, __doc__, default="watch")      # of one subcommand; its example lines become their help
    watch = actions.add("watch", "show events as they come", _watch)
    completes(watch.add_argument("names", nargs="*"), "events")

`completes` says what an argument may be filled with; completion_script.py makes shell scripts of that. Imports nothing
heavy.
"""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from .housekeeping.duration import duration

Act = Callable[[argparse.Namespace], int]
Subparsers = argparse._SubParsersAction  # what add_subparsers makes; argparse has no public name for it
N = TypeVar("N")
_NEAR = 0.55
SEQUENCE_ID_MAX = 0xFFFF


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose options may stand before, between and behind actions and names.

    default_action: taken when no action is named; asked_action: that a word which is no action was meant for.
    """

    default_action = ""
    asked_action = ""
    _is_intermixing = False

    def parse_known_args(  # type: ignore[override]  # argparse has overloads for its namespace
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        if self._is_intermixing or args is None:
            return super().parse_known_args(args, namespace)
        subparsers = subparsers_of(self)
        if subparsers is not None:
            return super().parse_known_args(self._action_first(list(args), subparsers), namespace)
        self._is_intermixing = True
        try:
            found, unknown = super().parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixing = False
        if unknown:
            known = [option for action in self._actions for option in action.option_strings]
            near = meant(unknown[0].partition("=")[0], known) if unknown[0].startswith("-") else ""
            self.error(f"{' '.join(unknown)} is not known here{f'; try: {near}' if near else ''}")
        return found, unknown

    def _action_first(self, args: list[str], subparsers: Subparsers[Any]) -> list[str]:
        """The same words with the action before all options, so that its own parser reads these."""
        options = {
            name: option
            for parser in subparsers.choices.values()
            for option in parser._actions
            for name in option.option_strings
        }
        at = 0
        while at < len(args) and args[at].startswith("-") and len(args[at]) > 1:
            if args[at] in ("-h", "--help", "--version"):
                return args
            option = options.get(args[at])
            at += 2 if option is not None and option.nargs != 0 else 1
        if at >= len(args):
            return [self.default_action, *args] if self.default_action else args
        word = args[at]
        if word in subparsers.choices:
            return [word, *args[:at], *args[at + 1 :]]
        self.error(self._no_such(word, list(subparsers.choices), str(subparsers.metavar).lower()))

    def _no_such(self, word: str, known: list[str], kind: str) -> str:
        near = difflib.get_close_matches(word.lower(), known, 2, _NEAR)
        if near:
            step = " or ".join(f"{self.prog} {name}" for name in near)
        elif self.asked_action or self.default_action:
            step = f"{self.prog} {self.asked_action or self.default_action} {word}"
        else:
            step = f"{self.prog} --help"
        return f"there is no {kind} {word}; expected {', '.join(known)}; try: {step}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            near = meant(str(value), known)
            text = f"cannot be {value}; expected {', '.join(known)}{f'; try: {near}' if near else ''}"
            raise argparse.ArgumentError(action, text)

    def error(self, message: str) -> NoReturn:
        """One line: what is wrong and what to do; status 2."""
        self.exit(2, f"{self.prog}: {message}{'' if 'try: ' in message else f'; try: {self.prog} --help'}\n")


def subparsers_of(parser: argparse.ArgumentParser) -> Subparsers[Any] | None:
    """What its actions are in, None when it has none."""
    return next((action for action in parser._actions if isinstance(action, Subparsers)), None)


def meant(word: str, known: Sequence[str]) -> str:
    """The word that was likely meant, "" when none is near."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), folded, 1, _NEAR)
    return folded[found[0]] if found else ""


class Actions:
    """The actions of a subcommand. document: the lines of it that show an action become its help."""

    def __init__(
        self, parser: argparse.ArgumentParser, document: str | None, *, default: str = "", asked: str = ""
    ) -> None:
        assert isinstance(parser, Parser)  # cli.py makes no other
        parser.default_action, parser.asked_action = default, asked
        self._prog = parser.prog
        self._lines = [line.strip() for line in (document or "").splitlines()]
        self._subparsers = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
        self._default = default

    def add(self, name: str, summary: str, act: Act) -> argparse.ArgumentParser:
        """The parser of one action; `run_action` calls `act`."""
        shown = re.compile(rf"{re.escape(self._prog)} {re.escape(name)}(\s|$)")
        examples = [f"    {line}" for line in self._lines if shown.match(line)]
        sub = self._subparsers.add_parser(
            name,
            help=summary + (" (without an action)" if name == self._default else ""),
            description="\n".join([f"{summary[0].upper()}{summary[1:]}.", "", "example:", "", *examples]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(act=act)
        return sub


def run_action(arguments: argparse.Namespace) -> int:
    """Do the action that was named; the exit status."""
    act: Act = arguments.act
    return act(arguments)


def completes(action: argparse.Action, kind: str) -> argparse.Action:
    """Say what a shell may fill the argument with: targets, commands, points, parameters, events, monitors, modes."""
    action.completes = kind  # type: ignore[attr-defined]  # read by completion_script.py
    return action


# --- values -----------------------------------------------------------------------------------------------------------

positive_seconds = duration


def _number(text: str, kind: Callable[[str], N]) -> N | None:
    try:
        return kind(text)
    except ValueError:
        return None


def pause_seconds(text: str) -> float:
    """Seconds, 0 or more. Raises argparse.ArgumentTypeError."""
    if _number(text, float) == 0:
        return 0.0
    return duration(text)


def signed_seconds(text: str) -> float:
    """Seconds, forward or back. Raises argparse.ArgumentTypeError."""
    seconds = _number(text, float)
    # What the board adds is milliseconds in 32 bits.
    if seconds is None or not math.isfinite(seconds) or not abs(seconds) * 1000 < 1 << 31:
        raise argparse.ArgumentTypeError(f"expected seconds such as 30 or -1.5, at most 24 days, found {text!r}")
    return seconds


def positive_count(text: str) -> int:
    """A whole number from 1. Raises argparse.ArgumentTypeError."""
    number = _number(text, int)
    if number is None or number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return number


def sequence_id(text: str) -> int:
    """The id of a sequence on board. Raises argparse.ArgumentTypeError."""
    number = _number(text, int)
    if number is None or not 1 <= number <= SEQUENCE_ID_MAX:
        raise argparse.ArgumentTypeError(f"expected the id of a sequence, 1 to {SEQUENCE_ID_MAX}, found {text!r}")
    return number


def schedule_id(text: str) -> dict[str, int]:
    """A request of the schedule, as the schedule's commands name it. Raises argparse.ArgumentTypeError."""
    parts = text.split(":")
    numbers = [int(part) for part in parts if part.isascii() and part.isdecimal()]
    if len(parts) != 3 or len(numbers) != 3 or max(numbers) > 0xFFFF:
        raise argparse.ArgumentTypeError(f"expected SOURCE:APID:COUNT as `schedule list` shows it, found {text!r}")
    return dict(zip(("source", "apid", "sequence"), numbers, strict=True))
