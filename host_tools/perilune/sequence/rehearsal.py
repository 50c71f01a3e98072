"""What a rehearsal predicts. Frozen data; times are seconds since the sequence was activated."""

from __future__ import annotations

import msgspec

from ..errors import PeriluneError
from .start_state import StartState


class RehearsalError(PeriluneError):
    """A rehearsal that could not begin."""


class StepRun(msgspec.Struct, frozen=True):
    """A step that ended. number: from 1; at_s: since the sequence was activated; outcome: "done", or why it failed."""

    number: int
    line: int
    text: str
    at_s: float
    utc: str
    outcome: str
    went_on: bool

    @property
    def ok(self) -> bool:
        return self.outcome == "done"


class RequestFailure(msgspec.Struct, frozen=True):
    """A request of the sequence, or of the board itself, that was refused or failed."""

    at_s: float
    request: str
    failure: str


class LimitTrip(msgspec.Struct, frozen=True):
    """A point outside its limits. state: yellow, red; worst: the farthest value, excess: by how much.

    until_s: None when it lasted to the end.
    """

    point: str
    state: str
    from_s: float
    until_s: float | None
    worst: float
    excess: float
    unit: str


class Temperature(msgspec.Struct, frozen=True):
    """A zone of the payload, degC: at the start, lowest, highest, at the end, and its allowed range."""

    zone: str
    start: float
    low: float
    high: float
    end: float
    allowed: tuple[float, float]


class Energy(msgspec.Struct, frozen=True):
    """Energies of the rehearsed time, W h, and state of charge in percent."""

    array: float
    feed: float
    battery_in: float
    battery_out: float
    heaters: float
    loads: float
    soc_start: float
    soc_low: float
    soc_end: float


class Happening(msgspec.Struct, frozen=True):
    """An event or a mode, since the sequence was activated."""

    at_s: float
    name: str
    severity: str
    text: str


class Rehearsal(msgspec.Struct, frozen=True):
    """What is predicted. verdict: everything that speaks against running it, in words; empty when nothing does."""

    sequence: str
    start: StartState
    start_utc: str
    duration_s: float
    completed: bool
    steps: tuple[StepRun, ...]
    energy: Energy
    temperatures: tuple[Temperature, ...]
    modes: tuple[Happening, ...]
    limit_trips: tuple[LimitTrip, ...]
    failures: tuple[RequestFailure, ...]
    events: tuple[Happening, ...]
    verdict: tuple[str, ...]
    wall_s: float
    record: str | None = None
