"""ST[20] on-board parameter management, over the whole link; and what survives a power cut."""

from __future__ import annotations

from tests.system.core_link import Ground

READ, SET, READ_ALL, DEFAULTS = 1, 3, 128, 129
GAIN, OFFSET, LIMIT, COLOUR, SIZE = "10 10", "10 11", "10 12", "10 13", "10 14"
# The trial mission's, at their defaults: 10, -5, 0.25, GREEN, 70000.
AT_DEFAULTS = "10 10 0a 10 11 ff ff ff fb 10 12 3e 80 00 00 10 13 02 10 14 00 01 11 70"


def read(ground: Ground, *parameters: str) -> str:
    """Values of parameters, as they stand in the report behind their number."""
    [text] = ground.execute(20, READ, f"{len(parameters):02x}" + "".join(parameters)).data(20, 2)
    assert int(text[:2], 16) == len(parameters)
    return text[3:]


def test_defaults_and_all_at_once(ground: Ground) -> None:
    assert ground.execute(20, DEFAULTS, "00").stages == [1, 3, 7]
    assert read(ground, GAIN, OFFSET, LIMIT, COLOUR, SIZE) == AT_DEFAULTS
    [everything] = ground.execute(20, READ_ALL).data(20, 2)
    assert AT_DEFAULTS in everything


def test_set_and_read_back(ground: Ground) -> None:
    answer = ground.execute(
        20,
        SET,
        "05" + GAIN + "64" + OFFSET + "ff f0 bd c0" + LIMIT + "bf c0 00 00" + COLOUR + "04" + SIZE + "3f ff ff ff",
    )
    assert answer.stages == [1, 3, 7]
    assert (
        read(ground, SIZE, COLOUR, LIMIT, OFFSET, GAIN)
        == "10 14 3f ff ff ff 10 13 04 10 12 bf c0 00 00 10 11 ff f0 bd c0 10 10 64"
    )
    assert ground.execute(20, DEFAULTS, "02" + SIZE + GAIN).stages == [1, 3, 7]
    assert read(ground, SIZE, COLOUR, GAIN) == "10 14 00 01 11 70 10 13 04 10 10 0a"
    assert ground.execute(20, DEFAULTS, "00").stages == [1, 3, 7]
    assert read(ground, GAIN, OFFSET, LIMIT, COLOUR, SIZE) == AT_DEFAULTS


def test_points_are_read_too(ground: Ground) -> None:
    # wire version, reset cause, 3-bit point in an octet
    assert read(ground, "00 01", "00 06", "10 01") == "00 01 01 00 06 01 10 01 00"


def test_refusals_change_nothing(ground: Ground) -> None:
    rows = [
        (SET, "02" + GAIN + "14" + "7f ff 00", [2], "00 90 00 01 01 00 00 7f ff"),
        (SET, "02" + GAIN + "14" + "00 01 02", [2], "00 99 00 01 01 00 00 00 01"),
        (SET, "02" + GAIN + "14" + GAIN + "00", [2], "00 94 00 01 01 00 00 00 00"),
        (SET, "01" + GAIN + "65", [2], "00 94 00 00 01 00 00 00 65"),
        (SET, "01" + OFFSET + "ff f0 bd bf", [2], "00 94 00 00 02 ff f0 bd bf"),
        (SET, "01" + OFFSET + "80 00 00 00", [2], "00 94 00 00 02 80 00 00 00"),
        (SET, "01" + LIMIT + "3f c0 00 10", [2], "00 94 00 00 03 3f c0 00 10"),
        (SET, "01" + LIMIT + "7f c0 00 00", [2], "00 94 00 00 03 7f c0 00 00"),
        (SET, "01" + COLOUR + "03", [2], "00 94 00 00 01 00 00 00 03"),
        (SET, "01" + SIZE + "40 00 00 00", [2], "00 94 00 00 01 40 00 00 00"),
        (SET, "01" + SIZE + "00 00 00", [2], "00 83 00 00 01 00 00 00 06"),
        (SET, "01" + GAIN + "14 00", [2], "00 83 00 01 01 00 00 00 05"),
        (SET, "02" + GAIN + "14", [2], "00 83 00 01 01 00 00 00 04"),
        (SET, "00", [2], "00 88 ff ff 01 00 00 00 00"),
        (READ, "02" + GAIN + "7f ff", [1, 4], "00 90 00 01 01 00 00 7f ff"),
        (READ, "00", [2], "00 88 ff ff 01 00 00 00 00"),
        (READ, "02" + GAIN, [2], "00 83 00 04 01 00 00 00 02"),
        (DEFAULTS, "02" + GAIN + "00 01", [1, 4], "00 99 00 01 01 00 00 00 01"),
        (READ_ALL, "00", [2], "00 83 00 00 01 00 00 00 01"),
        (2, "", [2], "00 81 ff ff 01 00 00 00 02"),
    ]
    answers = ground.execute_all([ground.request(20, subtype, bytes.fromhex(data)) for subtype, data, _, _ in rows])
    assert [(found.stages, found.notice) for found in answers] == [row[2:] for row in rows]
    assert ground.execute(20, DEFAULTS, "01" + LIMIT).stages == [1, 3, 7]
    assert read(ground, GAIN, OFFSET, LIMIT, COLOUR, SIZE) == AT_DEFAULTS


def test_persistent_ones_survive_a_power_cut(fresh_ground: Ground) -> None:
    ground = fresh_ground
    changes = "05" + GAIN + "2a" + OFFSET + "00 00 00 07" + LIMIT + "3f 80 00 00" + COLOUR + "01" + SIZE + "00 00 00 01"
    assert ground.execute(20, SET, changes).stages == [1, 3, 7]
    ground.power_cut()
    # gain, offset and limit are persistent, colour and size are not.
    assert read(ground, GAIN, OFFSET, LIMIT, COLOUR, SIZE) == (
        "10 10 2a 10 11 00 00 00 07 10 12 3f 80 00 00 10 13 02 10 14 00 01 11 70"
    )
    assert ground.execute(20, DEFAULTS, "00").stages == [1, 3, 7]
    ground.power_cut()
    assert read(ground, GAIN, OFFSET, LIMIT, COLOUR, SIZE) == AT_DEFAULTS
