"""The dictionary as tables: one CSV file (RFC 4180) for each kind of thing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ..model import Dictionary, Enumeration
from ..vocabulary import SEVERITY_NAMES


def csv_files(dictionary: Dictionary) -> dict[str, str]:
    """Tables by file name."""
    return {
        "parameters.csv": _table(
            "id name type unit low high settable default calibration values yellow red text".split(),  # noqa: SIM905
            (
                (
                    point.id,
                    point.name,
                    point.type.name,
                    point.unit,
                    point.low,
                    point.high,
                    int(point.settable),
                    point.start if point.settable else "",
                    " ".join(map(repr, point.coefficients)),
                    _names(point.enumeration),
                    _pair(point.yellow),
                    _pair(point.red),
                    point.text,
                )
                for point in dictionary.pool
            ),
        ),
        "housekeeping.csv": _table(
            ["sid", "structure", "period_ms", "enabled", "on_change", "bit", "parameter"],
            (
                (row.sid, row.name, row.period_ms, int(row.enabled), int(row.on_change), bit, point.name)
                for row in sorted(dictionary.housekeeping.values(), key=lambda row: row.sid)
                for point, bit in row.fields
            ),
        ),
        "commands.csv": _table(
            ["name", "service", "subtype", "function", "hazardous", "modes", "arguments", "items", "text"],
            (
                (
                    command.name,
                    command.service,
                    command.subtype,
                    command.function or "",
                    int(command.hazardous),
                    " ".join(command.modes),
                    " ".join(f"{field.name}:{field.type.name}" for field in command.args),
                    "" if command.group is None else command.group.name,
                    command.text,
                )
                for command in dictionary.commands.values()
            ),
        ),
        "events.csv": _table(
            ["id", "name", "severity", "fields", "text"],
            (
                (
                    event.id,
                    event.name,
                    SEVERITY_NAMES[event.severity],
                    " ".join(f"{field.name}:{field.type.name}" for field in event.fields),
                    event.text,
                )
                for event in sorted(dictionary.events.values(), key=lambda event: event.id)
            ),
        ),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue()


def _names(enumeration: Enumeration | None) -> str:
    return "" if enumeration is None else " ".join(f"{name}={value}" for name, value in enumeration.values.items())


def _pair(limits: tuple[float, float] | None) -> str:
    return "" if limits is None else f"{limits[0]} {limits[1]}"
