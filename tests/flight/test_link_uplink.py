"""The uplink from octets to accepted data: frame checks in their order, queues, control commands, authentication."""

import unittest

import flight.link.uplink as uplink_module
import uplink_bytes as ground
from flight import errors
from flight.codec import CLTU_CORRECTED
from flight.errors import DropCounters
from flight.limits import BC_RATE_MAX, SDLS_WINDOW, TC_BD_BUFFER, TC_FRAME_MAX
from flight.link.farm import LOCKOUT, OPEN, WAIT
from flight.link.fdu_queue import FduQueue
from flight.link.sdls import SecurityAssociation
from flight.link.tc_frame import TcFrame
from flight.link.uplink import Uplink
from heap import needs_heap_lock, run_locked


def read(frame, fill=b""):
    buffer = bytearray(frame + fill)
    return TcFrame().read(buffer, len(buffer))


class UplinkCase(unittest.TestCase):
    """An uplink without authentication, and what came out of it."""

    def setUp(self):
        self.drops = DropCounters()
        self.uplink = Uplink(self.drops)

    def feed(self, *frames, now_ms=0):
        for frame in frames:
            octets = ground.cltu(frame)
            self.uplink.feed(octets, 0, len(octets), now_ms)

    def drain(self):
        data = []
        while self.uplink.next():
            data.append(bytes(self.uplink.buffer[self.uplink.start : self.uplink.end]))
            self.uplink.release()
        return data

    def dropped(self):
        """Every reason that was counted, with its count."""
        return {reason: count for reason, count in enumerate(self.drops.counts) if count}


