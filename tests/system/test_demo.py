"""The demo: its evening passes, and ends red when payload, housekeeping or sequence are not as they should be."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from perilune.archive.reader import ArchiveReader
from perilune.client.ground import Ground
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE
from perilune.sequence.text import load_sequence

from hil.bench import load_bench
from hil.demo.__main__ import choose, conclude, main
from hil.demo.evening import HERE, USUAL, Evening, Outcome, Plan, bench_of_the_evening
from hil.targets.make import make_plant, make_target


class Saboteur:
    """Looks on, and cuts the line to the ground while the night is looked at."""

    def __init__(self, cuts: bool = False) -> None:
        self.lines: list[str] = []
        self.evening: Evening | None = None
        self._cuts = cuts
        self._looks = 0

    def stage(self, text: str) -> None:
        self.lines.append(text)

    def line(self, text: str) -> None:
        self.lines.append(text)

    def look(self, ground: Ground, truth: dict[str, float]) -> None:
        if self._cuts and self.lines[-1] != "the operator's evening" and "the night" in self.lines:
            self._looks += 1
            assert self.evening is not None
            # From the tenth look on, eight seconds of frames do not come down.
            self.evening.transport.down = (lambda _: b"") if 10 <= self._looks < 26 else bytes


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load([CORE, *load_bench("sitl").mission_folders])


def fly(folder: Path, dictionary: Dictionary, plan: Plan = USUAL, cuts: bool = False) -> Outcome:
    bench = bench_of_the_evening(load_bench("sitl"))
    (folder / "target").mkdir()
    with make_target(bench, folder / "target") as target:
        plant = make_plant(bench)
        assert plant is not None
        target.attach(plant)
        shown = Saboteur(cuts)
        shown.evening = Evening(target, dictionary, folder, shown, plan)
        return shown.evening.run()


def wrong(outcome: Outcome) -> set[str]:
    assert not outcome.passed
    return {finding.name for finding in outcome.findings if not finding.ok}


def test_the_evening_passes_and_leaves_archive_plot_and_page(tmp_path: Path, dictionary: Dictionary) -> None:
    outcome = fly(tmp_path, dictionary)
    assert outcome.passed, [finding.line for finding in outcome.findings if not finding.ok]
    conclude(outcome, tmp_path)
    assert json.loads((tmp_path / "verdict.json").read_text())["passed"] is True
    page = (tmp_path / "report.html").read_text()
    assert "PASSED" in page
    assert "thermal.heater_stuck_on" in page
    assert "data:image/png;base64,iVBOR" in page
    assert (tmp_path / "plot.html").stat().st_size > 10_000
    with ArchiveReader(tmp_path / "archive.db") as archive:
        assert archive.info()["frames"] == outcome.frames


def test_a_fault_that_is_not_handled_ends_red(tmp_path: Path, dictionary: Dictionary) -> None:
    # Heaters are no longer watched: no current is high enough to be told.
    blind = msgspec.structs.replace(USUAL, settings={"thermal.current_a": 1.0})
    found = wrong(fly(tmp_path, dictionary, blind))
    assert {"the stuck heater was found", "the stuck heater was isolated"} <= found


def test_stale_housekeeping_ends_red(tmp_path: Path, dictionary: Dictionary) -> None:
    found = wrong(fly(tmp_path, dictionary, cuts=True))
    assert found == {"housekeeping by night", "nothing lost on the link"}


def test_a_sequence_that_fails_ends_red(tmp_path: Path, dictionary: Dictionary) -> None:
    text = USUAL.sequence.read_text()
    assert "power.instrument_a > 0.1 TIMEOUT 00:00:30" in text
    broken = tmp_path / "evening.seq"
    broken.write_text(
        text.replace("power.instrument_a > 0.1 TIMEOUT 00:00:30", "power.instrument_a > 9 TIMEOUT 00:00:05")
    )
    found = wrong(fly(tmp_path, dictionary, msgspec.structs.replace(USUAL, sequence=broken)))
    assert "the sequence came to its end" in found


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--target", "sitl", "--out", str(tmp_path / "demo")]) == 0
    assert "An evening on the Moon: PASSED" in capsys.readouterr().out
    assert main(["--target", "moon", "--out", str(tmp_path / "demo")]) == 1
    assert "bench moon" in capsys.readouterr().err


def test_qemu_is_chosen_where_renode_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RENODE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert choose("auto") in ("qemu", "renode")
    assert choose("renode") == "renode"


def test_the_sequence_is_good(dictionary: Dictionary) -> None:
    sequence, problems = load_sequence(HERE / "evening.seq", dictionary)
    assert not problems
    assert len(sequence.steps) == 13
