"""Commands: from the ground over the link to what executes them, and what the ground hears of it."""

from __future__ import annotations

import pytest
from perilune.packet.pus import Telecommand
from perilune.telemetry.reports import PingReport

from hil.ground import COMPLETED, Ground


@pytest.mark.sample
def test_a_ping_is_answered(ground: Ground) -> None:
    request = ground.do("core.ping")
    assert request.stages == COMPLETED
    assert len(list(ground.of_kind(PingReport))) == 1


@pytest.mark.sample
def test_commands_are_executed_in_the_order_in_which_they_were_sent(ground: Ground) -> None:
    lost = ground.lost
    requests = [ground.send("core.ping") for _ in range(30)]
    for request in requests:
        ground.finish(request)
    last = [request.reports[-1].header.sequence_count for request in requests]
    assert last == sorted(last)
    assert [request.stages for request in requests] == [COMPLETED] * 30
    assert ground.lost == lost


def test_a_command_that_nobody_knows_is_refused(ground: Ground) -> None:
    request = ground.finish(ground.send_packet(ground.any_packet(8, 1, b"\x7f\xff")))
    assert request.stages == ["no acceptance"]
    ground.wait_value("core.tc_rejected", 1, ask=True)


def test_a_command_of_another_application_is_refused(ground: Ground) -> None:
    request = ground.finish(ground.send_packet(Telecommand(0x65, 17, 1, sequence_count=9000)))
    assert request.stages == ["no acceptance"]


def test_an_argument_out_of_range_is_refused_and_nothing_changes(ground: Ground) -> None:
    # core.set_report_rate knows exponents 0 to 8 and 255.
    failure = ground.refused("time.set_report_rate", exponent=9)
    assert failure.value == 9
    ground.wait_value("core.tc_last_code", failure.code, ask=True)


def test_a_hazardous_command_needs_arming(ground: Ground) -> None:
    boots = ground.number("core.boot_count")
    ground.refused("core.restart")
    ground.run_for(2.0)
    assert ground.number("core.boot_count") == boots


@pytest.mark.sample
def test_an_armed_restart_restarts_the_board(ground: Ground) -> None:
    boots = ground.number("core.boot_count")
    ground.hazardous("core.restart")
    event = ground.wait_event("core.boot", timeout_s=20)
    assert event.fields["count"].raw == boots + 1
    ground.await_boot()
    assert ground.number("core.boot_count") == boots + 1
    assert ground.do("core.ping").stages == COMPLETED


def test_parameters_are_set_together_or_not_at_all(ground: Ground) -> None:
    ground.set({"modes.reset_limit": 4, "modes.reset_window_s": 700})
    ground.refused("core.set_parameters", ground.items({"modes.reset_limit": 5, "modes.starts": 9}))
    assert ground.number("modes.reset_limit") == 4
    assert ground.number("modes.reset_window_s") == 700
