"""Telemetry packets, their counters and CUC time: literal octets, wraps, full tables."""

import unittest

from flight import errors
from flight.codec import crc16
from flight.errors import DropCounters
from flight.limits import MESSAGE_TYPES_MAX, TM_PACKET_MAX
from flight.packet.counters import MessageTypeCounters, SequenceCounts
from flight.packet.cuc import read_fraction, read_seconds, write_time
from flight.packet.telemetry import DATA_MAX, DATA_START, Clock, TelemetryWriter
from heap import needs_heap_lock, run_locked

# 2028-01-01 is 8 years of 365 days and 2 leap days (2020, 2024) after the epoch 2020-01-01.
SECONDS_2028 = (8 * 365 + 2) * 86400


class TestCuc(unittest.TestCase):
    def write(self, seconds, fraction):
        buffer = bytearray(9)
        write_time(buffer, 1, seconds, fraction)
        self.assertEqual((buffer[0], buffer[8]), (0, 0))
        return bytes(buffer[1:8])

    def test_w085_2028(self):
        self.assertEqual(self.write(SECONDS_2028, 0), b"\x1e\x83\xaa\x7e\x80\x00\x00")

    def test_epoch_and_end_of_the_range(self):
        self.assertEqual(self.write(0, 0), b"\x1e\x74\x9e\x3f\x80\x00\x00")
        self.assertEqual(self.write((1 << 30) - 1, 0xFFFF), b"\x1e\xb4\x9e\x3f\x7f\xff\xff")

    def test_carry_between_the_halves(self):
        self.assertEqual(self.write(0xC07F, 1), b"\x1e\x74\x9e\xff\xff\x00\x01")
        self.assertEqual(self.write(0xC080, 2), b"\x1e\x74\x9f\x00\x00\x00\x02")

    def test_reading_gives_back_what_was_written(self):
        buffer = bytearray(8)
        for seconds in (0, 1, 0xC07F, 0xC080, 0xFFFF, 0x10000, SECONDS_2028, (1 << 30) - 1):
            write_time(buffer, 1, seconds, 0x1234)
            self.assertEqual((read_seconds(buffer, 1), read_fraction(buffer, 1)), (seconds, 0x1234))

    def test_time_format(self):
        for p_field in (0x00, 0x1F, 0x2E, 0x9E, 0x1C):
            self.assertEqual(read_seconds(bytes((p_field,)) + b"\x83\xaa\x7e\x80\x00\x00", 0), -errors.TIME_FORMAT)

    def test_time_range(self):
        for seconds in (b"\x74\x9e\x3f\x7f", b"\x00\x00\x00\x00", b"\xb4\x9e\x3f\x80", b"\xff\xff\xff\xff"):
            self.assertEqual(read_seconds(b"\x1e" + seconds + b"\x00\x00", 0), -errors.TIME_RANGE)


class TestSequenceCounts(unittest.TestCase):
    def test_w072_one_count_per_apid_wrapping_at_16384(self):
        counts = SequenceCounts((0x064, 0x000, 2046))
        self.assertEqual([counts.next(0x064) for _ in range(3)], [0, 1, 2])
        self.assertEqual(counts.next(2046), 0)
        for _ in range(16380):
            counts.next(0x064)
        self.assertEqual([counts.next(0x064) for _ in range(3)], [16383, 0, 1])
        self.assertEqual((counts.next(2046), counts.next(0)), (1, 0))

    def test_apids_are_checked(self):
        for apids in ((), (2047,), (-1,), (5, 5), tuple(range(9))):
            with self.subTest(apids=apids), self.assertRaises(AssertionError):
                SequenceCounts(apids)


