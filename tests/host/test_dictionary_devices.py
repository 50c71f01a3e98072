"""[[device]]: who serves a role, the maps of the units, and every way to get them wrong, with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flight import tables
from flight.device.power_unit import ModbusPowerUnit
from flight.hal.null import Hal
from flight.topology import build
from perilune.dictionary.apps import driver_classes
from perilune.dictionary.generate import apps_source, modules, table_values
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE, load
from perilune.dictionary.problem import DictionaryError
from perilune.dictionary.supply import load_checked

PAYLOAD = CORE / "payload"


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    """The payload's devices alone, and their maps, to be changed."""
    shutil.copy(PAYLOAD / "device.toml", tmp_path)
    shutil.copytree(CORE / "units", tmp_path / "units")
    return tmp_path


def change(path: Path, old: str, new: str) -> int:
    """Replace the first *old*; the line on which it stood."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def problems(folder: Path) -> list[tuple[str, int, str, str]]:
    """File, line, kind and text of everything that is wrong; the folder's own maps come first."""
    with pytest.raises(DictionaryError) as error:
        load_checked([folder, CORE])
    return [(row.place.path.name, row.place.line, row.kind, row.text) for row in error.value.problems]


class TestTables:
    def test_rows_are_the_maps(self) -> None:
        dictionary = load_checked([CORE, PAYLOAD])
        devices = table_values(dictionary)["DEVICES"]
        assert isinstance(devices, tuple)
        assert [row[tables.DEVICE_ROLE] for row in devices] == [tables.DEVICE_POWER, tables.DEVICE_THERMAL]
        slave, version, reply_ms, registers = devices[0][tables.DEVICE_DATA]
        assert (slave, version, reply_ms) == (0x11, 1, 20)
        named = {(row[tables.REGISTER_SPACE], row[tables.REGISTER_NAME]): row for row in registers}
        # i16 at 12, three of them, 0.01 degC a count, the codes of open and short
        assert named[tables.SPACE_INPUT, "battery_temperature"] == (
            *(tables.SPACE_INPUT, "battery_temperature", 12, tables.REGISTER_I16, 3, 0.01, 0.0, -32768, 32767),
            (32767, -32768),
        )
        # 0 to 10 A, a milliampere a count
        row = named[tables.SPACE_HOLDING, "charge_current_limit"]
        assert (row[tables.REGISTER_LOW], row[tables.REGISTER_HIGH]) == (0, 10000)

    def test_the_map_is_in_the_hash(self, mission: Path) -> None:
        before = load([mission, CORE]).content_hash
        change(mission / "units" / "power_unit.toml", "slave = 0x11", "slave = 0x21")
        assert load([mission, CORE]).content_hash != before

    def test_drivers_stand_beside_the_apps(self) -> None:
        text = apps_source(load([CORE, PAYLOAD]))
        assert "from flight.device.power_unit import ModbusPowerUnit as Driver0\n" in text
        assert "DRIVERS = (Driver0, Driver1, )\n" in text

    def test_without_a_device_the_units_are_null(self) -> None:
        dictionary = load_checked([CORE])
        flight_tables, ids = modules(dictionary)
        core = build(flight_tables, ids, Hal(), BENCH_KEYS)
        assert core.devices.modbus is None
        assert not core.devices.power.link_ok
        assert not core.devices.thermal.temperature_c[0].valid

    def test_a_driver_is_made_for_its_role(self) -> None:
        dictionary = load_checked([CORE, PAYLOAD])
        assert driver_classes(dictionary)[0] is ModbusPowerUnit


