"""A log on the screen: wrapped to its width, at its end unless somebody has scrolled up."""

from __future__ import annotations

from rich.text import Text
from textual import events

from .log import LINES_MAX, Log
from .screen_lines import ScreenLines

_INDENT = " " * 9  # below the time of day


class LogPanel(ScreenLines):
    """Shows a log. empty: what stands there before anything has come."""

    def __init__(self, title: str, identifier: str, log: Log, empty: str) -> None:
        super().__init__(title, identifier)
        self._log = log
        self._empty = empty
        self._seen = 0
        self._width = 0
        self._end_y = 0
        self._lines: list[Text] = []

    def show(self) -> None:
        """Take what has come since the last time."""
        width = self.scrollable_content_region.width
        if not self.is_mounted or width <= 0:
            return
        # Above the end of the last time, and above the end there is now: somebody has scrolled up to read.
        follows = self.scroll_offset.y >= min(self._end_y, self.max_scroll_y)
        if width != self._width:
            self._width, self._seen, self._lines = width, 0, []
            self.refresh()
        for line in self._log.since(self._seen):
            self._seen = line.number
            self._lines += self._wrapped(line.text, line.style)
        # A long line takes some; so many screen lines are always enough to hold the latest.
        dropped = len(self._lines) - 2 * LINES_MAX
        if dropped > 0:
            del self._lines[:dropped]
            self.refresh()
        self.renew()
        if follows and self.scroll_offset.y != self.max_scroll_y:
            self.scroll_end(animate=False, immediate=True, force=True)
        if follows:
            self._end_y = self.max_scroll_y

    def _wrapped(self, text: str, style: str) -> list[Text]:
        width = self._width
        first = Text(text, style, end="").wrap(self.app.console, width, tab_size=4)
        if len(first) == 1:
            return list(first)
        head = first[0].plain
        rest = Text(text[len(head) :].lstrip(), style).wrap(self.app.console, max(10, width - len(_INDENT)))
        return [first[0], *(Text(_INDENT + line.plain, style) for line in rest)]

    def on_resize(self, _event: events.Resize) -> None:
        """Wrap anew."""
        self.show()

    def line_count(self) -> int:
        return max(1, len(self._lines))

    def line(self, number: int) -> Text:
        return self._lines[number] if self._lines else Text(self._empty, "dim")
