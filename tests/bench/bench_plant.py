"""The simulated Moon beside published numbers: how far off it is, and what step and grid change. ``make bench``.

Published: Hayne et al. 2017, doi 10.1002/2017JE005387, for the equator; days at 30, 60 and 80 degrees as tests/plant
has them. But for the speed in the last row these are no times: they are the same on every machine.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace

import numpy as np

from hil.plant.plant import Plant
from hil.plant.regolith import Ground, LunationResult, Regolith
from tests.bench.figures import Figure, run_alone

STEPS = 4320
WANTED_SPEED = 42_500.0  # a lunation in a minute
SPEED_S = 20_000.0
TRIES = 3
NOON_K, MIDNIGHT_K, LOWEST_K = 385.0, 101.0, 95.0
# Latitude -> maximum, minimum and mean of a day, K.
DAYS = {30.0: (369.8, 91.5, 202.1), 60.0: (308.8, 82.3, 170.7), 80.0: (208.8, 68.4, 122.3)}
TITLE = "The ground of the simulated Moon, beside published numbers"


def lunation(latitude_deg: float, steps: int = STEPS, ground: Ground | None = None) -> LunationResult:
    """The periodic lunation; row k of its surface is (k + 1) steps after noon."""
    return Regolith(latitude_deg, ground=ground or Ground(), steps_per_lunation=steps).equilibrate()


def figures() -> list[Figure]:
    """Deviations in K, the balance of heat in per cent."""
    plain = Ground()
    finer = replace(plain, first_cell=plain.first_cell / 2, cell_growth=math.sqrt(plain.cell_growth))
    runs = {latitude: lunation(latitude) for latitude in (0.0, *DAYS)}
    equator = runs[0.0].surface
    found = zip((equator[-1], equator[STEPS // 2 - 1], equator.min()), (NOON_K, MIDNIGHT_K, LOWEST_K), strict=True)
    days = [
        abs(one - wanted)
        for latitude, day in DAYS.items()
        for one, wanted in zip(
            (runs[latitude].surface.max(), runs[latitude].surface.min(), runs[latitude].surface.mean()),
            day,
            strict=True,
        )
    ]
    open_balance = [
        abs(run.balance.absorbed + plain.heat_flow - run.balance.emitted - run.balance.stored)
        / (run.balance.absorbed + plain.heat_flow)
        for run in runs.values()
    ]
    halved_step = [np.abs(runs[at].surface - lunation(at, 2 * STEPS).surface[1::2]).max() for at in (0.0, 80.0)]
    halved_grid = [np.abs(runs[at].surface - lunation(at, ground=finer).surface).max() for at in (0.0, 80.0)]
    return [
        Figure(
            "equator at noon, at midnight, coldest: worst deviation", rounded(max(abs(a - b) for a, b in found)), "K", 5
        ),
        Figure("highest, lowest, mean of a day at 30, 60, 80 degrees: worst", rounded(max(days)), "K", at_most=3),
        Figure("heat of a lunation that is not accounted for", rounded(100 * max(open_balance)), "%", at_most=1),
        Figure("change by half the time step", rounded(max(halved_step)), "K", at_most=0.5),
        Figure("change by half the grid", rounded(max(halved_grid)), "K", at_most=0.5),
        Figure("the whole plant alone, times real time", round(speed()), "x", at_least=WANTED_SPEED),
    ]


def speed() -> float:
    """Plant seconds for a second of one core, the best of three tries."""
    plant = Plant(0.0, 8.0)
    best = 0.0
    for _ in range(TRIES):
        began = time.process_time()
        plant.advance(SPEED_S)
        best = max(best, SPEED_S / (time.process_time() - began))
    return best


def rounded(value: float) -> float:
    """Three digits behind the point."""
    return round(float(value), 3)


if __name__ == "__main__":
    sys.exit(run_alone("plant", TITLE, figures))
