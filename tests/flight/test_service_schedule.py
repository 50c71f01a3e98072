"""ST[11]: the table, its requests, and every release decision that schedule.py writes down."""

import unittest

from bench import Bench, forget, telecommand
from flash_model import FlashModel, PowerCut
from flight.errors import PACKET_CRC, TIME_FORMAT, TIME_RANGE
from flight.journal import Journal
from flight.limits import SCHEDULE_LATE_MS, SCHEDULE_MAX, SCHEDULE_PACKET_MAX
from flight.service import failure
from heap import needs_heap_lock, run_locked

# EPOCH (SPEC 10): 2020-01-01T00:00:00 TAI in seconds since 1958.
EPOCH = 1_956_528_000
START, STOP = 1, 2


def cuc(ms):
    """CUC of *ms* milliseconds since EPOCH, octet by octet."""
    seconds = EPOCH + ms // 1000
    fraction = ms % 1000 * 65536 // 1000
    return bytes(
        (0x1E, seconds >> 24, seconds >> 16 & 255, seconds >> 8 & 255, seconds & 255, fraction >> 8, fraction & 255)
    )


def ping(count, ack=8, source=3):
    return telecommand(17, 1, ack=ack, count=count, source=source)


class MemoryStore:
    """A store over a restart. left: how many more writes succeed."""

    def __init__(self):
        self.records = {}
        self.left = 1 << 20

    def put(self, key, buffer, start, end):
        if not self.left:
            return -4
        self.left -= 1
        self.records[key] = bytes(buffer[start:end])
        return 0

    def get(self, key, buffer):
        record = self.records.get(key)
        if record is None or len(record) > len(buffer):
            return -1
        buffer[: len(record)] = record
        return len(record)


class ScheduleCase(unittest.TestCase):
    def setUp(self):
        self.begin()
        self.bench.command(11, 1)

    def begin(self):
        """A start of a board whose storage is empty."""
        forget(self, "bench", "schedule", "table")
        self.use(Bench())

    def use(self, bench):
        self.bench = bench
        self.schedule = bench.core.schedule
        self.table = bench.core.schedule.table

    def insert(self, *activities, **fields):
        """Insert (ms, packet) pairs; the reports."""
        data = bytes((len(activities),))
        for ms, packet in activities:
            data += cuc(ms) + packet
        return self.bench.command(11, 4, data, **fields)

    def pings(self, *times):
        """Insert pings with sequence counts 0, 1, ... at these times in ms."""
        for count, ms in enumerate(times):
            self.assertEqual(self.insert((ms, ping(count)))[-1].kind, (1, 7))

    def released(self, reports):
        """Sequence counts of the pings among the completion reports."""
        return [
            (report.data[2] & 0x3F) << 8 | report.data[3]
            for report in reports
            if report.kind == (1, 7) and report.destination == 3
        ]

    def set_time(self, ms):
        return self.bench.command(9, 128, cuc(ms))

    def summary(self):
        """(ms, state, sequence count) of every request, from 11/13."""
        found = []
        for report in self.bench.command(11, 17):
            if report.kind == (11, 13):
                for at in range(1, len(report.data), 14):
                    row = report.data[at : at + 14]
                    seconds = int.from_bytes(row[1:5], "big") - EPOCH
                    ms = seconds * 1000 + ((row[5] << 8 | row[6]) * 1000 + 65535) // 65536
                    self.assertEqual(row[8:12], b"\x00\x03\x00\x64")
                    found.append((ms, row[7], row[12] << 8 | row[13]))
        return found

    def events(self, reports):
        return [report.data for report in reports if report.kind[0] == 5]

    def assertFailed(self, reports, kind, code, where=None):
        last = reports[-1]
        self.assertEqual((last.kind, last.data[4] << 8 | last.data[5]), (kind, code))
        if where is not None:
            self.assertEqual(last.data[6] << 8 | last.data[7], where)


