"""Does somebody keep every point up to date? The topology is made on a workstation, without hardware, and asked.

A point that nobody supplies would be sent as zero for ever; one that two supply flickers. Both are problems of the
dictionary, with file and line.
"""

from __future__ import annotations

import dis
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flight.hal.null import Hal
from flight.topology import build

from . import schema
from .apps import app_classes, driver_classes
from .constants import constant
from .folders import named
from .generate import id_values, modules
from .keys import BENCH_KEYS
from .load import load
from .model import App, Device, Dictionary
from .problem import DictionaryError, Place, Problem
from .source import dictionary_files, read


def check_supply(dictionary: Dictionary, folders: Iterable[Path]) -> None:
    """Raise DictionaryError for every point of *dictionary* (loaded from *folders*) without exactly one supplier."""
    folders = named(folders)
    places: dict[str, Place] = {}
    apps: dict[str, Place] = {}
    devices: dict[str, Place] = {}
    for path in dictionary_files(folders):
        source = read(path, [])
        if source is None:
            continue
        apps[source.subsystem.entry.name] = source.subsystem.at("app =")
        for located in source.of(schema.Point):
            places[f"{located.subsystem}.{located.entry.name}"] = located.at("name =")
        for device in source.of(schema.Device):
            devices[device.entry.role] = device.at("driver =")
    classes = _had(dictionary.apps, lambda: app_classes(dictionary, folders), apps)
    drivers = _had(dictionary.devices, lambda: driver_classes(dictionary, folders), devices)
    tables, ids = modules(dictionary)
    try:
        core = build(tables, ids, Hal(), BENCH_KEYS, classes, drivers)
    except AttributeError as error:
        if error.obj is not ids:
            raise
        places |= apps | devices
        place = _asked(error, dictionary, places)
        mend = "Define the point, parameter, command or event whose name in capitals this is"
        problem = Problem(place, "supply", f"no {error.name}", mend)
        raise DictionaryError([problem]) from error
    problems = []
    for point in dictionary.pool:
        count = core.pool.suppliers(point.index)
        if point.settable or count == 1:
            continue
        if count == 0:
            mend = f"Write core.supply(core.ids.{constant(point.name)}) in the app that knows it, or remove the point"
            problems.append(Problem(places[point.name], "supply", f"nobody supplies {point.name}", mend))
        else:
            mend = "Let all but one app use core.index() instead of core.supply()"
            problems.append(Problem(places[point.name], "supply", f"{count} supply {point.name}", mend))
    if problems:
        raise DictionaryError(problems)


class _Ids:
    """Names of the dictionary that note who asks with a name that is not written in its source (`getattr`)."""

    def __init__(self, values: dict[str, int]) -> None:
        self._values = values
        self.put_together: set[str] = set()

    def __getattr__(self, name: str) -> int:
        try:
            value = self._values[name]
        except KeyError:
            raise AttributeError(name) from None
        asking = sys._getframe(1)
        if not dis.opname[asking.f_code.co_code[asking.f_lasti]].startswith("LOAD_"):
            self.put_together.add(name)
        return value


def names_put_together(dictionary: Dictionary, folders: Iterable[Path]) -> set[str]:
    """Names of mission_ids that a flight program asks for by names put together at the start, as `getattr` does.

    All others stand as `ids.NAME` in its source, and are numbers in a frozen image.
    """
    folders = named(folders)
    ids = _Ids(id_values(dictionary))
    tables, _ = modules(dictionary)
    build(tables, ids, Hal(), BENCH_KEYS, app_classes(dictionary, folders), driver_classes(dictionary, folders))
    return ids.put_together


def _had(
    rows: tuple[App, ...] | tuple[Device, ...], import_them: Callable[[], tuple[Any, ...]], places: dict[str, Place]
) -> tuple[Any, ...]:
    """The classes of apps or of drivers; DictionaryError at the entry whose class cannot be had."""
    try:
        return import_them()
    except (ImportError, AttributeError) as error:
        found = getattr(error, "name", "") or ""
        # The entry whose module the error names, else the one whose class is not in its module.
        row = next((row for row in rows if row.module == found or row.module.split(".")[0] == found), None)
        row = row or next((row for row in rows if row.name in str(error)), rows[0])
        kind = "app" if isinstance(row, App) else "driver"
        key = row.subsystem if isinstance(row, App) else row.role
        problem = Problem(places[key], kind, f"the {kind} cannot be had: {error}", "Name it as module:Class")
        raise DictionaryError([problem]) from error


def _asked(error: AttributeError, dictionary: Dictionary, places: dict[str, Place]) -> Place:
    """Where the app or driver is named that asked for a name that is not there."""
    asked = {app.module: app.subsystem for app in dictionary.apps}
    asked |= {device.module: device.role for device in dictionary.devices}
    found = next(iter(places.values()))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        for name, key in asked.items():
            if module == name or module.startswith(f"{name}."):
                found = places[key]
        if module == "flight.device.devices" and dictionary.devices:
            found = places[dictionary.devices[0].role]
    return found


def load_checked(folders: Iterable[Path]) -> Dictionary:
    """load(), and every point has its supplier. Raises DictionaryError."""
    folders = named(folders)
    dictionary = load(folders)
    check_supply(dictionary, folders)
    return dictionary
