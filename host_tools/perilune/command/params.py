"""On-board parameters (ST[20]): get, set, dump to a file, load from one, compare.

`get` takes names and patterns of any point (`modes.*`); `set` takes name=value. A file is TOML with a table for each
subsystem. `diff` compares the board with a file, or two files; its exit status is 5 when they differ.

example:

    perilune params get "modes.*"
    perilune params get core.uptime_s modes.mode --json
    perilune params set modes.reset_limit=2 modes.reset_window_s=900
    perilune params dump board.toml
    perilune params diff board.toml
    perilune params load board.toml
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.arguments import (
    add_command_arguments,
    check_writable,
    open_ground,
    print_json,
    print_table,
    received_times,
)
from ..command_line import Actions, completes, run_action
from ..errors import UsageError

if TYPE_CHECKING:
    from ..client.ground import Ground
    from ..telemetry.reports import Value

SUMMARY = "get, set, dump, load, compare on-board parameters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, __doc__)
    sub = actions.add("get", "show values of the board now", _get)
    names = sub.add_argument("names", nargs="*", metavar="NAME", help="points or patterns (all that can be set)")
    completes(names, "points")
    add_command_arguments(sub)
    sub = actions.add("set", "set parameters and read them back", _set)
    names = sub.add_argument("settings", nargs="+", metavar="NAME=VALUE", help="parameters and their values")
    completes(names, "parameters")
    add_command_arguments(sub)
    sub = actions.add("dump", "write all that can be set to a file", _dump)
    sub.add_argument("file", nargs="?", type=Path, metavar="FILE", help="TOML (default: to the terminal)")
    add_command_arguments(sub)
    sub = actions.add("load", "set what a file says differently, and read it back", _load)
    sub.add_argument("file", type=Path, metavar="FILE", help="TOML, as `dump` writes it")
    add_command_arguments(sub)
    sub = actions.add("diff", "compare the board with a file, or two files; status 5 when they differ", _diff)
    sub.add_argument("file", type=Path, metavar="FILE", help="TOML, as `dump` writes it")
    sub.add_argument("second", nargs="?", type=Path, metavar="FILE", help="another one, in place of the board")
    add_command_arguments(sub)


run = run_action


def _shown(ground: Ground, values: dict[str, Value], arguments: argparse.Namespace) -> None:
    rows = {name: (value, *received_times(ground, name)) for name, value in values.items()}
    if arguments.json:
        print_json(
            {
                name: {
                    "raw": value.raw,
                    "value": value.shown,
                    "unit": value.unit,
                    "received": received,
                    "onboard": onboard,
                }
                for name, (value, received, onboard) in rows.items()
            }
        )
    else:
        table = [[name, value.shown, received, onboard] for name, (value, received, onboard) in rows.items()]
        print_table(["parameter", "value", "received (UTC)", "board time"], table)


def _get(arguments: argparse.Namespace) -> int:
    from ..client.names import chosen  # noqa: PLC0415  # imports of the work are made for the work
    from ..client.parameter_file import read, settable  # noqa: PLC0415

    with open_ground(arguments) as ground:
        points = [point.name for point in ground.dictionary.pool]
        names = chosen(arguments.names, points, "point") if arguments.names else list(settable(ground.dictionary))
        _shown(ground, read(ground, names, arguments.timeout), arguments)
    return 0


def _set(arguments: argparse.Namespace) -> int:
    from ..client.command_text import CommandTextError  # noqa: PLC0415
    from ..client.names import chosen  # noqa: PLC0415
    from ..client.parameter_file import read, settable  # noqa: PLC0415

    settings = [text.partition("=") for text in arguments.settings]
    for name, equals, value in settings:
        if not equals or not value or any(mark in value for mark in "() "):
            raise UsageError(
                "not a parameter and its value",
                expected="name=value",
                found=f"{name}{equals}{value}",
                next_step="perilune params set modes.reset_limit=2",
            )
    with open_ground(arguments) as ground:
        names = [name.lower() for name, _, _ in settings]
        known = list(settable(ground.dictionary))
        for name in names:
            if name not in ground.dictionary.points:
                chosen([name], known, "parameter")
        items = [f"(parameter={name} value={value})" for name, _, value in settings]
        try:
            command = ground.parse(" ".join(["CORE.SET_PARAMETERS", *items]))
        except CommandTextError as error:
            raise UsageError("; ".join(str(problem) for problem in error.problems)) from error
        ground.command(command, timeout_s=arguments.timeout).check()
        _shown(ground, read(ground, names, arguments.timeout), arguments)
    return 0


def _dump(arguments: argparse.Namespace) -> int:
    from ..client.names import counted  # noqa: PLC0415
    from ..client.parameter_file import as_toml, read_all  # noqa: PLC0415
    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415

    check_writable(arguments.file)
    with open_ground(arguments) as ground:
        ground.check_dictionary()
        values = {name: value.raw for name, value in read_all(ground, arguments.timeout).items()}
    comments = [f"read {iso_of_unix(ground.wall())}, dictionary {ground.dictionary.content_hash[:4].hex()}"]
    text = as_toml(ground.dictionary, values, comments)
    if arguments.file is not None:
        arguments.file.write_text(text, encoding="utf-8")
    if arguments.json:
        print_json(values)
    elif arguments.file is not None:
        print(f"{arguments.file}: {counted(len(values), 'parameter')}")
    else:
        print(text, end="")
    return 0


def _load(arguments: argparse.Namespace) -> int:
    from ..client.names import counted  # noqa: PLC0415
    from ..client.parameter_file import differences, load_file, read, write  # noqa: PLC0415

    with open_ground(arguments) as ground:
        wanted = load_file(arguments.file, ground.dictionary)
        with ground.doing(f"{len(wanted)} parameters of {arguments.file}"):
            before = {name: value.raw for name, value in read(ground, wanted, arguments.timeout).items()}
            changed = {row.name: wanted[row.name] for row in differences(before, wanted)}
            write(ground, changed, arguments.timeout)
            after = {name: value.raw for name, value in read(ground, wanted, arguments.timeout).items()}
    wrong = differences(after, wanted)
    if arguments.json:
        print_json({"changed": changed, "wrong": wrong})
    else:
        held = counted(len(wanted), "parameter")
        print(f"{held} in the file, {len(changed)} changed, {len(wrong)} read back wrong")
    return 5 if wrong else 0


def _diff(arguments: argparse.Namespace) -> int:
    from ..client.parameter_file import load_file, read  # noqa: PLC0415

    if arguments.second is not None:
        return _diff_files(arguments)
    with open_ground(arguments) as ground:
        wanted = load_file(arguments.file, ground.dictionary)
        now = {name: value.raw for name, value in read(ground, wanted, arguments.timeout).items()}
    return _print_differences(now, wanted, ["parameter", "board", str(arguments.file)], arguments)


def _diff_files(arguments: argparse.Namespace) -> int:
    from ..client.configuration import load_configuration  # noqa: PLC0415
    from ..client.parameter_file import load_file  # noqa: PLC0415
    from ..dictionary.load import load  # noqa: PLC0415

    dictionary = load(load_configuration(arguments.config).folders(arguments.target))
    first, second = (load_file(path, dictionary) for path in (arguments.file, arguments.second))
    return _print_differences(first, second, ["parameter", str(arguments.file), str(arguments.second)], arguments)


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
