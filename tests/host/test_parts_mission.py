"""The reference payload's apps on the board's own parts (dictionary/parts): its budget, its cut-out, lost readings.

Parts are tables in memory; registers are written as the data sheets say.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from perilune.dictionary.load import CORE

from hil.targets.sitl import Sitl

# Thermistor of 10 kohm, curve 3A1, against 10 kohm (defaults of dictionary/parts/device.toml).
NTC = (1.129241e-3, 2.341077e-4, 8.775468e-8)
OHM = 10000.0
BUS, ARRAY, FEED, BATTERY = 0x40, 0x41, 0x44, 0x45
SHUNT_OHM = {BUS: 0.01, ARRAY: 0.01, FEED: 0.01, BATTERY: 0.005}
ELECTRONICS_PINS, BATTERY_PIN = ("A0", "A1"), "A2"
ELECTRONICS_HEATER, BATTERY_HEATER = "D9", "D11"


class Board:
    """`sitl` with parts around it; events by name as they are raised."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(CORE / "parts" / "device.toml", folder)
        for app in ("power", "thermal", "night"):
            shutil.copy(CORE / "payload" / f"{app}.toml", folder)
        self.sitl = Sitl([CORE, folder])
        self.raised: list[str] = []
        events = self.sitl.core.events
        names = {event.id: event.name for event in self.sitl.dictionary.events.values()}
        raise_ = events.raise_

        def heard(event_id: int, a: float = 0, b: float = 0, c: float = 0, d: float = 0) -> None:
            self.raised.append(names[event_id])
            raise_(event_id, a, b, c, d)

        events.raise_ = heard  # type: ignore[method-assign]
        for address in SHUNT_OHM:
            self.register(address, 0x00, 0x4127)
            self.register(address, 0xFE, 0x5449)
        for address in (0x48, 0x49, 0x4A):
            self.register(address, 0x0F, 0x0117)
            self.register(address, 0x00, round(12.0 / 0.0078125))
        self.day()
        for pin in (*ELECTRONICS_PINS, BATTERY_PIN):
            self.warm(pin, 12.0)

    def register(self, address: int, number: int, word: int) -> None:
        self.sitl.hal.parts.registers[address << 8 | number] = bytearray((word & 0xFFFF).to_bytes(2, "big"))

    def line(self, address: int, volts: float, amperes: float) -> None:
        self.register(address, 0x01, round(amperes * SHUNT_OHM[address] / 2.5e-6))
        self.register(address, 0x02, round(volts / 1.25e-3))

    def day(self) -> None:
        self.line(BUS, 28.0, 0.8)
        self.line(ARRAY, 38.0, 1.5)
        self.line(FEED, 28.0, 0.1)
        self.line(BATTERY, 8 * 3.96, 0.5)

    def night(self) -> None:
        self.line(BUS, 8 * 3.95, 0.3)
        self.line(ARRAY, 0.0, 0.0)
        self.line(FEED, 0.0, 0.0)
        self.line(BATTERY, 8 * 3.95, -0.3)

    def warm(self, pin: str, celsius: float) -> None:
        low, high = math.log(100.0), math.log(1e7)
        for _ in range(60):
            middle = 0.5 * (low + high)
            kelvin = 1.0 / (NTC[0] + NTC[1] * middle + NTC[2] * middle**3)
            low, high = (middle, high) if kelvin > celsius + 273.15 else (low, middle)
        ohm = math.exp(low)
        self.sitl.hal.adcs[pin].value = round(65535 * ohm / (ohm + OHM))

    def value(self, name: str) -> float:
        point = self.sitl.dictionary.points[name]
        return float(point.engineering(self.sitl.core.values[point.index]))

    def put(self, name: str, value: float) -> None:
        self.sitl.core.parameters.put(self.sitl.dictionary.points[name].index, value)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    board = Board(tmp_path)
    board.sitl.run(180.0)
    board.raised.clear()
    return board


def test_readings_are_those_of_the_parts(board: Board) -> None:
    assert board.value("power.valid") == 1
    assert board.value("power.battery_v") == pytest.approx(31.68, abs=0.01)
    assert board.value("power.array_w") == pytest.approx(57.0, abs=0.3)
    assert board.value("power.battery_c") == pytest.approx(12.0, abs=0.01)
    assert board.value("thermal.battery_c") == pytest.approx(12.0, abs=0.05)
    assert board.value("thermal.electronics_c") == pytest.approx(12.0, abs=0.05)
    assert (board.value("thermal.lit"), board.value("night.lit"), board.value("power.charger_on")) == (1, 1, 1)


def test_the_budget_is_that_of_the_night_and_the_heaters_keep_to_it(board: Board) -> None:
    assert board.value("power.heater_budget_w") == 37.0
    board.night()
    for pin in (*ELECTRONICS_PINS, BATTERY_PIN):
        board.warm(pin, -20.0)
    board.sitl.run(600.0)
    # About 80 % of 3045 W h in 354 h, times 1.5, less 9 W of the bus: the least that heaters get.
    assert board.value("thermal.budget_w") == board.value("power.heater_budget_w") == 8.0
    assert 4.0 < board.value("thermal.heater_w") <= 8.0
    assert board.sitl.hal.outputs["D7"].on  # the heaters' supply


def test_a_hot_battery_is_cut_out(board: Board) -> None:
    board.warm(BATTERY_PIN, -20.0)
    board.sitl.run(300.0)
    on = 0
    for _ in range(60):
        board.sitl.run(1.0)
        on += board.sitl.hal.outputs[BATTERY_HEATER].on
    assert on > 30
    board.raised.clear()
    board.warm(BATTERY_PIN, 41.0)
    board.sitl.run(60.0)
    assert "thermal.cut_out" in board.raised
    assert board.value("thermal.battery_heater") == 3
    assert not board.sitl.hal.outputs[BATTERY_HEATER].on
    # A wire breaks: nobody knows whether it is still hot.
    board.sitl.hal.adcs[BATTERY_PIN].value = 65535
    board.sitl.run(300.0)
    assert "thermal.zone_lost" in board.raised
    assert board.value("thermal.battery_heater") == 3
    assert not board.sitl.hal.outputs[BATTERY_HEATER].on


def test_a_monitor_that_does_not_answer_is_told_and_changes_nothing_else(board: Board) -> None:
    before = (board.sitl.core.modes.mode, board.value("power.load_wanted"))
    board.sitl.hal.parts.absent.append(BATTERY)
    board.sitl.run(300.0)
    assert board.value("power.valid") == 0
    assert board.raised == ["power.battery_unknown"]
    board.sitl.hal.parts.absent.append(BUS)
    board.sitl.run(300.0)
    assert (board.sitl.core.modes.mode, board.value("power.load_wanted"), board.value("power.load_shed")) == (
        *before,
        0,
    )
    board.sitl.hal.parts.absent.clear()
    board.sitl.run(60.0)
    assert board.value("power.valid") == 1
    assert board.raised == ["power.battery_unknown", "power.battery_known"]


def test_impossible_coefficients_lose_the_zone_and_nothing_else(board: Board) -> None:
    for name in ("ntc_a", "ntc_b", "ntc_c"):
        board.put(f"device.{name}", 0.0)
    board.sitl.run(300.0)
    assert board.value("thermal.battery_valid") == 0
    assert board.raised.count("thermal.zone_lost") == 2
    assert board.value("power.valid") == 1
