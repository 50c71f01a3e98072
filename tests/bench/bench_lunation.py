"""Measure a lunation in closed loop, the flight software through a whole lunar day and night: ``make bench``."""

from __future__ import annotations

import sys
from pathlib import Path

from hil.lunation import fly_lunation
from tests.bench.figures import Figure, run_alone

LATITUDES_DEG = (0.0, 45.0, 80.0)
OUT = Path(__file__).resolve().parents[2] / "build" / "bench"
TITLE = "A lunation in closed loop, one core of this machine"


def figures() -> list[Figure]:
    """Time, and what must be found at its end."""
    OUT.mkdir(parents=True, exist_ok=True)
    rows = []
    for latitude in LATITUDES_DEG:
        lunation = fly_lunation(latitude, out=OUT)
        for line in lunation.findings:
            print(f"not as expected: {line}")
        at = f"at {latitude:g} degrees"
        rows += [
            Figure(f"29.5 days {at}", round(lunation.took_s, 1), "s", at_most=300),
            Figure(f"  times real time {at}", round(lunation.seconds / lunation.took_s), "x", at_least=8500),
            Figure(f"  lowest state of charge {at}", round(lunation.soc_low_percent, 1), "%", at_least=10),
            Figure(f"  limits, modes or rules not as expected {at}", len(lunation.findings), "", at_most=0),
        ]
    return rows


if __name__ == "__main__":
    sys.exit(run_alone("lunation", TITLE, figures))
