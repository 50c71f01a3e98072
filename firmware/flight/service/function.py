"""ST[08] function management: 8/1 performs a function of an app or of the core. ECSS-E-ST-70-41C 6.8.

Application data: function id (2 octets), then the function's arguments as the dictionary lays them out.
"""

from ..hal.null import Hal
from ..tables import NO_APP
from .base import Service
from .failure import STATE, UNKNOWN_FUNCTION
from .request import Request
from .router import Router


class FunctionHandler:
    """Who performs functions: an app, or a part of the core."""

    def command(self, function: int, request: Request) -> int:
        """Perform *function* with request.args: DONE, DEFERRED or a failure code."""
        raise NotImplementedError  # as Service.handle()


class FunctionGuard:
    """Who may refuse the functions of an app."""

    def allows(self, app: int, request: Request) -> bool:
        """May *request* come to app number *app*, 0 = the first?"""
        return True


class Functions(Service):
    """Hands functions on. The core's own functions have a handler each, an app's go to the app if `guard` allows it."""

    service_type = 8

    def __init__(self, router: Router, hal: Hal) -> None:
        self._router = router
        self._apps: list[FunctionHandler] = []
        self._core: dict[int, FunctionHandler] = {}
        self._hal = hal
        self.guard = FunctionGuard()

    def add_app(self, app: FunctionHandler) -> None:
        """The next app, in the order of APPS."""
        self._apps.append(app)

    def add(self, function: int, handler: FunctionHandler) -> None:
        """Give the core's *function* to *handler*."""
        assert function not in self._core, function
        self._core[function] = handler

    def handle(self, request: Request) -> int:
        number = self._router.app_of(request)
        if number != NO_APP:
            if not self.guard.allows(number, request):
                return request.blame(STATE, 0, request.function)
            self._hal.note_app(number + 1)
            status = self._apps[number].command(request.function, request)
            self._hal.note_app(0)
            return status
        handler = self._core.get(request.function)
        return UNKNOWN_FUNCTION if handler is None else handler.command(request.function, request)
