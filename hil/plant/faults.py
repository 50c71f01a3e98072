"""Faults of the plant: what can go wrong, by name, with parameters, at once or at a time.

Lives here: the catalogue, the list of injected faults and the effects that the plant reads from it.
Does not live here: what an effect does (sensors.py, power.py, battery.py, line.py).

    plant.faults.inject("sensor_open", sensor="battery.1")                   now
    plant.faults.inject("heater_stuck_on", at_s=3600.0, heater="battery")    at a plant time
    plant.faults.inject("reply_late", duration_s=60.0, unit="power_unit", delay_s=0.4)
    plant.faults.clear(number) / .clear("sensor_open") / .clear()            one, all of a name, all
    plant.faults.listing()                                                   what is injected, with states

Faults begin and end at the plant's steps. Everything random comes from the plant's seed.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

Value = float | int | str

UNITS = ("power_unit", "thermal_unit")
CORRUPTIONS = ("bits", "truncate", "garbage", "extend")
CELL_KINDS = ("short", "open")
# MODBUS over Serial Line V1.02, 2.2.
LAST_SLAVE = 247


class FaultError(ValueError):
    """A fault that the catalogue does not have: names what was expected and what was found."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: `kind` says what it may be; a default of None means that it has to be given."""

    kind: str
    default: Value | None
    description: str


@dataclass(frozen=True)
class FaultType:
    """An entry of the catalogue."""

    name: str
    description: str
    parameters: dict[str, Parameter]


_SENSOR = Parameter(
    "sensor", None, "zone.number of the thermal unit, or pack.number of the power unit's battery thermistors"
)
_HEATER = Parameter("heater", None, "zone of the heater")
_LOAD = Parameter("load", None, "name of the load")
_UNIT = Parameter("unit", None, "power_unit or thermal_unit")
_SHARE = Parameter("share", 1.0, "share of the replies that are hit, 0 to 1")
_NAN = float("nan")

CATALOGUE: dict[str, FaultType] = {
    entry.name: entry
    for entry in (
        FaultType(
            "sensor_stuck",
            "The reading no longer moves.",
            {"sensor": _SENSOR, "value_c": Parameter("number", _NAN, "reading in degC; without it the last one")},
        ),
        FaultType("sensor_open", "Broken wire: the channel reads its code for open.", {"sensor": _SENSOR}),
        FaultType("sensor_short", "Shorted wire: the channel reads its code for short.", {"sensor": _SENSOR}),
        FaultType(
            "sensor_drift",
            "The reading walks away.",
            {
                "sensor": _SENSOR,
                "rate_k_per_h": Parameter("number", 2.0, "kelvins per hour from the start of the fault"),
            },
        ),
        FaultType(
            "sensor_noise",
            "The reading is noisy.",
            {"sensor": _SENSOR, "sigma_k": Parameter("positive", 5.0, "standard deviation in kelvins")},
        ),
        FaultType(
            "heater_stuck_on",
            "The modulating switch failed closed: full current while armed and supplied.",
            {"heater": _HEATER, "arm_stuck": Parameter("share", 0.0, "1: the arm switch failed closed as well")},
        ),
        FaultType("heater_stuck_off", "The output or the heater is open: no current.", {"heater": _HEATER}),
        FaultType(
            "heater_degraded",
            "Part of the heater is gone.",
            {"heater": _HEATER, "share_left": Parameter("share", 0.5, "share of the power that is left")},
        ),
        FaultType(
            "battery_cell_lost",
            "short: groups of cells lose their voltage; open: cells of one group lose their charge.",
            {
                "kind": Parameter("cell", "short", "short or open"),
                "count": Parameter("count", 1, "how many groups or cells"),
            },
        ),
        FaultType("feed_lost", "The lander's feed is gone.", {}),
        FaultType(
            "array_degraded",
            "The array gives less.",
            {"share_left": Parameter("share", 0.5, "share of the power that is left")},
        ),
        FaultType("load_stuck_on", "The switch failed closed; its trip does not open it.", {"load": _LOAD}),
        FaultType("load_stuck_off", "The switch failed open.", {"load": _LOAD}),
        FaultType(
            "load_overcurrent",
            "The load draws more while it is on.",
            {"load": _LOAD, "extra_a": Parameter("positive", 2.0, "additional current in A")},
        ),
        FaultType("slave_silent", "The unit does not answer and does not listen.", {"unit": _UNIT}),
        FaultType(
            "reply_late",
            "The reply comes late; it may arrive into the next request.",
            {"unit": _UNIT, "delay_s": Parameter("positive", 0.5, "delay in seconds of the bus"), "share": _SHARE},
        ),
        FaultType(
            "reply_corrupted",
            "The bytes of the reply are wrong.",
            {
                "unit": _UNIT,
                "how": Parameter("corruption", "bits", "bits, truncate, garbage or extend"),
                "share": _SHARE,
            },
        ),
        FaultType(
            "reply_wrong_slave",
            "The reply carries another slave's address, with a CRC that fits.",
            {"unit": _UNIT, "as_slave": Parameter("count", 0x55, "the address that it carries"), "share": _SHARE},
        ),
    )
}


