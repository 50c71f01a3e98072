"""Dictionary folders to a checked Dictionary. Every problem is found before any is reported.

A mission gives the framework's folder and its own: load([core, mission]). Stages: files to entries (source.py), entries
to resolved definitions (definitions.py: fields, points, commands, events; behaviour.py: what refers to them), and their
constants on board (constants.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec

from .behaviour import resolve_behaviour
from .constants import check_constants
from .definitions import Resolver
from .devices import resolve_devices
from .folders import CORE, check_folders, mission_folder, named
from .model import App, Device, Dictionary
from .problem import DictionaryError, Problem, reserved_word
from .schema import Subsystem
from .source import Located, Source, dictionary_files, read
from .vocabulary import MODE_NAMES

__all__ = ["CORE", "load", "mission_folder", "resolve"]


def load(folders: Iterable[Path] = (CORE,)) -> Dictionary:
    """Read, check and resolve the dictionary in *folders*. Raises DictionaryError with every problem.

    A folder `perilune:NAME` is Perilune's own of that name.
    """
    folders = named(folders)
    problems: list[Problem] = []
    check_folders(folders or [Path()], problems)
    sources = []
    for path in dictionary_files(folders):
        source = read(path, problems)
        if source is not None:
            sources.append(source)
    apps = _apps(sources, problems)
    devices = resolve_devices(sources, folders, problems)
    dictionary, found = _resolved(tuple(sources), apps, devices)
    problems += found
    if problems:
        raise DictionaryError(problems)
    return dictionary


@lru_cache(8)  # missions
def _resolved(
    sources: tuple[Source, ...], apps: tuple[App, ...], devices: tuple[Device, ...]
) -> tuple[Dictionary, tuple[Problem, ...]]:
    problems: list[Problem] = []
    return resolve(list(sources), apps, problems, devices), tuple(problems)


def resolve(
    sources: list[Source], apps: tuple[App, ...], problems: list[Problem], devices: tuple[Device, ...] = ()
) -> Dictionary:
    """The Dictionary of *sources*; what is wrong is added to *problems*, and then the result is of no use."""
    subsystems: dict[str, Located[Subsystem]] = {}
    for source in sources:
        name = source.subsystem.entry.name
        if name in subsystems:
            other = subsystems[name].at("name")
            problems.append(
                Problem(
                    source.subsystem.at("name"),
                    "duplicate",
                    f"subsystem {name} is also in {other.path}:{other.line}",
                    "Give each file its own subsystem name",
                )
            )
        subsystems[name] = source.subsystem
    resolver = Resolver(sources, problems)
    definitions = resolver.run()
    behaviour = resolve_behaviour(sources, definitions, problems)
    dictionary = Dictionary(
        subsystems={name: located.entry.title for name, located in subsystems.items()},
        enumerations=definitions.enumerations,
        commands=definitions.commands,
        points=definitions.points,
        housekeeping=definitions.housekeeping,
        events=definitions.events,
        monitors=behaviour.monitors,
        event_actions=behaviour.event_actions,
        sequences=behaviour.sequences,
        modes=behaviour.modes,
        apps=apps,
        devices=devices,
        content_hash=b"",
    )
    check_constants(dictionary, sources, problems)
    digest = hashlib.sha256(msgspec.json.encode(dictionary, order="deterministic")).digest()
    return msgspec.structs.replace(dictionary, content_hash=digest)


def _apps(sources: list[Source], problems: list[Problem]) -> tuple[App, ...]:
    """The apps, in the order of the files."""
    apps = []
    for source in sources:
        entry = source.subsystem.entry
        if entry.app is None:
            if entry.modes is not None:
                problems.append(
                    Problem(source.subsystem.at("modes"), "app", "modes without an app", "Name the app or remove modes")
                )
            continue
        module, name = entry.app.split(":")
        problems += reserved_word(module, source.subsystem.at("app ="))
        modes = MODE_NAMES if entry.modes is None else tuple(entry.modes)
        apps.append(App(entry.name, module, name, modes))
    return tuple(apps)
