"""Every kind of mistake in a dictionary is found, at its line, with the way to mend it; all of them at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flight.limits import JOURNAL_RECORD_MAX, PERSISTENT_MAX
from perilune.cli import main
from perilune.dictionary.__main__ import main as generator
from perilune.dictionary.load import CORE, load
from perilune.dictionary.problem import DictionaryError, Problem
from perilune.dictionary.supply import load_checked, names_put_together

HEAD = """[subsystem]
name = "demo"
title = "Demo"
"""
POINT = """[[point]]
id = 0x1000
name = "level"
type = "u8"
text = "A point."
"""
EVENT = """[[event]]
id = 0x0100
name = "happened"
severity = "low"
text = "It happened."
"""
COMMAND = """[[command]]
name = "go"
function = 0x0100
text = "Go."
"""
# Behind a point "level".
CONDITION = (
    EVENT + '[[monitor]]\nid = 1\nname = "m"\npoint = "level"\ncheck = "limit"\nlow = 0\nhigh = 9\n'
    'event_low = "happened"\nvalid = { point = %s }\n'
)


def problems(folder: Path, text: str, name: str = "demo.toml") -> list[Problem]:
    """What load() finds in a folder with this one file."""
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(DictionaryError) as caught:
        load([folder])
    return caught.value.problems


# Text after the head; the text of the line at fault, the kind of the problem, a part of its text, a part of its mend.
CASES = {
    "not TOML": ("x = = 1", "x = = 1", "toml", "not TOML", "Correct"),
    "unknown table": ("[[pint]]\nid = 1", "[[pint]]", "table", "unknown table pint", "[[point]]"),
    "unknown key": (POINT + 'colour = "red"', "colour", "entry", "unknown field `colour`", "Keys of this table: id"),
    "missing key": (
        '[[point]]\nid = 1\nname = "x"\ntype = "u8"',
        "[[point]]",
        "entry",
        "missing required field `text`",
        "text",
    ),
    "wrong kind of value": (POINT.replace('"u8"', "8"), "type = 8", "entry", "Expected `str`", "Keys"),
    "name with the end of a line": (POINT.replace('l"', 'l\\n"'), "name =", "entry", "regex", "Keys"),
    "name with capitals": (POINT.replace("level", "Level"), "name =", "entry", "regex", "Keys"),
    "id too large": (POINT.replace("0x1000", "0x10000"), "id =", "entry", "65535", "Keys"),
    "unknown type": (POINT.replace('"u8"', '"u33"'), "type =", "type", "unknown type u33", "u1 to u32"),
    "two points of one id": (
        POINT + POINT.replace("level", "other"),
        "id = 0x1000 #2",
        "duplicate",
        "id 4096 is also in",
        "another",
    ),
    "two points of one name": (
        POINT + POINT.replace("1000", "1001"),
        "name = #2",
        "duplicate",
        "demo.level",
        "another",
    ),
    "point and parameter of one id": (
        POINT + '[[parameter]]\nid = 0x1000\nname = "p"\ntype = "u8"\ndefault = 0\ntext = "x"',
        "id = 0x1000 #2",
        "duplicate",
        "id 4096",
        "another",
    ),
    "two events of one id": (
        EVENT + EVENT.replace("happened", "other"),
        "id = 0x0100 #2",
        "duplicate",
        "event id",
        "another",
    ),
    "two commands of one function": (
        COMMAND + COMMAND.replace('"go"', '"run"'),
        "function = #2",
        "duplicate",
        "function 0x0100",
        "another",
    ),
    "two commands of one subtype": (
        '[[command]]\nname = "a"\nservice = 17\nsubtype = 1\ntext = "x"\n'
        '[[command]]\nname = "b"\nservice = 17\nsubtype = 1\ntext = "x"',
        "subtype = #2",
        "duplicate",
        "request 17/1",
        "another",
    ),
    "two SIDs": (
        POINT + '[[housekeeping]]\nsid = 100\nname = "a"\nperiod_ms = 100\nfields = ["level"]\n'
        '[[housekeeping]]\nsid = 100\nname = "b"\nperiod_ms = 100\nfields = ["level"]',
        "sid = #2",
        "duplicate",
        "SID 100",
        "another",
    ),
    "command without a number": (
        '[[command]]\nname = "a"\ntext = "x"',
        'name = "a"',
        "command",
        "no number",
        "service and subtype, or function",
    ),
    "command with two numbers": (
        COMMAND + "service = 8\nsubtype = 1",
        "function =",
        "command",
        "a service",
        "Keep one",
    ),
    "range beyond the type": (
        COMMAND + 'args = [{ name = "n", type = "u8", max = 256 }]',
        "args =",
        "range",
        "256 does not fit u8",
        "0 to 255",
    ),
    "range beyond the board's integers": (
        COMMAND + 'args = [{ name = "n", type = "u32", max = 4294967295 }]',
        "args =",
        "range",
        "does not fit u32",
        "two u16",
    ),
    "range upside down": (
        COMMAND + 'args = [{ name = "n", type = "u8", min = 9, max = 3 }]',
        "args =",
        "range",
        "min 9 is above max 3",
        "Exchange",
    ),
    "fraction for an integer": (
        COMMAND + 'args = [{ name = "n", type = "u8", max = 2.5 }]',
        "args =",
        "range",
        "2.5",
        "integer",
    ),
    "default out of range": (
        COMMAND + 'args = [{ name = "n", type = "u8", max = 5, default = 6 }]',
        "args =",
        "default",
        "out of range",
        "Correct",
    ),
    "default of more digits than a float holds": (
        COMMAND + f'args = [{{ name = "n", type = "f32", default = {"9" * 400} }}]',
        "args =",
        "number",
        "args has a number",
        "the board can have",
    ),
    "default of another type": (
        COMMAND + 'args = [{ name = "n", type = "u8", default = 1.5 }]',
        "args =",
        "default",
        "wrong type",
        "Correct",
    ),
    "argument of odd width": (
        COMMAND + 'args = [{ name = "n", type = "u12" }]',
        "args =",
        "type",
        "n is u12",
        "u8, u16, u32",
    ),
    "two arguments of one name": (
        COMMAND + 'args = [{ name = "n", type = "u8" }, { name = "n", type = "u8" }]',
        "args =",
        "duplicate",
        "two fields n",
        "Rename",
    ),
    "more arguments than a frame holds": (
        COMMAND + "args = [" + "".join(f'{{ name = "n{i}", type = "u32" }},' for i in range(13)) + "]",
        "args =",
        "size",
        "52 octets and 26 places",
        "24 places",
    ),
    "items more than a frame holds": (
        COMMAND + '[command.group]\nname = "g"\nmost = 255\nfields = [{ name = "n", type = "u16" }]',
        "most =",
        "size",
        "255 items",
        "At most",
    ),
    "count of another type": (
        COMMAND + '[command.group]\nname = "g"\ncount = "u32"\nfields = []',
        "count =",
        "type",
        "count is u32",
        "u8 or u16",
    ),
    "unknown enumeration": (
        POINT + 'enumeration = "colour"',
        "enumeration =",
        "reference",
        "unknown enumeration colour",
        "none",
    ),
    "enumeration beyond the type": (
        POINT + 'enumeration = "big"\n[[enumeration]]\nname = "big"\nvalues = { HUGE = 256 }',
        'enumeration = "big"',
        "range",
        "HUGE = 256",
        "wider",
    ),
    "two names for one value": (
        '[[enumeration]]\nname = "e"\nvalues = { A = 1, B = 1 }',
        "values =",
        "duplicate",
        "two names",
        "Remove",
    ),
    "limit outside the range": (
        POINT + "red = [0, 300]",
        "red =",
        "limit",
        "300 is outside the range 0 to 255",
        "Move",
    ),
    "limit outside the calibrated range": (
        POINT + "calibration = [-40.0, 0.5]\nyellow = [-41, 10]",
        "yellow =",
        "limit",
        "-41 is outside the range -40.0 to 87.5",
        "Move",
    ),
    "limit upside down": (POINT + "yellow = [9, 3]", "yellow =", "limit", "begins above its end", "Exchange"),
    "yellow wider than red": (POINT + "red = [5, 10]\nyellow = [0, 7]", "yellow =", "limit", "not inside red", "wider"),
    "range of a point beyond its type": (POINT + "max = 256", "max =", "range", "256 does not fit u8", "0 to 255"),
    "unknown point in a report": (
        POINT + '[[housekeeping]]\nsid = 100\nname = "a"\nperiod_ms = 100\nfields = [\n"level",\n"levels",\n]',
        '"levels"',
        "reference",
        "unknown point levels",
        "[[point]]",
    ),
    "point twice in a report": (
        POINT + '[[housekeeping]]\nsid = 100\nname = "a"\nperiod_ms = 100\nfields = ["level", "level"]',
        "fields =",
        "duplicate",
        "twice",
        "Remove",
    ),
    "interval off the grid": (
        POINT + '[[housekeeping]]\nsid = 100\nname = "a"\nperiod_ms = 150\nfields = ["level"]',
        "period_ms =",
        "entry",
        "multiple of 100",
        "Keys",
    ),
    "field in an event's text only": (EVENT.replace("It", "{who}"), "text =", "event", "{who}", "Add the field"),
    "mode that is none": (COMMAND + 'modes = ["PANIC"]', "modes =", "entry", "regex", "Keys"),
    "monitor of an unknown point": (
        EVENT + '[[monitor]]\nid = 1\nname = "m"\npoint = "nothing"\ncheck = "limit"\nlow = 0\nhigh = 1\n'
        'event_low = "happened"',
        'point = "nothing"',
        "reference",
        "unknown point nothing",
        "[[point]]",
    ),
    "monitor without an event": (
        POINT + '[[monitor]]\nid = 1\nname = "m"\npoint = "level"\ncheck = "limit"\nlow = 0\nhigh = 1',
        'name = "m"',
        "monitor",
        "no event",
        "event_low",
    ),
    "monitor limit outside the range": (
        POINT + EVENT + '[[monitor]]\nid = 1\nname = "m"\npoint = "level"\ncheck = "limit"\nlow = 0\nhigh = 256\n'
        'event_low = "happened"',
        "high =",
        "limit",
        "256 is outside 0 to 255",
        "Move",
    ),
    "monitor with the wrong values": (
        POINT
        + EVENT
        + '[[monitor]]\nid = 1\nname = "m"\npoint = "level"\ncheck = "expected"\nlow = 0\nevent_low = "happened"',
        "check =",
        "monitor",
        "expected-value",
        "value (and mask)",
    ),
    "monitor whose condition is a float": (
        POINT
        + POINT.replace("0x1000", "0x1001").replace("level", "real").replace("u8", "f32")
        + CONDITION % '"real", value = 1',
        "valid =",
        "monitor",
        "real is a float",
        "Use an integer point",
    ),
    "monitor whose condition's value is outside its point": (
        POINT + CONDITION % '"level", value = 256',
        "valid =",
        "monitor",
        "value 256 is outside 0 to 255",
        "Give value bits",
    ),
    "monitor whose condition's mask is outside its point": (
        POINT + CONDITION % '"level", value = 1, mask = 0x101',
        "valid =",
        "monitor",
        "mask 257 is outside 1 to 255",
        "Give mask bits",
    ),
    "monitor whose condition never holds": (
        POINT + CONDITION % '"level", value = 3, mask = 1',
        "valid =",
        "monitor",
        "value 3 has bits that mask 1 has not",
        "bits of the mask",
    ),
    "unknown event": (
        '[[event_action]]\nevent = "nothing"\nrequest = { command = "go" }\n' + COMMAND,
        "event =",
        "reference",
        "unknown event nothing",
        "Events are none",
    ),
    "two actions of one event": (
        EVENT + COMMAND + '[[event_action]]\nevent = "happened"\nrequest = { command = "go" }\n'
        '[[event_action]]\nevent = "happened"\nrequest = { command = "go" }\n',
        'event = "happened" #2',
        "duplicate",
        "an action of demo.happened",
        "another",
    ),
    "unknown command": (
        EVENT + '[[event_action]]\nevent = "happened"\nrequest = { command = "gone" }',
        "request =",
        "reference",
        "gone",
        "[[command]]",
    ),
    "stored request with a bad argument": (
        EVENT + COMMAND + 'args = [{ name = "n", type = "u8" }]\n[[event_action]]\nevent = "happened"\n'
        'request = { command = "go", args = { n = 256 } }',
        "request =",
        "argument",
        "n is out of range",
        "Correct",
    ),
    "stored request with a missing argument": (
        EVENT + COMMAND + 'args = [{ name = "n", type = "u8" }]\n[[event_action]]\nevent = "happened"\n'
        'request = { command = "go" }',
        "request =",
        "argument",
        "n is missing",
        "Correct",
    ),
    "step that is two things": (
        POINT + COMMAND + '[[sequence]]\nid = 1\nname = "s"\nsteps = [\n'
        '{ request = { command = "go" }, wait = "level", value = 1 },\n]',
        '"go" }, wait',
        "sequence",
        "not one thing",
        "request or wait",
    ),
    "step that waits for nothing": (
        POINT + '[[sequence]]\nid = 1\nname = "s"\nsteps = [\n{ wait = "level" },\n]',
        'wait = "level"',
        "sequence",
        "no value",
        "Give value",
    ),
    "requests for a mode that is defined nowhere": (
        '[[mode]]\nname = "SURVIVAL"\nentry = []',
        'name = "SURVIVAL"',
        "reference",
        "mode SURVIVAL is defined nowhere",
        "next",
    ),
    "two modes of one name": (
        '[[mode]]\nname = "SAFE"\nnext = []\n[[mode]]\nname = "SAFE"\nnext = []',
        'name = "SAFE" #2',
        "duplicate",
        "mode SAFE",
        "another",
    ),
}


def line_of(text: str, needle: str) -> int:
    """Number of the line with *needle*; `needle #2` is its second one."""
    needle, _, number = needle.partition(" #")
    found = [at for at, line in enumerate(text.splitlines(), 1) if needle in line]
    return found[int(number or 1) - 1]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_mistake_is_found_with_line_and_mend(case: tuple[str, str, str, str, str], tmp_path: Path) -> None:
    body, needle, kind, text, mend = case
    whole = HEAD + body + "\n"
    # The head has lines of its own with `name =`: what a case looks for stands behind it.
    expected_line = HEAD.count("\n") + line_of(body, needle)
    [problem] = problems(tmp_path, whole)
    assert (problem.kind, problem.place.line, problem.place.path.name) == (kind, expected_line, "demo.toml")
    assert text in problem.text
    assert mend in problem.mend


ACTION = '[[event_action]]\nevent = "happened"\nrequest = { command = "go", %s }\n'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            COMMAND
            + 'args = [{ name = "n", type = "u8", enumeration = "e" }]\n'
            + ACTION % 'args = { n = "HIGH" }'
            + '[[enumeration]]\nname = "e"\nvalues = { HIGH = 256 }\n',
            [("range", "demo.go: n: demo.e has HIGH = 256"), ("argument", "demo.go: n is out of range")],
        ),
        (
            COMMAND
            + '[command.group]\nname = "g"\nfields = [{ name = "v", type = "value" }]\n'
            + ACTION % "items = [{}]",
            [("command", "demo.go: of which parameter is the value"), ("argument", "demo.go: no parameter None")],
        ),
    ],
    ids=["value too wide", "value of no parameter"],
)
def test_a_mistake_in_a_command_does_not_hide_behind_a_stored_request(
    body: str, found: list[tuple[str, str]], tmp_path: Path
) -> None:
    told = [(problem.kind, problem.text) for problem in problems(tmp_path, HEAD + EVENT + body)]
    assert [kind for kind, _ in told] == [kind for kind, _ in found]
    assert all(text.startswith(part) for (_, text), (_, part) in zip(told, found, strict=True))


def test_no_subsystem(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, POINT)
    assert (problem.kind, problem.place.line) == ("subsystem", 1)


@pytest.mark.parametrize(
    ("octets", "line", "kind"),
    [
        (b"", 1, "subsystem"),
        (b"# nothing yet\n", 1, "subsystem"),
        (b"x = 1\n", 1, "subsystem"),
        (b'\xef\xbb\xbf[subsystem]\r\nname = "demo"\r\ntitle = "K\xe4lte"\r\n', 3, "file"),
        (HEAD.replace("Demo", "a\0b").encode(), 3, "toml"),
        (HEAD.encode() + b"n = " + b"9" * 5000, 1, "toml"),
        (HEAD.encode() + b"n = " + b"[" * 5000, 1, "toml"),
    ],
    ids=["empty", "comment", "no table", "Latin-1", "NUL", "long number", "deep"],
)
def test_a_file_that_says_nothing(octets: bytes, line: int, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_bytes(octets)
    with pytest.raises(DictionaryError) as caught:
        load([tmp_path])
    [problem] = caught.value.problems
    assert (problem.place.path, problem.place.line, problem.kind) == (path, line, kind)


def test_a_file_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.toml").mkdir()
    assert generator(["check", str(CORE), str(tmp_path)]) == 1
    assert main(["dictionary", "show", "--dictionary", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count(f"{tmp_path}/demo.toml: cannot be read: Is a directory. Check") == 2


def test_a_mark_at_the_beginning_and_ends_of_lines_of_windows(tmp_path: Path) -> None:
    text = (HEAD + POINT.replace("A point", "A\u2028point") + POINT.replace('"u8"', '"u99"')).replace("\n", "\r\n")
    (tmp_path / "demo.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    with pytest.raises(DictionaryError) as caught:
        load([tmp_path])
    assert {(problem.kind, problem.place.line) for problem in caught.value.problems} == {
        ("duplicate", 10), ("duplicate", 11), ("type", 12)
    }  # fmt: skip


@pytest.mark.parametrize(
    "number",
    ["inf", "-inf", "nan", "1e999", "0x1" + "0" * 16, "-9223372036854775809", "0x" + "f" * 5000],
    ids=["inf", "-inf", "nan", "1e999", "65 bits", "65 bits below zero", "long"],
)
def test_a_number_that_no_board_can_have(number: str, tmp_path: Path) -> None:
    body = POINT + EVENT + '[[monitor]]\nid = 1\nname = "m"\npoint = "level"\ncheck = "delta"\nlow = 0\n'
    text = HEAD + body + f'high = {number}\nevent_low = "happened"\n'
    found = problems(tmp_path, text)
    assert [(problem.kind, problem.place.line) for problem in found] == [("number", line_of(text, "high ="))]


def test_two_files_of_one_subsystem(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(HEAD, encoding="utf-8")
    [problem] = problems(tmp_path, HEAD, "b.toml")
    assert problem.kind == "duplicate"
    assert "a.toml:2" in problem.text


def test_two_names_of_one_constant(tmp_path: Path) -> None:
    """An app that reads ids.FOO_BAR_X would get one of them, whichever it means."""
    first = HEAD.replace('"demo"', '"foo"') + POINT.replace("level", "bar_x")
    (tmp_path / "a.toml").write_text(first, encoding="utf-8")
    second = HEAD.replace('"demo"', '"foo_bar"') + POINT.replace("level", "x").replace("0x1000", "0x0999")
    [problem] = problems(tmp_path, second, "b.toml")
    assert (problem.kind, problem.place.path.name, problem.place.line) == ("duplicate", "b.toml", 6)
    assert problem.text == f"foo_bar.x is FOO_BAR_X for flight code, as point foo.bar_x in {tmp_path}/a.toml:6"
    assert "Rename" in problem.mend


@pytest.mark.parametrize(
    ("subsystem", "entry", "text"),
    [
        ("event", POINT.replace("level", "core_boot"), "event.core_boot is EVENT_CORE_BOOT for flight code, as event"),
        ("mode", POINT.replace("level", "safe"), "mode.safe is MODE_SAFE for flight code, as mode SAFE in"),
        (
            "core_failure",
            '[[enumeration]]\nname = "a"\nvalues = { B_C = 1 }\n[[enumeration]]\nname = "a_b"\nvalues = { C = 1 }\n',
            "core_failure.a_b is VALUE_CORE_FAILURE_A_B_C for flight code, as enumeration core_failure.a in",
        ),
    ],
    ids=["event", "mode", "value"],
)
def test_two_kinds_of_one_constant(subsystem: str, entry: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(HEAD.replace('"demo"', f'"{subsystem}"') + entry, encoding="utf-8")
    with pytest.raises(DictionaryError) as caught:
        load([CORE, tmp_path])
    [problem] = caught.value.problems
    assert (problem.kind, problem.place.path.name) == ("duplicate", "demo.toml")
    assert problem.text.startswith(text)


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DictionaryError, match="no dictionary file"):
        load([tmp_path])


def test_all_problems_are_told_at_once_in_order(tmp_path: Path) -> None:
    text = HEAD + POINT + "red = [0, 300]\n" + POINT.replace("level", "b").replace('"u8"', '"u99"')
    found = problems(tmp_path, text)
    assert [problem.kind for problem in found] == ["limit", "duplicate", "type"]
    assert [problem.place.line for problem in found] == sorted(problem.place.line for problem in found)


def test_text_has_file_line_and_mend(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(HEAD + POINT.replace('"u8"', '"u99"'), encoding="utf-8")
    with pytest.raises(DictionaryError) as caught:
        load([tmp_path])
    first, second = str(caught.value).splitlines()
    assert first == "1 problem in the dictionary"
    assert second == f"{tmp_path}/demo.toml:7: unknown type u99. Types are u1 to u32, i2 to i32, f32, f64, bool"


APP = """from flight.app.base import App


