"""Modbus RTU master: literal frames, and what happens to everything that is not the answer.

Frames after the examples of MODBUS Application Protocol V1.1b3, chapter 6, for slave 11 hex; a library says the same of
them in tests/host.
"""

import unittest

from flight.device.modbus import (
    FAILED_CORRUPT,
    FAILED_SILENT,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Client,
    Master,
)
from flight.hal.host import MemoryPort
from heap import needs_heap_lock, run_locked
from modbus_line import ANSWER, ASK, ATTEMPTS, TIMEOUT_MS, Line


class TestFrames(unittest.TestCase):
    def test_requests(self):
        for function, address, count, data, expected in (
            # slave, function, address, count, CRC
            (READ_COILS, 0x0013, 0x25, b"", "1101001300250e84"),
            (READ_DISCRETE, 0x00C4, 0x16, b"", "110200c40016baa9"),
            (READ_HOLDING, 0x006B, 3, b"", "1103006b00037687"),
            (READ_INPUT, 0x0008, 1, b"", "110400080001b298"),
            # FF00 is on, 0000 is off
            (WRITE_COIL, 0x00AC, 1, b"\x01", "110500acff004e8b"),
            (WRITE_COIL, 0x00AC, 1, b"\x00", "110500ac00000f7b"),
            (WRITE_REGISTER, 0x0001, 1, b"\x00\x03", "1106000100039a9b"),
            # count, octets, the first coil in bit 0
            (WRITE_COILS, 0x0013, 10, b"\xcd\x01", "110f0013000a02cd01bf0b"),
            (WRITE_REGISTERS, 0x0001, 2, b"\x00\x0a\x01\x02", "11100001000204000a0102c6f0"),
        ):
            line = Line()
            self.assertEqual(line.ask(function, address, count, data), bytes.fromhex(expected))

    def test_answers(self):
        for function, address, count, data, answer, expected in (
            (READ_COILS, 0x0013, 0x25, b"", "110105cd6bb20e1b45e6", "cd6bb20e1b"),
            (READ_DISCRETE, 0x00C4, 0x16, b"", "110203acdb352018", "acdb35"),
            (READ_HOLDING, 0x006B, 3, b"", "110306ae415652434049ad", "ae4156524340"),
            (READ_INPUT, 0x0008, 1, b"", "110402000af8f4", "000a"),
            (WRITE_COIL, 0x00AC, 1, b"\x01", "110500acff004e8b", "00acff00"),
            (WRITE_REGISTER, 0x0001, 1, b"\x00\x03", "1106000100039a9b", "00010003"),
            (WRITE_COILS, 0x0013, 10, b"\xcd\x01", "110f0013000a2699", "0013000a"),
            (WRITE_REGISTERS, 0x0001, 2, b"\x00\x0a\x01\x02", "1110000100021298", "00010002"),
        ):
            line = Line()
            line.ask(function, address, count, data)
            line.answer(bytes.fromhex(answer))
            self.assertEqual(line.client.answers, [bytes.fromhex(expected)])
            self.assertEqual((line.errors.requests, line.errors.replies, line.errors.corrupt), (1, 1, 0))

    def test_an_exception_is_not_asked_again(self):
        line = Line()
        line.ask()
        line.answer(bytes.fromhex("118402c304"))
        line.run(2000)
        self.assertEqual(line.client.failures, [2])
        self.assertEqual((line.errors.requests, line.errors.exceptions, line.errors.failures), (1, 1, 1))

    def test_a_broadcast_has_no_answer(self):
        line = Line()
        sent = line.ask(WRITE_REGISTER, 1, 1, b"\x00\x03", slave=0)
        self.assertEqual(sent[:6], bytes.fromhex("000600010003"))
        self.assertEqual(line.client.answers, [])
        line.run(200)
        self.assertEqual(len(line.client.answers), 1)
        self.assertEqual(line.errors.timeouts, 0)


