"""A payload that `perilune new` makes passes its own tests as it is, by the commands that its README gives."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from perilune.cli import main


def run(folder: Path, *command: str) -> str:
    """What a command in the project says; it must succeed."""
    # The project's pytest is a run of its own, and its make is not a part of the one that runs these tests.
    own = ("PYTEST_", "MAKE", "MFLAGS")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A new project."""
    folder = tmp_path / "sun_seeker"
    assert main(["new", str(folder), *getattr(request, "param", [])]) == 0
    return folder


@pytest.mark.parametrize("project", [[], ["--with-payload", "--board", "stm32f4_discovery"]], indirect=True)
def test_it_passes_its_tests_on_sitl(project: Path, request: pytest.FixtureRequest) -> None:
    with_payload = (project / "tests" / "test_power_and_heat.py").is_file()
    assert "no error" in run(project, "make", "check")
    assert f"{6 if with_payload else 5} passed" in run(project, "make", "test")
    assert "nothing speaks against it" in run(project, "make", "rehearse")


@pytest.mark.timeout(300)
def test_it_builds_and_passes_its_tests_on_the_emulated_board(project: Path) -> None:
    assert "5 passed" in run(project, "make", "test", "TARGET=qemu")
    assert "would run" in run(project, "make", "flash", "DRY_RUN=1", "METHOD=dfu")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_it_builds_for_another_board(project: Path) -> None:
    """All of MicroPython, once more for that board."""
    assert "would run" in run(project, "make", "flash", "DRY_RUN=1", "BOARD=pyboard_v11", "METHOD=stlink")


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("project", [["--with-payload"]], indirect=True)
def test_it_passes_its_tests_on_the_emulated_board_with_power_and_heat(project: Path) -> None:
    assert "6 passed" in run(project, "make", "test", "TARGET=qemu")
