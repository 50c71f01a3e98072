"""ST[08] function management, over the whole link: arguments of every type, hazardous functions, slow ones."""

from __future__ import annotations

from tests.system.core_link import Ground

EVERY_TYPE, SLOW, FAIL, DANGEROUS, LOAD = 0x200, 0x201, 0x202, 0x203, 0x205
ARM = 1
# a 2..9, b i8 -3..3, c u16, d i16 +-1000, e u32..100000, f i32 from -100000, g f32 -1..2, h bool, i enumeration
GOOD = "05 fd ff ff fc 18 00 01 86 a0 ff fe 79 60 40 00 00 00 01 04"


def test_arguments_of_every_type_at_their_limits(ground: Ground) -> None:
    highest = "09 03 ff ff 03 e8 00 01 86 a0 3f ff ff ff 40 00 00 00 01 04"
    lowest = "02 fd 00 00 fc 18 00 00 00 00 ff fe 79 60 bf 80 00 00 00 01"
    assert [ground.function(EVERY_TYPE, data).stages for data in (GOOD, highest, lowest)] == [[1, 3, 7]] * 3


def test_each_argument_out_of_its_range(ground: Ground) -> None:
    # where the argument stands, its octets, notice: code, argument, kind, value
    rows = [
        (0, "01", "00 84 00 00 01 00 00 00 01"),
        (0, "0a", "00 84 00 00 01 00 00 00 0a"),
        (1, "04", "00 84 00 01 02 00 00 00 04"),
        (1, "80", "00 84 00 01 02 ff ff ff 80"),
        (4, "03 e9", "00 84 00 03 02 00 00 03 e9"),
        (4, "fc 17", "00 84 00 03 02 ff ff fc 17"),
        (6, "00 01 86 a1", "00 84 00 04 01 00 01 86 a1"),
        (6, "ff ff ff ff", "00 84 00 04 01 ff ff ff ff"),
        (10, "ff fe 79 5f", "00 84 00 05 02 ff fe 79 5f"),
        (10, "40 00 00 00", "00 84 00 05 02 40 00 00 00"),
        (14, "40 00 00 10", "00 84 00 06 03 40 00 00 10"),
        (14, "7f c0 00 00", "00 84 00 06 03 7f c0 00 00"),  # not a number
        (14, "ff 80 00 00", "00 84 00 06 03 ff 80 00 00"),  # minus infinity
        (18, "02", "00 84 00 07 01 00 00 00 02"),
        (19, "03", "00 85 00 08 01 00 00 00 03"),
    ]
    requests = []
    for at, octets, _ in rows:
        data = bytearray.fromhex("02 00" + GOOD)
        value = bytes.fromhex(octets)
        data[2 + at : 2 + at + len(value)] = value
        requests.append(ground.request(8, 1, bytes(data)))
    answers = ground.execute_all(requests)
    assert [found.stages for found in answers] == [[2]] * len(rows)
    assert [found.notice for found in answers] == [notice for _, _, notice in rows]


def test_a_function_with_free_octets(ground: Ground) -> None:
    assert ground.function(LOAD, "00 10").stages == [1, 3, 7]
    assert ground.function(LOAD, "00 10" + "aa" * 32).stages == [1, 3, 7]
    assert ground.function(LOAD, "00").notice == "00 83 00 02 01 00 00 00 01"


def test_progress_and_end_of_a_slow_function(ground: Ground) -> None:
    assert ground.function(SLOW, "04 00 00").stages == [1, 3, 5, 5, 5, 7]
    failed = ground.function(SLOW, "02 01 99")
    assert failed.stages == [1, 3, 5, 8]
    assert failed.notice == "01 99 00 00 01 00 00 00 02"


def test_failures_before_and_after_the_start(ground: Ground) -> None:
    assert ground.function(FAIL, "01 00 00").stages == [1, 4]
    assert ground.function(FAIL, "01 00 01").stages == [1, 3, 8]
    assert ground.function(FAIL, "00 ff 00").notice == "00 84 00 00 01 00 00 00 ff"


def test_a_hazardous_function_must_be_armed_each_time(ground: Ground) -> None:
    unarmed = ground.function(DANGEROUS)
    assert unarmed.stages == [2]
    assert unarmed.notice == "00 87 ff ff 01 00 00 02 03"
    assert ground.function(ARM, "08 01 02 03").stages == [1, 3, 7]
    assert ground.function(DANGEROUS).stages == [1, 3, 7]
    assert ground.function(DANGEROUS).stages == [2]


def test_arming_is_for_one_function_alone(ground: Ground) -> None:
    assert ground.function(ARM, "08 01 00 02").stages == [1, 3, 7]  # restart
    assert ground.function(DANGEROUS).stages == [2]
    # The wrong one has disarmed it.
    assert ground.function(2).notice == "00 87 ff ff 01 00 00 00 02"


def test_heap_is_collected_and_told(ground: Ground) -> None:
    assert ground.function(3).stages == [1, 3, 7]
    [value] = ground.execute(20, 1, "01 00 07").data(20, 2)
    assert value.startswith("01 00 07")


def test_refusals(ground: Ground) -> None:
    rows = [
        ("7f ff", [2], "00 82 00 00 01 00 00 7f ff"),
        ("00", [2], "00 83 00 02 01 00 00 00 01"),
        ("", [2], "00 83 00 02 01 00 00 00 00"),
        ("02 00" + GOOD + "00", [2], "00 83 00 14 01 00 00 00 15"),
        ("02 00" + GOOD[:-3], [2], "00 83 00 14 01 00 00 00 13"),
        ("02 01 00 00 00", [2], "00 84 00 00 01 00 00 00 00"),
    ]
    answers = ground.execute_all([ground.request(8, 1, bytes.fromhex(data)) for data, _, _ in rows])
    assert [(found.stages, found.notice) for found in answers] == [row[1:] for row in rows]
