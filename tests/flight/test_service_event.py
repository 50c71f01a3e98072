"""ST[05]: severities, fields, switching, the rate limit and its recovery."""

import unittest

from bench import Bench, ids
from flight.limits import EVENT_BURST, EVENT_REFILL_MS
from flight.service import failure
from flight.service.event import EventListener


class Listener(EventListener):
    def __init__(self):
        self.heard = []

    def event_raised(self, event_id):
        self.heard.append(event_id)


class EventCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.events = self.bench.core.events

    def raised(self, event_id, *values):
        self.events.raise_(event_id, *values)
        return self.bench.take()


class TestReports(EventCase):
    def test_severity_is_the_subtype(self):
        cases = (
            (ids.EVENT_TRIAL_PLAIN, 1),
            (ids.EVENT_TRIAL_LOW, 2),
            (ids.EVENT_TRIAL_MEDIUM, 3),
            (ids.EVENT_TRIAL_FULL, 4),
        )
        for event_id, subtype in cases:
            self.assertEqual([report.kind for report in self.raised(event_id)], [(5, subtype)])

    def test_data_is_id_count_held_back_and_fields(self):
        [report] = self.raised(ids.EVENT_TRIAL_FULL, 7, -2, 70000, 1.5)
        self.assertEqual(report.data, b"\x01\x02\x00\x07\xff\xfe\x00\x01\x11\x70\x3f\xc0\x00\x00")
        [report] = self.raised(ids.EVENT_TRIAL_PLAIN)
        self.assertEqual(report.data, b"\x01\x01\x00")

    def test_boot_is_the_first_event(self):
        bench = Bench()
        bench.core.start()
        boot = [report for report in bench.take() if report.kind == (5, 1)]
        self.assertEqual(boot[0].data, b"\x00\x01\x00\x00\x01\x01")


class TestSwitching(EventCase):
    def test_disabled_is_not_reported_and_still_heard(self):
        listener = self.events.listener = Listener()
        self.bench.command(5, 6, b"\x01\x01\x01")
        self.assertEqual(self.raised(ids.EVENT_TRIAL_PLAIN), [])
        self.assertEqual(listener.heard, [ids.EVENT_TRIAL_PLAIN])
        self.assertEqual(len(self.raised(ids.EVENT_TRIAL_LOW)), 1)
        self.bench.command(5, 5, b"\x01\x01\x01")
        self.assertEqual(len(self.raised(ids.EVENT_TRIAL_PLAIN)), 1)

    def test_unknown_event_changes_nothing(self):
        reports = self.bench.command(5, 6, b"\x02\x01\x01\x0f\xff")
        self.assertEqual([report.kind for report in reports], [(1, 2)])
        self.assertEqual(reports[0].data[4:], b"\x00\x90\x00\x01\x01\x00\x00\x0f\xff")
        self.assertEqual(len(self.raised(ids.EVENT_TRIAL_PLAIN)), 1)
        self.assertEqual(failure.UNKNOWN_ID, 0x90)

    def test_list_of_disabled_events(self):
        self.bench.command(5, 6, b"\x02\x01\x04\x01\x01")
        reports = [report for report in self.bench.command(5, 7) if report.kind == (5, 8)]
        self.assertEqual(reports[0].data, b"\x00\x02\x01\x01\x01\x04")


class TestRateLimit(EventCase):
    def test_w124_a_flood_is_held_back_and_counted(self):
        sent = sum(len(self.raised(ids.EVENT_TRIAL_PLAIN)) for _ in range(100))
        self.assertEqual(sent, EVENT_BURST)
        self.assertEqual(self.events.suppressed, 100 - EVENT_BURST)

    def test_another_event_is_not_held_back(self):
        for _ in range(100):
            self.raised(ids.EVENT_TRIAL_PLAIN)
        self.assertEqual(len(self.raised(ids.EVENT_TRIAL_LOW)), 1)

    def test_time_gives_reports_back_one_by_one_up_to_the_burst(self):
        for _ in range(100):
            self.events.raise_(ids.EVENT_TRIAL_PLAIN)
        self.bench.run(EVENT_REFILL_MS)
        reports = self.raised(ids.EVENT_TRIAL_PLAIN)
        # What was held back since is told, at most 255.
        self.assertEqual([report.data for report in reports], [b"\x01\x01" + bytes((100 - EVENT_BURST,))])
        self.assertEqual(self.raised(ids.EVENT_TRIAL_PLAIN), [])
        self.bench.run(100 * EVENT_REFILL_MS)
        sent = sum(len(self.raised(ids.EVENT_TRIAL_PLAIN)) for _ in range(100))
        self.assertEqual(sent, EVENT_BURST)

    def test_count_of_held_back_reports_begins_anew_with_each_report(self):
        for _ in range(10):
            self.raised(ids.EVENT_TRIAL_PLAIN)
        self.bench.run(2 * EVENT_REFILL_MS)
        counts = [self.raised(ids.EVENT_TRIAL_PLAIN)[0].data[2] for _ in range(2)]
        self.assertEqual(counts, [10 - EVENT_BURST, 0])

    def test_count_of_held_back_reports_stops_at_255(self):
        for _ in range(1000):
            self.events.raise_(ids.EVENT_TRIAL_PLAIN)
        self.bench.run(EVENT_REFILL_MS)
        self.assertEqual(self.raised(ids.EVENT_TRIAL_PLAIN)[0].data[2], 255)


if __name__ == "__main__":
    unittest.main()
