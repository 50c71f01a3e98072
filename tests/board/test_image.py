"""Images: what they load, what they take, and that somebody notices when it is too much."""

from pathlib import Path

import msgspec
import pytest
from elftools.elf.elffile import ELFFile
from perilune import image
from perilune.boards import FLASH_BASE, SRAM_BASE, SRAM_SIZE, Budget, load_board

from tests.board.conftest import EMULATED_BOARD, firmware

FLASH_SIZE = 1024 * 1024
FLIGHT_FLASH_MAX = 320 * 1024  # of what is Perilune's own; the board leaves room for a mission's apps
HEAP_MIN = 88 * 1024
NOT_IN_THE_FILE = (".stack", ".noinit", ".bss")
VARIANTS = ["flight", "dev"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_image_loads_flash_and_the_first_128_kib_of_sram_only(variant: str) -> None:
    with firmware(variant).open("rb") as file:
        segments = [segment for segment in ELFFile(file).iter_segments() if segment["p_type"] == "PT_LOAD"]
        assert segments
        for segment in segments:
            loaded, runs, size = segment["p_paddr"], segment["p_vaddr"], segment["p_memsz"]
            if segment["p_filesz"]:
                assert FLASH_BASE <= loaded <= FLASH_BASE + FLASH_SIZE - segment["p_filesz"]
            else:
                assert loaded == runs  # a loader that writes zeros does not write them into flash
            in_flash = runs >= FLASH_BASE and runs + size <= FLASH_BASE + FLASH_SIZE
            in_sram = runs >= SRAM_BASE and runs + size <= SRAM_BASE + SRAM_SIZE
            assert in_flash or in_sram


@pytest.mark.parametrize("variant", VARIANTS)
def test_vector_table_comes_first(variant: str) -> None:
    with firmware(variant).open("rb") as file:
        elf = ELFFile(file)
        lowest = min((s for s in elf.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]), key=lambda s: s["sh_addr"])
        assert lowest["sh_addr"] == FLASH_BASE
        stack, reset = (int.from_bytes(lowest.data()[at : at + 4], "little") for at in (0, 4))
        assert SRAM_BASE < stack <= SRAM_BASE + SRAM_SIZE
        assert reset == elf["e_entry"]
        assert reset & 1


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("section", NOT_IN_THE_FILE)
def test_memory_without_content_is_not_written_by_a_loader(variant: str, section: str) -> None:
    """An emulator that loads zeros there at a reset would wipe the crash record."""
    with firmware(variant).open("rb") as file:
        found = ELFFile(file).get_section_by_name(section)
        assert found is not None
        assert found["sh_type"] == "SHT_NOBITS"


@pytest.mark.parametrize("variant", VARIANTS)
def test_size_is_that_of_the_binary(variant: str) -> None:
    elf = firmware(variant)
    assert image.read_image(elf).flash == elf.with_suffix(".bin").stat().st_size


def test_flight_image_is_within_its_limits() -> None:
    found = image.read_image(firmware("flight"))
    assert found.flash <= FLIGHT_FLASH_MAX
    assert found.heap >= HEAP_MIN
    assert found.static_ram + found.stack + found.heap == SRAM_SIZE


def test_report_tells_sizes_and_largest_symbols() -> None:
    found = image.read_image(firmware("flight"))
    board = load_board(EMULATED_BOARD)
    text, fits = image.report(found, board, "flight")
    assert fits
    lines = text.splitlines()
    assert lines[0] == f"{EMULATED_BOARD} flight"
    assert lines[1].split()[:4] == ["flash", str(found.flash), "of", str(board.budget.flash_kib * 1024)]
    assert [int(line.split()[0]) for line in lines[6:]] == [symbol.size for symbol in found.largest]
    assert len(found.largest) == 10
    assert [symbol.size for symbol in found.largest] == sorted((s.size for s in found.largest), reverse=True)
    assert "mp_execute_bytecode" in [symbol.name for symbol in found.largest]


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(flash_kib=64, heap_kib=88), "over budget: flash by "),
        (Budget(flash_kib=320, heap_kib=120), "over budget: heap short of "),
    ],
)
def test_image_over_budget_is_told(budget: Budget, message: str) -> None:
    board = msgspec.structs.replace(load_board(EMULATED_BOARD), budget=budget)
    text, fits = image.report(image.read_image(firmware("flight")), board, "flight")
    assert not fits
    assert text.splitlines()[-1].startswith(message)


def test_command_fails_when_there_is_nothing_to_measure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert image.main([EMULATED_BOARD, "flight", str(tmp_path / "none.elf")]) == 2
    assert "none.elf" in capsys.readouterr().err
    assert image.main(["nosuch", "flight", str(firmware("flight"))]) == 2
    assert image.main([EMULATED_BOARD, "flight", str(firmware("flight"))]) == 0
