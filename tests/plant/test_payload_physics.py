"""Heat network, battery, array and power unit: against closed forms, and against their own balances."""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hil.plant import Plant
from hil.plant.array import panel_normal
from hil.plant.battery import Battery
from hil.plant.payload import (
    KELVIN,
    PAYLOADS_DIR,
    ConstantHeat,
    HeatPipe,
    Link,
    Node,
    Panel,
    Payload,
    PayloadError,
    load_payload,
)
from hil.plant.power import Budget, Commands, PowerUnit
from hil.plant.sun import STEFAN_BOLTZMANN, Sun
from hil.plant.thermal import ThermalNetwork

from .conftest import power, switch_on, thermal

NIGHT_SUN = Sun(0.0, 0.0, -1.0)


def box(**changes: object) -> Payload:
    """The default payload with another network; only the thermal network may be made from it."""
    plain: dict[str, object] = {"link": (), "heat_pipe": (), "constant_heat": ()}
    return msgspec.structs.replace(load_payload(), **(plain | changes))


def two_nodes(**surface: float) -> tuple[Node, Node]:
    limits = (-200.0, 200.0)
    return Node("a", 1000.0, 80.0, limits, **surface), Node("b", 3000.0, 0.0, limits)


def run(network: ThermalNetwork, seconds: float, step: float, heat: tuple[float, ...]) -> None:
    for _ in range(round(seconds / step)):
        network.step(np.array(heat))


# --- heat network -----------------------------------------------------------------------------------------------------


def test_two_joined_nodes_meet_at_their_common_temperature() -> None:
    network = ThermalNetwork(box(node=two_nodes(), link=(Link(("a", "b"), conductance=0.5),)), 10.0)
    network.set_environment(NIGHT_SUN, 100.0)
    # Difference decays with tau = 1 / (G (1/Ca + 1/Cb)) = 1500 s.
    run(network, 1500.0, 10.0, (0.0, 0.0))
    a, b = network.temperature - KELVIN
    assert a - b == pytest.approx(80.0 / math.e, rel=0.01)
    assert 1000.0 * a + 3000.0 * b == pytest.approx(80000.0, rel=1e-12)


def test_radiator_in_space_settles_where_stefan_and_boltzmann_say() -> None:
    nodes = two_nodes(area=0.5, emissivity=0.8, view_space=1.0)
    network = ThermalNetwork(box(node=nodes), 60.0)
    network.set_environment(NIGHT_SUN, 400.0)
    run(network, 400000.0, 60.0, (20.0, 0.0))
    assert network.temperature[0] == pytest.approx((20.0 / (0.5 * 0.8 * STEFAN_BOLTZMANN)) ** 0.25, abs=1e-3)


def test_surface_that_sees_only_ground_takes_its_brightness_temperature() -> None:
    nodes = two_nodes(area=0.5, emissivity=0.8, view_ground=1.0)
    network = ThermalNetwork(box(node=nodes), 60.0)
    network.set_environment(NIGHT_SUN, 300.0)
    run(network, 400000.0, 60.0, (0.0, 0.0))
    assert network.temperature[0] == pytest.approx(300.0 * 0.95**0.25, abs=1e-3)


def test_sun_heats_top_and_side_by_elevation() -> None:
    nodes = two_nodes(area=1.0, absorptivity=0.5, sun_top_area=0.2, sun_side_area=0.3)
    network = ThermalNetwork(box(node=nodes, constant_heat=(ConstantHeat("b", 2.5),)), 10.0)
    network.set_environment(Sun(0.8, 0.0, 0.6), 0.0)
    assert network.environment.tolist() == pytest.approx([1361.0 * 0.5 * (0.2 * 0.6 + 0.3 * 0.8), 2.5])


