"""FOP-1 as data: states, events, actions and the state table.

Here lives the whole of CCSDS 232.1-B-2 table 5-1 (with Technical Corrigendum 1) and nothing else: no variable, no
queue, no clock. `fop1.py` owns the variables and executes the actions.

How to read a row: one `Cell` per state S1..S6, left to right. A cell is the actions in the order of the standard and
the state that follows. `N_A` marks combinations the standard calls not applicable.

Three places where the table is silent, ambiguous or stalls, and what is done:
* E21/E45: an Accept Response to a Type-BD request is given once, in E21. The standard's table repeats it in E45; a
  second response to the same request would be meaningless to the requester, so E45 only sets BD_Out_Flag.
* E35 in S6 is accepted only while the AD service is not suspended (SS = 0), else rejected. The row therefore has two
  variants, `E35` for SS = 0 and `E35_SUSPENDED`.
* E16 and E104 in S3 are ignored by the standard, which leaves the Timer expired. A later E6 then leads to S1 with
  frames outstanding and no Timer; if those are lost, nothing ever happens again. So the Timer is started anew;
  Transmission_Count stays, as the standard wants.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class State(enum.IntEnum):
    """FOP-1 states, CCSDS 232.1-B-2 §5.1.2."""

    ACTIVE = 1
    RETRANSMIT_WITHOUT_WAIT = 2
    RETRANSMIT_WITH_WAIT = 3
    INITIALISING_WITHOUT_BC_FRAME = 4
    INITIALISING_WITH_BC_FRAME = 5
    INITIAL = 6


class Event(enum.IntEnum):
    """FOP-1 events; the number is the number in table 5-1. E101 to E104 are the standard's own later insertions."""

    E1 = 1  # CLCW: all acknowledged, no flag, N(R) = NN(R)
    E2 = 2  # CLCW: all acknowledged, no flag, N(R) <> NN(R)
    E3 = 3  # CLCW: all acknowledged, Wait without Retransmit
    E4 = 4  # CLCW: all acknowledged, Retransmit
    E5 = 5  # CLCW: some outstanding, no flag, N(R) = NN(R)
    E6 = 6  # CLCW: some outstanding, no flag, N(R) <> NN(R)
    E7 = 7  # CLCW: some outstanding, Wait without Retransmit
    E8 = 8  # CLCW: Retransmit, limit > 1, N(R) <> NN(R), no Wait
    E9 = 9  # CLCW: Retransmit, limit > 1, N(R) <> NN(R), Wait
    E10 = 10  # CLCW: Retransmit, limit > 1, N(R) = NN(R), count < limit, no Wait
    E11 = 11  # CLCW: Retransmit, limit > 1, N(R) = NN(R), count < limit, Wait
    E12 = 12  # CLCW: Retransmit, limit > 1, N(R) = NN(R), count >= limit, no Wait
    E13 = 13  # CLCW: N(R) outside NN(R)..V(S)
    E14 = 14  # CLCW: Lockout
    E15 = 15  # CLCW with an invalid pattern
    E16 = 16  # Timer expires, count < limit, timeout type 0
    E17 = 17  # Timer expires, count >= limit, timeout type 0
    E18 = 18  # Timer expires, count >= limit, timeout type 1
    E19 = 19  # Request to transfer Type-AD FDU, Wait_Queue empty
    E20 = 20  # Request to transfer Type-AD FDU, Wait_Queue not empty
    E21 = 21  # Request to transfer Type-BD FDU, BD_Out ready
    E22 = 22  # Request to transfer Type-BD FDU, BD_Out not ready
    E23 = 23  # Initiate AD service without CLCW check
    E24 = 24  # Initiate AD service with CLCW check
    E25 = 25  # Initiate AD service with Unlock, BC_Out ready
    E26 = 26  # Initiate AD service with Unlock, BC_Out not ready
    E27 = 27  # Initiate AD service with Set V(R), BC_Out ready
    E28 = 28  # Initiate AD service with Set V(R), BC_Out not ready
    E29 = 29  # Terminate AD service
    E30 = 30  # Resume AD service, SS = 0
    E31 = 31  # Resume AD service, SS = 1
    E32 = 32  # Resume AD service, SS = 2
    E33 = 33  # Resume AD service, SS = 3
    E34 = 34  # Resume AD service, SS = 4
    E35 = 35  # Set V(S)
    E36 = 36  # Set FOP_Sliding_Window_Width
    E37 = 37  # Set T1_Initial
    E38 = 38  # Set Transmission_Limit
    E39 = 39  # Set Timeout_Type
    E40 = 40  # Invalid directive
    E41 = 41  # Lower Procedures accept the Type-AD frame
    E42 = 42  # Lower Procedures reject the Type-AD frame
    E43 = 43  # Lower Procedures accept the Type-BC frame
    E44 = 44  # Lower Procedures reject the Type-BC frame
    E45 = 45  # Lower Procedures accept the Type-BD frame
    E46 = 46  # Lower Procedures reject the Type-BD frame
    E101 = 101  # CLCW: Retransmit, limit = 1, N(R) <> NN(R)
    E102 = 102  # CLCW: Retransmit, limit = 1, N(R) = NN(R)
    E103 = 103  # CLCW: Retransmit, limit > 1, N(R) = NN(R), count >= limit, Wait
    E104 = 104  # Timer expires, count < limit, timeout type 1
    E35_SUSPENDED = 135  # E35 while SS <> 0


