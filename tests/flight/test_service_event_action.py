"""ST[19]: events start requests, in order, once each, and a bounded number of them in a cycle."""

import unittest

from bench import Bench, ids, telecommand
from flight.errors import PACKET_CRC
from flight.limits import EVENT_ACTIONS_MAX, EVENT_ACTIONS_PER_CYCLE, SCHEDULE_PACKET_MAX
from flight.service import failure
from heap import needs_heap_lock, run_locked

PING, OFF, PLAIN, LOW = 0x120, 0x121, 0x101, 0x104


def u16(number):
    return bytes((number >> 8, number & 0xFF))


def ping(count):
    return telecommand(17, 1, ack=8, count=count, source=3)


class ActionCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.actions = self.bench.core.event_actions

    def add(self, *pairs):
        data = bytes((len(pairs),))
        for event, packet in pairs:
            data += u16(event) + packet
        return self.bench.command(19, 1, data)

    def each(self, subtype, *events):
        return self.bench.command(19, subtype, bytes((len(events),)) + b"".join(u16(event) for event in events))

    def happens(self, *events):
        """Raise the events; the reports of the cycle after them."""
        for event in events:
            self.bench.core.events.raise_(event)
        return self.bench.run(100)

    def completed(self, reports):
        return [report.data[3] for report in reports if report.kind == (1, 7) and report.destination == 3]

    def status(self):
        [report] = [report for report in self.bench.command(19, 6) if report.kind == (19, 7)]
        rows = [report.data[at : at + 3] for at in range(1, len(report.data), 3)]
        self.assertEqual(len(rows), report.data[0])
        return {row[0] << 8 | row[1]: row[2] for row in rows}

    def assertFailed(self, reports, code, where=None):
        last = reports[-1]
        self.assertEqual((last.kind, last.data[4] << 8 | last.data[5]), ((1, 4), code))
        if where is not None:
            self.assertEqual(last.data[6] << 8 | last.data[7], where)


