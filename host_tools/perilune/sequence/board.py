"""The board as loading, running and scheduling need it: requests in order, what came of them, reports as they come.

`SequenceBoard` is that interface; ground_board.py has it over a Ground. Telecommands go by COP-1: in order, none
doubled. What it cannot tell after a lost link (did it arrive?) the board is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from ..dictionary.model import Dictionary
from ..errors import PeriluneError
from ..link.session import TelecommandState
from ..telemetry import Report
from ..telemetry.reports import VerificationReport

R = TypeVar("R", bound=Report)
SERVICE = 21
# An answer that has not come by then was lost on its way: a frame with an open packet is flushed after FLUSH_MS, and a
# request waits its turn behind a few frames.
ANSWER_S = 5.0
STEP_S = 0.1
_OVER = (TelecommandState.DELIVERED, TelecommandState.SENT)
_GONE = (TelecommandState.UNCERTAIN, TelecommandState.WITHDRAWN)


class RequestRefused(PeriluneError):
    """The board refused a request, or failed to execute it."""

    exit_status = 3


class NoAnswer(PeriluneError):
    """The board did not answer in the time given."""

    exit_status = 4


class Delivery(Protocol):
    """What the link tells of a telecommand."""

    @property
    def state(self) -> TelecommandState:
        """Where it is."""


class SentRequest(msgspec.Struct, eq=False):
    """A request on its way. reports: its ST[01] reports so far; times: when each came, on the ground's clock."""

    text: str
    telecommand: Delivery
    reports: list[VerificationReport] = []

    @property
    def is_over(self) -> bool:
        """Did the report come after which nothing comes?"""
        return any(report.is_final for report in self.reports)

    @property
    def is_delivered(self) -> bool:
        """Does the board have it for sure?"""
        return bool(self.reports) or self.telecommand.state in _OVER

    @property
    def is_uncertain(self) -> bool:
        """Was it given up on its way? The board may have it or not."""
        return not self.reports and self.telecommand.state in _GONE

    @property
    def refusal(self) -> VerificationReport | None:
        """The report that says it was refused or failed."""
        return next((report for report in self.reports if report.is_final and not report.success), None)


class SequenceBoard(Protocol):
    """A board with a link to it."""

    @property
    def dictionary(self) -> Dictionary:
        """What it flies."""

    @property
    def room(self) -> int:
        """Octets of the longest telecommand packet."""

    def request(self, service: int, subtype: int, data: bytes = b"", text: str = "") -> SentRequest:
        """Queue a request with all acknowledgements for sequence-controlled transfer."""

    def step(self, timeout_s: float) -> list[Report]:
        """Let at most so long pass; the reports that came in it."""

    def now(self) -> float:
        """Seconds, monotonic."""


class Conversation:
    """Questions and requests with patience. patience_s: silence after which the board counts as unreachable."""

    def __init__(self, board: SequenceBoard, patience_s: float, answer_s: float = ANSWER_S) -> None:
        self.board = board
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._heard_s = board.now()

    def step(self, what: str) -> list[Report]:
        """Let a moment pass. Raises NoAnswer when the patience is at its end."""
        reports = self.board.step(STEP_S)
        now = self.board.now()
        if reports:
            self._heard_s = now
        elif now - self._heard_s > self._patience_s:
            raise NoAnswer(
                f"no answer to {what}",
                expected=f"something from the board within {self._patience_s:g} s",
                found="silence",
                next_step="look at `perilune link PORT`; then do the same again, it goes on where it was",
            )
        return reports

    def ask(
        self, kind: type[R], subtype: int, data: bytes = b"", match: Callable[[R], bool] = lambda _: True
    ) -> R | None:
        """The report of this kind that answers a request; None when the board refuses it. Asks again when lost."""
        self._heard_s = self.board.now()
        for _ in range(_ASKED_MOST):
            request = self.board.request(SERVICE, subtype, data)
            since = self.board.now()
            while self.board.now() - since < self._answer_s or not (request.is_delivered or request.is_uncertain):
                for report in self.step(request.text):
                    if isinstance(report, kind) and match(report):
                        return report
                if request.refusal is not None:
                    return None
                if request.is_uncertain:
                    break
        raise NoAnswer(
            f"no answer to request {SERVICE}/{subtype}",
            expected=f"a report in {_ASKED_MOST} tries",
            found="only others",
            next_step="look at `perilune link PORT`",
        )

    def finish(self, requests: list[SentRequest], told: Callable[[], None] = lambda: None) -> list[Report]:
        """Wait until each is over, or given up, or delivered and its report must have been lost.

        Returns the reports that came meanwhile.
        """
        came: list[Report] = []
        self._heard_s = self.board.now()
        last_s = self.board.now()
        known = -1
        while not all(request.is_over or request.is_uncertain for request in requests):
            now = self.board.now()
            state = sum(request.is_delivered + request.is_over for request in requests)
            if state != known:
                known, last_s = state, now
            if now - last_s > self._answer_s and all(row.is_delivered or row.is_uncertain for row in requests):
                break
            came += self.step(requests[0].text)
            told()
        return came


# A third of the answers is lost at the worst bit error rate that a link is used with (1e-4 on 260 octets: a fifth).
_ASKED_MOST = 12
