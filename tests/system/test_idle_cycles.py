"""`sitl` leaves out the cycles in which nothing is due: what comes down is the same, octet by octet."""

from __future__ import annotations

import pytest
from perilune.dictionary.load import CORE
from spacepackets.ecss.tc import PusTc

from hil.targets.sitl import Sitl
from tests.system.core_link import APID, Ground, cuc
from tests.system.targets import TRIAL

LEVEL = "10 01"


class Wiretap:
    """A target whose octets are kept."""

    def __init__(self, leave_out: bool, mission: bool) -> None:
        self.sitl = Sitl([CORE, TRIAL] if mission else [CORE], leave_out=leave_out)
        self.heard = b""
        # The app of the tests works in every cycle; without its step the others' are seen.
        group = self.sitl.core.executive.groups[0]
        for app in self.sitl.core.apps:
            at = group.tasks.index(app.step_10hz)  # type: ignore[attr-defined]
            del group.tasks[at], group.modes[at]

    def send(self, octets: bytes) -> None:
        self.sitl.send(octets)

    def receive(self) -> bytes:
        octets = self.sitl.receive()
        self.heard += octets
        return octets

    def run(self, seconds: float) -> None:
        self.sitl.run(seconds)


def ping(count: int) -> bytes:
    return bytes(PusTc(apid=APID, service=17, message_subtype=1, seq_count=count, source_id=3).pack())


def quiet(ground: Ground) -> None:
    """Housekeeping alone; times between the cycles, too."""
    for seconds in (20.0, 0.37, 5.005, 61.0):
        ground.run(seconds)


def schedule(ground: Ground) -> None:
    """Requests released between the cycles, near and far."""
    ground.send(9, 128, cuc(1_000_000))
    entries = [(1_000_730 + 1111 * number, ping(number)) for number in range(4)] + [(1_090_055, ping(9))]
    ground.send(11, 1)
    ground.send(11, 4, bytes([len(entries)]) + b"".join(cuc(ms) + packet for ms, packet in entries))
    ground.run(120.0)


def calm(ground: Ground) -> None:
    """Switch off what the mission of the tests does in every cycle or every other one."""
    ground.send(12, 2, bytes.fromhex("01 0001"))
    ground.send(3, 6, bytes.fromhex("02 0064 0066"))


def sequence(ground: Ground) -> None:
    """Steps with delays and with a wait that times out."""
    calm(ground)
    ground.send(21, 4, bytes.fromhex("0001"))
    ground.run(9.0)
    ground.send(21, 4, bytes.fromhex("0001"))
    ground.run(0.25)
    ground.send(21, 13)
    ground.run(9.0)


def housekeeping(ground: Ground) -> None:
    """Structures made, slowed down and switched, at odd times."""
    ground.send(3, 1, bytes.fromhex("0070 000004b0 01 0080"))
    ground.run(0.33)
    ground.send(3, 5, bytes.fromhex("01 0070"))
    ground.run(7.0)
    ground.send(3, 31, bytes.fromhex("01 0070 00000bb8"))
    ground.run(11.0)
    ground.send(3, 6, bytes.fromhex("01 0070"))
    ground.run(11.0)


def monitors(ground: Ground) -> None:
    """Checks of different periods, enabled, disabled, stopped and started."""
    calm(ground)
    for subtype, data, seconds in ((1, "02 0001 0003", 3.05), (2, "02 0001 0003", 9.0), (16, "", 2.22), (15, "", 4.0)):
        ground.send(12, subtype, bytes.fromhex(data))
        ground.run(seconds)


@pytest.mark.parametrize(
    ("play", "mission"), [(quiet, False), (schedule, False), (housekeeping, False), (sequence, True), (monitors, True)]
)
def test_leaving_cycles_out_changes_no_octet(play, mission: bool) -> None:  # type: ignore[no-untyped-def]
    heard, turns = [], []
    for leave_out in (False, True):
        wire = Wiretap(leave_out, mission)
        executive = wire.sitl.core.executive
        counted = 0
        turn = executive.turn

        def count(turn=turn) -> int:  # type: ignore[no-untyped-def]
            nonlocal counted
            counted += 1
            return int(turn())

        executive.turn = count  # type: ignore[method-assign]
        play(Ground(wire))
        wire.receive()
        heard.append(wire.heard)
        turns.append(counted)
    assert len(heard[0]) > 2000
    assert heard[0] == heard[1]
    assert turns[1] < 0.7 * turns[0]
