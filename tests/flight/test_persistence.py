"""Anti-replay numbers over restarts, and the journal as the ground sees it."""

import unittest

import uplink_bytes as ground
from bench import Bench, empty_storage, forget, ids, telecommand
from flight.errors import SDLS_REPLAY
from flight.hal.host import MemoryStorage
from flight.hal.null import STORAGE_FAILED, Storage
from flight.limits import CYCLE_MS, FAREWELL_MS, NUMBERS_AHEAD, STORE_NUMBERS
from flight.service import failure

COMPACT = 0x0011
PING = telecommand(17, 1)


class PersistenceCase(unittest.TestCase):
    def setUp(self):
        self.storage: Storage = empty_storage()
        self.boot()

    def boot(self):
        forget(self, "bench", "core")
        self.bench = Bench(storage=self.storage)
        self.core = self.bench.core

    def value(self, identifier):
        return self.core.values[self.core.pool.index_of(identifier)]

    def accepted(self, number, kind=ground.BD, n_s=0):
        """Send a frame with *number* over the link; True when the board takes it."""
        uplink = self.core.uplink
        before = uplink.frames_ad + uplink.frames_bd
        self.bench.link.put(ground.cltu(ground.protect(kind, n_s, PING, number)))
        self.bench.run(100)
        return uplink.frames_ad + uplink.frames_bd != before


class TestNumbers(PersistenceCase):
    def test_w053_no_number_is_accepted_again_after_a_restart(self):
        """W-053."""
        for last in (1, 2, 64, 65, 66, 0xFFFF, 0x10000, 0x10001, 0x1FFFF):
            self.storage = empty_storage()
            self.boot()
            record = bytearray(4) + (last - 1).to_bytes(4, "big")
            self.core.journal.put(STORE_NUMBERS, record, 0, 8)
            self.boot()
            self.assertTrue(self.accepted(last))
            self.boot()
            for number in (last, last - 1, 1):
                self.assertFalse(self.accepted(number))
                self.assertEqual(self.core.drops.last, SDLS_REPLAY)
            # What is kept is NUMBERS_AHEAD further on.
            self.assertFalse(self.accepted(last + NUMBERS_AHEAD))
            self.assertTrue(self.accepted(last + NUMBERS_AHEAD + 1))

    def writes_of(self, act):
        before = self.core.journal.writes
        act()
        return self.core.journal.writes - before

    def burst(self, first, last):
        """All of them before a second is over."""
        before = self.core.uplink.frames_bd
        self.bench.catcher.keep = False  # a board has no room for the reports of all
        for number in range(first, last + 1):
            self.bench.link.put(ground.cltu(ground.protect(ground.BD, 0, PING, number)))
            if number % 8 == 0:
                self.core.executive.turn()
        self.bench.run(1)
        self.bench.catcher.keep = True
        self.assertEqual(self.core.uplink.frames_bd - before, last - first + 1)

    def test_one_record_serves_many_frames(self):
        def frames():
            for number in range(1, 2 * NUMBERS_AHEAD + 1):
                self.assertTrue(self.accepted(number))

        self.assertEqual(self.writes_of(frames), 4)

    def test_a_record_is_made_between_frames_when_half_of_the_numbers_are_used_up(self):
        self.burst(1, 1)
        half = NUMBERS_AHEAD // 2 + 1  # the first one is beside the record that it made
        self.assertEqual(self.writes_of(lambda: self.burst(2, half)), 0)
        self.assertEqual(self.writes_of(lambda: self.bench.run(1000)), 0)
        self.assertEqual(self.writes_of(lambda: self.burst(half + 1, half + 1)), 0)
        self.assertEqual(self.writes_of(lambda: self.bench.run(1000)), 1)
        self.assertEqual(self.writes_of(lambda: self.bench.run(1000)), 0)
        self.assertEqual(self.writes_of(lambda: self.burst(half + 2, half + 1 + NUMBERS_AHEAD)), 0)
        self.boot()
        self.assertFalse(self.accepted(half + 1 + NUMBERS_AHEAD))
        self.assertTrue(self.accepted(half + 2 + NUMBERS_AHEAD))

    def test_a_burst_that_uses_all_numbers_up_makes_a_frame_wait_for_its_record(self):
        self.burst(1, 1)
        self.assertEqual(self.writes_of(lambda: self.burst(2, NUMBERS_AHEAD + 1)), 0)
        self.assertEqual(self.writes_of(lambda: self.burst(NUMBERS_AHEAD + 2, NUMBERS_AHEAD + 2)), 1)
        self.boot()
        self.assertFalse(self.accepted(NUMBERS_AHEAD + 2))

    def test_no_number_is_kept_ahead_where_none_was_accepted(self):
        self.assertEqual(self.writes_of(lambda: self.bench.run(3000)), 0)
        self.boot()
        self.assertTrue(self.accepted(1))

    def test_carry_into_the_high_half(self):
        record = bytearray(b"\x00\x00\x00\x00\x00\x01\xff\xe0")
        self.core.journal.put(STORE_NUMBERS, record, 0, 8)
        self.boot()
        self.assertTrue(self.accepted(0x1FFE1))
        self.boot()
        self.assertFalse(self.accepted(0x20021))
        self.assertTrue(self.accepted(0x20022))
        self.bench.run(1000)
        self.assertEqual((self.value(ids.STORAGE_NUMBER_BD_HIGH), self.value(ids.STORAGE_NUMBER_BD_LOW)), (2, 0x22))

    def test_a_commanded_restart_costs_no_number(self):
        self.assertTrue(self.accepted(7))
        self.core.farewell()
        self.boot()
        self.assertFalse(self.accepted(7))
        self.assertTrue(self.accepted(8))

    def test_the_last_reports_have_their_time_whatever_arrives(self):
        clock = self.bench.clock
        waited = []

        def wait(ms):
            """Octets arrive all the time: the wait of a board ends at once."""
            waited.append(ms)
            clock.advance_ms(1)

        clock.wait = wait  # type: ignore[method-assign]
        begin_ms = clock.ticks_ms()
        self.core.farewell()
        self.assertEqual(clock.ticks_ms() - begin_ms, FAREWELL_MS)
        self.assertEqual((waited[0], waited[-1]), (CYCLE_MS, 1))

    def test_without_storage_frames_are_taken_all_the_same(self):
        self.storage = Storage()
        self.boot()
        for number in range(1, 10):
            self.assertTrue(self.accepted(number))


