"""ST[12]: checks, repetition, conditions, transitions and their events; definitions by command."""

import struct
import unittest

from bench import Bench, ids, telecommand
from flight.limits import MONITOR_TRANSITIONS_MAX, MONITORS_MAX
from flight.service import failure
from heap import needs_heap_lock, run_locked

GOOD, UNCHECKED, INVALID, LOW, HIGH = range(5)
LEVEL, SMALL, REAL, FLAG = 0x1002, 0x1001, 0x1003, 0x1000


def definition(
    monitor, point, a, b, *, period=100, repetition=1, check=0, engineering=0, valid=(0, 0, 0), events=(0, 0), kind="i"
):
    """A definition of 12/5, octet by octet."""
    octets = struct.pack(
        ">HHHIIIBBB", monitor, point, valid[0], valid[1], valid[2], period, repetition, check, engineering
    )
    return octets + struct.pack(">" + 2 * kind, a, b) + struct.pack(">HH", events[0], events[1])


class MonitorCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.table = self.bench.core.monitoring.table

    def set(self, identifier, value):
        self.bench.core.values[self.bench.core.index(identifier)] = value

    def cycles(self, identifier, *values):
        """One cycle for each value; the reports of ST[05] and ST[12]."""
        found = []
        for value in values:
            self.set(identifier, value)
            found += self.bench.run(100)
        return [report for report in found if report.kind[0] in (5, 12) and report.kind != (12, 0)]

    def status(self, monitor):
        [report] = [report for report in self.bench.command(12, 13) if report.kind == (12, 14)]
        for at in range(1, len(report.data), 4):
            if report.data[at] << 8 | report.data[at + 1] == monitor:
                return report.data[at + 3]
        return None

    def enable(self, *monitors):
        data = bytes((len(monitors),)) + b"".join(bytes((0, monitor)) for monitor in monitors)
        self.assertEqual(self.bench.command(12, 1, data)[-1].kind, (1, 7))

    def add(self, *definitions, subtype=5):
        return self.bench.command(12, subtype, bytes((len(definitions),)) + b"".join(definitions))

    def assertFailed(self, reports, code, where=None):
        last = reports[-1]
        self.assertEqual((last.kind, last.data[4] << 8 | last.data[5]), ((1, 4), code))
        if where is not None:
            self.assertEqual(last.data[6] << 8 | last.data[7], where)


class TestChecks(MonitorCase):
    def test_limit_ends_belong_to_the_good_range(self):
        self.add(definition(9, LEVEL, -5, 7))
        self.enable(9)
        for value, status in (
            (-5, GOOD),
            (7, GOOD),
            (8, HIGH),
            (7, GOOD),
            (-6, LOW),
            (-5, GOOD),
            (100, HIGH),
            (-100, LOW),
        ):
            self.cycles(LEVEL, value)
            self.assertEqual(self.status(9), status, value)

    def test_float_and_not_a_number(self):
        self.add(definition(9, REAL, -0.5, 1.25, kind="f"))
        self.enable(9)
        for value, status in (
            (1.25, GOOD),
            (1.5, HIGH),
            (-0.75, LOW),
            (0.0, GOOD),
            (float("nan"), LOW),
            (float("inf"), HIGH),
        ):
            self.cycles(REAL, value)
            self.assertEqual(self.status(9), status, value)

    def test_engineering_value(self):
        # degC = 0.5 raw - 10: -5 is 10, 40 is 100.
        self.enable(2)
        for value, status in ((10, GOOD), (9, LOW), (100, GOOD), (101, HIGH)):
            self.cycles(LEVEL, value)
            self.assertEqual(self.status(2), status, value)

    def test_expected_value_under_its_mask(self):
        self.enable(3)
        for value, status in ((4, GOOD), (6, GOOD), (5, LOW), (4, GOOD), (0, LOW)):
            self.cycles(SMALL, value)
            self.assertEqual(self.status(3), status, value)

    def test_delta_needs_two_samples(self):
        self.set(FLAG, 1)
        self.enable(4)
        self.cycles(REAL, 50.0)
        self.assertEqual(self.status(4), UNCHECKED)
        for value, status in ((52.5, GOOD), (52.0, GOOD), (50.5, LOW), (49.5, GOOD), (53.0, HIGH)):
            self.cycles(REAL, value)
            self.assertEqual(self.status(4), status, value)

    def test_delta_begins_anew_when_it_is_enabled_again(self):
        self.set(FLAG, 1)
        self.enable(4)
        self.cycles(REAL, 50.0, 51.0)
        self.bench.command(12, 2, b"\x01\x00\x04")
        self.enable(4)
        self.cycles(REAL, 90.0)
        self.assertEqual(self.status(4), UNCHECKED)

    def test_delta_from_end_to_end_of_the_integers(self):
        self.add(definition(9, 0x1011, -100, 100, check=2))
        self.enable(9)
        self.cycles(0x1011, -(1 << 30), (1 << 30) - 1)
        self.assertEqual(self.status(9), HIGH)
        self.cycles(0x1011, -(1 << 30))
        self.assertEqual(self.status(9), LOW)

    def test_repetition_must_be_in_a_row(self):
        self.bench.run(700)
        # Monitor 1: every 200 ms, 3 times.
        self.assertEqual(self.cycles(LEVEL, *[300] * 4, *[0] * 2, *[300] * 4), [])
        self.assertEqual(self.status(1), GOOD)
        reports = self.cycles(LEVEL, 300, 300)
        self.assertEqual([report.kind for report in reports if report.kind[0] == 5], [(5, 4)])
        self.assertEqual(self.status(1), HIGH)

    def test_another_bad_side_does_not_count_for_the_first(self):
        self.add(definition(9, LEVEL, -5, 5, repetition=3))
        self.enable(9)
        self.cycles(LEVEL, 0, 0, 0, 9, 9, -9, -9)
        self.assertEqual(self.status(9), GOOD)
        self.cycles(LEVEL, -9)
        self.assertEqual(self.status(9), LOW)

    def test_condition(self):
        self.enable(4)
        self.cycles(REAL, 0.0, 100.0)
        self.assertEqual(self.status(4), INVALID)
        self.set(FLAG, 1)
        # The value before the condition came true is not compared with.
        self.cycles(REAL, 0.0)
        self.assertEqual(self.status(4), INVALID)
        self.cycles(REAL, 1.0)
        self.assertEqual(self.status(4), GOOD)


