"""A downlink that nobody hears: reports of housekeeping and frames are numbered and queued, not written.

Writing costs thirty times as much as numbering. Frames leave at the same times with as many octets, and every counter
and every value on board is the same; what stands in the frames is of no use. Other reports are written.
"""

from __future__ import annotations

from flight.errors import OK
from flight.limits import APID, TM_RANDOMISED
from flight.link.tm_frame import DATA_LENGTH
from flight.packet.telemetry import DATA_START
from flight.service.structure import Structure
from flight.topology import Core

_SID_LENGTH = 2
_ERROR_CONTROL_LENGTH = 2
_IDLE_PACKET_MIN = 7


def leave_unwritten(core: Core) -> None:
    """For a board that is made and has not started."""
    _count_housekeeping(core)
    if not TM_RANDOMISED:  # an idle frame that left is randomised back
        _count_frames(core)


def _count_housekeeping(core: Core) -> None:
    tm, channel = core.tm, core.downlink.realtime
    write = core.housekeeping.send
    next_count = tm._writer._sequence_counts.next
    numbered = False

    def send(structure: Structure, destination: int) -> None:
        nonlocal numbered
        if destination or not numbered:
            # The first one takes a place among the message types.
            numbered = not destination or numbered
            write(structure, destination)
            return
        next_count(APID)
        length = DATA_START + _SID_LENGTH + structure.size + _ERROR_CONTROL_LENGTH
        if channel.send(tm.buffer, 0, length) == OK:
            tm.sent = (tm.sent + 1) & 0xFFFF
        else:
            tm.lost = (tm.lost + 1) & 0xFFFF

    core.housekeeping.send = send  # type: ignore[method-assign]


def _count_frames(core: Core) -> None:
    downlink = core.downlink
    channel = downlink.realtime
    close_ = channel.close

    def close() -> bool:
        """Fill the open frame up."""
        if not 0 < channel.fill <= DATA_LENGTH - _IDLE_PACKET_MIN:
            return close_()
        channel.full += 1
        channel._open = (channel._open + 1) % channel._depth
        channel.fill = 0
        channel.waiting = False
        return True

    def seal(mc_count: int, report: int) -> bytearray:
        return channel._frames[channel._head]

    def seal_anything() -> bool:
        """A frame for the sake of its CLCW."""
        if not downlink._flush():
            downlink._channel = None
            downlink._frame = downlink._idle_frame
            downlink._report = downlink._farm.word
            downlink._changed = False
            downlink._sealed = True
        return True

    channel.close = close  # type: ignore[method-assign]
    channel.seal = seal  # type: ignore[method-assign]
    downlink._seal_anything = seal_anything  # type: ignore[method-assign]
