"""Thermal control in closed loop with the plant: each fault of sensors, heaters, unit is found, told and survived."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.closed_loop import BoardEvent, ClosedLoop
from hil.plant.plant import Plant

HOUR = 3600.0
MakeLoop = Callable[..., ClosedLoop]


@pytest.fixture
def night() -> MakeLoop:
    """Makes a loop in the night of the equator, half an hour after the start; the zones cold enough to be heated."""

    def make(seed: int = 1, **kelvin: float) -> ClosedLoop:
        plant = Plant(0.0, 20.0, seed=seed)
        start = {"electronics": -15.0, "battery": -4.5, "instrument": -18.0, "radio": -17.0, "mast": -60.0} | kelvin
        for name, celsius in start.items():
            plant.thermal.temperature[plant.payload.node_index(name)] = celsius + 273.15
        loop = ClosedLoop(plant)
        loop.run(0.5 * HOUR)
        assert not [
            event for event in loop.events if event.name.startswith("thermal.") and event.severity in ("medium", "high")
        ]
        return loop

    return make


def told(loop: ClosedLoop, name: str) -> list[BoardEvent]:
    return loop.raised(f"thermal.{name}")


def off_by(loop: ClosedLoop, zone: str) -> float:
    """Kelvins between what the board believes and what is."""
    return abs(loop.value(f"thermal.{zone}_c") - loop.plant.node_c(zone))


@pytest.mark.parametrize(
    ("fault", "arguments", "reasons", "hours"),
    [
        ("sensor_open", {}, {1}, 0.1),
        ("sensor_short", {}, {1}, 0.1),
        ("sensor_stuck", {}, {4}, 1.2),
        ("sensor_stuck", {"value_c": 20.0}, {3, 5}, 0.1),
        ("sensor_drift", {"rate_k_per_h": 6.0}, {5}, 1.0),
        ("sensor_noise", {"sigma_k": 5.0}, {3, 5}, 0.3),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_sensor_is_found_told_and_without_effect(
    night: MakeLoop, fault: str, arguments: dict[str, float], reasons: set[int], hours: float
) -> None:
    loop = night()
    number = loop.plant.faults.inject(fault, sensor="battery.1", **arguments)
    for _ in range(round(hours * 10)):
        loop.run(0.1 * HOUR)
        assert off_by(loop, "battery") < 1.0
    rejected = told(loop, "sensor_rejected")
    assert [(event.values["zone"], event.values["sensor"]) for event in rejected] == [(2, 1)]
    assert rejected[0].values["reason"] in reasons
    assert loop.value("thermal.rejected_sensors") == 1 << 7
    assert loop.value("thermal.battery_valid") == 1
    loop.plant.faults.clear(number)
    loop.run(0.5 * HOUR)
    assert len(told(loop, "sensor_returned")) == 1
    assert not loop.plant.limit_violations()


def test_two_sensors_that_stand_apart_put_the_zone_in_open_loop(night: MakeLoop) -> None:
    loop = night()
    loop.plant.faults.inject("sensor_drift", sensor="radio.0", rate_k_per_h=12.0)
    loop.run(HOUR)
    assert len(told(loop, "zone_doubtful")) == 1
    assert loop.value("thermal.radio_duty") == pytest.approx(0.05, abs=1e-3)
    assert loop.command("core.set_parameters", items=[{"parameter": 0x1184, "value": 2}]) == 0
    loop.run(120.0)
    assert len(told(loop, "zone_known")) == 1
    assert off_by(loop, "radio") < 1.0


def test_a_blind_battery_keeps_within_its_limits_by_open_loop(night: MakeLoop) -> None:
    loop = night()
    for sensor in range(3):
        loop.plant.faults.inject("sensor_open", sensor=f"battery.{sensor}")
    loop.run(8 * HOUR)
    assert len(told(loop, "zone_lost")) == 1
    assert loop.value("thermal.battery_duty") == pytest.approx(0.28, abs=1e-3)
    assert -9.0 < loop.plant.node_c("battery") < 3.0
    assert not loop.plant.limit_violations()


def test_a_heater_stuck_on_is_disarmed(night: MakeLoop) -> None:
    loop = night()
    loop.plant.faults.inject("heater_stuck_on", heater="mast")
    loop.run(0.5 * HOUR)
    assert [event.values["zone"] for event in told(loop, "heater_stuck_on")] == [5]
    assert loop.plant.truth()["heater_mast_w"] == 0.0
    assert loop.value("thermal.faulty_heaters") == 1 << 4
    assert not told(loop, "heater_uncontrolled")
    loop.plant.faults.clear()
    assert loop.command("thermal.reset_fault", zone="MAST") == 0
    loop.run(HOUR)
    assert loop.plant.truth()["heater_mast_w"] > 0.2


@pytest.mark.parametrize(("heater", "zone"), [("battery", 2), ("mast", 5), ("electronics", 1)])
def test_a_heater_that_cannot_be_disarmed_is_held_by_the_supply(night: MakeLoop, heater: str, zone: int) -> None:
    loop = night()
    loop.plant.faults.inject("heater_stuck_on", heater=heater, arm_stuck=1.0)
    loop.run(8 * HOUR)
    assert [event.values["zone"] for event in told(loop, "heater_uncontrolled")] == [zone]
    assert len(told(loop, "supply_held")) == 1
    # Neither too hot, nor do the others starve.
    assert not loop.plant.limit_violations()
    assert loop.plant.node_c("mast") > -66.0
    assert loop.plant.node_c("battery") > -9.0
    loop.plant.faults.clear()
    assert loop.command("thermal.reset_fault", zone="ALL") == 0
    loop.run(600.0)
    assert loop.value("thermal.supply_wanted") == 1
    assert loop.value("thermal.supply_present") == 1


def test_a_dead_heater_is_told_and_so_is_its_return(night: MakeLoop) -> None:
    loop = night()
    number = loop.plant.faults.inject("heater_stuck_off", heater="battery")
    loop.run(HOUR)
    assert [event.values["zone"] for event in told(loop, "heater_stuck_off")] == [2]
    loop.plant.faults.clear(number)
    # What control asks for now may be too little to be seen.
    assert loop.command("thermal.set_duty", zone="BATTERY", duty=0.3, seconds=1000) == 0
    loop.run(300.0)
    assert [event.values["zone"] for event in told(loop, "heater_recovered")] == [2]


def test_a_degraded_heater_is_told_and_made_up_for(night: MakeLoop) -> None:
    loop = night()
    loop.plant.faults.inject("heater_degraded", heater="battery", share_left=0.5)
    loop.run(8 * HOUR)
    assert [event.values["zone"] for event in told(loop, "heater_degraded")] == [2]
    assert loop.plant.truth()["heater_battery_w"] > 3.0
    assert loop.plant.node_c("battery") > -6.0


def test_a_silent_unit_is_told_and_comes_back(night: MakeLoop) -> None:
    loop = night()
    loop.plant.faults.inject("slave_silent", duration_s=6 * HOUR, unit="thermal_unit")
    loop.run(0.2 * HOUR)
    assert len(told(loop, "unit_silent")) == 1
    assert loop.value("thermal.lost_zones") == 0xFF
    loop.run(5.7 * HOUR)
    assert not loop.plant.limit_violations()
    loop.run(0.3 * HOUR)
    assert len(told(loop, "unit_heard")) == 1
    assert not told(loop, "sensor_rejected")
    loop.run(6 * HOUR)
    assert loop.plant.node_c("battery") == pytest.approx(-4.0, abs=1.0)


def test_a_unit_that_falls_silent_at_full_heat_does_not_cook_the_payload() -> None:
    loop = ClosedLoop(Plant(0.0, 14.0))
    loop.run(120.0)
    for zone in ("BATTERY", "ELECTRONICS", "INSTRUMENT", "RADIO", "MAST"):
        assert loop.command("thermal.set_duty", zone=zone, duty=1.0, seconds=21600) == 0
    loop.run(120.0)
    assert loop.plant.truth()["heaters_w"] > 30.0
    loop.plant.faults.inject("slave_silent", unit="thermal_unit")
    loop.run(8 * HOUR)
    assert len(told(loop, "supply_held")) == 1
    assert not loop.plant.limit_violations()


def test_the_cut_out_wins_over_a_commanded_duty(night: MakeLoop) -> None:
    loop = night(mast=55.0)
    loop.command("thermal.set_duty", zone="MAST", duty=1.0, seconds=21600)
    loop.plant.thermal.temperature[loop.plant.payload.node_index("mast")] = 63.0 + 273.15
    loop.run(120.0)
    assert [event.values["zone"] for event in told(loop, "cut_out")] == [5]
    assert loop.plant.truth()["heater_mast_w"] == 0.0
    assert loop.command("thermal.set_duty", zone="MAST", duty=1.0, seconds=21600) == 1
    assert loop.command("thermal.set_setpoint", zone="MAST", celsius=58.0) == 1
    loop.run(60.0)
    assert loop.plant.truth()["heater_mast_w"] == 0.0


def test_heaters_stay_within_the_budget(night: MakeLoop) -> None:
    loop = night(electronics=-25.0, battery=-12.0, instrument=-30.0, radio=-30.0, mast=-65.0)
    for _ in range(60):
        loop.run(60.0)
        # The power app's budget may have fallen since the heaters were told; a step of duty is 0.24 W.
        assert loop.plant.truth()["heaters_w"] <= loop.value("thermal.budget_w") + 0.3
    assert loop.plant.truth()["heater_battery_w"] > 6.0
    assert loop.raised("thermal.short_of_power")