class TestFrameChecks(unittest.TestCase):
    """W-033: every check drops a frame that fails it alone, with its reason."""

    def test_w031_unlock_is_the_literal_frame(self):
        frame = b"\x30\xa5\x00\x07\x00\x00\xad\x3f"
        self.assertEqual(ground.unlock(), frame)
        self.assertEqual(read(frame), errors.OK)

    def test_w032_set_v_r_is_the_literal_frame(self):
        frame = ground.set_vr(0x2A)
        self.assertEqual(frame[:8], b"\x30\xa5\x00\x09\x00\x82\x00\x2a")
        fields = TcFrame()
        self.assertEqual(fields.read(bytearray(frame), len(frame)), errors.OK)
        self.assertEqual((fields.kind, fields.command, fields.v_r), (0x30, 1, 0x2A))

    def test_fields_of_an_ad_frame(self):
        fields = TcFrame()
        frame = bytearray(ground.ad(0x77, b"abc"))
        self.assertEqual(frame[:6], b"\x00\xa5\x00\x0a\x77\xc0")
        self.assertEqual(fields.read(frame, len(frame)), errors.OK)
        self.assertEqual((fields.kind, fields.n_s, fields.start, fields.end), (0x00, 0x77, 6, 9))

    def test_w034_fill_behind_the_frame_is_ignored(self):
        for fill in range(1, 7):
            self.assertEqual(read(ground.ad(0), b"\x55" * fill), errors.OK)

    def test_tc_short(self):
        frame = ground.unlock()
        for count in range(8):
            with self.subTest(count=count):
                self.assertEqual(TcFrame().read(bytearray(frame), count), errors.TC_SHORT)

    def test_tc_length_longer_than_what_came(self):
        self.assertEqual(read(ground.ad(0, length=9)), errors.TC_LENGTH)

    def test_tc_length_shorter_than_a_frame(self):
        self.assertEqual(read(ground.unlock(length=6)), errors.TC_LENGTH)

    def test_w035_longest_frame_is_accepted_and_one_more_is_tc_length(self):
        self.assertEqual(read(ground.ad(0, bytes(TC_FRAME_MAX - 8))), errors.OK)
        self.assertEqual(read(ground.ad(0, bytes(TC_FRAME_MAX - 7))), errors.TC_LENGTH)

    def test_tc_fecf_for_every_wrong_bit(self):
        frame = bytearray(ground.ad(0))
        for bit in range(32, len(frame) * 8):
            frame[bit // 8] ^= 0x80 >> bit % 8
            self.assertEqual(TcFrame().read(frame, len(frame)), errors.TC_FECF)
            frame[bit // 8] ^= 0x80 >> bit % 8

    def test_tc_version(self):
        for version in (1, 2, 3):
            self.assertEqual(read(ground.ad(0, version=version)), errors.TC_VERSION)

    def test_tc_reserved(self):
        for spare in (1, 2, 3):
            self.assertEqual(read(ground.ad(0, spare=spare)), errors.TC_RESERVED)

    def test_tc_scid(self):
        for bit in range(10):
            self.assertEqual(read(ground.ad(0, scid=0x0A5 ^ 1 << bit)), errors.TC_SCID)

    def test_tc_vcid(self):
        for bit in range(6):
            self.assertEqual(read(ground.ad(0, vcid=1 << bit)), errors.TC_VCID)

    def test_tc_flags(self):
        self.assertEqual(read(ground.tc_frame(0x10, 0, b"\xc0\x01")), errors.TC_FLAGS)

    def test_tc_control(self):
        for data in (b"\x01", b"\x00\x00", b"\x82", b"\x82\x00", b"\x82\x01\x05", b"\x82\x00\x05\x00", b"\x00\x82\x05"):
            with self.subTest(data=data):
                self.assertEqual(read(ground.tc_frame(ground.BC, 0, data)), errors.TC_CONTROL)

    def test_n_s_of_a_control_frame_is_not_looked_at(self):
        self.assertEqual(read(ground.tc_frame(ground.BC, 9, b"\x00")), errors.OK)

    def test_tc_data_short(self):
        self.assertEqual(read(ground.ad(0, b"")), errors.TC_DATA_SHORT)

    def test_tc_segment(self):
        for segment in (0x00, 0x40, 0x80, 0xC1, 0xE0, 0xFF):
            self.assertEqual(read(ground.ad(0, segment=bytes((segment,)))), errors.TC_SEGMENT)

    def test_the_first_failed_check_names_the_reason(self):
        # All of them wrong at once, then mended one after the other in the order of SPEC 4.
        fields = {"version": 1, "spare": 1, "scid": 1, "vcid": 1}
        for name, reason in (
            ("version", errors.TC_VERSION),
            ("spare", errors.TC_RESERVED),
            ("scid", errors.TC_SCID),
            ("vcid", errors.TC_VCID),
        ):
            self.assertEqual(read(ground.tc_frame(0x10, 0, b"\x01", **fields)), reason)
            del fields[name]
        self.assertEqual(read(ground.tc_frame(0x10, 0, b"\x01")), errors.TC_FLAGS)


class TestAcceptance(UplinkCase):
    def test_ad_frames_in_order_come_out_in_order(self):
        self.feed(ground.ad(0, b"one"), ground.ad(1, b"two"), ground.ad(2, b"three"))
        self.assertEqual(self.drain(), [b"one", b"two", b"three"])
        self.assertEqual((self.uplink.farm.v_r, self.uplink.frames_ad, self.dropped()), (3, 3, {}))

    def test_one_wrong_bit_in_a_code_block_is_corrected(self):
        octets = bytearray(ground.cltu(ground.ad(0, b"data")))
        octets[5] ^= 0x10
        self.uplink.feed(octets, 0, len(octets), 0)
        self.assertEqual((self.drain(), self.dropped()), ([b"data"], {}))
        self.assertEqual(self.uplink.cltu_count(CLTU_CORRECTED), 1)

    def test_bd_comes_out_before_ad(self):
        self.feed(ground.ad(0, b"one"), ground.bd(b"now"))
        self.assertEqual(self.drain(), [b"now", b"one"])
        self.assertEqual((self.uplink.farm.farm_b_counter, self.uplink.frames_bd), (1, 1))

    def test_every_invalid_frame_is_counted_and_changes_nothing_else(self):
        self.feed(ground.ad(0, scid=1), ground.ad(0, version=1), ground.ad(0, vcid=3))
        self.assertEqual(self.dropped(), {errors.TC_SCID: 1, errors.TC_VERSION: 1, errors.TC_VCID: 1})
        self.assertEqual((self.drops.total, self.drops.last), (3, errors.TC_VCID))
        self.assertEqual((self.uplink.farm.report(), self.drain()), (0, []))

    def test_farm_retransmit_when_a_frame_is_missing(self):
        self.feed(ground.ad(1))
        self.assertEqual((self.dropped(), self.uplink.farm.report()), ({errors.FARM_RETRANSMIT: 1}, 0x0800))
        self.feed(ground.ad(0), ground.ad(1))
        self.assertEqual((len(self.drain()), self.uplink.farm.report()), (2, 2))

    def test_farm_negative_when_a_frame_comes_twice(self):
        self.feed(ground.ad(0), ground.ad(0))
        self.assertEqual((self.dropped(), len(self.drain())), ({errors.FARM_NEGATIVE: 1}, 1))

    def test_farm_outside_then_lockout_until_unlock(self):
        self.feed(ground.ad(128), ground.ad(0))
        self.assertEqual(self.dropped(), {errors.FARM_OUTSIDE: 1, errors.FARM_LOCKOUT: 1})
        self.assertEqual((self.uplink.farm.state, self.drain()), (LOCKOUT, []))
        self.feed(ground.unlock(), ground.ad(0))
        self.assertEqual((self.uplink.farm.state, len(self.drain()), self.uplink.frames_bc), (OPEN, 1, 1))

    def test_set_v_r(self):
        self.feed(ground.set_vr(0x2A), ground.ad(0x2A))
        self.assertEqual((self.uplink.farm.v_r, len(self.drain())), (0x2B, 1))

    def test_set_v_r_in_lockout_is_counted_but_not_executed(self):
        self.feed(ground.ad(128), ground.set_vr(7))
        self.assertEqual((self.uplink.farm.v_r, self.uplink.farm.farm_b_counter), (0, 1))
        self.assertEqual(self.dropped(), {errors.FARM_OUTSIDE: 1, errors.FARM_LOCKOUT: 1})

    def test_farm_wait_when_the_buffer_is_full_until_there_is_room_for_the_longest_frame(self):
        data = bytes(range(240))
        n_s = 0
        while self.uplink.farm.state == OPEN:
            self.feed(ground.ad(n_s, data))
            n_s += 1
        accepted = n_s - 1
        # 4096 octets hold 16 units of 240 octets with 2 octets of length each.
        self.assertEqual((accepted, self.dropped()), (16, {errors.FARM_WAIT: 1}))
        self.assertEqual(self.uplink.farm.report(), 0x1800 | accepted)
        self.assertTrue(self.uplink.next())
        self.uplink.release()
        self.assertEqual(self.uplink.farm.state, WAIT)
        self.assertTrue(self.uplink.next())
        self.uplink.release()
        self.assertEqual((self.uplink.farm.state, self.uplink.farm.report()), (OPEN, 0x0800 | accepted))
        self.feed(ground.ad(accepted, b"again"))
        self.assertEqual(self.drain()[-1], b"again")

    def test_the_wait_flag_goes_when_there_is_room_also_in_lockout(self):
        n_s = 0
        while self.uplink.farm.state == OPEN:
            self.feed(ground.ad(n_s, bytes(240)))
            n_s += 1
        self.feed(ground.ad(n_s + 128))
        self.assertEqual((self.uplink.farm.state, self.uplink.farm.report() >> 8), (LOCKOUT, 0x38))
        self.drain()
        self.assertEqual((self.uplink.farm.state, self.uplink.farm.report() >> 8), (LOCKOUT, 0x28))

    def test_the_buffers_are_used_to_the_last_octet(self):
        # 17 units of 238 octets and one of 14, each with 2 octets of length, are 4096; 5 of 202 and one of 2 are 1024.
        units = [bytes((number,)) * 238 for number in range(17)] + [bytes(14)]
        self.feed(*[ground.ad(n_s, unit) for n_s, unit in enumerate(units)])
        self.feed(*[ground.bd(bytes(202)) for _ in range(5)])
        self.feed(ground.bd(b"bd"))
        self.assertEqual((self.dropped(), self.uplink.farm.v_r), ({}, 18))
        self.feed(ground.ad(18, b"x"), ground.bd(b"x"))
        self.assertEqual(self.dropped(), {errors.FARM_WAIT: 1, errors.FARM_BD_ERASED: 1})
        data = self.drain()
        self.assertEqual((data[4:6], data[6:]), ([b"bd", b"x"], units))

    def test_farm_bd_erased_when_bd_data_is_not_read(self):
        units = [bytes((number,)) * 200 for number in range(7)]
        self.feed(*[ground.bd(unit) for unit in units])
        self.assertEqual(TC_BD_BUFFER // 202, 5)
        self.assertEqual((self.drain(), self.dropped()), (units[2:], {errors.FARM_BD_ERASED: 2}))

    def test_tc_control_rate(self):
        self.feed(*([ground.unlock()] * (BC_RATE_MAX + 2)), now_ms=5000)
        self.assertEqual((self.uplink.frames_bc, self.dropped()), (BC_RATE_MAX, {errors.TC_CONTROL_RATE: 2}))
        self.feed(ground.unlock(), now_ms=5999)
        self.assertEqual(self.uplink.frames_bc, BC_RATE_MAX)
        self.feed(ground.unlock(), now_ms=6000)
        self.assertEqual((self.uplink.frames_bc, self.dropped()), (BC_RATE_MAX + 1, {errors.TC_CONTROL_RATE: 3}))

    def test_tc_control_rate_over_the_wrap_of_the_clock(self):
        last = (1 << 30) - 1
        self.feed(*([ground.unlock()] * BC_RATE_MAX), now_ms=last)
        self.feed(ground.unlock(), now_ms=998)
        self.assertEqual(self.dropped(), {errors.TC_CONTROL_RATE: 1})
        self.feed(ground.unlock(), now_ms=999)
        self.assertEqual(self.uplink.frames_bc, BC_RATE_MAX + 1)


class TestRandomised(UplinkCase):
    def test_frames_are_derandomised_when_the_mission_says_so(self):
        octets = ground.cltu(ground.ad(0, b"data"), randomised=True)
        self.uplink.feed(octets, 0, len(octets), 0)
        self.assertEqual(self.dropped(), {errors.TC_LENGTH: 1})
        name = "TC_RANDOMISED"
        setattr(uplink_module, name, 1)
        try:
            self.uplink.feed(octets, 0, len(octets), 0)
        finally:
            setattr(uplink_module, name, 0)
        self.assertEqual(self.drain(), [b"data"])


class TestPieces(unittest.TestCase):
    """Whole, octet by octet, in odd chunks and with garbage between: the same data and the same counters."""

    def run_pieces(self, stream, size):
        drops = DropCounters()
        uplink = Uplink(drops)
        for start in range(0, len(stream), size):
            piece = stream[start : start + size]
            uplink.feed(piece, 0, len(piece), 0)
        data = []
        while uplink.next():
            data.append(bytes(uplink.buffer[uplink.start : uplink.end]))
            uplink.release()
        return data, list(drops.counts), uplink.farm.report(), [uplink.cltu_count(which) for which in range(10)]

    def test_w027_any_pieces_give_the_same(self):
        stream = b"\x00garbage\xeb"
        for n_s in range(4):
            stream += ground.cltu(ground.ad(n_s, b"telecommand %d" % n_s)) + b"\x55" * n_s
        stream += ground.cltu(ground.ad(9)) + ground.cltu(ground.bd(b"b")) + ground.cltu(ground.unlock(scid=2))
        # A false start swallows what follows, up to the first block that it refuses.
        stream += b"\xeb\x90" + ground.cltu(ground.ad(4)) + ground.cltu(ground.ad(4))
        whole = self.run_pieces(stream, len(stream))
        self.assertEqual(whole[0][:5], [b"b"] + [b"telecommand %d" % n_s for n_s in range(4)])
        self.assertEqual(whole[1][errors.TC_SCID], 1)
        for size in (1, 2, 3, 7, 8, 13, 64):
            with self.subTest(size=size):
                self.assertEqual(self.run_pieces(stream, size), whole)


class TestSdls(UplinkCase):
    def setUp(self):
        self.drops = DropCounters()
        self.sa_ad = SecurityAssociation(1, ground.KEY_AD, 0x0001, 0xFFFE)  # the last number is 0x1FFFE
        self.sa_bd = SecurityAssociation(2, ground.KEY_BD)
        self.uplink = Uplink(self.drops, self.sa_ad, self.sa_bd)

    def numbers(self):
        return (
            self.sa_ad.number_high << 16 | self.sa_ad.number_low,
            self.sa_bd.number_high << 16 | self.sa_bd.number_low,
        )

    def test_literal_frame(self):
        # MAC by an independent HMAC-SHA-256 over 00 00 00 00 00 C0 00 02 00 00 00 01 41.
        frame = ground.protect(ground.BD, 0, b"A", 1)
        self.assertEqual(frame[:13], b"\x20\xa5\x00\x1e\x00\xc0\x00\x02\x00\x00\x00\x01A")
        self.assertEqual(frame[13:29], b"\x51\xfd\x6c\xb2\x33\x41\x98\x86\x93\x0f\x13\x62\x9e\xf6\xe1\x7a")
        self.feed(frame)
        self.assertEqual((self.drain(), self.numbers()), ([b"A"], (0x1FFFE, 1)))

    def test_ad_and_bd_have_numbers_of_their_own(self):
        self.feed(
            ground.protect(ground.AD, 0, b"one", 0x1FFFF),
            ground.protect(ground.BD, 0, b"now", 5),
            ground.protect(ground.AD, 1, b"two", 0x20000),
        )
        self.assertEqual((self.drain(), self.numbers(), self.dropped()), ([b"now", b"one", b"two"], (0x20000, 5), {}))

    def test_control_frames_need_no_security(self):
        self.feed(ground.unlock(), ground.set_vr(3))
        self.assertEqual((self.uplink.frames_bc, self.uplink.farm.v_r), (2, 3))

    def test_tc_data_short(self):
        self.feed(ground.bd(bytes(22)))
        self.feed(ground.bd())
        # Header and trailer without one octet between them, in 30 octets.
        self.assertEqual(len(ground.protect(ground.BD, 0, b"", 6)), 30)
        self.feed(ground.protect(ground.BD, 0, b"", 6))
        self.assertEqual(self.dropped(), {errors.TC_DATA_SHORT: 3})

    def test_sdls_spi(self):
        for kind, spi in ((ground.AD, 2), (ground.BD, 1), (ground.AD, 0), (ground.AD, 0x0101)):
            self.feed(ground.protect(kind, 0, b"A", 0x1FFFF, spi))
        self.assertEqual((self.dropped(), self.uplink.farm.report()), ({errors.SDLS_SPI: 4}, 0))

    def test_an_ad_frame_cannot_be_turned_into_a_bd_frame(self):
        frame = bytearray(ground.protect(ground.AD, 0, b"A", 0x1FFFF))
        frame[0] |= 0x20
        self.feed(ground.with_fecf(frame[:-2]))
        self.assertEqual((self.dropped(), self.drain()), ({errors.SDLS_SPI: 1}, []))

    def test_w050_every_authenticated_bit_counts(self):
        good = ground.protect(ground.BD, 0, b"Az", 1)
        # The MAC itself and the data; segment header and SPI have reasons of their own.
        for bit in list(range(8 * 8, (len(good) - 2) * 8)):
            frame = bytearray(good[:-2])
            frame[bit // 8] ^= 0x80 >> bit % 8
            frame = ground.with_fecf(frame)
            self.assertEqual(TcFrame().read(bytearray(frame), len(frame)), errors.OK)
            self.assertEqual(self.sa_bd.verify(bytearray(frame), 6, len(frame) - 2), errors.SDLS_MAC)

    def test_w050_length_and_n_s_are_not_authenticated(self):
        frame = bytearray(ground.protect(ground.AD, 0, b"A", 0x1FFFF))
        frame[4] = 77
        self.assertEqual(self.sa_ad.verify(frame, 6, len(frame) - 2), errors.OK)

    def test_w050_another_key(self):
        self.feed(ground.protect(ground.AD, 0, b"A", 0x1FFFF, key=ground.KEY_BD))
        self.assertEqual(self.dropped(), {errors.SDLS_MAC: 1})

    def test_w051_replay_and_window(self):
        last = 0x1FFFE
        for number, reason in (
            (0, errors.SDLS_REPLAY),
            (last, errors.SDLS_REPLAY),
            (last - 1, errors.SDLS_REPLAY),
            (last - 0x10000, errors.SDLS_REPLAY),
            (last + 1, errors.OK),
            (last + SDLS_WINDOW, errors.OK),
            (last + SDLS_WINDOW + 1, errors.SDLS_WINDOW),
            (last + 0x10000, errors.SDLS_WINDOW),
            (last + 0x20000, errors.SDLS_WINDOW),
            (0xFFFFFFFF, errors.SDLS_WINDOW),
        ):
            with self.subTest(number=number):
                frame = bytearray(ground.protect(ground.AD, 0, b"A", number))
                self.assertEqual(self.sa_ad.verify(frame, 6, len(frame) - 2), reason)
        self.assertEqual(self.numbers()[0], last)

    def test_w051_zero_is_a_replay_at_the_very_start(self):
        frame = bytearray(ground.protect(ground.BD, 0, b"A", 0))
        self.assertEqual(self.sa_bd.verify(frame, 6, len(frame) - 2), errors.SDLS_REPLAY)

    def test_an_spi_of_two_octets(self):
        sa = SecurityAssociation(0x0102, ground.KEY_AD)
        for spi, reason in ((0x0102, errors.OK), (0x0202, errors.SDLS_SPI), (0x0103, errors.SDLS_SPI)):
            frame = bytearray(ground.protect(ground.AD, 0, b"A", 1, spi))
            self.assertEqual(sa.verify(frame, 6, len(frame) - 2), reason)

    def test_numbers_at_the_end_of_their_range(self):
        sa = SecurityAssociation(1, ground.KEY_AD, 0xFFFF, 0xFFFE)
        for number, reason in ((0xFFFFFFFF, errors.OK), (0xFFFFFFFE, errors.SDLS_REPLAY), (1, errors.SDLS_REPLAY)):
            frame = bytearray(ground.protect(ground.AD, 0, b"A", number))
            self.assertEqual(sa.verify(frame, 6, len(frame) - 2), reason)

    def test_w052_a_frame_that_farm_refuses_does_not_move_the_number(self):
        self.feed(ground.protect(ground.AD, 1, b"two", 0x20000))
        self.assertEqual((self.dropped(), self.numbers()[0]), ({errors.FARM_RETRANSMIT: 1}, 0x1FFFE))
        self.feed(ground.protect(ground.AD, 0, b"one", 0x1FFFF), ground.protect(ground.AD, 1, b"two", 0x20000))
        self.assertEqual((self.drain(), self.numbers()[0]), ([b"one", b"two"], 0x20000))

    def test_a_retransmitted_frame_is_a_replay_without_effect(self):
        frame = ground.protect(ground.AD, 0, b"one", 0x1FFFF)
        self.feed(frame, frame)
        self.assertEqual((len(self.drain()), self.dropped()), (1, {errors.SDLS_REPLAY: 1}))
        self.assertEqual(self.uplink.farm.report(), 1)

    def test_an_unauthenticated_frame_cannot_cause_lockout(self):
        self.feed(ground.protect(ground.AD, 128, b"A", 0x1FFFF, key=b"guess"))
        self.assertEqual((self.uplink.farm.state, self.dropped()), (OPEN, {errors.SDLS_MAC: 1}))


class TestFduQueue(unittest.TestCase):
    def put(self, queue, unit):
        """True when there was a place for *unit*."""
        at = queue.place(len(unit))
        if at >= 0:
            queue.put(at, unit, 0, len(unit))
        return at >= 0

    def test_units_of_every_size_round_and_round(self):
        queue = FduQueue(64)
        expected = []
        number = 0
        for step in range(400):
            unit = bytes((number + i) & 255 for i in range(number * 7 % 23 + 1))
            took = self.put(queue, unit)
            if took:
                expected.append(unit)
                number += 1
            if not took or step % 3 == 0:
                self.assertEqual(bytes(queue.buffer[queue.start : queue.end]), expected.pop(0))
                queue.pop()
            self.assertEqual(queue.count, len(expected))
        self.assertGreater(number, 200)

    def test_a_unit_as_long_as_the_buffer_allows(self):
        queue = FduQueue(64)
        self.assertEqual(queue.place(63), -1)
        self.assertTrue(self.put(queue, bytes(range(62))))
        self.assertEqual(queue.place(1), -1)
        queue.pop()
        self.assertTrue(self.put(queue, bytes(62)))

    def test_free_octets_are_used_exactly(self):
        queue = FduQueue(16)
        self.put(queue, b"abcdef")
        self.put(queue, b"ghij")
        self.assertEqual(queue.place(1), -1)
        queue.pop()
        # Two octets are left at the end, eight at the start.
        self.assertEqual((queue.place(0), queue.place(7), queue.place(6)), (14, -1, 0))
        self.put(queue, b"klmnop")
        self.assertEqual(queue.place(0), -1)
        queue.pop()
        self.assertEqual(bytes(queue.buffer[queue.start : queue.end]), b"klmnop")
        self.assertEqual((queue.place(6), queue.place(7)), (8, -1))

    def test_units_longer_than_one_octet_counts(self):
        queue = FduQueue(700)
        self.put(queue, bytes(300))
        self.put(queue, b"\x01" * 301)
        queue.pop()
        self.assertEqual((queue.start, queue.end), (304, 605))

    def test_looking_for_a_place_changes_nothing(self):
        queue = FduQueue(16)
        self.put(queue, b"abcdef")
        before = bytes(queue.buffer)
        self.assertEqual((queue.place(10), queue.place(6)), (-1, 8))
        self.assertEqual((bytes(queue.buffer), queue.count), (before, 1))


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_receiving_and_reading_allocates_nothing(self):
        drops = DropCounters()
        uplink = Uplink(drops)
        stream = b"noise" + ground.cltu(ground.unlock()) + ground.cltu(ground.set_vr(0))
        for n_s in range(40):
            stream += ground.cltu(ground.ad(n_s, bytes(120)))
        stream += ground.cltu(ground.ad(100)) + ground.cltu(ground.ad(250)) + ground.cltu(ground.ad(1, scid=9))
        for _ in range(8):
            stream += ground.cltu(ground.bd(bytes(200)))
        size = len(stream)

        def pass_over():
            uplink.feed(stream, 0, size, 0)
            while uplink.next():
                uplink.release()

        run_locked(pass_over)
        self.assertGreater(drops.counts[errors.FARM_WAIT], 0)
        self.assertGreater(drops.counts[errors.FARM_BD_ERASED], 0)

    @needs_heap_lock
    def test_authentication_allocates_nothing(self):
        from flight.codec import BACKEND  # noqa: PLC0415  asked here alone

        if BACKEND != "c":
            self.skipTest("SHA-256 of the Python twin needs long integers")
        sa = SecurityAssociation(1, ground.KEY_AD)
        frame = bytearray(ground.protect(ground.AD, 0, bytes(100), 1))
        end = len(frame) - 2

        def verify():
            status = sa.verify(frame, 6, end)
            sa.accept()
            return status

        self.assertEqual(run_locked(verify), errors.SDLS_REPLAY)


if __name__ == "__main__":
    unittest.main()
