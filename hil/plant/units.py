"""Register maps of the Modbus units, read from the dictionary.

Lives here: the map as data and the conversion between SI values and 16-bit registers. The maps themselves are
firmware/dictionary/units/*.toml, whose first lines say how to read them; the flight device layer is made from the
same files.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perilune.dictionary.load import CORE

UNITS_DIR = CORE / "units"

SPACES = ("input", "holding", "coil", "discrete")
TYPES = {
    "u16": (1, 0, 0xFFFF),
    "i16": (1, -0x8000, 0x7FFF),
    "u32": (2, 0, 0xFFFFFFFF),
    "i32": (2, -(1 << 31), (1 << 31) - 1),
    "bit": (1, 0, 1),
}
ACCESS = ("r", "rw", "w1")


class MapError(ValueError):
    """A register map that cannot be: names the file, what was expected and what was found."""


@dataclass(frozen=True)
class Register:
    """One named value, or `count` of them in a row."""

    space: str
    address: int
    name: str
    type: str
    access: str
    count: int = 1
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    description: str = ""
    default: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    bits: tuple[str, ...] = ()
    invalid: dict[str, int] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Registers that one value takes."""
        return TYPES[self.type][0]

    @property
    def end(self) -> int:
        """First address behind this entry."""
        return self.address + self.count * self.width

    def to_raw(self, si: float) -> int:
        """Raw integer of an SI value, held within what the type can say."""
        _, low, high = TYPES[self.type]
        return min(high, max(low, round((si - self.offset) / self.scale)))

    def to_si(self, raw: int) -> float:
        """SI value of a raw integer as the type reads it."""
        return raw * self.scale + self.offset


@dataclass(frozen=True)
class Load:
    """What hangs on a switch of the power unit."""

    index: int
    name: str
    trip_current: float
    description: str = ""


@dataclass(frozen=True)
class Zone:
    """A zone of the payload and what the thermal unit wires to it: `heater` is the output's index or None."""

    index: int
    name: str
    sensors: int
    heater: int | None = None
    description: str = ""


@dataclass(frozen=True)
class Heater:
    """What hangs on a heater output of the thermal unit."""

    index: int
    zone: str
    resistance_ohm: float
    description: str = ""


@dataclass(frozen=True)
class UnitMap:
    """One Modbus slave: its address on the bus and its registers."""

    name: str
    title: str
    slave: int
    map_version: int
    reply_ms: int
    registers: tuple[Register, ...]
    loads: tuple[Load, ...] = ()
    zones: tuple[Zone, ...] = ()
    heaters: tuple[Heater, ...] = ()

    def find(self, name: str, space: str | None = None) -> Register:
        """The register of a name (discrete inputs may repeat names of other spaces). Raises KeyError."""
        for register in self.registers:
            if register.name == name and space in (None, register.space):
                return register
        raise KeyError(f"{self.name} has no register {name!r} in {space or 'any space'}")

    def in_space(self, space: str) -> list[Register]:
        """Entries of a space by address."""
        return sorted((r for r in self.registers if r.space == space), key=lambda r: r.address)

    def extent(self, space: str) -> int:
        """Addresses that the space has: registers up to the last entry, bits up to the next multiple of 16."""
        end = max((r.end for r in self.registers if r.space == space), default=0)
        return (end + 15) // 16 * 16 if space in ("coil", "discrete") else end


def _register(path: Path, table: dict[str, Any]) -> Register:
    try:
        register = Register(**{**table, "bits": tuple(table.get("bits", ()))})
    except TypeError as error:
        raise MapError(
            f"{path.name}: register {table.get('name', '?')}: {error}; see the head of power_unit.toml"
        ) from error
    for what, value, allowed in (
        ("space", register.space, SPACES),
        ("type", register.type, tuple(TYPES)),
        ("access", register.access, ACCESS),
    ):
        if value not in allowed:
            raise MapError(
                f"{path.name}: register {register.name}: expected {what} out of {', '.join(allowed)}, found {value!r}"
            )
    if (register.type == "bit") != (register.space in ("coil", "discrete")):
        raise MapError(
            f"{path.name}: register {register.name}: expected type bit in coil and discrete only, "
            f"found {register.type} in {register.space}"
        )
    if not 0 <= register.address <= 0xFFFF or register.count < 1 or register.end > 0x10000:
        raise MapError(
            f"{path.name}: register {register.name}: expected addresses within 0..65535, "
            f"found {register.address}..{register.end - 1}"
        )
    return register


def load_unit(path: Path) -> UnitMap:
    """Read one map. Raises MapError when entries overlap or say what cannot be, OSError when there is no file."""
    try:
        data = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise MapError(f"{path.name}: {error}") from error
    registers = tuple(_register(path, table) for table in data.get("register", []))
    for space in SPACES:
        end = 0
        for register in sorted((r for r in registers if r.space == space), key=lambda r: r.address):
            if register.address < end:
                raise MapError(
                    f"{path.name}: {space} {register.name}: expected an address from {end}, found {register.address}"
                )
            end = register.end
    unit = data["unit"]
    return UnitMap(
        name=unit["name"],
        title=unit["title"],
        slave=unit["slave"],
        map_version=unit["map_version"],
        reply_ms=unit["reply_ms"],
        registers=registers,
        loads=tuple(Load(**table) for table in data.get("load", [])),
        zones=tuple(Zone(**table) for table in data.get("zone", [])),
        heaters=tuple(Heater(**table) for table in data.get("heater", [])),
    )


def power_unit() -> UnitMap:
    """Map of the power unit."""
    return load_unit(UNITS_DIR / "power_unit.toml")


def thermal_unit() -> UnitMap:
    """Map of the thermal unit."""
    return load_unit(UNITS_DIR / "thermal_unit.toml")
