"""Does somebody keep every point up to date? The topology is made on a workstation, without hardware, and asked.

A point that nobody supplies would be sent as zero for ever; one that two supply flickers. Both are problems of the
dictionary, with file and line.
"""

from __future__ import annotations

import dis
import re
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from flight.hal.null import Hal
from flight.topology import Core, build

from . import schema
from .apps import class_of
from .constants import constant
from .folders import named
from .generate import id_values, modules
from .keys import BENCH_KEYS
from .load import load
from .model import App, Device, Dictionary
from .problem import DictionaryError, Place, Problem
from .source import dictionary_files, read


class _Places(msgspec.Struct):
    """Where points (by name), apps (by subsystem) and drivers (by role) are named."""

    points: dict[str, Place] = {}
    apps: dict[str, Place] = {}
    devices: dict[str, Place] = {}

    def of(self, row: App | Device) -> Place:
        """Of an app or a driver."""
        return self.apps[row.subsystem] if isinstance(row, App) else self.devices[row.role]


def check_supply(dictionary: Dictionary, folders: Iterable[Path]) -> None:
    """Raise DictionaryError for every point of *dictionary* (loaded from *folders*) without exactly one supplier.

    Also for an app or a driver that is not there, or that raises something when it is made.
    """
    folders = named(folders)
    places = _places(folders)
    tables, ids = modules(dictionary)
    core = _made(dictionary, tables, ids, folders, places)
    problems = []
    for point in dictionary.pool:
        count = core.pool.suppliers(point.index)
        if point.settable or count == 1:
            continue
        if count == 0:
            mend = f"Write core.supply(core.ids.{constant(point.name)}) in the app that knows it, or remove the point"
            problems.append(Problem(places.points[point.name], "supply", f"nobody supplies {point.name}", mend))
        else:
            mend = "Let all but one app use core.index() instead of core.supply()"
            problems.append(Problem(places.points[point.name], "supply", f"{count} supply {point.name}", mend))
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
            raise AttributeError(name=name, obj=self) from None
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
    _made(dictionary, tables, ids, folders, _places(folders))
    return ids.put_together


def _places(folders: list[Path]) -> _Places:
    places = _Places()
    for path in dictionary_files(folders):
        source = read(path, [])
        if source is None:
            continue
        places.apps[source.subsystem.entry.name] = source.subsystem.at("app =")
        for located in source.of(schema.Point):
            places.points[f"{located.subsystem}.{located.entry.name}"] = located.at("name =")
        for device in source.of(schema.Device):
            places.devices[device.entry.role] = device.at("driver =")
    return places


def _made(dictionary: Dictionary, tables: ModuleType, ids: object, folders: list[Path], places: _Places) -> Core:
    """The topology. Raises DictionaryError for what apps and drivers raise, which may be anything."""
    apps = tuple(_class(app, folders, places) for app in dictionary.apps)
    drivers = tuple(_class(device, folders, places) for device in dictionary.devices)
    try:
        return build(tables, ids, Hal(), BENCH_KEYS, apps, drivers)
    except Exception as error:
        row = _raiser(error, dictionary)
        if isinstance(error, AttributeError) and error.obj is ids:
            place = next(iter(places.apps.values())) if row is None else places.of(row)
            mend = "Define the point, parameter, command or event whose name in capitals this is"
            raise DictionaryError([Problem(place, "supply", f"no {error.name}", mend)]) from error
        if row is None:
            raise
        text = f"{row.name} raises {_told(error, row.module)}"
        raise DictionaryError(
            [Problem(places.of(row), _kind(row), text, "Correct what it does at its start")]
        ) from error


def _class(row: App | Device, folders: list[Path], places: _Places) -> Any:
    try:
        return class_of(row, folders)
    except Exception as error:
        text = f"the {_kind(row)} cannot be had: {_told(error, row.module)}"
        is_there = isinstance(error, SyntaxError) or _frames(error, row.module)
        mend = "Correct its module" if is_there else "Name it as module:Class"
        raise DictionaryError([Problem(places.of(row), _kind(row), text, mend)]) from error


def _kind(row: App | Device) -> str:
    return "app" if isinstance(row, App) else "driver"


def _told(error: Exception, module: str) -> str:
    """The error's class and text, and the last line of *module* on its way."""
    frames = _frames(error, module)
    where = f" in {frames[-1][0]}:{frames[-1][1]}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def _frames(error: Exception, module: str) -> list[tuple[str, int]]:
    """File and line of each call on the way of *error* that is in *module*, the outermost first."""
    return [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if f"{frame.f_globals.get('__name__', '')}.".startswith(f"{module}.")
    ]


def _raiser(error: Exception, dictionary: Dictionary) -> App | Device | None:
    """The app or driver on the way of *error* that is nearest to it, else the one whose class it names."""
    rows: tuple[App | Device, ...] = (*dictionary.apps, *dictionary.devices)
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    for module in reversed(modules):
        for row in rows:
            if f"{module}.".startswith(f"{row.module}."):
                return row
    named = [row for row in rows if re.search(rf"\b{row.name}\b", str(error))]
    if "flight.device.devices" in modules:
        named += dictionary.devices
    return named[0] if named else None


def load_checked(folders: Iterable[Path]) -> Dictionary:
    """load(), and every point has its supplier. Raises DictionaryError."""
    folders = named(folders)
    dictionary = load(folders)
    check_supply(dictionary, folders)
    return dictionary
