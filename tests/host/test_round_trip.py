"""Clock of the board from samples: offset and drift come back within what the round trips allow."""

from __future__ import annotations

import random

import pytest
from perilune.client.round_trip import ClockSample, fit, statistics_of
from perilune.telemetry.onboard_time import OnboardTime


def samples(offset_s: float, drift_ppm: float, count: int, noise_s: float, slow: int = 0) -> list[ClockSample]:
    """Looks every 10 s; `slow` of them took ten times as long and are off by as much."""
    dice = random.Random(1)
    found = []
    for number in range(count):
        at_s = 1_000_000.0 + 10 * number
        late = 0.5 if number < slow else 0.0
        offset = offset_s + drift_ppm * 1e-6 * 10 * number + dice.uniform(-noise_s, noise_s) + late / 2
        found.append(ClockSample(at_s, offset, 0.05 + late, OnboardTime(int(at_s), 0, 1)))
    return found


@pytest.mark.parametrize("drift_ppm", [-200.0, 0.0, 35.0])
def test_drift_is_found(drift_ppm: float) -> None:
    found = fit(samples(2.0, drift_ppm, 50, 0.002))
    assert found.drift_ppm is not None and found.drift_deviation_ppm is not None
    assert found.drift_ppm == pytest.approx(drift_ppm, abs=5)
    assert 0 < found.drift_deviation_ppm < 2
    assert found.offset_s == pytest.approx(2.0 + drift_ppm * 1e-6 * 490, abs=0.002)
    assert (found.samples, found.uncertainty_s, found.status) == (50, 0.025, 1)


def test_slow_round_trips_do_not_count() -> None:
    found = fit(samples(2.0, 0.0, 10, 0.0, slow=5))
    assert found.offset_s == pytest.approx(2.0, abs=1e-9)


def test_too_few_samples_say_no_drift() -> None:
    found = fit(samples(-1.0, 0.0, 2, 0.0))
    assert (found.drift_ppm, found.offset_s) == (None, -1.0)


def test_statistics() -> None:
    found = statistics_of(4, [0.1, 0.2, 0.3])
    assert (found.sent, found.answered, found.least_s, found.most_s) == (4, 3, 0.1, 0.3)
    assert found.mean_s == pytest.approx(0.2)
    assert found.deviation_s == pytest.approx(0.0816, abs=1e-4)
    assert statistics_of(3, []).mean_s is None
