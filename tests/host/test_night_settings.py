"""The settings with which the night app's tests count, and what other apps read of it, are those of the dictionary."""

from __future__ import annotations

from flight.app import lunar_day
from perilune.dictionary.load import CORE, load
from test_app_night import SETTINGS


def test_settings_of_the_tests_are_the_defaults() -> None:
    points = load([CORE, CORE / "payload"]).points
    assert {
        name.removeprefix("night.").upper(): p.start
        for name, p in points.items()
        if p.settable and name.startswith("night.")
    } == SETTINGS


def test_phases_are_those_of_the_dictionary() -> None:
    phases = load([CORE, CORE / "payload"]).enumerations["night.phase"].values
    assert phases == {name: getattr(lunar_day, name) for name in ("DAY", "DUSK", "NIGHT", "DAWN")}
