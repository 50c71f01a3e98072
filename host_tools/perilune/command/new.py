"""Make the folder of a new payload: dictionary, one app, a sequence, tests, benches, targets, a Makefile.

It builds, flies on sitl and in QEMU, and passes its tests as it is. Nothing that exists is written to.

examples:

    perilune new my_payload                             an app of your own beside Perilune's core
    perilune new rover/my_payload --with-payload        with power, heat and night too, and the simulated Moon in tests
    perilune new my_payload --board stm32f4_discovery
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..client.arguments import add_json, print_json
from ..command_line import completes

SUMMARY = "make the folder of a new payload, which builds and flies as it is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune new`."""
    parser.add_argument("folder", type=Path, help="folder to make; its last part is the payload's name")
    board = parser.add_argument("--board", default="netduinoplus2", help="a folder of boards/ (netduinoplus2)")
    completes(board, "boards")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--with-payload",
        action="store_true",
        help="with Perilune's power, thermal and night apps and their units on the payload bus",
    )
    choice.add_argument("--bare", action="store_true", help="with the core alone (this is the default)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune new`; the exit status."""
    from ..new_project import make_project  # noqa: PLC0415  # imports of the work are made when there is work

    paths = make_project(arguments.folder, arguments.board, with_payload=arguments.with_payload)
    if arguments.json:
        print_json({"folder": str(arguments.folder), "files": [str(arguments.folder / path) for path in paths]})
        return 0
    for path in paths:
        print(arguments.folder / path)
    print(f"\nNext: cd {arguments.folder}; make check; make test; make test TARGET=qemu; README.md has the rest")
    return 0
