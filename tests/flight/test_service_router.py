"""Acceptance of requests: every check of the router with its failure code and offending value; stages of ST[01]."""

import unittest

from bench import ALL, APID, Bench, ids, telecommand
from flight.errors import PACKET_APID, PACKET_CRC, PUS_VERSION
from flight.limits import ARM_MS
from flight.service import failure
from flight.service.base import Service
from flight.service.function import FunctionHandler
from flight.tables import MODE_NOMINAL, MODE_SAFE

REQUEST_ID = b"\x18\x64\xc0\x00"
NONE = b"\xff\xff\x00\x00\x00\x00\x00"  # nowhere, no kind, no value
# u8 5, i8 -3, u16 65535, i16 -1000, u32 100000, i32 -100000, f32 1.5, true, BLUE
EVERY = b"\x05\xfd\xff\xff\xfc\x18\x00\x01\x86\xa0\xff\xfe\x79\x60\x3f\xc0\x00\x00\x01\x04"


def notice(code, where=0xFFFF, kind=0, value=0):
    """The failure notice of SPEC 14."""
    octets = (
        code >> 8,
        code & 0xFF,
        where >> 8,
        where & 0xFF,
        kind,
        value >> 24,
        value >> 16 & 0xFF,
        value >> 8 & 0xFF,
    )
    return bytes(octets) + bytes((value & 0xFF,))


