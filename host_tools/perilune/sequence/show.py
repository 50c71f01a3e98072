"""Sequences, executions and rehearsals as text for people."""

from __future__ import annotations

from collections.abc import Iterable

from .load import LoadProgress
from .moment import write_duration
from .octets import step_octets
from .rehearsal import LimitTrip, Rehearsal
from .steps import SequenceText

_BAR = 24
_EVENTS_SHOWN = 20


def sequence_text(sequence: SequenceText, with_octets: bool = False) -> str:
    """Its steps with their numbers, when they begin at the earliest, and their octets."""
    head = f"sequence {sequence.id if sequence.id is not None else '(no id)'} {sequence.name}".rstrip()
    total = sum(len(step_octets(step)) for step in sequence.steps)
    takes = write_duration(sequence.least_ms)
    if sequence.most_ms != sequence.least_ms:
        takes += f" to {write_duration(sequence.most_ms)}"
    lines = [f"{head}: {len(sequence.steps)} steps, {total} octets, takes {takes}"]
    at_ms = 0
    for number, step in enumerate(sequence.steps, 1):
        at_ms += step.delay_ms
        earliest = step.when if step.moment is not None else f"+{write_duration(at_ms)}"
        on_fail = "  ON_FAIL CONTINUE" if step.go_on else ""
        lines.append(f"{number:4}  {earliest:>22}  {step.text}{on_fail}")
        if with_octets:
            lines.append(f"      {step_octets(step).hex(' ')}")
    return "\n".join(lines)


def progress_bar(progress: LoadProgress) -> str:
    """One line."""
    share = progress.octets / progress.total if progress.total else 1.0
    filled = round(_BAR * share)
    return f"[{'#' * filled}{'.' * (_BAR - filled)}] {progress.octets:4} of {progress.total} octets  {progress.stage}"


def rehearsal_text(result: Rehearsal) -> str:
    """The report of a rehearsal."""
    state = result.start
    flown = write_duration(round(result.duration_s) * 1000)
    lines = [
        f"rehearsal of {result.sequence}: {flown} flown in {result.wall_s:g} s",
        f"start: {result.start_utc}, mode {result.modes[0].name}, latitude {state.latitude_deg:g} deg, "
        f"local time {state.local_time_h:.2f} h, from {state.source}",
        "",
        "steps",
    ]
    lines += [
        f"{step.number:4}  {step.utc}  +{_clock(step.at_s)}  {step.outcome:12} {step.text}" for step in result.steps
    ]
    energy = result.energy
    lines += [
        "",
        f"state of charge   {energy.soc_start:.1f} % at the start, lowest {energy.soc_low:.1f} %, "
        f"{energy.soc_end:.1f} % at the end",
        f"energy, Wh        array {energy.array:.1f}, lander feed {energy.feed:.1f}, into battery "
        f"{energy.battery_in:.1f}, out of battery {energy.battery_out:.1f}, heaters {energy.heaters:.1f}, "
        f"all loads {energy.loads:.1f}",
        "",
        "temperatures, degC      start     low    high     end   allowed",
    ]
    lines += [
        f"  {row.zone:18} {row.start:8.1f}{row.low:8.1f}{row.high:8.1f}{row.end:8.1f}   "
        f"{row.allowed[0]:g} to {row.allowed[1]:g}"
        for row in result.temperatures
    ]
    lines += ["", "modes             " + ", ".join(f"{row.name} +{_clock(row.at_s)}" for row in result.modes)]
    lines += _section("limits", (_trip(row) for row in result.limit_trips))
    lines += _section("failures", (f"+{_clock(row.at_s)}  {row.request}: {row.failure}" for row in result.failures))
    lines += _section(
        "events", (f"+{_clock(row.at_s)}  {row.severity:6} {row.name}: {row.text}" for row in result.events)
    )
    lines += ["", "verdict: nothing speaks against it" if not result.verdict else "verdict:"]
    lines += [f"  {row}" for row in result.verdict]
    return "\n".join(lines)


def _trip(row: LimitTrip) -> str:
    until = "to the end" if row.until_s is None else f"to +{_clock(row.until_s)}"
    return f"+{_clock(row.from_s)} {until}  {row.state:6} {row.point}, worst {row.worst:.6g} {row.unit}".rstrip()


def _section(name: str, rows: Iterable[str]) -> list[str]:
    shown = list(rows)
    if not shown:
        return [f"{name + ':':18}none"]
    more = [f"  ... and {len(shown) - _EVENTS_SHOWN} more (--json has all)"] if len(shown) > _EVENTS_SHOWN else []
    return ["", name, *(f"  {row}" for row in shown[:_EVENTS_SHOWN]), *more]


def _clock(seconds: float) -> str:
    return write_duration(max(0, round(seconds)) * 1000)
