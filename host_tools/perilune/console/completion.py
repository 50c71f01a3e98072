"""What an operator may mean by what is typed so far: commands, arguments, names of values. Knows no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from ..client.command_text import meaning, near, references
from ..dictionary.model import Command, Dictionary, Field, Point

MOST = 500
_BREAK = re.compile(r"[\s()]")


class Candidate(msgspec.Struct, frozen=True):
    """text: what takes the place of the word; about: what it is."""

    text: str
    about: str = ""


class Completion(msgspec.Struct, frozen=True):
    """start, end: the word in the text; candidates: the likeliest first."""

    start: int
    end: int
    candidates: tuple[Candidate, ...] = ()

    def apply(self, text: str, number: int) -> tuple[str, int]:
        """The text with that candidate in it, and where the cursor goes."""
        chosen = self.candidates[number].text
        rest = text[self.end :]
        return text[: self.start] + chosen + (rest[1:] if chosen.endswith(" ") and rest[:1] == " " else rest), (
            self.start + len(chosen)
        )


def complete(text: str, cursor: int, dictionary: Dictionary) -> Completion:
    """What may stand at the cursor."""
    start = max((match.end() for match in _BREAK.finditer(text, 0, cursor)), default=0)
    following = _BREAK.search(text, cursor)
    end = len(text) if following is None else following.start()
    word, before = text[start:cursor], text[:start]
    if not before.strip(" \t()"):
        return Completion(start, end, tuple(_commands(word, dictionary)))
    command = dictionary.commands.get(before.replace("(", " ").replace(")", " ").split()[0].lower())
    if command is None:
        return Completion(start, end)
    in_group = before.rfind("(") > before.rfind(")")
    segment = before[before.rfind("(") + 1 :] if in_group else re.sub(r"\([^)]*\)", " ", before).split(maxsplit=1)[1:]
    given = _given(segment if isinstance(segment, str) else " ".join(segment))
    if "=" in word:
        found = _values(word, command, in_group, given, dictionary)
    else:
        found = _names(word, command, in_group, given)
    return Completion(start, end, tuple(found[:MOST]))


def _given(segment: str) -> dict[str, str]:
    """Arguments that stand there already."""
    pairs = (token.partition("=") for token in segment.split())
    return {name.lower(): value for name, sign, value in pairs if sign}


def _commands(word: str, dictionary: Dictionary) -> list[Candidate]:
    if not word:
        return []
    names = _sorted(word, [name.upper() for name in dictionary.commands])
    found = []
    for name in names[:MOST]:
        command = dictionary.commands[name.lower()]
        takes = bool(command.args or command.group or command.is_open)
        hazard = "HAZARDOUS. " if command.hazardous else ""
        found.append(Candidate(f"{name} " if takes else name, hazard + command.text))
    return found


def _names(word: str, command: Command, in_group: bool, given: dict[str, str]) -> list[Candidate]:
    group = command.group
    fields: Sequence[Field] = group.fields if in_group and group is not None else () if in_group else command.args
    found = [
        Candidate(f"{field.name}=", " ".join(part for part in (meaning(field), field.text) if part))
        for field in fields
        if field.name not in given and field.name.startswith(word.lower())
    ]
    if in_group and group is not None:
        if group.sets_parameters and "value" not in given and "value".startswith(word.lower()):
            found.append(Candidate("value=", "of the parameter"))
        if not found and not word:
            found.append(Candidate(") ", f"the end of this one of {group.name}"))
    elif group is not None and not word and (group.fields or group.sets_parameters):
        found.append(Candidate("(", f"one of {group.least} to {group.most} {group.name}"))
    return found


def _values(
    word: str, command: Command, in_group: bool, given: dict[str, str], dictionary: Dictionary
) -> list[Candidate]:
    name, _, typed = word.partition("=")
    group = command.group
    if in_group and group is not None and group.sets_parameters and name.lower() == "value":
        point = dictionary.points.get(given.get("parameter", "").lower())
        return [] if point is None else _of_field(name, typed, point, ())
    fields = group.fields if in_group and group is not None else command.args
    field = next((field for field in fields if field.name == name.lower()), None)
    if field is None:
        return []
    names: Iterable[str] = references(dictionary, field.name)
    if group is not None and group.sets_parameters and field.name == "parameter":
        names = [point.name for point in dictionary.points.values() if point.settable]
    return _of_field(name, typed, field, names)


def _of_field(name: str, typed: str, field: Field | Point, names: Iterable[str]) -> list[Candidate]:
    known = list(names)
    if field.enumeration is not None:
        known = list(field.enumeration.values)
    elif field.type.name == "bool":
        known = ["TRUE", "FALSE"]
    if not known:
        return []
    values = known if not typed else _sorted(typed, known)
    return [Candidate(f"{name}={value} ") for value in values]


def _sorted(word: str, known: Sequence[str]) -> list[str]:
    """Names that begin so, whose last part begins so, that have it in them; near ones when there are none."""
    wanted = word.casefold()
    ranks: tuple[list[str], list[str], list[str]] = ([], [], [])
    for name in known:
        folded = name.casefold()
        if folded.startswith(wanted):
            ranks[0].append(name)
        elif folded.rpartition(".")[2].startswith(wanted):
            ranks[1].append(name)
        elif wanted in folded:
            ranks[2].append(name)
    return [name for rank in ranks for name in rank] or near(word, known)
