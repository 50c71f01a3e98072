"""ST[09] time management, over the whole link."""

from __future__ import annotations

import itertools

import pytest
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import EPOCH, Ground, cuc, data_of, time_ms

RATE, SET_TIME, REPORT_TIME = 1, 128, 129
OFF = "ff"


def times_of(reports: list[PusTm]) -> list[float]:
    """Times in the source data of reports 9/2, in s since EPOCH."""
    return [
        int.from_bytes(report.source_data[2:8], "big") / 65536 - EPOCH
        for report in reports
        if (report.service, report.message_subtype) == (9, 2)
    ]


def test_time_counts_from_the_start_until_it_is_set(fresh_ground: Ground) -> None:
    answer = fresh_ground.execute(9, REPORT_TIME, source_id=9)
    [report] = [report for report in answer.reports if report.service == 9]
    assert report.pus_tm_sec_header.dest_id == 9
    assert report.pus_tm_sec_header.spacecraft_time_ref == 0
    # No rate; P-field; status: free running.
    assert (report.source_data[:2], report.source_data[8:]) == (b"\xff\x1e", b"\x00")
    assert 0 < times_of([report])[0] < 60
    assert times_of([report])[0] == pytest.approx(time_ms(report) / 1000, abs=0.01)


def test_time_is_set(ground: Ground) -> None:
    # 2028-01-01T00:00:00.5 TAI
    answer = ground.execute(9, SET_TIME, "1e 83 aa 7e 80 80 00")
    assert answer.stages == [1, 3, 7]
    start_s = 2_208_988_800.5 - EPOCH
    [report] = [report for report in ground.execute(9, REPORT_TIME).reports if report.service == 9]
    assert report.pus_tm_sec_header.spacecraft_time_ref == 1
    assert report.source_data[8] == 1
    assert start_s < times_of([report])[0] < start_s + 60
    assert start_s < time_ms(report) / 1000 < start_s + 60


def test_a_set_time_is_exact(ground: Ground) -> None:
    """Set and asked for in one frame: no time for anything but the two requests."""
    requests = [
        ground.request(9, SET_TIME, bytes.fromhex("1e 83 aa 7e 80 00 01")),
        ground.request(9, REPORT_TIME),
    ]
    [seconds] = times_of(ground.execute_all(requests)[0].reports)
    start_s = 2_208_988_800 + 1 / 65536 - EPOCH
    assert start_s <= seconds < start_s + (0.00001 if ground.exact else 0.5)


def test_reports_at_a_rate(ground: Ground) -> None:
    assert ground.execute(9, RATE, "00").stages == [1, 3, 7]
    reports = ground.until(lambda found: len(times_of(found)) >= (3 if ground.exact else 2))
    assert ground.execute(9, RATE, OFF).stages == [1, 3, 7]
    assert {text[:5] for text in data_of(reports, 9, 2)} == {"00 1e"}
    gaps = [later - earlier for earlier, later in itertools.pairwise(times_of(reports))]
    # A cycle that comes late is not made up for, so on a busy host only the least is known.
    assert gaps == pytest.approx([1, 1], abs=0.001) if ground.exact else min(gaps) > 0.5
    assert data_of(ground.run(1.1), 9, 2) == []


def test_times_of_reports_go_on_evenly(ground: Ground) -> None:
    """Structure 100 leaves every 500 ms."""

    def times(reports: list[PusTm]) -> list[float]:
        return [time_ms(report) for report in reports if report.source_data[:2] == b"\x00\x64"]

    own = times(ground.until(lambda found: len(times(found)) >= 4))
    gaps = [later - earlier for earlier, later in itertools.pairwise(own)]
    assert gaps == pytest.approx([500] * 3, abs=0.1) if ground.exact else min(gaps) > 100


def test_the_latest_time(ground: Ground) -> None:
    # EPOCH + 3F000000 s is the last one that is taken.
    latest = (EPOCH + 0x3F000000).to_bytes(4, "big").hex()
    assert ground.execute(9, SET_TIME, "1e" + latest + "00 00").stages == [1, 3, 7]
    assert ground.execute(9, SET_TIME, cuc(1_000_000)).stages == [1, 3, 7]


def test_refusals(ground: Ground) -> None:
    too_late = (EPOCH + 0x3F000001).to_bytes(4, "big").hex(" ")
    rows = [
        (SET_TIME, "1f 83 aa 7e 80 00 00", [2], "00 60 00 00 01 83 aa 7e 80"),
        (SET_TIME, "1e 74 9e 3f 7f 00 00", [2], "00 61 00 00 01 74 9e 3f 7f"),  # a second before EPOCH
        (SET_TIME, "1e ff ff ff ff 00 00", [2], "00 61 00 00 01 ff ff ff ff"),
        (SET_TIME, "1e" + too_late + "00 00", [2], "00 84 00 00 01 " + too_late),
        (SET_TIME, "1e 83 aa 7e 80 00", [2], "00 83 00 07 01 00 00 00 06"),
        (SET_TIME, "1e 83 aa 7e 80 00 00 00", [2], "00 83 00 07 01 00 00 00 08"),
        (RATE, "09", [2], "00 84 00 00 01 00 00 00 09"),
        (RATE, "", [2], "00 83 00 01 01 00 00 00 00"),
        (REPORT_TIME, "00", [2], "00 83 00 00 01 00 00 00 01"),
        (2, "", [2], "00 81 ff ff 01 00 00 00 02"),
    ]
    answers = ground.execute_all([ground.request(9, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows])
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]
