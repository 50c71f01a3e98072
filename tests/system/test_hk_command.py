"""`perilune hk` on the flight software in this process: verdict, exit status, files."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from perilune import cli
from perilune.housekeeping.duration import duration
from perilune.packet.pus import unpack_telemetry

from tests.system.operators_desk import Desk
from tests.system.operators_desk import own_folders as folders_of
from tests.system.served_board import TcpBoard


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
    assert cli.main(["hk", "check", "-t", "sitl", "--for", "1h", "--expect", "expect.toml"]) == 2
    assert "modes.mode" in capsys.readouterr().err


def test_begin_and_end_are_told_on_both_clocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["hk", "check", "-t", "sitl", "--for", "2s"]
    assert cli.main(check) == 0
    out = capsys.readouterr().out
    assert re.search(r"^received 20\S+Z to 20\S+Z$", out, re.MULTILINE)
    assert re.search(r"^board time start \+ \S+ s to start \+ \S+ s$", out, re.MULTILINE)
    assert cli.main([*check, "--json", "--junit", "hk.xml"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["begin"] < told["end"]
    assert told["begin_onboard"] < told["end_onboard"]
    suite = ElementTree.parse(tmp_path / "hk.xml").getroot()
    assert suite.get("timestamp") == told["begin"][:19]
    assert {row.get("name"): row.get("value") for row in suite.iter("property")}["end"] == told["end"]


def test_a_structure_slower_than_the_check_is_told_as_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["hk", "check", "-t", "sitl", "--for", "2s", "--junit", "hk.xml"]) == 0
    out = capsys.readouterr().out
    assert "not checked, period 10 s is longer than 2 s" in next(row for row in out.splitlines() if "storage" in row)
    assert re.search(r": PASSED, \d structures not checked$", out, re.MULTILINE)
    suite = ElementTree.parse(tmp_path / "hk.xml").getroot()
    skipped = [case.get("name") for case in suite.iter("testcase") if case.find("skipped") is not None]
    assert "storage.storage" in skipped
    assert suite.get("skipped") == str(len(skipped))


def test_values_as_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    watch = ["hk", "watch", "core.uptime_s", "-t", "sitl", "--for", "1.5s", "--every", "0.5s", "--json"]
    assert cli.main(watch) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [value] = rows[-1]["values"]
    assert (value["structure"], value["name"], value["unit"]) == ("core.health", "core.uptime_s", "s")
    assert value["received"].startswith("20")
    assert value["onboard"].startswith("start + ")


def test_no_terminal_that_can_draw_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert cli.main(["hk", "watch", "core.uptime_s", "-t", "sitl", "--for", "1.5s", "--every", "0.5s"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^core.uptime_s \d s none", out, re.MULTILINE)
    assert "\x1b" not in out


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A desk whose board speaks the trial's dictionary, while the core's alone is known here."""
    with folders_of(tmp_path, monkeypatch), TcpBoard() as board:
        desk = Desk(tmp_path, board.url, capsys)
        (tmp_path / "perilune.toml").write_text(f'[targets.board]\nport = "{board.url}"\n')
        yield desk


@pytest.mark.parametrize("line", ["events", "events watch --json", "hk watch", "hk watch core --json"])
def test_another_dictionary_is_told_once_with_a_count(stranger: Desk, line: str) -> None:
    status, _, error = stranger.run(*line.split(), "--for", "4s")
    first, second = error.splitlines()
    assert status == 1
    assert "the board speaks another dictionary; expected hash" in first
    assert re.search(r"\d+ packets? could not be read \(dictionary_mismatch \d+.*\); try: ", second)


def test_a_check_keeps_the_octets_of_what_cannot_be_read(stranger: Desk) -> None:
    kept = stranger.folder / "odd.bin"
    status, out, error = stranger.run("hk", "check", "--for", "4s", "--keep", str(kept))
    assert (status, error.count("another dictionary")) == (5, 1)
    assert "FAIL" in out
    found = re.search(r"undecodable: dictionary_mismatch .*\((\d+) times\)", out)
    assert found
    octets, packets = kept.read_bytes(), []
    while octets:
        length = int.from_bytes(octets[4:6], "big") + 7
        packets.append(unpack_telemetry(octets[:length]))
        octets = octets[length:]
    assert len(packets) >= int(found[1])
    assert (3, 25) in {(packet.service, packet.subtype) for packet in packets}


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
