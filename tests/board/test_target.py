"""The QEMU target itself: what ends is noticed and explained, and nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from perilune.boards import BoardError
from perilune.boards import Qemu as QemuData

from hil.targets import qemu
from hil.targets.errors import (
    ChannelClosed,
    ChannelTimeout,
    ControlError,
    EmulatorMissing,
    ProgramFailed,
    TargetDied,
)
from tests.board.conftest import ROOT, Board, firmware

pytestmark = pytest.mark.qemu("is about that target")

SRAM_TEST_WORD = 0x2001_FFF0  # the last words of the heap, free on a board that has just started
LOCKUP = """
import machine
machine.mem32[0xE000ED08] = 0x20018000  # vector table in zeroed RAM: the next fault has no handler
machine.mem32[0x60000000]
"""
DEADLINE_S = 20.0


def gone(pid: int) -> bool:
    """True when no process *pid* runs any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)  # between looks at the process table, nothing to be notified by
    return True


def test_missing_emulator_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, board: Board) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmulatorMissing) as error:
        board.target.boot(firmware("dev"))
    assert str(error.value) == ("qemu-system-arm is not installed; `make setup` installs it (package qemu-system-arm)")


def test_missing_program_is_named(board: Board, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.elf is not there; `make firmware`"):
        board.target.boot(tmp_path / "no.elf")


def test_what_qemu_refuses_is_told_in_its_words(board: Board) -> None:
    board.target.board = msgspec.structs.replace(board.target.board, qemu=QemuData(machine="netduinoplus3"))
    with pytest.raises(TargetDied, match=r"QEMU ended, exit code 1: qemu-system-arm: unsupported machine type"):
        board.target.boot(firmware("dev"))
    assert board.target.pid is None


def test_board_without_a_machine_in_qemu_is_refused() -> None:
    with pytest.raises(BoardError, match=r"'pyboard_v11' names no QEMU machine in its board\.toml"):
        qemu.Qemu("pyboard_v11")


def test_storage_path_that_the_board_cannot_hold_is_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="storage path has 500 characters, the board takes 480"):
        board.target.boot(firmware("dev"), storage=Path("/" + 499 * "x"))


def test_timeout_tells_what_was_expected_and_found(dev: Board) -> None:
    dev.target.console.write(b"\x02")
    dev.target.console.read_until(b">>> ")
    dev.target.console.write(b"print(1 + 1)\r")
    with pytest.raises(ChannelTimeout, match=r"console: expected b'three' within 0\.3 s, found b'print\(1 \+ 1\)"):
        dev.target.console.read_until(b"three", 0.3)
    assert dev.target.console.read_line() == "print(1 + 1)"
    assert dev.target.console.read_line() == "2"


def test_program_that_raises_gives_its_traceback(dev: Board) -> None:
    with pytest.raises(ProgramFailed, match=r"ZeroDivisionError: divide by zero\nprinted before: 'first\\n'"):
        dev.exec("print('first')\n1 / 0")
    assert dev.exec("print('next')") == "next"


@pytest.mark.parametrize("filler", [0, 63, 127, 128, 129, 1000])
def test_program_that_does_not_compile_is_told_at_any_length(dev: Board, filler: int) -> None:
    with pytest.raises(ProgramFailed, match="SyntaxError"):
        dev.exec("#" * filler + "\n)(\n" + "pass\n" * filler)
    assert dev.exec("print('next')") == "next"


def test_lockup_ends_the_machine_and_is_explained(dev: Board) -> None:
    dev.repl.start(LOCKUP)
    with pytest.raises(ChannelClosed, match=r"the processor locked up: a fault handler faulted, exit code -6"):
        dev.repl.finish()
    assert dev.target.locked_up
    with pytest.raises(TargetDied, match="locked up"):
        dev.target.check_alive()
    dev.power_cut()
    assert not dev.target.locked_up
    assert dev.exec("print('alive')") == "alive"


def test_killed_emulator_is_noticed(dev: Board) -> None:
    assert dev.target.pid is not None
    os.kill(dev.target.pid, signal.SIGKILL)
    with pytest.raises(ChannelClosed, match="QEMU ended, exit code -9"):
        dev.target.console.read_until(b"never")
    with pytest.raises(ChannelClosed, match="console: nobody at the other end"):
        dev.target.console.write(b"x")


def test_time_stands_still_while_paused_and_bytes_wait(dev: Board) -> None:
    dev.target.pause()
    before = dev.target.memory.read_word(0x4000_0024)
    dev.repl._channel.write(b"")
    assert dev.target.memory.read_word(0x4000_0024) == before
    dev.target.console.write(b"\x05A\x01")
    with pytest.raises(ChannelTimeout):
        dev.target.console.read_exactly(1, 0.2)
    dev.target.resume()
    assert dev.target.console.read_exactly(2) == b"R\x01"


def test_memory_is_read_and_written_while_the_board_runs(dev: Board) -> None:
    memory = dev.target.memory
    memory.write_word(SRAM_TEST_WORD, 0x1234_5678)
    assert memory.read(SRAM_TEST_WORD, 4) == b"\x78\x56\x34\x12"
    memory.write(SRAM_TEST_WORD + 1, b"\xab\xcd")
    assert memory.read_word(SRAM_TEST_WORD) == 0x12CD_AB78
    assert int(dev.exec(f"import machine; print(machine.mem32[{SRAM_TEST_WORD}])")) == 0x12CD_AB78


def test_memory_access_is_asked_for_at_boot(board: Board) -> None:
    board.boot()
    with pytest.raises(ControlError, match="booted with qtest=True"):
        _ = board.target.memory


def test_stopped_machine_keeps_what_it_said(dev: Board) -> None:
    dev.exec("print('last words')")
    pid = dev.target.pid
    dev.target.stop()
    dev.target.stop()
    assert b"last words" in dev.target.evidence()["console.received"]
    assert pid is not None
    assert gone(pid)


CHILD = """
import sys, time
from pathlib import Path
from hil.targets.qemu import Qemu
target = Qemu()
target.boot(Path(sys.argv[1]))
print(target.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_emulator_ends_with_the_program_that_started_it(ending: signal.Signals | None) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(firmware("dev"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "host_tools:."},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        emulator = int(child.stdout.readline())
        assert not gone(emulator)
        if ending is None:
            child.stdin.close()
        else:
            child.send_signal(ending)
        child.wait(DEADLINE_S)
    assert wait_until(lambda: gone(emulator))
