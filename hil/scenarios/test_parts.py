"""Power and heat on the board's own parts: INA226 and TMP117 on I2C, thermistors on analogue inputs, switches on pins.

Benches: renode_parts (`--target renode --bench renode_parts`) and sitl_parts.
"""

from __future__ import annotations

import pytest

from hil.ground import Ground
from hil.scenarios.payload_conditions import near
from hil.targets.parts import Parts

pytestmark = pytest.mark.needs("parts")

READ_S = 60.0  # each part is read every few seconds, and its app tells of it each ten
# Voltage over a thermistor of 10 kohm, curve 3A1, below a resistor of 10 kohm, as a share of the whole: its resistance
# is 10.00 kohm at 25 degC, 32.65 kohm at 0 degC and 55.33 kohm at -10 degC.
AT_25_C, AT_0_C, AT_MINUS_10_C = 0.5, 0.7655, 0.8469


@pytest.fixture
def parts(ground: Ground) -> Parts:
    """The parts, on a mild day."""
    parts = ground.target.parts
    for name, volts, amperes in (
        ("bus", 28.5, 1.25),
        ("array", 30.0, 2.0),
        ("feed", 28.0, 0.5),
        ("battery", 29.0, 0.75),
    ):
        parts.set_line(name, volts, amperes)
    for number in range(3):
        parts.set_temperature(f"battery_{number}", 22.0)
    for pin in ("A0", "A1", "A2"):
        parts.set_analogue(pin, AT_25_C)
    return parts


def await_pin(ground: Ground, parts: Parts, pin: str, on: bool) -> None:
    """Let time pass until a switch stands so."""
    deadline = ground.target.deadline(READ_S)
    ground.target.run_until(lambda: parts.is_on(pin) is on, deadline, f"{pin} {'on' if on else 'off'}")


def test_voltages_and_currents_are_those_of_the_lines(ground: Ground, parts: Parts) -> None:
    for name, volts, amperes in (
        ("bus", 28.5, 1.25),
        ("array", 30.0, 2.0),
        ("feed", 28.0, 0.5),
        ("battery", 29.0, 0.75),
    ):
        ground.wait_value(f"power.{name}_v", near(volts, 0.002), READ_S, ask=True)
        ground.wait_value(f"power.{name}_a", near(amperes, 0.001), READ_S, ask=True)
    parts.set_line("battery", 26.0, -3.5)
    ground.wait_value("power.battery_a", near(-3.5, 0.001), READ_S, ask=True)
    ground.wait_value("power.battery_v", near(26.0, 0.002), READ_S, ask=True)


def test_the_battery_is_as_warm_as_its_thermometers_say(ground: Ground, parts: Parts) -> None:
    ground.wait_value("power.battery_c", near(22.0, 0.05), READ_S, ask=True)
    for number in range(3):
        parts.set_temperature(f"battery_{number}", -7.5)
    ground.wait_value("power.battery_c", near(-7.5, 0.05), READ_S, ask=True)


def test_zones_are_as_warm_as_their_thermistors_say(ground: Ground, parts: Parts) -> None:
    ground.wait_value("thermal.electronics_c", near(25.0, 0.1), READ_S, ask=True)
    ground.wait_value("thermal.electronics_valid", 1, READ_S, ask=True)
    parts.set_analogue("A2", AT_0_C)
    ground.wait_value("thermal.battery_c", near(0.0, 0.1), READ_S, ask=True)


def test_a_broken_wire_leaves_the_zone_to_the_other_thermistor(ground: Ground, parts: Parts) -> None:
    ground.wait_value("thermal.electronics_valid", 1, READ_S, ask=True)
    ground.mark()
    parts.set_analogue("A1", 1.0)
    ground.wait_event("thermal.sensor_rejected", READ_S)
    assert near(25.0, 0.1)(ground.value("thermal.electronics_c"))


def test_a_heater_switch_is_on_for_its_share_of_the_time(ground: Ground, parts: Parts) -> None:
    ground.wait_value("thermal.electronics_valid", 1, READ_S, ask=True)
    assert not parts.is_on("D9")
    ground.do("thermal.set_duty", zone="ELECTRONICS", duty=0.5, seconds=600)
    await_pin(ground, parts, "D9", True)
    await_pin(ground, parts, "D9", False)
    await_pin(ground, parts, "D9", True)
    ground.do("thermal.clear_duty", zone="ELECTRONICS")
    await_pin(ground, parts, "D9", False)


def test_a_cold_zone_is_heated(ground: Ground, parts: Parts) -> None:
    parts.set_analogue("A2", AT_MINUS_10_C)
    await_pin(ground, parts, "D11", True)


def test_a_load_switch_follows_its_command(ground: Ground, parts: Parts) -> None:
    ground.do("power.load_on", load="RADIO")
    await_pin(ground, parts, "D8", True)
    ground.do("power.load_off", load="RADIO")
    await_pin(ground, parts, "D8", False)
