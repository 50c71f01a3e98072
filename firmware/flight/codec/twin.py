"""Python twin of the C codec: the readable reference of every byte operation, and the fallback where C is missing.

What lives here: check codes, BCH(63,56), CLTU, randomisers, TM frame synchronisation, SHA-256/HMAC, headers, fields.
What does not: what follows from them (flight/link, flight/packet), and any I/O.
Bytes and counters: firmware/SPEC.md sections 1 to 4, 6 to 9 and 11. Same names, arguments and results as the C module
`perilune_codec` (firmware/cmodules/codec); import the one there is through `flight.codec`.

Rules of the whole interface
- (buf, start, end) are the octets buf[start] .. buf[end-1]; the caller owns every buffer, nothing is kept unless a
  constructor says so. A range that does not lie in its buffer is the caller's mistake: ValueError. Bad octets are not:
  they give a status and a counter.
- No result is above 2^30: 32-bit values stay in buffers. The C module allocates nothing after construction; this twin
  allocates in sha256, crc32 and fields wider than 30 bits.
- Counters wrap at 2^30.

    crc16(buf, start, end[, init]) -> int           crc16_modbus(buf, start, end[, init]) -> int
    crc16_put(buf, start, end) -> end + 2           crc16_modbus_put(buf, start, end) -> end + 2
    crc16_check(buf, start, end) -> bool            crc16_modbus_check(buf, start, end) -> bool
    crc32_update(state, pos, buf, start, end)       state[pos:pos+4] is the running CRC, 0 at first
    crc32_put(buf, start, end, out, pos) -> pos + 4
    crc32_check(buf, start, end, ref, pos) -> bool
    sha256(buf, start, end, out, pos) -> pos + 32
    HmacSha256(key): start(), update(buf, start, end), put(out, pos, n) -> pos + n, check(ref, pos, n) -> bool
    randomise_tc(buf, start, end)                   randomise_tm(buf, start, end)
    bch_encode(buf, pos) -> parity octet            bch_decode(buf, pos, correct) -> 0 clean, 1 corrected, -1 refused
    cltu_size(n) -> int                             cltu_encode(src, start, end, dst, pos, randomise) -> octets written
    CltuReceiver(frame, correct): feed(buf, start, end) -> next position, take() -> octets ready in frame[0:n],
        count(CLTU_...) -> int, pending() -> int, reset()
    TmFrameSync(buf, length, search_errors, lock_errors, randomised): feed, take -> octets ready in buf[4:4+n],
        count(TM_...), pending, locked() -> bool, reset()
    copy(src, start, end, dst, pos) -> pos + end - start
    tc_frame_read(frame, count, longest, scid, vcid, map_id, out) -> OK or reason
    sdls_check(hmac, head, frame, first, start, mac, spi, high, low, window) -> numbers ahead or minus the reason
    tc_packet_read(buf, start, end, longest, out) -> OK or reason
    tm_count(table, destination, service, subtype) -> counter, TM_COUNT_NEW or TM_COUNT_FULL
    tm_packet_begin(buf, apid, count, service, subtype, counter, destination, status, epoch_high, epoch_low, seconds,
        fraction) -> 20
    tm_packet_end(buf, at) -> at + 2
    idle_packet(buf, start, end)
    tm_frame_seal(buf, start, end, mc_count, vc_count, fhp, report)
    pack(fmt, values, buf, start, end) -> clamped values or FIELD_...
    unpack(fmt, buf, start, end, values) -> number of fields or FIELD_...

A receiver is driven like this; what take() announced stays valid until the next feed():

    pos = 0
    while pos < end:
        pos = receiver.feed(data, pos, end)
        n = receiver.take()
        if n:
            handle(frame, n)
"""

from array import array
from struct import pack_into, unpack_from

from micropython import const

from ..errors import (
    OK,
    PACKET_CRC,
    PACKET_IDLE,
    PACKET_LENGTH,
    PACKET_SECONDARY,
    PACKET_SEGMENTED,
    PACKET_SHORT,
    PACKET_SIZE,
    PACKET_TYPE,
    PACKET_VERSION,
    PUS_VERSION,
    SDLS_MAC,
    SDLS_REPLAY,
    SDLS_SPI,
    SDLS_WINDOW,
    TC_CONTROL,
    TC_DATA_SHORT,
    TC_FECF,
    TC_FLAGS,
    TC_LENGTH,
    TC_RESERVED,
    TC_SCID,
    TC_SEGMENT,
    TC_SHORT,
    TC_VCID,
    TC_VERSION,
)

BACKEND = "twin"
WIRE_VERSION = const(1)

# CltuReceiver.count() (SPEC.md section 3).
CLTU_STARTS = const(0)
CLTU_SEARCH_BYTES = const(1)
CLTU_BLOCKS = const(2)
CLTU_CORRECTED = const(3)
CLTU_TAILS = const(4)
CLTU_REJECTED = const(5)
CLTU_DELIVERED = const(6)
CLTU_EMPTY = const(7)
CLTU_OVERLONG = const(8)
CLTU_UNTAKEN = const(9)

# TmFrameSync.count() (SPEC.md section 7).
TM_FRAMES = const(0)
TM_FECF = const(1)
TM_SEARCH_BYTES = const(2)
TM_ASM_ERRORS = const(3)
TM_LOCK_LOST = const(4)
TM_RESYNC = const(5)
TM_UNTAKEN = const(6)

# tm_count(): a row was taken, all rows are taken.
TM_COUNT_NEW = const(0x10000)
TM_COUNT_FULL = const(0x20000)

# Field descriptor (SPEC.md section 11).
FIELD_SIZE = const(6)
FIELD_UNSIGNED = const(1)
FIELD_SIGNED = const(2)
FIELD_FLOAT = const(3)
FIELD_HALVES = const(4)
FIELD_FORMAT = const(-1)
FIELD_BOUNDS = const(-2)
FIELD_VALUE = const(-3)

_COUNTER_MASK = const(0x3FFFFFFF)
_FILL = const(0x55)


def _range(buf: bytes | bytearray | memoryview, start: int, end: int) -> None:
    if not 0 <= start <= end <= len(buf):
        raise ValueError("range")


