"""The dictionary as the ground uses it: calibration, limits, names; requests; tables, hash and reference."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest
from flight.codec import unpack
from perilune.dictionary.__main__ import main as generator
from perilune.dictionary.encode import ArgumentError, encode, packet
from perilune.dictionary.generate import id_values, table_values, tables_source, write
from perilune.dictionary.keys import BENCH_KEYS, read_keys
from perilune.dictionary.load import CORE, load
from perilune.dictionary.model import Dictionary
from perilune.dictionary.reference import reference
from perilune.errors import KeyFileError
from perilune.link.keys import load_authenticator

TRIAL = Path(__file__).resolve().parents[1] / "flight" / "trial"


@pytest.fixture(scope="module")
def trial() -> Dictionary:
    return load([CORE, TRIAL])


class TestModel:
    def test_calibration_and_limits(self, trial: Dictionary) -> None:
        level = trial.points["trial.level"]  # -10 + 0.5 x, yellow 0 … 40, red -20 … 60
        assert level.engineering(100) == 40.0
        assert level.shown(-21) == "-20.5 degC"
        states = {raw: level.state(raw) for raw in (-21, -20, 19, 20, 100, 101, 140, 141)}
        assert states == {
            -21: "red",
            -20: "yellow",
            19: "yellow",
            20: "ok",
            100: "ok",
            101: "yellow",
            140: "yellow",
            141: "red",
        }

    def test_not_a_number_is_red(self, trial: Dictionary) -> None:
        assert trial.points["trial.level"].state(float("nan")) == "red"

    def test_enumeration(self, trial: Dictionary) -> None:
        colour = trial.points["trial.colour"]
        assert colour.shown(4) == "BLUE"
        assert colour.shown(3) == "3 (unknown)"

    def test_lookup_by_number(self, trial: Dictionary) -> None:
        assert trial.request(17, 1) == trial.commands["core.ping"]
        assert trial.request(8, 1, 0x0200) == trial.commands["trial.every_type"]
        assert trial.request(8, 1, 0x0999) is None
        point, structure, event = trial.point(0x1002), trial.structure(100), trial.event(0x0102)
        assert point is not None and point.name == "trial.level"
        assert structure is not None and structure.name == "trial.mixed"
        assert event is not None and event.message({"a": 1, "b": 2, "c": 3, "d": 4.5}) == "1 2 3 4.5"
        assert (trial.point(0x7FFF), trial.structure(999), trial.event(0x7FFF)) == (None, None, None)

    def test_bits_of_a_report(self, trial: Dictionary) -> None:
        fields = [(point.name, bit) for point, bit in trial.housekeeping["trial.mixed"].fields]
        assert fields == [
            ("trial.flag", 0),
            ("trial.small", 1),
            ("trial.real", 8),
            ("trial.level", 40),
            ("trial.gain", 56),
        ]


class TestHash:
    def test_same_content_same_hash(self, trial: Dictionary) -> None:
        assert load([CORE, TRIAL]).content_hash == trial.content_hash

    def test_a_changed_limit_changes_it(self, trial: Dictionary, tmp_path: Path) -> None:
        for path in TRIAL.glob("*.toml"):
            text = path.read_text(encoding="utf-8").replace("red = [-20, 60]", "red = [-20, 61]")
            (tmp_path / path.name).write_text(text, encoding="utf-8")
        assert load([CORE, tmp_path]).content_hash != trial.content_hash

    def test_comments_do_not_change_it(self, trial: Dictionary, tmp_path: Path) -> None:
        for path in TRIAL.glob("*.toml"):
            (tmp_path / path.name).write_text("# more\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
        assert load([CORE, tmp_path]).content_hash == trial.content_hash


ARGUMENTS: dict[str, object] = {
    "a": 5,
    "b": -3,
    "c": 65535,
    "d": -1000,
    "e": 100000,
    "f": -100000,
    "g": 1.5,
    "h": True,
    "i": "BLUE",
}


class TestEncode:
    def test_octets_of_every_type(self, trial: Dictionary) -> None:
        data = encode(trial.command("trial.every_type"), ARGUMENTS)
        assert data.hex(" ") == "02 00 05 fd ff ff fc 18 00 01 86 a0 ff fe 79 60 3f c0 00 00 01 04"

    @pytest.mark.parametrize(
        ("name", "value", "text"),
        [
            ("a", 1, "a is out of range; expected 2 to 9; found 1"),
            ("b", 4, "out of range"),
            ("e", 1.0, "expected an integer"),
            ("g", float("nan"), "out of range"),
            ("i", "PINK", "expected RED, GREEN, BLUE"),
            ("i", 3, "RED = 1"),
            ("c", "many", "a number"),
            ("z", 0, "no argument z"),
        ],
    )
    def test_bad_arguments(self, trial: Dictionary, name: str, value: object, text: str) -> None:
        with pytest.raises(ArgumentError, match=text):
            encode(trial.command("trial.every_type"), ARGUMENTS | {name: value})

    def test_missing_argument(self, trial: Dictionary) -> None:
        with pytest.raises(ArgumentError, match="d is missing"):
            encode(trial.command("trial.every_type"), {name: ARGUMENTS[name] for name in "abc"})

    def test_default_argument(self, trial: Dictionary) -> None:
        assert encode(trial.command("core.arm"), {"service": 8, "subtype": 1}).hex() == "000108010000"

    def test_items(self, trial: Dictionary) -> None:
        command = trial.command("core.change_period")
        items = [{"sid": 1, "period_ms": 500}, {"sid": 2, "period_ms": 1000}]
        assert encode(command, {}, items).hex(" ") == "02 00 01 00 00 01 f4 00 02 00 00 03 e8"
        with pytest.raises(ArgumentError, match="expected 1 to 16"):
            encode(command, {})
        with pytest.raises(ArgumentError, match="no items"):
            encode(trial.command("core.ping"), {}, items)

    def test_items_that_set_parameters(self, trial: Dictionary) -> None:
        command = trial.command("core.set_parameters")
        items: list[dict[str, object]] = [{"parameter": 0x1010, "value": 20}, {"parameter": 0x1012, "value": -0.5}]
        assert encode(command, {}, items, points=trial.points).hex(" ") == "02 10 10 14 10 12 bf 00 00 00"
        with pytest.raises(ArgumentError, match=r"trial\.gain is out of range"):
            encode(command, {}, [{"parameter": 0x1010, "value": 101}], points=trial.points)
        with pytest.raises(ArgumentError, match="no parameter 32767"):
            encode(command, {}, [{"parameter": 0x7FFF, "value": 1}], points=trial.points)

    def test_open_command(self, trial: Dictionary) -> None:
        assert encode(trial.command("trial.load"), {"at": 7}, octets=b"\xde\xad").hex() == "02050007dead"
        with pytest.raises(ArgumentError, match="no further octets"):
            encode(trial.command("core.ping"), {}, octets=b"\x00")

    @pytest.mark.parametrize(
        "number", [10**400, -(10**5000), float("nan"), float("inf")], ids=["long", "longer", "nan", "inf"]
    )
    def test_what_no_argument_can_hold(self, trial: Dictionary, number: float) -> None:
        for name in ("e", "g"):  # u32, f32
            with pytest.raises(ArgumentError, match=f"{name} (is out of range|has the wrong type)"):
                encode(trial.command("trial.every_type"), ARGUMENTS | {name: number})

    def test_stored_packet(self, trial: Dictionary) -> None:
        # Sequence count 0, no acknowledgement, source 1.
        octets = packet(trial.command("core.ping"), {}, source=1)
        assert octets.hex(" ") == "18 64 c0 00 00 06 20 11 01 00 01 ea a2"


class TestTables:
    def test_files_say_what_the_modules_say(self, trial: Dictionary, tmp_path: Path) -> None:
        written = write(trial, tmp_path, BENCH_KEYS, [CORE, TRIAL])
        names = {path.name for path in written}
        assert names == {"mission_tables.py", "mission_ids.py", "mission_apps.py", "mission_keys.py", "trial_app.py"}
        found = runpy.run_path(str(tmp_path / "mission_tables.py"))
        expected = table_values(trial)
        assert {name: found[name] for name in expected} == expected
        found = runpy.run_path(str(tmp_path / "mission_ids.py"))
        expected_ids = id_values(trial)
        assert {name: found[name] for name in expected_ids} == expected_ids

    def test_unchanged_files_are_left_alone(self, trial: Dictionary, tmp_path: Path) -> None:
        write(trial, tmp_path, BENCH_KEYS, [CORE, TRIAL])
        assert write(trial, tmp_path, BENCH_KEYS, [CORE, TRIAL]) == []
        damaged = tmp_path / "mission_ids.py"
        damaged.write_bytes(b"\xff")
        assert write(trial, tmp_path, BENCH_KEYS, [CORE, TRIAL]) == [damaged]

    def test_an_app_of_which_a_part_is_not_utf_8(
        self, trial: Dictionary, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "mission" / "part_of_app" / "part.py"
        path.parent.mkdir(parents=True)
        path.with_name("__init__.py").write_text("def Demo(core):\n    return core\n", encoding="utf-8")
        path.write_bytes(b"# 5 \xb0C")
        head = '[subsystem]\nname = "demo"\ntitle = "Demo"\napp = "part_of_app:Demo"\n'
        (tmp_path / "mission" / "demo.toml").write_text(head, encoding="utf-8")
        assert generator(["generate", "--out", str(tmp_path / "out"), str(CORE), str(tmp_path / "mission")]) == 1
        assert capsys.readouterr().err.startswith(f"{path} is not UTF-8; found invalid start byte")

    def test_what_cannot_be_written_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert generator(["reference", "--out", str(tmp_path)]) == 1
        assert capsys.readouterr().err.startswith(f"cannot use {tmp_path}")

    def test_no_text_is_in_the_tables(self, trial: Dictionary) -> None:
        def strings(value: object) -> list[str]:
            if isinstance(value, str):
                return [value]
            return [text for item in value for text in strings(item)] if isinstance(value, tuple) else []

        assert strings(tuple(table_values(trial).values())) == []

    def test_descriptors_read_what_the_octets_say(self, trial: Dictionary) -> None:
        tables = table_values(trial)
        rows = {row[0]: row for row in tables["FUNCTIONS"]}  # type: ignore[attr-defined]
        values = [0.0] * 12
        data = encode(trial.command("trial.every_type"), ARGUMENTS)[2:]
        assert unpack(rows[0x0200][5], data, 0, len(data), values) == 9
        assert values == [5, -3, 65535, -1000, 0x0001, 0x86A0, 0xFFFE, 0x7960, 1.5, 1, 4, 0]

    def test_tables_hold_constants_alone_so_that_they_lie_in_flash(self) -> None:
        payload = load([CORE, CORE / "payload"])
        text = tables_source(payload)
        scope: dict[str, object] = {}
        exec(text, scope)
        assert {name: scope[name] for name in table_values(payload)} == table_values(payload)
        # MicroPython makes integers constants with their sign, floats without it.
        signed = [node.operand.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.UnaryOp)]  # type: ignore[attr-defined]
        assert len(signed) > 20
        assert [value for value in signed if isinstance(value, float)] == []

    def test_keys_are_those_that_the_ground_takes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path, good = tmp_path / "keys.toml", "00112233445566778899aabbccddeeff"
        words = ["generate", "--out", str(tmp_path / "out"), "--keys", str(path)]
        for text, found in (
            (f'ad = ""\nbd = "{good}"', "key ad in"),
            (f'ad = "{good}"\nbd = "{good[2:]}"', "key bd in"),
            (f'ad = 5\nbd = "{good}"', "TypeError"),
            (f'ad = "{good}"', "KeyError: 'bd'"),
        ):
            path.write_text(text, encoding="utf-8")
            assert generator(words) == 1
            error = capsys.readouterr().err
            assert found in error and str(path) in error
            with pytest.raises(KeyFileError, match=re.escape(error.strip())):
                load_authenticator(path)
        assert generator([*words[:-1], str(tmp_path)]) == 1
        assert "IsADirectoryError" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
        path.write_text(f'ad = "{good}"\nbd = "{good[::-1]}"', encoding="utf-8")
        assert generator(words) == 0
        keys = runpy.run_path(str(tmp_path / "out" / "mission_keys.py"))["KEYS"]
        assert keys == (bytes.fromhex(good), bytes.fromhex(good[::-1])) == read_keys(path)


def test_reference_names_everything(trial: Dictionary) -> None:
    text = reference(trial)
    for name in [*trial.commands, *trial.points, *trial.housekeeping, *trial.events, *trial.enumerations]:
        assert name in text
    assert "8/1 function 0x0203" in text
    assert "Hazardous: arm it" in text
    assert "| a | u8 |  | 2 … 9 |  |  |" in text
    assert "yellow 0 … 40, red -20 … 60" in text
