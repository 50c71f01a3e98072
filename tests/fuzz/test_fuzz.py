"""The fuzz targets in the normal run: hypothesis for each, and the sanitized C program for a moment."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import run, targets

SEEDS = targets.seeds()


@pytest.mark.parametrize("name", targets.TARGETS)
def test_good_octets_hold(name: str) -> None:
    for octets in SEEDS:
        targets.TARGETS[name](octets)


def spoilt(octets: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[at % len(changed)] ^= 1 << bit
    return bytes(changed)


ANY = st.one_of(
    st.binary(max_size=400),
    st.builds(spoilt, st.sampled_from(SEEDS), st.integers(0, 10_000), st.integers(0, 7)),
    st.lists(st.one_of(st.sampled_from(SEEDS), st.binary(max_size=9)), max_size=5).map(b"".join),
)


@pytest.mark.parametrize("name", targets.TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=ANY)
def test_any_octets_hold(name: str, data: bytes) -> None:
    targets.TARGETS[name](data)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here: the sanitized build needs it")
def test_c_holds_under_sanitizers(tmp_path: Path) -> None:
    program = run.build_c()
    files = [str(path) for path in run.write_seeds(tmp_path)]
    done = subprocess.run([program, "2", "7", *files], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 100
