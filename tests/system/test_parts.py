"""Power and heat on the board's own parts fly in this process as they do in Renode: the same scenarios."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fly(*options: str) -> str:
    """Run the scenarios; what pytest says last."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "hil/scenarios/test_parts.py",
            "-q",
            "-p",
            "no:xdist",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    ).stdout


def test_the_scenarios_of_parts_pass_with_tables_in_their_place() -> None:
    assert "7 passed" in fly("--target", "sitl", "--bench", "sitl_parts")


def test_they_are_left_out_with_the_reason_where_there_are_none() -> None:
    said = fly("--target", "sitl")
    assert "7 skipped" in said
    assert "sitl has no parts: its bench names none" in said
