"""ST[19] event-action, over the whole link: an event starts a stored request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import APID, Ground, cuc, data_of

ADD, DELETE, DELETE_ALL, ENABLE, DISABLE, STATUS, START, STOP, DEFINITIONS = 1, 2, 3, 4, 5, 6, 8, 9, 10
TIME_SET = "00 10"  # the event that the tests raise, by setting time
GAIN = "10 10"
SOURCE = 4
OF_DICTIONARY = [("01 20", 1), ("01 21", 0)]


def action(service: int, subtype: int, data: str = "", ack: int = 8) -> str:
    """A stored request, as hex."""
    request = PusTc(
        apid=APID,
        service=service,
        message_subtype=subtype,
        app_data=bytes.fromhex(data),
        source_id=SOURCE,
        seq_count=0x99,
        ack_flags=ack,
    )
    return bytes(request.pack()).hex(" ")


PING = action(17, 1)


@pytest.fixture
def actions(ground: Ground) -> Iterator[Ground]:
    """No event-action but the dictionary's at first, and none left."""
    assert own(ground) == []
    yield ground
    events = [row[0] for row in own(ground)]
    if events:
        data = f"{len(events):02x}" + "".join(events)
        assert ground.execute(19, DISABLE, data).stages == [1, 3, 7]
        assert ground.execute(19, DELETE, data).stages == [1, 3, 7]


def every(ground: Ground) -> list[tuple[str, int]]:
    """Event and whether it is enabled, of each event-action."""
    [text] = ground.execute(19, STATUS).data(19, 7)
    octets = bytes.fromhex(text)
    assert len(octets) == 1 + 3 * octets[0]
    return [(octets[at : at + 2].hex(" "), octets[at + 2]) for at in range(1, len(octets), 3)]


def own(ground: Ground) -> list[tuple[str, int]]:
    """Those that came by command; the dictionary's are as they were."""
    found = every(ground)
    assert found[:2] == OF_DICTIONARY
    return found[2:]


def set_time(ground: Ground) -> list[PusTm]:
    """Raise the event; reports until the time is set."""
    return ground.execute(9, 128, cuc(50_000_000)).reports


def started(reports: list[PusTm]) -> list[str]:
    """Completions of stored requests."""
    return [
        report.source_data.hex(" ")
        for report in reports
        if (report.service, report.message_subtype, report.pus_tm_sec_header.dest_id) == (1, 7, SOURCE)
    ]


def test_an_event_starts_a_request(actions: Ground) -> None:
    assert actions.execute(19, ADD, "01" + TIME_SET + PING).stages == [1, 3, 7]
    assert own(actions) == [(TIME_SET, 0)]
    assert started(set_time(actions) + actions.run(0.4)) == []
    assert actions.execute(19, ENABLE, "01" + TIME_SET).stages == [1, 3, 7]
    reports = actions.until(started, already=set_time(actions))
    assert started(reports) == ["18 64 c0 99"]
    assert data_of(reports, 17, 2) == [""]
    assert actions.execute(19, DISABLE, "01" + TIME_SET).stages == [1, 3, 7]
    assert started(set_time(actions) + actions.run(0.4)) == []


def test_an_event_that_is_not_reported_starts_its_request_too(actions: Ground) -> None:
    actions.execute(19, ADD, "01" + TIME_SET + PING)
    actions.execute(19, ENABLE, "01" + TIME_SET)
    assert actions.execute(5, 6, "01" + TIME_SET).stages == [1, 3, 7]
    reports = actions.until(started, already=set_time(actions))
    assert data_of(reports, 5, 1) == []
    assert actions.execute(5, 5, "01" + TIME_SET).stages == [1, 3, 7]


def test_a_request_does_what_it_says(actions: Ground) -> None:
    actions.execute(19, ADD, "01" + TIME_SET + action(20, 3, "01" + GAIN + "21"))
    actions.execute(19, ENABLE, "01" + TIME_SET)
    actions.until(started, already=set_time(actions))
    assert actions.execute(20, 1, "01" + GAIN).data(20, 2) == ["01 10 10 21"]
    actions.execute(20, 129, "01" + GAIN)


def test_a_request_that_fails_is_told(actions: Ground) -> None:
    actions.execute(19, ADD, "01" + TIME_SET + action(17, 99, ack=0))
    actions.execute(19, ENABLE, "01" + TIME_SET)
    reports = actions.until(lambda found: data_of(found, 5, 3), already=set_time(actions))
    # Event 0030, none held back; event 0010 started it, code UNKNOWN_SUBTYPE.
    assert data_of(reports, 5, 3) == ["00 30 00 00 10 00 81"]
    assert data_of(reports, 1, 2) == ["18 64 c0 99 00 81 ff ff 01 00 00 00 63"]


