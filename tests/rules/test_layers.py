"""Imports of the flight code point one way along the way of the data.

    serial bytes -> link -> packet -> service -> app -> device

Going up, a stage may know the stages before it and never those after it: services build on packets, packets know no
service. Apps are where the way turns: they know the services that feed them and the device interfaces that they drive,
and nobody knows them. Ground (codec, limits, errors, tables, pool, hal) is below all stages and knows none of them;
topology joins everything, and only main knows it. Hardware enters through hal alone.
"""

import ast
from pathlib import PurePosixPath

import pytest

from tests.rules.repository import python_sources

GROUND = {"codec", "limits", "errors", "tables", "pool", "hal", "idle"}
MAY_IMPORT = {
    "codec": {"limits", "errors"},
    "limits": set(),
    "errors": {"limits"},
    "tables": set(),
    "pool": {"codec", "limits", "tables"},
    "hal": {"limits", "errors"},
    "idle": set(),
    "link": GROUND,
    "packet": GROUND | {"link"},
    "service": GROUND | {"link", "packet"},
    "device": GROUND,
    "app": GROUND | {"packet", "service", "device"},
    "executive": {"limits", "hal", "idle"},
    "journal": {"codec", "limits", "hal"},
    "modes": GROUND | {"packet", "service"},
    "topology": GROUND | {"link", "packet", "service", "app", "device", "executive", "journal", "modes"},
    "main": GROUND | {"topology"},
}
HARDWARE_MODULES = {"board", "machine"}
HARDWARE_STAGE = "hal"

Import = tuple[str, int]  # absolute dotted name, line


def imports_of(name: str, text: str) -> list[Import]:
    """Return every import in the file *name* (path from the root), relative ones made absolute."""
    path = PurePosixPath(name).relative_to("firmware")
    package = path.parent.parts  # both for a module and for __init__.py
    found = []
    for node in ast.walk(ast.parse(text, name)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import clcw` and `from .clcw import X` look alike: the longer name decides as well as the shorter.
            found += [(f"{stem}.{alias.name}", node.lineno) for alias in node.names]
    return found


def stage_of(dotted: str) -> str:
    """Return the stage that a dotted name below ``flight`` belongs to; empty for the package itself."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "flight" else ""


def violations(sources: dict[str, str]) -> list[str]:
    """Return one line for every import in *sources* that the rules above do not allow."""
    found = []
    for name, text in sources.items():
        own = stage_of(".".join(PurePosixPath(name).relative_to("firmware").with_suffix("").parts))
        if own == "__init__":
            own = ""
        elif own not in MAY_IMPORT:
            found.append(f"{name}: {own} is not a stage; known: {', '.join(MAY_IMPORT)} (a new one goes in MAY_IMPORT)")
            continue
        for dotted, line in imports_of(name, text):
            imported = stage_of(dotted)
            if dotted.split(".")[0] in HARDWARE_MODULES and own != HARDWARE_STAGE:
                found.append(f"{name}:{line}: only hal imports {dotted.split('.')[0]}")
            elif imported and imported != own and imported not in MAY_IMPORT.get(own, set()):
                found.append(f"{name}:{line}: {own or 'the package'} may not import {imported} ({dotted})")
    return found


def test_flight_imports_point_one_way() -> None:
    sources = python_sources("firmware/flight")
    assert sources
    assert violations(sources) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("link/farm.py", "from ..packet import x", "link may not import packet"),
        ("link/farm.py", "from .. import topology", "link may not import topology"),
        ("packet/telecommand.py", "import flight.app.power", "packet may not import app"),
        ("packet/telecommand.py", "def f():\n    from ..app.power import Power", "packet may not import app"),
        ("device/heater.py", "from ..app import x", "device may not import app"),
        ("limits.py", "from .link import clcw", "limits may not import link"),
        ("service/time.py", "import machine", "only hal imports machine"),
        ("__init__.py", "from . import main", "the package may not import main"),
        ("misplaced/x.py", "", "misplaced is not a stage"),
    ],
)
def test_an_import_against_the_way_is_found(name: str, text: str, expected: str) -> None:
    [line] = violations({f"firmware/flight/{name}": text})
    assert expected in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("packet/telecommand.py", "from ..link.clcw import X\nfrom ..limits import Y\nfrom . import header"),
        ("app/power.py", "from ..service import events\nfrom ..device.heater import Heater"),
        ("hal/board.py", "import machine\nimport time"),
        ("main.py", "from .topology import build"),
    ],
)
def test_an_import_along_the_way_passes(name: str, text: str) -> None:
    assert violations({f"firmware/flight/{name}": text}) == []