class TestTransitions(MonitorCase):
    def test_report_octet_by_octet_and_its_delay(self):
        self.bench.command(12, 3, b"\x00\x00\x01\x2c")  # 300 ms
        self.add(definition(9, LEVEL, -5, 7, events=(0x110, 0x111)))
        self.enable(9)
        self.bench.run(100)
        reports = self.cycles(LEVEL, 8)
        self.assertEqual([report.kind for report in reports], [(5, 4)])
        self.assertEqual(reports[0].data, b"\x01\x11\x00\x00\x09\x41\x00\x00\x00")  # 8.0
        self.assertEqual(self.cycles(LEVEL, 8), [])
        [report] = self.cycles(LEVEL, 8)
        self.assertEqual(report.kind, (12, 12))
        # monitor, point, limit check, integers, value, limit, within -> above
        self.assertEqual(report.data[:17], b"\x01\x00\x09\x10\x02\x00\x02\x00\x00\x00\x08\x00\x00\x00\x07\x00\x04")
        self.assertEqual(report.data[17:22], b"\x1e\x74\x9e\x3f\x80")  # EPOCH
        self.assertEqual(len(report.data), 24)

    def test_limit_that_was_crossed_below_and_back_and_a_float(self):
        self.add(definition(9, REAL, -0.5, 2.0, kind="f"))
        self.enable(9)
        self.bench.run(100)
        self.cycles(REAL, -1.0, 0.0)
        self.bench.core.monitoring.table.report_transitions()
        [report] = [report for report in self.bench.take() if report.kind == (12, 12)]
        self.assertEqual(
            report.data[:17], b"\x02\x00\x09\x10\x03\x00\x03" + struct.pack(">ff", -1.0, -0.5) + b"\x00\x03"
        )
        self.assertEqual(report.data[24:40], b"\x00\x09\x10\x03\x00\x03" + struct.pack(">ff", 0.0, -0.5) + b"\x03\x00")

    def test_many_transitions_lose_none(self):
        self.add(definition(9, LEVEL, -5, 7))
        self.enable(9)
        self.bench.command(12, 3, b"\x00\x36\xee\x80")
        count = MONITOR_TRANSITIONS_MAX + 5
        reports = self.cycles(LEVEL, *([8, 0] * count)[:count])
        self.table.report_transitions()
        reports += self.bench.take()
        self.assertEqual(
            [report.data[0] for report in reports if report.kind == (12, 12)], [MONITOR_TRANSITIONS_MAX, 5]
        )

    def test_the_first_good_is_no_news_and_the_first_bad_is(self):
        self.add(definition(9, LEVEL, -5, 7), definition(10, LEVEL, 5, 7))
        self.enable(9, 10)
        self.bench.run(1100)
        self.assertEqual(self.table.transitions, 1)
        self.assertEqual([self.status(9), self.status(10)], [GOOD, LOW])


