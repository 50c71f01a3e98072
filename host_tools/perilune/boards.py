"""Boards as data: read and check ``boards/<board>/board.toml``, make the header, linker script and pin table from it.

A board is a folder. Everything that differs between boards stands in its ``board.toml``; the C code sees it as the
macros of the generated ``board.h``. Memory map: ST DS8626 rev 9 figure 18. Run as
``python -m perilune.boards generate BOARD FOLDER`` by the firmware's build, or ``list`` to see the boards.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .own_data import data_folder

BOARDS_DIR = data_folder("boards")

FLASH_BASE = 0x0800_0000
SRAM_BASE = 0x2000_0000
SRAM_SIZE = 128 * 1024
FIRST_LARGE_SECTOR = 5  # sectors 5..11 hold 128 KiB each (RM0090 table 5)
FIRST_STORAGE_SECTOR = 6  # Renode erases only a part of sectors 4 and 5
LARGE_SECTOR_SIZE = 128 * 1024
FAULT_STACK_SIZE = 512

PORTS = "ABCDEFGHI"
NO_PIN = 0xFF
WHOLE_PORT = 0xFFFF


class Part(msgspec.Struct, frozen=True):
    """A microcontroller in its package: flash, and a mask of the pins of each port (DS8626 table 7)."""

    flash_kib: int
    pins: dict[str, int]


# Parts that the port knows.
PARTS = {
    "STM32F405RG": Part(1024, {"A": WHOLE_PORT, "B": WHOLE_PORT, "C": WHOLE_PORT, "D": 1 << 2, "H": 0b11}),
    "STM32F407VG": Part(1024, dict.fromkeys("ABCDE", WHOLE_PORT) | {"H": 0b11}),
}

# Where a bus may lie (DS8626 table 9; I2C: AF4, SPI1 and SPI2: AF5, SPI3: AF6, USART1 to 3: AF7).
BUS_PINS = {
    "uart.link.tx": ("PA9", "PB6"),
    "uart.link.rx": ("PA10", "PB7"),
    "uart.bus.tx": ("PA2", "PD5"),
    "uart.bus.rx": ("PA3", "PD6"),
    "uart.console.tx": ("PB10", "PC10", "PD8"),
    "uart.console.rx": ("PB11", "PC11", "PD9"),
    "i2c.1.scl": ("PB6", "PB8"),
    "i2c.1.sda": ("PB7", "PB9"),
    "i2c.2.scl": ("PB10", "PF1", "PH4"),
    "i2c.2.sda": ("PB11", "PF0", "PH5"),
    "i2c.3.scl": ("PA8", "PH7"),
    "i2c.3.sda": ("PC9", "PH8"),
    "spi.1.sck": ("PA5", "PB3"),
    "spi.1.miso": ("PA6", "PB4"),
    "spi.1.mosi": ("PA7", "PB5"),
    "spi.2.sck": ("PB10", "PB13", "PI1"),
    "spi.2.miso": ("PB14", "PC2", "PI2"),
    "spi.2.mosi": ("PB15", "PC3", "PI3"),
    "spi.3.sck": ("PB3", "PC10"),
    "spi.3.miso": ("PB4", "PC11"),
    "spi.3.mosi": ("PB5", "PC12"),
}
BUS_NUMBERS = (1, 2, 3)

PinName = Annotated[str, Meta(pattern=r"^P[A-I]([0-9]|1[0-5])$")]
BusNumber = Annotated[str, Meta(pattern=r"^[1-3]$")]
RingSize = Annotated[int, Meta(ge=64, le=16384)]
# Goes into a string of the C header.
Description = Annotated[str, Meta(pattern=r'^[^"\\\n]{1,60}$')]
# Goes into the pin table as a C name.
Alias = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
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


class I2c(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Pins of ``machine.I2C(n)``, n the table's name."""

    scl: PinName
    sda: PinName


