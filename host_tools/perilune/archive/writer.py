"""Puts frames into an archive as they come, and reads them out with the dictionary now and then.

A frame is acknowledged when `frames` or `commit` has returned: it is committed then, and the end of the process,
however it comes, does not lose it. With `durable` neither does the end of the power; without, that may cost the last
seconds, but never the file.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np
from flight.limits import TM_FRAME_LENGTH

from ..dictionary.model import Dictionary
from ..errors import PacketError
from ..link.downlink import Dropped, FrameReceived
from ..link.reason import REASON_NAMES
from ..packet.pus import unpack_telecommand
from ..telemetry.batch import CONTEXT_FRAMES
from ..telemetry.requests import Requests
from .derive import Deriver
from .layout import ArchiveError, connect, meta, unusable
from .lock import WriterLock

# Frames read out at a time: 2 MB, some 20 000 packets.
DERIVE_FRAMES = 8192
FLUSH_S = 5.0
# Before the first frame to be read out, of all channels together.
_CONTEXT = 8 * CONTEXT_FRAMES


class ArchiveWriter:
    """The one writer of an archive. Not thread-safe.

    durable: see above. flush_s: at the latest so long after a frame its values can be queried. clock: POSIX seconds.
    force: read out with this dictionary though the board speaks another one.
    """

    def __init__(
        self,
        path: Path | str,
        dictionary: Dictionary,
        *,
        durable: bool = False,
        flush_s: float = FLUSH_S,
        clock: Callable[[], float] = time.time,
        force: bool = False,
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._flush_s = flush_s
        self._dictionary = dictionary
        self._force = force
        self._requests = Requests(dictionary)
        self._lock = WriterLock(self.path)
        self._frames: list[tuple[int, bytes]] = []
        self._faults: list[tuple[int, str, int]] = []
        self._pending: list[tuple[int, int, bytes]] = []
        self._packets = 0  # of derivers before this one
        self._stale = False
        try:
            self._connection = connect(self.path, durable=durable)
            self._keep_dictionary(dictionary)
            row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'frame'").fetchone()
            self._last = 0 if row is None else int(row[0])
            self._deriver = self._new_deriver()
            self._catch_up()
        except sqlite3.Error as error:
            self._lock.release()
            raise unusable(self.path, error) from error
        except ArchiveError:
            self._lock.release()
            raise
        self._next_flush_s = self._clock() + flush_s

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def frames(self, frames: Iterable[bytes], received_s: float | None = None) -> int:
        """Store frames (primary header to FECF, without marker) received now or at *received_s*; they are committed.

        The number of the last frame in the archive. Raises ArchiveError when the disk does not take them.
        """
        received = _us(self._clock() if received_s is None else received_s)
        self._frames += [(received, frame) for frame in frames]
        return self.commit()

    def take(self, event: object, received_s: float | None = None) -> None:
        """Any downlink event: frames and drops are kept for the next `commit`, others are read out of the frames."""
        if isinstance(event, FrameReceived):
            self._frames.append((_us(self._clock() if received_s is None else received_s), event.octets))
        elif isinstance(event, Dropped):
            received = _us(self._clock() if received_s is None else received_s)
            self._faults.append((received, REASON_NAMES.get(event.reason, str(event.reason)), event.octets))

    def commit(self) -> int:
        """Store what `take` has collected. The number of the last frame; it and all before are committed."""
        if self._frames or self._faults:
            rows = [(self._last + n, received, octets) for n, (received, octets) in enumerate(self._frames, 1)]
            for _, _, octets in rows:
                if len(octets) != TM_FRAME_LENGTH:
                    self._frames.clear()
                    raise PacketError(
                        "not a frame of this mission", expected=f"{TM_FRAME_LENGTH} octets", found=str(len(octets))
                    )
            try:
                self._transaction(rows)
            except sqlite3.Error as error:
                raise unusable(self.path, error) from error
            self._last += len(rows)
            self._pending += rows
            self._frames.clear()
            self._faults.clear()
        if self._stale or len(self._pending) >= DERIVE_FRAMES or self._clock() >= self._next_flush_s:
            self.flush()
        return self._last

    def leave_out(self, most: int) -> int:
        """Of the frames, and of the faults, that wait for a `commit` that works keep the latest *most* each.

        How many frames were left out.
        """
        over = max(0, len(self._frames) - most)
        del self._frames[:over]
        del self._faults[: max(0, len(self._faults) - most)]
        return over

    def _transaction(self, rows: list[tuple[int, int, bytes]]) -> None:
        execute = self._connection
        execute.execute("BEGIN IMMEDIATE")
        try:
            execute.executemany("INSERT INTO frame VALUES (?, ?, ?)", rows)
            execute.executemany("INSERT INTO fault VALUES (NULL, ?, ?, ?)", self._faults)
            execute.execute("COMMIT")
        except BaseException:
            undo(execute)
            raise

    def command(self, packet: bytes, *, text: str = "", source: str = "", sent_s: float | None = None) -> int:
        """Store a telecommand packet that is sent now; its number. text: as typed, else as the dictionary says it.

        Its verification is joined to it as reports come.
        """
        if not text:
            text = self._requests.packet_text(packet)
        try:
            request_id = unpack_telecommand(packet).request_id
        except PacketError:
            request_id = int.from_bytes(packet[:4].ljust(4, b"\0"), "big")
        sent = _us(self._clock() if sent_s is None else sent_s)
        row = (sent, request_id, text, source, packet)
        try:
            cursor = self._connection.execute(
                "INSERT INTO command (sent_us, request_id, text, source, packet) VALUES (?, ?, ?, ?, ?)", row
            )
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
        assert cursor.lastrowid is not None  # an INSERT has just been made
        return cursor.lastrowid

    def delivery(self, command: int, state: str, at_s: float | None = None) -> None:
        """Where the telecommand is on its way up (`TelecommandState`)."""
        at = _us(self._clock() if at_s is None else at_s)
        try:
            self._connection.execute(
                "UPDATE command SET delivery = ?, delivery_us = ? WHERE id = ?", (str(state), at, command)
            )
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    # --- reading out --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Read out all frames that are stored, so that queries find what they say."""
        self._next_flush_s = self._clock() + self._flush_s
        try:
            if self._stale:
                self._begin_anew()
            while self._pending:
                part = self._pending[:DERIVE_FRAMES]
                derive_rows(self._connection, self._deriver, part)
                del self._pending[: len(part)]
        except sqlite3.Error as error:
            self._stale = True
            raise unusable(self.path, error) from error

    def _new_deriver(self) -> Deriver:
        return Deriver(self._connection, self._dictionary, force=self._force)

    def _begin_anew(self) -> None:
        """A transaction was undone, and the decoder has its frames: go on from what is stored, as a new writer."""
        self._packets += self._deriver.packets
        self._deriver = self._new_deriver()
        self._catch_up()
        self._pending.clear()
        self._stale = False

    def _catch_up(self) -> None:
        """Read out what a writer before this one has stored and not read out."""
        decoded = meta(self._connection, "decoded")
        assert isinstance(decoded, int)
        self._deriver.prime(last_frames(self._connection, decoded))
        self._deriver.learn([row[0] for row in self._connection.execute(_STRUCTURES)])
        derive_stored(self._connection, self._deriver)

    def _keep_dictionary(self, dictionary: Dictionary) -> None:
        keep_dictionary(self._connection, dictionary)

    def close(self) -> None:
        """Store and read out everything, and leave the file to others."""
        try:
            self.commit()
            self.flush()
        finally:
            self._connection.close()
            self._lock.release()

    @property
    def packets(self) -> int:
        """Packets read out by this writer."""
        return self._packets + self._deriver.packets