class TestSwitching(MonitorCase):
    def test_disabled_is_unchecked(self):
        self.cycles(LEVEL, *[300] * 6)
        self.assertEqual(self.status(1), HIGH)
        self.bench.command(12, 2, b"\x01\x00\x01")
        self.assertEqual(self.status(1), UNCHECKED)
        self.bench.run(1100)
        self.assertEqual(self.cycles(LEVEL, *[0] * 20), [])
        self.enable(1)
        self.assertEqual(self.status(1), UNCHECKED)

    def test_enabling_what_is_enabled_does_not_start_anew(self):
        self.cycles(LEVEL, *[300] * 6)
        self.enable(1)
        self.assertEqual(self.status(1), HIGH)

    def test_unknown_monitor_switches_none(self):
        self.assertFailed(self.bench.command(12, 2, b"\x02\x00\x01\x01\x01"), failure.UNKNOWN_ID, 1)
        self.assertEqual(self.table.enabled[0], 1)

    def test_function(self):
        self.bench.command(12, 16)
        self.assertEqual(self.cycles(LEVEL, *[300] * 10), [])
        self.bench.command(12, 15)
        self.cycles(LEVEL, *[300] * 6)
        self.assertEqual(self.status(1), HIGH)

    def test_points_and_report_of_what_is_out(self):
        self.enable(2)
        self.cycles(LEVEL, *[201] * 20)
        values = [self.bench.core.values[self.bench.core.index(n)] for n in range(0x70, 0x74)]
        self.assertEqual(values, [1, 2, 2, 2])
        [report] = [report for report in self.bench.command(12, 10) if report.kind == (12, 11)]
        first = b"\x00\x01\x10\x02\x00\x04\x02\x00\x00\x00\xc9"
        second = b"\x00\x02\x10\x02\x00\x04\x03" + struct.pack(">f", 90.5)
        self.assertEqual(report.data, b"\x02" + first + second)


