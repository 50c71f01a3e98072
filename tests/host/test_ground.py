"""A ground on a link that says what the test wants: what it counts, and what it tells of its waiting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flight import errors
from perilune.client import ground as ground_module
from perilune.client.ground import Ground
from perilune.client.link_protocol import LinkStatus, UplinkStatus
from perilune.link.downlink import DownlinkCounters
from perilune.link.packet_extractor import PacketReceived
from perilune.link.session import TelecommandState
from perilune.link.transport import TransportCounters
from perilune.telemetry.reports import HousekeepingReport

from tests.host.console_screen import DICTIONARY, Clock, FakeLink


def test_what_came_before_a_tool_attached_is_not_missing() -> None:
    """The owner of the port hands its last core.health over; reports of the same type went by since."""
    clock = Clock()
    link = FakeLink(clock)
    for load in (1, 2, 3, 4, 6):
        link.put_health(load)
    first, _, _, last, later = link.waiting
    assert isinstance(first, PacketReceived)
    link.health, link.waiting = first.packet, [last]
    ground = Ground(link, DICTIONARY, clock=clock, wall=clock)
    [report] = ground.step()
    assert isinstance(report, HousekeepingReport)
    assert report.header.missing == 0
    link.waiting = [later]
    assert ground.step()[0].header.missing == 0  # type: ignore[union-attr]


def test_waiting_is_told_with_what_is_within_it() -> None:
    clock = Clock()
    ground = Ground(FakeLink(clock), DICTIONARY, clock=clock, wall=clock)
    told: list[str] = []
    ground.progress = told.append
    with ground.doing("clock, sample 1 of 2"), ground.doing("waiting for TIME.REPORT_TIME"):
        ground.step()
    ground.step()
    assert told == ["clock, sample 1 of 2: waiting for TIME.REPORT_TIME", ""]


def test_a_ground_does_not_know_who_opens_it() -> None:
    """open_ground.py imports ground.py, and not the other way too."""
    tree = ast.parse(Path(ground_module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "link_protocol" in imported
    assert "open_ground" not in imported


@pytest.mark.parametrize(
    ("dropped", "why"),
    [
        (errors.SDLS_WINDOW, "are far behind ours (was its storage erased?); try: remove n.json, with no program"),
        (errors.SDLS_REPLAY, 'are ahead of ours (did others command it?); try: add 500 to "1", again until it answers'),
        (errors.SDLS_REPLAY, "answers, in n.json, with no program on the port"),
        (errors.SDLS_MAC, "it has other keys than this target"),
    ],
)
def test_a_command_that_was_not_delivered_says_what_to_do_about_the_frames_that_the_board_drops(
    dropped: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    link = FakeLink(clock)
    up = UplinkStatus("active", "ACTIVE", 0, 1, 0, 0, 1, 30, numbers="n.json")
    status = LinkStatus(TransportCounters(), DownlinkCounters(), None, {}, {}, "fake", link.now, up)
    monkeypatch.setattr(link, "status", lambda: status)
    ground = Ground(link, DICTIONARY, clock=clock, wall=clock)
    link.put_health(1)
    traffic = DICTIONARY.housekeeping["core.traffic"]
    data = bytearray(2 + traffic.octets)
    data[0:2] = traffic.sid.to_bytes(2, "big")
    [at] = [2 + bit // 8 for point, bit in traffic.fields if point.name == "core.last_drop"]
    data[at] = dropped
    link.put(3, 25, bytes(data))
    ground.step()
    run = ground.begin(ground.telecommand("core.ping"), "ping", 1.0)
    run.submission.state = TelecommandState.WAITING
    [result] = ground.follow([run])
    assert why in result.detail
