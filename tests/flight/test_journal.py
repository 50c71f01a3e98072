"""The journal (SPEC 15): every octet, latest wins, compaction, cuts everywhere, worn and missing storage."""

import unittest

from flash_model import FlashModel, PowerCut
from flight.hal.host import MemoryStorage
from flight.hal.null import STORAGE_ABSENT, STORAGE_FAILED, Storage
from flight.journal import JOURNAL_FULL, JOURNAL_KEY, JOURNAL_LENGTH, Journal
from flight.limits import JOURNAL_KEYS, JOURNAL_RECORD_MAX
from heap import needs_heap_lock, run_locked

# SPEC 15 by hand, CRC-16 and CRC-32 from binascii and zlib.
SECTOR_HEADER = bytes.fromhex("504c4a01" + "00000001" + "570b038e")


def mounted(flash):
    journal = Journal(flash)
    journal.mount()
    return journal


def put(journal, key, octets):
    return journal.put(key, bytearray(octets), 0, len(octets))


def get(journal, key):
    buffer = bytearray(JOURNAL_RECORD_MAX)
    length = journal.get(key, buffer)
    return None if length < 0 else bytes(buffer[:length])


def content(journal):
    """All records."""
    found = {}
    for key in range(1, 12):
        record = get(journal, key)
        if record is not None:
            found[key] = record
    return found


class TestFormat(unittest.TestCase):
    def test_w150_every_octet(self):
        """W-150, W-151, W-152."""
        flash = FlashModel()
        journal = mounted(flash)
        self.assertEqual(put(journal, 5, b"abcde"), 0)
        self.assertEqual(journal.delete(5), 0)
        head = bytes.fromhex("05d0" + "0005" + "0001" + "8122")
        tail = b"abcde\x00\x00\x00" + bytes.fromhex("b9eb9936")
        deleted = bytes.fromhex("05de" + "0000" + "0001" + "a57a") + bytes.fromhex("918d3714")
        expected = SECTOR_HEADER + head + tail + deleted
        self.assertEqual(bytes(flash.content[: len(expected)]).hex(), expected.hex())
        self.assertEqual(bytes(flash.content[len(expected) :]), b"\xff" * (len(flash.content) - len(expected)))


