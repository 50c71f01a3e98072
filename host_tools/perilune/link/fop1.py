"""FOP-1, the sending end of COP-1 for one virtual channel: variables, actions, and events made from what happens.

CCSDS 232.1-B-2 §5; the state table itself is `fop1_table.TABLE`. Here lives no I/O and no clock of its own: callers
feed stimuli (`request_ad`, `request_bd`, `directive`, `receive_clcw`, `lower_accept`, `lower_reject`, `poll`) and
drain `take_outputs()`. Time is a monotonic clock in seconds, given by the caller.

Rules of this file:
* One stimulus becomes exactly one event, one event exactly one cell of the table.
* All sequence arithmetic is modulo 256.
* Sent_Queue empty means NN(R) = V(S). The standard does not say what becomes of NN(R) when the Sent_Queue is purged,
  but its table calls E2 in S4 and S5 not applicable, which holds only if purging takes NN(R) to V(S).
* The Timer is (re)started whenever a Type-AD or Type-BC frame is handed to the Lower Procedures (§5.1.9), also for a
  retransmitted one, so that T1 counts from the last frame sent and not from the first of a long queue.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from .clcw import Clcw
from .fop1_table import TABLE, Action, AlertCode, Event, State

SEQUENCE_MODULUS = 256
# 1 <= K < 256 (§5.1.12); that K also stays within FARM-1's positive window is the mission's constant to keep.
MAX_WINDOW = 255
MAX_TRANSMISSION_LIMIT = 255

CONTROL_UNLOCK = b"\x00"  # CCSDS 232.0-B-3 §4.1.3.3.2
CONTROL_SET_VR = b"\x82\x00"  # followed by V*(R), CCSDS 232.0-B-3 §4.1.3.3.3


class FrameType(enum.StrEnum):
    """Types of TC transfer frame as the Bypass and Control Command flags tell them apart."""

    AD = "AD"
    BD = "BD"
    BC = "BC"


class Directive(enum.StrEnum):
    """Directive types of CCSDS 232.1-B-2 table 4-1. The qualifier, where there is one, follows in the comment."""

    INITIATE_WITHOUT_CLCW = "Initiate AD Service (without CLCW check)"
    INITIATE_WITH_CLCW = "Initiate AD Service (with CLCW check)"
    INITIATE_WITH_UNLOCK = "Initiate AD Service (with Unlock)"
    INITIATE_WITH_SET_VR = "Initiate AD Service (with Set V(R))"  # V*(R), 0 to 255
    TERMINATE = "Terminate AD Service"
    RESUME = "Resume AD Service"
    SET_VS = "Set V(S)"  # V*(S), 0 to 255
    SET_WINDOW = "Set FOP_Sliding_Window_Width"  # frames, 1 to 255
    SET_T1 = "Set T1_Initial"  # seconds, above 0
    SET_TRANSMISSION_LIMIT = "Set Transmission_Limit"  # transmissions, 1 to 255
    SET_TIMEOUT_TYPE = "Set Timeout_Type"  # 0: Alert, 1: Suspend


class Response(enum.StrEnum):
    """Responses of FOP-1 to a request or directive, CCSDS 232.1-B-2 §4.3."""

    ACCEPT = "Accept"
    REJECT = "Reject"
    POSITIVE_CONFIRM = "Positive Confirm"
    NEGATIVE_CONFIRM = "Negative Confirm"


class TransferRequest(msgspec.Struct, eq=False):
    """A Request to Transfer FDU. `tag` is the caller's own; requests are told apart by identity."""

    fdu: bytes
    frame_type: FrameType = FrameType.AD
    tag: Any = None


class DirectiveRequest(msgspec.Struct, eq=False):
    """A Directive with its qualifier (0 where the directive has none) and the caller's own `tag`."""

    directive: Directive
    qualifier: float = 0
    tag: Any = None


class TransmitFrame(msgspec.Struct, frozen=True, eq=False):
    """Transmit Request for Frame: the Lower Procedures must answer with `lower_accept` or `lower_reject`.

    `sequence` is N(S), 0 for Type-B frames. `data` is the FDU, or the control command of a Type-BC frame.
    `request` is None for Type-BC frames.
    """

    frame_type: FrameType
    sequence: int
    data: bytes
    request: TransferRequest | None
    is_retransmission: bool = False