def test_heat_pipe_conducts_one_way_and_only_when_warm() -> None:
    pipe = HeatPipe("a", "b", shut_conductance=0.01, open_conductance=2.0, shut_below=10.0, open_above=30.0)
    network = ThermalNetwork(box(node=two_nodes(), heat_pipe=(pipe,)), 10.0)

    def conductance(evaporator_c: float, condenser_c: float) -> float:
        network.temperature = np.array([evaporator_c, condenser_c]) + KELVIN
        return network.pipe_heat()[0] / (evaporator_c - condenser_c)

    assert conductance(5.0, -50.0) == pytest.approx(0.01)
    assert conductance(35.0, -50.0) == pytest.approx(2.0)
    assert conductance(20.0, -50.0) == pytest.approx(0.5 * (0.01 + 2.0))
    # A quarter of the way: 3/16 - 2/64 of the smooth step.
    assert conductance(15.0, -50.0) == pytest.approx(0.01 + 1.99 * 0.15625)
    assert conductance(35.0, 60.0) == pytest.approx(0.01)


def test_stored_heat_is_what_came_in_less_what_went_out(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(local_time_h=17.6)
    switch_on(plant, "radio", "instrument")
    start = float(plant.thermal.capacity @ plant.thermal.temperature)
    through = gained = 0.0
    for _ in range(12960):
        before = plant.thermal.net_outflow()
        plant.step()
        lost = 0.5 * (before + plant.thermal.net_outflow())
        came = float(plant.thermal.environment.sum()) + float(plant._heat(plant.power.budget).sum())
        gained += (came - lost) * plant.step_s
        through += came * plant.step_s
    stored = float(plant.thermal.capacity @ plant.thermal.temperature) - start
    assert abs(gained - stored) < 0.001 * through


@pytest.mark.parametrize("local_time", [5.9, 17.5])
def test_payload_temperatures_hardly_depend_on_the_step(make_plant: Callable[..., Plant], local_time: float) -> None:
    coarse, fine = (make_plant(local_time_h=local_time, step_s=step) for step in (10.0, 5.0))
    for plant in (coarse, fine):
        switch_on(plant, "instrument", "recorder")
    for _ in range(24):
        coarse.advance(3600.0)
        fine.advance(3600.0)
        assert np.abs(coarse.thermal.temperature - fine.thermal.temperature).max() < 0.5


# --- battery ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def battery() -> Battery:
    return Battery(load_payload().battery)


def test_battery_counts_coulombs(battery: Battery) -> None:
    assert battery.full_ah == pytest.approx(3.25 * 34 * 0.95)
    before = battery.charge_ah
    for _ in range(360):
        battery.step(-2.0, 25.0, 10.0)
    assert battery.charge_ah == pytest.approx(before - 2.0, abs=1e-9)
    for _ in range(360):
        battery.step(2.0, 25.0, 10.0)
    assert battery.charge_ah == pytest.approx(before - 2.0 * (1.0 - 0.995), abs=1e-9)


def test_battery_energy_balance_over_a_cycle(battery: Battery) -> None:
    taken = heat = 0.0
    stored = battery.stored_wh()
    for current in (-6.0, 6.0 / 0.995):
        for _ in range(3600):
            voltage = battery.ocv(25.0) + current * battery.resistance(25.0)
            warmth = battery.step(current, 25.0, 10.0)
            taken += voltage * current / 360.0
            heat += warmth / 360.0
    assert battery.stored_wh() == pytest.approx(stored, rel=1e-6)
    assert taken == pytest.approx(heat, rel=0.01)
    # Ohmic heat by hand: 25 mOhm, 6 A out and 6.03 A in for 10 h each; and 0.5 % of the charge at about 30 V.
    assert heat == pytest.approx(0.025 * (36.0 + 36.36) * 10.0 + 0.0302 * 10.0 * 29.5, rel=0.05)


def test_discharged_energy_is_the_stored_energy_less_heat(battery: Battery) -> None:
    start = battery.stored_wh()
    out = heat = 0.0
    while battery.soc > 0.2:
        voltage = battery.ocv(25.0) - 3.0 * battery.resistance(25.0)
        heat += battery.step(-3.0, 25.0, 10.0) / 360.0
        out += 3.0 * voltage / 360.0
    assert start - battery.stored_wh() == pytest.approx(out + heat, rel=1e-3)


@pytest.mark.parametrize(("soc", "cell_volt"), [(1.0, 4.17), (0.5, 3.69), (0.75, 3.915), (0.0, 2.90)])
def test_open_circuit_voltage_over_charge(battery: Battery, soc: float, cell_volt: float) -> None:
    battery.charge_ah = battery.full_ah * soc
    assert battery.ocv(25.0) == pytest.approx(8 * cell_volt, abs=0.01)


def test_cold_takes_capacity_and_adds_resistance(battery: Battery) -> None:
    battery.charge_ah = battery.full_ah * 0.3
    assert battery.resistance(-20.0) == pytest.approx(0.125)
    assert battery.resistance(0.0) == pytest.approx(0.055)
    # At -20 degC 24 % of the capacity is out of reach: 30 % of charge stand where (0.30 - 0.24) / 0.76 stand when warm.
    cold = battery.ocv(-20.0)
    battery.charge_ah = battery.full_ah * 0.06 / 0.76
    assert cold == pytest.approx(battery.ocv(25.0), abs=0.01)


def test_charging_below_freezing_costs_capacity_for_ever(battery: Battery) -> None:
    full, charge = battery.full_ah, battery.charge_ah
    for _ in range(360):
        battery.step(1.0, -5.0, 10.0)
    assert battery.cold_charge_ah == pytest.approx(1.0)
    assert battery.full_ah == pytest.approx(full - 0.2 * 0.995)
    assert battery.charge_ah == pytest.approx(charge + 0.8 * 0.995)


def test_full_battery_accepts_nothing_and_cold_one_little(battery: Battery) -> None:
    assert battery.accepted_current(25.0) == pytest.approx(0.5 * battery.capacity_ah)
    assert battery.accepted_current(0.0) == pytest.approx(0.1 * battery.capacity_ah)
    assert battery.accepted_current(-35.0) == 0.0
    battery.charge_ah = battery.full_ah
    assert battery.accepted_current(25.0) == 0.0


# --- array and power unit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "normal"),
    [(0.0, (0.0, 0.0, 1.0)), (60.0, (0.0, -math.sin(math.pi / 3), 0.5)), (-60.0, (0.0, math.sin(math.pi / 3), 0.5))],
)
def test_panel_that_faces_the_noon_sun(latitude: float, normal: tuple[float, float, float]) -> None:
    assert panel_normal(Panel(0.1, faces_noon_sun=True), latitude) == pytest.approx(normal, abs=1e-12)


