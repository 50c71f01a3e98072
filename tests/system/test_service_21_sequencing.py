"""ST[21] request sequencing, over the whole link: steps, delays, times, waits; load, activate, abort, report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import Answer, Ground, answer, cuc, data_of, identifier

LOAD, UNLOAD, ACTIVATE, ABORT, STATUS, CHECKSUM, CONTENT, ABORT_ALL = 1, 3, 4, 5, 6, 9, 11, 13
BEGIN, PART, END = 128, 129, 130
GO_ON = 0x10
EQUAL, NOT_EQUAL, BELOW, ABOVE = range(4)
GAIN, COLOUR, LIMIT = "10 10", "10 13", "10 12"
OF_DICTIONARY = "00 01 02 00"  # sequence 1 is loaded, its step 0
FIRST = 0x50


def request(data: str, delay_ms: int = 0, flags: int = 0) -> str:
    """A step: *data* is service type, subtype and application data, as hex."""
    octets = bytes.fromhex(data)
    return f"{flags:02x} {delay_ms:08x} {len(octets):02x}" + octets.hex()


def request_at(data: str, ms: int, flags: int = 0) -> str:
    """The same at an on-board time."""
    octets = bytes.fromhex(data)
    return f"{flags | 1:02x}" + cuc(ms).hex() + f"{len(octets):02x}" + octets.hex()


def wait(relation: int, parameter: str, value: str, timeout_ms: int, flags: int = 0) -> str:
    """A wait for a value, without a delay before it."""
    return f"{flags | 2:02x} 00 00 00 00 {relation:02x} {parameter} {value} {timeout_ms:08x}"


PING = request("11 01")


def load(ground: Ground, sequence: int, *steps: str) -> Answer:
    return ground.execute(21, LOAD, f"{sequence:04x} {len(steps):02x}" + "".join(steps))


def activate(ground: Ground, sequence: int) -> Answer:
    """Execute it to its end."""
    return ground.execute(21, ACTIVATE, f"{sequence:04x}")


def status(ground: Ground) -> list[str]:
    """Id (2), state, step of every sequence."""
    [text] = ground.execute(21, STATUS).data(21, 7)
    octets = bytes.fromhex(text)
    assert len(octets) == 1 + 4 * octets[0]
    return [octets[at : at + 4].hex(" ") for at in range(1, len(octets), 4)]


@pytest.fixture
def sequences(ground: Ground) -> Iterator[Ground]:
    """Nothing is loaded but what the dictionary has; nothing stays."""
    assert status(ground) == [OF_DICTIONARY]
    yield ground
    assert ground.execute(21, ABORT_ALL).stages == [1, 3, 7]
    own = [row for row in status(ground) if row != OF_DICTIONARY]
    ground.execute_all([ground.request(21, UNLOAD, bytes.fromhex(row)[:2]) for row in own])
    assert status(ground) == [OF_DICTIONARY]
    ground.execute(20, 129, "00")


def parameter(ground: Ground, identifier_: str) -> str:
    [text] = ground.execute(20, 1, "01" + identifier_).data(20, 2)
    return text[9:]


def test_steps_are_executed_in_their_order(sequences: Ground) -> None:
    steps = [
        PING,
        request("14 03 01" + GAIN + "0f", delay_ms=200),
        request("14 01 01" + GAIN, delay_ms=100),
        request("14 03 01" + GAIN + "10"),
    ]
    assert load(sequences, FIRST, *steps).stages == [1, 3, 7]
    found = activate(sequences, FIRST)
    # A report of progress after each step but the last.
    assert found.stages == [1, 3, 5, 5, 5, 7]
    assert [text[12:] for text in found.data(1, 5)] == ["00 00", "00 01", "00 02"]
    assert data_of(found.reports, 17, 2) == [""]
    assert data_of(found.reports, 20, 2) == ["01 10 10 0f"]
    assert parameter(sequences, GAIN) == "10"


def test_reports_of_a_sequence(sequences: Ground) -> None:
    assert load(sequences, FIRST, PING, request("14 03 01" + GAIN + "0f", delay_ms=1)).stages == [1, 3, 7]
    content = "00 00 00 00 00 02 11 01 00 00 00 00 01 06 14 03 01 10 10 0f"
    assert sequences.execute(21, CONTENT, "00 50").data(21, 12) == ["00 50 02 00 00 " + content]
    [checksum] = sequences.execute(21, CHECKSUM, "00 50").data(21, 10)
    assert checksum == "00 50 00 14 " + crc(content)
    assert status(sequences) == ["00 50 02 00", OF_DICTIONARY]


def crc(octets: str) -> str:
    """CRC-16 of the standards (polynomial 1021, start FFFF), bit by bit."""
    register = 0xFFFF
    for octet in bytes.fromhex(octets):
        register ^= octet << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    return register.to_bytes(2, "big").hex(" ")


def begun(ground: Ground, sequence: int) -> tuple[int, list[PusTm]]:
    """Activate a sequence and wait for its start: its request identifier and the reports."""
    sent = ground.send(21, ACTIVATE, sequence.to_bytes(2, "big"))
    number = identifier(bytes(sent.pack()))
    return number, ground.until(lambda reports: answer(number, reports).stages[:2] == [1, 3])


def ended(ground: Ground, number: int, already: list[PusTm]) -> Answer:
    """Wait for the end of a request."""
    reports = ground.until(lambda found: answer(number, found).stages[-1] in (7, 8), already=already)
    return answer(number, reports)


def test_a_wait_ends_when_its_condition_holds(sequences: Ground) -> None:
    assert load(sequences, FIRST, wait(EQUAL, COLOUR, "00 00 00 04", 8000), PING).stages == [1, 3, 7]
    number, reports = begun(sequences, FIRST)
    assert data_of(reports + sequences.run(0.3), 17, 2) == []
    assert status(sequences)[0] == "00 50 03 00"
    reports += sequences.execute(20, 3, "01" + COLOUR + "04").reports
    found = ended(sequences, number, reports)
    assert found.stages == [1, 3, 5, 7]
    assert data_of(found.reports, 17, 2) == [""]


@pytest.mark.parametrize(
    ("relation", "limit"),
    [(EQUAL, "3e 80 00 00"), (NOT_EQUAL, "3e 80 00 40"), (BELOW, "3e 80 00 40"), (ABOVE, "3e 7f ff 00")],
)
def test_relations_to_a_float(sequences: Ground, relation: int, limit: str) -> None:
    """trial.limit is 0.25 = 3E800000."""
    assert load(sequences, FIRST, wait(relation, LIMIT, limit, 300)).stages == [1, 3, 7]
    assert activate(sequences, FIRST).stages == [1, 3, 7]


def test_a_wait_that_times_out_ends_its_sequence(sequences: Ground) -> None:
    assert load(sequences, FIRST, PING, wait(ABOVE, GAIN, "00 00 00 63", 200), PING).stages == [1, 3, 7]
    number, reports = begun(sequences, FIRST)
    reports = sequences.until(
        lambda found: data_of(found, 5, 3) and answer(number, found).stages[-1] == 8, already=reports
    )
    found = answer(number, reports)
    assert found.stages == [1, 3, 5, 8]
    assert found.notice == "00 a3 00 01 01 00 00 00 a1"  # STEP_FAILED at step 1: TIMEOUT
    assert data_of(reports, 5, 3) == ["00 38 00 00 50 01 00 a1"]
    assert len(data_of(reports, 17, 2)) == 1


def test_a_step_may_fail_and_the_sequence_go_on(sequences: Ground) -> None:
    steps = [
        wait(ABOVE, GAIN, "00 00 00 63", 100, flags=GO_ON),
        request("63 01", flags=GO_ON),
        request("14 01 01 7f ff", flags=GO_ON),
        PING,
    ]
    assert load(sequences, FIRST, *steps).stages == [1, 3, 7]
    found = activate(sequences, FIRST)
    assert found.stages == [1, 3, 6, 6, 6, 7]
    assert [text[12:29] for text in data_of(found.reports, 1, 6)] == [
        "00 00 00 a1 ff ff",
        "00 01 00 80 ff ff",
        "00 02 00 90 ff ff",
    ]
    assert data_of(found.reports, 17, 2) == [""]
    # The steps' own requests: APID 064, count 0.
    assert data_of(found.reports, 1, 2) == ["18 64 c0 00 00 80 ff ff 01 00 00 00 63"]
    assert data_of(found.reports, 1, 4) == ["18 64 c0 00 00 90 00 00 01 00 00 7f ff"]


def test_a_request_that_fails_ends_its_sequence(sequences: Ground) -> None:
    assert load(sequences, FIRST, request("63 01"), PING).stages == [1, 3, 7]
    found = activate(sequences, FIRST)
    assert found.stages == [1, 3, 8]
    assert found.notice == "00 a3 00 00 01 00 00 00 80"
    assert data_of(found.reports, 17, 2) == []


def test_a_step_at_a_time(sequences: Ground) -> None:
    sequences.execute(9, 128, cuc(50_000_000))
    now = sequences.now_ms()
    assert load(sequences, FIRST, request_at("09 81", now + 1200)).stages == [1, 3, 7]
    found = activate(sequences, FIRST)
    assert found.stages == [1, 3, 7]
    [text] = data_of(found.reports, 9, 2)
    # The report of the time that the step asks for: not before it, and on a clock that is ours within 10 ms.
    late_s = (int(text[6:].replace(" ", "")[:12], 16) - int.from_bytes(cuc(now + 1200)[1:], "big")) / 65536
    assert 0 <= late_s < (0.01 if sequences.exact else 2)
    # Far in the past it is not executed any more.
    assert load(sequences, FIRST + 1, request_at("11 01", now - 60_000), PING).stages == [1, 3, 7]
    late = activate(sequences, FIRST + 1)
    assert (late.stages, late.notice) == ([1, 3, 8], "00 a3 00 00 01 00 00 00 95")


def test_abort_one_and_all(sequences: Ground) -> None:
    for sequence in range(FIRST, FIRST + 3):
        assert load(sequences, sequence, request("11 01", delay_ms=60_000)).stages == [1, 3, 7]
    numbers = [begun(sequences, sequence)[0] for sequence in range(FIRST, FIRST + 3)]
    assert [row[6:8] for row in status(sequences)] == ["03", "03", "03", "02"]
    reports = sequences.execute(21, ABORT, "00 51").reports
    assert answer(numbers[1], reports).notice == "00 a0 00 00 01 00 00 00 a0"
    everything = sequences.execute(21, ABORT_ALL)
    assert everything.data(21, 14) == ["02 00 50 00 52"]
    assert [answer(numbers[at], everything.reports).stages for at in (0, 2)] == [[8], [8]]
    assert [row[6:8] for row in status(sequences)] == ["02", "02", "02", "02"]


def test_a_long_sequence_in_parts(sequences: Ground) -> None:
    """64 steps, the most there are: 63 set the gain to their number, the last one pings."""
    steps = "".join(request("14 03 01" + GAIN + f"{number:02x}") for number in range(1, 64)) + PING
    octets = bytes.fromhex(steps)
    assert len(octets) == 63 * 12 + 8
    head = f"00 50 40 {len(octets):04x}" + crc(octets.hex())
    assert sequences.execute(21, BEGIN, head).stages == [1, 3, 7]
    early = activate(sequences, FIRST)
    assert (early.stages, early.notice) == ([1, 4], "00 93 00 00 01 00 00 00 01")
    size = 200
    parts = [
        sequences.request(21, PART, b"\x00\x50" + at.to_bytes(2, "big") + octets[at : at + size])
        for at in range(0, len(octets), size)
    ]
    assert [found.stages for found in sequences.execute_all(parts)] == [[1, 3, 7]] * 4
    assert sequences.execute(21, END, "00 50").stages == [1, 3, 7]
    found = activate(sequences, FIRST)
    assert found.stages == [1, 3, *[5] * 63, 7]
    assert data_of(found.reports, 17, 2) == [""]
    assert parameter(sequences, GAIN) == "3f"
    content = b"".join(bytes.fromhex(text)[5:] for text in sequences.execute(21, CONTENT, "00 50").data(21, 12))
    assert content == octets


def test_parts_that_are_not_right(sequences: Ground) -> None:
    head = "00 50 01 00 08" + crc(PING)
    rows = [
        (BEGIN, head, [1, 3, 7], ""),
        (PART, "00 50 00 01 00", [1, 4], "00 94 00 01 01 00 00 00 01"),  # not the next octet
        (PART, "00 50 00 00" + PING + "00", [1, 4], "00 83 00 02 01 00 00 00 09"),  # more than announced
        (PART, "00 50 00 00" + PING[:-2], [1, 3, 7], ""),
        (END, "00 50", [1, 4], "00 83 00 08 01 00 00 00 07"),  # an octet is missing: forgotten
        (PART, "00 50 00 07 01", [1, 4], "00 90 00 00 01 00 00 00 50"),
        (BEGIN, head, [1, 3, 7], ""),
        (PART, "00 50 00 00" + PING[:-2] + "02", [1, 3, 7], ""),
        (END, "00 50", [1, 4], "00 94 00 00 01 00 00 " + crc(PING[:-2] + "02")),  # another octet
    ]
    answers = sequences.execute_all(
        [sequences.request(21, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows]
    )
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]


def test_tables_are_full(sequences: Ground) -> None:
    """Eight sequences are kept, four are executed at a time."""
    slow = request("11 01", delay_ms=60_000)
    loads = [
        sequences.request(21, LOAD, bytes.fromhex(f"{sequence:04x} 01" + slow)) for sequence in range(FIRST, FIRST + 9)
    ]
    answers = sequences.execute_all(loads)
    assert [found.stages for found in answers] == [[1, 3, 7]] * 8 + [[1, 4]]
    assert answers[8].notice == "00 91 00 00 01 00 00 00 08"
    for sequence in range(FIRST, FIRST + 4):
        begun(sequences, sequence)
    refused = activate(sequences, FIRST + 4)
    assert (refused.stages, refused.notice) == ([1, 4], "00 97 00 00 01 00 00 00 04")


def test_refusals(sequences: Ground) -> None:
    assert load(sequences, FIRST, request("11 01", delay_ms=60_000)).stages == [1, 3, 7]
    begun(sequences, FIRST)
    rows = [
        (LOAD, "00 50 01" + PING, [1, 4], "00 92 00 00 01 00 00 00 50"),
        (LOAD, "00 00 01" + PING, [2], "00 84 00 00 01 00 00 00 00"),
        (LOAD, "00 51 41" + PING, [2], "00 84 00 01 01 00 00 00 41"),
        (LOAD, "00 51 02" + PING, [1, 4], "00 94 00 02 01 00 00 00 02"),  # one step, two announced
        (LOAD, "00 51 01" + PING[:-2], [1, 4], "00 94 00 02 01 00 00 00 01"),  # cut
        (LOAD, "00 51 01 03" + PING[2:], [1, 4], "00 94 00 02 01 00 00 00 01"),  # no such kind
        (LOAD, "00 51 01" + wait(4, GAIN, "00 00 00 00", 100), [1, 4], "00 94 00 02 01 00 00 00 01"),
        (LOAD, "00 51 01" + wait(EQUAL, "7f ff", "00 00 00 00", 100), [1, 4], "00 94 00 02 01 00 00 00 01"),
        (LOAD, "00 51 01" + wait(EQUAL, GAIN, "00 00 00 00", 0), [1, 4], "00 94 00 02 01 00 00 00 01"),
        (ACTIVATE, "7f ff", [1, 4], "00 90 00 00 01 00 00 7f ff"),
        (ACTIVATE, "00 50", [1, 4], "00 93 00 00 01 00 00 00 02"),  # it is executed already
        (UNLOAD, "00 50", [1, 4], "00 93 00 00 01 00 00 00 50"),
        (UNLOAD, "00 01", [1, 4], "00 93 00 00 01 00 00 00 01"),  # the dictionary's
        (ABORT, "00 01", [1, 4], "00 93 00 00 01 00 00 00 02"),
        (ACTIVATE, "", [2], "00 83 00 02 01 00 00 00 00"),
        (2, "", [2], "00 81 ff ff 01 00 00 00 02"),
    ]
    answers = sequences.execute_all(
        [sequences.request(21, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows]
    )
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]
