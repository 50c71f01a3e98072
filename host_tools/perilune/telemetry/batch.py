"""Many frames at once to columns: what the archive stores and replays. firmware/SPEC.md sections 7 to 9 and 14.

Housekeeping goes through C a whole structure at a time and never becomes a report; every other packet goes through
`Decoder`, one by one. Both ways share its state: which dictionary the board speaks, structures made at run time, the
counters of report types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from flight.codec import FIELD_UNSIGNED
from flight.limits import APID, TM_FRAME_LENGTH, TM_VC_PLAYBACK, TM_VC_REALTIME
from numpy.typing import NDArray
from perilune_codec.batch import Column, FrameLayout, PacketExtractor, Packets, columns

from ..dictionary.model import Point
from ..link.reason import REASON_NAMES
from .decode import Decoder
from .onboard_time import posix_us
from .reports import HousekeepingReport, Report, Undecodable

LAYOUT = FrameLayout(TM_FRAME_LENGTH, TM_FRAME_LENGTH, 0)
CHANNELS = (TM_VC_REALTIME, TM_VC_PLAYBACK)
# So many frames of a channel hold the begin of any packet that ends in the next one: 65542 octets at the most, but the
# board sends none above its own maximum.
CONTEXT_FRAMES = 16
HOUSEKEEPING = (3, 25)

_DATA_BIT = 160  # of a report's data
_VALUES_BIT = 176  # behind the SID
_HEAD = (
    Column("status", FIELD_UNSIGNED, 4, 52),
    Column("count", FIELD_UNSIGNED, 16, 72),
    Column("destination", FIELD_UNSIGNED, 16, 88),
    Column("p_field", FIELD_UNSIGNED, 8, 104),
    Column("seconds", FIELD_UNSIGNED, 32, 112),
    Column("fraction", FIELD_UNSIGNED, 16, 144),
    Column("sid", FIELD_UNSIGNED, 16, _DATA_BIT),
)
_HEAD_OCTETS = _VALUES_BIT // 8
_ERROR_CONTROL = 2
_P_FIELD = 0x1E

Integers = NDArray[np.int64]


class StructureBatch(msgspec.Struct):
    """Reports 3/25 of one structure, in the order in which they came; arrays of the same length.

    frame: number in the batch of the frame in which each ended. onboard_us: POSIX time in us. values: raw, by name.
    """

    sid: int
    name: str
    vcid: int
    time_status: int
    points: tuple[Point, ...]
    frame: Integers
    onboard_us: Integers
    sequence: NDArray[np.uint16]
    values: dict[str, NDArray[Any]]


class Single(msgspec.Struct):
    """Any other packet. frame as in StructureBatch."""

    frame: int
    vcid: int
    report: Report | Undecodable


class Gap(msgspec.Struct):
    """Something is missing before this frame's packets. kind: frame, packet, or a report type as 3/25."""

    frame: int
    kind: str
    vcid: int
    missing: int


class Batch(msgspec.Struct):
    """What a batch of frames held. packets: all of them, idle ones left out."""

    structures: list[StructureBatch] = []
    singles: list[Single] = []
    gaps: list[Gap] = []
    packets: int = 0


