"""Modes: where the board starts, where commands lead it, and what leads it back."""

from __future__ import annotations

import pytest
from perilune.telemetry.reports import EventReport

from hil.ground import Ground


def go(ground: Ground, *modes: str) -> None:
    """Command one mode after the other."""
    for mode in modes:
        ground.do("modes.change", mode=mode)


@pytest.mark.needs("fresh")
def test_a_new_board_starts_in_safe(ground: Ground) -> None:
    # It may have come before or behind the first housekeeping.
    changes = [r for r in ground.reports if isinstance(r, EventReport) and r.name == "modes.changed"]
    event = changes[0] if changes else ground.wait_event("modes.changed")
    assert (event.fields["before"].text, event.fields["after"].text) == ("BOOT", "SAFE")
    assert ground.value("modes.mode") == "SAFE"


def test_a_commanded_mode_is_entered_and_told(ground: Ground) -> None:
    go(ground, "STANDBY")
    event = ground.wait_event("modes.changed", after="STANDBY")
    assert event.fields["before"].text == "SAFE"
    assert event.fields["reason"].text == "COMMAND"
    assert ground.value("modes.mode") == "STANDBY"


def test_a_way_that_the_table_does_not_have_is_refused(ground: Ground) -> None:
    ground.refused("modes.change", mode="SCIENCE")
    assert ground.value("modes.mode") == "SAFE"
    ground.wait_value("modes.refused", 1, ask=True)


@pytest.mark.sample
@pytest.mark.needs("power")
@pytest.mark.parametrize(("commanded", "resumed"), [("NOMINAL", "NOMINAL"), ("SCIENCE", "NOMINAL")])
def test_a_mode_is_resumed_after_a_power_cut(ground: Ground, commanded: str, resumed: str) -> None:
    go(ground, *(["STANDBY", "NOMINAL"] + ([commanded] if commanded != "NOMINAL" else [])))
    ground.mark()
    ground.target.power_cut(0.5)
    ground.await_boot()
    assert ground.value("modes.mode") == resumed


@pytest.mark.sample
def test_a_silent_ground_leads_to_safe(ground: Ground) -> None:
    ground.set({"modes.command_loss_s": 3})
    go(ground, "STANDBY")
    event = ground.wait_event("modes.command_loss", timeout_s=8.0)
    assert event.fields["after_s"].raw == 3
    assert ground.wait_event("modes.changed", after="SAFE", reason="COMMAND_LOSS").severity == "info"


def test_a_frame_that_is_authentic_winds_the_command_loss_timer(ground: Ground) -> None:
    ground.set({"modes.command_loss_s": 4})
    go(ground, "STANDBY")
    for _ in range(3):
        ground.run_for(2.0)
        ground.do("core.ping")
    assert ground.value("modes.mode") == "STANDBY"


@pytest.mark.needs("reset")
def test_repeated_resets_lead_to_safe_with_what_survival_needs(ground: Ground) -> None:
    go(ground, "STANDBY", "NOMINAL")
    for _ in range(2):
        ground.mark()
        ground.target.reset()
        ground.await_boot()
    event = ground.wait_event("modes.repeated_resets")
    assert event.fields["count"].raw == 3
    assert ground.value("modes.mode") == "SAFE"
    ground.wait_value("modes.isolated", 1, ask=True)
    go(ground, "STANDBY")
    ground.wait_value("modes.isolated", 0, ask=True)
