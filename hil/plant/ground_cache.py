"""Equilibrated ground profiles, kept in files: one for each latitude, declination, set of constants and grid.

The file holds what the search found, bit for bit, so a run is the same with and without it.
Folder: $PERILUNE_CACHE_DIR, else $XDG_CACHE_HOME/perilune, else ~/.cache/perilune.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from hil.plant.regolith import EQUILIBRIUM_K, STEPS_PER_LUNATION, Ground, Regolith

# Part of the file name: raise it when the model's equations change.
MODEL_VERSION = 1


def cache_dir() -> Path:
    """Folder of the profiles; not made here."""
    if named := os.environ.get("PERILUNE_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perilune"


def cache_path(latitude_deg: float, declination_deg: float, ground: Ground, steps_per_lunation: int) -> Path:
    """File of one profile: its name is a hash of everything that the profile depends on."""
    key = json.dumps(
        [MODEL_VERSION, latitude_deg, declination_deg, steps_per_lunation, EQUILIBRIUM_K, dataclasses.astuple(ground)]
    )
    return cache_dir() / f"ground-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


def equilibrated(
    latitude_deg: float,
    declination_deg: float = 0.0,
    ground: Ground | None = None,
    steps_per_lunation: int = STEPS_PER_LUNATION,
    progress: Callable[[int, float], None] | None = None,
) -> Regolith:
    """The ground at noon in its periodic state, from the file or by a search of about a second.

    A file that cannot be read is made again. A folder that cannot be written costs only the time of the next search.
    """
    regolith = Regolith(latitude_deg, declination_deg, ground, steps_per_lunation)
    path = cache_path(latitude_deg, declination_deg, regolith.ground, steps_per_lunation)
    try:
        regolith.restore(json.loads(path.read_text()))
        return regolith
    except (OSError, ValueError, KeyError, TypeError):
        regolith = Regolith(latitude_deg, declination_deg, ground, steps_per_lunation)
    regolith.equilibrate(progress)
    _write(path, json.dumps(regolith.save()))
    return regolith


def _write(path: Path, text: str) -> None:
    # Written beside and renamed: several test processes may search for the same profile at once.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".ground-", delete=False) as file:
            file.write(text)
        Path(file.name).replace(path)
    except OSError:
        return
