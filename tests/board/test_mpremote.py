"""MicroPython's own tool talks to a `dev` board through a pseudo terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.board.conftest import Board, firmware

pytestmark = pytest.mark.qemu("gives the console a pseudo terminal")

TIMEOUT_S = 60
PTY_SIZE = 4095  # what a terminal holds that nobody reads; then the whole machine waits


@pytest.fixture
def pty(board: Board) -> str:
    """Path of the console's terminal of a `dev` board that is starting."""
    board.target.boot(firmware("dev"), console_pty=True)
    path: str = board.target.console_pty
    return path


def mpremote(pty: str, *arguments: str, ok: bool = True) -> str:
    """Run one mpremote command and return what it printed."""
    result = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", pty, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (result.returncode == 0) is ok, result.stdout
    return result.stdout


def test_exec_runs_a_statement_and_shows_its_traceback(pty: str) -> None:
    assert mpremote(pty, "exec", "import board; print(board.NAME, 6 * 7)") == "netduinoplus2 42\n"
    assert mpremote(pty, "exec", "1/0", ok=False).endswith("ZeroDivisionError: divide by zero\n")


def test_run_runs_a_file_of_the_workstation(pty: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("total = 0\nfor n in range(1000):\n    total += n\nprint('total', total)\n")
    assert mpremote(pty, "run", str(script)) == "total 499500\n"


def test_copied_file_stays_over_soft_and_hard_reset(pty: str, board: Board, tmp_path: Path) -> None:
    module = tmp_path / "copied.py"
    module.write_text("# é\n" + "# filler\n" * 150 + "VALUE = 4711\n", encoding="utf-8")
    mpremote(pty, "cp", str(module), ":copied.py")
    assert mpremote(pty, "exec", "import copied; print(copied.VALUE)") == "4711\n"
    board.target.reset()
    mpremote(pty, "cp", ":copied.py", str(tmp_path / "back.py"))
    assert (tmp_path / "back.py").read_bytes() == module.read_bytes()


def test_file_system_is_new_after_a_power_cut(pty: str, board: Board, tmp_path: Path) -> None:
    module = tmp_path / "copied.py"
    module.write_text("VALUE = 1\n")
    mpremote(pty, "cp", str(module), ":copied.py")
    board.target.power_cut()
    assert mpremote(board.target.console_pty, "exec", "import os; print(os.listdir('/ram'))") == "[]\n"


def test_more_output_than_a_terminal_holds_arrives_whole(pty: str) -> None:
    lines = 5 * PTY_SIZE // 61
    assert mpremote(pty, "exec", f"for n in range({lines}): print('x' * 60)") == ("x" * 60 + "\n") * lines
