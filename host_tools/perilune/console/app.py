"""The console on the screen: panels, keys, and who hears of what. It works on copies; board_watch.py uses the link."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from ..client.command_text import CommandText
from ..client.link_protocol import Clock
from .board_watch import BoardWatch, abortion, activation
from .command_entry import CommandEntry
from .confirm import Confirm
from .head import head
from .help import Help
from .housekeeping_panel import HousekeepingPanel
from .log_panel import LogPanel
from .screen_lines import ScreenLines
from .sequence_panel import SequencePanel
from .text_panel import TextPanel

PANELS = ("values", "commands", "events", "sequences", "link")
# From this width on, values stand beside the other panels.
WIDE = 110
# Logs are drawn as they come; values, with their ages, once a second: that is what a slow terminal has to carry.
LOGS_S = 0.2
VALUES_EVERY = 5


def shown_panels(width: int, active: str) -> tuple[str, ...]:
    """The panels that are seen on a terminal of this width."""
    if width < WIDE:
        return (active,)
    beside = [name for name in ("commands", "events") if name != active]
    return ("values", *([active] if active != "values" else []), *beside)


class ConsoleApp(App[None]):
    """board: what is shown. in_thread: the console runs it; else who made it calls `board.turn` (tests, pictures)."""

    TITLE = "perilune console"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; }
    #head { height: auto; max-height: 5; }
    #panels { height: 1fr; }
    #side { width: 1fr; }
    #values { width: 1fr; }
    .-both #values { width: 55%; border-right: solid $primary-darken-2; }
    .-both #sequences { height: 8; }
    .-both #link { height: 16; }
    #keys { height: 1; background: $panel; text-wrap: nowrap; }
    #line { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("f1", "help", "help"),
        *((f"f{number}", f"panel('{name}')", name) for number, name in enumerate(PANELS, 2)),
        ("escape", "turn_focus", "command line, or panel"),
        ("pageup", "page(-1)", "scroll the panel up"),
        ("pagedown", "page(1)", "scroll the panel down"),
    ]

    def __init__(
        self,
        board: BoardWatch,
        *,
        patterns: Sequence[str] = (),
        in_thread: bool = True,
        wall: Clock = time.time,
    ) -> None:
        super().__init__()
        self.board = board
        self.active = "values"
        self._values = HousekeepingPanel(board.dictionary, board.history, patterns)
        self._sequences = SequencePanel()
        self._link = TextPanel("link", "link")
        self._logs = (
            LogPanel("commands", "commands", board.commands, "type a command below; Tab completes it"),
            LogPanel("events", "events", board.events, "no events yet"),
        )
        self._entry = CommandEntry(board.dictionary)
        self._top = Static(id="head")
        self._side = Vertical(self._sequences, self._link, *self._logs, id="side")
        self._keys = Static(id="keys")
        self._wall = wall
        self._end = threading.Event()
        self._thread = threading.Thread(target=board.run, args=(self._end,), name="link") if in_thread else None
        self._drawn = Text("")
        self._turns = 0
        self._width = 0
        self._told = 0

    def compose(self) -> ComposeResult:
        yield self._top
        yield Horizontal(self._values, self._side, id="panels")
        yield self._entry
        yield self._keys

    @property
    def _panels(self) -> dict[str, ScreenLines]:
        commands, events = self._logs
        panels = (self._values, commands, events, self._sequences, self._link)
        return dict(zip(PANELS, panels, strict=True))

    def on_mount(self) -> None:
        """Begin."""
        self._entry.line.focus()
        self._width = self.size.width
        self._arrange()
        self.set_interval(LOGS_S, self.renew)
        if self._thread is not None:
            self._thread.start()

    async def on_unmount(self) -> None:
        """Let go of the link."""
        self._end.set()
        if self._thread is not None and self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def on_resize(self, event: events.Resize) -> None:
        """Another terminal, or the same at another size; `size` is still the old one."""
        self._width = event.size.width
        self._arrange()

    # -- what is shown -------------------------------------------------------------------------------------------------

    def renew(self, *, all_of_it: bool = False) -> None:
        """Draw what has changed."""
        board = self.board
        if board.failure is not None:
            self.exit(return_code=1, message=f"perilune console: {type(board.failure).__name__}: {board.failure}")
            return
        for log in self._logs:
            log.show()
        if board.commands.last != self._told:
            self._told = board.commands.last
            last = board.commands.since(self._told - 1)[-1]
            self._entry.news(Text(last.text, last.style))
        self._turns += 1
        if not all_of_it and self._turns % VALUES_EVERY:
            return
        snapshot = board.snapshot()
        drawn = head(board.name, snapshot, self._wall())
        if drawn != self._drawn:
            self._drawn = drawn
            self._top.update(drawn)
        self._values.show(snapshot.rows)
        self._sequences.show(snapshot.sequences)
        self._link.show(snapshot.link_text)

    def _arrange(self) -> None:
        shown = shown_panels(self._width, self.active)
        for name, panel in self._panels.items():
            panel.display = name in shown
        self._side.display = any(name in shown for name in PANELS[1:])
        self.screen.set_class(self._width >= WIDE, "-both")
        self.board.show_sequences("sequences" in shown)
        keys = Text("F1 help")
        for number, name in enumerate(PANELS, 2):
            keys.append(" ")
            style = "bold reverse" if name == self.active else ""
            keys.append(f"F{number} {name}", style)
            keys.apply_meta({"@click": f"app.panel('{name}')"}, len(keys) - len(f"F{number} {name}"), len(keys))
        keys.append("  Esc panel  ^Q end", "dim")
        self._keys.update(keys)
        self.call_after_refresh(self.renew, all_of_it=True)

    # -- keys ----------------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_panel(self, name: str) -> None:
        """Show a panel; the command line keeps the keys when it has them."""
        was_in_panel = self._is_in_panel()
        self.active = name
        self._arrange()
        if was_in_panel:
            self._panels[name].focus()

    def action_turn_focus(self) -> None:
        """From the command line to the panel, and back."""
        if self._is_in_panel():
            self._entry.line.focus()
        else:
            self._panels[self.active].focus()

    def action_page(self, by: int) -> None:
        """Scroll the panel though the command line has the keys."""
        panel = self._panels[self.active]
        (panel.scroll_page_down if by > 0 else panel.scroll_page_up)(animate=False)

    def _is_in_panel(self) -> bool:
        return self.focused is not None and self.focused.id in PANELS

    # -- what is wanted ------------------------------------------------------------------------------------------------

    def on_command_entry_given(self, message: CommandEntry.Given) -> None:
        """A good command was typed."""
        self._send(message.text, message.parsed)

    def _send(self, text: str, parsed: CommandText) -> None:
        if not parsed.is_hazardous:
            self.board.send(text, parsed)
            return
        self._ask(
            f"{text} is HAZARDOUS", parsed.command.text, lambda: self.board.send(text, parsed), f"{text}: not sent"
        )

    def _ask(self, title: str, text: str, act: Callable[[], None], otherwise: str) -> None:
        def answered(confirmed: bool | None) -> None:
            if confirmed:
                act()
            else:
                self.board.commands.add(otherwise, "yellow")

        self.push_screen(Confirm(title, text), answered)

    def on_command_entry_filtered(self, message: CommandEntry.Filtered) -> None:
        """Other points are wanted."""
        self._values.show_only(message.patterns)

    def on_sequence_panel_wanted(self, message: SequencePanel.Wanted) -> None:
        """Something is wanted of a sequence."""
        row = message.row
        if row is None:
            self.board.read_sequences()
        elif message.what == "abort":
            self._send(*abortion(self.board.dictionary, row.id))
        else:
            text, parsed = activation(self.board.dictionary, row.id)
            steps = f"{row.steps} steps" if row.steps else "a number of steps that is not known yet"
            self._ask(
                f"Start sequence {row.id} {row.name}",
                f"It has {steps}.",
                lambda: self.board.send(text, parsed),
                f"{text}: not sent",
            )
