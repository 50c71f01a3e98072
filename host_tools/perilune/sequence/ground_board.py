"""A board behind the ground of the operators' tools, which owns the port or shares it, as sequences need it."""

from __future__ import annotations

from flight.limits import APID, TC_FRAME_MAX

from ..client.ground import Ground
from ..client.link_protocol import Submission
from ..dictionary.model import Dictionary
from ..packet.pus import Telecommand
from ..telemetry.reports import Report, VerificationReport
from .board import SentRequest

# Frame header 5, segment header 1, security header 6, MAC 16, FECF 2.
_FRAME_OVERHEAD = 30


class GroundBoard:
    """The board of a Ground. It must have said that it speaks our dictionary: `Ground.check_dictionary`."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._open: list[tuple[Submission, SentRequest]] = []

    @property
    def dictionary(self) -> Dictionary:
        return self.ground.dictionary

    @property
    def room(self) -> int:
        return TC_FRAME_MAX - _FRAME_OVERHEAD

    def now(self) -> float:
        return self.ground.clock()

    def request(self, service: int, subtype: int, data: bytes = b"", text: str = "") -> SentRequest:
        submission = self.ground.link.submit(Telecommand(APID, service, subtype, data))
        request = SentRequest(text or f"{service}/{subtype}", submission)
        self._open.append((submission, request))
        return request

    def step(self, timeout_s: float) -> list[Report]:
        reports = [report for report in self.ground.step(timeout_s) if isinstance(report, Report)]
        for report in reports:
            if isinstance(report, VerificationReport) and report.header.destination == 0:
                for submission, request in self._open:
                    if submission.request_id == report.request_id:
                        request.reports.append(report)
        self._open = [row for row in self._open if not row[1].is_over]
        return reports
