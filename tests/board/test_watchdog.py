"""A program that hangs is reset by the watchdog, and the next boot knows where it hung."""

from pathlib import Path
from typing import Any

import pytest

from hil.targets.symbols import Symbols
from tests.board.conftest import Board, firmware

WATCHDOG_RESET, WATCHDOG_CAUSE = 3, 7
TIMEOUT_MS = 200
LATE_MS = 10  # the watchdog's early warning is looked for with each tick
ICOUNT_SHIFT = 3  # 8 ns an instruction


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


def test_watchdog_fires_in_time(board: Board, tmp_path: Path) -> None:
    """Counted in instructions, and never asleep: a loaded host changes nothing."""
    board.boot(icount=ICOUNT_SHIFT, storage=tmp_path / "storage.bin", qtest=True)
    board.exec_until_reset(
        f"import board, machine\ndog = machine.WDT(0, {TIMEOUT_MS})\nfed = board.uptime_us()\ndog.feed()\n"
        "board.breadcrumb(fed.to_bytes(8, 'little'))\nwhile True: pass"
    )
    record = eval(board.exec("import board; print(board.crash_record())"))
    took_us = record["uptime_us"] - int.from_bytes(record["breadcrumb"], "little")
    assert TIMEOUT_MS * 1000 <= took_us <= (TIMEOUT_MS + LATE_MS) * 1000


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
