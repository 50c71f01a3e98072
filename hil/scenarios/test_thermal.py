"""Thermal control: sensors that are believed, heaters that obey and those that do not, with the plant on the bus."""

from __future__ import annotations

import pytest

from hil.faults import Faults
from hil.ground import Ground
from hil.plant.attached import AttachedPlant
from hil.scenarios.payload_conditions import READ_S, near, quicken

pytestmark = pytest.mark.needs("bus")

ZONES = ("structure", "electronics", "battery", "instrument", "radio", "mast", "radiator", "array")
FOUND_S = 90.0  # control turns each 10 s; a fault stands for some turns before it counts


@pytest.fixture
def heated(ground: Ground, plant: AttachedPlant) -> Ground:
    """The ground of a board whose units answer, with heaters supplied and all temperatures known."""
    quicken(ground)
    ground.wait_value("thermal.supply_present", 1, READ_S, ask=True)
    ground.wait_value("thermal.battery_valid", 1, READ_S, ask=True)
    return ground


def heat(ground: Ground, zone: str = "BATTERY", celsius: float = 25.0) -> None:
    """Ask for a temperature that needs the heater, and wait until it is told to heat."""
    ground.do("thermal.set_setpoint", zone=zone, celsius=celsius)
    ground.wait_value(f"thermal.{zone.lower()}_duty", lambda duty: duty > 0.1, READ_S, ask=True)


def watts(plant: AttachedPlant, zone: str) -> float:
    return plant.truth()[f"heater_{zone}_w"]


def await_cold(ground: Ground, plant: AttachedPlant, zone: str) -> None:
    """Wait until a heater gives no heat; what the board says of it may be ten seconds old."""
    ground.target.run_until(lambda: watts(plant, zone) == 0.0, ground.target.deadline(READ_S), f"no heat in {zone}")


def test_housekeeping_shows_the_temperatures_of_the_plant(heated: Ground, plant: AttachedPlant) -> None:
    truth = plant.truth()
    for zone in ZONES:
        heated.wait_value(f"thermal.{zone}_c", near(truth[f"{zone}_c"], 1.5), READ_S, ask=True)


@pytest.mark.sample
def test_a_cold_zone_is_heated(heated: Ground, plant: AttachedPlant) -> None:
    assert watts(plant, "battery") == 0.0
    heat(heated)
    heated.wait_value("thermal.battery_heater_a", lambda amperes: amperes > 0.05, READ_S, ask=True)
    assert watts(plant, "battery") > 1.0


def test_a_warm_zone_is_not_heated_any_more(heated: Ground, plant: AttachedPlant) -> None:
    heat(heated)
    heated.do("thermal.clear_setpoint", zone="BATTERY")
    heated.wait_value("thermal.battery_duty", 0, READ_S, ask=True)
    heated.wait_value("thermal.battery_heater_a", lambda amperes: amperes < 0.02, READ_S, ask=True)
    await_cold(heated, plant, "battery")


def test_a_heater_that_is_disabled_stays_off(heated: Ground, plant: AttachedPlant) -> None:
    heat(heated)
    heated.do("thermal.heater_disable", zone="BATTERY")
    heated.wait_value("thermal.battery_heater", "DISABLED", READ_S, ask=True)
    heated.wait_value("thermal.battery_heater_a", lambda amperes: amperes < 0.02, READ_S, ask=True)
    await_cold(heated, plant, "battery")
    heated.do("thermal.heater_enable", zone="BATTERY")
    heated.wait_value("thermal.battery_heater", "AUTOMATIC", READ_S, ask=True)


def test_a_commanded_duty_ends_by_itself(heated: Ground, plant: AttachedPlant) -> None:
    heated.do("thermal.set_duty", zone="RADIO", duty=0.5, seconds=15)
    heated.wait_value("thermal.radio_heater", "MANUAL", READ_S, ask=True)
    heated.wait_value("thermal.radio_heater_a", lambda amperes: amperes > 0.03, READ_S, ask=True)
    heated.mark()
    heated.wait_value("thermal.radio_heater", "AUTOMATIC", READ_S, ask=True)


