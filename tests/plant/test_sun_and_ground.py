"""Sun and regolith against published numbers: Hayne et al. 2017, doi 10.1002/2017JE005387, and by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil.plant import ground_cache
from hil.plant.regolith import Ground, LunationResult, Regolith, heat_capacity
from hil.plant.sun import absorbed_by_ground, albedo, hour_angle, sun_direction

STEPS = 4320


@cache
def lunation(latitude: float, steps: int = STEPS, finer_grid: bool = False) -> LunationResult:
    """The periodic lunation at a latitude; row k is (k + 1) steps after noon."""
    ground = Ground()
    if finer_grid:
        # Half the first cell and half the widening from cell to cell: every cell halved.
        ground = replace(ground, first_cell=ground.first_cell / 2, cell_growth=math.sqrt(ground.cell_growth))
    return Regolith(latitude, ground=ground, steps_per_lunation=steps).equilibrate()


def at(latitude: float, *values: float) -> Any:
    """Parameters of a test at a latitude: where there are several workers, one makes its lunations, once."""
    return pytest.param(latitude, *values, marks=_group(latitude))


def _group(latitude: float) -> pytest.MarkDecorator:
    return pytest.mark.xdist_group(f"ground at {latitude:g}")


@pytest.mark.parametrize(
    ("latitude", "local_time", "elevation", "azimuth"),
    [
        (0.0, 12.0, 90.0, None),
        (0.0, 6.0, 0.0, 90.0),
        (0.0, 18.0, 0.0, 270.0),
        (0.0, 0.0, -90.0, None),
        (45.0, 12.0, 45.0, 180.0),
        (-45.0, 12.0, 45.0, 0.0),
        (80.0, 12.0, 10.0, 180.0),
        (80.0, 6.0, 0.0, 90.0),
        (30.0, 0.0, -60.0, 0.0),
        (0.0, 9.0, 45.0, 90.0),
    ],
)
def test_sun_stands_where_geometry_says(
    latitude: float, local_time: float, elevation: float, azimuth: float | None
) -> None:
    sun = sun_direction(math.radians(latitude), 0.0, hour_angle(local_time))
    assert sun.elevation_deg == pytest.approx(elevation, abs=1e-5)
    assert azimuth is None or sun.azimuth_deg == pytest.approx(azimuth, abs=1e-5)


def test_declination_lifts_the_polar_sun() -> None:
    sun = sun_direction(math.radians(90.0), math.radians(1.5), hour_angle(3.0))
    assert sun.elevation_deg == pytest.approx(1.5, abs=1e-6)


@pytest.mark.parametrize(
    ("degrees", "value"), [(0.0, 0.12), (45.0, 0.12 + 0.06 + 0.25 / 256), (90.0, 0.12 + 0.48 + 0.25)]
)
def test_albedo_over_incidence(degrees: float, value: float) -> None:
    assert albedo(math.radians(degrees)) == pytest.approx(value, abs=1e-12)


def test_ground_absorbs_nothing_at_night_and_88_percent_overhead() -> None:
    assert absorbed_by_ground(-0.1) == 0.0
    assert absorbed_by_ground(1.0) == pytest.approx(1361.0 * 0.88)


def test_heat_capacity_by_hand() -> None:
    # At 100 K: -3.6125 + 274.31 + 23.616 - 12.34 + 0.89093
    assert heat_capacity(np.array([100.0]))[0] == pytest.approx(282.86443, abs=1e-4)


@_group(0.0)
def test_equator_against_hayne_2017() -> None:
    surface = lunation(0.0).surface
    assert surface[-1] == pytest.approx(385.0, abs=5.0)
    assert surface[STEPS // 2 - 1] == pytest.approx(101.0, abs=5.0)
    assert surface.min() == pytest.approx(95.0, abs=5.0)


@pytest.mark.parametrize(
    ("latitude", "highest", "lowest", "mean"),
    [at(30.0, 369.8, 91.5, 202.1), at(60.0, 308.8, 82.3, 170.7), at(80.0, 208.8, 68.4, 122.3)],
)
def test_day_against_published_figures(latitude: float, highest: float, lowest: float, mean: float) -> None:
    surface = lunation(latitude).surface
    assert surface.max() == pytest.approx(highest, abs=3.0)
    assert surface.min() == pytest.approx(lowest, abs=3.0)
    assert surface.mean() == pytest.approx(mean, abs=3.0)


@pytest.mark.parametrize("latitude", [at(0.0), at(60.0), at(80.0)])
def test_heat_balance_of_a_lunation_closes(latitude: float) -> None:
    balance = lunation(latitude).balance
    taken_in = balance.absorbed + Ground().heat_flow
    assert abs(taken_in - balance.emitted - balance.stored) < 0.01 * taken_in
    # The model is far better than that; a lost term would show here.
    assert abs(taken_in - balance.emitted) < 2e-4 * taken_in


@_group(0.0)
def test_deep_ground_carries_the_moons_heat_flow() -> None:
    flux = lunation(0.0).mean_flux_up
    assert flux[-10:] == pytest.approx(np.full(10, 0.018), rel=0.05)


@pytest.mark.parametrize("latitude", [at(0.0), at(80.0)])
def test_half_the_time_step_changes_less_than_half_a_kelvin(latitude: float) -> None:
    halved = lunation(latitude, 2 * STEPS).surface[1::2]
    assert np.abs(lunation(latitude).surface - halved).max() < 0.5


@pytest.mark.parametrize("latitude", [at(0.0), at(80.0)])
def test_half_the_grid_changes_less_than_half_a_kelvin(latitude: float) -> None:
    halved = lunation(latitude, finer_grid=True).surface
    assert np.abs(lunation(latitude).surface - halved).max() < 0.5


@_group(30.0)
def test_northern_and_southern_ground_are_equal() -> None:
    assert np.array_equal(lunation(30.0).surface, lunation(-30.0).surface)


def test_profile_from_file_is_the_searched_one_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERILUNE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(Regolith, "equilibrate", _one_lunation(Regolith.run_lunation))
    searched = ground_cache.equilibrated(10.0)
    monkeypatch.setattr(Regolith, "equilibrate", _must_not_search)
    kept = ground_cache.equilibrated(10.0)
    assert kept.save() == searched.save()
    for regolith in (searched, kept):
        regolith.step()
    assert np.array_equal(kept.temperature, searched.temperature)


def test_ground_stands_shortly_before_any_instant_as_if_stepped_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERILUNE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(Regolith, "equilibrate", _one_lunation(Regolith.run_lunation))
    assert ground_cache.equilibrated(10.0, place=2161.5).index == 2160, "searched"
    monkeypatch.setattr(Regolith, "equilibrate", _must_not_search)
    stepped = ground_cache.equilibrated(10.0)
    for place, index in ((0.0, 0), (0.3, 0), (180.0, 0), (180.1, 180), (2160.0, 1980), (2161.5, 2160), (4319.9, 4140)):
        kept = ground_cache.equilibrated(10.0, place=place)
        assert kept.index == index
        while stepped.index < index:
            stepped.step()
        assert kept.save() == stepped.save()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"index": 0}',
        '[{"index": 0, "temperature": [1.0], "before": [1.0]}]',
        '[{"index": 1, "temperature": [1.0], "before": [1.0]}]',
    ],
)
def test_broken_file_is_searched_again(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERILUNE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(Regolith, "equilibrate", _one_lunation(Regolith.run_lunation))
    path = ground_cache.cache_path(5.0, 0.0, Ground(), STEPS)
    path.write_text(content)
    regolith = ground_cache.equilibrated(5.0)
    assert len(regolith.temperature) == len(regolith.depth)
    assert len(path.read_text()) > 1000


def test_folder_that_cannot_be_made_does_not_stop_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PERILUNE_CACHE_DIR", str(tmp_path / "file" / "folder"))
    monkeypatch.setattr(Regolith, "equilibrate", _one_lunation(Regolith.run_lunation))
    assert ground_cache.equilibrated(5.0).surface_k > 100.0


def _one_lunation(run: Callable[[Regolith], LunationResult]) -> Callable[..., LunationResult]:
    def equilibrate(regolith: Regolith, _progress: object = None) -> LunationResult:
        result = run(regolith)
        regolith.index = 0
        return result

    return equilibrate


def _must_not_search(*_: object) -> None:
    raise AssertionError("searched although the file was there")
