"""Round trips of commands and the board's clock: offset, drift, setting it. ST[17], ST[09].

A time report says the board's time at its making; the ground knows when the request left and when the report came. The
making lies somewhere between, so an offset is known to half a round trip; short round trips know it best.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ..errors import NoAnswerError
from ..telemetry.onboard_time import OnboardTime, from_unix
from ..telemetry.reports import TimeReport

if TYPE_CHECKING:
    from .ground import Ground

CUC_P_FIELD = b"\x1e"
ANSWER_S = 10.0


class RoundTrips(msgspec.Struct, frozen=True):
    """Statistics of pings, in seconds; the numbers are None when none was answered."""

    sent: int
    answered: int
    least_s: float | None = None
    mean_s: float | None = None
    most_s: float | None = None
    deviation_s: float | None = None


def statistics_of(sent: int, took_s: Sequence[float]) -> RoundTrips:
    """Of so many pings, and the times of those that were answered."""
    if not took_s:
        return RoundTrips(sent, 0)
    mean = statistics.fmean(took_s)
    return RoundTrips(sent, len(took_s), min(took_s), mean, max(took_s), statistics.pstdev(took_s))


class ClockSample(msgspec.Struct, frozen=True):
    """One look at the board's clock. at_s: POSIX, the middle of the round trip; offset_s: board minus ground."""

    at_s: float
    offset_s: float
    round_trip_s: float
    time: OnboardTime


class ClockFit(msgspec.Struct, frozen=True):
    """What samples say of the board's clock now. uncertainty_s: half the shortest round trip.

    drift_ppm: positive when the board's clock is fast; None for too few samples; its deviation is the fit's own.
    """

    samples: int
    offset_s: float
    uncertainty_s: float
    round_trip_s: float
    status: int
    drift_ppm: float | None = None
    drift_deviation_ppm: float | None = None


def sample(ground: Ground, timeout_s: float = ANSWER_S) -> ClockSample:
    """Ask the board for its time. Raises NoAnswerError, CommandFailedError."""
    sent_s = ground.wall()
    came: list[tuple[float, TimeReport]] = []

    def look(report: object) -> None:
        if isinstance(report, TimeReport):
            came.append((ground.wall(), report))

    end = ground.subscribe(look)
    try:
        ground.request("time.report_time", timeout_s=timeout_s).check()
    finally:
        end()
    if not came:
        raise NoAnswerError("no time report came", expected="a report 9/2", found="the request's completion only")
    received_s, report = came[0]
    middle_s = (sent_s + received_s) / 2
    return ClockSample(middle_s, report.time.unix_s - middle_s, received_s - sent_s, report.time)


def fit(samples: Sequence[ClockSample]) -> ClockFit:
    """Offset at the last sample and drift. Only samples whose round trip is near the shortest say anything."""
    shortest = min(one.round_trip_s for one in samples)
    good = [one for one in samples if one.round_trip_s <= 1.5 * shortest]
    status = samples[-1].time.status
    if len(good) < 3 or good[-1].at_s == good[0].at_s:
        best = min(good, key=lambda one: one.round_trip_s)
        return ClockFit(len(samples), best.offset_s, shortest / 2, shortest, status)
    times = [one.at_s - good[0].at_s for one in good]
    offsets = [one.offset_s - good[0].offset_s for one in good]
    line = statistics.linear_regression(times, offsets)
    residues = [offset - (line.intercept + line.slope * at) for at, offset in zip(times, offsets, strict=True)]
    mean = statistics.fmean(times)
    spread = sum((at - mean) ** 2 for at in times)
    deviation = (sum(residue**2 for residue in residues) / (len(good) - 2) / spread) ** 0.5
    now = good[0].offset_s + line.intercept + line.slope * (samples[-1].at_s - good[0].at_s)
    return ClockFit(len(samples), now, shortest / 2, shortest, status, line.slope * 1e6, deviation * 1e6)


def measure(ground: Ground, count: int, interval_s: float, timeout_s: float = ANSWER_S) -> ClockFit:
    """Look at the board's clock so often. Raises NoAnswerError, CommandFailedError."""
    samples: list[ClockSample] = []
    for number in range(1, count + 1):
        with ground.doing(f"clock, sample {number} of {count}"):
            if samples:
                ground.run(interval_s)
            samples.append(sample(ground, timeout_s))
    return fit(samples)


def set_time(ground: Ground, lead_s: float, timeout_s: float = ANSWER_S) -> None:
    """Set the board's clock to what UTC will be `lead_s` from now. Raises NoAnswerError, CommandFailedError."""
    time = from_unix(ground.wall() + lead_s)
    octets = CUC_P_FIELD + time.seconds.to_bytes(4, "big") + time.fraction.to_bytes(2, "big")
    ground.request("time.set_time", octets=octets, timeout_s=timeout_s).check()


def synchronise(
    ground: Ground, count: int, interval_s: float, timeout_s: float = ANSWER_S
) -> tuple[ClockFit, ClockFit]:
    """Set the board's clock to UTC, twice: the second time by what the first was off. The clock before and after."""
    before = measure(ground, count, interval_s, timeout_s)
    lead_s = before.uncertainty_s
    set_time(ground, lead_s, timeout_s)
    ground.run(interval_s)
    first = measure(ground, min(count, 3), interval_s, timeout_s)
    set_time(ground, lead_s - first.offset_s, timeout_s)
    ground.run(interval_s)
    return before, measure(ground, count, interval_s, timeout_s)
