"""Let the shell complete subcommands, actions, options, files, and the names of targets, commands, points and events.

Names are those of the target that stands on the line, else of the default target.

example:

    source <(perilune completion bash)             in ~/.bashrc
    source <(perilune completion zsh)              in ~/.zshrc, after compinit
    perilune completion fish | source              in ~/.config/fish/config.fish
"""

from __future__ import annotations

import argparse

from ..client.arguments import add_target_arguments

SUMMARY = "print a script that lets the shell complete perilune"
NAMES = "names"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell", choices=["bash", "zsh", "fish", NAMES], metavar="bash|zsh|fish", help="for which shell"
    )
    # What the scripts themselves ask for: `perilune completion names KIND`.
    parser.add_argument("kind", nargs="?", default="", help=argparse.SUPPRESS)
    add_target_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do `perilune completion`; the exit status."""
    if arguments.shell == NAMES:
        print("\n".join(names(arguments)))
        return 0
    from ..cli import build_parser, subcommand_names  # noqa: PLC0415  # it imports all subcommands
    from ..completion_script import SHELLS  # noqa: PLC0415

    print(SHELLS[arguments.shell](build_parser(subcommand_names())), end="")
    return 0


def names(arguments: argparse.Namespace) -> list[str]:
    """Names of a kind. Raises ConfigurationError, DictionaryError; the scripts show nothing then."""
    from ..client.configuration import load_configuration  # noqa: PLC0415  # imports of the work, for the work
    from ..dictionary.load import CORE, load  # noqa: PLC0415

    configuration = load_configuration(arguments.config)
    if arguments.kind == "targets":
        return list(configuration.targets)
    if arguments.kind == "boards":
        from ..boards import BOARDS_DIR  # noqa: PLC0415

        return sorted(path.parent.name for path in BOARDS_DIR.glob("*/board.toml"))
    is_named = arguments.target is not None or configuration.default is not None
    dictionary = load(configuration.target(arguments.target).folders if is_named else [CORE])
    subsystems = sorted({name.partition(".")[0] for name in dictionary.points})
    kinds: dict[str, list[str]] = {
        "commands": [name.upper() for name in dictionary.commands],
        "points": [*dictionary.points, *subsystems],
        "parameters": [f"{point.name}=" for point in dictionary.points.values() if point.settable],
        "events": list(dictionary.events),
        "monitors": list(dictionary.monitors),
        "modes": [mode.name for mode in dictionary.modes],
    }
    return kinds.get(arguments.kind, [])
