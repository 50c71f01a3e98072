"""The settings with which the night app's tests count are the defaults of the payload's dictionary."""

from __future__ import annotations

from perilune.dictionary.load import CORE, load
from test_app_night import SETTINGS


def test_settings_of_the_tests_are_the_defaults() -> None:
    points = load([CORE, CORE / "payload"]).points
    assert {
        name.removeprefix("night.").upper(): p.start
        for name, p in points.items()
        if p.settable and name.startswith("night.")
    } == SETTINGS
