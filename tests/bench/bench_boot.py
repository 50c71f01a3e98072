"""Time from power to the first housekeeping that the ground has read, on the emulated board with the reference payload.

Two figures of each boot: to the first octet of the link, and to the first `core.health` report, decoded.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE
from perilune.image import KIB
from perilune.telemetry.reports import HousekeepingReport

from hil.bench import Bench, load_bench
from hil.ground import Ground
from hil.targets.make import make_plant, make_target
from tests.bench.figures import Figure, run_alone

BOOTS = 10
WANTED_S = 2.0
TITLE = f"Start of the reference payload in QEMU, on the clock of this machine, {BOOTS} boots"


def figures() -> list[Figure]:
    """Medians, worst cases."""
    octets_s, reports_s = zip(*boots_s(BOOTS), strict=True)
    return [
        Figure("power to the first housekeeping at the ground, median", median(reports_s), "s", at_most=WANTED_S),
        Figure("  the same, worst", round(max(reports_s), 3), "s", at_most=WANTED_S),
        Figure("  to the first octet on the link, median", median(octets_s), "s"),
        Figure("free heap with power, heat and night", round(free_heap() / KIB, 1), "KiB", at_least=60),
    ]


def free_heap() -> float:
    """Octets, after a collection, of a board that flies."""
    bench = load_bench("qemu")
    with tempfile.TemporaryDirectory() as folder, make_target(bench, Path(folder)) as target:
        ground = Ground(target, load([CORE, *bench.mission_folders]))
        target.boot()
        ground.await_boot()
        ground.do("core.collect_heap")
        return ground.number("core.heap_free")


def boots_s(count: int) -> Iterator[tuple[float, float]]:
    """Seconds from power to the first octet and to the first housekeeping, of up to so many boots."""
    bench = load_bench("qemu")
    dictionary = load([CORE, *bench.mission_folders])
    return (_boot_s(bench, dictionary) for _ in range(count))


def _boot_s(bench: Bench, dictionary: Dictionary) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, make_target(bench, Path(folder)) as target:
        if (plant := make_plant(bench)) is not None:
            target.attach(plant)
        ground = Ground(target, dictionary)
        begin_s = time.monotonic()
        target.boot()
        target.await_octets(bench.boot_s)
        octet_s = time.monotonic() - begin_s
        ground.wait_report(HousekeepingReport, "housekeeping", lambda report: report.name == "core.health")
        return octet_s, time.monotonic() - begin_s


def median(times_s: Sequence[float]) -> float:
    """Median, to the millisecond."""
    return round(statistics.median(times_s), 3)


if __name__ == "__main__":
    sys.exit(run_alone("boot", TITLE, figures))