class TestAtWork(ActionCase):
    def test_an_event_starts_its_request_in_the_next_cycle(self):
        self.bench.core.events.raise_(PING)
        self.assertEqual([report.kind for report in self.bench.take()], [(5, 1)])
        self.assertEqual([report.kind for report in self.bench.run(100) if report.kind[0] != 3], [(17, 2)])
        self.assertEqual([report.kind for report in self.happens(LOW) if report.kind[0] == 17], [])

    def test_also_when_it_is_not_reported(self):
        self.bench.command(5, 6, b"\x01" + u16(PING))
        self.assertIn((17, 2), [report.kind for report in self.happens(PING)])

    def test_disabled_action_and_disabled_function(self):
        self.happens(OFF)
        self.assertEqual(self.bench.trial.calls, 0)
        self.each(4, OFF)
        self.happens(OFF)
        self.assertEqual((self.bench.trial.calls, self.bench.trial.arguments[0]), (1, 5))
        self.bench.command(19, 9)
        self.happens(OFF)
        self.bench.command(19, 8)
        self.bench.run(100)
        self.assertEqual(self.bench.trial.calls, 1)
        self.each(5, OFF)
        self.happens(OFF)
        self.assertEqual(self.bench.trial.calls, 1)

    def test_in_the_order_of_events_once_each(self):
        self.add((PLAIN, ping(1)), (LOW, ping(2)))
        self.each(4, PLAIN, LOW)
        self.assertEqual(self.completed(self.happens(LOW, PLAIN, LOW, LOW)), [2, 1])
        self.assertEqual((self.actions.started, self.actions.skipped), (2, 2))
        self.assertEqual(self.completed(self.happens(PLAIN)), [1])

    def test_what_was_wanted_is_not_wanted_when_disabled_in_between(self):
        self.add((PLAIN, ping(1)), (LOW, ping(2)), (0x103, ping(3)))
        self.each(4, PLAIN, LOW, 0x103)
        for event in (PLAIN, LOW, 0x103):
            self.bench.core.events.raise_(event)
        self.each(5, LOW)
        self.each(4, LOW)
        self.assertEqual(self.completed(self.bench.run(100)), [1, 3])
        self.assertEqual(self.completed(self.happens(LOW)), [2])

    def test_a_bounded_number_in_a_cycle(self):
        events = [row[0] for row in self.bench.core.events._rows if row[0] not in (PING, OFF)][
            : EVENT_ACTIONS_PER_CYCLE + 2
        ]
        for number, event in enumerate(events):
            self.add((event, ping(number)))
        self.each(4, *events)
        self.assertEqual(self.completed(self.happens(*events)), list(range(EVENT_ACTIONS_PER_CYCLE)))
        self.assertEqual(self.completed(self.bench.run(100)), [EVENT_ACTIONS_PER_CYCLE, EVENT_ACTIONS_PER_CYCLE + 1])

    def test_failure_is_told_and_an_action_on_it_does_not_run_wild(self):
        bad = telecommand(17, 9, ack=0)
        self.add((PLAIN, bad), (0x30, bad))
        self.each(4, PLAIN)
        reports = self.happens(PLAIN)
        self.assertIn(b"\x00\x30\x00\x01\x01\x00\x81", [report.data for report in reports])
        self.each(4, 0x30)
        self.happens(PLAIN)
        before = self.actions.started
        self.bench.run(1000)
        self.assertEqual(self.actions.started - before, 10)
        self.bench.run(100)
        values = [self.bench.core.values[self.bench.core.index(n)] for n in range(0xA0, 0xA4)]
        self.assertEqual(values, [1, self.actions.started, self.actions.failed, 0])

    def test_a_request_may_change_the_actions(self):
        self.add((PLAIN, telecommand(19, 9, ack=0)), (LOW, telecommand(19, 1, b"\x01" + u16(PLAIN) + ping(7), ack=0)))
        self.each(4, PLAIN)
        self.happens(PLAIN)
        self.assertFalse(self.actions.running)
        self.bench.command(19, 8)
        self.each(5, PLAIN)
        self.each(4, LOW)
        self.happens(LOW)
        self.each(4, PLAIN)
        self.assertEqual(self.completed(self.happens(PLAIN)), [7])

    def test_a_request_may_withdraw_what_waits_behind_it(self):
        self.add((PLAIN, telecommand(19, 5, b"\x01" + u16(LOW), ack=0)), (LOW, ping(1)), (0x103, ping(2)))
        self.each(4, PLAIN, LOW, 0x103)
        self.assertEqual(self.completed(self.happens(PLAIN, LOW, 0x103)), [2])
        self.each(4, LOW)
        for _ in range(3):
            self.assertEqual(self.completed(self.happens(LOW)), [1])
        self.assertEqual((self.actions.started, self.actions.skipped), (5, 0))

    def test_stopping_the_function_stops_what_waits(self):
        self.add((PLAIN, telecommand(19, 9, ack=0)), (LOW, ping(1)), (0x103, ping(2)))
        self.each(4, PLAIN, LOW, 0x103)
        self.assertEqual(self.completed(self.happens(PLAIN, LOW, 0x103)), [])
        self.bench.command(19, 8)
        self.assertEqual(self.completed(self.bench.run(300)), [])
        self.assertEqual(self.completed(self.happens(0x103, LOW)), [2, 1])


