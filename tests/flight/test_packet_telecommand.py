"""Telecommand packets: literal octets, every check of SPEC 8 in its order, and several packets in one range."""

import unittest

from flight import errors
from flight.codec import crc16
from flight.errors import DropCounters
from flight.packet.telecommand import ACK_ACCEPTANCE, ACK_COMPLETION, ACK_PROGRESS, ACK_START, Telecommand
from heap import needs_heap_lock, run_locked

APIDS = (0x064, 0x065)
# A 17/1 with all acknowledgements, source 7, count 5, no data: header, secondary header, error control.
PING = b"\x18\x64\xc0\x05\x00\x06" + b"\x2f\x11\x01\x00\x07" + b"\xa7\x23"


def packet(data=b"", octet_0=0x18, apid=0x064, octet_2=0xC0, count=5, secondary=b"\x2f\x11\x01\x00\x07", length=None):
    """A telecommand packet with right error control, each part open to spoiling."""
    size = len(secondary) + len(data) + 1 if length is None else length
    octets = bytes((octet_0 | apid >> 8, apid & 0xFF, octet_2 | count >> 8, count & 0xFF, size >> 8, size & 0xFF))
    octets += secondary + data
    crc = crc16(octets, 0, len(octets))
    return octets + bytes((crc >> 8, crc & 0xFF))


class TelecommandCase(unittest.TestCase):
    def setUp(self):
        self.drops = DropCounters()
        self.telecommand = Telecommand(APIDS, self.drops)

    def read(self, octets):
        return self.telecommand.read(bytearray(octets), 0, len(octets))

    def refused(self, octets, reason, drops=1):
        """*octets* give *reason*, counted once and alone, and so many drops."""
        before = self.drops.counts[reason]
        total = self.drops.total
        self.assertEqual(self.read(octets), reason)
        self.assertEqual((self.drops.counts[reason], self.drops.total), (before + 1, total + drops))


class TestFields(TelecommandCase):
    def test_literal_ping(self):
        self.assertEqual(self.read(PING), errors.OK)
        self.assertEqual(packet(), PING)
        tc = self.telecommand
        self.assertEqual((tc.apid, tc.count, tc.service, tc.subtype, tc.source), (0x64, 5, 17, 1, 7))
        self.assertEqual((tc.start, tc.data_start, tc.data_end, tc.next), (0, 11, 11, 13))

    def test_w070_header_of_17_octets(self):
        octets = packet(b"data")
        self.assertEqual(octets[:6], b"\x18\x64\xc0\x05\x00\x0a")
        self.assertEqual(self.read(octets), errors.OK)
        self.assertEqual(octets[self.telecommand.data_start : self.telecommand.data_end], b"data")

    def test_w082_acknowledgement_flags(self):
        for octet, ack in (
            (0x21, ACK_ACCEPTANCE),
            (0x22, ACK_START),
            (0x24, ACK_PROGRESS),
            (0x28, ACK_COMPLETION),
            (0x20, 0),
        ):
            self.assertEqual(self.read(packet(secondary=bytes((octet, 17, 1, 0, 0)))), errors.OK)
            self.assertEqual(self.telecommand.ack, ack)

    def test_greatest_values(self):
        octets = packet(apid=0x065, count=16383, secondary=b"\x2f\xff\xff\xff\xff")
        self.assertEqual(self.read(octets), errors.OK)
        tc = self.telecommand
        self.assertEqual((tc.apid, tc.count, tc.service, tc.subtype, tc.source), (0x65, 16383, 255, 255, 65535))

    def test_several_packets_one_after_the_other(self):
        octets = bytearray(b"..." + PING + packet(b"second", count=6) + b"\x07\xff\xc0\x00\x00\x00\x55" + PING)
        tc = self.telecommand
        seen = []
        at = 3
        while at < len(octets):
            seen.append((tc.read(octets, at, len(octets)), tc.start, bytes(octets[tc.data_start : tc.data_end])))
            at = tc.next
        self.assertEqual([status for status, _, _ in seen], [errors.OK, errors.OK, errors.PACKET_IDLE, errors.OK])
        self.assertEqual([start for _, start, _ in seen], [3, 16, 35, 42])
        self.assertEqual(seen[1][2], b"second")


