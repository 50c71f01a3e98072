"""What a run is expected to show, read from a TOML file.

[[value]]                       a point, by name
point = "power.battery_soc"
at_least = 40                   engineering values; also at_most
when = "always"                 in every report; "once": in one at least; "last": in the last one

[[value]]
point = "modes.mode"
equals = "NOMINAL"              a number, or the name of an enumerated value
when = "last"

[[event]]                       an event, by name
event = "thermal.heater_isolated"
at_least = 1                    times; also at_most
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from ..dictionary.model import Dictionary
from ..errors import ExpectationError
from ..telemetry.reports import Value

When = Literal["always", "once", "last"]


class ValueExpectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point and where its engineering value has to be. Without bounds and `equals`: that it comes at all."""

    point: str
    at_least: float | None = None
    at_most: float | None = None
    equals: float | str | None = None
    when: When = "always"

    def holds(self, value: Value) -> bool:
        """Is this value as expected? A value that is no number (NaN) is within no bounds."""
        if self.at_least is not None and not value.engineering >= self.at_least:
            return False
        if self.at_most is not None and not value.engineering <= self.at_most:
            return False
        if isinstance(self.equals, str):
            return value.text == self.equals
        return self.equals is None or value.engineering == self.equals

    @property
    def shown(self) -> str:
        """For people: what is expected."""
        parts = []
        if self.at_least is not None:
            parts.append(f"at least {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"at most {self.at_most:g}")
        if self.equals is not None:
            parts.append(self.equals if isinstance(self.equals, str) else f"{self.equals:g}")
        return " and ".join(parts) or "any value"


class EventExpectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event and how often it has to come."""

    event: str
    at_least: int = 0
    at_most: int | None = None

    @property
    def shown(self) -> str:
        """For people: what is expected."""
        if self.at_most is None:
            return f"at least {self.at_least} times"
        return f"{self.at_least} to {self.at_most} times"


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a file expects."""

    value: list[ValueExpectation] = []
    event: list[EventExpectation] = []


def read_expectation(path: Path, dictionary: Dictionary) -> Expectation:
    """Read a file. Raises ExpectationError for one that cannot be read, or that names what the dictionary lacks."""
    try:
        expectation = msgspec.toml.decode(path.read_bytes(), type=Expectation)
    except OSError as error:
        raise ExpectationError(f"{path} cannot be read", found=error.strerror or str(error)) from error
    except msgspec.MsgspecError as error:
        raise ExpectationError(
            f"{path} is no file of expectations", found=str(error), next_step="perilune hk check --help shows one"
        ) from error
    _known(path, "point", [row.point for row in expectation.value], list(dictionary.points))
    _known(path, "event", [row.event for row in expectation.event], list(dictionary.events))
    for row in expectation.value:
        enumeration = dictionary.points[row.point].enumeration
        names = sorted(enumeration.values) if enumeration is not None else []
        if isinstance(row.equals, str) and row.equals not in names:
            raise ExpectationError(
                f"{path}: {row.point} is never '{row.equals}'",
                expected=f"one of {', '.join(names)}" if names else "a number",
            )
    return expectation


def _known(path: Path, kind: str, names: list[str], known: list[str]) -> None:
    from difflib import get_close_matches  # noqa: PLC0415  # for mistakes only

    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3)
            raise ExpectationError(
                f"{path}: the dictionary has no {kind} '{name}'",
                next_step=f"one of {', '.join(near)}" if near else "perilune dictionary show",
            )