class AlertCode(enum.StrEnum):
    """Reason codes of the Alert notification, CCSDS 232.1-B-2 §4.3.2."""

    LIMIT = "LIMIT"
    T1 = "T1"
    LOCKOUT = "LOCKOUT"
    SYNCH = "SYNCH"
    NNR = "NN(R)"
    CLCW = "CLCW"
    LLIF = "LLIF"
    TERM = "TERM"


class Action(enum.StrEnum):
    """Actions of CCSDS 232.1-B-2 §5.2; the text is the one of table 5-1."""

    ACCEPT = "Accept"
    REJECT = "Reject"
    CONFIRM = "Confirm"
    INITIALISE = "Initialise"
    REMOVE_ACKNOWLEDGED = "Remove Acknowledged Frames from Sent_Queue"
    RELEASE_BC = "Release Copy of Type-BC Frame"
    LOOK_FOR_FDU = "Look for FDU"
    LOOK_FOR_DIRECTIVE = "Look for Directive"
    ADD_TO_WAIT_QUEUE = "Add to Wait_Queue"
    TRANSMIT_BD = "Transmit Type-BD Frame"
    TRANSMIT_UNLOCK = "Transmit Type-BC Frame (Unlock)"
    TRANSMIT_SET_VR = "Transmit Type-BC Frame (Set V(R))"
    RETRANSMIT_AD = "Initiate AD Retransmission"
    RETRANSMIT_BC = "Initiate BC Retransmission"
    START_TIMER = "Start Timer"
    CANCEL_TIMER = "Cancel Timer"
    SUSPEND = "Suspend"
    RESUME = "Resume"
    SET_VS_TO_VR = "Set V(S) and NN(R) to V*(R)"
    SET_VS = "Set V(S) and NN(R) to V*(S)"
    SET_WINDOW = "Set FOP_Sliding_Window_Width"
    SET_T1 = "Set T1_Initial"
    SET_LIMIT = "Set Transmission_Limit"
    SET_TIMEOUT_TYPE = "Set Timeout_Type"
    AD_OUT_READY = "Set AD_Out_Flag to Ready"
    BC_OUT_READY = "Set BC_Out_Flag to Ready"
    BD_OUT_READY = "Set BD_Out_Flag to Ready"
    ALERT_LIMIT = "Alert[LIMIT]"
    ALERT_T1 = "Alert[T1]"
    ALERT_LOCKOUT = "Alert[LOCKOUT]"
    ALERT_SYNCH = "Alert[SYNCH]"
    ALERT_NNR = "Alert[NN(R)]"
    ALERT_CLCW = "Alert[CLCW]"
    ALERT_LLIF = "Alert[LLIF]"
    ALERT_TERM = "Alert[TERM]"


class Cell(NamedTuple):
    """What happens for one event in one state: `actions` in order, then `next_state` (None: not applicable)."""

    actions: tuple[Action, ...]
    next_state: State | None


Row = tuple[Cell, Cell, Cell, Cell, Cell, Cell]

_S1 = State.ACTIVE
_S2 = State.RETRANSMIT_WITHOUT_WAIT
_S3 = State.RETRANSMIT_WITH_WAIT
_S4 = State.INITIALISING_WITHOUT_BC_FRAME
_S5 = State.INITIALISING_WITH_BC_FRAME
_S6 = State.INITIAL
_A = Action

N_A = Cell((), None)


def _do(state: State, *actions: Action) -> Cell:
    return Cell(actions, state)


def _each(*actions: Action) -> Row:
    """The same actions in every state, and no change of state."""
    return (_do(_S1, *actions), _do(_S2, *actions), _do(_S3, *actions),
            _do(_S4, *actions), _do(_S5, *actions), _do(_S6, *actions))  # fmt: skip


def _to_initial(action: Action) -> Cell:
    return _do(_S6, action)


_IGNORE_S1 = _do(_S1)
_IGNORE_S2 = _do(_S2)
_IGNORE_S3 = _do(_S3)
_IGNORE_S5 = _do(_S5)
_IGNORE_S6 = _do(_S6)

