"""Commands as an operator writes them, checked against the dictionary as the board will check them.

    THERMAL.SET_SETPOINT zone=battery celsius=5
    CORE.ARM service=8 subtype=1 function=0x0203
    CORE.SET_PARAMETERS (parameter=modes.command_loss_s value=3600) (parameter=0x0089 value=0)
    TRIAL.LOAD at=0 0102ff

Name, arguments as name=value in any order, items of a group in parentheses, further octets in hexadecimal; upper and
lower case are the same. A value is a number (decimal, 0x..., with its unit if one likes: 5degC), TRUE, FALSE or a name
of its enumeration; an argument that is the id of something takes its name (`sid`, `parameter`, `event`, `sequence`).

All problems of a text are found at once, each with its column; nothing that is typed raises anything else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from flight.limits import APID

from ..dictionary.encode import ArgumentError, encode, number_of
from ..dictionary.model import Command, Dictionary, Field, Number, Point
from ..dictionary.vocabulary import MODE_NAMES
from ..errors import PeriluneError
from ..packet.pus import ACK_ALL, Telecommand

_TOKEN = re.compile(r"[()]|[^\s()]+")
_NUMBER = re.compile(r"([+-]?)(?:(0[xX][0-9a-fA-F]+)|(\d+(?:_\d+)*)(\.\d*)?([eE][+-]?\d+)?|(\.\d+)([eE][+-]?\d+)?)")
_WHOLE_MAX = 24  # characters of a whole number
_WORDS = {"TRUE": 1, "FALSE": 0, "ON": 1, "OFF": 0}
_NEAR = 0.55


class TextProblem(msgspec.Struct, frozen=True):
    """One thing that is wrong. column: from 1, in the text; length: of what is wrong; kind: a constant word, for tools.

    mend: what to write instead.
    """

    column: int
    length: int
    kind: str
    text: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.text}. {self.mend}" if self.mend else self.text


class CommandTextError(PeriluneError):
    """A command text that cannot be sent. problems: all that was found, from left to right."""

    exit_status = 2

    def __init__(self, text: str, problems: Sequence[TextProblem]) -> None:
        self.text = text
        self.problems = tuple(problems)
        lines = [text]
        for problem in problems:
            lines.append(f"{' ' * (problem.column - 1)}{'^' * max(1, problem.length)} {problem}")
        super().__init__("\n".join(lines))

    @property
    def told(self) -> str:
        """Carets stand under what is wrong, so the text begins a line."""
        return f"this is no command\n{self}"

    def data(self) -> dict[str, object]:
        problems = [msgspec.structs.asdict(problem) for problem in self.problems]
        return super().data() | {"error": "this is no command", "found": self.text, "problems": problems}


class CommandText(msgspec.Struct, frozen=True):
    """A command that was read and is good. args, items: raw numbers by name; data: its application data."""

    command: Command
    args: dict[str, Number]
    data: bytes
    items: tuple[dict[str, Number], ...] = ()
    octets: bytes = b""

    @property
    def is_hazardous(self) -> bool:
        """Does the board want it armed?"""
        return self.command.hazardous

    @property
    def only_in(self) -> tuple[str, ...]:
        """The modes in which the board takes it; empty when it does in all."""
        return () if set(self.command.modes) >= set(MODE_NAMES) else self.command.modes

    def telecommand(self, sequence_count: int = 0, acknowledge: int = ACK_ALL, source: int = 0) -> Telecommand:
        """The telecommand, for `Telecommand.pack`."""
        command = self.command
        return Telecommand(APID, command.service, command.subtype, self.data, sequence_count, acknowledge, source)


def parse_command(text: str, dictionary: Dictionary) -> CommandText:
    """The command that *text* says. Raises CommandTextError with everything that is wrong."""
    command, problems = read_command(text, dictionary)
    if command is None:
        raise CommandTextError(text, problems)
    return command


def read_command(
    text: str, dictionary: Dictionary, start: int = 0, end: int | None = None
) -> tuple[CommandText | None, list[TextProblem]]:
    """The command at text[start:end], or None and what is wrong; columns count from the start of *text*."""
    return _Reader(text, dictionary, start, len(text) if end is None else end).read()


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Known names that may have been meant, the likeliest first; upper and lower case are the same."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    wanted = name.casefold()
    found = difflib.get_close_matches(wanted, by_folded, most, _NEAR)
    # A name typed without its subsystem, or the beginning of one.
    tails = [folded for folded in by_folded if folded.split(".")[-1] == wanted.split(".")[-1] or wanted in folded]
    tails = tails if len(wanted) > 2 else []
    unique = dict.fromkeys([*[name for name in found if name in tails], *found, *tails])
    return [by_folded[folded] for folded in list(unique)[:most]]


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A sentence for `TextProblem.mend`."""
    known = list(known)
    found = near(name, known)
    if found:
        return f"Did you mean {' or '.join(found)}?"
    return otherwise or (f"Known: {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}" if known else "")


