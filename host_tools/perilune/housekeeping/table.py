"""Latest values of housekeeping as a live table: limit colours, and the age of each value.

table = LiveTable(dictionary, patterns=["power.*"])
table.add(report, now_s)
table.rendered(now_s)            for rich;  table.lines(now_s) where there is no terminal
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec
from rich.table import Table
from rich.text import Text

from ..client.names import point_patterns
from ..dictionary.model import Dictionary
from ..telemetry.onboard_time import iso_of_unix
from ..telemetry.reports import HousekeepingReport, LimitState, Report, Undecodable, Value

COLOURS = {LimitState.RED: "bold red", LimitState.YELLOW: "yellow", LimitState.OK: "green", LimitState.NONE: ""}
# An age is told in colour when so many periods have passed without a report.
_OLD_PERIODS = 2.5


class Row(msgspec.Struct, frozen=True):
    """A value as it stands in the table. old: it should have been renewed; received: UTC; onboard: the board's time."""

    structure: str
    name: str
    value: Value
    age_s: float
    old: bool
    received: str = ""
    onboard: str = ""

    def data(self) -> dict[str, object]:
        """For JSON."""
        value = self.value
        told = {"raw": value.raw, "value": value.shown, "unit": value.unit, "limits": str(value.limit_state)}
        times = {"received": self.received, "onboard": self.onboard, "age_s": round(self.age_s, 3), "old": self.old}
        return {"structure": self.structure, "name": self.name, **told, **times}


class LiveTable:
    """patterns: of the points to show (`power.*`), all when empty; a subsystem's name alone means all of it."""

    def __init__(self, dictionary: Dictionary, patterns: list[str] | None = None) -> None:
        self._patterns = [pattern.lower() for pattern in point_patterns(patterns or [])]
        self._periods_s = {
            row.name: row.period_ms / 1000
            for row in dictionary.housekeeping.values()
            if row.enabled and not row.on_change
        }
        self._latest: dict[str, dict[str, tuple[Value, float]]] = {}
        self._times: dict[str, tuple[str, str]] = {}

    def add(self, report: Report | Undecodable, now_s: float, received_unix_s: float | None = None) -> None:
        """A report that arrived now; all but housekeeping is left out. received_unix_s: the same, POSIX."""
        if isinstance(report, HousekeepingReport):
            received = "" if received_unix_s is None else iso_of_unix(received_unix_s)
            self._times[report.name] = received, report.header.time.shown
            latest = self._latest.setdefault(report.name, {})
            for name, value in report.values.items():
                if self._wanted(name):
                    latest[name] = (value, now_s)

    def _wanted(self, name: str) -> bool:
        return not self._patterns or any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def rows(self, now_s: float) -> list[Row]:
        """All values, by structure and in the order of its fields."""
        return [
            Row(
                structure,
                name,
                value,
                now_s - arrived_s,
                self._is_old(structure, now_s - arrived_s),
                *self._times[structure],
            )
            for structure, latest in sorted(self._latest.items())
            for name, (value, arrived_s) in latest.items()
        ]

    def _is_old(self, structure: str, age_s: float) -> bool:
        period_s = self._periods_s.get(structure)
        return period_s is not None and age_s > period_s * _OLD_PERIODS

    def rendered(self, now_s: float) -> Table:
        """The table for a terminal."""
        table = Table("point", "value", "unit", "limits", "age", expand=False, pad_edge=False, box=None)
        before = ""
        for row in self.rows(now_s):
            if row.structure != before:
                before = row.structure
                times = Text(f"{row.structure}  board time {row.onboard}", style="bold")
                table.add_row(times, end_section=False)
            colour = COLOURS[row.value.limit_state]
            state = "" if row.value.limit_state is LimitState.NONE else str(row.value.limit_state)
            age = Text(f"{row.age_s:.0f} s", style="reverse" if row.old else "dim")
            table.add_row(f"  {row.name}", Text(number(row.value), colour), row.value.unit, Text(state, colour), age)
        return table

    def lines(self, now_s: float) -> list[str]:
        """The same as plain lines."""
        return [
            f"{row.name} {row.value.shown} {row.value.limit_state} {row.age_s:.1f} s{' old' * row.old}"
            f"{f'  received {row.received}  board time {row.onboard}' if row.received else ''}"
            for row in self.rows(now_s)
        ]


def number(value: Value) -> str:
    """The value without its unit."""
    if value.text is not None:
        return value.text
    return f"{value.engineering:.6g}" if isinstance(value.engineering, float) else str(value.engineering)