_SYNCH = _to_initial(_A.ALERT_SYNCH)
_CLCW = _to_initial(_A.ALERT_CLCW)
_NNR = _to_initial(_A.ALERT_NNR)
_LOCKOUT = _to_initial(_A.ALERT_LOCKOUT)
_T1 = _to_initial(_A.ALERT_T1)
_LIMIT = _to_initial(_A.ALERT_LIMIT)
_LLIF = _to_initial(_A.ALERT_LLIF)
_SUSPEND = _to_initial(_A.SUSPEND)
_ACKED_LIMIT = _do(_S6, _A.REMOVE_ACKNOWLEDGED, _A.ALERT_LIMIT)

_ALL_ACKED = _do(_S1, _A.REMOVE_ACKNOWLEDGED, _A.CANCEL_TIMER, _A.LOOK_FOR_FDU)
_SOME_ACKED = _do(_S1, _A.REMOVE_ACKNOWLEDGED, _A.LOOK_FOR_FDU)
_ACKED_RETRANSMIT = _do(_S2, _A.REMOVE_ACKNOWLEDGED, _A.RETRANSMIT_AD, _A.LOOK_FOR_FDU)
_ACKED_WAIT = _do(_S3, _A.REMOVE_ACKNOWLEDGED)
_RETRANSMIT_S2 = _do(_S2, _A.RETRANSMIT_AD, _A.LOOK_FOR_FDU)

_REJECT = _each(_A.REJECT)
_REJECT_1_TO_5 = _REJECT[:5]
_TERMINATE = _do(_S6, _A.ACCEPT, _A.ALERT_TERM, _A.CONFIRM)

