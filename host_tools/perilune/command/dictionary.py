"""What can be sent and what comes back: look names up, and hand the dictionary to other systems.

examples:

    perilune dictionary show --dictionary mission/
    perilune dictionary show core.load_permille core.ping --json
    perilune dictionary export xtce build/xtce --dictionary mission/

Formats: xtce (XTCE 1.2), cosmos (OpenC3 COSMOS plugin), yamcs (a whole instance), csv, json, markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..client.arguments import print_json

if TYPE_CHECKING:
    from ..dictionary.model import Dictionary

SUMMARY = "look up commands, parameters and events; export them"
FORMAT_NAMES = ("xtce", "cosmos", "yamcs", "csv", "json", "markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    example = "example:\n\n    perilune dictionary "
    show = actions.add_parser(
        "show",
        help="list names, or tell all about some",
        description=f"List names, or tell all about some.\n\n{example}show core.load_permille",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    show.add_argument("names", nargs="*", metavar="NAME", help="of a command, parameter, structure or event")
    show.add_argument("--json", action="store_true", help="as one JSON object")
    export = actions.add_parser(
        "export",
        help="write it for another system",
        description=f"Write it for another system.\n\n{example}export xtce build/xtce",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_export_arguments(export)
    _dictionary(show)
    show.set_defaults(act=_show)
    export.set_defaults(act=export_files)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `perilune dictionary export`, and of `perilune export`."""
    parser.add_argument("format", choices=FORMAT_NAMES)
    parser.add_argument("folder", type=Path, help="where its files go")
    parser.add_argument("--json", action="store_true", help="tell what was written as one JSON object")
    _dictionary(parser)


def _dictionary(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dictionary",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="the mission's, beside the core's; perilune:payload is Perilune's own",
    )


def run(arguments: argparse.Namespace) -> int:
    status: int = arguments.act(arguments)
    return status


def _load(arguments: argparse.Namespace) -> Dictionary:
    from ..dictionary import load  # noqa: PLC0415  # imports of the work are made when there is work
    from ..dictionary.load import CORE  # noqa: PLC0415

    return load([CORE, *arguments.dictionary])


def _kinds(dictionary: Dictionary) -> dict[str, dict[str, Any]]:
    return {
        "command": dict(dictionary.commands),
        "parameter": dict(dictionary.points),
        "structure": dict(dictionary.housekeeping),
        "event": dict(dictionary.events),
    }


def _show(arguments: argparse.Namespace) -> int:
    import difflib  # noqa: PLC0415

    from ..errors import PeriluneError  # noqa: PLC0415

    dictionary = _load(arguments)
    kinds = _kinds(dictionary)
    known = {name for entries in kinds.values() for name in entries}
    wanted = [name.lower() for name in arguments.names]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 3)
            step = f"did you mean {', '.join(near)}?" if near else "`perilune dictionary show` lists all names"
            raise PeriluneError(f"the dictionary has no {name}", next_step=step)
    chosen = {
        kind: {name: entry for name, entry in entries.items() if not wanted or name in wanted}
        for kind, entries in kinds.items()
    }
    if arguments.json:
        print_json({"hash": dictionary.content_hash.hex(), **{f"{kind}s": rows for kind, rows in chosen.items()}})
        return 0
    for kind, entries in chosen.items():
        for name, entry in sorted(entries.items()):
            print(f"{kind:10} {name:36} {entry.text}")
            if wanted:
                _tell(entry)
    return 0


def _tell(entry: Any) -> None:
    """All about one entry, a line for each thing."""
    import msgspec  # noqa: PLC0415

    for key, value in msgspec.to_builtins(entry).items():
        if key not in ("name", "text") and value not in (None, "", (), {}):
            print(f"    {key:14} {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return str(value["name"]) if "name" in value else ", ".join(f"{key} = {item}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(item) for item in value)
    return str(value)


def export_files(arguments: argparse.Namespace) -> int:
    """Write the files; their names are printed."""
    from ..dictionary.export import FORMATS  # noqa: PLC0415
    from ..errors import PeriluneError  # noqa: PLC0415

    dictionary = _load(arguments)
    written = []
    for name, text in FORMATS[arguments.format](dictionary).items():
        path = arguments.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise PeriluneError(
                f"cannot write {path}", found=error.strerror or "", next_step="give a folder of yours"
            ) from error
        written.append(str(path))
    if arguments.json:
        print_json({"format": arguments.format, "hash": dictionary.content_hash.hex(), "files": written})
    else:
        print("\n".join(written))
    return 0
