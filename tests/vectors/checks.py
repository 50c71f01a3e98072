"""What the tables of wire.py mean: each function takes a codec and one row, and raises AssertionError on a difference.

Runs unchanged on CPython, on unix MicroPython and, statement by statement, on a board; hence no unittest here.
"""


def same(found, expected, what):
    """AssertionError with both values unless they are equal."""
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def crc(codec, row):
    name, octets, crc16, modbus, crc32 = row
    n = len(octets)
    padded = b"\xa5" + octets + b"\x5a"
    same(codec.crc16(padded, 1, n + 1), crc16, name)
    same(codec.crc16_modbus(padded, 1, n + 1), modbus, name)
    out = bytearray(6)
    same(codec.crc32_put(padded, 1, n + 1, out, 1), 5, name)
    same(bytes(out), b"\x00" + crc32 + b"\x00", name)
    same(codec.crc32_check(padded, 1, n + 1, out, 1), True, name)
    out[2] ^= 1
    same(codec.crc32_check(padded, 1, n + 1, out, 1), False, name)
    for cut in range(n + 1):
        same(codec.crc16(octets, cut, n, codec.crc16(octets, 0, cut)), crc16, name)
        same(codec.crc16_modbus(octets, cut, n, codec.crc16_modbus(octets, 0, cut)), modbus, name)
        state = bytearray(4)
        codec.crc32_update(state, 0, octets, 0, cut)
        codec.crc32_update(state, 0, octets, cut, n)
        same(bytes(state), crc32, name)


def _block(put, check, row):
    name, octets = row
    n = len(octets)
    out = bytearray(octets[:-2]) + b"\x00\x00\x77"
    same(put(out, 0, n - 2), n, name)
    same(bytes(out), octets + b"\x77", name)
    same(check(out, 0, n), True, name)
    for i in range(n):
        out[i] ^= 0x10
        same(check(out, 0, n), False, name)
        out[i] ^= 0x10
    same(check(out, 0, 1), False, name)


def crc16_block(codec, row):
    same(codec.crc16(row[1], 0, len(row[1])), 0, row[0])
    _block(codec.crc16_put, codec.crc16_check, row)


def modbus_block(codec, row):
    same(codec.crc16_modbus(row[1], 0, len(row[1])), 0, row[0])
    _block(codec.crc16_modbus_put, codec.crc16_modbus_check, row)


def sha256(codec, row):
    name, message, digest = row
    out = bytearray(34)
    same(codec.sha256(b"\x01" + message, 1, len(message) + 1, out, 1), 33, name)
    same(bytes(out), b"\x00" + digest + b"\x00", name)


