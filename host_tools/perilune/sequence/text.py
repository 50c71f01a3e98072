"""The file format of sequences: one step a line, `;` begins a comment.

    SEQUENCE 20 instrument_on                            its id on board (and a name), before the first step
    ON_FAIL CONTINUE                                     alone: for all steps below; at first it is ABORT
    R00:00:05 POWER.LOAD_ON load=instrument              5 s after the end of the step before
    A2026-331T12:00:00 THERMAL.SET_SETPOINT zone=battery celsius=5       at a time, UTC with the day of the year
    WAIT power.battery_soc > 40 TIMEOUT 00:10:00         until it holds; a failure when the time is over
    R00:01:00 WAIT modes.mode == NOMINAL TIMEOUT 00:05:00 ON_FAIL CONTINUE        at a step's end: for this step alone

Requests are command texts (client/command_text.py), values of a WAIT are in engineering units. Words are the same in
upper and lower case. Everything that is wrong is found at once; no text raises anything else.
"""

from __future__ import annotations

import re
from pathlib import Path

from flight.limits import SEQUENCE_DATA_MAX, SEQUENCE_DELAY_MAX_MS, SEQUENCE_TIMEOUT_MIN_MS

from ..client.command_text import CommandText, TextProblem, did_you_mean, read_command, read_number, read_value
from ..dictionary.model import Dictionary, Number, Point
from ..errors import UsageError
from ..telemetry.onboard_time import OnboardTime
from .check import check
from .condition import SIGNS, Condition, ConditionError, condition
from .moment import MomentError, read_absolute, read_duration, write_duration
from .problem import ERROR, SequenceError, SequenceProblem
from .steps import SequenceStep, SequenceText

