"""Start of a board: how long it takes, what it finds, what a `flight` image refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hil.targets.channel import Channel
from hil.targets.symbols import Symbols
from tests.board.conftest import EMULATED_BOARD, EMULATOR, Board, firmware

POWER_ON, HARD = 1, 2  # board.reset_cause()
HEAP_MIN = 88 * 1024
BOOT_LIMIT_US = 50_000
ICOUNT_SHIFT = 3  # 8 ns an instruction, about what the processor does at 168 MHz
TIM2_COUNT, TIM5_COUNT = 0x4000_0024, 0x4000_0C24
ECHO_TIME_US = 500_000
# What a prompt would answer, and what is sent to get it: friendly, raw and raw-paste mode.
ANSWER = b"370362963"
QUESTIONS = b"\r\x03\x03print(123454321*3)\r\x01print(123454321*3)\x04\x05A\x01print(123454321*3)\x04"


def test_dev_reaches_its_prompt(dev: Board) -> None:
    assert dev.exec("import board; print(board.NAME, board.reset_cause(), board.boot_count())") == (
        f"{EMULATED_BOARD} {POWER_ON} 1"
    )


def test_status_tells_what_is_there(dev: Board) -> None:
    names = "QEMU HSE_FAILED PLL_FAILED RENODE NO_STORAGE CRASHED WATCHDOG_FIRED"
    found = dev.exec(f"import board\nprint([n for n in '{names}'.split() if board.boot_status() & getattr(board, n)])")
    assert found == f"['{EMULATOR.upper()}']"


@pytest.mark.qemu("storage is a file of the host")
def test_board_without_semihosting_runs_and_says_that_it_has_no_storage(board: Board) -> None:
    board.boot(semihosting=False)
    assert board.exec("import board; print(board.boot_status() & board.NO_STORAGE != 0, board.storage_kind())") == (
        "True 0"
    )
    assert board.exec("print(board.storage_read(0, bytearray(4)), board.storage_erase(0))") == "-1 -1"
    assert board.exec("print(sum(range(1000)))") == "499500"


@pytest.mark.qemu("storage is a file of the host")
def test_storage_file_that_cannot_be_made_is_no_storage(board: Board, tmp_path: Path) -> None:
    board.boot(storage=tmp_path / "no such folder" / "storage.bin")
    assert board.exec("import board; print(board.boot_status() & board.NO_STORAGE != 0)") == "True"


def test_reset_keeps_count_and_power_cut_does_not(dev: Board) -> None:
    ask = "import board; print(board.reset_cause(), board.boot_count())"
    dev.reset()
    assert dev.exec(ask) == f"{HARD} 2"
    dev.exec_until_reset("import machine; machine.reset()")
    assert dev.exec(ask) == f"{HARD} 3"
    dev.power_cut()
    assert dev.exec(ask) == f"{POWER_ON} 1"


@pytest.mark.qemu("counts nanoseconds with a timer that runs from reset on")
@pytest.mark.parametrize("variant", ["flight", "dev"])
def test_first_python_line_comes_within_50_ms(board: Board, variant: str) -> None:
    elf = firmware(variant)
    board.target.boot(elf, icount=ICOUNT_SHIFT, qtest=True)
    board.await_program(elf)
    memory = board.target.memory
    # A second start, since the first one counts the emulator's own start too.
    board.target.pause()
    memory.write_word(Symbols(elf).address("program_at_us"), 0)
    board.target.reset()
    board.target.resume()
    board.await_program(elf)
    board.target.pause()
    # TIM5 is not used by the firmware: QEMU lets it count nanoseconds from the reset on. It may have begun anew, so may
    # what is 1000 times the other count; their difference is right however late this machine was to stop the board.
    until_time_base_us = (memory.read_word(TIM5_COUNT) - 1000 * memory.read_word(TIM2_COUNT) & 0xFFFF_FFFF) / 1000
    boot_us = memory.read_word(Symbols(elf).address("program_at_us"))
    print(f"{variant}: {until_time_base_us:.0f} us to the time base, {boot_us} us more to Python")
    assert boot_us > 0
    assert until_time_base_us + boot_us < BOOT_LIMIT_US


def test_heap_is_large_enough(dev: Board) -> None:
    total, _used, _free = eval(dev.exec("import board; print(board.heap())"))
    assert total >= HEAP_MIN


def test_flight_heap_is_large_enough(board: Board) -> None:
    symbols = Symbols(firmware("flight"))
    assert symbols.address("_heap_end") - symbols.address("_heap_start") >= HEAP_MIN


def _pass_emulated_time(board: Board, duration_us: int) -> None:
    start = board.target.memory.read_word(TIM2_COUNT)
    while (board.target.memory.read_word(TIM2_COUNT) - start) % 2**32 < duration_us:
        pass


def test_flight_has_no_prompt_on_any_port(board: Board) -> None:
    board.boot("flight", qtest=True)
    board.await_program(firmware("flight"))
    _pass_emulated_time(board, ECHO_TIME_US)
    ports: list[Channel] = list(board.target.uarts.values())
    for port in ports:
        port.read()
        port.write(QUESTIONS)
    _pass_emulated_time(board, ECHO_TIME_US)
    for port in ports:
        heard = port.read()
        assert ANSWER not in heard
        assert b"print(" not in heard
        assert b">>>" not in heard
        assert b"raw REPL" not in heard


def test_the_same_questions_are_answered_by_a_prompt(dev: Board) -> None:
    """Holds the test above to its word: where there is a prompt, it hears them."""
    dev.repl.leave()
    dev.target.console.write(QUESTIONS)
    assert dev.target.console.read_until(ANSWER)


@pytest.mark.parametrize("name", ["pyexec_raw_repl", "pyexec_friendly_repl", "mp_compile", "mp_parse", "readline"])
def test_flight_has_no_compiler(name: str) -> None:
    assert name in Symbols(firmware("dev"))
    assert name not in Symbols(firmware("flight"))


def test_boards_do_not_share_anything(new_board: Callable[[], Board], tmp_path: Path) -> None:
    first = new_board().boot(storage=tmp_path / "first.bin")
    second = new_board().boot(storage=tmp_path / "second.bin")
    first.exec("x = 1")
    assert second.exec("print('x' in globals())") == "False"
    assert first.exec("print(x)") == "1"
