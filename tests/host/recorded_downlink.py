"""A downlink in which every report type occurs: the trial mission on `sitl`, asked for everything that it can say.

Requests go up over the whole link, authenticated. What comes down is kept as octets of the line and as packets.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

import uplink_bytes
from flight.limits import APID, EPOCH_HIGH, EPOCH_LOW, TM_FRAME_LENGTH
from perilune.dictionary import Dictionary
from perilune.dictionary.load import CORE
from perilune.link.downlink import DownlinkDecoder, FrameReceived
from perilune.link.packet_extractor import PacketReceived
from perilune.packet.pus import ACK_ALL, Telecommand

from hil.targets.sitl import Sitl

TRIAL = Path(__file__).resolve().parents[1] / "flight" / "trial"
EPOCH = EPOCH_HIGH << 16 | EPOCH_LOW
# All that the board sends.
ALL_TYPES = {
    (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (1, 8), (3, 10), (3, 25), (5, 1), (5, 2), (5, 3),
    (5, 4), (5, 8), (9, 2), (11, 10), (11, 13), (12, 9), (12, 11), (12, 12), (12, 14), (17, 2), (19, 7), (19, 11),
    (20, 2), (21, 7), (21, 10), (21, 12), (21, 14),
}  # fmt: skip


class Recording(NamedTuple):
    """octets: as they came down the line, a piece for each time it was read; frames, packets: in them, in order."""

    dictionary: Dictionary
    octets: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    packets: tuple[bytes, ...]


class Operator:
    """Sends requests to a board in this process and keeps what it says."""

    def __init__(self) -> None:
        self.board = Sitl([CORE, TRIAL])
        self.octets: list[bytes] = []
        self._number = 0
        self._count = 0

    def send(self, service: int, subtype: int, data: bytes | str = b"", ack: int = ACK_ALL, run_s: float = 0.2) -> None:
        """A request in a frame of its own, and time for its reports."""
        octets = bytes.fromhex(data) if isinstance(data, str) else data
        self._number += 1
        packet = Telecommand(APID, service, subtype, octets, self._count, ack).pack()
        self._count += 1
        frame = uplink_bytes.protect(uplink_bytes.BD, 0, packet, self._number)
        self.board.send(uplink_bytes.cltu(frame))
        self.run(run_s)

    def set(self, point: str, value: float) -> None:
        """What an app would write to a point."""
        board = self.board
        board.core.values[board.dictionary.points[point].index] = value

    def run(self, seconds: float) -> None:
        """Let board time pass."""
        self.board.run(seconds)
        self.octets.append(self.board.receive())


def cuc(seconds: int, fraction: int = 0) -> bytes:
    """A time so many seconds after the board's epoch."""
    return b"\x1e" + struct.pack(">IH", EPOCH + seconds, fraction)


def _events(operator: Operator) -> None:
    """All severities, among them one with every type of field."""
    events = operator.board.core.events
    known = operator.board.dictionary.events
    for name in ("trial.plain", "trial.low", "trial.medium"):
        events.raise_(known[name].id)
    events.raise_(known["trial.full"].id, 200, -300, 70000, 1.5)
    operator.run(0.2)
    operator.send(5, 6, "01 0101")
    operator.send(5, 7)


def _points(operator: Operator) -> None:
    """Values of every type, at the ends of their ranges, and structures made at run time."""
    for flag, small, level, real in ((1, 7, -32768, -1.5e30), (0, 5, 32767, float("inf")), (1, 0, 61, 0.1)):
        operator.set("trial.flag", flag)
        operator.set("trial.small", small)
        operator.set("trial.level", level)
        operator.set("trial.real", real)
        operator.run(1.2)
    operator.send(3, 1, "0200 000003E8 04 1001 1003 1002 1004")
    operator.send(3, 5, "01 0200", run_s=2.2)
    operator.send(3, 9, "04 0200 0001 0064 0066", run_s=2.2)
    operator.send(20, 1, "07 1000 1001 1002 1003 1010 1011 1012")
    operator.send(20, 128)


def _requests(operator: Operator) -> None:
    """Verification: every stage, successes and failures of each kind of value."""
    operator.send(17, 1)
    operator.send(8, 1, "0201 03 0000", run_s=0.6)  # steps, completed
    operator.send(8, 1, "0201 03 0123", run_s=0.6)  # steps, failed
    operator.send(8, 1, "0202 0130 00")
    operator.send(8, 1, "0202 0131 01")
    operator.send(8, 1, "0203")  # not armed
    operator.send(99, 1)
    operator.send(8, 1, "0200 05 FC 0000 0000 00000000 00000000 00000000 00 01")  # b is out of range
    operator.send(8, 1, "0200 05 00 0000 0000 00000000 00000000 40800000 00 01")  # g is out of range
    operator.send(8, 1, "0200 05 00 0000 0000 00000000 00000000 00000000 00 03")  # i has no such value


def _autonomy(operator: Operator) -> None:
    operator.send(9, 128, cuc(200_000_000, 0x8000))
    operator.send(9, 1, "00", run_s=2.2)
    operator.send(9, 129)
    ping = Telecommand(APID, 17, 1, b"", 77, ACK_ALL, 5).pack()
    activities = b"\x02" + cuc(200_000_900) + ping + cuc(200_001_000, 0x4000) + _every_type()
    operator.send(11, 4, activities)
    operator.send(11, 16)
    operator.send(11, 17)
    operator.send(12, 1, "02 0002 0004")
    operator.send(12, 15)
    for real, level in ((100.0, 40), (0.0, 300), (0.0, 0)):
        operator.set("trial.real", real)
        operator.set("trial.level", level)
        operator.run(1.5)
        operator.send(12, 10)
    operator.send(12, 8, "00")
    operator.send(12, 13, run_s=6)
    operator.send(19, 6)
    operator.send(19, 10, "00")
    steps = bytes.fromhex("00 00000000 02 1101") + bytes.fromhex("12 00000064 03 1002 00000007 000003E8")
    operator.send(21, 1, b"\x00\x40\x02" + steps)
    operator.send(21, 4, "0040", run_s=0.4)
    operator.send(21, 6)
    operator.send(21, 13)
    operator.send(21, 9, "0040")
    operator.send(21, 11, "0040", run_s=1)
    operator.send(21, 1, "0041 01 10 00000000 02 1109")  # a step that fails and is gone on from
    operator.send(21, 4, "0041", run_s=0.4)


def _every_type() -> bytes:
    data = struct.pack(">HBbHhIifBB", 0x0200, 5, -2, 65535, -1000, 100000, -100000, 0.5, 1, 4)
    return Telecommand(APID, 8, 1, data, 78, ACK_ALL, 5).pack()


FRAME_FILE_STEP = 3  # frames that a writer in a process of its own stores at a time


def frames_in(path: str) -> list[bytes]:
    """Frames of a file that holds them one behind the other."""
    octets = Path(path).read_bytes()
    return [octets[at : at + TM_FRAME_LENGTH] for at in range(0, len(octets), TM_FRAME_LENGTH)]


@cache
def record() -> Recording:
    """The recording; made once in a process."""
    operator = Operator()
    operator.run(3)
    _points(operator)
    _events(operator)
    _requests(operator)
    _autonomy(operator)
    operator.run(12)
    decoder = DownlinkDecoder()
    events = [event for octets in operator.octets for event in decoder.feed(octets)]
    return Recording(
        operator.board.dictionary,
        tuple(operator.octets),
        tuple(event.octets for event in events if isinstance(event, FrameReceived)),
        tuple(event.packet for event in events if isinstance(event, PacketReceived)),
    )
