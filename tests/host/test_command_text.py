"""Commands as text: literal application data for good ones, column and words for each thing that can be wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.client.command_text import CommandTextError, near, parse_command, read_command, read_number
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.telemetry.requests import Requests

from tests.system.targets import TRIAL

DICTIONARY = load([CORE, TRIAL])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("CORE.PING", ""),
        ("core.ping", ""),
        ("TRIAL.SLOW steps=3 code=0x10", "02 01 03 00 10"),
        ("  trial.slow\tCODE=16   steps=3 ", "02 01 03 00 10"),
        ("CORE.ARM service=8 subtype=1", "00 01 08 01 00 00"),  # function has a default
        ("MODES.CHANGE mode=SAFE", "00 10 01"),
        ("MODES.CHANGE mode=safe", "00 10 01"),
        ("TRIAL.FAIL code=300 after_start=TRUE", "02 02 01 2c 01"),
        ("TRIAL.LOAD at=1 0102 ff", "02 05 00 01 01 02 ff"),
        ("SCHEDULE.SHIFT_ALL offset_ms=-5ms", "ff ff ff fb"),
        (
            "TRIAL.EVERY_TYPE a=5 b=-1 c=2 d=-3 e=4 f=5 g=-0.5 h=off i=blue",
            "02 00 05 ff 00 02 ff fd 00 00 00 04 00 00 00 05 bf 00 00 00 00 04",
        ),
        ("CORE.SET_PARAMETERS (parameter=trial.gain value=5)", "01 10 10 05"),
        (
            "CORE.SET_PARAMETERS (parameter=trial.limit value=0.5) (parameter=0x1013 value=RED)",
            "02 10 12 3f 00 00 00 10 13 01",
        ),
        ("CORE.REPORT_ONCE (sid=trial.mixed)", "01 00 64"),
        ("SEQUENCE.ACTIVATE sequence=stored.mixed", "00 01"),
    ],
)
def test_good_commands(text: str, data: str) -> None:
    assert parse_command(text, DICTIONARY).data.hex(" ") == data


def test_what_the_board_wants_beside_it_is_known() -> None:
    assert parse_command("TRIAL.DANGEROUS", DICTIONARY).is_hazardous
    assert parse_command("TRIAL.SAFE_ONLY", DICTIONARY).only_in == ("SAFE",)
    ping = parse_command("CORE.PING", DICTIONARY)
    assert (ping.is_hazardous, ping.only_in) == (False, ())
    assert ping.telecommand(5).pack().hex(" ") == "18 64 c0 05 00 06 2f 11 01 00 00 d7 c4"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(1, "empty")]),
        ("   ", [(1, "empty")]),
        (" TRIAL.SLO steps=3", [(2, "command")]),
        ("TRIAL.SLOW step=3 code=99999 x", [(1, "missing"), (12, "argument"), (24, "range"), (30, "argument")]),
        ("TRIAL.SLOW steps=3 steps=4 code=1", [(20, "duplicate")]),
        ("TRIAL.SLOW steps= code=1.5", [(18, "value"), (24, "range")]),
        ("TRIAL.SLOW steps=three code=1s", [(18, "value"), (29, "unit")]),
        ("TRIAL.SLOW =3 steps=1 code=1", [(12, "argument")]),
        ("TRIAL.SLOW steps=0 code=1", [(18, "range")]),
        ("SCHEDULE.SHIFT_ALL offset_ms=5s", [(30, "unit")]),
        ("MODES.CHANGE mode=SAVE", [(19, "value")]),
        ("MODES.CHANGE mode=77", [(19, "range")]),
        ("TRIAL.FAIL code=300 after_start=maybe", [(33, "value")]),
        ("TRIAL.LOAD at=3 0102 ff0", [(22, "argument")]),
        ("CORE.PING (a=1)", [(11, "items")]),
        ("CORE.SET_PARAMETERS", [(1, "items")]),
        ("CORE.SET_PARAMETERS (parameter=trial.gain value=101)", [(49, "range")]),
        ("CORE.SET_PARAMETERS (parameter=trial.gain)", [(21, "missing")]),
        ("CORE.SET_PARAMETERS (parameter=trial.gan value=1)", [(32, "value")]),
        ("CORE.SET_PARAMETERS (parameter=trial.level value=1)", [(21, "parameter")]),
        ("CORE.SET_PARAMETERS (parameter=trial.gain value=1", [(21, "parenthesis")]),
        ("TRIAL.EVERY_TYPE a=5 b=1 c=2 d=3 e=4 f=5 g=nan h=ON i=1e999", [(44, "value"), (55, "range")]),
        (f"CORE.ARM service=0x{'F' * 300} subtype=1", [(18, "range")]),
        (f"CORE.SET_PARAMETERS (parameter=trial.limit value=-0x{'F' * 300})", [(50, "range")]),
    ],
)
def test_everything_that_is_wrong_is_told_with_its_column(text: str, found: list[tuple[int, str]]) -> None:
    with pytest.raises(CommandTextError) as caught:
        parse_command(text, DICTIONARY)
    assert [(problem.column, problem.kind) for problem in caught.value.problems] == found


def test_an_error_shows_where_and_what_instead() -> None:
    with pytest.raises(CommandTextError) as caught:
        parse_command("TRIAL.SLOW step=3 code=1", DICTIONARY)
    assert str(caught.value).splitlines() == [
        "TRIAL.SLOW step=3 code=1",
        "^^^^^^^^^^ TRIAL.SLOW: argument steps is missing. Write steps=1 to 255",
        "           ^^^^ TRIAL.SLOW has no argument step. Did you mean steps?",
    ]


@pytest.mark.parametrize(
    ("typed", "meant"), [("TRIAL.SLO", "TRIAL.SLOW"), ("ping", "CORE.PING"), ("mode.chnage", "MODES.CHANGE")]
)
def test_near_names(typed: str, meant: str) -> None:
    assert near(typed, [name.upper() for name in DICTIONARY.commands])[0] == meant


def test_long_hexadecimal_numbers_are_numbers() -> None:
    assert read_number("0x7F degC") == (127, " degC")
    assert read_number("-0x" + "0" * 30 + "10") == (-16.0, "")
    assert read_number("0x1" + "0" * 24) == (2.0**96, "")
    assert read_number("-0x1" + "0" * 300 + "K") == (float("-inf"), "K")


LONG = st.integers(200, 600).flatmap(lambda digits: st.sampled_from(["0x" + "F" * digits, "9" * digits]))
WORDS = st.sampled_from(
    ["TRIAL.SLOW", "CORE.SET_PARAMETERS", "TRIAL.LOAD", "(", ")", "=", "steps=", "parameter=trial.gain", "value=", "0x"]
)
TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.one_of(WORDS, LONG, st.text(alphabet="0123456789abxXeE._+-=() %", max_size=6)), max_size=10).map(
        " ".join
    ),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(before=st.text(alphabet="; WAIT\u00e9", max_size=6), text=TEXTS)
def test_no_text_breaks_it_and_every_column_is_in_the_text(before: str, text: str) -> None:
    command, problems = read_command(before + text, DICTIONARY, len(before))
    assert (command is None) == bool(problems)
    for problem in problems:
        assert len(before) < problem.column <= max(len(before + text), len(before) + 1)
        assert problem.text


ARGUMENTS = {
    "a": st.integers(2, 9),
    "b": st.integers(-3, 3),
    "c": st.integers(0, 65535),
    "d": st.integers(-1000, 1000),
    "e": st.integers(0, 100000),
    "f": st.integers(-100000, 100000),
    "g": st.floats(-1.0, 2.0, width=32),
    "h": st.sampled_from([0, 1]),
    "i": st.sampled_from(["RED", "GREEN", "BLUE"]),
}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=st.fixed_dictionaries(ARGUMENTS), order=st.permutations(sorted(ARGUMENTS)))
def test_what_was_sent_reads_as_it_was_typed(values: dict[str, object], order: list[str]) -> None:
    """The order of arguments does not matter, and telemetry's reading of the request is the same command."""
    typed = parse_command("TRIAL.EVERY_TYPE " + " ".join(f"{name}={values[name]}" for name in order), DICTIONARY)
    read = Requests(DICTIONARY).text(8, 1, typed.data)
    assert parse_command(read, DICTIONARY).data == typed.data
