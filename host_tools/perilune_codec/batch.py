"""Batch decoding on the ground: frames to packets to columns, one call into C for each stage of a whole batch.

What lives here: numpy arrays in and out of batch.h. What does not: which packet means what (the dictionary knows), and
the online decoder with its gap reports (perilune.link). Bytes: firmware/SPEC.md sections 7 to 9 and 11.
Needs the C codec; there is no twin of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import FIELD_FLOAT, FIELD_SIGNED, FIELD_UNSIGNED
from ._codec import ffi, lib

Octets = NDArray[np.uint8]

# As pl_packet_t.
PACKET = np.dtype(
    [
        ("offset", "u4"),
        ("length", "u4"),
        ("frame", "u4"),
        ("apid", "u2"),
        ("sequence", "u2"),
        ("service", "u1"),
        ("subtype", "u1"),
        ("status", "u1"),
        ("spare", "u1"),
    ]
)
LONGEST_PACKET = 65542  # octets: 7 + 65535
MOST_OCTETS = 0xFFFFFFFF  # of a batch, whose offsets have 32 bits
FRAME_LENGTHS = range(13, 4097)


class BatchError(ValueError):
    """Arguments that no batch can have; says what was expected and found."""


def _octets(data: bytes | bytearray | memoryview | Octets) -> Octets:
    """The data as octets in a row, without a copy where that is possible."""
    if isinstance(data, np.ndarray):
        return np.ascontiguousarray(data, dtype=np.uint8).reshape(-1)
    return np.frombuffer(data, dtype=np.uint8)


def _pointer(array: NDArray[Any], kind: str) -> Any:
    return ffi.cast(kind, array.ctypes.data)


@dataclass(frozen=True)
class FrameLayout:
    """Where frames lie in a block of octets: length of one, octets from one to the next, where the first begins."""

    length: int = 256
    stride: int = 260
    offset: int = 4

    def __post_init__(self) -> None:
        if self.length not in FRAME_LENGTHS or self.stride < self.length or self.offset < 0:
            raise BatchError(
                f"expected a length of 13 to 4096, a stride not below it and an offset from 0, found {self}; "
                "give the mission's TM_FRAME_LENGTH"
            )

    def count(self, octets: int) -> int:
        """How many whole frames so many octets hold."""
        room = octets - self.offset - self.length
        return 0 if room < 0 else room // self.stride + 1


def check_frames(data: bytes | bytearray | memoryview | Octets, layout: FrameLayout) -> NDArray[np.uint8]:
    """Check the FECF of every frame of *data*: an array with 1 for each good frame and 0 for each bad one."""
    octets = _octets(data)
    count = layout.count(octets.size)
    good = np.empty(count, dtype=np.uint8)
    if count:
        start = ffi.cast("const uint8_t *", octets.ctypes.data) + layout.offset
        lib.pl_batch_check_frames(start, count, layout.stride, layout.length, _pointer(good, "uint8_t *"))
    return good


@dataclass
class Packets:
    """Packets of one batch: their table (dtype PACKET) and the octets it points into."""

    table: NDArray[Any]
    stream: Octets

    def octets(self, index: int) -> bytes:
        """Octets of one packet."""
        row = self.table[index]
        return self.stream[int(row["offset"]) : int(row["offset"]) + int(row["length"])].tobytes()

    def select(self, apid: int, service: int, subtype: int) -> NDArray[Any]:
        """Rows of the good packets of one kind."""
        rows = np.empty(self.table.size, dtype=PACKET)
        table = _pointer(self.table, "const pl_packet_t *")
        n = lib.pl_batch_select(table, self.table.size, apid, service, subtype, _pointer(rows, "pl_packet_t *"))
        return rows[:n]


class PacketExtractor:
    """Cuts the packets of one virtual channel out of frames, batch after batch; a packet may run over into the next.

    vcid: 0 to 7. What it passed over is counted: frames_lost, packets_cut, octets_skipped, idle_packets, bad_headers.
    """

    def __init__(self, vcid: int, layout: FrameLayout) -> None:
        if not 0 <= vcid <= 7:
            raise BatchError(f"expected a virtual channel of 0 to 7, found {vcid}")
        self._layout = layout
        self._x = ffi.new("pl_extract_t *")
        lib.pl_batch_extract_init(self._x, vcid)
        self._begun = np.empty(0, dtype=np.uint8)

    def extract(self, data: bytes | bytearray | memoryview | Octets, good: NDArray[np.uint8] | None = None) -> Packets:
        """Packets that end in these frames; *good* as from check_frames, which is called if it is not given."""
        layout = self._layout
        octets = _octets(data)
        count = layout.count(octets.size)
        if good is None:
            good = check_frames(octets, layout)
        if good.dtype != np.uint8 or good.shape != (count,):
            raise BatchError(f"expected {count} marks of good frames as uint8, found {good.shape} of {good.dtype}")
        room = layout.length - 12
        if self._begun.size + count * room > MOST_OCTETS:
            raise BatchError(f"expected at most {MOST_OCTETS // room} frames, found {count}; give them in parts")
        stream = np.empty(self._begun.size + count * room, dtype=np.uint8)
        stream[: self._begun.size] = self._begun
        # Every packet has at least 7 octets, and C wants room for the packets of one more frame.
        table = np.empty(stream.size // 7 + room // 7 + 2, dtype=PACKET)
        if count:
            start = ffi.cast("const uint8_t *", octets.ctypes.data) + layout.offset
            done = lib.pl_batch_extract(
                self._x,
                start,
                count,
                layout.stride,
                layout.length,
                _pointer(np.ascontiguousarray(good), "const uint8_t *"),
                _pointer(stream, "uint8_t *"),
                stream.size,
                _pointer(table, "pl_packet_t *"),
                table.size,
            )
            assert done == count, "stream and table have room for every frame"
        packets = Packets(table[: self._x.packets], stream[: self._x.open])
        # The caller has the stream now; what was begun goes on in the next one.
        self._begun = stream[self._x.open : self._x.stream_length].copy()
        lib.pl_batch_extract_restart(self._x)
        return packets

    @property
    def frames(self) -> int:
        """Good frames of the virtual channel."""
        return int(self._x.frames)

    @property
    def frames_lost(self) -> int:
        """Frames missing by the virtual channel frame count (mod 256)."""
        return int(self._x.frames_lost)

    @property
    def packets_cut(self) -> int:
        """Packets whose end was lost."""
        return int(self._x.packets_cut)

    @property
    def octets_skipped(self) -> int:
        """Octets of packets whose begin was lost."""
        return int(self._x.octets_skipped)

    @property
    def idle_packets(self) -> int:
        """Idle packets passed over."""
        return int(self._x.idle_packets)

    @property
    def bad_headers(self) -> int:
        """Frames with a header that is not of SPEC.md section 7."""
        return int(self._x.bad_headers)


@dataclass(frozen=True)
class Column:
    """One field of a packet as a column: where it is, and how raw values become engineering values.

    bit: offset from the first octet of the packet. kind: FIELD_UNSIGNED, FIELD_SIGNED or FIELD_FLOAT. width: in bits,
    1 to 64. coefficients: of a polynomial, lowest power first, at most 6; none leaves raw values.
    """

    name: str
    kind: int
    width: int
    bit: int
    coefficients: tuple[float, ...] = ()
    dtype: np.dtype[Any] = field(init=False)

    def __post_init__(self) -> None:
        integer = self.kind in (FIELD_UNSIGNED, FIELD_SIGNED) and 1 <= self.width <= 64
        real = self.kind == FIELD_FLOAT and self.width in (32, 64) and self.bit % 8 == 0
        if not (integer or real) or not 0 <= self.bit < LONGEST_PACKET * 8 or len(self.coefficients) > 6:
            raise BatchError(
                f"column {self.name!r}: expected kind 1 to 3, width 1 to 64 (float: 32 or 64, at an octet) and up to "
                f"6 coefficients, found kind {self.kind}, width {self.width}, bit {self.bit}, "
                f"{len(self.coefficients)} coefficients; see SPEC.md section 11"
            )
        size = next(size for size in (1, 2, 4, 8) if size * 8 >= self.width)
        letter = {FIELD_UNSIGNED: "u", FIELD_SIGNED: "i", FIELD_FLOAT: "f"}[self.kind]
        object.__setattr__(self, "dtype", np.dtype("f8" if self.coefficients else f"{letter}{size}"))


def columns(
    stream: bytes | bytearray | memoryview | Octets, rows: NDArray[Any], plan: Sequence[Column]
) -> dict[str, NDArray[Any]]:
    """Read the fields of *plan* from the packets of *rows* (dtype PACKET): an array for each column.

    Raises BatchError when a packet is too short for the plan: then the packets are of another structure.
    """
    octets = _octets(stream)
    count = rows.size
    if rows.dtype != PACKET:
        raise BatchError(
            f"expected rows of a packet table, found {rows.dtype}; take them from Packets.table or select()"
        )
    rows = np.ascontiguousarray(rows)
    result = {column.name: np.empty(count, dtype=column.dtype) for column in plan}
    if len(result) != len(plan):
        raise BatchError("expected a name of its own for every column, found one twice")
    table = ffi.new("pl_column_t[]", len(plan))
    for entry, column in zip(table, plan, strict=True):
        entry.out = ffi.cast("void *", result[column.name].ctypes.data)
        entry.bit = column.bit
        entry.kind = column.kind
        entry.width = column.width
        entry.size = column.dtype.itemsize
        entry.coefficients = len(column.coefficients)
        for i, coefficient in enumerate(column.coefficients):
            entry.coefficient[i] = coefficient
    short = lib.pl_batch_columns(
        _pointer(octets, "const uint8_t *"),
        octets.size,
        _pointer(rows, "const pl_packet_t *"),
        count,
        table,
        len(plan),
    )
    assert short != -2, "Column checks what the C function wants"
    if short >= 0:
        end = max((column.bit + column.width + 7) // 8 for column in plan)
        raise BatchError(
            f"packet {short}: expected at least {end} octets within the stream, found {rows[short]['length']}; "
            "select packets of one structure before reading columns"
        )
    return result
