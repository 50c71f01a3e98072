"""The C codec on the host, through cffi: same names, arguments and results as the MicroPython module and the twin.

What lives here: checks of ranges, numbers in and out. Interface and rules: flight/codec/twin.py; headers: headers.py;
batches: batch.py.
Import it through `flight.codec`, which takes the twin where this extension could not be built.
Buffers: anything contiguous with the buffer protocol. A receiver keeps its caller's bytearray, which cannot be resized
while it lives.
"""

from __future__ import annotations

import logging
from array import array
from functools import lru_cache
from operator import itemgetter
from typing import Any

try:
    from ._codec import ffi, lib
except ImportError:
    logging.getLogger("perilune.codec").warning(
        "The C codec is not built, so the slow Python twin is used. Next step: install a C compiler "
        "and run `pip install` again."
    )
    raise

from .buffers import OCTETS as _OCTETS
from .buffers import Readable, Writable
from .buffers import read as _read
from .buffers import write as _write
from .headers import TM_COUNT_FULL as TM_COUNT_FULL
from .headers import TM_COUNT_NEW as TM_COUNT_NEW
from .headers import idle_packet as idle_packet
from .headers import sdls_check as sdls_check
from .headers import tc_frame_read as tc_frame_read
from .headers import tc_packet_read as tc_packet_read
from .headers import tm_count as tm_count
from .headers import tm_frame_seal as tm_frame_seal
from .headers import tm_packet_begin as tm_packet_begin
from .headers import tm_packet_end as tm_packet_end

BACKEND: str = "c"
WIRE_VERSION: int = lib.PL_WIRE_VERSION

CLTU_STARTS: int = lib.PL_CLTU_STARTS
CLTU_SEARCH_BYTES: int = lib.PL_CLTU_SEARCH_BYTES
CLTU_BLOCKS: int = lib.PL_CLTU_BLOCKS
CLTU_CORRECTED: int = lib.PL_CLTU_CORRECTED
CLTU_TAILS: int = lib.PL_CLTU_TAILS
CLTU_REJECTED: int = lib.PL_CLTU_REJECTED
CLTU_DELIVERED: int = lib.PL_CLTU_DELIVERED
CLTU_EMPTY: int = lib.PL_CLTU_EMPTY
CLTU_OVERLONG: int = lib.PL_CLTU_OVERLONG
CLTU_UNTAKEN: int = lib.PL_CLTU_UNTAKEN

TM_FRAMES: int = lib.PL_TM_FRAMES
TM_FECF: int = lib.PL_TM_FECF
TM_SEARCH_BYTES: int = lib.PL_TM_SEARCH_BYTES
TM_ASM_ERRORS: int = lib.PL_TM_ASM_ERRORS
TM_LOCK_LOST: int = lib.PL_TM_LOCK_LOST
TM_RESYNC: int = lib.PL_TM_RESYNC
TM_UNTAKEN: int = lib.PL_TM_UNTAKEN

FIELD_SIZE: int = lib.PL_FIELD_SIZE
FIELD_UNSIGNED: int = lib.PL_FIELD_UNSIGNED
FIELD_SIGNED: int = lib.PL_FIELD_SIGNED
FIELD_FLOAT: int = lib.PL_FIELD_FLOAT
FIELD_HALVES: int = lib.PL_FIELD_HALVES
FIELD_FORMAT: int = lib.PL_FIELD_FORMAT
FIELD_BOUNDS: int = lib.PL_FIELD_BOUNDS
FIELD_VALUE: int = lib.PL_FIELD_VALUE

_MOST = 0xFFFFFFFFFFFFFFFF  # the largest integer that goes into a field


def copy(src: Readable, start: int, end: int, dst: Writable, pos: int) -> int:
    """Copy [start, end) of src to dst[pos:]; the position after it. The ranges may overlap."""
    if type(dst) is bytearray and (type(src) is bytes or type(src) is bytearray):
        # The same without pointers, which cost five times as much.
        if not 0 <= start <= end <= len(src) or not 0 <= pos <= len(dst) - (end - start):
            raise ValueError("range")
        dst[pos : pos + end - start] = src[start:end]
        return pos + end - start
    source = _read(src, start, end)
    ffi.memmove(_write(dst, pos, pos + end - start), source, end - start)
    return pos + end - start