class BatchDecoder:
    """Decodes the frames of one board, batch after batch; packets may run over from one into the next."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self._extractors = {vcid: PacketExtractor(vcid, LAYOUT) for vcid in CHANNELS}
        self._frame_counts: dict[int, int] = {}
        self._packet_counts: dict[tuple[int, int], int] = {}

    def prime(self, frames: bytes) -> None:
        """Frames before those of the first batch, CONTEXT_FRAMES of each channel: their whole packets are dropped."""
        self._take(np.frombuffer(frames, dtype=np.uint8), Batch())

    def decode(self, frames: bytes) -> Batch:
        """The next frames, TM_FRAME_LENGTH octets each, without marker; each has passed the checks of SPEC.md 7."""
        batch = Batch()
        for vcid, packets in self._take(np.frombuffer(frames, dtype=np.uint8), batch):
            batch.packets += len(packets.table)
            self._note_packets(vcid, packets.table, batch)
            self._sort(vcid, packets, batch)
        return batch

    def _take(self, octets: NDArray[np.uint8], batch: Batch) -> list[tuple[int, Packets]]:
        table = octets.reshape(-1, TM_FRAME_LENGTH)
        good = np.ones(len(table), dtype=np.uint8)
        channels = table[:, 1] >> 1 & 7
        self._note_frames(-1, np.arange(len(table)), table[:, 2], batch)
        found = []
        for vcid, extractor in self._extractors.items():
            numbers = np.flatnonzero(channels == vcid)
            if numbers.size:
                self._note_frames(vcid, numbers, table[numbers, 3], batch)
                found.append((vcid, extractor.extract(octets, good)))
        return found

    def _note_frames(self, vcid: int, numbers: NDArray[Any], counts: NDArray[np.uint8], batch: Batch) -> None:
        """Gaps of a frame count; -1: the master channel's."""
        if not counts.size:
            return
        last = self._frame_counts.get(vcid, int(counts[0]) - 1)
        missing = _left_out(counts, last, 1 << 8)
        self._frame_counts[vcid] = int(counts[-1])
        kind = "frame"
        batch.gaps += [Gap(int(numbers[n]), kind, vcid, int(missing[n])) for n in np.flatnonzero(missing)]

    def _note_packets(self, vcid: int, table: NDArray[Any], batch: Batch) -> None:
        for apid in np.unique(table["apid"]).tolist():
            rows = table.compress(table["apid"] == apid)
            counts = rows["sequence"].astype(np.int64)
            last = self._packet_counts.get((vcid, apid), int(counts[0]) - 1)
            missing = _left_out(counts, last, 1 << 14)
            self._packet_counts[vcid, apid] = int(counts[-1])
            batch.gaps += [Gap(int(rows["frame"][n]), "packet", vcid, int(missing[n])) for n in np.flatnonzero(missing)]

    # --- packets ------------------------------------------------------------------------------------------------------

    def _sort(self, vcid: int, packets: Packets, batch: Batch) -> None:
        """Housekeeping of known structures in columns, the rest one by one."""
        table = packets.table
        fits = (table["service"] == HOUSEKEEPING[0]) & (table["subtype"] == HOUSEKEEPING[1]) & (table["status"] == 0)
        fits &= table["length"] >= _HEAD_OCTETS + _ERROR_CONTROL
        single = np.ones(len(table), dtype=bool)
        counted = np.zeros(len(table), dtype=bool)
        numbers = np.flatnonzero(fits & (table["apid"] == APID))
        if numbers.size:
            rows = table.take(numbers)  # indexing copies records field by field: thirty times slower
            heads = columns(packets.stream, rows, _HEAD)
            if self.decoder.speaks(_hashes(packets, rows, heads["sid"], self.decoder)):
                taken = self._structures(vcid, packets, rows, heads, batch)
                single[numbers[taken]] = False
                counted[numbers] = True
        self._singles(vcid, packets, np.flatnonzero(single), counted, batch)

    def _structures(
        self, vcid: int, packets: Packets, rows: NDArray[Any], heads: dict[str, NDArray[Any]], batch: Batch
    ) -> NDArray[np.bool_]:
        """Which of the rows were taken; the others are for the decoder to judge."""
        taken = np.zeros(len(rows), dtype=bool)
        lengths = rows["length"].astype(np.int64) - _HEAD_OCTETS - _ERROR_CONTROL
        for sid in np.unique(heads["sid"]).tolist():
            structure = self.decoder.structure(sid)
            if structure is None:
                continue
            name, reader = structure
            chosen = (heads["sid"] == sid) & (lengths == reader.octets) & (heads["p_field"] == _P_FIELD)
            taken |= chosen
            for status in np.unique(heads["status"][chosen]).tolist():
                numbers = np.flatnonzero(chosen & (heads["status"] == status))
                of = rows.take(numbers)
                batch.structures.append(
                    StructureBatch(
                        sid,
                        name,
                        vcid,
                        status,
                        reader.points,
                        of["frame"].astype(np.int64),
                        posix_us(heads["seconds"][numbers], heads["fraction"][numbers]),
                        of["sequence"],
                        columns(packets.stream, of, plan(reader.placed)),
                    )
                )
        self._note_reports(vcid, rows, heads, taken, batch)
        return taken

    def _note_reports(
        self, vcid: int, rows: NDArray[Any], heads: dict[str, NDArray[Any]], taken: NDArray[np.bool_], batch: Batch
    ) -> None:
        """Gaps of the counter of 3/25; also of those that the decoder will judge, so that they stay in order."""
        for destination in np.unique(heads["destination"]).tolist():
            numbers = np.flatnonzero(heads["destination"] == destination)
            counts = heads["count"][numbers]
            missing = self.decoder.note_counts(vcid, APID, destination, *HOUSEKEEPING, counts)
            batch.gaps += [
                Gap(int(rows["frame"][numbers[n]]), "3/25", vcid, int(missing[n])) for n in np.flatnonzero(missing)
            ]
        self.decoder.counters.reports += int(np.count_nonzero(taken))

    def _singles(
        self, vcid: int, packets: Packets, numbers: NDArray[Any], counted: NDArray[np.bool_], batch: Batch
    ) -> None:
        for number in numbers.tolist():
            row = packets.table[number]
            octets = packets.octets(number)
            frame = int(row["frame"])
            if row["status"]:
                reason = REASON_NAMES.get(int(row["status"]), str(row["status"]))
                report: Report | Undecodable = Undecodable(reason=reason, detail=f"packet of {len(octets)}", raw=octets)
            else:
                report = self.decoder.decode(octets, vcid, counted=bool(counted[number]))
            if report.header is not None and report.header.missing:
                kind = f"{report.header.service}/{report.header.subtype}"
                batch.gaps.append(Gap(frame, kind, vcid, report.header.missing))
            if isinstance(report, HousekeepingReport):
                batch.structures.append(_alone(frame, vcid, report, self.decoder))
            else:
                batch.singles.append(Single(frame, vcid, report))