class RouterCase(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()

    def assertRejected(self, reports, *expected):
        self.assertEqual([report.kind for report in reports], [(1, 2)])
        self.assertEqual(reports[0].data, REQUEST_ID + notice(*expected))


class TestStages(RouterCase):
    def test_ping_gives_acceptance_answer_start_completion(self):
        reports = self.bench.command(17, 1)
        self.assertEqual([report.kind for report in reports], [(1, 1), (17, 2), (1, 3), (1, 7)])
        self.assertEqual([report.data for report in reports], [REQUEST_ID, b"", REQUEST_ID, REQUEST_ID])

    def test_a_command_is_known_though_memory_forgot_it(self):
        router = self.bench.core.router
        arm = ids.FUNCTION_CORE_COLLECT_HEAP
        del router._commands[17 << 8 | 1]
        del router._commands[8 << 8 | 1]
        del router._functions[arm]
        del router._services[17]
        self.assertEqual([report.kind for report in self.bench.command(17, 1)][-1], (1, 7))
        reports = self.bench.command(8, 1, bytes((arm >> 8, arm & 0xFF)))
        self.assertEqual([report.kind for report in reports][-1], (1, 7))

    def test_a_service_whose_work_is_hidden_ends_the_program(self):
        self.assertRaises(NotImplementedError, Service().handle, None)
        self.assertRaises(NotImplementedError, FunctionHandler().command, 1, None)

    def test_only_what_the_flags_ask_for_is_reported(self):
        kinds = {0: [], 1: [(1, 1)], 2: [(1, 3)], 4: [], 8: [(1, 7)]}
        for ack, expected in kinds.items():
            with self.subTest(ack=ack):
                reports = self.bench.command(17, 1, ack=ack)
                self.assertEqual([report.kind for report in reports if report.kind[0] == 1], expected)

    def test_reports_go_to_the_source_with_the_count_of_the_request(self):
        reports = self.bench.command(17, 1, source=0x1234, count=0x2ABC)
        self.assertEqual({report.destination for report in reports}, {0x1234})
        self.assertEqual(reports[0].data, b"\x18\x64\xea\xbc")

    def test_failures_are_reported_without_being_asked_for(self):
        self.assertRejected(self.bench.command(200, 1, ack=0), failure.UNKNOWN_SERVICE, 0xFFFF, 1, 200)

    def test_failure_before_and_after_the_start(self):
        reports = self.bench.function(ids.FUNCTION_TRIAL_FAIL, b"\x01\x23\x00")
        self.assertEqual([report.kind for report in reports], [(1, 1), (1, 4)])
        self.assertEqual(reports[1].data, REQUEST_ID + notice(0x123, 1, 1, 0x123))
        reports = self.bench.function(ids.FUNCTION_TRIAL_FAIL, b"\x01\x23\x01")
        self.assertEqual([report.kind for report in reports], [(1, 1), (1, 3), (1, 8)])

    def test_counters(self):
        verification = self.bench.core.verification
        self.bench.command(17, 1)
        self.bench.command(17, 9)
        self.bench.function(ids.FUNCTION_TRIAL_FAIL, b"\x01\x23\x00")
        self.assertEqual(
            (verification.accepted, verification.rejected, verification.completed, verification.failed), (2, 1, 1, 1)
        )
        self.assertEqual(verification.last_code, 0x123)


class TestLostAnswers(RouterCase):
    def test_no_request_is_completed_when_a_report_that_answers_it_is_lost(self):
        self.bench.command(11, 4, b"\x01\x1e\x74\x9e\x80\x00\x00\x00" + telecommand(17, 1))
        self.bench.command(21, 1, b"\x00\x09\x01\x00\x00\x00\x00\x00\x02\x11\x01")
        self.bench.command(3, 6, b"\x01\x00\x64")
        for service, subtype, data in (
            (3, 27, b"\x10" + b"\x00\x64" * 16),
            (3, 9, b"\x02\x00\x64\x00\x65"),
            (9, 129, b""),
            (11, 16, b""),
            (11, 17, b""),
            (12, 8, b"\x00"),
            (19, 10, b"\x00"),
            (20, 128, b""),
            (21, 11, b"\x00\x09"),
        ):
            # Acceptance and verdict find room, the answer does not.
            refused = [0]
            send = self.bench.catcher.send

            def send_verification(packet, start, end, send=send, refused=refused):
                if packet[start + 7] != 1:
                    refused[0] += 1
                    return 0x68
                return send(packet, start, end)

            self.bench.catcher.send = send_verification  # type: ignore[method-assign]
            reports = self.bench.command(service, subtype, data)
            self.bench.catcher.send = send  # type: ignore[method-assign]
            self.assertEqual([report.kind for report in reports], [(1, 1), (1, 3), (1, 8)], (service, subtype))
            self.assertGreater(refused[0], 0)
            self.assertEqual(reports[-1].data[4:], notice(failure.REPORTS_LOST, 0xFFFF, 1, refused[0]))
            self.assertEqual(self.bench.command(service, subtype, data)[-1].kind, (1, 7))


class TestPacket(RouterCase):
    """Packets that are not good never reach a service (SPEC 8)."""

    def test_wrong_error_control_is_counted_and_not_reported(self):
        packet = bytearray(telecommand(17, 1))
        packet[-1] ^= 1
        self.assertEqual(self.bench.core.router.execute(packet, 0, len(packet)), PACKET_CRC)
        self.assertEqual(self.bench.take(), [])
        self.assertEqual(self.bench.core.drops.counts[PACKET_CRC], 1)

    def test_other_apid_is_reported_with_the_drop_reason(self):
        reports = self.bench.command(17, 1, apid=APID + 1, source=9)
        self.assertEqual([report.kind for report in reports], [(1, 2)])
        self.assertEqual(reports[0].data, b"\x18\x65\xc0\x00" + notice(PACKET_APID))
        self.assertEqual(reports[0].destination, 0)

    def test_other_pus_version_is_reported_with_the_drop_reason(self):
        self.assertRejected(self.bench.command(17, 1, version=1), PUS_VERSION)

    def test_several_packets_share_a_frame_and_a_bad_one_spoils_no_other(self):
        bad = bytearray(telecommand(17, 1, count=2))
        bad[-1] ^= 1
        data = telecommand(17, 1, count=1) + bytes(bad) + telecommand(17, 1, count=3)
        self.bench.core.router.packets(bytearray(data), 0, len(data))
        accepted = [report.data for report in self.bench.take() if report.kind == (1, 1)]
        self.assertEqual(accepted, [b"\x18\x64\xc0\x01", b"\x18\x64\xc0\x03"])


class TestAcceptance(RouterCase):
    def test_unknown_service(self):
        for service in (1, 2, 128, 255):
            self.assertRejected(self.bench.command(service, 1), failure.UNKNOWN_SERVICE, 0xFFFF, 1, service)

    def test_unknown_subtype(self):
        for subtype in (0, 2, 255):
            self.assertRejected(self.bench.command(17, subtype), failure.UNKNOWN_SUBTYPE, 0xFFFF, 1, subtype)

    def test_unknown_function(self):
        self.assertRejected(self.bench.function(0xBEEF), failure.UNKNOWN_FUNCTION, 0, 1, 0xBEEF)

    def test_function_without_its_id(self):
        self.assertRejected(self.bench.command(8, 1, b"\x02"), failure.DATA_LENGTH, 2, 1, 1)

    def test_data_where_none_belongs(self):
        self.assertRejected(self.bench.command(17, 1, b"\x00"), failure.DATA_LENGTH, 0, 1, 1)

    def test_every_wrong_length_of_fixed_arguments(self):
        for length in range(len(EVERY) + 5):
            if length != len(EVERY):
                data = (EVERY + bytes(5))[:length]
                reports = self.bench.function(ids.FUNCTION_TRIAL_EVERY_TYPE, data)
                self.assertRejected(reports, failure.DATA_LENGTH, len(EVERY), 1, length)
        self.assertEqual(self.bench.trial.calls, 0)

    def test_arguments_of_every_type_arrive(self):
        reports = self.bench.function(ids.FUNCTION_TRIAL_EVERY_TYPE, EVERY)
        self.assertEqual([report.kind for report in reports], [(1, 1), (1, 3), (1, 7)])
        got = self.bench.trial.arguments
        # The two 32-bit integers take two places each and stand in the first of them.
        self.assertEqual((got[0], got[1], got[2], got[3], got[4], got[6]), (5, -3, 65535, -1000, 100000, -100000))
        self.assertEqual((got[8], got[9], got[10]), (1.5, 1, 4))

    def test_w120_w121_arguments_at_and_beyond_the_ends_of_their_ranges(self):
        # offset of the argument, its octets, failure code or 0, argument number, kind, value reported
        bad = failure.ARGUMENT_RANGE
        cases = (
            (0, b"\x02", 0, 0, 0, 0),
            (0, b"\x01", bad, 0, 1, 1),
            (0, b"\x0a", bad, 0, 1, 10),
            (1, b"\x03", 0, 0, 0, 0),
            (1, b"\x04", bad, 1, 2, 4),
            (1, b"\xfc", bad, 1, 2, 0xFFFFFFFC),
            (4, b"\x03\xe9", bad, 3, 2, 1001),
            (4, b"\xfc\x17", bad, 3, 2, 0xFFFFFC17),
            (6, b"\x00\x01\x86\xa1", bad, 4, 1, 100001),
            (6, b"\xff\xff\xff\xff", bad, 4, 1, 0xFFFFFFFF),
            (10, b"\xff\xfe\x79\x5f", bad, 5, 2, 0xFFFE795F),
            (10, b"\x3f\xff\xff\xff", 0, 0, 0, 0),
            (10, b"\x40\x00\x00\x00", bad, 5, 2, 0x40000000),
            (10, b"\x80\x00\x00\x00", bad, 5, 2, 0x80000000),
            (14, b"\x40\x00\x00\x00", 0, 0, 0, 0),
            (14, b"\x40\x00\x00\x10", bad, 6, 3, 0x40000010),
            (14, b"\x7f\xc0\x00\x00", bad, 6, 3, 0x7FC00000),  # NaN
            (14, b"\xff\x80\x00\x00", bad, 6, 3, 0xFF800000),  # minus infinity
            (18, b"\x02", bad, 7, 1, 2),
            (19, b"\x00", failure.ARGUMENT_VALUE, 8, 1, 0),
            (19, b"\x03", failure.ARGUMENT_VALUE, 8, 1, 3),
        )
        for at, octets, code, where, kind, value in cases:
            with self.subTest(at=at, octets=octets):
                data = EVERY[:at] + octets + EVERY[at + len(octets) :]
                reports = self.bench.function(ids.FUNCTION_TRIAL_EVERY_TYPE, data)
                if code:
                    self.assertRejected(reports, code, where, kind, value)
                else:
                    self.assertEqual(reports[0].kind, (1, 1))

    def test_octets_behind_the_fixed_arguments(self):
        self.bench.function(ids.FUNCTION_TRIAL_LOAD, b"\x00\x07\xde\xad")
        self.assertEqual(self.bench.trial.arguments[0], 7)
        self.assertEqual(bytes(self.bench.trial.octets[: self.bench.trial.count]), b"\xde\xad")
        self.bench.function(ids.FUNCTION_TRIAL_LOAD, b"\x00\x07")
        self.assertEqual(self.bench.trial.count, 0)
        self.assertRejected(self.bench.function(ids.FUNCTION_TRIAL_LOAD, b"\x00"), failure.DATA_LENGTH, 2, 1, 1)

    def test_mode(self):
        self.bench.core.router.mode_bit = 1 << MODE_NOMINAL
        reports = self.bench.function(ids.FUNCTION_TRIAL_SAFE_ONLY)
        self.assertRejected(reports, failure.MODE, 0xFFFF, 1, 1 << MODE_NOMINAL)
        self.bench.core.router.mode_bit = 1 << MODE_SAFE
        self.assertEqual(self.bench.function(ids.FUNCTION_TRIAL_SAFE_ONLY)[0].kind, (1, 1))


class TestItems(RouterCase):
    """Groups: 5/6 takes 1 to 64 events of two octets."""

    def test_no_count(self):
        self.assertRejected(self.bench.command(5, 6), failure.DATA_LENGTH, 1, 1, 0)

    def test_too_few_and_too_many_items(self):
        self.assertRejected(self.bench.command(5, 6, b"\x00"), failure.ITEM_COUNT, 0xFFFF, 1, 0)
        self.assertRejected(self.bench.command(5, 6, b"\x41" + bytes(130)), failure.ITEM_COUNT, 0xFFFF, 1, 65)

    def test_count_and_octets_disagree(self):
        for length in (0, 1, 3, 4):
            reports = self.bench.command(5, 6, b"\x01" + bytes(length))
            self.assertRejected(reports, failure.DATA_LENGTH, 2, 1, length)


class TestHazardous(RouterCase):
    ARM = b"\x08\x01\x02\x03"

    def test_refused_without_arming(self):
        reports = self.bench.function(ids.FUNCTION_TRIAL_DANGEROUS)
        self.assertRejected(reports, failure.NOT_ARMED, 0xFFFF, 1, 0x203)

    def test_w123_executed_once_when_armed(self):
        self.bench.function(ids.FUNCTION_CORE_ARM, self.ARM)
        self.assertEqual(self.bench.function(ids.FUNCTION_TRIAL_DANGEROUS)[0].kind, (1, 1))
        self.assertEqual(self.bench.function(ids.FUNCTION_TRIAL_DANGEROUS)[0].kind, (1, 2))

    def test_arming_ends_by_time(self):
        for wait, kind in ((ARM_MS, (1, 1)), (ARM_MS + 1, (1, 2))):
            self.bench.function(ids.FUNCTION_CORE_ARM, self.ARM)
            self.bench.clock.advance_ms(wait)
            self.assertEqual(self.bench.function(ids.FUNCTION_TRIAL_DANGEROUS)[0].kind, kind)

    def test_arming_is_for_one_request_only(self):
        self.bench.function(ids.FUNCTION_CORE_ARM, b"\x08\x01\x00\x02")
        self.assertEqual(self.bench.function(ids.FUNCTION_TRIAL_DANGEROUS)[0].kind, (1, 2))

    def test_other_requests_in_between_do_not_disarm(self):
        self.bench.function(ids.FUNCTION_CORE_ARM, self.ARM)
        self.bench.command(17, 1)
        self.assertEqual(self.bench.function(ids.FUNCTION_TRIAL_DANGEROUS)[0].kind, (1, 1))


class TestDeferred(RouterCase):
    """Executions that outlive the call."""

    def test_progress_and_completion(self):
        reports = self.bench.function(ids.FUNCTION_TRIAL_SLOW, b"\x03\x00\x00", source=5)
        self.assertEqual([report.kind for report in reports], [(1, 1), (1, 3)])
        reports = [report for report in self.bench.run(400) if report.kind[0] == 1]
        self.assertEqual([report.kind for report in reports], [(1, 5), (1, 5), (1, 7)])
        self.assertEqual([report.data[4:] for report in reports], [b"\x00\x01", b"\x00\x02", b""])
        self.assertEqual({report.data[:4] for report in reports}, {REQUEST_ID})
        self.assertEqual({report.destination for report in reports}, {5})

    def test_failure_of_completion_without_flags(self):
        self.bench.function(ids.FUNCTION_TRIAL_SLOW, b"\x02\x01\x77", ack=0)
        reports = [report for report in self.bench.run(400) if report.kind[0] == 1]
        self.assertEqual([report.kind for report in reports], [(1, 8)])
        self.assertEqual(reports[0].data, REQUEST_ID + notice(0x177, 0, 1, 2))

    def test_requests_without_flags_have_executions_of_their_own(self):
        self.bench.command(17, 1, ack=0)
        verification = self.bench.core.verification
        self.assertEqual([verification.defer(self.bench.core.request) for _ in range(3)], [0, 1, 2])

    def test_table_of_executions_is_bounded_and_free_again(self):
        verification = self.bench.core.verification
        self.bench.command(17, 1, ack=ALL)
        request = self.bench.core.request
        slots = []
        while True:
            slot = verification.defer(request)
            if slot < 0:
                break
            slots.append(slot)
        self.assertEqual(len(slots), 16)
        reports = self.bench.function(ids.FUNCTION_TRIAL_SLOW, b"\x01\x00\x00")
        self.assertEqual([report.kind for report in reports], [(1, 1), (1, 4)])
        self.assertEqual(reports[1].data, REQUEST_ID + notice(failure.EXECUTIONS_FULL))
        verification.close(slots[7])
        self.assertEqual(verification.defer(request), slots[7])


if __name__ == "__main__":
    unittest.main()
