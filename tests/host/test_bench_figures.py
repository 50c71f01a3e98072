"""The table and the history of the benchmarks: goals, changes to the last run, lines that were cut off, exit status."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.bench import __main__ as bench
from tests.bench import downlink, through_port
from tests.bench.figures import ROOT, Figure, change, keep, last_run, run_alone, shown, table

FAST = Figure("fast", 2.0, "s", at_most=3)
SLOW = Figure("slow", 4.0, "s", at_most=3)
FEW = Figure("  few", 4.0, "1/s", at_least=5)
OTHER = Figure("explains", 7.0, "")


def test_goals_are_met_on_their_own_side() -> None:
    assert [figure.met for figure in (FAST, SLOW, FEW, OTHER)] == [True, False, False, True]
    assert Figure("at the goal", 3.0, "s", at_most=3).met
    assert [figure.goal for figure in (FAST, FEW, OTHER)] == ["at most 3", "at least 5", ""]


def test_rows_show_verdict_and_change() -> None:
    rows = table("Title", [FAST, SLOW, FEW, OTHER], {"fast": 2.5, "few": 4.0, "explains": 0.0}).splitlines()
    assert rows[0] == "Title"
    assert rows[1].split() == ["fast", "2", "s", "at", "most", "3", "met", "-20.0", "%"]
    assert rows[2].split()[-2:] == ["MISSED", "new"]
    assert rows[3].split()[-2:] == ["MISSED", "="]
    assert rows[4].split() == ["explains", "7", "was", "0"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12345678, "12,345,678"), (1234.5, "1,234"), (0.123456, "0.1235"), (16.0, "16")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert shown(value) == text


def test_change() -> None:
    assert [change(2.0, None), change(2.0, 2.0), change(3.0, 2.0)] == ["new", "=", "+50.0 %"]


def test_the_last_whole_line_of_the_same_benchmark_counts(tmp_path: Path) -> None:
    history = tmp_path / "deep" / "history.jsonl"
    assert last_run(history, "a") == {}
    keep(history, "a", [SLOW])
    keep(history, "a", [FAST, FEW])
    keep(history, "b", [OTHER])
    with history.open("a", encoding="utf-8") as file:
        file.write('{"benchmark": "a", "figures": {"fast": [1')
    assert last_run(history, "a") == {"fast": 2.0, "few": 4.0}
    line = json.loads(history.read_text(encoding="utf-8").splitlines()[1])
    assert set(line) == {"date", "version", "benchmark", "figures"}


def test_one_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = ["--history", str(tmp_path / "h")]
    assert run_alone("x", "Title", lambda: [FAST, OTHER], history) == 0
    assert run_alone("x", "Title", lambda: [SLOW], history) == 1
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.parametrize(
    "why", [OSError("no such emulator"), subprocess.TimeoutExpired("no such emulator", 60.0)], ids=["system", "time"]
)
def test_all_in_one_table(
    why: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[Figure]:
        raise why

    found = {"codec": lambda: [FAST], "board": lambda: [SLOW], "boot": broken}
    monkeypatch.setattr(bench, "BENCHMARKS", tuple(found))
    monkeypatch.setattr(
        importlib,
        "import_module",
        lambda name: SimpleNamespace(TITLE=f"of {name[12:]}", figures=found[name.removeprefix("tests.bench.bench_")]),
    )
    history = ["--history", str(tmp_path / "h")]
    assert bench.main(["codec", *history]) == 0
    assert bench.main(["codec", "boot", *history]) == 1
    assert bench.main(history) == 1
    said = capsys.readouterr()
    assert "1 of 2 goals met" in said.out
    assert said.out.endswith("MISSED: slow\nnot measured: boot\n")
    assert "no such emulator" in said.err
    assert last_run(tmp_path / "h", "board") == {"slow": 4.0}
    with pytest.raises(SystemExit):
        bench.main(["nonsense", *history])
    assert "there are codec, board, boot" in capsys.readouterr().err


def test_ctrl_c_ends_what_a_script_runs_in_its_background() -> None:
    program = "import signal; from tests import ctrl_c; ctrl_c.heed(); signal.raise_signal(signal.SIGINT)"
    run = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr.splitlines()[-1:] == ["KeyboardInterrupt"]


def test_the_operators_tool_stores_all_that_comes_through_a_port(tmp_path: Path) -> None:
    downlink.dictionary(tmp_path / "dictionary")
    rows, rate = through_port.link_rows(tmp_path, 1)
    assert [row.value for row in rows if row.name.strip() == "packets stored"] == [downlink.BLOCK]
    assert rate > 0
