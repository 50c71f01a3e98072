"""Write a program to a real board: check that it is for this board, ask which part is there, write, compare.

The storage of the board (journal, parameters) is not touched.

examples:

    perilune flash pyboard_v11                              the board's usual way, what `make firmware` built
    perilune flash feather_stm32f405 --method serial --port /dev/ttyUSB0
    perilune flash stm32f4_discovery --method stlink --dry-run
"""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "write a program to a real board, and compare"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune flash`."""
    parser.add_argument("board", help="a folder of boards/")
    parser.add_argument("--method", choices=["dfu", "stlink", "openocd", "serial"], default="", help="the way onto it")
    parser.add_argument("--image", type=Path, help="firmware.bin (default: build/BOARD-flight/firmware.bin)")
    parser.add_argument("--port", default="", help="serial port, for --method serial")
    parser.add_argument("--baud", type=int, default=115_200, help="baud rate of the boot loader (115200)")
    parser.add_argument("--serial", default="", help="serial number of the programmer, when there are several")
    parser.add_argument("--boards", type=Path, help="folder of the boards (default: Perilune's)")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be run")


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune flash`; the exit status."""
    from ..boards import BOARDS_DIR, BoardError, load_board  # noqa: PLC0415  # needs the ELF reader
    from ..errors import UsageError  # noqa: PLC0415
    from ..flash.flasher import flash  # noqa: PLC0415

    try:
        board = load_board(arguments.board, arguments.boards or BOARDS_DIR)
    except BoardError as error:
        raise UsageError(str(error)) from error
    flash(
        board,
        arguments.image or Path("build") / f"{board.name}-flight" / "firmware.bin",
        arguments.method,
        port=arguments.port,
        baud=arguments.baud,
        serial=arguments.serial,
        dry_run=arguments.dry_run,
        report=lambda line: print(line, flush=True),
    )
    return 0
