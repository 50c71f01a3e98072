"""ST[01] request verification, over the whole link: what is reported, to whom, and every octet of it."""

from __future__ import annotations

import pytest

from tests.system.core_link import Ground, answer, data_of, identifier, verification

ACCEPTANCE, START, PROGRESS, COMPLETION = 1, 2, 4, 8
SLOW = "02 01"  # function: steps (1), code (2)
FAIL = "02 02"  # function: code (2), after its start (1)


def test_reports_carry_the_request_identifier(ground: Ground) -> None:
    found = ground.execute(17, 1, seq_count=0x2345)
    # Type, secondary header flag, APID 064; sequence flags 11, count 2345.
    assert [found.data(1, subtype) for subtype in (1, 3, 7)] == [["18 64 e3 45"]] * 3


def test_successes_are_reported_when_asked_for(ground: Ground) -> None:
    wanted = {
        0: [],
        ACCEPTANCE: [1],
        START: [3],
        COMPLETION: [7],
        PROGRESS: [],
        ACCEPTANCE | COMPLETION: [1, 7],
        ACCEPTANCE | START | PROGRESS | COMPLETION: [1, 3, 7],
    }
    requests = [ground.request(17, 1, ack_flags=flags) for flags in wanted]
    ground.send_packets(bytes(request.pack()) for request in requests)
    # The last one asks for everything, so behind its end nothing of the others can come.
    reports = ground.until(lambda found: answer(identifier(requests[-1].pack()), found).stages[-1:] == [7])
    assert [answer(identifier(request.pack()), reports).stages for request in requests] == list(wanted.values())
    assert len(data_of(reports, 17, 2)) == len(wanted)


@pytest.mark.parametrize(("flags", "stages"), [(PROGRESS, [5, 5]), (COMPLETION, [7])])
def test_progress_is_reported_when_asked_for(ground: Ground, flags: int, stages: list[int]) -> None:
    number = identifier(ground.send(8, 1, bytes.fromhex(SLOW + "03 00 00"), ack_flags=flags).pack())
    reports = ground.until(lambda found: len(answer(number, found).stages) >= len(stages))
    assert answer(number, reports + ground.run(0.4)).stages == stages


@pytest.mark.parametrize("flags", [0, ACCEPTANCE | START | PROGRESS | COMPLETION])
def test_failures_are_always_reported(ground: Ground, flags: int) -> None:
    refused = ground.request(99, 1, ack_flags=flags)
    failed = ground.request(8, 1, bytes.fromhex(FAIL + "01 2c 00"), ack_flags=flags)
    broken = ground.request(8, 1, bytes.fromhex(FAIL + "01 2d 01"), ack_flags=flags)
    answers = ground.execute_all([refused, failed, broken])
    assert [found.stages[-1] for found in answers] == [2, 4, 8]
    # Code, where, kind, value: service 99 nowhere; argument 1 with the code as its value.
    assert [found.notice for found in answers] == [
        "00 80 ff ff 01 00 00 00 63",
        "01 2c 00 01 01 00 00 01 2c",
        "01 2d 00 01 01 00 00 01 2d",
    ]


def test_source_data_of_each_kind(ground: Ground) -> None:
    request = ground.request(8, 1, bytes.fromhex(SLOW + "03 03 e7"), seq_count=7)
    found = ground.execute_all([request])[0]
    assert found.stages == [1, 3, 5, 5, 8]
    # Request identifier, then the step.
    assert found.data(1, 5) == ["18 64 c0 07 00 01", "18 64 c0 07 00 02"]
    # Request identifier, code 999, argument 0, unsigned, step 3.
    assert found.data(1, 8) == ["18 64 c0 07 03 e7 00 00 01 00 00 00 03"]
    refused = ground.execute(17, 99, seq_count=8)
    assert refused.data(1, 2) == ["18 64 c0 08 00 81 ff ff 01 00 00 00 63"]
    failed = ground.execute(3, 27, "01 7f ff", seq_count=9)
    assert failed.data(1, 4) == ["18 64 c0 09 00 90 00 00 01 00 00 7f ff"]


def test_reports_go_to_the_source_of_the_request(ground: Ground) -> None:
    found = ground.function(0x201, "02 00 00", source_id=0xBEEF)
    own = [report for report in found.reports if report.service == 1]
    assert [report.message_subtype for report in own] == [1, 3, 5, 7]
    assert {report.pus_tm_sec_header.dest_id for report in own} == {0xBEEF}


def test_message_types_are_counted_for_each_destination(ground: Ground) -> None:
    counts = []
    for source in (0x301, 0x302, 0x301, 0x302, 0x301):
        found = ground.execute(17, 1, source_id=source)
        counts.append([report.pus_tm_sec_header.message_counter for report in found.reports if report.service == 17])
    assert counts == [[0], [0], [1], [1], [2]]


def test_telecommands_of_one_frame_are_answered_in_their_order(ground: Ground) -> None:
    requests = [ground.request(17, 1) for _ in range(14)]
    reports = ground.execute_all(requests)[0].reports
    completed = [report.tc_req_id.as_u32() for report in verification(reports) if report.pus_tm.message_subtype == 7]
    assert completed == [identifier(request.pack()) for request in requests]
    assert len(data_of(reports, 17, 2)) == 14