def read_number(text: str) -> tuple[Number, str] | None:
    """A number and what stands right behind it (its unit), None when *text* does not begin with a number."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    sign, hexadecimal, whole, fraction, exponent, _, _ = match.groups()
    digits = match[0].replace("_", "")
    number: Number
    # What no field can hold need not be read in full, and int() refuses very long texts.
    if len(digits) <= _WHOLE_MAX and (hexadecimal or (whole and not fraction and not exponent)):
        number = int(digits, 16 if hexadecimal else 10)
    elif hexadecimal:
        try:
            number = float.fromhex(digits)
        except OverflowError:
            number = float(f"{sign}inf")
    else:
        number = float(digits)
    return number, text[match.end() :]


def references(dictionary: Dictionary, argument: str) -> Mapping[str, int]:
    """Names that an argument of this name takes in place of an id."""
    if argument == "parameter":
        return {point.name: point.id for point in dictionary.points.values()}
    if argument == "sid":
        return {row.name: row.sid for row in dictionary.housekeeping.values()}
    if argument == "event":
        return {row.name: row.id for row in dictionary.events.values()}
    if argument == "monitor":
        return {row.name: row.id for row in dictionary.monitors.values()}
    if argument == "sequence":
        return {row.name: row.id for row in dictionary.sequences.values()}
    return {}


class _Reader:
    """Reads one text; collects what is wrong."""

    def __init__(self, text: str, dictionary: Dictionary, start: int, end: int) -> None:
        self._dictionary = dictionary
        self._tokens = [(match[0], match.start()) for match in _TOKEN.finditer(text, start, end)]
        self._start, self._end = start, end
        self._problems: list[TextProblem] = []

    def problem(self, at: int, length: int, kind: str, text: str, mend: str = "") -> None:
        self._problems.append(TextProblem(at + 1, length, kind, text, mend))

    def read(self) -> tuple[CommandText | None, list[TextProblem]]:
        if not self._tokens:
            self.problem(self._start, 1, "empty", "a command is missing", "Write SUBSYSTEM.COMMAND argument=value")
            return None, self._problems
        name, at = self._tokens[0]
        command = self._dictionary.commands.get(name.lower())
        if command is None:
            known = [known.upper() for known in self._dictionary.commands]
            text = f"there is no command {name}"
            self.problem(at, len(name), "command", text, did_you_mean(name, known, "`perilune dictionary show`"))
            return None, self._problems
        args, items, octets = self._arguments(command)
        data = b"" if self._problems else self._encode(command, args, items, octets)
        self._problems.sort(key=lambda problem: problem.column)
        if self._problems:
            return None, self._problems
        return CommandText(command, args, data, tuple(items), octets), []

    def _encode(
        self, command: Command, args: dict[str, Number], items: list[dict[str, Number]], octets: bytes
    ) -> bytes:
        try:
            return encode(command, args, items, octets, self._dictionary.points)
        except ArgumentError as error:
            self.problem(self._tokens[0][1], len(command.name), "argument", str(error))
            return b""

    # --- tokens -------------------------------------------------------------------------------------------------------

    def _arguments(self, command: Command) -> tuple[dict[str, Number], list[dict[str, Number]], bytes]:
        args: dict[str, Number] = {}
        items: list[dict[str, Number]] = []
        octets = b""
        seen: set[str] = set()
        at = 1
        while at < len(self._tokens):
            token, place = self._tokens[at]
            if token == "(":
                at = self._group(command, at, items)
                continue
            if "=" in token:
                self._argument(command.args, command.name, token, place, args, seen)
            elif command.is_open and _is_hex(token):
                octets += bytes.fromhex(token)
            else:
                self._stray(command, token, place)
            at += 1
        name, place = self._tokens[0]
        self._missing(command.args, seen, place, len(name), command.name)
        group = command.group
        if group is not None and not group.least <= len(items) <= group.most:
            text = f"{command.name.upper()} takes {group.least} to {group.most} {group.name}, found {len(items)}"
            self.problem(place, len(name), "items", text, "Write each in parentheses")
        return args, items, octets

    def _stray(self, command: Command, token: str, place: int) -> None:
        if command.is_open:
            mend = "Octets are pairs of hexadecimal digits"
        elif command.args:
            mend = f"Write {' '.join(f'{field.name}=...' for field in command.args)}"
        else:
            mend = f"{command.name.upper()} takes no arguments" if command.group is None else "Write (name=value ...)"
        self.problem(place, len(token), "argument", f"{token} is no argument", mend)

    def _group(self, command: Command, at: int, items: list[dict[str, Number]]) -> int:
        """An item in parentheses; the token behind it."""
        opened = self._tokens[at][1]
        group = command.group
        item: dict[str, Number] = {}
        seen: set[str] = set()
        value: tuple[str, int] | None = None
        at += 1
        while at < len(self._tokens) and self._tokens[at][0] not in "()":
            token, place = self._tokens[at]
            at += 1
            if group is None:
                continue
            name, _, text = token.partition("=")
            if group.sets_parameters and name.lower() == "value" and "=" in token:
                value = text, place + len(name) + 1
            elif "=" in token:
                self._argument(group.fields, f"{command.name} ({group.name})", token, place, item, seen)
            else:
                self.problem(place, len(token), "argument", f"{token} is no argument", "Write name=value")
        if group is None:
            self.problem(opened, 1, "items", f"{command.name.upper()} takes no items in parentheses", "Remove them")
        if at >= len(self._tokens) or self._tokens[at][0] != ")":
            self.problem(opened, 1, "parenthesis", "this parenthesis is not closed", "Write ) behind the item")
        else:
            at += 1
        if group is not None:
            self._missing(group.fields, seen, opened, 1, command.name)
            if group.sets_parameters:
                self._set_value(item, value, opened)
            elif not group.item_octets and group.most:
                self.problem(opened, 1, "items", f"items of {command.name.upper()} cannot be typed", "Use its own tool")
            items.append(item)
        return at

    def _set_value(self, item: dict[str, Number], value: tuple[str, int] | None, opened: int) -> None:
        """The value of a parameter, by its type."""
        if value is None:
            self.problem(opened, 1, "missing", "value is missing", "Write value=...")
            return
        point = self._dictionary.point(int(item["parameter"])) if "parameter" in item else None
        if point is None:
            if "parameter" in item:
                self.problem(opened, 1, "parameter", f"there is no parameter {item['parameter']}", "Write its name")
            return
        if not point.settable:
            known = [row.name for row in self._dictionary.points.values() if row.settable]
            self.problem(
                opened, 1, "parameter", f"{point.name} is measured and cannot be set", did_you_mean(point.name, known)
            )
            return
        number = self._value(point.name, value[0], value[1], point, {})
        if number is not None:
            item["value"] = number

    def _missing(self, fields: Sequence[Field], seen: set[str], place: int, length: int, command: str) -> None:
        for field in fields:
            if field.name not in seen and field.default is None:
                text = f"{command.upper()}: argument {field.name} is missing"
                self.problem(place, length, "missing", text, f"Write {field.name}={meaning(field)}")

    def _argument(
        self, fields: Sequence[Field], what: str, token: str, place: int, args: dict[str, Number], seen: set[str]
    ) -> None:
        name, _, text = token.partition("=")
        field = next((field for field in fields if field.name == name.lower()), None)
        if field is None:
            known = [field.name for field in fields]
            problem = f"{what.upper()} has no argument {name}" if name else "a name is missing before ="
            self.problem(place, max(1, len(name)), "argument", problem, did_you_mean(name, known, "It takes none"))
            return
        if field.name in seen:
            self.problem(place, len(token), "duplicate", f"{field.name} is given twice", "Remove one")
            return
        seen.add(field.name)
        number = self._value(field.name, text, place + len(name) + 1, field, references(self._dictionary, field.name))
        if number is not None:
            args[field.name] = number

    def _value(self, name: str, text: str, at: int, field: Field | Point, names: Mapping[str, int]) -> Number | None:
        problem = read_value(name, text, field, names)
        if isinstance(problem, TextProblem):
            self.problem(at, max(1, len(text)), problem.kind, problem.text, problem.mend)
            return None
        return problem


def read_value(name: str, text: str, field: Field | Point, names: Mapping[str, int]) -> Number | TextProblem:
    """The raw number that *text* says for a field, or what is wrong with it (column 1)."""
    if not text:
        return TextProblem(1, 1, "value", f"{name} has no value", f"Write {name}={meaning(field)}")
    value: Number
    unit = ""
    found = read_number(text)
    upper = text.upper()
    if field.enumeration is not None and upper in (
        known := {n.upper(): v for n, v in field.enumeration.values.items()}
    ):
        value = known[upper]
    elif text.lower() in names:
        value = names[text.lower()]
    elif upper in _WORDS and field.type.name == "bool":
        value = _WORDS[upper]
    elif found is None:
        known_names = list(field.enumeration.values) if field.enumeration is not None else list(names)
        mend = did_you_mean(text, known_names) if known_names else f"Write {meaning(field)}"
        return TextProblem(1, len(text), "value", f"{name} cannot be {text}", mend)
    else:
        value, unit = found
    if unit and unit != field.unit:
        expected = f"{name} is in {field.unit}" if field.unit else f"{name} has no unit"
        return TextProblem(1, len(text), "unit", f"{expected}, found {unit}", f"Write {meaning(field)}")
    try:
        return number_of(name, value, field.type, field.low, field.high, field.enumeration)
    except ArgumentError as error:
        return TextProblem(1, len(text), "range", f"{error.summary}, found {text}", f"Write {meaning(field)}")


def meaning(field: Field | Point) -> str:
    """What may stand there, in short."""
    if field.enumeration is not None:
        return " or ".join(field.enumeration.values)
    if field.type.name == "bool":
        return "TRUE or FALSE"
    return f"{_short(field.low)} to {_short(field.high)} {field.unit}".rstrip()


def _short(number: Number) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def _is_hex(token: str) -> bool:
    return len(token) % 2 == 0 and all(character in "0123456789abcdefABCDEF" for character in token)