@dataclass
class Fault:
    """An injected fault. Times are plant times in s; `held` is what a stuck sensor holds."""

    number: int
    name: str
    parameters: dict[str, Value]
    at_s: float
    until_s: float | None
    active: bool = False
    held: float | None = None


@dataclass
class LinkFault:
    """What happens to a unit's replies."""

    name: str
    share: float = 1.0
    delay_s: float = 0.0
    how: str = ""
    as_slave: int = 0


@dataclass
class Effects:
    """What the active faults amount to, for the parts of the plant to read."""

    sensors: dict[str, list[Fault]] = field(default_factory=dict)
    heater_on: set[str] = field(default_factory=set)
    heater_armed: set[str] = field(default_factory=set)
    heater_share: dict[str, float] = field(default_factory=dict)
    lost_series: int = 0
    lost_parallel: int = 0
    feed_lost: bool = False
    array_share: float = 1.0
    load_on: set[str] = field(default_factory=set)
    load_off: set[str] = field(default_factory=set)
    load_extra: dict[str, float] = field(default_factory=dict)
    links: dict[str, list[LinkFault]] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """What this plant calls its parts."""

    sensors: tuple[str, ...]
    heaters: tuple[str, ...]
    loads: tuple[str, ...]
    cells_in_series: int
    cells_in_parallel: int


class Faults:
    """The faults of one plant. `changes` counts every beginning and end, so that readers know when to look again."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._faults: list[Fault] = []
        self._next_number = 1
        self._now_s = 0.0
        self._next_change_s = math.inf
        self.effects = Effects()
        self.changes = 0

    def inject(self, name: str, at_s: float | None = None, duration_s: float | None = None, **parameters: Value) -> int:
        """Inject a fault now or at a plant time, for ever or for a time; returns its number.

        Raises FaultError when the name, a parameter or a value is not in the catalogue.
        """
        if name not in CATALOGUE:
            raise FaultError(f"fault: expected one of {', '.join(CATALOGUE)}, found {name!r}")
        values = {key: self._checked(name, key, parameters) for key in CATALOGUE[name].parameters}
        if unknown := set(parameters) - set(values):
            raise FaultError(
                f"{name}: expected parameters {', '.join(values) or 'none'}, found {', '.join(sorted(unknown))}"
            )
        if duration_s is not None and not duration_s > 0.0:
            raise FaultError(f"{name}: expected duration_s above 0, found {duration_s}")
        start = self._now_s if at_s is None else at_s
        until = None if duration_s is None else start + duration_s
        fault = Fault(self._next_number, name, values, start, until)
        self._next_number += 1
        self._faults.append(fault)
        self._next_change_s = -math.inf
        if start <= self._now_s:
            self.update(self._now_s)
        return fault.number

    def clear(self, which: int | str | None = None) -> int:
        """Take faults back, by number, by name or all; returns how many were taken back."""
        left = [f for f in self._faults if which is not None and which not in (f.number, f.name)]
        taken = len(self._faults) - len(left)
        self._faults = left
        if taken:
            self._rebuild()
        return taken

    def listing(self) -> list[dict[str, object]]:
        """What is injected: number, name, parameters, times and whether it is active."""
        return [asdict(fault) for fault in self._faults]

    def update(self, now_s: float) -> bool:
        """Begin and end what is due at a plant time; True when the effects changed."""
        self._now_s = now_s
        if now_s < self._next_change_s:
            return False
        changed = False
        for fault in list(self._faults):
            over = fault.until_s is not None and fault.until_s <= now_s
            if over:
                self._faults.remove(fault)
                changed = changed or fault.active
            elif not fault.active and fault.at_s <= now_s:
                fault.active = changed = True
        times = [f.at_s for f in self._faults if not f.active] + [
            f.until_s for f in self._faults if f.until_s is not None
        ]
        self._next_change_s = min(times, default=math.inf)
        if changed:
            self._rebuild()
        return changed

    def save(self) -> dict[str, object]:
        """State for JSON; a NaN parameter is written as null."""
        faults = self.listing()
        for fault in faults:
            parameters = fault["parameters"]
            assert isinstance(parameters, dict)
            fault["parameters"] = {
                k: None if isinstance(v, float) and math.isnan(v) else v for k, v in parameters.items()
            }
        return {"faults": faults, "next_number": self._next_number, "now_s": self._now_s}

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save`."""
        stored = state["faults"]
        if not isinstance(stored, list):
            raise FaultError(f"faults: expected a list, found {type(stored).__name__}; save again")
        self._faults = [Fault(**entry) for entry in stored]
        for fault in self._faults:
            fault.parameters = {k: _NAN if v is None else v for k, v in fault.parameters.items()}
        self._next_number = int(str(state["next_number"]))
        self._now_s = float(str(state["now_s"]))
        self._next_change_s = -math.inf
        self._rebuild()

    def _checked(self, name: str, key: str, given: dict[str, Value]) -> Value:
        parameter = CATALOGUE[name].parameters[key]
        value = given.get(key, parameter.default)
        if value is None:
            raise FaultError(f"{name}: expected parameter {key} ({parameter.description}), found none")
        choices = {
            "sensor": self._names.sensors,
            "heater": self._names.heaters,
            "load": self._names.loads,
            "unit": UNITS,
            "cell": CELL_KINDS,
            "corruption": CORRUPTIONS,
        }.get(parameter.kind)
        if choices is not None:
            if value not in choices:
                raise FaultError(f"{name}: expected {key} out of {', '.join(choices)}, found {value!r}")
            return value
        try:
            number = float(value)
        except ValueError:
            raise FaultError(f"{name}: expected a number for {key}, found {value!r}") from None
        if parameter.kind == "count":
            short = given.get("kind", "short") == "short"
            cells = self._names.cells_in_series if short else self._names.cells_in_parallel
            most = LAST_SLAVE if key == "as_slave" else cells - 1
            if number != int(number) or not 1 <= number <= most:
                raise FaultError(f"{name}: expected {key} as a whole number from 1 to {most}, found {value}")
            return int(number)
        if parameter.kind == "share" and not 0.0 <= number <= 1.0:
            raise FaultError(f"{name}: expected {key} from 0 to 1, found {value}")
        if parameter.kind == "positive" and not 0.0 < number < math.inf:
            raise FaultError(f"{name}: expected {key} above 0, found {value}")
        return number

    def _rebuild(self) -> None:
        effects = Effects()
        for fault in self._faults:
            if fault.active:
                _add_effect(effects, fault)
        self.effects = effects
        self.changes += 1


