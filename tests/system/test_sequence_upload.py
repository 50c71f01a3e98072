"""Sequences onto a board by the operators' loader: over clean, noisy and cut lines, resumed, and never run in part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from perilune.sequence.board import NoAnswer, RequestRefused
from perilune.sequence.execute import (
    StepDone,
    abort,
    abort_all,
    activate,
    content,
    delete,
    follow,
    statuses,
    step_texts,
)
from perilune.sequence.load import Loader, LoadError, LoadProgress
from perilune.sequence.octets import CompiledSequence
from perilune.telemetry.reports import HousekeepingReport, PingReport, VerificationReport

from tests.system.fingerprint import Numbers
from tests.system.sequence_line import LONG, SequenceGround, compiled
from tests.system.targets import QemuTarget, SitlTarget

CUT_S = 10.0
AWAY_S = 4.0
FIRST_PARTS = 500  # octets up that hold the beginning of the load and its first part


class Board:
    """A target, and a ground for whoever asks for one: each as another tool that has just been started."""

    def __init__(self, target: SitlTarget | QemuTarget) -> None:
        self.target = target
        self.numbers = Numbers()
        self._grounds = 0

    def ground(self, bit_error_rate: float = 0.0) -> SequenceGround:
        self._grounds += 1
        return SequenceGround(self.target, self.numbers, bit_error_rate, self._grounds)


@pytest.fixture
def board(fresh_target: SitlTarget | QemuTarget) -> Iterator[Board]:
    yield Board(fresh_target)


@pytest.fixture
def here() -> Board:
    """A board on `sitl`, for what the service's own tests show on both."""
    return Board(SitlTarget())


def run_whole(ground: SequenceGround, sequence: CompiledSequence) -> list[StepDone]:
    """Run it to its end; its steps."""
    steps: list[StepDone] = []
    execution = follow(ground.board, sequence.id, activate(ground.board, sequence.id), told=steps.append)
    assert (execution.completed, execution.failure) == (True, "")
    return steps


def pings(ground: SequenceGround) -> int:
    """Answers to the last step of LONG."""
    return sum(isinstance(report, PingReport) for report in ground.reports)


def test_64_steps_are_loaded_verified_run_and_seen(board: Board) -> None:
    ground, sequence = board.ground(), compiled()
    told: list[LoadProgress] = []
    loaded = Loader(ground.board, sequence, told=told.append).load()
    assert (loaded.steps, loaded.octets, loaded.crc) == (64, len(sequence.octets), sequence.crc)
    assert (loaded.was_there, loaded.resumed_at) == (False, 0)
    assert [progress.octets for progress in told] == sorted(progress.octets for progress in told)
    assert told[-1] == LoadProgress(len(sequence.octets), len(sequence.octets), "loaded")
    assert content(ground.board, 80) == sequence.octets
    assert step_texts(ground.board, 80)[-2:] == [
        "R00:00:00 WAIT trial.gain == 62 TIMEOUT 00:00:10",
        "R00:00:00.100 CORE.PING",
    ]
    assert [step.step for step in run_whole(ground, sequence)] == list(range(64))
    ground.run(1.0)
    reports = [report for report in ground.reports if isinstance(report, HousekeepingReport)]
    assert [report.values["trial.gain"].raw for report in reports if "trial.gain" in report.values][-1] == 62
    assert pings(ground) == 1
    assert Loader(ground.board, sequence).load().was_there


def test_over_a_line_with_bit_errors(board: Board) -> None:
    ground, sequence = board.ground(bit_error_rate=1e-4), compiled()
    assert Loader(ground.board, sequence).load().crc == sequence.crc
    assert content(ground.board, 80) == sequence.octets
    assert [step.step for step in run_whole(ground, sequence)] == list(range(64))
    assert ground.noisy.up.counters.flipped_bits + ground.noisy.down.counters.flipped_bits > 0
    delete(ground.board, 80)
    assert [row.id for row in statuses(ground.board)] == [1]


def test_with_the_line_cut_for_ten_seconds(board: Board) -> None:
    """The same tool goes on when the line is back."""
    ground, sequence = board.ground(), compiled()
    ground.line.cut_after(FIRST_PARTS, CUT_S)
    assert Loader(ground.board, sequence).load().crc == sequence.crc
    assert ground.line.lost > 0
    assert content(ground.board, 80) == sequence.octets


def test_another_tool_goes_on_where_the_first_was_broken_off(board: Board) -> None:
    """And until all of it is there, it cannot be run."""
    first, sequence = board.ground(), compiled()
    first.line.cut_after(FIRST_PARTS, AWAY_S)
    with pytest.raises(NoAnswer, match="it goes on where it was"):
        Loader(first.board, sequence, patience_s=2.0).load()
    first.ends(AWAY_S)
    second = board.ground()
    assert [row.state for row in statuses(second.board) if row.id == 80] == ["loading"]
    with pytest.raises(RequestRefused, match="STATE"):
        follow(second.board, 80, activate(second.board, 80))
    before = len(second.reports)
    loaded = Loader(second.board, sequence).load()
    assert 0 < loaded.resumed_at < len(sequence.octets)
    # Nothing was sent that the board had already.
    assert all(report.success for report in second.reports[before:] if isinstance(report, VerificationReport))
    assert not loaded.was_there
    assert pings(second) == 0
    assert len(run_whole(second, sequence)) == 64


