"""[[device]]: who serves which role, and the register maps of the units. Resolved and checked.

The maps are units/<unit>.toml in the dictionary's folders; the head of units/power_unit.toml says how to read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from . import model
from .problem import Place, Problem, reserved_word
from .schema import Device, Name, Number
from .source import KEPT, UNFIT, Located, Source, is_unfit, read_text, read_toml

# Everything of the devices is named device.…: points of the drivers and their parameters.
SUBSYSTEM = "device"
_RANGES = {
    "bit": (0, 1),
    "u16": (0, 0xFFFF),
    "i16": (-0x8000, 0x7FFF),
    "u32": (0, 0xFFFF_FFFF),
    "i32": (-(1 << 31), (1 << 31) - 1),
}
# Longest run of registers that one request reads (Modbus Application Protocol V1.1b3, 6.4).
_EXTENT_MAX = 125
_FAR = 1e300


class _Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    space: Annotated[str, Meta(pattern=r"^(input|holding|coil|discrete)\Z")]
    address: Annotated[int, Meta(ge=0, le=0xFFFF)]
    name: Name
    type: Annotated[str, Meta(pattern=r"^(bit|u16|i16|u32|i32)\Z")]
    access: Annotated[str, Meta(pattern=r"^(r|rw|w1)\Z")]
    count: Annotated[int, Meta(ge=1)] = 1
    scale: Number = 1.0
    offset: Number = 0.0
    unit: str = ""
    description: str = ""
    default: Number = 0.0
    minimum: Number | None = None
    maximum: Number | None = None
    bits: list[str] = []
    invalid: dict[str, int] = {}


class _Unit(msgspec.Struct, frozen=True, kw_only=True):
    name: Name
    slave: Annotated[int, Meta(ge=1, le=247)]
    map_version: Annotated[int, Meta(ge=0, le=0xFFFF)]
    reply_ms: Annotated[int, Meta(ge=0, le=1000)]


class _Map(msgspec.Struct, frozen=True, kw_only=True):
    unit: _Unit
    register: list[_Register]


def resolve_devices(
    sources: Iterable[Source], folders: Iterable[Path], problems: list[Problem]
) -> tuple[model.Device, ...]:
    """The devices in the order of the files; what is wrong is added to *problems*."""
    folders = list(folders)
    devices: list[model.Device] = []
    places: dict[str, Place] = {}
    for source in sources:
        for located in source.of(Device):
            entry = located.entry
            here = located.at("role =")
            if located.subsystem != SUBSYSTEM:
                text = f"[[device]] in the subsystem {located.subsystem}"
                problems.append(Problem(here, "device", text, f"Put it into the file of the subsystem {SUBSYSTEM}"))
            if entry.role in places:
                other = places[entry.role]
                text = f"the role {entry.role} is also served in {other.path}:{other.line}"
                problems.append(Problem(here, "duplicate", text, "Keep one of them"))
            places.setdefault(entry.role, here)
            unit = _find_unit(located, folders, problems) if entry.unit is not None else None
            module, name = entry.driver.split(":")
            problems += reserved_word(module, located.at("driver ="))
            if (entry.unit is None) == (not entry.wiring):
                mend = "Give unit for a slave on the bus, wiring for the board's own parts"
                problems.append(Problem(located.at("driver ="), "device", f"what does {entry.driver} drive", mend))
            wiring = tuple((key, _values(value)) for key, value in sorted(entry.wiring.items()))
            devices.append(model.Device(entry.role, module, name, unit, wiring))
    return tuple(devices)


def _values(value: int | str | list[int | str]) -> tuple[int | str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _find_unit(located: Located[Device], folders: list[Path], problems: list[Problem]) -> model.UnitMap | None:
    for folder in folders:
        path = folder / "units" / f"{located.entry.unit}.toml"
        if path.is_file():
            return read_unit(path, problems)
    looked = ", ".join(str(folder / "units") for folder in folders)
    text = f"no register map {located.entry.unit}"
    problems.append(Problem(located.at("unit ="), "reference", text, f"Put {located.entry.unit}.toml into {looked}"))
    return None


def read_unit(path: Path, problems: list[Problem]) -> model.UnitMap | None:
    """Read a register map; what is wrong with it is added to *problems*, and then the result is None."""
    text = read_text(path, problems)
    if text is None:
        return None
    unit, found = _parsed(path, text)
    problems += found
    return unit


@lru_cache(KEPT)
def _parsed(path: Path, text: str) -> tuple[model.UnitMap | None, tuple[Problem, ...]]:
    problems: list[Problem] = []
    return _parse(path, text, problems), tuple(problems)


def _parse(path: Path, text: str, problems: list[Problem]) -> model.UnitMap | None:
    raw = read_toml(path, text, problems)
    if raw is None:
        return None
    try:
        found = msgspec.convert(raw, _Map)
    except msgspec.ValidationError as error:
        line = re.search(r"register\[(\d+)\]", str(error))
        place = Place(path, _line(text, int(line[1])) if line else 1)
        problems.append(Problem(place, "unit", str(error), "The head of units/power_unit.toml tells the keys"))
        return None
    before = len(problems)
    taken: dict[tuple[str, int], str] = {}
    rows = []
    for number, row in enumerate(found.register):
        place = Place(path, _line(text, number))
        if is_unfit(raw["register"][number]):
            problems.append(Problem(place, "number", f"{row.name} {UNFIT}", "Give one that the board can have"))
            continue
        width = 2 if row.type in ("u32", "i32") else 1
        if (row.type == "bit") != (row.space in ("coil", "discrete")):
            problems.append(
                Problem(place, "unit", f"{row.name}: {row.type} in {row.space}", "Bits are coils or inputs")
            )
        if row.scale == 0:
            problems.append(Problem(place, "unit", f"{row.name}: scale 0", "Give what one count means"))
            continue
        if row.address + row.count * width > _EXTENT_MAX:
            mend = f"One request reads at most {_EXTENT_MAX}"
            problems.append(Problem(place, "unit", f"{row.name} ends behind address {_EXTENT_MAX}", mend))
            continue
        for address in range(row.address, row.address + row.count * width):
            other = taken.setdefault((row.space, address), row.name)
            if other != row.name:
                problems.append(Problem(place, "duplicate", f"{row.name} and {other} share {address}", "Move one"))
        rows.append(_register(row))
    if len(problems) > before:
        return None
    unit = found.unit
    return model.UnitMap(unit.name, unit.slave, unit.map_version, unit.reply_ms, tuple(rows))


def _register(row: _Register) -> model.Register:
    low, high = _RANGES[row.type]
    if row.minimum is not None:
        low = max(low, _raw(row, row.minimum))
    if row.maximum is not None:
        high = min(high, _raw(row, row.maximum))
    return model.Register(
        row.space,
        row.name,
        row.address,
        row.type,
        row.count,
        float(row.scale),
        float(row.offset),
        low,
        high,
        tuple(row.invalid.values()),
    )


def _raw(row: _Register, value: Number) -> int:
    """The raw number nearest to *value*; far beyond every range where its scale makes it more than a float holds."""
    return round(max(-_FAR, min((value - row.offset) / row.scale, _FAR)))


def _line(text: str, number: int) -> int:
    """Line of the register of that number, from 0."""
    lines = [at for at, line in enumerate(text.splitlines(), 1) if line.strip() == "[[register]]"]
    return lines[number] if number < len(lines) else 1
