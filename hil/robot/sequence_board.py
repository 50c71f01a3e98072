"""A test's ground as the sequence tools see a board."""

from __future__ import annotations

from flight.limits import APID
from perilune.dictionary import Dictionary
from perilune.packet.pus import Telecommand
from perilune.sequence.board import SentRequest
from perilune.telemetry import Report

from hil.ground import Ground

# Counts of these requests are apart from those of the ground's own commands.
_FIRST_COUNT, _COUNTS = 0x2000, 0x4000


class GroundBoard:
    """`perilune.sequence.board.SequenceBoard` over a `Ground`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._count = _FIRST_COUNT
        self._read = len(ground.reports)

    @property
    def dictionary(self) -> Dictionary:
        return self._ground.dictionary

    @property
    def room(self) -> int:
        return self._ground.session.encoder.room

    def now(self) -> float:
        return self._ground.target.now_s()

    def request(self, service: int, subtype: int, data: bytes = b"", text: str = "") -> SentRequest:
        packet = Telecommand(APID, service, subtype, data, sequence_count=self._count)
        self._count = _FIRST_COUNT | (self._count + 1) % _COUNTS
        request = self._ground.send_packet(packet, text)
        return SentRequest(text=request.text, telecommand=request.sent, reports=request.reports)

    def step(self, timeout_s: float) -> list[Report]:
        self._ground.step(timeout_s)
        reports = self._ground.reports[self._read :]
        self._read += len(reports)
        return reports
