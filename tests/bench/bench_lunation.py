"""Measure a lunation in closed loop, the flight software through a whole lunar day and night: ``make bench``."""

from __future__ import annotations

import sys
from pathlib import Path

from hil.lunation import fly_lunation
from tests.bench.figures import Figure, run_alone

LATITUDE_DEG = 45.0
OUT = Path(__file__).resolve().parents[2] / "build" / "bench"
TITLE = f"A lunation in closed loop at {LATITUDE_DEG:g} degrees, on this machine"


def figures() -> list[Figure]:
    """Time, and what must be found at its end."""
    OUT.mkdir(parents=True, exist_ok=True)
    lunation = fly_lunation(LATITUDE_DEG, out=OUT)
    for line in lunation.findings:
        print(f"not as expected: {line}")
    return [
        Figure("29.5 days", round(lunation.took_s, 1), "s", at_most=300),
        Figure("  times real time", round(lunation.seconds / lunation.took_s), "x"),
        Figure("lowest state of charge", round(lunation.soc_low_percent, 1), "%", at_least=10),
        Figure("limits, modes or rules not as expected", len(lunation.findings), "", at_most=0),
    ]


if __name__ == "__main__":
    sys.exit(run_alone("lunation", TITLE, figures))
