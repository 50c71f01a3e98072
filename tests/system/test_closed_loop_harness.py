"""The harness of the closed loop: one time for board and plant, octets between them, histories, findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from perilune.run_record import read_run
from perilune.telemetry.reports import EventReport

from hil.closed_loop import ClosedLoop
from hil.plant.plant import Plant


@pytest.fixture
def plant() -> Plant:
    return Plant(latitude_deg=0.0, local_time_h=9.0)


def test_board_and_plant_share_one_time(plant: Plant) -> None:
    loop = ClosedLoop(plant)
    loop.run(100.0)
    assert (loop.now_s, plant.now_s, loop.board.clock.seconds) == (100.0, 100.0, 100)


def test_the_board_reads_both_units_over_the_bus(plant: Plant) -> None:
    loop = ClosedLoop(plant)
    loop.run(60.0)
    power, thermal = loop.board.core.devices.power, loop.board.core.devices.thermal
    assert power.link_ok and thermal.link_ok
    assert abs(power.battery_v.value - plant.truth()["battery_v"]) < 0.2
    assert abs(thermal.temperature_c[6].value - plant.node_c("battery")) < 1.5
    assert plant.power_bank.requests > 5


def test_a_request_by_name_is_executed_and_told(plant: Plant) -> None:
    loop = ClosedLoop(plant, listen=True)
    assert loop.command("modes.change", mode="STANDBY") == 0
    assert [change.mode for change in loop.modes] == ["SAFE", "STANDBY"]
    assert [change.reason for change in loop.modes] == ["START", "COMMAND"]
    assert loop.command("modes.change", mode="SCIENCE") == 1
    assert loop.mode == "STANDBY"
    loop.run(1.0)
    told = [
        report.text for report in loop.reports if isinstance(report, EventReport) and report.name == "modes.changed"
    ]
    assert told == [event.text for event in loop.raised("modes.changed")]


def test_a_restarted_board_goes_on_with_the_same_plant(plant: Plant) -> None:
    loop = ClosedLoop(plant)
    loop.command("modes.change", mode="STANDBY")
    loop.run(29.5)
    loop.restart()
    loop.run(30.0)
    assert (loop.now_s, plant.now_s, loop.board.clock.seconds) == (60.0, 60.0, 30)
    assert loop.board.core.devices.power.link_ok
    assert loop.command("core.ping") == 0
    assert [event.name for event in loop.events if event.name == "core.boot"] == ["core.boot"] * 2


def test_a_run_is_recorded_for_the_plot(plant: Plant, tmp_path: Path) -> None:
    loop = ClosedLoop(plant, record=tmp_path / "run.npz", sample_s=20.0)
    loop.run(100.0)
    assert loop.recorder is not None
    loop.recorder.flush()
    run = read_run(tmp_path / "run.npz")
    assert list(run.time_s) == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert run.modes[0].name == "SAFE"
    assert float(run.column("battery_c")[-1]) == pytest.approx(plant.node_c("battery"), abs=0.01)


def test_what_is_wrong_with_a_run_is_found(plant: Plant) -> None:
    loop = ClosedLoop(plant)
    loop.run(10.0)
    assert loop.findings() == []
    plant.battery.step(2.0, -5.0, 36.0)
    plant.extremes.soc_low = 0.05
    plant.extremes.high[2] = 400.0
    loop.board.core.drops.count(3)
    outside, cold, empty, drops = loop.findings()
    assert outside.startswith("outside limits: battery")
    assert cold == "charged below 0 degC: 0.020 A h"
    assert empty == "state of charge down to 5.0 %"
    assert drops == "drops: 1"


def test_time_can_be_paced(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("hil.closed_loop.time.monotonic", lambda: now)
    monkeypatch.setattr("hil.closed_loop.time.sleep", sleep)
    loop = ClosedLoop(plant)
    loop.run(60.0)
    assert now == 0.0
    loop.run(100.0, speed=50.0)
    assert now == pytest.approx(2.0)
    assert loop.now_s == pytest.approx(160.0)


def test_readings_asked_for_less_often_than_they_go_stale_are_told_once(plant: Plant) -> None:
    loop = ClosedLoop(plant)
    loop.run(30.0)
    assert loop.set_parameter("device.period_s", 61) == 0
    loop.run(60.0)
    (told,) = loop.raised("device.readings_rare")
    assert told.values == {"period_s": 61, "stale_s": 60}
    assert told.text == "Units are read every 61 s, but a reading is valid for 60 s."
    assert loop.set_parameter("device.stale_s", 61) == 0
    loop.run(20.0)
    assert loop.set_parameter("device.stale_s", 30) == 0
    loop.run(20.0)
    assert [event.values["stale_s"] for event in loop.raised("device.readings_rare")] == [60, 30]