class TestDefinitions(ActionCase):
    def test_added_is_disabled_and_reported(self):
        self.add((PLAIN, ping(1)))
        self.assertEqual(self.status(), {PING: 1, OFF: 0, PLAIN: 0})
        [report] = [report for report in self.each(10, PLAIN) if report.kind == (19, 11)]
        self.assertEqual(report.data, b"\x01" + u16(PLAIN) + b"\x00" + ping(1))
        [report] = [report for report in self.bench.command(19, 10, b"\x00") if report.kind == (19, 11)]
        self.assertEqual(report.data[0], 3)

    def test_a_disabled_one_gives_way_an_enabled_one_does_not(self):
        self.add((PLAIN, ping(1)))
        self.add((PLAIN, ping(2)))
        self.each(4, PLAIN)
        self.assertFailed(self.add((LOW, ping(3)), (PLAIN, ping(3))), failure.ALREADY_THERE, 1)
        self.assertEqual(self.completed(self.happens(PLAIN, LOW)), [2])

    def test_bad_actions_add_nothing(self):
        crc = bytearray(ping(1))
        crc[-1] ^= 1
        cases = (
            (u16(0x999) + ping(1), failure.UNKNOWN_ID),
            (u16(0) + ping(1), failure.UNKNOWN_ID),
            (u16(LOW) + bytes(crc), PACKET_CRC),
            (u16(LOW) + telecommand(17, 1, bytes(SCHEDULE_PACKET_MAX - 12)), failure.DATA_LENGTH),
            (u16(LOW), failure.DATA_LENGTH),
        )
        for data, code in cases:
            self.assertFailed(self.bench.command(19, 1, b"\x02" + u16(PLAIN) + ping(0) + data), code, 1)
        self.assertFailed(self.bench.command(19, 1, b"\x01" + u16(PLAIN) + ping(0) + b"\x00"), failure.DATA_LENGTH, 1)
        self.assertEqual(self.status(), {PING: 1, OFF: 0})

    def test_an_event_twice_in_one_request(self):
        reports = self.add((LOW, ping(1)), (PLAIN, ping(2)), (LOW, ping(3)))
        self.assertFailed(reports, failure.ALREADY_THERE, 2)
        self.assertEqual(reports[-1].data[8:], b"\x01\x00\x00" + u16(LOW))
        self.assertEqual(sorted(self.status()), [PING, OFF])

    def test_full(self):
        for place in range(2, EVENT_ACTIONS_MAX):
            self.actions._event[place] = 0x8000 + place
        self.assertFailed(self.add((PLAIN, ping(1))), failure.TABLE_FULL)
        self.each(2, 0x8000 + 7)
        self.assertEqual(self.add((PLAIN, ping(1)))[-1].kind, (1, 7))
        self.assertFailed(self.add((LOW, ping(1))), failure.TABLE_FULL)

    def test_delete(self):
        self.assertFailed(self.each(2, OFF, PING), failure.STATE, 1)
        self.assertFailed(self.each(2, OFF, PLAIN), failure.UNKNOWN_ID, 1)
        self.assertFailed(self.each(4, 0), failure.UNKNOWN_ID, 0)
        self.each(2, OFF, OFF)
        self.assertEqual(self.status(), {PING: 1})
        self.assertFailed(self.bench.command(19, 3), failure.STATE)
        self.bench.command(19, 9)
        self.bench.command(19, 3)
        self.assertEqual(self.status(), {})


@needs_heap_lock
class TestHeap(ActionCase):
    def test_every_path_allocates_nothing(self):
        bench = self.bench
        bench.catcher.keep = False
        requests = (
            telecommand(19, 9),
            telecommand(19, 3),
            telecommand(19, 8),
            telecommand(19, 1, b"\x02" + u16(PLAIN) + ping(1) + u16(LOW) + telecommand(17, 9)),
            telecommand(19, 4, b"\x02" + u16(PLAIN) + u16(LOW)),
            telecommand(19, 6),
            telecommand(19, 10, b"\x00"),
        )
        packets = [bytearray(packet) for packet in requests]

        def path():
            core = bench.core
            for i in range(len(packets)):
                core.router.execute(packets[i], 0, len(packets[i]))
            status = core.router.status
            core.events.raise_(PLAIN)
            core.events.raise_(LOW)
            core.event_actions.step()
            return status

        self.assertEqual(run_locked(path), failure.DONE)
        self.assertEqual((self.actions.started, self.actions.failed), (4, 2))


assert ids.EVENT_REACT_PING == PING

if __name__ == "__main__":
    unittest.main()
