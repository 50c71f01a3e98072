"""Every fault of the plant in every phase that it matters in: fault_matrix.toml says what has to come of it."""

from __future__ import annotations

import functools
import operator
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE

from hil.closed_loop import PAYLOAD, ClosedLoop
from hil.plant.faults import CATALOGUE
from hil.plant.payload import KELVIN
from hil.plant.plant import Plant

MINUTES = 15.0
ZONES = ("structure", "electronics", "battery", "instrument", "radio", "mast", "radiator", "array")
UNITS = ("power", "thermal")
LOADS = ("HEATER_SUPPLY", "RADIO", "INSTRUMENT", "CAMERA", "RECORDER", "MECHANISM", "BEACON", "SPARE")
RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "has": lambda value, bits: int(value) & int(bits) == int(bits),
    "lacks": lambda value, bits: not int(value) & int(bits),
}


class Phase(NamedTuple):
    """local_time_h, charge and box_c (temperature of the warm box): where the plant begins. modes: the ground's way."""

    local_time_h: float
    charge: float
    box_c: float
    outside_c: float
    modes: tuple[str, ...]
    loads: tuple[str, ...] = ()


PHASES = {
    "DAY": Phase(9.0, 0.80, 8.0, 10.0, ("STANDBY", "NOMINAL"), ("RADIO", "INSTRUMENT", "CAMERA", "RECORDER")),
    "SCIENCE": Phase(
        9.0, 0.80, 8.0, 10.0, ("STANDBY", "NOMINAL", "SCIENCE"), ("RADIO", "INSTRUMENT", "CAMERA", "RECORDER")
    ),
    "SAFE": Phase(9.0, 0.80, 8.0, 10.0, ("SAFE",)),
    "DUSK": Phase(17.8, 0.93, 8.0, 0.0, ("STANDBY",)),
    "NIGHT": Phase(21.0, 0.60, -4.0, -55.0, ("SURVIVAL",)),
    "DAWN": Phase(6.15, 0.35, 3.0, -45.0, ("SURVIVAL",)),
}
ROWS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "fault_matrix.toml").read_text())["case"]
CASES = [
    pytest.param(
        row, phase, id=f"{number:02}-{row['fault']}-{'-'.join(map(str, row.get('with', {}).values()))}-{phase}"
    )
    for number, row in enumerate(ROWS)
    for phase in row["in"]
]


@functools.cache
def dictionary() -> Dictionary:
    return load([CORE, PAYLOAD])


def at_work(phase: Phase) -> ClosedLoop:
    """A board with its payload, commissioned and settled in a phase."""
    plant = Plant(0.0, phase.local_time_h, start_soc=phase.charge)
    for name in ZONES:
        outside = name in ("structure", "mast", "radiator", "array")
        plant.thermal.temperature[plant.payload.node_index(name)] = KELVIN + (
            phase.outside_c if outside else phase.box_c
        )
    plant.extremes.low = plant.thermal.temperature.copy()
    plant.extremes.high = plant.thermal.temperature.copy()
    loop = ClosedLoop(plant, dictionary=dictionary())
    loop.run(30.0)
    failures = loop.set_parameter("modes.command_loss_s", 0)
    failures += loop.command("night.set_solar_time", epoch_s=0, hour_angle_deg=(plant.local_time_h - 12.0) * 15.0)
    for mode in phase.modes:
        failures += loop.command("modes.change", mode=mode)
    for name in phase.loads:
        failures += loop.command("power.load_on", load=name)
    loop.run(270.0)
    assert (failures, loop.mode, loop.findings()) == (0, phase.modes[-1], [])
    return loop


def conducting(loop: ClosedLoop) -> set[str]:
    """Loads that truly conduct."""
    return {name for index, name in enumerate(LOADS) if loop.plant.power.on[index]}


def holds(loop: ClosedLoop, text: str) -> bool:
    name, relation, number = text.split()
    value = loop.plant.truth()[name[6:]] if name.startswith("plant.") else loop.value(name)
    return RELATIONS[relation](value, float(number))


@pytest.mark.parametrize(("row", "phase"), CASES)
def test_fault(row: dict[str, Any], phase: str) -> None:
    loop = at_work(PHASES[phase])
    for request in row.get("before", ()):
        assert loop.command(request["command"], **request["args"]) == 0
    mode, loads, begin_s = loop.mode, conducting(loop), loop.now_s
    undisturbed = [f"device.{name}_failures" for name in UNITS if row.get("with", {}).get("unit") != f"{name}_unit"]
    kept = {name: loop.value(name) for name in ["modes.starts", *undisturbed]}
    loop.plant.faults.inject(row["fault"], **row.get("with", {}))
    loop.run(60.0)
    refused = sum(loop.command(request["command"], **request["args"]) for request in row.get("then", ()))
    loop.run(60.0 * row.get("minutes", MINUTES) - 60.0)
    raised = {event.name for event in loop.events if event.time_s >= begin_s and event.severity in ("medium", "high")}
    lost = [text for text in row.get("after", ()) if not holds(loop, text)]
    for request in row.get("then", ()):
        name = request["args"]["load"]
        loads = loads | {name} if request["command"] == "power.load_on" else loads
    free = set(row.get("any", ()))
    unknown = [name for name in ZONES if not loop.value(f"thermal.{name}_valid")] if row.get("zones", True) else []
    assert raised == set(row.get("events", ()))
    assert lost == []
    assert {name: loop.value(name) for name in kept} == kept
    assert unknown == []
    assert loop.mode == row.get("mode", mode)
    assert conducting(loop) - free == expected_loads(row, loads) - free
    assert refused <= row.get("refused", 0)
    assert loop.findings() == []
    assert loop.command("core.ping") == 0


def expected_loads(row: dict[str, Any], before: set[str]) -> set[str]:
    """Loads that have to conduct: what failed off or was latched does not, what failed on does."""
    return (before | set(row.get("on", ()))) - set(row.get("off", ()))


def test_every_fault_of_the_catalogue_is_there_and_enough_of_them() -> None:
    assert {row["fault"] for row in ROWS} == set(CATALOGUE)
    assert len(CASES) >= 100
