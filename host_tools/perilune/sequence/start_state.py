"""Where a rehearsal starts: from a TOML file, or from the board's last housekeeping.

    utc = "2026-331T12:00:00"            # on-board time, UTC with the day of the year
    mode = "NOMINAL"
    latitude_deg = 45.0
    local_time_h = 16.0                  # lunar hours: sunrise 6, noon 12
    battery_soc = 85.0                   # percent
    loads = ["instrument"]               # that are on
    [temperatures]                       # degC by zone; the others are the payload's
    battery = 12.0
    [parameters]                         # on-board parameters that are not at their defaults
    "modes.command_loss_s" = 3600

Everything may be left out.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..client.names import next_try
from ..dictionary.encode import ArgumentError, number_of
from ..dictionary.model import Dictionary, Number
from ..errors import PeriluneError
from ..telemetry.onboard_time import OnboardTime
from .moment import MomentError, on_board, read_absolute

_MODE = "modes.mode"
_SOC = "power.battery_soc"
_LOADS = "power.load_wanted"
_LOAD = "power.load"
_HOUR_ANGLE = "night.hour_angle_deg"
_LATITUDE = "night.latitude_deg"
# Of a zone: what is colder cannot be, what is hotter is no payload any more.
CELSIUS_LOW, CELSIUS_HIGH = -273.0, 1000.0


class StateError(PeriluneError):
    """A start state that cannot be taken."""

    exit_status = 2


class StartState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the head of this file. None, empty: as a board that has just started on the payload as it is built."""

    utc: str | None = None
    mode: str | None = None
    latitude_deg: float = 0.0
    local_time_h: float = 9.0
    battery_soc: float | None = None
    loads: tuple[str, ...] = ()
    temperatures: dict[str, float] = {}
    parameters: dict[str, Number] = {}
    source: str = "defaults"

    @property
    def moment(self) -> OnboardTime | None:
        """`utc` as the board counts it. Raises StateError."""
        if self.utc is None:
            return None
        try:
            return read_absolute(self.utc.removeprefix("A"))
        except MomentError as error:
            try:
                when = datetime.datetime.fromisoformat(self.utc)
                return on_board(when if when.tzinfo else when.replace(tzinfo=datetime.UTC))
            except MomentError as unsaid:
                raise StateError(f"start state: utc: {unsaid}") from unsaid
            except ValueError:
                raise StateError(f"start state: utc: {error}") from error


def read_state(path: Path, dictionary: Dictionary) -> StartState:
    """The state in a file, whose zones must be the payload's. Raises StateError."""
    try:
        state = msgspec.toml.decode(path.read_text(encoding="utf-8"), type=StartState)
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise StateError(f"cannot read {path}", expected="a TOML file", found=found) from error
    except msgspec.DecodeError as error:
        keys = ", ".join(name for name in StartState.__struct_fields__ if name != "source")
        raise StateError(f"{path} is no start state", expected=keys, found=str(error)) from error
    state = msgspec.structs.replace(state, source=str(path))
    zones = _zones()
    for zone, celsius in state.temperatures.items():
        if zones and zone not in zones:
            raise StateError(f"{path}: there is no zone {zone}", next_step=next_try(zone, zones))
        _check_range(state, f"temperatures.{zone}", celsius, CELSIUS_LOW, CELSIUS_HIGH)
    return checked(state, dictionary)


def _zones() -> list[str]:
    """Zones of the payload that a rehearsal flies; none where the plant is not installed, as `rehearse` will say."""
    try:
        from hil.plant.payload import load_payload  # noqa: PLC0415  # `hil` is an extra of an installation
    except ImportError:
        return []
    return [node.name for node in load_payload().node]


def checked(state: StartState, dictionary: Dictionary) -> StartState:
    """The same state if it can be taken. Raises StateError."""
    modes = [mode.name for mode in dictionary.modes]
    if state.mode is not None and state.mode not in modes:
        raise StateError(f"{state.source}: there is no mode {state.mode}", next_step=next_try(state.mode, modes))
    for name in state.parameters:
        point = dictionary.points.get(name)
        if point is None or not point.settable:
            known = [row.name for row in dictionary.points.values() if row.settable]
            raise StateError(f"{state.source}: there is no parameter {name}", next_step=next_try(name, known))
        try:
            number_of(name, state.parameters[name], point.type, point.low, point.high, point.enumeration)
        except ArgumentError as error:
            raise StateError(f"{state.source}: {error.summary}", expected=error.expected, found=error.found) from error
    known_loads = dictionary.enumerations.get(_LOAD)
    names = [] if known_loads is None else [name.lower() for name in known_loads.values]
    for load in state.loads:
        if load.lower() not in names:
            raise StateError(f"{state.source}: there is no load {load}", next_step=next_try(load, names))
    for what, value, low, high in (
        ("battery_soc", state.battery_soc, 0.0, 100.0),
        ("latitude_deg", state.latitude_deg, -90.0, 90.0),
        ("local_time_h", state.local_time_h, 0.0, 24.0),
    ):
        _check_range(state, what, value, low, high)
    _ = state.moment
    return state


def _check_range(state: StartState, what: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise StateError(f"{state.source}: {what}", expected=f"{low:g} to {high:g}", found=str(value))


def from_housekeeping(
    values: Mapping[str, Number], dictionary: Dictionary, utc: str | None, source: str, base: StartState | None = None
) -> StartState:
    """The state that a board's latest values tell (engineering, by name); what they do not is *base*'s."""
    found = StartState() if base is None else base
    changes: dict[str, object] = {"source": source}
    if utc is not None:
        changes["utc"] = utc
    if _MODE in values:
        names = {mode.number: mode.name for mode in dictionary.modes}
        changes["mode"] = names.get(int(values[_MODE]), "SAFE")
    if _SOC in values:
        changes["battery_soc"] = min(100.0, max(0.0, float(values[_SOC])))
    if _HOUR_ANGLE in values:
        changes["local_time_h"] = (12.0 + float(values[_HOUR_ANGLE]) / 15.0) % 24.0
    if _LATITUDE in values:
        changes["latitude_deg"] = float(values[_LATITUDE])
    temperatures = {
        name.removeprefix("thermal.").removesuffix("_c"): float(value)
        for name, value in values.items()
        if name.startswith("thermal.") and name.endswith("_c") and values.get(name[:-2] + "_valid", 1)
    }
    changes["temperatures"] = found.temperatures | temperatures
    loads = _loads(values, dictionary)
    if loads is not None:
        changes["loads"] = loads
    changes["parameters"] = found.parameters | {
        name: value for name, value in values.items() if name in dictionary.points and dictionary.points[name].settable
    }
    return msgspec.structs.replace(found, **changes)


def _loads(values: Mapping[str, Number], dictionary: Dictionary) -> tuple[str, ...] | None:
    enumeration = dictionary.enumerations.get(_LOAD)
    if _LOADS not in values or enumeration is None:
        return None
    bits = int(values[_LOADS])
    return tuple(name.lower() for name, number in enumeration.values.items() if bits >> number & 1)
