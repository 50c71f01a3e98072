"""ST[03] housekeeping, over the whole link. The trial app's count of 10 Hz runs tells intervals, no clock does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import Ground, data_of

STEPS = "10 04"  # u32: runs of the 10 Hz step
GAIN = "10 10"  # u8, settable, 10 at first
COLOUR = "10 13"  # u8, settable, GREEN = 2 at first
SID = "01 f4"


@pytest.fixture
def created(ground: Ground) -> Iterator[Ground]:
    """Structure 500 with steps, gain and colour every 200 ms, not yet enabled."""
    assert ground.execute(3, 1, SID + "00 00 00 c8 03" + STEPS + GAIN + COLOUR).stages == [1, 3, 7]
    yield ground
    ground.execute(3, 6, "01" + SID)
    assert ground.execute(3, 3, "01" + SID).stages == [1, 3, 7]


def steps_of(reports: list[PusTm], sid: str = SID) -> list[int]:
    """The counts of 10 Hz runs in the reports of this structure, which begins with them."""
    prefix = bytes.fromhex(sid)
    return [
        int.from_bytes(report.source_data[2:6], "big")
        for report in reports
        if report.service == 3 and report.message_subtype == 25 and report.source_data.startswith(prefix)
    ]


def intervals(steps: list[int]) -> set[int]:
    return {later - earlier for earlier, later in itertools.pairwise(steps)}


def several(ground: Ground, count: int, sid: str = SID) -> list[int]:
    """The next reports of a structure."""
    return steps_of(ground.until(lambda found: len(steps_of(found, sid)) >= count), sid)


def test_periodic_reports_of_the_dictionary(ground: Ground) -> None:
    reports = ground.until(lambda found: structure(found, "00 01") and len(structure(found, "00 64")) >= 3)
    # flag and small (bits 0), real 0.0, level 0, gain 10
    assert set(structure(reports, "00 64")) == {"00 64 00 00 00 00 00 00 00 0a"}
    health = structure(reports, "00 01")
    assert health
    # SID, wire version 1
    assert {text[:8] for text in health} == {"00 01 01"}


def structure(reports: list[PusTm], sid: str) -> list[str]:
    return [text for text in data_of(reports, 3, 25) if text.startswith(sid)]


def test_a_created_structure_is_off_then_on_then_off(created: Ground) -> None:
    assert structure(created.run(0.4), SID) == []
    assert created.execute(3, 5, "01" + SID).stages == [1, 3, 7]
    assert intervals(several(created, 5)) == {2}
    assert created.execute(3, 6, "01" + SID).stages == [1, 3, 7]
    assert structure(created.run(0.4), SID) == []


def test_values_stand_in_the_order_of_creation(created: Ground) -> None:
    [text] = structure(created.execute(3, 27, "01" + SID).reports, SID)
    assert text[18:] == "0a 02"


def test_report_once_while_off(created: Ground) -> None:
    answer = created.execute(3, 27, "01" + SID, source_id=0x77)
    [report] = [report for report in answer.reports if report.source_data.startswith(bytes.fromhex(SID))]
    assert report.pus_tm_sec_header.dest_id == 0x77
    assert len(report.source_data) == 2 + 4 + 1 + 1


def test_change_period(created: Ground) -> None:
    created.execute(3, 5, "01" + SID)
    several(created, 2)
    assert created.execute(3, 31, "01" + SID + "00 00 01 2c").stages == [1, 3, 7]
    several(created, 1)
    assert intervals(several(created, 3)) == {3}


def test_describe(created: Ground) -> None:
    answer = created.execute(3, 9, "02" + SID + "00 65")
    # SID, enabled, on change, period, number, parameters
    assert answer.data(3, 10) == [
        "01 f4 00 00 00 00 00 c8 00 03 10 04 10 10 10 13",
        "00 65 00 00 00 00 00 c8 00 01 10 04",
    ]


def test_on_change(created: Ground) -> None:
    """Structure 501 has gain and colour alone: it is silent until one of them moves."""
    sid = "01 f5"
    created.execute(3, 1, sid + "00 00 00 64 02" + GAIN + COLOUR)
    assert created.execute(3, 128, "01" + sid + "01").stages == [1, 3, 7]
    answer = created.execute(3, 5, "01" + sid)
    first = answer.reports if structure(answer.reports, sid) else created.until_data(3, 25, sid)
    assert structure(first, sid) == ["01 f5 0a 02"]
    assert structure(created.run(0.4), sid) == []
    answer = created.execute(20, 3, "01" + GAIN + "0b")
    assert structure(answer.reports + created.run(0.4), sid) == ["01 f5 0b 02"]
    created.execute(20, 129, "01" + GAIN)
    created.execute(3, 6, "01" + sid)
    assert created.execute(3, 3, "01" + sid).stages == [1, 3, 7]


def test_dictionary_structures_are_switched_too(ground: Ground) -> None:
    sid = "00 65"
    assert structure(ground.run(0.4), sid) == []
    assert ground.execute(3, 5, "01" + sid).stages == [1, 3, 7]
    assert intervals(several(ground, 4, sid)) == {2}
    assert ground.execute(3, 6, "01" + sid).stages == [1, 3, 7]
    assert structure(ground.run(0.4), sid) == []


REFUSED = [
    # unknown SID, item 1: nothing of the request is carried out
    (5, "02 00 65 7f ff", [1, 4], "00 90 00 01 01 00 00 7f ff"),
    (27, "01 00 00", [1, 4], "00 90 00 00 01 00 00 00 00"),
    # created already
    (1, "00 01 00 00 00 c8 01" + STEPS, [1, 4], "00 92 00 00 01 00 00 00 01"),
    # unknown parameter, item 1
    (1, "01 f6 00 00 00 c8 02" + STEPS + "7f ff", [1, 4], "00 90 00 01 01 00 00 7f ff"),
    # SID 0 and period 50 ms are out of range, 250 ms is not a multiple of 100
    (1, "00 00 00 00 00 c8 01" + STEPS, [2], "00 84 00 00 01 00 00 00 00"),
    (1, "01 f6 00 00 00 32 01" + STEPS, [2], "00 84 00 01 01 00 00 00 32"),
    (1, "01 f6 00 00 00 fa 01" + STEPS, [1, 4], "00 94 00 01 01 00 00 00 fa"),
    (31, "01 00 65 ff ff ff ff", [1, 4], "00 94 00 00 01 ff ff ff ff"),
    # a dictionary's structure cannot be deleted, an enabled one neither
    (3, "01 00 65", [1, 4], "00 93 00 00 01 00 00 00 65"),
    # no items, one octet too few, one too many
    (5, "00", [2], "00 88 ff ff 01 00 00 00 00"),
    (5, "01 00", [2], "00 83 00 02 01 00 00 00 01"),
    (5, "01 00 65 00", [2], "00 83 00 02 01 00 00 00 03"),
    (5, "", [2], "00 83 00 01 01 00 00 00 00"),
    (2, "", [2], "00 81 ff ff 01 00 00 00 02"),
]


def test_refusals(ground: Ground) -> None:
    requests = [ground.request(3, subtype, bytes.fromhex(data)) for subtype, data, _, _ in REFUSED]
    answers = ground.execute_all(requests)
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in REFUSED]
    # Item 0 of the first was not carried out.
    [text] = ground.execute(3, 9, "01 00 65").data(3, 10)
    assert text.startswith("00 65 00")


def test_the_table_of_created_structures_is_full(ground: Ground) -> None:
    sids = [f"02 0{number}" for number in range(5)]
    creations = [ground.request(3, 1, bytes.fromhex(sid + "00 00 00 c8 01" + STEPS)) for sid in sids]
    answers = ground.execute_all(creations)
    assert [found.stages for found in answers] == [[1, 3, 7]] * 4 + [[1, 4]]
    assert answers[4].notice == "00 91 00 00 01 00 00 00 04"
    assert ground.execute(3, 3, "04" + "".join(sids[:4])).stages == [1, 3, 7]