class AbortFrames(msgspec.Struct, frozen=True):
    """Abort Request: the Lower Procedures drop frames of this type that they hold and have not begun to send."""

    frame_type: FrameType


class TransferNotification(msgspec.Struct, frozen=True, eq=False):
    """Answer to a `TransferRequest`."""

    request: TransferRequest
    response: Response


class DirectiveNotification(msgspec.Struct, frozen=True, eq=False):
    """Answer to a `DirectiveRequest`."""

    request: DirectiveRequest
    response: Response


class Alert(msgspec.Struct, frozen=True):
    """The AD service has ended by itself; `event` is the event of the table that ended it."""

    code: AlertCode
    event: Event


class Suspended(msgspec.Struct, frozen=True):
    """The AD service is suspended; `suspend_state` (1 to 4) is the state it resumes in."""

    suspend_state: int


Output = TransmitFrame | AbortFrames | TransferNotification | DirectiveNotification | Alert | Suspended


class SentFrame:
    """A master copy on the Sent_Queue."""

    __slots__ = ("data", "frame_type", "request", "sequence", "to_be_retransmitted")

    def __init__(self, frame_type: FrameType, sequence: int, data: bytes, request: TransferRequest | None) -> None:
        self.frame_type = frame_type
        self.sequence = sequence
        self.data = data
        self.request = request
        self.to_be_retransmitted = False


class Fop1Counters(msgspec.Struct):
    """What FOP-1 has done and what it has refused, by reason."""

    ad_frames: int = 0
    bd_frames: int = 0
    bc_frames: int = 0
    retransmissions: int = 0
    timer_expiries: int = 0
    suspensions: int = 0
    rejected_requests: int = 0
    rejected_directives: int = 0
    clcws: int = 0
    dropped_clcw_other_vcid: int = 0
    dropped_clcw_not_a_clcw: int = 0
    dropped_clcw_other_cop: int = 0
    not_applicable: int = 0
    alerts: dict[AlertCode, int] = {}


