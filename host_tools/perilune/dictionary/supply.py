"""Does somebody keep every point up to date? The topology is made on a workstation, without hardware, and asked.

A point that nobody supplies would be sent as zero for ever; one that two supply flickers. Both are problems of the
dictionary, with file and line.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flight.hal.null import Hal
from flight.topology import build

from . import schema
from .apps import app_classes
from .generate import modules
from .keys import BENCH_KEYS
from .load import load
from .model import Dictionary
from .problem import DictionaryError, Place, Problem
from .source import dictionary_files, read


def check_supply(dictionary: Dictionary, folders: Iterable[Path]) -> None:
    """Raise DictionaryError for every point of *dictionary* (loaded from *folders*) without exactly one supplier."""
    folders = list(folders)
    places: dict[str, Place] = {}
    apps: dict[str, Place] = {}
    for path in dictionary_files(folders):
        source = read(path, [])
        if source is None:
            continue
        apps[source.subsystem.entry.name] = source.subsystem.at("app =")
        for located in source.of(schema.Point):
            places[f"{located.subsystem}.{located.entry.name}"] = located.at("name =")
    try:
        classes = app_classes(dictionary, folders)
    except (ImportError, AttributeError) as error:
        names = {app.module.split(".")[0]: app.subsystem for app in dictionary.apps}
        name = names.get(getattr(error, "name", "") or "", next(iter(names.values())))
        problem = Problem(apps[name], "app", f"the app cannot be had: {error}", "Name it as module:Class")
        raise DictionaryError([problem]) from error
    tables, ids = modules(dictionary)
    core = build(tables, ids, Hal(), BENCH_KEYS, classes)
    problems = []
    for point in dictionary.pool:
        count = core.pool.suppliers(point.index)
        if point.settable or count == 1:
            continue
        if count == 0:
            constant = point.name.upper().replace(".", "_")
            mend = f"Write core.supply(core.ids.{constant}) in the app that knows it, or remove the point"
            problems.append(Problem(places[point.name], "supply", f"nobody supplies {point.name}", mend))
        else:
            mend = "Let all but one app use core.index() instead of core.supply()"
            problems.append(Problem(places[point.name], "supply", f"{count} supply {point.name}", mend))
    if problems:
        raise DictionaryError(problems)


def load_checked(folders: Iterable[Path]) -> Dictionary:
    """load(), and every point has its supplier. Raises DictionaryError."""
    folders = list(folders)
    dictionary = load(folders)
    check_supply(dictionary, folders)
    return dictionary
