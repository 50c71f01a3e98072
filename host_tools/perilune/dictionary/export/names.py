"""Names for those who allow no dots: core.load_permille is core_load_permille."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import PeriluneError
from ..model import Command, Dictionary, Point


class ExportError(PeriluneError):
    """A dictionary that the other format cannot say."""


def flat(name: str) -> str:
    """The name with underscores for dots."""
    return name.replace(".", "_")


def flat_points(dictionary: Dictionary) -> dict[str, Point]:
    """All on-board parameters by their flat names. Raises ExportError when two would have the same."""
    points: dict[str, Point] = {}
    for point in dictionary.pool:
        name = flat(point.name)
        if name in points:
            raise ExportError(
                f"{point.name} and {points[name].name} have the same name without dots", next_step="rename one of them"
            )
        points[name] = point
    return points


def unique_arguments(command: Command, names: Iterable[str]) -> None:
    """Raises ExportError when two arguments, with those that the other format adds, have the same of these names."""
    seen: set[str] = set()
    for name in map(str.lower, names):
        if name in seen:
            raise ExportError(
                f"{command.name} has two arguments {name}", next_step=f"the export needs {name}: rename the command's"
            )
        seen.add(name)
