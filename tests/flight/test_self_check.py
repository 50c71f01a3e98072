"""The board looks at itself: parameters in three places, what authenticates the uplink, octets for the ground."""

import unittest

from bench import Bench, forget, ids
from flight.limits import LINK_SILENT_S, VOUCHED_CYCLES, WATCHDOG_MS
from flight.service.self_check import DamagedMemory

MENDED = (5, 2)
COMPARED_MS = 30_000  # in which every parameter has its turn


def say_nothing(port):
    """Its counters stand still."""
    port.counters = lambda out: None


class SelfCheckCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.core = self.bench.core

    def tearDown(self):
        forget(self, "bench", "core")

    def index(self, identifier):
        return self.core.pool.index_of(identifier)

    def numbers(self):
        return self.core.numbers

    def watchdog(self):
        return self.bench.hal.watchdog

    def mended_in(self, ms):
        return [report.data for report in self.bench.run(ms) if report.kind == MENDED and report.data[1] == 4]


class TestParameters(SelfCheckCase):
    def test_a_damaged_value_is_mended_and_told(self):
        index = self.index(ids.MODES_RESET_LIMIT)
        before = self.core.values[index]
        self.core.values[index] = before ^ 0x40
        self.assertEqual(self.mended_in(COMPARED_MS), [b"\x00\x04\x00\x00\x89"])
        self.assertEqual(self.core.values[index], before)

    def test_a_damaged_copy_changes_nothing(self):
        index = self.index(ids.MODES_RESET_LIMIT)
        before = self.core.values[index]
        row = self.core.parameters._row_of(index)
        for copies in (self.core.parameters._second, self.core.parameters._third):
            copies[row] = before ^ 0x40
            self.assertEqual(self.mended_in(COMPARED_MS), [])
            self.assertEqual((self.core.values[index], copies[row]), (before, before))

    def test_what_is_set_stays_set(self):
        index = self.index(ids.MODES_RESET_LIMIT)
        self.bench.command(20, 3, b"\x01\x00\x89\x05")
        self.bench.run(COMPARED_MS)
        self.assertEqual(self.core.values[index], 5)
        self.core.parameters.put(index, 6)
        self.bench.run(COMPARED_MS)
        self.assertEqual(self.core.values[index], 6)
        self.bench.command(20, 129, b"\x00")
        self.assertEqual(self.mended_in(COMPARED_MS), [])
        self.assertEqual(self.core.values[index], 3)


class TestUplink(SelfCheckCase):
    def test_a_well_board_goes_on(self):
        self.bench.run(30_000)
        self.assertTrue(self.core.executive.running)

    def damaged(self, association, name, bit):
        setattr(association, name, getattr(association, name) ^ bit)
        with self.assertRaises(DamagedMemory):
            self.bench.run(11_000)

    def test_a_damaged_spi(self):
        self.damaged(self.numbers().pair[0], "_spi", 8)

    def test_a_damaged_number_above(self):
        self.damaged(self.numbers().pair[1], "number_high", 0x100)

    def test_a_damaged_number_below(self):
        self.numbers().pair[0].number_high = self.numbers().pair[0].kept_high = 0x300
        self.damaged(self.numbers().pair[0], "number_high", 0x100)

    def test_a_key_that_makes_something_else_of_a_message(self):
        self.numbers().pair[1]._known[3] ^= 1
        with self.assertRaises(DamagedMemory):
            self.bench.run(11_000)

    def test_a_store_that_refuses_is_no_damage(self):
        numbers = self.numbers()
        numbers.refused = True
        numbers.pair[0].number_low += 5
        self.bench.run(11_000)
        self.assertTrue(self.core.executive.running)


class TestSilence(SelfCheckCase):
    def test_the_watchdog_of_a_board_that_nobody_hears_bites_in_time(self):
        fed = self.watchdog()
        say_nothing(self.core.hal.link)
        self.bench.run((LINK_SILENT_S + 1) * 1000 + VOUCHED_CYCLES * 100)
        before = fed.fed
        self.bench.run(WATCHDOG_MS)
        self.assertEqual(fed.fed, before)

    def test_it_is_fed_while_frames_leave(self):
        before = self.watchdog().fed
        self.bench.run(20_000)
        self.assertGreaterEqual(self.watchdog().fed, before + 199)


class TestFrames(SelfCheckCase):
    def test_a_damaged_head_costs_no_later_frame(self):
        idle = self.core.downlink._idle_frame
        for at in range(6):
            idle[at] ^= 0x10
        self.bench.run(3000)
        self.assertEqual(bytes(idle[:4]), b"\x1a\xcf\xfc\x1d")
        self.assertEqual(idle[4], 0x0A)


if __name__ == "__main__":
    unittest.main()
