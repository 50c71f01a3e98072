"""FARM-1 against CCSDS 232.1-B-2 table 6-1: one test for each pair of event and state, written from the standard."""

import unittest

from flight.errors import FARM_LOCKOUT, FARM_NEGATIVE, FARM_OUTSIDE, FARM_RETRANSMIT, FARM_WAIT, OK
from flight.link.clcw import write_clcw
from flight.link.farm import (
    E1,
    E2,
    E3,
    E4,
    E5,
    E6,
    E7,
    E8,
    E9,
    E10,
    E11,
    LOCKOUT,
    LOCKOUT_FLAG,
    OPEN,
    RETRANSMIT_FLAG,
    WAIT,
    WAIT_FLAG,
    Farm,
)
from heap import needs_heap_lock, run_locked

R = RETRANSMIT_FLAG
W = WAIT_FLAG
L = LOCKOUT_FLAG


class TestTable(unittest.TestCase):
    """Before each event V(R) is 255 and FARM-B_Counter 3, so that both wrap; E8 carries V*(R) = 0x2A.

    Every flag that an event neither clears nor sets stays as it was: each pair runs with all eight combinations.
    """

    def pair(self, event, state, expected, clears=0, sets=0):
        for flags in (0, R, W, R | W, L, R | L, W | L, R | W | L):
            farm = Farm(128)
            farm.state = state
            farm.flags = flags
            farm.v_r = 255
            farm.farm_b_counter = 3
            status = farm.step(event, 0x2A)
            self.assertEqual((status, farm.state, farm.v_r, farm.farm_b_counter), expected)
            self.assertEqual(farm.flags, flags & ~clears | sets)

    # --- S1, Open

    def test_e1_s1_accepts_steps_v_r_and_clears_retransmit(self):
        self.pair(E1, OPEN, (OK, OPEN, 0, 3), clears=R)

    def test_e2_s1_discards_sets_retransmit_and_wait_and_goes_to_s2(self):
        self.pair(E2, OPEN, (FARM_WAIT, WAIT, 255, 3), sets=R | W)

    def test_e3_s1_discards_and_sets_retransmit(self):
        self.pair(E3, OPEN, (FARM_RETRANSMIT, OPEN, 255, 3), sets=R)

    def test_e4_s1_discards_only(self):
        self.pair(E4, OPEN, (FARM_NEGATIVE, OPEN, 255, 3))

    def test_e5_s1_discards_sets_lockout_and_goes_to_s3(self):
        self.pair(E5, OPEN, (FARM_OUTSIDE, LOCKOUT, 255, 3), sets=L)

    def test_e6_s1_accepts_and_counts_b(self):
        self.pair(E6, OPEN, (OK, OPEN, 255, 0))

    def test_e7_s1_counts_b_and_clears_retransmit(self):
        self.pair(E7, OPEN, (OK, OPEN, 255, 0), clears=R)

    def test_e8_s1_counts_b_clears_retransmit_and_sets_v_r(self):
        self.pair(E8, OPEN, (OK, OPEN, 0x2A, 0), clears=R)

    def test_e9_s1_changes_nothing(self):
        self.pair(E9, OPEN, (OK, OPEN, 255, 3))

    def test_e10_s1_is_ignored(self):
        self.pair(E10, OPEN, (OK, OPEN, 255, 3))

    def test_e11_s1_reports_only(self):
        self.pair(E11, OPEN, (OK, OPEN, 255, 3))

    # --- S2, Wait

    def test_e1_s2_is_not_applicable_and_discards(self):
        self.pair(E1, WAIT, (FARM_WAIT, WAIT, 255, 3))

    def test_e2_s2_discards_only(self):
        self.pair(E2, WAIT, (FARM_WAIT, WAIT, 255, 3))

    def test_e3_s2_discards_only(self):
        self.pair(E3, WAIT, (FARM_RETRANSMIT, WAIT, 255, 3))

    def test_e4_s2_discards_only(self):
        self.pair(E4, WAIT, (FARM_NEGATIVE, WAIT, 255, 3))

    def test_e5_s2_discards_sets_lockout_and_goes_to_s3(self):
        self.pair(E5, WAIT, (FARM_OUTSIDE, LOCKOUT, 255, 3), sets=L)

    def test_e6_s2_accepts_and_counts_b(self):
        self.pair(E6, WAIT, (OK, WAIT, 255, 0))

    def test_e7_s2_counts_b_clears_both_flags_and_goes_to_s1(self):
        self.pair(E7, WAIT, (OK, OPEN, 255, 0), clears=R | W)

    def test_e8_s2_counts_b_clears_both_flags_sets_v_r_and_goes_to_s1(self):
        self.pair(E8, WAIT, (OK, OPEN, 0x2A, 0), clears=R | W)

    def test_e9_s2_changes_nothing(self):
        self.pair(E9, WAIT, (OK, WAIT, 255, 3))

    def test_e10_s2_clears_wait_and_goes_to_s1(self):
        self.pair(E10, WAIT, (OK, OPEN, 255, 3), clears=W)

    def test_e11_s2_reports_only(self):
        self.pair(E11, WAIT, (OK, WAIT, 255, 3))

    # --- S3, Lockout

    def test_e1_s3_discards_only(self):
        self.pair(E1, LOCKOUT, (FARM_LOCKOUT, LOCKOUT, 255, 3))

    def test_e2_s3_discards_only(self):
        self.pair(E2, LOCKOUT, (FARM_LOCKOUT, LOCKOUT, 255, 3))

    def test_e3_s3_discards_only(self):
        self.pair(E3, LOCKOUT, (FARM_LOCKOUT, LOCKOUT, 255, 3))

    def test_e4_s3_discards_only(self):
        self.pair(E4, LOCKOUT, (FARM_LOCKOUT, LOCKOUT, 255, 3))

    def test_e5_s3_discards_only(self):
        self.pair(E5, LOCKOUT, (FARM_LOCKOUT, LOCKOUT, 255, 3))

    def test_e6_s3_accepts_and_counts_b(self):
        self.pair(E6, LOCKOUT, (OK, LOCKOUT, 255, 0))

    def test_e7_s3_counts_b_clears_all_flags_and_goes_to_s1(self):
        self.pair(E7, LOCKOUT, (OK, OPEN, 255, 0), clears=R | W | L)

    def test_e8_s3_counts_b_but_is_not_executed(self):
        self.pair(E8, LOCKOUT, (FARM_LOCKOUT, LOCKOUT, 255, 0))

    def test_e9_s3_changes_nothing(self):
        self.pair(E9, LOCKOUT, (OK, LOCKOUT, 255, 3))

    def test_e10_s3_clears_wait_and_stays(self):
        self.pair(E10, LOCKOUT, (OK, LOCKOUT, 255, 3), clears=W)

    def test_e11_s3_reports_only(self):
        self.pair(E11, LOCKOUT, (OK, LOCKOUT, 255, 3))


