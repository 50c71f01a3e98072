"""A command on its way and what became of it: delivery, then the stages of its verification (ST[01]), then an end."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import CommandFailedError, NoAnswerError
from ..link.session import TelecommandState
from ..packet.pus import ACK_COMPLETION
from ..telemetry.onboard_time import OnboardTime, iso_of_unix
from ..telemetry.reports import Failure, Report, Stage, VerificationReport
from .link_protocol import Submission

# Reports of a command whose delivery has become uncertain may still be on their way.
UNCERTAIN_GRACE_S = 3.0


class Outcome(enum.StrEnum):
    """What became of a command."""

    COMPLETED = "completed"
    DELIVERED = "delivered"  # it asked for no report of its completion
    REFUSED = "refused"  # not accepted on board
    FAILED = "failed"  # accepted, and not carried out to its end
    NOT_DELIVERED = "not delivered"  # it never left, or nobody acknowledged it
    UNCERTAIN = "uncertain"  # it left, and nothing says what became of it
    NO_REPORT = "no report"  # delivered, and not finished in the time given


EXIT_STATUS = {
    Outcome.COMPLETED: 0,
    Outcome.DELIVERED: 0,
    Outcome.REFUSED: 3,
    Outcome.FAILED: 3,
    Outcome.NOT_DELIVERED: 4,
    Outcome.UNCERTAIN: 4,
    Outcome.NO_REPORT: 4,
}

_NEXT_STEPS = {
    Outcome.NOT_DELIVERED: "look at `perilune link`, then send it again",
    Outcome.UNCERTAIN: "it may have been executed: check housekeeping before you repeat it",
    Outcome.NO_REPORT: "it was delivered: wait, or check housekeeping before you repeat it",
}


class StageSeen(msgspec.Struct, frozen=True):
    """One step of a command's life. stage: sent, delivered, or one of ST[01].

    after_s: since the command was given; received: UTC; onboard: the board's time, None for what the ground saw.
    """

    stage: str
    success: bool
    after_s: float
    received: str
    onboard: OnboardTime | None = None
    step: int | None = None
    failure: Failure | None = None

    @property
    def what(self) -> str:
        """What happened, without times."""
        step = "" if self.step is None else f" step {self.step}"
        failure = "" if self.failure is None else f": {self.failure.shown}"
        word = _WORDS.get(self.stage, self.stage) if self.success else f"NOT {_WORDS.get(self.stage, self.stage)}"
        return f"{word}{step}{failure}"

    def line(self) -> str:
        """For people."""
        onboard = (
            "" if self.onboard is None else f"  {self.onboard.iso if self.onboard.is_set else self.onboard.onboard}"
        )
        return f"{self.received}  {self.after_s:7.3f} s  {self.what}{onboard}"

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "stage": self.stage,
            "success": self.success,
            "after_s": round(self.after_s, 3),
            "received": self.received,
            "onboard": None if self.onboard is None else self.onboard.onboard,
            "onboard_utc": None if self.onboard is None or not self.onboard.is_set else self.onboard.iso,
            "step": self.step,
            "failure": None if self.failure is None else msgspec.to_builtins(self.failure),
        }


_WORDS = {
    Stage.ACCEPTANCE: "accepted",
    Stage.START: "started",
    Stage.PROGRESS: "progress",
    Stage.COMPLETION: "completed",
    "delivered": "delivered (COP-1)",
}


class CommandResult(msgspec.Struct, frozen=True):
    """How a command ended. reports: what the board answered for it, in order, verification left out."""

    text: str
    outcome: Outcome
    request_id: int | None
    stages: tuple[StageSeen, ...]
    took_s: float
    failure: Failure | None = None
    detail: str = ""
    reports: tuple[Report, ...] = ()

    @property
    def success(self) -> bool:
        """Was it carried out, as far as it asked to be told?"""
        return EXIT_STATUS[self.outcome] == 0

    @property
    def exit_status(self) -> int:
        """For the command line."""
        return EXIT_STATUS[self.outcome]

    def line(self) -> str:
        """For people."""
        why = f": {self.failure.shown}" if self.failure is not None else f": {self.detail}" if self.detail else ""
        next_step = _NEXT_STEPS.get(self.outcome, "")
        return f"{self.text}: {self.outcome}{why}{f'; try: {next_step}' if next_step else ''}"

    def check(self) -> CommandResult:
        """Itself if it is a success. Raises CommandFailedError or NoAnswerError."""
        if self.success:
            return self
        if self.exit_status == EXIT_STATUS[Outcome.FAILED]:
            found = self.failure.shown if self.failure is not None else str(self.outcome)
            raise CommandFailedError(f"{self.text} was {self.outcome} by the board", found=found)
        expected = f"its end within {self.took_s:.1f} s"
        raise NoAnswerError(
            f"{self.text}: {self.outcome}", expected=expected, found=self.detail, next_step=_NEXT_STEPS[self.outcome]
        )

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "command": self.text,
            "outcome": str(self.outcome),
            "request_id": None if self.request_id is None else f"{self.request_id:08X}",
            "took_s": round(self.took_s, 3),
            "failure": None if self.failure is None else msgspec.to_builtins(self.failure),
            "detail": self.detail,
            "stages": [stage.data() for stage in self.stages],
        }


class CommandRun:
    """A command under way. Times are seconds of the ground's clock; `wall` says what UTC it is."""

    def __init__(
        self,
        text: str,
        submission: Submission,
        now_s: float,
        timeout_s: float,
        wall: Callable[[], float],
        on_stage: Callable[[StageSeen], None] | None = None,
    ) -> None:
        self.text = text
        self.submission = submission
        self.timeout_s = timeout_s
        self.stages: list[StageSeen] = []
        self.reports: list[Report] = []
        self.result: CommandResult | None = None
        self._began_s = now_s
        self._wall = wall
        self._on_stage = on_stage
        self._told = False
        self._uncertain_s: float | None = None

    @property
    def is_over(self) -> bool:
        """Is its end known?"""
        return self.result is not None

    def take(self, report: VerificationReport, now_s: float) -> None:
        """A verification report of this request."""
        self._tell_delivery(now_s)
        self._tell(now_s, report.stage, report.success, report.header.time, report.step, report.failure)
        if report.is_final:
            if not report.success:
                outcome = Outcome.REFUSED if report.stage is Stage.ACCEPTANCE else Outcome.FAILED
                self._end(outcome, now_s, failure=report.failure)
            else:
                self._end(Outcome.COMPLETED, now_s)

    def look(self, now_s: float) -> None:
        """Let time pass: delivery, and whether it is over."""
        if self.is_over:
            return
        state = self.submission.state
        self._tell_delivery(now_s)
        if self.submission.refused:
            self._end(Outcome.NOT_DELIVERED, now_s, detail=self.submission.refused)
        elif state is TelecommandState.WITHDRAWN:
            self._end(Outcome.NOT_DELIVERED, now_s, detail="it never left")
        elif state is TelecommandState.UNCERTAIN:
            self._uncertain_s = now_s if self._uncertain_s is None else self._uncertain_s
            if now_s - self._uncertain_s >= UNCERTAIN_GRACE_S:
                self._end(Outcome.UNCERTAIN, now_s, detail="board or link ended while it was on its way")
        elif self.submission.is_decided and not self.submission.telecommand.acknowledge & ACK_COMPLETION:
            self._end(Outcome.DELIVERED, now_s)

    def expire(self, now_s: float) -> None:
        """The time is over; what is not known now is not known."""
        if self.is_over:
            return
        state = self.submission.state
        if state in (TelecommandState.DELIVERED, TelecommandState.SENT):
            self._end(Outcome.NO_REPORT, now_s, detail=f"delivered, no end within {self.timeout_s:g} s")
        elif state in (TelecommandState.WITHDRAWN, TelecommandState.WAITING):
            self._end(Outcome.NOT_DELIVERED, now_s, detail=f"not on its way within {self.timeout_s:g} s")
        elif self.stages:
            self._end(Outcome.NO_REPORT, now_s, detail=f"arrived, no end within {self.timeout_s:g} s")
        else:
            self._end(Outcome.UNCERTAIN, now_s, detail=f"sent, no acknowledgement within {self.timeout_s:g} s")

    def is_due(self, now_s: float) -> bool:
        """Is its time over?"""
        return now_s - self._began_s >= self.timeout_s

    def _tell_delivery(self, now_s: float) -> None:
        if not self._told and self.submission.state is TelecommandState.DELIVERED:
            self._told = True
            self._tell(now_s, "delivered", True, None, None, None)

    def _tell(
        self,
        now_s: float,
        stage: str,
        success: bool,
        onboard: OnboardTime | None,
        step: int | None,
        failure: Failure | None,
    ) -> None:
        seen = StageSeen(str(stage), success, now_s - self._began_s, iso_of_unix(self._wall()), onboard, step, failure)
        self.stages.append(seen)
        if self._on_stage is not None:
            self._on_stage(seen)

    def _end(self, outcome: Outcome, now_s: float, failure: Failure | None = None, detail: str = "") -> None:
        self.result = CommandResult(
            self.text,
            outcome,
            self.submission.request_id,
            tuple(self.stages),
            now_s - self._began_s,
            failure,
            detail,
            tuple(self.reports),
        )
