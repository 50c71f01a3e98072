"""A new mission's folder, made from template/: a small project that builds, flies and passes its tests as it is.

The template is such a project itself, named my_payload; its name is replaced wherever it stands, in the three ways
that it is written (my_payload, MY_PAYLOAD, MyPayload), and so is each @PLACE@. Nothing that exists is ever written to.
"""

from __future__ import annotations

import keyword
import os
import re
from pathlib import Path

from .boards import BOARDS_DIR, Board, BoardError, load_board
from .dictionary import load
from .dictionary.folders import BUILT_IN, CORE
from .errors import PeriluneError
from .own_data import repository

TEMPLATE = Path(__file__).resolve().parent / "template"
TEMPLATE_NAME = "my_payload"
# Files of a payload with the units of power and heat only.
WITH_PAYLOAD = {"tests/test_power_and_heat.py"}
# Files that would mean something where the template lies.
RENAMED = {"dot_gitignore": ".gitignore"}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NAME_MAX = 24
BOARD_IN_QEMU = "netduinoplus2"
PAYLOAD = "payload"  # folder of firmware/dictionary


class ProjectError(PeriluneError):
    """A project that cannot be made: its name, its place, its board."""

    exit_status = 2


def make_project(folder: Path, board_name: str, *, with_payload: bool) -> list[Path]:
    """Make the project *folder*, named as its last part; the files, relative to it. Raises ProjectError."""
    name = _checked_name(folder.name)
    board = _checked_board(board_name)
    if os.path.lexists(folder):
        raise ProjectError(f"{folder} is there already", expected="a new folder", next_step="give another name")
    if not folder.parent.is_dir():
        raise ProjectError(f"there is no folder {folder.parent}", next_step=f"mkdir -p {folder.parent}")
    words = _words(name, board, with_payload)
    made = []
    try:
        for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            relative = source.relative_to(TEMPLATE).as_posix()
            if relative in WITH_PAYLOAD and not with_payload:
                continue
            relative = RENAMED.get(relative, relative).replace(TEMPLATE_NAME, name)
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_filled(source.read_text(encoding="utf-8"), words), encoding="utf-8")
            made.append(Path(relative))
    except OSError as error:
        raise ProjectError(
            f"cannot write {folder}",
            found=error.strerror or str(error),
            next_step="remove what is there of it, and choose a folder that you can write to",
        ) from error
    return made


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name) or len(name) > NAME_MAX:
        near = "_".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()))[:NAME_MAX]
        near = re.sub(r"^[0-9_]+|_$", "", near)
        raise ProjectError(
            f"{name or 'nothing'} is no name for a payload",
            expected=f"lower-case letters, digits and single underscores, a letter first, {NAME_MAX} at most",
            next_step=f"perilune new {near or TEMPLATE_NAME}",
        )
    if keyword.iskeyword(name):
        raise ProjectError(f"{name} is a word of Python", next_step=f"perilune new {name}_payload")
    taken = set(load([CORE, CORE / PAYLOAD]).subsystems)
    if name in taken:
        raise ProjectError(
            f"{name} is a subsystem of Perilune",
            expected=f"none of {', '.join(sorted(taken))}",
            next_step=f"perilune new {name}_payload",
        )
    return name


def _checked_board(name: str) -> Board:
    try:
        return load_board(name, BOARDS_DIR)
    except BoardError as error:
        raise ProjectError(str(error)) from error


def _words(name: str, board: Board, with_payload: bool) -> dict[str, str]:
    """What is replaced by what."""
    root = repository()
    missions = [f"{BUILT_IN}{PAYLOAD}"] if with_payload else []
    in_make = [f"$(PERILUNE)/firmware/dictionary/{PAYLOAD}"] if with_payload else []
    return {
        "@PERILUNE@": "" if root is None else str(root),
        "@BOARD@": board.name,
        "@BOARD_IN_QEMU@": board.name if board.qemu is not None else BOARD_IN_QEMU,
        "@MISSIONS@": ", ".join(f'"{mission}"' for mission in [*missions, "../mission"]),
        "@MISSIONS_HERE@": ", ".join(f'"{mission}"' for mission in [*missions, "mission"]),
        "@MISSIONS_IN_MAKE@": " ".join([*in_make, "mission"]),
        "@PLANT@": "\n# The simulated Moon, on the payload bus.\n[plant]" if with_payload else "",
        TEMPLATE_NAME: name,
        TEMPLATE_NAME.upper(): name.upper(),
        "MyPayload": "".join(part.capitalize() for part in name.split("_")),
        "My payload": name.replace("_", " ").capitalize(),
    }


def _filled(text: str, words: dict[str, str]) -> str:
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))
    return pattern.sub(lambda found: words[found[0]], text).rstrip("\n") + "\n"
