"""What is wrong with a sequence file, or worth knowing of it: file, line, column, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..errors import PeriluneError

ERROR = "error"
NOTE = "note"


class SequenceProblem(msgspec.Struct, frozen=True):
    """One thing. line, column: from 1; length: of what is wrong; kind: a constant word, for tools; source: the line.

    severity: ERROR (the sequence is not loaded), NOTE (it is, but look).
    """

    path: str
    line: int
    column: int
    length: int
    severity: str
    kind: str
    text: str
    mend: str
    source: str

    def __str__(self) -> str:
        """Place and text in one line, then the line of the file and carets under what is wrong."""
        head = f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.text}"
        head += f". {self.mend}" if self.mend else ""
        # Tabs stay tabs, so that the carets stand where they should.
        indent = "".join("\t" if character == "\t" else " " for character in self.source[: self.column - 1])
        return f"{head}\n    {_printable(self.source)}\n    {indent}{'^' * max(1, self.length)}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() or character == "\t" else "\ufffd" for character in text)


class SequenceError(PeriluneError):
    """A sequence that cannot be used. problems: all errors and notes, in the order of the file."""

    exit_status = 2

    def __init__(self, path: str, problems: Sequence[SequenceProblem]) -> None:
        self.problems = tuple(problems)
        errors = [problem for problem in problems if problem.severity == ERROR]
        count = f"{len(errors)} error{'s' if len(errors) != 1 else ''} in {path}"
        super().__init__("\n".join([count, *map(str, errors)]))
