"""The octets of tests/vectors/wire.py, through the C codec and through its Python twin, on CPython and MicroPython."""

import unittest

from flight import codec
from flight.codec import twin

from tests.vectors import checks, wire


class Vectors:
    """Tests of one codec, the twin unless a class below names another. A difference is told with its invariant."""

    codec = twin

    def rows(self, check, table):
        for row in table:
            check(self.codec, row)

    def test_check_codes(self):
        self.rows(checks.crc, wire.CRC)
        self.rows(checks.crc16_block, wire.CRC16_BLOCKS)
        self.rows(checks.modbus_block, wire.MODBUS_BLOCKS)

    def test_authentication(self):
        self.rows(checks.sha256, wire.SHA256)
        self.rows(checks.hmac, wire.HMAC)

    def test_randomisers(self):
        self.rows(checks.randomiser, wire.RANDOMISERS)

    def test_code_blocks(self):
        self.rows(checks.bch, wire.BCH)
        checks.bch_two_wrong(self.codec, wire.BCH[2])
        checks.tail(self.codec, wire.TAIL)

    def test_cltu(self):
        self.rows(checks.cltu, wire.CLTUS)
        self.rows(checks.cltu_stream, wire.CLTU_STREAMS)

    def test_tm_synchronisation(self):
        self.rows(checks.tm_stream, wire.TM_STREAMS)

    def test_fields(self):
        self.rows(checks.structure, wire.STRUCTURES)
        self.rows(checks.clamped, wire.CLAMPED)
        self.rows(checks.refused, wire.REFUSED)


class CodecInC(Vectors, unittest.TestCase):
    codec = codec

    def test_is_in_c(self):
        self.assertEqual(codec.BACKEND, "c")


class Twin(Vectors, unittest.TestCase):
    def test_is_the_twin(self):
        self.assertEqual(twin.BACKEND, "twin")


if __name__ == "__main__":
    unittest.main()