def test_array_power_by_hand(plant: Plant) -> None:
    plant.array.set_sun(Sun(0.0, 0.0, 1.0))
    # Overhead: the level panel in full and the two others, 30 degrees up, by half. 0.15 m2 each.
    assert plant.array.sunlight == pytest.approx(1361.0 * 0.15 * 2.0)
    assert plant.array.available(28.0) == pytest.approx(408.3 * 0.29 * 0.80 * 0.93)
    assert plant.array.available(78.0) == pytest.approx(408.3 * 0.29 * (1 - 0.11) * 0.80 * 0.93)
    assert plant.array.heat(0.0) == pytest.approx(408.3 * 0.88)
    plant.array.set_sun(NIGHT_SUN)
    assert (plant.array.available(28.0), plant.array.voltage(28.0)) == (0.0, 0.0)


def assert_powers_balance(budget: Budget) -> None:
    sources = budget.array + budget.feed + budget.battery_out
    sinks = budget.essential + sum(budget.loads) + budget.battery_in + budget.charger_loss + budget.harness_loss
    assert sources == pytest.approx(sinks, abs=1e-9)


@pytest.mark.parametrize("local_time", [5.95, 8.0, 17.95, 22.0])
def test_powers_balance_in_every_step(make_plant: Callable[..., Plant], local_time: float) -> None:
    plant = make_plant(local_time_h=local_time, start_soc=0.5)
    power(plant).write("charger_enable", [1])
    thermal(plant).write("heater_enable", [1] * 8)
    thermal(plant).write("heater_duty", [0.3] * 8)
    loads = [load.name for load in plant.power_map.loads]
    for k in range(200):
        switch_on(plant, "heater_supply", loads[k % 8])
        plant.step()
        assert_powers_balance(plant.power.budget)
    assert plant.energy.loads > 0.0


