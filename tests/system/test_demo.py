"""The demo: its evening passes, and ends red when payload, housekeeping or sequence are not as they should be."""

from __future__ import annotations

import contextlib
import fcntl
import html
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import msgspec
import pytest
from perilune.archive.reader import ArchiveReader
from perilune.client.ground import Ground
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.sequence.execute import Execution
from perilune.sequence.octets import CompiledSequence
from perilune.sequence.text import load_sequence

import hil.demo.__main__
import hil.renode_package
from hil.bench import load_bench
from hil.demo.__main__ import TITLE, choose, main
from hil.demo.evening import HERE, USUAL, Evening, Plan


class CutEvening(Evening):
    """Cuts the line to the ground for eight seconds, from the twentieth look at the night on."""

    first = 20
    looks = 0

    def _is_time(self, ground: Ground) -> bool:
        return ground.mode == "SURVIVAL"

    def _looked(self, ground: Ground) -> None:
        super()._looked(ground)
        if self._is_time(ground):
            self.looks += 1
            self.transport.down = (lambda _: b"") if self.first <= self.looks < self.first + 16 else bytes


class CutDusk(CutEvening):
    """Cuts it between the end of the sequence and the night."""

    first = 2
    ended = False

    def _run_sequence(self, ground: Ground, sequence: CompiledSequence) -> Execution:
        ending = super()._run_sequence(ground, sequence)
        self.ended = True
        return ending

    def _is_time(self, ground: Ground) -> bool:
        return self.ended and ground.mode != "SURVIVAL"


class Flown:
    """An evening by the command: exit status, what it printed, what it left."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], plan: Plan = USUAL) -> None:
        self.folder = folder / "demo"
        self.status = main(["--target", "sitl", "--out", str(self.folder)], plan)
        self.printed = capsys.readouterr().out
        self.page = (self.folder / "report.html").read_text()
        self.verdict = json.loads((self.folder / "verdict.json").read_text())

    def wrong(self) -> set[str]:
        """Names of what was found wrong, of an evening that ended red in every way in which it can be seen."""
        assert self.status == 5
        assert "An evening on the Moon: FAILED" in self.printed
        assert f'<h1>{TITLE}: <span class="fail">FAILED</span></h1>' in self.page
        assert self.verdict["passed"] is False
        names = {row["name"] for row in self.verdict["findings"] if not row["ok"]}
        for name in names:
            assert f"FAIL  {name}: " in self.printed
            assert f"<td>{html.escape(name)}</td>" in self.page
        return names


def test_the_evening_passes_and_leaves_archive_plot_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flown = Flown(tmp_path, capsys)
    assert flown.status == 0, [row for row in flown.verdict["findings"] if not row["ok"]]
    assert flown.verdict["passed"] is True
    assert f'<h1>{TITLE}: <span class="ok">PASSED</span></h1>' in flown.page
    assert "data:image/png;base64,iVBOR" in flown.page
    assert (flown.folder / "plot.html").stat().st_size > 10_000
    with ArchiveReader(flown.folder / "archive.sqlite") as archive:
        assert archive.info()["frames"] > 100
        assert f"{archive.info()['frames']} frames, " in flown.page
        assert archive.info()["commands"] >= 5


def test_without_a_terminal_every_part_is_a_plain_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Flown(tmp_path, capsys).printed.splitlines()
    assert not [line for line in lines if "\x1b" in line]
    parts = (
        "== power on ==",
        "housekeeping comes: ",
        "MODES.CHANGE mode=STANDBY: delivered, acceptance, start, completion",
        "ok    housekeeping before the evening: ",
        "sequence evening: 19 steps, ",
        "step 9: WAIT night.to_sunset_s < 1800",
        "FAULT INJECTED: the heater of the radio is stuck on",
        "event [high] thermal.heater_stuck_on: The heater of RADIO is on by itself",
        "step 19: R00:00:00 THERMAL.CLEAR_SETPOINT zone=ELECTRONICS",
        "ok    the stuck heater was isolated: 0.0 W",
        "ok    housekeeping by night: ",
        "An evening on the Moon: PASSED after ",
    )
    for part in parts:
        assert [line for line in lines if part in line], part


def test_on_a_terminal_a_table_is_live(tmp_path: Path) -> None:
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    command = [sys.executable, "-m", "hil.demo", "--target", "sitl", "--out", str(tmp_path / "demo")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=secondary, stderr=secondary, stdin=secondary, env=environment) as process:
        os.close(secondary)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is gone when the last who wrote to it is
            while chunk := os.read(primary, 65536):
                shown += chunk
        assert process.wait(60) == 0
    os.close(primary)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert shown.count(b"\x1b[") > 100
    for part in ("point", "truth", "power.battery_soc", "sun", "SURVIVAL", "STUCK_ON", "PASSED"):
        assert part in text, part


def test_a_fault_that_is_not_handled_ends_red(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Heaters are no longer watched: no current is high enough to be told.
    blind = msgspec.structs.replace(USUAL, settings={"thermal.current_a": 1.0})
    found = Flown(tmp_path, capsys, blind).wrong()
    assert {"the stuck heater was found", "the stuck heater was isolated"} <= found


@pytest.mark.parametrize(("cut", "part"), [(CutDusk, "by day"), (CutEvening, "by night")])
def test_stale_housekeeping_ends_red(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cut: type[Evening], part: str
) -> None:
    monkeypatch.setattr(hil.demo.__main__, "Evening", cut)
    assert Flown(tmp_path, capsys).wrong() == {f"housekeeping {part}", "nothing lost on the link"}


def test_a_sequence_that_fails_ends_red(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = USUAL.sequence.read_text()
    assert "power.instrument_a > 0.1 TIMEOUT 00:00:30" in text
    broken = tmp_path / "evening.seq"
    broken.write_text(
        text.replace("power.instrument_a > 0.1 TIMEOUT 00:00:30", "power.instrument_a > 9 TIMEOUT 00:00:05")
    )
    found = Flown(tmp_path, capsys, msgspec.structs.replace(USUAL, sequence=broken)).wrong()
    assert "the sequence came to its end" in found


def test_an_expectation_that_does_not_hold_ends_red(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expect = tmp_path / "expect.toml"
    expect.write_text('[[value]]\npoint = "thermal.radio_fault"\nequals = "NONE"\nwhen = "last"\n')
    found = Flown(tmp_path, capsys, msgspec.structs.replace(USUAL, expect=expect)).wrong()
    assert found == {"housekeeping by night"}


def test_an_evening_that_cannot_go_on_ends_red_with_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flown = Flown(tmp_path, capsys, msgspec.structs.replace(USUAL, settings={"thermal.current_a": 1e9}))
    assert "the evening went on to its end" in flown.wrong()
    assert "thermal.current_a" in flown.printed


def test_the_command_says_why_it_cannot_fly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "moon", "--out", str(tmp_path / "demo")]) == 1
    assert "bench moon" in capsys.readouterr().err


def test_qemu_is_chosen_where_renode_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RENODE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hil.renode_package, "places", list)
    assert choose("auto") == "qemu"
    assert main(["--target", "renode", "--choose"]) == 1
    assert "Renode is not installed" in capsys.readouterr().err


def test_the_sequence_is_good() -> None:
    dictionary = load([CORE, *load_bench("sitl").mission_folders])
    sequence, problems = load_sequence(HERE / "evening.seq", dictionary)
    assert not problems
    assert len(sequence.steps) == 19
