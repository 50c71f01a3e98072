"""`perilune new`: what it makes is whole, has its own name everywhere, and never takes the place of anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from perilune.archive import ArchiveWriter
from perilune.cli import main
from perilune.client.configuration import load_configuration
from perilune.dictionary.load import CORE, mission_folder
from perilune.dictionary.supply import load_checked
from perilune.new_project import TEMPLATE, ProjectError, make_project
from perilune.sequence.text import read_sequence

from hil.bench import load_bench

ROOT = Path(__file__).resolve().parents[2]
BOARD = "netduinoplus2"
# What setup.py and pyproject.toml say is installed, put into the folder argv[1] by setuptools itself.
INSTALL = """
import runpy, sys, tomllib, setuptools
from pathlib import Path
from setuptools.command.build_py import build_py
said = {}
setuptools.setup = said.update
runpy.run_path("setup.py")
data = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
del said["cffi_modules"]
build = build_py(setuptools.Distribution({**said, "package_data": data, "script_name": "setup.py"}))
build.build_lib = sys.argv[1]
build.include_package_data = False
build.ensure_finalized()
build.run()
"""


@pytest.mark.parametrize("with_payload", [False, True])
def test_dictionary_sequence_and_benches_are_good(tmp_path: Path, with_payload: bool) -> None:
    folder = tmp_path / "sun_seeker"
    make_project(folder, "pyboard_v11", with_payload=with_payload)
    for target, board in (("sitl", None), ("qemu", BOARD), ("renode", "pyboard_v11")):
        bench = load_bench(target, folder / "benches")
        assert bench.target == target
        assert board in (None, bench.board)
        assert bench.image is None or bench.image_path == folder / "build" / bench.board / "firmware.elf"
        assert (bench.plant is not None) == with_payload
        assert bench.mission_folders == [*([CORE / "payload"] if with_payload else []), folder / "mission"]
    dictionary = load_checked([CORE, *bench.mission_folders])
    assert ("power" in dictionary.subsystems) == with_payload
    assert {command.function for command in dictionary.commands.values() if command.subsystem == "sun_seeker"} == {
        0x0300,
        0x0301,
    }
    sequence, problems = read_sequence((folder / "sequences/first_light.seq").read_text(encoding="utf-8"), dictionary)
    assert (problems, sequence is not None) == ([], True)


def test_its_name_stands_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "sun_seeker"
    made = make_project(folder, BOARD, with_payload=True)
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert set(made) == files
    assert len(files) == len([path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"])
    texts = {path: (folder / path).read_text(encoding="utf-8") for path in files}
    left = [path for path, text in texts.items() if "my_payload" in f"{path}{text}".lower() or "MyPayload" in text]
    assert left == []
    assert [path for path, text in texts.items() if "@" in text.replace("@echo", "").replace("\t@", "")] == []
    assert "class SunSeeker(App)" in texts[Path("mission/sun_seeker_app.py")]
    assert 'title = "Sun seeker"' in texts[Path("mission/sun_seeker.toml")]


def test_the_archive_of_its_board_can_be_made_and_outlives_what_is_built(tmp_path: Path) -> None:
    folder = tmp_path / "sun_seeker"
    make_project(folder, BOARD, with_payload=False)
    archive = load_configuration(folder / "perilune.toml").target("board").archive
    assert archive is not None
    ArchiveWriter(archive, load_checked([CORE])).close()
    command = tmp_path / "perilune" / ".venv" / "bin" / "perilune"  # only looked for
    command.parent.mkdir(parents=True)
    command.touch()
    subprocess.run(["make", "clean", f"PERILUNE={tmp_path / 'perilune'}"], cwd=folder, check=True)
    assert archive.is_file()
    beside = [Path(f"{archive.name}{end}") for end in ("", "-wal", "-shm", ".lock", ".detach.lock", ".days")]
    patterns = (folder / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert [path for path in beside if not any(path.match(pattern) for pattern in patterns)] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Payload", "try: perilune new my_payload"),
        ("SunSeeker", "try: perilune new sun_seeker"),
        ("2cameras", "try: perilune new cameras"),
        ("x" * 25, "24 at most"),
        ("a__b", "try: perilune new a_b"),
        ("\u00fcber", "no name for a payload"),
        ("power", "is a subsystem of Perilune"),
        ("core", "try: perilune new core_payload"),
        ("class", "is a word of Python"),
    ],
)
def test_a_name_that_cannot_be_is_told_with_one_that_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert main(["new", str(tmp_path / name)]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_exists_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("empty", "file", "dangling"):
        with pytest.raises(ProjectError, match="is there already"):
            make_project(tmp_path / name, BOARD, with_payload=False)
    assert list((tmp_path / "empty").iterdir()) == []
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_board_or_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"unknown board 'toaster'[^$]*netduinoplus2"):
        make_project(tmp_path / "x", "toaster", with_payload=False)
    with pytest.raises(ProjectError, match="there is no folder"):
        make_project(tmp_path / "gone" / "x", BOARD, with_payload=False)
    assert list(tmp_path.iterdir()) == []


def test_missions_are_found_from_a_file_or_in_perilune(tmp_path: Path) -> None:
    assert mission_folder("perilune:payload", tmp_path) == CORE / "payload"
    assert mission_folder("../mission", tmp_path / "benches") == tmp_path / "mission"


def test_an_installation_without_the_repository_has_its_data(tmp_path: Path) -> None:
    """What a wheel carries, used from there: dictionary, boards, template, benches."""
    library = tmp_path / "library"
    subprocess.run([sys.executable, "-c", INSTALL, str(library)], cwd=ROOT, check=True)
    for extension in (ROOT / "host_tools" / "perilune_codec").glob("*.so"):
        shutil.copy(extension, library / "perilune_codec")
    script = f"""
import sys
sys.path.insert(0, {str(library)!r})
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
import perilune.cli
from perilune.boards import board_names, load_board
from perilune.dictionary.load import CORE
from perilune.dictionary.supply import load_checked
assert perilune.__path__[0].startswith({str(library)!r}), perilune.__path__
assert [load_board(name).name for name in board_names()] == board_names() != []
assert len(load_checked([CORE, CORE / "payload"]).commands) > 50
assert perilune.cli.main(["new", {str(tmp_path / "probe")!r}, "--with-payload"]) == 0
from hil.bench import load_bench
from hil.plant.units import power_unit
load_bench("sitl"), power_unit()
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, env={"PATH": "/usr/bin:/bin"})
    told = subprocess.run(["make", "help"], cwd=tmp_path / "probe", capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "clone its repository" in told.stderr
