"""ST[03]: intervals, contents octet by octet, structures made and changed at run time, on change."""

import unittest

from bench import Bench, ids
from flight.limits import HOUSEKEEPING_CREATED_FIELDS, HOUSEKEEPING_CREATED_MAX, HOUSEKEEPING_QUIET_PERIODS
from flight.service import failure

MIXED = b"\x00\x64"
OFF = b"\x00\x65"
QUIET = b"\x00\x66"


class HousekeepingCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.core = self.bench.core

    def set(self, identifier, value):
        self.core.values[self.core.pool.index_of(identifier)] = value

    def sent(self, ms, sid):
        """Data behind the SID of the structure's reports in that time."""
        reports = self.bench.run(ms)
        return [report.data[2:] for report in reports if report.kind == (3, 25) and report.data[:2] == sid]

    def assertFailed(self, reports, code, where, value):
        self.assertEqual(reports[-1].kind, (1, 4))
        notice = reports[-1].data[4:]
        self.assertEqual((notice[0] << 8 | notice[1], notice[2] << 8 | notice[3]), (code, where))
        self.assertEqual(notice[5] << 24 | notice[6] << 16 | notice[7] << 8 | notice[8], value)


class TestPeriodic(HousekeepingCase):
    def test_content_is_packed_by_bits_and_floats_begin_at_octets(self):
        self.set(ids.TRIAL_FLAG, 1)
        self.set(ids.TRIAL_SMALL, 5)
        self.set(ids.TRIAL_REAL, 1.5)
        self.set(ids.TRIAL_LEVEL, -2)
        # 1 101 0000 | 3FC00000 | FFFE | gain 10
        self.assertEqual(self.sent(500, MIXED), [b"\xd0\x3f\xc0\x00\x00\xff\xfe\x0a"])

    def test_interval(self):
        self.assertEqual(len(self.sent(10_000, MIXED)), 20)

    def test_disabled_is_not_sent(self):
        self.assertEqual(self.sent(10_000, OFF), [])

    def test_values_out_of_range_are_sent_as_the_nearest(self):
        self.set(ids.TRIAL_SMALL, 9)
        self.set(ids.TRIAL_LEVEL, -40000)
        self.assertEqual(self.sent(500, MIXED), [b"\x70\x00\x00\x00\x00\x80\x00\x0a"])

    def test_core_health_tells_the_dictionary(self):
        data = self.sent(1000, b"\x00\x01")[0]
        digest = bytes(int(self.core.values[self.core.pool.index_of(i)]) >> s & 0xFF for i in (2, 3) for s in (8, 0))
        self.assertEqual(data[:5], b"\x01" + digest)
        self.assertNotEqual(digest, bytes(4))


class TestSwitching(HousekeepingCase):
    def test_enable_and_disable(self):
        self.bench.command(3, 5, b"\x01" + OFF)
        self.assertEqual(len(self.sent(1000, OFF)), 5)
        self.bench.command(3, 6, b"\x01" + OFF)
        self.assertEqual(self.sent(1000, OFF), [])

    def test_one_shot_goes_to_who_asked(self):
        reports = self.bench.command(3, 27, b"\x02" + OFF + MIXED, source=7)
        found = [(report.data[:2], report.destination) for report in reports if report.kind == (3, 25)]
        self.assertEqual(found, [(OFF, 7), (MIXED, 7)])

    def test_change_of_interval(self):
        self.bench.command(3, 31, b"\x01" + MIXED + b"\x00\x00\x03\xe8")
        self.bench.run(500)
        self.assertEqual(len(self.sent(10_000, MIXED)), 10)

    def test_bad_interval(self):
        for period, value in ((b"\x00\x00\x00\x00", 0), (b"\x00\x00\x00\x96", 150), (b"\xff\xff\xff\xff", 0xFFFFFFFF)):
            self.assertFailed(self.bench.command(3, 31, b"\x01" + MIXED + period), failure.VALUE_RANGE, 0, value)
        self.assertEqual(len(self.sent(1000, MIXED)), 2)

    def test_w122_unknown_structure_and_nothing_done(self):
        for subtype in (3, 5, 6, 9, 27):
            reports = self.bench.command(3, subtype, b"\x02" + OFF + b"\x77\x77")
            if subtype != 3:
                self.assertFailed(reports, failure.UNKNOWN_ID, 1, 0x7777)
            self.assertEqual([report for report in reports if report.kind[0] == 3], [])
        self.assertEqual(self.sent(1000, OFF), [])

    def test_description(self):
        reports = self.bench.command(3, 9, b"\x01" + MIXED)
        [report] = [report for report in reports if report.kind == (3, 10)]
        self.assertEqual(
            report.data, b"\x00\x64\x01\x00\x00\x00\x01\xf4\x00\x05\x10\x00\x10\x01\x10\x03\x10\x02\x10\x10"
        )


