"""Plans for ST[11]: literal octets, what no schedule can do, and put into a board's schedule over a bad line."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from flight.limits import APID, EPOCH_HIGH, EPOCH_LOW
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import UsageError
from perilune.sequence import schedule as module
from perilune.sequence.board import Conversation, RequestRefused, SequenceBoard
from perilune.sequence.schedule import (
    Activity,
    ScheduleError,
    activation,
    activities,
    groups,
    insert,
    insertion,
    later,
    plan_of,
)
from perilune.sequence.text import read_sequence
from perilune.telemetry.onboard_time import OnboardTime

from tests.system.fingerprint import Numbers
from tests.system.sequence_line import SequenceGround
from tests.system.targets import TRIAL, SitlTarget

DICTIONARY = load([CORE, TRIAL])
NOON = OnboardTime(2_174_472_037, 0, 1)  # 2026-331T12:00:00


def plan(tmp_path: Path, text: str, at: str | None = "2026-331T12:00:00") -> list[tuple[str, str]]:
    """Release times and texts of a plan."""
    path = tmp_path / "plan.seq"
    path.write_text(text)
    return [(row.release.iso, row.text) for row in plan_of(str(path), at, DICTIONARY)[0]]


def test_octets_of_a_plan() -> None:
    sequence, _ = read_sequence("R00:00:00 CORE.PING\nR00:00:01.5 CORE.PING", DICTIONARY)
    assert sequence is not None
    rows = activities(sequence, NOON, 0x3FFF)
    assert [row.count for row in rows] == [0x3FFF, 0]
    [group] = groups(rows, 226)
    data = insertion(group)
    assert data[:1].hex() == "02"
    # time, then the packet: APID 064, count 3FFF; PUS 2, no acknowledgement, 17/1, source 0; error control
    assert data[1:21].hex(" ") == "1e 81 9b cf 65 00 00 18 64 ff ff 00 06 20 11 01 00 00 " + data[19:21].hex(" ")
    assert data[21:34].hex(" ") == "1e 81 9b cf 66 80 00 18 64 c0 00 00 06"
    assert activation(80, NOON, 5).packet.hex(" ")[:-6] == "18 64 c0 05 00 08 20 15 04 00 00 00 50"


def test_groups_fit_into_frames_and_requests() -> None:
    rows = [activation(number, NOON, number) for number in range(1, 32)]
    made = groups(rows, 226)
    assert [len(group) for group in made] == [9, 9, 9, 4]
    assert all(len(insertion(group)) + 13 <= 226 for group in made)
    assert [len(group) for group in groups(rows, 1000)] == [10, 10, 10, 1]
    assert [row for group in made for row in group] == rows


def test_times_of_a_plan(tmp_path: Path) -> None:
    text = "R00:00:10 CORE.PING\nR00:00:05 CORE.PING\nA2026-331T13:00:00 CORE.PING\nR00:01:00 CORE.PING"
    assert [time[11:19] for time, _ in plan(tmp_path, text)] == ["12:00:10", "12:00:15", "13:00:00", "13:01:00"]
    assert [time[11:19] for time, _ in plan(tmp_path, "A2026-331T13:00:00 CORE.PING", None)] == ["13:00:00"]
    assert later(NOON, 86_400_250) == OnboardTime(NOON.seconds + 86_400, 0x4000, 1)


def test_the_same_plan_is_known_again(tmp_path: Path) -> None:
    path = tmp_path / "plan.seq"
    path.write_text("R00:00:00 CORE.PING\nR00:00:05 CORE.PING")
    first, again = (plan_of(str(path), "2026-331T12:00:00", DICTIONARY)[0] for _ in range(2))
    other = plan_of(str(path), "2026-331T12:00:01", DICTIONARY)[0]
    assert [row.count for row in first] == [row.count for row in again] != [row.count for row in other]


def test_what_no_schedule_can_do_is_told_at_once(tmp_path: Path) -> None:
    text = "WAIT trial.gain == 1 TIMEOUT 00:00:01\nR00:00:00 TRIAL.LOAD at=0 " + "00" * 48 + "\nR00:00:00 CORE.PING"
    with pytest.raises(ScheduleError) as caught:
        plan(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0].rpartition(":")[2] for line in lines[1:]] == ["1", "2"]
    with pytest.raises(UsageError, match="starts at no time"):
        plan(tmp_path, "R00:00:00 CORE.PING", None)
    with pytest.raises(UsageError, match="the time is missing"):
        plan_of("80", None, DICTIONARY)
    with pytest.raises(UsageError, match="no sequence id"):
        plan_of("70000", "2026-331T12:00:00", DICTIONARY)


def on_board(target: SitlTarget) -> list[tuple[int, int, int]]:
    """Sequence that is started, second after noon and count of each scheduled request, by time."""
    table = target.core.schedule.table
    rows = []
    for place in table.order[: table.count]:
        packet = bytearray(64)
        end = table.copy_packet(place, packet, 0)
        since_noon = table.seconds(place) + (EPOCH_HIGH << 16 | EPOCH_LOW) - NOON.seconds
        rows.append((int.from_bytes(packet[end - 4 : end - 2], "big"), since_noon, table.sequence(place)))
    return rows


def starts(count: int, *when: tuple[int, int]) -> list[Activity]:
    """A plan that starts sequences: id, second after noon."""
    return [activation(row[0], later(NOON, 1000 * row[1]), count + number) for number, row in enumerate(when)]


def order(ground: SequenceGround, subtype: int, data: bytes) -> None:
    """A request to the schedule that must be done."""
    request = ground.board.request(11, subtype, data)
    Conversation(ground.board, 10.0).finish([request])
    assert request.is_over and request.refusal is None


def test_a_count_that_another_request_has_is_not_taken_for_the_plans() -> None:
    """The same count with another sequence, at another time, or both; nothing goes up twice."""
    target = SitlTarget()
    ground = SequenceGround(target, Numbers())
    insert(ground.board, starts(86, (21, 0)))
    other = starts(86, (20, 100), (21, 0))
    for _ in range(2):
        sent = insert(ground.board, other)
        assert [row.count for row in sent] == [150, 87]
        assert on_board(target) == [(21, 0, 86), (21, 0, 87), (20, 100, 150)]
    order(ground, 5, struct.pack(">BHHH", 1, 0, APID, 86))
    # Count 86 has become free: what has gone up as 150 is still known.
    insert(ground.board, other)
    assert on_board(target) == [(21, 0, 87), (20, 100, 150)]


def test_a_plan_that_was_changed_on_board_is_made_whole_again() -> None:
    target = SitlTarget()
    ground = SequenceGround(target, Numbers())
    plan = starts(10, (1, 0), (2, 10), (3, 20))
    insert(ground.board, plan)
    order(ground, 5, struct.pack(">BHHH", 1, 0, APID, 11))
    assert insert(ground.board, plan) == plan
    assert on_board(target) == [(1, 0, 10), (2, 10, 11), (3, 20, 12)]
    order(ground, 15, struct.pack(">i", 5000))
    insert(ground.board, plan)
    assert [row[:2] for row in on_board(target)] == [(1, 0), (1, 5), (2, 10), (2, 15), (3, 20), (3, 25)]


def test_what_was_released_meanwhile_does_not_keep_the_rest_of_a_refused_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    target = SitlTarget()
    ground = SequenceGround(target, Numbers())
    insert(ground.board, [activation(number, NOON, number) for number in range(1, 41)])
    take_back = module._take_back

    def after_two_are_gone(board: SequenceBoard, talk: Conversation, *rest: Any) -> None:
        order(ground, 5, struct.pack(">BHHHHHH", 2, 0, APID, 100, 0, APID, 117))
        take_back(board, talk, *rest)

    monkeypatch.setattr(module, "_take_back", after_two_are_gone)
    with pytest.raises(RequestRefused, match="TABLE_FULL"):
        insert(ground.board, [activation(number, NOON, number) for number in range(100, 130)])
    assert [row[2] for row in on_board(target)] == list(range(1, 41))


def test_a_plan_over_a_bad_line_is_there_once() -> None:
    target, numbers = SitlTarget(), Numbers()
    ground = SequenceGround(target, numbers, bit_error_rate=1e-4)
    rows = [activation(number, NOON, number) for number in range(1, 41)]
    assert insert(ground.board, rows) == rows
    assert insert(SequenceGround(target, numbers, seed=2).board, rows) == rows
    assert target.core.schedule.table.count == 40
    with pytest.raises(RequestRefused, match=r"deleted again.*TABLE_FULL"):
        insert(ground.board, [activation(number, NOON, number) for number in range(100, 130)])
    assert target.core.schedule.table.count == 40, "no half of the other plan stays"
    with pytest.raises(RequestRefused, match="TIME_PAST"):
        insert(ground.board, [activation(1, OnboardTime(1_956_528_000, 0, 1), 200)])
