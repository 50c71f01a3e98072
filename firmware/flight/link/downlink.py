"""The way down: packets to numbered TM frames, each with a CLCW. CCSDS 132.0-B 4.2, SPEC 7.

No I/O: the channel queues packets, poll() hands whole frames (sync marker included) to a function of the caller. A
frame leaves when it is full, when its packets have waited FLUSH_MS, when the CLCW has changed, and when none left for
CLCW_PERIOD_MS; if then no packet waits, it is an idle frame.

    downlink.realtime.send(packet, 0, length)
    downlink.poll(now_ms, uart_write)
"""

from micropython import const

from ..codec import randomise_tm
from ..errors import DropCounters
from ..limits import (
    CLCW_CHANGE_MS,
    CLCW_PERIOD_MS,
    FLUSH_MS,
    TM_FRAME_LENGTH,
    TM_RANDOMISED,
    TM_REALTIME_FRAMES,
    TM_VC_IDLE,
    TM_VC_REALTIME,
)
from .farm import Farm
from .tm_frame import ASM_LENGTH, FHP_IDLE, prepare, seal
from .virtual_channel import VirtualChannel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Millisecond clocks wrap at 2^30, as MicroPython's ticks_ms does.
_TICKS_MASK = const(0x3FFFFFFF)


class Downlink:
    """The master channel. Allocates when made, never after. Not safe from an interrupt.

    farm: whose CLCW every frame carries. drops: counters, shared. now_ms: the time from which CLCW_PERIOD_MS counts,
    0..2^30-1, wrapping. realtime: the one virtual channel of packets. frames: frames that left, mod 65536.
    """

    def __init__(self, farm: Farm, drops: DropCounters, now_ms: int) -> None:
        self._farm = farm
        self.realtime = VirtualChannel(TM_VC_REALTIME, TM_REALTIME_FRAMES, drops)
        self._idle_frame = bytearray(b"\x55" * (ASM_LENGTH + TM_FRAME_LENGTH))
        prepare(self._idle_frame, TM_VC_IDLE)
        self._idle_count = 0
        self._mc_count = 0
        self.frames = 0
        # The frame that is sealed and not yet taken by write(): the channel's next one or the idle one.
        self._sealed = False
        self._frame = self._idle_frame
        self._report = -1  # what the last frame said
        self._last_ms = now_ms
        self._changed = False
        self._changed_ms = now_ms
        self._waiting = False
        self._waiting_ms = now_ms

    def hurry(self, now_ms: int) -> None:
        """What waits in the open frame now leaves with the next poll(), not after FLUSH_MS."""
        self._waiting = True
        self._waiting_ms = (now_ms - FLUSH_MS) & _TICKS_MASK

    def poll(self, now_ms: int, write: "Callable[[bytearray], bool]") -> int:
        """Give every frame that should leave by *now_ms* to write(frame), until it returns False.

        write: takes the whole frame, sync marker first, and returns True, or takes nothing and returns False; the same
        frame is then offered again by the next poll(). Returns how many frames left.
        """
        realtime = self.realtime
        # Since when packets wait in the open frame, and since when the CLCW has something new to say.
        if realtime.waiting:
            if not self._waiting:
                self._waiting = True
                self._waiting_ms = now_ms
        else:
            self._waiting = False
        if self._farm.word != self._report:
            if not self._changed:
                self._changed = True
                self._changed_ms = now_ms
        else:
            self._changed = False
        frames = 0
        while self._sealed or self._choose(now_ms):
            if not write(self._frame):
                break
            self._gone(now_ms)
            frames += 1
            if not (realtime.full or self._waiting):
                break  # the CLCW has just been said
        return frames

    def left_ms(self, now_ms: int) -> int:
        """Milliseconds from *now_ms*, the time of the last poll(), until it is due again if nothing new comes."""
        # Without min() and max(), which are looked for far from here.
        left_ms: int = CLCW_PERIOD_MS - ((now_ms - self._last_ms) & _TICKS_MASK)
        if self._waiting:
            flush_ms: int = FLUSH_MS - ((now_ms - self._waiting_ms) & _TICKS_MASK)
            if flush_ms < left_ms:
                left_ms = flush_ms
        if self._changed:
            change_ms: int = CLCW_CHANGE_MS - ((now_ms - self._changed_ms) & _TICKS_MASK)
            if change_ms < left_ms:
                left_ms = change_ms
        return left_ms if left_ms > 0 else 0

    def _choose(self, now_ms: int) -> bool:
        """Seal the frame that leaves next. False when none should."""
        if self.realtime.full:
            self._seal_realtime()
            return True
        if self._waiting and (now_ms - self._waiting_ms) & _TICKS_MASK >= FLUSH_MS:
            self._waiting = False
            if self._flush():
                return True
        if self._changed and (now_ms - self._changed_ms) & _TICKS_MASK >= CLCW_CHANGE_MS:
            return self._seal_anything()
        if (now_ms - self._last_ms) & _TICKS_MASK >= CLCW_PERIOD_MS:
            return self._seal_anything()
        return False

    def _flush(self) -> bool:
        """Close the open frame if it holds packets, and seal the next one. False when there is none."""
        realtime = self.realtime
        if realtime.waiting:
            realtime.close()
        if not realtime.full:
            return False
        self._seal_realtime()
        return True

    def _seal_anything(self) -> bool:
        """Seal a frame for the sake of its CLCW: one with packets that wait, else an idle one."""
        if not self._flush():
            self._frame = frame = self._idle_frame
            self._report = report = self._farm.word
            self._changed = False
            self._sealed = True
            seal(frame, TM_VC_IDLE, self._mc_count, self._idle_count, FHP_IDLE, report)
        return True

    def _seal_realtime(self) -> None:
        self._report = report = self._farm.word
        self._changed = False
        self._sealed = True
        self._frame = self.realtime.seal(self._mc_count, report)

    def _gone(self, now_ms: int) -> None:
        self._sealed = False
        self._last_ms = now_ms
        self._mc_count = (self._mc_count + 1) & 0xFF
        self.frames = (self.frames + 1) & 0xFFFF
        if self._frame is not self._idle_frame:
            self.realtime.sent()
            return
        self._idle_count = (self._idle_count + 1) & 0xFF
        if TM_RANDOMISED:
            # Twice gives the fill octets back.
            randomise_tm(self._idle_frame, ASM_LENGTH, ASM_LENGTH + TM_FRAME_LENGTH)
