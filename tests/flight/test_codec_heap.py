"""The C codec allocates nothing after construction: every function with the heap locked."""

import unittest
from array import array

from flight import codec
from heap import needs_heap_lock, run_locked

HALVES = codec.field(codec.FIELD_HALVES, 32, 0, 0)
PLAIN = codec.field(codec.FIELD_UNSIGNED, 30, 0, 0) + codec.field(codec.FIELD_FLOAT, 32, 32, 1)
WIDE = codec.field(codec.FIELD_UNSIGNED, 32, 0, 0) + codec.field(codec.FIELD_SIGNED, 32, 32, 1)


class Paths:
    """Buffers made once, and one method for each part of the codec."""

    def __init__(self):
        self.buf = bytearray(range(64))
        self.out = bytearray(128)
        self.frame = bytearray(70)
        self.tm = bytearray(32)
        self.hmac = codec.HmacSha256(b"key")
        self.rx = codec.CltuReceiver(self.frame, True)
        self.sync = codec.TmFrameSync(self.tm, 24, 0, 4, True)
        self.values = [1, 2.5, 3, 4]
        self.words = array("I", [0xFFFFFFFF, 0x7FFFFFFF])
        self.block = bytearray(8)
        self.fecf_frame = bytearray(28)
        self.fecf_frame[0:4] = b"\x1a\xcf\xfc\x1d"
        codec.crc16_put(self.fecf_frame, 4, 26)
        codec.randomise_tm(self.fecf_frame, 4, 28)

    def check_codes(self):
        codec.crc16(self.buf, 0, 64)
        codec.crc16_put(self.out, 0, 64)
        codec.crc16_check(self.out, 0, 66)
        codec.crc16_modbus_put(self.out, 0, 64)
        codec.crc16_modbus_check(self.out, 0, 66)
        codec.crc32_put(self.buf, 0, 64, self.out, 0)
        codec.crc32_update(self.out, 0, self.buf, 0, 64)
        codec.copy(self.buf, 0, 64, self.out, 3)
        return codec.crc32_check(self.buf, 0, 64, self.out, 0)

    def authentication(self):
        codec.sha256(self.buf, 0, 64, self.out, 0)
        self.hmac.start()
        self.hmac.update(self.buf, 0, 64)
        self.hmac.put(self.out, 0, 16)
        self.hmac.update(self.buf, 0, 64)
        return self.hmac.check(self.out, 0, 16)

    def uplink(self):
        size = codec.cltu_encode(self.buf, 0, 64, self.out, 0, True)
        codec.bch_decode(self.block, 0, True)
        used = self.rx.feed(self.out, 0, size)
        octets = self.rx.take()
        self.rx.reset()
        return used == size and octets == 70 and self.rx.count(codec.CLTU_TAILS) > 0 and self.rx.pending() == 0

    def downlink(self):
        self.sync.feed(self.fecf_frame, 0, 28)
        return self.sync.take() == 24 and self.sync.locked() and self.sync.count(codec.TM_FRAMES) > 0

    def fields(self):
        a = codec.pack(HALVES, self.values, self.out, 0, 4)
        b = codec.unpack(HALVES, self.out, 0, 4, self.values)
        c = codec.pack(PLAIN, self.values, self.out, 0, 8)
        d = codec.unpack(PLAIN, self.out, 0, 8, self.values)
        return a == 0 and b == 1 and c == 0 and d == 2

    def wide_fields(self):
        return codec.pack(WIDE, self.words, self.out, 0, 8) == 0 and codec.unpack(WIDE, self.out, 0, 8, self.words) == 2


@needs_heap_lock
class NoAllocation(unittest.TestCase):
    def setUp(self):
        self.paths = Paths()

    def test_check_codes(self):
        self.assertFalse(run_locked(self.paths.check_codes))

    def test_authentication(self):
        self.assertTrue(run_locked(self.paths.authentication))

    def test_uplink(self):
        self.assertTrue(run_locked(self.paths.uplink))

    def test_downlink(self):
        self.assertTrue(run_locked(self.paths.downlink))

    def test_fields(self):
        self.assertTrue(run_locked(self.paths.fields))

    def test_wide_fields_through_an_array(self):
        self.assertTrue(run_locked(self.paths.wide_fields))
        self.assertEqual(list(self.paths.words), [0xFFFFFFFF, 0x7FFFFFFF])
