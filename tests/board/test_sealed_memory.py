"""A bit that turns over in the port's own memory is found within milliseconds: the board starts anew and says why."""

import pytest

from hil.targets.symbols import Symbols
from tests.board.conftest import Board, firmware

MEMORY_CAUSE = 9
WATCHDOG_MS = 20_000


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    return Symbols(firmware("dev"))


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("uarts", 0),  # the registers of USART1
        ("uarts", 8),  # its transmit ring
        ("clock_rates", 4),
        ("wraps", 0),
        ("host_file", 0),
        ("kept", 4),  # the watchdog's timeout
    ],
)
def test_a_turned_bit_is_found_and_told(dev: Board, symbols: Symbols, name: str, offset: int) -> None:
    dev.exec(f"import board, machine; dog = machine.WDT(0, {WATCHDOG_MS}); uart = machine.UART(1)")
    dev.target.console.read()
    address = symbols.address(name) + offset
    dev.target.memory.write_word(address, dev.target.memory.read_word(address) ^ 1 << 6)
    dev.await_prompt()
    record = eval(dev.exec("import board; print(board.crash_record())"))
    assert record["cause"] == MEMORY_CAUSE
    assert dev.exec("print(board.reset_cause() == board.CRASH)") == "True"


def test_a_ring_index_outside_its_ring_is_found(dev: Board, symbols: Symbols) -> None:
    dev.exec("import machine; uart = machine.UART(1)")
    dev.target.console.read()
    # Behind registers, rings (12), sizes (4), number and pacing (2): rx_head.
    address = symbols.address("uarts") + 18
    dev.target.memory.write(address, b"\x00\xf0")
    dev.await_prompt()
    assert eval(dev.exec("import board; print(board.crash_record())"))["cause"] == MEMORY_CAUSE
