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

from ..client.arguments import add_json, print_json
from ..command_line import completes, positive_count

SUMMARY = "write a program to a real board, and compare"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune flash`."""
    completes(parser.add_argument("board", help="a folder of boards/"), "boards")
    parser.add_argument("--method", choices=["dfu", "stlink", "openocd", "serial"], default="", help="the way onto it")
    parser.add_argument("--image", type=Path, help="firmware.bin (default: build/BOARD-flight/firmware.bin)")
    parser.add_argument("--port", default="", help="serial port, for --method serial")
    parser.add_argument("--baud", type=positive_count, default=115_200, help="baud rate of the boot loader (115200)")
    parser.add_argument("--serial", default="", help="serial number of the programmer, when there are several")
    parser.add_argument("--boards", type=Path, help="folder of the boards (default: Perilune's)")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be run")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune flash`; the exit status."""
    from ..boards import BOARDS_DIR, BoardError, load_board  # noqa: PLC0415  # needs the ELF reader
    from ..errors import UsageError  # noqa: PLC0415
    from ..flash.flasher import flash  # noqa: PLC0415

    try:
        board = load_board(arguments.board, arguments.boards or BOARDS_DIR)
    except BoardError as error:
        raise UsageError(str(error)) from error
    image = arguments.image or Path("build") / f"{board.name}-flight" / "firmware.bin"
    lines: list[str] = []
    flash(
        board,
        image,
        arguments.method,
        port=arguments.port,
        baud=arguments.baud,
        serial=arguments.serial,
        dry_run=arguments.dry_run,
        report=lines.append if arguments.json else lambda line: print(line, flush=True),
    )
    if arguments.json:
        told = {"board": board.name, "image": str(image), "dry_run": arguments.dry_run, "lines": lines}
        print_json(told)
    return 0
