"""Folders of data that come with Perilune: dictionaries, boards.

In the repository they stand where people edit them; an installation that is not editable has copies of them in this
package (setup.py puts them there).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE.parents[1]


def repository() -> Path | None:
    """Root of the repository that this package runs from; None where it was installed without one."""
    return _ROOT if (_ROOT / "firmware" / "stm32f4" / "Makefile").is_file() else None


def data_folder(name: str) -> Path:
    """The folder *name* of the repository (`boards`, `firmware/dictionary`), or its copy in this package."""
    root = repository()
    return _PACKAGE / "data" / Path(name).name if root is None else root / name
