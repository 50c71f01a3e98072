"""The downlink from packets to frames: literal octets, first header pointers, idle packets, timing, queues, drops."""

import unittest

import flight.link.downlink as downlink_module
import flight.link.tm_frame as tm_frame_module
from downlink_bytes import DATA, Ground, packet
from flight import errors
from flight.codec import randomise_tm
from flight.errors import DropCounters
from flight.limits import (
    CLCW_CHANGE_MS,
    CLCW_PERIOD_MS,
    FLUSH_MS,
    TM_PACKET_MAX,
    TM_REALTIME_FRAMES,
)
from flight.link.downlink import Downlink
from flight.link.farm import E5, E7, E8, Farm
from heap import needs_heap_lock, run_locked

IDLE_7 = b"\x07\xff\xc0\x00\x00\x00\x55"


class Line:
    """Notes the frames that are offered, and takes all or none of them."""

    def __init__(self, takes=True):
        self.takes = takes
        self.offered = []

    def write(self, frame):
        self.offered.append(bytes(frame))
        return self.takes


class DownlinkCase(unittest.TestCase):
    """A downlink at time 0 whose first CLCW has left already."""

    def setUp(self):
        self.drops = DropCounters()
        self.farm = Farm(128)
        self.downlink = Downlink(self.farm, self.drops, 0)
        self.ground = Ground()
        self.downlink.poll(0, self.ground.write)
        self.now_ms = CLCW_CHANGE_MS
        self.assertEqual(self.downlink.poll(self.now_ms, self.ground.write), 1)
        self.ground.frames.clear()

    def send(self, octets):
        return self.downlink.realtime.send(bytearray(octets), 0, len(octets))

    def poll(self, after_ms=0):
        self.now_ms = (self.now_ms + after_ms) & 0x3FFFFFFF
        return self.downlink.poll(self.now_ms, self.ground.write)

    def flush(self):
        """Let what waits in the open frame leave."""
        self.poll()
        self.poll(FLUSH_MS)


class TestFrames(unittest.TestCase):
    def test_literal_idle_frame_announces_the_board(self):
        line = Line()
        downlink = Downlink(Farm(128), DropCounters(), 0)
        self.assertEqual(downlink.poll(0, line.write), 0)
        self.assertEqual(downlink.poll(CLCW_CHANGE_MS, line.write), 1)
        frame = line.offered[0]
        # Marker; version 0, SCID 0A5, VCID 7, OCF; counts 0 and 0; FHP 7FE.
        self.assertEqual(frame[:10], b"\x1a\xcf\xfc\x1d\x0a\x5f\x00\x00\x1f\xfe")
        self.assertEqual(frame[10:254], b"\x55" * 244)
        self.assertEqual(frame[254:258], b"\x01\x00\x00\x00")
        self.assertEqual((frame[258:], len(frame)), (b"\x41\x64", 260))

    def test_w060_w066_literal_frame_with_a_packet_at_its_start(self):
        line = Line()
        downlink = Downlink(Farm(128), DropCounters(), 0)
        octets = packet(20, 0xA5)
        downlink.realtime.send(octets, 0, 20)
        self.assertEqual(downlink.poll(0, line.write), 0)
        self.assertEqual(downlink.poll(FLUSH_MS, line.write), 1)
        frame = line.offered[0]
        self.assertEqual(frame[:10], b"\x1a\xcf\xfc\x1d\x0a\x51\x00\x00\x18\x00")
        self.assertEqual(frame[10:30], octets)
        # The idle packet that fills up: 224 octets, length field 217.
        self.assertEqual(frame[30:36], b"\x07\xff\xc0\x00\x00\xd9")
        self.assertEqual(frame[36:254], b"\x55" * 218)


