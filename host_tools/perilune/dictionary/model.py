"""The dictionary as the ground uses it: every name resolved, every field with its place, calibration, enumeration,
limits.

Frozen: it is made by load() from checked sources. Units of `low`, `high`, `default`: raw; of `yellow`, `red`:
engineering.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .types import RawType

Number = int | float


class Enumeration(msgspec.Struct, frozen=True):
    """Names of values."""

    name: str
    values: dict[str, int]
    text: str = ""

    def text_of(self, value: int) -> str | None:
        """The name of *value*, None when it has none."""
        for name, number in self.values.items():
            if number == value:
                return name
        return None


class Field(msgspec.Struct, frozen=True):
    """An argument of a command or a field of an event. `offset`: octets from the start of the fixed part."""

    name: str
    type: RawType
    offset: int
    low: Number
    high: Number
    unit: str = ""
    enumeration: Enumeration | None = None
    default: Number | None = None
    text: str = ""


class Group(msgspec.Struct, frozen=True):
    """Items behind the fixed arguments. `sets_parameters`: behind `fields` stands a value of that parameter's type."""

    name: str
    count_octets: int
    least: int
    most: int
    fields: tuple[Field, ...]
    item_octets: int  # 0: depends on the items
    sets_parameters: bool = False


class Command(msgspec.Struct, frozen=True):
    """A request. `function` is 0 unless it is a function of ST[08]; then its id stands before the arguments."""

    name: str
    text: str
    service: int
    subtype: int
    function: int
    args: tuple[Field, ...]
    group: Group | None
    octets: int
    hazardous: bool
    checked: bool
    is_open: bool
    modes: tuple[str, ...]
    subsystem: str

    @property
    def key(self) -> str:
        """How it is written in the standard's way: 17/1, or 8/1 function 0x0101."""
        request = f"{self.service}/{self.subtype}"
        return f"{request} function 0x{self.function:04X}" if self.function else request


class Point(msgspec.Struct, frozen=True):
    """An on-board parameter: telemetry point, or settable parameter. `index`: its place in the pool on board."""

    id: int
    index: int
    name: str
    text: str
    type: RawType
    unit: str
    low: Number
    high: Number
    settable: bool
    start: Number = 0
    persistent: bool = False
    coefficients: tuple[Number, ...] = ()
    enumeration: Enumeration | None = None
    yellow: tuple[Number, Number] | None = None
    red: tuple[Number, Number] | None = None

    def engineering(self, raw: Number) -> Number:
        """Calibrated value: the polynomial of `coefficients`, or the raw value where there are none."""
        if not self.coefficients:
            return raw
        value: Number = 0
        for coefficient in reversed(self.coefficients):
            value = value * raw + coefficient
        return value

    def shown(self, raw: Number) -> str:
        """For people: the enumeration's name, or the engineering value with its unit."""
        if self.enumeration is not None:
            name = self.enumeration.text_of(int(raw))
            return name if name is not None else f"{raw} (unknown)"
        value = self.engineering(raw)
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
        return f"{text} {self.unit}".rstrip()

    def state(self, raw: Number) -> str:
        """`red`, `yellow` or `ok`."""
        value = self.engineering(raw)
        for name, limits in (("red", self.red), ("yellow", self.yellow)):
            # NaN is in no range.
            if limits is not None and not limits[0] <= value <= limits[1]:
                return name
        return "ok"


class Housekeeping(msgspec.Struct, frozen=True):
    """A report structure: points with the bit at which each stands behind the SID."""

    sid: int
    name: str
    text: str
    period_ms: int
    enabled: bool
    on_change: bool
    fields: tuple[tuple[Point, int], ...]
    octets: int


class Event(msgspec.Struct, frozen=True):
    """An event. `severity`: 1 info, 2 low, 3 medium, 4 high."""

    id: int
    name: str
    severity: int
    text: str
    fields: tuple[Field, ...]
    octets: int

    def message(self, values: Mapping[str, object]) -> str:
        """The event's text with *values* of its fields, by name."""
        return self.text.format_map(values)


