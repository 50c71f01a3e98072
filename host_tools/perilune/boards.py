"""Boards as data: read and check ``boards/<board>/board.toml``, make the header, linker script and pin table from it.

A board is a folder. Everything that differs between boards stands in its ``board.toml``; the C code sees it as the
macros of the generated ``board.h``. Memory map: ST DS8626 rev 9 figure 18. Run as
``python -m perilune.boards generate BOARD FOLDER`` by the firmware's build, or ``list`` to see the boards.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

BOARDS_DIR = Path(__file__).resolve().parents[2] / "boards"

FLASH_BASE = 0x0800_0000
SRAM_BASE = 0x2000_0000
SRAM_SIZE = 128 * 1024
FIRST_LARGE_SECTOR = 5  # sectors 5..11 hold 128 KiB each (RM0090 table 5)
FIRST_STORAGE_SECTOR = 6  # Renode erases only a part of sectors 4 and 5
LARGE_SECTOR_SIZE = 128 * 1024
FAULT_STACK_SIZE = 512

# Parts that the port knows: flash in KiB and the ports that have pins (DS8626 table 7).
PARTS = {"STM32F405RG": (1024, "ABCDH"), "STM32F407VG": (1024, "ABCDEH")}

PinName = Annotated[str, Meta(pattern=r"^P[A-I]([0-9]|1[0-5])$")]
RingSize = Annotated[int, Meta(ge=64, le=16384)]
Baud = Annotated[int, Meta(ge=9600, le=921600)]


class BoardError(Exception):
    """A board that is not there, or a ``board.toml`` that cannot be used. The text says what to do next."""


class Uart(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One of the three UARTs: pins, ring sizes in bytes, default speed in baud."""

    tx: PinName
    rx: PinName
    rx_size: RingSize = 1024
    tx_size: RingSize = 1024
    baud: Baud = 115_200


class Uarts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """USART1 is the space link, USART2 the payload bus, USART3 the console."""

    link: Uart
    bus: Uart
    console: Uart


