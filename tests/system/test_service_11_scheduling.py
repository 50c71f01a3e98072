"""ST[11] time-based scheduling, over the whole link: what is in the schedule, when it is released, what never is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import APID, Ground, cuc, data_of, time_ms, verification

ENABLE, DISABLE, RESET, INSERT, DELETE, DELETE_WINDOW, SHIFT, SHIFT_WINDOW = range(1, 9)
DETAIL, DETAIL_WINDOW, SUMMARY, SUMMARY_WINDOW, SHIFT_ALL, DETAIL_ALL, SUMMARY_ALL = 9, 11, 12, 14, 15, 16, 17
SOURCE = 3  # of scheduled requests, so that their reports can be told from those of the tests
FAR = 400_000_000  # ms after EPOCH: beyond every test


def ping(count: int) -> bytes:
    """A scheduled request that is answered with 1/7 alone, and 17/2."""
    request = PusTc(apid=APID, service=17, message_subtype=1, seq_count=count, source_id=SOURCE, ack_flags=8)
    return bytes(request.pack())


def insertion(*activities: tuple[int, bytes]) -> bytes:
    return bytes([len(activities)]) + b"".join(cuc(ms) + packet for ms, packet in activities)


def insert(ground: Ground, *activities: tuple[int, bytes]) -> None:
    assert ground.execute(11, INSERT, insertion(*activities)).stages == [1, 3, 7]


def name(count: int) -> str:
    """Request identifier in requests about the schedule: source, APID, sequence count."""
    return f"{SOURCE:04x}{APID:04x}{count:04x}"


def summary(ground: Ground) -> list[tuple[str, int]]:
    """Time (hex) and sequence count of everything in the schedule, in its order."""
    [text] = ground.execute(11, SUMMARY_ALL).data(11, 13)
    octets = bytes.fromhex(text)
    assert len(octets) == 1 + 14 * octets[0]
    entries = [octets[at : at + 14] for at in range(1, len(octets), 14)]
    assert {entry[8:12] for entry in entries} <= {bytes([0, SOURCE, 0, APID])}
    return [(entry[:7].hex(), int.from_bytes(entry[12:], "big")) for entry in entries]


def counts(ground: Ground) -> list[int]:
    return [count for _, count in summary(ground)]


def releases(reports: list[PusTm]) -> list[tuple[int, float]]:
    """Sequence count and time in ms of each completed scheduled request."""
    return [
        (report.tc_req_id.tc_psc.seq_count, time_ms(report.pus_tm))
        for report in verification(reports)
        if report.pus_tm.message_subtype == 7 and report.pus_tm.pus_tm_sec_header.dest_id == SOURCE
    ]


@pytest.fixture
def scheduled(ground: Ground) -> Iterator[Ground]:
    """The schedule, empty and enabled."""
    assert ground.execute(11, ENABLE).stages == [1, 3, 7]
    yield ground
    assert ground.execute(11, RESET).stages == [1, 3, 7]
    assert counts(ground) == []


def test_requests_are_released_in_the_order_of_their_times(scheduled: Ground) -> None:
    start = scheduled.now_ms() + 700
    times = {0: start + 250, 1: start + 10, 2: start, 3: start + 10}
    insert(scheduled, *((ms, ping(count)) for count, ms in times.items()))
    assert counts(scheduled) == [2, 1, 3, 0]
    found = releases(scheduled.until(lambda reports: len(releases(reports)) == 4))
    assert [count for count, _ in found] == [2, 1, 3, 0]
    late = [at - times[count] for count, at in found]
    assert min(late) > -0.1  # a CUC time is cut by up to 1/65536 s
    # 10 ms is the resolution; the time of a host that does other things too is not looked at closely.
    assert max(late) < (10 if scheduled.exact else 2000)
    assert counts(scheduled) == []


def test_reports_of_the_schedule(scheduled: Ground) -> None:
    insert(scheduled, (FAR + 1500, ping(0x123)), (FAR, ping(0x45)))
    # 749E3F80 (EPOCH) and 400 000 s
    first, second = "1e 74 a4 5a 00 00 00", "1e 74 a4 5a 01 80 00"
    assert scheduled.execute(11, SUMMARY_ALL).data(11, 13) == [
        f"02 {first} 00 00 03 00 64 00 45 {second} 00 00 03 00 64 01 23"
    ]
    [detail] = scheduled.execute(11, DETAIL, "01" + name(0x123)).data(11, 10)
    assert detail == f"01 {second} 00 " + ping(0x123).hex(" ")
    [everything] = scheduled.execute(11, DETAIL_ALL).data(11, 10)
    assert everything == f"02 {first} 00 {ping(0x45).hex(' ')} {second} 00 {ping(0x123).hex(' ')}"
    assert scheduled.execute(11, SUMMARY, "01" + name(0x45)).data(11, 13) == [f"01 {first} 00 00 03 00 64 00 45"]
    window = "02" + cuc(FAR + 1).hex()  # from there on
    assert scheduled.execute(11, SUMMARY_WINDOW, window).data(11, 13) == [f"01 {second} 00 00 03 00 64 01 23"]
    assert scheduled.execute(11, DETAIL_WINDOW, "03" + cuc(FAR).hex()).data(11, 10) == [
        f"01 {first} 00 " + ping(0x45).hex(" ")
    ]


def test_delete_by_identifier_and_by_time(scheduled: Ground) -> None:
    insert(scheduled, *((FAR + 1000 * count, ping(count)) for count in range(8)))
    assert scheduled.execute(11, DELETE, "02" + name(6) + name(2)).stages == [1, 3, 7]
    assert counts(scheduled) == [0, 1, 3, 4, 5, 7]
    between = "01" + cuc(FAR + 3000).hex() + cuc(FAR + 4000).hex()
    assert scheduled.execute(11, DELETE_WINDOW, between).stages == [1, 3, 7]
    assert counts(scheduled) == [0, 1, 5, 7]
    assert scheduled.execute(11, DELETE_WINDOW, "02" + cuc(FAR + 6000).hex()).stages == [1, 3, 7]
    assert counts(scheduled) == [0, 1, 5]
    assert scheduled.execute(11, DELETE_WINDOW, "03" + cuc(FAR).hex()).stages == [1, 3, 7]
    assert counts(scheduled) == [1, 5]
    assert scheduled.execute(11, DELETE_WINDOW, "00").stages == [1, 3, 7]
    assert counts(scheduled) == []


def test_shift(scheduled: Ground) -> None:
    insert(scheduled, *((FAR + 1000 * count, ping(count)) for count in range(3)))
    assert scheduled.execute(11, SHIFT, "00 00 05 dc 01" + name(0)).stages == [1, 3, 7]  # +1500 ms
    assert summary(scheduled) == [
        (cuc(FAR + 1000).hex(), 1),
        (cuc(FAR + 1500).hex(), 0),
        (cuc(FAR + 2000).hex(), 2),
    ]
    assert scheduled.execute(11, SHIFT_WINDOW, "ff ff fc 18 02" + cuc(FAR + 2000).hex()).stages == [1, 3, 7]  # -1000
    assert scheduled.execute(11, SHIFT_ALL, "00 00 00 fa").stages == [1, 3, 7]  # +250 ms
    assert summary(scheduled) == [
        (cuc(FAR + 1250).hex(), 1),
        (cuc(FAR + 1250).hex(), 2),
        (cuc(FAR + 1750).hex(), 0),
    ]


def test_a_disabled_schedule_releases_nothing_and_holds_what_was_due(scheduled: Ground) -> None:
    assert scheduled.execute(11, DISABLE).stages == [1, 3, 7]
    due = scheduled.now_ms() + 600
    insert(scheduled, (due, ping(1)), (FAR, ping(2)))
    reports = scheduled.until_data(5, 3, "00 20")
    assert data_of(reports, 5, 3) == ["00 20 00 01"]
    answer = scheduled.execute(11, ENABLE)
    assert releases(answer.reports + scheduled.run(0.3)) == []
    [text] = scheduled.execute(11, SUMMARY_ALL).data(11, 13)
    states = [bytes.fromhex(text)[at + 7] for at in (1, 15)]
    assert states == [1, 0]  # held, waiting
    # Shifted into the future it waits again, and is released.
    assert scheduled.execute(11, SHIFT, (1500).to_bytes(4, "big").hex() + "01" + name(1)).stages == [1, 3, 7]
    found = scheduled.until(releases)
    assert [count for count, _ in releases(found)] == [1]


def test_a_release_that_fails_is_told(scheduled: Ground) -> None:
    due = scheduled.now_ms() + 500
    refused = PusTc(apid=APID, service=99, message_subtype=1, seq_count=0x77, source_id=SOURCE, ack_flags=0)
    insert(scheduled, (due, bytes(refused.pack())))
    reports = scheduled.until_data(5, 3, "00 21")
    # Event, none held back, source, sequence count, code; and the refusal itself goes to the source.
    assert data_of(reports, 5, 3) == ["00 21 00 00 03 00 77 00 80"]
    assert data_of(reports, 1, 2) == ["18 64 c0 77 00 80 ff ff 01 00 00 00 63"]


def test_setting_time_neither_fires_nor_drops(scheduled: Ground) -> None:
    before = scheduled.now_ms()
    insert(scheduled, (before + 100_000, ping(1)), (before + 300_000, ping(2)))
    leap = scheduled.execute(9, 128, cuc(before + 200_000))
    assert releases(leap.reports + scheduled.run(0.3)) == []
    [text] = scheduled.execute(11, SUMMARY_ALL).data(11, 13)
    assert [bytes.fromhex(text)[at + 7] for at in (1, 15)] == [1, 0]  # jumped over: held
    back = scheduled.execute(9, 128, cuc(before))
    assert releases(back.reports + scheduled.run(0.3)) == []
    [text] = scheduled.execute(11, SUMMARY_ALL).data(11, 13)
    assert [bytes.fromhex(text)[at + 7] for at in (1, 15)] == [0, 0]  # it lies ahead again


def test_the_schedule_survives_a_power_cut(fresh_ground: Ground) -> None:
    ground = fresh_ground
    assert ground.execute(11, ENABLE).stages == [1, 3, 7]
    insert(ground, (FAR, ping(1)), (FAR + 1, ping(2)))
    assert ground.execute(11, DELETE, "01" + name(1)).stages == [1, 3, 7]
    ground.power_cut()
    assert summary(ground) == [(cuc(FAR + 1).hex(), 2)]
    # It is still enabled: what is due is released.
    insert(ground, (ground.now_ms() + 500, ping(9)))
    assert [count for count, _ in releases(ground.until(releases))] == [9]


def test_refusals(scheduled: Ground) -> None:
    at, past = cuc(FAR).hex(" "), cuc(0).hex(" ")
    insert(scheduled, (FAR, ping(1)))
    long = PusTc(apid=APID, service=17, message_subtype=1, app_data=bytes(52), source_id=SOURCE).pack().hex()
    rows = [
        # a time in the past, in item 1: nothing is inserted
        (INSERT, "02" + at + ping(2).hex() + past + ping(3).hex(), [1, 4], "00 95 00 01 01 " + past[3:14]),
        # no CUC time, before EPOCH
        (INSERT, "01" + "2e" + at[2:] + ping(2).hex(), [1, 4], "00 60 00 00 01 " + at[3:14]),
        (INSERT, "01" + "1e 00 00 00 01 00 00" + ping(2).hex(), [1, 4], "00 61 00 00 01 00 00 00 01"),
        # packet error control wrong, foreign APID, too long, cut
        (INSERT, "01" + at + ping(2)[:-1].hex() + "00", [1, 4], "00 48 00 00 01 00 00 00 00"),
        (
            INSERT,
            "01" + at + bytes(PusTc(apid=0x65, service=17, message_subtype=1).pack()).hex(),
            [1, 4],
            "00 49 00 00 01 00 00 00 00",
        ),
        (INSERT, "01" + at + long, [1, 4], "00 83 00 00 01 00 00 00 41"),
        (INSERT, "01" + at + ping(2)[:-2].hex(), [1, 4], "00 83 00 00 01 00 00 00 12"),
        (INSERT, "02" + at + ping(2).hex(), [1, 4], "00 83 00 01 01 00 00 00 00"),
        (INSERT, "01" + at + ping(2).hex() + "00", [1, 4], "00 83 00 01 01 00 00 00 01"),
        (INSERT, "00", [2], "00 88 ff ff 01 00 00 00 00"),
        (INSERT, "0b" + at, [2], "00 88 ff ff 01 00 00 00 0b"),
        # unknown requests; the known one before it stays
        (DELETE, "02" + name(1) + name(2), [1, 4], "00 90 00 01 01 00 00 00 02"),
        (SHIFT, "00 00 00 64 01" + name(2), [1, 4], "00 90 00 00 01 00 00 00 02"),
        (DETAIL, "01" + name(2), [1, 4], "00 90 00 00 01 00 00 00 02"),
        # into the past, beyond all time
        (SHIFT_ALL, "c0 00 00 00", [1, 4], "00 95 00 00 02 c0 00 00 00"),
        (SHIFT_ALL, "80 00 00 00", [2], "00 84 00 00 02 80 00 00 00"),
        # windows
        (DELETE_WINDOW, "04", [2], "00 84 00 00 01 00 00 00 04"),
        (DELETE_WINDOW, "01" + at, [2], "00 83 00 0e 01 00 00 00 07"),
        (DELETE_WINDOW, "02" + "2e" + at[2:], [2], "00 60 00 00 01 " + at[3:14]),
        (18, "", [2], "00 81 ff ff 01 00 00 00 12"),
    ]
    answers = scheduled.execute_all(
        [scheduled.request(11, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows]
    )
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]
    assert counts(scheduled) == [1]


def test_the_table_is_full(scheduled: Ground) -> None:
    """64 requests are kept; the 65th is refused and none of its telecommand is taken."""
    insertions = [
        scheduled.request(11, INSERT, insertion(*((FAR + count, ping(count)) for count in range(at, at + 7))))
        for at in range(0, 63, 7)
    ]
    assert [answer.stages for answer in scheduled.execute_all(insertions)] == [[1, 3, 7]] * 9
    too_many = scheduled.execute(11, INSERT, insertion((FAR, ping(900)), (FAR, ping(901))))
    assert (too_many.stages, too_many.notice) == ([1, 4], "00 91 00 01 01 00 00 00 02")
    insert(scheduled, (FAR + 63, ping(63)))
    assert scheduled.execute(11, INSERT, insertion((FAR, ping(900)))).notice == "00 91 00 00 01 00 00 00 01"
    assert counts(scheduled) == list(range(64))