class Demo(App):
    def __init__(self, core):
        super().__init__(core)
        for _ in range({times}):
            core.supply(core.ids.DEMO_LEVEL)
"""


@pytest.mark.parametrize(("times", "text"), [(0, "nobody supplies demo_{n}.level"), (2, "2 supply demo_{n}.level")])
def test_a_point_has_exactly_one_supplier(tmp_path: Path, times: int, text: str) -> None:
    subsystem = f"demo_{times}"
    app = APP.format(times=times).replace("DEMO_LEVEL", f"{subsystem.upper()}_LEVEL")
    (tmp_path / f"app_{times}.py").write_text(app, encoding="utf-8")
    head = HEAD.replace('"demo"', f'"{subsystem}"') + f'app = "app_{times}:Demo"\n'
    (tmp_path / "demo.toml").write_text(head + POINT, encoding="utf-8")
    with pytest.raises(DictionaryError) as caught:
        load_checked([CORE, tmp_path])
    [problem] = caught.value.problems
    assert (problem.kind, problem.place.line) == ("supply", 7)
    assert problem.text == text.format(n=times)


def test_one_supplier_is_right(tmp_path: Path) -> None:
    (tmp_path / "app_one.py").write_text(APP.format(times=1), encoding="utf-8")
    (tmp_path / "demo.toml").write_text(HEAD + 'app = "app_one:Demo"\n' + POINT, encoding="utf-8")
    assert "demo.level" in load_checked([CORE, tmp_path]).points


def test_an_app_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(HEAD + 'app = "nowhere:Demo"\n', encoding="utf-8")
    with pytest.raises(DictionaryError) as caught:
        load_checked([CORE, tmp_path])
    [problem] = caught.value.problems
    assert (problem.kind, problem.place.line) == ("app", 4)


def test_an_app_in_a_module_that_no_program_can_import(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(HEAD + 'app = "lander.class:Demo"\n', encoding="utf-8")
    with pytest.raises(DictionaryError) as caught:
        load([CORE, tmp_path])
    [problem] = caught.value.problems
    assert (problem.kind, problem.place.line, problem.text) == ("module", 4, "class is a word of Python, no module")


@pytest.mark.parametrize(
    ("name", "source", "text", "mend"),
    [
        (
            "init",
            "class Demo:\n    def __init__(self, core):\n        {}['oops']\n",
            "Demo raises KeyError: 'oops' in",
            "start",
        ),
        ("arguments", "class Demo:\n    pass\n", "Demo raises TypeError: Demo() takes no arguments", "start"),
        (
            "syntax",
            "class Demo(:\n",
            "the app cannot be had: SyntaxError: invalid syntax (syntax_app.py, line 1)",
            "Correct",
        ),
        ("body", "\nraise OSError('no bus')\n", "the app cannot be had: OSError: no bus in", "Correct"),
        ("class", "\n", "the app cannot be had: AttributeError: module 'class_app' has no", "Name it"),
        (
            "import",
            "import nowhere\n",
            "the app cannot be had: ModuleNotFoundError: No module named 'nowhere' in",
            "Correct",
        ),
    ],
)
def test_what_an_app_raises_is_told_with_its_place(
    name: str, source: str, text: str, mend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{name}_app.py"
    path.write_text(source, encoding="utf-8")
    dictionary = tmp_path / "demo.toml"
    dictionary.write_text(HEAD + f'app = "{path.stem}:Demo"\n', encoding="utf-8")
    assert generator(["check", str(CORE), str(tmp_path)]) == 1
    told = capsys.readouterr().err.splitlines()[1]
    assert told.startswith(f"{dictionary}:4: {text}")
    assert mend in told.rpartition(". ")[2]
    # The last line of the app on the way, wherever it raised something.
    assert (f" in {path}:{source.count(chr(10))}. " in told) == text.endswith(" in")


def test_a_reader_of_the_reference_may_have_enough() -> None:
    command = [sys.executable, "-m", "perilune.dictionary", "reference"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_persistent_parameters_fit_into_their_record(tmp_path: Path) -> None:
    rows = [
        f'[[parameter]]\nid = {0x2000 + n}\nname = "p{n}"\ntype = "u8"\ndefault = 1\npersistent = true\ntext = "P."\n'
        for n in range(PERSISTENT_MAX + 2)
    ]
    found = problems(tmp_path, HEAD + "".join(rows))
    assert [(problem.kind, problem.text) for problem in found] == [
        ("persistent", f"demo.p{PERSISTENT_MAX}: more than 64 persistent parameters do not fit into their record")
    ]
    (tmp_path / "demo.toml").write_text(HEAD + "".join(rows[:PERSISTENT_MAX]), encoding="utf-8")
    assert len(load([tmp_path]).points) == PERSISTENT_MAX
    assert JOURNAL_RECORD_MAX >= 8 * PERSISTENT_MAX


def test_a_folder_that_is_not_there_is_told_beside_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "hollow").mkdir()
    for name, kind, text in (
        ("typo", "folder", "there is no such folder"),
        ("file", "folder", "it is not a folder"),
        ("hollow", "empty", "no dictionary file"),
    ):
        with pytest.raises(DictionaryError, match=text) as caught:
            load([CORE, tmp_path / name])
        assert [problem.kind for problem in caught.value.problems] == [kind]
        assert f"{tmp_path / name}: " in str(caught.value)
        assert str(caught.value).count("perilune:payload") == 1


def test_perilunes_own_dictionary_has_a_name_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = load_checked([CORE, CORE / "payload"])
    assert load_checked([CORE, Path("perilune:payload")]) == own
    assert load([CORE, tmp_path / "perilune:payload"]) == own  # as make hands it on
    assert names_put_together(own, [CORE, Path("perilune:payload")]) == names_put_together(
        own, [CORE, CORE / "payload"]
    )
    with pytest.raises(DictionaryError, match="perilune:pay: there is no such folder"):
        load([CORE, Path("perilune:pay")])


@pytest.mark.parametrize(
    "words",
    [
        ["dictionary", "show", "--dictionary"],
        ["dictionary", "export", "json", "out", "--dictionary"],
        ["export", "json", "out", "--dictionary"],
        ["seq", "check", "a.seq", "--mission"],
        ["seq", "rehearse", "a.seq", "--mission"],
        ["archive", "ingest", "day.sqlite", "recording", "--dictionary"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_mistyped_folder_and_takes_perilunes_own(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.seq").write_text("SEQUENCE 21 ping\n\nR00:00:01 CORE.PING\n", encoding="utf-8")
    Path("recording").touch()
    assert main([*words, "typo"]) == 1
    assert "typo: there is no such folder" in capsys.readouterr().err
    assert not Path("out").exists()
    assert main([*words, "perilune:payload"]) == 0


def test_the_generator_refuses_a_mistyped_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["check"], ["generate", "--out", str(tmp_path / "out")], ["reference"]):
        assert generator([*words, str(CORE), str(tmp_path / "typo")]) == 1
        assert "typo: there is no such folder" in capsys.readouterr().err
        assert generator([*words, str(CORE), "perilune:payload"]) == 0
        capsys.readouterr()
