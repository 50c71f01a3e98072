"""Lines of styled text in a widget that scrolls by itself and draws again only what has changed."""

from __future__ import annotations

from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class ScreenLines(ScrollView, can_focus=True):
    """What the console's panels have in common. A panel says how many lines there are, and what stands in each."""

    DEFAULT_CSS = """
    ScreenLines { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; border-top: solid $primary-darken-2; }
    ScreenLines:focus { border-top: solid $accent; }
    """

    def __init__(self, title: str, identifier: str) -> None:
        super().__init__(id=identifier)
        self.border_title = title
        self._drawn: dict[int, Text] = {}

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, number: int) -> Text:
        """The line of that number, from 0."""
        raise NotImplementedError

    def renew(self) -> None:
        """Draw what differs from what is drawn. The whole screen of a slow terminal takes a second."""
        count = self.line_count()
        if self.virtual_size.height != count:
            self.virtual_size = Size(self.scrollable_content_region.width, count)
        top = self.scroll_offset.y
        for number in range(top, min(count, top + self.scrollable_content_region.height)):
            line = self.line(number)
            if self._drawn.get(number) != line:
                self.refresh_line(number)

    def render_line(self, y: int) -> Strip:
        """As Textual asks for it: y counts from the top of what is seen."""
        number = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if number >= self.line_count():
            return Strip.blank(width, self.rich_style)
        if len(self._drawn) > 4 * max(1, self.size.height):
            self._drawn.clear()
        text = self._drawn[number] = self.line(number)
        strip = Strip(list(text.render(self.app.console)))
        return strip.apply_style(self.rich_style).adjust_cell_length(width, self.rich_style)