def hmac(codec, row):
    name, key, message, mac = row
    h = codec.HmacSha256(key)
    n = len(message)
    out = bytearray(32)
    for cut in (0, 1, n // 2, n):  # and the object is good for the next message
        h.start()
        h.update(message, 0, cut)
        h.update(message, cut, n)
        same(h.put(out, 0, len(mac)), len(mac), name)
        same(bytes(out[: len(mac)]), mac, name)
    h.start()
    h.update(message, 0, n)
    same(h.check(mac, 0, len(mac)), True, name)
    h.start()
    h.update(message, 0, n)
    out[len(mac) - 1] ^= 1
    same(h.check(out, 0, len(mac)), False, name)


def randomiser(codec, row):
    name, tc, tm = row
    for apply, first in ((codec.randomise_tc, tc), (codec.randomise_tm, tm)):
        buf = bytearray(600)
        apply(buf, 1, 600)
        same(buf[0], 0, name)
        same(bytes(buf[1 : len(first) + 1]), first, name)
        same(bytes(buf[256:511]), bytes(buf[1:256]), name)
        apply(buf, 1, 600)
        same(bytes(buf), bytes(600), name)


def bch(codec, row):
    name, information, parity = row
    same(codec.bch_encode(b"\x99" + information, 1), parity, name)
    block = bytearray(information) + bytes((parity,))
    good = bytes(block)
    same(codec.bch_decode(block, 0, True), 0, name)
    same(codec.bch_decode(block, 0, False), 0, name)
    for bit in range(64):  # W-022
        block[bit >> 3] ^= 0x80 >> (bit & 7)
        wrong = bytes(block)
        same(codec.bch_decode(block, 0, False), -1, name)
        same(bytes(block), wrong, name)
        same(codec.bch_decode(block, 0, True), 1, name)
        same(bytes(block), good, name)


def bch_two_wrong(codec, row):
    """W-023: every pair of wrong bits is refused."""
    name, information, parity = row
    block = bytearray(information) + bytes((parity,))
    for first in range(64):
        block[first >> 3] ^= 0x80 >> (first & 7)
        for second in range(first):
            block[second >> 3] ^= 0x80 >> (second & 7)
            same(codec.bch_decode(block, 0, True), -1, name)
            same(codec.bch_decode(block, 0, False), -1, name)
            block[second >> 3] ^= 0x80 >> (second & 7)
        block[first >> 3] ^= 0x80 >> (first & 7)


def tail(codec, octets):
    """W-024: the tail, also with one or two wrong bits, is no code block."""
    block = bytearray(octets)
    same(codec.bch_decode(block, 0, True), -1, "W-024")
    for first in range(64):
        for second in range(first + 1):
            block[:] = octets
            block[first >> 3] ^= 0x80 >> (first & 7)
            if second != first:
                block[second >> 3] ^= 0x80 >> (second & 7)
            same(codec.bch_decode(block, 0, True), -1, "W-024")
            same(codec.bch_decode(block, 0, False), -1, "W-024")


def cltu(codec, row):
    name, frame, randomised, octets = row
    n = len(frame)
    same(codec.cltu_size(n), len(octets), name)
    out = bytearray(len(octets) + 2)
    same(codec.cltu_encode(b"\x31" + frame, 1, n + 1, out, 1, randomised), len(octets), name)
    same(bytes(out), b"\x00" + octets + b"\x00", name)


def feed(receiver, stream, step, frame_at, buf, balance):
    """Frames that come out of the stream in pieces of step octets; balance() must hold after every call."""
    frames = []
    for start in range(0, len(stream), step):
        end = min(start + step, len(stream))
        pos = start
        while pos < end:
            before = pos
            pos = receiver.feed(stream, pos, end)
            if pos <= before:
                raise AssertionError("no octet taken")
            same(balance(), pos, "octets accounted for")
            n = receiver.take()
            if n:
                frames.append(bytes(buf[frame_at : frame_at + n]))
        same(receiver.feed(stream, end, end), end, "nothing to take")
    return frames


def cltu_stream(codec, row):
    name, correct, size, stream, frames, counts = row
    for step in (len(stream), 1, 2, 3, 5, 7, 11):  # W-027
        buf = bytearray(size)
        rx = codec.CltuReceiver(buf, correct)

        def balance(rx=rx):  # W-028
            blocks = rx.count(codec.CLTU_BLOCKS) + rx.count(codec.CLTU_TAILS)
            return 2 * rx.count(codec.CLTU_STARTS) + 8 * blocks + rx.count(codec.CLTU_SEARCH_BYTES) + rx.pending()

        same(feed(rx, stream, step, 0, buf, balance), frames, name)
        same(tuple(rx.count(i) for i in range(10)), counts, name)


def tm_stream(codec, row):
    name, search_errors, lock_errors, randomised, stream, frames, locked, counts = row
    for step in (len(stream), 1, 2, 3, 5, 7, 27, 28, 29):  # W-064
        buf = bytearray(24 + 8)
        sync = codec.TmFrameSync(buf, 24, search_errors, lock_errors, randomised)

        def balance(sync=sync):  # W-065
            whole = sync.count(codec.TM_FRAMES) + sync.count(codec.TM_FECF)
            return 28 * whole + sync.count(codec.TM_SEARCH_BYTES) + sync.pending()

        same(feed(sync, stream, step, 4, buf, balance), frames, name)
        same(tuple(sync.count(i) for i in range(7)), counts, name)
        same(sync.locked(), locked, name)


def structure(codec, row):
    name, fmt, values, octets = row
    n = len(octets)
    out = bytearray(n + 2)
    same(codec.pack(fmt, values, out, 1, n + 1), 0, name)
    same(bytes(out), b"\x00" + octets + b"\x00", name)
    same(codec.pack(fmt, tuple(values), out, 1, n + 1), 0, name)
    back = [None] * len(values)
    same(codec.unpack(fmt, out, 1, n + 1, back), len(fmt) // 6, name)
    same(back, values, name)


def clamped(codec, row):
    name, fmt, values, octets, count = row
    out = bytearray(len(octets))
    same(codec.pack(fmt, values, out, 0, len(out)), count, name)
    same(bytes(out), octets, name)


def refused(codec, row):
    name, fmt, size, values, status = row
    out = bytearray(size + 2)
    same(codec.pack(fmt, [-1] * values, out, 1, size + 1), status, name)
    same(bytes(out), bytes(size + 2), name)
    back = [7] * values
    same(codec.unpack(fmt, out, 1, size + 1, back), status, name)
    same(back, [7] * values, name)
