"""The lunar night in closed loop: sunset and sunrise in the daily run, whole lunations in the long one."""

from __future__ import annotations

from pathlib import Path

import pytest
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE

from hil.closed_loop import PAYLOAD, ClosedLoop
from hil.lunation import MODES, commission, fly, mode_history
from hil.plant.payload import KELVIN
from hil.plant.plant import Plant
from hil.plant.sun import SYNODIC_DAY_S

HOUR = 3600.0
LUNAR_HOUR = SYNODIC_DAY_S / 24.0
# Temperatures of a payload that has been in the dark for long, degC.
COLD = {
    "electronics": -16.0, "battery": -5.0, "instrument": -18.0, "radio": -18.0, "mast": -60.0, "structure": -150.0,
    "radiator": -150.0, "array": -170.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load([CORE, PAYLOAD])


def cold_plant(local_time_h: float, soc: float, latitude_deg: float = 0.0) -> Plant:
    plant = Plant(latitude_deg, local_time_h, start_soc=soc)
    for name, celsius in COLD.items():
        plant.thermal.temperature[plant.payload.node_index(name)] = celsius + KELVIN
    plant.extremes.low = plant.thermal.temperature.copy()
    plant.extremes.high = plant.thermal.temperature.copy()
    return plant


def names(loop: ClosedLoop, since_s: float = 0.0) -> list[str]:
    return [event.name for event in loop.events if event.time_s >= since_s]


def test_a_sunset(dictionary: Dictionary) -> None:
    # Two hours before; the last day before sunset is dusk.
    loop = ClosedLoop(Plant(0.0, 18.0 - 2 * HOUR / LUNAR_HOUR, start_soc=0.9), dictionary=dictionary)
    commission(loop)
    assert loop.command("power.load_on", load="INSTRUMENT") == 0
    loop.run(HOUR)
    assert loop.mode == "STANDBY"
    assert int(loop.value("power.load_on")) == 1
    assert loop.value("thermal.battery_setpoint_c") == 12.0
    loop.run(2 * HOUR)
    assert mode_history(loop) == ["SAFE", "STANDBY", "NOMINAL", "STANDBY", "SURVIVAL"]
    [sunset] = loop.raised("night.night_began")
    assert sunset.time_s == pytest.approx(2 * HOUR, abs=60)
    assert loop.value("night.to_sunrise_s") == pytest.approx(SYNODIC_DAY_S / 2 - HOUR, abs=200)
    assert loop.findings() == []
    # A wake-up: the radio is on for its time, and off again.
    loop.set_parameter("night.wake_period_s", 1800)
    loop.run_until(lambda: loop.value("night.awake"), 7 * HOUR)
    loop.run(60)
    assert int(loop.value("power.load_on")) == 0b1000011
    loop.run(300)
    assert int(loop.value("power.load_on")) == 1
    assert loop.findings() == []


def test_a_sunrise(dictionary: Dictionary) -> None:
    loop = ClosedLoop(cold_plant(6.0 - 2 * HOUR / LUNAR_HOUR, 0.3), dictionary=dictionary)
    loop.set_parameter("night.return_soc_pct", 35.0)
    loop.command("modes.change", mode="SURVIVAL")
    loop.run(60)
    loop.command("night.set_solar_time", epoch_s=0, hour_angle_deg=(loop.plant.local_time_h - 12.0) * 15.0)
    loop.run(2 * HOUR - 600)
    assert (loop.mode, loop.value("power.charger_on")) == ("SURVIVAL", 0)
    loop.run(1200)
    assert "night.dawn_began" in names(loop)
    loop.run_until(lambda: loop.mode == "NOMINAL", 16 * HOUR, 60.0)
    assert mode_history(loop) == ["SAFE", "SURVIVAL", "STANDBY", "NOMINAL"]
    assert [int(event.values["stage"]) for event in loop.raised("night.stage_reached")] == [1, 2, 3, 4]
    assert loop.plant.battery.soc > 0.32
    assert loop.findings() == []


def test_a_sunrise_with_little_charge_and_a_restart_on_the_way(dictionary: Dictionary) -> None:
    # 19 %: in STANDBY the board would ask for SAFE below 20 %, and again up to 23 %.
    loop = ClosedLoop(cold_plant(6.0 - 0.1 * HOUR / LUNAR_HOUR, 0.19), dictionary=dictionary)
    loop.command("modes.change", mode="SURVIVAL")
    loop.run(60)
    loop.command("night.set_solar_time", epoch_s=0, hour_angle_deg=(loop.plant.local_time_h - 12.0) * 15.0)
    loop.run_until(lambda: loop.mode == "STANDBY", 16 * HOUR, 60.0)
    assert loop.value("power.battery_soc") > 22.5
    loop.run(600)
    assert loop.mode == "STANDBY"
    assert loop.findings() == []
    loop.restart()
    loop.run(60)
    assert (loop.mode, loop.value("night.phase"), loop.value("night.stage")) == ("STANDBY", 3, 3)
    loop.set_parameter("night.return_soc_pct", 25.0)
    loop.run_until(lambda: loop.mode == "NOMINAL", 6 * HOUR, 60.0)
    assert int(loop.value("power.load_wanted")) == 0b1010011
    assert loop.findings() == []


def test_a_night_without_a_clock_and_with_power_cuts(dictionary: Dictionary) -> None:
    loop = ClosedLoop(cold_plant(6.0 - 3 * HOUR / LUNAR_HOUR, 0.3), dictionary=dictionary)
    # Nobody told the time: SAFE, until the array has been dark for an hour.
    loop.run(HOUR + 120)
    assert (loop.mode, loop.value("night.time_state")) == ("SURVIVAL", 0)
    loop.restart()
    loop.run(60)
    assert loop.mode == "SURVIVAL"
    loop.run(3 * HOUR)
    assert "night.dawn_began" in names(loop)
    assert loop.findings() == []


def test_a_sequence_of_the_operator_takes_the_place_of_the_dictionarys(dictionary: Dictionary) -> None:
    loop = ClosedLoop(cold_plant(21.0, 0.5), dictionary=dictionary)
    # Wake-up: the beacon alone, for good. Step: kind, delay (4), length, service, subtype, function, load.
    step = bytes.fromhex("00 00000000 05 08 01 0100 06")
    assert loop.command("sequence.load", sequence=3, steps=1, octets=step) == 0
    loop.restart()
    loop.run(60)
    loop.command("modes.change", mode="SURVIVAL")
    assert loop.command("night.wake_up") == 0
    loop.run(400)
    assert int(loop.value("power.load_on")) == 0b1000001


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("latitude", [0.0, 45.0, 80.0])
def test_a_whole_lunation(dictionary: Dictionary, latitude: float, tmp_path: Path) -> None:
    loop = ClosedLoop(Plant(latitude, 7.0), dictionary=dictionary, record=tmp_path / "run.npz")
    fly(loop, SYNODIC_DAY_S)
    assert loop.findings() == []
    assert mode_history(loop) == MODES
