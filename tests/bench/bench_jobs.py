"""How long the jobs of the Makefile take after set-up, and how much they fly: ``make bench``, on an idle machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure, run_alone

ROOT = Path(__file__).resolve().parents[2]
TITLE = "Jobs of the Makefile on this machine, set up and built before"


def timed(*words: str) -> tuple[float, str]:
    """Minutes that `make` takes, and what it says. Raises RuntimeError when it fails."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    began = time.monotonic()
    run = subprocess.run(["make", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"`make {' '.join(words)}` failed: {(run.stdout + run.stderr)[-800:]}")
    return round((time.monotonic() - began) / 60, 2), run.stdout


def passed(said: str) -> int:
    """How many tests the run says that passed."""
    return sum(int(number) for number in re.findall(r"(\d+) passed", said))


def figures() -> list[Figure]:
    """Minutes and numbers."""
    timed("test-images")
    demo_min, _ = timed("demo")
    hil_min, hil = timed("hil", "TARGET=qemu")
    test_min, test = timed("test")
    matrix = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/system/test_fault_matrix.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [
        Figure("make demo", demo_min, "min", at_most=3),
        Figure("make hil TARGET=qemu", hil_min, "min", at_most=10),
        Figure("  scenarios that passed", passed(hil), "", at_least=40),
        Figure("make test", test_min, "min", at_most=15),
        Figure("  tests that passed", passed(test), ""),
        Figure("cases of the fault matrix", len(re.findall(r"::test_fault\S*\[", matrix)), "", at_least=100),
    ]


if __name__ == "__main__":
    sys.exit(run_alone("jobs", TITLE, figures))
