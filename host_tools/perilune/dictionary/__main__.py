"""Generator of flight tables: ``python -m perilune.dictionary generate --out build/mission [folder ...]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import PeriluneError, file_error
from .generate import write
from .keys import read_keys
from .load import CORE
from .reference import reference
from .supply import load_checked, names_put_together


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when the dictionary has problems."""
    parser = argparse.ArgumentParser(prog="python -m perilune.dictionary", description="The mission dictionary.")
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser("generate", help="write the flight tables as Python modules")
    generate.add_argument("--out", type=Path, required=True, help="folder to write into")
    generate.add_argument("--keys", type=Path, help="key file of the uplink authentication (default: the bench's keys)")
    markdown = commands.add_parser("reference", help="write the reference in Markdown")
    markdown.add_argument("--out", type=Path, help="file to write (default: standard output)")
    check = commands.add_parser("check", help="say what is wrong with the dictionary")
    for each in (generate, markdown, check):
        each.add_argument("folders", type=Path, nargs="*", default=[CORE], help="dictionary folders, the core's first")
    options = parser.parse_args(arguments)
    try:
        dictionary = load_checked(options.folders)
        if options.command == "generate":
            asked = names_put_together(dictionary, options.folders)
            write(dictionary, options.out, read_keys(options.keys), options.folders, asked)
        elif options.command == "check":
            count = f"{len(dictionary.commands)} commands, {len(dictionary.points)} points and parameters"
            print(f"{count}, hash {dictionary.content_hash.hex()[:8]}")
        elif options.out:
            options.out.write_text(reference(dictionary), encoding="utf-8")
        else:
            print(reference(dictionary), end="")
    except PeriluneError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has enough, and what is left in it cannot be written
    except OSError as error:
        print(file_error(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
