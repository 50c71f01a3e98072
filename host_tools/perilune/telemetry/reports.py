"""Reports of the board as types: what each packet of SPEC.md section 14 says, with names, engineering values and times.

    Report                    header: type, counts, on-board time; raw: the packet
    ├── VerificationReport    1/1 to 1/8      ├── MonitorDefinitionsReport   12/9
    ├── StructureReport       3/10            ├── OutOfLimitsReport          12/11
    ├── HousekeepingReport    3/25            ├── TransitionsReport          12/12
    ├── EventReport           5/1 to 5/4      ├── MonitorStatusReport        12/14
    ├── DisabledEventsReport  5/8             ├── PingReport                 17/2
    ├── TimeReport            9/2             ├── EventActionsReport         19/7, 19/11
    ├── ScheduleReport        11/10, 11/13    ├── ParameterReport            20/2
    └── Undecodable           all else        └── Sequence...Report          21/7, 21/10, 21/12, 21/14

All are frozen and know no dictionary: what they need of it is in them.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from .onboard_time import OnboardTime

Number = int | float


class LimitState(enum.StrEnum):
    """Where a value stands to its limits. NONE: it has none."""

    NONE = "none"
    OK = "ok"
    YELLOW = "yellow"
    RED = "red"


class Header(msgspec.Struct, frozen=True):
    """What stands in every report. `missing`: reports of this type, to this destination, lost since the one before."""

    apid: int
    service: int
    subtype: int
    sequence_count: int
    message_count: int
    destination: int
    time: OnboardTime
    missing: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True, tag_field="report"):
    """What all reports have."""

    header: Header
    raw: bytes

    @property
    def key(self) -> str:
        """Type in the standard's way: 3/25."""
        return f"{self.header.service}/{self.header.subtype}"


class Value(msgspec.Struct, frozen=True):
    """A value as it came and as people read it. `text`: name of an enumerated value, else None."""

    raw: Number
    engineering: Number
    unit: str = ""
    limit_state: LimitState = LimitState.NONE
    text: str | None = None

    @property
    def shown(self) -> str:
        """For people: the name, or the number with its unit."""
        if self.text is not None:
            return self.text
        number = f"{self.engineering:.6g}" if isinstance(self.engineering, float) else str(self.engineering)
        return f"{number} {self.unit}".rstrip()


class Failure(msgspec.Struct, frozen=True):
    """A failure notice. where: number of the argument or item at fault, None if nowhere; value: the offending one."""

    code: int
    name: str
    where: int | None = None
    value: Number | None = None

    @property
    def shown(self) -> str:
        """For people: name, place and value."""
        place = "" if self.where is None else f" at {self.where}"
        value = "" if self.value is None else f", value {self.value:g}"
        return f"{self.name}{place}{value}"


class Stage(enum.StrEnum):
    """Stages of a request's life."""

    ACCEPTANCE = "acceptance"
    START = "start"
    PROGRESS = "progress"
    COMPLETION = "completion"


class VerificationReport(Report, frozen=True, tag="verification"):
    """What became of a request at one stage. request_id: its first four octets (`Telecommand.request_id`)."""

    request_id: int
    stage: Stage
    success: bool
    step: int | None = None
    failure: Failure | None = None

    @property
    def sequence_count(self) -> int:
        """Of the request."""
        return self.request_id & 0x3FFF

    @property
    def is_final(self) -> bool:
        """Does nothing come after it?"""
        return self.stage is Stage.COMPLETION or (not self.success and self.stage is not Stage.PROGRESS)


class StructureReport(Report, frozen=True, tag="structure"):
    """A housekeeping structure as the board has it. parameters: ids and names in order, "" for an unknown one."""

    sid: int
    name: str
    enabled: bool
    on_change: bool
    period_ms: int
    parameters: tuple[tuple[int, str], ...]


class HousekeepingReport(Report, frozen=True, tag="housekeeping"):
    """Values of a structure, by name."""

    sid: int
    name: str
    values: dict[str, Value]


class EventReport(Report, frozen=True, tag="event"):
    """An event. severity: info, low, medium, high. held_back: reports of it suppressed since the last one."""

    id: int
    name: str
    severity: str
    text: str
    fields: dict[str, Value]
    held_back: int = 0


class DisabledEventsReport(Report, frozen=True, tag="disabled_events"):
    """Events that are switched off: ids and names."""

    events: tuple[tuple[int, str], ...]


class TimeReport(Report, frozen=True, tag="time"):
    """On-board time. period_s: of these reports, None while they are off."""

    time: OnboardTime
    period_s: int | None


class StoredRequest(msgspec.Struct, frozen=True):
    """A request that the board keeps. text: as an operator writes it; packet: only where the report holds it."""

    source: int
    apid: int
    sequence_count: int
    text: str = ""
    packet: bytes = b""


