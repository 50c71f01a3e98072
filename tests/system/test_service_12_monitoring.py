"""ST[12] on-board monitoring, over the whole link. What is monitored are settable parameters: the test moves them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import EPOCH, Ground, data_of, time_ms

ENABLE, DISABLE, DELAY, DELETE_ALL, ADD, DELETE, MODIFY, DEFINITIONS, OUT, STATUS = 1, 2, 3, 4, 5, 6, 7, 8, 10, 13
START, STOP = 15, 16
GAIN, OFFSET, LIMIT = "10 10", "10 11", "10 12"  # u8 (10), i32 (-5), f32 (0.25)
LOW_EVENT, HIGH_EVENT = "01 10", "01 11"
LIMITS, EXPECTED, DELTA = 0, 1, 2
GOOD, UNCHECKED, LOW, HIGH = 0, 1, 3, 4
FIRST = 0x400  # monitors of these tests


def definition(
    monitor: int,
    point: str,
    check: int,
    a: str,
    b: str,
    *,
    period_ms: int = 100,
    repetition: int = 1,
    engineering: int = 0,
    events: str = LOW_EVENT + HIGH_EVENT,
) -> str:
    """As it stands in 12/5, as hex: a, b are four octets each."""
    numbers = struct.pack(">IBBB", period_ms, repetition, check, engineering).hex(" ")
    return f"{monitor:04x} {point} 00 00 00 00 00 00 00 00 00 00 {numbers} {a} {b} {events}"


BETWEEN_5_AND_20 = definition(FIRST, GAIN, LIMITS, "00 00 00 05", "00 00 00 14")


@pytest.fixture
def monitoring(ground: Ground) -> Iterator[Ground]:
    """Nothing of the tests is defined; what they define goes, and parameters get their defaults."""
    assert ground.execute(12, DELAY, "00 00 00 64").stages == [1, 3, 7]
    yield ground
    [status] = ground.execute(12, STATUS).data(12, 14)
    octets = bytes.fromhex(status)
    own = [octets[at : at + 2] for at in range(1, len(octets), 4) if octets[at : at + 2] >= FIRST.to_bytes(2, "big")]
    for at in range(0, len(own), 50):
        some = own[at : at + 50]
        for subtype in (DISABLE, DELETE):
            assert ground.execute(12, subtype, bytes([len(some)]) + b"".join(some)).stages == [1, 3, 7]
    ground.execute(20, 129, "00")


def add(ground: Ground, *definitions: str) -> None:
    assert ground.execute(12, ADD, f"{len(definitions):02x}" + "".join(definitions)).stages == [1, 3, 7]


def enable(ground: Ground, *monitors: int) -> list[PusTm]:
    """Enable monitors; the reports that came of it."""
    data = f"{len(monitors):02x}" + "".join(f"{monitor:04x}" for monitor in monitors)
    answer = ground.execute(12, ENABLE, data)
    assert answer.stages == [1, 3, 7]
    return answer.reports


def begin(ground: Ground, monitor: int) -> None:
    """Enable a monitor whose point is good, and wait for its first check, of which nothing is reported."""
    reports = enable(ground, monitor)
    for _ in range(20):
        if status_of(ground, monitor) == (1, GOOD):
            break
    else:
        raise AssertionError(f"monitor {monitor:#x} did not check its point")
    assert transitions(reports) == []


def set_to(ground: Ground, parameter: str, value: str) -> list[PusTm]:
    answer = ground.execute(20, 3, "01" + parameter + value)
    assert answer.stages == [1, 3, 7]
    return answer.reports


def transitions(reports: list[PusTm]) -> list[tuple[str, int, int]]:
    """Of the reports 12/12: all but statuses and time as hex, status before, status now."""
    found = []
    for text in data_of(reports, 12, 12):
        octets = bytes.fromhex(text)
        assert len(octets) == 1 + 23 * octets[0]
        for at in range(1, len(octets), 23):
            found.append((octets[at : at + 14].hex(" "), octets[at + 14], octets[at + 15]))
    return found


def change(ground: Ground, parameter: str, value: str) -> list[tuple[str, int, int]]:
    """Set a parameter and wait for the next report of transitions."""
    return transitions(ground.until(transitions, already=set_to(ground, parameter, value)))


def status_of(ground: Ground, monitor: int) -> tuple[int, int]:
    """Is it enabled, and its status."""
    [text] = ground.execute(12, STATUS).data(12, 14)
    octets = bytes.fromhex(text)
    rows = {octets[at : at + 2]: (octets[at + 2], octets[at + 3]) for at in range(1, len(octets), 4)}
    return rows[monitor.to_bytes(2, "big")]


def test_a_limit_check(monitoring: Ground) -> None:
    add(monitoring, BETWEEN_5_AND_20)
    assert status_of(monitoring, FIRST) == (0, UNCHECKED)
    begin(monitoring, FIRST)
    reports = monitoring.until(
        lambda found: transitions(found) and data_of(found, 5, 4), already=set_to(monitoring, GAIN, "15")
    )
    # monitor, point, limit check, integer, value 21, limit 20
    assert transitions(reports) == [("04 00 10 10 00 02 00 00 00 15 00 00 00 14", GOOD, HIGH)]
    assert data_of(reports, 5, 4) == ["01 11 00 04 00 41 a8 00 00"]  # monitor, 21.0
    assert monitoring.execute(12, OUT).data(12, 11) == ["01 04 00 10 10 00 04 02 00 00 00 15"]
    reports = monitoring.until(
        lambda found: transitions(found) and data_of(found, 5, 3), already=set_to(monitoring, GAIN, "04")
    )
    assert transitions(reports) == [("04 00 10 10 00 02 00 00 00 04 00 00 00 05", HIGH, LOW)]
    assert data_of(reports, 5, 3) == ["01 10 00 04 00 40 80 00 00"]
    assert status_of(monitoring, FIRST) == (1, LOW)
    # Both limits belong to the good side.
    [(text, before, now)] = change(monitoring, GAIN, "05")
    assert (text[:11], before, now) == ("04 00 10 10", LOW, GOOD)
    assert monitoring.execute(12, OUT).data(12, 11) == ["00"]


def test_an_expected_value_under_a_mask(monitoring: Ground) -> None:
    add(monitoring, definition(FIRST, GAIN, EXPECTED, "00 00 00 0f", "00 00 00 0a"))
    begin(monitoring, FIRST)
    assert [row[1:] for row in change(monitoring, GAIN, "0b")] == [(GOOD, LOW)]
    # 1A and mask 0F is 0A again.
    assert [row[1:] for row in change(monitoring, GAIN, "1a")] == [(LOW, GOOD)]


def test_a_delta_of_a_float(monitoring: Ground) -> None:
    # From one sample to the next -0.5 to +0.5.
    add(monitoring, definition(FIRST, LIMIT, DELTA, "bf 00 00 00", "3f 00 00 00", period_ms=300))
    begin(monitoring, FIRST)
    found = monitoring.until(
        lambda reports: len(transitions(reports)) >= 2, already=set_to(monitoring, LIMIT, "3f 80 00 00")
    )
    # 0.25 to 1.0: the change 0.75 is too high, the next one, 0, is not. Kind 3 = float, value 1.0, limit 0.5.
    assert transitions(found)[0] == ("04 00 10 12 02 03 3f 80 00 00 3f 00 00 00", GOOD, HIGH)
    assert transitions(found)[1][1:] == (HIGH, GOOD)


def test_repetitions(monitoring: Ground) -> None:
    """Three samples in a row, 200 ms apart, before the status changes."""
    numbers = definition(FIRST, GAIN, LIMITS, "00 00 00 05", "00 00 00 14", repetition=3, period_ms=200)
    add(monitoring, numbers)
    begin(monitoring, FIRST)
    answer = set_to(monitoring, GAIN, "32")
    reports = monitoring.until(transitions, already=answer)
    assert [row[1:] for row in transitions(reports)] == [(GOOD, HIGH)]
    # By the board's clock: the third sample is at least two periods after the request.
    [done] = [report for report in answer if (report.service, report.message_subtype) == (1, 7)]
    [text] = data_of(reports, 12, 12)
    found_ms = (int(text[-17:].replace(" ", ""), 16) / 65536 - EPOCH) * 1000
    assert found_ms - time_ms(done) >= 400


def test_engineering_values_of_the_dictionary(monitoring: Ground) -> None:
    """Monitor 2 checks trial.level (raw 0 = -10.0 degC) in engineering values: -5..40."""
    assert monitoring.execute(12, DEFINITIONS, "01 00 02").data(12, 9) == [
        "00 00 00 64 01 00 02 10 02 00 00 00 00 00 00 00 00 00 00 00 00 00 64 01 00 01 c0 a0 00 00 42 20 00 00"
        " 00 00 01 11 00 01"
    ]
    found = transitions(monitoring.until(transitions, already=enable(monitoring, 2)))
    assert found == [("00 02 10 02 00 03 c1 20 00 00 c0 a0 00 00", UNCHECKED, LOW)]
    assert monitoring.execute(12, DISABLE, "01 00 02").stages == [1, 3, 7]


def test_definitions_come_back_as_they_went_up(monitoring: Ground) -> None:
    other = definition(FIRST + 1, OFFSET, LIMITS, "ff ff ff 00", "00 00 01 00", period_ms=1000, repetition=7)
    add(monitoring, BETWEEN_5_AND_20, other)
    [text] = monitoring.execute(12, DEFINITIONS, "02 04 01 04 00").data(12, 9)
    expected = [bytes.fromhex(row).hex(" ") + " 00 01" for row in (other, BETWEEN_5_AND_20)]  # disabled, unchecked
    assert text == "00 00 00 64 02 " + " ".join(expected)
    # Modified: other limits, checked from the beginning.
    modified = definition(FIRST, GAIN, LIMITS, "00 00 00 0b", "00 00 00 14")
    assert monitoring.execute(12, MODIFY, "01" + modified).stages == [1, 3, 7]
    found = transitions(monitoring.until(transitions, already=enable(monitoring, FIRST)))
    assert found == [("04 00 10 10 00 02 00 00 00 0a 00 00 00 0b", UNCHECKED, LOW)]


def test_the_function_is_disabled_and_enabled(monitoring: Ground) -> None:
    add(monitoring, BETWEEN_5_AND_20)
    begin(monitoring, FIRST)
    assert monitoring.execute(12, STOP).stages == [1, 3, 7]
    assert transitions(set_to(monitoring, GAIN, "32") + monitoring.run(0.5)) == []
    answer = monitoring.execute(12, START)
    assert [row[1:] for row in transitions(monitoring.until(transitions, already=answer.reports))] == [(GOOD, HIGH)]


def test_refusals(monitoring: Ground) -> None:
    add(monitoring, BETWEEN_5_AND_20)
    enable(monitoring, FIRST)

    def changed(monitor: int = FIRST + 1, point: str = GAIN, check: int = LIMITS, **fields: int | str) -> str:
        numbers = {"a": "00 00 00 05", "b": "00 00 00 14"}
        return definition(monitor, point, check, **{**numbers, **fields})  # type: ignore[arg-type]

    rows = [
        (ENABLE, "02 04 00 7f ff", [1, 4], "00 90 00 01 01 00 00 7f ff"),
        (DELETE, "01 04 00", [1, 4], "00 93 00 00 01 00 00 04 00"),
        (DELETE_ALL, "", [1, 4], "00 93 00 00 01 00 00 00 01"),
        (DEFINITIONS, "01 7f ff", [1, 4], "00 90 00 00 01 00 00 7f ff"),
        (ADD, "01" + changed(FIRST), [1, 4], "00 92 00 00 01 00 00 04 00"),
        (ADD, "02" + changed() + changed(), [1, 4], "00 92 00 01 01 00 00 04 01"),
        (ADD, "01" + changed(point="7f ff"), [1, 4], "00 90 00 00 01 00 00 7f ff"),
        (ADD, "01" + changed(events="7f fe 00 00"), [1, 4], "00 90 00 00 01 00 00 7f fe"),
        (ADD, "01" + changed(period_ms=250), [1, 4], "00 94 00 00 01 00 00 00 fa"),
        (ADD, "01" + changed(period_ms=0), [1, 4], "00 94 00 00 01 00 00 00 00"),
        (ADD, "01" + changed(repetition=0), [1, 4], "00 94 00 00 01 00 00 00 00"),
        (ADD, "01" + changed(check=3), [1, 4], "00 94 00 00 01 00 00 00 03"),
        (ADD, "01" + changed(point=LIMIT, check=EXPECTED), [1, 4], "00 94 00 00 01 00 00 00 01"),
        (ADD, "01" + changed(engineering=1), [1, 4], "00 94 00 00 01 00 00 00 01"),
        (ADD, "01" + changed(a="00 00 00 15"), [1, 4], "00 94 00 00 02 00 00 00 15"),
        (ADD, "01" + changed(a="80 00 00 00"), [1, 4], "00 94 00 00 02 80 00 00 00"),
        (ADD, "01" + changed(point=LIMIT, a="7f c0 00 00"), [1, 4], "00 94 00 00 03 7f c0 00 00"),
        (ADD, "07" + changed(), [2], "00 88 ff ff 01 00 00 00 07"),
        (ADD, "01" + changed()[:-3], [2], "00 83 00 21 01 00 00 00 20"),
        (MODIFY, "01" + changed(), [1, 4], "00 90 00 00 01 00 00 04 01"),
        (MODIFY, "01" + changed(FIRST, point=OFFSET), [1, 4], "00 90 00 00 01 00 00 04 00"),
        (DELAY, "00 00 00 63", [2], "00 84 00 00 01 00 00 00 63"),
        (STATUS, "00", [2], "00 83 00 00 01 00 00 00 01"),
        (99, "", [2], "00 81 ff ff 01 00 00 00 63"),
    ]
    answers = monitoring.execute_all(
        [monitoring.request(12, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows]
    )
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]


def test_the_table_is_full(monitoring: Ground) -> None:
    """64 definitions, the four of the dictionary among them."""
    definitions = [definition(FIRST + number, GAIN, LIMITS, "00 00 00 00", "00 00 00 64") for number in range(61)]
    requests = [
        monitoring.request(12, ADD, bytes.fromhex("06" + "".join(definitions[at : at + 6]))) for at in range(0, 60, 6)
    ]
    assert [answer.stages for answer in monitoring.execute_all(requests)] == [[1, 3, 7]] * 10
    answer = monitoring.execute(12, ADD, "01" + definitions[60])
    assert (answer.stages, answer.notice) == ([1, 4], "00 91 00 00 01 00 00 00 01")
