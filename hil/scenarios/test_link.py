"""The space link: what noise, gaps, strangers and recordings do to it, and what the board tells of them."""

from __future__ import annotations

import random

import pytest

from hil.faults import Faults
from hil.ground import COMPLETED, Ground

START, TAIL = bytes.fromhex("eb90"), bytes.fromhex("c5c5c5c5c5c5c579")


@pytest.mark.sample
def test_every_command_gets_through_noise_once_and_in_order(ground: Ground, faults: Faults) -> None:
    faults.link_noise(bit_error_rate=1e-4, seed=7)
    requests = [ground.send("core.ping") for _ in range(25)]
    for request in requests:
        while request.sent.state != "delivered":
            ground.step()
    faults.link_mended()
    ground.wait_value("core.tc_completed", lambda count: count >= 25, timeout_s=20.0, ask=True)
    ground.housekeeping("core.diagnosis")
    # Reports that the noise has damaged are missing; of those that came none is out of order or doubled.
    counts = [r.header.sequence_count for r in ground.reports]
    assert len(counts) == len(set(counts))
    assert counts == sorted(counts)


def test_commands_wait_for_the_end_of_a_gap(ground: Ground, faults: Faults) -> None:
    faults.link_cut()
    request = ground.send("core.ping")
    ground.run_for(4.0)
    assert request.reports == []
    faults.link_mended()
    assert ground.finish(request, timeout_s=20.0).stages[-1] == "completion"


def test_a_gap_in_the_downlink_is_counted(ground: Ground, faults: Faults) -> None:
    ground.run_for(1.0)
    before = ground.lost
    faults.link_cut(up=False)
    ground.run_for(4.0)
    faults.link_mended()
    ground.run_for(2.5)
    lost = {kind: count - before[kind] for kind, count in ground.lost.items()}
    assert 3 <= lost["frames"] <= 100
    assert 3 <= lost["reports"] <= 100
    assert lost["undecodable"] == 0


def test_garbage_between_frames_is_passed_over(ground: Ground) -> None:
    source = random.Random(5)
    for _ in range(10):
        ground.target.link.write(source.randbytes(200))
        assert ground.do("core.ping").stages == COMPLETED
    ground.target.link.write(START + source.randbytes(100))
    assert ground.do("core.ping").stages == COMPLETED


@pytest.mark.sample
def test_a_recorded_frame_is_not_executed_again(ground: Ground) -> None:
    ground.do("core.ping")
    recorded = ground.target.link.sent
    recorded = recorded[recorded.rindex(START) :]
    assert recorded.endswith(TAIL)
    ground.run_for(1.2)
    completed, drops = ground.number("core.tc_completed"), ground.number("core.drops")
    for _ in range(3):
        ground.target.link.write(recorded)
    ground.wait_value("core.drops", lambda count: count >= drops + 3, ask=True)
    ground.run_for(1.2)
    answers = ground.number("core.tc_completed") - completed
    asked = len([r for r in ground.reports if r.key == "1/7"])
    assert answers <= asked
    assert len([r for r in ground.reports if r.key == "17/2"]) == 1


def test_a_frame_without_authentication_is_refused(ground: Ground) -> None:
    from perilune.link.fop1 import FrameType  # noqa: PLC0415
    from perilune.link.uplink import UplinkEncoder  # noqa: PLC0415

    stranger = UplinkEncoder()
    unit = stranger.data_unit([ground.packet("core.ping").pack()], FrameType.BD)
    drops = ground.number("core.drops")
    ground.mark()
    ground.target.link.write(stranger.cltu(stranger.frame(FrameType.BD, 0, unit)))
    ground.wait_value("core.drops", lambda count: count > drops, ask=True)
    assert [r.key for r in ground.since_mark if r.key == "17/2"] == []


def test_expedited_commands_go_around_the_sequence_control(ground: Ground) -> None:
    before = ground.number("core.frames_bd")
    packet = ground.packet("core.ping")
    ground.mark()
    ground.session.send_expedited(packet.pack())
    ground.wait_value("core.frames_bd", before + 1, ask=True)
    assert [r.key for r in ground.since_mark if r.key == "17/2"] == ["17/2"]


@pytest.mark.needs("reset")
def test_the_link_comes_back_after_a_reset_of_the_board(ground: Ground) -> None:
    ground.do("core.ping")
    ground.mark()
    ground.target.reset()
    ground.await_boot()
    requests = [ground.send("core.ping") for _ in range(5)]
    for request in requests:
        ground.finish(request, timeout_s=20.0)
    assert [request.stages for request in requests] == [COMPLETED] * 5
