"""The reference payload allocates nothing: a day into a night and back on unix MicroPython with its heap locked."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import run_unix
from perilune.dictionary import load
from perilune.dictionary.generate import write
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE

PROGRAM = "payload_heap"
# Imported from the ground up: what is imported is compiled, and the chain is deeper than the stack of the unix port.
FIRST = [*run_unix.FROM_THE_GROUND_UP, "device.devices", "app.power", "app.thermal", "app.night", "topology"]
TIMEOUT_S = 100


@pytest.mark.skipif(not run_unix.INTERPRETER.is_file(), reason="no unix MicroPython here: run `make unix`")
def test_a_day_and_a_night_allocate_nothing(tmp_path: Path) -> None:
    write(load([CORE, CORE / "payload"]), tmp_path, BENCH_KEYS)
    search = [run_unix.ROOT / "firmware", run_unix.HERE, run_unix.HERE / "unittest_mpy", tmp_path, run_unix.ROOT]
    imports = "\n".join([f"import flight.{name}" for name in FIRST] + [f"import {PROGRAM}"])
    done = subprocess.run(
        [str(run_unix.INTERPRETER), "-X", "heapsize=4m", "-c", imports],
        env={**os.environ, "MICROPYPATH": ":".join(map(str, search))},
        cwd=run_unix.ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(
        r"done \[0, 0, 0, (\d+), 0, 0, 0, 0\] mode \d+ events (\d+) drops 0\s+replies (\d+) (\d+)", done.stdout
    )
    assert found is not None, done.stdout
    survival, events, power, thermal = map(int, found.groups())
    assert survival == 5  # it went into the night
    assert events > 30
    assert min(power, thermal) > 1000
