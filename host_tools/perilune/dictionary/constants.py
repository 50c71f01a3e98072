"""The constants by which flight code knows what is in the dictionary: the point core.uptime_s is ids.CORE_UPTIME_S.

Two names that differ by a dot alone, as foo.bar_x and foo_bar.x, would be one constant, and an app would read another
point than the one it names: they are problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import schema
from .definitions import full_name
from .model import Dictionary
from .problem import Place, Problem
from .schema import Entry
from .source import Located, Source
from .vocabulary import MODES

# Of the ids module: name, number, and whose it is: the kind of its entry and its full name.
Constant = tuple[str, int, type[Entry], str]
_WORDS = {kind: word for word, kind in schema.ENTRIES.items()}


def constant(name: str) -> str:
    """A full name as part of a constant."""
    return name.upper().replace(".", "_")


def constants(dictionary: Dictionary) -> Iterator[Constant]:
    """Every constant of the ids module."""
    for point in dictionary.pool:
        yield constant(point.name), point.id, schema.Parameter if point.settable else schema.Point, point.name
    for command in dictionary.commands.values():
        if command.function:
            yield f"FUNCTION_{constant(command.name)}", command.function, schema.Command, command.name
    for event in dictionary.events.values():
        yield f"EVENT_{constant(event.name)}", event.id, schema.Event, event.name
    for structure in dictionary.housekeeping.values():
        yield f"SID_{constant(structure.name)}", structure.sid, schema.Housekeeping, structure.name
    for monitor in dictionary.monitors.values():
        yield f"MONITOR_{constant(monitor.name)}", monitor.id, schema.Monitor, monitor.name
    for sequence in dictionary.sequences.values():
        yield f"SEQUENCE_{constant(sequence.name)}", sequence.id, schema.Sequence, sequence.name
    for mode, number in MODES.items():
        yield f"MODE_{mode}", number, schema.Mode, mode
    for enumeration in dictionary.enumerations.values():
        for value, number in enumeration.values.items():
            yield f"VALUE_{constant(enumeration.name)}_{value}", number, schema.Enumeration, enumeration.name


def check_constants(dictionary: Dictionary, sources: Iterable[Source], problems: list[Problem]) -> None:
    """Add to *problems* every entry of *sources* that shares a constant with one before it."""
    places: dict[tuple[type[Entry], str], Place] = {}
    for source in sources:
        for located in source.of(Entry):
            places.setdefault((type(located.entry), _name(located)), located.at("name ="))
    # Modes have their constants also where no file defines them.
    order = {key: number for number, key in enumerate(places)}
    rows = sorted(constants(dictionary), key=lambda row: order.get(row[2:], -1))
    owners: dict[str, tuple[type[Entry], str]] = {}
    for name, _, kind, full in rows:
        before = owners.setdefault(name, (kind, full))
        if before == (kind, full):
            continue
        where = f" in {place.path}:{place.line}" if (place := places.get(before)) else ""
        text = f"{full} is {name} for flight code, as {_WORDS[before[0]]} {before[1]}{where}"
        problems.append(Problem(places[kind, full], "duplicate", text, "Rename one of them"))


def _name(located: Located[Entry]) -> str:
    """As the Dictionary has it: modes have no subsystem. Entries without a name have no constant either."""
    name: str = getattr(located.entry, "name", "")
    return name if isinstance(located.entry, schema.Mode) else full_name(name, located.subsystem)