_STRUCTURES = "SELECT octets FROM report WHERE service = 3 AND subtype = 10 AND kind = 'structure' ORDER BY id"


def last_frames(connection: sqlite3.Connection, number: int) -> bytes:
    """The frames up to *number* in which a packet may begin that ends behind it."""
    rows = connection.execute(
        "SELECT octets FROM frame WHERE id <= ? ORDER BY id DESC LIMIT ?", (number, _CONTEXT)
    ).fetchall()
    return b"".join(row[0] for row in reversed(rows))


def derive_rows(connection: sqlite3.Connection, deriver: Deriver, rows: list[tuple[int, int, bytes]]) -> None:
    """Read out these rows of `frame`, and note that it is done, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        received = np.array([row[1] for row in rows], dtype=np.int64)
        packets = deriver.derive(ids, received, b"".join([row[2] for row in rows]))
        connection.execute("UPDATE meta SET value = ? WHERE key = 'decoded'", (int(ids[-1]),))
        connection.execute("COMMIT")
    except BaseException:
        undo(connection)
        raise
    deriver.packets += packets


def derive_stored(connection: sqlite3.Connection, deriver: Deriver) -> int:
    """Read out all stored frames that are not read out yet; how many they were."""
    count = 0
    while True:
        rows = connection.execute(
            "SELECT id, received_us, octets FROM frame WHERE id > (SELECT value FROM meta WHERE key = 'decoded') "
            "ORDER BY id LIMIT ?",
            (DERIVE_FRAMES,),
        ).fetchall()
        if not rows:
            return count
        derive_rows(connection, deriver, rows)
        count += len(rows)


def keep_dictionary(connection: sqlite3.Connection, dictionary: Dictionary) -> None:
    """The archive knows every dictionary with which it was read out."""
    content = zlib.compress(msgspec.json.encode(dictionary))
    digest = dictionary.content_hash.hex()
    connection.execute("INSERT OR IGNORE INTO dictionary VALUES (?, ?)", (digest, content))
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('dictionary', ?)", (digest,))


def kept_dictionary(connection: sqlite3.Connection, digest: str | None = None) -> Dictionary | None:
    """A dictionary that the archive knows: the one whose hash begins so, or the one it was read out with last.

    Raises ArchiveError for one of another version of perilune.
    """
    wanted: Any = meta(connection, "dictionary") if digest is None else digest
    row = connection.execute("SELECT content FROM dictionary WHERE hash LIKE ? || '%'", (wanted or "none",)).fetchone()
    if row is None:
        return None
    try:
        return msgspec.json.decode(zlib.decompress(row[0]), type=Dictionary)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ArchiveError(
            "the dictionary in the archive is of another version of perilune",
            found=str(error),
            next_step="give --dictionary",
        ) from error


def undo(connection: sqlite3.Connection) -> None:
    """Give up the transaction, if there is one."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
