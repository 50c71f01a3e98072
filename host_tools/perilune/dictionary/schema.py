"""The TOML files of the dictionary: every table and key there is. Nothing here looks at more than one entry.

One file is one subsystem. Names are lower case with digits and underscores; outside their file they are written
`subsystem.name`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\Z")]
Reference = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*\Z")]
ModeName = Annotated[str, Meta(pattern=r"^(BOOT|SAFE|STANDBY|NOMINAL|SCIENCE|SURVIVAL)\Z")]
ValueName = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]*\Z")]
Id16 = Annotated[int, Meta(ge=1, le=0xFFFF)]
Octet = Annotated[int, Meta(ge=1, le=255)]
Number = int | float
Limit = tuple[Number, Number]
Scalar = int | float | str | bool


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Base of all entries."""


class Subsystem(Entry, frozen=True):
    """[subsystem]: `app` is `module:Class` of its app, `modes` those in which the app's steps run (default: all)."""

    name: Name
    title: str
    app: Annotated[str, Meta(pattern=r"^[a-z_][\w.]*:[A-Z]\w*\Z")] | None = None
    modes: list[ModeName] | None = None


class Enumeration(Entry, frozen=True):
    """[[enumeration]]: names of the values of a field."""

    name: Name
    values: dict[ValueName, int]
    text: str = ""


class Field(Entry, frozen=True):
    """An argument of a command or a field of an event. `min`, `max` are in raw units."""

    name: Name
    type: str
    unit: str = ""
    min: Number | None = None
    max: Number | None = None
    enumeration: Reference | None = None
    default: Scalar | None = None
    text: str = ""


class Group(Entry, frozen=True):
    """What repeats behind the fixed arguments: `count` is the type of the number of items."""

    name: Name
    count: str = "u8"
    least: Annotated[int, Meta(ge=0, le=255)] = 1
    most: Annotated[int, Meta(ge=1, le=255)] = 32
    fields: list[Field] = []


class Command(Entry, frozen=True):
    """[[command]]: a request of a service (`service`, `subtype`), or a function of ST[08] (`function`)."""

    name: Name
    text: str
    service: Octet | None = None
    subtype: Octet | None = None
    function: Id16 | None = None
    args: list[Field] = []
    group: Group | None = None
    hazardous: bool = False
    checked: bool = False
    modes: list[ModeName] | None = None


class Point(Entry, frozen=True):
    """[[point]]: telemetry. `red`, `yellow`: the good range, `min`, `max`: what it can be; engineering units."""

    id: Id16
    name: Name
    type: str
    text: str
    unit: str = ""
    min: Number | None = None
    max: Number | None = None
    calibration: Annotated[list[Number], Meta(min_length=1, max_length=6)] | None = None
    enumeration: Reference | None = None
    yellow: Limit | None = None
    red: Limit | None = None


class Parameter(Entry, frozen=True):
    """[[parameter]]: settable with ST[20]. `min`, `max`, `default` are in raw units."""

    id: Id16
    name: Name
    type: str
    text: str
    default: Scalar
    unit: str = ""
    min: Number | None = None
    max: Number | None = None
    enumeration: Reference | None = None
    persistent: bool = False


class Housekeeping(Entry, frozen=True):
    """[[housekeeping]]: a report of points and parameters. `on_change`: sent only when something changed."""

    sid: Id16
    name: Name
    period_ms: Annotated[int, Meta(ge=100, le=3_600_000, multiple_of=100)]
    fields: Annotated[list[Reference], Meta(min_length=1)]
    text: str = ""
    enabled: bool = True
    on_change: bool = False


class Event(Entry, frozen=True):
    """[[event]]: `text` names the fields in braces."""

    id: Id16
    name: Name
    severity: Annotated[str, Meta(pattern=r"^(info|low|medium|high)\Z")]
    text: str
    fields: Annotated[list[Field], Meta(max_length=4)] = []


class Request(Entry, frozen=True):
    """A command with its arguments, by name; items: of its group."""

    command: Reference
    args: dict[str, Scalar] = {}
    items: list[dict[str, Scalar]] = []


class Validity(Entry, frozen=True):
    """A monitor's condition: the check runs only while point & mask == value."""

    point: Reference
    value: int
    mask: int = 0x3FFF_FFFF


class Monitor(Entry, frozen=True):
    """[[monitor]]: a check of a point (ST[12]): limit and delta have `low`, `high`, expected has `mask`, `value`."""

    id: Id16
    name: Name
    point: Reference
    check: Annotated[str, Meta(pattern=r"^(limit|expected|delta)\Z")]
    low: Number | None = None
    high: Number | None = None
    mask: int = 0x3FFF_FFFF
    value: int | None = None
    engineering: bool = False
    repetition: Annotated[int, Meta(ge=1, le=255)] = 1
    period_ms: Annotated[int, Meta(ge=100, le=3_600_000, multiple_of=100)] = 1000
    event_low: Reference | None = None
    event_high: Reference | None = None
    valid: Validity | None = None
    enabled: bool = True
    text: str = ""


class EventAction(Entry, frozen=True):
    """[[event_action]]: a request that an event starts (ST[19])."""

    event: Reference
    request: Request
    enabled: bool = True
    text: str = ""


class Step(Entry, frozen=True):
    """A step of a sequence: a request, or a wait for a condition on a point."""

    delay_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    request: Request | None = None
    wait: Reference | None = None
    relation: Annotated[str, Meta(pattern=r"^(equal|not_equal|below|above)\Z")] = "equal"
    value: Scalar | None = None
    timeout_ms: Annotated[int, Meta(ge=10, le=86_400_000)] = 10_000
    go_on: bool = False


class Sequence(Entry, frozen=True):
    """[[sequence]]: stored on board (ST[21])."""

    id: Id16
    name: Name
    steps: Annotated[list[Step], Meta(min_length=1, max_length=64)]
    abort_on_failure: bool = True
    text: str = ""


class Mode(Entry, frozen=True):
    """[[mode]]: the modes it may go to, the mode after a restart, and the requests on the way in and out.

    Without `next` it adds its requests to a mode that another file defines.
    """

    name: ModeName
    next: list[ModeName] | None = None
    resume: ModeName = "SAFE"
    text: str = ""
    entry: list[Request] = []
    exit: list[Request] = []


class Device(Entry, frozen=True):
    """[[device]]: who serves a role (flight/device): `driver` is `module:Class`.

    `unit`: the register map it speaks, units/<unit>.toml in one of the dictionary's folders; or `wiring`: addresses and
    pins of the board's own parts.
    """

    role: Annotated[str, Meta(pattern=r"^(power|thermal)\Z")]
    driver: Annotated[str, Meta(pattern=r"^[a-z_][\w.]*:[A-Z]\w*\Z")]
    unit: Name | None = None
    wiring: dict[Name, int | str | list[int | str]] = {}
    text: str = ""


ENTRIES: dict[str, type[Entry]] = {
    "enumeration": Enumeration,
    "command": Command,
    "point": Point,
    "parameter": Parameter,
    "housekeeping": Housekeeping,
    "event": Event,
    "monitor": Monitor,
    "event_action": EventAction,
    "sequence": Sequence,
    "mode": Mode,
    "device": Device,
}
