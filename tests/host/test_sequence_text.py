"""Sequence files: literal octets of every kind of step, place and kind of everything that can be wrong, no crash."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import UsageError
from perilune.sequence.check import check_together
from perilune.sequence.octets import compile_steps, listing
from perilune.sequence.problem import ERROR, NOTE, SequenceError
from perilune.sequence.text import load_sequence, read_sequence

from tests.system.targets import TRIAL

DICTIONARY = load([CORE, TRIAL])

STEPS = [
    # kind, delay, length, type, subtype, data
    ("R00:00:05 CORE.PING", "00 00 00 13 88 02 11 01"),
    ("r00:00:00.250 core.ping ; why", "00 00 00 00 fa 02 11 01"),
    ("R001T00:00:00 CORE.PING ON_FAIL CONTINUE", "10 05 26 5c 00 02 11 01"),
    ("R00:00:05 TRIAL.SLOW steps=3 code=16", "00 00 00 13 88 07 08 01 02 01 03 00 10"),
    # 2026-11-27T12:00:00 UTC is 2 174 472 037 s after 1958 in TAI, which is 37 s ahead
    ("A2026-331T12:00:00 CORE.PING", "01 1e 81 9b cf 65 00 00 02 11 01"),
    ("A2026-331T12:00:00.25Z CORE.PING ON_FAIL continue", "11 1e 81 9b cf 65 40 00 02 11 01"),
    # kind, delay, relation (0 ==, 1 !=, 2 <, 3 >), point, value, timeout; raw = 2 * (degC + 10)
    ("WAIT trial.level > 40 TIMEOUT 00:10:00", "02 00 00 00 00 03 10 02 00 00 00 64 00 09 27 c0"),
    ("WAIT trial.level>40.1degC TIMEOUT 00:10:00", "02 00 00 00 00 03 10 02 00 00 00 64 00 09 27 c0"),
    ("WAIT trial.level < 40.1 TIMEOUT 00:10:00", "02 00 00 00 00 02 10 02 00 00 00 65 00 09 27 c0"),
    ("WAIT trial.level >= 40 TIMEOUT 00:10:00", "02 00 00 00 00 03 10 02 00 00 00 63 00 09 27 c0"),
    ("WAIT trial.level <= -20.5 TIMEOUT 00:10:00", "02 00 00 00 00 02 10 02 ff ff ff ec 00 09 27 c0"),
    ("WAIT trial.level == -10.5 TIMEOUT 00:00:00.01", "02 00 00 00 00 00 10 02 ff ff ff ff 00 00 00 0a"),
    ("WAIT trial.real < -1.5 TIMEOUT 24:00:00", "02 00 00 00 00 02 10 03 bf c0 00 00 05 26 5c 00"),
    ("R00:01:00 WAIT modes.mode != SAFE TIMEOUT 00:00:01", "02 00 00 ea 60 01 00 80 00 00 00 01 00 00 03 e8"),
    ("WAIT trial.flag = 1 TIMEOUT 00:00:01 ON_FAIL CONTINUE", "12 00 00 00 00 00 10 00 00 00 00 01 00 00 03 e8"),
]


@pytest.mark.parametrize(("text", "octets"), STEPS)
def test_every_kind_of_step_in_octets(text: str, octets: str) -> None:
    sequence, problems = read_sequence(text, DICTIONARY)
    assert problems == []
    assert sequence is not None
    assert compile_steps(sequence.steps).hex(" ") == octets


def test_a_whole_file() -> None:
    text = "\ufeff; a day\r\nSEQUENCE 80 day ; its id\r\n\r\nON_FAIL CONTINUE\r\nR00:00:05 CORE.PING\r\n" + (
        "R00:00:06 CORE.PING ON_FAIL ABORT\non_fail abort\nR00:00:07 CORE.PING"
    )
    sequence, problems = read_sequence(text, DICTIONARY)
    assert problems == []
    assert sequence is not None
    assert (sequence.id, sequence.name, sequence.least_ms) == (80, "day", 18000)
    assert [(step.line, step.text, step.go_on) for step in sequence.steps] == [
        (5, "R00:00:05 CORE.PING", True),
        (6, "R00:00:06 CORE.PING", False),
        (8, "R00:00:07 CORE.PING", False),
    ]
    other, _ = read_sequence(text, DICTIONARY, identifier=81)
    assert other is not None
    assert other.id == 81


def test_octets_read_as_they_were_typed() -> None:
    octets = b"".join(bytes.fromhex(row[1]) for row in STEPS)
    rows = listing(octets, DICTIONARY)
    assert [row[0].hex(" ") for row in rows] == [row[1] for row in STEPS]
    again, problems = read_sequence("\n".join(row[1] for row in rows), DICTIONARY)
    assert problems == []
    assert again is not None
    assert compile_steps(again.steps) == octets
    assert listing(bytes.fromhex("00 00 00 13 88 02 11 01 05"), DICTIONARY)[1] == (b"\x05", "no step: kind 5")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (1, 1, "empty")),
        ("; nothing\n\n", (1, 1, "empty")),
        ("SEQUENCE 80 x", (1, 1, "empty")),
        ("SEQUENCE", (1, 1, "header")),
        ("SEQUENCE 0", (1, 10, "header")),
        ("SEQUENCE 65536", (1, 10, "header")),
        ("SEQUENCE 80 a/b", (1, 13, "header")),
        ("SEQUENCE 80 a b", (1, 15, "stray")),
        ("R00:00:00 CORE.PING\nSEQUENCE 80", (2, 1, "header")),
        ("ON_FAIL", (1, 1, "on_fail")),
        ("ON_FAIL STOP", (1, 9, "on_fail")),
        ("ON_FAIL ABORT now", (1, 15, "stray")),
        ("CORE.PING", (1, 1, "time")),
        ("FOO bar", (1, 1, "statement")),
        ("R00:00:05", (1, 1, "empty")),
        ("R00:00 CORE.PING", (1, 1, "time")),
        ("R00:00:60 CORE.PING", (1, 1, "time")),
        ("R00:00:00.0001 CORE.PING", (1, 1, "time")),
        ("R24:00:00.001 CORE.PING", (1, 1, "bound")),
        ("A2026-366T00:00:00 CORE.PING", (1, 1, "time")),
        ("A2026-331 CORE.PING", (1, 1, "time")),
        ("A1999-001T00:00:00 CORE.PING", (1, 1, "time")),
        ("A2054-100T00:00:00 CORE.PING", (1, 1, "time")),
        ("  R00:00:05 TRIAL.SLOW steps=0 code=1", (1, 30, "range")),
        ("R00:00:05 CORE.PING ON_FAIL ABORT again", (1, 35, "stray")),
        ("R00:00:05 CORE.PING ON_FAIL NEVER", (1, 29, "on_fail")),
        ("WAIT trial.leval > 4 TIMEOUT 00:00:01", (1, 6, "point")),
        ("WAIT trial.level ~ 4 TIMEOUT 00:00:01", (1, 18, "relation")),
        ("WAIT trial.level > TIMEOUT 00:00:01", (1, 18, "condition")),
        ("WAIT trial.level > 4", (1, 1, "timeout")),
        ("WAIT trial.level > 4 TIMEOUT", (1, 22, "timeout")),
        ("WAIT trial.level > 4 TIMEOUT 5", (1, 30, "timeout")),
        ("WAIT trial.level > 4 TIMEOUT 00:00:00", (1, 30, "bound")),
        ("WAIT trial.level > 4 TIMEOUT 00:00:01 x", (1, 39, "stray")),
        ("WAIT trial.level > 4 degC TIMEOUT 00:00:01", (1, 22, "stray")),
        ("WAIT trial.level > 4K TIMEOUT 00:00:01", (1, 20, "unit")),
        ("WAIT trial.level > warm TIMEOUT 00:00:01", (1, 20, "value")),
        ("WAIT trial.level == 4.3 TIMEOUT 00:00:01", (1, 21, "condition")),
        ("WAIT trial.level > 16373.5 TIMEOUT 00:00:01", (1, 20, "condition")),
        ("WAIT trial.flag >= 0 TIMEOUT 00:00:01", (1, 20, "condition")),
        ("WAIT trial.real >= 1 TIMEOUT 00:00:01", (1, 20, "condition")),
        ("WAIT trial.real > 1e39 TIMEOUT 00:00:01", (1, 19, "condition")),
        (f"WAIT trial.real > 0x{'F' * 300} TIMEOUT 00:00:01", (1, 19, "condition")),
        (f"WAIT trial.small > -0x{'F' * 300} TIMEOUT 00:00:01", (1, 20, "condition")),
        ("WAIT modes.mode == NOMINL TIMEOUT 00:00:01", (1, 20, "value")),
        ("A2026-331T12:00:00 WAIT trial.level > 4 TIMEOUT 00:00:01", (1, 20, "time")),
        ("R00:00:00 TRIAL.LOAD at=0 " + "00" * 59, (1, 11, "bound")),
        ("R00:00:00 TRIAL.DANGEROUS", (1, 1, "arming")),
        (
            "R00:00:00 CORE.ARM service=8 subtype=1 function=0x0203\nR00:01:00.1 TRIAL.DANGEROUS",
            (2, 1, "arming"),
        ),
        ("R00:00:00 MODES.CHANGE mode=STANDBY\nR00:00:00 TRIAL.SAFE_ONLY", (2, 1, "mode")),
        ("A2026-331T12:00:00 CORE.PING\nR00:01:00 CORE.PING\nA2026-331T12:00:30 CORE.PING", (3, 1, "time")),
        ("R00:00:00 CORE.PING\n" * 65, (65, 1, "bound")),
        (("R00:00:00 TRIAL.LOAD at=0 " + "00" * 40 + "\n") * 20, (20, 1, "bound")),
    ],
)
def test_everything_that_is_wrong_is_told_with_its_place(text: str, found: tuple[int, int, str]) -> None:
    sequence, problems = read_sequence(text, DICTIONARY)
    assert sequence is None
    assert [(row.line, row.column, row.kind) for row in problems if row.severity == ERROR] == [found]


def test_notes_do_not_keep_a_sequence_back() -> None:
    text = "R00:00:00 CORE.ARM service=8 subtype=1 function=0x203\nR00:01:00 TRIAL.DANGEROUS\nR00:00:00 TRIAL.SAFE_ONLY"
    sequence, problems = read_sequence(text, DICTIONARY)
    assert sequence is not None
    assert sequence.is_hazardous
    assert [(row.line, row.severity, row.kind) for row in problems] == [(2, NOTE, "hazard"), (3, NOTE, "mode")]


def test_an_id_of_the_dictionary_is_noted() -> None:
    sequence, problems = read_sequence("; mine\nSEQUENCE 1\nR00:00:00 CORE.PING", DICTIONARY)
    assert sequence is not None
    assert [(row.line, row.severity, row.kind) for row in problems] == [(2, NOTE, "id")]


def test_all_errors_at_once_with_carets(tmp_path: Path) -> None:
    path = tmp_path / "day.seq"
    path.write_text("\tR00:00:05 TRIAL.SLOW step=3 code=1\nWAIT modes.mode == SAVE TIMEOUT 00:00:01\n")
    with pytest.raises(SequenceError) as caught:
        load_sequence(path, DICTIONARY)
    assert str(caught.value).splitlines() == [
        f"3 errors in {path}",
        f"{path}:1:12: error: TRIAL.SLOW: argument steps is missing. Write steps=1 to 255",
        "    \tR00:00:05 TRIAL.SLOW step=3 code=1",
        "    \t          ^^^^^^^^^^",
        f"{path}:1:23: error: TRIAL.SLOW has no argument step. Did you mean steps?",
        "    \tR00:00:05 TRIAL.SLOW step=3 code=1",
        "    \t                     ^^^^",
        f"{path}:2:20: error: modes.mode cannot be SAVE. Did you mean SAFE?",
        "    WAIT modes.mode == SAVE TIMEOUT 00:00:01",
        "                       ^^^^",
    ]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_sequence(tmp_path / "nothing.seq", DICTIONARY)
    binary = tmp_path / "binary.seq"
    binary.write_bytes(b"R00:00:05 \xff")
    with pytest.raises(UsageError, match="octet ff at 10"):
        load_sequence(binary, DICTIONARY)


def test_sequences_that_do_not_fit_together() -> None:
    made = [read_sequence("R00:00:00 CORE.PING", DICTIONARY, f"{n}.seq", min(n, 88))[0] for n in range(80, 90)]
    sequences = [sequence for sequence in made if sequence is not None]
    assert [(row.path, row.kind) for row in check_together(sequences)] == [("88.seq", "bound"), ("89.seq", "id")]


KEYWORDS = [
    "R00:00:05",
    "A2026-331T12:00:00",
    "WAIT",
    "TIMEOUT",
    "00:00:01",
    "ON_FAIL",
    "CONTINUE",
    "SEQUENCE",
    "80",
    ";",
]
REQUESTS = ["CORE.PING", "TRIAL.SLOW", "steps=3", "code=1", "TRIAL.DANGEROUS", "(", ")", "trial.level", "modes.mode"]
OTHERS = ["80", ">", "<", "==", "5", "NOMINAL", "R", "A", "\u00e9", "\u0663", "\u2028", "\x00"]
WORDS = st.sampled_from([*KEYWORDS, *REQUESTS, *OTHERS])
FILES = st.one_of(
    st.text(max_size=120),
    st.lists(st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=9).map(" ".join), max_size=6).map("\n".join),
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=FILES)
def test_no_text_breaks_it_and_every_place_is_in_the_file(text: str) -> None:
    sequence, problems = read_sequence(text, DICTIONARY)
    assert (sequence is None) == any(row.severity == ERROR for row in problems)
    lines = text.split("\n")
    for row in problems:
        assert 1 <= row.line <= len(lines)
        assert 1 <= row.column <= len(lines[row.line - 1]) + 1
        assert str(row).splitlines()[0].startswith(f"sequence:{row.line}:{row.column}: ")
    if sequence is not None:
        octets = compile_steps(sequence.steps)
        assert b"".join(row[0] for row in listing(octets, DICTIONARY)) == octets
