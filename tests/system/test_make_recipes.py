"""Recipes of the Makefile that documents show, typed as they stand there where that takes seconds.

`PYTEST_ADDOPTS` lets a recipe fly one of its scenarios instead of all; everything else is as people type it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.rules.repository import ROOT

TIMEOUT_S = 280
pytestmark = [pytest.mark.timeout(TIMEOUT_S + 20), pytest.mark.xdist_group("make")]


def environment(**more: str) -> dict[str, str]:
    """As a shell has it that is no part of the make, and of the pytest, that run this."""
    own = ("PYTEST_", "MAKE", "MFLAGS")
    return {**{name: text for name, text in os.environ.items() if not name.startswith(own)}, **more}


def make(*words: str, status: int = 0, **more: str) -> str:
    """What `make` says; it must end with that status."""
    result = subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert result.returncode == status, result.stdout
    return result.stdout


@pytest.mark.parametrize("target", [pytest.param("sitl", marks=pytest.mark.long), "qemu"])
def test_hil(target: str) -> None:
    one = "-k test_a_ping_is_answered --maxprocesses=1"
    assert re.search(r"[1-9] passed", make("hil", f"TARGET={target}", PYTEST_ADDOPTS=one))


def test_hil_on_a_real_board_finds_its_bench_and_scenarios(tmp_path: Path) -> None:
    bench = tmp_path / "my_bench.toml"
    shutil.copy(ROOT / "hil" / "benches" / "serial.toml", bench)
    bench.write_text(bench.read_text().replace("../../", f"{ROOT}/"))
    said = make("hil", "TARGET=serial", f"BENCH={bench}", PYTEST_ADDOPTS="--collect-only -n 0")
    assert re.search(r"(\d{2,}) tests collected", said)


@pytest.mark.parametrize("words", [("demo", "EMULATOR=renode"), ("robot-renode",)])
def test_what_needs_renode_says_how_to_get_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "there is no command 'renode' in it" in make(*words, status=2, RENODE_ROOT=str(tmp_path))


@pytest.mark.long
def test_hil_in_renode_leaves_its_tests_out_where_there_is_none(tmp_path: Path) -> None:
    """The images are built for whoever has it."""
    one = "-k test_a_ping_is_answered --maxprocesses=1"
    said = make("hil", "TARGET=renode", PYTEST_ADDOPTS=one, RENODE_ROOT=str(tmp_path))
    assert re.search(r"SKIPPED \[1\] .*there is no command 'renode' in it", said), said
    assert "1 skipped" in said


def test_renode_test_runs_the_suites_on_the_python_that_has_the_library(tmp_path: Path) -> None:
    for name, does in (
        ("renode", "echo Renode v1.16.1"),
        ("renode-test", "python3 -c 'import hil.robot.renode_payload, sys; print(sys.prefix)'; echo \"$@\""),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "requirements.txt").write_text("robotframework>=6.1\n")
    # Images are not built here.
    said = make("robot-renode", "MAKE=:", RENODE_ROOT=str(tmp_path)).splitlines()
    suites = " ".join(f"hil/robot/renode/{name}.robot" for name in ("board", "console", "parts"))
    assert said[-2:] == [f"{ROOT}/.venv", f"-r {ROOT}/hil/out/renode-test {suites}"]


@pytest.mark.parametrize(
    ("words", "program"),
    [(("bench",), "python -m tests.bench "), (("fuzz", "SECONDS=60"), "python -m tests.fuzz.run 60\n")],
)
def test_what_runs_for_minutes_starts_the_program_whose_parts_are_tested(words: tuple[str, ...], program: str) -> None:
    assert program in make("-n", "--old-file=setup", "--old-file=bench-images", *words)


def test_names_that_are_not_there_are_told_before_anything_is_built() -> None:
    assert "no campaign moon: memory, power or soak" in make("campaign", "CAMPAIGN=moon", status=2)
    assert "bench moon" in make("robot", "TARGET=moon", status=2)
    assert "invalid choice: 'moon'" in make("hil", "TARGET=moon", status=2)


@pytest.mark.long
def test_a_campaign() -> None:
    said = make("campaign", "CAMPAIGN=power", "OPTIONS=--bench sitl --cuts 3")
    assert re.search(r"\b3 ", said), said


def test_emulate_with_the_plant_as_the_readme_starts_it() -> None:
    mission, build = "MISSION=firmware/dictionary/payload", "BUILD=build/netduinoplus2-payload"
    with subprocess.Popen(
        ["make", "emulate", "PLANT=1", mission, build],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C ends it" in line:
                break
        link = re.search(r"^link +socket://127\.0\.0\.1:(\d+)", said, re.MULTILINE)
        assert link is not None, said
        with socket.create_connection(("127.0.0.1", int(link[1])), 10) as connection:
            connection.settimeout(20)
            heard = b""
            while b"\x1a\xcf\xfc\x1d" not in heard:
                chunk = connection.recv(4096)
                assert chunk, said
                heard += chunk
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.long
def test_flash_shows_what_it_would_do() -> None:
    said = make("flash", "BOARD=pyboard_v11", "METHOD=dfu", "DRY_RUN=1")
    assert "dfu-util" in said
    assert "would run" in said


@pytest.mark.long
def test_flash_without_a_board_says_what_to_press(tmp_path: Path) -> None:
    (tmp_path / "dfu-util").write_text("#!/bin/sh\nexit 0\n")  # as the real one, where no device listens
    (tmp_path / "dfu-util").chmod(0o755)
    words = ("BOARD=pyboard_v11", "METHOD=dfu", "MISSION=firmware/dictionary/payload", f"BUILD={tmp_path / 'build'}")
    said = make("flash", *words, status=2, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "BOOT0" in said


def test_size_and_dictionary() -> None:
    assert "flash" in make("size", "BOARD=netduinoplus2")
    assert make("dictionary").endswith("build/dictionary.md\n")
