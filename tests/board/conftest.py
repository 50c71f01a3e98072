"""Firmware in an emulator for the tests of this folder. Every machine that a test boots is stopped at its end.

The emulator is QEMU with the board it knows; ``PERILUNE_TEST_TARGET=renode:pyboard_v11`` takes another board in Renode,
and leaves out the tests that are marked ``qemu`` with their reason.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.targets.qemu import Qemu
from hil.targets.raw_repl import RawRepl
from hil.targets.renode import Renode
from hil.targets.symbols import Symbols

EMULATOR, _, EMULATED_BOARD = os.environ.get("PERILUNE_TEST_TARGET", "qemu:netduinoplus2").partition(":")
ROOT = Path(__file__).resolve().parents[2]
EVIDENCE_SHOWN = 3000


def firmware(variant: str, board: str = EMULATED_BOARD) -> Path:
    """Path of a built image; fails with the command that builds it."""
    elf = ROOT / f"build/{board}-{variant}/firmware.elf"
    if not elf.is_file():
        pytest.fail(f"{elf} is not built: make firmware BOARD={board} VARIANT={variant}", pytrace=False)
    return elf


class Board:
    """A board under test: the target and, for ``dev`` images, its prompt."""

    def __init__(self) -> None:
        self.target: Any = Qemu(EMULATED_BOARD) if EMULATOR == "qemu" else Renode(EMULATED_BOARD)
        self.repl = RawRepl(self.target.console)

    def boot(self, variant: str = "dev", **options: Any) -> "Board":
        """Boot the image of *variant*; options are those of ``Qemu.boot``. A ``dev`` board is ready for ``exec``."""
        if EMULATOR == "renode":
            for always_there in ("qtest", "icount"):  # memory access, and a time that goes with the instructions
                options.pop(always_there, None)
        self.target.boot(firmware(variant), **options)
        if variant == "dev":
            self.await_prompt()
        return self

    def exec(self, code: str, timeout_s: float = 20.0) -> str:
        """Run *code* on the board and return what it printed, without the last line's end."""
        return self.repl.exec(code, timeout_s).rstrip("\n")

    def exec_until_reset(self, code: str) -> None:
        """Run *code*, which ends in a reset, and wait for the prompt of the next boot."""
        self.target.console.read()
        self.repl.start(code)
        self.await_prompt()

    def reset(self) -> None:
        """Reset a ``dev`` board by its reset pin."""
        self.target.console.read()
        self.target.reset()
        self.await_prompt()

    def power_cut(self) -> None:
        """Take the power from a ``dev`` board and give it back."""
        self.target.power_cut()
        self.await_prompt()

    def await_program(self, elf: Path) -> None:
        """Wait until the program *elf* runs its first line of Python; needs memory access."""
        address = Symbols(elf).address("program_at_us")
        while self.target.memory.read_word(address) == 0:
            self.target.check_alive()

    def await_prompt(self) -> None:
        """Wait until a ``dev`` board has booted, and enter raw mode."""
        self.target.console.read_until(b">>> ")
        self.repl.enter()


@pytest.fixture
def new_board(request: pytest.FixtureRequest) -> Iterator[Callable[[], Board]]:
    """Makes boards that are not booted yet; stops them all at the end."""
    boards: list[Board] = []

    def make() -> Board:
        boards.append(Board())
        return boards[-1]

    request.node.boards_under_test = boards
    yield make
    for board in boards:
        board.target.stop()


@pytest.fixture
def board(new_board: Callable[[], Board]) -> Board:
    """A board that is not booted yet."""
    return new_board()


@pytest.fixture
def dev(board: Board, tmp_path: Path) -> Board:
    """A booted ``dev`` board with storage and memory access, at its raw prompt."""
    return board.boot(storage=tmp_path / "storage.bin", qtest=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """What the boards of a failed test said goes into its report."""
    report = yield
    if report.when == "call" and report.failed:
        for board in getattr(item, "boards_under_test", []):
            for name, data in board.target.evidence().items():
                if data:
                    report.sections.append((name, data[-EVIDENCE_SHOWN:].decode(errors="backslashreplace")))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and leave out those that need QEMU where there is none."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.board)
            need = item.get_closest_marker("qemu")
            if need is not None and EMULATOR != "qemu":
                item.add_marker(pytest.mark.skip(reason=f"only in QEMU: {need.args[0]}"))
