"""An app that misbehaves does not take the board with it: each misdeed is contained, told, and bounded.

On the emulated board, since a hang and a leak need a processor and a heap of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flight.limits import WATCHDOG_MS
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.telemetry.reports import EventReport

import hil
from hil.bench import load_bench
from hil.ground import Ground
from hil.targets.make import make_target

pytestmark = [pytest.mark.board, pytest.mark.qemu("hangs and leaks need a processor and a heap")]

BENCH = Path(hil.__file__).parent / "campaign" / "unruly.toml"
RECOVERY_S = WATCHDOG_MS / 1000 + 5
WATCHDOG, PYTHON = 7, 8  # causes of crashes, firmware/stm32f4/fault.h
UNRULY = 1  # the mission's only app


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """A board with the app, and its ground."""
    bench = load_bench(str(BENCH))
    with make_target(bench, tmp_path) as target:
        target.boot()
        ground = Ground(target, load([CORE, *bench.mission_folders]))
        ground.await_boot()
        yield ground


def after_crash(ground: Ground, timeout_s: float = RECOVERY_S) -> EventReport:
    """What the board tells of its crash when it is back."""
    report = ground.wait_event("core.crash", timeout_s=timeout_s)
    ground.await_boot(5.0)
    ground.do("core.ping")
    return report


def test_an_app_that_raises_restarts_the_board_which_names_it(ground: Ground) -> None:
    ground.set({"unruly.now": 1})
    report = after_crash(ground)
    assert (report.fields["cause"].raw, report.fields["app"].raw) == (PYTHON, UNRULY)
    ground.wait_value("unruly.steps", lambda steps: steps > 0)


def test_an_app_that_hangs_is_found_by_the_watchdog_in_time(ground: Ground) -> None:
    ground.set({"unruly.now": 2})
    report = after_crash(ground)
    assert (report.fields["cause"].raw, report.fields["app"].raw) == (WATCHDOG, UNRULY)
    assert int(report.fields["pc_high"].raw) >> 8 == 0x08


def test_an_app_that_raises_after_every_start_is_switched_off(ground: Ground) -> None:
    ground.set({"unruly.always": 1})
    ground.wait_event("modes.repeated_resets", timeout_s=30.0)
    ground.mark()
    ground.run_for(3.0)
    assert ground.events("core.boot") == []
    assert (ground.value("modes.mode"), ground.value("modes.isolated")) == ("SAFE", 1)
    steps = ground.value("unruly.steps")
    # The ground mends it and lets it run again.
    ground.set({"unruly.always": 0})
    ground.do("modes.change", mode="SAFE")
    ground.hazardous("core.restart")
    ground.wait_event("core.boot", timeout_s=20.0)
    ground.await_boot()
    ground.wait_value("unruly.steps", lambda now: now > steps + 1, ask=True)


def test_an_app_that_leaks_runs_out_of_memory_and_the_board_does_not(ground: Ground) -> None:
    ground.set({"unruly.now": 4})
    report = after_crash(ground, 60.0)
    assert (report.fields["cause"].raw, report.fields["app"].raw) == (PYTHON, UNRULY)


def test_an_app_that_takes_too_long_is_told_and_the_board_goes_on(ground: Ground) -> None:
    ground.set({"unruly.now": 3})
    report = ground.wait_event("core.overrun")
    assert report.fields["group"].text == "HZ_1"
    ground.do("core.ping")
    ground.mark()
    ground.run_for(3.0)
    assert ground.events("core.boot") == []


def test_an_app_that_floods_events_starves_neither_commands_nor_housekeeping(ground: Ground) -> None:
    ground.set({"unruly.now": 5})
    ground.wait_event("unruly.noise")
    first = len(ground.reports)
    for _ in range(10):
        ground.do("core.ping", timeout_s=2.0)
        ground.run_for(0.4)
    told = [r for r in ground.reports[first:] if isinstance(r, EventReport)]
    assert 2 <= len(told) <= 8
    assert ground.number("core.events_suppressed") > 100
    assert ground.lost["reports"] == 0
