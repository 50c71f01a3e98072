"""The schedule: requests that the board executes at their time, in contact or not."""

from __future__ import annotations

import pytest
from flight.limits import SCHEDULE_MAX
from perilune.packet.pus import Telecommand
from perilune.telemetry.onboard_time import OnboardTime
from perilune.telemetry.reports import PingReport, ScheduleReport, VerificationReport

from hil.ground import Ground

SOURCE = 5  # of scheduled requests


def later(time: OnboardTime, seconds: float) -> OnboardTime:
    ticks = time.seconds * 65536 + time.fraction + round(seconds * 65536)
    return OnboardTime(ticks >> 16, ticks & 0xFFFF, time.status)


def ping(ground: Ground) -> Telecommand:
    return ground.packet("core.ping", source=SOURCE)


def scheduled(ground: Ground) -> list[int]:
    """Sequence counts of what is in the schedule, in its order."""
    ground.do("schedule.summary_all")
    ground.wait_report(ScheduleReport, "the schedule's summary")
    # A long schedule comes in several reports, all of them before the completion.
    return [entry.request.sequence_count for report in ground.of_kind(ScheduleReport) for entry in report.entries]


def completed(ground: Ground) -> list[int]:
    """Sequence counts of scheduled requests that were completed, in their order."""
    return [
        report.sequence_count
        for report in ground.reports
        if isinstance(report, VerificationReport) and report.header.destination == SOURCE and report.is_final
    ]


@pytest.fixture
def enabled(ground: Ground) -> Ground:
    """The schedule, empty and enabled."""
    ground.do("schedule.reset")
    ground.do("schedule.enable")
    return ground


@pytest.mark.sample
def test_a_request_is_released_at_its_time(enabled: Ground) -> None:
    at = later(enabled.onboard_now(), 2.0)
    enabled.schedule((at, ping(enabled)))
    report = enabled.wait_report(PingReport, "the scheduled ping")
    assert at.tai_s - 0.001 <= report.header.time.tai_s <= at.tai_s + 0.3
    assert scheduled(enabled) == []


def test_requests_are_released_in_the_order_of_their_times(enabled: Ground) -> None:
    now = enabled.onboard_now()
    packets = [ping(enabled) for _ in range(4)]
    enabled.schedule(*((later(now, 3.0 - 0.3 * k), packet) for k, packet in enumerate(packets)))
    counts = [packet.sequence_count for packet in packets]
    assert scheduled(enabled) == counts[::-1]
    deadline = enabled.target.deadline(10.0)
    while len(completed(enabled)) < 4:
        deadline.check("four completions", str(completed(enabled)))
        enabled.step()
    assert completed(enabled) == counts[::-1]


def test_a_request_can_be_deleted(enabled: Ground) -> None:
    packet = ping(enabled)
    enabled.schedule((later(enabled.onboard_now(), 100.0), packet))
    enabled.do("schedule.delete", [{"source": SOURCE, "apid": packet.apid, "sequence": packet.sequence_count}])
    assert scheduled(enabled) == []


def test_everything_can_be_moved_in_time(enabled: Ground) -> None:
    enabled.schedule((later(enabled.onboard_now(), 100.0), ping(enabled)))
    enabled.do("schedule.shift_all", offset_ms=-98_000)
    enabled.wait_report(PingReport, "the ping that was moved", timeout_s=5.0)


def test_what_falls_due_while_disabled_is_held_and_told(enabled: Ground) -> None:
    packet = ping(enabled)
    enabled.schedule((later(enabled.onboard_now(), 1.0), packet))
    enabled.do("schedule.disable")
    event = enabled.wait_event("schedule.held")
    assert event.fields["count"].raw == 1
    assert scheduled(enabled) == [packet.sequence_count]
    assert completed(enabled) == []


@pytest.mark.sample
@pytest.mark.needs("power")
def test_the_schedule_survives_a_power_cut(enabled: Ground) -> None:
    packet = ping(enabled)
    enabled.schedule((later(enabled.onboard_now(), 3000.0), packet))
    enabled.mark()
    enabled.target.power_cut(0.5)
    enabled.await_boot()
    assert scheduled(enabled) == [packet.sequence_count]
    enabled.wait_value("schedule.enabled", 1, ask=True)


def test_a_full_schedule_takes_no_more_and_loses_nothing(enabled: Ground) -> None:
    now = enabled.onboard_now()
    for batch in range(SCHEDULE_MAX // 8):
        enabled.schedule(*((later(now, 500.0 + 8 * batch + k), ping(enabled)) for k in range(8)))
    assert enabled.schedule((later(now, 400.0), ping(enabled))).failure is not None
    assert len(scheduled(enabled)) == SCHEDULE_MAX
