"""Dictionary files as entries with the lines on which they stand. tomllib tells no lines, so headers are counted."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from .problem import Place, Problem
from .schema import ENTRIES, Entry, Subsystem

# Files of some missions; reading them again, as a program does that makes many boards, costs more than all else.
KEPT = 64
# What is_unfit() finds.
UNFIT = "has a number that is infinite, not a number, or beyond 64 bits"
_HEADER = re.compile(r"^\s*\[\[?\s*(\w+)(\.\w+)*\s*\]\]?")

T = TypeVar("T", bound=Entry)
E = TypeVar("E", bound=Entry)


class Located(msgspec.Struct, Generic[T], frozen=True):
    """An entry of a file, the name of its subsystem, and the lines on which it stands."""

    entry: T
    subsystem: str
    path: Path
    line: int
    lines: tuple[str, ...]

    def at(self, *needles: str) -> Place:
        """The first line of the entry that has all *needles*, else the line where it begins."""
        for offset, line in enumerate(self.lines):
            if all(needle in line for needle in needles):
                return Place(self.path, self.line + offset)
        return Place(self.path, self.line)


class Source(msgspec.Struct, frozen=True, eq=False):
    """One file. The same text gives the same object."""

    subsystem: Located[Subsystem]
    entries: dict[str, list[Located[Entry]]]

    def of(self, kind: type[E]) -> Iterator[Located[E]]:
        """The entries of one kind."""
        for entries in self.entries.values():
            for located in entries:
                if isinstance(located.entry, kind):
                    yield located  # type: ignore[misc]


def dictionary_files(folders: Iterable[Path]) -> list[Path]:
    """The .toml files of each folder itself (not of folders in it), sorted within each."""
    return [path for folder in folders for path in sorted(folder.glob("*.toml"))]


def read(path: Path, problems: list[Problem]) -> Source | None:
    """Read one file; what is wrong with it is added to *problems*. None when nothing can be made of it."""
    text = read_text(path, problems)
    if text is None:
        return None
    source, found = _parsed(path, text)
    problems += found
    return source


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """The text of a file; None with a problem where it cannot be had."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(path, 1 + error.object.count(b"\n", 0, error.start))
        problems.append(Problem(place, "file", f"not UTF-8: {error.reason}", "Save the file as UTF-8"))
    except OSError as error:
        mend = "Check its name and your permissions"
        problems.append(Problem(Place(path, 0), "file", f"cannot be read: {error.strerror}", mend))
    return None


def read_toml(path: Path, text: str, problems: list[Problem]) -> dict[str, Any] | None:
    """What *text* says; None with a problem where it is not TOML."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number of more digits than Python reads
        found = re.search(r"line (\d+)", str(error))
        place = Place(path, int(found[1]) if found else 1)
        problems.append(Problem(place, "toml", f"not TOML: {error}", "Correct the line"))
    except RecursionError:
        problems.append(
            Problem(Place(path, 1), "toml", "not TOML that can be read: nested too deeply", "Write it flat")
        )
    return None


def is_unfit(raw: object) -> bool:
    """Is there a number in *raw* that is none for a board: infinite, not a number, or beyond TOML's 64 bits?"""
    parts = [raw]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, list):
            parts += part
        elif isinstance(part, (int, float)):
            bound = math.inf if isinstance(part, float) else 1 << 63
            if not -bound < part < bound:
                return True
    return False


@lru_cache(KEPT)
def _parsed(path: Path, text: str) -> tuple[Source | None, tuple[Problem, ...]]:
    problems: list[Problem] = []
    return _parse(path, text, problems), tuple(problems)


def _parse(path: Path, text: str, problems: list[Problem]) -> Source | None:
    raw = read_toml(path, text, problems)
    if raw is None:
        return None
    blocks = _blocks(text)
    header = blocks.get("subsystem", [(1, ())])[0]
    subsystem = _convert(raw.pop("subsystem", None), Subsystem, "", path, header, problems)
    if subsystem is None:
        return None
    name = subsystem.entry.name
    entries: dict[str, list[Located[Entry]]] = {}
    for kind, rows in raw.items():
        if kind not in ENTRIES or not isinstance(rows, list):
            place = Place(path, blocks.get(kind, [(1, ())])[0][0])
            known = ", ".join(f"[[{known}]]" for known in ENTRIES)
            problems.append(Problem(place, "table", f"unknown table {kind}", f"Known are [subsystem], {known}"))
            continue
        # Written as an array of tables, each row has its own block; written inline, all share the first.
        places = blocks.get(kind) or [(1, ())]
        converted = [
            _convert(row, ENTRIES[kind], name, path, places[min(number, len(places) - 1)], problems)
            for number, row in enumerate(rows)
        ]
        entries[kind] = [located for located in converted if located is not None]
    return Source(subsystem, entries)


def _blocks(text: str) -> dict[str, list[tuple[int, tuple[str, ...]]]]:
    """For every table name its blocks: first line and lines. Sub-tables belong to the block before them."""
    lines = text.split("\n")  # what ends a line of TOML, and nothing else
    starts: list[tuple[str, int]] = []
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header and not header[2]:
            starts.append((header[1], number))
    blocks: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for (name, start), (_, end) in pairwise([*starts, ("", len(lines))]):
        blocks.setdefault(name, []).append((start + 1, tuple(lines[start:end])))
    return blocks


def _convert(
    raw: object,
    kind: type[T],
    subsystem: str,
    path: Path,
    block: tuple[int, tuple[str, ...]],
    problems: list[Problem],
) -> Located[T] | None:
    """One table as an entry, or a problem that says which key is wrong."""
    line, lines = block
    if raw is None:
        problems.append(Problem(Place(path, 1), "subsystem", "no [subsystem]", "Begin the file with it: name, title"))
        return None
    try:
        located = Located(msgspec.convert(raw, kind, strict=True), subsystem, path, line, lines)
    except msgspec.ValidationError as error:
        text = str(error)
        here = Located(Subsystem(name="x", title=""), "", path, line, lines).at(_key_of(text))
        keys = ", ".join(kind.__struct_fields__)
        problems.append(Problem(here, "entry", text, f"Keys of this table: {keys}"))
        return None
    assert isinstance(raw, dict)
    unfit = [key for key, value in raw.items() if is_unfit(value)]
    for key in unfit:
        problems.append(Problem(located.at(f"{key} ="), "number", f"{key} {UNFIT}", "Give one that the board can have"))
    return None if unfit else located


def _key_of(text: str) -> str:
    """What to look for in the entry's lines to find the key that an error of msgspec is about."""
    unknown = re.search(r"unknown field `(\w+)`", text)
    path = re.search(r"at `\$\.?([a-z_]*)", text)
    name = unknown[1] if unknown else path[1] if path else ""
    return f"{name} =" if name else "["
