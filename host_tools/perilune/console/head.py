"""The lines on top: which board, its mode, its time, limits; how the link is and what to do about it."""

from __future__ import annotations

from rich.text import Text

from ..dictionary.vocabulary import MODE_NAMES
from ..link.link_state import Condition
from ..telemetry.decode import DictionaryState
from ..telemetry.onboard_time import STATUS_TEXTS, iso_of_unix
from ..telemetry.reports import LimitState
from .board_watch import Snapshot

# After so long without a report the time on top is told to be old.
OLD_S = 3.0
_MODE_STYLES = {"BOOT": "reverse", "SAFE": "bold yellow reverse", "SURVIVAL": "bold red reverse"}
assert set(_MODE_STYLES) <= set(MODE_NAMES)


def head(name: str, snapshot: Snapshot, wall_s: float) -> Text:
    """Two lines, or more when there is something to do."""
    mode = snapshot.mode or "mode ?"
    text = Text(f"{name[:24]} ", "bold")
    text.append(f" {mode} ", _MODE_STYLES.get(mode, "bold green reverse"))
    text.append(f"  board {_time(snapshot)}")
    if snapshot.time is not None and snapshot.time_age_s > OLD_S:
        text.append(f", {snapshot.time_age_s:.0f} s ago", "bold red")
    text.append(f"  UTC {iso_of_unix(wall_s)[11:19]}", "dim")
    for state, style in ((LimitState.RED, "bold red"), (LimitState.YELLOW, "yellow")):
        if count := snapshot.count(state):
            text.append(f"  {count} {state}", style)
    if snapshot.under_way:
        text.append(f"  {snapshot.under_way} under way", "cyan")
    text.append("\n")
    link = snapshot.state
    style = {Condition.UP: "green", Condition.OPENING: "yellow"}.get(link.condition, "bold red")
    text.append(f"link {link.condition}: ", style)
    text.append(str(link), style)
    if snapshot.dictionary is DictionaryState.MISMATCH:
        text.append(
            "\nthe board speaks another dictionary than ours; try: name its missions in perilune.toml", "bold red"
        )
    return text


def _time(snapshot: Snapshot) -> str:
    time = snapshot.time
    if time is None:
        return "time ?"
    return f"{time.iso[:19]}Z {STATUS_TEXTS.get(time.status, '')}".rstrip() if time.is_set else time.onboard
