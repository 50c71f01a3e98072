"""The way down on the ground: octets to TM frames, to packets and CLCWs, with every gap and every drop. No I/O.

CCSDS 131.0-B, 132.0-B-3 §4; firmware/SPEC.md sections 5 and 7. The frame synchroniser is the codec's; here live the
checks of a synchronised frame, the counts, and the account of what was dropped. `feed` gives the same events and
counters however the stream is cut into pieces.
"""

from __future__ import annotations

import flight.errors as reason
import msgspec
from flight.codec import (
    TM_ASM_ERRORS,
    TM_FECF,
    TM_LOCK_LOST,
    TM_RESYNC,
    TM_SEARCH_BYTES,
    TmFrameSync,
)
from flight.limits import (
    SCID,
    TC_VCID,
    TM_ASM_ERRORS_LOCK,
    TM_ASM_ERRORS_SEARCH,
    TM_FRAME_LENGTH,
    TM_RANDOMISED,
    TM_VC_IDLE,
    TM_VC_PLAYBACK,
    TM_VC_REALTIME,
)

from .clcw import Clcw, unpack_clcw
from .packet_extractor import FHP_IDLE, FHP_NO_PACKET, PacketExtractor, PacketReceived, SequenceGap
from .reason import DropAccounts

ASM_LENGTH = 4
HEADER_LENGTH = 6
DATA_END = TM_FRAME_LENGTH - 6
OVERHEAD = ASM_LENGTH + TM_FRAME_LENGTH - (DATA_END - HEADER_LENGTH)
COUNT_MODULUS = 256
# The codec's counters wrap at 2^30; differences are taken before that.
_WRAP = 1 << 30


class FrameReceived(msgspec.Struct, frozen=True, tag=True):
    """A TM frame that passed every check. `octets` is the frame from primary header to FECF, without marker."""

    vcid: int
    master_count: int
    channel_count: int
    octets: bytes


class ClcwReceived(msgspec.Struct, frozen=True, tag=True):
    """The CLCW of a frame, of our telecommand virtual channel."""

    clcw: Clcw


class FrameGap(msgspec.Struct, frozen=True, tag=True):
    """`missing` frames, modulo 256, before the frame that follows; `vcid` None: counted on the master channel."""

    vcid: int | None
    missing: int


class Dropped(msgspec.Struct, frozen=True, tag=True):
    """`octets` octets dropped for `reason` (a number of SPEC.md section 13)."""

    reason: int
    octets: int


DownlinkEvent = FrameReceived | PacketReceived | ClcwReceived | FrameGap | SequenceGap | Dropped


class DownlinkCounters(msgspec.Struct):
    """What came down so far, in frames and octets. `lock` is the state now."""

    octets: int = 0
    frames: int = 0
    idle_frames: int = 0
    lock: bool = False
    lock_lost: int = 0
    resynchronisations: int = 0
    marker_errors: int = 0
    missing_master: int = 0
    missing_channel: dict[int, int] = {}
    packets: int = 0
    packet_octets: int = 0
    idle_packets: int = 0
    idle_octets: int = 0
    missing_packets: int = 0
    clcws: int = 0
    pending_octets: int = 0