class TestRecords(unittest.TestCase):
    def setUp(self):
        self.flash = FlashModel()
        self.journal = mounted(self.flash)

    def test_w153_latest_wins_also_after_a_restart(self):
        for number in range(5):
            self.assertEqual(put(self.journal, 3, bytes((number,)) * number), 0)
        self.assertEqual(put(self.journal, 4, b"other"), 0)
        for journal in (self.journal, mounted(self.flash)):
            self.assertEqual(content(journal), {3: b"\x04" * 4, 4: b"other"})

    def test_every_length(self):
        for length in range(70):
            self.assertEqual(put(self.journal, 1, bytes(range(length))), 0)
            self.assertEqual(get(self.journal, 1), bytes(range(length)))
            self.assertEqual(get(mounted(self.flash), 1), bytes(range(length)))

    def test_deleted_is_gone_also_after_a_restart_and_a_compaction(self):
        put(self.journal, 1, b"one")
        put(self.journal, 2, b"two")
        self.assertEqual(self.journal.delete(1), 0)
        self.assertEqual(content(mounted(self.flash)), {2: b"two"})
        self.assertEqual(self.journal.compact(), 0)
        self.assertEqual(content(mounted(self.flash)), {2: b"two"})
        self.assertEqual(self.journal.delete(1), 0)

    def test_part_of_a_buffer(self):
        self.assertEqual(self.journal.put(1, bytearray(b"0123456789"), 3, 9), 0)
        self.assertEqual(get(self.journal, 1), b"345678")

    def test_a_buffer_too_small_gets_nothing(self):
        put(self.journal, 1, b"12345")
        buffer = bytearray(4)
        self.assertEqual(self.journal.get(1, buffer), -1)
        self.assertEqual(buffer, bytes(4))
        self.assertEqual(self.journal.get(1, bytearray(5)), 5)

    def test_wrong_keys_and_sizes(self):
        buffer = bytearray(JOURNAL_RECORD_MAX + 1)
        for key in (0, -1, JOURNAL_KEYS + 1, 1 << 20):
            self.assertEqual(self.journal.put(key, buffer, 0, 1), JOURNAL_KEY)
            self.assertEqual(self.journal.delete(key), JOURNAL_KEY)
            self.assertEqual(self.journal.get(key, buffer), -1)
        for start, end in ((-1, 3), (3, 2), (0, JOURNAL_RECORD_MAX + 2), (0, JOURNAL_RECORD_MAX + 1)):
            self.assertEqual(self.journal.put(1, buffer, start, end), JOURNAL_LENGTH)
        self.assertEqual(content(mounted(self.flash)), {})
        self.assertEqual(self.flash.steps, 0)

    def test_w155_compaction_keeps_what_counts_and_sectors_take_turns(self):
        for number in range(200):
            self.assertEqual(put(self.journal, 1 + number % 3, bytes((number,)) * 20), 0)
        self.assertGreater(self.journal.compactions, 10)
        self.assertEqual(self.flash.erasures, self.journal.compactions)
        expected = {1: bytes((198,)) * 20, 2: bytes((199,)) * 20, 3: bytes((197,)) * 20}
        self.assertEqual(content(self.journal), expected)
        self.assertEqual(content(mounted(self.flash)), expected)

    def test_full_is_told_and_changes_nothing(self):
        for key in range(1, 8):
            self.assertEqual(put(self.journal, key, bytes((key,)) * 56), 0)
        before = content(self.journal)
        self.assertEqual(put(self.journal, 9, bytes(60)), JOURNAL_FULL)
        self.assertEqual(put(self.journal, 9, bytes(60)), JOURNAL_FULL)
        self.assertEqual(content(self.journal), before)
        self.assertEqual(content(mounted(self.flash)), before)
        self.assertEqual(self.journal.delete(1), 0)
        self.assertEqual(put(self.journal, 9, bytes(20)), 0)


class TestDamage(unittest.TestCase):
    def setUp(self):
        self.flash = FlashModel()
        self.journal = mounted(self.flash)
        put(self.journal, 1, b"first")
        put(self.journal, 2, b"second")
        put(self.journal, 1, b"third")

    def test_every_changed_octet_of_the_last_record_gives_the_one_before(self):
        good = bytes(self.flash.content)
        start = 12 + 20 + 20
        for at in range(start, start + 20):
            if at in (start + 13, start + 14, start + 15):
                continue  # padding counts for nothing
            self.flash.content[:] = good
            self.flash.content[at] ^= 0x10
            journal = mounted(self.flash)
            self.assertEqual((at, content(journal)), (at, {1: b"first", 2: b"second"}))
            self.assertEqual(journal.damaged, 1)
            self.assertEqual(put(journal, 3, b"new"), 0)
            self.assertEqual(journal.compactions, 1)
            self.assertEqual(content(mounted(self.flash)), {1: b"first", 2: b"second", 3: b"new"})

    def test_a_changed_octet_in_the_middle_is_found_when_read_and_dropped(self):
        self.flash.content[12 + 20 + 9] ^= 1
        journal = mounted(self.flash)
        self.assertEqual(content(journal), {1: b"third"})
        self.assertGreaterEqual(journal.damaged, 1)
        self.assertEqual(put(journal, 3, b"new"), 0)
        self.assertEqual(content(mounted(self.flash)), {1: b"third", 3: b"new"})

    def test_garbage_of_every_kind_is_no_journal(self):
        for octet in (0x00, 0x50, 0xFE):
            self.flash.content[:] = bytes((octet,)) * len(self.flash.content)
            journal = mounted(self.flash)
            self.assertEqual(content(journal), {})
            self.assertEqual(put(journal, 1, b"again"), 0)
            self.assertEqual(content(mounted(self.flash)), {1: b"again"})

    def test_records_of_an_older_use_of_the_sector_are_none(self):
        """W-152: a record carries the low half of its sector's sequence number."""
        old = self.flash.content[12:32]
        self.journal.compact()
        self.journal.compact()
        end = self.journal.used()
        self.flash.content[end : end + 20] = old
        journal = mounted(self.flash)
        self.assertEqual(content(journal), {1: b"third", 2: b"second"})
        self.assertEqual(journal.damaged, 1)


