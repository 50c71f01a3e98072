"""The Sequence-Controlled Service: an ordered list of data units, each delivered exactly once, over FOP-1.

The "Higher Procedures" of CCSDS 232.1-B-2 §4, which the standard leaves to the implementer: flow control on the
Wait_Queue, the choice of the Initiate directive, and what to do after an Alert. Here lives no I/O: callers feed
`send`, `receive_clcw`, `poll` and pull `next_frame`.

Why an Alert loses nothing. FOP-1 purges its queues on an Alert, and nobody knows which of the purged frames were
received. But FARM-1 only ever moves V(R) forward over frames it has accepted. So this class keeps every data unit that
was ever transmitted, with the N(S) it was given, until a CLCW says N(R) is beyond it. After an Alert it takes the
report of the next CLCW, drops what that acknowledges, sets V(S) to N(R) and sends the rest again, **each with the same
N(S) and the same bytes as before**. A copy still under way is then the same frame as the new one, and FARM-1 takes only
the first.
`stop` forgets, so after a stop that left something uncertain a new start waits until the link must be empty.

A report outside of what was transmitted is either old (a link that reorders) or not from the FARM-1 this service spoke
to (the board restarted, or another ground station commands it). It is believed only when nothing else was reported for
`foreign_report_s`; the transmitted data units are then `UNCERTAIN`, never repeated.
Better than to wait is to know: `restarted` tells that the board says so itself.
Then, and when a service takes its first report, the board may have restarted: `on_unknown_board` is told which data
units were never transmitted, and may put others in their place, or withdraw them, before FOP-1 gets them.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from .clcw import Clcw
from .fop1 import (
    SEQUENCE_MODULUS,
    AbortFrames,
    Alert,
    Directive,
    DirectiveRequest,
    Fop1,
    FrameType,
    Output,
    Response,
    Suspended,
    TransferNotification,
    TransferRequest,
    TransmitFrame,
)
from .fop1_table import AlertCode, State


class Outcome(enum.StrEnum):
    """What became of a data unit."""

    PENDING = "pending"
    DELIVERED = "delivered"  # acknowledged by a CLCW (AD)
    SENT = "sent"  # left once, and nobody will ever say whether it arrived (BD)
    UNCERTAIN = "uncertain"  # transmitted, and whether it arrived cannot be known any more
    WITHDRAWN = "withdrawn"  # never transmitted


class Phase(enum.StrEnum):
    """Where the service is."""

    STOPPED = "stopped"
    SYNCHRONISING = "synchronising"  # waits for a CLCW to start from
    INITIALISING = "initialising"  # an Initiate directive is under way
    ACTIVE = "active"


class Delivery(msgspec.Struct, eq=False):
    """One data unit on its way. `sequence` is its N(S) once it was transmitted, None before."""

    fdu: bytes
    tag: Any = None
    outcome: Outcome = Outcome.PENDING
    sequence: int | None = None


class SequenceControlledCounters(msgspec.Struct):
    """What the service went through."""

    delivered: int = 0
    expedited: int = 0
    uncertain: int = 0
    withdrawn: int = 0
    initiations: int = 0
    unlocks: int = 0
    foreign_reports: int = 0
    adopted_reports: int = 0
    aborted_frames: int = 0
    restarts: int = 0


_ACTIVE_STATES = (State.ACTIVE, State.RETRANSMIT_WITHOUT_WAIT, State.RETRANSMIT_WITH_WAIT)


class SequenceControlledService:
    """Delivers data units in order, exactly once, as long as FARM-1 keeps its V(R).

    `fop` is this service's alone. `clock` is the monotonic clock `fop` uses, `foreign_report_s` how long a report from
    outside the transmitted range must stand alone to be believed; above the longest delay of the link.
    `on_unknown_board` gets the waiting deliveries, in order; it may change their `fdu`, or withdraw them.
    """

    def __init__(
        self,
        fop: Fop1,
        clock: Callable[[], float],
        *,
        foreign_report_s: float = 10.0,
        on_unknown_board: Callable[[list[Delivery]], None] | None = None,
    ) -> None:
        self.fop = fop
        self.phase = Phase.STOPPED
        self.counters = SequenceControlledCounters()
        self._clock = clock
        self._foreign_report_s = foreign_report_s
        self._on_unknown_board = on_unknown_board
        self._pending: deque[Delivery] = deque()  # in order; the first `_transmitted` have their N(S) for good
        self._transmitted = 0
        self._fed = 0  # the first `_fed` of _pending are inside FOP-1 now
        self._base: int | None = None  # N(S) of _pending[0]; None until a CLCW was believed
        self._expedited: deque[Delivery] = deque()
        self._frames: deque[TransmitFrame] = deque()  # Type-AD and Type-BC, not yet taken
        self._expedited_frames: deque[TransmitFrame] = deque()  # Type-BD, not yet taken
        self._alerts: list[Alert] = []
        self._foreign_report: int | None = None
        self._foreign_since = 0.0
        self._quiet_until = float("-inf")

    # -- for the user --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to synchronise with FARM-1; from the next CLCW on the service looks after itself."""
        if self.phase is Phase.STOPPED:
            self.phase = Phase.SYNCHRONISING

    def stop(self) -> None:
        """End the service: what was transmitted and not acknowledged is uncertain, what waited is withdrawn."""
        self.phase = Phase.STOPPED
        self._end_service()
        if self._transmitted:
            self._quiet_until = self._clock() + self._foreign_report_s
        self._give_up_transmitted()
        while self._pending:
            self._finish(self._pending.popleft(), Outcome.WITHDRAWN)
        self._base = None

    def send(self, fdu: bytes, tag: Any = None) -> Delivery:
        """Queue a data unit for Type-AD transfer. Its `outcome` tells later what became of it."""
        delivery = Delivery(fdu, tag)
        self._pending.append(delivery)
        self._work()
        return delivery

    def send_expedited(self, fdu: bytes, tag: Any = None) -> Delivery:
        """Queue a data unit for Type-BD transfer: sent once, in any state, never acknowledged."""
        delivery = Delivery(fdu, tag)
        self._expedited.append(delivery)
        self._work()
        return delivery

    def withdraw(self, delivery: Delivery) -> bool:
        """Take back a data unit that was never transmitted. False if it is too late for that."""
        for index in range(max(self._transmitted, self._fed), len(self._pending)):
            if self._pending[index] is delivery:
                del self._pending[index]
                self._finish(delivery, Outcome.WITHDRAWN)
                return True
        return False

    def restarted(self) -> None:
        """The board has said that it restarted: nothing that was transmitted will be acknowledged, and N(R) is anew.

        Without it an N(R) that happens to lie among what was transmitted would be taken for an acknowledgement.
        """
        self.counters.restarts += 1
        self._foreign_report = None
        if self.phase is not Phase.STOPPED:
            self.phase = Phase.SYNCHRONISING
            self._end_service()
        self._give_up_transmitted()
        self._base = None

    @property
    def pending(self) -> int:
        """Type-AD data units that are neither acknowledged nor given up."""
        return len(self._pending)

    def take_alerts(self) -> list[Alert]:
        """Alerts of FOP-1 since the last call. The service has already begun to recover from them."""
        alerts = self._alerts
        self._alerts = []
        return alerts

    # -- for the link --------------------------------------------------------------------------------------------------

    def receive_clcw(self, clcw: Clcw) -> None:
        """A CLCW of this virtual channel has arrived."""
        if self.phase is Phase.INITIALISING and self._is_overtaken(clcw):
            self._end_service()
            self.phase = Phase.SYNCHRONISING
        if self.phase is Phase.SYNCHRONISING and self.fop.takes(clcw):
            self._synchronise(clcw)
        else:
            self.fop.receive_clcw(clcw)
        self._work()

    def poll(self) -> None:
        """Let time pass; call at least as often as `seconds_to_poll` says."""
        self.fop.poll()
        self._work()

    def seconds_to_poll(self) -> float | None:
        """Seconds until `poll` has something to do, None if only a CLCW or a request can change anything."""
        return self.fop.seconds_to_timer()

    def next_frame(self) -> TransmitFrame | None:
        """The next frame to send, None if there is none. Taking it is the Accept Response of the Lower Procedures."""
        queue = self._expedited_frames or self._frames
        if not queue:
            return None
        frame = queue.popleft()
        self.fop.lower_accept(frame.frame_type)
        self._work()
        return frame

    def refuse_frame(self, frame_type: FrameType) -> None:
        """A frame taken with `next_frame` could not be sent: the Reject Response, which ends in Alert[LLIF]."""
        self.fop.lower_reject(frame_type)
        self._work()

    # -- synchronisation -----------------------------------------------------------------------------------------------

    def _is_overtaken(self, clcw: Clcw) -> bool:
        """The Unlock frame did its work, but frames of before moved V(R) meanwhile: S5 would wait in vain (E13)."""
        return (
            self.fop.state is State.INITIALISING_WITH_BC_FRAME
            and not (clcw.lockout or clcw.wait or clcw.retransmit)
            and clcw.report_value != self.fop.v_s
        )

    def _synchronise(self, clcw: Clcw) -> None:
        if not clcw.is_valid_pattern or not self._believe(clcw.report_value):
            return
        clean = not (clcw.lockout or clcw.wait or clcw.retransmit)
        self.phase = Phase.INITIALISING
        self.counters.initiations += 1
        self._direct(Directive.SET_VS, clcw.report_value)
        if clean:
            self._direct(Directive.INITIATE_WITH_CLCW)
            self.fop.receive_clcw(clcw)
        else:
            self.counters.unlocks += 1
            self._direct(Directive.INITIATE_WITH_UNLOCK)
        if self.fop.state is State.INITIAL:
            self.phase = Phase.SYNCHRONISING  # rejected: the last Type-BC frame has not left yet

    def _believe(self, n_r: int) -> bool:
        """Take N(R) as the truth about FARM-1 if it can be, and settle what it acknowledges."""
        if self._base is None:
            if self._clock() < self._quiet_until:
                return False
            self._adopt(n_r)
            return True
        acknowledged = (n_r - self._base) % SEQUENCE_MODULUS
        if acknowledged <= self._transmitted:
            self._foreign_report = None
            for _ in range(acknowledged):
                self._acknowledge_first()
            return True
        self.counters.foreign_reports += 1
        if self._foreign_report != n_r:
            self._foreign_report = n_r
            self._foreign_since = self._clock()
        if self._clock() - self._foreign_since < self._foreign_report_s:
            return False
        self._foreign_report = None
        self.counters.adopted_reports += 1
        self._adopt(n_r)
        return True

    def _adopt(self, n_r: int) -> None:
        """Begin anew with a FARM-1 of which nothing but N(R) is known."""
        self._give_up_transmitted()
        self._base = n_r
        if self._on_unknown_board is not None:
            self._on_unknown_board(list(self._pending))

    def _give_up_transmitted(self) -> None:
        for _ in range(self._transmitted):
            self._finish(self._pending.popleft(), Outcome.UNCERTAIN)
        self._transmitted = 0

    def _acknowledge_first(self) -> None:
        assert self._base is not None  # only a believed report acknowledges
        self._finish(self._pending.popleft(), Outcome.DELIVERED)
        self._transmitted -= 1
        self._base = (self._base + 1) % SEQUENCE_MODULUS

    def _finish(self, delivery: Delivery, outcome: Outcome) -> None:
        delivery.outcome = outcome
        counters = self.counters
        if outcome is Outcome.DELIVERED:
            counters.delivered += 1
        elif outcome is Outcome.UNCERTAIN:
            counters.uncertain += 1
        elif outcome is Outcome.WITHDRAWN:
            counters.withdrawn += 1
        else:
            counters.expedited += 1

    # -- FOP-1's outputs and its Wait_Queue ----------------------------------------------------------------------------

    def _end_service(self) -> None:
        """Bring FOP-1 to S6 with empty queues and not suspended."""
        if self.fop.suspend_state != 0:
            # Terminate has no effect on a suspended service, and Set V(S) is rejected: only an Initiate clears SS.
            self._direct(Directive.INITIATE_WITHOUT_CLCW)
        if self.fop.state is not State.INITIAL:
            self._direct(Directive.TERMINATE)
        self._abort(FrameType.AD)
        self._abort(FrameType.BC)
        self._digest()

    def _direct(self, directive: Directive, qualifier: int = 0) -> None:
        self.fop.directive(DirectiveRequest(directive, qualifier))
        self._digest()

    def _work(self) -> None:
        """Digest what FOP-1 said and keep its Wait_Queue filled, until there is nothing left to do."""
        fop = self.fop
        self._digest()
        while self._expedited and fop.bd_out_ready:
            delivery = self._expedited.popleft()
            fop.request_bd(TransferRequest(delivery.fdu, FrameType.BD, delivery))
            self._digest()
        while fop.wait_queue is None and self._fed < len(self._pending) and fop.state in _ACTIVE_STATES:
            delivery = self._pending[self._fed]
            self._fed += 1
            fop.request_ad(TransferRequest(delivery.fdu, FrameType.AD, delivery))
            self._digest()

    def _digest(self) -> None:
        outputs = self.fop.take_outputs()
        while outputs:
            for output in outputs:
                self._digest_one(output)
            outputs = self.fop.take_outputs()
        if self.phase is Phase.SYNCHRONISING and (self._frames or self.fop.suspend_state):
            # Frames of the service that has just ended must not leave under the numbers of the next one.
            self._end_service()
        if self.phase is Phase.INITIALISING and self.fop.state in _ACTIVE_STATES:
            self.phase = Phase.ACTIVE

    def _digest_one(self, output: Output) -> None:
        if isinstance(output, TransmitFrame):
            (self._expedited_frames if output.frame_type is FrameType.BD else self._frames).append(output)
            if output.frame_type is FrameType.AD and not output.is_retransmission:
                self._note_transmission(output)
        elif isinstance(output, TransferNotification):
            self._digest_response(output)
        elif isinstance(output, AbortFrames):
            self._abort(output.frame_type)
        elif isinstance(output, Alert):
            self._alerts.append(output)
            if output.code is not AlertCode.TERM and self.phase is not Phase.STOPPED:
                self.phase = Phase.SYNCHRONISING
        elif isinstance(output, Suspended) and self.phase is not Phase.STOPPED:
            self.phase = Phase.SYNCHRONISING

    def _note_transmission(self, frame: TransmitFrame) -> None:
        assert frame.request is not None  # Type-AD frames carry a request
        delivery: Delivery = frame.request.tag
        if delivery.sequence is None:
            delivery.sequence = frame.sequence
            self._transmitted += 1

    def _digest_response(self, notification: TransferNotification) -> None:
        if notification.request.frame_type is FrameType.BD:
            if notification.response is Response.ACCEPT:
                self._finish(notification.request.tag, Outcome.SENT)
        elif notification.response is Response.POSITIVE_CONFIRM:
            assert notification.request.tag is self._pending[0]  # FOP-1 confirms in order
            self._acknowledge_first()
            self._fed -= 1
        elif notification.response in (Response.NEGATIVE_CONFIRM, Response.REJECT):
            self._fed -= 1

    def _abort(self, frame_type: FrameType) -> None:
        kept = [frame for frame in self._frames if frame.frame_type is not frame_type]
        if len(kept) != len(self._frames):
            self.counters.aborted_frames += len(self._frames) - len(kept)
            self._frames = deque(kept)
            # The Transmit Request that was dropped is answered, or its Out flag would stay Not_Ready for ever.
            self.fop.lower_accept(frame_type)
