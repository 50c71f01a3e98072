"""Power: what the power unit measures and does, and what the app makes of it, with the plant on the payload bus."""

from __future__ import annotations

import pytest

from hil.faults import Faults
from hil.ground import Ground
from hil.plant.attached import AttachedPlant
from hil.scenarios.payload_conditions import READ_S, near, quicken

pytestmark = pytest.mark.needs("bus")


@pytest.fixture
def powered(ground: Ground, plant: AttachedPlant) -> Ground:
    """The ground of a board whose units answer, in STANDBY."""
    quicken(ground)
    ground.do("modes.change", mode="STANDBY")
    return ground


@pytest.mark.sample
def test_housekeeping_shows_what_the_plant_is(powered: Ground, plant: AttachedPlant) -> None:
    truth = plant.truth()
    for name, true, slack in (
        ("power.bus_v", truth["bus_v"], 0.3),
        ("power.battery_v", truth["battery_v"], 0.3),
        ("power.battery_a", truth["battery_a"], 0.3),
        ("power.battery_soc", 100 * truth["soc"], 5.0),
        ("power.battery_c", truth["battery_c"], 1.5),
        ("power.feed_w", truth["feed_w"], 3.0),
    ):
        powered.wait_value(name, near(true, slack), READ_S, ask=True)


@pytest.mark.sample
def test_a_load_is_switched_on_and_off(powered: Ground, plant: AttachedPlant) -> None:
    powered.do("power.load_on", load="INSTRUMENT")
    powered.wait_value("power.instrument_a", lambda amperes: amperes > 0.1, READ_S, ask=True)
    assert plant.truth()["load_instrument_w"] > 3.0
    powered.do("power.load_off", load="INSTRUMENT")
    powered.wait_value("power.instrument_a", lambda amperes: amperes < 0.05, READ_S, ask=True)
    assert plant.truth()["load_instrument_w"] == 0.0


def test_an_over_current_switches_the_load_off_until_it_is_tried_again(
    powered: Ground, faults: Faults, plant: AttachedPlant
) -> None:
    powered.do("power.load_on", load="INSTRUMENT")
    powered.wait_value("power.instrument_a", lambda amperes: amperes > 0.1, READ_S, ask=True)
    fault = faults.plant("load_overcurrent", load="instrument", extra_a=2.0)
    powered.wait_event("power.load_tripped", READ_S, load="INSTRUMENT")
    assert plant.truth()["load_instrument_w"] == 0.0
    plant.clear(fault)
    powered.mark()
    powered.wait_value("power.instrument_a", lambda amperes: 0.1 < amperes < 0.8, 3 * READ_S, ask=True)


def test_an_over_current_that_stays_latches_the_load(powered: Ground, faults: Faults, plant: AttachedPlant) -> None:
    powered.set({"power.retries": 1})
    powered.do("power.load_on", load="CAMERA")
    faults.plant("load_overcurrent", load="camera", extra_a=2.0)
    powered.wait_event("power.load_latched", 3 * READ_S, load="CAMERA")
    powered.refused("power.load_on", load="CAMERA")
    faults.clear()
    powered.do("power.clear_latch", load="CAMERA")
    powered.do("power.load_on", load="CAMERA")
    powered.wait_value("power.load_latched", 0, READ_S, ask=True)


def test_a_switch_that_is_stuck_is_told(powered: Ground, faults: Faults) -> None:
    faults.plant("load_stuck_on", load="recorder")
    powered.wait_event("power.load_stuck_on", READ_S, load="RECORDER")


def test_the_loss_of_the_feed_and_its_return_are_told(powered: Ground, faults: Faults, plant: AttachedPlant) -> None:
    powered.mark()
    fault = faults.plant("feed_lost")
    powered.wait_event("power.feed_lost", READ_S)
    assert plant.truth()["feed_w"] == 0.0
    powered.wait_value("power.feed_present", 0, READ_S, ask=True)
    plant.clear(fault)
    powered.wait_event("power.feed_back", READ_S)


@pytest.mark.sample
def test_low_charge_sheds_loads_by_their_priority(powered: Ground, plant: AttachedPlant) -> None:
    powered.do("power.load_on", load="INSTRUMENT")
    powered.do("power.load_on", load="BEACON")
    powered.wait_value("power.load_on", lambda loads: loads & 0b1000100 == 0b1000100, READ_S, ask=True)
    # The instrument has priority 4 and goes below 21 %, the beacon priority 1 and goes below 12 %.
    assert powered.finish(powered.hazardous("power.set_soc", percent=17.0)).failure is None
    powered.wait_event("power.load_shed", READ_S, load="INSTRUMENT")
    powered.wait_event("power.low_charge", READ_S)
    powered.wait_value("power.load_on", lambda loads: loads & 0b1000100 == 0b1000000, READ_S, ask=True)
    assert plant.truth()["load_instrument_w"] == 0.0
    powered.refused("power.load_on", load="INSTRUMENT")


def test_a_cold_battery_is_not_charged(powered: Ground, plant: AttachedPlant) -> None:
    plant.set_charge(0.5)
    plant.set_temperature("battery", -6.0)
    event = powered.wait_event("power.charge_inhibited", READ_S)
    assert event.fields["celsius"].engineering < 0.0
    powered.wait_value("power.charger_on", 0, READ_S, ask=True)
    powered.target.run_until(
        lambda: plant.truth()["battery_in_w"] == 0.0, powered.target.deadline(READ_S), "no charge current"
    )


def test_the_charger_is_commanded(powered: Ground, plant: AttachedPlant) -> None:
    plant.set_charge(0.5)
    powered.wait_value("power.battery_a", lambda amperes: amperes > 0.5, READ_S, ask=True)
    powered.do("power.set_charger", on=0)
    powered.wait_value("power.battery_a", lambda amperes: amperes < 0.3, READ_S, ask=True)
    powered.do("power.set_charger", on=1)
    powered.wait_value("power.battery_a", lambda amperes: amperes > 0.5, READ_S, ask=True)


def test_a_silent_power_unit_is_told_and_comes_back(powered: Ground, faults: Faults, plant: AttachedPlant) -> None:
    fault = faults.plant("slave_silent", unit="power_unit")
    powered.wait_event("power.link_lost", 3 * READ_S)
    powered.wait_value("power.valid", 0, READ_S, ask=True)
    plant.clear(fault)
    powered.wait_event("power.link_back", 3 * READ_S)


@pytest.mark.parametrize("how", ["bits", "truncate", "garbage"])
def test_damaged_replies_are_asked_for_again(powered: Ground, faults: Faults, how: str) -> None:
    before = powered.number("device.power_retries")
    faults.plant("reply_corrupted", unit="power_unit", how=how, share=0.3)
    powered.wait_value("device.power_retries", lambda count: count > before, 2 * READ_S, ask=True)
    powered.run_for(5.0)
    assert powered.value("power.valid") == 1
    assert powered.events("power.link_lost") == []


@pytest.mark.needs("power")
def test_loads_are_as_wanted_after_a_restart_of_the_board(powered: Ground, plant: AttachedPlant) -> None:
    powered.do("power.load_on", load="BEACON")
    powered.wait_value("power.load_on", lambda loads: loads & 0b1000000, READ_S, ask=True)
    powered.mark()
    powered.target.power_cut(1.0)
    powered.await_boot()
    powered.wait_value("power.load_on", lambda loads: loads & 0b1000000, 2 * READ_S, ask=True)
    assert plant.truth()["load_beacon_w"] > 0.0
