"""Pictures of a recorded run: a PNG and an interactive HTML page (`perilune plot`).

Lives here: the layout. Does not live here: the file of a run (run_record.py) and the page's script (plot_page.html).

Both show the same: one panel for each group of columns over a common time, limits dashed in the colour of their
column, night shaded, modes as a coloured band above, events as marks below it. matplotlib is asked for when a PNG is
drawn, not before.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perilune.errors import PeriluneError
from perilune.run_record import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE = Path(__file__).with_name("plot_page.html")
PAGE_DATA = "/*RUN*/null"

# Okabe and Ito's colours, which people with any colour vision tell apart, and darker ones for panels with many curves.
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B", "#5B6C7D", "#A3B81C",
)  # fmt: skip
MODE_COLOURS = ("#B8D8BA", "#F4D58D", "#A9C7E8", "#E8B4B8", "#CFC3E8", "#D9D9D9", "#F2C6A0", "#BFE3E0")
EVENT_COLOURS = {"info": "#7F8C8D", "low": "#2874A6", "medium": "#CA6F1E", "high": "#B03A2E"}
NIGHT_COLOUR = "#1F2A44"
# Points of a curve on the page: more than any screen has columns; what is left out keeps its extremes.
PAGE_POINTS = 4000
SECONDS_UP_TO_S = 600.0
HOURS_UP_TO_S = 3.0 * 86400.0


def time_bounds(record: RunRecord) -> tuple[float, float]:
    """Begin and end of the time axis in s, at least a second apart: all samples, modes and events are between them.

    Modes and events may come before the first sample: of a rehearsal of some seconds there is one sample at its end.
    """
    times = [*record.time_s[[0, -1]].tolist()] if len(record.time_s) else []
    times += [mode.time_s for mode in record.modes] + [event.time_s for event in record.events]
    begin, end = min(times, default=0.0), max(times, default=0.0)
    return begin, max(end, begin + 1.0)


def time_scale(record: RunRecord) -> tuple[float, str]:
    """Seconds of one unit of the time axis, and the unit's name."""
    begin, end = time_bounds(record)
    if end - begin <= SECONDS_UP_TO_S:
        return 1.0, "s"
    return (3600.0, "hours") if end - begin <= HOURS_UP_TO_S else (86400.0, "days")


def mode_spans(record: RunRecord) -> list[tuple[float, float, str]]:
    """Start, end in s and name of every stay in a mode."""
    starts = [m.time_s for m in record.modes]
    ends = [*starts[1:], time_bounds(record)[1]] if starts else []
    return [(m.time_s, stop, m.name) for m, stop in zip(record.modes, ends, strict=True)]


def mode_colours(record: RunRecord) -> dict[str, str]:
    """A colour for each mode, by the order in which they appear."""
    names = list(dict.fromkeys(m.name for m in record.modes))
    return {name: MODE_COLOURS[k % len(MODE_COLOURS)] for k, name in enumerate(names)}