def test_a_board_that_restarts_is_loaded_anew(board: Board) -> None:
    first, sequence = board.ground(), compiled()
    first.line.cut_after(FIRST_PARTS, AWAY_S)
    with pytest.raises(NoAnswer):
        Loader(first.board, sequence, patience_s=2.0).load()
    first.ends(AWAY_S)
    board.target.power_cut()
    board.numbers.skip()
    second = board.ground()
    assert [row.id for row in statuses(second.board)] == [1]
    loaded = Loader(second.board, sequence).load()
    assert (loaded.crc, loaded.resumed_at) == (sequence.crc, 0)
    board.target.power_cut()
    board.numbers.skip()
    third = board.ground()
    assert Loader(third.board, sequence).load().was_there
    assert len(run_whole(third, sequence)) == 64


def test_nothing_is_loaded_over_without_being_asked_to(here: Board) -> None:
    ground = here.ground()
    other = compiled("SEQUENCE 80 other\nR00:10:00 CORE.PING")
    Loader(ground.board, other).load()
    for mine in (compiled(), compiled("SEQUENCE 80 as_long\nR00:11:00 CORE.PING")):
        with pytest.raises(LoadError, match="another sequence 80 on board, loaded"):
            Loader(ground.board, mine).load()
    activate(ground.board, 80)
    ground.run(1.0)
    with pytest.raises(LoadError, match="abort"):
        Loader(ground.board, compiled(), replace=True).load()
    with pytest.raises(RequestRefused, match="STATE"):
        delete(ground.board, 80)
    abort(ground.board, 80)
    assert Loader(ground.board, compiled(), replace=True).load().crc == compiled().crc
    with pytest.raises(RequestRefused, match="STATE"):
        abort(ground.board, 80)
    with pytest.raises(RequestRefused, match="load it first"):
        follow(ground.board, 81, activate(ground.board, 81))


def test_one_of_the_dictionary_is_stood_for_and_comes_back(here: Board) -> None:
    ground, mine = here.ground(), compiled("SEQUENCE 1\nR00:00:00 CORE.PING")
    stored = content(ground.board, 1)
    assert Loader(ground.board, mine).load().crc == mine.crc
    assert content(ground.board, 1) == mine.octets
    assert len(run_whole(ground, mine)) == 1
    delete(ground.board, 1)
    assert content(ground.board, 1) == stored


def test_a_board_that_is_full_says_so(here: Board) -> None:
    ground = here.ground()
    for identifier in range(80, 88):
        Loader(ground.board, compiled(f"SEQUENCE {identifier}\nR00:10:00 CORE.PING")).load()
    with pytest.raises(RequestRefused, match="no room for sequence 88"):
        Loader(ground.board, compiled("SEQUENCE 88\nR00:10:00 CORE.PING")).load()
    for identifier in (80, 83):
        activate(ground.board, identifier)
    ground.run(1.0)
    assert sorted(abort_all(ground.board)) == [80, 83]


def test_a_step_that_fails_ends_the_run_or_not_as_the_file_says(here: Board) -> None:
    ground = here.ground()
    text = (
        "SEQUENCE 80\nR00:00:00 CORE.PING\nWAIT trial.gain == 99 TIMEOUT 00:00:00.5 ON_FAIL CONTINUE\n"
        "WAIT trial.gain == 98 TIMEOUT 00:00:00.5\nR00:00:00 CORE.PING"
    )
    Loader(ground.board, compiled(text)).load()
    steps: list[StepDone] = []
    execution = follow(ground.board, 80, activate(ground.board, 80), told=steps.append)
    assert (execution.completed, execution.step) == (False, 2)
    assert "STEP_FAILED" in execution.failure
    assert [(step.step, step.failure) for step in steps] == [(0, ""), (1, "TIMEOUT")]
    assert pings(ground) == 1


def test_a_failed_last_step_is_told_once(here: Board) -> None:
    ground = here.ground()
    text = "SEQUENCE 80\nR00:00:00 CORE.PING\nWAIT trial.gain == 99 TIMEOUT 00:00:00.5 ON_FAIL CONTINUE\n"
    Loader(ground.board, compiled(text)).load()
    steps: list[StepDone] = []
    execution = follow(ground.board, 80, activate(ground.board, 80), told=steps.append, steps=2)
    assert execution.completed
    assert [(step.step, step.failure) for step in steps] == [(0, ""), (1, "TIMEOUT")]


def test_no_part_of_it_is_ever_run() -> None:
    """For every octet at which the line may be cut off for good: refused, and no step was executed."""
    target = SitlTarget()
    sequence = compiled()
    numbers = Numbers()
    refused = 0
    for number, octets in enumerate(range(40, 1400, 97), 1):
        first = SequenceGround(target, numbers, seed=2 * number)
        first.line.cut_after(octets, AWAY_S)
        with pytest.raises(NoAnswer):
            Loader(first.board, sequence, patience_s=2.0).load()
        first.ends(AWAY_S)
        second = SequenceGround(target, numbers, seed=2 * number + 1)
        state = {row.id: row.state for row in statuses(second.board)}.get(80)
        if state != "loaded":
            with pytest.raises(RequestRefused):
                follow(second.board, 80, activate(second.board, 80))
            refused += 1
            second.run(2.0)
            assert pings(first) + pings(second) == 0
        if state is not None:
            delete(second.board, 80)
    assert refused > 10


def test_the_example_has_as_many_steps_as_there_can_be() -> None:
    assert compiled(LONG).steps == 64