def plan(placed: Sequence[tuple[Point, int]]) -> list[Column]:
    """The columns of a structure's raw values; placed: points and their bits behind the SID."""
    return [Column(point.name, point.type.kind, point.type.width, _VALUES_BIT + bit) for point, bit in placed]


def _left_out(counts: NDArray[Any], last: int, modulus: int) -> Integers:
    """How many are missing before each count; last: the one before them."""
    numbers = counts.astype(np.int64)
    before = np.concatenate((np.array([last], dtype=np.int64), numbers[:-1]))
    return (numbers - before - 1) % modulus


def _alone(frame: int, vcid: int, report: HousekeepingReport, decoder: Decoder) -> StructureBatch:
    """One report that was decoded by itself, as a batch."""
    structure = decoder.structure(report.sid)
    assert structure is not None  # the decoder has just read it
    placed = structure[1].placed
    values = {column.name: np.array([report.values[column.name].raw], dtype=column.dtype) for column in plan(placed)}
    time = report.header.time
    return StructureBatch(
        report.sid,
        report.name,
        vcid,
        time.status,
        structure[1].points,
        np.array([frame]),
        posix_us(np.array([time.seconds]), np.array([time.fraction])),
        np.array([report.header.sequence_count], dtype=np.uint16),
        values,
    )


def _hashes(packets: Packets, rows: NDArray[Any], sids: NDArray[Any], decoder: Decoder) -> set[bytes]:
    """The dictionary hashes that health reports among the rows tell."""
    numbers = np.flatnonzero(sids == decoder.health_sid)
    health = rows.take(numbers)
    health = health.compress(health["length"] >= _HEAD_OCTETS + 5 + _ERROR_CONTROL)
    if not health.size:
        return set()
    hashes = columns(packets.stream, health, [Column("hash", FIELD_UNSIGNED, 32, _VALUES_BIT + 8)])["hash"]
    return {int(number).to_bytes(4, "big") for number in np.unique(hashes)}