# --- check codes (SPEC.md section 1) ----------------------------------------------------------------------------------


def crc16(buf: Readable, start: int, end: int, init: int = 0xFFFF) -> int:
    """CRC-16 (0x1021, initial 0xFFFF) of frames and packets; pass the last result as init to go on."""
    crc: int = lib.pl_batch_crc16(init & 0xFFFF, _read(buf, start, end), end - start)
    return crc


def crc16_put(buf: Writable, start: int, end: int) -> int:
    """Write the CRC-16 of [start, end) behind it; the position after it."""
    n = end - start
    crc = lib.pl_batch_crc16(0xFFFF, _read(buf, start, end), n)
    data = _write(buf, start, end + 2)
    data[n] = crc >> 8
    data[n + 1] = crc & 0xFF
    return end + 2


def crc16_check(buf: Readable, start: int, end: int) -> bool:
    """True when the last two octets of [start, end) are the CRC-16 of those before; False for less than two."""
    return crc16(buf, start, end) == 0 and end - start >= 2


def crc16_modbus(buf: Readable, start: int, end: int, init: int = 0xFFFF) -> int:
    """CRC-16/MODBUS (0x8005 reflected, initial 0xFFFF); pass the last result as init to go on."""
    crc: int = lib.pl_crc16_modbus(init & 0xFFFF, _read(buf, start, end), end - start)
    return crc


def crc16_modbus_put(buf: Writable, start: int, end: int) -> int:
    """Write the CRC-16/MODBUS of [start, end) behind it, least significant octet first; the position after it."""
    n = end - start
    crc = lib.pl_crc16_modbus(0xFFFF, _read(buf, start, end), n)
    data = _write(buf, start, end + 2)
    data[n] = crc & 0xFF
    data[n + 1] = crc >> 8
    return end + 2


def crc16_modbus_check(buf: Readable, start: int, end: int) -> bool:
    """True when the last two octets of [start, end) are the CRC-16/MODBUS of those before; False for less than two."""
    return crc16_modbus(buf, start, end) == 0 and end - start >= 2


def _get32(data: Any) -> int:
    return int.from_bytes(bytes(data[0:4]), "big")


def _put32(data: Any, value: int) -> None:
    ffi.memmove(data, value.to_bytes(4, "big"), 4)


def crc32_update(state: Writable, pos: int, buf: Readable, start: int, end: int) -> None:
    """Continue the CRC-32 held in state[pos:pos+4], most significant octet first, all zero before the first piece."""
    held = _write(state, pos, pos + 4)
    _put32(held, lib.pl_crc32(_get32(held), _read(buf, start, end), end - start))


def crc32_put(buf: Readable, start: int, end: int, out: Writable, pos: int) -> int:
    """Write the CRC-32 of [start, end) to out[pos:pos+4]; the position after it."""
    held = _write(out, pos, pos + 4)
    _put32(held, lib.pl_crc32(0, _read(buf, start, end), end - start))
    return pos + 4


def crc32_check(buf: Readable, start: int, end: int, ref: Readable, pos: int) -> bool:
    """True when ref[pos:pos+4] is the CRC-32 of [start, end)."""
    crc: int = lib.pl_crc32(0, _read(buf, start, end), end - start)
    return crc == _get32(_read(ref, pos, pos + 4))


# --- SHA-256 and HMAC -------------------------------------------------------------------------------------------------


def sha256(buf: Readable, start: int, end: int, out: bytearray, pos: int) -> int:
    """Write the SHA-256 of [start, end) to out[pos:pos+32]; the position after it."""
    data = _read(buf, start, end)
    digest = _write(out, pos, pos + 32)
    sha = ffi.new("pl_sha256_t *")
    lib.pl_sha256_start(sha)
    lib.pl_sha256_update(sha, data, end - start)
    lib.pl_sha256_finish(sha, digest)
    return pos + 32


