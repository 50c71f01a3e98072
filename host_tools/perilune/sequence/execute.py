"""Sequences on board: what is there, run, abort, delete. ST[21] 21/3 to 21/14."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..telemetry.onboard_time import OnboardTime
from ..telemetry.reports import (
    Report,
    SequenceAbortReport,
    SequenceContentReport,
    SequenceStatus,
    SequenceStatusReport,
    Stage,
)
from .board import Conversation, NoAnswer, RequestRefused, SentRequest, SequenceBoard
from .load import PATIENCE_S
from .octets import listing

SERVICE = 21
UNLOAD, ACTIVATE, ABORT, STATUS, CONTENT, ABORT_ALL = 3, 4, 5, 6, 11, 13
# Reports of a step may be lost: then the board is asked how far it is.
QUIET_S = 15.0


class StepDone(msgspec.Struct, frozen=True):
    """A step that ended. step: from 0; utc ("" while the clock is not set), onboard: when, on the board's clock.

    failure: why it failed and was gone on from, "" when it did not, or when its report was lost.
    """

    step: int
    utc: str
    onboard: str
    failure: str = ""


class Execution(msgspec.Struct, frozen=True):
    """How a run ended. failure: why it did not come to its end, "" when it did; step: the one that it ended at."""

    id: int
    completed: bool
    step: int | None
    failure: str
    utc: str


def statuses(board: SequenceBoard, patience_s: float = PATIENCE_S) -> tuple[SequenceStatus, ...]:
    """All sequences on board."""
    report = Conversation(board, patience_s).ask(SequenceStatusReport, STATUS)
    return () if report is None else report.sequences


def step_texts(board: SequenceBoard, identifier: int, patience_s: float = PATIENCE_S) -> list[str]:
    """The steps of a sequence as they are on board, as they are typed. Raises RequestRefused when it is not loaded."""
    return [text for _, text in listing(content(board, identifier, patience_s), board.dictionary)]


def content(board: SequenceBoard, identifier: int, patience_s: float = PATIENCE_S) -> bytes:
    """The octets of a sequence on board. Raises RequestRefused when it is not loaded, NoAnswer."""
    talk = Conversation(board, patience_s)
    for _ in range(_TRIES):
        request = board.request(SERVICE, CONTENT, identifier.to_bytes(2, "big"), f"content of sequence {identifier}")
        pieces: dict[int, bytes] = {}
        since = board.now()
        while not request.is_over and not request.is_uncertain and board.now() - since < QUIET_S:
            for report in talk.step(request.text):
                if isinstance(report, SequenceContentReport) and report.id == identifier:
                    pieces[report.offset] = report.octets
        check(request)
        octets = b""
        while (piece := pieces.get(len(octets))) is not None:
            octets += piece
        if request.is_over and octets and len(octets) == sum(map(len, pieces.values())):
            return octets
    raise NoAnswer(f"the content of sequence {identifier} did not come", next_step="look at `perilune link PORT`")


def abort(board: SequenceBoard, identifier: int, patience_s: float = PATIENCE_S) -> None:
    """Stop executing it. Raises RequestRefused when it is not executed."""
    _do(board, ABORT, identifier, "abort", patience_s)


def abort_all(board: SequenceBoard, patience_s: float = PATIENCE_S) -> tuple[int, ...]:
    """Stop executing all; their ids."""
    report = Conversation(board, patience_s).ask(SequenceAbortReport, ABORT_ALL)
    return () if report is None else tuple(number for number, _ in report.sequences)


def delete(board: SequenceBoard, identifier: int, patience_s: float = PATIENCE_S) -> None:
    """Forget it. Raises RequestRefused when it is executed, or in the dictionary."""
    _do(board, UNLOAD, identifier, "delete", patience_s)


def activate(board: SequenceBoard, identifier: int) -> SentRequest:
    """Ask the board to execute it; `follow` tells what comes of it."""
    return board.request(SERVICE, ACTIVATE, identifier.to_bytes(2, "big"), f"run sequence {identifier}")


def follow(
    board: SequenceBoard,
    identifier: int,
    request: SentRequest,
    *,
    patience_s: float = PATIENCE_S,
    told: Callable[[StepDone], None] = lambda _: None,
    on_report: Callable[[Report], None] = lambda _: None,
    steps: int = 0,
) -> Execution:
    """Wait for the end of a sequence that was asked for. Steps are told once each, also those whose report was lost.

    steps: how many it has; 0: not known, then the one behind the last that was reported is taken for the last.
    """
    follower = _Follower(board, identifier, request, patience_s, told, steps)
    while not (request.is_over or follower.has_ended):
        for report in follower.talk.step(request.text):
            on_report(report)
        follower.look()
    return follower.result()


class _Follower:
    def __init__(
        self,
        board: SequenceBoard,
        identifier: int,
        request: SentRequest,
        patience_s: float,
        told: Callable[[StepDone], None],
        steps: int,
    ) -> None:
        self.talk = Conversation(board, patience_s)
        self.has_ended = False
        self._board = board
        self._id = identifier
        self._request = request
        self._told = told
        self._seen = 0
        self._next_step = 0
        self._steps = steps
        self._quiet_since_s = board.now()

    def look(self) -> None:
        """Tell the steps that have ended; ask the board when nothing came for long."""
        request = self._request
        if len(request.reports) > self._seen:
            self._quiet_since_s = self._board.now()
        for report in request.reports[self._seen :]:
            if report.stage is Stage.PROGRESS and report.step is not None:
                failure = "" if report.failure is None else report.failure.shown
                self._steps_before(report.step + 1, report.header.time, failure)
        self._seen = len(request.reports)
        if self._board.now() - self._quiet_since_s > QUIET_S and not request.is_over:
            self._ask()

    def _steps_before(self, step: int, time: OnboardTime, failure: str = "") -> None:
        """Tell the steps before *step*; failure: of the last of them."""
        for number in range(self._next_step, step):
            self._told(StepDone(number, _utc(time), time.onboard, failure if number == step - 1 else ""))
        self._next_step = max(self._next_step, step)

    def _ask(self) -> None:
        self._quiet_since_s = self._board.now()
        rows = statuses(self._board)
        row = next((row for row in rows if row.id == self._id), None)
        # The final report may come with the answer; it tells more.
        self.has_ended = row is None or row.state != "executed"

    def result(self) -> Execution:
        """How it ended."""
        request = self._request
        last = next((report for report in reversed(request.reports) if report.is_final), None)
        if last is None:
            return Execution(self._id, False, None, "it is not executed any more; its last report was lost", "")
        if last.success:
            # The last step has a report of its own only when it failed.
            self._steps_before(self._steps or self._next_step + 1, last.header.time)
            return Execution(self._id, True, None, "", _utc(last.header.time))
        if last.stage is not Stage.COMPLETION:
            check(request)
        failure = last.failure
        where = None if failure is None else failure.where
        return Execution(self._id, False, where, "" if failure is None else failure.shown, _utc(last.header.time))


def _utc(time: OnboardTime) -> str:
    """UTC, "" while nobody has set the board's clock."""
    return time.iso if time.is_set else ""


