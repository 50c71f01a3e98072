"""The power app, its device and the bus in closed loop with the plant, octet by octet."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from perilune.dictionary.load import CORE, load
from perilune.dictionary.model import Dictionary

from hil.closed_loop import ClosedLoop
from hil.plant.plant import Plant

HOUR = 3600.0
RADIO = 1


@pytest.fixture(scope="module")
def mission(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Dictionary]:
    """The payload's devices and power app alone: no other app switches anything."""
    folder = tmp_path_factory.mktemp("power")
    shutil.copytree(CORE / "units", folder / "units")
    for name in ("device.toml", "power.toml"):
        shutil.copy(CORE / "payload" / name, folder)
    folders = [CORE, folder]
    return folders, load(folders)


@pytest.fixture
def loop(mission: tuple[list[Path], Dictionary]) -> ClosedLoop:
    """By day at the equator; the first readings are there."""
    return begin(mission)


def begin(mission: tuple[list[Path], Dictionary], local_time_h: float = 8.0, soc: float = 0.6) -> ClosedLoop:
    plant = Plant(0.0, local_time_h, start_soc=soc)
    made = ClosedLoop(plant, mission[0], dictionary=mission[1])
    made.run(60.0)
    return made


def device(loop: ClosedLoop, name: str) -> float:
    return loop.value(f"device.power_{name}")


def test_readings_are_the_plants(loop: ClosedLoop) -> None:
    truth = loop.plant.truth()
    for name, noise in (("bus_v", 0.1), ("battery_v", 0.1), ("battery_a", 0.05)):
        assert loop.value(f"power.{name}") == pytest.approx(truth[name], abs=noise)
    # Before the converter's loss of 7 %.
    assert loop.value("power.array_w") * 0.93 == pytest.approx(truth["array_w"], abs=2.0)
    assert loop.value("power.battery_c") == pytest.approx(truth["battery_c"], abs=1.0)
    assert loop.value("power.battery_soc") == pytest.approx(60.0, abs=3.0)
    assert loop.value("power.feed_present") == 1
    assert (device(loop, "timeouts"), device(loop, "corrupt"), device(loop, "failures")) == (0, 0, 0)


def test_charge_is_counted_through_a_day_and_a_restart(loop: ClosedLoop) -> None:
    for _ in range(3):
        loop.run(2 * HOUR)
        assert loop.value("power.battery_soc") == pytest.approx(100 * loop.plant.battery.soc, abs=3.0)
    before = loop.value("power.battery_soc")
    loop.restart()
    loop.run(30.0)
    assert loop.value("power.battery_soc") == pytest.approx(before, abs=0.7)


def test_a_command_reaches_the_load_and_the_ground_sees_its_current(loop: ClosedLoop) -> None:
    assert loop.command("power.load_on", load="RADIO") == 0
    loop.run(40.0)
    assert loop.plant.power.on[RADIO]
    assert loop.value("power.radio_a") == pytest.approx(12.0 / 28.0, abs=0.03)
    assert loop.command("power.load_off", load="RADIO") == 0
    loop.run(40.0)
    assert not loop.plant.power.on[RADIO]


def test_over_current_latches(loop: ClosedLoop) -> None:
    loop.plant.faults.inject("load_overcurrent", load="radio", extra_a=2.0)
    loop.command("power.load_on", load="RADIO")
    loop.run(HOUR)
    assert [len(loop.raised(f"power.{name}")) for name in ("load_tripped", "load_latched")] == [2, 1]
    assert loop.plant.power.trip_count == 3
    assert loop.plant.power.on[0]


@pytest.mark.parametrize("step_s", [0.2, 10.0])
def test_a_trip_that_was_cleared_is_one_trip(mission: tuple[list[Path], Dictionary], step_s: float) -> None:
    # Readings come each second, some of them between the request to clear the trip and what comes of it.
    loop = ClosedLoop(Plant(0.0, 8.0, start_soc=0.6, step_s=step_s), mission[0], dictionary=mission[1])
    loop.run(30.0)
    assert loop.set_parameter("device.period_s", 1) == 0
    assert loop.command("power.load_on", load="RADIO") == 0
    loop.run(30.0)
    loop.plant.faults.inject("load_overcurrent", duration_s=30.0, load="radio", extra_a=2.0)
    loop.run(200.0)
    assert (len(loop.raised("power.load_tripped")), loop.value("power.trips"), loop.plant.power.trip_count) == (1, 1, 1)
    assert loop.plant.power.on[RADIO]


def test_a_cold_battery_is_not_charged(mission: tuple[list[Path], Dictionary]) -> None:
    loop = begin(mission)
    battery = loop.plant.thermal.names.index("battery")
    loop.plant.thermal.temperature[battery] = 273.15 + 0.9
    loop.run(60.0)
    assert loop.plant.power.battery_current <= 0.0
    loop.plant.thermal.temperature[battery] = 273.15 - 8.0
    loop.run(2 * HOUR)
    assert loop.plant.battery.cold_charge_ah == 0.0
    loop.plant.thermal.temperature[battery] = 273.15 + 10.0
    loop.run(60.0)
    assert loop.plant.power.battery_current > 0.0


