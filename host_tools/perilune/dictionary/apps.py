"""The app classes that a dictionary names, imported on this workstation."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .model import Dictionary


def app_classes(dictionary: Dictionary, folders: Iterable[Path] = ()) -> tuple[Any, ...]:
    """In the order in which the tables count them; a mission's own apps are looked for in *folders*.

    Raises ImportError or AttributeError for one that is not there.
    """
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return tuple(getattr(importlib.import_module(app.module), app.name) for app in dictionary.apps)
