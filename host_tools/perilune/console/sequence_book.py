"""Sequences of a board as far as reports tell of them: state, steps, the one under way. ST[21]; asks nothing itself."""

from __future__ import annotations

import msgspec

from ..dictionary.model import Dictionary, Step
from ..sequence.octets import listing
from ..telemetry.reports import Report, SequenceAbortReport, SequenceContentReport, SequenceStatusReport

EXECUTED = "executed"
UNKNOWN = "not asked"
GONE = "not on board"


class SequenceRow(msgspec.Struct, frozen=True):
    """A sequence. step: the one under way, from 0, None while it is not executed; steps: 0 while not known.

    text: the step under way as it is typed, or how the last run ended.
    """

    id: int
    name: str
    state: str
    step: int | None = None
    steps: int = 0
    text: str = ""

    @property
    def is_executed(self) -> bool:
        """Is it under way?"""
        return self.state == EXECUTED


class SequenceBook:
    """rows: by id, those of the dictionary from the start."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.rows: dict[int, SequenceRow] = {}
        self._dictionary = dictionary
        self._steps: dict[int, list[str]] = {}
        self._pieces: dict[int, dict[int, bytes]] = {}
        self._ends: dict[int, str] = {}
        for sequence in dictionary.sequences.values():
            self._steps[sequence.id] = [_shown(step) for step in sequence.steps]
            self._put(sequence.id, sequence.name, UNKNOWN, None)

    def forget_contents(self) -> None:
        """Somebody may have loaded others under the same ids."""
        self._steps.clear()
        self._pieces.clear()

    def unread(self) -> list[int]:
        """Sequences on board whose steps are not known."""
        return [row.id for row in self.rows.values() if row.state in ("loaded", EXECUTED) and row.id not in self._steps]

    def take(self, report: Report) -> None:
        """A report of the board."""
        if isinstance(report, SequenceStatusReport):
            there = {row.id for row in report.sequences}
            for row in report.sequences:
                executed = row.state == EXECUTED
                self._put(row.id, row.name, row.state, row.step if executed else None)
            for identifier in [number for number in self.rows if number not in there]:
                if identifier in {sequence.id for sequence in self._dictionary.sequences.values()}:
                    self._put(identifier, self.rows[identifier].name, GONE, None)
                else:
                    del self.rows[identifier]
                    self._steps.pop(identifier, None)
        elif isinstance(report, SequenceAbortReport):
            for identifier, _ in report.sequences:
                self.ended(identifier, "aborted")
        elif isinstance(report, SequenceContentReport):
            self._read(report)

    def begun(self, identifier: int) -> None:
        """It is executed now."""
        self._ends.pop(identifier, None)
        self._put(identifier, self._name(identifier), EXECUTED, 0)

    def step_done(self, identifier: int, step: int) -> None:
        """So many steps (from 0) are behind it."""
        self._put(identifier, self._name(identifier), EXECUTED, step + 1)

    def ended(self, identifier: int, how: str) -> None:
        """It is not executed any more."""
        self._ends[identifier] = how
        self._put(identifier, self._name(identifier), "loaded", None)

    def _name(self, identifier: int) -> str:
        return self.rows[identifier].name if identifier in self.rows else ""

    def _put(self, identifier: int, name: str, state: str, step: int | None) -> None:
        steps = self._steps.get(identifier, [])
        text = self._ends.get(identifier, "") if step is None else "".join(steps[step : step + 1])
        self.rows[identifier] = SequenceRow(identifier, name, state, step, len(steps), text)

    def _read(self, report: SequenceContentReport) -> None:
        if report.offset == 0:
            self._pieces[report.id] = {}
        pieces = self._pieces.setdefault(report.id, {})
        pieces[report.offset] = report.octets
        octets = b""
        while (piece := pieces.get(len(octets))) is not None and piece:
            octets += piece
        texts = [text.removeprefix("R00:00:00 ") for _, text in listing(octets, self._dictionary)]
        if len(texts) == report.steps and not texts[-1].startswith("no step"):
            del self._pieces[report.id]
            self._steps[report.id] = texts
            row = self.rows.get(report.id)
            if row is not None:
                self._put(row.id, row.name, row.state, row.step)


def _shown(step: Step) -> str:
    if step.point is not None:
        return f"WAIT {step.point.name} {step.relation} {step.point.shown(step.value)}"
    return step.request
