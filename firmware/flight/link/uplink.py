"""The way up: octets of the UART to telecommand data, through CLTU, TC frame, authentication and FARM-1.

No I/O: feed() takes octets, next() gives the data of accepted frames, everything dropped is counted with its reason.
One concept per file: tc_frame.py, sdls.py, farm.py and fdu_queue.py do the work; here is only their order (SPEC 4).

    uplink.feed(ring, 0, n, now_ms)
    while uplink.next():
        ... packets in uplink.buffer[uplink.start:uplink.end] ...
        uplink.release()
"""

from micropython import const

from ..codec import CltuReceiver, randomise_tc
from ..errors import FARM_BD_ERASED, OK, TC_CONTROL_RATE, DropCounters
from ..limits import BC_RATE_MAX, FARM_WINDOW, TC_AD_BUFFER, TC_BCH_MODE, TC_BD_BUFFER, TC_FRAME_MAX, TC_RANDOMISED
from .farm import E6, E7, E8, E9, E10, WAIT_FLAG, Farm
from .fdu_queue import FduQueue
from .sdls import HEADER_LENGTH, MAC_LENGTH, SecurityAssociation
from .tc_frame import AD, BC, UNLOCK, TcFrame

# Millisecond clocks wrap at 2^30, as MicroPython's ticks_ms does.
_TICKS_MASK = const(0x3FFFFFFF)
_BC_PERIOD_MS = const(1000)
# The CLTU receiver gives whole code blocks of 7 octets.
_FRAME_BUFFER = (TC_FRAME_MAX + 6) // 7 * 7


class Uplink:
    """One telecommand virtual channel. Allocates when made, never after. Not safe from an interrupt.

    drops: counters, shared with the other stages. sa_ad, sa_bd: security associations of the two services, both or
    neither. waiting: accepted frames whose data was not released. buffer, start, end: the data of the accepted frame
    that next() found, valid until release() or feed().
    frames_ad, frames_bd, frames_bc: frames accepted, mod 65536.
    """

    def __init__(
        self,
        drops: DropCounters,
        sa_ad: SecurityAssociation | None = None,
        sa_bd: SecurityAssociation | None = None,
    ) -> None:
        assert (sa_ad is None) == (sa_bd is None), "authenticate both services or neither"
        assert min(TC_AD_BUFFER, TC_BD_BUFFER) >= TC_FRAME_MAX, "the longest frame must fit into an empty buffer"
        self.farm = Farm(FARM_WINDOW)
        self._drops = drops
        self._sa_ad = sa_ad
        self._sa_bd = sa_bd
        self._frame_buffer = bytearray(_FRAME_BUFFER)
        self._receiver = CltuReceiver(self._frame_buffer, TC_BCH_MODE == 1)
        self._frame = TcFrame()
        self._ad = FduQueue(TC_AD_BUFFER)
        self._bd = FduQueue(TC_BD_BUFFER)
        self._queue = self._ad
        self._bc_since_ms = 0
        self._bc_count = 0
        self.waiting = 0
        self.frames_ad = 0
        self.frames_bd = 0
        self.frames_bc = 0
        self.buffer = self._ad.buffer
        self.start = 0
        self.end = 0

    def feed(self, data: bytes | bytearray | memoryview, start: int, end: int, now_ms: int) -> None:
        """Take the octets data[start:end] that arrived by *now_ms* (0..2^30-1, wrapping)."""
        receiver = self._receiver
        while start < end:
            start = receiver.feed(data, start, end)
            count = receiver.take()
            if count:
                if TC_RANDOMISED:
                    randomise_tc(self._frame_buffer, 0, count)
                self._accept_frame(count, now_ms)

    def _accept_frame(self, count: int, now_ms: int) -> None:
        frame = self._frame
        status = frame.read(self._frame_buffer, count)
        if status == OK:
            status = self._accept_command(now_ms) if frame.kind == BC else self._accept_data()
        else:
            self.farm.step(E9)
        if status != OK:
            self._drops.count(status)

    def _accept_command(self, now_ms: int) -> int:
        if (now_ms - self._bc_since_ms) & _TICKS_MASK >= _BC_PERIOD_MS:
            self._bc_since_ms = now_ms
            self._bc_count = 0
        if self._bc_count >= BC_RATE_MAX:
            return TC_CONTROL_RATE
        self._bc_count += 1
        self.frames_bc = (self.frames_bc + 1) & 0xFFFF
        frame = self._frame
        if frame.command == UNLOCK:
            return self.farm.step(E7)
        return self.farm.step(E8, frame.v_r)

    def _accept_data(self) -> int:
        frame = self._frame
        start = frame.start
        end = frame.end
        sa = self._sa_ad if frame.kind == AD else self._sa_bd
        if sa is not None:
            status = sa.verify(self._frame_buffer, start, end)
            if status != OK:
                self.farm.step(E9)
                return status
            start += HEADER_LENGTH
            end -= MAC_LENGTH
        farm = self.farm
        if frame.kind == AD:
            at = self._ad.place(end - start)
            status = farm.step(farm.classify(frame.n_s, at >= 0))
            if status != OK:
                return status
            self._ad.put(at, self._frame_buffer, start, end)
            self.waiting += 1
            self.frames_ad = (self.frames_ad + 1) & 0xFFFF
        else:
            farm.step(E6)
            queue = self._bd
            at = queue.place(end - start)
            queue.put(at if at >= 0 else self._erase_bd(end - start), self._frame_buffer, start, end)
            self.waiting += 1
            self.frames_bd = (self.frames_bd + 1) & 0xFFFF
        if sa is not None:
            sa.accept()
        return OK

    def _erase_bd(self, length: int) -> int:
        """BD data always finds a place: the oldest unread units give way (232.1-B 6.2.2). Where *length* octets go."""
        queue = self._bd
        at = -1
        while at < 0:
            queue.pop()
            self.waiting -= 1
            self._drops.count(FARM_BD_ERASED)
            at = queue.place(length)
        return at

    def next(self) -> bool:
        """Find the data of the next accepted frame, BD before AD. False when there is none."""
        queue = self._bd if self._bd.count else self._ad
        if not queue.count:
            return False
        self._queue = queue
        self.buffer = queue.buffer
        self.start = queue.start
        self.end = queue.end
        return True

    def release(self) -> None:
        """The data that next() found has been read; tells FARM-1 when the longest frame fits again (E10)."""
        self._queue.pop()
        self.waiting -= 1
        farm = self.farm
        # The flag and not the state: a lockout that comes during the wait ends the state only.
        if farm.flags & WAIT_FLAG and self._ad.place(TC_FRAME_MAX) >= 0:
            farm.step(E10)

    def cltu_count(self, which: int) -> int:
        """Counter CLTU_... of the codec (SPEC 3), wrapping at 2^30."""
        return self._receiver.count(which)
