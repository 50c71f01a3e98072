"""A downlink that nobody hears: reports of housekeeping and frames are numbered and queued, not written.

Writing costs thirty times as much as numbering. Frames leave at the same times with as many octets, and every counter
and every value on board is the same; what stands in the frames is of no use. Other reports are written.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from flight.codec import FIELD_SIZE
from flight.errors import OK
from flight.limits import (
    APID,
    CLCW_PERIOD_MS,
    FLUSH_MS,
    HOUSEKEEPING_CREATED_MAX,
    HOUSEKEEPING_QUIET_PERIODS,
    TM_RANDOMISED,
)
from flight.link.downlink import _TICKS_MASK
from flight.link.tm_frame import DATA_LENGTH
from flight.packet.counters import _COUNT_MASK
from flight.packet.telemetry import DATA_START
from flight.service.structure import Structure
from flight.topology import Core

_SID_LENGTH = 2
_ERROR_CONTROL_LENGTH = 2
_IDLE_PACKET_MIN = 7


def leave_unwritten(core: Core) -> None:
    """For a board that is made and has not started."""
    _count_housekeeping(core)
    _compare_values(core)
    if not TM_RANDOMISED:  # an idle frame that left is randomised back
        _count_frames(core)


def _count_housekeeping(core: Core) -> None:
    tm, channel = core.tm, core.downlink.realtime
    write = core.housekeeping.send
    numbers = tm._writer._sequence_counts
    counts, index = numbers._counts, numbers._index[APID]
    numbered = False

    def send(structure: Structure, destination: int) -> None:
        nonlocal numbered
        if destination or not numbered:
            # The first one takes a place among the message types.
            numbered = not destination or numbered
            write(structure, destination)
            return
        counts[index] = (counts[index] + 1) & _COUNT_MASK
        length = DATA_START + _SID_LENGTH + structure.size + _ERROR_CONTROL_LENGTH
        if length < DATA_LENGTH - channel.fill and channel.full < channel._depth:
            channel.fill += length
            channel.waiting = True
            tm.sent = (tm.sent + 1) & 0xFFFF
        elif channel.send(tm.buffer, 0, length) == OK:
            tm.sent = (tm.sent + 1) & 0xFFFF
        else:
            tm.lost = (tm.lost + 1) & 0xFFFF

    core.housekeeping.send = send  # type: ignore[method-assign]


def _compare_values(core: Core) -> None:
    """A structure reported on change is packed only when a value is another one than when it was packed last."""
    housekeeping, values = core.housekeeping, core.values
    changed_ = housekeeping._changed
    # Those of the dictionary: what is made by 3/1 may come to have other fields.
    of_dictionary = housekeeping.structures[:-HOUSEKEEPING_CREATED_MAX]
    # One more, so that one field makes a tuple as well.
    picks = {structure.sid: itemgetter(*_indices(structure), 0) for structure in of_dictionary}
    packed: dict[int, tuple[float, ...]] = {}

    def changed(structure: Structure) -> bool:
        sid = structure.sid
        if sid not in picks:
            return changed_(structure)
        now = picks[sid](values)
        if now == packed.get(sid) and structure.quiet + 1 < HOUSEKEEPING_QUIET_PERIODS:
            structure.quiet += 1
            return False
        packed[sid] = now
        return changed_(structure)

    housekeeping._changed = changed  # type: ignore[method-assign]


def _indices(structure: Structure) -> list[int]:
    """Of the values in a structure."""
    fmt = structure.fmt
    return [fmt[at + 4] << 8 | fmt[at + 5] for at in range(0, len(fmt), FIELD_SIZE)]


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
            downlink._frame = downlink._idle_frame
            downlink._report = downlink._farm.word
            downlink._changed = False
            downlink._sealed = True
        return True

    poll_ = downlink.poll

    def poll(now_ms: int, write: Callable[[bytearray], bool]) -> int:
        """The usual cases by themselves: nothing is due, the open frame is, the idle frame is."""
        if channel.full or downlink._sealed or downlink._farm.word != downlink._report:
            return poll_(now_ms, write)
        downlink._changed = False
        flush = False
        if not channel.fill:
            downlink._waiting = False
        elif downlink._waiting:
            flush = (now_ms - downlink._waiting_ms) & _TICKS_MASK >= FLUSH_MS
        else:
            downlink._waiting = True
            downlink._waiting_ms = now_ms
        if not flush and (now_ms - downlink._last_ms) & _TICKS_MASK < CLCW_PERIOD_MS:
            return 0
        frame = channel._frames[channel._head] if channel.fill else downlink._idle_frame
        if channel.fill > DATA_LENGTH - _IDLE_PACKET_MIN or not write(frame):
            return poll_(now_ms, write)
        downlink._frame = frame
        if channel.fill:
            channel._open = channel._head = (channel._open + 1) % channel._depth
            channel.fill = 0
            channel.waiting = False
            channel.frame_count = (channel.frame_count + 1) & 0xFF
            if flush:
                downlink._waiting = False
        else:
            downlink._idle_count = (downlink._idle_count + 1) & 0xFF
        downlink._last_ms = now_ms
        downlink._mc_count = (downlink._mc_count + 1) & 0xFF
        downlink.frames = (downlink.frames + 1) & 0xFFFF
        return 1

    downlink.poll = poll  # type: ignore[method-assign]
    channel.close = close  # type: ignore[method-assign]
    channel.seal = seal  # type: ignore[method-assign]
    downlink._seal_anything = seal_anything  # type: ignore[method-assign]
