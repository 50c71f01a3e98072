"""Housekeeping: what the board tells about itself, and how the ground chooses it."""

from __future__ import annotations

import itertools

import pytest
from perilune.telemetry.decode import DictionaryState
from perilune.telemetry.reports import HousekeepingReport, LimitState, StructureReport

from hil.ground import Ground


def times_of(ground: Ground, name: str) -> list[float]:
    """On-board times in s of the reports of a structure since the mark."""
    return [r.header.time.tai_s for r in ground.of_kind(HousekeepingReport) if r.name == name]


def steps(times: list[float]) -> list[float]:
    return [round(after - before, 3) for before, after in itertools.pairwise(times)]


def steps_in(ground: Ground, seconds: float, interval_s: float) -> list[float]:
    """Times between reports of core.health, by the clock on board."""
    for _ in range(ground.rounds):
        ground.mark()
        ground.run_for(seconds)
        found = steps(times_of(ground, "core.health"))
        if found == pytest.approx([interval_s] * len(found), abs=0.05):
            break
    return found


def sid(ground: Ground, name: str) -> list[dict[str, object]]:
    return [{"sid": ground.dictionary.housekeeping[name].sid}]


def test_the_board_says_which_dictionary_it_speaks(ground: Ground) -> None:
    assert ground.decoder.state is DictionaryState.MATCH
    values = ground.housekeeping("core.health")
    assert values["core.dictionary_high"].raw == int.from_bytes(ground.dictionary.content_hash[:2], "big")


@pytest.mark.sample
def test_a_structure_comes_at_its_interval(ground: Ground) -> None:
    found = steps_in(ground, 4.5, 1.0)
    assert len(found) >= 3
    assert found == pytest.approx([1.0] * len(found), abs=0.05)


def test_a_structure_is_sent_once_when_asked_for(ground: Ground) -> None:
    ground.do("core.disable_reports", sid(ground, "core.health"))
    ground.do("core.report_once", sid(ground, "core.health"))
    ground.run_for(2.0)
    assert len(times_of(ground, "core.health")) == 1


def test_a_disabled_structure_is_silent_until_it_is_enabled(ground: Ground) -> None:
    ground.do("core.disable_reports", sid(ground, "core.health"))
    ground.mark()
    ground.run_for(2.5)
    assert times_of(ground, "core.health") == []
    ground.do("core.enable_reports", sid(ground, "core.health"))
    ground.run_for(2.5)
    assert len(times_of(ground, "core.health")) in (2, 3)


def test_an_interval_can_be_changed(ground: Ground) -> None:
    ground.do("core.change_period", [{**sid(ground, "core.health")[0], "period_ms": 200}])
    found = steps_in(ground, 2.0, 0.2)
    assert len(found) >= 7
    assert found == pytest.approx([0.2] * len(found), abs=0.05)


@pytest.mark.sample
def test_a_structure_can_be_made_of_any_points(ground: Ground) -> None:
    names = ["modes.mode", "core.boot_count", "storage.writes"]
    ids = [{"parameter": ground.dictionary.points[name].id} for name in names]
    ground.do("core.create_report", ids, sid=3000, period_ms=300)
    ground.do("core.describe_reports", [{"sid": 3000}])
    described = ground.wait_report(StructureReport, "the structure's description")
    assert [name for _, name in described.parameters] == names
    assert not described.enabled
    ground.do("core.enable_reports", [{"sid": 3000}])
    report = ground.wait_report(HousekeepingReport, "the new structure", lambda r: r.sid == 3000)
    assert list(report.values) == names
    assert report.values["modes.mode"].text == "SAFE"


def test_a_structure_on_change_is_sent_when_something_changes(ground: Ground) -> None:
    ground.do("core.change_period", [{**sid(ground, "schedule.schedule")[0], "period_ms": 300}])
    ground.run_for(1.0)
    ground.mark()
    ground.run_for(1.5)
    assert times_of(ground, "schedule.schedule") == []
    before = bool(ground.value("schedule.enabled"))
    ground.do("schedule.disable" if before else "schedule.enable")
    report = ground.wait_report(HousekeepingReport, "the schedule", lambda r: r.name == "schedule.schedule")
    assert report.values["schedule.enabled"].raw == (0 if before else 1)


def test_a_board_at_rest_shows_no_red_value_of_the_core(ground: Ground) -> None:
    core = [h for h in ground.dictionary.housekeeping.values() if h.name.split(".")[0] in ("core", "modes", "storage")]
    for structure in core:
        values = ground.housekeeping(structure.name)
        assert [name for name, value in values.items() if value.limit_state is LimitState.RED] == []
