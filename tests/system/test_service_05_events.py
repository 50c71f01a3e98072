"""ST[05] event reporting, over the whole link. Events come from what the board does: time is set, monitors find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import Ground, cuc, data_of, time_ms

TIME_SET = "00 10"
GAIN = "10 10"  # u8, settable, 10 at first
SET_TIME = 128


def set_time(ground: Ground, ms: int) -> list[PusTm]:
    answer = ground.execute(9, SET_TIME, cuc(ms))
    assert answer.stages == [1, 3, 7]
    return answer.reports


def events_of(reports: list[PusTm], event: str) -> list[str]:
    """Source data of the reports of this event, of any severity."""
    return [
        report.source_data.hex(" ")
        for report in reports
        if report.service == 5 and report.message_subtype <= 4 and report.source_data.startswith(bytes.fromhex(event))
    ]


@pytest.fixture
def monitored(ground: Ground) -> Iterator[Ground]:
    """Four monitors on the parameter gain: above 20 each raises an event of another severity."""
    definitions = "".join(
        # monitor, point, no condition, every 100 ms, once, limit, raw, 0, 20, no event below, event above
        f"03 0{number} {GAIN} 00 00 00000000 00000000 00 00 00 64 01 00 00 00000000 00000014 00 00 {event}"
        for number, event in enumerate(("01 01", "01 04", "01 03", "01 11"))
    )
    ids = "04 03 00 03 01 03 02 03 03"
    assert ground.execute(12, 5, "04" + definitions).stages == [1, 3, 7]
    assert ground.execute(12, 1, ids).stages == [1, 3, 7]
    yield ground
    for subtype in (2, 6):
        assert ground.execute(12, subtype, ids).stages == [1, 3, 7]
    ground.execute(20, 129, "01" + GAIN)


def test_the_four_severities(monitored: Ground) -> None:
    answer = monitored.execute(20, 3, "01" + GAIN + "32")
    reports = monitored.until(lambda found: data_of(found, 5, 4), already=answer.reports)
    kinds = {event: [] for event in ("01 01", "01 04", "01 03", "01 11")}  # type: dict[str, list[tuple[int, str]]]
    for report in reports:
        if report.service == 5:
            kinds[report.source_data[:2].hex(" ")].append((report.message_subtype, report.source_data.hex(" ")))
    assert kinds == {
        "01 01": [(1, "01 01 00")],
        "01 04": [(2, "01 04 00")],
        "01 03": [(3, "01 03 00")],
        # event, none held back, monitor 0303, value 50.0
        "01 11": [(4, "01 11 00 03 03 42 48 00 00")],
    }


def test_fields_of_an_event(ground: Ground) -> None:
    """Event, none held back, and the seconds by which time was set, from that in which the request was accepted."""
    noon = ground.now_ms()
    for ms, about_s in ((noon + 5_000_000, 5000), (noon, -5000)):
        reports = set_time(ground, ms)
        [accepted] = [time_ms(report) for report in reports if (report.service, report.message_subtype) == (1, 1)]
        moved_s = ms // 1000 - int(accepted // 1000)
        assert about_s - 10 < moved_s <= about_s + 1
        # The clock may go on to its next second in between.
        said = [f"00 10 00 {moved.to_bytes(4, 'big', signed=True).hex(' ')}" for moved in (moved_s, moved_s - 1)]
        [event] = events_of(reports, TIME_SET)
        assert event in said


def test_an_event_is_switched_off_and_on(ground: Ground) -> None:
    assert ground.execute(5, 7).data(5, 8) == ["00 00"]
    assert ground.execute(5, 6, "02" + TIME_SET + "01 03").stages == [1, 3, 7]
    assert ground.execute(5, 7).data(5, 8) == ["00 02 00 10 01 03"]
    now = ground.now_ms()
    assert events_of(set_time(ground, now) + ground.execute(17, 1).reports, TIME_SET) == []
    assert ground.execute(5, 5, "02 01 03" + TIME_SET).stages == [1, 3, 7]
    assert ground.execute(5, 7).data(5, 8) == ["00 00"]
    assert len(events_of(set_time(ground, now), TIME_SET)) == 1


def test_a_flood_is_held_back_and_told(fresh_ground: Ground) -> None:
    ground = fresh_ground
    flood = [ground.request(9, SET_TIME, cuc(7_000_000)) for _ in range(9)]
    reports = ground.execute_all(flood)[0].reports
    # Five at once, four held back; a second later the next one says so.
    assert len(events_of(reports, TIME_SET)) == 5
    assert len(data_of(reports, 1, 7)) == 9
    start = len(ground.reports)
    while not events_of(ground.reports[start:], TIME_SET):
        ground.execute(9, SET_TIME, cuc(7_000_000))
    told = int(events_of(ground.reports[start:], TIME_SET)[0].split()[2], 16)
    silent = len(data_of(ground.reports[start:], 1, 7)) - 1
    assert told == 4 + silent


def test_refusals(ground: Ground) -> None:
    rows = [
        # The unknown event is item 1: item 0 is not switched off.
        (6, "02 00 10 7f ff", [2], "00 90 00 01 01 00 00 7f ff"),
        (5, "01 00 00", [2], "00 90 00 00 01 00 00 00 00"),
        (6, "41" + TIME_SET * 65, [2], "00 88 ff ff 01 00 00 00 41"),
        (6, "00", [2], "00 88 ff ff 01 00 00 00 00"),
        (6, "02 00 10", [2], "00 83 00 04 01 00 00 00 02"),
        (7, "00", [2], "00 83 00 00 01 00 00 00 01"),
        (9, "", [2], "00 81 ff ff 01 00 00 00 09"),
    ]
    answers = ground.execute_all([ground.request(5, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows])
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]
    assert ground.execute(5, 7).data(5, 8) == ["00 00"]
