"""The settings with which the power app's tests count are the defaults of the payload's dictionary."""

from __future__ import annotations

from perilune.dictionary.load import CORE, load
from power_bench import LOADS, SETTINGS

from hil.plant import units
from hil.plant.payload import load_payload


def test_settings_of_the_tests_are_the_defaults() -> None:
    points = load([CORE, CORE / "payload"]).points
    parameters = {name.split(".")[1].upper(): p.start for name, p in points.items() if p.settable and "power." in name}
    assert {name: parameters[name] for name, _ in SETTINGS} == dict(SETTINGS)
    assert set(parameters) == {name for name, _ in SETTINGS}


def test_loads_are_those_of_the_unit() -> None:
    dictionary = load([CORE, CORE / "payload"])
    unit = units.power_unit()
    assert [load.name.upper() for load in unit.loads] == list(LOADS)
    assert dictionary.enumerations["power.load"].values == {load.name.upper(): load.index for load in unit.loads}
    for row in unit.loads:
        assert dictionary.points[f"power.limit_{row.name}_a"].start == row.trip_current


def test_the_battery_is_the_payloads() -> None:
    points = load([CORE, CORE / "payload"]).points
    battery = load_payload("lander_28kg").battery
    full_ah = battery.cells_in_parallel * battery.cell_capacity_ah * battery.ageing
    assert abs(points["power.capacity_ah"].start - full_ah) < 0.1
    assert points["power.cells_in_series"].start == battery.cells_in_series
    for soc, volt in zip(battery.ocv_soc, battery.ocv_volt, strict=True):
        name = f"power.ocv_{round(100 * soc):03d}_mv"
        if name in points:
            assert abs(points[name].start - 1000 * volt) < 1
