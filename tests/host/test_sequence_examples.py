"""The example sequences of the reference payload: checked, and flown against the lunar plant without a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.run_record import read_run
from perilune.sequence.check import check_together
from perilune.sequence.rehearsal import Rehearsal
from perilune.sequence.rehearse import rehearse
from perilune.sequence.schedule import plan_of
from perilune.sequence.start_state import read_state
from perilune.sequence.text import load_sequence

OPERATIONS = Path(__file__).resolve().parents[2] / "hil" / "operations"
PAYLOAD = CORE / "payload"
FOLDERS = [CORE, PAYLOAD]
DICTIONARY = load(FOLDERS)
STATES = {"instrument_day": "morning", "set_points": "morning", "dusk_preparation": "evening"}
EIGHT_HOURS_S = 8 * 3600.0


def fly(name: str, for_s: float = 0.0, record: Path | None = None) -> Rehearsal:
    sequence, _ = load_sequence(OPERATIONS / f"{name}.seq", DICTIONARY)
    state = read_state(OPERATIONS / f"{STATES[name]}.toml", DICTIONARY)
    return rehearse(sequence, state, DICTIONARY, FOLDERS, for_s=for_s, record=record)


def test_all_are_good_and_fit_together() -> None:
    paths = sorted(OPERATIONS.glob("*.seq"))
    assert [path.stem for path in paths] == ["dusk_preparation", "instrument_day", "plan", "set_points"]
    sequences = []
    for path in paths:
        sequence, notes = load_sequence(path, DICTIONARY)
        assert notes == []
        sequences.append(sequence)
    assert check_together(sequences) == []


def test_eight_hours_are_rehearsed(tmp_path: Path) -> None:
    # How long that takes, `make bench` measures.
    result = fly("instrument_day", EIGHT_HOURS_S, tmp_path / "day.npz")
    assert result.verdict == ()
    assert result.completed
    assert result.duration_s >= EIGHT_HOURS_S
    assert [step.number for step in result.steps] == list(range(1, 18))
    assert all(step.ok for step in result.steps)
    # The pictures begin an hour after the instrument, and the whole takes 7 h 42 min.
    assert result.steps[7].at_s == pytest.approx(result.steps[6].at_s + 3600, abs=0.2)
    assert result.steps[-1].at_s == pytest.approx(7.7 * 3600, abs=60)
    assert [mode.name for mode in result.modes] == ["STANDBY", "NOMINAL", "SCIENCE", "NOMINAL", "STANDBY"]
    energy = result.energy
    # At most 40 W from the lander for eight hours; the sun is up, so the battery gives nothing.
    assert 200 < energy.feed < 322
    assert energy.battery_out < 1.0
    assert energy.soc_start == pytest.approx(80.0, abs=0.1)
    assert energy.soc_end > energy.soc_start
    # What comes in leaves as load, or goes into the battery with a converter's loss.
    assert 0.9 * (energy.array + energy.feed) < energy.loads + energy.battery_in < energy.array + energy.feed
    instrument = next(row for row in result.temperatures if row.zone == "instrument")
    assert instrument.start == pytest.approx(5.0, abs=0.1)
    assert 25 < instrument.high < 50
    record = read_run(tmp_path / "day.npz")
    assert [event.name for event in record.events if event.name.startswith("step ")] == [
        f"step {number}" for number in range(1, 18)
    ]
    assert [mode.name for mode in record.modes][-1] == "STANDBY"


@pytest.mark.parametrize("name", ["set_points", "dusk_preparation"])
def test_the_others_fly_without_a_fault(name: str) -> None:
    result = fly(name)
    assert result.verdict == ()
    assert result.completed


def test_the_plan_is_one_for_the_schedule() -> None:
    plan, hazardous = plan_of(str(OPERATIONS / "plan.seq"), None, DICTIONARY)
    assert hazardous == []
    assert [row.release.iso for row in plan] == [
        "2026-11-27T06:00:00.000Z",
        "2026-11-27T06:01:00.000Z",
        "2026-11-27T06:06:00.000Z",
        "2026-11-27T08:00:00.000Z",
        "2026-11-27T20:00:00.000Z",
    ]