class TestWindow(unittest.TestCase):
    """Which event an AD frame is, by its N(S) (232.1-B-2 6.1.8, W-036)."""

    def classes(self, window, v_r):
        farm = Farm(window)
        farm.v_r = v_r
        return [farm.classify((v_r + offset) & 255, True) for offset in range(256)]

    def test_w036_window_of_10(self):
        expected = [E1] + [E3] * 4 + [E5] * 246 + [E4] * 5
        for v_r in (0, 1, 127, 128, 250, 255):
            with self.subTest(v_r=v_r):
                self.assertEqual(self.classes(10, v_r), expected)

    def test_w036_least_and_greatest_window(self):
        self.assertEqual(self.classes(2, 255), [E1] + [E5] * 254 + [E4])
        self.assertEqual(self.classes(254, 0), [E1] + [E3] * 126 + [E5] * 2 + [E4] * 127)

    def test_the_next_frame_without_room_is_e2(self):
        farm = Farm(10)
        self.assertEqual(farm.classify(0, False), E2)

    def test_in_wait_no_buffer_counts_as_available(self):
        farm = Farm(10)
        farm.step(E2)
        self.assertEqual(farm.classify(0, True), E2)
        farm.step(E10)
        self.assertEqual(farm.classify(0, True), E1)

    def test_window_must_be_even_and_between_2_and_254(self):
        for window in (0, 1, 3, 255, 256):
            with self.subTest(window=window), self.assertRaises(AssertionError):
                Farm(window)

    def test_starts_open_at_zero(self):
        farm = Farm(10)
        self.assertEqual((farm.state, farm.v_r, farm.flags, farm.farm_b_counter), (OPEN, 0, 0, 0))


class TestClcw(unittest.TestCase):
    def clcw(self, farm):
        buffer = bytearray(6)
        write_clcw(buffer, 1, farm.report())
        self.assertEqual((buffer[0], buffer[5]), (0, 0))
        return bytes(buffer[1:5])

    def test_w040_all_clear(self):
        self.assertEqual(self.clcw(Farm(10)), b"\x01\x00\x00\x00")

    def test_w040_all_flags_and_v_r_255(self):
        farm = Farm(10)
        farm.v_r = 255
        farm.step(E2)
        farm.step(E5)
        self.assertEqual(self.clcw(farm), b"\x01\x00\x38\xff")

    def test_each_flag_stands_alone(self):
        farm = Farm(10)
        farm.step(E3)
        self.assertEqual(self.clcw(farm), b"\x01\x00\x08\x00")
        farm.step(E7)
        farm.step(E5)
        self.assertEqual(self.clcw(farm), b"\x01\x00\x22\x00")
        farm.step(E7)
        farm.step(E2)
        farm.step(E1)
        self.assertEqual(self.clcw(farm), b"\x01\x00\x1c\x00")

    def test_farm_b_counter_and_v_r(self):
        farm = Farm(10)
        farm.step(E8, 1)
        farm.step(E6)
        farm.step(E6)
        self.assertEqual(self.clcw(farm), b"\x01\x00\x06\x01")


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_no_step_allocates(self):
        farm = Farm(10)
        buffer = bytearray(4)

        def every_event():
            for event in range(11):
                for state in range(3):
                    farm.state = state
                    farm.step(event, 255)
            for n_s in range(256):
                farm.classify(n_s, True)
            write_clcw(buffer, 0, farm.report())

        run_locked(every_event)


if __name__ == "__main__":
    unittest.main()