class ScheduleEntry(msgspec.Struct, frozen=True):
    """A scheduled request. held: its time passed while it could not be released."""

    release: OnboardTime
    held: bool
    request: StoredRequest


class ScheduleReport(Report, frozen=True, tag="schedule"):
    """Scheduled requests; a long schedule comes in several. detail: with the requests themselves."""

    detail: bool
    entries: tuple[ScheduleEntry, ...]


class MonitorDefinition(msgspec.Struct, frozen=True):
    """A check. a, b: low and high, or mask and value. valid: (point, mask, value) under which it runs."""

    id: int
    name: str
    point_id: int
    point: str
    check: str
    engineering: bool
    a: Number
    b: Number
    repetition: int
    period_ms: int
    event_low: str
    event_high: str
    enabled: bool
    status: str
    valid: tuple[str, int, int] | None = None


class MonitorDefinitionsReport(Report, frozen=True, tag="monitor_definitions"):
    """Checks as the board has them; many come in several reports. delay_ms: the longest until 12/12."""

    delay_ms: int
    definitions: tuple[MonitorDefinition, ...]


class OutOfLimits(msgspec.Struct, frozen=True):
    """A check that fails now."""

    id: int
    name: str
    point: str
    check: str
    status: str
    value: Number


class OutOfLimitsReport(Report, frozen=True, tag="out_of_limits"):
    """All checks that fail now."""

    items: tuple[OutOfLimits, ...]


class Transition(msgspec.Struct, frozen=True):
    """A check that changed its status. limit: that was crossed, or the value that was expected."""

    id: int
    name: str
    point: str
    check: str
    value: Number
    limit: Number
    before: str
    after: str
    time: OnboardTime


class TransitionsReport(Report, frozen=True, tag="transitions"):
    """Status changes of checks since the last such report."""

    transitions: tuple[Transition, ...]


class MonitorStatus(msgspec.Struct, frozen=True):
    """Status of a check."""

    id: int
    name: str
    enabled: bool
    status: str


class MonitorStatusReport(Report, frozen=True, tag="monitor_status"):
    """Status of all checks."""

    monitors: tuple[MonitorStatus, ...]


class PingReport(Report, frozen=True, tag="ping"):
    """The board is alive."""


class EventActionEntry(msgspec.Struct, frozen=True):
    """An event-action; request only in definitions."""

    event_id: int
    event: str
    enabled: bool
    request: StoredRequest | None = None


class EventActionsReport(Report, frozen=True, tag="event_actions"):
    """Event-actions: their status, or with definition their requests too."""

    definition: bool
    actions: tuple[EventActionEntry, ...]


class ParameterReport(Report, frozen=True, tag="parameters"):
    """Values of on-board parameters, by name."""

    values: dict[str, Value]


class SequenceStatus(msgspec.Struct, frozen=True):
    """State of a sequence on board: loading, loaded, executed (then step is the one under way, from 0)."""

    id: int
    name: str
    state: str
    step: int


class SequenceStatusReport(Report, frozen=True, tag="sequence_status"):
    """All sequences on board."""

    sequences: tuple[SequenceStatus, ...]


class SequenceChecksumReport(Report, frozen=True, tag="sequence_checksum"):
    """Length and CRC-16 of a sequence's octets."""

    id: int
    name: str
    length: int
    crc: int


class SequenceContentReport(Report, frozen=True, tag="sequence_content"):
    """Octets of a sequence from offset on; a long one comes in several reports."""

    id: int
    name: str
    steps: int
    offset: int
    octets: bytes


class SequenceAbortReport(Report, frozen=True, tag="sequence_abort"):
    """Sequences that were aborted: ids and names."""

    sequences: tuple[tuple[int, str], ...]


class Undecodable(msgspec.Struct, frozen=True, kw_only=True, tag_field="report", tag="undecodable"):
    """A packet that says nothing to this dictionary. reason: a word; detail: for people; header where it was good."""

    reason: str
    detail: str
    raw: bytes
    header: Header | None = None


def as_data(report: Report | Undecodable) -> dict[str, Any]:
    """The report as plain data for JSON: its times also as UTC, octets as hex."""
    data = _plain(report)
    assert isinstance(data, dict)
    return data


def _plain(value: object) -> object:
    if isinstance(value, OnboardTime):
        return {
            "utc": value.iso if value.is_set else None,
            "onboard": value.onboard,
            "seconds": value.seconds,
            "fraction": value.fraction,
            "status": value.status,
        }
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        plain: dict[str, object] = {"report": tag} if tag else {}
        for field in sorted(value.__struct_fields__, key=lambda name: name != "header"):
            plain[field] = _plain(getattr(value, field))
        return plain
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value
