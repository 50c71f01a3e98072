"""Building as people do it: a board by its name, a new board by its folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from perilune.boards import BOARDS_DIR, board_names

from hil.targets.qemu import Qemu
from hil.targets.symbols import Symbols
from tests.board.conftest import ROOT
from tests.rules.test_document_commands import commands

BUILD_TIMEOUT_S = 600


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, not as a part of the make that runs the tests."""
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
    return subprocess.run(
        ["make", "-s", *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in outer},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )


def test_unknown_board_gets_the_list() -> None:
    result = make("firmware", "BOARD=nosuch")
    assert result.returncode == 2
    expected = ["error: unknown board 'nosuch'. Known boards:", *(f"  {name}" for name in board_names())]
    lines = result.stdout.splitlines()
    start = lines.index(expected[0])
    assert lines[start : start + len(expected)] == expected


def test_unknown_variant_is_refused() -> None:
    result = make("firmware", "VARIANT=orbit")
    assert result.returncode == 2
    assert "VARIANT must be flight or dev, found 'orbit'" in result.stdout


@pytest.mark.long
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_folder_with_a_board_is_all_that_a_new_board_needs(tmp_path: Path) -> None:
    shutil.copytree(BOARDS_DIR, tmp_path / "boards")
    [copy] = commands((BOARDS_DIR / "README.md").read_text(encoding="utf-8"))
    subprocess.run(copy, cwd=tmp_path, check=True)
    folder = tmp_path / "boards" / "my_board"
    data = folder / "board.toml"
    text = (
        data.read_text(encoding="utf-8").replace("pyboard v1.1", "Lander 7").replace("heap_kib = 88", "heap_kib = 80")
    )
    data.write_text(text.replace("[led]", "[memory]\nstack_kib = 20\n\n[led]"), encoding="utf-8")
    build = tmp_path / "build"
    result = make("firmware", f"BOARDS={folder.parent}", "BOARD=my_board", "VARIANT=dev", f"BUILD={build}")
    assert result.returncode == 0, result.stdout[-3000:]
    symbols = Symbols(build / "firmware.elf")
    assert symbols.address("_stack_top") - symbols.address("_stack_bottom") == 20 * 1024
    with Qemu("netduinoplus2") as target:
        target.boot(build / "firmware.elf")
        assert b"Lander 7 with STM32F405RG" in target.console.read_until(b">>> ")
