"""ST[17] test, over the whole link."""

from __future__ import annotations

from tests.system.core_link import Ground


def test_are_you_alive(ground: Ground) -> None:
    answer = ground.execute(17, 1)
    assert answer.stages == [1, 3, 7]
    assert answer.data(17, 2) == [""]


def test_the_answer_goes_to_who_asked(ground: Ground) -> None:
    answer = ground.execute(17, 1, source_id=0x1234)
    [report] = [report for report in answer.reports if report.service == 17]
    assert report.pus_tm_sec_header.dest_id == 0x1234
    assert {report.pus_tm_sec_header.dest_id for report in answer.reports if report.service == 1} == {0x1234}


def test_data_where_none_is_wanted(ground: Ground) -> None:
    answer = ground.execute(17, 1, "00")
    assert answer.stages == [2]
    assert answer.notice == "00 83 00 00 01 00 00 00 01"
    assert answer.data(17, 2) == []