def parse_fault(text: str) -> tuple[str, float | None, float | None, dict[str, Value]]:
    """Read `name:key=value,key=value@start+duration` as typed on a command line: name, start, duration, parameters.

    Raises FaultError when the text has no such form; the catalogue is asked by `inject`.
    """
    body, _, times = text.partition("@")
    name, _, pairs = body.partition(":")
    parameters: dict[str, Value] = {}
    for pair in filter(None, pairs.split(",")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise FaultError(f"fault {text!r}: expected key=value, found {pair!r}")
        parameters[key.strip()] = value.strip()
    start_text, _, duration_text = times.partition("+")
    try:
        start = float(start_text) if start_text else None
        duration = float(duration_text) if duration_text else None
    except ValueError:
        raise FaultError(f"fault {text!r}: expected seconds after @, found {times!r}") from None
    return name.strip(), start, duration, parameters


def _add_effect(effects: Effects, fault: Fault) -> None:
    p = fault.parameters
    match fault.name:
        case "sensor_stuck" | "sensor_open" | "sensor_short" | "sensor_drift" | "sensor_noise":
            effects.sensors.setdefault(str(p["sensor"]), []).append(fault)
        case "heater_stuck_on":
            effects.heater_on.add(str(p["heater"]))
            if float(p["arm_stuck"]) >= 0.5:
                effects.heater_armed.add(str(p["heater"]))
        case "heater_stuck_off":
            effects.heater_share[str(p["heater"])] = 0.0
        case "heater_degraded":
            heater = str(p["heater"])
            effects.heater_share[heater] = effects.heater_share.get(heater, 1.0) * float(p["share_left"])
        case "battery_cell_lost":
            if p["kind"] == "short":
                effects.lost_series += int(p["count"])
            else:
                effects.lost_parallel += int(p["count"])
        case "feed_lost":
            effects.feed_lost = True
        case "array_degraded":
            effects.array_share *= float(p["share_left"])
        case "load_stuck_on":
            effects.load_on.add(str(p["load"]))
        case "load_stuck_off":
            effects.load_off.add(str(p["load"]))
        case "load_overcurrent":
            load = str(p["load"])
            effects.load_extra[load] = effects.load_extra.get(load, 0.0) + float(p["extra_a"])
        case _:
            link = LinkFault(
                fault.name,
                float(p.get("share", 1.0)),
                float(p.get("delay_s", 0.0)),
                str(p.get("how", "")),
                int(p.get("as_slave", 0)),
            )
            effects.links.setdefault(str(p["unit"]), []).append(link)