class TestDefinitions(MonitorCase):
    def report(self, data=b"\x00"):
        return [report.data for report in self.bench.command(12, 8, data) if report.kind == (12, 9)]

    def test_report_is_what_was_added(self):
        made = definition(
            9, REAL, -1.0, 2.0, period=700, repetition=4, check=2, valid=(FLAG, 1, 1), events=(0x110, 0x111), kind="f"
        )
        self.add(made)
        self.assertEqual(self.report(b"\x01\x00\x09"), [b"\x00\x00\x03\xe8\x01" + made + b"\x00\x01"])
        self.assertEqual(self.report()[0][4], 5)

    def test_modify_keeps_the_switch_and_begins_anew(self):
        self.cycles(LEVEL, *[300] * 6)
        self.assertEqual(self.add(definition(1, LEVEL, -400, 400), subtype=7)[-1].kind, (1, 7))
        self.assertEqual(self.status(1), UNCHECKED)
        self.cycles(LEVEL, 300)
        self.assertEqual(self.status(1), GOOD)
        self.assertFailed(self.add(definition(1, REAL, 0, 0), subtype=7), failure.UNKNOWN_ID)
        self.assertFailed(self.add(definition(99, LEVEL, 0, 0), subtype=7), failure.UNKNOWN_ID)

    def test_engineering_by_command(self):
        self.add(definition(9, LEVEL, -5.0, 40.0, engineering=1, kind="f"))
        self.enable(9)
        self.cycles(LEVEL, 101)
        self.assertEqual(self.status(9), HIGH)

    def test_bad_definitions_add_nothing(self):
        good = definition(8, LEVEL, 0, 1)
        cases = (
            (definition(8, LEVEL, 0, 1), failure.ALREADY_THERE),
            (definition(1, LEVEL, 0, 1), failure.ALREADY_THERE),
            (definition(0, LEVEL, 0, 1), failure.ALREADY_THERE),
            (definition(9, 0x0FFF, 0, 1), failure.UNKNOWN_ID),
            (definition(9, LEVEL, 0, 1, valid=(0xFFF, 0, 0)), failure.UNKNOWN_ID),
            (definition(9, LEVEL, 0, 1, valid=(REAL, 1, 1)), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, events=(0x999, 0)), failure.UNKNOWN_ID),
            (definition(9, LEVEL, 0, 1, events=(0, 0x999)), failure.UNKNOWN_ID),
            (definition(9, LEVEL, 0, 1, valid=(0, 0x40000000, 0)), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, period=0), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, period=150), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, period=3600100), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, period=0xFFFFFFFF), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, repetition=0), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, check=3), failure.VALUE_RANGE),
            (definition(9, REAL, 0, 1, check=1), failure.VALUE_RANGE),
            (definition(9, SMALL, 0, 1, engineering=1), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1, engineering=2), failure.VALUE_RANGE),
            (definition(9, LEVEL, 2, 1), failure.VALUE_RANGE),
            (definition(9, LEVEL, -(1 << 30) - 1, 1), failure.VALUE_RANGE),
            (definition(9, LEVEL, 0, 1 << 30), failure.VALUE_RANGE),
            (definition(9, REAL, 2.0, 1.0, kind="f"), failure.VALUE_RANGE),
            (definition(9, REAL, float("nan"), 1.0, kind="f"), failure.VALUE_RANGE),
            (definition(9, REAL, 0.0, float("inf"), kind="f"), failure.VALUE_RANGE),
        )
        for bad, code in cases:
            self.assertFailed(self.add(good, bad), code, 1)
        self.assertEqual(self.table.find(8), -1)
        self.assertEqual(self.bench.command(12, 5, b"\x01" + good[:-1])[-1].kind, (1, 2))

    def test_a_float_is_no_condition(self):
        self.add(definition(9, LEVEL, 0, 1))
        bad = definition(9, LEVEL, 0, 1, valid=(REAL, 1, 1))
        for subtype in (5, 7):
            reports = self.add(
                bad if subtype == 7 else definition(10, LEVEL, 0, 1, valid=(REAL, 1, 1)), subtype=subtype
            )
            self.assertFailed(reports, failure.VALUE_RANGE, 0)
            self.assertEqual(reports[-1].data[8:], b"\x01\x00\x00\x10\x03")
        self.enable(9)
        self.cycles(REAL, float("nan"), float("inf"), 3e38)
        self.assertEqual(self.status(9), GOOD)

    def test_delete(self):
        self.assertFailed(self.bench.command(12, 6, b"\x02\x00\x02\x00\x01"), failure.STATE, 1)
        self.assertGreater(self.table.find(2), 0)
        self.bench.command(12, 6, b"\x02\x00\x02\x00\x02")
        self.assertEqual(self.table.find(2), -1)
        self.assertFailed(self.bench.command(12, 4), failure.STATE)
        self.bench.command(12, 16)
        self.assertEqual(self.bench.command(12, 4)[-1].kind, (1, 7))
        self.assertEqual(self.report(), [b"\x00\x00\x03\xe8\x00"])

    def test_full(self):
        for monitor in range(100, 100 + MONITORS_MAX - 5):
            self.add(definition(monitor, LEVEL, 0, 1))
        self.assertFailed(self.add(definition(8, LEVEL, 0, 1), definition(9, LEVEL, 0, 1)), failure.TABLE_FULL)
        self.assertEqual(self.add(definition(8, LEVEL, 0, 1))[-1].kind, (1, 7))
        self.assertFailed(self.add(definition(9, LEVEL, 0, 1)), failure.TABLE_FULL)
        self.assertEqual(sum(data[4] for data in self.report()), MONITORS_MAX)


@needs_heap_lock
class TestHeap(MonitorCase):
    def test_checks_and_requests_allocate_nothing(self):
        bench = self.bench
        bench.catcher.keep = False
        requests = (
            telecommand(12, 16),
            telecommand(12, 4),
            telecommand(12, 15),
            telecommand(
                12,
                5,
                b"\x02"
                + definition(9, LEVEL, -5.0, 40.0, engineering=1, kind="f", events=(0x110, 0x111))
                + definition(8, LEVEL, 0, 1, check=2),
            ),
            telecommand(12, 7, b"\x01" + definition(8, LEVEL, 0, 1, check=1)),
            telecommand(12, 1, b"\x02\x00\x08\x00\x09"),
            telecommand(12, 8, b"\x00"),
            telecommand(12, 10),
            telecommand(12, 13),
        )
        packets = [bytearray(packet) for packet in requests]
        level = bench.core.index(ids.TRIAL_LEVEL)

        def path():
            core = bench.core
            for i in range(len(packets)):
                core.router.execute(packets[i], 0, len(packets[i]))
            for i in range(12):
                core.values[level] = i % 3 * 100 - 50
                core.monitoring.table.step()
            core.monitoring.step_1hz()

        run_locked(path)
        self.assertEqual(bench.core.router.status, failure.DONE)
        self.assertGreater(self.table.transitions, 20)


if __name__ == "__main__":
    unittest.main()
