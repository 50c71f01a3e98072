"""The core's services over the whole link of `sitl`, with `spacepackets` on the ground; and bad input."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from flight import errors
from flight.service import failure
from perilune.dictionary.encode import encode
from perilune.dictionary.load import CORE
from spacepackets.ecss.pus_1_verification import ManagedParamsVerification, Service1Tm
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

from hil.targets.sitl import Sitl
from tests.system.core_link import APID, Ground

TRIAL = Path(__file__).resolve().parents[1] / "flight" / "trial"
KNOWN_CODES = {
    value
    for name, value in [*vars(failure).items(), *vars(errors).items()]
    if name.isupper() and isinstance(value, int)
}


@pytest.fixture
def ground() -> Ground:
    ground = Ground(Sitl([CORE, TRIAL]))
    ground.run(1)
    return ground


def kinds(reports: list[PusTm]) -> list[tuple[int, int]]:
    return [(report.service, report.message_subtype) for report in reports]


def verification(reports: list[PusTm]) -> list[Service1Tm]:
    """The ST[01] reports, read by spacepackets."""
    parameters = ManagedParamsVerification(bytes_step_id=2, bytes_err_code=2)
    return [Service1Tm.from_tm(report, parameters) for report in reports if report.service == 1]


def outcome(ground: Ground, request: PusTc) -> tuple[list[int], int | None]:
    """Subtypes of the reports about *request*, and the failure code if one failed."""
    found = verification(ground.run(0.5))
    assert {report.tc_req_id.as_u32() for report in found} == {int.from_bytes(request.pack()[:4], "big")}
    codes = [report.error_code.val for report in found if report.error_code is not None]
    return [report.pus_tm.message_subtype for report in found], codes[0] if codes else None


def test_st17_are_you_alive(ground: Ground) -> None:
    request = ground.send(17, 1)
    reports = ground.run(0.5)
    assert [kind for kind in kinds(reports) if kind[0] in (1, 17)] == [(1, 1), (17, 2), (1, 3), (1, 7)]
    assert all(report.tc_req_id.tc_packet_id.apid == APID for report in verification(reports))
    assert request.seq_count == 0


def test_st01_failures_carry_code_and_request(ground: Ground) -> None:
    assert outcome(ground, ground.send(17, 1)) == ([1, 3, 7], None)
    assert outcome(ground, ground.send(99, 1)) == ([2], failure.UNKNOWN_SERVICE)
    assert outcome(ground, ground.send(17, 99)) == ([2], failure.UNKNOWN_SUBTYPE)
    assert outcome(ground, ground.send(8, 1, b"\x7f\xff")) == ([2], failure.UNKNOWN_FUNCTION)
    assert outcome(ground, ground.send(17, 1, b"x")) == ([2], failure.DATA_LENGTH)
    assert outcome(ground, ground.send(3, 5, b"\x01\x7f\xff")) == ([1, 4], failure.UNKNOWN_ID)


def test_st03_interval_and_creation(ground: Ground) -> None:
    dictionary = ground.target.dictionary  # type: ignore[attr-defined]
    create = dictionary.command("core.create_report")
    items = [{"parameter": dictionary.points["trial.steps"].id}]
    ground.send(3, 1, encode(create, {"sid": 500, "period_ms": 200}, items))
    ground.send(3, 5, b"\x01\x01\xf4")
    reports = [report for report in ground.run(2.2) if report.source_data[:2] == b"\x01\xf4"]
    counts = [int.from_bytes(report.source_data[2:], "big") for report in reports]
    assert len(counts) == 11
    assert {b - a for a, b in itertools.pairwise(counts)} == {2}


def test_st05_switching(ground: Ground) -> None:
    core = ground.target.core  # type: ignore[attr-defined]
    core.events.raise_(0x0103)
    assert (5, 3) in kinds(ground.run(0.5))
    ground.send(5, 6, b"\x01\x01\x03")
    ground.run(0.5)
    core.events.raise_(0x0103)
    assert (5, 3) not in kinds(ground.run(0.5))


def test_st08_progress_of_a_slow_function(ground: Ground) -> None:
    request = ground.send(8, 1, b"\x02\x01\x03\x00\x00")
    assert outcome(ground, request) == ([1, 3, 5, 5, 7], None)
    request = ground.send(8, 1, b"\x02\x01\x02\x01\x99")
    assert outcome(ground, request) == ([1, 3, 5, 8], 0x199)


def test_st20_set_and_read_back(ground: Ground) -> None:
    dictionary = ground.target.dictionary  # type: ignore[attr-defined]
    values: list[dict[str, object]] = [{"parameter": 0x1011, "value": -777}, {"parameter": 0x1012, "value": -0.75}]
    data = encode(dictionary.command("core.set_parameters"), {}, values, points=dictionary.points)
    assert outcome(ground, ground.send(20, 3, data)) == ([1, 3, 7], None)
    ground.send(20, 1, b"\x02\x10\x11\x10\x12")
    [report] = [report for report in ground.run(0.5) if report.service == 20]
    assert report.source_data.hex(" ") == "02 10 11 ff ff fc f7 10 12 bf 40 00 00"


def test_persistent_parameters_survive_a_commanded_restart(ground: Ground) -> None:
    ground.send(20, 3, b"\x01\x10\x10\x2a")
    ground.run(0.5)
    ground.send(8, 1, b"\x00\x01\x08\x01\x00\x02")  # arm
    ground.send(8, 1, b"\x00\x02")  # restart
    target = ground.target
    target.run(5)
    before = target.core  # type: ignore[attr-defined]
    assert before.hal.boot_count == 2
    assert before.values[before.pool.index_of(0x1010)] == 42


def test_the_time_in_reports_goes_on_evenly(ground: Ground) -> None:
    reports = [report for report in ground.run(20) if report.source_data[:2] == b"\x00\x64"]
    times = [int.from_bytes(report.timestamp[1:], "big") for report in reports]
    assert {round((b - a) / 65536, 3) for a, b in itertools.pairwise(times)} == {0.5}


def random_packet(source: random.Random) -> bytes:
    """A telecommand that is almost right, or nothing of the kind."""
    length = source.randrange(0, 12)
    service = source.choice([1, 3, 5, 8, 9, 11, 12, 17, 19, 20, 21, source.randrange(256)])
    data = bytes(source.randrange(256) for _ in range(length))
    packet = PusTc(
        apid=source.choice([APID, APID, APID, source.randrange(2047)]),
        service=service,
        message_subtype=source.choice([1, 3, 5, 6, 7, 27, 31, source.randrange(256)]),
        app_data=data,
        seq_count=source.randrange(16384),
    )
    octets = bytearray(packet.pack())
    for _ in range(source.choice([0, 0, 0, 1, 3])):
        octets[source.randrange(len(octets))] ^= 1 << source.randrange(8)
    return bytes(octets)


def test_ten_thousand_random_packets(ground: Ground) -> None:
    source = random.Random(20281)
    target = ground.target
    # What a packet that happens to be right switches off must not hide what this is about.
    core = target.core  # type: ignore[attr-defined]
    sent = 0
    reports: list[PusTm] = []
    while sent < 10_000:
        packets = [random_packet(source) for _ in range(6)]
        ground.send_packets(packets)
        sent += len(packets)
        reports += ground.run(0.4)
    assert target.core is core, "the board restarted"  # type: ignore[attr-defined]
    assert core.link_loop.telecommands > 8000
    failures = [report for report in verification(reports) if report.error_code is not None]
    assert len(failures) > 4000
    assert {report.error_code.val for report in failures if report.error_code is not None} <= KNOWN_CODES
    # Housekeeping: not one report of the core's was lost, and sequence counts have no gap.
    assert core.tm.lost == 0
    counts = [report.seq_count for report in reports]
    assert all((b - a) & 0x3FFF == 1 for a, b in itertools.pairwise(counts))
    assert outcome(ground, ground.send(17, 1))[0] == [1, 3, 7]
