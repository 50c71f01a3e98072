"""The operators' daily commands of README.md, as they stand there, on the board that README.md starts before them."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.archive.reader import ArchiveReader
from perilune.cli import main

from tests.rules.repository import ROOT
from tests.rules.test_document_commands import commands, fenced, section

DAY = section((ROOT / "README.md").read_text(encoding="utf-8"), "Operators' daily commands")
# What takes a minute in the document takes seconds here.
SHORTER = {
    "watch (.*) --for 60s$": r"watch \1 --for 2s",
    "check --for (60s|5m)": "check --for 12s",
    "--for 60$": "--for 2",
    "(hk watch -t board)$": r"\1 --for 2s",
}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("host_tools", "firmware", ""))}


def started(command: list[str], ready: str, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A program of its own, and the line by which it said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**ENVIRONMENT, **{name: os.environ[name] for name in os.environ if name.startswith("PERILUNE_")}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if re.search(ready, line):
            return process, line
    pytest.fail(f"{command} ended: {''.join(said)}", pytrace=False)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of one's own."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PERILUNE_RUNTIME_DIR", str(folder / "run"))
    monkeypatch.setenv("PERILUNE_STATE_DIR", str(folder / "state"))
    monkeypatch.delenv("PERILUNE_CONFIG", raising=False)


def matching(word: str) -> list[str]:
    """The files that a pattern stands for; any other word as it is."""
    found = sorted(str(path) for path in Path().glob(word)) if "*" in word and not Path(word).is_absolute() else []
    return found or [word]


def typed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says; it must succeed. What takes long in a document takes less."""
    line = shlex.join(words)
    for long, short in SHORTER.items():
        line = re.sub(long, short, line)
    # As a shell does it: patterns of files become their names.
    expanded = [name for word in shlex.split(line)[1:] for name in matching(word)]
    status = main(expanded)
    captured = capsys.readouterr()
    assert status == 0, f"{line}: {captured.out}{captured.err}"
    return captured.out


def shown(document: str, *programs: str) -> list[list[str]]:
    """Commands of `perilune` that a document shows, those that begin so."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = [words for words in commands(text) if words[0] == "perilune" and words[1] in programs]
    assert found, f"{document} shows none of {programs}"
    return found


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the document, with its perilune.toml; a board on sitl, and the program that owns its port."""
    repository = tmp_path / "repository"
    repository.mkdir()
    for name in ("hil", "firmware"):
        (repository / name).symlink_to(ROOT / name)
    [copy] = [words for words in commands(DAY) if words[0] == "cp"]
    subprocess.run(copy, cwd=repository, check=True)
    desk = repository / copy[-1]
    (desk / "mission").symlink_to(ROOT / "firmware" / "dictionary" / "payload")
    at_home(desk, monkeypatch)
    [emulate] = [words for words in commands(DAY) if words[:2] == ["make", "emulate"]]
    mission = next(word for word in emulate if word.startswith("MISSION=")).removeprefix("MISSION=")
    board = ["hil.emulate", "--target", "sitl", "--plant", "--mission", mission]
    emulation, line = started(board, r"^link +socket://", repository)
    try:
        [toml] = fenced(DAY, "toml")
        port = re.search(r":(\d+)", line)
        assert port is not None
        assert "PORT" in toml
        (desk / "perilune.toml").write_text(toml.replace("127.0.0.1:PORT", f"127.0.0.1:{port[1]}"))
        [link] = [words for words in commands(DAY) if words[:2] == ["perilune", "link"]]
        owner, _ = started(["perilune.cli", *link[1:]], ".", desk)
        try:
            yield desk
        finally:
            stop(owner)
    finally:
        stop(emulation)


