"""The board's own parts from outside: what they measure, and what is switched, on benches that have them.

The parts are those of firmware/dictionary/parts/device.toml on a Netduino Plus 2: INA226 and TMP117 on I2C, thermistors
on analogue inputs, switches on pins. Renode has models of them (hil/renode_parts); `sitl` has a table in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from flight.hal.host import HostHal

# Addresses of the parts on I2C bus 1 by name, and the channels of the converter by pin.
LINES = {"bus": 0x40, "array": 0x41, "feed": 0x44, "battery": 0x45}
SHUNTS_OHM = {"bus": 0.01, "array": 0.01, "feed": 0.01, "battery": 0.005}
THERMOMETERS = {"battery_0": 0x48, "battery_1": 0x49, "battery_2": 0x4A}
CHANNELS = {"A0": 10, "A1": 11, "A2": 12}
# What is switched, by pin: the lamp that hil/renode_parts/parts.repl has beside it.
LAMPS = {
    "D4": "gpioPortB.charger",
    "D7": "gpioPortA.load_0",
    "D8": "gpioPortA.load_1",
    "D9": "gpioPortA.heater_electronics",
    "D11": "gpioPortB.heater_battery",
}
FULL_SCALE = 4095


class Parts(Protocol):
    """What surrounds the board. What is set holds until the board's next start. Raises KeyError for unknown names."""

    def set_line(self, name: str, volts: float, amperes: float) -> None:
        """What a line (bus, array, feed, battery) carries; amperes are signed."""

    def set_temperature(self, name: str, celsius: float) -> None:
        """What a thermometer (battery_0, ...) has around it."""

    def set_analogue(self, pin: str, share: float) -> None:
        """Voltage of an analogue input as a share of the reference, 0 to 1."""

    def is_on(self, pin: str) -> bool:
        """Is the output high?"""


class RenodeParts:
    """Through the monitor. execute: runs a command of it."""

    def __init__(self, execute: Callable[[str], str]) -> None:
        self._execute = execute

    def set_line(self, name: str, volts: float, amperes: float) -> None:
        """The part is named like its line."""
        _ = LINES[name]
        self._execute(f"sysbus.i2c1.{name} Voltage {volts:.6f}")
        self._execute(f"sysbus.i2c1.{name} Current {amperes:.6f}")

    def set_temperature(self, name: str, celsius: float) -> None:
        """Likewise."""
        _ = THERMOMETERS[name]
        self._execute(f"sysbus.i2c1.{name} Temperature {celsius:.6f}")

    def set_analogue(self, pin: str, share: float) -> None:
        """-1: for every conversion from now on."""
        self._execute(f"sysbus.adc1 FeedSample {round(share * FULL_SCALE)} {CHANNELS[pin]} -1")

    def is_on(self, pin: str) -> bool:
        """The lamp beside the switch."""
        return self._execute(f"sysbus.{LAMPS[pin]} State").strip() == "True"


class MemoryParts:
    """Registers and values of a board in this process. hal: the board's surroundings, new at each start."""

    def __init__(self, hal: Callable[[], HostHal]) -> None:
        self._hal = hal

    def _set_register(self, address: int, register: int, value: int) -> None:
        self._hal().parts.registers[address << 8 | register] = bytearray((value & 0xFFFF).to_bytes(2, "big"))

    def set_line(self, name: str, volts: float, amperes: float) -> None:
        """An INA226 (SBOS547): 2.5 uV a count of the shunt, 1.25 mV of the bus."""
        address = LINES[name]
        self._set_register(address, 0x00, 0x4127)
        self._set_register(address, 0x01, round(amperes * SHUNTS_OHM[name] / 2.5e-6))
        self._set_register(address, 0x02, round(volts / 1.25e-3))
        self._set_register(address, 0xFE, 0x5449)

    def set_temperature(self, name: str, celsius: float) -> None:
        """A TMP117 (SNOSD82): 1/128 K a count."""
        address = THERMOMETERS[name]
        self._set_register(address, 0x00, round(celsius * 128))
        self._set_register(address, 0x0F, 0x0117)

    def set_analogue(self, pin: str, share: float) -> None:
        """Of 16 bits, as the port gives it."""
        _ = CHANNELS[pin]
        self._hal().adc(pin).value = round(share * 65535)

    def is_on(self, pin: str) -> bool:
        """As the flight software set it."""
        _ = LAMPS[pin]
        return self._hal().output(pin).on
