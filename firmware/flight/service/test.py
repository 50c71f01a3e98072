"""ST[17] test: are you alive (17/1, 17/2). ECSS-E-ST-70-41C 6.17."""

from micropython import const

from .base import Service
from .failure import DONE
from .request import Request
from .telemetry import Telemetry

_REPORT = const(2)


class ConnectionTest(Service):
    """Answers 17/1 with 17/2, which has no data."""

    service_type = 17

    def __init__(self, tm: Telemetry) -> None:
        self._tm = tm

    def handle(self, request: Request) -> int:
        self._tm.begin(17, _REPORT, request.source)
        self._tm.send()
        return DONE