def test_sources_are_used_array_first_then_feed_then_battery(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(local_time_h=6.02)
    plant.array.health = 1.0
    switch_on(plant, "radio", "instrument", "mechanism", "camera", "recorder")
    plant.faults.inject("array_degraded", share_left=0.2)
    plant.advance(60.0)
    budget = plant.power.budget
    assert budget.array == pytest.approx(plant.power.array_available)
    assert budget.feed > 0.0 and budget.battery_out == 0.0
    power(plant).write("feed_enable", [0])
    plant.advance(60.0)
    budget = plant.power.budget
    assert budget.feed == 0.0 and budget.battery_out > 0.0
    assert plant.power.bus_voltage == pytest.approx(plant.power.battery_voltage, abs=0.1)


def test_a_feed_that_is_not_there_gives_exactly_nothing(battery: Battery) -> None:
    unit = PowerUnit(load_payload(), battery)
    commands = Commands([False] * 8, True, True, 10.0, 33.0, [5.0] * 8)
    for number in range(200):
        # All of the array goes into the battery.
        budget = unit.step(commands, 60.0 + 0.37 * number, 20.0, 1.0)
        assert budget.battery_in > 0.0
        assert budget.feed == 0.0


def test_charger_keeps_current_and_voltage_limits(plant: Plant) -> None:
    power(plant).write("charge_current_limit", [0.5])
    power(plant).write("charger_enable", [1])
    plant.advance(60.0)
    assert plant.power.battery_current == pytest.approx(0.5)
    power(plant).write("charge_voltage_limit", [26.0])
    plant.advance(60.0)
    assert plant.power.battery_current == 0.0
    power(plant).write("charge_voltage_limit", [31.8])
    power(plant).write("charge_current_limit", [10.0])
    plant.advance(7200.0)
    assert plant.power.battery_voltage <= 31.8 + 1e-6
    assert 0.0 < plant.power.battery_current < 0.5
    power(plant).write("charger_enable", [0])
    plant.advance(60.0)
    assert plant.power.battery_current == 0.0


def test_a_full_battery_is_lifted_to_what_the_charger_holds_and_that_is_told(plant: Plant) -> None:
    # Seven cells of eight, full; the charger goes on to 32.8 V, that is 4.69 V a cell.
    plant.battery.charge_ah = plant.battery.full_ah
    plant.faults.inject("battery_cell_lost", kind="short", count=1)
    power(plant).write("charger_enable", [1])
    plant.advance(20.0)
    assert plant.power.battery_current == 0.0
    assert plant.power.battery_voltage == pytest.approx(32.8)
    assert plant.extremes.cell_high_v == pytest.approx(32.8 / 7)
    assert plant.limit_violations() == ["battery cell: 4.69 V, limit 4.25 V"]
    power(plant).write("charge_voltage_limit", [28.7])
    plant.advance(20.0)
    assert plant.power.battery_voltage == pytest.approx(7 * 4.17, abs=0.01)


def test_constant_load_draws_by_voltage_and_heater_by_its_square(night: Plant) -> None:
    switch_on(night, "heater_supply", "instrument")
    thermal(night).write("heater_duty", [0.5], first=1)
    night.advance(60.0)
    volt = night.power.bus_voltage
    assert night.power.budget.loads[2] == pytest.approx(8.0)
    assert night.power.load_current[2] == pytest.approx(8.0 / volt)
    assert night.heater_power[1] == pytest.approx(0.5 * volt * volt / 65.3, rel=1e-4)
    assert night.power.load_current[0] == pytest.approx(0.5 * volt / 65.3, rel=1e-4)


def test_overcurrent_trips_latches_and_clears(plant: Plant) -> None:
    switch_on(plant, "instrument", "radio")
    plant.advance(20.0)
    fault = plant.faults.inject("load_overcurrent", load="instrument", extra_a=1.0)
    plant.advance(20.0)
    readings = power(plant).read_all()
    assert (readings["load_trip_mask"], readings["load_on_mask"], readings["trip_count"]) == ([4.0], [2.0], [1.0])
    plant.faults.clear(fault)
    plant.advance(20.0)
    assert power(plant).read_all()["load_on_mask"] == [2.0]
    power(plant).write("trip_clear", [1], first=2)
    assert plant.power_bank.coil >> 18 & 1 == 1
    plant.advance(20.0)
    assert plant.power_bank.coil >> 16 == 0
    assert power(plant).read_all()["load_on_mask"] == [6.0]


def test_empty_battery_goes_dark_and_comes_back_with_the_sun(make_plant: Callable[..., Plant]) -> None:
    plant = make_plant(local_time_h=5.9, start_soc=0.006)
    switch_on(plant, "recorder", "instrument")
    power(plant).write("charge_current_limit", [1.0])
    plant.advance(9000.0)
    assert not plant.power.powered
    assert plant.power.bus_voltage == 0.0 and sum(plant.power.load_current) == 0.0
    assert plant.bus.transact(bytes.fromhex("11 04 0000 001C F353")) == b""
    charge = plant.battery.charge_ah
    plant.advance(600.0)
    assert plant.battery.charge_ah == charge
    while plant.local_time_h < 6.1:
        plant.advance(600.0)
    readings = power(plant).read_all()
    assert plant.power.powered and int(readings["status"][0] or 0) & 0b1000
    assert readings["load_on_mask"] == [0.0] and readings["write_count"] == [0.0]
    assert readings["uptime"][0] < plant.now_s
    switch_on(plant, "recorder")
    plant.advance(20.0)
    assert not int(power(plant).read_all()["status"][0] or 0) & 0b1000


def test_link_timeout_makes_the_units_safe(night: Plant) -> None:
    switch_on(night, "heater_supply", "radio")
    thermal(night).write("heater_duty", [1.0] * 8)
    power(night).write("link_timeout", [120.0])
    thermal(night).write("link_timeout", [120.0])
    night.advance(100.0)
    assert night.power.on[:2] == [True, True] and sum(night.heater_power) > 20.0
    night.advance(60.0)
    assert night.power.on[:2] == [True, False] and sum(night.heater_power) == 0.0
    readings = power(night).read_all()
    assert int(readings["status"][0] or 0) & 0b100000


# --- payload files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("capacity = 4500.0", "capacity = -1.0", "capacity above 0"),
        ('between = ["electronics", "radio"]', 'between = ["electronics", "cellar"]', "'?cellar"),
        ("limits = [-30.0, 55.0]", "limits = [60.0, 55.0]", "low limit below"),
        ("view_space = 0.55", "view_space = 0.75", "add up to at most 1"),
        ("charge_rate =", "charge_rates =", "charge_rate"),
        ("ocv_soc =   [0.00, 0.02", "ocv_soc =   [0.02, 0.00", "rising points"),
        ("[array]", "[array", "TOML|Expected|line"),
    ],
)
def test_wrong_payload_file_says_what_is_wrong(old: str, new: str, reason: str, tmp_path: Path) -> None:
    text = (PAYLOADS_DIR / "lander_28kg.toml").read_text()
    assert old in text
    path = tmp_path / "payload.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(PayloadError, match=reason):
        load_payload(path)


def test_unknown_payload_names_those_that_are_there() -> None:
    with pytest.raises(PayloadError, match="lander_28kg"):
        load_payload("no_such_payload")