def test_a_zone_that_is_too_hot_is_cut_out_whatever_is_commanded(heated: Ground, plant: AttachedPlant) -> None:
    heated.do("thermal.set_duty", zone="BATTERY", duty=1.0, seconds=600)
    heated.wait_value("thermal.battery_heater_a", lambda amperes: amperes > 0.1, READ_S, ask=True)
    heated.set({"thermal.battery_cut_out_c": 5.0})
    heated.wait_event("thermal.cut_out", READ_S, zone="BATTERY")
    heated.wait_value("thermal.battery_heater_a", lambda amperes: amperes < 0.02, READ_S, ask=True)
    await_cold(heated, plant, "battery")


@pytest.mark.sample
@pytest.mark.parametrize("fault", ["sensor_open", "sensor_short"])
def test_a_broken_sensor_is_outvoted(heated: Ground, faults: Faults, plant: AttachedPlant, fault: str) -> None:
    faults.plant(fault, sensor="battery.1")
    event = heated.wait_event("thermal.sensor_rejected", FOUND_S)
    assert (event.fields["zone"].text, event.fields["sensor"].raw) == ("BATTERY", 1)
    values = heated.read("thermal.battery_valid", "thermal.battery_c")
    assert values["thermal.battery_valid"].raw == 1
    assert abs(float(values["thermal.battery_c"].engineering) - plant.truth()["battery_c"]) < 1.5


def test_a_zone_without_sensors_is_heated_in_open_loop(heated: Ground, faults: Faults) -> None:
    for number in range(3):
        faults.plant("sensor_open", sensor=f"battery.{number}")
    heated.wait_event("thermal.zone_lost", FOUND_S, zone="BATTERY")
    heated.wait_value("thermal.battery_heater", "OPEN_LOOP", READ_S, ask=True)
    faults.clear()
    heated.do("thermal.reset_sensors", zone="BATTERY")
    heated.wait_event("thermal.zone_known", FOUND_S, zone="BATTERY")


def test_a_heater_that_gives_nothing_is_found(heated: Ground, faults: Faults) -> None:
    heat(heated)
    faults.plant("heater_stuck_off", heater="battery")
    heated.wait_event("thermal.heater_stuck_off", FOUND_S, zone="BATTERY")
    heated.wait_value("thermal.battery_fault", "STUCK_OFF", READ_S, ask=True)


def test_a_heater_that_is_on_by_itself_is_disarmed(heated: Ground, faults: Faults, plant: AttachedPlant) -> None:
    faults.plant("heater_stuck_on", heater="battery")
    heated.wait_event("thermal.heater_stuck_on", FOUND_S, zone="BATTERY")
    heated.wait_value("thermal.battery_heater_a", lambda amperes: amperes < 0.02, READ_S, ask=True)
    await_cold(heated, plant, "battery")


def test_a_weak_heater_is_found(heated: Ground, faults: Faults) -> None:
    heat(heated)
    faults.plant("heater_degraded", heater="battery", share_left=0.4)
    heated.wait_event("thermal.heater_degraded", FOUND_S, zone="BATTERY")


def test_a_silent_thermal_unit_is_told_and_comes_back(heated: Ground, faults: Faults, plant: AttachedPlant) -> None:
    fault = faults.plant("slave_silent", unit="thermal_unit")
    heated.wait_event("thermal.unit_silent", FOUND_S)
    plant.clear(fault)
    heated.wait_event("thermal.unit_heard", FOUND_S)
    heated.wait_value("thermal.unit_silent", 0, READ_S, ask=True)


def test_survival_has_set_points_of_its_own(heated: Ground) -> None:
    heated.do("modes.change", mode="SURVIVAL")
    heated.wait_event("thermal.setpoints_changed", READ_S, column="SURVIVAL")
    points = heated.dictionary.points
    for zone in ("electronics", "battery", "instrument", "radio", "mast"):
        wanted = points[f"thermal.{zone}_survival_c"].start
        heated.wait_value(f"thermal.{zone}_setpoint_c", wanted, READ_S, ask=True)


@pytest.mark.needs("power")
def test_a_disabled_heater_is_disabled_after_a_power_cut(heated: Ground) -> None:
    heated.do("thermal.heater_disable", zone="MAST")
    heated.mark()
    heated.target.power_cut(0.5)
    heated.await_boot()
    heated.wait_value("thermal.mast_heater", "DISABLED", READ_S, ask=True)
