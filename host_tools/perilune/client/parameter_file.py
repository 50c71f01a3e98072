"""Values of on-board parameters: read from the board, set on it, kept in TOML files, compared.

    # a file: one table for each subsystem; names of enumerated values as text
    [modes]
    command_loss_s = 86400

Numbers are raw, as the board keeps them: what is dumped and loaded again is the same to the last bit of the board.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..dictionary.encode import ArgumentError, number_of
from ..dictionary.model import Dictionary, Number, Point
from ..errors import PeriluneError
from ..telemetry.octets import decimal
from ..telemetry.reports import ParameterReport, Value
from .command_run import CommandResult
from .command_text import did_you_mean

if TYPE_CHECKING:
    from .ground import Ground

# Ids or values of one request: 20 values of 4 octets with their ids fill half a frame, and fit into one report.
BATCH = 20
# Floats on a board are objects of 30 bits: 21 bits of the mantissa stand behind the point, cut.
BOARD_PRECISION = 2.0**-21

Values = dict[str, Number]


class ParameterFileError(PeriluneError):
    """A file of parameters that cannot be used. All that is wrong with it, one line each."""

    exit_status = 2


class Difference(msgspec.Struct, frozen=True):
    """A parameter that differs; None: it is on one side only."""

    name: str
    before: Number | None
    after: Number | None


def read(ground: Ground, names: Iterable[str], timeout_s: float = 10.0) -> dict[str, Value]:
    """Values of on-board parameters now, in the order of the names. Raises CommandFailedError, NoAnswerError."""
    names = list(names)
    found: dict[str, Value] = {}
    for at in range(0, len(names), BATCH):
        items = [{"parameter": ground.dictionary.points[name].id} for name in names[at : at + BATCH]]
        found |= _reported(ground.request("core.read_parameters", items=items, timeout_s=timeout_s).check())
    return {name: found[name] for name in names if name in found}


def read_all(ground: Ground, timeout_s: float = 10.0) -> dict[str, Value]:
    """Everything settable. Raises CommandFailedError, NoAnswerError."""
    return _reported(ground.request("core.read_all_parameters", timeout_s=timeout_s).check())


def _reported(result: CommandResult) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for report in result.reports:
        if isinstance(report, ParameterReport):
            found |= report.values
    return found


def write(
    ground: Ground, values: Mapping[str, Number], timeout_s: float = 10.0, done: Callable[[int], None] = lambda _: None
) -> None:
    """Set parameters; each batch whole or not at all. Raises CommandFailedError, NoAnswerError, ArgumentError."""
    names = list(values)
    for at in range(0, len(names), BATCH):
        items = [
            {"parameter": ground.dictionary.points[name].id, "value": values[name]} for name in names[at : at + BATCH]
        ]
        ground.request("core.set_parameters", items=items, timeout_s=timeout_s).check()
        done(len(items))


def settable(dictionary: Dictionary) -> dict[str, Point]:
    """Parameters by name."""
    return {point.name: point for point in dictionary.pool if point.settable}


def as_toml(dictionary: Dictionary, values: Mapping[str, Number], comments: Iterable[str] = ()) -> str:
    """The text of a file with these values."""
    lines = [f"# {comment}" for comment in comments]
    subsystem = ""
    for name in sorted(values, key=lambda name: (name.partition(".")[0], dictionary.points[name].id)):
        table, _, key = name.partition(".")
        if table != subsystem:
            subsystem = table
            lines += ["", f"[{table}]"]
        point = dictionary.points[name]
        unit = f"  # {point.unit}" if point.unit else ""
        lines.append(f"{key} = {_toml_value(point, values[name])}{unit}")
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml_value(point: Point, number: Number) -> str:
    named = None if point.enumeration is None else point.enumeration.text_of(int(number))
    if named is not None:
        return f'"{named}"'
    if point.type.name == "bool":
        return "true" if number else "false"
    if not point.type.is_float:
        return str(int(number))
    text = decimal(number)
    return text if any(mark in text for mark in ".en") else f"{text}.0"


def load_file(path: Path, dictionary: Dictionary) -> Values:
    """The values in a file, raw. Raises ParameterFileError with everything that is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise ParameterFileError(
            f"cannot read {path}", expected="TOML", found=found, next_step="`perilune params dump` writes one"
        ) from error
    known = settable(dictionary)
    values: Values = {}
    problems = []
    for table, entries in tables.items():
        if not isinstance(entries, dict):
            problems.append(f"{table} stands in no table: write [subsystem] above it")
            continue
        for key, value in entries.items():
            name = f"{table}.{key}"
            point = known.get(name)
            if point is None:
                measured = "is measured and cannot be set. " if name in dictionary.points else "is no parameter. "
                problems.append(f"{name} {measured}{did_you_mean(name, known)}".rstrip())
                continue
            try:
                values[name] = number_of(name, value, point.type, point.low, point.high, point.enumeration)
            except ArgumentError as error:
                problems.append(str(error))
    if problems:
        raise ParameterFileError("\n  ".join([f"{path} cannot be used:", *problems]))
    return values


def differences(before: Mapping[str, Number], after: Mapping[str, Number]) -> list[Difference]:
    """What differs, by name; floats by more than a board can tell apart."""
    pairs = [(name, before.get(name), after.get(name)) for name in sorted({*before, *after})]
    return [Difference(name, one, other) for name, one, other in pairs if not _same(one, other)]


def _same(one: Number | None, other: Number | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=BOARD_PRECISION)
    return one == other