def check(request: SentRequest) -> None:
    """Raise RequestRefused when the board refused or failed it."""
    refusal = request.refusal
    if refusal is None:
        return
    failure = refusal.failure
    name = "" if failure is None else failure.name
    raise RequestRefused(
        f"the board refused: {request.text}",
        found="a failure" if failure is None else failure.shown,
        next_step=_NEXT_STEPS.get(name, "`perilune seq list` shows what is there"),
    )


def _do(board: SequenceBoard, subtype: int, identifier: int, text: str, patience_s: float) -> None:
    """A request whose outcome the status shows, should its own report be lost."""
    talk = Conversation(board, patience_s)
    for number in range(_TRIES):
        request = board.request(SERVICE, subtype, identifier.to_bytes(2, "big"), f"{text} sequence {identifier}")
        talk.finish([request])
        # Once a report was lost, a refusal may mean that it is done.
        if not number:
            check(request)
        if request.is_over:
            return
        row = next((row for row in statuses(board, patience_s) if row.id == identifier), None)
        if row is None or (subtype == ABORT and row.state != "executed"):
            return
    raise NoAnswer(f"{request.text}: nothing comes of it", next_step="look at `perilune link PORT`")


_TRIES = 6
_NEXT_STEPS = {
    "UNKNOWN_ID": "load it first: `perilune seq upload`",
    "STATE": "`perilune seq list` shows whether it is loaded and whether it is executed",
    "EXECUTIONS_FULL": "wait for one that is executed, or abort it",
}