class TestPackets(DownlinkCase):
    def test_packets_share_frames_and_run_over(self):
        sizes = [100, 100, 100, 700, 7, 44, 244, 300]
        expected = [packet(size, mark + 1) for mark, size in enumerate(sizes)]
        for octets in expected:
            self.assertEqual(self.send(octets), errors.OK)
        self.flush()
        self.assertEqual(self.ground.packets[0], expected)
        # Third packet: 44 octets in frame 0, 56 in frame 1; fourth starts at 56 of frame 1 and ends at 24 of frame 4.
        self.assertEqual([frame[3] for frame in self.ground.frames[:5]], [0, 56, 0x7FF, 0x7FF, 24])

    def test_a_packet_that_fills_frames_exactly_needs_no_idle_packet(self):
        self.send(packet(DATA, 1))
        self.assertEqual(self.poll(), 1)
        self.send(packet(2 * DATA, 2))
        self.assertEqual(self.poll(), 2)
        self.assertEqual([frame[3] for frame in self.ground.frames], [0, 0, 0x7FF])
        self.assertEqual((len(self.ground.packets[0]), self.ground.idle_packets), (2, []))
        self.assertEqual(self.poll(FLUSH_MS), 0)

    def test_w067_1_to_6_octets_left_take_a_7_octet_idle_packet_that_runs_over(self):
        for left in range(1, 7):
            with self.subTest(left=left):
                self.setUp()
                self.send(packet(DATA - left, 1))
                self.flush()
                self.assertEqual([frame[3] for frame in self.ground.frames], [0])
                self.send(packet(50, 2))
                self.flush()
                self.assertEqual(self.ground.frames[1][3], 7 - left)
                self.assertEqual(self.ground.packets[0], [packet(DATA - left, 1), packet(50, 2)])
                self.assertEqual(self.ground.idle_packets[0], IDLE_7)

    def test_7_octets_left_take_an_idle_packet_that_ends_with_the_frame(self):
        self.send(packet(DATA - 7, 1))
        self.flush()
        self.assertEqual(self.ground.idle_packets, [IDLE_7])
        self.send(packet(50, 2))
        self.flush()
        self.assertEqual(self.ground.frames[1][3], 0)

    def test_the_tail_of_an_idle_packet_alone_is_not_flushed(self):
        self.send(packet(DATA - 3, 1))
        self.flush()
        self.assertEqual(self.poll(FLUSH_MS), 0)
        # When a CLCW is due it leaves in an idle frame, and the channel goes on where it stood.
        self.assertEqual(self.poll(CLCW_PERIOD_MS), 1)
        self.assertEqual(self.ground.frames[-1][0], 7)
        self.send(packet(20, 2))
        self.flush()
        self.assertEqual(self.ground.packets[0][-1], packet(20, 2))

    def test_channels_number_their_frames_apart(self):
        self.send(packet(DATA, 1))
        self.poll()
        self.poll(CLCW_PERIOD_MS)
        self.send(packet(DATA, 2))
        self.poll()
        # The first idle frame has left before.
        self.assertEqual([frame[:3] for frame in self.ground.frames], [(0, 1, 0), (7, 2, 1), (0, 3, 1)])
        self.assertEqual(self.ground.packets, {0: [packet(DATA, 1), packet(DATA, 2)], 1: []})

    def test_counts_wrap_at_256(self):
        for mark in range(300):
            self.send(packet(DATA, mark & 255))
            self.poll()
        # The reader checks that each count follows the last; after the first idle frame the master count is one ahead.
        self.assertEqual([frame[1:3] for frame in self.ground.frames[254:257]], [(255, 254), (0, 255), (1, 0)])
        self.assertEqual(self.downlink.frames, 301)


