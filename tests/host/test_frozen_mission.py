"""A mission's modules as they are frozen: they run beside a flight package whose constants are gone."""

from __future__ import annotations

import ast
from pathlib import Path

from perilune.dictionary.generate import write
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.dictionary.supply import load_checked, names_put_together
from perilune.frozen import freeze

ROOT = Path(__file__).resolve().parents[2]
TRIAL = ROOT / "tests" / "flight" / "trial"


def frozen_trial(folder: Path) -> Path:
    """The flight image's Python with the mission of the flight tests; the folder that is frozen."""
    folders = [CORE, TRIAL]
    dictionary = load_checked(folders)
    write(dictionary, folder / "generated", BENCH_KEYS, folders, names_put_together(dictionary, folders))
    freeze(ROOT / "firmware" / "flight", folder / "mission" / "flight", strip=True, mission=folder / "generated")
    return folder / "mission"


def names_at_top(path: Path) -> set[str]:
    """What can be imported from a module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def test_what_an_app_imports_is_there(tmp_path: Path) -> None:
    mission = frozen_trial(tmp_path)
    assert "DONE" not in names_at_top(mission / "flight" / "service" / "failure.py")
    imports = [
        node
        for node in ast.walk(ast.parse((mission / "trial_app.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("flight.")
    ]
    assert [node.module for node in imports] == ["flight.app.base"]
    for node in imports:
        module = mission / f"{str(node.module).replace('.', '/')}.py"
        assert {alias.name for alias in node.names} <= names_at_top(module)


def test_the_mission_keeps_its_own_definitions(tmp_path: Path) -> None:
    mission = frozen_trial(tmp_path)
    assert names_at_top(mission / "mission_tables.py") == names_at_top(tmp_path / "generated" / "mission_tables.py")


def test_names_of_the_dictionary_are_numbers_and_those_put_together_stay(tmp_path: Path) -> None:
    mission = frozen_trial(tmp_path)
    asked = set((tmp_path / "generated" / "asked_names.txt").read_text().split())
    # core_points.py asks for CORE_<port>_<counter>; topology.py for ids.EVENT_CORE_BOOT.
    assert "CORE_LINK_RX_OCTETS" in asked
    assert "EVENT_CORE_BOOT" not in asked
    assert names_at_top(mission / "mission_ids.py") == asked
    every = names_at_top(tmp_path / "generated" / "mission_ids.py")
    for path in mission.rglob("*.py"):
        left = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not left & every, path
    topology = (mission / "flight" / "topology.py").read_text(encoding="utf-8")
    assert "self._event_boot = 1\n" in topology


def test_without_the_names_put_together_all_stay(tmp_path: Path) -> None:
    folders = [CORE, TRIAL]
    write(load_checked(folders), tmp_path / "generated", BENCH_KEYS, folders)
    freeze(ROOT / "firmware" / "flight", tmp_path / "mission" / "flight", strip=True, mission=tmp_path / "generated")
    names = names_at_top(tmp_path / "mission" / "mission_ids.py")
    assert names == names_at_top(tmp_path / "generated" / "mission_ids.py")


def test_a_module_that_is_gone_is_frozen_no_more(tmp_path: Path) -> None:
    mission = frozen_trial(tmp_path)
    (tmp_path / "generated" / "trial_app.py").unlink()
    freeze(ROOT / "firmware" / "flight", mission / "flight", strip=True, mission=tmp_path / "generated")
    assert not (mission / "trial_app.py").exists()
    assert (mission / "mission_tables.py").exists()


def test_the_image_has_only_the_drivers_and_apps_that_its_mission_names(tmp_path: Path) -> None:
    trial = frozen_trial(tmp_path / "trial")
    assert (trial / "flight" / "app" / "base.py").is_file()
    assert not (trial / "flight" / "app" / "power").exists()
    assert not (trial / "flight" / "device" / "power_unit.py").exists()
    folders = [CORE, CORE / "payload"]
    write(load_checked(folders), tmp_path / "generated", BENCH_KEYS, folders)
    source = ROOT / "firmware" / "flight"
    freeze(source, tmp_path / "mission" / "flight", strip=True, mission=tmp_path / "generated")
    frozen = [path.name for path in (tmp_path / "mission" / "flight" / "app" / "power").glob("*.py")]
    assert sorted(frozen) == sorted(path.name for path in (source / "app" / "power").glob("*.py"))
    assert (tmp_path / "mission" / "flight" / "device" / "modbus_unit.py").is_file()