_TOKEN = re.compile(r"[<>=!]+|[^\s<>=!]+")
_WORD = re.compile(r"\S+")
_TIMED = re.compile(r"[RA][\d.:+-]", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ID_MAX = 0xFFFF
_FILE_MAX = 1 << 20
_FORM = "Write R00:00:05 COMMAND, AYYYY-DDDTHH:MM:SS COMMAND, WAIT point > value TIMEOUT 00:10:00, or ON_FAIL ABORT"

Token = tuple[str, int]  # text, column from 0


def read_file(path: Path) -> str:
    """The text of a sequence file. Raises UsageError when there is none, or no text is in it."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read", found=error.strerror or str(error), next_step="give a file"
        ) from error
    if len(octets) > _FILE_MAX:
        raise UsageError(f"{path} is no sequence", expected=f"at most {_FILE_MAX} octets", found=str(len(octets)))
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no text", expected="UTF-8", found=f"octet {error.object[error.start]:02x} at {error.start}"
        ) from error


def load_sequence(
    path: Path, dictionary: Dictionary, identifier: int | None = None
) -> tuple[SequenceText, list[SequenceProblem]]:
    """A sequence file and the notes on it. Raises SequenceError with everything that is wrong, UsageError."""
    sequence, problems = read_sequence(read_file(path), dictionary, str(path), identifier)
    if sequence is None:
        raise SequenceError(str(path), problems)
    return sequence, problems


def read_sequence(
    text: str, dictionary: Dictionary, path: str = "sequence", identifier: int | None = None
) -> tuple[SequenceText | None, list[SequenceProblem]]:
    """The sequence in *text* (None with errors), and errors and notes in the order of the file.

    identifier: its id on board, in place of the file's.
    """
    reader = _Reader(dictionary, path, text)
    sequence = reader.read(identifier)
    # A file with nothing but a mistyped header has been told what is wrong with it.
    has_steps = reader.has_steps or bool(reader.problems)
    problems = reader.problems + check(sequence, dictionary, reader.lines, reader.header, has_steps)
    problems.sort(key=lambda problem: (problem.line, problem.column))
    if any(problem.severity == ERROR for problem in problems):
        return None, problems
    return sequence, problems


class _Reader:
    """Reads the lines of one file; collects what is wrong."""

    def __init__(self, dictionary: Dictionary, path: str, text: str) -> None:
        self.lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
        self.problems: list[SequenceProblem] = []
        self.header = 1  # line where the id stands or should
        self._dictionary = dictionary
        self._path = path
        self._line = 0
        self._end = 0  # of what is no comment
        self._id: int | None = None
        self._name = ""
        self._named = False
        self._go_on = False
        self._steps: list[SequenceStep] = []
        self.has_steps = False  # good ones or not

    def problem(self, at: int, length: int, kind: str, text: str, mend: str = "") -> None:
        """Something wrong at column *at* (from 0) of the line that is read."""
        source = self.lines[self._line - 1]
        self.problems.append(SequenceProblem(self._path, self._line, at + 1, length, ERROR, kind, text, mend, source))

    def read(self, identifier: int | None) -> SequenceText:
        for number, line in enumerate(self.lines, 1):
            self._line = number
            comment = line.find(";")
            self._end = len(line) if comment < 0 else comment
            first = _WORD.search(line, 0, self._end)
            if first is not None:
                self._statement(line, (first[0], first.start()))
        return SequenceText(self._path, self._id if identifier is None else identifier, self._name, tuple(self._steps))

    def _statement(self, line: str, first: Token) -> None:
        word = first[0].upper()
        if word == "SEQUENCE":
            self._header(line, first)
        elif word == "ON_FAIL":
            words = self._words(line, first[1])
            flag = self._on_fail(words)
            if len(words) > 2:
                self.problem(words[2][1], len(words[2][0]), "stray", f"{words[2][0]} is too much", "Remove it")
            self._go_on = self._go_on if flag is None else flag
        else:
            self.has_steps = True
            self._step(line, first)

    def _words(self, line: str, at: int) -> list[Token]:
        return [(match[0], match.start()) for match in _WORD.finditer(line, at, self._end)]

    def _header(self, line: str, first: Token) -> None:
        words = self._words(line, first[1])
        self.header = self._line
        if self.has_steps or self._named:
            text = "SEQUENCE stands once, before the first step"
            self.problem(first[1], len(first[0]), "header", text, "Remove it, or make two files")
            return
        self._named = True
        if len(words) < 2:
            self.problem(first[1], len(first[0]), "header", "an id is missing", "Write SEQUENCE 20 name")
            return
        number, at = words[1]
        if not (number.isascii() and number.isdecimal() and len(number) < 9 and 1 <= int(number) <= _ID_MAX):
            self.problem(at, len(number), "header", f"{number} is no id", f"Write a number from 1 to {_ID_MAX}")
        else:
            self._id = int(number)
        if len(words) > 2:
            self._name, at = words[2]
            if not _NAME.fullmatch(self._name):
                self.problem(at, len(self._name), "header", f"{self._name} is no name", "Letters, digits and _.-")
        if len(words) > 3:
            self.problem(words[3][1], len(words[3][0]), "stray", f"{words[3][0]} is too much", "Remove it")

    def _on_fail(self, words: list[Token]) -> bool | None:
        """What ON_FAIL words[1] says: go on? None when it says nothing."""
        keyword, at = words[0]
        if len(words) < 2:
            self.problem(at, len(keyword), "on_fail", "ON_FAIL of nothing", "Write ON_FAIL CONTINUE or ON_FAIL ABORT")
            return None
        word, at = words[1]
        if word.upper() not in ("CONTINUE", "ABORT"):
            text = f"ON_FAIL knows no {word}"
            self.problem(at, len(word), "on_fail", text, did_you_mean(word, ["CONTINUE", "ABORT"]))
            return None
        return word.upper() == "CONTINUE"

    # --- steps --------------------------------------------------------------------------------------------------------

    def _step(self, line: str, first: Token) -> None:
        before = len(self.problems)
        go_on = self._take_on_fail(line, first)
        delay_ms, moment = 0, None
        rest = first
        end = self._end
        if _TIMED.match(first[0]):
            delay_ms, moment = self._when(first)
            found = _WORD.search(line, first[1] + len(first[0]), end)
            if found is None:
                mend = "Write a command or WAIT behind it"
                self.problem(first[1], len(first[0]), "empty", "a time with nothing to do", mend)
                return
            rest = found[0], found.start()
        text = line[first[1] : end].rstrip()
        if rest[0].upper() == "WAIT":
            wait = self._wait(line, rest, moment is not None)
            if wait is not None and len(self.problems) == before:
                step = SequenceStep(self._line, text, delay_ms, None, None, wait[0], wait[1], go_on)
                self._steps.append(step)
            return
        command = self._command(line, rest, first, rest is first)
        if command is not None and len(self.problems) == before:
            self._steps.append(SequenceStep(self._line, text, delay_ms, moment, command, None, 0, go_on))

    def _take_on_fail(self, line: str, first: Token) -> bool:
        """ON_FAIL at the end of a step; what stands before it is the step."""
        words = self._words(line, first[1])
        places = [number for number, (word, _) in enumerate(words) if word.upper() == "ON_FAIL"]
        if not places:
            return self._go_on
        tail = words[places[0] :]
        flag = self._on_fail(tail)
        if len(tail) > 2:
            self.problem(tail[2][1], len(tail[2][0]), "stray", f"{tail[2][0]} is too much", "ON_FAIL ends a step")
        self._end = tail[0][1]
        return self._go_on if flag is None else flag

    def _when(self, token: Token) -> tuple[int, OnboardTime | None]:
        text, at = token
        try:
            if text[0] in "Aa":
                return 0, read_absolute(text[1:])
            delay_ms = read_duration(text[1:])
        except MomentError as error:
            self.problem(at, len(text), "time", str(error), "")
            return 0, None
        if delay_ms > SEQUENCE_DELAY_MAX_MS:
            most = write_duration(SEQUENCE_DELAY_MAX_MS)
            self.problem(at, len(text), "bound", f"a delay of {text[1:]} is too long", f"At most {most}")
        return delay_ms, None

    def _command(self, line: str, rest: Token, first: Token, untimed: bool) -> CommandText | None:
        command, problems = read_command(line, self._dictionary, rest[1], self._end)
        if untimed:
            known = rest[0].lower() in self._dictionary.commands
            if not known and rest[0].upper() not in ("TIMEOUT", "ABORT", "CONTINUE"):
                mend = did_you_mean(rest[0], [name.upper() for name in self._dictionary.commands], _FORM)
                self.problem(rest[1], len(rest[0]), "statement", f"{rest[0]} is no time, WAIT or ON_FAIL", mend)
                return None
            mend = f"Write R00:00:00 {rest[0]} to do it at once" if known else _FORM
            self.problem(first[1], len(first[0]), "time", "the time of this step is missing", mend)
        if command is None:
            self._add(problems)
            return None
        octets = 2 + len(command.data)
        if octets > SEQUENCE_DATA_MAX:
            mend = f"At most {SEQUENCE_DATA_MAX} octets of service type, subtype and application data"
            self.problem(rest[1], len(rest[0]), "bound", f"the request has {octets} octets", mend)
        return command

    def _add(self, problems: list[TextProblem], at: int = 0) -> None:
        for problem in problems:
            self.problem(at + problem.column - 1, problem.length, problem.kind, problem.text, problem.mend)

    # --- WAIT ---------------------------------------------------------------------------------------------------------

    def _wait(self, line: str, keyword: Token, at_a_time: bool) -> tuple[Condition, int] | None:
        """The condition and its timeout in ms; None with problems."""
        at = keyword[1]
        if at_a_time:
            self.problem(at, 4, "time", "a WAIT cannot begin at an absolute time", "Write R00:00:00 WAIT ...")
        tokens = [(match[0], match.start()) for match in _TOKEN.finditer(line, at + 4, self._end)]
        places = [number for number, (word, _) in enumerate(tokens) if word.upper() == "TIMEOUT"]
        if places:
            timeout_ms = self._timeout(tokens[places[0] :])
            tokens = tokens[: places[0]]
        else:
            timeout_ms = None
            self.problem(at, 4, "timeout", "TIMEOUT is missing", "Write TIMEOUT 00:10:00 behind the condition")
        wait = self._condition(tokens, at)
        return None if wait is None or timeout_ms is None else (wait, timeout_ms)

    def _timeout(self, tokens: list[Token]) -> int | None:
        keyword, at = tokens[0]
        if len(tokens) < 2:
            self.problem(at, len(keyword), "timeout", "TIMEOUT of nothing", "Write TIMEOUT 00:10:00")
            return None
        text, at = tokens[1]
        if len(tokens) > 2:
            self.problem(tokens[2][1], len(tokens[2][0]), "stray", f"{tokens[2][0]} is too much", "Remove it")
        try:
            timeout_ms = read_duration(text)
        except MomentError as error:
            self.problem(at, len(text), "timeout", str(error))
            return None
        if not SEQUENCE_TIMEOUT_MIN_MS <= timeout_ms <= SEQUENCE_DELAY_MAX_MS:
            ends = f"{write_duration(SEQUENCE_TIMEOUT_MIN_MS)} to {write_duration(SEQUENCE_DELAY_MAX_MS)}"
            self.problem(at, len(text), "bound", f"a timeout of {text} cannot be", f"Write {ends}")
        return timeout_ms

    def _condition(self, tokens: list[Token], at: int) -> Condition | None:
        if len(tokens) < 3:
            place = tokens[-1] if tokens else ("WAIT", at)
            mend = "Write WAIT point > value TIMEOUT 00:10:00"
            self.problem(place[1], len(place[0]), "condition", "the condition is not complete", mend)
            return None
        (name, name_at), (sign, sign_at), (text, value_at) = tokens[:3]
        point = self._dictionary.points.get(name.lower())
        if point is None:
            self.problem(
                name_at, len(name), "point", f"there is no point {name}", did_you_mean(name, self._dictionary.points)
            )
        sign = "==" if sign == "=" else sign
        if sign not in SIGNS:
            self.problem(sign_at, len(sign), "relation", f"{sign} compares nothing", "Write == != < > <= or >=")
        if len(tokens) > 3:
            stray, stray_at = tokens[3]
            mend = "Write the unit right behind the number, or nothing"
            self.problem(stray_at, len(stray), "stray", f"{stray} is too much", mend)
        if point is None or sign not in SIGNS:
            return None
        return self._judged(point, sign, text, value_at)

    def _judged(self, point: Point, sign: str, text: str, at: int) -> Condition | None:
        value = _engineering(point, text)
        if isinstance(value, TextProblem):
            self._add([value], at)
            return None
        try:
            return condition(point, sign, value)
        except ConditionError as error:
            self.problem(at, len(text), "condition", str(error))
            return None


def _engineering(point: Point, text: str) -> Number | TextProblem:
    """The value that *text* says for a point, in engineering units."""
    if point.enumeration is not None or point.type.name == "bool":
        return read_value(point.name, text, point, {})
    found = read_number(text)
    if found is None:
        return TextProblem(
            1, len(text), "value", f"{text} is no number", f"{point.name} is in {point.unit or 'no unit'}"
        )
    value, unit = found
    if unit and unit != point.unit:
        expected = f"is in {point.unit}" if point.unit else "has no unit"
        return TextProblem(1, len(text), "unit", f"{point.name} {expected}, found {unit}", f"Write {value}{point.unit}")
    return value
