"""Rehearsals: the state they start from, and that each thing that goes wrong is told. Core and mission of the tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.dictionary.model import Number
from perilune.sequence.limit_watch import LimitWatch
from perilune.sequence.rehearsal import Rehearsal, RehearsalError
from perilune.sequence.rehearse import rehearse
from perilune.sequence.show import rehearsal_text
from perilune.sequence.start_state import StartState, StateError, checked, from_housekeeping, read_state
from perilune.sequence.text import read_sequence

from tests.system.targets import TRIAL

FOLDERS = [CORE, TRIAL]
DICTIONARY = load(FOLDERS)
PAYLOAD = [CORE, CORE / "payload"]


def fly(text: str, state: StartState | None = None, tail_s: float = 5.0, record: Path | None = None) -> Rehearsal:
    sequence, problems = read_sequence(text, DICTIONARY)
    assert sequence is not None, problems
    return rehearse(sequence, state or StartState(), DICTIONARY, FOLDERS, tail_s=tail_s, record=record)


def test_steps_have_their_times() -> None:
    state = StartState(utc="2026-331T11:58:00", mode="STANDBY", parameters={"trial.gain": 5})
    result = fly("R00:00:02 CORE.PING\nA2026-331T12:00:30 CORE.PING\nWAIT trial.gain == 5 TIMEOUT 00:00:05", state)
    assert result.verdict == ()
    assert result.completed
    assert [step.line for step in result.steps] == [1, 2, 3]
    # A minute and what the commands of the state took is gone before it begins.
    assert result.start_utc.startswith("2026-11-27T11:58:59")
    assert result.steps[1].utc == "2026-11-27T12:00:30.000Z"
    assert result.steps[0].at_s == pytest.approx(2.0, abs=0.02)
    assert [mode.name for mode in result.modes] == ["STANDBY"]
    assert result.duration_s >= result.steps[-1].at_s + 5


def test_without_a_time_of_its_own_it_starts_before_its_first_absolute_step() -> None:
    result = fly("R00:00:10 CORE.PING\nA2026-331T12:00:00 CORE.PING")
    assert result.verdict == ()
    assert result.steps[1].utc == "2026-11-27T12:00:00.000Z"


def test_a_wait_that_times_out_ends_it() -> None:
    result = fly("WAIT trial.gain == 99 TIMEOUT 00:00:03\nR00:00:00 CORE.PING")
    assert (result.completed, [step.outcome for step in result.steps]) == (False, ["TIMEOUT"])
    assert result.steps[0].at_s == pytest.approx(3.0, abs=0.2)
    assert result.verdict[0] == "the sequence ended at step 1 with TIMEOUT"


def test_a_step_that_fails_and_goes_on_is_told() -> None:
    result = fly("WAIT trial.gain == 99 TIMEOUT 00:00:03 ON_FAIL CONTINUE\nR00:00:00 CORE.PING")
    assert result.completed
    assert result.verdict == ("step 1 (line 1) fails with TIMEOUT, and the sequence goes on",)


def test_requests_that_fail_are_told_also_after_their_start() -> None:
    text = "R00:00:01 MODES.CHANGE mode=SCIENCE ON_FAIL CONTINUE\nR00:00:01 TRIAL.SLOW steps=3 code=300"
    result = fly(text)
    assert [(row.request, row.failure) for row in result.failures] == [
        ("MODES.CHANGE", "TRANSITION"),
        ("a request that had been started", "app_0x12c"),
    ]
    assert "MODES.CHANGE fails with TRANSITION after 1 s" in result.verdict
    assert result.failures[1].at_s == pytest.approx(2.3, abs=0.3)


def test_a_board_that_restarts_is_told() -> None:
    restart = "R00:00:01 CORE.ARM service=8 subtype=1 function=0x0002\nR00:00:01 CORE.RESTART\nR00:00:30 CORE.PING"
    result = fly(restart)
    assert not result.completed
    assert "the sequence was stopped by a restart of the board" in result.verdict


def test_limits_that_are_left_are_told(tmp_path: Path) -> None:
    """The level of the test's mission stands at -10 degC, outside yellow (0 to 40); -20 to 60 is red."""
    result = fly("R00:00:20 CORE.PING", record=tmp_path / "x.npz")
    [trip] = [row for row in result.limit_trips if row.point == "trial.level"]
    assert (trip.state, trip.worst, trip.excess, trip.unit, trip.until_s) == ("yellow", -10.0, 10.0, "degC", None)
    assert "yellow trial.level, worst -10 degC" in rehearsal_text(result)
    assert (tmp_path / "x.npz").is_file()


def test_a_trip_has_its_worst_value_and_its_end() -> None:
    """Yellow beyond 0 to 40, red beyond -20 to 60 degC; raw = 2 * (degC + 10)."""
    point = DICTIONARY.points["trial.level"]
    values = [0.0] * len(DICTIONARY.points)
    core = SimpleNamespace(values=values)
    watch = LimitWatch(cast(Any, SimpleNamespace(board=SimpleNamespace(core=core))), DICTIONARY)
    for number, celsius in enumerate([20, 45, 50, 42, 20, 65, 61, 41, -1]):
        values[point.index] = 2 * (celsius + 10)
        watch.look(10.0 * number)
    rows = [
        (row.state, row.from_s, row.until_s, row.worst, row.excess) for row in watch.trips() if row.point == point.name
    ]
    assert rows == [
        ("yellow", 10.0, 40.0, 50.0, 10.0),
        ("red", 50.0, 70.0, 65.0, 5.0),
        ("yellow", 70.0, None, 41.0, 1.0),
    ]


