"""What an application is: its functions, the points it supplies, its steps, what it does in each mode.

An app sees the board through the `core` it is made with: core.ids (names of the dictionary as numbers, at start only),
core.supply(id) and core.index(id) (places in core.values), core.values, core.events, core.verification.
"""

from ..service.failure import UNKNOWN_FUNCTION
from ..service.request import Request


class App:
    """Base of all apps. A step is a method `step_10hz`, `step_1hz` or `step_01hz`; an app has those that it needs.

    The steps run in the modes that the dictionary's [subsystem] names in `modes`; functions are always taken, in the
    modes that each one names.
    """

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        self.core = core

    def command(self, function: int, request: Request) -> int:
        """Perform one of the app's functions: DONE, DEFERRED or a failure code; arguments are in request.args."""
        return UNKNOWN_FUNCTION

    def mode_changed(self, mode: int, active: bool) -> None:
        """The board is now in *mode* (tables.MODE_...); *active*: the app's steps run in it."""