# --- octets -----------------------------------------------------------------------------------------------------------


def copy(src: bytes | bytearray | memoryview, start: int, end: int, dst: bytearray | memoryview, pos: int) -> int:
    """Copy [start, end) of src to dst[pos:]; the position after it. A slice would allocate; the ranges may overlap."""
    _range(src, start, end)
    _range(dst, pos, pos + end - start)
    if src is dst and start < pos:
        for i in range(end - start - 1, -1, -1):
            dst[pos + i] = src[start + i]
    else:
        for i in range(end - start):
            dst[pos + i] = src[start + i]
    return pos + end - start


# --- check codes (SPEC.md section 1) ------------------------------------------------------------------------------


def _make_crc16_table() -> "array[int]":
    table = array("H", bytes(512))
    for i in range(256):
        crc = i << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
        table[i] = crc
    return table


def _make_modbus_table() -> "array[int]":
    table = array("H", bytes(512))
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table[i] = crc
    return table


_CRC16 = _make_crc16_table()
_MODBUS = _make_modbus_table()


def crc16(buf: bytes | bytearray | memoryview, start: int, end: int, init: int = 0xFFFF) -> int:
    """CRC-16 (0x1021, initial 0xFFFF) of frames and packets; pass the last result as init to go on."""
    _range(buf, start, end)
    crc = init & 0xFFFF
    for i in range(start, end):
        crc = ((crc << 8) & 0xFF00) ^ _CRC16[(crc >> 8) ^ buf[i]]
    return crc


def crc16_put(buf: bytearray | memoryview, start: int, end: int) -> int:
    """Write the CRC-16 of [start, end) behind it; the position after it."""
    _range(buf, start, end + 2)
    crc = crc16(buf, start, end)
    buf[end] = crc >> 8
    buf[end + 1] = crc & 0xFF
    return end + 2


def crc16_check(buf: bytes | bytearray | memoryview, start: int, end: int) -> bool:
    """True when the last two octets of [start, end) are the CRC-16 of those before; False for less than two."""
    return crc16(buf, start, end) == 0 and end - start >= 2


def crc16_modbus(buf: bytes | bytearray | memoryview, start: int, end: int, init: int = 0xFFFF) -> int:
    """CRC-16/MODBUS (0x8005 reflected, initial 0xFFFF); pass the last result as init to go on."""
    _range(buf, start, end)
    crc = init & 0xFFFF
    for i in range(start, end):
        crc = (crc >> 8) ^ _MODBUS[(crc ^ buf[i]) & 0xFF]
    return crc


def crc16_modbus_put(buf: bytearray | memoryview, start: int, end: int) -> int:
    """Write the CRC-16/MODBUS of [start, end) behind it, least significant octet first; the position after it."""
    _range(buf, start, end + 2)
    crc = crc16_modbus(buf, start, end)
    buf[end] = crc & 0xFF
    buf[end + 1] = crc >> 8
    return end + 2


def crc16_modbus_check(buf: bytes | bytearray | memoryview, start: int, end: int) -> bool:
    """True when the last two octets of [start, end) are the CRC-16/MODBUS of those before; False for less than two."""
    return crc16_modbus(buf, start, end) == 0 and end - start >= 2


def _get32(buf: bytes | bytearray | memoryview, pos: int) -> int:
    return (buf[pos] << 24) | (buf[pos + 1] << 16) | (buf[pos + 2] << 8) | buf[pos + 3]


def _put32(buf: bytearray | memoryview, pos: int, value: int) -> None:
    buf[pos] = (value >> 24) & 0xFF
    buf[pos + 1] = (value >> 16) & 0xFF
    buf[pos + 2] = (value >> 8) & 0xFF
    buf[pos + 3] = value & 0xFF


def _crc32(crc: int, buf: bytes | bytearray | memoryview, start: int, end: int) -> int:
    crc ^= 0xFFFFFFFF
    for i in range(start, end):
        crc ^= buf[i]
        for _ in range(8):
            crc = (crc >> 1) ^ 0xEDB88320 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def crc32_update(
    state: bytearray | memoryview, pos: int, buf: bytes | bytearray | memoryview, start: int, end: int
) -> None:
    """Continue the CRC-32 held in state[pos:pos+4], most significant octet first, all zero before the first piece."""
    _range(state, pos, pos + 4)
    _range(buf, start, end)
    _put32(state, pos, _crc32(_get32(state, pos), buf, start, end))


def crc32_put(buf: bytes | bytearray | memoryview, start: int, end: int, out: bytearray | memoryview, pos: int) -> int:
    """Write the CRC-32 of [start, end) to out[pos:pos+4]; the position after it."""
    _range(out, pos, pos + 4)
    _range(buf, start, end)
    _put32(out, pos, _crc32(0, buf, start, end))
    return pos + 4


def crc32_check(
    buf: bytes | bytearray | memoryview, start: int, end: int, ref: bytes | bytearray | memoryview, pos: int
) -> bool:
    """True when ref[pos:pos+4] is the CRC-32 of [start, end)."""
    _range(ref, pos, pos + 4)
    _range(buf, start, end)
    return _crc32(0, buf, start, end) == _get32(ref, pos)


# --- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) ----------------------------------------------------------------------

_M32 = 0xFFFFFFFF


def _fractional_roots() -> "tuple[list[int], list[int]]":
    """First 32 bits of the fractional parts of the cube and square roots of the first 64 (8) primes (FIPS 180-4)."""
    cubes: list[int] = []
    squares: list[int] = []
    n = 2
    while len(cubes) < 64:
        prime = True
        for d in range(2, n):
            if n % d == 0:
                prime = False
                break
            if d * d > n:
                break
        if prime:
            cubes.append(_root(n << 96, 3) & _M32)
            if len(squares) < 8:
                squares.append(_root(n << 64, 2) & _M32)
        n += 1
    return cubes, squares


def _root(n: int, degree: int) -> int:
    """Largest integer whose power of that degree is not above n."""
    low = 0
    high = 1 << 48
    while high - low > 1:
        mid = (low + high) >> 1
        power = mid * mid if degree == 2 else mid * mid * mid
        if power <= n:
            low = mid
        else:
            high = mid
    return low


