"""The command `perilune`: finds its subcommands in `perilune.command`, parses, runs, and turns errors into one line.

Exit status:

    0    done
    1    an error that was reported: port, file, dictionary of the board
    2    wrong arguments, configuration or command text
    3    the board refused the command or could not finish it
    4    no answer: not delivered, or not finished, in the time given
    5    a check found violations
    130  ended with Ctrl-C before it was done
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from . import command
from .errors import PeriluneError


class Subcommand(Protocol):
    """What a module in `perilune.command` offers."""

    SUMMARY: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def subcommand_names() -> list[str]:
    """Names of all subcommands, sorted."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(command.__path__))


def _load(name: str) -> Subcommand:
    return cast("Subcommand", importlib.import_module(f"{command.__name__}.{name.replace('-', '_')}"))


def build_parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """A parser that knows the subcommands `names`."""
    parser = argparse.ArgumentParser(prog="perilune", description="Ground tools for boards that fly Perilune.")
    subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
    for name in names:
        module = _load(name)
        subparser = subparsers.add_parser(
            name,
            help=module.SUMMARY,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run `perilune` with `argv` (default: the arguments of the process); the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    names = subcommand_names()
    # Only the subcommand that is asked for is imported; all of them only to list or to complain.
    wanted = [arguments[0]] if arguments and arguments[0] in names else names
    parsed = build_parser(wanted).parse_args(arguments)
    try:
        status: int = parsed.run(parsed)
    except PeriluneError as error:
        print(f"perilune {parsed.subcommand}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
