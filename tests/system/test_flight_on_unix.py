"""The flight tests on MicroPython's unix port: 32-bit words, 31-bit small integers, a heap that can be locked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import run_unix

FILES = sorted(path.stem for path in run_unix.HERE.glob("test_*.py"))
LONG = ("test_app_thermal_hours",)


@pytest.mark.skipif(not run_unix.INTERPRETER.is_file(), reason="no unix MicroPython here: run `make unix`")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in FILES]
)
def test_flight_file_passes(name: str) -> None:
    runner = Path(run_unix.__file__)
    done = subprocess.run([sys.executable, runner, name], capture_output=True, text=True, timeout=110, check=False)
    summary = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped in 1 files", done.stdout)
    assert summary is not None, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout
    assert int(summary[1]) > 0