class TestWear(unittest.TestCase):
    def test_no_storage(self):
        journal = Journal(Storage())
        self.assertEqual(journal.mount(), STORAGE_ABSENT)
        self.assertEqual(put(journal, 1, b"x"), STORAGE_ABSENT)
        self.assertEqual(journal.compact(), STORAGE_ABSENT)
        self.assertEqual(content(journal), {})

    def test_w156_a_sector_that_cannot_be_written_is_left(self):
        flash = FlashModel()
        journal = mounted(flash)
        put(journal, 1, b"one")
        flash.worn_program.add(0)
        self.assertEqual(put(journal, 2, b"two"), 0)
        self.assertEqual(journal.failures, 1)
        self.assertEqual(content(mounted(flash)), {1: b"one", 2: b"two"})

    def test_silent_failure_is_found_by_reading_back(self):
        flash = FlashModel()
        journal = mounted(flash)
        put(journal, 1, b"one")
        flash.silent.add(0)
        self.assertEqual(put(journal, 2, b"two"), 0)
        self.assertEqual((journal.failures, journal.compactions), (1, 2))
        self.assertEqual(content(mounted(flash)), {1: b"one", 2: b"two"})

    def test_a_header_that_is_not_stored_as_written_does_not_count(self):
        flash = FlashModel()
        journal = mounted(flash)
        put(journal, 1, b"one")
        flash.silent_headers = True
        self.assertEqual(journal.compact(), STORAGE_FAILED)
        self.assertEqual(content(journal), {1: b"one"})
        self.assertEqual(content(mounted(flash)), {1: b"one"})

    def test_nothing_can_be_written_any_more(self):
        flash = FlashModel()
        journal = mounted(flash)
        put(journal, 1, b"one")
        flash.worn_erase.update((0, 1))
        flash.worn_program.update((0, 1))
        self.assertEqual(put(journal, 1, b"two"), STORAGE_FAILED)
        self.assertTrue(journal.refused)
        failures = journal.failures
        steps = flash.steps
        self.assertEqual(put(journal, 1, b"two"), STORAGE_FAILED)
        self.assertEqual((journal.failures, flash.steps), (failures, steps))
        self.assertEqual(content(journal), {1: b"one"})
        flash.worn_erase.clear()
        flash.worn_program.clear()
        self.assertEqual(journal.compact(), 0)
        self.assertEqual(put(journal, 1, b"two"), 0)
        self.assertEqual(content(mounted(flash)), {1: b"two"})

    def test_more_than_two_sectors_stand_a_dead_one(self):
        flash = FlashModel(sectors=3)
        flash.worn_erase.add(1)
        journal = mounted(flash)
        for number in range(100):
            self.assertEqual(put(journal, 1, bytes((number,)) * 30), 0)
        self.assertEqual(content(mounted(flash)), {1: bytes((99,)) * 30})

    def test_storage_that_cannot_be_read_loses_nothing_when_it_comes_back(self):
        flash = FlashModel()
        put(mounted(flash), 1, b"one")
        flash.dead = True
        journal = Journal(flash)
        self.assertEqual(journal.mount(), STORAGE_FAILED)
        flash.dead = False
        self.assertEqual(put(journal, 2, b"two"), STORAGE_FAILED)
        self.assertEqual(content(mounted(flash)), {1: b"one"})


class FlakyFlash(FlashModel):
    """fails_at: the read, counted from now, that fails once; 0 = none."""

    fails_at = 0

    def read(self, offset, buffer, start, end):
        self.fails_at -= 1
        if self.fails_at == 0:
            return STORAGE_FAILED
        return super().read(offset, buffer, start, end)