class TestTrouble(unittest.TestCase):
    def setUp(self):
        self.line = Line()
        self.errors = self.line.errors

    def counts(self):
        e = self.errors
        return (e.requests, e.replies, e.timeouts, e.corrupt, e.strangers, e.retries, e.failures)

    def test_the_answer_may_come_in_pieces(self):
        self.line.ask()
        for octet in ANSWER:
            self.line.answer(bytes((octet,)), 2)
        self.assertEqual(self.line.client.answers, [b"\x00\x0a"])
        self.assertEqual(self.counts(), (1, 1, 0, 0, 0, 0, 0))

    def test_silence_is_asked_again_and_given_up_in_bounded_time(self):
        self.assertEqual(self.line.ask(), ASK)
        self.line.run(ATTEMPTS * (TIMEOUT_MS + 60))
        self.assertEqual(self.line.port.take(), ASK + ASK)
        self.assertEqual(self.line.client.failures, [FAILED_SILENT])
        self.assertEqual(self.counts(), (3, 0, 3, 0, 0, 2, 1))

    def test_the_second_attempt_counts(self):
        self.line.ask()
        self.line.run(TIMEOUT_MS + 60)
        self.assertEqual(self.line.port.take(), ASK)
        self.line.answer(ANSWER)
        self.assertEqual(self.line.client.answers, [b"\x00\x0a"])
        self.assertEqual(self.counts(), (2, 1, 1, 0, 0, 1, 0))

    def test_a_wrong_bit_is_corrupt(self):
        for place in range(len(ANSWER)):
            for bit in range(8):
                line = Line()
                line.ask()
                octets = bytearray(ANSWER)
                octets[place] ^= 1 << bit
                line.answer(bytes(octets))
                self.assertEqual(line.client.answers, [])
                self.assertEqual(line.errors.corrupt, 1)

    def test_a_short_answer_is_corrupt(self):
        for length in range(1, len(ANSWER)):
            line = Line()
            line.ask()
            line.answer(ANSWER[:length])
            self.assertEqual((line.client.answers, line.errors.corrupt), ([], 1))

    def test_a_long_answer_is_corrupt(self):
        self.line.ask()
        self.line.answer(ANSWER + b"\x00")
        self.assertEqual((self.line.client.answers, self.errors.corrupt), ([], 1))

    def test_more_than_a_frame_can_hold_is_corrupt(self):
        self.line.ask()
        self.line.answer(bytes(700), 50)
        self.assertEqual((self.line.client.answers, self.errors.corrupt), ([], 1))

    def test_another_slave_is_waited_past(self):
        self.line.ask()
        self.line.answer(bytes.fromhex("120402000abcf4"), 5)
        self.assertEqual(self.errors.strangers, 1)
        self.line.answer(ANSWER)
        self.assertEqual(self.line.client.answers, [b"\x00\x0a"])
        self.assertEqual(self.counts(), (1, 1, 0, 0, 1, 0, 0))

    def test_the_answer_to_another_question_is_waited_past(self):
        self.line.ask()
        self.line.answer(bytes.fromhex("110302000af980"), 5)
        self.assertEqual((self.errors.strangers, self.line.client.answers), (1, []))

    def test_the_echo_of_another_write_is_waited_past(self):
        self.line.ask(WRITE_REGISTER, 1, 1, b"\x00\x04")
        self.line.answer(bytes.fromhex("1106000100039a9b"), 5)
        self.assertEqual((self.errors.strangers, self.line.client.answers), (1, []))

    def test_a_late_answer_is_not_taken_for_that_of_the_next_slave(self):
        other = self.line.make(READ_INPUT, 8, 1, slave=0x12)
        self.line.ask()
        self.line.master.attempts = 1
        self.line.run(TIMEOUT_MS + 5)
        self.line.master.submit(other)
        self.line.answer(ANSWER, 20)
        self.assertEqual(self.line.port.take(), b"")  # not before the line is quiet
        self.line.run(100)
        self.assertEqual(self.line.port.take()[0], 0x12)
        self.assertEqual((self.errors.timeouts, self.errors.strangers), (1, 1))
        self.line.run(TIMEOUT_MS)
        self.line.master.submit(other)
        self.line.run(100)
        self.assertEqual((self.errors.requests, self.errors.strangers), (3, 1))
        self.assertEqual(self.line.client.answers, [])

    def test_a_line_that_is_never_silent_costs_bounded_time(self):
        transaction = self.line.make(READ_INPUT, 8, 1)
        self.line.master.poll(self.line.now_ms)
        self.line.master.submit(transaction)
        for _ in range(ATTEMPTS * (TIMEOUT_MS + 150)):
            self.line.port.put(b"\x55")
            self.line.now_ms += 1
            self.line.master.poll(self.line.now_ms)
        self.assertEqual(self.line.client.failures, [FAILED_CORRUPT])
        self.assertEqual(self.errors.requests, 0)

    def test_units_take_turns(self):
        line = self.line
        line.master.attempts = 1
        first = line.make(READ_INPUT, 0, 1, slave=0x11)
        second = line.make(READ_INPUT, 0, 1, slave=0x12)
        for _ in range(4):
            line.master.submit(first)
            line.master.submit(second)
            line.run(2 * (TIMEOUT_MS + 60))
            sent = line.port.take()
            self.assertEqual(sorted((sent[0], sent[8])), [0x11, 0x12])
            self.assertEqual(len(sent), 16)

    def test_a_full_transmit_ring_is_offered_the_same_again(self):
        line = self.line
        line.port = MemoryPort(capacity=7)
        line.master = Master(line.port, TIMEOUT_MS, 1)
        transaction = line.make(READ_INPUT, 8, 1)
        line.master.submit(transaction)
        line.run(1000)
        self.assertEqual(line.client.failures, [FAILED_SILENT])
        self.assertFalse(transaction.busy)


class Steady:
    """A read and a write with answers, and silence, over and over."""

    def __init__(self):
        self.line = Line()
        self.port = QuietPort()
        self.line.master = Master(self.port, TIMEOUT_MS, 2)
        self.read = self.line.make(READ_INPUT, 8, 1, client=Client())
        self.write = self.line.make(WRITE_REGISTER, 1, 1, client=Client())

    def __call__(self):
        master = self.line.master
        now_ms = self.line.now_ms
        for turn in range(200):
            master.submit(self.read)
            master.submit(self.write)
            self.port.count = len(ANSWER) if turn & 1 else 0
            for _ in range(10):
                now_ms += 10
                master.poll(now_ms)
        self.line.now_ms = now_ms
        return self.line.errors.replies


class QuietPort(MemoryPort):
    """Answers everything with the same octets, without memory."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def read_into(self, buffer):
        count = self.count
        for i in range(count):
            buffer[i] = ANSWER[i]
        self.count = 0
        return count

    def write(self, buffer, start=0, end=-1):
        return True


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_nothing_is_allocated(self):
        steady = Steady()
        self.assertGreater(run_locked(steady), 0)
        self.assertGreater(steady.line.errors.timeouts, 0)


if __name__ == "__main__":
    unittest.main()
