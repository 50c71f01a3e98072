"""Thermal app: what holds for any input; its dictionary against the thermal unit, the payload and the flight tests."""

from __future__ import annotations

import math

import pytest
import thermal_bench
from flight.app.thermal import places
from flight.app.thermal.budget import share
from flight.app.thermal.control import Control
from flight.app.thermal.heating import AUTOMATIC, CUT_OUT
from flight.app.thermal.places import HEATED, HEATERS, ZONE_NAMES, ZONES
from flight.app.thermal.sensors import KNOWN, LOST, NEW
from flight.app.thermal.switching import Switching
from flight.app.thermal.watch import UNCONTROLLED
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE
from thermal_bench import SETTINGS, STEP_S, TABLES, Bench

from hil.plant.payload import load_payload
from hil.plant.units import thermal_unit

MISSION = CORE / "payload"

any_c = st.one_of(
    st.floats(-60.0, 60.0), st.floats(allow_nan=True, allow_infinity=True, width=32), st.just(10.0), st.just(41.0)
)
duties = st.floats(0.0, 1.0)


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load([CORE, MISSION])


# --- the dictionary --------------------------------------------------------------------------------------------------


def test_the_flight_tests_count_on_the_defaults(dictionary: Dictionary) -> None:
    heated = [ZONE_NAMES[zone] for zone in HEATED]
    expected = {name.lower(): value for name, value in SETTINGS.items()}
    for name, row in TABLES.items():
        zones = ZONE_NAMES if len(row) == ZONES else heated
        expected |= {f"{zone}_{name}".lower(): value for zone, value in zip(zones, row, strict=True)}
    found = {
        point.name.removeprefix("thermal."): point.start
        for point in dictionary.points.values()
        if point.settable and point.name.startswith("thermal.")
    }
    assert found.keys() == expected.keys()
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, rel=1e-6)


def test_zones_and_heaters_are_wired_as_the_unit_says(dictionary: Dictionary) -> None:
    unit = thermal_unit()
    assert tuple(zone.name.upper() for zone in sorted(unit.zones, key=lambda zone: zone.index)) == ZONE_NAMES
    heaters = sorted(unit.heaters, key=lambda heater: heater.index)
    assert tuple(ZONE_NAMES.index(heater.zone.upper()) for heater in heaters) == HEATED
    for heater in heaters:
        assert dictionary.points[f"thermal.{heater.zone}_heater_ohm"].start == pytest.approx(heater.resistance_ohm)
    for zone in unit.zones:
        assert dictionary.points[f"thermal.{zone.name}_sensors"].start == (1 << zone.sensors) - 1
    zones = dictionary.enumerations["thermal.zone"].values
    assert {name: number for number, name in enumerate(ZONE_NAMES)} == zones


def test_setpoints_and_cut_outs_fit_the_limits_of_the_zones(dictionary: Dictionary) -> None:
    limits = {node.name: node.limits for node in load_payload().node}
    band = SETTINGS["CUT_OUT_BAND_K"]
    for zone in (ZONE_NAMES[number].lower() for number in HEATED):
        low, high = limits[zone]
        cut_out = dictionary.points[f"thermal.{zone}_cut_out_c"]
        # What the ground may set, and not only the default, is below the zone's limit.
        assert cut_out.high < high
        for column in ("day", "night", "survival"):
            setpoint = dictionary.points[f"thermal.{zone}_{column}_c"]
            assert low < setpoint.low <= setpoint.start < cut_out.start - band
        assert dictionary.points[f"thermal.{zone}_c"].red == limits[zone]


def test_ids_are_those_of_thermal(dictionary: Dictionary) -> None:
    for point in dictionary.points.values():
        assert point.name.startswith("thermal.") == (0x1100 <= point.id <= 0x12FF), point.name
    for event in dictionary.events.values():
        assert event.name.startswith("thermal.") == (0x140 <= event.id <= 0x17F), event.name


# --- what holds for any input ----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(any_c, any_c, any_c, st.integers(0, 7)), min_size=1, max_size=40))
def test_a_vote_is_never_outside_what_was_read(samples: list[tuple[float, float, float, int]]) -> None:
    bench = Bench()
    zone = thermal_bench.BATTERY
    seen = [0.0]
    for *values, dead in samples:
        for sensor, value in enumerate(values):
            bench.off[3 * zone + sensor] = value - bench.c[zone]
            bench.dead[3 * zone + sensor] = dead >> sensor & 1
        bench.turn()
        seen += [bench.unit.temperature_c[3 * zone + sensor].value for sensor in range(3)]
        voted = bench.app.sensors.c[zone]
        assert math.isfinite(voted)
        finite = [value for value in seen if math.isfinite(value)]
        assert min(finite) - 1e-6 <= voted <= max(finite) + 1e-6
        assert bench.app.sensors.state[zone] in (KNOWN, 1, LOST, NEW)


@given(st.lists(st.tuples(st.floats(-300.0, 300.0), st.booleans(), st.integers(10, 120)), max_size=60))
def test_pi_stays_within_its_bounds(steps: list[tuple[float, bool, int]]) -> None:
    bench = Bench()
    control = Control(bench.core.values, bench.app.places)
    for error_k, limited, dt_s in steps:
        before = control.integral[0]
        assert 0.0 <= control.duty(0, error_k, dt_s, limited) <= 1.0
        assert 0.0 <= control.integral[0] <= 1.0
        if limited and error_k > 0:
            assert control.integral[0] == before


