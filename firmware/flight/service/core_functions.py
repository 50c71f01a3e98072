"""The core's own functions of ST[08]: arm, restart, collect the heap. dictionary/core.toml defines them."""

import gc

from .failure import DONE, UNKNOWN_FUNCTION
from .function import FunctionHandler
from .request import Request


class CoreFunctions(FunctionHandler):
    """core: the board. Allocates when made, never after."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        self._core = core
        ids = core.ids
        self._arm = ids.FUNCTION_CORE_ARM
        self._restart = ids.FUNCTION_CORE_RESTART
        self._collect = ids.FUNCTION_CORE_COLLECT_HEAP
        for function in (self._arm, self._restart, self._collect):
            core.functions.add(function, self)

    def command(self, function: int, request: Request) -> int:
        args = request.args
        if function == self._arm:
            self._core.router.arm(int(args[0]), int(args[1]), int(args[2]))
            return DONE
        if function == self._restart:
            # The report of this request must leave first: the run ends, Core.farewell() sends what is queued.
            self._core.executive.running = False
            return DONE
        if function == self._collect:
            gc.collect()
            self._core.points.started()
            return DONE
        return UNKNOWN_FUNCTION
