"""Every state and event pair of the FOP-1 state table, CCSDS 232.1-B-2 table 5-1.

Each row below names one event of the standard, how to bring it about, and for each of the states S1 to S6 what is then
seen from outside, written by hand from the standard's table and its action definitions (§5.2). The implementation's own
table is not consulted. (E16 and E104 in S3 start the Timer, where the standard ignores them: `fop1_table` says why.) A
cell reads

    responses and requests in order | variables that changed | state afterwards

with "-" for nothing and "n/a" for the combinations the standard calls not applicable, which must change nothing.

Situations before the event (clock at 3 s, T1_Initial 10 s, Timer due at 10 s, K = 10, Transmission_Limit 3, count 2):
    IDLE         NN(R) = V(S) = 5; S4 and S5 have a directive `init` pending, S5 has the Unlock frame on the Sent_Queue
    OUTSTANDING  NN(R) = 5, V(S) = 8; frames a5, a6, a7 on the Sent_Queue and `w` on the Wait_Queue in S1 to S3 and in
                 S6, which is then suspended from S1 (SS = 1); S4 and S5, where this cannot be, have the variables alone
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from perilune.link.clcw import Clcw
from perilune.link.fop1 import (
    AbortFrames,
    Alert,
    Directive,
    DirectiveNotification,
    DirectiveRequest,
    Fop1,
    FrameType,
    Response,
    SentFrame,
    Suspended,
    TransferNotification,
    TransferRequest,
    TransmitFrame,
)
from perilune.link.fop1_table import Event, State

IDLE = "IDLE"
OUTSTANDING = "OUTSTANDING"


class SetClock:
    def __init__(self) -> None:
        self.now_s = 3.0

    def __call__(self) -> float:
        return self.now_s


def request(tag: str, frame_type: FrameType = FrameType.AD) -> TransferRequest:
    return TransferRequest(fdu=tag.encode(), frame_type=frame_type, tag=tag)


def situation(state: State, name: str, **variables: object) -> tuple[Fop1, SetClock]:
    clock = SetClock()
    fop = Fop1(clock, t1_s=10.0, transmission_limit=3, window=10)
    fop.state = state
    fop.transmission_count = 2
    fop.v_s = fop.nn_r = 5
    fop.timer_deadline = None if state is State.INITIAL else 10.0
    if state in (State.INITIALISING_WITHOUT_BC_FRAME, State.INITIALISING_WITH_BC_FRAME):
        fop.pending_initiate = DirectiveRequest(Directive.INITIATE_WITH_UNLOCK, tag="init")
    if state is State.INITIALISING_WITH_BC_FRAME:
        fop.sent_queue.append(SentFrame(FrameType.BC, 0, b"\x00", None))
    if name == OUTSTANDING:
        fop.v_s = 8
        if fop.pending_initiate is None:
            fop.sent_queue.extend(SentFrame(FrameType.AD, n, b"", request(f"a{n}")) for n in (5, 6, 7))
            fop.wait_queue = request("w")
        if state is State.INITIAL:
            fop.suspend_state = 1
    for variable, value in variables.items():
        setattr(fop, variable, value)
    return fop, clock


def snapshot(fop: Fop1) -> dict[str, str]:
    sent = ",".join(str(f.sequence) if f.frame_type is FrameType.AD else "BC" for f in fop.sent_queue)
    return {
        "V(S)": str(fop.v_s),
        "NN(R)": str(fop.nn_r),
        "count": str(fop.transmission_count),
        "SS": str(fop.suspend_state),
        "sent": sent or "-",
        "wait": fop.wait_queue.tag if fop.wait_queue else "-",
        "timer": "off" if fop.timer_deadline is None else f"{fop.timer_deadline:g}",
        "adout": str(int(fop.ad_out_ready)),
        "bcout": str(int(fop.bc_out_ready)),
        "bdout": str(int(fop.bd_out_ready)),
        "K": str(fop.window),
        "T1": f"{fop.t1_s:g}",
        "limit": str(fop.transmission_limit),
        "TT": str(fop.timeout_type),
    }


_RESPONSE_WORDS = {
    Response.ACCEPT: "accept",
    Response.REJECT: "reject",
    Response.POSITIVE_CONFIRM: "confirm",
    Response.NEGATIVE_CONFIRM: "negative",
}


def word(output: object) -> str:
    match output:
        case TransferNotification() | DirectiveNotification():
            return f"{_RESPONSE_WORDS[output.response]}:{output.request.tag}"
        case TransmitFrame():
            verb = "resend" if output.is_retransmission else "send"
            what = output.data.hex() if output.frame_type is FrameType.BC else output.sequence
            return f"{verb}:{output.frame_type}{what}"
        case AbortFrames():
            return f"abort:{output.frame_type}"
        case Alert():
            return f"alert:{output.code}"
        case Suspended():
            return f"suspend:{output.suspend_state}"
    raise AssertionError(f"unknown output {output!r}")


class Event51(NamedTuple):
    """One row: the situation, the stimulus and the six cells."""

    event: Event
    situation: str
    variables: dict[str, object]
    stimulus: Callable[[Fop1, SetClock], None]
    cells: tuple[str, str, str, str, str, str]


def clcw(n_r: int, **flags: object) -> Callable[[Fop1, SetClock], None]:
    return lambda fop, clock: fop.receive_clcw(Clcw(report_value=n_r, **flags))  # type: ignore[arg-type]


def timer() -> Callable[[Fop1, SetClock], None]:
    def expire(fop: Fop1, clock: SetClock) -> None:
        clock.now_s = 10.0
        fop.timer_deadline = 10.0
        fop.poll()

    return expire


def ad() -> Callable[[Fop1, SetClock], None]:
    return lambda fop, clock: fop.request_ad(request("x"))


def bd() -> Callable[[Fop1, SetClock], None]:
    return lambda fop, clock: fop.request_bd(request("x", FrameType.BD))


def do(directive: Directive, qualifier: float = 0) -> Callable[[Fop1, SetClock], None]:
    return lambda fop, clock: fop.directive(DirectiveRequest(directive, qualifier, tag="d"))


def lower(accept: bool, frame_type: FrameType) -> Callable[[Fop1, SetClock], None]:
    def answer(fop: Fop1, clock: SetClock) -> None:
        if accept:
            for frame in fop.sent_queue:
                frame.to_be_retransmitted = frame.frame_type is FrameType.BC
            fop.lower_accept(frame_type)
        else:
            fop.lower_reject(frame_type)

    return answer


# fmt: off
TABLE_5_1 = [
    Event51(Event.E1, IDLE, {}, clcw(5), (
        "- | - | S1",
        "alert:SYNCH | timer=off | S6",
        "alert:SYNCH | timer=off | S6",
        "confirm:init | timer=off | S1",
        "confirm:init | sent=- timer=off | S1",
        "- | - | S6")),
    Event51(Event.E2, OUTSTANDING, {}, clcw(8), (
        "confirm:a5 confirm:a6 confirm:a7 accept:w send:AD8"
        " | V(S)=9 NN(R)=8 count=1 sent=8 wait=- timer=13 adout=0 | S1",
        "confirm:a5 confirm:a6 confirm:a7 accept:w send:AD8"
        " | V(S)=9 NN(R)=8 count=1 sent=8 wait=- timer=13 adout=0 | S1",
        "confirm:a5 confirm:a6 confirm:a7 accept:w send:AD8"
        " | V(S)=9 NN(R)=8 count=1 sent=8 wait=- timer=13 adout=0 | S1",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E3, IDLE, {}, clcw(5, wait=True), (
        "alert:CLCW | timer=off | S6",
        "alert:CLCW | timer=off | S6",
        "alert:CLCW | timer=off | S6",
        "negative:init alert:CLCW | timer=off | S6",
        "negative:init alert:CLCW | sent=- timer=off | S6",
        "- | - | S6")),
    Event51(Event.E4, IDLE, {}, clcw(5, retransmit=True), (
        "alert:SYNCH | timer=off | S6",
        "alert:SYNCH | timer=off | S6",
        "alert:SYNCH | timer=off | S6",
        "negative:init alert:SYNCH | timer=off | S6",
        "- | - | S5",
        "- | - | S6")),
    Event51(Event.E5, OUTSTANDING, {}, clcw(5), (
        "- | - | S1",
        "negative:a5 negative:a6 negative:a7 reject:w alert:SYNCH | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:SYNCH | NN(R)=8 sent=- wait=- timer=off | S6",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E6, OUTSTANDING, {}, clcw(7), (
        "confirm:a5 confirm:a6 accept:w send:AD8 | V(S)=9 NN(R)=7 count=1 sent=7,8 wait=- timer=13 adout=0 | S1",
        "confirm:a5 confirm:a6 accept:w send:AD8 | V(S)=9 NN(R)=7 count=1 sent=7,8 wait=- timer=13 adout=0 | S1",
        "confirm:a5 confirm:a6 accept:w send:AD8 | V(S)=9 NN(R)=7 count=1 sent=7,8 wait=- timer=13 adout=0 | S1",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E7, OUTSTANDING, {}, clcw(6, wait=True), (
        "negative:a5 negative:a6 negative:a7 reject:w alert:CLCW | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:CLCW | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:CLCW | NN(R)=8 sent=- wait=- timer=off | S6",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E101, OUTSTANDING, {"transmission_limit": 1}, clcw(6, retransmit=True), (
        "confirm:a5 negative:a6 negative:a7 reject:w alert:LIMIT | NN(R)=8 count=1 sent=- wait=- timer=off | S6",
        "confirm:a5 negative:a6 negative:a7 reject:w alert:LIMIT | NN(R)=8 count=1 sent=- wait=- timer=off | S6",
        "confirm:a5 negative:a6 negative:a7 reject:w alert:LIMIT | NN(R)=8 count=1 sent=- wait=- timer=off | S6",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E102, OUTSTANDING, {"transmission_limit": 1}, clcw(5, retransmit=True), (
        "negative:a5 negative:a6 negative:a7 reject:w alert:LIMIT | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LIMIT | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LIMIT | NN(R)=8 sent=- wait=- timer=off | S6",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E8, OUTSTANDING, {}, clcw(6, retransmit=True), (
        "confirm:a5 abort:AD resend:AD6 | NN(R)=6 sent=6,7 timer=13 adout=0 | S2",
        "confirm:a5 abort:AD resend:AD6 | NN(R)=6 sent=6,7 timer=13 adout=0 | S2",
        "confirm:a5 abort:AD resend:AD6 | NN(R)=6 sent=6,7 timer=13 adout=0 | S2",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E9, OUTSTANDING, {}, clcw(6, retransmit=True, wait=True), (
        "confirm:a5 | NN(R)=6 count=1 sent=6,7 | S3",
        "confirm:a5 | NN(R)=6 count=1 sent=6,7 | S3",
        "confirm:a5 | NN(R)=6 count=1 sent=6,7 | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E10, OUTSTANDING, {}, clcw(5, retransmit=True), (
        "abort:AD resend:AD5 | count=3 timer=13 adout=0 | S2",
        "- | - | S2",
        "abort:AD resend:AD5 | count=3 timer=13 adout=0 | S2",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E11, OUTSTANDING, {}, clcw(5, retransmit=True, wait=True), (
        "- | - | S3",
        "- | - | S3",
        "- | - | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E12, OUTSTANDING, {"transmission_count": 3}, clcw(5, retransmit=True), (
        "- | - | S2",
        "- | - | S2",
        "- | - | S2",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E103, OUTSTANDING, {"transmission_count": 3}, clcw(5, retransmit=True, wait=True), (
        "- | - | S3",
        "- | - | S3",
        "- | - | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "- | - | S6")),
    Event51(Event.E13, IDLE, {}, clcw(6), (
        "alert:NN(R) | timer=off | S6",
        "alert:NN(R) | timer=off | S6",
        "alert:NN(R) | timer=off | S6",
        "negative:init alert:NN(R) | timer=off | S6",
        "- | - | S5",
        "- | - | S6")),
    Event51(Event.E14, IDLE, {}, clcw(5, lockout=True), (
        "alert:LOCKOUT | timer=off | S6",
        "alert:LOCKOUT | timer=off | S6",
        "alert:LOCKOUT | timer=off | S6",
        "negative:init alert:LOCKOUT | timer=off | S6",
        "- | - | S5",
        "- | - | S6")),
    Event51(Event.E15, IDLE, {}, clcw(5, version=1), (
        "alert:CLCW | timer=off | S6",
        "alert:CLCW | timer=off | S6",
        "alert:CLCW | timer=off | S6",
        "negative:init alert:CLCW | timer=off | S6",
        "negative:init alert:CLCW | sent=- timer=off | S6",
        "- | - | S6")),
    Event51(Event.E16, OUTSTANDING, {"timeout_type": 0}, timer(), (
        "abort:AD resend:AD5 | count=3 timer=20 adout=0 | S1",
        "abort:AD resend:AD5 | count=3 timer=20 adout=0 | S2",
        "- | timer=20 | S3",
        "negative:init alert:T1 | NN(R)=8 timer=off | S6",
        "abort:BC resend:BC00 | count=3 timer=20 bcout=0 | S5",
        "- | n/a | S6")),
    Event51(Event.E104, OUTSTANDING, {"timeout_type": 1}, timer(), (
        "abort:AD resend:AD5 | count=3 timer=20 adout=0 | S1",
        "abort:AD resend:AD5 | count=3 timer=20 adout=0 | S2",
        "- | timer=20 | S3",
        "suspend:4 | SS=4 timer=off | S6",
        "abort:BC resend:BC00 | count=3 timer=20 bcout=0 | S5",
        "- | n/a | S6")),
    Event51(Event.E17, OUTSTANDING, {"timeout_type": 0, "transmission_count": 3}, timer(), (
        "negative:a5 negative:a6 negative:a7 reject:w alert:T1 | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:T1 | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:T1 | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:init alert:T1 | NN(R)=8 timer=off | S6",
        "negative:init alert:T1 | NN(R)=8 sent=- timer=off | S6",
        "- | n/a | S6")),
    Event51(Event.E18, OUTSTANDING, {"timeout_type": 1, "transmission_count": 3}, timer(), (
        "suspend:1 | SS=1 timer=off | S6",
        "suspend:2 | SS=2 timer=off | S6",
        "suspend:3 | SS=3 timer=off | S6",
        "suspend:4 | SS=4 timer=off | S6",
        "negative:init alert:T1 | NN(R)=8 sent=- timer=off | S6",
        "- | n/a | S6")),
    Event51(Event.E19, OUTSTANDING, {"wait_queue": None}, ad(), (
        "accept:x send:AD8 | V(S)=9 sent=5,6,7,8 timer=13 adout=0 | S1",
        "accept:x send:AD8 | V(S)=9 sent=5,6,7,8 timer=13 adout=0 | S2",
        "- | wait=x | S3",
        "reject:x | - | S4",
        "reject:x | - | S5",
        "reject:x | - | S6")),
    Event51(Event.E20, OUTSTANDING, {"wait_queue": request("w")}, ad(), (
        "reject:x | - | S1",
        "reject:x | - | S2",
        "reject:x | - | S3",
        "reject:x | - | S4",
        "reject:x | - | S5",
        "reject:x | - | S6")),
    Event51(Event.E21, OUTSTANDING, {}, bd(), (
        "accept:x send:BD0 | bdout=0 | S1",
        "accept:x send:BD0 | bdout=0 | S2",
        "accept:x send:BD0 | bdout=0 | S3",
        "accept:x send:BD0 | bdout=0 | S4",
        "accept:x send:BD0 | bdout=0 | S5",
        "accept:x send:BD0 | bdout=0 | S6")),
    Event51(Event.E22, OUTSTANDING, {"bd_out_ready": False}, bd(), (
        "reject:x | - | S1",
        "reject:x | - | S2",
        "reject:x | - | S3",
        "reject:x | - | S4",
        "reject:x | - | S5",
        "reject:x | - | S6")),
    Event51(Event.E23, OUTSTANDING, {}, do(Directive.INITIATE_WITHOUT_CLCW), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "accept:d negative:a5 negative:a6 negative:a7 reject:w confirm:d | NN(R)=8 count=1 SS=0 sent=- wait=- | S1")),
    Event51(Event.E24, OUTSTANDING, {}, do(Directive.INITIATE_WITH_CLCW), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "accept:d negative:a5 negative:a6 negative:a7 reject:w | NN(R)=8 count=1 SS=0 sent=- wait=- timer=13 | S4")),
    Event51(Event.E25, OUTSTANDING, {}, do(Directive.INITIATE_WITH_UNLOCK), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "accept:d negative:a5 negative:a6 negative:a7 reject:w send:BC00"
        " | NN(R)=8 count=1 SS=0 sent=BC wait=- timer=13 bcout=0 | S5")),
    Event51(Event.E26, OUTSTANDING, {"bc_out_ready": False}, do(Directive.INITIATE_WITH_UNLOCK), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "reject:d | - | S6")),
    Event51(Event.E27, OUTSTANDING, {}, do(Directive.INITIATE_WITH_SET_VR, 42), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "accept:d negative:a5 negative:a6 negative:a7 reject:w send:BC82002a"
        " | V(S)=42 NN(R)=42 count=1 SS=0 sent=BC wait=- timer=13 bcout=0 | S5")),
    Event51(Event.E28, OUTSTANDING, {"bc_out_ready": False}, do(Directive.INITIATE_WITH_SET_VR, 42), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "reject:d | - | S6")),
    Event51(Event.E29, OUTSTANDING, {}, do(Directive.TERMINATE), (
        "accept:d negative:a5 negative:a6 negative:a7 reject:w alert:TERM confirm:d"
        " | NN(R)=8 sent=- wait=- timer=off | S6",
        "accept:d negative:a5 negative:a6 negative:a7 reject:w alert:TERM confirm:d"
        " | NN(R)=8 sent=- wait=- timer=off | S6",
        "accept:d negative:a5 negative:a6 negative:a7 reject:w alert:TERM confirm:d"
        " | NN(R)=8 sent=- wait=- timer=off | S6",
        "accept:d negative:init alert:TERM confirm:d | NN(R)=8 timer=off | S6",
        "accept:d negative:init alert:TERM confirm:d | NN(R)=8 sent=- timer=off | S6",
        "accept:d confirm:d | - | S6")),
    Event51(Event.E30, IDLE, {}, do(Directive.RESUME), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "reject:d | - | S6")),
    Event51(Event.E31, OUTSTANDING, {"suspend_state": 1}, do(Directive.RESUME), (
        "- | n/a | S1",
        "- | n/a | S2",
        "- | n/a | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "accept:d confirm:d | SS=0 timer=13 | S1")),
    Event51(Event.E32, OUTSTANDING, {"suspend_state": 2}, do(Directive.RESUME), (
        "- | n/a | S1",
        "- | n/a | S2",
        "- | n/a | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "accept:d confirm:d | SS=0 timer=13 | S2")),
    Event51(Event.E33, OUTSTANDING, {"suspend_state": 3}, do(Directive.RESUME), (
        "- | n/a | S1",
        "- | n/a | S2",
        "- | n/a | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "accept:d confirm:d | SS=0 timer=13 | S3")),
    Event51(Event.E34, OUTSTANDING, {"suspend_state": 4}, do(Directive.RESUME), (
        "- | n/a | S1",
        "- | n/a | S2",
        "- | n/a | S3",
        "- | n/a | S4",
        "- | n/a | S5",
        "accept:d confirm:d | SS=0 timer=13 | S4")),
    Event51(Event.E35, IDLE, {}, do(Directive.SET_VS, 42), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "accept:d confirm:d | V(S)=42 NN(R)=42 | S6")),
    Event51(Event.E35_SUSPENDED, OUTSTANDING, {"suspend_state": 2}, do(Directive.SET_VS, 42), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "reject:d | - | S6")),
    Event51(Event.E36, OUTSTANDING, {}, do(Directive.SET_WINDOW, 20), (
        "accept:d confirm:d | K=20 | S1",
        "accept:d confirm:d | K=20 | S2",
        "accept:d confirm:d | K=20 | S3",
        "accept:d confirm:d | K=20 | S4",
        "accept:d confirm:d | K=20 | S5",
        "accept:d confirm:d | K=20 | S6")),
    Event51(Event.E37, OUTSTANDING, {}, do(Directive.SET_T1, 2.5), (
        "accept:d confirm:d | T1=2.5 | S1",
        "accept:d confirm:d | T1=2.5 | S2",
        "accept:d confirm:d | T1=2.5 | S3",
        "accept:d confirm:d | T1=2.5 | S4",
        "accept:d confirm:d | T1=2.5 | S5",
        "accept:d confirm:d | T1=2.5 | S6")),
    Event51(Event.E38, OUTSTANDING, {}, do(Directive.SET_TRANSMISSION_LIMIT, 7), (
        "accept:d confirm:d | limit=7 | S1",
        "accept:d confirm:d | limit=7 | S2",
        "accept:d confirm:d | limit=7 | S3",
        "accept:d confirm:d | limit=7 | S4",
        "accept:d confirm:d | limit=7 | S5",
        "accept:d confirm:d | limit=7 | S6")),
    Event51(Event.E39, OUTSTANDING, {}, do(Directive.SET_TIMEOUT_TYPE, 1), (
        "accept:d confirm:d | TT=1 | S1",
        "accept:d confirm:d | TT=1 | S2",
        "accept:d confirm:d | TT=1 | S3",
        "accept:d confirm:d | TT=1 | S4",
        "accept:d confirm:d | TT=1 | S5",
        "accept:d confirm:d | TT=1 | S6")),
    Event51(Event.E40, OUTSTANDING, {}, do(Directive.SET_WINDOW, 0), (
        "reject:d | - | S1",
        "reject:d | - | S2",
        "reject:d | - | S3",
        "reject:d | - | S4",
        "reject:d | - | S5",
        "reject:d | - | S6")),
    Event51(Event.E41, OUTSTANDING, {"ad_out_ready": False}, lower(True, FrameType.AD), (
        "accept:w send:AD8 | V(S)=9 sent=5,6,7,8 wait=- timer=13 | S1",
        "accept:w send:AD8 | V(S)=9 sent=5,6,7,8 wait=- timer=13 | S2",
        "- | adout=1 | S3",
        "- | adout=1 | S4",
        "- | adout=1 | S5",
        "- | adout=1 | S6")),
    Event51(Event.E42, OUTSTANDING, {}, lower(False, FrameType.AD), (
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:init alert:LLIF | NN(R)=8 timer=off | S6",
        "negative:init alert:LLIF | NN(R)=8 sent=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- | S6")),
    Event51(Event.E43, IDLE, {"bc_out_ready": False}, lower(True, FrameType.BC), (
        "- | bcout=1 | S1",
        "- | bcout=1 | S2",
        "- | bcout=1 | S3",
        "- | bcout=1 | S4",
        "resend:BC00 | timer=13 | S5",
        "- | bcout=1 | S6")),
    Event51(Event.E44, OUTSTANDING, {}, lower(False, FrameType.BC), (
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:init alert:LLIF | NN(R)=8 timer=off | S6",
        "negative:init alert:LLIF | NN(R)=8 sent=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- | S6")),
    Event51(Event.E45, OUTSTANDING, {"bd_out_ready": False}, lower(True, FrameType.BD), (
        "- | bdout=1 | S1",
        "- | bdout=1 | S2",
        "- | bdout=1 | S3",
        "- | bdout=1 | S4",
        "- | bdout=1 | S5",
        "- | bdout=1 | S6")),
    Event51(Event.E46, OUTSTANDING, {}, lower(False, FrameType.BD), (
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- timer=off | S6",
        "negative:init alert:LLIF | NN(R)=8 timer=off | S6",
        "negative:init alert:LLIF | NN(R)=8 sent=- timer=off | S6",
        "negative:a5 negative:a6 negative:a7 reject:w alert:LLIF | NN(R)=8 sent=- wait=- | S6")),
]
# fmt: on

PAIRS = [
    pytest.param(row, state, row.cells[state - 1], id=f"{row.event.name}-S{state.value}")
    for row in TABLE_5_1
    for state in State
]


@pytest.mark.parametrize(("row", "state", "expected"), PAIRS)
def test_state_event_pair(row: Event51, state: State, expected: str) -> None:
    fop, clock = situation(state, row.situation, **row.variables)
    before = snapshot(fop)

    row.stimulus(fop, clock)

    outputs = " ".join(word(output) for output in fop.take_outputs()) or "-"
    after = snapshot(fop)
    changes = ["n/a"] * fop.counters.not_applicable
    changes += [f"{name}={value}" for name, value in after.items() if value != before[name]]
    assert fop.last_event is row.event
    assert f"{outputs} | {' '.join(changes) or '-'} | S{fop.state.value}" == expected


def test_every_pair_of_the_standard_is_there() -> None:
    numbers = [*range(1, 47), 101, 102, 103, 104]
    tested = {row.event.value for row in TABLE_5_1} - {Event.E35_SUSPENDED.value}
    assert tested == set(numbers)
    assert len(PAIRS) == (len(numbers) + 1) * 6


@pytest.mark.parametrize(
    ("directive", "qualifier"),
    [
        (Directive.SET_VS, 256),
        (Directive.SET_VS, -1),
        (Directive.INITIATE_WITH_SET_VR, 256),
        (Directive.INITIATE_WITH_SET_VR, 0.5),
        (Directive.SET_WINDOW, 0),
        (Directive.SET_WINDOW, 256),
        (Directive.SET_T1, 0),
        (Directive.SET_T1, float("nan")),
        (Directive.SET_T1, float("inf")),
        (Directive.SET_TRANSMISSION_LIMIT, 0),
        (Directive.SET_TRANSMISSION_LIMIT, 256),
        (Directive.SET_TIMEOUT_TYPE, 2),
        ("Set the sails", 0),
    ],
)
def test_directive_with_a_qualifier_out_of_range_is_e40(directive: Directive, qualifier: float) -> None:
    fop, _ = situation(State.INITIAL, IDLE)
    before = snapshot(fop)
    fop.directive(DirectiveRequest(directive, qualifier, tag="d"))
    assert fop.last_event is Event.E40
    assert [word(output) for output in fop.take_outputs()] == ["reject:d"]
    assert snapshot(fop) == before
    assert fop.counters.rejected_directives == 1


def test_window_holds_the_fdu_back_until_an_acknowledgement() -> None:
    fop, _ = situation(State.ACTIVE, OUTSTANDING, wait_queue=None, window=3)
    fop.request_ad(request("x"))
    assert [word(output) for output in fop.take_outputs()] == []
    assert fop.wait_queue is not None
    fop.receive_clcw(Clcw(report_value=6))
    assert [word(output) for output in fop.take_outputs()] == ["confirm:a5", "accept:x", "send:AD8"]


def test_retransmission_goes_through_the_whole_sent_queue_before_a_new_frame() -> None:
    fop, _ = situation(State.ACTIVE, OUTSTANDING)
    fop.receive_clcw(Clcw(report_value=5, retransmit=True))
    seen = []
    for _ in range(5):
        seen += [word(output) for output in fop.take_outputs()]
        fop.lower_accept(FrameType.AD)
    assert seen == ["abort:AD", "resend:AD5", "resend:AD6", "resend:AD7", "accept:w", "send:AD8"]
    assert fop.counters.retransmissions == 3


@pytest.mark.parametrize("state", [State.ACTIVE, State.RETRANSMIT_WITHOUT_WAIT, State.RETRANSMIT_WITH_WAIT])
def test_last_acknowledgement_stops_the_timer(state: State) -> None:
    fop, _ = situation(state, OUTSTANDING, wait_queue=None)
    fop.receive_clcw(Clcw(report_value=8))
    assert fop.last_event is Event.E2
    assert fop.seconds_to_timer() is None


def test_timer_that_expired_in_s3_still_guards_the_frames_left_over() -> None:
    fop, clock = situation(State.RETRANSMIT_WITH_WAIT, OUTSTANDING, wait_queue=None, transmission_count=1)
    clock.now_s = 10.0
    fop.poll()
    fop.receive_clcw(Clcw(report_value=7))
    assert (fop.state, fop.last_event) == (State.ACTIVE, Event.E6)
    fop.take_outputs()
    clock.now_s = 20.0
    fop.poll()
    assert [word(output) for output in fop.take_outputs()] == ["abort:AD", "resend:AD7"]


def test_sequence_numbers_wrap_at_256() -> None:
    fop, _ = situation(State.ACTIVE, IDLE, v_s=255, nn_r=255)
    for tag in ("x", "y"):
        fop.request_ad(request(tag))
        fop.lower_accept(FrameType.AD)
    fop.receive_clcw(Clcw(report_value=0))
    assert [word(output) for output in fop.take_outputs()] == [
        "accept:x", "send:AD255", "accept:y", "send:AD0", "confirm:x",
    ]  # fmt: skip
    assert (fop.v_s, fop.nn_r) == (1, 0)


@pytest.mark.parametrize(
    ("clcw_fields", "counter"),
    [
        ({"vcid": 1}, "dropped_clcw_other_vcid"),
        ({"control_word_type": 1}, "dropped_clcw_not_a_clcw"),
        ({"cop_in_effect": 2}, "dropped_clcw_other_cop"),
    ],
)
def test_clcw_that_is_not_for_this_fop_is_counted_and_dropped(clcw_fields: dict[str, int], counter: str) -> None:
    fop, _ = situation(State.ACTIVE, IDLE)
    fop.receive_clcw(Clcw(lockout=True, **clcw_fields))  # type: ignore[arg-type]
    assert fop.take_outputs() == []
    assert fop.state is State.ACTIVE
    assert getattr(fop.counters, counter) == 1


def test_timer_before_its_deadline_does_nothing() -> None:
    fop, clock = situation(State.ACTIVE, OUTSTANDING)
    clock.now_s = 9.999
    fop.poll()
    assert fop.take_outputs() == []
    assert fop.seconds_to_timer() == pytest.approx(0.001)


@pytest.mark.parametrize(
    "parameters",
    [{"window": 0}, {"window": 256}, {"t1_s": 0.0}, {"transmission_limit": 0}, {"timeout_type": 2}],
)
def test_constructor_refuses_what_the_directives_refuse(parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="FOP-1 parameters out of range"):
        Fop1(lambda: 0.0, **parameters)  # type: ignore[arg-type]