class Fop1:
    """FOP-1 of one TC virtual channel.

    `clock` returns monotonic seconds. `window` is K in frames, `t1_s` T1_Initial in seconds. `transmission_limit`
    counts the first transmission too; when it is reached and the Timer expires, `timeout_type` 0 alerts, 1 suspends.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        vcid: int = 0,
        window: int = 10,
        t1_s: float = 5.0,
        transmission_limit: int = 8,
        timeout_type: int = 0,
    ) -> None:
        self.vcid = vcid
        self.state = State.INITIAL
        self.v_s = 0
        self.nn_r = 0
        self.wait_queue: TransferRequest | None = None
        self.sent_queue: deque[SentFrame] = deque()
        self.ad_out_ready = True
        self.bc_out_ready = True
        self.bd_out_ready = True
        self.t1_s = t1_s
        self.transmission_limit = transmission_limit
        self.transmission_count = 1
        self.window = window
        self.timeout_type = timeout_type
        self.suspend_state = 0
        self.timer_deadline: float | None = None
        self.pending_initiate: DirectiveRequest | None = None
        self.last_event: Event | None = None
        self.counters = Fop1Counters()
        self._clock = clock
        self._outputs: list[Output] = []
        self._n_r = 0
        self._request: TransferRequest | None = None
        self._directive: DirectiveRequest | None = None
        if not (
            self._is_valid_qualifier(Directive.SET_WINDOW, window)
            and self._is_valid_qualifier(Directive.SET_T1, t1_s)
            and self._is_valid_qualifier(Directive.SET_TRANSMISSION_LIMIT, transmission_limit)
            and self._is_valid_qualifier(Directive.SET_TIMEOUT_TYPE, timeout_type)
        ):
            raise ValueError(
                f"FOP-1 parameters out of range: window {window} (1..{MAX_WINDOW}), t1_s {t1_s} (> 0), "
                f"transmission_limit {transmission_limit} (1..{MAX_TRANSMISSION_LIMIT}), "
                f"timeout_type {timeout_type} (0, 1)"
            )

    # -- what comes out ------------------------------------------------------------------------------------------------

    def take_outputs(self) -> list[Output]:
        """What FOP-1 wants done and has to say since the last call, oldest first."""
        outputs = self._outputs
        self._outputs = []
        return outputs

    def seconds_to_timer(self) -> float | None:
        """Seconds until the Timer expires (0 if it is due), None while it is not running."""
        if self.timer_deadline is None:
            return None
        return max(0.0, self.timer_deadline - self._clock())

    # -- stimuli -------------------------------------------------------------------------------------------------------

    def request_ad(self, request: TransferRequest) -> None:
        """Request to transfer a Type-AD FDU. Answered by Accept (it left the Wait_Queue) or Reject."""
        self._request = request
        self._handle(Event.E19 if self.wait_queue is None else Event.E20)

    def request_bd(self, request: TransferRequest) -> None:
        """Request to transfer a Type-BD FDU. Answered at once by Accept or Reject; nothing is ever repeated."""
        self._request = request
        self._handle(Event.E21 if self.bd_out_ready else Event.E22)

    def directive(self, request: DirectiveRequest) -> None:
        """A Directive of the operator. An unknown one, or one with a qualifier out of range, is event E40."""
        self._directive = request
        self._handle(self._directive_event(request))

    def lower_accept(self, frame_type: FrameType) -> None:
        """The Lower Procedures have taken the frame of the last Transmit Request of this type."""
        self._handle(_LOWER_ACCEPT[frame_type])

    def lower_reject(self, frame_type: FrameType) -> None:
        """The Lower Procedures cannot take the frame of the last Transmit Request of this type."""
        self._handle(_LOWER_REJECT[frame_type])

    def receive_clcw(self, clcw: Clcw) -> None:
        """A CLCW has arrived. One for another virtual channel or another COP is counted and dropped (§5.3.2)."""
        counters = self.counters
        if clcw.control_word_type != 0:
            counters.dropped_clcw_not_a_clcw += 1
        elif clcw.cop_in_effect != 1:
            counters.dropped_clcw_other_cop += 1
        elif clcw.vcid != self.vcid:
            counters.dropped_clcw_other_vcid += 1
        else:
            counters.clcws += 1
            self._n_r = clcw.report_value
            self._handle(self._clcw_event(clcw))

    def takes(self, clcw: Clcw) -> bool:
        """Whether `clcw` is one for this FOP-1 at all; `receive_clcw` counts and drops others."""
        return clcw.control_word_type == 0 and clcw.cop_in_effect == 1 and clcw.vcid == self.vcid

    def poll(self) -> None:
        """Let the Timer expire if it is due. Call at least when `seconds_to_timer` says so."""
        if self.timer_deadline is not None and self._clock() >= self.timer_deadline:
            self.timer_deadline = None
            self.counters.timer_expiries += 1
            self._handle(self._timer_event())

    # -- which event is it ---------------------------------------------------------------------------------------------

    def _clcw_event(self, clcw: Clcw) -> Event:
        if not clcw.is_valid_pattern:
            return Event.E15
        if clcw.lockout:
            return Event.E14
        acknowledged = (clcw.report_value - self.nn_r) % SEQUENCE_MODULUS
        outstanding = (self.v_s - self.nn_r) % SEQUENCE_MODULUS
        if acknowledged > outstanding:
            return Event.E13
        if acknowledged == outstanding:
            if clcw.retransmit:
                return Event.E4
            if clcw.wait:
                return Event.E3
            return Event.E1 if acknowledged == 0 else Event.E2
        if not clcw.retransmit:
            if clcw.wait:
                return Event.E7
            return Event.E5 if acknowledged == 0 else Event.E6
        return self._retransmit_event(acknowledged != 0, clcw.wait)

    def _retransmit_event(self, acknowledges_more: bool, wait: bool) -> Event:
        if self.transmission_limit == 1:
            return Event.E101 if acknowledges_more else Event.E102
        if acknowledges_more:
            return Event.E9 if wait else Event.E8
        if self.transmission_count < self.transmission_limit:
            return Event.E11 if wait else Event.E10
        return Event.E103 if wait else Event.E12

    def _timer_event(self) -> Event:
        if self.transmission_count < self.transmission_limit:
            return Event.E16 if self.timeout_type == 0 else Event.E104
        return Event.E17 if self.timeout_type == 0 else Event.E18

    def _directive_event(self, request: DirectiveRequest) -> Event:
        directive = request.directive
        if not self._is_valid_qualifier(directive, request.qualifier):
            return Event.E40
        if directive is Directive.INITIATE_WITH_UNLOCK:
            return Event.E25 if self.bc_out_ready else Event.E26
        if directive is Directive.INITIATE_WITH_SET_VR:
            return Event.E27 if self.bc_out_ready else Event.E28
        if directive is Directive.RESUME:
            return _RESUME_EVENTS[self.suspend_state]
        if directive is Directive.SET_VS and self.suspend_state != 0:
            return Event.E35_SUSPENDED
        return _PLAIN_DIRECTIVES[directive]

    @staticmethod
    def _is_valid_qualifier(directive: Directive, qualifier: float) -> bool:
        if not isinstance(directive, Directive):
            return False
        if directive is Directive.SET_T1:
            return 0 < qualifier < float("inf")
        limits = _QUALIFIER_LIMITS.get(directive)
        return limits is None or (qualifier == int(qualifier) and limits[0] <= qualifier <= limits[1])

    # -- the state machine ---------------------------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        self.last_event = event
        actions, next_state = _COMPILED_TABLE[event][self.state - 1]
        if next_state is None:
            self.counters.not_applicable += 1
        else:
            for action in actions:
                action(self)
            self.state = next_state
        self._request = None
        self._directive = None

    # -- actions, CCSDS 232.1-B-2 §5.2 ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        self._respond(Response.ACCEPT)

    def _reject(self) -> None:
        if self._request is not None:
            self.counters.rejected_requests += 1
        else:
            self.counters.rejected_directives += 1
        self._respond(Response.REJECT)

    def _respond(self, response: Response) -> None:
        if self._request is not None:
            self._outputs.append(TransferNotification(self._request, response))
        elif self._directive is not None:
            self._outputs.append(DirectiveNotification(self._directive, response))

    def _confirm(self) -> None:
        if self._directive is not None:
            self._outputs.append(DirectiveNotification(self._directive, Response.POSITIVE_CONFIRM))
            if self.pending_initiate is self._directive:
                self.pending_initiate = None
        elif self.pending_initiate is not None:
            self._outputs.append(DirectiveNotification(self.pending_initiate, Response.POSITIVE_CONFIRM))
            self.pending_initiate = None

    def _initialise(self) -> None:
        self._purge_sent_queue()
        self._purge_wait_queue()
        self.transmission_count = 1
        self.suspend_state = 0
        self.pending_initiate = self._directive

    def _purge_sent_queue(self) -> None:
        for frame in self.sent_queue:
            if frame.request is not None:
                self._outputs.append(TransferNotification(frame.request, Response.NEGATIVE_CONFIRM))
        self.sent_queue.clear()
        self.nn_r = self.v_s

    def _purge_wait_queue(self) -> None:
        if self.wait_queue is not None:
            self._outputs.append(TransferNotification(self.wait_queue, Response.REJECT))
            self.wait_queue = None

    def _remove_acknowledged(self) -> None:
        while self.nn_r != self._n_r:
            frame = self.sent_queue.popleft()
            assert frame.request is not None  # only Type-AD frames are on the Sent_Queue in S1 to S3
            self._outputs.append(TransferNotification(frame.request, Response.POSITIVE_CONFIRM))
            self.nn_r = (self.nn_r + 1) % SEQUENCE_MODULUS
        self.transmission_count = 1

    def _release_bc(self) -> None:
        self.sent_queue.clear()

    def _look_for_fdu(self) -> None:
        if not self.ad_out_ready:
            return
        for frame in self.sent_queue:
            if frame.to_be_retransmitted:
                frame.to_be_retransmitted = False
                self.counters.retransmissions += 1
                self._transmit(frame, is_retransmission=True)
                return
        request = self.wait_queue
        if request is not None and (self.v_s - self.nn_r) % SEQUENCE_MODULUS < self.window:
            self.wait_queue = None
            self._outputs.append(TransferNotification(request, Response.ACCEPT))
            self._transmit_ad(request)

    def _transmit_ad(self, request: TransferRequest) -> None:
        if not self.sent_queue:
            self.transmission_count = 1
        frame = SentFrame(FrameType.AD, self.v_s, request.fdu, request)
        self.v_s = (self.v_s + 1) % SEQUENCE_MODULUS
        self.sent_queue.append(frame)
        self.counters.ad_frames += 1
        self._transmit(frame, is_retransmission=False)

    def _transmit_bc(self, control: bytes) -> None:
        frame = SentFrame(FrameType.BC, 0, control, None)
        self.sent_queue.append(frame)
        self.transmission_count = 1
        self.counters.bc_frames += 1
        self._transmit(frame, is_retransmission=False)

    def _transmit_unlock(self) -> None:
        self._transmit_bc(CONTROL_UNLOCK)

    def _transmit_set_vr(self) -> None:
        self._transmit_bc(CONTROL_SET_VR + bytes([self.v_s]))

    def _transmit_bd(self) -> None:
        assert self._request is not None  # E21 is made by request_bd only
        self.bd_out_ready = False
        self.counters.bd_frames += 1
        self._outputs.append(TransmitFrame(FrameType.BD, 0, self._request.fdu, self._request))

    def _transmit(self, frame: SentFrame, is_retransmission: bool) -> None:
        self._start_timer()
        if frame.frame_type is FrameType.AD:
            self.ad_out_ready = False
        else:
            self.bc_out_ready = False
        self._outputs.append(
            TransmitFrame(frame.frame_type, frame.sequence, frame.data, frame.request, is_retransmission)
        )

    def _look_for_directive(self) -> None:
        if not self.bc_out_ready:
            return
        for frame in self.sent_queue:
            if frame.frame_type is FrameType.BC and frame.to_be_retransmitted:
                frame.to_be_retransmitted = False
                self.counters.retransmissions += 1
                self._transmit(frame, is_retransmission=True)
                return

    def _add_to_wait_queue(self) -> None:
        self.wait_queue = self._request

    def _retransmit_ad(self) -> None:
        self._retransmit_all(FrameType.AD)

    def _retransmit_bc(self) -> None:
        self._retransmit_all(FrameType.BC)

    def _retransmit_all(self, frame_type: FrameType) -> None:
        self._outputs.append(AbortFrames(frame_type))
        self.transmission_count += 1
        self._start_timer()
        for frame in self.sent_queue:
            frame.to_be_retransmitted = True

    def _start_timer(self) -> None:
        self.timer_deadline = self._clock() + self.t1_s

    def _cancel_timer(self) -> None:
        self.timer_deadline = None

    def _suspend(self) -> None:
        self.suspend_state = int(self.state)
        self.counters.suspensions += 1
        self._outputs.append(Suspended(self.suspend_state))

    def _resume(self) -> None:
        self._start_timer()
        self.suspend_state = 0

    def _set_vs(self) -> None:
        assert self._directive is not None  # E27 and E35 are made by directive() only
        self.v_s = self.nn_r = int(self._directive.qualifier)

    def _set_window(self) -> None:
        assert self._directive is not None  # E36 is made by directive() only
        self.window = int(self._directive.qualifier)

    def _set_t1(self) -> None:
        assert self._directive is not None  # E37 is made by directive() only
        self.t1_s = float(self._directive.qualifier)

    def _set_limit(self) -> None:
        assert self._directive is not None  # E38 is made by directive() only
        self.transmission_limit = int(self._directive.qualifier)

    def _set_timeout_type(self) -> None:
        assert self._directive is not None  # E39 is made by directive() only
        self.timeout_type = int(self._directive.qualifier)

    def _ad_out(self) -> None:
        self.ad_out_ready = True

    def _bc_out(self) -> None:
        self.bc_out_ready = True

    def _bd_out(self) -> None:
        self.bd_out_ready = True

    def _alert(self, code: AlertCode) -> None:
        assert self.last_event is not None  # an action runs inside an event
        self._cancel_timer()
        self._purge_sent_queue()
        self._purge_wait_queue()
        if self.pending_initiate is not None:
            self._outputs.append(DirectiveNotification(self.pending_initiate, Response.NEGATIVE_CONFIRM))
            self.pending_initiate = None
        self.counters.alerts[code] = self.counters.alerts.get(code, 0) + 1
        self._outputs.append(Alert(code, self.last_event))


_LOWER_ACCEPT = {FrameType.AD: Event.E41, FrameType.BC: Event.E43, FrameType.BD: Event.E45}
_LOWER_REJECT = {FrameType.AD: Event.E42, FrameType.BC: Event.E44, FrameType.BD: Event.E46}
_RESUME_EVENTS = (Event.E30, Event.E31, Event.E32, Event.E33, Event.E34)
_PLAIN_DIRECTIVES = {
    Directive.INITIATE_WITHOUT_CLCW: Event.E23,
    Directive.INITIATE_WITH_CLCW: Event.E24,
    Directive.TERMINATE: Event.E29,
    Directive.SET_VS: Event.E35,
    Directive.SET_WINDOW: Event.E36,
    Directive.SET_T1: Event.E37,
    Directive.SET_TRANSMISSION_LIMIT: Event.E38,
    Directive.SET_TIMEOUT_TYPE: Event.E39,
}
_QUALIFIER_LIMITS = {
    Directive.INITIATE_WITH_SET_VR: (0, SEQUENCE_MODULUS - 1),
    Directive.SET_VS: (0, SEQUENCE_MODULUS - 1),
    Directive.SET_WINDOW: (1, MAX_WINDOW),
    Directive.SET_TRANSMISSION_LIMIT: (1, MAX_TRANSMISSION_LIMIT),
    Directive.SET_TIMEOUT_TYPE: (0, 1),
}


def _alert_with(code: AlertCode) -> Callable[[Fop1], None]:
    def alert(fop: Fop1) -> None:
        fop._alert(code)

    return alert


_ACTIONS: dict[Action, Callable[[Fop1], None]] = {
    Action.ACCEPT: Fop1._accept,
    Action.REJECT: Fop1._reject,
    Action.CONFIRM: Fop1._confirm,
    Action.INITIALISE: Fop1._initialise,
    Action.REMOVE_ACKNOWLEDGED: Fop1._remove_acknowledged,
    Action.RELEASE_BC: Fop1._release_bc,
    Action.LOOK_FOR_FDU: Fop1._look_for_fdu,
    Action.LOOK_FOR_DIRECTIVE: Fop1._look_for_directive,
    Action.ADD_TO_WAIT_QUEUE: Fop1._add_to_wait_queue,
    Action.TRANSMIT_BD: Fop1._transmit_bd,
    Action.TRANSMIT_UNLOCK: Fop1._transmit_unlock,
    Action.TRANSMIT_SET_VR: Fop1._transmit_set_vr,
    Action.RETRANSMIT_AD: Fop1._retransmit_ad,
    Action.RETRANSMIT_BC: Fop1._retransmit_bc,
    Action.START_TIMER: Fop1._start_timer,
    Action.CANCEL_TIMER: Fop1._cancel_timer,
    Action.SUSPEND: Fop1._suspend,
    Action.RESUME: Fop1._resume,
    Action.SET_VS_TO_VR: Fop1._set_vs,
    Action.SET_VS: Fop1._set_vs,
    Action.SET_WINDOW: Fop1._set_window,
    Action.SET_T1: Fop1._set_t1,
    Action.SET_LIMIT: Fop1._set_limit,
    Action.SET_TIMEOUT_TYPE: Fop1._set_timeout_type,
    Action.AD_OUT_READY: Fop1._ad_out,
    Action.BC_OUT_READY: Fop1._bc_out,
    Action.BD_OUT_READY: Fop1._bd_out,
    Action.ALERT_LIMIT: _alert_with(AlertCode.LIMIT),
    Action.ALERT_T1: _alert_with(AlertCode.T1),
    Action.ALERT_LOCKOUT: _alert_with(AlertCode.LOCKOUT),
    Action.ALERT_SYNCH: _alert_with(AlertCode.SYNCH),
    Action.ALERT_NNR: _alert_with(AlertCode.NNR),
    Action.ALERT_CLCW: _alert_with(AlertCode.CLCW),
    Action.ALERT_LLIF: _alert_with(AlertCode.LLIF),
    Action.ALERT_TERM: _alert_with(AlertCode.TERM),
}

# The table with its action texts resolved to functions once, because FOP-1 runs a million histories in tests.
_COMPILED_TABLE = {
    event: tuple((tuple(_ACTIONS[action] for action in cell.actions), cell.next_state) for cell in row)
    for event, row in TABLE.items()
}
