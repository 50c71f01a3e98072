"""FARM-1, the receiving end of COP-1: CCSDS 232.1-B-2 section 6, table 6-1.

The table below is the standard's, all three states and all eleven events; step() only carries it out. Recognising
frames (E9) and storing their data is the caller's work.
"""

from micropython import const

from ..errors import FARM_LOCKOUT, FARM_NEGATIVE, FARM_OUTSIDE, FARM_RETRANSMIT, FARM_WAIT, OK

# States (232.1-B-2 6.1.2).
OPEN = const(0)  # S1
WAIT = const(1)  # S2
LOCKOUT = const(2)  # S3

# Events: the rows of table 6-1.
E1 = const(0)  # valid AD frame, N(S) = V(R), a buffer is available
E2 = const(1)  # valid AD frame, N(S) = V(R), no buffer is available
E3 = const(2)  # valid AD frame, V(R) < N(S) <= V(R) + PW - 1: in the positive window, but not the next one
E4 = const(3)  # valid AD frame, V(R) - NW <= N(S) < V(R): in the negative window
E5 = const(4)  # valid AD frame outside both windows
E6 = const(5)  # valid BD frame
E7 = const(6)  # valid BC frame: Unlock
E8 = const(7)  # valid BC frame: Set V(R) to V*(R)
E9 = const(8)  # invalid frame
E10 = const(9)  # buffer release signal
E11 = const(10)  # CLCW report time

# Flags, at their places in octet 2 of the CLCW (232.0-B 4.2.1).
LOCKOUT_FLAG = const(0x20)
WAIT_FLAG = const(0x10)
RETRANSMIT_FLAG = const(0x08)
_ALL_FLAGS = const(0x38)

# What happens to V(R) and to FARM-B_Counter.
_KEEP = const(0)
_NEXT_VR = const(1)  # V(R) := V(R) + 1
_COUNT_B = const(2)  # increment FARM-B_Counter
_SET_VR = const(3)  # increment FARM-B_Counter, V(R) := V*(R)

_NONE = const(0)
# Entries: (status, counter action, flags cleared, flags set, next state). Status OK is the standard's Accept (E1, E6)
# or says that the event was carried out (E7 to E11); anything else is Discard with its reason. E9's reason is the
# caller's, which found the frame invalid. E1 in S2 is "not applicable" in the standard, because no buffer counts as
# available until E10; should it come, it is treated as E2.
_TABLE = (
    (  # E1
        (OK, _NEXT_VR, RETRANSMIT_FLAG, _NONE, OPEN),
        (FARM_WAIT, _KEEP, _NONE, _NONE, WAIT),
        (FARM_LOCKOUT, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
    (  # E2
        (FARM_WAIT, _KEEP, _NONE, RETRANSMIT_FLAG | WAIT_FLAG, WAIT),
        (FARM_WAIT, _KEEP, _NONE, _NONE, WAIT),
        (FARM_LOCKOUT, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
    (  # E3
        (FARM_RETRANSMIT, _KEEP, _NONE, RETRANSMIT_FLAG, OPEN),
        (FARM_RETRANSMIT, _KEEP, _NONE, _NONE, WAIT),
        (FARM_LOCKOUT, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
    (  # E4
        (FARM_NEGATIVE, _KEEP, _NONE, _NONE, OPEN),
        (FARM_NEGATIVE, _KEEP, _NONE, _NONE, WAIT),
        (FARM_LOCKOUT, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
    (  # E5
        (FARM_OUTSIDE, _KEEP, _NONE, LOCKOUT_FLAG, LOCKOUT),
        (FARM_OUTSIDE, _KEEP, _NONE, LOCKOUT_FLAG, LOCKOUT),
        (FARM_LOCKOUT, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
    (  # E6
        (OK, _COUNT_B, _NONE, _NONE, OPEN),
        (OK, _COUNT_B, _NONE, _NONE, WAIT),
        (OK, _COUNT_B, _NONE, _NONE, LOCKOUT),
    ),
    (  # E7
        (OK, _COUNT_B, RETRANSMIT_FLAG, _NONE, OPEN),
        (OK, _COUNT_B, RETRANSMIT_FLAG | WAIT_FLAG, _NONE, OPEN),
        (OK, _COUNT_B, _ALL_FLAGS, _NONE, OPEN),
    ),
    (  # E8: in S3 it is counted but not executed (6.3.3)
        (OK, _SET_VR, RETRANSMIT_FLAG, _NONE, OPEN),
        (OK, _SET_VR, RETRANSMIT_FLAG | WAIT_FLAG, _NONE, OPEN),
        (FARM_LOCKOUT, _COUNT_B, _NONE, _NONE, LOCKOUT),
    ),
    (  # E9
        (OK, _KEEP, _NONE, _NONE, OPEN),
        (OK, _KEEP, _NONE, _NONE, WAIT),
        (OK, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
    (  # E10
        (OK, _KEEP, _NONE, _NONE, OPEN),
        (OK, _KEEP, WAIT_FLAG, _NONE, OPEN),
        (OK, _KEEP, WAIT_FLAG, _NONE, LOCKOUT),
    ),
    (  # E11
        (OK, _KEEP, _NONE, _NONE, OPEN),
        (OK, _KEEP, _NONE, _NONE, WAIT),
        (OK, _KEEP, _NONE, _NONE, LOCKOUT),
    ),
)


class Farm:
    """FARM-1 of one telecommand virtual channel. Allocates when made, never after. Not safe from an interrupt.

    window: FARM_Sliding_Window_Width W, even, 2..254; PW = NW = W/2. Starts in S1 with V(R) = 0 and no flag set.
    word: report() as of the last step(), for those who look often.
    """

    def __init__(self, window: int) -> None:
        assert 2 <= window <= 254 and window % 2 == 0, window
        self._positive = window // 2
        self._negative = 256 - window // 2
        self.state = OPEN
        self.v_r = 0
        self.flags = 0
        self.farm_b_counter = 0
        self.word = 0

    def classify(self, n_s: int, room: bool) -> int:
        """Event E1..E5 of a valid AD frame with N(S) = *n_s*; *room*: its data would fit into the buffer."""
        ahead = (n_s - self.v_r) & 0xFF
        if ahead == 0:
            return E1 if room and self.state != WAIT else E2
        if ahead < self._positive:
            return E3
        return E4 if ahead >= self._negative else E5

    def step(self, event: int, v_r: int = 0) -> int:
        """Carry out *event*; *v_r* is V*(R) of E8, 0..255. Returns OK or the reason why the frame is discarded."""
        status, action, clear, raised, self.state = _TABLE[event][self.state]
        if action == _NEXT_VR:
            self.v_r = (self.v_r + 1) & 0xFF
        elif action != _KEEP:
            self.farm_b_counter = (self.farm_b_counter + 1) & 3
            if action == _SET_VR:
                self.v_r = v_r
        if clear or raised:
            self.flags = (self.flags & ~clear) | raised
        self.word = (self.flags | self.farm_b_counter << 1) << 8 | self.v_r
        return status

    def report(self) -> int:
        """The 16 bits of the CLCW that FARM-1 owns (SPEC 5, bits 16 to 31); the two link flags are left 0.

        This is E11, whose row of the table changes nothing in any state.
        """
        return (self.flags | self.farm_b_counter << 1) << 8 | self.v_r