class TestRelease(ScheduleCase):
    def test_in_order_of_time_at_its_time(self):
        self.pings(3000, 1000, 2000)
        self.assertEqual(self.released(self.bench.run(999)), [])
        self.assertEqual(self.released(self.bench.run(1)), [1])
        self.assertEqual(self.released(self.bench.run(5000)), [2, 0])
        self.assertEqual(self.table.count, 0)
        self.assertEqual(self.schedule.released, 3)

    def test_resolution_is_10_ms_and_never_early(self):
        times = [1000 + 10 * n for n in range(20)]
        self.pings(*times)
        self.bench.run(900)
        for ms in range(901, 1250):
            got = self.released(self.bench.run(1))
            self.assertEqual(got, [(ms - 1000) // 10] if ms in times else [], ms)

    def test_equal_times_in_the_order_of_insertion(self):
        self.pings(500, 500, 500)
        self.assertEqual(self.released(self.bench.run(600)), [0, 1, 2])

    def test_more_than_one_poll_takes(self):
        self.pings(*[500] * 20)
        self.assertEqual(self.released(self.bench.run(600)), list(range(20)))

    def test_failure_of_the_released_request_is_told(self):
        self.insert((500, telecommand(17, 9, ack=0, count=0x155, source=3)))
        self.insert((600, telecommand(8, 1, b"\x02\x02\x01\x23\x00", ack=0, count=0x156, source=3)))
        reports = self.bench.run(550)
        self.assertEqual([report.kind for report in reports if report.kind[0] in (1, 5)], [(1, 2), (5, 3)])
        self.assertEqual(self.events(reports), [b"\x00\x21\x00\x00\x03\x01\x55\x00\x81"])
        self.assertEqual(self.events(self.bench.run(100)), [b"\x00\x21\x00\x00\x03\x01\x56\x01\x23"])
        self.assertEqual((self.schedule.released, self.schedule.failed), (2, 2))

    def test_a_released_request_may_change_the_schedule(self):
        self.pings(2000)
        self.insert((500, telecommand(11, 4, b"\x01" + cuc(900) + ping(7), ack=0)))
        self.insert((1000, telecommand(11, 3, ack=0)))
        self.assertEqual(self.released(self.bench.run(3000)), [7])
        self.assertEqual((self.table.count, self.schedule.enabled), (0, False))

    def test_points(self):
        self.pings(500, 60_000, 70_000)
        self.bench.run(2000)
        values = [self.bench.core.values[self.bench.core.index(n)] for n in range(0x60, 0x65)]
        self.assertEqual(values, [1, 2, 0, 1, 0])


class TestDecisions(ScheduleCase):
    """The numbers are those of the head of schedule.py."""

    def test_1_disabled_holds_and_enabling_releases_nothing_old(self):
        self.pings(1000, 2000, 9000)
        self.bench.command(11, 2)
        reports = self.bench.run(2500)
        self.assertEqual(self.released(reports), [])
        self.assertEqual(self.events(reports), [b"\x00\x20\x00\x01"] * 2)
        self.assertEqual(self.released(self.bench.command(11, 1) + self.bench.run(5000)), [])
        self.assertEqual(self.summary(), [(1000, 1, 0), (2000, 1, 1), (9000, 0, 2)])
        self.assertEqual(self.released(self.bench.run(3000)), [2])

    def test_1_enabling_in_the_very_moment_releases_nothing_old(self):
        self.bench.command(11, 2)
        self.pings(1000)
        self.bench.run(999)
        self.bench.clock.advance_ms(1)
        reports = self.bench.command(11, 1)
        self.assertEqual(self.events(reports), [b"\x00\x20\x00\x01"])
        self.assertEqual(self.released(self.bench.run(2000)), [])

    def test_2_jump_forward_holds_what_was_jumped_over(self):
        self.pings(10_000, 20_000, 50_000)
        # The second is due just before the new time, and yet it was jumped over.
        reports = self.set_time(20_001)
        self.assertIn(b"\x00\x20\x00\x02", self.events(reports))
        self.assertEqual(self.released(self.bench.run(20_000)), [])
        self.assertEqual(self.summary(), [(10_000, 1, 0), (20_000, 1, 1), (50_000, 0, 2)])
        self.assertEqual(self.released(self.bench.run(10_000)), [2])

    def test_3_small_correction_forward_releases_late(self):
        self.pings(SCHEDULE_LATE_MS - 1000, SCHEDULE_LATE_MS + 1000)
        self.set_time(SCHEDULE_LATE_MS - 1)
        self.assertEqual(self.released(self.bench.run(10)), [0])
        self.assertEqual(self.released(self.bench.run(1000)), [1])

    def test_4_backward_releases_nothing_and_nothing_twice(self):
        self.pings(1000, 5000)
        self.assertEqual(self.released(self.bench.run(1500)), [0])
        self.set_time(0)
        self.assertEqual(self.released(self.bench.run(4999)), [])
        self.assertEqual(self.released(self.bench.run(1)), [1])

    def test_4_a_wrong_time_that_is_mended_costs_nothing(self):
        self.pings(10_000, 20_000)
        self.set_time(1_000_000_000)
        self.assertEqual([row[1] for row in self.summary()], [1, 1])
        self.bench.run(1000)
        self.set_time(1000)
        self.assertEqual([row[1] for row in self.summary()], [0, 0])
        self.assertEqual(self.released(self.bench.run(20_000)), [0, 1])

    def test_4_backward_within_a_second(self):
        self.pings(200_500)
        self.set_time(200_900)
        self.assertEqual([row[1] for row in self.summary()], [1])
        self.set_time(200_100)
        self.assertEqual([row[1] for row in self.summary()], [0])
        self.insert((200_300, ping(1)))
        self.assertEqual([row[1:] for row in self.summary()], [(0, 1), (0, 0)])
        self.assertEqual(self.released(self.bench.run(1000)), [1, 0])

    def test_5_what_a_standstill_made_late(self):
        self.pings(1000, 2000)
        self.bench.clock.advance_ms(1000 + SCHEDULE_LATE_MS)
        self.assertEqual(self.released(self.bench.run(1)), [0, 1])
        self.pings(10_000, 11_000)
        self.bench.clock.advance_ms(11_000 + SCHEDULE_LATE_MS - self.bench.clock.ticks_ms())
        reports = self.bench.run(1)
        self.assertEqual(self.released(reports), [1])
        self.assertEqual(self.events(reports), [b"\x00\x20\x00\x01"])

    def test_6_it_is_gone_from_the_store_before_it_is_executed(self):
        store = MemoryStore()
        self.schedule.use(store)
        self.pings(1000)
        self.assertEqual(len(store.records[64]), 8 + 13)
        seen = []
        execute = self.bench.core.router.execute

        def watched(buffer, start, end):
            seen.append(store.records[64])
            return execute(buffer, start, end)

        self.bench.core.router.execute = watched
        self.assertEqual(self.released(self.bench.run(1000)), [0])
        self.assertEqual(seen, [b""])

    def test_held_requests_wait_again_when_they_are_shifted_ahead(self):
        self.pings(1000, 1500)
        self.set_time(10_000)
        self.bench.command(11, 7, b"\x00\x00\x27\x10\x01" + b"\x00\x03\x00\x64\x00\x01")
        self.assertEqual(self.summary(), [(1000, 1, 0), (11_500, 0, 1)])
        self.assertEqual(self.released(self.bench.run(2000)), [1])
        self.assertEqual(self.table.held, 1)


class TestInsert(ScheduleCase):
    def test_bad_items_insert_nothing(self):
        good = cuc(5000) + ping(0)
        crc = bytearray(ping(1))
        crc[-1] ^= 1
        long = telecommand(17, 1, bytes(SCHEDULE_PACKET_MAX - 12))
        self.bench.run(1000)
        cases = (
            (cuc(1000) + ping(1), failure.TIME_PAST),
            (cuc(999) + ping(1), failure.TIME_PAST),
            (b"\x1f" + cuc(5000)[1:] + ping(1), TIME_FORMAT),
            (b"\x1e\x00\x00\x00\x00\x00\x00" + ping(1), TIME_RANGE),
            (b"\x1e\xb3\x9e\x3f\x80\x00\x00" + ping(1), failure.ARGUMENT_RANGE),
            (cuc(5000) + bytes(crc), PACKET_CRC),
            (cuc(5000) + long, failure.DATA_LENGTH),
            (cuc(5000), failure.DATA_LENGTH),
        )
        for data, code in cases:
            reports = self.bench.command(11, 4, b"\x02" + good + data)
            self.assertFailed(reports, (1, 4), code, 1)
        self.assertFailed(self.bench.command(11, 4, b"\x01" + good + b"\x00"), (1, 4), failure.DATA_LENGTH, 1)
        self.assertFailed(self.bench.command(11, 4, b"\x00"), (1, 2), failure.ITEM_COUNT)
        self.assertEqual(self.table.count, 0)
        # A packet of the schedule that is bad is no drop of the link.
        self.assertEqual(self.bench.core.drops.counts[PACKET_CRC], 0)

    def test_longest_packet(self):
        packet = telecommand(5, 6, b"\x19" + b"\x01\x01" * 25, ack=8, source=3)
        self.assertEqual(len(packet), SCHEDULE_PACKET_MAX)
        self.insert((500, packet))
        self.assertEqual(self.released(self.bench.run(600)), [0])

    def test_full(self):
        for count in range(SCHEDULE_MAX - 1):
            self.insert((100_000 - 7 * count % 50 * 1000, ping(count)))
        self.assertFailed(self.insert((5000, ping(1)), (6000, ping(2))), (1, 4), failure.TABLE_FULL)
        self.assertEqual(self.insert((5000, ping(900)))[-1].kind, (1, 7))
        self.assertFailed(self.insert((5000, ping(901))), (1, 4), failure.TABLE_FULL)
        rows = self.summary()
        self.assertEqual(len(rows), SCHEDULE_MAX)
        self.assertEqual(rows, sorted(rows, key=lambda row: (row[0], row[2])))
        self.bench.command(11, 5, b"\x01\x00\x03\x00\x64\x03\x84")
        self.assertEqual(self.insert((5000, ping(901)))[-1].kind, (1, 7))


class TestSelection(ScheduleCase):
    def setUp(self):
        super().setUp()
        self.pings(1000, 2000, 3000, 4000)

    def left(self):
        return [row[2] for row in self.summary()]

    def test_delete_by_identifier(self):
        self.bench.command(11, 5, b"\x02\x00\x03\x00\x64\x00\x01" + b"\x00\x03\x00\x64\x00\x03")
        self.assertEqual(self.left(), [0, 2])

    def test_unknown_identifier_deletes_nothing(self):
        for source, apid, count in ((4, 0x64, 1), (3, 0x65, 1), (3, 0x64, 9)):
            bad = bytes((0, source, 0, apid, 0, count))
            reports = self.bench.command(11, 5, b"\x02\x00\x03\x00\x64\x00\x00" + bad)
            self.assertFailed(reports, (1, 4), failure.UNKNOWN_ID, 1)
        self.assertEqual(self.left(), [0, 1, 2, 3])

    def test_delete_by_window_ends_included(self):
        cases = (
            (b"\x01" + cuc(2000) + cuc(3000), (0, 3)),
            (b"\x01" + cuc(2001) + cuc(2999), (0, 1, 2, 3)),
            (b"\x02" + cuc(3000), (0, 1)),
            (b"\x03" + cuc(2000), (2, 3)),
            (b"\x00", ()),
        )
        for data, expected in cases:
            self.bench.command(11, 3)
            self.pings(1000, 2000, 3000, 4000)
            self.assertEqual(self.bench.command(11, 6, data)[-1].kind, (1, 7))
            self.assertEqual(tuple(self.left()), expected)

    def test_bad_windows(self):
        self.assertFailed(self.bench.command(11, 6, b"\x04"), (1, 2), failure.ARGUMENT_RANGE)
        self.assertFailed(self.bench.command(11, 6, b"\x01" + cuc(1)), (1, 2), failure.DATA_LENGTH)
        self.assertFailed(self.bench.command(11, 6, b"\x00\x00"), (1, 2), failure.DATA_LENGTH)
        self.assertFailed(self.bench.command(11, 14, b"\x02\x1f" + bytes(6)), (1, 2), TIME_FORMAT)
        self.assertFailed(self.bench.command(11, 8, bytes(4) + b"\x03\x1e" + bytes(6)), (1, 2), TIME_RANGE)
        for first, second in ((2000, 1000), (1500, 1250)):
            reports = self.bench.command(11, 6, b"\x01" + cuc(first) + cuc(second))
            self.assertFailed(reports, (1, 2), failure.VALUE_RANGE, 1)
            self.assertEqual(reports[-1].data[8:], b"\x01" + cuc(second)[1:5])
        self.assertEqual(self.bench.command(11, 11, b"\x01" + cuc(1500) + cuc(1500))[-1].kind, (1, 7))
        self.assertEqual(self.left(), [0, 1, 2, 3])

    def test_shift(self):
        self.bench.command(11, 7, b"\x00\x00\x09\xc6\x01" + b"\x00\x03\x00\x64\x00\x00")  # 2502 ms
        self.assertEqual([(row[0], row[2]) for row in self.summary()], [(2000, 1), (3000, 2), (3502, 0), (4000, 3)])
        self.bench.command(11, 8, b"\xff\xff\xfc\x18\x02" + cuc(3000))  # -1000 ms from 3 s on
        self.assertEqual([(row[0], row[2]) for row in self.summary()], [(2000, 1), (2000, 2), (2502, 0), (3000, 3)])
        self.bench.command(11, 15, b"\x00\x00\x03\xe8")
        self.assertEqual([(row[0], row[2]) for row in self.summary()], [(3000, 1), (3000, 2), (3502, 0), (4000, 3)])
        self.assertEqual(self.released(self.bench.run(4000)), [1, 2, 0, 3])

    def test_shift_into_the_past_moves_nothing(self):
        self.bench.run(500)
        for ms in (500, 501, 900):
            offset = -ms & 0xFFFFFFFF
            reports = self.bench.command(11, 15, bytes((255, 255, offset >> 8 & 255, offset & 255)))
            self.assertFailed(reports, (1, 4), failure.TIME_PAST)
        self.assertEqual([row[0] for row in self.summary()], [1000, 2000, 3000, 4000])
        self.assertEqual(self.bench.command(11, 15, b"\xff\xff\xfe\x0d")[-1].kind, (1, 7))  # -499 ms

    def test_detail(self):
        reports = self.bench.command(11, 9, b"\x01\x00\x03\x00\x64\x00\x01")
        self.assertEqual(
            [report.data for report in reports if report.kind == (11, 10)], [b"\x01" + cuc(2000) + b"\x00" + ping(1)]
        )
        reports = self.bench.command(11, 11, b"\x03" + cuc(1000), source=9)
        self.assertEqual(
            [report.data for report in reports if report.kind == (11, 10)], [b"\x01" + cuc(1000) + b"\x00" + ping(0)]
        )
        self.assertEqual({report.destination for report in reports}, {9})
        [report] = [report for report in self.bench.command(11, 16) if report.kind == (11, 10)]
        self.assertEqual(report.data[0], 4)

    def test_summary(self):
        row = cuc(3000) + b"\x00\x00\x03\x00\x64\x00\x02"
        reports = self.bench.command(11, 12, b"\x01\x00\x03\x00\x64\x00\x02")
        self.assertEqual([report.data for report in reports if report.kind == (11, 13)], [b"\x01" + row])
        reports = self.bench.command(11, 14, b"\x01" + cuc(2500) + cuc(3500))
        self.assertEqual([report.data for report in reports if report.kind == (11, 13)], [b"\x01" + row])
        reports = self.bench.command(11, 14, b"\x02" + cuc(5000))
        self.assertEqual([report.data for report in reports if report.kind == (11, 13)], [b"\x00"])

    def test_reports_that_need_several_packets(self):
        self.bench.command(11, 3)
        big = telecommand(8, 1, b"\x02\x05" + bytes(SCHEDULE_PACKET_MAX - 15))
        for count in range(SCHEDULE_MAX):
            self.insert((10_000 + count, big))
        self.bench.catcher.room = 3000  # a queue that three of the five reports fill
        reports = self.bench.command(11, 16)
        self.assertLess(sum(report.data[0] for report in reports if report.kind == (11, 10)), SCHEDULE_MAX)
        self.assertEqual([report.kind for report in reports if report.kind[0] == 1], [(1, 1), (1, 3), (1, 8)])
        self.assertEqual(reports[-1].data[4:], b"\x00\xa4\xff\xff\x01\x00\x00\x00\x01")  # one report
        self.bench.catcher.room = -1
        details = [report for report in self.bench.command(11, 16) if report.kind == (11, 10)]
        self.assertEqual(sum(report.data[0] for report in details), SCHEDULE_MAX)
        self.assertEqual(sum(len(report.data) - 1 for report in details), SCHEDULE_MAX * (8 + SCHEDULE_PACKET_MAX))

    def test_reset(self):
        self.bench.command(11, 3)
        self.assertEqual((self.left(), self.schedule.enabled), ([], False))


class TestStore(ScheduleCase):
    def test_survives_a_restart(self):
        store = MemoryStore()
        self.schedule.use(store)
        self.bench.command(11, 1)
        self.pings(3000, 1000, 2000)
        self.bench.run(1500)
        self.bench.command(11, 5, b"\x01\x00\x03\x00\x64\x00\x02")
        self.begin()
        self.schedule.use(store)
        self.schedule.load()
        self.assertTrue(self.schedule.enabled)
        self.assertEqual(self.summary(), [(3000, 0, 0)])
        self.assertEqual(self.released(self.bench.run(3000)), [0])

    def test_damaged_records_are_not_taken(self):
        store = MemoryStore()
        self.schedule.use(store)
        self.pings(3000, 1000, 2000)
        good = store.records[64]
        bad = bytearray(good)
        bad[-1] ^= 1
        for record in (bytes(bad), good[:-1], good[:8], b"", bytes(100), b"\x40" + good[1:]):
            store.records[64] = record
            self.begin()
            self.schedule.use(store)
            self.schedule.load()
            self.assertEqual([row[2] for row in self.summary()], [1, 2])

    def test_store_that_refuses_fails_the_request(self):
        store = MemoryStore()
        self.schedule.use(store)
        store.left = 0
        self.assertFailed(self.insert((1000, ping(0))), (1, 4), failure.STORAGE)
        self.assertEqual(self.released(self.bench.run(1000)), [0])


class TestPowerCuts(ScheduleCase):
    """W-126: a cut at any step of a request leaves the whole old schedule or the whole new one."""

    def start(self):
        """What a start finds in the storage: enabled, and (ms, sequence count) of every request."""
        journal = Journal(self.flash)
        journal.mount()
        table = self.schedule.table
        for place in range(SCHEDULE_MAX):
            table._data[place * 72 + 7] = 0
        table.count = table.held = 0
        self.schedule.use(journal)
        self.schedule.load()
        return self.schedule.enabled, [(row[0], row[2]) for row in self.summary()]

    def cut(self, subtype, data):
        """Cut the power at every step of the request; every schedule that was found, the old and the new one first."""
        self.flash = FlashModel(2, 2048)
        self.start()
        self.bench.command(11, 1)
        self.pings(100_000, 200_000, 300_000, 400_000)
        self.bench.command(11, 15, b"\x00\x00\x03\xe8")  # a mark of an earlier shift
        before = bytes(self.flash.content)
        old = self.start()
        self.flash.steps = 0
        self.assertEqual(self.bench.command(11, subtype, data)[-1].kind, (1, 7))
        steps = self.flash.steps
        new = self.start()
        self.assertNotEqual(old, new)
        seen = []
        starts_cut = 0
        for step in range(steps):
            self.flash.content[:] = before
            self.start()
            self.flash.steps = 0
            self.flash.cut_at = step
            with self.assertRaises(PowerCut):
                self.bench.command(11, subtype, data)
            # And once more, in the middle of the start.
            self.flash.steps = 0
            self.flash.cut_at = step
            try:
                self.start()
            except PowerCut:
                starts_cut += 1
            self.flash.cut_at = -1
            found = self.start()
            self.assertIn((step, found), ((step, old), (step, new)))
            self.assertEqual(self.start(), found)
            seen.append(found == new)
        self.assertGreater(starts_cut, 0)
        # An insertion counts from its very last octet on, the others from their first record on.
        self.assertEqual((seen[0], True in seen), (False, subtype != 4))

    def test_shift_all(self):
        self.cut(15, b"\x00\x00\x09\xc6")
        self.cut(15, b"\xff\xff\xf6\x3a")

    def test_shift_some(self):
        self.cut(7, b"\x00\x00\x09\xc6\x02" + b"\x00\x03\x00\x64\x00\x01" + b"\x00\x03\x00\x64\x00\x03")
        self.cut(8, b"\x00\x00\x09\xc6\x02" + cuc(250_000))

    def test_insert(self):
        self.cut(4, b"\x03" + cuc(5000) + ping(7) + cuc(250_000) + ping(8) + cuc(999_000) + ping(9))

    def test_delete(self):
        self.cut(5, b"\x02" + b"\x00\x03\x00\x64\x00\x01" + b"\x00\x03\x00\x64\x00\x02")
        self.cut(6, b"\x02" + cuc(250_000))

    def test_reset(self):
        self.cut(3, b"")

    def test_what_changes_one_request_writes_one_record(self):
        store = MemoryStore()
        self.schedule.use(store)
        store.left = 3
        self.pings(1000)
        self.bench.command(11, 15, b"\x00\x00\x09\xc6")
        self.bench.command(11, 6, b"\x00")
        self.assertEqual((store.left, sorted(store.records)), (0, [64]))

    def test_a_change_whose_end_was_refused_is_ended_by_the_next(self):
        store = MemoryStore()
        self.schedule.use(store)
        self.pings(1000, 2000)
        store.left = 3
        self.assertFailed(self.bench.command(11, 6, b"\x00"), (1, 4), failure.STORAGE)
        store.left = 100
        self.pings(3000)
        self.assertEqual(store.records[9], b"")
        self.begin()
        self.schedule.use(store)
        self.schedule.load()
        self.assertEqual(self.summary(), [(3000, 0, 0)])


@needs_heap_lock
class TestHeap(ScheduleCase):
    def test_every_path_allocates_nothing(self):
        bench = self.bench
        bench.catcher.keep = False
        one = b"\x01\x00\x03\x00\x64\x00\x01"
        requests = (
            telecommand(11, 3),
            telecommand(11, 1),
            telecommand(11, 4, b"\x02" + cuc(900_000) + ping(1) + cuc(800_000) + ping(2)),
            telecommand(11, 7, b"\x00\x00\x09\xc6" + one),
            telecommand(11, 8, b"\x00\x00\x09\xc6\x02" + cuc(3000)),
            telecommand(11, 15, b"\x00\x00\x09\xc6"),
            telecommand(11, 9, one),
            telecommand(11, 11, b"\x01" + cuc(0) + cuc(999_000)),
            telecommand(11, 17),
            telecommand(11, 5, one),
            telecommand(11, 4, b"\x01" + cuc(0) + ping(1)),
            telecommand(9, 128, cuc(850_000)),
            telecommand(9, 128, cuc(0)),
            telecommand(9, 128, cuc(807_000)),
            telecommand(11, 2),
            telecommand(9, 128, cuc(0)),
        )
        packets = [bytearray(packet) for packet in requests]
        bench.clock.advance_ms(10)

        def path():
            for i in range(len(packets)):
                bench.core.router.execute(packets[i], 0, len(packets[i]))
                bench.core.schedule.poll(0)
                bench.core.schedule.step_1hz()

        before = self.schedule.released
        run_locked(path)
        self.assertEqual(bench.core.router.status, failure.DONE)
        self.assertEqual(self.schedule.released, before)


@needs_heap_lock
class TestHeapOfRelease(ScheduleCase):
    def test_releasing_allocates_nothing(self):
        bench = self.bench
        self.pings(10, 20, 30)
        self.insert((40, telecommand(17, 9)), (50, telecommand(17, 9)))
        bench.catcher.keep = False

        def path():
            bench.clock.advance_ms(20)
            return bench.core.schedule.poll(0)

        run_locked(path)
        run_locked(path)
        self.assertEqual((self.schedule.released, self.schedule.failed), (5, 2))


if __name__ == "__main__":
    unittest.main()
