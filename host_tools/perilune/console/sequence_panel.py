"""Sequences of the board: state and progress of each; start and abort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.message import Message

from .screen_lines import ScreenLines
from .sequence_book import SequenceRow

_BAR = 10
_NAME = 16


class SequencePanel(ScreenLines):
    """A line for each sequence, the chosen one marked. Posts what the operator wants done with it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "choose(-1)", "the one above"),
        ("down", "choose(1)", "the one below"),
        ("s,enter", "start", "start it"),
        ("a", "abort", "abort it"),
        ("r", "read", "ask the board again"),
    ]

    class Wanted(Message):
        """what: start, abort or read; row: the chosen one, None for read."""

        def __init__(self, what: str, row: SequenceRow | None) -> None:
            super().__init__()
            self.what = what
            self.row = row

    def __init__(self) -> None:
        super().__init__("sequences: s start, a abort, r ask again", "sequences")
        self._rows: Sequence[SequenceRow] = ()
        self._chosen: int | None = None  # an id

    def show(self, rows: Sequence[SequenceRow]) -> None:
        """These are the sequences now."""
        self._rows = rows
        if rows and self._chosen not in {row.id for row in rows}:
            self._chosen = rows[0].id
        if self.is_mounted:
            self.renew()

    def line_count(self) -> int:
        return max(1, len(self._rows))

    def line(self, number: int) -> Text:
        if not self._rows:
            return Text("no sequences are known; `perilune seq upload FILE` loads one", "dim")
        row = self._rows[number]
        chosen = row.id == self._chosen
        text = Text(f"{'>' if chosen else ' '}{row.id:4} {row.name[:_NAME]:{_NAME}} ", "bold" if chosen else "")
        if row.step is not None:
            text.append(progress(row), "green")
        else:
            text.append(f"{row.state:7} ")
            text.append(f"{row.steps} steps " if row.steps else "", "dim")
        text.append(row.text)
        return text

    def action_choose(self, by: int) -> None:
        """Move the mark."""
        ids = [row.id for row in self._rows]
        if self._chosen in ids:
            place = min(len(ids) - 1, max(0, ids.index(self._chosen) + by))
            self._chosen = ids[place]
            self.renew()
            self.scroll_to(y=max(0, place - self.scrollable_content_region.height + 1), animate=False)

    def action_start(self) -> None:
        self._want("start")

    def action_abort(self) -> None:
        self._want("abort")

    def action_read(self) -> None:
        self.post_message(self.Wanted("read", None))

    def _want(self, what: str) -> None:
        row = next((row for row in self._rows if row.id == self._chosen), None)
        if row is not None:
            self.post_message(self.Wanted(what, row))


def progress(row: SequenceRow) -> str:
    """How far it is: a bar and numbers."""
    step = row.step or 0
    if not row.steps:
        return f"step {step + 1} "
    full = min(_BAR, step * _BAR // row.steps)
    return f"{'█' * full}{'░' * (_BAR - full)} {min(step + 1, row.steps)}/{row.steps} "
