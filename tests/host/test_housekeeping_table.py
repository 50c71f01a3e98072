"""The live table of housekeeping: what it holds, limit colours, ages."""

from __future__ import annotations

import io

from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.housekeeping.table import LiveTable
from perilune.telemetry.onboard_time import OnboardTime
from perilune.telemetry.reports import Header, HousekeepingReport, LimitState, Value
from rich.console import Console

DICTIONARY = load([CORE])
HEADER = Header(100, 3, 25, 0, 0, 0, OnboardTime(0, 0, 0))


def health(load: int, state: LimitState) -> HousekeepingReport:
    values = {
        "core.uptime_s": Value(12, 12, "s"),
        "core.load_permille": Value(load, load, "permille", state),
        "core.reset_cause": Value(1, 1, text="POWER_ON"),
    }
    return HousekeepingReport(header=HEADER, raw=b"", sid=1, name="core.health", values=values)


def drawn(table: LiveTable, now_s: float) -> str:
    """The table as a terminal gets it, with its colours."""
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=True, color_system="standard").print(table.rendered(now_s))
    return out.getvalue()


def test_values_with_their_state_and_age() -> None:
    table = LiveTable(DICTIONARY)
    table.add(health(20, LimitState.OK), 100.0)
    table.add(health(800, LimitState.RED), 101.0)
    assert table.lines(101.5) == [
        "core.uptime_s 12 s none 0.5 s",
        "core.load_permille 800 permille red 0.5 s",
        "core.reset_cause POWER_ON none 0.5 s",
    ]
    text = drawn(table, 101.5)
    assert "\x1b[1;31m800" in text
    assert "POWER_ON" in text


def test_a_value_that_is_not_renewed_is_old_after_some_periods() -> None:
    table = LiveTable(DICTIONARY)
    table.add(health(20, LimitState.OK), 100.0)
    assert not any(row.old for row in table.rows(102.4))
    assert all(row.old for row in table.rows(102.6))
    assert "\x1b[7m" in drawn(table, 102.6)


def test_only_what_is_asked_for() -> None:
    for patterns, names in (
        (["core.load*"], ["core.load_permille"]),
        (["power"], []),
        (["core"], ["core.uptime_s", "core.load_permille", "core.reset_cause"]),
    ):
        table = LiveTable(DICTIONARY, patterns)
        table.add(health(20, LimitState.OK), 0.0)
        assert [row.name for row in table.rows(0.0)] == names
