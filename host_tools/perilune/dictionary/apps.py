"""The classes of apps and drivers that a dictionary names, imported on this workstation."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .folders import named
from .model import Dictionary


def app_classes(dictionary: Dictionary, folders: Iterable[Path] = ()) -> tuple[Any, ...]:
    """In the order in which the tables count them; a mission's own apps are looked for in *folders*.

    Raises ImportError or AttributeError for one that is not there.
    """
    _look_in(folders)
    return tuple(getattr(importlib.import_module(app.module), app.name) for app in dictionary.apps)


def driver_classes(dictionary: Dictionary, folders: Iterable[Path] = ()) -> tuple[Any, ...]:
    """The drivers of the devices, as app_classes()."""
    _look_in(folders)
    return tuple(getattr(importlib.import_module(device.module), device.name) for device in dictionary.devices)


def _look_in(folders: Iterable[Path]) -> None:
    for folder in named(folders):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