class TestReadFailures(unittest.TestCase):
    def setUp(self):
        self.flash = FlakyFlash()
        journal = mounted(self.flash)
        put(journal, 4, b"k" * 70)
        put(journal, 2, b"x")
        put(journal, 1, b"")
        self.records = {4: b"k" * 70, 2: b"x", 1: b""}
        self.before = bytes(self.flash.content)

    def begin(self):
        self.flash.content[:] = self.before
        self.flash.fails_at = 0
        return mounted(self.flash)

    def reads_of(self, work):
        """How often work(journal) reads."""
        journal = self.begin()
        self.flash.fails_at = 0
        work(journal)
        return -self.flash.fails_at

    def test_one_in_a_compaction_costs_no_record(self):
        reads = self.reads_of(lambda journal: journal.compact())
        self.assertGreater(reads, 20)
        for number in range(1, reads + 1):
            journal = self.begin()
            self.flash.fails_at = number
            self.assertEqual((number, journal.compact()), (number, STORAGE_FAILED))
            self.assertEqual((content(journal), journal.damaged), (self.records, 0))
            self.assertGreater(journal.failures, 0)
            self.assertEqual(content(mounted(self.flash)), self.records)
            self.assertEqual(journal.compact(), 0)
            self.assertEqual(content(mounted(self.flash)), self.records)

    def test_one_at_the_start_costs_no_record(self):
        reads = self.reads_of(lambda journal: journal.mount())
        for number in range(1, reads + 1):
            journal = self.begin()
            self.flash.fails_at = number
            self.assertEqual((number, journal.mount()), (number, STORAGE_FAILED))
            self.assertEqual(put(journal, 3, b"new"), STORAGE_FAILED)
            self.assertEqual(content(mounted(self.flash)), self.records)
            # Nor does a compaction, which first finds all of them.
            self.flash.fails_at = number
            self.assertEqual((number, journal.compact()), (number, STORAGE_FAILED))
            self.assertEqual(content(mounted(self.flash)), self.records)
            self.assertEqual((number, journal.compact()), (number, 0))
            for found in (journal, mounted(self.flash)):
                self.assertEqual((number, content(found)), (number, self.records))

    def test_one_in_a_get_is_no_damage(self):
        for number in range(1, 4):
            journal = self.begin()
            self.flash.fails_at = number
            self.assertEqual(journal.get(4, bytearray(70)), -1)
            self.assertEqual((journal.damaged, journal.failures), (0, 1))


class TestCuts(unittest.TestCase):
    def test_w154_a_cut_at_every_step_of_a_write_and_a_compaction(self):
        flash = FlashModel(sector_size=128)
        journal = mounted(flash)
        put(journal, 1, b"kept octets")
        put(journal, 2, b"old")
        while journal.used() + 12 + 8 <= 128:
            put(journal, 2, b"old")
        before = bytes(flash.content)
        old = {1: b"kept octets", 2: b"old"}
        new = {1: b"kept octets", 2: b"new one"}
        flash.steps = 0
        put(journal, 2, b"new one")
        steps = flash.steps
        self.assertEqual((flash.erasures, content(journal)), (2, new))
        seen = []
        for cut in range(steps):
            flash.content[:] = before
            journal = mounted(flash)
            flash.steps = 0
            flash.cut_at = cut
            with self.assertRaises(PowerCut):
                put(journal, 2, b"new one")
            flash.cut_at = -1
            journal = mounted(flash)
            found = content(journal)
            self.assertIn(found, (old, new))
            seen.append(found == new)
            self.assertEqual(put(journal, 3, b"goes on"), 0)
            found[3] = b"goes on"
            self.assertEqual(content(mounted(flash)), found)
        self.assertFalse(seen[0])


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_put_get_delete_and_compaction_allocate_nothing(self):
        class Steps:
            def __init__(self):
                self.storage = MemoryStorage(2, 512)
                self.journal = mounted(self.storage)
                self.buffer = bytearray(range(40))

            def work(self):
                journal = self.journal
                buffer = self.buffer
                total = 0
                for number in range(100):
                    total += journal.put(1 + number % 5, buffer, 0, number % 40)
                    total += journal.get(1 + number % 5, buffer)
                    if number % 7 == 0:
                        total += journal.delete(1 + number % 5)
                return journal.compactions

        compactions = run_locked(Steps().work)
        self.assertGreater(compactions, 5)


if __name__ == "__main__":
    unittest.main()