def test_a_request_that_raises_its_own_event_does_not_run_wild(actions: Ground) -> None:
    """Setting time starts setting time: ten times a second, and everything else goes on."""
    actions.execute(19, ADD, "01" + TIME_SET + action(9, 128, cuc(50_000_000).hex()))
    actions.execute(19, ENABLE, "01" + TIME_SET)
    reports = actions.until(lambda found: len(started(found)) >= 5, already=set_time(actions))
    assert actions.execute(17, 1).stages == [1, 3, 7]
    assert actions.execute(19, DISABLE, "01" + TIME_SET).stages == [1, 3, 7]
    assert started(actions.run(0.3)) == []
    assert data_of(reports, 5, 1)


def test_the_function_is_disabled_and_enabled(actions: Ground) -> None:
    actions.execute(19, ADD, "01" + TIME_SET + PING)
    actions.execute(19, ENABLE, "01" + TIME_SET)
    assert actions.execute(19, STOP).stages == [1, 3, 7]
    assert started(set_time(actions) + actions.run(0.4)) == []
    assert actions.execute(19, START).stages == [1, 3, 7]
    assert started(actions.until(started, already=set_time(actions)))


def test_definitions_come_back_as_they_went_up(actions: Ground) -> None:
    assert actions.execute(19, ADD, "02" + TIME_SET + PING + "01 01" + action(3, 27, "01 00 01")).stages == [1, 3, 7]
    actions.execute(19, ENABLE, "01 01 01")
    assert own(actions) == [(TIME_SET, 0), ("01 01", 1)]
    assert actions.execute(19, DEFINITIONS, "02" + TIME_SET + "01 01").data(19, 11) == [
        "02 " + TIME_SET + " 00 " + PING + " 01 01 01 " + action(3, 27, "01 00 01")
    ]
    [everything] = actions.execute(19, DEFINITIONS, "00").data(19, 11)
    # The first of the dictionary's: 17/1, no acknowledgement, source 1 = the board itself.
    assert everything.startswith("04 01 20 01 18 64 c0 00 00 06 20 11 01 00 01")
    assert actions.execute(19, DEFINITIONS, "01 01 01").data(19, 11) == ["01 01 01 01 " + action(3, 27, "01 00 01")]


def test_delete_all_needs_the_function_disabled(fresh_ground: Ground) -> None:
    ground = fresh_ground
    ground.execute(19, ADD, "01" + TIME_SET + PING)
    refused = ground.execute(19, DELETE_ALL)
    assert (refused.stages, refused.notice) == ([1, 4], "00 93 00 00 01 00 00 00 01")
    ground.execute(19, STOP)
    assert ground.execute(19, DELETE_ALL).stages == [1, 3, 7]
    assert every(ground) == []
    # Actions that came by command are gone after a start, the dictionary's are back.
    ground.power_cut()
    assert every(ground) == OF_DICTIONARY


def test_refusals(actions: Ground) -> None:
    actions.execute(19, ADD, "01" + TIME_SET + PING)
    actions.execute(19, ENABLE, "01" + TIME_SET)
    long = action(20, 3, "01" + "00" * 52)
    rows = [
        # unknown event, item 1: item 0 is not added
        (ADD, "02 01 01" + PING + "7f ff" + PING, [1, 4], "00 90 00 01 01 00 00 7f ff"),
        (ADD, "01" + TIME_SET + PING, [1, 4], "00 92 00 00 01 00 00 00 10"),
        (ADD, "01 01 01" + PING[:-2] + "00", [1, 4], "00 48 00 00 01 00 00 01 01"),
        (ADD, "01 01 01" + long, [1, 4], "00 83 00 00 01 00 00 00 42"),
        (ADD, "01 01 01" + PING + "00", [1, 4], "00 83 00 01 01 00 00 00 01"),
        (ADD, "01 01 01", [1, 4], "00 83 00 00 01 00 00 00 02"),
        (ADD, "00", [2], "00 88 ff ff 01 00 00 00 00"),
        (DELETE, "01" + TIME_SET, [1, 4], "00 93 00 00 01 00 00 00 10"),
        (DELETE, "01 01 03", [1, 4], "00 90 00 00 01 00 00 01 03"),
        (ENABLE, "02" + TIME_SET + "00 00", [1, 4], "00 90 00 01 01 00 00 00 00"),
        (DEFINITIONS, "01 01 03", [1, 4], "00 90 00 00 01 00 00 01 03"),
        (STATUS, "00", [2], "00 83 00 00 01 00 00 00 01"),
        (7, "", [2], "00 81 ff ff 01 00 00 00 07"),
    ]
    answers = actions.execute_all([actions.request(19, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows])
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]
    assert own(actions) == [(TIME_SET, 1)]