class TestMessageTypeCounters(unittest.TestCase):
    def setUp(self):
        self.drops = DropCounters()
        self.counters = MessageTypeCounters(self.drops)

    def test_destination_service_and_subtype_each_make_a_counter_of_their_own(self):
        keys = ((0, 1, 1), (0, 1, 2), (0, 2, 1), (1, 1, 1), (65535, 255, 255), (0, 255, 0))
        for expected in range(3):
            self.assertEqual([self.counters.next(*key) for key in keys], [expected] * 6)
        self.assertEqual(self.counters.free, MESSAGE_TYPES_MAX - 6)

    def test_a_counter_wraps_at_65536(self):
        for _ in range(65535):
            self.counters.next(0, 3, 25)
        self.assertEqual([self.counters.next(0, 3, 25) for _ in range(2)], [65535, 0])

    def test_message_types_full(self):
        for kind in range(MESSAGE_TYPES_MAX):
            self.assertEqual(self.counters.next(kind // 16, 1 + kind % 4, kind % 16 // 4), 0)
        self.assertEqual((self.counters.free, self.drops.total), (0, 0))
        self.assertEqual([self.counters.next(9, 200, 1) for _ in range(2)], [0, 0])
        self.assertEqual(self.drops.counts[errors.MESSAGE_TYPES_FULL], 2)
        self.assertEqual((self.drops.total, self.drops.last), (0, errors.OK))
        for kind in range(MESSAGE_TYPES_MAX):
            self.assertEqual(self.counters.next(kind // 16, 1 + kind % 4, kind % 16 // 4), 1)


class TestWriter(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.seconds = SECONDS_2028 + 1
        self.clock.fraction = 0x8000
        self.clock.status = 1
        self.counters = MessageTypeCounters(DropCounters())
        self.writer = TelemetryWriter(self.clock, SequenceCounts((0x064, 0x7FE)), self.counters)

    def test_literal_pong(self):
        for _ in range(7):
            self.counters.next(0x0102, 17, 2)
        at = self.writer.begin(0x064, 17, 2, 0x0102)
        self.assertEqual(at, DATA_START)
        length = self.writer.end(at)
        self.assertEqual(
            bytes(self.writer.buffer[:length]),
            b"\x08\x64\xc0\x00\x00\x0f"  # telemetry, secondary header, APID 064, unsegmented, count 0, 22 octets
            b"\x21\x11\x02\x00\x07\x01\x02"  # PUS-C, time set by the ground, 17/2, counter 7, destination 0102
            b"\x1e\x83\xaa\x7e\x81\x80\x00"  # CUC
            b"\xae\x4a",
        )

    def test_data_length_and_error_control(self):
        at = self.writer.begin(0x7FE, 3, 25, 0)
        self.writer.buffer[at : at + 4] = b"data"
        length = self.writer.end(at + 4)
        packet = bytes(self.writer.buffer[:length])
        self.assertEqual((length, packet[:6], packet[20:24]), (26, b"\x0f\xfe\xc0\x00\x00\x13", b"data"))
        self.assertEqual(crc16(packet, 0, length), 0)

    def test_longest_packet(self):
        at = self.writer.begin(0x064, 3, 25, 0)
        self.assertEqual(self.writer.end(at + DATA_MAX), TM_PACKET_MAX)
        self.assertEqual(bytes(self.writer.buffer[4:6]), b"\x03\xf9")

    def test_numbers_of_two_octets(self):
        for _ in range(0x0102):
            self.writer.begin(0x064, 17, 2, 0)
        self.writer.begin(0x064, 17, 2, 0)
        self.assertEqual(bytes(self.writer.buffer[2:4] + self.writer.buffer[9:11]), b"\xc1\x02\x01\x02")

    def test_each_packet_takes_the_next_numbers(self):
        for count in range(3):
            self.writer.begin(0x064, 5, 1, 0)
            self.writer.begin(0x7FE, 5, 2, 0)
            self.assertEqual(bytes(self.writer.buffer[2:4]), bytes((0xC0, count)))
            self.assertEqual(bytes(self.writer.buffer[9:11]), bytes((0, count)))


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_writing_allocates_nothing(self):
        clock = Clock()
        counters = MessageTypeCounters(DropCounters())
        writer = TelemetryWriter(clock, SequenceCounts((0x064,)), counters)

        def write():
            for destination in range(3):
                clock.seconds += 0x0FFFFFFF
                write_time(writer.buffer, 30, clock.seconds, 0xFFFF)
                read_seconds(writer.buffer, 30)
                writer.end(writer.begin(0x064, 17, 2, destination + counters.free))
            clock.seconds = 0

        run_locked(write)


if __name__ == "__main__":
    unittest.main()
