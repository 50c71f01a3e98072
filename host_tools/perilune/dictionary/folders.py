"""Folders of dictionaries: the core's, those that come with Perilune and have a short name, those of a mission."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..own_data import data_folder
from .problem import Place, Problem

CORE = data_folder("firmware/dictionary")
# `perilune:payload`, wherever a folder is named, is the folder payload of CORE, wherever Perilune lies.
BUILT_IN = "perilune:"


def mission_folder(text: str, base: Path) -> Path:
    """The dictionary folder that a file in *base* names: a path from there, or one of Perilune's own (BUILT_IN)."""
    own = text.removeprefix(BUILT_IN)
    return ((base if own == text else CORE) / own).resolve()


def named(folders: Iterable[Path]) -> list[Path]:
    """The same folders, Perilune's own for those that are named so, also behind a path that make has put before it."""
    return [_named(folder) for folder in folders]


def _named(folder: Path) -> Path:
    own = folder.name.removeprefix(BUILT_IN)
    found = CORE / own
    return found if own != folder.name and own and found.is_dir() and not folder.exists() else folder


def check_folders(folders: Iterable[Path], problems: list[Problem]) -> None:
    """Add to *problems* every folder in which no dictionary can be."""
    known = ", ".join(sorted({f"{BUILT_IN}{path.parent.name}" for path in CORE.glob("*/*.toml") if _is_mission(path)}))
    for folder in folders:
        mend = f"Give the folder of your dictionary, or {known}"
        if not folder.exists():
            problems.append(Problem(Place(folder, 0), "folder", "there is no such folder", mend))
        elif not folder.is_dir():
            problems.append(Problem(Place(folder, 0), "folder", "it is not a folder", mend))
        elif not any(folder.glob("*.toml")):
            text = "no dictionary file in it"
            mend = f"Put a .toml file with [subsystem] into it, or give another folder, or {known}"
            problems.append(Problem(Place(folder, 0), "empty", text, mend))


def _is_mission(path: Path) -> bool:
    return b"[subsystem]" in path.read_bytes()
