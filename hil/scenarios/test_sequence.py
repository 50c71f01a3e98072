"""Sequences: uploaded in one command, executed on board, ended as the ground or a failure wants it."""

from __future__ import annotations

import pytest
from flight.codec import crc16
from perilune.sequence.octets import compile_steps
from perilune.sequence.text import read_sequence
from perilune.telemetry.reports import PingReport, SequenceChecksumReport, SequenceStatusReport

from hil.ground import COMPLETED, Ground


def status(ground: Ground, identifier: int) -> str:
    """State of a sequence on board; empty when it is not there."""
    ground.do("sequence.report_status")
    report = ground.wait_report(SequenceStatusReport, "the sequences' status")
    return next((s.state for s in report.sequences if s.id == identifier), "")


@pytest.mark.sample
def test_steps_are_executed_in_their_order_and_at_their_times(ground: Ground) -> None:
    number = ground.load_sequence(
        """SEQUENCE 200
        R00:00:00 CORE.PING
        R00:00:01 CORE.PING
        R00:00:00.5 CORE.PING"""
    )
    request = ground.do("sequence.activate", sequence=number)
    assert request.stages == ["acceptance", "start", "progress", "progress", "completion"]
    times = [report.header.time.tai_s for report in ground.of_kind(PingReport)]
    assert len(times) == 3
    assert 0.95 <= times[1] - times[0] <= 1.2
    assert 0.45 <= times[2] - times[1] <= 0.7


@pytest.mark.sample
def test_a_sequence_waits_for_a_value(ground: Ground) -> None:
    number = ground.load_sequence("SEQUENCE 201\nWAIT modes.reset_limit == 7 TIMEOUT 00:00:20\nR00:00:00 CORE.PING")
    request = ground.send("sequence.activate", sequence=number)
    ground.run_for(1.0)
    assert not request.is_over
    assert list(ground.of_kind(PingReport)) == []
    ground.set({"modes.reset_limit": 7})
    ground.finish(request)
    assert request.failure is None
    assert len([r for r in ground.reports if isinstance(r, PingReport)]) == 1


def test_a_wait_that_times_out_ends_the_sequence_and_says_where(ground: Ground) -> None:
    number = ground.load_sequence("SEQUENCE 202\nR00:00:00 CORE.PING\nWAIT modes.reset_limit == 8 TIMEOUT 00:00:01")
    ground.refused("sequence.activate", sequence=number)
    event = ground.wait_event("sequence.aborted", sequence=number)
    assert event.fields["step"].raw == 1


def test_a_failed_step_ends_the_sequence(ground: Ground) -> None:
    # BOOT is no mode that a command can lead to.
    number = ground.load_sequence("SEQUENCE 203\nR00:00:00 MODES.CHANGE mode=BOOT\nR00:00:00 CORE.PING")
    ground.refused("sequence.activate", sequence=number)
    ground.wait_event("sequence.aborted", sequence=number)
    ground.run_for(0.5)
    assert list(ground.of_kind(PingReport)) == []


def test_a_failed_step_that_may_fail_does_not(ground: Ground) -> None:
    number = ground.load_sequence(
        "SEQUENCE 204\nR00:00:00 MODES.CHANGE mode=BOOT ON_FAIL CONTINUE\nR00:00:00 CORE.PING"
    )
    stages = ground.do("sequence.activate", sequence=number).stages
    assert (stages[-1], stages.count("no progress")) == ("completion", 1), stages
    assert len(list(ground.of_kind(PingReport))) == 1


def test_a_running_sequence_is_aborted(ground: Ground) -> None:
    number = ground.load_sequence("SEQUENCE 205\nR00:00:30 CORE.PING")
    activation = ground.send("sequence.activate", sequence=number)
    ground.run_for(0.5)
    assert status(ground, number) == "executed"
    assert ground.do("sequence.abort", sequence=number).stages == COMPLETED
    ground.finish(activation)
    assert activation.failure is not None
    assert status(ground, number) == "loaded"


def test_the_ground_can_check_what_it_loaded(ground: Ground) -> None:
    text = "SEQUENCE 206\nR00:00:01 CORE.PING\nR00:00:02 CORE.PING"
    sequence, _ = read_sequence(text, ground.dictionary)
    assert sequence is not None
    octets = compile_steps(sequence.steps)
    ground.load_sequence(text)
    ground.do("sequence.checksum", sequence=206)
    report = ground.wait_report(SequenceChecksumReport, "the checksum")
    assert (report.length, report.crc) == (len(octets), crc16(octets, 0, len(octets)))


def test_a_sequence_that_makes_no_sense_is_refused(ground: Ground) -> None:
    ground.refused("sequence.load", sequence=207, steps=2, octets=bytes.fromhex("00 00 00 00 00 02 11 01"))
    assert status(ground, 207) == ""