_K, _H0 = _fractional_roots()


def _rotr(x: int, n: int) -> int:
    return ((x >> n) | (x << (32 - n))) & _M32


class _Sha256:
    """Running SHA-256: 8 words of state and a block that fills up."""

    def __init__(self) -> None:
        self.state = list(_H0)
        self.block = bytearray(64)
        self.fill = 0
        self.length = 0
        self.w = [0] * 64

    def copy_from(self, other: "_Sha256") -> None:
        """Go on from where another one stands; its block must be empty."""
        for i in range(8):
            self.state[i] = other.state[i]
        self.fill = 0
        self.length = other.length

    def update(self, buf: bytes | bytearray | memoryview, start: int, end: int) -> None:
        for i in range(start, end):
            self.block[self.fill] = buf[i]
            self.fill += 1
            if self.fill == 64:
                self._compress()
                self.fill = 0
        self.length += end - start

    def finish(self, out: bytearray, pos: int) -> None:
        bits = self.length * 8
        self.update(b"\x80", 0, 1)
        while self.fill != 56:
            self.update(b"\x00", 0, 1)
        for i in range(8):
            self.block[56 + i] = (bits >> (56 - 8 * i)) & 0xFF
        self._compress()
        for i in range(8):
            _put32(out, pos + 4 * i, self.state[i])

    def _compress(self) -> None:
        w = self.w
        for i in range(16):
            w[i] = _get32(self.block, 4 * i)
        for i in range(16, 64):
            s0 = _rotr(w[i - 15], 7) ^ _rotr(w[i - 15], 18) ^ (w[i - 15] >> 3)
            s1 = _rotr(w[i - 2], 17) ^ _rotr(w[i - 2], 19) ^ (w[i - 2] >> 10)
            w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & _M32
        a, b, c, d, e, f, g, h = self.state
        for i in range(64):
            t1 = h + (_rotr(e, 6) ^ _rotr(e, 11) ^ _rotr(e, 25)) + ((e & f) ^ (~e & g)) + _K[i] + w[i]
            t2 = (_rotr(a, 2) ^ _rotr(a, 13) ^ _rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
            h, g, f, e, d, c, b, a = g, f, e, (d + t1) & _M32, c, b, a, (t1 + t2) & _M32
        state = self.state
        for i, v in enumerate((a, b, c, d, e, f, g, h)):
            state[i] = (state[i] + v) & _M32


def sha256(buf: bytes | bytearray | memoryview, start: int, end: int, out: bytearray, pos: int) -> int:
    """Write the SHA-256 of [start, end) to out[pos:pos+32]; the position after it."""
    _range(buf, start, end)
    _range(out, pos, pos + 32)
    sha = _Sha256()
    sha.update(buf, start, end)
    sha.finish(out, pos)
    return pos + 32


class HmacSha256:
    """HMAC-SHA-256 over several pieces. The key (any length) is worked in at construction and not kept.

    Call start(), update() for each piece, then put() or check(), which end the message.
    """

    def __init__(self, key: bytes | bytearray | memoryview) -> None:
        pad = bytearray(64)
        if len(key) > 64:
            sha256(key, 0, len(key), pad, 0)
        else:
            pad[: len(key)] = key
        self._inner = _Sha256()
        self._outer = _Sha256()
        for i in range(64):
            pad[i] ^= 0x36
        self._inner.update(pad, 0, 64)
        for i in range(64):
            pad[i] ^= 0x36 ^ 0x5C
        self._outer.update(pad, 0, 64)
        self._sha = _Sha256()
        self._mac = bytearray(32)
        self.start()

    def start(self) -> None:
        """Begin a new message."""
        self._sha.copy_from(self._inner)

    def update(self, buf: bytes | bytearray | memoryview, start: int, end: int) -> None:
        """Add [start, end) to the message."""
        _range(buf, start, end)
        self._sha.update(buf, start, end)

    def put(self, out: bytearray | memoryview, pos: int, n: int) -> int:
        """End the message, write the first n (1 to 32) octets of its MAC to out[pos:pos+n]; the position after them."""
        if not 1 <= n <= 32:
            raise ValueError("mac length")
        _range(out, pos, pos + n)
        self._finish()
        for i in range(n):
            out[pos + i] = self._mac[i]
        return pos + n

    def check(self, ref: bytes | bytearray | memoryview, pos: int, n: int) -> bool:
        """End the message; True when ref[pos:pos+n] are the first n (1 to 32) octets of its MAC. Constant time."""
        if not 1 <= n <= 32:
            raise ValueError("mac length")
        _range(ref, pos, pos + n)
        self._finish()
        difference = 0
        for i in range(n):
            difference |= ref[pos + i] ^ self._mac[i]
        return difference == 0

    def _finish(self) -> None:
        self._sha.finish(self._mac, 0)
        self._sha.copy_from(self._outer)
        self._sha.update(self._mac, 0, 32)
        self._sha.finish(self._mac, 0)
        self._sha.copy_from(self._inner)


# --- pseudo-randomisers (SPEC.md section 2) --------------------------------------------------------------------------


def _make_sequence(taps: int) -> bytearray:
    """255 octets of the sequence whose next bit is the parity of (register & taps); bit 7 is the oldest bit."""
    out = bytearray(255)
    register = 0xFF
    for i in range(255 * 8):
        out[i >> 3] = ((out[i >> 3] << 1) | (register >> 7)) & 0xFF
        register = ((register << 1) | (_ones(register & taps) & 1)) & 0xFF
    return out


def _ones(x: int) -> int:
    n = 0
    while x:
        x &= x - 1
        n += 1
    return n


# x^8+x^6+x^4+x^3+x^2+x+1: bit n+8 = n+6, n+4, n+3, n+2, n+1, n; the oldest bit, n, is bit 7.
_TC_SEQUENCE = _make_sequence(0xFA)
# x^8+x^7+x^5+x^3+1: bit n+8 = n+7, n+5, n+3, n.
_TM_SEQUENCE = _make_sequence(0x95)


def _randomise(buf: bytearray | memoryview, start: int, end: int, sequence: bytearray) -> None:
    _range(buf, start, end)
    k = 0
    for i in range(start, end):
        buf[i] ^= sequence[k]
        k = k + 1 if k < 254 else 0


def randomise_tc(buf: bytearray | memoryview, start: int, end: int) -> None:
    """Apply or take off the TC randomiser in place; the sequence starts at start."""
    _randomise(buf, start, end, _TC_SEQUENCE)


def randomise_tm(buf: bytearray | memoryview, start: int, end: int) -> None:
    """Apply or take off the TM randomiser in place; the sequence starts at start (behind the ASM)."""
    _randomise(buf, start, end, _TM_SEQUENCE)


# --- BCH(63,56) and CLTU (SPEC.md section 3) -------------------------------------------------------------------------

_TAIL = b"\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"
_START = const(0xEB90)


def _make_bch_table() -> bytearray:
    """Remainder register (bits 7..1) after one more octet, for every value of register ^ octet."""
    table = bytearray(256)
    for i in range(256):
        register = i
        for _ in range(8):
            # x^7+x^6+x^2+1 without its highest term is 0x45, here one place up since the register is in bits 7..1.
            register = ((register << 1) ^ (0x8A if register & 0x80 else 0)) & 0xFF
        table[i] = register
    return table


_BCH = _make_bch_table()


def _bch_remainder(buf: bytes | bytearray | memoryview, pos: int) -> int:
    register = 0
    for i in range(pos, pos + 7):
        register = _BCH[register ^ buf[i]]
    return register


def _make_bch_places() -> bytearray:
    """Which bit of the block (0..62) a single wrong bit is, by the syndrome it leaves (bits 7..1); 255 = none."""
    places = bytearray(b"\xff" * 128)
    block = bytearray(8)
    for bit in range(63):
        block[bit >> 3] = 0x80 >> (bit & 7)
        places[(_bch_remainder(block, 0) ^ (block[7] & 0xFE)) >> 1] = bit
        block[bit >> 3] = 0
    return places


_BCH_PLACES = _make_bch_places()


def bch_encode(buf: bytes | bytearray | memoryview, pos: int) -> int:
    """Last octet of the code block whose information is buf[pos:pos+7]: complemented parity, filler bit 0."""
    _range(buf, pos, pos + 7)
    return _bch_remainder(buf, pos) ^ 0xFE


def bch_decode(buf: bytearray | memoryview, pos: int, correct: bool) -> int:
    """Check the code block buf[pos:pos+8]: 0 clean, 1 one bit set right in place (only if correct), -1 refused."""
    _range(buf, pos, pos + 8)
    syndrome = _bch_remainder(buf, pos) ^ (buf[pos + 7] & 0xFE) ^ 0xFE
    filler = buf[pos + 7] & 1
    if syndrome == 0 and filler == 0:
        return 0
    if not correct:
        return -1
    if syndrome == 0:
        buf[pos + 7] &= 0xFE
        return 1
    place = _BCH_PLACES[syndrome >> 1]
    if filler or place == 255:
        return -1
    buf[pos + (place >> 3)] ^= 0x80 >> (place & 7)
    return 1


def cltu_size(n: int) -> int:
    """Octets of the CLTU of a frame of n octets."""
    return 10 + (n + 6) // 7 * 8


def cltu_encode(
    src: bytes | bytearray | memoryview, start: int, end: int, dst: bytearray, pos: int, randomise: bool
) -> int:
    """Write the CLTU of the frame src[start:end] (at least one octet) to dst[pos:]; the octets written.

    src and dst must not overlap. randomise applies the TC randomiser to the frame and its fill on the way.
    """
    _range(src, start, end)
    size = cltu_size(end - start)
    _range(dst, pos, pos + size)
    if start == end:
        raise ValueError("empty frame")
    dst[pos] = _START >> 8
    dst[pos + 1] = _START & 0xFF
    out = pos + 2
    k = 0
    for block in range(start, end, 7):
        for i in range(block, block + 7):
            value = src[i] if i < end else _FILL
            if randomise:
                value ^= _TC_SEQUENCE[k]
                k = k + 1 if k < 254 else 0
            dst[out + i - block] = value
        dst[out + 7] = bch_encode(dst, out)
        out += 8
    for i in range(8):
        dst[out + i] = _TAIL[i]
    return size


class CltuReceiver:
    """Finds CLTUs in a stream of octets (231.0-B) and puts the frame of each into the caller's buffer.

    frame: bytearray the decoded octets go to, kept; room for the longest frame rounded up to 7 octets.
    correct: True = SEC, False = TED. States, counters and what is searched again: SPEC.md section 3.
    """

    def __init__(self, frame: bytearray, correct: bool) -> None:
        if len(frame) < 7:
            raise ValueError("buffer")
        self._frame = frame
        self._correct = bool(correct)
        self._block = bytearray(8)
        self._fill = 0  # octets in _block: 0 or 1 in search, 0..7 in decode
        self._decoding = False
        self._n = 0  # octets of the CLTU being decoded that are in _frame
        self._ready = 0  # octets of the frame that is ready in _frame, 0 if none is
        self._counts = [0] * 10

    def feed(self, buf: bytes | bytearray | memoryview, start: int, end: int) -> int:
        """Take octets until a CLTU ends or [start, end) is used up; the position after the last octet taken."""
        _range(buf, start, end)
        if self._ready and start < end:
            self._ready = 0
            self._count(CLTU_UNTAKEN, 1)
        pos = start
        while pos < end and not self._ready:
            if self._decoding:
                self._block[self._fill] = buf[pos]
                self._fill += 1
                if self._fill == 8:
                    self._end_block()
            else:
                self._search(buf[pos])
            pos += 1
        return pos

    def take(self) -> int:
        """Octets of the frame that is ready, 0 if none is; it stays valid until the next feed()."""
        ready = self._ready
        self._ready = 0
        return ready

    def count(self, which: int) -> int:
        """Counter CLTU_..."""
        if not 0 <= which < 10:
            raise ValueError("counter")
        return self._counts[which]

    def pending(self) -> int:
        """Octets taken that are in no counter yet: 0 to 7."""
        return self._fill

    def reset(self) -> None:
        """Drop what was begun and search anew; counters stay."""
        self._count(CLTU_SEARCH_BYTES, self._fill)
        self._fill = 0
        self._decoding = False
        self._ready = 0

    def _count(self, which: int, n: int) -> None:
        self._counts[which] = (self._counts[which] + n) & _COUNTER_MASK

    def _search(self, octet: int) -> None:
        block = self._block
        if self._fill:
            if _ones(((block[0] << 8) | octet) ^ _START) <= (1 if self._correct else 0):
                self._count(CLTU_STARTS, 1)
                self._decoding = True
                self._fill = 0
                self._n = 0
                return
            self._count(CLTU_SEARCH_BYTES, 1)
        block[0] = octet
        self._fill = 1

    def _end_block(self) -> None:
        block = self._block
        if block == _TAIL:
            self._fill = 0
            self._decoding = False
            self._count(CLTU_TAILS, 1)
            self._deliver()
            return
        # Decoded on the spot: a refused block is left as it came.
        status = bch_decode(block, 0, self._correct)
        if status < 0:
            self._count(CLTU_REJECTED, 1)
            self._deliver()
            self._search_again()
            return
        if self._n + 7 > len(self._frame):
            self._count(CLTU_OVERLONG, 1)
            self._search_again()
            return
        self._count(CLTU_BLOCKS, 1)
        self._count(CLTU_CORRECTED, status)
        for i in range(7):
            self._frame[self._n + i] = block[i]
        self._n += 7
        self._fill = 0

    def _deliver(self) -> None:
        if self._n:
            self._ready = self._n
            self._count(CLTU_DELIVERED, 1)
        else:
            self._count(CLTU_EMPTY, 1)

    def _search_again(self) -> None:
        """Search the 8 octets of the block: what is written to _block never overtakes what is read from it."""
        self._decoding = False
        self._fill = 0
        for i in range(8):
            octet = self._block[i]
            if self._decoding:
                self._block[self._fill] = octet
                self._fill += 1
            else:
                self._search(octet)


# --- TM frame synchronisation (SPEC.md section 7) --------------------------------------------------------------------

_ASM = b"\x1a\xcf\xfc\x1d"
_HUNT = const(0)  # looking for an ASM at buf[0]
_BODY = const(1)  # ASM at buf[0], frame being taken
_BAD = const(2)  # frame with wrong FECF, waiting for what follows it


class TmFrameSync:
    """Finds TM frames in a stream of octets (131.0-B) and delivers those whose FECF is right.

    buf: bytearray of at least length + 8 octets, kept; a frame that is ready is buf[4:4+length], without randomiser.
    length: octets of a frame, 12 to 4096. search_errors, lock_errors: wrong bits of the ASM that are tolerated while
    searching and at the expected place, 0 to 7. randomised: True takes the TM randomiser off.
    States and counters: SPEC.md section 7.
    """

    def __init__(self, buf: bytearray, length: int, search_errors: int, lock_errors: int, randomised: bool) -> None:
        if not 12 <= length <= 4096 or len(buf) < length + 8:
            raise ValueError("buffer")
        if not 0 <= search_errors <= 7 or not 0 <= lock_errors <= 7:
            raise ValueError("errors")
        self._buf = buf
        self._length = length
        self._search_errors = search_errors
        self._lock_errors = lock_errors
        self._randomised = bool(randomised)
        self._state = _HUNT
        self._fill = 0  # octets in buf
        self._kept = 0  # octets behind a delivered frame, to be moved to the front
        self._ready = False
        self._locked = False
        self._counts = [0] * 7

    def feed(self, buf: bytes | bytearray | memoryview, start: int, end: int) -> int:
        """Take octets until a frame is ready or [start, end) is used up; the position after the last octet taken."""
        _range(buf, start, end)
        if start == end:
            return end
        if self._ready:
            self._ready = False
            self._count(TM_UNTAKEN, 1)
        if self._kept:
            self._fill = self._length + 4 + self._kept
            self._drop(self._length + 4)
            self._kept = 0
        pos = start
        while pos < end and not self._ready:
            self._buf[self._fill] = buf[pos]
            self._fill += 1
            pos += 1
            self._advance()
        return pos

    def take(self) -> int:
        """Octets of the frame that is ready in buf[4:], 0 if none is; it stays valid until the next feed()."""
        if not self._ready:
            return 0
        self._ready = False
        return self._length

    def count(self, which: int) -> int:
        """Counter TM_..."""
        if not 0 <= which < 7:
            raise ValueError("counter")
        return self._counts[which]

    def pending(self) -> int:
        """Octets taken that are in no counter yet."""
        return self._fill + self._kept

    def locked(self) -> bool:
        """True from a good frame until an ASM is not where it should be."""
        return self._locked

    def reset(self) -> None:
        """Drop what was begun and search anew; counters stay."""
        self._count(TM_SEARCH_BYTES, self._fill + self._kept)
        self._fill = 0
        self._kept = 0
        self._state = _HUNT
        self._ready = False
        self._locked = False

    def _count(self, which: int, n: int) -> None:
        self._counts[which] = (self._counts[which] + n) & _COUNTER_MASK

    def _asm_errors(self, pos: int) -> int:
        n = 0
        for i in range(4):
            n += _ones(self._buf[pos + i] ^ _ASM[i])
        return n

    def _drop(self, n: int) -> None:
        """Take the first n octets out of the buffer."""
        self._fill -= n
        for i in range(self._fill):
            self._buf[i] = self._buf[i + n]

    def _advance(self) -> None:
        """Go as far as the octets in the buffer allow, or until a frame is ready."""
        going = True
        while going:
            if self._state == _HUNT:
                going = self._fill >= 4 and self._hunt()
            elif self._state == _BODY:
                going = self._fill >= self._length + 4 and self._end_frame()
            else:
                going = self._fill >= self._length + 8 and self._end_bad_frame()

    def _hunt(self) -> bool:
        errors = self._asm_errors(0)
        if self._locked:
            if errors <= self._lock_errors:
                self._begin_frame(errors)
                return True
            self._locked = False
            self._count(TM_LOCK_LOST, 1)
        skip = 0
        while errors > self._search_errors and skip + 4 < self._fill:
            skip += 1
            errors = self._asm_errors(skip)
        found = errors <= self._search_errors
        if not found:
            skip += 1
        self._count(TM_SEARCH_BYTES, skip)
        self._drop(skip)
        if found:
            self._begin_frame(errors)
        return found

    def _begin_frame(self, errors: int) -> None:
        self._state = _BODY
        if errors:
            self._count(TM_ASM_ERRORS, 1)

    def _end_frame(self) -> bool:
        end = self._length + 4
        if self._randomised:
            randomise_tm(self._buf, 4, end)
        if crc16(self._buf, 4, end) == 0:
            self._count(TM_FRAMES, 1)
            self._kept = self._fill - end
            self._fill = 0
            self._state = _HUNT
            self._locked = True
            self._ready = True
            return False
        if self._randomised:
            randomise_tm(self._buf, 4, end)  # back to what came: it may be searched again
        self._state = _BAD
        return True

    def _end_bad_frame(self) -> bool:
        errors = self._asm_errors(self._length + 4)
        if errors <= (self._lock_errors if self._locked else self._search_errors):
            self._count(TM_FECF, 1)
            self._drop(self._length + 4)
            self._begin_frame(errors)
            return True
        self._count(TM_RESYNC, 1)
        if self._locked:
            self._locked = False
            self._count(TM_LOCK_LOST, 1)
        self._count(TM_SEARCH_BYTES, 1)
        self._drop(1)
        self._state = _HUNT
        return True


# --- the way up: headers (SPEC.md sections 4, 6, 8, 9) ------------------------------------------------------------


def _bits(value: int, width: int) -> int:
    if not 0 <= value < 1 << width:
        raise ValueError("value")
    return value


def _out(out: "list[int]", count: int) -> None:
    if len(out) < count:
        raise ValueError("list")


def _u16(buf: bytes | bytearray | memoryview, at: int) -> int:
    return buf[at] << 8 | buf[at + 1]


def tc_frame_read(
    frame: bytes | bytearray | memoryview,
    count: int,
    longest: int,
    scid: int,
    vcid: int,
    map_id: int,
    out: "list[int]",
) -> int:
    """Check the TC frame in frame[0:count], fill octets included: OK or the first failed check's reason.

    longest: octets of a frame. out: when OK its first six items are the bypass and control command flags where they
    stand in octet 0, N(S), where the data behind the segment header starts and ends (AD, BD), control command
    (0 Unlock, 1 Set V(R)) and V*(R) (BC).
    """
    _range(frame, 0, count)
    _bits(longest, 16)
    _bits(scid, 10)
    _bits(vcid, 6)
    _bits(map_id, 6)
    _out(out, 6)
    if count < 8:
        return TC_SHORT
    length = (_u16(frame, 2) & 0x3FF) + 1
    if not 8 <= length <= count or length > longest:
        return TC_LENGTH
    if not crc16_check(frame, 0, length):
        return TC_FECF
    flags = frame[0] & 0x30
    if frame[0] & 0xC0:
        return TC_VERSION
    if frame[0] & 0x0C:
        return TC_RESERVED
    if _u16(frame, 0) & 0x3FF != scid:
        return TC_SCID
    if frame[2] >> 2 != vcid:
        return TC_VCID
    if flags == 0x10:
        return TC_FLAGS
    end = length - 2
    command = v_r = 0
    if flags == 0x30:
        if end == 8 and frame[5] == 0x82 and frame[6] == 0:
            command = 1
            v_r = frame[7]
        elif end != 6 or frame[5] != 0:
            return TC_CONTROL
    elif end < 7:
        return TC_DATA_SHORT
    elif frame[5] != 0xC0 | map_id:
        return TC_SEGMENT
    out[0] = flags
    out[1] = frame[4]
    out[2] = 6
    out[3] = end
    out[4] = command
    out[5] = v_r
    return OK


def sdls_check(
    hmac: HmacSha256,
    head: bytes | bytearray | memoryview,
    frame: bytes | bytearray | memoryview,
    first: int,
    start: int,
    mac: int,
    spi: int,
    high: int,
    low: int,
    window: int,
) -> int:
    """Check the security header at frame[start] and the 16 octets of MAC at frame[mac].

    The MAC is that of head[0:5] (the masked primary header) and frame[first:mac]. high, low: the last number accepted,
    as two 16-bit halves. How far the frame's is ahead of it, 1 to window (below 2^30), or minus the reason.
    """
    _bits(spi, 16)
    _bits(high, 16)
    _bits(low, 16)
    _bits(window, 30)
    if not 0 <= first <= start:
        raise ValueError("range")
    if mac - start <= 6:
        return -TC_DATA_SHORT
    _range(head, 0, 5)
    _range(frame, first, mac + 16)
    if _u16(frame, start) != spi:
        return -SDLS_SPI
    hmac.start()
    hmac.update(head, 0, 5)
    hmac.update(frame, first, mac)
    if not hmac.check(frame, mac, 16):
        return -SDLS_MAC
    # The difference of two 32-bit numbers: beyond this many steps of the high half the low ones do not matter.
    steps = _u16(frame, start + 2) - high
    if steps < 0:
        return -SDLS_REPLAY
    if steps > (window >> 16) + 1:
        return -SDLS_WINDOW
    ahead = (steps << 16) + _u16(frame, start + 4) - low
    if ahead <= 0:
        return -SDLS_REPLAY
    return ahead if ahead <= window else -SDLS_WINDOW


def tc_packet_read(buf: bytes | bytearray | memoryview, start: int, end: int, longest: int, out: "list[int]") -> int:
    """Check the telecommand packet at buf[start], whose APID may be any but the idle one: OK or the reason.

    end: where the octets end. longest: octets of a packet. out: its first item is where the packet behind this one
    would start; with OK and PUS_VERSION the next eight are APID, sequence count, acknowledgement flags, service,
    subtype, source and where the application data starts and ends.
    """
    _range(buf, start, end)
    _bits(longest, 16)
    _out(out, 9)
    out[0] = end
    if end - start < 6:
        return PACKET_SHORT
    size = _u16(buf, start + 4) + 7
    if start + size > end:
        return PACKET_LENGTH
    out[0] = start + size
    octet = buf[start]
    apid = _u16(buf, start) & 0x7FF
    if octet & 0xE0:
        return PACKET_VERSION
    if apid == 0x7FF:
        return PACKET_IDLE
    if not octet & 0x10:
        return PACKET_TYPE
    if not octet & 0x08:
        return PACKET_SECONDARY
    if buf[start + 2] < 0xC0:
        return PACKET_SEGMENTED
    if not 13 <= size <= longest:
        return PACKET_SIZE
    if not crc16_check(buf, start, start + size):
        return PACKET_CRC
    octet = buf[start + 6]
    out[1] = apid
    out[2] = _u16(buf, start + 2) & 0x3FFF
    out[3] = octet & 0x0F
    out[4] = buf[start + 7]
    out[5] = buf[start + 8]
    out[6] = _u16(buf, start + 9)
    out[7] = start + 11
    out[8] = start + size - 2
    return OK if octet >> 4 == 2 else PUS_VERSION


# --- the way down: headers (SPEC.md sections 7, 8, 9) -------------------------------------------------------------


def tm_count(table: "array[int]", destination: int, service: int, subtype: int) -> int:
    """Number of the next report *service* (1 to 255), *subtype* to *destination*, and move it on.

    table: array("H") of rows (a power of two) of three words, 0 at first. TM_COUNT_NEW: the number is 0, and a row was
    taken for it; TM_COUNT_FULL: it is 0, because no row is free.
    """
    rows = len(table) // 3
    if not isinstance(table, array) or rows == 0 or rows & (rows - 1) or len(table) != 3 * rows:
        raise ValueError("table")
    _bits(destination, 16)
    _bits(service, 8)
    _bits(subtype, 8)
    if service == 0:
        raise ValueError("value")
    key = service << 8 | subtype
    row = key + (service << 4) + destination * 31 & rows - 1
    for _ in range(rows):
        at = 3 * row
        if table[at] == key and table[at + 1] == destination:
            number: int = table[at + 2]
            table[at + 2] = (number + 1) & 0xFFFF
            return number
        if table[at] == 0:
            table[at] = key
            table[at + 1] = destination
            table[at + 2] = 1
            return TM_COUNT_NEW
        row = (row + 1) & (rows - 1)
    return TM_COUNT_FULL


def _put16(buf: bytearray | memoryview, at: int, value: int) -> None:
    buf[at] = value >> 8 & 0xFF
    buf[at + 1] = value & 0xFF


def tm_packet_begin(
    buf: bytearray | memoryview,
    apid: int,
    count: int,
    service: int,
    subtype: int,
    counter: int,
    destination: int,
    status: int,
    epoch_high: int,
    epoch_low: int,
    seconds: int,
    fraction: int,
) -> int:
    """Write both headers of a telemetry packet to buf[0:20]; 20, where its data starts. The length comes with the end.

    apid, count, status: 11, 14 and 4 bits. epoch_high, epoch_low: second from which *seconds* (30 bits) count, as two
    16-bit halves. fraction: 1/65536 s.
    """
    _range(buf, 0, 20)
    for value, width in (
        (apid, 11),
        (count, 14),
        (service, 8),
        (subtype, 8),
        (counter, 16),
        (destination, 16),
        (status, 4),
        (epoch_high, 16),
        (epoch_low, 16),
        (seconds, 30),
        (fraction, 16),
    ):
        _bits(value, width)
    low = epoch_low + (seconds & 0xFFFF)
    _put16(buf, 0, 0x0800 | apid)
    _put16(buf, 2, 0xC000 | count)
    _put16(buf, 4, 0)
    buf[6] = 0x20 | status
    buf[7] = service
    buf[8] = subtype
    _put16(buf, 9, counter)
    _put16(buf, 11, destination)
    buf[13] = 0x1E
    _put16(buf, 14, epoch_high + (seconds >> 16) + (low >> 16))
    _put16(buf, 16, low)
    _put16(buf, 18, fraction)
    return 20


def tm_packet_end(buf: bytearray | memoryview, at: int) -> int:
    """The packet's data ends before octet *at*: write length and error control; the octets of the whole packet."""
    if not 20 <= at <= 0xFFFF:
        raise ValueError("range")
    _range(buf, 0, at + 2)
    _put16(buf, 4, at - 5)
    return crc16_put(buf, 0, at)


def idle_packet(buf: bytearray | memoryview, start: int, end: int) -> None:
    """Write an idle packet (133.0-B 4.1.2.3) of 7 to 65535 octets to buf[start:end]."""
    _range(buf, start, end)
    if not 7 <= end - start <= 0xFFFF:
        raise ValueError("range")
    _put16(buf, start, 0x07FF)
    _put16(buf, start + 2, 0xC000)
    _put16(buf, start + 4, end - start - 7)
    for i in range(start + 6, end):
        buf[i] = _FILL


def tm_frame_seal(
    buf: bytearray | memoryview, start: int, end: int, mc_count: int, vc_count: int, fhp: int, report: int
) -> None:
    """Write into the TM frame buf[start:end] what differs between frames of a virtual channel, and its FECF.

    mc_count, vc_count: 8 bits. fhp: first header pointer, 11 bits. report: FARM-1's 16 bits of the CLCW.
    """
    _range(buf, start, end)
    if end - start < 12:
        raise ValueError("range")
    for value, width in ((mc_count, 8), (vc_count, 8), (fhp, 11), (report, 16)):
        _bits(value, width)
    buf[start + 2] = mc_count
    buf[start + 3] = vc_count
    _put16(buf, start + 4, 0x1800 | fhp)
    _put16(buf, end - 4, report)
    crc16_put(buf, start, end - 2)


# --- fields (SPEC.md section 11) -------------------------------------------------------------------------------------


_MOST = 0xFFFFFFFFFFFFFFFF


def _check_field(fmt: bytes | bytearray | memoryview, at: int, bits: int, values: int) -> int:
    """0, or why the field at fmt[at:at+6] cannot be in a structure of that many bits with that many values."""
    kind = fmt[at]
    width = fmt[at + 1]
    bit = (fmt[at + 2] << 8) | fmt[at + 3]
    index = (fmt[at + 4] << 8) | fmt[at + 5]
    if kind == FIELD_FLOAT:
        if width not in (32, 64) or bit & 7:
            return FIELD_FORMAT
    elif not FIELD_UNSIGNED <= kind <= FIELD_HALVES or not 1 <= width <= 64:
        return FIELD_FORMAT
    if bit + width > bits:
        return FIELD_BOUNDS
    if index + ((width + 15) // 16 if kind == FIELD_HALVES else 1) > values:
        return FIELD_VALUE
    return 0


def _put_bits(buf: bytearray | memoryview, bit: int, width: int, value: int) -> None:
    """Write the low width bits of value at that bit of buf, most significant first; the bits around stay."""
    while width:
        room = 8 - (bit & 7)
        n = width if width < room else room
        width -= n
        shift = room - n
        mask = ((1 << n) - 1) << shift
        at = bit >> 3
        buf[at] = (buf[at] & ~mask & 0xFF) | (((value >> width) << shift) & mask)
        bit += n


def _get_bits(buf: bytes | bytearray | memoryview, bit: int, width: int) -> int:
    value = 0
    while width:
        room = 8 - (bit & 7)
        n = width if width < room else room
        width -= n
        value = (value << n) | ((buf[bit >> 3] >> (room - n)) & ((1 << n) - 1))
        bit += n
    return value


def _put_integer(buf: bytearray | memoryview, bit: int, width: int, low: int, high: int, value: float) -> int:
    """Write value, or the nearest of low and high; 1 when it did not fit, else 0."""
    clamped = 0
    if value - value != 0:  # infinite, or NaN, which is neither above nor below anything
        if value > high:
            value = high
        elif value < low:
            value = low
        else:
            value = 0
        clamped = 1
    else:
        value = round(value)
    if value > high:
        value = high
        clamped = 1
    elif value < low:
        value = low
        clamped = 1
    _put_bits(buf, bit, width, int(value))
    return clamped


def _put_float(buf: bytearray | memoryview, pos: int, width: int, value: float) -> int:
    """Write value as IEEE 754; 1 when it did not fit, else 0."""
    clamped = 0
    if not isinstance(value, float):
        # Integers go up to 64 bits here as everywhere.
        if value > _MOST or value < -_MOST:
            value = _MOST if value > 0 else -_MOST
            clamped = 1
        value = float(value)
    if width == 64:
        pack_into(">d", buf, pos, value)
        return clamped
    # Half a unit above the largest finite 32-bit float: from there on it rounds to infinity.
    if (value >= 3.4028235677973366e38 or value <= -3.4028235677973366e38) and value - value == 0:
        value = float("inf") if value > 0 else -float("inf")
        clamped = 1
    pack_into(">f", buf, pos, value)
    return clamped


def pack(
    fmt: bytes | bytearray | memoryview,
    values: "list[int] | list[float] | tuple[float, ...] | array[int] | array[float]",
    buf: bytearray | memoryview,
    start: int,
    end: int,
) -> int:
    """Write fields into the structure buf[start:end]: how many values had to be clamped, or FIELD_...

    fmt: field descriptors of 6 octets each. values: list, tuple or array that the descriptors index.
    """
    _range(buf, start, end)
    if len(fmt) % FIELD_SIZE:
        return FIELD_FORMAT
    clamped = 0
    for at in range(0, len(fmt), FIELD_SIZE):
        status = _check_field(fmt, at, (end - start) * 8, len(values))
        if status:
            return status
        kind = fmt[at]
        width = fmt[at + 1]
        bit = start * 8 + ((fmt[at + 2] << 8) | fmt[at + 3])
        index = (fmt[at + 4] << 8) | fmt[at + 5]
        if kind == FIELD_HALVES:
            while width:
                n = (width - 1) % 16 + 1
                if not isinstance(values[index], (int, float, bool)):
                    return FIELD_VALUE
                clamped += _put_integer(buf, bit, n, 0, (1 << n) - 1, values[index])
                bit += n
                width -= n
                index += 1
            continue
        value = values[index]
        if not isinstance(value, (int, float, bool)):
            return FIELD_VALUE
        if kind == FIELD_FLOAT:
            clamped += _put_float(buf, bit >> 3, width, value)
        elif kind == FIELD_SIGNED:
            clamped += _put_integer(buf, bit, width, -(1 << (width - 1)), (1 << (width - 1)) - 1, value)
        else:
            clamped += _put_integer(buf, bit, width, 0, (1 << width) - 1, value)
    return clamped


def unpack(
    fmt: bytes | bytearray | memoryview,
    buf: bytes | bytearray | memoryview,
    start: int,
    end: int,
    values: "list[int] | list[float] | array[int] | array[float]",
) -> int:
    """Read fields of the structure buf[start:end] into values: the number of fields read, or FIELD_..."""
    _range(buf, start, end)
    if len(fmt) % FIELD_SIZE:
        return FIELD_FORMAT
    for at in range(0, len(fmt), FIELD_SIZE):
        status = _check_field(fmt, at, (end - start) * 8, len(values))
        if status:
            return status
        kind = fmt[at]
        width = fmt[at + 1]
        bit = start * 8 + ((fmt[at + 2] << 8) | fmt[at + 3])
        index = (fmt[at + 4] << 8) | fmt[at + 5]
        if kind == FIELD_FLOAT:
            values[index] = unpack_from(">f" if width == 32 else ">d", buf, bit >> 3)[0]
        elif kind == FIELD_HALVES:
            while width:
                n = (width - 1) % 16 + 1
                values[index] = _get_bits(buf, bit, n)
                bit += n
                width -= n
                index += 1
        else:
            value = _get_bits(buf, bit, width)
            if kind == FIELD_SIGNED and value >> (width - 1):
                value -= 1 << width
            values[index] = value
    return len(fmt) // FIELD_SIZE
