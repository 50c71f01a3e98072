"""What an image takes: flash, static RAM, heap and its largest symbols, against the board's budget.

``python -m perilune.image BOARD VARIANT ELF`` prints the table; exit code 1 when the image is over budget. The linker
refuses such an image too; this tells by how much there is room, and what to look at first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from .boards import FLASH_BASE, SRAM_BASE, SRAM_SIZE, Board, BoardError, load_board, sector_address

KIB = 1024
LARGEST = 10
IN_FILE = "SHT_PROGBITS", "SHT_ARM_EXIDX"


class Symbol(msgspec.Struct, frozen=True):
    name: str
    size: int
    where: str  # "flash" or "RAM"


class Image(msgspec.Struct, frozen=True):
    """Sizes in bytes. ``static_ram`` is everything in SRAM that is neither stack nor heap."""

    flash: int
    static_ram: int
    stack: int
    heap: int
    largest: list[Symbol]


def read_image(elf: Path) -> Image:
    """Measure an ELF file of the port."""
    with elf.open("rb") as file:
        contents = ELFFile(file)
        flash = stack = 0
        for section in contents.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] in IN_FILE:
                flash += section["sh_size"]
            if section.name == ".stack":
                stack = section["sh_size"]
        table = contents.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise BoardError(f"{elf} has no symbols: it was stripped, build it anew")
        places = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
        sized = [symbol for symbol in table.iter_symbols() if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT")]
        sized.sort(key=lambda symbol: (-symbol["st_size"], symbol.name))
        largest = [
            Symbol(symbol.name, symbol["st_size"], "RAM" if symbol["st_value"] >= SRAM_BASE else "flash")
            for symbol in sized[:LARGEST]
        ]
    heap = places["_heap_end"] - places["_heap_start"]
    return Image(flash, SRAM_SIZE - heap - stack, stack, heap, largest)


def flash_limit(board: Board, variant: str) -> int:
    """Bytes of flash that the image may take: the budget for ``flight``, all up to the storage for ``dev``."""
    if variant == "dev":
        return sector_address(board.storage.sectors[0]) - FLASH_BASE
    return board.budget.flash_kib * KIB


def report(image: Image, board: Board, variant: str) -> tuple[str, bool]:
    """Return the table for people and whether the image is within the budget."""
    limit, heap_min = flash_limit(board, variant), board.budget.heap_kib * KIB
    rows = [
        f"{board.name} {variant}",
        f"  flash       {image.flash:7}  of {limit} ({image.flash / KIB:.1f} of {limit // KIB} KiB)",
        f"  static RAM  {image.static_ram:7}",
        f"  stack       {image.stack:7}",
        f"  heap        {image.heap:7}  of at least {heap_min} ({image.heap / KIB:.1f} of {heap_min // KIB} KiB)",
        f"  largest {LARGEST}:",
        *(f"    {symbol.size:7}  {symbol.where:5}  {symbol.name}" for symbol in image.largest),
    ]
    if image.flash > limit:
        rows.append(f"over budget: flash by {image.flash - limit} bytes (budget.flash_kib of boards/{board.name})")
    if image.heap < heap_min:
        rows.append(
            f"over budget: heap short of {heap_min - image.heap} bytes (budget.heap_kib of boards/{board.name})"
        )
    return "\n".join(rows), image.flash <= limit and image.heap >= heap_min


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m perilune.image", description="What an image takes of its board.")
    parser.add_argument("board")
    parser.add_argument("variant", choices=["flight", "dev"])
    parser.add_argument("elf", type=Path)
    args = parser.parse_args(argv)
    try:
        text, fits = report(read_image(args.elf), load_board(args.board), args.variant)
    except (BoardError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text)
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
