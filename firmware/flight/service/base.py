"""What every service is to the router."""

from .failure import DONE
from .request import Request


class Service:
    """A PUS service. service_type: its number.

    handle() returns DONE, DEFERRED or a failure code. A code returned before verification.started(request) was called
    is a failure of the start (1/4), after it one of the completion (1/8).
    """

    service_type = 0

    def check(self, request: Request) -> int:
        """Judge application data that the command table cannot judge, before acceptance: DONE or a code."""
        return DONE

    def handle(self, request: Request) -> int:
        """Execute the accepted request."""
        # Every service has its own. One whose name a turned bit has hidden ends the program: the board starts anew.
        raise NotImplementedError