class Led(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    pin: PinName
    active_low: bool = False


class Storage(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Consecutive 128 KiB flash sectors behind the journal; at least two, so that one is always whole."""

    sectors: Annotated[list[Annotated[int, Meta(ge=FIRST_STORAGE_SECTOR, le=11)]], Meta(min_length=2)]


class Budget(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the ``flight`` image may take: flash at most, SRAM heap at least, in KiB. ``dev`` may take all up to storage."""

    flash_kib: Annotated[int, Meta(ge=64, le=1024)]
    heap_kib: Annotated[int, Meta(ge=16, le=120)]


class Memory(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    stack_kib: Annotated[int, Meta(ge=4, le=32)] = 16


class Qemu(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    machine: str


class Renode(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    platform: str
    script: str


class Flash(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    methods: list[str]


class Board(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One board. ``name`` is that of its folder."""

    description: str
    mcu: str
    hse_hz: Annotated[int, Meta(ge=4_000_000, le=26_000_000)]
    uart: Uarts
    led: Led
    storage: Storage
    budget: Budget
    flash: Flash
    hse_bypass: bool = False
    memory: Memory = Memory()
    pins: dict[str, PinName] = {}
    qemu: Qemu | None = None
    renode: Renode | None = None
    name: str = ""


def board_names(boards_dir: Path = BOARDS_DIR) -> list[str]:
    """Names of all boards: the folders that hold a ``board.toml``, sorted."""
    return sorted(p.parent.name for p in boards_dir.glob("*/board.toml"))


def load_board(name: str, boards_dir: Path = BOARDS_DIR) -> Board:
    """Read one board. Raises BoardError for an unknown name (listing all) or unusable data (naming file and field)."""
    path = boards_dir / name / "board.toml"
    if not path.is_file():
        known = "\n  ".join(board_names(boards_dir))
        raise BoardError(
            f"unknown board '{name}'. Known boards:\n  {known}\nA new one is a new folder: boards/README.md"
        )
    try:
        board = msgspec.toml.decode(path.read_bytes(), type=Board)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BoardError(f"{path}: {error}") from error
    board = msgspec.structs.replace(board, name=name)
    _check(board, path)
    return board


def _check(board: Board, path: Path) -> None:
    if board.mcu not in PARTS:
        raise BoardError(f"{path}: mcu '{board.mcu}' is not one of {', '.join(PARTS)}")
    if board.hse_hz % 1_000_000:
        raise BoardError(f"{path}: hse_hz is {board.hse_hz}; the PLL set-up needs whole MHz")
    sectors = board.storage.sectors
    if sectors != list(range(sectors[0], sectors[0] + len(sectors))):
        raise BoardError(f"{path}: storage.sectors must be consecutive, found {sectors}")
    if FLASH_BASE + board.budget.flash_kib * 1024 > sector_address(sectors[0]):
        raise BoardError(
            f"{path}: budget.flash_kib = {board.budget.flash_kib} reaches into storage sector {sectors[0]}"
        )
    ports = PARTS[board.mcu][1]
    for where, pin in _all_pins(board):
        if pin[1] not in ports:
            raise BoardError(f"{path}: {where} = {pin}, but {board.mcu} has pins on ports {', '.join(ports)} only")


def _all_pins(board: Board) -> list[tuple[str, str]]:
    pins = [("led.pin", board.led.pin)]
    for role in ("link", "bus", "console"):
        uart: Uart = getattr(board.uart, role)
        pins += [(f"uart.{role}.tx", uart.tx), (f"uart.{role}.rx", uart.rx)]
    return pins + [(f"pins.{alias}", pin) for alias, pin in board.pins.items()]


def sector_address(sector: int) -> int:
    """Address of a 128 KiB flash sector (5..11)."""
    return FLASH_BASE + 0x2_0000 + (sector - FIRST_LARGE_SECTOR) * LARGE_SECTOR_SIZE


def pin_number(name: str) -> int:
    """``PA10`` -> 10, ``PB6`` -> 22: sixteen a port."""
    return (ord(name[1]) - ord("A")) * 16 + int(name[2:])


def header(board: Board) -> str:
    """Text of ``board.h``."""
    flash_kib = PARTS[board.mcu][0]
    lines = [
        f"// Made from boards/{board.name}/board.toml.",
        "#ifndef PERILUNE_BOARD_H",
        "#define PERILUNE_BOARD_H",
        f'#define BOARD_NAME "{board.name}"',
        f'#define BOARD_DESCRIPTION "{board.description}"',
        f'#define BOARD_MCU "{board.mcu}"',
        f"#define BOARD_HSE_HZ {board.hse_hz}u",
        f"#define BOARD_HSE_BYPASS {int(board.hse_bypass)}",
        f"#define BOARD_FLASH_SIZE {flash_kib * 1024}u",
        f"#define BOARD_STORAGE_FIRST_SECTOR {board.storage.sectors[0]}u",
        f"#define BOARD_STORAGE_SECTORS {len(board.storage.sectors)}u",
        f"#define BOARD_LED {pin_number(board.led.pin)}u // {board.led.pin}",
        f"#define BOARD_LED_ACTIVE_LOW {int(board.led.active_low)}",
        f"#define BOARD_CONSOLE_BAUD {board.uart.console.baud}u",
    ]
    for number, role in enumerate(("link", "bus", "console"), start=1):
        uart: Uart = getattr(board.uart, role)
        lines += [
            f"#define BOARD_UART{number}_TX {pin_number(uart.tx)}u // {uart.tx}",
            f"#define BOARD_UART{number}_RX {pin_number(uart.rx)}u // {uart.rx}",
            f"#define BOARD_UART{number}_RX_SIZE {uart.rx_size}u",
            f"#define BOARD_UART{number}_TX_SIZE {uart.tx_size}u",
            f"#define BOARD_UART{number}_BAUD {uart.baud}u",
        ]
    return "\n".join([*lines, "#endif", ""])


def linker_script(board: Board, variant: str) -> str:
    """Text of ``board.ld``. Code and constants in flash; the stack lowest in SRAM, a guard below it; the rest is heap."""
    limit = board.budget.flash_kib * 1024
    if variant == "dev":
        limit = sector_address(board.storage.sectors[0]) - FLASH_BASE
    return f"""/* Made from boards/{board.name}/board.toml, variant {variant}. */
MEMORY
{{
    FLASH (rx) : ORIGIN = {FLASH_BASE:#010x}, LENGTH = {limit}
    RAM (rw) : ORIGIN = {SRAM_BASE:#010x}, LENGTH = {SRAM_SIZE}
}}
ENTRY(Reset_Handler)
_stack_guard = ORIGIN(RAM);
SECTIONS
{{
    .text : {{
        KEEP(*(.isr_vector))
        *(.text*)
        *(.rodata*)
        . = ALIGN(4);
    }} > FLASH
    .ARM.exidx : {{ *(.ARM.exidx*) }} > FLASH
    .stack (NOLOAD) : {{
        . += 256; /* guard, no access */
        _stack_bottom = .;
        . += {board.memory.stack_kib * 1024};
        _stack_top = .;
        . += {FAULT_STACK_SIZE};
        _fault_stack_top = .;
    }} > RAM
    .noinit (NOLOAD) : {{ *(.noinit*) . = ALIGN(4); }} > RAM
    .data : {{
        _data_start = .;
        *(.data*)
        . = ALIGN(4);
        _data_end = .;
    }} > RAM AT> FLASH
    _data_load = LOADADDR(.data);
    .bss (NOLOAD) : {{
        _bss_start = .;
        *(.bss*)
        *(COMMON)
        . = ALIGN(4);
        _bss_end = .;
    }} > RAM
    /DISCARD/ : {{ *(.ARM.attributes.*) *(.note.*) }}
}}
_heap_start = ALIGN(_bss_end, 16);
_heap_end = ORIGIN(RAM) + LENGTH(RAM);
ASSERT(_heap_end - _heap_start >= {board.budget.heap_kib} * 1024, "SRAM heap is under budget.heap_kib of board.toml")
"""


def pin_table(board: Board) -> str:
    """Text of ``pins.h``: X-macro rows (name, port * 16 + number), board aliases after the port's own names."""
    aliases = {"LED": board.led.pin, **board.pins}
    rows = [f"PIN({alias}, {pin_number(pin)})" for alias, pin in sorted(aliases.items()) if re.fullmatch(r"\w+", alias)]
    return "\n".join([f"// Made from boards/{board.name}/board.toml.", *rows, ""])


def _write_if_changed(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate(board: Board, variant: str, folder: Path) -> None:
    """Write ``board.h``, ``board.ld`` and ``pins.h`` into *folder*, touching only what changed."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_if_changed(folder / "board.h", header(board))
    _write_if_changed(folder / "board.ld", linker_script(board, variant))
    _write_if_changed(folder / "pins.h", pin_table(board))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m perilune.boards", description="Boards as data.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="print the boards")
    make = actions.add_parser("generate", help="write board.h, board.ld and pins.h")
    make.add_argument("board")
    make.add_argument("folder", type=Path)
    make.add_argument("--variant", choices=["flight", "dev"], default="flight")
    args = parser.parse_args(argv)
    try:
        if args.action == "list":
            print("\n".join(board_names()))
        else:
            generate(load_board(args.board), args.variant, args.folder)
    except BoardError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