class Monitor(msgspec.Struct, frozen=True):
    """A check of a point. `a`, `b`: low and high, or mask and value."""

    id: int
    name: str
    point: Point
    check: str
    a: Number
    b: Number
    engineering: bool
    repetition: int
    period_ms: int
    event_low: Event | None
    event_high: Event | None
    valid: tuple[Point, int, int] | None
    enabled: bool
    text: str


class EventAction(msgspec.Struct, frozen=True):
    """A request that an event starts."""

    event: Event
    packet: bytes
    request: str
    enabled: bool


class Step(msgspec.Struct, frozen=True):
    """A step of a sequence: `packet`, or a wait until `point` stands in `relation` to `value`."""

    delay_ms: int
    packet: bytes = b""
    request: str = ""
    point: Point | None = None
    relation: str = ""
    value: Number = 0
    timeout_ms: int = 0
    go_on: bool = False


class Sequence(msgspec.Struct, frozen=True):
    """A sequence stored on board."""

    id: int
    name: str
    text: str
    abort_on_failure: bool
    steps: tuple[Step, ...]


class Mode(msgspec.Struct, frozen=True):
    """A mode, where it may go, the packets of its entry and exit, and the mode after a restart."""

    number: int
    name: str
    text: str
    next: tuple[int, ...]
    entry: tuple[bytes, ...]
    exit: tuple[bytes, ...]
    resume: int = 1  # SAFE


class App(msgspec.Struct, frozen=True):
    """An app: subsystem, module, class, and the modes in which its steps run."""

    subsystem: str
    module: str
    name: str
    modes: tuple[str, ...]


class Register(msgspec.Struct, frozen=True):
    """A register of a unit, or `count` of them in a row: SI value = raw * scale + offset. `low`, `high`: raw.

    `invalid`: raw values that are no readings.
    """

    space: str
    name: str
    address: int
    type: str
    count: int
    scale: float
    offset: float
    low: int
    high: int
    invalid: tuple[int, ...]


class UnitMap(msgspec.Struct, frozen=True):
    """A Modbus slave: its address on the bus and its registers."""

    name: str
    slave: int
    map_version: int
    reply_ms: int
    registers: tuple[Register, ...]


class Device(msgspec.Struct, frozen=True):
    """Who serves a role: module, class, and the map of the unit that it speaks to, or how its parts are wired."""

    role: str
    module: str
    name: str
    unit: UnitMap | None
    wiring: tuple[tuple[str, tuple[int | str, ...]], ...] = ()


class Dictionary(msgspec.Struct, frozen=True):
    """All of it. Look things up by name, or by what stands in a packet."""

    subsystems: dict[str, str]
    enumerations: dict[str, Enumeration]
    commands: dict[str, Command]
    points: dict[str, Point]
    housekeeping: dict[str, Housekeeping]
    events: dict[str, Event]
    monitors: dict[str, Monitor]
    event_actions: tuple[EventAction, ...]
    sequences: dict[str, Sequence]
    modes: tuple[Mode, ...]
    apps: tuple[App, ...]
    devices: tuple[Device, ...]
    content_hash: bytes

    def command(self, name: str) -> Command:
        """The command of that name. Raises KeyError."""
        return self.commands[name]

    def request(self, service: int, subtype: int, function: int = 0) -> Command | None:
        """The command with these numbers."""
        for command in self.commands.values():
            if (command.service, command.subtype, command.function) == (service, subtype, function):
                return command
        return None

    def point(self, identifier: int) -> Point | None:
        """The on-board parameter with that id."""
        for point in self.points.values():
            if point.id == identifier:
                return point
        return None

    def structure(self, sid: int) -> Housekeeping | None:
        """The housekeeping structure with that SID."""
        for structure in self.housekeeping.values():
            if structure.sid == sid:
                return structure
        return None

    def event(self, identifier: int) -> Event | None:
        """The event with that id."""
        for event in self.events.values():
            if event.id == identifier:
                return event
        return None

    @property
    def pool(self) -> list[Point]:
        """All on-board parameters in the order of their ids: their places on board."""
        return sorted(self.points.values(), key=lambda point: point.id)
