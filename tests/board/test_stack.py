"""The stack of the reference payload on the emulated board: how deep its start and its first seconds reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.targets.qemu import Qemu
from hil.targets.symbols import Symbols

ELF = Path(__file__).resolve().parents[2] / "build/netduinoplus2-payload/firmware.elf"
FRAME = 260  # with its marker
FRAMES = 60
TIMEOUT_S = 60.0


@pytest.mark.board
def test_a_third_of_the_stack_stays_free(tmp_path: Path) -> None:
    if not ELF.is_file():
        pytest.fail(f"{ELF} is not built: make test-images", pytrace=False)
    symbols = Symbols(ELF)
    bottom, top = symbols.address("_stack_bottom"), symbols.address("_stack_top")
    with Qemu("netduinoplus2") as target:
        target.boot(ELF, storage=tmp_path / "storage.bin", icount=0, skip_sleep=True, qtest=True)
        for _ in range(FRAMES):
            target.link.read_exactly(FRAME, TIMEOUT_S)
        stack = target.memory.read(bottom, top - bottom)
    # Memory is 0 when the power comes, and the stack grows downwards.
    untouched = len(stack) - len(stack.lstrip(b"\0"))
    print(f"{len(stack) - untouched} of {len(stack)} octets of stack were used")
    assert len(stack) // 3 <= untouched < len(stack)
