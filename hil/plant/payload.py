"""A payload as data: thermal network, array, battery, loads, errors of its sensors.

Lives here: reading and checking payloads/*.toml. What the numbers do is in thermal.py, battery.py, array.py and
power.py.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

PAYLOADS_DIR = Path(__file__).resolve().parent / "payloads"
DEFAULT_PAYLOAD = "lander_28kg"
KELVIN = 273.15


class PayloadError(ValueError):
    """A payload file that cannot be: names the file, what was expected and what was found."""


class Site(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the ground does to the payload."""

    ground_albedo: float
    ground_emissivity: float


class Node(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One lump of the payload: capacity in J/K, temperatures in degC, areas in m2."""

    name: str
    capacity: float
    start: float
    limits: tuple[float, float]
    area: float = 0.0
    emissivity: float = 0.0
    view_ground: float = 0.0
    view_space: float = 0.0
    absorptivity: float = 0.0
    sun_top_area: float = 0.0
    sun_side_area: float = 0.0


class Link(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Heat flow between two nodes: W/K, and m2 of effective emissivity times area."""

    between: tuple[str, str]
    conductance: float = 0.0
    radiative: float = 0.0


class HeatPipe(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A loop heat pipe: W/K shut and open, degC of the evaporator below which it is shut and above which it is open."""

    evaporator: str
    condenser: str
    shut_conductance: float
    open_conductance: float
    shut_below: float
    open_above: float


class ConstantHeat(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Heat in W that never ends."""

    node: str
    power: float


class Essential(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is not switched: W, and the share of it that becomes heat by node."""

    power: float
    heat: dict[str, float]


class PayloadLoad(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A switched load: W while on, and the share of it that becomes heat by node."""

    name: str
    power: float
    heat: dict[str, float]


class Panel(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A fixed panel: area in m2 and the direction of its normal in degrees."""

    area: float
    azimuth: float = 0.0
    elevation: float = 90.0
    faces_noon_sun: bool = False


class Array(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The solar array; coefficients are relative, per kelvin from 28 degC."""

    node: str
    cell_efficiency: float
    temperature_coefficient: float
    packing_and_degradation: float
    absorptivity: float
    converter_efficiency: float
    voltage_28c: float
    voltage_coefficient: float
    panel: tuple[Panel, ...]


class BatteryData(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The battery; tables are linear between their points and level beyond."""

    node: str
    cells_in_series: int
    cells_in_parallel: int
    cell_capacity_ah: float
    ageing: float
    resistance_25c: float
    start_soc: float
    cell_cutoff_voltage: float
    cell_max_voltage: float
    charge_efficiency: float
    cold_charge_loss: float
    max_discharge_current: float
    ocv_soc: tuple[float, ...]
    ocv_volt: tuple[float, ...]
    table_temp: tuple[float, ...]
    capacity_factor: tuple[float, ...]
    resistance_factor: tuple[float, ...]
    charge_rate: tuple[float, ...]


class Bus(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The power unit's bus."""

    regulated_voltage: float
    harness_resistance: float
    charger_efficiency: float
    unit_node: str


class Feed(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The lander's feed: V, W, and the sun's elevation in degrees above which the lander gives it."""

    voltage: float
    power: float
    above_sun_elevation: float


class SensorErrors(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Standard deviations of offsets and noise, and the converter's step: K, V, A."""

    temperature_offset: float
    temperature_noise: float
    temperature_step: float
    voltage_offset: float
    voltage_noise: float
    current_offset: float
    current_noise: float


class Payload(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """All of a payload file."""

    name: str
    site: Site
    node: tuple[Node, ...]
    link: tuple[Link, ...]
    heat_pipe: tuple[HeatPipe, ...]
    constant_heat: tuple[ConstantHeat, ...]
    essential: Essential
    load: tuple[PayloadLoad, ...]
    array: Array
    battery: BatteryData
    bus: Bus
    feed: Feed
    sensors: SensorErrors

    def node_index(self, name: str) -> int:
        """Place of a node by name. Raises KeyError."""
        for index, node in enumerate(self.node):
            if node.name == name:
                return index
        raise KeyError(f"payload {self.name} has no node {name!r}; it has {', '.join(n.name for n in self.node)}")


@dataclass(frozen=True)
class _Checker:
    path: Path
    payload: Payload

    def fail(self, where: str, expected: str, found: object) -> None:
        raise PayloadError(f"{self.path.name}: {where}: expected {expected}, found {found}")

    def nodes(self) -> None:
        names = [n.name for n in self.payload.node]
        if len(set(names)) != len(names):
            self.fail("node", "each name once", names)
        for n in self.payload.node:
            if n.capacity <= 0.0:
                self.fail(f"node {n.name}", "a capacity above 0 J/K", n.capacity)
            if n.limits[0] >= n.limits[1]:
                self.fail(f"node {n.name}", "a low limit below the high one", n.limits)
            if not 0.0 <= n.view_ground + n.view_space <= 1.0:
                self.fail(f"node {n.name}", "views that add up to at most 1", n.view_ground + n.view_space)

    def names(self) -> None:
        p = self.payload
        known = {n.name for n in p.node}
        used: list[tuple[str, str]] = [(f"link {'-'.join(k.between)}", name) for k in p.link for name in k.between]
        used += [("heat_pipe", name) for h in p.heat_pipe for name in (h.evaporator, h.condenser)]
        used += [("constant_heat", c.node) for c in p.constant_heat]
        used += [(f"load {x.name}", name) for x in p.load for name in x.heat]
        used += [("essential", name) for name in p.essential.heat]
        used += [("array", p.array.node), ("battery", p.battery.node), ("bus", p.bus.unit_node)]
        for where, name in used:
            if name not in known:
                self.fail(where, f"a node out of {', '.join(sorted(known))}", name)

    def tables(self) -> None:
        b = self.payload.battery
        for name, xs, ys in (
            ("ocv", b.ocv_soc, b.ocv_volt),
            ("capacity_factor", b.table_temp, b.capacity_factor),
            ("resistance_factor", b.table_temp, b.resistance_factor),
            ("charge_rate", b.table_temp, b.charge_rate),
        ):
            if len(xs) != len(ys) or len(xs) < 2 or any(a >= c for a, c in pairwise(xs)):
                self.fail(
                    f"battery {name}",
                    "as many values as rising points, two or more",
                    f"{len(xs)} points, {len(ys)} values",
                )


def load_payload(name_or_path: str | Path = DEFAULT_PAYLOAD) -> Payload:
    """Read a payload by the name of a file in payloads/ or by a path. Raises PayloadError with the reason."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = PAYLOADS_DIR / f"{name_or_path}.toml"
    try:
        data: Any = tomllib.loads(path.read_text())
        payload = msgspec.convert(data, Payload)
    except OSError as error:
        there = ", ".join(sorted(p.stem for p in PAYLOADS_DIR.glob("*.toml")))
        raise PayloadError(
            f"payload {name_or_path}: expected a path or one of {there}, found {error.strerror}"
        ) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PayloadError(f"{path.name}: {error}; see payloads/{DEFAULT_PAYLOAD}.toml for what is expected") from error
    checker = _Checker(path, payload)
    checker.nodes()
    checker.names()
    checker.tables()
    return payload
