"""Frames to the derived tables of an archive: reports, events, verification, gaps, chunks of housekeeping values."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..dictionary.model import Dictionary, Point
from ..telemetry import reports as r
from ..telemetry.batch import Batch, BatchDecoder, Single, StructureBatch
from ..telemetry.decode import Decoder
from .layout import CHUNK_SAMPLES, COLUMNS, DAY_US

# A chunk that was written before it was full is left as it is once it has so many samples: what is written again at
# every flush stays small.
SEAL_AT = 512
_CONTENT_WITHOUT = {"report", "header", "raw"}


class _OpenChunk:
    """Samples of one structure that do not fill a chunk yet. id: of its row, once it has one."""

    def __init__(self, batch: StructureBatch) -> None:
        self.like = batch
        self.id: int | None = None
        self.parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]] = []
        self.count = 0
        self.written = 0

    def add(
        self, received: NDArray[Any], onboard: NDArray[Any], sequence: NDArray[Any], values: dict[str, NDArray[Any]]
    ) -> None:
        self.parts.append((received, onboard, sequence, values))
        self.count += len(received)


class Deriver:
    """Writes what frames say. The caller makes the transactions; after one that was undone it needs a new Deriver."""

    def __init__(self, connection: sqlite3.Connection, dictionary: Dictionary, *, force: bool = False) -> None:
        self._connection = connection
        self._hash = dictionary.content_hash.hex()
        self.decoder = Decoder(dictionary, force=force)
        self._batches = BatchDecoder(self.decoder)
        self._open: dict[tuple[int, int, int, int], _OpenChunk] = {}
        self._parameters: dict[str, int] = {}
        self._next_report = self._first_free("report")
        self._next_chunk = self._first_free("chunk")
        self.packets = 0

    def _first_free(self, table: str) -> int:
        # Also above rows that went into the files of their days.
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return 1 if row is None else int(row[0]) + 1

    def prime(self, frames: bytes) -> None:
        """What came just before the first frames of `derive`."""
        self._batches.prime(frames)

    def learn(self, packets: list[bytes]) -> None:
        """Descriptions of structures (3/10) that came before."""
        for packet in packets:
            self.decoder.decode(packet, counted=True)

    def derive(self, ids: NDArray[np.int64], received_us: NDArray[np.int64], octets: bytes) -> int:
        """Write what these frames say; afterwards nothing of them is in memory alone. How many packets they were."""
        batch = self._batches.decode(octets)
        self._write_gaps(batch, ids, received_us)
        self._write_singles(batch.singles, ids, received_us)
        for structure in batch.structures:
            self._add(structure, received_us[structure.frame])
        self._write_chunks()
        return batch.packets

    # --- reports ------------------------------------------------------------------------------------------------------

    def _write_gaps(self, batch: Batch, ids: NDArray[np.int64], received_us: NDArray[np.int64]) -> None:
        rows = [
            (int(received_us[gap.frame]), int(ids[gap.frame]), gap.kind, gap.vcid, gap.missing) for gap in batch.gaps
        ]
        self._connection.executemany("INSERT INTO gap VALUES (NULL, ?, ?, ?, ?, ?)", rows)

    def _write_singles(self, singles: list[Single], ids: NDArray[np.int64], received_us: NDArray[np.int64]) -> None:
        reports, events, verifications = [], [], []
        for single in singles:
            report = single.report
            number = self._next_report
            self._next_report += 1
            received = int(received_us[single.frame])
            header = report.header
            onboard = None if header is None else onboard_us(header)
            reports.append(
                (
                    number,
                    int(ids[single.frame]),
                    received,
                    onboard,
                    None if header is None else header.time.status,
                    single.vcid,
                    None if header is None else header.service,
                    None if header is None else header.subtype,
                    None if header is None else header.sequence_count,
                    type(report).__struct_config__.tag,
                    report.raw,
                    content_of(report),
                )
            )
            if isinstance(report, r.EventReport):
                events.append((number, received, onboard, report.name, report.severity, report.text))
            elif isinstance(report, r.VerificationReport):
                failure = report.failure.shown if report.failure is not None else None
                verifications.append(
                    (
                        number,
                        report.request_id,
                        received,
                        report.request_id,
                        received,
                        onboard,
                        report.stage.value,
                        report.success,
                        report.step,
                        failure,
                    )
                )
        execute = self._connection.executemany
        execute("INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", reports)
        execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", events)
        execute(
            "INSERT INTO verification VALUES (?, (SELECT id FROM command WHERE request_id = ? AND sent_us <= ? "
            "ORDER BY sent_us DESC LIMIT 1), ?, ?, ?, ?, ?, ?, ?)",
            verifications,
        )

    # --- housekeeping -------------------------------------------------------------------------------------------------

    def _add(self, batch: StructureBatch, received: NDArray[np.int64]) -> None:
        """To the open chunk of each day that is in the batch."""
        edges = [0, *(np.flatnonzero(np.diff(received // DAY_US)) + 1).tolist(), len(received)]
        for start, end in itertools.pairwise(edges):
            key = (batch.sid, batch.vcid, batch.time_status, int(received[start]) // DAY_US)
            if key not in self._open or list(self._open[key].like.values) != list(batch.values):
                self._open[key] = _OpenChunk(batch)
            self._open[key].add(
                received[start:end],
                batch.onboard_us[start:end],
                batch.sequence[start:end],
                {name: column[start:end] for name, column in batch.values.items()},
            )

    def _write_chunks(self) -> None:
        """Everything that is not written yet; what is full, or of a day that is over, is forgotten then."""
        latest = max((key[3] for key in self._open), default=0)
        for key, chunk in list(self._open.items()):
            if chunk.count == chunk.written:
                if key[3] < latest:
                    del self._open[key]
                continue
            received, onboard, sequence, values = _joined(chunk)
            at = 0
            while len(received) - at >= CHUNK_SAMPLES:
                self._write(chunk, *_cut(received, onboard, sequence, values, at, at + CHUNK_SAMPLES))
                chunk.id = None
                at += CHUNK_SAMPLES
            rest = _cut(received, onboard, sequence, values, at, len(received))
            chunk.parts = [rest] if len(rest[0]) else []
            chunk.count = chunk.written = len(rest[0])
            if chunk.count:
                self._write(chunk, *rest)
            if chunk.count >= SEAL_AT or key[3] < latest:
                del self._open[key]

    def _write(
        self,
        chunk: _OpenChunk,
        received: NDArray[Any],
        onboard: NDArray[Any],
        sequence: NDArray[Any],
        values: dict[str, NDArray[Any]],
    ) -> None:
        if chunk.id is None:
            chunk.id = self._next_chunk
            self._next_chunk += 1
        like = chunk.like
        first, last = int(received.min()), int(received.max())
        self._connection.execute(
            "INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                chunk.id,
                like.sid,
                like.name,
                like.vcid,
                like.time_status,
                len(received),
                first,
                last,
                _octets(received, "<i8"),
                _octets(onboard, "<i8"),
                _octets(sequence, "<u2"),
            ),
        )
        rows = []
        for number, point in enumerate(like.points):
            raw = values[point.name]
            low, high, latest = _extremes(point, raw)
            rows.append(
                (
                    chunk.id * COLUMNS + number,
                    self._parameter(point, raw.dtype),
                    chunk.id,
                    first,
                    last,
                    low,
                    high,
                    latest,
                    _octets(raw, raw.dtype.newbyteorder("<")),
                )
            )
        self._connection.executemany("INSERT OR REPLACE INTO value VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _parameter(self, point: Point, dtype: np.dtype[Any]) -> int:
        """Row of the parameter under this dictionary."""
        if point.name not in self._parameters:
            names = {} if point.enumeration is None else point.enumeration.values
            kind = f"{dtype.kind}{dtype.itemsize}"
            self._connection.execute(
                "INSERT OR IGNORE INTO parameter (name, dictionary, point, type, unit, calibration, names) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    point.name,
                    self._hash,
                    point.id,
                    kind,
                    point.unit,
                    msgspec.json.encode(point.coefficients).decode(),
                    msgspec.json.encode(names).decode(),
                ),
            )
            [row] = self._connection.execute(
                "SELECT id FROM parameter WHERE name = ? AND dictionary = ?", (point.name, self._hash)
            ).fetchall()
            self._parameters[point.name] = row[0]
        return self._parameters[point.name]


def onboard_us(header: r.Header) -> int:
    """On-board time as POSIX microseconds, cut."""
    time = header.time
    whole = int(time.unix_s // 1)
    return whole * 1_000_000 + (time.fraction * 1_000_000 >> 16)


def content_of(report: r.Report | r.Undecodable) -> str:
    """What the report says, as JSON; its header and octets are columns of their own."""
    data = {key: value for key, value in r.as_data(report).items() if key not in _CONTENT_WITHOUT}
    return msgspec.json.encode(data).decode()


def _octets(array: NDArray[Any], dtype: Any) -> bytes:
    return array.astype(dtype, copy=False).tobytes()


def _extremes(point: Point, raw: NDArray[Any]) -> tuple[float | None, float | None, float | None]:
    """Least, greatest and last value in engineering units; None for what is no number."""
    ends = np.array([raw.min(), raw.max(), raw[-1]], dtype=np.float64)
    if raw.dtype.kind == "f":
        numbers = raw[~np.isnan(raw)]
        ends[:2] = (numbers.min(), numbers.max()) if numbers.size else np.nan
    if len(point.coefficients) > 2:
        with np.errstate(over="ignore", invalid="ignore"):
            shown = np.polynomial.polynomial.polyval(raw.astype(np.float64), np.array(point.coefficients, dtype=float))
        ends = np.array([np.nanmin(shown), np.nanmax(shown), shown[-1]])
    elif point.coefficients:
        ends = np.polynomial.polynomial.polyval(ends, np.array(point.coefficients, dtype=float))
        ends[:2] = np.sort(ends[:2])
    low, high, last = (None if np.isnan(number) else float(number) for number in ends)
    return low, high, last


def _joined(chunk: _OpenChunk) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]:
    if len(chunk.parts) == 1:
        return chunk.parts[0]
    received, onboard, sequence, values = zip(*chunk.parts, strict=True)
    return (
        np.concatenate(received),
        np.concatenate(onboard),
        np.concatenate(sequence),
        {name: np.concatenate([part[name] for part in values]) for name in values[0]},
    )


def _cut(
    received: NDArray[Any],
    onboard: NDArray[Any],
    sequence: NDArray[Any],
    values: dict[str, NDArray[Any]],
    start: int,
    end: int,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], dict[str, NDArray[Any]]]:
    part = slice(start, end)
    return received[part], onboard[part], sequence[part], {name: column[part] for name, column in values.items()}
