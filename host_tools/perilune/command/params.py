"""On-board parameters (ST[20]): get, set, dump to a file, load from one, compare.

`get` takes names and patterns of any point (`modes.*`); `set` takes name=value. A file is TOML with a table for each
subsystem. `diff` compares the board with a file, or two files; its exit status is 5 when they differ.

example:

    perilune params get "modes.*"
    perilune params set modes.reset_limit=2 modes.reset_window_s=900
    perilune params dump board.toml
    perilune params diff board.toml
    perilune params load board.toml
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, open_ground, print_json, print_table
from ..errors import UsageError

if TYPE_CHECKING:
    from ..client.ground import Ground
    from ..telemetry.reports import Value

SUMMARY = "get, set, dump, load, compare on-board parameters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["get", "set", "dump", "load", "diff"])
    parser.add_argument("what", nargs="*", metavar="NAME|NAME=VALUE|FILE", help="as the action needs it")
    add_command_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    counts = {"set": (1, 9999), "dump": (0, 1), "load": (1, 1), "diff": (1, 2)}
    least, most = counts.get(arguments.action, (0, 9999))
    if not least <= len(arguments.what) <= most:
        raise UsageError(
            f"`{arguments.action}` takes {least} to {most} names or files"
            if most < 9999
            else f"`{arguments.action}` needs at least {least} of name=value",
            found=str(len(arguments.what)),
            next_step="perilune params --help",
        )
    if arguments.action == "diff" and len(arguments.what) == 2:
        return _diff_files(arguments)
    with open_ground(arguments) as ground:
        action = {"get": _get, "set": _set, "dump": _dump, "load": _load, "diff": _diff}[arguments.action]
        return action(ground, arguments)


def _shown(values: dict[str, Value], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json(
            {name: {"raw": value.raw, "value": value.shown, "unit": value.unit} for name, value in values.items()}
        )
    else:
        print_table(["parameter", "value"], [[name, value.shown] for name, value in values.items()])


def _get(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..client.parameter_file import read, settable  # noqa: PLC0415
    from .events import chosen  # noqa: PLC0415

    points = [point.name for point in ground.dictionary.pool]
    names = chosen(arguments.what, points) if arguments.what else list(settable(ground.dictionary))
    _shown(read(ground, names, arguments.timeout), arguments)
    return 0


def _set(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..client.command_text import CommandTextError  # noqa: PLC0415
    from ..client.parameter_file import read  # noqa: PLC0415

    items = []
    for text in arguments.what:
        name, equals, value = text.partition("=")
        if not equals or not value or any(mark in value for mark in "() "):
            raise UsageError("not a parameter and its value", expected="name=value", found=text)
        items.append(f"(parameter={name} value={value})")
    try:
        command = ground.parse(" ".join(["CORE.SET_PARAMETERS", *items]))
    except CommandTextError as error:
        print("perilune params: " + "; ".join(str(problem) for problem in error.problems), file=sys.stderr)
        return 2
    ground.command(command, timeout_s=arguments.timeout).check()
    names = [text.partition("=")[0].lower() for text in arguments.what]
    _shown(read(ground, names, arguments.timeout), arguments)
    return 0


def _dump(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..client.parameter_file import as_toml, read_all  # noqa: PLC0415
    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415

    ground.check_dictionary()
    values = {name: value.raw for name, value in read_all(ground, arguments.timeout).items()}
    if arguments.json:
        print_json(values)
        return 0
    comments = [f"read {iso_of_unix(ground.wall())}, dictionary {ground.dictionary.content_hash[:4].hex()}"]
    text = as_toml(ground.dictionary, values, comments)
    if arguments.what:
        Path(arguments.what[0]).write_text(text, encoding="utf-8")
        print(f"{arguments.what[0]}: {len(values)} parameters")
    else:
        print(text, end="")
    return 0


def _load(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..client.parameter_file import differences, load_file, read, write  # noqa: PLC0415

    wanted = load_file(Path(arguments.what[0]), ground.dictionary)
    before = {name: value.raw for name, value in read(ground, wanted, arguments.timeout).items()}
    changed = {row.name: wanted[row.name] for row in differences(before, wanted)}
    write(ground, changed, arguments.timeout)
    after = {name: value.raw for name, value in read(ground, wanted, arguments.timeout).items()}
    wrong = differences(after, wanted)
    if arguments.json:
        print_json({"changed": changed, "wrong": wrong})
    else:
        print(f"{len(wanted)} parameters in the file, {len(changed)} changed, {len(wrong)} read back wrong")
    return 5 if wrong else 0


def _diff(ground: Ground, arguments: argparse.Namespace) -> int:
    from ..client.parameter_file import load_file, read  # noqa: PLC0415

    wanted = load_file(Path(arguments.what[0]), ground.dictionary)
    now = {name: value.raw for name, value in read(ground, wanted, arguments.timeout).items()}
    return _print_differences(now, wanted, ["parameter", "board", arguments.what[0]], arguments)


def _diff_files(arguments: argparse.Namespace) -> int:
    from ..client.open_ground import dictionary_of, find_target  # noqa: PLC0415
    from ..client.parameter_file import load_file  # noqa: PLC0415

    dictionary = dictionary_of(find_target(arguments.target or "sitl", arguments.config))
    first, second = (load_file(Path(name), dictionary) for name in arguments.what)
    return _print_differences(first, second, ["parameter", *arguments.what], arguments)


def _print_differences(
    before: dict[str, int | float], after: dict[str, int | float], titles: list[str], arguments: argparse.Namespace
) -> int:
    from ..client.parameter_file import differences  # noqa: PLC0415

    found = differences(before, after)
    if arguments.json:
        print_json(found)
    elif found:
        rows = [
            [row.name, *("-" if side is None else f"{side:.9g}" for side in (row.before, row.after))] for row in found
        ]
        print_table(titles, rows)
    else:
        print("no difference")
    return 5 if found else 0
