"""What is wrong with a dictionary: file, line, what, and how to mend it. All problems are reported at once."""

from __future__ import annotations

import keyword
from pathlib import Path

import msgspec

from ..errors import PeriluneError


class Place(msgspec.Struct, frozen=True):
    """A line of a dictionary file; line 0: all of it, or a folder."""

    path: Path
    line: int


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. `kind` is a short constant word, for tests and tools."""

    place: Place
    kind: str
    text: str
    mend: str

    def __str__(self) -> str:
        line = f":{self.place.line}" if self.place.line else ""
        return f"{self.place.path}{line}: {self.text}. {self.mend}"


def reserved_word(module: str, place: Place) -> list[Problem]:
    """The problems of a module that no program can import by its dotted name: none, as a rule."""
    words = [word for word in module.split(".") if keyword.iskeyword(word)]
    mend = "Give the module another name"
    return [Problem(place, "module", f"{word} is a word of Python, no module", mend) for word in words]


class DictionaryError(PeriluneError):
    """A dictionary that cannot be used. `problems` has all that was found, in the order of the files."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (str(problem.place.path), problem.place.line))
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the dictionary"
        super().__init__("\n".join([count, *map(str, self.problems)]))