class RefusingStorage(MemoryStorage):
    """refuses: nothing can be written. is_unreadable: nor read."""

    refuses = False
    is_unreadable = False

    def read(self, offset, buffer, start, end):
        return STORAGE_FAILED if self.is_unreadable else super().read(offset, buffer, start, end)

    def erase(self, sector):
        return STORAGE_FAILED if self.refuses else super().erase(sector)

    def program(self, offset, buffer, start, end):
        return STORAGE_FAILED if self.refuses else super().program(offset, buffer, start, end)


class TestStorageThatComesBack(PersistenceCase):
    """AD numbers pass the kept one while the storage refuses; it comes back, and only then something is kept."""

    LAST = NUMBERS_AHEAD + 8

    def setUp(self):
        self.refusing = self.storage = RefusingStorage(2, 2048)
        self.boot()
        self.assertTrue(self.accepted(1, ground.AD, 0))
        self.assertTrue(self.accepted(1))
        self.refusing.refuses = True
        for number in range(2, self.LAST + 1):
            self.assertTrue(self.accepted(number, ground.AD, number - 1))
        self.assertTrue(self.numbers().refused)
        self.refusing.refuses = False
        self.assertEqual(self.core.journal.compact(), 0)

    def numbers(self):
        return self.core.numbers

    def kept(self):
        return [(association.kept_high, association.kept_low) for association in self.numbers().pair]

    def check(self):
        self.assertFalse(self.numbers().refused)
        self.assertTrue(self.numbers().are_intact())
        self.boot()
        self.assertFalse(self.accepted(self.LAST, ground.AD))
        self.assertEqual(self.core.drops.last, SDLS_REPLAY)
        self.assertFalse(self.accepted(1))

    def test_the_next_second_keeps_what_was_accepted(self):
        self.bench.run(1000)
        self.check()

    def test_what_keeps_a_number_of_one_association_keeps_that_of_the_other(self):
        self.numbers().passed(self.numbers().pair[1])
        self.check()

    def test_nothing_moves_while_it_refuses_again(self):
        self.refusing.refuses = True
        kept = self.kept()
        self.numbers().passed(self.numbers().pair[1])
        self.assertEqual(self.kept(), kept)
        self.assertTrue(self.numbers().refused)


class TestRecordFoundLate(PersistenceCase):
    """The storage cannot be read at the start, and a compaction finds the record of numbers."""

    LAST = 200

    def setUp(self):
        self.unreadable = self.storage = RefusingStorage(2, 2048)
        self.boot()
        self.core.journal.put(STORE_NUMBERS, bytearray(self.LAST.to_bytes(4, "big") * 2), 0, 8)
        self.unreadable.is_unreadable = True
        self.boot()
        self.unreadable.is_unreadable = False

    def numbers(self):
        return self.core.numbers

    def find(self):
        self.assertEqual(self.bench.function(COMPACT)[-1].kind, (1, 7))
        self.assertTrue(self.numbers().are_intact())

    def test_numbers_go_on_at_the_record(self):
        self.assertTrue(self.accepted(1))  # whatever comes, while nothing is known
        self.find()
        for _ in range(2):
            for number in (2, self.LAST):
                self.assertFalse(self.accepted(number))
                self.assertEqual(self.core.drops.last, SDLS_REPLAY)
            self.boot()
        self.assertTrue(self.accepted(self.LAST + 1))

    def test_a_number_above_the_record_stays(self):
        self.assertTrue(self.accepted(self.LAST + 5))
        self.find()
        self.assertFalse(self.accepted(self.LAST + 5))
        self.assertTrue(self.accepted(self.LAST + 6))
        self.boot()
        self.assertFalse(self.accepted(self.LAST + 6))

    def test_what_this_run_kept_costs_no_number(self):
        self.find()
        self.assertTrue(self.accepted(self.LAST + 1))
        self.find()
        self.assertTrue(self.accepted(self.LAST + 2))


class TestState(PersistenceCase):
    def test_points(self):
        self.bench.run(1000)
        journal = self.core.journal
        self.assertEqual(self.value(ids.STORAGE_USED_OCTETS), journal.used())
        self.assertGreater(journal.used(), 12)
        self.assertEqual(self.value(ids.STORAGE_WRITES), journal.writes)
        self.assertEqual(self.value(ids.STORAGE_COMPACTIONS), 1)
        self.assertEqual((self.value(ids.STORAGE_FAILURES), self.value(ids.STORAGE_REFUSED)), (0, 0))

    def test_compact_by_command(self):
        self.assertEqual(self.bench.function(COMPACT)[-1].kind, (1, 7))
        self.assertEqual(self.core.journal.compactions, 2)

    def test_compact_without_storage_fails(self):
        self.storage = Storage()
        self.boot()
        report = self.bench.function(COMPACT)[-1]
        self.assertEqual(report.kind, (1, 4))
        self.assertEqual(report.data[4] << 8 | report.data[5], failure.STORAGE)


if __name__ == "__main__":
    unittest.main()