def test_the_plant_starts_in_the_state_and_so_does_the_board() -> None:
    dictionary = load(PAYLOAD)
    sequence, problems = read_sequence("R00:00:05 POWER.LOAD_OFF load=RADIO", dictionary)
    assert sequence is not None, problems
    state = StartState(
        mode="NOMINAL",
        battery_soc=55.0,
        loads=("radio", "instrument"),
        temperatures={"battery": 21.5, "array": -40.0},
        local_time_h=11.0,
    )
    result = rehearse(sequence, state, dictionary, PAYLOAD, tail_s=30.0)
    assert result.energy.soc_start == pytest.approx(55.0, abs=0.05)
    found = {row.zone: row.start for row in result.temperatures}
    # The array warms by some degrees in the minute in which the board is made ready.
    assert found["battery"] == pytest.approx(21.5, abs=0.05)
    assert found["array"] == pytest.approx(-40.0, abs=0.05)
    assert result.modes[0].name == "NOMINAL"
    # 2.2 W of the radio for five seconds hardly count, 8 W of the instrument for forty do.
    assert 0.08 < result.energy.loads < 0.25


def test_what_the_rehearsed_board_does_not_take_is_told() -> None:
    """In BOOT nothing leads to BOOT."""
    with pytest.raises(RehearsalError, match="does not reach the mode of the start; expected BOOT; found SAFE"):
        fly("R00:00:00 CORE.PING", StartState(mode="BOOT"))


def test_a_state_file(tmp_path: Path) -> None:
    path = tmp_path / "now.toml"
    path.write_text(
        'utc = "2026-331T12:00:00"\nmode = "STANDBY"\nlatitude_deg = 45.0\nlocal_time_h = 16.5\nbattery_soc = 80.5\n'
        "[temperatures]\nbattery = -3.5\n[parameters]\n'trial.gain' = 7\n"
    )
    assert read_state(path, DICTIONARY) == StartState(
        "2026-331T12:00:00", "STANDBY", 45.0, 16.5, 80.5, (), {"battery": -3.5}, {"trial.gain": 7}, str(path)
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mode = 3", "mode"),
        ('mode = "STANDBI"', "try: STANDBY"),
        ("battery_soc = 101.0", "expected 0 to 100"),
        ("latitude_deg = -91.0", "expected -90 to 90"),
        ('utc = "yesterday"', "utc"),
        ('utc = "1900-01-01"', "utc: year 1900 cannot be said on board: 2020 to 2053"),
        ('utc = "2054-01-28T00:00:00Z"', "utc: year 2054 cannot be said on board"),
        ("[temperatures]\nbattry = -15.0", "there is no zone battry; try: battery"),
        ("[temperatures]\nelectronics = nan", "temperatures.electronics; expected -273 to 1000; found nan"),
        ("[temperatures]\nbattery = -500.0", "temperatures.battery; expected -273 to 1000; found -500"),
        ("[parameters]\n'trial.gian' = 1", "try: trial.gain"),
        ("[parameters]\n'trial.level' = 1", "no parameter trial.level"),
        ("[parameters]\n'trial.gain' = 101", "trial.gain is out of range; expected 1 to 100; found 101"),
        ('loads = ["warp"]', "no load warp"),
        ("soc = 3", "unknown field"),
        ("= 3", "no start state"),
    ],
)
def test_a_state_file_that_is_wrong(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "now.toml"
    path.write_text(text)
    with pytest.raises(StateError, match=found):
        read_state(path, DICTIONARY)
    with pytest.raises(StateError, match="cannot read"):
        read_state(tmp_path / "nothing.toml", DICTIONARY)


def test_a_state_from_housekeeping() -> None:
    dictionary = load(PAYLOAD)
    values: dict[str, Number] = {
        "modes.mode": 2,
        "power.battery_soc": 63.5,
        "power.load_wanted": 0b110,
        "thermal.battery_c": 4.25,
        "thermal.battery_valid": 1,
        "thermal.mast_c": -99.0,
        "thermal.mast_valid": 0,
        "night.hour_angle_deg": 60.0,
        "modes.command_loss_s": 3600,
        "core.uptime_s": 7,
    }
    base = StartState(latitude_deg=30.0, temperatures={"radio": 1.0})
    state = checked(from_housekeeping(values, dictionary, "2026-331T12:00:00", "the board", base), dictionary)
    names = list(dictionary.enumerations["power.load"].values)
    assert state == StartState(
        utc="2026-331T12:00:00",
        mode="STANDBY",
        latitude_deg=30.0,
        local_time_h=16.0,
        battery_soc=63.5,
        loads=(names[1].lower(), names[2].lower()),
        temperatures={"radio": 1.0, "battery": 4.25},
        parameters={"modes.command_loss_s": 3600},
        source="the board",
    )
