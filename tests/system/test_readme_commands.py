"""The operators' daily commands of README.md, as they stand there, on the board that README.md starts before them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from perilune.cli import main

from tests.rules.repository import ROOT
from tests.rules.test_document_commands import commands, fenced, section

DAY = section((ROOT / "README.md").read_text(encoding="utf-8"), "Operators' daily commands")
# What takes a minute in the document takes seconds here.
SHORTER = {"watch (.*) --for 60s": r"watch \1 --for 2s", "check --for 60s": "check --for 12s", "--for 60": "--for 2"}
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


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with perilune.toml from the document, a board on sitl, and the program that owns its port."""
    for name in ("hil", "firmware"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERILUNE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("PERILUNE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("PERILUNE_CONFIG", raising=False)
    [emulate] = [words for words in commands(DAY) if words[:2] == ["make", "emulate"]]
    mission = next(word for word in emulate if word.startswith("MISSION=")).removeprefix("MISSION=")
    board = ["hil.emulate", "--target", "sitl", "--plant", "--mission", mission]
    emulation, line = started(board, r"^link +socket://", tmp_path)
    try:
        [toml] = fenced(DAY, "toml")
        port = re.search(r":(\d+)", line)
        assert port is not None
        assert "PORT" in toml
        (tmp_path / "perilune.toml").write_text(toml.replace("127.0.0.1:PORT", f"127.0.0.1:{port[1]}"))
        [link] = [words for words in commands(DAY) if words[:2] == ["perilune", "link"]]
        owner, _ = started(["perilune.cli", *link[1:]], ".", tmp_path)
        try:
            yield tmp_path
        finally:
            stop(owner)
    finally:
        stop(emulation)


@pytest.mark.timeout(300)
def test_operators_daily_commands(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    daily = [words for words in commands(DAY) if words[0] == "perilune" and words[1] != "link"]
    assert len(daily) > 15
    for words in daily:
        line = shlex.join(words)
        for long, short in SHORTER.items():
            line = re.sub(rf"{long}$", short, line)
        status = main(shlex.split(line)[1:])
        captured = capsys.readouterr()
        assert status == 0, f"{line}: {captured.out}{captured.err}"
        assert captured.out or words[1] == "events", line  # there may be none in so short a time
    assert (desk / "day.png").is_file()
    assert (desk / "set_points.png").is_file()
