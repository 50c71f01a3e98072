"""Every way a command can end, on a clock moved by hand."""

from __future__ import annotations

import pytest
from perilune.client.command_run import EXIT_STATUS, UNCERTAIN_GRACE_S, CommandRun, Outcome, StageSeen
from perilune.client.link_protocol import Submission
from perilune.errors import CommandFailedError, NoAnswerError
from perilune.link.session import TelecommandState as State
from perilune.packet.pus import ACK_ACCEPTANCE, ACK_ALL, Telecommand
from perilune.telemetry.onboard_time import OnboardTime
from perilune.telemetry.reports import Failure, Header, Stage, VerificationReport


def run_of(acknowledge: int = ACK_ALL, seen: list[StageSeen] | None = None) -> CommandRun:
    telecommand = Telecommand(100, 17, 1, acknowledge=acknowledge)
    on_stage = None if seen is None else seen.append
    return CommandRun("CORE.PING", Submission(telecommand, 7), 10.0, 5.0, lambda: 0.0, on_stage)


def report(stage: Stage, success: bool = True) -> VerificationReport:
    header = Header(100, 1, 1, 0, 0, 0, OnboardTime(1))
    failure = None if success else Failure(0x84, "ARGUMENT_RANGE", 1, 9)
    return VerificationReport(header=header, raw=b"", request_id=7, stage=stage, success=success, failure=failure)


def outcome(run: CommandRun) -> Outcome | None:
    return None if run.result is None else run.result.outcome


def test_completed_with_its_stages_and_times() -> None:
    seen: list[StageSeen] = []
    run = run_of(seen=seen)
    run.submission.state = State.DELIVERED
    run.look(10.5)
    run.take(report(Stage.ACCEPTANCE), 11.0)
    run.take(report(Stage.COMPLETION), 12.0)
    assert outcome(run) is Outcome.COMPLETED
    assert [(stage.stage, stage.after_s) for stage in seen] == [
        ("delivered", 0.5),
        ("acceptance", 1.0),
        ("completion", 2.0),
    ]
    assert run.result is not None and run.result.check() is run.result
    assert "1970-01-01T00:00:00.000Z" in seen[0].line()


@pytest.mark.parametrize(("stage", "end"), [(Stage.ACCEPTANCE, Outcome.REFUSED), (Stage.COMPLETION, Outcome.FAILED)])
def test_refused_and_failed(stage: Stage, end: Outcome) -> None:
    run = run_of()
    run.take(report(stage, success=False), 11.0)
    assert run.result is not None
    assert (run.result.outcome, run.result.exit_status) == (end, 3)
    with pytest.raises(CommandFailedError, match="ARGUMENT_RANGE at 1, value 9"):
        run.result.check()


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (State.WAITING, Outcome.NOT_DELIVERED),
        (State.WITHDRAWN, Outcome.NOT_DELIVERED),
        (State.UNDER_WAY, Outcome.UNCERTAIN),
        (State.DELIVERED, Outcome.NO_REPORT),
        (State.SENT, Outcome.NO_REPORT),
    ],
)
def test_what_is_known_when_the_time_is_over(state: State, end: Outcome) -> None:
    run = run_of()
    run.submission.state = state
    assert (run.is_due(14.9), run.is_due(15.0)) == (False, True)
    run.expire(15.0)
    assert run.result is not None
    assert (run.result.outcome, run.result.exit_status) == (end, 4)
    with pytest.raises(NoAnswerError):
        run.result.check()


def test_reports_may_come_after_the_delivery_became_uncertain() -> None:
    run = run_of()
    run.submission.state = State.UNCERTAIN
    run.look(11.0)
    run.look(11.0 + UNCERTAIN_GRACE_S - 0.1)
    assert outcome(run) is None
    run.take(report(Stage.COMPLETION), 13.95)
    assert outcome(run) is Outcome.COMPLETED
    run = run_of()
    run.submission.state = State.UNCERTAIN
    run.look(11.0)
    run.look(11.0 + UNCERTAIN_GRACE_S)
    assert outcome(run) is Outcome.UNCERTAIN


def test_delivery_is_the_end_of_what_asks_for_no_completion() -> None:
    run = run_of(acknowledge=ACK_ACCEPTANCE)
    run.submission.state = State.DELIVERED
    run.look(11.0)
    assert outcome(run) is Outcome.DELIVERED


def test_every_outcome_has_its_exit_status() -> None:
    assert set(EXIT_STATUS) == set(Outcome)
