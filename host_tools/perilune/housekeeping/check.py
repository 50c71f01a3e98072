"""Is housekeeping as it should be? Reports in, findings out; no clock, no port.

    checker = Checker(dictionary, expectation)
    checker.add(report, arrived_s)            for every report, with the time of its arrival
    verdict = checker.verdict(start_s, end_s)
    verdict.passed

What is checked: every enabled structure comes, at its period in on-board time; nothing is missing by the counters of
the reports; on-board time goes on; no value is out of its red limits (yellow is told and does not fail, unless
`strict`); what is expected holds; nothing comes that cannot be read.
"""

from __future__ import annotations

import enum

import msgspec

from ..dictionary.model import Dictionary, Housekeeping
from ..telemetry.onboard_time import iso_of_unix
from ..telemetry.reports import (
    EventReport,
    HousekeepingReport,
    LimitState,
    Report,
    StructureReport,
    Undecodable,
    Value,
)
from .expectation import Expectation, ValueExpectation

# A period may be off by so much of itself: the executive's cycle, and a structure that waits for the frame before it.
TOLERANCE = 0.5
_MILLISECONDS = 1000
NOTHING_EXPECTED = Expectation()


class Kind(enum.StrEnum):
    """What can be wrong."""

    ABSENT = "absent"
    LATE = "late"
    GAP = "gap"
    STALE = "stale"
    UNDECODABLE = "undecodable"
    RED = "red limit"
    YELLOW = "yellow limit"
    VALUE = "value"
    EVENT = "event"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong, however often. at_s: when it was first so, in seconds from the start of the check."""

    kind: Kind
    subject: str
    detail: str
    times: int
    at_s: float
    fails: bool = True


class StructureSummary(msgspec.Struct, frozen=True):
    """One structure. expected: reports that should have come, None when it has no period. longest_s: between two.

    note: why it was not checked, or what is missing at an edge and may be; checked: False when it could not be.
    """

    name: str
    received: int
    expected: int | None
    longest_s: float
    age_s: float | None
    note: str = ""
    checked: bool = True


class Verdict(msgspec.Struct, frozen=True):
    """What the check came to. begin, end: receive time (UTC); begin_onboard, end_onboard: first and last report."""

    duration_s: float
    structures: list[StructureSummary]
    findings: list[Finding]
    events: dict[str, int]
    begin: str = ""
    end: str = ""
    begin_onboard: str = ""
    end_onboard: str = ""

    @property
    def passed(self) -> bool:
        """Nothing that fails was found."""
        return not any(finding.fails for finding in self.findings)


class _Structure:
    """What is known of one structure. period_ms: 0 when it comes on change only, or not at all."""

    def __init__(self, name: str, period_ms: int) -> None:
        self.name = name
        self.period_ms = period_ms
        self.received = 0
        self.first_s = 0.0
        self.arrived_s = 0.0
        self.onboard_s = 0.0
        self.longest_s = 0.0


class _Watched:
    """A value that is expected."""

    def __init__(self, row: ValueExpectation) -> None:
        self.row = row
        self.seen = 0
        self.good = 0
        self.bad: tuple[float, Value] | None = None  # the first one
        self.last: tuple[float, Value] | None = None


class Checker:
    """Collects findings. strict: yellow limits fail too."""

    def __init__(
        self,
        dictionary: Dictionary,
        expectation: Expectation = NOTHING_EXPECTED,
        *,
        strict: bool = False,
    ) -> None:
        self._structures = {row.sid: _Structure(row.name, _period(row)) for row in dictionary.housekeeping.values()}
        self._expectation = expectation
        self._watched: dict[str, list[_Watched]] = {}
        for row in expectation.value:
            self._watched.setdefault(row.point, []).append(_Watched(row))
        self._strict = strict
        self._events: dict[str, int] = {}
        self._findings: dict[tuple[Kind, str], Finding] = {}
        self._onboard: list[str] = []  # of the first report and of the latest

    def add(self, report: Report | Undecodable, arrived_s: float) -> None:
        """A report that arrived at a time (any clock that goes evenly)."""
        header = report.header
        if header is not None:
            self._onboard = [*self._onboard[:1], header.time.shown]
        if header is not None and header.missing:
            key = f"{header.service}/{header.subtype}"
            self._find(Kind.GAP, key, f"{header.missing} missing by the counter of reports", arrived_s, header.missing)
        if isinstance(report, Undecodable):
            self._find(Kind.UNDECODABLE, report.reason, report.detail, arrived_s)
        elif isinstance(report, HousekeepingReport):
            self._housekeeping(report, arrived_s)
        elif isinstance(report, EventReport):
            self._events[report.name] = self._events.get(report.name, 0) + 1 + report.held_back
        elif isinstance(report, StructureReport):
            structure = self._structures.setdefault(report.sid, _Structure(report.name or f"structure_{report.sid}", 0))
            structure.period_ms = report.period_ms if report.enabled and not report.on_change else 0

    def _housekeeping(self, report: HousekeepingReport, arrived_s: float) -> None:
        structure = self._structures.setdefault(report.sid, _Structure(report.name, 0))
        onboard_s = report.header.time.seconds + report.header.time.fraction / 65536
        if structure.received:
            since_s = onboard_s - structure.onboard_s
            period_s = structure.period_ms / _MILLISECONDS
            structure.longest_s = max(structure.longest_s, since_s)
            if since_s <= 0 and structure.period_ms:
                self._find(Kind.STALE, structure.name, f"on-board time went on by {since_s:.3f} s", arrived_s)
            elif period_s and since_s > period_s * (1 + TOLERANCE):
                detail = f"{since_s:.2f} s between two reports, expected {period_s:g} s"
                self._find(Kind.LATE, structure.name, detail, arrived_s)
        else:
            structure.first_s = arrived_s
        structure.received += 1
        structure.arrived_s, structure.onboard_s = arrived_s, onboard_s
        for name, value in report.values.items():
            self._value(name, value, arrived_s)

    def _value(self, name: str, value: Value, arrived_s: float) -> None:
        if value.limit_state is LimitState.RED:
            self._find(Kind.RED, name, f"is {value.shown}", arrived_s)
        elif value.limit_state is LimitState.YELLOW:
            self._find(Kind.YELLOW, name, f"is {value.shown}", arrived_s, fails=self._strict)
        for watched in self._watched.get(name, ()):
            watched.seen += 1
            watched.last = (arrived_s, value)
            if watched.row.holds(value):
                watched.good += 1
            elif watched.bad is None:
                watched.bad = (arrived_s, value)

    def _find(self, kind: Kind, subject: str, detail: str, at_s: float, times: int = 1, *, fails: bool = True) -> None:
        before = self._findings.get((kind, subject))
        if before is not None:
            self._findings[kind, subject] = msgspec.structs.replace(before, times=before.times + times)
        else:
            self._findings[kind, subject] = Finding(kind, subject, detail, times, at_s, fails)

    # --- the end ------------------------------------------------------------------------------------------------------

    def verdict(self, start_s: float, end_s: float, began_unix_s: float | None = None) -> Verdict:
        """What was found between two times of the clock that `add` was told. Findings are in order of time.

        began_unix_s: the first of them, POSIX.
        """
        findings = list(self._findings.values())
        summaries = []
        for structure in self._structures.values():
            summary, found = _summary(structure, start_s, end_s)
            summaries.append(summary)
            findings += found
        findings += [
            finding
            for rows in self._watched.values()
            for watched in rows
            if (finding := _judge(watched, end_s)) is not None
        ]
        findings += self._judge_events(end_s)
        findings = [msgspec.structs.replace(row, at_s=max(0.0, row.at_s - start_s)) for row in findings]
        findings.sort(key=lambda row: (not row.fails, row.at_s))
        begin = "" if began_unix_s is None else iso_of_unix(began_unix_s)
        end = "" if began_unix_s is None else iso_of_unix(began_unix_s + end_s - start_s)
        onboard = self._onboard or ["", ""]
        return Verdict(end_s - start_s, summaries, findings, dict(self._events), begin, end, onboard[0], onboard[-1])

    def _judge_events(self, end_s: float) -> list[Finding]:
        found = []
        for row in self._expectation.event:
            times = self._events.get(row.event, 0)
            if times < row.at_least or (row.at_most is not None and times > row.at_most):
                found.append(Finding(Kind.EVENT, row.event, f"came {times} times, expected {row.shown}", 1, end_s))
        return found


def _summary(structure: _Structure, start_s: float, end_s: float) -> tuple[StructureSummary, list[Finding]]:
    """A structure at the end, and what is wrong with how it came.

    A report may be missing at each edge: the period's beginning is the board's, and a report waits for its frame.
    """
    name, received = structure.name, structure.received
    period_s = structure.period_ms / _MILLISECONDS
    duration_s = end_s - start_s
    age_s = end_s - structure.arrived_s if received else None
    found: list[Finding] = []
    notes = []
    expected = int(duration_s / period_s) if period_s else None
    if period_s > duration_s:
        if not received:
            notes.append(f"not checked, period {period_s:g} s is longer than {duration_s:.0f} s")
    elif period_s and not received:
        found.append(Finding(Kind.ABSENT, name, f"did not come, expected every {period_s:g} s", 1, end_s))
    elif period_s:
        most_s = period_s * (1 + TOLERANCE) + 1.0
        first_s, last_s = structure.first_s - start_s, end_s - structure.arrived_s
        if first_s > most_s:
            detail = f"came first after {first_s:.1f} s, expected every {period_s:g} s"
            found.append(Finding(Kind.LATE, name, detail, 1, structure.first_s))
        if last_s > most_s:
            detail = f"stopped coming {last_s:.1f} s ago, expected every {period_s:g} s"
            found.append(Finding(Kind.LATE, name, detail, 1, end_s))
        edges = [edge for edge, at_s in (("start", first_s), ("end", last_s)) if period_s < at_s <= most_s]
        if edges and expected is not None and received < expected:
            notes.append(f"one missing at the {' and one at the '.join(edges)}")
    is_checked = not (period_s > duration_s and not received)
    return StructureSummary(name, received, expected, structure.longest_s, age_s, "; ".join(notes), is_checked), found


def _period(row: Housekeeping) -> int:
    return row.period_ms if row.enabled and not row.on_change else 0


def _judge(watched: _Watched, end_s: float) -> Finding | None:
    """What is wrong with an expected value, if anything is."""
    row = watched.row
    if watched.last is None:
        return Finding(Kind.VALUE, row.point, f"did not come, expected {row.shown}", 1, end_s)
    if row.when == "always" and watched.bad is not None:
        at_s, value = watched.bad
        return Finding(
            Kind.VALUE, row.point, f"is {value.shown}, expected {row.shown}", watched.seen - watched.good, at_s
        )
    if row.when == "last" and not row.holds(watched.last[1]):
        return Finding(Kind.VALUE, row.point, f"ended at {watched.last[1].shown}, expected {row.shown}", 1, end_s)
    if row.when == "once" and not watched.good:
        return Finding(Kind.VALUE, row.point, f"was never {row.shown}, last {watched.last[1].shown}", 1, end_s)
    return None
