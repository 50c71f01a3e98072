"""WAIT conditions in engineering units against the board's raw comparison, and times of steps as they are typed."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.sequence.condition import RELATIONS, ConditionError, condition
from perilune.sequence.moment import MomentError, read_absolute, read_duration, write_absolute, write_duration
from perilune.telemetry.onboard_time import OnboardTime

from tests.system.targets import TRIAL

POINT = load([CORE, TRIAL]).points["trial.level"]  # i16

COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
BOARD = {RELATIONS[sign]: COMPARE[sign] for sign in RELATIONS}


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    sign=st.sampled_from(list(COMPARE)),
    hundredths=st.integers(-40_000, 40_000),
    slope=st.sampled_from([1.0, 0.5, 0.1, -0.25, -2.0]),
    offset=st.sampled_from([0.0, -10.0, 273.15]),
    raws=st.lists(st.integers(-2000, 2000), min_size=1, max_size=20),
)
def test_the_board_answers_as_the_ground_would(
    sign: str, hundredths: int, slope: float, offset: float, raws: list[int]
) -> None:
    """For every raw value, also around the border; what the board cannot judge is refused."""
    point = msgspec.structs.replace(POINT, coefficients=(offset, slope))
    value = hundredths / 100
    exact_slope, exact_offset = Fraction(str(slope)), Fraction(str(offset))
    border = int((Fraction(hundredths, 100) - exact_offset) / exact_slope)
    try:
        found = condition(point, sign, value)
    except ConditionError:
        assert sign in ("==", "!=") or not -32768 < border < 32767
        return
    for raw in [*raws, border - 1, border, border + 1]:
        wanted = COMPARE[sign](exact_offset + exact_slope * raw, Fraction(hundredths, 100))
        assert BOARD[found.relation](raw, found.raw) == wanted


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), float("inf"), float("nan")], ids=["long", "-long", "inf", "nan"]
)
def test_nothing_is_compared_with_what_no_float_holds(value: float) -> None:
    for sign in COMPARE:
        with pytest.raises(ConditionError, match="is nothing that trial"):
            condition(POINT, sign, value)


@given(milliseconds=st.integers(0, 900 * 86_400_000))
def test_durations_read_as_they_are_written(milliseconds: int) -> None:
    assert read_duration(write_duration(milliseconds)) == milliseconds


@given(seconds=st.integers(1_956_528_037, 1_956_528_037 + (1 << 30) - 100), milliseconds=st.integers(0, 999))
def test_absolute_times_read_as_they_are_written(seconds: int, milliseconds: int) -> None:
    moment = OnboardTime(seconds, (milliseconds * 65536 + 500) // 1000, 1)
    again = read_absolute(write_absolute(moment))
    assert abs((again.seconds - seconds) * 65536 + again.fraction - moment.fraction) <= 1


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("00:00:00", 0), ("01:02:03.4", 3_723_400), ("99:59:59", 359_999_000), ("002T00:00:01", 172_801_000)],
)
def test_durations(text: str, milliseconds: int) -> None:
    assert read_duration(text) == milliseconds


def test_absolute_times() -> None:
    # 2020-02-29T23:59:59.5 UTC; TAI is 37 s ahead.
    assert read_absolute("2020-060T23:59:59.5") == OnboardTime(1_956_528_000 + 59 * 86400 + 86399 + 37, 0x8000, 1)
    for text, found in (
        ("2021-366T00:00:00", "days 001 to 365"),
        ("2020-000T00:00:00", "days 001 to 366"),
        ("2020-001T24:00:00", "24 hours"),
        ("2020-1-1T00:00:00", "no absolute time"),
        ("2019-365T00:00:00", "2020 to 2053"),
        ("9999-001T00:00:00", "2020 to 2053"),
    ):
        with pytest.raises(MomentError, match=found):
            read_absolute(text)
