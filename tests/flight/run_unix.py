"""Run the flight tests on MicroPython's unix port: ``python tests/flight/run_unix.py [name ...]``.

Each tests/flight/test_*.py runs in an interpreter of its own (``make unix`` builds it), so no test sees another's heap.
Prints what failed or was skipped, then one line ``N passed, N failed, N skipped``; exit status 0 only when all passed.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INTERPRETER = ROOT / "build" / "unix" / "micropython"
# What the interpreter executes; the last line is read back here.
PROGRAM = """
import sys, unittest
for name in sys.argv[2:]:
    __import__(name)
counts = unittest.run_module(__import__(sys.argv[1]))
print("counts", counts.passed, counts.failed, counts.skipped)
"""
# Imported first, from the ground up: MicroPython compiles what it imports, and the whole chain of imports in imports is
# deeper than the stack of its unix port.
FROM_THE_GROUND_UP = [
    "codec",
    "link.uplink",
    "link.downlink",
    "packet.telemetry",
    "service.telemetry",
    "service.router",
]
TIMEOUT_S = 120
# The mission of the tests: its tables and its app, made from trial/.
MISSION = ROOT / "build" / "trial"


@functools.cache
def make_mission() -> Path:
    """Generate the modules of the trial mission; their folder."""
    folders = [str(ROOT / "firmware" / "dictionary"), str(HERE / "trial")]
    command = [sys.executable, "-m", "perilune.dictionary", "generate", "--out", str(MISSION), *folders]
    paths = os.pathsep.join([str(ROOT / "host_tools"), str(ROOT / "firmware")])
    subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True)
    return MISSION


def run_file(
    path: Path, interpreter: Path, *, verbose: bool, firmware: Path = ROOT / "firmware"
) -> tuple[int, int, int]:
    """Run one test file. Returns (passed, failed, skipped); an interpreter that died counts as one failure.

    firmware: the folder in which the package `flight` is.
    """
    search = [firmware, HERE, HERE / "unittest_mpy", make_mission(), ROOT]
    env = {**os.environ, "MICROPYPATH": ":".join(str(folder) for folder in search)}
    command = [str(interpreter), "-X", "heapsize=2m", "-c", PROGRAM, path.stem]
    command += [f"flight.{name}" for name in FROM_THE_GROUND_UP]
    try:
        done = subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"FAIL {path.stem}: still running after {TIMEOUT_S} s")
        return 0, 1, 0
    lines = done.stdout.splitlines()
    last = lines.pop().split() if lines else []
    if done.returncode != 0 or len(last) != 4 or last[0] != "counts":
        print(f"FAIL {path.stem}: the interpreter ended with status {done.returncode}")
        print(done.stdout + done.stderr)
        return 0, 1, 0
    for line in lines:
        if verbose or not line.startswith("ok "):
            print(line)
    passed, failed, skipped = (int(word) for word in last[1:])
    return passed, failed, skipped


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the flight tests on MicroPython's unix port.")
    parser.add_argument("names", nargs="*", help="test files without .py (default: all)")
    parser.add_argument("--interpreter", type=Path, default=INTERPRETER)
    parser.add_argument("-v", "--verbose", action="store_true", help="print passed tests too")
    options = parser.parse_args()
    if not options.interpreter.is_file():
        print(f"{options.interpreter} does not exist: build it with `make unix`", file=sys.stderr)
        return 2
    files = sorted(HERE.glob("test_*.py"))
    if options.names:
        files = [path for path in files if path.stem in options.names]
    total = [0, 0, 0]
    for path in files:
        for index, count in enumerate(run_file(path, options.interpreter, verbose=options.verbose)):
            total[index] += count
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed, {skipped} skipped in {len(files)} files on {options.interpreter.name}")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
