"""Every kind of fault leaves a record that the next boot reads: what, where, when, and the program's breadcrumb."""

from typing import Any

import pytest

from hil.targets.symbols import Symbols
from tests.board.conftest import Board, firmware

CRASH = 5  # board.reset_cause()
HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT = 1, 2, 3, 4  # fault.h
PROVOKE = "import board\nboard.breadcrumb(b'crumb 00')\nboard.breadcrumb(b'crumb %02d')\nboard.provoke(%d)"
ABSENT_ADDRESS = 0x6000_0000  # external memory, not fitted
HFSR_FORCED = 1 << 30
CFSR_BUS_ADDRESS_VALID, CFSR_PRECISE = 1 << 15, 1 << 9
CFSR_STACKING, CFSR_DATA_ACCESS = 1 << 4, 1 << 1
CFSR_UNDEFINED = 1 << 16
FASTEST_CRASH_US = 100  # no program crashes sooner after reset
# do_interrupt_v7m of 1.16.1, where a frame cannot be pushed; later versions pend the fault of that as a processor does.
overflows_the_stack = pytest.mark.qemu(
    "a fault in stacking makes Renode 1.16.1 return by the bits of the handler's address, to whatever stack they name"
)


def crash(dev: Board, kind: int) -> dict[str, Any]:
    """Crash *dev* and return the record that the next boot shows."""
    before_us = int(dev.exec("import board; print(board.uptime_us())"))
    dev.exec_until_reset(PROVOKE % (kind, kind))
    assert dev.exec("import board; print(board.reset_cause())") == f"{CRASH}"
    assert dev.exec("print(board.boot_status() & board.CRASHED != 0)") == "True"
    record: dict[str, Any] = eval(dev.exec("print(board.crash_record())"))
    assert record["cause"] == kind
    assert record["breadcrumb"] == b"crumb %02d" % kind
    assert record["uptime_us"] > max(before_us, FASTEST_CRASH_US)
    return record


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    return Symbols(firmware("dev"))


def test_board_that_did_not_crash_has_no_record(dev: Board) -> None:
    assert dev.exec("import board; print(board.crash_record())") == "None"


@pytest.mark.qemu("reads of nothing answer zero in Renode")
@pytest.mark.parametrize("kind", [HARD_FAULT, BUS_FAULT])
def test_access_to_nothing_is_found_with_its_address(dev: Board, symbols: Symbols, kind: int) -> None:
    record = crash(dev, kind)
    assert record["cfsr"] == CFSR_BUS_ADDRESS_VALID | CFSR_PRECISE
    assert record["bfar"] == ABSENT_ADDRESS
    assert record["hfsr"] == (HFSR_FORCED if kind == HARD_FAULT else 0)
    assert symbols.function_at(record["pc"]) == "board_provoke"
    assert symbols.address("_stack_bottom") < record["sp"] < symbols.address("_stack_top")


def test_undefined_instruction_is_found_with_its_address(dev: Board, symbols: Symbols) -> None:
    record = crash(dev, USAGE_FAULT)
    assert record["cfsr"] == CFSR_UNDEFINED
    assert symbols.function_at(record["pc"]) == "board_provoke"


@overflows_the_stack
def test_stack_overflow_is_caught_by_the_guard_and_names_its_function(dev: Board, symbols: Symbols) -> None:
    record = crash(dev, MEM_MANAGE)
    assert record["cfsr"] & CFSR_STACKING
    assert record["cfsr"] & CFSR_DATA_ACCESS
    assert symbols.address("_stack_guard") <= record["mmfar"] < symbols.address("_stack_bottom")
    assert record["pc"] == 0
    assert symbols.function_at(record["lr"]) == "overflow_stack"


def test_deep_recursion_in_python_is_an_exception_and_no_crash(dev: Board) -> None:
    program = "def deep(n):\n    return deep(n + 1)\ntry:\n    deep(0)\nexcept RuntimeError as error:\n    print(error)"
    assert dev.exec(program) == "maximum recursion depth exceeded"
    assert dev.exec("import board; print(board.boot_count())") == "1"


@overflows_the_stack
def test_record_is_replaced_by_the_next_crash_and_kept_by_a_plain_reset(dev: Board) -> None:
    crash(dev, MEM_MANAGE)
    assert crash(dev, USAGE_FAULT)["cfsr"] == CFSR_UNDEFINED
    dev.reset()
    assert eval(dev.exec("import board; print(board.crash_record())"))["cause"] == USAGE_FAULT
    assert dev.exec("print(board.reset_cause())") == "2"


def test_record_is_forgotten_on_demand_and_without_power(dev: Board) -> None:
    crash(dev, USAGE_FAULT)
    dev.exec("board.crash_clear()")
    dev.reset()
    assert dev.exec("import board; print(board.crash_record())") == "None"
    crash(dev, USAGE_FAULT)
    dev.power_cut()
    assert dev.exec("import board; print(board.crash_record())") == "None"


@pytest.mark.parametrize("offset", [0, 8, 40])
def test_record_with_a_flipped_bit_is_not_believed(dev: Board, symbols: Symbols, offset: int) -> None:
    crash(dev, USAGE_FAULT)
    address = symbols.address("survivor")
    record = dev.target.memory.read(address, 80)
    at = address + record.index(b"CREP") + offset  # the record's magic, "PERC" little-endian
    dev.target.memory.write(at, bytes([dev.target.memory.read(at, 1)[0] ^ 0x10]))
    dev.reset()
    assert dev.exec("import board; print(board.crash_record())") == "None"


def test_breadcrumb_of_another_length_is_refused(dev: Board) -> None:
    program = "import board\ntry:\n    board.breadcrumb(b'1234567')\nexcept ValueError as error:\n    print(error)"
    assert dev.exec(program) == "breadcrumb must be 8 bytes"
