"""Lines that are renewed as a whole."""

from __future__ import annotations

from rich.text import Text
from textual import events

from .screen_lines import ScreenLines


class TextPanel(ScreenLines):
    """A text, wrapped to the width."""

    def __init__(self, title: str, identifier: str) -> None:
        super().__init__(title, identifier)
        self._text = ""
        self._lines: list[Text] = []

    def show(self, text: str) -> None:
        """This is the text now."""
        self._text = text
        width = self.scrollable_content_region.width
        if not self.is_mounted or width <= 0:
            return
        self._lines = []
        for line in text.splitlines():
            self._lines += Text(line).wrap(self.app.console, width)
        self.renew()

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap anew."""
        self.show(self._text)

    def line_count(self) -> int:
        return max(1, len(self._lines))

    def line(self, number: int) -> Text:
        return self._lines[number] if number < len(self._lines) else Text("")
