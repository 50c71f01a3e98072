"""Bench files: what may stand in them, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.bench import KINDS, BenchError, bench_names, load_bench

QEMU = 'target = "qemu"\nimage = "a.elf"\n'
SERIAL = 'target = "serial"\n[link]\nport = "/dev/ttyUSB0"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_is_a_bench_for_every_kind_of_target() -> None:
    assert set(bench_names()) == {*KINDS, "renode_parts", "sitl_parts"}
    assert [load_bench(name).target for name in KINDS] == list(KINDS)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    bench = load_bench(write(tmp_path, QEMU + 'missions = ["../mission", "/fixed"]\n'))
    assert bench.name == "mine"
    assert bench.image_path == tmp_path / "a.elf"
    assert bench.mission_folders == [tmp_path.parent / "mission", Path("/fixed")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('target = "moon"\n', "Invalid enum value 'moon'"),
        (QEMU + "bord = 1\n", "unknown field `bord`"),
        (QEMU + "[plant]\nlatitude = 1\n", "unknown field `latitude`"),
        (QEMU + 'name = "x"\n', "name and folder are the file's own"),
        ('target = "qemu"\n', "no program to boot; expected image"),
        ('target = "renode"\n', "no program to boot"),
        ('target = "sitl"\nimage = "a.elf"\n', "image: a sitl bench boots none"),
        ('target = "sitl"\nkeys = "keys.toml"\n', "keys: sitl has the keys of the bench"),
        (QEMU + 'reset = ["x"]\n', "reset: only a serial bench has that"),
        ('target = "serial"\n', r"a serial bench has no \[link\]"),
        (SERIAL + "[plant]\n", r"\[plant\] has no line to the board; expected \[bus\]"),
        (SERIAL + "baud = 300\n", "baud of /dev/ttyUSB0; expected 1200 to 3000000; found 300"),
        (SERIAL + '[power]\noff = []\non = ["x"]\n', "power: a command is empty"),
        (QEMU + "boot_s = 0.0\n", "boot_s; expected above 0"),
        (QEMU + "[plant]\nlatitude_deg = 91.0\n", "plant.latitude_deg; expected -90 to 90; found 91"),
        (QEMU + "[plant]\nstart_soc = 1.5\n", "plant.start_soc; expected 0 to 1; found 1.5"),
        (QEMU + "[plant]\nspeed = 100.0\n", "plant.speed; expected 1 to 60; found 100"),
        (
            QEMU + 'parts = "a.resc"\n',
            'parts; expected "memory" .sitl. or a script of Renode .renode.; found "a.resc" .qemu.',
        ),
        ('target = "sitl"\nparts = "a.resc"\n', 'parts; expected "memory"'),
        ('target = "renode"\nimage = "a.elf"\nparts = "memory"\n', 'parts; expected "memory"'),
        ("target = ", "mine.toml: "),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        load_bench(write(tmp_path, text))


def test_a_bench_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(
        BenchError, match=r"bench nosuch; expected a file, or one of qemu, renode, renode_parts, serial"
    ):
        load_bench("nosuch")
