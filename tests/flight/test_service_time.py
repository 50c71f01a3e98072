"""ST[09]: time report, its rate, setting on-board time."""

import unittest

from bench import Bench, telecommand
from flight.errors import TIME_FORMAT, TIME_RANGE
from flight.hal.null import Clock
from flight.limits import SCHEDULE_LATE_MS
from flight.service import failure
from flight.service.onboard_time import OnboardTime
from heap import needs_heap_lock, run_locked

# 2028-01-01T00:00:00 TAI and a half second (SPEC 10, W-085).
T_2028 = b"\x1e\x83\xaa\x7e\x80\x80\x00"


class TimeCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()

    def reports(self, reports):
        return [report.data for report in reports if report.kind == (9, 2)]


class StillClock(Clock):
    """Stands *microseconds* after the start."""

    def __init__(self, microseconds):
        self.microseconds = microseconds

    def uptime(self, out):
        out[0] = 0
        out[1] = self.microseconds


class TestUptime(unittest.TestCase):
    def test_w086_the_fraction_is_cut(self):
        for microseconds, fraction in ((0, 0), (15, 0), (16, 1), (500000, 0x8000), (999990, 0xFFFF), (999999, 0xFFFF)):
            time = OnboardTime(StillClock(microseconds))
            time.update()
            self.assertEqual((time.seconds, time.fraction), (0, fraction))


class TestReport(TimeCase):
    def test_one_report(self):
        reports = self.bench.command(9, 129, source=7)
        # no rate; 2020-01-01 (EPOCH) and no second; free running
        self.assertEqual(self.reports(reports), [b"\xff\x1e\x74\x9e\x3f\x80\x00\x00\x00"])
        self.assertEqual({report.destination for report in reports}, {7})

    def test_none_without_a_rate(self):
        self.assertEqual(self.reports(self.bench.run(20_000)), [])

    def test_rate(self):
        for exponent, count in ((0, 16), (2, 4), (3, 2)):
            self.bench.command(9, 1, bytes((exponent,)))
            got = self.reports(self.bench.run(16_000))
            self.assertEqual([data[0] for data in got], [exponent] * count)
        self.bench.command(9, 1, b"\xff")
        self.assertEqual(self.reports(self.bench.run(300_000)), [])

    def test_rate_that_is_none(self):
        for exponent in (9, 254):
            reports = self.bench.command(9, 1, bytes((exponent,)))
            self.assertEqual([report.kind for report in reports], [(1, 2)])
            self.assertEqual(reports[0].data[4:], bytes((0, failure.ARGUMENT_RANGE, 0, 0, 1, 0, 0, 0, exponent)))


class TestSet(TimeCase):
    def test_reports_carry_the_new_time_and_its_status(self):
        self.bench.run(12_300)
        self.bench.command(9, 128, T_2028)
        [report] = [report for report in self.bench.command(9, 129) if report.kind == (9, 2)]
        self.assertEqual(report.time, T_2028)
        self.assertEqual(report.data, b"\xff" + T_2028 + b"\x01")
        self.bench.run(1500)
        [data] = self.reports(self.bench.command(9, 129))
        self.assertEqual(data, b"\xff\x1e\x83\xaa\x7e\x82\x00\x00\x01")

    def test_event_says_how_far_it_moved(self):
        self.bench.run(1000)
        reports = self.bench.command(9, 128, b"\x1e\x74\x9e\x3f\xe4\x00\x00")  # EPOCH + 100 s
        [event] = [report for report in reports if report.kind == (5, 1)]
        self.assertEqual(event.data, b"\x00\x10\x00\x00\x00\x00\x63")
        reports = self.bench.command(9, 128, b"\x1e\x74\x9e\x3f\x80\x00\x00")
        [event] = [report for report in reports if report.kind == (5, 1)]
        self.assertEqual(event.data, b"\x00\x10\x00\xff\xff\xff\x9c")

    def test_protocol_timers_do_not_move(self):
        before = self.bench.core.executive.cycles
        self.bench.command(9, 128, T_2028)
        self.bench.run(1000)
        self.assertEqual(self.bench.core.executive.cycles, before + 10)

    def test_times_that_are_none(self):
        cases = (
            (b"\x1f\x83\xaa\x7e\x80\x00\x00", TIME_FORMAT),
            (b"\x1e\x74\x9e\x3f\x7f\x00\x00", TIME_RANGE),
            (b"\x1e\xff\xff\xff\xff\x00\x00", TIME_RANGE),
            (b"\x1e\xb3\x9e\x3f\x81\x00\x00", failure.ARGUMENT_RANGE),
        )
        for data, code in cases:
            reports = self.bench.command(9, 128, data)
            self.assertEqual([report.kind for report in reports], [(1, 2)])
            self.assertEqual(reports[0].data[4:], bytes((0, code, 0, 0, 1)) + data[1:5])
        for length in (0, 6, 8):
            reports = self.bench.command(9, 128, (T_2028 + b"\x00")[:length])
            self.assertEqual(reports[0].data[4:], bytes((0, failure.DATA_LENGTH, 0, 7, 1, 0, 0, 0, length)))
        self.assertEqual(self.bench.core.time.status, 0)
        self.assertEqual(self.bench.command(9, 128, b"\x1e\xb3\x9e\x3f\x80\x00\x00")[0].kind, (1, 1))


class TestJump(TimeCase):
    def test_the_schedule_holds_what_more_than_its_limit_passes_over(self):
        time = self.bench.core.time
        table = self.bench.core.schedule.table
        packet = bytearray(telecommand(17, 1))
        limit_s = SCHEDULE_LATE_MS // 1000
        for fraction, held in ((0, 0), (66, 1), (0xFFFF, 1)):
            time.set(1000, 0, 1)
            table.insert(1001, 0, packet, 0, len(packet))
            time.set(1000 + limit_s, fraction, 1)
            self.assertEqual((fraction, table.held), (fraction, held))
            table.remove(0)


@needs_heap_lock
class TestHeap(TimeCase):
    def test_setting_and_reporting_allocate_nothing(self):
        bench = self.bench
        bench.catcher.keep = False
        packets = [
            bytearray(telecommand(9, 128, T_2028)),
            bytearray(telecommand(9, 129)),
            bytearray(telecommand(9, 1, b"\x00")),
        ]

        def path():
            for i in range(3):
                bench.core.router.execute(packets[i], 0, len(packets[i]))
            bench.core.time_management.step_1hz()

        run_locked(path)
        self.assertEqual(bench.core.router.status, failure.DONE)


if __name__ == "__main__":
    unittest.main()
