"""`perilune hk` on the flight software in this process: verdict, exit status, files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from perilune import cli
from perilune.housekeeping.duration import duration


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No perilune.toml, and nothing of this user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_a_healthy_board_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    junit = tmp_path / "hk.xml"
    assert cli.main(["hk", "check", "-t", "sitl", "--for", "3s", "--json", "--junit", str(junit)]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert ElementTree.parse(junit).getroot().get("failures") == "0"


def test_what_was_expected_and_did_not_come_has_status_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "expect.toml").write_text('[[value]]\npoint = "core.reset_cause"\nequals = "CRASH"\nwhen = "once"\n')
    assert cli.main(["hk", "check", "-t", "sitl", "--for", "3s", "--expect", "expect.toml"]) == 5
    assert "core.reset_cause was never CRASH" in capsys.readouterr().out


def test_a_wrong_file_of_expectations_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "expect.toml").write_text('[[value]]\npoint = "modes.mood"\n')
    assert cli.main(["hk", "check", "-t", "sitl", "--for", "1h", "--expect", "expect.toml"]) == 1
    assert "modes.mode" in capsys.readouterr().err


def test_watching_without_a_terminal_prints_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["hk", "watch", "core.uptime_s", "-t", "sitl", "--for", "1.5s", "--every", "0.5s"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("core.uptime_s ") for line in lines)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("60s", 60), ("5m", 300), ("1.5h", 5400), (" 2 MIN ", 120)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-3", "1d", "s", "nan", "1e3"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)
