"""The command `perilune`: finds its subcommands in `perilune.command`, parses, runs, and turns errors into one line.

exit status:

    0    done
    1    an error that was reported: port, file, dictionary or mode of the board, a hazard that nobody confirmed
    2    wrong arguments, configuration, input file or command text
    3    the board refused the command or could not finish it
    4    no answer: not delivered, or not finished, in the time given
    5    a check found violations
    130  ended with Ctrl-C before it was done

With --json an error is also a JSON object on the output: error, expected, found, next_step, exit_status.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from . import command
from .command_line import Parser
from .errors import PeriluneError, file_error


class Subcommand(Protocol):
    """What a module in `perilune.command` offers."""

    SUMMARY: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


EXAMPLES = """example:

    perilune targets                              the boards that perilune.toml names
    perilune link bench                           own the port of one; the other tools share it
    perilune send -t bench "CORE.PING"
    perilune hk watch -t sitl                     without a board: the flight software in this process
    perilune seq rehearse day.seq
    perilune SUBCOMMAND --help

"""


def subcommand_names() -> list[str]:
    """Names of all subcommands, sorted."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(command.__path__))


def _load(name: str) -> Subcommand:
    return cast("Subcommand", importlib.import_module(f"{command.__name__}.{name.replace('-', '_')}"))


class _Version(argparse.Action):
    """Tells the version of what is installed."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata  # noqa: PLC0415  # slow, and only for this

        try:
            version = metadata.version("perilune")
        except metadata.PackageNotFoundError:
            version = "of sources that are not installed"
        print(f"perilune {version}")
        parser.exit()


def build_parser(names: Sequence[str]) -> argparse.ArgumentParser:
    """A parser that knows the subcommands `names`."""
    parser = Parser(
        prog="perilune",
        description="Ground tools for boards that fly Perilune.",
        epilog=EXAMPLES + (__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="tell the version and end")
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


def _tell(parsed: argparse.Namespace, error: PeriluneError) -> int:
    """The error as a line, with --json also as an object; its exit status."""
    print(f"perilune {parsed.subcommand}: {error.told}", file=sys.stderr)
    if getattr(parsed, "json", False) is True:
        from .client.arguments import print_json  # noqa: PLC0415  # only where it is needed

        with contextlib.suppress(OSError):  # an output that cannot be written may be what is told
            print_json(error.data())
    return error.exit_status


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
        return _tell(parsed, error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        return _tell(parsed, file_error(error))
    return status


if __name__ == "__main__":
    sys.exit(main())
