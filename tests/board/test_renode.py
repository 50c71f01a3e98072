"""The tests of the other files once more, on other boards in Renode, where Renode is installed."""

import os
import subprocess
import sys

import pytest

from hil.renode_package import check_version, find_renode
from hil.targets.errors import EmulatorMissing
from hil.targets.required import VARIABLE, is_required
from tests.board.conftest import ROOT

SAME_TESTS = ("boot", "crash", "storage", "uart", "watchdog")
BOARDS = ("stm32f4_discovery", "pyboard_v11")
BUILD_TIMEOUT_S, TEST_TIMEOUT_S = 600, 1800


@pytest.fixture(scope="module")
def renode() -> str:
    """Renode's start command, or a skip that says how to get it."""
    try:
        command = find_renode()
        check_version(command)
    except EmulatorMissing as missing:
        if is_required("renode"):
            pytest.fail(f"{VARIABLE} names renode: {missing}", pytrace=False)
        pytest.skip(str(missing))
    return command


def run(*command: str, timeout_s: float, **environment: str) -> None:
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:]


def run_same_tests(board: str, *options: str) -> None:
    """In this process's stead, without workers; Renode is started by the tests alone."""
    files = [f"tests/board/test_{name}.py" for name in SAME_TESTS]
    run(
        *(sys.executable, "-m", "pytest", "--quiet", "-n0", "-m", "not long", *options, *files),
        timeout_s=TEST_TIMEOUT_S,
        PERILUNE_TEST_TARGET=f"renode:{board}",
    )


@pytest.mark.timeout(BUILD_TIMEOUT_S + TEST_TIMEOUT_S)
@pytest.mark.parametrize("board", BOARDS)
def test_same_tests_pass_in_renode(renode: str, board: str) -> None:
    for variant in ("flight", "dev"):
        run("make", "-s", "firmware", f"BOARD={board}", f"VARIANT={variant}", timeout_s=BUILD_TIMEOUT_S)
    run_same_tests(board)


def test_the_tests_for_renode_can_be_collected_without_it() -> None:
    run_same_tests(BOARDS[0], "--collect-only")
