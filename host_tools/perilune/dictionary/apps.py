"""The app classes that a dictionary names, imported on this workstation."""

from __future__ import annotations

import importlib
from typing import Any

from .model import Dictionary


def app_classes(dictionary: Dictionary) -> tuple[Any, ...]:
    """In the order in which the tables count them. Raises ImportError or AttributeError for one that is not there."""
    return tuple(getattr(importlib.import_module(app.module), app.name) for app in dictionary.apps)