class HmacSha256:
    """HMAC-SHA-256 over several pieces. The key (any length) is worked in at construction and not kept.

    Call start(), update() for each piece, then put() or check(), which end the message.
    """

    def __init__(self, key: Readable) -> None:
        self._hmac = ffi.new("pl_hmac_t *")
        lib.pl_hmac_init(self._hmac, _read(key, 0, len(key)), len(key))

    def start(self) -> None:
        """Begin a new message."""
        lib.pl_hmac_start(self._hmac)

    def update(self, buf: Readable, start: int, end: int) -> None:
        """Add [start, end) to the message."""
        lib.pl_hmac_update(self._hmac, _read(buf, start, end), end - start)

    def put(self, out: Writable, pos: int, n: int) -> int:
        """End the message, write the first n (1 to 32) octets of its MAC to out[pos:pos+n]; the position after them."""
        if not 1 <= n <= 32:
            raise ValueError("mac length")
        data = _write(out, pos, pos + n)
        mac = ffi.new("uint8_t[32]")
        lib.pl_hmac_finish(self._hmac, mac)
        ffi.memmove(data, mac, n)
        return pos + n

    def check(self, ref: Readable, pos: int, n: int) -> bool:
        """End the message; True when ref[pos:pos+n] are the first n (1 to 32) octets of its MAC. Constant time."""
        if not 1 <= n <= 32:
            raise ValueError("mac length")
        same: bool = lib.pl_hmac_check(self._hmac, _read(ref, pos, pos + n), n)
        return same


# --- randomisers, BCH and CLTU (SPEC.md sections 2 and 3) -------------------------------------------------------------


def randomise_tc(buf: Writable, start: int, end: int) -> None:
    """Apply or take off the TC randomiser in place; the sequence starts at start."""
    lib.pl_randomise_tc(_write(buf, start, end), end - start)


def randomise_tm(buf: Writable, start: int, end: int) -> None:
    """Apply or take off the TM randomiser in place; the sequence starts at start (behind the ASM)."""
    lib.pl_randomise_tm(_write(buf, start, end), end - start)


def bch_encode(buf: Readable, pos: int) -> int:
    """Last octet of the code block whose information is buf[pos:pos+7]: complemented parity, filler bit 0."""
    octet: int = lib.pl_bch_encode(_read(buf, pos, pos + 7))
    return octet


def bch_decode(buf: Writable, pos: int, correct: bool) -> int:
    """Check the code block buf[pos:pos+8]: 0 clean, 1 one bit set right in place (only if correct), -1 refused."""
    status: int = lib.pl_bch_decode(_write(buf, pos, pos + 8), bool(correct))
    return status


def cltu_size(n: int) -> int:
    """Octets of the CLTU of a frame of n octets."""
    if not 0 <= n <= 0xFFFFFF:
        raise ValueError("range")
    size: int = lib.pl_cltu_size(n)
    return size


def cltu_encode(src: Readable, start: int, end: int, dst: bytearray, pos: int, randomise: bool) -> int:
    """Write the CLTU of the frame src[start:end] (at least one octet) to dst[pos:]; the octets written.

    src and dst must not overlap. randomise applies the TC randomiser to the frame and its fill on the way.
    """
    frame = _read(src, start, end)
    size = cltu_size(end - start)
    out = _write(dst, pos, pos + size)
    if start == end:
        raise ValueError("empty frame")
    lib.pl_cltu_encode(frame, end - start, bool(randomise), out)
    return size


class CltuReceiver:
    """Finds CLTUs in a stream of octets (231.0-B) and puts the frame of each into the caller's buffer.

    frame: bytearray the decoded octets go to, kept; room for the longest frame rounded up to 7 octets.
    correct: True = SEC, False = TED. States, counters and what is searched again: SPEC.md section 3.
    """

    def __init__(self, frame: bytearray, correct: bool) -> None:
        if len(frame) < 7:
            raise ValueError("buffer")
        self._frame = ffi.from_buffer(_OCTETS, frame, require_writable=True)
        self._rx = ffi.new("pl_cltu_t *")
        lib.pl_cltu_init(self._rx, len(frame), bool(correct))

    def feed(self, buf: Readable, start: int, end: int) -> int:
        """Take octets until a CLTU ends or [start, end) is used up; the position after the last octet taken."""
        used: int = lib.pl_cltu_feed(self._rx, self._frame, _read(buf, start, end), end - start)
        return start + used

    def take(self) -> int:
        """Octets of the frame that is ready, 0 if none is; it stays valid until the next feed()."""
        n: int = lib.pl_cltu_take(self._rx)
        return n

    def count(self, which: int) -> int:
        """Counter CLTU_..."""
        if not 0 <= which < lib.PL_CLTU_COUNTERS:
            raise ValueError("counter")
        n: int = self._rx.counts[which]
        return n

    def pending(self) -> int:
        """Octets taken that are in no counter yet: 0 to 7."""
        n: int = lib.pl_cltu_pending(self._rx)
        return n

    def reset(self) -> None:
        """Drop what was begun and search anew; counters stay."""
        lib.pl_cltu_reset(self._rx)


