"""The latest value of each point: limits in colour and in words, age, course."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType

from ..dictionary.model import Dictionary
from ..housekeeping.table import COLOURS, Row, number
from ..telemetry.reports import LimitState
from .screen_lines import ScreenLines
from .sparkline import sparkline

History = Callable[[str, int], list[float]]

# firmware/dictionary/core.toml: the core's structures have SIDs up to this one.
CORE_SID_MAX = 31
_WORDS = {LimitState.RED: "RED", LimitState.YELLOW: "YEL", LimitState.OK: "ok", LimitState.NONE: ""}
_VALUE, _UNIT, _STATE, _AGE = 10, 6, 3, 4
_NAME_MIN, _NAME_MAX = 14, 34
_LAST = (True, 1 << 16)  # structures that were made on board
_COURSE_MIN, _COURSE_MAX = 4, 40


class HousekeepingPanel(ScreenLines):
    """patterns: of the points that are shown, all when empty; a subsystem's name means all of it."""

    BINDINGS: ClassVar[list[BindingType]] = [("l", "limits", "only what is out of limits")]

    def __init__(self, dictionary: Dictionary, history: History, patterns: Sequence[str] = ()) -> None:
        super().__init__("values", "values")
        # The mission's own first: what the board says of itself is looked for when something is wrong with it.
        self._order = {row.name: (row.sid <= CORE_SID_MAX, row.sid) for row in dictionary.housekeeping.values()}
        self._name_width = _NAME_MIN
        self._history = history
        self._all: Sequence[Row] = ()
        self._lines: list[Row | str] = []
        self._patterns: list[str] = []
        self._only_limits = False
        self.show_only(patterns)

    def show_only(self, patterns: Sequence[str]) -> None:
        """Show points that match any of these."""
        self._patterns = [pattern if "." in pattern or "*" in pattern else f"{pattern}.*" for pattern in patterns]
        self._title()
        self.show(self._all)

    def action_limits(self) -> None:
        """Show only what is out of limits, or all again."""
        self._only_limits = not self._only_limits
        self._title()
        self.show(self._all)

    def _title(self) -> None:
        shown = " ".join(self._patterns) + (" out of limits" if self._only_limits else "")
        self.border_title = f"values {shown.strip()}".strip()

    def show(self, rows: Sequence[Row]) -> None:
        """These are the values now."""
        self._all = rows
        lines: list[Row | str] = []
        before = ""
        for row in sorted(rows, key=lambda row: self._order.get(row.structure, _LAST)):
            if self._is_wanted(row):
                if row.structure != before:
                    before = row.structure
                    lines.append(before)
                lines.append(row)
        self._lines = lines
        self._name_width = max((len(_short(row)) for row in lines if isinstance(row, Row)), default=_NAME_MIN)
        if self.is_mounted:
            self.renew()

    def _is_wanted(self, row: Row) -> bool:
        if self._only_limits and row.value.limit_state not in (LimitState.RED, LimitState.YELLOW):
            return False
        return not self._patterns or any(fnmatchcase(row.name, pattern) for pattern in self._patterns)

    def line_count(self) -> int:
        return max(1, len(self._lines))

    def line(self, number: int) -> Text:
        if not self._lines:
            return Text("no values yet" if not self._all else "nothing to show: / shows all, l all limits", "dim")
        line = self._lines[number]
        if isinstance(line, str):
            return Text(line, "bold")
        return self._row(line)

    def _row(self, row: Row) -> Text:
        rest = self.scrollable_content_region.width - 1 - _VALUE - _UNIT - _STATE - _AGE - 5
        name_width = max(_NAME_MIN, min(_NAME_MAX, self._name_width, rest - _COURSE_MIN))
        course = min(_COURSE_MAX, rest - name_width)
        style = COLOURS[row.value.limit_state]
        shown = number(row.value)
        text = Text(f" {_fit(_short(row), name_width)} ")
        if row.value.text is None or len(shown) <= _VALUE:
            text.append(f"{shown[:_VALUE]:>{_VALUE}} {row.value.unit[:_UNIT]:{_UNIT}} ", style)
        else:
            text.append(f"{_fit(shown, _VALUE + _UNIT + 1)} ", style)
        text.append(f"{_WORDS[row.value.limit_state]:{_STATE}} ", style)
        text.append(f"{_age(row.age_s):>{_AGE}} ", "reverse" if row.old else "dim")
        if course >= _COURSE_MIN and row.value.text is None:
            text.append(sparkline(self._history(row.name, course), course), style or "cyan")
        return text


def _short(row: Row) -> str:
    """Its name below that of its structure."""
    return row.name.removeprefix(f"{row.structure.partition('.')[0]}.")


def _fit(text: str, width: int) -> str:
    return f"{text:{width}}" if len(text) <= width else text[: width - 1] + "…"


def _age(seconds: float) -> str:
    """In four characters."""
    if seconds < 100:
        return f"{seconds:.0f}s"
    return f"{seconds / 60:.0f}m" if seconds < 6000 else f"{seconds / 3600:.0f}h"
