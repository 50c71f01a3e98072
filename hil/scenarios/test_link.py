"""The space link: what noise, gaps, strangers and recordings do to it, and what the board tells of them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from hil.faults import Faults, Through, bursts, duplication, garbage, loss, repetition, wrong_baud
from hil.ground import COMPLETED, Ground

START, TAIL = bytes.fromhex("eb90"), bytes.fromhex("c5c5c5c5c5c5c579")
PINGS = 20
LIGHT_TIME_S = 0.4
# Each hits one in four telecommands and every second frame of telemetry.
LINES: dict[str, Callable[[int], Through]] = {
    "bursts": lambda seed: bursts(3e-3, 40, seed),
    "loss": lambda seed: loss(3e-3, 40, seed),
    "duplication": lambda seed: duplication(3e-3, 40, seed),
    "garbage": lambda seed: garbage(3e-3, 40, seed),
    "repetition": lambda seed: repetition(0.5, seed),
}
# What comes down is read in pieces as they happen to be: whole ones are repeated on the way up alone.
WAYS = [(line, way) for line in LINES for way in ("up", "down") if (line, way) != ("repetition", "down")]


def completed(ground: Ground) -> float:
    """Telecommands that the board has completed, which is renewed once a second; asking is one more."""
    ground.run_for(1.2)
    return ground.number("core.tc_completed")


def ping_through(ground: Ground, faults: Faults) -> None:
    """Twenty pings on the line as it is, then on a mended one: each was executed once, and they in their order."""
    requests = []
    for _ in range(PINGS):
        requests.append(ground.send("core.ping"))
        ground.step(0.05)  # a frame for each
    for request in requests:
        deadline = ground.target.deadline(60.0)
        while request.sent.state != "delivered":
            deadline.check("delivery", str(request.sent.state))
            ground.step()
    faults.link_mended()
    ground.finish(ground.send("core.ping"), timeout_s=20.0)
    # Reports that the line has damaged are missing, and a line may say one twice.
    sent = [request.request_id for request in requests]
    ended = [r.request_id for r in ground.reports if r.key == "1/7" and r.request_id in sent]  # type: ignore[attr-defined]
    assert list(dict.fromkeys(ended)) == [one for one in sent if one in ended]


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


@pytest.mark.parametrize(("line", "way"), WAYS)
def test_a_bad_line_changes_neither_number_nor_order_of_commands(
    ground: Ground, faults: Faults, line: str, way: str
) -> None:
    through, spoiled = LINES[line](11), []

    def spoiling(octets: bytes) -> bytes:
        come = through(octets)
        spoiled.append(come != octets)
        return come

    before = completed(ground)
    faults.link(**{way: spoiling})
    ping_through(ground, faults)
    assert sum(spoiled) >= 2
    assert completed(ground) == before + 1 + PINGS + 1


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_slow_line_changes_neither_number_nor_order_of_commands(ground: Ground, faults: Faults, way: str) -> None:
    before = completed(ground)
    faults.link_delay(LIGHT_TIME_S, up=way == "up", down=way == "down")
    begin_s = ground.target.now_s()
    ground.do("core.ping", timeout_s=20.0)
    assert ground.target.now_s() - begin_s >= LIGHT_TIME_S
    ping_through(ground, faults)
    assert completed(ground) == before + 1 + 1 + PINGS + 1


@pytest.mark.parametrize("ratio", [0.5, 2.0])
@pytest.mark.parametrize("way", ["up", "down"])
def test_a_line_at_the_wrong_speed_carries_nothing_until_it_is_mended(
    ground: Ground, faults: Faults, way: str, ratio: float
) -> None:
    before = completed(ground)
    faults.link(**{way: wrong_baud(ratio)})
    request = ground.send("core.ping")
    ground.run_for(4.0)
    assert request.reports == []
    faults.link_mended()
    ping_through(ground, faults)
    assert completed(ground) == before + 1 + 1 + PINGS + 1


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
    before, drops = completed(ground), ground.number("core.drops")
    for _ in range(3):
        ground.target.link.write(recorded)
    ground.run_for(1.2)
    assert ground.number("core.drops") >= drops + 3
    assert completed(ground) == before + 1 + 2
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
