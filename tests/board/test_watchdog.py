"""A program that hangs is reset by the watchdog, and the next boot knows where it hung."""

from typing import Any

import pytest

from hil.targets.symbols import Symbols
from tests.board.conftest import Board, firmware

WATCHDOG_RESET, WATCHDOG_CAUSE = 3, 7
TIMEOUT_MS = 200
LATE_MS = 500  # a loaded host wakes the emulator's timer late


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    return Symbols(firmware("dev"))


def hang(dev: Board, program: str) -> dict[str, Any]:
    """Run *program* under a watchdog, wait for the reset, and return the record."""
    dev.exec_until_reset(
        f"import board, machine, time\nboard.breadcrumb(b'hang hr!')\ndog = machine.WDT(0, {TIMEOUT_MS})\n"
        f"print(board.uptime_us())\n{program}"
    )
    record: dict[str, Any] = eval(dev.exec("import board; print(board.crash_record())"))
    assert dev.exec("print(board.reset_cause())") == f"{WATCHDOG_RESET}"
    assert dev.exec("print(board.boot_status() & board.WATCHDOG_FIRED != 0)") == "True"
    assert dev.exec("import machine; print(machine.reset_cause() == machine.WDT_RESET)") == "True"
    assert record["cause"] == WATCHDOG_CAUSE
    assert record["breadcrumb"] == b"hang hr!"
    assert record["uptime_us"] >= TIMEOUT_MS * 1000
    return record


def test_endless_loop_in_python_is_found_in_the_interpreter(dev: Board, symbols: Symbols) -> None:
    record = hang(dev, "while True: pass")
    assert symbols.function_at(record["pc"]).startswith(("mp_", "gc_", "timebase"))


def test_hang_with_device_interrupts_masked_is_found_at_its_address(dev: Board, symbols: Symbols) -> None:
    record = hang(dev, "board.provoke(7)")
    assert symbols.function_at(record["pc"]) == "board_provoke"


def test_sleep_longer_than_the_timeout_is_a_hang(dev: Board, symbols: Symbols) -> None:
    record = hang(dev, "time.sleep_ms(60_000)")
    assert symbols.function_at(record["pc"]) != ""


def fired_after_us(dev: Board) -> int:
    dev.exec(f"import board, machine; dog = machine.WDT(0, {TIMEOUT_MS}); dog.feed(); fed = board.uptime_us()")
    fed_us = int(dev.exec("print(fed)"))
    dev.target.console.read()
    dev.await_prompt()
    return int(eval(dev.exec("import board; print(board.crash_record())"))["uptime_us"]) - fed_us


def test_watchdog_fires_in_time(dev: Board) -> None:
    """The board's time follows that of a host, which may hold it up: late is looked at again, early is wrong."""
    times = []
    for _ in range(3):
        times.append(fired_after_us(dev))
        assert times[-1] >= TIMEOUT_MS * 1000
        if times[-1] <= (TIMEOUT_MS + LATE_MS) * 1000:
            return
    pytest.fail(f"late each time: {times} us")


def test_fed_watchdog_does_not_fire(dev: Board) -> None:
    dev.exec(
        f"import machine, time\ndog = machine.WDT(0, {TIMEOUT_MS})\n"
        "for _ in range(50):\n    time.sleep_ms(20)\n    dog.feed()\n"
        "dog = machine.WDT(0, 20_000)"
    )
    assert dev.exec("import board; print(board.boot_count(), board.crash_record())") == "1 None"


def test_watchdog_does_not_run_before_it_is_asked_for(dev: Board) -> None:
    dev.exec("import time; time.sleep_ms(400)")
    assert dev.exec("import board; print(board.boot_count())") == "1"