class Spi(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Pins of ``machine.SPI(n)``, n the table's name. Chip selects are ordinary pins."""

    sck: PinName
    mosi: PinName
    miso: PinName


class Led(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    pin: PinName
    active_low: bool = False


class Storage(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Consecutive 128 KiB flash sectors behind the journal; at least two, so that one is always whole."""

    sectors: Annotated[list[Annotated[int, Meta(ge=FIRST_STORAGE_SECTOR, le=11)]], Meta(min_length=2)]


class Budget(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What ``flight`` may take: flash at most, SRAM heap at least, in KiB. ``dev`` may take all flash up to storage."""

    flash_kib: Annotated[int, Meta(ge=64, le=1024)]
    heap_kib: Annotated[int, Meta(ge=16, le=120)]


class Memory(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    stack_kib: Annotated[int, Meta(ge=4, le=32)] = 12  # a third stays free (tests/board/test_stack.py)


class Qemu(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    machine: str


class Renode(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    platform: str
    script: str


class Flash(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How programs get onto the board, the usual way first. boot_loader: how ST's boot loader is started by hand."""

    methods: Annotated[list[Literal["dfu", "stlink", "openocd", "serial"]], Meta(min_length=1)]
    boot_loader: str = "hold BOOT0 high and reset the board"


class Board(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One board. ``name`` is that of its folder."""

    description: Description
    mcu: str
    hse_hz: Annotated[int, Meta(ge=4_000_000, le=26_000_000)]
    uart: Uarts
    led: Led
    storage: Storage
    budget: Budget
    flash: Flash
    hse_bypass: bool = False
    memory: Memory = Memory()
    i2c: dict[BusNumber, I2c] = {}
    spi: dict[BusNumber, Spi] = {}
    pins: dict[Alias, PinName] = {}
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
    used = _used_pins(board)
    for where, pin in [*used, *((f"pins.{alias}", pin) for alias, pin in board.pins.items())]:
        if not PARTS[board.mcu].pins.get(pin[1], 0) >> int(pin[2:]) & 1:
            raise BoardError(f"{path}: {where} = {pin}, a pin that the {board.mcu} does not have")
        if where in BUS_PINS and pin not in BUS_PINS[where]:
            raise BoardError(f"{path}: {where} = {pin}, but must be one of {', '.join(BUS_PINS[where])}")
    if "LED" in board.pins:
        raise BoardError(f"{path}: pins.LED is made from led.pin; give this pin another name")
    owners: dict[str, str] = {}
    for where, pin in used:
        if pin in owners:
            raise BoardError(f"{path}: {where} and {owners[pin]} are both {pin}")
        owners[pin] = where


def _used_pins(board: Board) -> list[tuple[str, str]]:
    """Return where each pin is used that something on the board owns: LED, UARTs, buses."""
    uarts = {f"uart.{role}": getattr(board.uart, role) for role in ("link", "bus", "console")}
    pins = [("led.pin", board.led.pin)]
    pins += [(f"{name}.{line}", getattr(uart, line)) for name, uart in uarts.items() for line in ("tx", "rx")]
    pins += [(f"i2c.{n}.{line}", getattr(bus, line)) for n, bus in board.i2c.items() for line in ("scl", "sda")]
    pins += [
        (f"spi.{n}.{line}", getattr(bus, line)) for n, bus in board.spi.items() for line in ("sck", "mosi", "miso")
    ]
    return pins


def sector_address(sector: int) -> int:
    """Address of a 128 KiB flash sector (5..11)."""
    return FLASH_BASE + 0x2_0000 + (sector - FIRST_LARGE_SECTOR) * LARGE_SECTOR_SIZE


def pin_number(name: str) -> int:
    """``PA10`` -> 10, ``PB6`` -> 22: sixteen a port."""
    return (ord(name[1]) - ord("A")) * 16 + int(name[2:])


def _bus_pins(buses: Mapping[str, msgspec.Struct], lines: tuple[str, ...]) -> str:
    """C initialiser of the pins of buses 1 to 3, ``NO_PIN`` where the board has no such bus."""
    rows = []
    for number in BUS_NUMBERS:
        bus = buses.get(str(number))
        rows.append([NO_PIN if bus is None else pin_number(getattr(bus, line)) for line in lines])
    return "{ " + ", ".join("{ " + ", ".join(f"{pin}u" for pin in row) + " }" for row in rows) + " }"


def header(board: Board) -> str:
    """Text of ``board.h``."""
    part = PARTS[board.mcu]
    lines = [
        f"// Made from boards/{board.name}/board.toml.",
        "#ifndef PERILUNE_BOARD_H",
        "#define PERILUNE_BOARD_H",
        f'#define BOARD_NAME "{board.name}"',
        f'#define BOARD_DESCRIPTION "{board.description}"',
        f'#define BOARD_MCU "{board.mcu}"',
        f"#define BOARD_HSE_HZ {board.hse_hz}u",
        f"#define BOARD_HSE_BYPASS {int(board.hse_bypass)}",
        f"#define BOARD_FLASH_SIZE {part.flash_kib * 1024}u",
        f"#define BOARD_PORT_PINS {{ {', '.join(f'{part.pins.get(port, 0):#06x}u' for port in PORTS)} }}",
        f"#define BOARD_I2C_PINS {_bus_pins(board.i2c, ('scl', 'sda'))}",
        f"#define BOARD_SPI_PINS {_bus_pins(board.spi, ('sck', 'mosi', 'miso'))}",
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
    """Text of ``board.ld``: code and constants in flash; the stack lowest in SRAM, a guard below; the rest is heap."""
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
        KEEP(*(.identity))
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
        *(.ram_text*)
        *(.data*)
        . = ALIGN(4);
        _data_end = .;
    }} > RAM AT> FLASH
    _data_load = LOADADDR(.data);
    _image_end = LOADADDR(.data) + SIZEOF(.data);
    .bss (NOLOAD) : {{
        _bss_start = .;
        *(.bss*)
        *(COMMON)
        . = ALIGN(4);
        _bss_end = .;
    }} > RAM AT> RAM /* its zeros are nothing to load into flash */
    /DISCARD/ : {{ *(.ARM.attributes.*) *(.note.*) }}
}}
_heap_start = ALIGN(_bss_end, 16);
_heap_end = ORIGIN(RAM) + LENGTH(RAM);
ASSERT(_heap_end - _heap_start >= {board.budget.heap_kib} * 1024, "SRAM heap is under budget.heap_kib of board.toml")
"""


def pin_table(board: Board) -> str:
    """Text of ``pins.h``: X-macro rows (name, port * 16 + number), board aliases after the port's own names."""
    aliases = {"LED": board.led.pin, **board.pins}
    rows = [f"PIN({alias}, {pin_number(pin)})" for alias, pin in sorted(aliases.items())]
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
    parser.add_argument("--boards", type=Path, default=BOARDS_DIR, metavar="FOLDER", help="folder of the boards")
    actions.add_parser("list", help="print the boards")
    make = actions.add_parser("generate", help="write board.h, board.ld and pins.h")
    make.add_argument("board")
    make.add_argument("folder", type=Path)
    make.add_argument("--variant", choices=["flight", "dev"], default="flight")
    args = parser.parse_args(argv)
    try:
        if args.action == "list":
            print("\n".join(board_names(args.boards)))
        else:
            generate(load_board(args.board, args.boards), args.variant, args.folder)
    except BoardError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