class DownlinkDecoder:
    """One master channel. Feed it octets, take events."""

    def __init__(self) -> None:
        self._buffer = bytearray(TM_FRAME_LENGTH + 8)
        self._sync = TmFrameSync(
            self._buffer, TM_FRAME_LENGTH, TM_ASM_ERRORS_SEARCH, TM_ASM_ERRORS_LOCK, bool(TM_RANDOMISED)
        )
        self._booked = DropAccounts()
        self._events: list[DownlinkEvent] = []
        self._octets = 0
        self._frames = 0
        self._idle_frames = 0
        self._idle_octets = 0
        self._clcws = 0
        self._missing_master = 0
        self._missing_channel: dict[int, int] = {}
        self._last_master: int | None = None
        self._last_channel: dict[int, int] = {}
        self._seen_search = 0
        self._seen_fecf = 0
        self._extractors = {
            vcid: PacketExtractor(vcid, self._emit, self._drop) for vcid in (TM_VC_REALTIME, TM_VC_PLAYBACK)
        }

    def feed(self, data: bytes) -> list[DownlinkEvent]:
        """Take octets as they come; the events they complete, oldest first."""
        position = 0
        end = len(data)
        self._octets += end
        sync = self._sync
        while position < end:
            position = sync.feed(data, position, end)
            length = sync.take()
            if length:
                self._book_synchroniser()
                self._take_frame(bytes(self._buffer[ASM_LENGTH : ASM_LENGTH + length]))
        events = self._events
        self._events = []
        return events

    @property
    def drops(self) -> DropAccounts:
        """A snapshot of everything dropped so far, by reason."""
        accounts = DropAccounts()
        for why, account in self._booked.by_reason.items():
            accounts.add(why, account.octets, account.count)
        for why, octets, count in self._unbooked():
            accounts.add(why, octets, count)
        return accounts

    @property
    def counters(self) -> DownlinkCounters:
        """A snapshot. `octets` = frames, drops, and `pending_octets`, at every moment (see `accounted_octets`)."""
        sync = self._sync
        extractors = self._extractors.values()
        return DownlinkCounters(
            octets=self._octets,
            frames=self._frames,
            idle_frames=self._idle_frames,
            lock=sync.locked(),
            lock_lost=sync.count(TM_LOCK_LOST),
            resynchronisations=sync.count(TM_RESYNC),
            marker_errors=sync.count(TM_ASM_ERRORS),
            missing_master=self._missing_master,
            missing_channel=dict(self._missing_channel),
            packets=sum(extractor.packets for extractor in extractors),
            packet_octets=sum(extractor.packet_octets for extractor in extractors),
            idle_packets=sum(extractor.idle_packets for extractor in extractors),
            idle_octets=self._idle_octets + sum(extractor.idle_octets for extractor in extractors),
            missing_packets=sum(extractor.missing_packets for extractor in extractors),
            clcws=self._clcws,
            pending_octets=sync.pending() + sum(extractor.pending for extractor in extractors),
        )

    def accounted_octets(self) -> int:
        """Octets that ended in a frame's overhead, a packet, idle data, a drop account, or are still pending."""
        counters = self.counters
        dropped = sum(account.octets for account in self.drops.by_reason.values())
        return (
            counters.frames * OVERHEAD
            + counters.packet_octets
            + counters.idle_octets
            + dropped
            + counters.pending_octets
        )

    # -- a frame -------------------------------------------------------------------------------------------------------

    def _take_frame(self, frame: bytes) -> None:
        fault = _fault_of(frame)
        if fault is not None:
            self._drop(fault, ASM_LENGTH + len(frame))
            return
        self._frames += 1
        vcid = frame[1] >> 1 & 7
        self._count_master(frame[2])
        self._count_channel(vcid, frame[3])
        self._emit(FrameReceived(vcid, frame[2], frame[3], frame))
        first_header = (frame[4] & 7) << 8 | frame[5]
        if vcid == TM_VC_IDLE or first_header == FHP_IDLE:
            self._idle_frames += 1
            self._idle_octets += DATA_END - HEADER_LENGTH
        else:
            self._extractors[vcid].feed(frame[HEADER_LENGTH:DATA_END], first_header)
        self._take_clcw(int.from_bytes(frame[DATA_END : DATA_END + 4], "big"))

    def _count_master(self, count: int) -> None:
        if self._last_master is not None:
            missing = (count - self._last_master - 1) % COUNT_MODULUS
            if missing:
                self._missing_master += missing
                self._emit(FrameGap(None, missing))
        self._last_master = count

    def _count_channel(self, vcid: int, count: int) -> None:
        last = self._last_channel.get(vcid)
        self._last_channel[vcid] = count
        if last is None:
            return
        missing = (count - last - 1) % COUNT_MODULUS
        if missing:
            self._missing_channel[vcid] = self._missing_channel.get(vcid, 0) + missing
            self._emit(FrameGap(vcid, missing))
            if vcid in self._extractors:
                self._extractors[vcid].lose_frames()

    def _take_clcw(self, word: int) -> None:
        clcw = unpack_clcw(word)
        if clcw.control_word_type != 0 or clcw.version != 0 or clcw.cop_in_effect != 1:
            self._drop(reason.CLCW_FORMAT, 0)
        elif clcw.vcid != TC_VCID:
            self._drop(reason.CLCW_VCID, 0)
        else:
            self._clcws += 1
            self._emit(ClcwReceived(clcw))

    # -- events and accounts -------------------------------------------------------------------------------------------

    def _emit(self, event: msgspec.Struct) -> None:
        self._events.append(event)  # type: ignore[arg-type]  # the extractors emit DownlinkEvents only

    def _drop(self, why: int, octets: int) -> None:
        self._booked.add(why, octets)
        self._events.append(Dropped(why, octets))

    def _book_synchroniser(self) -> None:
        """Book what the synchroniser has dropped since the last frame; now, so that events do not depend on pieces."""
        for why, octets, count in self._unbooked():
            self._booked.add(why, octets, count)
            self._events.append(Dropped(why, octets))
        self._seen_search = self._sync.count(TM_SEARCH_BYTES)
        self._seen_fecf = self._sync.count(TM_FECF)

    def _unbooked(self) -> list[tuple[int, int, int]]:
        """Reason, octets and count of what the synchroniser has dropped since the last frame."""
        searched = (self._sync.count(TM_SEARCH_BYTES) - self._seen_search) % _WRAP
        broken = (self._sync.count(TM_FECF) - self._seen_fecf) % _WRAP
        found = []
        if searched:
            found.append((reason.TM_SEARCH, searched, 1))
        if broken:
            found.append((reason.TM_FECF, broken * (ASM_LENGTH + TM_FRAME_LENGTH), broken))
        return found


def _fault_of(frame: bytes) -> int | None:
    """The reason of the first check of SPEC.md section 7 that fails, None if none does."""
    if frame[0] >> 6:
        return reason.TM_VERSION
    if (frame[0] & 0x3F) << 4 | frame[1] >> 4 != SCID:
        return reason.TM_SCID
    if frame[1] >> 1 & 7 not in (TM_VC_REALTIME, TM_VC_PLAYBACK, TM_VC_IDLE):
        return reason.TM_VCID
    if not frame[1] & 1 or frame[4] & 0xF8 != 0x18:
        return reason.TM_FORMAT
    first_header = (frame[4] & 7) << 8 | frame[5]
    if first_header >= DATA_END - HEADER_LENGTH and first_header not in (FHP_NO_PACKET, FHP_IDLE):
        return reason.TM_FHP
    return None
