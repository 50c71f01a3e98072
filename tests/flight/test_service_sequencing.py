"""ST[21]: loading whole and in parts, execution, waits, failures, aborts, reports."""

import struct
import unittest

from bench import Bench, forget, telecommand
from flight.codec import crc16
from flight.limits import SCHEDULE_LATE_MS, SEQUENCE_STEPS_MAX, SEQUENCES_MAX, SEQUENCES_RUNNING_MAX
from flight.service import failure
from flight.service.parameter import Store
from heap import needs_heap_lock, run_locked

EPOCH = 1_956_528_000
EQUAL, NOT_EQUAL, BELOW, ABOVE = range(4)
GO_ON = 16
LEVEL, REAL = 0x1002, 0x1003
PING = b"\x02\x11\x01"
BAD = b"\x02\x11\x09"


def u16(number):
    return struct.pack(">H", number)


def step(delay_ms=0, request=PING, kind=0):
    return bytes((kind,)) + struct.pack(">I", delay_ms) + request


def at(ms, request=PING, kind=1):
    return bytes((kind, 0x1E)) + struct.pack(">IH", EPOCH + ms // 1000, ms % 1000 * 65536 // 1000) + request


def wait(point, relation, value, timeout_ms, delay_ms=0, kind=2):
    octets = struct.pack(">f" if isinstance(value, float) else ">i", value)
    return bytes((kind,)) + struct.pack(">IBH", delay_ms, relation, point) + octets + struct.pack(">I", timeout_ms)


class SequenceCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.sequencing = self.bench.core.sequencing

    def tearDown(self):
        forget(self, "bench", "sequencing")

    def set(self, identifier, value):
        self.bench.core.values[self.bench.core.index(identifier)] = value

    def load(self, sequence, *steps):
        return self.bench.command(21, 1, u16(sequence) + bytes((len(steps),)) + b"".join(steps))

    def activate(self, sequence, **fields):
        return self.bench.command(21, 4, u16(sequence), **fields)

    def run_for(self, ms):
        """Kinds of the reports, housekeeping and on-change reports left out."""
        return [report.kind for report in self.bench.run(ms) if report.kind[0] not in (3, 12)]

    def status(self):
        [report] = [report for report in self.bench.command(21, 6) if report.kind == (21, 7)]
        rows = [report.data[place : place + 4] for place in range(1, len(report.data), 4)]
        self.assertEqual(len(rows), report.data[0])
        return {row[0] << 8 | row[1]: (row[2], row[3]) for row in rows if row[:2] != b"\x00\x01"}

    def assertFailed(self, reports, code, kind=(1, 4)):
        last = reports[-1]
        self.assertEqual((last.kind, last.data[4] << 8 | last.data[5]), (kind, code))


class TestExecution(SequenceCase):
    def test_steps_after_their_delays_with_progress_and_completion(self):
        self.load(9, step(), step(250), step(1000))
        self.assertEqual([report.kind for report in self.activate(9)], [(1, 1), (1, 3)])
        self.assertEqual(self.run_for(1), [(17, 2), (1, 5)])
        self.assertEqual(self.status(), {9: (3, 1)})
        self.assertEqual(self.run_for(248), [])
        self.assertEqual(self.run_for(2), [(17, 2), (1, 5)])
        self.assertEqual(self.run_for(998), [])
        self.assertEqual(self.run_for(2), [(17, 2), (1, 7)])
        self.assertEqual(self.status(), {9: (2, 0)})
        self.assertEqual(self.sequencing.executor.completed, 1)

    def test_on_board_time(self):
        self.load(9, at(1000), at(1500))
        self.activate(9)
        self.assertEqual(self.run_for(999), [])
        self.assertEqual(self.run_for(2), [(17, 2), (1, 5)])
        self.assertEqual(self.run_for(600), [(17, 2), (1, 7)])

    def test_time_that_is_jumped_over_fails_the_step(self):
        self.load(9, at(5000), step())
        self.activate(9)
        self.bench.command(9, 128, at(5010 + SCHEDULE_LATE_MS)[1:8])
        reports = [report for report in self.bench.run(100) if report.kind[0] in (1, 5, 17)]
        self.assertEqual([report.kind for report in reports], [(1, 8), (5, 3)])
        self.assertEqual(reports[0].data[4:], b"\x00\xa3\x00\x00\x01\x00\x00\x00\x95")
        self.load(10, at(5000, kind=1 | GO_ON), step())
        self.activate(10)
        self.assertEqual(self.run_for(10), [(1, 6), (17, 2), (1, 7)])

    def test_wait_for_each_relation(self):
        cases = ((EQUAL, 6, 7), (NOT_EQUAL, 7, 6), (BELOW, 7, 6), (ABOVE, 7, 8))
        for number, (relation, before, after) in enumerate(cases):
            self.set(LEVEL, before)
            self.load(10 + number, wait(LEVEL, relation, 7, 5000), step())
            self.activate(10 + number)
            self.assertEqual(self.run_for(500), [], relation)
            self.set(LEVEL, after)
            self.assertEqual(self.run_for(110), [(1, 5), (17, 2), (1, 7)], relation)

    def test_timeout_ends_the_sequence_or_not(self):
        self.load(9, wait(REAL, ABOVE, 2.5, 300), step())
        self.activate(9)
        self.assertEqual(self.run_for(299), [])
        reports = [report for report in self.bench.run(2) if report.kind[0] in (1, 5, 17)]
        self.assertEqual([report.kind for report in reports], [(1, 8), (5, 3)])
        self.assertEqual(reports[0].data[4:], b"\x00\xa3\x00\x00\x01\x00\x00\x00\xa1")
        self.assertEqual(reports[1].data, b"\x00\x38\x00\x00\x09\x00\x00\xa1")
        self.load(10, wait(REAL, ABOVE, 2.5, 300, kind=2 | GO_ON), step())
        self.activate(10)
        reports = [report for report in self.bench.run(310) if report.kind[0] in (1, 5, 17)]
        self.assertEqual([report.kind for report in reports], [(1, 6), (17, 2), (1, 7)])
        # Step 0: TIMEOUT, nowhere, no value.
        self.assertEqual(reports[0].data[4:], b"\x00\x00\x00\xa1\xff\xff\x00\x00\x00\x00\x00")

    def test_failed_request_ends_the_sequence_or_not(self):
        self.load(9, step(), step(0, BAD), step())
        self.activate(9)
        self.assertEqual(self.run_for(100), [(17, 2), (1, 5), (1, 2), (1, 8), (5, 3)])
        self.load(10, step(0, BAD, GO_ON), step())
        self.activate(10)
        self.assertEqual(self.run_for(100), [(1, 2), (1, 6), (17, 2), (1, 7)])
        self.assertEqual((self.sequencing.executor.completed, self.sequencing.executor.aborted), (1, 1))

    def test_a_failed_step_is_told_whatever_was_asked_for_also_the_last(self):
        self.load(9, step(), step(0, BAD, GO_ON))
        self.activate(9, ack=0)
        reports = [report for report in self.bench.run(100) if report.kind[0] in (1, 5, 17)]
        self.assertEqual([report.kind for report in reports], [(17, 2), (1, 2), (1, 6)])
        self.assertEqual(reports[2].data[4:8], b"\x00\x01\x00\x81")
        self.assertEqual((self.sequencing.executor.completed, self.sequencing.executor.aborted), (1, 0))

    def test_sequence_of_the_dictionary(self):
        self.set(LEVEL, 8)
        self.set(REAL, -1.25)
        self.activate(1)
        self.assertEqual(self.run_for(499), [(17, 2), (1, 5)])
        self.assertEqual(self.run_for(11), [(1, 5)])
        self.assertEqual(self.run_for(500), [])
        self.set(REAL, -1.75)
        self.assertEqual(self.run_for(90), [(1, 5)])
        self.assertEqual(self.bench.trial.calls, 0)
        self.assertEqual(self.run_for(150), [(1, 7)])
        self.assertEqual(self.bench.trial.arguments[0:4], [5, 1, 2, 3])

    def test_several_at_a_time_and_no_more(self):
        for sequence in range(9, 10 + SEQUENCES_RUNNING_MAX):
            self.load(sequence, step(500))
        for sequence in range(9, 9 + SEQUENCES_RUNNING_MAX):
            self.assertEqual(self.activate(sequence)[-1].kind, (1, 3))
        self.assertFailed(self.activate(9 + SEQUENCES_RUNNING_MAX), failure.EXECUTIONS_FULL)
        self.assertFailed(self.activate(9), failure.STATE)
        self.assertEqual(self.run_for(600).count((1, 7)), SEQUENCES_RUNNING_MAX)
        self.assertEqual(self.activate(9)[-1].kind, (1, 3))

    def test_abort(self):
        self.load(9, step(500), step())
        self.assertFailed(self.bench.command(21, 5, u16(9)), failure.STATE)
        self.activate(9)
        kinds = [report.kind for report in self.bench.command(21, 5, u16(9))]
        self.assertEqual(kinds, [(1, 1), (1, 8), (5, 3), (1, 3), (1, 7)])
        self.assertEqual(self.run_for(1000), [])

    def test_abort_all_also_by_a_sequence(self):
        self.load(9, step(500))
        self.load(10, step(100, b"\x02\x15\x0d"), step())
        self.activate(9)
        self.activate(10)
        reports = self.bench.run(200)
        self.assertEqual([report.data for report in reports if report.kind == (21, 14)], [b"\x02\x00\x09\x00\x0a"])
        self.assertEqual(self.run_for(1000), [])
        self.assertEqual(self.sequencing.executor.aborted, 2)

    def test_an_event_starts_a_sequence(self):
        self.load(9, step())
        packet = telecommand(21, 4, u16(9), ack=0)
        self.bench.command(19, 1, b"\x01\x01\x01" + packet)
        self.bench.command(19, 4, b"\x01\x01\x01")
        self.bench.core.events.raise_(0x101)
        self.assertIn((17, 2), self.run_for(200))


class TestLoading(SequenceCase):
    def begin(self, sequence, octets, steps, crc=None):
        crc = crc16(octets, 0, len(octets)) if crc is None else crc
        return self.bench.command(21, 128, struct.pack(">HBHH", sequence, steps, len(octets), crc))

    def parts(self, sequence, octets, size=100):
        for start in range(0, len(octets), size):
            reports = self.bench.command(21, 129, struct.pack(">HH", sequence, start) + octets[start : start + size])
            self.assertEqual(reports[-1].kind, (1, 7))

    def end(self, sequence):
        return self.bench.command(21, 130, u16(sequence))

    def checksum(self, sequence):
        [report] = [report for report in self.bench.command(21, 9, u16(sequence)) if report.kind == (21, 10)]
        return report.data

    def test_eight_sequences_of_64_steps(self):
        octets = step(10) * SEQUENCE_STEPS_MAX
        for sequence in range(9, 9 + SEQUENCES_MAX):
            self.begin(sequence, octets, SEQUENCE_STEPS_MAX)
            self.parts(sequence, octets)
            self.assertEqual(self.end(sequence)[-1].kind, (1, 7))
        self.assertFailed(self.load(99, step()), failure.TABLE_FULL)
        self.activate(16)
        # Bit by bit: the reports of all steps are more than a board has room for.
        self.assertEqual(sum([self.run_for(200).count((17, 2)) for _ in range(10)]), SEQUENCE_STEPS_MAX)
        self.bench.command(21, 3, u16(12))
        self.assertEqual(self.load(99, step())[-1].kind, (1, 7))

    def test_nothing_half_loaded_runs(self):
        octets = step() * 40
        self.begin(9, octets, 40)
        self.parts(9, octets[:300])
        self.assertFailed(self.activate(9), failure.STATE)
        self.assertEqual(self.status(), {9: (1, 0)})
        self.assertFailed(self.end(9), failure.DATA_LENGTH)
        self.assertEqual(self.status(), {})
        for crc, steps, code in ((0x1234, 40, failure.VALUE_RANGE), (None, 39, failure.VALUE_RANGE)):
            self.begin(9, octets, steps, crc)
            self.parts(9, octets)
            self.assertFailed(self.end(9), code)
            self.assertFailed(self.activate(9), failure.UNKNOWN_ID)

    def test_parts_out_of_order_are_not_taken(self):
        octets = step() * 40
        self.begin(9, octets, 40)
        self.assertFailed(self.bench.command(21, 129, u16(9) + u16(100) + octets[100:200]), failure.VALUE_RANGE)
        self.parts(9, octets[:200])
        self.assertFailed(self.bench.command(21, 129, u16(9) + u16(100) + octets[100:200]), failure.VALUE_RANGE)
        self.assertFailed(self.bench.command(21, 129, u16(9) + u16(200) + octets[200:] + b"\x00"), failure.DATA_LENGTH)
        self.bench.command(21, 129, u16(9) + u16(200) + octets[200:])
        self.assertEqual(self.end(9)[-1].kind, (1, 7))
        self.assertFailed(self.bench.command(21, 129, u16(9) + u16(320) + b"\x00"), failure.STATE)

    def test_a_load_that_was_broken_off_tells_what_is_there(self):
        octets = step() * 40
        self.begin(9, octets, 40)
        self.assertEqual(self.checksum(9), u16(9) + u16(0) + b"\xff\xff")
        self.parts(9, octets[:300])
        self.assertEqual(self.checksum(9), u16(9) + u16(300) + u16(crc16(octets, 0, 300)))
        self.assertFailed(self.bench.command(21, 11, u16(9)), failure.STATE)
        self.bench.command(21, 129, u16(9) + u16(300) + octets[300:])
        self.assertEqual(self.end(9)[-1].kind, (1, 7))
        self.assertEqual(self.checksum(9), u16(9) + u16(320) + u16(crc16(octets, 0, 320)))

    def test_bad_steps(self):
        bad = (
            b"\x03" + step()[1:],
            b"\x40" + step()[1:],
            step(86_400_001),
            step(0x80000000),
            step(0, b"\x01\x11"),
            step(0, b"\x41" + bytes(65)),
            step(0, b"\x03\x11\x01"),
            step()[:4],
            step()[:5],
            at(0)[:7],
            b"\x01\x1f" + at(0)[2:],
            wait(LEVEL, 4, 0, 100),
            wait(0x0FFF, 0, 0, 100),
            wait(LEVEL, 0, 0, 9),
            wait(LEVEL, 0, 1 << 30, 100),
            wait(LEVEL, 0, 0, 86_400_001),
            wait(LEVEL, 0, 0, 100)[:-1],
        )
        for octets in bad:
            self.assertFailed(self.load(9, step(), octets), failure.VALUE_RANGE)
        self.assertEqual(self.status(), {})

    def test_what_is_there_is_not_loaded_over_and_what_runs_is_not_unloaded(self):
        self.load(9, step(500))
        self.assertFailed(self.load(9, step()), failure.ALREADY_THERE)
        self.activate(1)
        self.assertFailed(self.load(1, step()), failure.STATE)
        self.activate(9)
        self.assertFailed(self.bench.command(21, 3, u16(9)), failure.STATE)
        self.assertFailed(self.bench.command(21, 3, u16(1)), failure.STATE)
        for subtype in (3, 4, 5, 9, 11, 130):
            for sequence in (0, 77):
                self.assertFailed(self.bench.command(21, subtype, u16(sequence)), failure.UNKNOWN_ID)

    def test_checksum_and_content(self):
        octets = step() * 3 + wait(LEVEL, ABOVE, 5, 100)
        self.load(9, step(), step(), step(), wait(LEVEL, ABOVE, 5, 100))
        self.assertEqual(self.checksum(9), u16(9) + u16(len(octets)) + u16(crc16(octets, 0, len(octets))))
        row = self.sequencing.table.octets[SEQUENCES_MAX]  # the dictionary's
        self.assertEqual(self.checksum(1), u16(1) + u16(len(row)) + u16(crc16(row, 0, len(row))))
        [report] = [report for report in self.bench.command(21, 11, u16(9)) if report.kind == (21, 12)]
        self.assertEqual(report.data, u16(9) + b"\x04\x00\x00" + octets)


class TestKept(SequenceCase):
    """Loaded sequences survive a restart and stand for those of the dictionary."""

    def restarted(self):
        """The board after a restart with the same storage."""
        self.start(self.bench.storage)

    def start(self, storage=None):
        """A board in place of the one before."""
        forget(self, "bench", "sequencing")
        self.bench = Bench(storage=storage)
        self.sequencing = self.bench.core.sequencing

    def content(self, sequence):
        reports = [report for report in self.bench.command(21, 11, u16(sequence)) if report.kind == (21, 12)]
        return b"".join([report.data[5:] for report in reports])

    def load_long(self, sequence, octets, steps):
        """By parts."""
        crc = crc16(octets, 0, len(octets))
        self.bench.command(21, 128, u16(sequence) + bytes((steps,)) + u16(len(octets)) + u16(crc))
        for at in range(0, len(octets), 100):
            self.bench.command(21, 129, u16(sequence) + u16(at) + octets[at : at + 100])
        return self.bench.command(21, 130, u16(sequence))

    def test_a_short_and_a_long_one_survive(self):
        long = wait(LEVEL, ABOVE, 5, 100) * 63  # 1008 octets
        self.load(9, step(500))
        self.load_long(10, long, 63)
        self.restarted()
        self.assertEqual(self.status(), {9: (2, 0), 10: (2, 0)})
        self.assertEqual(self.content(9), step(500))
        self.assertTrue(self.content(10) == long)  # a board has no room to print them

    def test_what_was_unloaded_or_never_whole_is_not_there_after_a_restart(self):
        self.load(9, step(500))
        self.load(10, step(600))
        self.bench.command(21, 3, u16(9))
        self.bench.command(21, 128, u16(11) + b"\x01" + u16(20) + u16(0))
        self.restarted()
        self.assertEqual(self.status(), {10: (2, 0)})

    def test_one_of_the_dictionary_is_replaced_until_it_is_unloaded(self):
        before = self.content(1)
        self.load(1, step(700))
        self.assertEqual(self.content(1), step(700))
        self.restarted()
        self.assertEqual(self.content(1), step(700))
        self.assertFailed(self.load(1, step()), failure.ALREADY_THERE)
        self.bench.command(21, 3, u16(1))
        self.assertEqual(self.content(1), before)
        self.restarted()
        self.assertEqual(self.content(1), before)

    def test_what_is_being_loaded_replaces_nothing_yet(self):
        self.bench.command(21, 128, u16(1) + b"\x01" + u16(20) + u16(0))
        self.activate(1)
        self.assertEqual(self.sequencing.executor.place_of(0), SEQUENCES_MAX)
        self.assertFailed(self.bench.command(21, 130, u16(1)), failure.DATA_LENGTH)
        self.activate(1)
        self.bench.command(21, 5, u16(1))
        self.assertEqual(self.sequencing.executor.running(), 0)

    def test_a_cut_at_any_write_leaves_all_or_nothing(self):
        long = wait(LEVEL, ABOVE, 5, 100) * 63
        for records in range(4):
            self.start()
            self.sequencing.table.use(CutStore(self.bench.core.store, records))
            self.load_long(10, long, 63)
            whole = records >= 2  # two hold it all
            self.restarted()
            self.assertEqual(self.status(), {10: (2, 0)} if whole else {})

    def test_the_head_of_what_was_there_before_goes_first(self):
        long = wait(LEVEL, ABOVE, 5, 100) * 63
        for records, found in ((0, {9: (2, 0)}), (1, {}), (2, {}), (3, {10: (2, 0)})):
            self.start()
            self.load(9, step(500))
            self.sequencing.table.use(CutStore(self.bench.core.store, 0))
            self.bench.command(21, 3, u16(9))  # refused: the head stays in the store
            self.sequencing.table.use(CutStore(self.bench.core.store, records))
            self.load_long(10, long, 63)
            self.restarted()
            self.assertEqual((records, self.status()), (records, found))

    def test_only_what_is_there_is_written(self):
        journal = self.bench.core.journal
        before = journal.writes
        self.load(9, step(500))
        self.assertEqual(journal.writes - before, 1)
        self.restarted()
        journal = self.bench.core.journal
        before = journal.writes
        self.bench.command(21, 3, u16(9))
        self.assertEqual(journal.writes - before, 1)

    def test_a_store_that_refuses_is_told_and_the_sequence_is_there(self):
        self.sequencing.table.use(CutStore(self.bench.core.store, 0))
        self.assertFailed(self.load(9, step()), failure.STORAGE)
        self.assertEqual(self.status(), {9: (2, 0)})


class CutStore(Store):
    """A store that takes *left* records and refuses the rest."""

    def __init__(self, store, left):
        self.store = store
        self.left = left

    def get(self, key, buffer):
        return self.store.get(key, buffer)

    def put(self, key, buffer, start, end):
        if not self.left:
            return -4
        self.left -= 1
        return self.store.put(key, buffer, start, end)


@needs_heap_lock
class TestHeap(SequenceCase):
    def test_every_path_allocates_nothing(self):
        bench = self.bench
        bench.catcher.keep = False
        steps = (
            step()
            + wait(LEVEL, ABOVE, 5, 100, kind=18)
            + at(0, kind=17)
            + wait(REAL, BELOW, 0.5, 100)
            + step(0, BAD, 16)
        )
        requests = (
            telecommand(21, 1, u16(9) + b"\x05" + steps),
            telecommand(21, 128, struct.pack(">HBHH", 10, 5, len(steps), crc16(steps, 0, len(steps)))),
            telecommand(21, 129, u16(10) + u16(0) + steps),
            telecommand(21, 130, u16(10)),
            telecommand(21, 4, u16(9)),
            telecommand(21, 4, u16(10)),
            telecommand(21, 6),
            telecommand(21, 9, u16(9)),
            telecommand(21, 11, u16(9)),
        )
        rest = (telecommand(21, 13), telecommand(21, 3, u16(9)), telecommand(21, 3, u16(10)))
        packets = [bytearray(packet) for packet in requests + rest]

        def path():
            core = bench.core
            for i in range(9):
                core.router.execute(packets[i], 0, len(packets[i]))
            for _ in range(20):
                bench.clock.advance_ms(20)
                core.sequencing.poll(bench.clock.ticks_ms())
            for i in range(9, 12):
                core.router.execute(packets[i], 0, len(packets[i]))
            return core.router.status

        self.assertEqual(run_locked(path), failure.DONE)
        self.assertEqual(self.sequencing.executor.completed, 4)


if __name__ == "__main__":
    unittest.main()
