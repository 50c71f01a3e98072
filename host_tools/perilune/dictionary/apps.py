"""The classes of apps and drivers that a dictionary names, imported on this workstation."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .folders import named
from .model import App, Device, Dictionary


def class_of(row: App | Device, folders: Iterable[Path] = ()) -> Any:
    """The class of an app or a driver; a mission's own are looked for in *folders*.

    Raises ImportError or AttributeError for one that is not there, and whatever its module raises.
    """
    _look_in(folders)
    return getattr(importlib.import_module(row.module), row.name)


def app_classes(dictionary: Dictionary, folders: Iterable[Path] = ()) -> tuple[Any, ...]:
    """Those of the apps, in the order in which the tables count them. Raises as class_of()."""
    return tuple(class_of(app, folders) for app in dictionary.apps)


def driver_classes(dictionary: Dictionary, folders: Iterable[Path] = ()) -> tuple[Any, ...]:
    """Those of the devices, as app_classes()."""
    return tuple(class_of(device, folders) for device in dictionary.devices)


def _look_in(folders: Iterable[Path]) -> None:
    for folder in named(folders):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
