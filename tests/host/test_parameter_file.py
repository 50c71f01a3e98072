"""Files of on-board parameters: every value comes back to the last bit, everything wrong is told at once."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perilune.cli import main
from perilune.client.parameter_file import (
    Difference,
    ParameterFileError,
    as_toml,
    differences,
    load_file,
    settable,
)
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.dictionary.model import Number, Point

from tests.system.targets import TRIAL

DICTIONARY = load([CORE, TRIAL])


def values_of(point: Point) -> st.SearchStrategy[Number]:
    if point.enumeration is not None:
        return st.sampled_from(
            [value for value in point.enumeration.values.values() if point.low <= value <= point.high]
        )
    if point.type.is_float:
        low, high = (struct.unpack(">f", struct.pack(">f", bound))[0] for bound in (point.low, point.high))
        return st.floats(low, high, width=32)
    return st.integers(int(point.low), int(point.high))


ALL = st.fixed_dictionaries({name: values_of(point) for name, point in settable(DICTIONARY).items()})


@given(values=ALL)
def test_what_is_dumped_is_loaded_to_the_last_bit(
    values: dict[str, Number], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "parameters.toml"
    path.write_text(as_toml(DICTIONARY, values, ["a comment"]), encoding="utf-8")
    loaded = load_file(path, DICTIONARY)
    assert {name: struct.pack(">f", number) for name, number in loaded.items()} == {
        name: struct.pack(">f", number) for name, number in values.items()
    }


def test_the_text_of_a_file() -> None:
    text = as_toml(
        DICTIONARY, {"trial.colour": 1, "modes.reset_limit": 2, "trial.limit": 0.5, "trial.size": 70000}, ["x"]
    )
    assert text == '# x\n\n[modes]\nreset_limit = 2\n\n[trial]\nlimit = 0.5\ncolour = "RED"\nsize = 70000\n'


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        'gain = 1\n[trial]\ngian = 1\nlevel = 1\ngain = 1000\ncolour = "BROWN"\nlimit = "x"\n', encoding="utf-8"
    )
    with pytest.raises(ParameterFileError) as caught:
        load_file(path, DICTIONARY)
    lines = str(caught.value).splitlines()[1:]
    assert [part in line for part, line in zip(
        ("no table", "Did you mean trial.gain", "measured", "out of range", "BROWN", "is a number"), lines, strict=True
    )] == [True] * 6  # fmt: skip
    with pytest.raises(ParameterFileError):
        load_file(tmp_path / "none", DICTIONARY)


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "0x" + "f" * 5000, "9" * 5000, "[" * 5000])
def test_no_number_is_too_long_to_be_refused(number: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    for name in ("gain", "limit", "colour"):  # an integer, a float, an enumeration
        path.write_text(f"[trial]\n{name} = {number}\n", encoding="utf-8")
        with pytest.raises(ParameterFileError):
            load_file(path, DICTIONARY)


def test_floats_differ_where_a_board_can_tell_them_apart() -> None:
    kept = {"f32": 32.79999923706055, "board": 32.79998779296875, "none": 0.0, "high": float("inf")}
    asked = {"f32": 32.8, "board": 32.8, "none": 0.0, "high": float("inf")}
    assert differences(kept, asked) == []
    assert [row.name for row in differences({"a": 32.8, "b": 0.0}, {"a": 32.8001, "b": 1e-30})] == ["a", "b"]


def test_two_files_are_compared_by_the_dictionary_of_the_default_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.toml").write_text(f"[trial]\ngain = {number}\n")
    (tmp_path / "perilune.toml").write_text(
        f'default = "b"\n[targets.a]\nport = "loop://"\n[targets.b]\nport = "loop://"\nmissions = ["{TRIAL}"]\n'
    )
    line = ["params", "diff", *(str(tmp_path / f"{number}.toml") for number in (1, 2))]
    assert main([*line, "--config", str(tmp_path / "perilune.toml"), "--json"]) == 5
    assert "trial.gain" in capsys.readouterr().out


def test_differences() -> None:
    assert differences({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5}) == [
        Difference("a", 1, None),
        Difference("c", 3, 4),
        Difference("d", None, 5),
    ]