@given(st.lists(st.tuples(duties, st.booleans()), max_size=80))
def test_what_a_heater_is_told_is_a_duty(steps: list[tuple[float, bool]]) -> None:
    bench = Bench()
    switching = Switching(bench.core.values, bench.app.places)
    for wanted, switched in steps:
        told = switching.duty(0, wanted, STEP_S, switched)
        assert 0.0 <= told <= 1.0
        assert not switched or told in (0.0, 1.0)
        switching.told(0, told)


@given(
    st.lists(duties, min_size=5, max_size=5),
    st.lists(st.integers(1, 5), min_size=5, max_size=5),
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.floats(-10.0, 50.0),
)
def test_the_budget_is_never_exceeded(
    wanted: list[float], rank: list[int], switched: list[bool], budget_w: float
) -> None:
    watts = [10.0, 12.0, 6.0, 5.0, 4.0]
    duty = [float(round(d)) if s else d for d, s in zip(wanted, switched, strict=True)]
    asked = list(duty)
    cut = share(duty, watts, rank, bytearray(switched), budget_w, 0.02)
    total = sum(d * w for d, w in zip(duty, watts, strict=True))
    assert total <= max(budget_w, 0.0) + 1e-6
    assert cut == (sum(d * w for d, w in zip(asked, watts, strict=True)) > budget_w)
    assert all(0.0 <= given_ <= before for given_, before in zip(duty, asked, strict=True))
    # A lower rank gets nothing that a higher one still wants, but for the rounding to steps.
    for first in range(HEATERS):
        for second in range(HEATERS):
            if rank[first] < rank[second] and duty[second] > 0.0 and not any(switched):
                assert duty[first] >= asked[first] - 0.02 - 1e-9 or budget_w - total < 0.02 * 40.0


commands = st.one_of(
    st.tuples(st.just("SET_DUTY"), st.sampled_from(HEATED), duties, st.integers(10, 3600)),
    st.tuples(st.just("SET_SETPOINT"), st.sampled_from(HEATED), st.floats(-60.0, 60.0)),
    st.tuples(st.sampled_from(["HEATER_ENABLE", "HEATER_DISABLE", "RESET_FAULT"]), st.sampled_from(HEATED)),
    st.tuples(st.sampled_from(["CLEAR_SETPOINT", "CLEAR_DUTY", "RESET_FAULT", "RESET_SENSORS"]), st.just(255)),
)
turns = st.tuples(
    st.sampled_from(HEATED),
    st.floats(-65.0, 80.0),
    st.floats(-1.0, 40.0),
    st.one_of(st.none(), commands),
    st.sampled_from(["none", "short", "weld", "open", "well", "silent", "heard", "switched", "modulated"]),
    st.integers(1, 12),
)


@settings(max_examples=60)
@given(st.lists(turns, min_size=1, max_size=25))
def test_whatever_happens_budget_and_cut_out_hold(
    story: list[tuple[int, float, float, tuple[object, ...] | None, str, int]],
) -> None:
    bench = Bench()
    app = bench.app
    for zone, celsius, budget_w, command, trouble, count in story:
        bench.c[zone] = celsius
        app.sensors.trust(zone)
        bench.budget(budget_w)
        if command is not None:
            bench.command(*command)
        trouble_at(bench, HEATED.index(zone), trouble)
        for _ in range(count):
            bench.turn()
            holds(bench, budget_w)


def trouble_at(bench: Bench, heater: int, trouble: str) -> None:
    if trouble in ("short", "weld"):
        bench.shorted[heater] = 1
        bench.welded[heater] = trouble == "weld"
    elif trouble in ("open", "well"):
        bench.conducts[heater] = float(trouble == "well")
        bench.shorted[heater] = bench.welded[heater] = 0
    elif trouble in ("silent", "heard"):
        bench.silent = trouble == "silent"
    elif trouble in ("switched", "modulated"):
        bench.set("SWITCHED", trouble == "switched")


def holds(bench: Bench, budget_w: float) -> None:
    """What must be so after each turn."""
    app, unit = bench.app, bench.unit
    total = 0.0
    for heater, zone in enumerate(HEATED):
        duty = unit.duty[heater]
        armed = unit.enable >> heater & 1
        assert 0.0 <= duty <= 1.0
        total += app.watch.share[heater] * duty * 28.0 * 28.0 / TABLES["HEATER_OHM"][heater]
        if app.sensors.state[zone] == KNOWN and app.sensors.c[zone] >= TABLES["CUT_OUT_C"][heater]:
            assert (duty, armed) == (0.0, 0)
            assert app.heating.state[heater] >= CUT_OUT
            assert app.watch.state[heater] != UNCONTROLLED or bench.silent or not app.supply.wanted
        assert armed == (app.heating.state[heater] < CUT_OUT)
        assert app.heating.state[heater] != AUTOMATIC or app.sensors.state[zone] == KNOWN
    assert total <= max(budget_w, 0.0) + 1e-6


def test_places_are_checked_when_the_app_is_made() -> None:
    core = thermal_bench.Core()
    scattered = places.Places
    core.index = lambda identifier: identifier * 2  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="ELECTRONICS_SENSORS"):
        scattered(core)
