"""The keys, on a screen of their own."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

TEXT = """\
F1        this help; Esc leaves it
F2 to F6  values, commands, events, sequences, link; clicking below too
Esc       from the command line to the panel, and back
Ctrl+Q    end; what is under way on board goes on

Command line
  Tab       take the marked candidate
  up, down  mark another candidate; without any, recall what was typed
  Enter     check it and send it; a hazardous one asks for `yes`, and is armed
  /power thermal.*_c    show only these values; / alone shows all

Values (Esc first)          l  only what is out of limits, or all again
  Colour and word: ok, YEL, RED. An age in reverse: it should have been renewed.
  The line to the right runs between its own lowest and highest.

Sequences (Esc first)       up, down choose; s start; a abort; r ask again
  The board is asked only while they are shown. `perilune seq` loads them.

Link lost? The line on top says what to do; all goes on by itself when frames come again.
Panels scroll with Page Up and Page Down; a wide terminal shows several at once.
"""


class Help(ModalScreen[None]):
    """All keys."""

    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll { width: 84; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
        border: round $accent; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape,f1,q", "dismiss", "leave")]

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(TEXT, markup=False)