class TestChecks(TelecommandCase):
    """Each check refuses a packet that fails it alone."""

    def test_packet_short(self):
        for count in range(6):
            self.refused(PING[:count], errors.PACKET_SHORT)
            self.assertEqual(self.telecommand.next, count)

    def test_w074_packet_length_runs_over_the_octets_there(self):
        for cut in range(6, len(PING)):
            self.refused(PING[:cut], errors.PACKET_LENGTH)
            self.assertEqual(self.telecommand.next, cut)
        self.refused(packet(length=0xFFFF), errors.PACKET_LENGTH)

    def test_packet_short_and_length_count_from_the_start(self):
        octets = bytearray(20) + PING
        for end in range(21, 20 + len(PING)):
            reason = errors.PACKET_SHORT if end < 26 else errors.PACKET_LENGTH
            self.assertEqual(self.telecommand.read(octets, 20, end), reason)

    def test_packet_version(self):
        for version in range(1, 8):
            self.refused(packet(octet_0=0x18 | version << 5), errors.PACKET_VERSION)

    def test_packet_idle(self):
        self.refused(PING[:5], errors.PACKET_SHORT)
        # Counted, but no drop.
        self.refused(b"\x07\xff\xc0\x00\x00\x00\x55", errors.PACKET_IDLE, drops=0)
        self.refused(packet(apid=0x7FF), errors.PACKET_IDLE, drops=0)
        self.assertEqual(self.drops.last, errors.PACKET_SHORT)

    def test_packet_type(self):
        self.refused(packet(octet_0=0x08), errors.PACKET_TYPE)

    def test_packet_secondary(self):
        self.refused(packet(octet_0=0x10), errors.PACKET_SECONDARY)

    def test_packet_segmented(self):
        for flags in (0x00, 0x40, 0x80):
            self.refused(packet(octet_2=flags), errors.PACKET_SEGMENTED)

    def test_packet_size(self):
        for size in range(3, 7):
            self.refused(packet(secondary=b"\x2f\x11\x01\x00\x07"[: size - 2]), errors.PACKET_SIZE)
        self.assertEqual(self.read(packet(bytes(235))), errors.OK)
        self.refused(packet(bytes(236)), errors.PACKET_SIZE)

    def test_w073_packet_crc_for_every_wrong_bit_behind_the_header(self):
        octets = bytearray(PING)
        for bit in range(6 * 8, len(PING) * 8):
            octets[bit // 8] ^= 0x80 >> bit % 8
            self.refused(octets, errors.PACKET_CRC)
            octets[bit // 8] ^= 0x80 >> bit % 8

    def test_packet_apid(self):
        for apid in (0, 0x063, 0x066, 0x164, 0x7FE):
            self.refused(packet(apid=apid), errors.PACKET_APID)

    def test_pus_version(self):
        for version in (0, 1, 3, 15):
            self.refused(packet(secondary=bytes((version << 4 | 0xF, 17, 1, 0, 0))), errors.PUS_VERSION)

    def test_a_refused_packet_does_not_hide_the_next_one(self):
        octets = bytearray(packet(apid=0x063) + PING)
        self.assertEqual(self.telecommand.read(octets, 0, len(octets)), errors.PACKET_APID)
        self.assertEqual(self.telecommand.read(octets, self.telecommand.next, len(octets)), errors.OK)

    def test_the_first_failed_check_names_the_reason(self):
        fields = {"octet_0": 0x20, "octet_2": 0x40, "apid": 0x063, "secondary": b"\x1f"}
        for fault, mended, reason in (
            ("octet_0", 0x00, errors.PACKET_VERSION),
            ("octet_0", 0x10, errors.PACKET_TYPE),
            ("octet_0", 0x18, errors.PACKET_SECONDARY),
            ("octet_2", 0xC0, errors.PACKET_SEGMENTED),
            ("secondary", b"\x1f\x11\x01\x00\x07", errors.PACKET_SIZE),
            ("apid", 0x064, errors.PACKET_APID),
            ("secondary", b"\x2f\x11\x01\x00\x07", errors.PUS_VERSION),
        ):
            self.refused(packet(**fields), reason)
            fields[fault] = mended
        self.assertEqual(self.read(packet(**fields)), errors.OK)


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_reading_allocates_nothing(self):
        drops = DropCounters()
        telecommand = Telecommand(APIDS, drops)
        octets = bytearray(PING + packet(octet_0=0x10) + packet(apid=1) + packet(secondary=b"\x1f\x11\x01\x00\x00"))
        end = len(octets)

        def walk():
            at = 0
            while at < end:
                telecommand.read(octets, at, end)
                at = telecommand.next

        run_locked(walk)
        self.assertEqual(drops.total, 6)


if __name__ == "__main__":
    unittest.main()
