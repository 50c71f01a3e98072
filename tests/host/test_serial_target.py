"""A real board as a target: what its power switch, its reset command and its ports can do to a run."""

from __future__ import annotations

import os
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.bench import Bench, BenchError, Line, Switch
from hil.targets.errors import CapabilityMissing, ControlError
from hil.targets.serial_target import SerialTarget

SETTLE_S = 0.05
TIMEOUT_S = 5.0


class Device:
    """A serial device whose other end is ours, until it is pulled out."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._ends = [self.master, slave]

    def pull_out(self) -> None:
        while self._ends:
            os.close(self._ends.pop())


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.pull_out()


def target(folder: Path, device: Device, **fields: object) -> SerialTarget:
    given = {"target": "serial", "link": Line(device.path), "name": "mine", "folder": str(folder), **fields}
    return SerialTarget(Bench(**given), folder)  # type: ignore[arg-type]


def writes(word: str) -> list[str]:
    return ["sh", "-c", f"echo {word} >>told"]


def test_power_and_reset_are_the_commands_of_the_bench_run_in_its_folder(tmp_path: Path, device: Device) -> None:
    switch = Switch(writes("off"), writes("on"), SETTLE_S)
    with target(tmp_path, device, power=switch, reset=writes("reset")) as board:
        begin_s = time.monotonic()
        board.boot()
        assert time.monotonic() - begin_s >= SETTLE_S
        board.reset()
    assert (tmp_path / "told").read_text().split() == ["off", "on", "reset"]


def test_a_board_without_a_switch_is_reset_at_boot_and_one_without_both_is_left_alone(
    tmp_path: Path, device: Device
) -> None:
    with target(tmp_path, device, reset=writes("reset")) as board:
        board.boot()
        with pytest.raises(CapabilityMissing, match=r"mine has no power: bench mine names no \[power\]"):
            board.power_off()
    assert (tmp_path / "told").read_text().split() == ["reset"]
    with target(tmp_path, device) as board:
        board.boot()
        with pytest.raises(CapabilityMissing, match="mine has no reset: bench mine has no reset command"):
            board.reset()


@pytest.mark.parametrize("failing", ["off", "on"])
def test_a_switch_that_fails_is_told_with_its_words(tmp_path: Path, device: Device, failing: str) -> None:
    bad = ["sh", "-c", "echo too hot; exit 3"]
    switch = Switch(bad if failing == "off" else ["true"], bad if failing == "on" else ["true"], SETTLE_S)
    with target(tmp_path, device, power=switch) as board, pytest.raises(ControlError, match="ended with 3: too hot"):
        board.boot()


def test_a_command_that_is_not_there_is_told(tmp_path: Path, device: Device) -> None:
    with target(tmp_path, device, reset=["./nosuch"]) as board, pytest.raises(ControlError, match="nosuch"):
        board.reset()


def test_a_command_that_does_not_end_is_given_up(
    tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.targets.serial_target.COMMAND_TIMEOUT_S", 0.1)
    with target(tmp_path, device, reset=["sleep", "60"]) as board, pytest.raises(ControlError, match="timed out"):
        board.reset()


@pytest.mark.parametrize("line", ["link", "bus", "console"])
def test_a_port_that_is_missing_is_told_and_the_others_are_let_go(tmp_path: Path, device: Device, line: str) -> None:
    found = r"cannot open /dev/nosuchport; .* found .*No such file"
    with (
        target(tmp_path, device, **{line: Line("/dev/nosuchport")}) as board,
        pytest.raises(BenchError, match=found),
    ):
        board.boot()
    assert not board.link.is_open


def test_a_port_that_is_pulled_out_ends_the_run(tmp_path: Path, device: Device) -> None:
    with target(tmp_path, device) as board:
        board.boot()
        os.write(device.master, b"moon")
        assert board.link.read_exactly(4, TIMEOUT_S) == b"moon"
        device.pull_out()
        board.run_until(lambda: not board.link.is_open, board.deadline(TIMEOUT_S), "the end of the link")
        with pytest.raises(ControlError, match="bench mine: the port of the link has gone"):
            board.check_alive()
        with pytest.raises(ControlError):
            board.await_octets(0.01)
