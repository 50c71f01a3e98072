"""How an evening is shown: a live table on a terminal, plain lines elsewhere. Both get the same."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from perilune.client.ground import Ground
from perilune.housekeeping.table import COLOURS, number
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

POINTS = (
    "modes.mode", "night.phase", "night.to_sunset_s", "power.battery_soc", "power.array_w", "power.bus_v",
    "power.instrument_a", "thermal.battery_c", "thermal.electronics_c", "thermal.instrument_c",
    "thermal.radio_heater", "thermal.radio_fault", "thermal.heater_w", "core.load_permille",
)  # fmt: skip
TRUTHS = (
    ("sun", "sun_elevation_deg", "deg"),
    ("ground", "ground_c", "degC"),
    ("battery", "soc", ""),
    ("radio heater", "heater_radio_w", "W"),
)
_LINES = 60
_REDRAW_S = 0.25


class PlainLines:
    """One line for everything that happens, with the seconds since the start that *clock* tells."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, at: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def stage(self, text: str) -> None:
        print(f"{self._passed():6.1f} s  == {text} ==", flush=True)

    def line(self, text: str) -> None:
        print(f"{self._passed():6.1f} s  {text}", flush=True)

    def look(self, ground: Ground, truth: dict[str, float]) -> None:
        """Lines say it all."""

    def _passed(self) -> float:
        return self._clock() - self._start


class LiveScreen:
    """A table of values that are looked at, and the latest lines below, as many as the terminal has room for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self._stage = ""
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._table = Table()
        self._drawn = 0.0
        self._live = Live(auto_refresh=False, console=Console(highlight=False))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, at: BaseException | None, trace: TracebackType | None) -> None:
        self._draw()
        self._live.stop()

    def stage(self, text: str) -> None:
        self._stage = text
        self._draw()

    def line(self, text: str) -> None:
        self._lines.append(f"{self._clock() - self._start:6.1f} s  {text}")
        self._draw()

    def look(self, ground: Ground, truth: dict[str, float]) -> None:
        if time.monotonic() - self._drawn < _REDRAW_S:
            return
        table = Table("point", "value", "age", "truth", "", box=None, pad_edge=False)
        for index, name in enumerate(POINTS):
            latest = ground.values.get(name)
            if latest is None:
                row = [Text(name), Text("-"), Text("")]
            else:
                colour = COLOURS[latest.value.limit_state]
                shown = f"{number(latest.value)} {latest.value.unit}".rstrip()
                row = [Text(name), Text(shown, colour), Text(f"{ground.clock() - latest.received_s:.0f} s", "dim")]
            if index < len(TRUTHS):
                label, key, unit = TRUTHS[index]
                row += [Text(f"  {label}", "dim"), Text(f"{truth[key]:.2f} {unit}".rstrip(), "dim")]
            table.add_row(*row)
        self._table = table
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        title = Text(f"Perilune: {self._stage}, {self._clock() - self._start:.0f} s", "bold")
        room = max(3, self._live.console.size.height - len(POINTS) - 4)
        lines = Text("\n".join(list(self._lines)[-room:]), no_wrap=True, overflow="ellipsis")
        self._live.update(Group(title, self._table, lines), refresh=True)