# --- TM frame synchronisation (SPEC.md section 7) ---------------------------------------------------------------------


class TmFrameSync:
    """Finds TM frames in a stream of octets (131.0-B) and delivers those whose FECF is right.

    buf: bytearray of at least length + 8 octets, kept; a frame that is ready is buf[4:4+length], without randomiser.
    length: octets of a frame, 12 to 4096. search_errors, lock_errors: wrong bits of the ASM that are tolerated while
    searching and at the expected place, 0 to 7. randomised: True takes the TM randomiser off.
    States and counters: SPEC.md section 7.
    """

    def __init__(self, buf: bytearray, length: int, search_errors: int, lock_errors: int, randomised: bool) -> None:
        if not lib.PL_TM_LENGTH_MIN <= length <= lib.PL_TM_LENGTH_MAX or len(buf) < length + lib.PL_TM_EXTRA:
            raise ValueError("buffer")
        if not 0 <= search_errors <= lib.PL_TM_ERRORS_MAX or not 0 <= lock_errors <= lib.PL_TM_ERRORS_MAX:
            raise ValueError("errors")
        self._buf = ffi.from_buffer(_OCTETS, buf, require_writable=True)
        self._sync = ffi.new("pl_tm_sync_t *")
        lib.pl_tm_init(self._sync, length, search_errors, lock_errors, bool(randomised))

    def feed(self, buf: Readable, start: int, end: int) -> int:
        """Take octets until a frame is ready or [start, end) is used up; the position after the last octet taken."""
        used: int = lib.pl_tm_feed(self._sync, self._buf, _read(buf, start, end), end - start)
        return start + used

    def take(self) -> int:
        """Octets of the frame that is ready in buf[4:], 0 if none is; it stays valid until the next feed()."""
        n: int = lib.pl_tm_take(self._sync)
        return n

    def count(self, which: int) -> int:
        """Counter TM_..."""
        if not 0 <= which < lib.PL_TM_COUNTERS:
            raise ValueError("counter")
        n: int = self._sync.counts[which]
        return n

    def pending(self) -> int:
        """Octets taken that are in no counter yet."""
        n: int = lib.pl_tm_pending(self._sync)
        return n

    def locked(self) -> bool:
        """True from a good frame until an ASM is not where it should be."""
        locked: bool = self._sync.locked
        return locked

    def reset(self) -> None:
        """Drop what was begun and search anew; counters stay."""
        lib.pl_tm_reset(self._sync)


# --- fields (SPEC.md section 11) --------------------------------------------------------------------------------------


_FORMATS_KEPT = 512  # a board has some tens of structures
_DOUBLES = ffi.typeof("double[]")
_INTEGERS = ffi.typeof("int64_t[]")
_EXACT = {int, float, bool}


class _Plan:
    """A format whose fields are numbered one after the other, so that only the values it names cross to C."""

    def __init__(self, fmt: bytes) -> None:
        """ValueError for a format that only the long way can judge or carry."""
        fields = b""
        indices: list[int] = []
        reals: list[int] = []
        for at in range(0, len(fmt), FIELD_SIZE):
            kind, left = fmt[at], fmt[at + 1]
            bit, index = fmt[at + 2] << 8 | fmt[at + 3], fmt[at + 4] << 8 | fmt[at + 5]
            if not 1 <= left <= (64 if kind == FIELD_FLOAT else 63) or bit + left > 0xFFFF:
                raise ValueError("width")
            while left:
                width = (left - 1) % 16 + 1 if kind == FIELD_HALVES else left
                number = len(indices)
                as_kind = FIELD_UNSIGNED if kind == FIELD_HALVES else kind
                fields += bytes((as_kind, width, bit >> 8, bit & 0xFF, number >> 8, number & 0xFF))
                if kind == FIELD_FLOAT:
                    reals.append(number)
                indices.append(index)
                left, bit, index = left - width, bit + width, index + 1
        if not 1 <= len(indices) <= 0xFFFF:
            raise ValueError("fields")
        self.fields = ffi.new("uint8_t[]", fields)
        self.octets = len(fields)
        self.count = len(indices)
        self.indices = indices
        self.most = max(indices)
        self.reals = reals
        only = indices[0]
        # Of one index alone itemgetter gives no tuple.
        self.pick = itemgetter(*indices) if len(indices) > 1 else lambda values: (values[only],)


