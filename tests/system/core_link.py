"""The ground of the system tests: telecommands made and reports read by `spacepackets`, over a target's whole link.

Only the link below the packets is ours (frames, CLTUs): tests/codec and tests/flight hold that to literal octets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flight"))

import downlink_bytes
import uplink_bytes

APID = 0x64
TIME_LENGTH = 7  # P-field, 4 octets of seconds, 2 of fraction
FRAME = 260  # a TM frame with its marker


class Target(Protocol):
    """A board that a test reaches by octets."""

    def send(self, octets: bytes) -> None: ...

    def receive(self) -> bytes: ...

    def run(self, seconds: float) -> None: ...


class Ground:
    """Sends requests in authenticated BD frames and reads all packets that come down."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.count = 0
        self._number = 0
        self._frames = downlink_bytes.Ground()
        self._rest = b""
        self._read = 0

    def send(self, service: int, subtype: int, data: bytes = b"", **fields: int) -> PusTc:
        """One request with all acknowledgements, in a frame of its own."""
        packet = PusTc(
            apid=APID, service=service, message_subtype=subtype, app_data=data, seq_count=self.count & 0x3FFF, **fields
        )
        self.count += 1
        self.send_packets([bytes(packet.pack())])
        return packet

    def send_packets(self, packets: Iterable[bytes]) -> None:
        """Packets in one frame."""
        self._number += 1
        frame = uplink_bytes.protect(uplink_bytes.BD, 0, b"".join(packets), self._number)
        self.target.send(uplink_bytes.cltu(frame))

    def run(self, seconds: float) -> list[PusTm]:
        """Let time pass; every report that came down in it."""
        self.target.run(seconds)
        return self.receive()

    def receive(self) -> list[PusTm]:
        """Every report that has come down since the last call."""
        octets = self._rest + self.target.receive()
        whole = len(octets) // FRAME * FRAME
        self._rest = octets[whole:]
        for at in range(0, whole, FRAME):
            self._frames.take(octets[at : at + FRAME])
        packets = self._frames.packets[0][self._read :]
        self._read += len(packets)
        return [PusTm.unpack(packet, TIME_LENGTH) for packet in packets]