def write_png(record: RunRecord, path: Path) -> None:
    """Draw a run as a PNG; opens no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import, needed for PNG alone
    from matplotlib.figure import Figure  # noqa: PLC0415

    groups = record.groups()
    if not groups or not len(record.time_s):
        raise PeriluneError(
            f"{path}: nothing to draw", expected="samples, and columns with a group", found=record.title
        )
    heights = [0.42, *[1.7 + 0.09 * len(places) for places in groups.values()]]
    figure: Figure = Figure(figsize=(14.0, 1.3 + 1.15 * sum(heights)), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights, "hspace": 0.09})
    _draw_band(axes[0], record)
    for axis, (group, places) in zip(axes[1:], groups.items(), strict=True):
        _draw_panel(axis, record, group, places)
    scale, unit = time_scale(record)
    begin, end = time_bounds(record)
    axes[-1].set_xlim(begin / scale, end / scale)
    axes[-1].set_xlabel(f"time since start, {unit}")
    _draw_local_time(axes[0], record, scale)
    figure.suptitle(record.title, x=0.065, y=0.995, ha="left", va="top", fontsize=13, fontweight="bold")
    _draw_facts(figure, record)
    top = 1.0 - 0.72 / figure.get_size_inches()[1]
    figure.subplots_adjust(left=0.065, right=0.865, top=top, bottom=0.55 / figure.get_size_inches()[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Title": record.title})


def _draw_facts(figure: Figure, record: RunRecord) -> None:
    facts = "   ".join(
        f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in record.facts.items()
    )
    figure.text(0.985, 0.995, facts, ha="right", va="top", fontsize=8.5, color="#555555")


def _draw_band(axis: Axes, record: RunRecord) -> None:
    scale, _ = time_scale(record)
    colours = mode_colours(record)
    begin, end_of_all = time_bounds(record)
    span = end_of_all - begin
    for start, end, name in mode_spans(record):
        axis.axvspan(start / scale, end / scale, ymin=0.42, ymax=1.0, color=colours[name], lw=0)
        if (end - start) / span > 0.009 * len(name):
            middle = 0.5 * (start + end) / scale
            axis.text(middle, 0.71, name, ha="center", va="center", fontsize=8.5, clip_on=True)
    taken = -1.0
    for event in sorted(record.events, key=lambda event: event.time_s):
        x, colour = event.time_s / scale, EVENT_COLOURS[event.severity]
        axis.plot([x, x], [0.0, 0.36], color=colour, lw=1.0, solid_capstyle="butt")
        # A name is written where the one before it has ended.
        place = (event.time_s - begin) / span
        if taken <= place < 0.97:
            axis.text(x, 0.17, f" {event.name}", ha="left", va="center", fontsize=7, color=colour, clip_on=True)
            taken = place + 0.0062 * (len(event.name) + 2)
    axis.set_ylim(0.0, 1.0)
    axis.set_yticks([0.18, 0.71], ["events", "mode"], fontsize=8.5)
    axis.tick_params(axis="both", length=0)
    for side in axis.spines.values():
        side.set_visible(False)


def _draw_panel(axis: Axes, record: RunRecord, group: str, places: list[int]) -> None:
    scale, _ = time_scale(record)
    time = record.time_s / scale
    for start, end in record.nights():
        axis.axvspan(start / scale, end / scale, color=NIGHT_COLOUR, alpha=0.09, lw=0)
    for event in record.events:
        if event.severity in ("medium", "high"):
            axis.axvline(event.time_s / scale, color=EVENT_COLOURS[event.severity], lw=0.7, alpha=0.4)
    for k, place in enumerate(places):
        column, colour = record.columns[place], COLOURS[k % len(COLOURS)]
        # One sample is no line: it is a point.
        marker = "o" if len(time) == 1 else ""
        axis.plot(time, record.data[:, place], color=colour, lw=1.15, marker=marker, label=column.text)
    _draw_limits(axis, record, places)
    units = list(dict.fromkeys(record.columns[p].unit for p in places if record.columns[p].unit))
    axis.set_ylabel(group + (f", {', '.join(units)}" if units else ""), fontsize=9)
    axis.grid(True, color="#000000", alpha=0.08, lw=0.6)
    axis.margins(y=0.06)
    axis.tick_params(labelsize=8.5)
    for name in ("top", "right"):
        axis.spines[name].set_visible(False)
    axis.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), fontsize=8.5, frameon=False, handlelength=1.4)


def _draw_limits(axis: Axes, record: RunRecord, places: list[int]) -> None:
    # A limit far from all curves would squeeze them: it is drawn when within half the panel's span of them.
    data = record.data[:, places]
    if not np.isfinite(data).any():
        return
    low, high = float(np.nanmin(data)), float(np.nanmax(data))
    reach = 0.5 * max(high - low, 1e-6)
    limits: dict[float, list[int]] = {}
    for k, place in enumerate(places):
        column = record.columns[place]
        for value in (column.low, column.high):
            if value is not None and low - reach <= value <= high + reach:
                limits.setdefault(value, []).append(k)
    for value, users in limits.items():
        colour = COLOURS[users[0] % len(COLOURS)] if len(users) == 1 else "#444444"
        axis.axhline(value, color=colour, lw=0.9, ls=(0, (5, 3)), alpha=0.75)


def _draw_local_time(axis: Axes, record: RunRecord, scale: float) -> None:
    marks = [(t / scale, name) for t, name in local_time_marks(record)]
    top = axis.secondary_xaxis("top")
    top.set_xticks([t for t, _ in marks], [name for _, name in marks], fontsize=8.5)
    top.tick_params(length=3, color="#888888", labelcolor="#444444")
    top.spines["top"].set_visible(False)


def local_time_marks(record: RunRecord) -> list[tuple[float, str]]:
    """Times in s of sunrise, noon, sunset and midnight, from a column local_time_h; empty without one."""
    try:
        hours = record.column("local_time_h").astype(np.float64)
    except KeyError:
        return []
    if not np.isfinite(hours).all():
        return []
    turned = np.unwrap(hours, period=24.0)
    marks = []
    for quarter in range(math.ceil(turned[0] / 6.0), math.floor(turned[-1] / 6.0) + 1) if len(turned) > 1 else ():
        name = ("midnight", "sunrise", "noon", "sunset")[quarter % 4]
        marks.append((float(np.interp(quarter * 6.0, turned, record.time_s)), name))
    return marks


def thinned(record: RunRecord, points: int = PAGE_POINTS) -> list[int]:
    """Rows to keep: about `points`, among them the extremes of every column in every stretch that is left out."""
    rows = len(record.time_s)
    if rows <= points:
        return list(range(rows))
    columns = [p for places in record.groups().values() for p in places]
    stretches = max(1, points // max(1, 2 * len(columns) + 1))
    kept: set[int] = {0, rows - 1}
    edges = np.linspace(0, rows, stretches + 1).astype(int)
    for a, b in pairwise(edges):
        kept.add(int(a))
        for place in columns:
            piece = record.data[a:b, place]
            if np.isfinite(piece).any():
                kept |= {int(a + np.nanargmin(piece)), int(a + np.nanargmax(piece))}
    return sorted(kept)


def page_data(record: RunRecord) -> dict[str, Any]:
    """What the page shows, as data for JSON; numbers with five digits, null for no value."""
    rows = thinned(record)

    def short(value: float) -> float | None:
        return float(f"{value:.5g}") if math.isfinite(value) else None

    scale, unit = time_scale(record)
    return {
        "title": record.title,
        "facts": record.facts,
        "start": time_bounds(record)[0],
        "end": time_bounds(record)[1],
        "scale": scale,
        "unit": unit,
        "time": [round(float(record.time_s[r]), 3) for r in rows],
        "panels": [
            {
                "group": group,
                "columns": [
                    {
                        "text": record.columns[p].text,
                        "unit": record.columns[p].unit,
                        "low": record.columns[p].low,
                        "high": record.columns[p].high,
                        "colour": COLOURS[k % len(COLOURS)],
                        "values": [short(float(record.data[r, p])) for r in rows],
                    }
                    for k, p in enumerate(places)
                ],
            }
            for group, places in record.groups().items()
        ],
        "nights": record.nights(),
        "modes": [[a, b, name, mode_colours(record)[name]] for a, b, name in mode_spans(record)],
        "events": [[e.time_s, e.severity, e.name, e.text, EVENT_COLOURS[e.severity]] for e in record.events],
        "marks": local_time_marks(record),
    }


def write_html(record: RunRecord, path: Path) -> None:
    """Write the page: one file that needs nothing else, no network either."""
    # "</" would end the script, wherever it stands.
    data = json.dumps(page_data(record), separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.read_text(encoding="utf-8").replace(PAGE_DATA, data), encoding="utf-8")
