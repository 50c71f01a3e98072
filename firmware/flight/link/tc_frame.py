"""TC transfer frame: CCSDS 232.0-B, frame validation and fields. SPEC 4; FARM-1 and authentication come after it."""

from micropython import const

from ..codec import tc_frame_read
from ..errors import OK
from ..limits import SCID, TC_FRAME_MAX, TC_MAP_ID, TC_VCID

# Frame types: the bypass and control command flags where they stand in octet 0.
AD = const(0x00)
BD = const(0x20)
BC = const(0x30)

# Control commands (232.0-B 4.1.3.3): Unlock is 00, Set V(R) is 82 00 and V*(R).
UNLOCK = const(0)
SET_VR = const(1)


class TcFrame:
    """Fields of the TC frame read last; valid after read() returned OK.

    kind: AD, BD or BC. n_s: N(S), 0..255. start, end: the data behind the segment header (AD, BD) up to the FECF.
    command: UNLOCK or SET_VR, v_r: V*(R) (BC). Allocates nothing after it was made.
    """

    def __init__(self) -> None:
        self._fields = [0] * 6
        self.kind = AD
        self.n_s = 0
        self.start = 0
        self.end = 0
        self.command = UNLOCK
        self.v_r = 0

    def read(self, frame: bytes | bytearray | memoryview, count: int) -> int:
        """Check the frame in frame[0:count], fill octets included. Returns OK or the first failed check's reason."""
        fields = self._fields
        status = tc_frame_read(frame, count, TC_FRAME_MAX, SCID, TC_VCID, TC_MAP_ID, fields)
        if status == OK:
            self.kind, self.n_s, self.start, self.end, self.command, self.v_r = fields
        return status
