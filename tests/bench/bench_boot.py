"""Time from power to the first housekeeping that the ground has read, on the emulated board with the reference payload.

Two figures of each boot: to the first octet of the link, and to the first `core.health` report, decoded.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.telemetry.reports import HousekeepingReport

from hil.bench import load_bench
from hil.ground import Ground
from hil.targets.make import make_plant, make_target

BOOTS = 10
WANTED_S = 2.0


def main() -> int:
    """Entry; 1 when the median boot takes longer than wanted."""
    bench = load_bench("qemu")
    dictionary = load([CORE, *bench.mission_folders])
    octets_s, reports_s = [], []
    for _ in range(BOOTS):
        with tempfile.TemporaryDirectory() as folder, make_target(bench, Path(folder)) as target:
            if (plant := make_plant(bench)) is not None:
                target.attach(plant)
            ground = Ground(target, dictionary)
            begin_s = time.monotonic()
            target.boot()
            target.await_octets(bench.boot_s)
            octets_s.append(time.monotonic() - begin_s)
            ground.wait_report(HousekeepingReport, "housekeeping", lambda report: report.name == "core.health")
            reports_s.append(time.monotonic() - begin_s)
    for name, found in (("first octet", octets_s), ("first housekeeping", reports_s)):
        print(f"power to {name:18} median {statistics.median(found):.2f} s, worst {max(found):.2f} s of {BOOTS} boots")
    return 0 if statistics.median(reports_s) < WANTED_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
