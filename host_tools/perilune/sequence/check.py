"""What only the whole of a sequence tells: how many steps and octets, times that cannot be kept, arming, modes."""

from __future__ import annotations

from flight.limits import ARM_MS, SCHEDULE_LATE_MS, SEQUENCE_OCTETS, SEQUENCE_STEPS_MAX, SEQUENCES_MAX

from ..dictionary.model import Dictionary
from ..dictionary.vocabulary import MODES
from .moment import write_absolute, write_duration
from .octets import compile_steps, step_octets
from .problem import ERROR, NOTE, SequenceProblem
from .steps import SequenceStep, SequenceText

_ARM = "core.arm"
_CHANGE_MODE = "modes.change"


def check(
    sequence: SequenceText, dictionary: Dictionary, lines: list[str], header: int, has_steps: bool
) -> list[SequenceProblem]:
    """Errors and notes on a sequence whose steps are good.

    lines: of its file; header: where its id stands; has_steps: is there one at all, good or not?
    """
    checker = _Checker(sequence, dictionary, lines)
    checker.bounds(header, has_steps)
    checker.times()
    checker.requests()
    return checker.problems


def check_together(sequences: list[SequenceText]) -> list[SequenceProblem]:
    """What is wrong with sequences that shall be on board together."""
    problems = []
    first: dict[int, SequenceText] = {}
    for number, sequence in enumerate(sequences):
        if number == SEQUENCES_MAX:
            text = f"{len(sequences)} sequences: the board keeps {SEQUENCES_MAX}"
            problems.append(_problem(sequence.path, 1, 1, 1, ERROR, "bound", text, "Load the others later", ""))
        if sequence.id is None:
            continue
        if sequence.id in first:
            text = f"id {sequence.id} is also that of {first[sequence.id].path}"
            problems.append(_problem(sequence.path, 1, 1, 1, ERROR, "id", text, "Give one of them another", ""))
        first.setdefault(sequence.id, sequence)
    return problems


def _problem(
    path: str, line: int, column: int, length: int, severity: str, kind: str, text: str, mend: str, source: str
) -> SequenceProblem:
    return SequenceProblem(path, line, column, length, severity, kind, text, mend, source)


class _Checker:
    def __init__(self, sequence: SequenceText, dictionary: Dictionary, lines: list[str]) -> None:
        self.problems: list[SequenceProblem] = []
        self._sequence = sequence
        self._dictionary = dictionary
        self._lines = lines

    def _at_line(self, line: int, severity: str, kind: str, text: str, mend: str = "") -> None:
        source = self._lines[line - 1] if line <= len(self._lines) else ""
        column = len(source) - len(source.lstrip())
        self.problems.append(
            _problem(self._sequence.path, line, column + 1, max(1, len(source.split(";")[0].strip())), severity, kind,
                     text, mend, source)
        )  # fmt: skip

    def _at(self, step: SequenceStep, severity: str, kind: str, text: str, mend: str = "") -> None:
        source = self._lines[step.line - 1]
        column = source.find(step.text)
        self.problems.append(
            _problem(self._sequence.path, step.line, column + 1, len(step.text), severity, kind, text, mend, source)
        )

    def bounds(self, header: int, has_steps: bool) -> None:
        """Steps, octets, the id."""
        steps = self._sequence.steps
        if not has_steps:
            self._at_line(1, ERROR, "empty", "there is no step", "Write one a line: R00:00:05 COMMAND argument=value")
        if len(steps) > SEQUENCE_STEPS_MAX:
            text = f"step {SEQUENCE_STEPS_MAX + 1} of {len(steps)}: the board takes {SEQUENCE_STEPS_MAX}"
            self._at(steps[SEQUENCE_STEPS_MAX], ERROR, "bound", text, "Make two sequences")
        at = 0
        for step in steps:
            at += len(step_octets(step))
            if at > SEQUENCE_OCTETS:
                total = len(compile_steps(steps))
                text = f"the steps have {total} octets: the board takes {SEQUENCE_OCTETS}"
                self._at(step, ERROR, "bound", text, "Make two sequences")
                break
        for row in self._dictionary.sequences.values():
            if row.id == self._sequence.id:
                text = f"id {row.id} is that of {row.name} in the dictionary"
                self._at_line(
                    header, NOTE, "id", text, "It stands for that one until it is deleted, also after restarts"
                )

    def times(self) -> None:
        """An absolute time that lies before what the steps above it take at least."""
        earliest_ms: float | None = None
        for step in self._sequence.steps:
            if step.moment is None:
                earliest_ms = None if earliest_ms is None else earliest_ms + step.delay_ms
                continue
            moment_ms = step.moment.tai_s * 1000
            if earliest_ms is not None and moment_ms < earliest_ms - SCHEDULE_LATE_MS:
                behind = write_duration(round(earliest_ms - moment_ms))
                text = f"{write_absolute(step.moment)} is over for {behind} before the steps above are"
                self._at(step, ERROR, "time", text, "Put the steps in the order of their times")
            earliest_ms = moment_ms if earliest_ms is None else max(earliest_ms, moment_ms)

    def requests(self) -> None:
        """Arming and modes."""
        armed: tuple[object, int] | None = None  # what, ms ago
        mode = ""
        for step in self._sequence.steps:
            since = step.delay_ms + step.timeout_ms
            armed = None if armed is None or step.moment is not None else (armed[0], armed[1] + since)
            command = step.command
            if command is None:
                continue
            definition = command.command
            key = (definition.service, definition.subtype, definition.function)
            if definition.name == _ARM:
                armed = (command.args["service"], command.args["subtype"], command.args.get("function", 0)), 0
            elif command.is_hazardous:
                self._hazard(step, armed, key)
                armed = None
            if command.only_in:
                self._mode(step, command.only_in, mode)
            if definition.name == _CHANGE_MODE:
                names = [name for name, number in MODES.items() if number == command.args.get("mode")]
                mode = names[0] if names else ""

    def _hazard(self, step: SequenceStep, armed: tuple[object, int] | None, key: tuple[int, int, int]) -> None:
        assert step.command is not None  # only requests get here
        name = step.command.command.name.upper()
        self._at(step, NOTE, "hazard", f"{name} is hazardous", "Loading and running this sequence asks for your word")
        arguments = f"service={key[0]} subtype={key[1]}" + (f" function=0x{key[2]:04X}" if key[2] else "")
        mend = f"Put R00:00:00 CORE.ARM {arguments} before it"
        if armed is None or armed[0] != key:
            self._at(step, ERROR, "arming", f"{name} is not armed", mend)
        elif armed[1] > ARM_MS:
            text = f"{name} may come {armed[1] / 1000:g} s after its arming, which holds {ARM_MS / 1000:g} s"
            self._at(step, ERROR, "arming", text, mend)

    def _mode(self, step: SequenceStep, only_in: tuple[str, ...], mode: str) -> None:
        assert step.command is not None  # only requests get here
        name = step.command.command.name.upper()
        allowed = ", ".join(only_in)
        if not mode:
            self._at(step, NOTE, "mode", f"{name} is taken in {allowed} only", "Be there when it runs")
        elif mode not in only_in:
            text = f"{name} is taken in {allowed} only, and the sequence has gone to {mode}"
            self._at(step, ERROR, "mode", text, "Change the mode before it, or remove the step")
