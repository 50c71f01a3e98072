"""A board on one terminal: housekeeping with limits, commands with completion, events, sequences, the link.

It works over SSH on 80x24 and takes more where there is more. With the port in use by `perilune link` it shares it;
without a board it says what to do and goes on when there is one. F1 shows the keys.

example:

    perilune console
    perilune console -t bench power "thermal.*_c"
    perilune console -t sitl
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..client.arguments import add_target_arguments
from ..command_line import completes, positive_seconds
from ..errors import UsageError

if TYPE_CHECKING:
    from ..client.ground import Ground

SUMMARY = "a board on one terminal: values, commands, events, sequences, link"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune console`."""
    points = parser.add_argument(
        "points", nargs="*", metavar="POINT", help="show only these at first: subsystems, points or patterns"
    )
    completes(points, "points")
    add_target_arguments(parser)
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        default=10.0,
        metavar="SECONDS",
        help="give a command up after it (10)",
    )
    parser.add_argument(
        "--override-dictionary", action="store_true", help="command a board that speaks another dictionary than ours"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune console`; the exit status."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the console needs a terminal",
            next_step="`perilune hk watch`, `perilune events` and `perilune send` do not",
        )
    from ..client.ground import Ground  # noqa: PLC0415  # imports of the work are made when there is work
    from ..client.names import check_points  # noqa: PLC0415
    from ..client.open_ground import dictionary_of, find_target, link_to  # noqa: PLC0415
    from ..console.app import ConsoleApp  # noqa: PLC0415
    from ..console.board_watch import BoardWatch  # noqa: PLC0415

    target = find_target(arguments.target, arguments.config, arguments.baud)
    dictionary = dictionary_of(target)
    check_points(arguments.points, list(dictionary.points))

    def opener() -> Ground:
        return Ground(link_to(target), dictionary, override_dictionary=arguments.override_dictionary)

    app = ConsoleApp(
        BoardWatch(opener, dictionary, name=target.name, timeout_s=arguments.timeout), patterns=arguments.points
    )
    app.run()
    return app.return_code or 0
