"""Arguments that all subcommands share which speak to a board, and what is made of them. Imports nothing heavy."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ground import Ground


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """--target, --config, --baud: which board, and how it is reached."""
    parser.add_argument(
        "-t", "--target", help="target of perilune.toml, or a port (default: the file's default target)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration instead of the perilune.toml found")
    parser.add_argument("--baud", type=int, help="baud rate of a serial port (default 115200, or the target's)")


def add_command_arguments(parser: argparse.ArgumentParser, timeout_s: float = 10.0) -> None:
    """Those of subcommands that command a board."""
    add_target_arguments(parser)
    parser.add_argument(
        "--timeout", type=float, default=timeout_s, metavar="SECONDS", help=f"give up after this time ({timeout_s:g})"
    )
    parser.add_argument(
        "--override-dictionary", action="store_true", help="command a board that speaks another dictionary than ours"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def open_ground(arguments: argparse.Namespace) -> Ground:
    """The ground that the arguments name. Raises as `Ground.open`."""
    from .ground import Ground  # noqa: PLC0415  # not for --help

    return Ground.open(
        arguments.target,
        configuration=arguments.config,
        baud=arguments.baud,
        override_dictionary=getattr(arguments, "override_dictionary", False),
    )


def print_json(data: Any) -> None:
    """One JSON object on one line."""
    import msgspec  # noqa: PLC0415

    print(msgspec.json.encode(data).decode(), flush=True)


def print_table(columns: list[str], rows: list[list[str]]) -> None:
    """A table: with rich on a terminal, in plain columns otherwise."""
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        Console(highlight=False, markup=False).print(table)
        return
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    for row in [columns, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