class TestCreated(HousekeepingCase):
    NEW = b"\x01\x00\x00\x00\x00\xc8\x02\x10\x10\x10\x02"  # SID 0x100, 200 ms, gain and level

    def test_create_enable_disable_delete(self):
        self.assertEqual(self.bench.command(3, 1, self.NEW)[-1].kind, (1, 7))
        self.assertEqual(self.sent(1000, b"\x01\x00"), [])
        self.bench.command(3, 5, b"\x01\x01\x00")
        self.assertEqual(self.sent(400, b"\x01\x00"), [b"\x0a\x00\x00"] * 2)
        self.assertFailed(self.bench.command(3, 3, b"\x01\x01\x00"), failure.STATE, 0, 0x100)
        self.bench.command(3, 6, b"\x01\x01\x00")
        self.assertEqual(self.bench.command(3, 3, b"\x01\x01\x00")[-1].kind, (1, 7))
        self.assertFailed(self.bench.command(3, 27, b"\x01\x01\x00"), failure.UNKNOWN_ID, 0, 0x100)

    def test_description_of_a_created_one(self):
        self.bench.command(3, 1, self.NEW)
        [report] = [report for report in self.bench.command(3, 9, b"\x01\x01\x00") if report.kind == (3, 10)]
        self.assertEqual(report.data, b"\x01\x00\x00\x00\x00\x00\x00\xc8\x00\x02\x10\x10\x10\x02")

    def test_dictionary_structures_cannot_be_deleted(self):
        self.assertFailed(self.bench.command(3, 3, b"\x01" + OFF), failure.STATE, 0, 0x65)

    def test_sid_in_use(self):
        self.assertFailed(self.bench.command(3, 1, MIXED + self.NEW[2:]), failure.ALREADY_THERE, 0, 0x64)

    def test_interval_that_is_no_multiple_of_a_cycle(self):
        self.assertFailed(self.bench.command(3, 1, self.NEW[:5] + b"\xc9" + self.NEW[6:]), failure.VALUE_RANGE, 1, 201)

    def test_unknown_parameter(self):
        self.assertFailed(self.bench.command(3, 1, self.NEW[:-2] + b"\x7f\xff"), failure.UNKNOWN_ID, 1, 0x7FFF)

    def test_places_are_bounded_and_free_again(self):
        for number in range(HOUSEKEEPING_CREATED_MAX):
            data = bytes((1, number)) + self.NEW[2:]
            self.assertEqual(self.bench.command(3, 1, data)[-1].kind, (1, 7))
        more = b"\x02\x00" + self.NEW[2:]
        self.assertFailed(self.bench.command(3, 1, more), failure.TABLE_FULL, 0, HOUSEKEEPING_CREATED_MAX)
        self.bench.command(3, 3, b"\x01\x01\x02")
        self.assertEqual(self.bench.command(3, 1, more)[-1].kind, (1, 7))

    def test_most_parameters(self):
        count = HOUSEKEEPING_CREATED_FIELDS
        data = b"\x01\x00\x00\x00\x00\xc8" + bytes((count,)) + b"\x10\x12" * count
        self.assertEqual(self.bench.command(3, 1, data)[-1].kind, (1, 7))
        reports = self.bench.command(3, 27, b"\x01\x01\x00")
        [report] = [report for report in reports if report.kind == (3, 25)]
        self.assertEqual(report.data, b"\x01\x00" + b"\x3e\x80\x00\x00" * count)


class TestOnChange(HousekeepingCase):
    def test_sent_once_then_only_when_a_value_changed(self):
        self.assertEqual(self.sent(1000, QUIET), [])  # it was sent at the start
        self.set(ids.TRIAL_LEVEL, 3)
        self.assertEqual(self.sent(1000, QUIET), [b"\x00\x03"])

    def test_sent_after_quiet_periods_anyhow(self):
        self.assertEqual(len(self.sent(100 * HOUSEKEEPING_QUIET_PERIODS * 3, QUIET)), 3)

    def test_looking_takes_no_sequence_count(self):
        self.bench.run(1000)
        first = self.bench.command(17, 1)[0].count
        self.bench.command(3, 6, b"\x05\x00\x01\x00\x02\x00\x03" + MIXED + OFF)
        last = self.bench.command(17, 1)[-1].count
        self.bench.run(1000)
        self.assertEqual(self.bench.command(17, 1)[0].count, last + 1)
        self.assertGreater(last, first)

    def test_option_can_be_switched(self):
        self.bench.command(3, 128, b"\x01" + QUIET + b"\x00")
        self.assertEqual(len(self.sent(1000, QUIET)), 10)
        self.bench.command(3, 128, b"\x01" + QUIET + b"\x01")
        self.assertEqual(len(self.sent(1000, QUIET)), 1)


if __name__ == "__main__":
    unittest.main()
