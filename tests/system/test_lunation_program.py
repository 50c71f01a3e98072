"""`python -m hil.lunation`, a small part of a day of it: files, verdict, progress bar, speed."""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

import pytest

from hil import lunation
from hil.closed_loop import ClosedLoop
from hil.plant.plant import Plant

DAYS = 0.05


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_files_verdict_and_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert lunation.main(["--latitude", "45", "--days", str(DAYS), "--out", str(tmp_path)]) == 0
    for suffix, begins in ((".npz", b"PK"), (".png", b"\x89PNG"), (".html", b"<!DOCTYPE html>")):
        content = (tmp_path / f"lunation_45{suffix}").read_bytes()
        assert content.lower().startswith(begins.lower())
        assert len(content) > 2000
    out = capsys.readouterr().out
    assert "0.05 days at 45 deg" in out
    assert "NOMINAL" in out
    assert "not as expected" not in out
    drawn = terminal.getvalue().split("\r")
    assert drawn[1].startswith("lunation ░")
    assert drawn[-1].startswith(f"lunation {'█' * 32} 100 %")
    assert re.search(r"NOMINAL 8\d %", drawn[-1])


def test_what_is_not_as_expected_is_told_and_in_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    low = ClosedLoop.findings
    # 80 % of charge is not enough for this judge.
    monkeypatch.setattr(ClosedLoop, "findings", lambda loop: low(loop, soc_low=0.9))
    assert lunation.main(["--days", str(DAYS), "--out", str(tmp_path)]) == 1
    assert "not as expected: state of charge down to" in capsys.readouterr().out


@pytest.mark.parametrize("speed", ["0.5", "10001", "nan"])
def test_a_speed_that_cannot_be_is_refused(speed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        lunation.main(["--days", str(DAYS), "--out", str(tmp_path), "--speed", speed])
    assert ended.value.code == 2
    assert "--speed: expected 1 to 10000" in capsys.readouterr().err


@pytest.mark.parametrize("speed", [0.0, 0.99, 10_000.1, float("nan")])
def test_a_loop_refuses_it_too(speed: float) -> None:
    loop = ClosedLoop(Plant(0.0, 8.0))
    with pytest.raises(ValueError, match="speed: expected 1 to 10000"):
        loop.run(1.0, speed=speed)


def test_a_loop_keeps_to_its_speed() -> None:
    loop = ClosedLoop(Plant(0.0, 8.0))
    loop.run(60.0)
    began = time.monotonic()
    loop.run(100.0, speed=100.0)
    assert 0.95 < time.monotonic() - began < 5.0
