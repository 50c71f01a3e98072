"""The dictionary in the words of others: XTCE, OpenC3 COSMOS, a Yamcs instance, CSV, JSON, Markdown.

FORMATS[name](dictionary) -> {file name: text}
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..model import Dictionary
from ..reference import reference
from .cosmos import cosmos_files
from .tables import csv_files
from .xtce import xtce_text
from .yamcs import yamcs_files


def _json(dictionary: Dictionary) -> dict[str, str]:
    text = msgspec.json.format(msgspec.json.encode(dictionary, order="deterministic"), indent=1).decode()
    return {"dictionary.json": text + "\n"}


FORMATS: dict[str, Callable[[Dictionary], dict[str, str]]] = {
    "xtce": lambda dictionary: {"perilune.xml": xtce_text(dictionary)},
    "cosmos": cosmos_files,
    "yamcs": yamcs_files,
    "csv": csv_files,
    "json": _json,
    "markdown": lambda dictionary: {"dictionary.md": reference(dictionary)},
}
