"""Faults found on board: monitors, event-actions, rate limits, and resets that the board explains."""

from __future__ import annotations

import pytest
from perilune.telemetry.reports import EventReport, PingReport, TransitionsReport

from hil.ground import COMPLETED, Ground

MONITOR = 900


def watch_reset_limit(ground: Ground, event: str) -> None:
    """A monitor of a parameter that the test can move: 2 to 5 is well, above raises *event*."""
    point = ground.dictionary.points["modes.reset_limit"]
    ground.do(
        "monitoring.add",
        [
            {
                "monitor": MONITOR,
                "point": point.id,
                "period_ms": 100,
                "repetition": 2,
                "check": 0,
                "a": 2,
                "b": 5,
                "event_high": ground.dictionary.events[event].id,
            }
        ],
    )
    ground.do("monitoring.enable", [{"monitor": MONITOR}])
    ground.do("monitoring.enable_function")


def test_a_point_out_of_limits_is_reported(ground: Ground) -> None:
    watch_reset_limit(ground, "core.overrun")
    ground.set({"modes.reset_limit": 6})
    report = ground.wait_report(
        TransitionsReport, "the transition", lambda r: any(t.id == MONITOR and t.value == 6 for t in r.transitions)
    )
    [transition] = [t for t in report.transitions if t.id == MONITOR and t.value == 6]
    assert transition.limit == 5
    assert transition.point == "modes.reset_limit"
    ground.wait_value("monitoring.out", lambda out: out >= 1, ask=True)


@pytest.mark.sample
def test_an_event_starts_its_action(ground: Ground) -> None:
    watch_reset_limit(ground, "core.overrun")
    event = ground.dictionary.events["core.overrun"]
    action = ground.any_packet(17, 1)
    add = ground.dictionary.commands["event_action.add"]
    data = b"\x01" + event.id.to_bytes(2, "big") + action.pack()
    assert ground.finish(ground.send_packet(ground.any_packet(add.service, add.subtype, data))).stages == COMPLETED
    ground.do("event_action.enable", [{"event": event.id}])
    ground.do("event_action.enable_function")
    ground.set({"modes.reset_limit": 6})
    ground.wait_event("core.overrun")
    ground.wait_report(PingReport, "the ping that the event starts")


def test_a_disabled_event_is_not_reported_but_still_acts(ground: Ground) -> None:
    watch_reset_limit(ground, "core.overrun")
    event = ground.dictionary.events["core.overrun"]
    add = ground.dictionary.commands["event_action.add"]
    data = b"\x01" + event.id.to_bytes(2, "big") + ground.any_packet(17, 1).pack()
    assert ground.finish(ground.send_packet(ground.any_packet(add.service, add.subtype, data))).stages == COMPLETED
    ground.do("event_action.enable", [{"event": event.id}])
    ground.do("event_action.enable_function")
    ground.do("core.disable_events", [{"event": event.id}])
    ground.set({"modes.reset_limit": 6})
    ground.wait_report(PingReport, "the ping that the event starts")
    ground.run_for(0.5)
    assert ground.events("core.overrun") == []


def test_a_flood_of_events_is_held_back_and_counted(ground: Ground) -> None:
    # Each change of mode is an event; the board reports a few in a row and then one a second.
    ground.do("modes.change", mode="STANDBY")
    first = len(ground.reports)
    for _ in range(10):
        for mode in ("SAFE", "STANDBY"):
            ground.do("modes.change", mode=mode)
    ground.wait_value("core.events", lambda count: count >= 22, ask=True)
    told = [r for r in ground.reports[first:] if isinstance(r, EventReport) and r.name == "modes.changed"]
    assert 5 <= len(told) < 20
    assert ground.number("core.events_suppressed") >= 5


def test_the_board_explains_a_commanded_restart(ground: Ground) -> None:
    ground.hazardous("core.restart")
    event = ground.wait_event("core.boot", timeout_s=20.0)
    assert event.fields["cause"].text == "HARD"
    ground.await_boot()
    assert ground.value("core.reset_cause") == "HARD"
    # It was asked for: it is none of those that lead to isolation.
    assert ground.value("modes.isolated") == 0


@pytest.mark.needs("power")
def test_the_board_explains_a_power_cut(ground: Ground) -> None:
    ground.mark()
    ground.target.power_cut(0.2)
    event = ground.wait_event("core.boot", timeout_s=20.0)
    assert event.fields["cause"].text == "POWER_ON"
    assert event.fields["count"].raw == 1


@pytest.mark.sample
@pytest.mark.needs("reset")
def test_the_board_explains_its_reset_pin(ground: Ground) -> None:
    boots = ground.number("core.boot_count")
    ground.mark()
    ground.target.reset()
    event = ground.wait_event("core.boot", timeout_s=20.0)
    assert event.fields["cause"].text == "HARD"
    assert event.fields["count"].raw == boots + 1


def test_no_rate_group_overruns_while_the_ground_commands(ground: Ground) -> None:
    names = [f"core.overruns_{group}" for group in ("10hz", "1hz", "01hz")]
    for _ in range(ground.rounds):
        before = ground.housekeeping("core.diagnosis")
        requests = [ground.send("core.ping") for _ in range(60)]
        for request in requests:
            ground.finish(request, timeout_s=20.0)
        after = ground.housekeeping("core.diagnosis")
        if all(after[name].raw == before[name].raw for name in names):
            break
    assert [after[name].raw for name in names] == [before[name].raw for name in names]
