"""The app that firmware/README.md shows, exactly as it stands there: short enough, accepted, compiled, flown."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from perilune.dictionary import Dictionary
from perilune.dictionary.encode import encode
from perilune.dictionary.generate import write
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE
from perilune.dictionary.supply import load_checked

from hil.targets.sitl import Sitl
from tests.system.core_link import Ground

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "firmware" / "README.md"
MPY_CROSS = ROOT / "build" / "mpy-cross" / "mpy-cross"
BLOCK = re.compile(r"^`(lamp\.\w+)`[^\n]*\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def mission(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the README's text makes."""
    folder = tmp_path_factory.mktemp("lamp")
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert [name for name, _ in blocks] == ["lamp.toml", "lamp.py"]
    for name, text in blocks:
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dictionary(mission: Path) -> Dictionary:
    return load_checked([CORE, mission])


def test_the_whole_app_takes_less_than_40_lines(mission: Path) -> None:
    counts = [len(path.read_text(encoding="utf-8").splitlines()) for path in mission.glob("lamp.*")]
    assert len(counts) == 2
    assert sum(counts) < 40


def test_it_compiles_for_the_board(mission: Path, dictionary: Dictionary, tmp_path: Path) -> None:
    if not MPY_CROSS.is_file():
        pytest.fail(f"{MPY_CROSS} is not built: make setup", pytrace=False)
    written = write(dictionary, tmp_path, BENCH_KEYS, [CORE, mission])
    assert "lamp.py" in {path.name for path in written}
    for path in written:
        subprocess.run([MPY_CROSS, "-march=armv7emsp", "-o", str(path.with_suffix(".mpy")), str(path)], check=True)


def test_it_flies(mission: Path, dictionary: Dictionary) -> None:
    ground = Ground(Sitl([CORE, mission], dictionary=dictionary))
    ground.run(1)
    light = dictionary.command("lamp.light")
    ground.send(light.service, light.subtype, encode(light, {"seconds": 3}))
    reports = ground.run(6)
    kinds = [(report.service, report.message_subtype) for report in reports]
    assert [kind for kind in kinds if kind[0] == 1] == [(1, 1), (1, 3), (1, 7)]
    left = [report.source_data[2] for report in reports if report.source_data[:2] == b"\x00\xc8"]
    assert left[-1] == 0
    assert sorted(left, reverse=True) == left
    assert 2 in left
