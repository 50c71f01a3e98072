"""A service whose request fails when a report that answers it is lost. ECSS-E-ST-70-41C 6.1.5; SPEC 14.

The downlink refuses a report when its queue is full. An answer that needs several reports (a schedule, all parameters)
may lose some of them; its request must not be reported as completed then, or the ground takes a part for the whole.
What was asked for is done all the same. This is the one place that looks: services send and do not.
"""

from .base import Service
from .failure import DONE, REPORTS_LOST
from .request import NOWHERE, Request
from .telemetry import Telemetry
from .verification import Verification


class Answered(Service):
    """*service* as the router sees it. Allocates when made, never after."""

    def __init__(self, service: Service, tm: Telemetry, verification: Verification) -> None:
        self.service_type = service.service_type
        self._service = service
        self._tm = tm
        self._verification = verification

    def check(self, request: Request) -> int:
        return self._service.check(request)

    def handle(self, request: Request) -> int:
        tm = self._tm
        lost = tm.lost
        status = self._service.handle(request)
        if status != DONE or tm.lost == lost:
            return status
        self._verification.started(request)
        return request.blame(REPORTS_LOST, NOWHERE, (tm.lost - lost) & 0xFFFF)