class TestProblems:
    def test_role(self, mission: Path) -> None:
        line = change(mission / "device.toml", 'role = "thermal"', 'role = "power"')
        found = problems(mission)
        assert ("device.toml", line, "duplicate") in [row[:3] for row in found]

    def test_unknown_role(self, mission: Path) -> None:
        line = change(mission / "device.toml", 'role = "thermal"', 'role = "kitchen"')
        assert problems(mission)[0][:3] == ("device.toml", line, "entry")

    def test_map_that_is_not_there(self, mission: Path) -> None:
        line = change(mission / "device.toml", 'unit = "power_unit"', 'unit = "power_box"')
        assert problems(mission) == [("device.toml", line, "reference", "no register map power_box")]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"flight.device.power_unit:ModbusPowerUnit"', '"flight.device.power_unit:Other"'),
            ('"flight.device.power_unit:ModbusPowerUnit"', '"flight.device.power_box:ModbusPowerUnit"'),
        ],
    )
    def test_driver_that_cannot_be_had(self, mission: Path, old: str, new: str) -> None:
        line = change(mission / "device.toml", old, new)
        (found,) = problems(mission)
        assert found[:3] == ("device.toml", line, "driver")

    def test_driver_in_a_module_that_no_program_can_import(self, mission: Path) -> None:
        line = change(mission / "device.toml", "flight.device.power_unit:", "flight.class.power_unit:")
        assert problems(mission) == [("device.toml", line, "module", "class is a word of Python, no module")]

    def test_point_that_the_driver_needs(self, mission: Path) -> None:
        change(mission / "device.toml", 'name = "power_timeouts"', 'name = "power_time_outs"')
        change(mission / "device.toml", '"power_timeouts"', '"power_time_outs"')
        (found,) = problems(mission)
        assert (found[0], found[2], found[3]) == ("device.toml", "supply", "no DEVICE_POWER_TIMEOUTS")

    def test_neither_unit_nor_wiring(self, mission: Path) -> None:
        change(mission / "device.toml", 'unit = "power_unit"\n', "")
        line = change(mission / "device.toml", "driver =", "driver  =")
        change(mission / "device.toml", "driver  =", "driver =")
        assert problems(mission)[0][:3] == ("device.toml", line, "device")

    def test_another_subsystem(self, mission: Path) -> None:
        change(mission / "device.toml", 'name = "device"', 'name = "bench"')
        with pytest.raises(DictionaryError) as error:
            load([mission, CORE])
        assert {row.kind for row in error.value.problems} == {"device"}

    @pytest.mark.parametrize(
        ("old", "new", "kind"),
        [
            ('type = "u16"', 'type = "u17"', "unit"),
            ('type = "u16"', 'type = "bit"', "unit"),
            ("address = 1\n", "address = 0\n", "duplicate"),
            ("address = 1\n", "address = 200\n", "unit"),
            ("scale = 0.001", "scale = 0.0", "unit"),
            ("scale = 0.001", "scale = inf", "number"),
            ("address = 1\n", "address = 1\ncount = 9_000_000_000_000_000_000\n", "unit"),
            ("[unit]", "[unit", "toml"),
            ("[unit]", "[unit.a]\nx = " + "[" * 5000, "toml"),
        ],
    )
    def test_map_that_contradicts_itself(self, mission: Path, old: str, new: str, kind: str) -> None:
        change(mission / "units" / "power_unit.toml", old, new)
        found = problems(mission)
        assert {(row[0], row[2]) for row in found} == {("power_unit.toml", kind)}

    def test_map_that_is_not_utf_8(self, mission: Path) -> None:
        path = mission / "units" / "power_unit.toml"
        text = path.read_bytes()
        path.write_bytes(text + b"# 5 \xb0C")
        assert problems(mission)[0][:3] == ("power_unit.toml", text.count(b"\n") + 1, "file")

    def test_range_beyond_what_a_float_holds(self, mission: Path) -> None:
        change(mission / "units" / "power_unit.toml", "scale = 0.001", "scale = 1e-300\nmaximum = 1e300")
        unit = load([mission, CORE]).devices[0].unit
        assert unit is not None
        assert [(row.low, row.high) for row in unit.registers if row.scale == 1e-300] == [(0, 0xFFFF)]

    def test_the_line_is_the_register(self, mission: Path) -> None:
        path = mission / "units" / "power_unit.toml"
        line = change(path, 'space = "input"\naddress = 1\n', 'space = "input"\naddress = 0\n')
        # The table's head stands one line above its first key.
        assert problems(mission)[0][1] == line - 1
