"""Recorded octets of a line into an archive: synchronised, checked, stored as if they came now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from ..link.downlink import DownlinkDecoder
from .layout import ArchiveError
from .writer import ArchiveWriter

PIECE = 1 << 18  # octets read at a time


class Ingested(msgspec.Struct):
    """What a recording gave."""

    octets: int
    frames: int
    packets: int
    dropped_octets: int
    missing_frames: int


def ingest(
    archive: ArchiveWriter,
    recording: Path,
    received_s: float,
    rate: float = 0.0,
    progress: Callable[[int], None] | None = None,
) -> Ingested:
    """Store a recording of the downlink. received_s: POSIX time of its first octet; rate: octets a second it came with.

    Without a rate all has that one receive time; on-board times tell the rest. Raises ArchiveError for a file that
    cannot be read.
    """
    decoder = DownlinkDecoder()
    octets = 0
    try:
        with recording.open("rb") as file:
            while piece := file.read(min(PIECE, max(1, int(rate / 10))) if rate else PIECE):
                for event in decoder.feed(piece):
                    archive.take(event, received_s + (octets / rate if rate else 0.0))
                octets += len(piece)
                archive.commit()
                if progress is not None:
                    progress(octets)
    except OSError as error:
        raise ArchiveError(
            f"cannot read {recording}", found=error.strerror or str(error), next_step="check the name"
        ) from error
    archive.flush()
    counters = decoder.counters
    return Ingested(
        octets,
        counters.frames,
        archive.packets,
        sum(account.octets for account in decoder.drops.by_reason.values()),
        counters.missing_master,
    )