TABLE: dict[Event, Row] = {
    # S1 active, S2 retransmit without wait, S3 retransmit with wait, S4 initialising without BC, S5 with BC, S6 initial
    Event.E1: (
        _IGNORE_S1,
        _SYNCH,
        _SYNCH,
        _do(_S1, _A.CONFIRM, _A.CANCEL_TIMER),
        _do(_S1, _A.CONFIRM, _A.RELEASE_BC, _A.CANCEL_TIMER),
        _IGNORE_S6,
    ),
    Event.E2: (_ALL_ACKED, _ALL_ACKED, _ALL_ACKED, N_A, N_A, _IGNORE_S6),
    Event.E3: (_CLCW, _CLCW, _CLCW, _CLCW, _CLCW, _IGNORE_S6),
    Event.E4: (_SYNCH, _SYNCH, _SYNCH, _SYNCH, _IGNORE_S5, _IGNORE_S6),
    Event.E5: (_IGNORE_S1, _SYNCH, _SYNCH, N_A, N_A, _IGNORE_S6),
    Event.E6: (_SOME_ACKED, _SOME_ACKED, _SOME_ACKED, N_A, N_A, _IGNORE_S6),
    Event.E7: (_CLCW, _CLCW, _CLCW, N_A, N_A, _IGNORE_S6),
    Event.E101: (_ACKED_LIMIT, _ACKED_LIMIT, _ACKED_LIMIT, N_A, N_A, _IGNORE_S6),
    Event.E102: (_LIMIT, _LIMIT, _LIMIT, N_A, N_A, _IGNORE_S6),
    Event.E8: (_ACKED_RETRANSMIT, _ACKED_RETRANSMIT, _ACKED_RETRANSMIT, N_A, N_A, _IGNORE_S6),
    Event.E9: (_ACKED_WAIT, _ACKED_WAIT, _ACKED_WAIT, N_A, N_A, _IGNORE_S6),
    Event.E10: (_RETRANSMIT_S2, _IGNORE_S2, _RETRANSMIT_S2, N_A, N_A, _IGNORE_S6),
    Event.E11: (_do(_S3), _do(_S3), _IGNORE_S3, N_A, N_A, _IGNORE_S6),
    Event.E12: (_do(_S2), _IGNORE_S2, _do(_S2), N_A, N_A, _IGNORE_S6),
    Event.E103: (_do(_S3), _do(_S3), _IGNORE_S3, N_A, N_A, _IGNORE_S6),
    Event.E13: (_NNR, _NNR, _NNR, _NNR, _IGNORE_S5, _IGNORE_S6),
    Event.E14: (_LOCKOUT, _LOCKOUT, _LOCKOUT, _LOCKOUT, _IGNORE_S5, _IGNORE_S6),
    Event.E15: (_CLCW, _CLCW, _CLCW, _CLCW, _CLCW, _IGNORE_S6),
    Event.E16: (
        _do(_S1, _A.RETRANSMIT_AD, _A.LOOK_FOR_FDU),
        _do(_S2, _A.RETRANSMIT_AD, _A.LOOK_FOR_FDU),
        _do(_S3, _A.START_TIMER),
        _T1,
        _do(_S5, _A.RETRANSMIT_BC, _A.LOOK_FOR_DIRECTIVE),
        N_A,
    ),
    Event.E104: (
        _do(_S1, _A.RETRANSMIT_AD, _A.LOOK_FOR_FDU),
        _do(_S2, _A.RETRANSMIT_AD, _A.LOOK_FOR_FDU),
        _do(_S3, _A.START_TIMER),
        _SUSPEND,
        _do(_S5, _A.RETRANSMIT_BC, _A.LOOK_FOR_DIRECTIVE),
        N_A,
    ),
    Event.E17: (_T1, _T1, _T1, _T1, _T1, N_A),
    Event.E18: (_SUSPEND, _SUSPEND, _SUSPEND, _SUSPEND, _T1, N_A),
    Event.E19: (
        _do(_S1, _A.ADD_TO_WAIT_QUEUE, _A.LOOK_FOR_FDU),
        _do(_S2, _A.ADD_TO_WAIT_QUEUE, _A.LOOK_FOR_FDU),
        _do(_S3, _A.ADD_TO_WAIT_QUEUE),
        _REJECT[3],
        _REJECT[4],
        _REJECT[5],
    ),
    Event.E20: _REJECT,
    Event.E21: _each(_A.ACCEPT, _A.TRANSMIT_BD),
    Event.E22: _REJECT,
    Event.E23: (*_REJECT_1_TO_5, _do(_S1, _A.ACCEPT, _A.INITIALISE, _A.CONFIRM)),
    Event.E24: (*_REJECT_1_TO_5, _do(_S4, _A.ACCEPT, _A.INITIALISE, _A.START_TIMER)),
    Event.E25: (*_REJECT_1_TO_5, _do(_S5, _A.ACCEPT, _A.INITIALISE, _A.TRANSMIT_UNLOCK)),
    Event.E26: _REJECT,
    Event.E27: (*_REJECT_1_TO_5, _do(_S5, _A.ACCEPT, _A.INITIALISE, _A.SET_VS_TO_VR, _A.TRANSMIT_SET_VR)),
    Event.E28: _REJECT,
    Event.E29: (_TERMINATE, _TERMINATE, _TERMINATE, _TERMINATE, _TERMINATE, _do(_S6, _A.ACCEPT, _A.CONFIRM)),
    Event.E30: _REJECT,
    Event.E31: (N_A, N_A, N_A, N_A, N_A, _do(_S1, _A.ACCEPT, _A.RESUME, _A.CONFIRM)),
    Event.E32: (N_A, N_A, N_A, N_A, N_A, _do(_S2, _A.ACCEPT, _A.RESUME, _A.CONFIRM)),
    Event.E33: (N_A, N_A, N_A, N_A, N_A, _do(_S3, _A.ACCEPT, _A.RESUME, _A.CONFIRM)),
    Event.E34: (N_A, N_A, N_A, N_A, N_A, _do(_S4, _A.ACCEPT, _A.RESUME, _A.CONFIRM)),
    Event.E35: (*_REJECT_1_TO_5, _do(_S6, _A.ACCEPT, _A.SET_VS, _A.CONFIRM)),
    Event.E35_SUSPENDED: _REJECT,
    Event.E36: _each(_A.ACCEPT, _A.SET_WINDOW, _A.CONFIRM),
    Event.E37: _each(_A.ACCEPT, _A.SET_T1, _A.CONFIRM),
    Event.E38: _each(_A.ACCEPT, _A.SET_LIMIT, _A.CONFIRM),
    Event.E39: _each(_A.ACCEPT, _A.SET_TIMEOUT_TYPE, _A.CONFIRM),
    Event.E40: _REJECT,
    Event.E41: (
        _do(_S1, _A.AD_OUT_READY, _A.LOOK_FOR_FDU),
        _do(_S2, _A.AD_OUT_READY, _A.LOOK_FOR_FDU),
        _do(_S3, _A.AD_OUT_READY),
        _do(_S4, _A.AD_OUT_READY),
        _do(_S5, _A.AD_OUT_READY),
        _do(_S6, _A.AD_OUT_READY),
    ),
    Event.E42: (_LLIF, _LLIF, _LLIF, _LLIF, _LLIF, _LLIF),
    Event.E43: (
        _do(_S1, _A.BC_OUT_READY),
        _do(_S2, _A.BC_OUT_READY),
        _do(_S3, _A.BC_OUT_READY),
        _do(_S4, _A.BC_OUT_READY),
        _do(_S5, _A.BC_OUT_READY, _A.LOOK_FOR_DIRECTIVE),
        _do(_S6, _A.BC_OUT_READY),
    ),
    Event.E44: (_LLIF, _LLIF, _LLIF, _LLIF, _LLIF, _LLIF),
    Event.E45: _each(_A.BD_OUT_READY),
    Event.E46: (_LLIF, _LLIF, _LLIF, _LLIF, _LLIF, _LLIF),
}
