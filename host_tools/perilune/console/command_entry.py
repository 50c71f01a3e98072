"""Where commands are typed: candidates from the dictionary above, what is wrong or what comes next below them."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from ..client.command_text import CommandText, TextProblem, read_command
from ..dictionary.model import Dictionary
from .completion import Completion, complete

# Candidates that are seen at once; the list moves with the chosen one.
SEEN = 5
HISTORY_MAX = 200
FILTER = "/"


class CommandLine(Input):
    """The line itself; it leaves these keys to the entry around it."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("tab", "up", "down"):
            return
        await super()._on_key(event)


class CommandEntry(Vertical):
    """Tab takes the marked candidate, up and down mark another one, or recall what was typed; Enter sends."""

    DEFAULT_CSS = """
    CommandEntry { height: auto; }
    CommandEntry #candidates, #hint { text-wrap: nowrap; text-overflow: ellipsis; }
    CommandEntry #candidates { height: auto; display: none; background: $panel; }
    CommandEntry #hint { height: 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("tab", "take", "take the marked candidate"),
        ("up", "move(-1)", "the one above"),
        ("down", "move(1)", "the one below"),
    ]

    class Given(Message):
        """A command that is good."""

        def __init__(self, text: str, parsed: CommandText) -> None:
            super().__init__()
            self.text = text
            self.parsed = parsed

    class Filtered(Message):
        """Show these points only."""

        def __init__(self, patterns: list[str]) -> None:
            super().__init__()
            self.patterns = patterns

    def __init__(self, dictionary: Dictionary) -> None:
        super().__init__(id="entry")
        self._dictionary = dictionary
        self._completion = Completion(0, 0)
        self._marked = 0
        self._history: deque[str] = deque(maxlen=HISTORY_MAX)
        self._recalled: int | None = None
        self._news = Text("")

    def compose(self) -> ComposeResult:
        yield Static(id="candidates")
        yield Static(id="hint")
        yield CommandLine(placeholder="SUBSYSTEM.COMMAND argument=value, or /power to filter", id="line", compact=True)

    @property
    def line(self) -> CommandLine:
        """The line that is typed."""
        return self.query_one("#line", CommandLine)

    def news(self, text: Text) -> None:
        """What is told while nothing is typed: the latest of the commands."""
        self._news = text
        if self.is_mounted and not self.line.value:
            self._hint(text)

    # -- typing --------------------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._marked = 0
        if event.value.startswith(FILTER):
            self._completion = Completion(0, 0)
            self._hint(Text("Enter shows only these points; / alone shows all", "dim"))
        else:
            self._completion = complete(event.value, self.line.cursor_position, self._dictionary)
            self._hint(self._told(event.value) if event.value else self._news)
        self._draw()

    def _told(self, text: str) -> Text:
        """What Enter would do."""
        parsed, problems = read_command(text, self._dictionary)
        if parsed is None:
            in_name = self._completion.start == 0 and self._completion.candidates
            return Text("Tab takes the marked one" if in_name else str(problems[0]), "dim")
        only = f" Only in {', '.join(parsed.only_in)}." if parsed.only_in else ""
        if parsed.is_hazardous:
            return Text(f"HAZARDOUS, Enter asks.{only} {parsed.command.text}", "bold red")
        return Text(f"Enter sends.{only} {parsed.command.text}", "green")

    def _hint(self, text: Text) -> None:
        self.query_one("#hint", Static).update(text)

    def _draw(self) -> None:
        box = self.query_one("#candidates", Static)
        candidates = self._completion.candidates
        box.display = bool(candidates)
        if not candidates:
            return
        first = max(0, min(self._marked - SEEN // 2, len(candidates) - SEEN))
        width = max(len(candidate.text) for candidate in candidates[first : first + SEEN])
        lines = Text()
        for number, candidate in enumerate(candidates[first : first + SEEN], first):
            marked = number == self._marked
            lines.append(f"{'>' if marked else ' '} {candidate.text:{width}}  ", "bold reverse" if marked else "bold")
            lines.append(candidate.about, "red" if candidate.about.startswith("HAZARDOUS") else "dim")
            if number + 1 < min(len(candidates), first + SEEN):
                lines.append("\n")
        box.update(lines)

    def action_take(self) -> None:
        """Put the marked candidate into the line."""
        if not self._completion.candidates:
            return
        line = self.line
        value, cursor = self._completion.apply(line.value, self._marked)
        line.value = value
        line.cursor_position = cursor

    def action_move(self, by: int) -> None:
        """Mark another candidate; without any, recall what was typed before."""
        count = len(self._completion.candidates)
        if count and self._recalled is None:
            self._marked = min(count - 1, max(0, self._marked + by))
            self._draw()
        elif self._history:
            last = len(self._history)
            place = (last if self._recalled is None else self._recalled) + by
            self._recalled = None if place >= last else max(0, place)
            self.line.value = "" if self._recalled is None else self._history[self._recalled]
            self.line.cursor_position = len(self.line.value)

    # -- giving --------------------------------------------------------------------------------------------------------

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        self._recalled = None
        if not text:
            return
        if text.startswith(FILTER):
            self.post_message(self.Filtered(text.removeprefix(FILTER).split()))
            self._accept(text)
            return
        parsed, problems = read_command(event.value, self._dictionary)
        if parsed is None:
            self._refuse(problems)
            return
        self._accept(text)
        self.post_message(self.Given(text, parsed))

    def _accept(self, text: str) -> None:
        if not self._history or self._history[-1] != text:
            self._history.append(text)
        self.line.value = ""

    def _refuse(self, problems: list[TextProblem]) -> None:
        """Say it, with the cursor where it is; what was typed stays."""
        first = problems[0]
        self.line.cursor_position = first.column - 1
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self._hint(Text(f"NOT SENT, column {first.column}: {first}{more}", "bold red"))