@pytest.mark.timeout(300)
def test_operators_daily_commands(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daily = [words for words in commands(DAY) if words[0] == "perilune" and words[1] != "link"]
    assert len(daily) > 15
    for words in daily:
        assert typed(words, capsys) or words[1] == "events", words  # there may be none in so short a time
    assert (desk / "day.png").is_file()
    assert (desk / "set_points.png").is_file()


@pytest.mark.timeout(120)
def test_checks_for_machines(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The board is as the file says that it should be, so both pass."""
    (desk / "expect.toml").write_text('[[value]]\npoint = "core.boot_count"\nequals = 1\n')
    assert main(["params", "dump", "board.toml"]) == 0
    for words in shown("host_tools/README.md", "hk", "params"):
        assert typed(words, capsys), words
    assert "testsuite" in (desk / "hk.xml").read_text(encoding="utf-8")


@pytest.mark.timeout(120)
def test_the_archive_and_exports(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = (desk / "perilune.toml").read_text(encoding="utf-8")
    port = re.search(r'"(socket://[^"]*)"', target)
    assert port is not None
    with ArchiveReader(desk / "board.sqlite") as kept:
        deadline = time.monotonic() + 60
        while kept.info()["frames"] < 20:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        octets = b"".join(b"\x1a\xcf\xfc\x1d" + bytes(frame) for frame in frames(desk / "board.sqlite"))
    (desk / "downlink.bin").write_bytes(octets)
    for words in shown("host_tools/README.md", "archive", "export"):
        assert typed(words, capsys), words
    assert (desk / "soc.csv").is_file()
    assert (desk / "build" / "yamcs").is_dir()


def frames(archive: Path) -> list[bytes]:
    """Frames in an archive, as they came."""
    with contextlib.closing(sqlite3.connect(archive)) as database:
        return [bytes(row[0]) for row in database.execute("SELECT octets FROM frame ORDER BY id")]


@pytest.mark.timeout(300)
def test_sequences_of_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("hil", "firmware"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build").mkdir()
    at_home(tmp_path, monkeypatch)
    for words in shown("hil/operations/README.md", "seq"):
        assert typed(words, capsys), words


@pytest.mark.timeout(300)
def test_a_new_payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its README's commands, in its folder, on a board with its mission."""
    assert main(["new", str(tmp_path / "my_payload")]) == 0
    folder = tmp_path / "my_payload"
    at_home(folder, monkeypatch)
    daily = shown("host_tools/perilune/template/README.md", "link", "send", "hk", "seq")
    assert daily[0][:2] == ["perilune", "link"]
    emulation, line = started(["hil.emulate", "--target", "sitl", "--mission", "mission"], r"^link +socket://", folder)
    try:
        port = re.search(r"socket://\S+", line)
        assert port is not None
        targets = (folder / "perilune.toml").read_text(encoding="utf-8")
        assert '"/dev/ttyUSB0"' in targets
        (folder / "perilune.toml").write_text(targets.replace("/dev/ttyUSB0", port[0]))
        owner, _ = started(["perilune.cli", *daily[0][1:]], ".", folder)
        try:
            for words in daily[1:]:
                assert typed(words, capsys), words
        finally:
            stop(owner)
    finally:
        stop(emulation)


@pytest.mark.timeout(300)
def test_the_scenario_and_the_board_of_the_readme_of_hil(tmp_path: Path) -> None:
    """Its two blocks of Python: a scenario, flown on sitl, and a board in QEMU at its prompt."""
    scenario, board = fenced((ROOT / "hil" / "README.md").read_text(encoding="utf-8"), "python")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["hil.plugin"]\n')
    (tmp_path / "test_scenario.py").write_text(scenario)
    own = {name: text for name, text in ENVIRONMENT.items() if not name.startswith("PYTEST_")}
    pytest_run = [sys.executable, "-m", "pytest", "-q", "--target", "sitl", "--rootdir", str(tmp_path), str(tmp_path)]
    said = subprocess.run(pytest_run, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert "1 passed" in said.stdout, said.stdout + said.stderr
    assert 'storage=Path("storage.bin")' in board
    (tmp_path / "board.py").write_text(board.replace('Path("storage.bin")', f'Path("{tmp_path / "storage.bin"}")'))
    said = subprocess.run(
        [sys.executable, str(tmp_path / "board.py")], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    assert said.stdout.strip() == "netduinoplus2", said.stdout + said.stderr
