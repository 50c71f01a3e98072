"""Flight code as it is frozen: constants in place, lines where they were, the same behaviour."""

from __future__ import annotations

import ast
import sys
import types
from pathlib import Path

import pytest
import run_unix
from perilune.frozen import Inliner, constants_of, freeze

ROOT = Path(__file__).resolve().parents[2]
FLIGHT = ROOT / "firmware" / "flight"

CONSTANTS = {"flight.limits": {"SIZE": 300, "LOW": -5}, "flight.service.x": {"OWN": 7}}


def frozen(text: str, strip: bool = False) -> str:
    return Inliner("flight.service.x", False, text, CONSTANTS, strip).run()


def test_an_imported_constant_becomes_a_number() -> None:
    text = "from ..limits import SIZE\n\ndef f(n):\n    return n < SIZE\n"
    assert frozen(text) == "pass\n\ndef f(n):\n    return n < 300\n"


def test_other_names_of_the_import_stay() -> None:
    text = "from ..limits import LOW, SIZE, make\n\nx = make(LOW, SIZE)\n"
    assert frozen(text) == "from ..limits import make\n\nx = make((-5), 300)\n"


def test_an_import_of_many_lines_keeps_the_lines_behind_it() -> None:
    text = "from ..limits import (\n    LOW,\n    SIZE as BIG,\n    make,\n)\ny = BIG\n"
    assert frozen(text) == "from ..limits import make\n\n\n\n\ny = 300\n"


def test_a_name_that_is_bound_anew_is_left_alone() -> None:
    text = "from ..limits import SIZE\n\ndef f(SIZE):\n    return SIZE\n"
    assert frozen(text) == text


def test_attributes_and_keywords_of_the_same_name_are_left_alone() -> None:
    text = "from ..limits import SIZE\nx = a.SIZE + f(SIZE=SIZE)\n"
    assert frozen(text) == "pass\nx = a.SIZE + f(SIZE=300)\n"


def test_definitions_go_only_when_stripped() -> None:
    text = "from micropython import const\nOWN = const(7)\nx = OWN\n"
    assert frozen(text) == text
    assert frozen(text, strip=True) == "from micropython import const\n\nx = 7\n"


def test_imports_for_annotations_alone_are_left_out() -> None:
    text = "from ..pool import Pool, make\n\ndef f(p: Pool) -> Pool:\n    return make(p)\n"
    assert frozen(text) == "from ..pool import make\n\ndef f(p: Pool) -> Pool:\n    return make(p)\n"


def test_true_is_no_number() -> None:
    module = types.ModuleType("flight_constants")
    vars(module).update(YES=True, ONE=1)
    sys.modules[module.__name__] = module
    try:
        assert constants_of({module.__name__: (ast.parse("YES = True\nONE = 1\n"), False)})[module.__name__] == {
            "ONE": 1
        }
    finally:
        del sys.modules[module.__name__]


@pytest.mark.parametrize("strip", [False, True])
def test_every_file_compiles_with_its_lines_where_they_were(tmp_path: Path, strip: bool) -> None:
    freeze(FLIGHT, tmp_path / "flight", strip)
    for path in sorted((tmp_path / "flight").rglob("*.py")):
        original = ast.parse((FLIGHT / path.relative_to(tmp_path / "flight")).read_text(encoding="utf-8"))
        copy = ast.parse(path.read_text(encoding="utf-8"))
        lines = [
            [node.lineno for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)] for tree in (original, copy)
        ]
        assert lines[0] == lines[1]
    assert not (tmp_path / "flight" / "codec" / "twin.py").exists()


def test_a_second_time_nothing_is_written_and_what_is_gone_goes(tmp_path: Path) -> None:
    assert freeze(FLIGHT, tmp_path / "flight", True)
    (tmp_path / "flight" / "gone.py").write_text("", encoding="utf-8")
    assert freeze(FLIGHT, tmp_path / "flight", True) == []
    assert not (tmp_path / "flight" / "gone.py").exists()


@pytest.mark.skipif(not run_unix.INTERPRETER.is_file(), reason="no unix MicroPython here: run `make unix`")
@pytest.mark.parametrize("name", ["router", "event", "housekeeping", "parameter"])
def test_the_flight_tests_pass_on_the_frozen_package(tmp_path: Path, name: str) -> None:
    """On MicroPython, which does not evaluate annotations, with the frozen package in place of the repository's."""
    freeze(FLIGHT, tmp_path / "flight", False)
    path = run_unix.HERE / f"test_service_{name}.py"
    passed, failed, _ = run_unix.run_file(path, run_unix.INTERPRETER, verbose=False, firmware=tmp_path)
    assert failed == 0
    assert passed > 5
