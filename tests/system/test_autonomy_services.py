"""Time, schedule, monitors, event-actions and sequences over the whole link of `sitl`; `spacepackets` on the ground."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from perilune.dictionary.load import CORE
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

from hil.targets.sitl import Sitl
from tests.system.core_link import APID, Ground

TRIAL = Path(__file__).resolve().parents[1] / "flight" / "trial"
# 2020-01-01 is day 22 645 after 1958-01-01.
EPOCH_S = 22_645 * 86_400
LEVEL = 0x1002


@pytest.fixture
def board() -> Sitl:
    return Sitl([CORE, TRIAL])


@pytest.fixture
def ground(board: Sitl) -> Ground:
    ground = Ground(board)
    ground.run(1)
    return ground


def cuc(seconds: float) -> bytes:
    """Seconds after the board's epoch as CUC."""
    whole = int(seconds)
    return struct.pack(">BIH", 0x1E, EPOCH_S + whole, int((seconds - whole) * 65536))


def stored(service: int, subtype: int, data: bytes = b"", count: int = 0) -> bytes:
    """A telecommand that the board keeps; only failures and completion are reported."""
    packet = PusTc(apid=APID, service=service, message_subtype=subtype, app_data=data, seq_count=count, source_id=5)
    return bytes(packet.pack())


def kinds(reports: list[PusTm], *services: int) -> list[tuple[int, int]]:
    return [(report.service, report.message_subtype) for report in reports if report.service in services]


def data_of(reports: list[PusTm], service: int, subtype: int) -> list[bytes]:
    return [
        bytes(report.source_data)
        for report in reports
        if (report.service, report.message_subtype) == (service, subtype)
    ]


def test_st09_time_is_set_and_reported_at_a_rate(ground: Ground) -> None:
    ground.send(9, 128, cuc(1000.5))
    ground.send(9, 1, b"\x01")
    reports = data_of(ground.run(8.5), 9, 2)
    assert len(reports) == 5
    seconds = [int.from_bytes(data[2:6], "big") - EPOCH_S for data in reports]
    assert seconds == [seconds[0] + 2 * number for number in range(5)]
    assert 1000 <= seconds[0] <= 1001
    assert {data[0] for data in reports} == {1}
    assert {data[8] for data in reports} == {1}


def test_st11_releases_at_the_time_and_a_jump_releases_nothing(board: Sitl, ground: Ground) -> None:
    ground.send(9, 128, cuc(0))
    ground.send(11, 1)
    activities = b"".join(cuc(time_s) + stored(17, 1, count=n) for n, time_s in enumerate((2.0, 30.0, 100.0)))
    ground.send(11, 4, b"\x03" + activities)
    assert (17, 2) not in kinds(ground.run(1.5), 17)
    assert kinds(ground.run(1.5), 17) == [(17, 2)]
    ground.send(9, 128, cuc(99.0))
    reports = ground.run(0.5)
    assert b"\x00\x20\x00\x01" in data_of(reports, 5, 3)
    assert kinds(reports + ground.run(2), 17) == [(17, 2)]
    ground.send(11, 17)
    [summary] = data_of(ground.run(0.5), 11, 13)
    assert summary == b"\x01" + cuc(30.0) + b"\x01\x00\x05\x00\x64\x00\x01"
    assert board.core.schedule.released == 2


def test_st12_a_point_out_of_limits_is_told(board: Sitl, ground: Ground) -> None:
    definition = struct.pack(">HHHIIIBBBiiHH", 9, LEVEL, 0, 0, 0, 100, 2, 0, 0, -5, 7, 0x110, 0x111)
    ground.send(12, 5, b"\x01" + definition)
    ground.send(12, 1, b"\x01\x00\x09")
    assert kinds(ground.run(1), 12) == []
    board.core.values[board.core.index(LEVEL)] = 8
    reports = ground.run(2)
    assert data_of(reports, 5, 4) == [b"\x01\x11\x00\x00\x09" + struct.pack(">f", 8.0)]
    [transition] = data_of(reports, 12, 12)
    assert transition[:17] == struct.pack(">BHHBBiiBB", 1, 9, LEVEL, 0, 2, 8, 7, 0, 4)
    ground.send(12, 10)
    [out] = data_of(ground.run(0.5), 12, 11)
    assert out == struct.pack(">BHHBBBi", 1, 9, LEVEL, 0, 4, 2, 8)


def test_st19_an_event_starts_a_request(board: Sitl, ground: Ground) -> None:
    ground.send(19, 1, b"\x01\x01\x01" + stored(17, 1))
    ground.send(19, 4, b"\x01\x01\x01")
    assert kinds(ground.run(0.5), 17) == []
    board.core.events.raise_(0x101)
    assert kinds(ground.run(0.5), 17) == [(17, 2)]
    ground.send(19, 5, b"\x01\x01\x01")
    ground.run(0.5)
    board.core.events.raise_(0x101)
    assert kinds(ground.run(0.5), 17) == []


def test_st21_a_long_sequence_is_loaded_in_parts_and_executed(board: Sitl, ground: Ground) -> None:
    steps = struct.pack(">BIBBB", 0, 20, 2, 17, 1) * 63 + struct.pack(">BIBHiI", 2, 0, 3, LEVEL, 5, 60_000)
    crc = 0xFFFF
    for octet in steps:
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    ground.send(21, 128, struct.pack(">HBHH", 9, 64, len(steps), crc))
    for start in range(0, len(steps), 128):
        ground.send(21, 129, struct.pack(">HH", 9, start) + steps[start : start + 128])
    ground.send(21, 130, b"\x00\x09")
    ground.run(1)
    request = ground.send(21, 4, b"\x00\x09")
    reports = ground.run(5)
    assert kinds(reports, 17) == [(17, 2)] * 63
    board.core.values[board.core.index(LEVEL)] = 6
    reports = ground.run(1)
    assert data_of(reports, 1, 7) == [bytes(request.pack()[:4])]
