"""Whatever a dictionary file says, it gives a dictionary that is good for the board, or problems with their lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perilune.dictionary.generate import apps_source, ids_source, table_values, tables_source
from perilune.dictionary.load import load
from perilune.dictionary.problem import DictionaryError
from perilune.dictionary.reference import reference

# Something of every kind, with every key behind which other entries or numbers stand.
EVERYTHING = """[subsystem]
name = "demo"
title = "Demo"
app = "demo:Demo"
modes = ["SAFE"]
[[point]]
id = 0x1000
name = "level"
type = "u8"
text = "A point."
min = -20
max = 87.5
calibration = [-40.0, 0.5]
yellow = [-10, 40]
red = [-20, 60]
[[point]]
id = 0x1001
name = "state"
type = "u8"
text = "A point."
enumeration = "colour"
[[enumeration]]
name = "colour"
values = { RED = 1, BLUE = 200 }
[[parameter]]
id = 0x2000
name = "gain"
type = "f32"
default = 0.5
min = -1
max = 2.5
persistent = true
text = "P."
[[command]]
name = "go"
function = 0x0100
text = "Go."
args = [
  { name = "n", type = "i16", min = -5, max = 9, default = 3 },
  { name = "c", type = "u8", enumeration = "colour" },
]
[[command]]
name = "set"
service = 20
subtype = 3
text = "Set."
[command.group]
name = "rows"
most = 9
fields = [{ name = "parameter", type = "u16" }, { name = "value", type = "value" }]
[[command]]
name = "load"
service = 21
subtype = 1
text = "Load."
args = [{ name = "at", type = "u32" }, { name = "data", type = "octets" }]
[[event]]
id = 0x0100
name = "happened"
severity = "low"
text = "It is {c}, {f:.1f}."
fields = [{ name = "c", type = "u8", enumeration = "colour" }, { name = "f", type = "f32" }]
[[housekeeping]]
sid = 100
name = "main"
period_ms = 1000
fields = ["level", "state", "gain"]
[[monitor]]
id = 1
name = "warm"
point = "level"
check = "limit"
low = 0
high = 50.5
engineering = true
event_high = "happened"
valid = { point = "state", value = 1, mask = 3 }
[[event_action]]
event = "happened"
request = { command = "go", args = { n = 4, c = "BLUE" } }
[[sequence]]
id = 1
name = "steps"
steps = [{ request = { command = "go", args = { c = 1 } } }, { wait = "state", value = "RED", delay_ms = 100 }]
[[mode]]
name = "SAFE"
next = ["SAFE"]
entry = [{ command = "go", args = { c = "RED" } }]
"""
TOKENS = {
    "text": re.compile(r'"[^"]*"'),
    "number": re.compile(r"-?\b\d[\w.]*|true"),
    "key": re.compile(r"\b\w+(?= =)"),
    "table": re.compile(r"\[\[?\w[\w.]*"),
    "end": re.compile(r"\n"),
}
BETWEEN = " "  # what stands between the values below
HOSTILE = {
    "text": '"" "\\n" "{" "{c.real}" "u1" "i32" "f64" "octets" "value" "bool" "d:D" "a.b"'.split(BETWEEN),
    "number": "-1 0 256 65536 1073741824 9223372036854775808 0.5 -0.0 1e308 -1e308 1e-320 inf nan".split(BETWEEN),
    "key": ["x", "x.y"],
    "table": ["[x", "[[device"],
    "end": ["\r", "\0", "\ufeff", "\f\n", "\u2028", "#", ""],
}
OTHERS = "[] {} [[]] [0,0] [1e308,1e308] [1e308,1e308,1e308,1e308] {a=1} 2020-01-01 12:00:00 = ] } [".split(BETWEEN)
# What a change is one of: most texts should be TOML, so that more than its reader is tried.
CHANGED = ["number"] * 6 + ["text"] * 4 + list(TOKENS)


@st.composite
def changes(draw: st.DrawFn) -> tuple[int, int, str]:
    """A span of EVERYTHING and what stands there instead, mostly of the same kind."""
    kind = draw(st.sampled_from(CHANGED))
    spans = [match.span() for match in TOKENS[kind].finditer(EVERYTHING)]
    start, end = draw(st.sampled_from(spans))
    same = [*HOSTILE[kind], *sorted({EVERYTHING[start:end] for start, end in spans})]
    if draw(st.integers(0, 7)) < 7:
        return start, end, draw(st.sampled_from(same))
    return start, end, draw(st.one_of(st.sampled_from(OTHERS), st.text(max_size=3)))


def test_something_of_everything_is_good(tmp_path: Path) -> None:
    (tmp_path / "demo.toml").write_text(EVERYTHING, encoding="utf-8")
    assert load([tmp_path]).monitors["demo.warm"].b == 50.5


@settings(max_examples=200)
@given(changed=st.lists(changes(), min_size=1, max_size=2))
def test_a_text_gives_a_dictionary_or_problems_and_nothing_else(
    changed: list[tuple[int, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = EVERYTHING
    for start, end, other in sorted(changed, reverse=True):
        text = text[:start] + other + text[end:]
    path = tmp_path_factory.getbasetemp() / "changed" / "demo.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode())
    try:
        dictionary = load([path.parent])
    except DictionaryError as error:
        for problem in error.problems:
            assert problem.place.path == path
            assert 1 <= problem.place.line <= text.count("\n") + 1
            assert problem.text and problem.mend
        return
    scope: dict[str, object] = {}
    exec(tables_source(dictionary) + ids_source(dictionary), scope)
    assert {name: scope[name] for name in table_values(dictionary)} == table_values(dictionary)
    compile(apps_source(dictionary), "mission_apps.py", "exec")
    assert reference(dictionary)