class TestTiming(DownlinkCase):
    def test_a_waiting_packet_leaves_after_the_flush_time(self):
        self.send(packet(20))
        self.assertEqual((self.poll(), self.poll(FLUSH_MS - 1), self.poll(1)), (0, 0, 1))
        self.assertEqual(self.ground.packets[0], [packet(20)])

    def test_a_packet_in_a_hurry_leaves_with_the_next_poll(self):
        self.send(packet(20))
        self.downlink.hurry(self.now_ms)
        self.assertEqual((self.poll(), self.poll(FLUSH_MS)), (1, 0))
        self.send(packet(20))
        self.assertEqual((self.poll(), self.poll(FLUSH_MS - 1), self.poll(1)), (0, 0, 1))

    def test_an_idle_frame_leaves_when_nothing_else_does(self):
        self.assertEqual((self.poll(CLCW_PERIOD_MS - 1), self.poll(1)), (0, 1))
        self.assertEqual(self.ground.frames[0][0], 7)

    def test_a_changed_clcw_does_not_wait_for_the_period(self):
        self.farm.step(E8, 77)
        self.assertEqual((self.poll(), self.poll(CLCW_CHANGE_MS - 1), self.poll(1)), (0, 0, 1))
        self.assertEqual(self.ground.frames[0][4], b"\x01\x00\x02\x4d")
        self.assertEqual(self.poll(CLCW_CHANGE_MS), 0)

    def test_a_clcw_that_is_due_takes_waiting_packets_along(self):
        self.farm.step(E5)
        self.poll()
        self.send(packet(20, 9))
        self.assertEqual(self.poll(CLCW_CHANGE_MS), 1)
        self.assertEqual((self.ground.frames[0][0], self.ground.frames[0][4]), (0, b"\x01\x00\x20\x00"))
        self.assertEqual(self.ground.packets[0], [packet(20, 9)])

    def test_every_frame_has_the_clcw_of_its_moment(self):
        for flags, event in ((b"\x20", E5), (b"\x02", E7)):
            self.farm.step(event)
            self.send(packet(DATA))
            self.poll()
            self.assertEqual(self.ground.frames[-1][4], b"\x01\x00" + flags + b"\x00")

    def test_a_frame_each_second_when_polled_at_10_hz(self):
        left = []
        for _ in range(200):
            if self.poll(100):
                left.append(self.now_ms)
        gaps = [left[i + 1] - left[i] for i in range(len(left) - 1)]
        self.assertGreater(len(gaps), 15)
        self.assertLessEqual(max(gaps), 1000)

    def test_the_clock_may_wrap(self):
        self.now_ms = (1 << 30) - FLUSH_MS // 2
        self.poll()
        self.send(packet(20))
        self.poll()
        self.assertEqual((self.poll(FLUSH_MS - 1), self.poll(1)), (0, 1))
        self.assertEqual(self.now_ms, FLUSH_MS // 2)
        self.now_ms = (1 << 30) - 1
        self.assertEqual((self.poll(), self.poll(CLCW_PERIOD_MS - 1), self.poll(1)), (1, 0, 1))


class TestRandomised(DownlinkCase):
    def write(self, frame):
        octets = bytearray(frame)
        randomise_tm(octets, 4, 260)
        self.ground.take(bytes(octets))
        return True

    def test_frames_are_randomised_behind_the_marker_when_the_mission_says_so(self):
        modules = (downlink_module, tm_frame_module)
        name = "TM_RANDOMISED"
        for module in modules:
            setattr(module, name, 1)
        try:
            # Idle frames use one buffer again and again, queued ones a slot that was randomised before.
            for mark in range(2 * TM_REALTIME_FRAMES):
                self.now_ms += CLCW_PERIOD_MS
                self.assertEqual(self.downlink.poll(self.now_ms, self.write), 1)
                self.send(packet(DATA, mark))
                self.assertEqual(self.downlink.poll(self.now_ms, self.write), 1)
        finally:
            for module in modules:
                setattr(module, name, 0)
        self.assertEqual(self.ground.packets[0], [packet(DATA, mark) for mark in range(2 * TM_REALTIME_FRAMES)])


class TestQueues(DownlinkCase):
    def test_a_frame_that_is_not_taken_is_offered_again_unchanged(self):
        line = Line(takes=False)
        self.send(packet(DATA, 5))
        for _ in range(3):
            self.assertEqual(self.downlink.poll(self.now_ms, line.write), 0)
            self.farm.step(E8, 9)
        self.assertEqual(line.offered, [line.offered[0]] * 3)
        self.assertEqual(self.poll(), 1)
        self.assertEqual(self.ground.packets[0], [packet(DATA, 5)])

    def test_poll_stops_when_the_line_is_busy(self):
        for mark in range(3):
            self.send(packet(DATA, mark))
        self.ground.refuse = 1
        self.assertEqual((self.poll(), self.poll()), (0, 3))

    def test_downlink_full_drops_the_whole_packet_and_counts_it(self):
        room = TM_REALTIME_FRAMES * DATA
        self.assertEqual(self.downlink.realtime.room(), room)
        for mark in range(TM_REALTIME_FRAMES - 1):
            self.assertEqual(self.send(packet(DATA, mark)), errors.OK)
        self.assertEqual(self.send(packet(200, 77)), errors.OK)
        self.assertEqual(self.downlink.realtime.room(), 44)
        self.assertEqual(self.send(packet(45, 78)), errors.DOWNLINK_FULL)
        self.assertEqual(self.send(packet(44, 79)), errors.OK)
        self.assertEqual(self.send(packet(7, 80)), errors.DOWNLINK_FULL)
        self.assertEqual(self.drops.counts[errors.DOWNLINK_FULL], 2)
        self.flush()
        marks = [octets[3] for octets in self.ground.packets[0]]
        self.assertEqual(marks[:-2], list(range(TM_REALTIME_FRAMES - 1)))
        self.assertEqual(marks[-2:], [77, 79])

    def test_a_full_queue_keeps_its_frames_while_the_line_is_dead(self):
        self.ground.refuse = 1000
        sent = 0
        while self.send(packet(DATA - 3, sent)) == errors.OK:
            self.poll(FLUSH_MS)
            sent += 1
        for _ in range(5):
            self.poll(CLCW_PERIOD_MS)
        self.ground.refuse = 0
        self.flush()
        self.flush()
        self.assertEqual(self.ground.packets[0], [packet(DATA - 3, mark) for mark in range(sent)])
        self.assertGreaterEqual(sent, TM_REALTIME_FRAMES - 1)

    def test_downlink_size(self):
        self.assertEqual(self.send(packet(7)[:6]), errors.DOWNLINK_SIZE)
        self.assertEqual(self.send(b""), errors.DOWNLINK_SIZE)
        self.assertEqual(self.send(packet(TM_PACKET_MAX + 1)), errors.DOWNLINK_SIZE)
        self.assertEqual(self.send(packet(TM_PACKET_MAX)), errors.OK)
        self.assertEqual(self.drops.counts[errors.DOWNLINK_SIZE], 3)

    def test_a_packet_is_taken_out_of_the_middle_of_a_buffer(self):
        buffer = bytearray(600) + packet(20, 4) + b"..."
        self.assertEqual(self.downlink.realtime.send(buffer, 600, 620), errors.OK)
        self.flush()
        self.assertEqual(self.ground.packets[0], [packet(20, 4)])


class Load:
    """The channel full, the CLCW changing, a line that refuses every fifth frame; then silence."""

    def __init__(self):
        self.farm = Farm(128)
        self.downlink = Downlink(self.farm, DropCounters(), 0)
        self.small = bytearray(packet(90))
        self.large = bytearray(packet(600))
        self.now_ms = 0
        self.offered = 0
        self.write = self.take  # bound once

    def take(self, _frame):
        self.offered += 1
        return self.offered % 5 != 0

    def run(self):
        for cycle in range(60):
            if cycle < 30:
                self.downlink.realtime.send(self.small, 0, 90)
                self.downlink.realtime.send(self.large, 0, 600)
                self.farm.step(E8, cycle)
            self.now_ms += 100
            self.downlink.poll(self.now_ms, self.write)


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_sending_and_polling_allocates_nothing(self):
        load = Load()
        run_locked(load.run)
        self.assertGreater(load.downlink.frames, 100)


if __name__ == "__main__":
    unittest.main()
