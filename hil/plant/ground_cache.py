"""Equilibrated ground profiles, kept in files: one for each latitude, declination, set of constants and grid.

The file holds the profiles of 24 instants of the lunation that the search found, bit for bit, so a run is the same
with and without it, and one that starts at any hour has few steps to make until then.
Folder: $PERILUNE_CACHE_DIR, else $XDG_CACHE_HOME/perilune, else ~/.cache/perilune.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.plant import regolith, sun
from hil.plant.regolith import STEPS_PER_LUNATION, Ground, Regolith

# Instants of a lunation in a file, the first at noon.
INSTANTS = 24


def cache_dir() -> Path:
    """Folder of the profiles; not made here."""
    if named := os.environ.get("PERILUNE_CACHE_DIR"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perilune"


def cache_path(latitude_deg: float, declination_deg: float, ground: Ground, steps_per_lunation: int) -> Path:
    """File of one profile: its name is a hash of everything that the profile depends on, the model's code too."""
    key = json.dumps([_model(), latitude_deg, declination_deg, steps_per_lunation, dataclasses.astuple(ground)])
    return cache_dir() / f"ground-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


@functools.cache
def _model() -> str:
    """A hash of the code that finds a profile, and of the code that writes its file."""
    files = (regolith.__file__, sun.__file__, __file__)
    return hashlib.sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()


def equilibrated(
    latitude_deg: float,
    declination_deg: float = 0.0,
    ground: Ground | None = None,
    steps_per_lunation: int = STEPS_PER_LUNATION,
    progress: Callable[[int, float], None] | None = None,
    place: float = 0.0,
) -> Regolith:
    """The ground in its periodic state, from the file or by a search of some seconds.

    It stands at an instant shortly before `place`, in steps of the lunation's grid from noon; at noon for 0.
    A file that cannot be read is made again. A folder that cannot be written costs only the time of the next search.
    """
    found = Regolith(latitude_deg, declination_deg, ground, steps_per_lunation)
    path = cache_path(latitude_deg, declination_deg, found.ground, steps_per_lunation)
    try:
        _stand_before(place, found, json.loads(path.read_text()))
        return found
    except (OSError, ValueError, LookupError, TypeError):
        found = Regolith(latitude_deg, declination_deg, ground, steps_per_lunation)
    found.equilibrate(progress)
    instants = _instants(found)
    _write(path, json.dumps(instants))
    _stand_before(place, found, instants)
    return found


def _instants(found: Regolith) -> list[dict[str, Any]]:
    """States of a lunation at equal distances, from the one at noon that *found* has now."""
    every = max(1, found.steps_per_lunation // INSTANTS)
    states = []
    for index in range(found.steps_per_lunation):
        if index % every == 0:
            states.append(found.save())
        found.step()
    return states


def _stand_before(place: float, found: Regolith, states: list[dict[str, Any]]) -> None:
    """Take the last state before *place*: before it, so that the step that leads there is still made."""
    latest = states[0]
    for state in states[1:]:
        if state["index"] < place:
            latest = state
    found.restore(latest)


def _write(path: Path, text: str) -> None:
    # Written beside and renamed: several test processes may search for the same profile at once.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".ground-", delete=False) as file:
            file.write(text)
        Path(file.name).replace(path)
    except OSError:
        return