def test_loss_of_the_feed_is_seen_at_once(loop: ClosedLoop) -> None:
    assert not loop.raised("power.feed_lost")
    loop.plant.faults.inject("feed_lost")
    loop.run(30.0)
    assert len(loop.raised("power.feed_lost")) == 1
    assert loop.value("power.feed_present") == 0


@pytest.mark.parametrize(
    ("fault", "counter"),
    [
        ({"name": "slave_silent", "unit": "power_unit"}, "timeouts"),
        ({"name": "reply_late", "unit": "power_unit", "delay_s": 2.5}, "timeouts"),
        ({"name": "reply_corrupted", "unit": "power_unit", "how": "bits"}, "corrupt"),
        ({"name": "reply_corrupted", "unit": "power_unit", "how": "truncate"}, "corrupt"),
        ({"name": "reply_corrupted", "unit": "power_unit", "how": "extend"}, "corrupt"),
        ({"name": "reply_corrupted", "unit": "power_unit", "how": "garbage"}, "corrupt"),
        ({"name": "reply_wrong_slave", "unit": "power_unit", "as_slave": 9}, "strangers"),
    ],
)
def test_a_bad_line_is_counted_told_and_survived(loop: ClosedLoop, fault: dict[str, Any], counter: str) -> None:
    number = loop.plant.faults.inject(**fault)
    loop.run(300.0)
    assert device(loop, counter) > 0
    assert device(loop, "failures") > 0
    assert len(loop.raised("power.link_lost")) == 1
    assert loop.value("power.valid") == 0
    assert loop.value("device.thermal_failures") == 0
    # What is commanded meanwhile holds when the unit can be reached again.
    loop.command("power.load_on", load="RADIO")
    loop.plant.faults.clear(number)
    loop.run(60.0)
    assert loop.value("power.valid") == 1
    assert loop.plant.power.on[RADIO]
    assert loop.findings() == []


def test_half_of_the_replies_lost_is_not_told(loop: ClosedLoop) -> None:
    loop.plant.faults.inject("reply_corrupted", unit="power_unit", how="bits", share=0.5)
    loop.run(HOUR / 2)
    assert device(loop, "retries") > 100
    assert loop.raised("power.link_lost") == []


def test_low_charge_leads_to_safe_and_critical_charge_to_survival(mission: tuple[list[Path], Dictionary]) -> None:
    loop = begin(mission, local_time_h=20.0, soc=0.3)
    for mode in ("STANDBY", "NOMINAL"):
        loop.command("modes.change", mode=mode)
    # 22 W take 0.7 % in an hour: all thresholds come close together, in their order.
    now = loop.value("power.battery_soc")
    loop.set_parameter("power.low_charge_pct", now - 0.1)
    loop.set_parameter("power.critical_charge_pct", now - 0.2)
    loop.set_parameter("power.charge_back_pct", 0.1)
    loop.set_parameter("power.shed_step_pct", 0.05)
    loop.set_parameter("power.shed_pct", now - 0.3)
    loop.command("power.set_loads", loads=0x07)
    loop.run(HOUR)
    assert [change.mode for change in loop.modes][-2:] == ["SAFE", "SURVIVAL"]
    assert loop.raised("power.low_charge")[0].time_s < loop.raised("power.critical_charge")[0].time_s
    # Its loads were shed by priority on the way.
    assert [event.values["load"] for event in loop.raised("power.load_shed")] == [2, 1]


def test_a_cell_that_is_lost_in_the_sun_does_not_overcharge_the_others(mission: tuple[list[Path], Dictionary]) -> None:
    loop = begin(mission, soc=0.9)
    loop.plant.faults.inject("battery_cell_lost", kind="short", count=1)
    loop.run(HOUR)
    assert loop.value("power.cells_lost") == 1
    assert loop.plant.registers.commands.charge_voltage == pytest.approx(28.7, abs=0.01)
    loop.run(8 * HOUR)
    assert loop.plant.extremes.cell_high_v < 4.2
    assert loop.findings() == []


def test_a_lost_cell_is_found(loop: ClosedLoop) -> None:
    loop.plant.faults.inject("feed_lost")
    loop.plant.faults.inject("array_degraded", share_left=0.0)
    loop.command("power.set_loads", loads=0x01)
    loop.run(2 * HOUR)
    loop.plant.faults.inject("battery_cell_lost", kind="short", count=1)
    loop.run(HOUR)
    assert loop.value("power.cells_lost") == 1
    assert loop.value("power.battery_soc") == pytest.approx(100 * loop.plant.battery.soc, abs=5.0)
