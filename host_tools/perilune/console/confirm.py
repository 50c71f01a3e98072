"""Asks before something is sent that cannot be taken back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

WORD = "yes"


class Confirm(ModalScreen[bool]):
    """True when somebody has typed `yes`; Esc or anything else is a no."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 72; max-width: 95%; height: auto; padding: 1 2; border: heavy $error;
        background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(False)", "do not send it")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._title, id="title", markup=False)
            yield Static(self._text, markup=False)
            yield Static(f"\nType {WORD} and Enter to send it; Esc does not.", markup=False)
            yield Input(id="answer", compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip().lower() == WORD)
