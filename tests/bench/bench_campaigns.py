"""Faults by the hundred on emulated boards, a part of what `make test-long` flies: ``make bench``.

What is counted is what may not be: boards that stay dead, states that are a mix, heap that is gone.
"""

from __future__ import annotations

import sys

from hil.campaign.flying_board import RECOVERY_S
from hil.campaign.memory import memory_campaign
from hil.campaign.outcome import Judged, Outcome
from hil.campaign.power import power_campaign
from hil.campaign.soak import UNRULY, soak
from tests.bench.figures import Figure, run_alone

SEED = 1
FLIPS = 200
CUTS = 40
FLIGHT_S = 300.0
HANG_EVERY_S = 20.0
TITLE = f"Campaigns in QEMU: {FLIPS} bit flips, {CUTS} power cuts, a flight of {FLIGHT_S:g} s"


def figures() -> list[Figure]:
    """Numbers of what is not to be, and times to be back."""
    flips = memory_campaign("qemu", SEED, FLIPS, boards=2)
    resets = [one for one in flips if one.outcome is Outcome.RESET]
    cuts = power_campaign("qemu", SEED, CUTS)
    flight = soak("qemu", str(UNRULY), FLIGHT_S, HANG_EVERY_S)
    for line in flight.wrong:
        print(f"not as expected: {line}")
    return [
        Figure("bit flips", len(flips), "", at_least=FLIPS),
        Figure("  boards dead", count(flips, Outcome.DEAD), "", at_most=0),
        Figure("  wrong output", count(flips, Outcome.WRONG), ""),
        Figure("  detected and reset", len(resets), ""),
        Figure("  resets without a report", sum(not one.reported for one in resets), "", at_most=0),
        Figure("  from a flip to the next housekeeping, longest", longest([one.recovery_s for one in resets]), "s"),
        Figure("power cuts while storing", len(cuts), "", at_least=CUTS),
        Figure("  neither the old nor the new state, or no start", len(cuts) - count(cuts, Outcome.NO_EFFECT), "", 0),
        Figure("flight: what was lost, leaked, or started unprovoked", len(flight.wrong), "", at_most=0),
        Figure("  hangs that the board came back from", len(flight.recoveries_s), "", at_least=1),
        Figure(
            "  from a hang to the next housekeeping, longest", longest(flight.recoveries_s), "s", at_most=RECOVERY_S + 1
        ),
    ]


def count(judged: list[Judged], outcome: Outcome) -> int:
    """How many of an outcome."""
    return sum(one.outcome is outcome for one in judged)


def longest(times_s: list[float]) -> float:
    """To a tenth of a second."""
    return round(max(times_s, default=0.0), 1)


if __name__ == "__main__":
    sys.exit(run_alone("campaigns", TITLE, figures))