@lru_cache(_FORMATS_KEPT)
def _plan(fmt: bytes) -> _Plan | None:
    try:
        return _Plan(fmt)
    except ValueError:
        return None


def pack(
    fmt: Readable,
    values: list[int] | list[float] | tuple[float, ...] | array[int] | array[float],
    buf: Writable,
    start: int,
    end: int,
) -> int:
    """Write fields into the structure buf[start:end]: how many values had to be clamped, or FIELD_...

    fmt: field descriptors of 6 octets each. values: list, tuple or array that the descriptors index.
    """
    data = _write(buf, start, end)
    if len(fmt) % FIELD_SIZE:
        return FIELD_FORMAT
    plan = _plan(bytes(fmt))
    if plan is not None and plan.most < len(values):
        picked = plan.pick(values)
        if _EXACT.issuperset(map(type, picked)):
            try:
                reals = ffi.new(_DOUBLES, picked)
            except OverflowError:  # an integer beyond every double
                return _pack_any(fmt, values, data, end - start)
            status: int = lib.pl_batch_pack_usual(plan.fields, plan.octets, reals, plan.count, data, end - start)
            if status != lib.PL_BATCH_UNUSUAL:
                return status
    return _pack_any(fmt, values, data, end - start)


def _pack_any(fmt: Readable, values: Any, data: Any, octets: int) -> int:
    """The long way of pack(), for any number and any format."""
    n = len(values)
    numbers = ffi.new("pl_number_t[]", n)
    present = bytearray(n)
    for i, value in enumerate(values):
        if isinstance(value, float):
            numbers[i].is_real = True
            numbers[i].real = value
        elif isinstance(value, int):
            magnitude = abs(value)
            numbers[i].negative = value < 0
            numbers[i].beyond = magnitude > _MOST
            numbers[i].magnitude = magnitude & _MOST
        else:
            continue
        present[i] = 1
    status: int = lib.pl_batch_pack(
        _read(fmt, 0, len(fmt)), len(fmt), numbers, ffi.from_buffer(_OCTETS, present), n, data, octets
    )
    return status


def unpack(
    fmt: Readable, buf: Readable, start: int, end: int, values: list[int] | list[float] | array[int] | array[float]
) -> int:
    """Read fields of the structure buf[start:end] into values: the number of fields read, or FIELD_..."""
    data = _read(buf, start, end)
    if len(fmt) % FIELD_SIZE:
        return FIELD_FORMAT
    plan = _plan(bytes(fmt))
    if plan is not None and plan.most < len(values):
        integers = ffi.new(_INTEGERS, plan.count)
        reals = ffi.new(_DOUBLES, plan.count)
        status: int = lib.pl_batch_unpack_usual(
            plan.fields, plan.octets, data, end - start, integers, reals, plan.count
        )
        if status >= 0:
            found: list[float] = ffi.unpack(integers, plan.count)
            for number in plan.reals:
                found[number] = reals[number]
            for number, index in enumerate(plan.indices):
                values[index] = found[number]  # type: ignore[call-overload]
            return len(fmt) // FIELD_SIZE
    return _unpack_any(fmt, data, end - start, values)


def _unpack_any(fmt: Readable, data: Any, octets: int, values: Any) -> int:
    """The long way of unpack(), for any format; what comes before a field that does not fit is read."""
    n = len(values)
    numbers = ffi.new("pl_number_t[]", n)
    written = bytearray(n)
    status: int = lib.pl_batch_unpack(
        _read(fmt, 0, len(fmt)), len(fmt), data, octets, numbers, ffi.from_buffer(_OCTETS, written), n
    )
    for i in range(n):
        if written[i]:
            number = numbers[i]
            values[i] = number.real if number.is_real else -number.magnitude if number.negative else number.magnitude
    return status
