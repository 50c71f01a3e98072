"""Generator of flight tables: ``python -m perilune.dictionary generate --out build/mission [folder ...]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .generate import write
from .keys import read_keys
from .load import CORE, load
from .problem import DictionaryError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when the dictionary has problems."""
    parser = argparse.ArgumentParser(prog="python -m perilune.dictionary", description="The mission dictionary.")
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser("generate", help="write mission_tables.py, mission_ids.py, mission_apps.py")
    generate.add_argument("--out", type=Path, required=True, help="folder to write into")
    generate.add_argument("--keys", type=Path, help="key file of the uplink authentication (default: the bench's keys)")
    check = commands.add_parser("check", help="say what is wrong with the dictionary")
    for each in (generate, check):
        each.add_argument("folders", type=Path, nargs="*", default=[CORE], help="dictionary folders, the core's first")
    options = parser.parse_args(arguments)
    try:
        dictionary = load(options.folders)
    except DictionaryError as error:
        print(error, file=sys.stderr)
        return 1
    if options.command == "generate":
        write(dictionary, options.out, read_keys(options.keys), options.folders)
    else:
        print(
            f"{len(dictionary.commands)} commands, {len(dictionary.points)} points and parameters, hash "
            f"{dictionary.content_hash.hex()[:8]}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
