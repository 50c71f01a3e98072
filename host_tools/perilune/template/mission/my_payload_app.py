"""The app of my_payload: takes samples at its period while it is told to.

It runs unchanged on CPython and on the board, where nothing may be allocated once it runs: make every buffer in
`__init__`, keep integers below 2^30.
"""

from flight.app.base import App
from flight.service.failure import APP, DEFERRED, DONE, EXECUTIONS_FULL, UNKNOWN_FUNCTION

IDLE = 0  # as `activity` in my_payload.toml
MEASURING = 1
STOPPED = APP  # this app's own failure codes: of a measurement that did not come to its end,
BUSY = APP + 1  # and of one that was not begun


class MyPayload(App):
    """Takes one sample in every period."""

    def __init__(self, core):
        super().__init__(core)
        ids = core.ids
        self.values = core.values
        self.activity = core.supply(ids.MY_PAYLOAD_ACTIVITY)
        self.taken = core.supply(ids.MY_PAYLOAD_TAKEN)
        self.total = core.supply(ids.MY_PAYLOAD_TOTAL)
        self.period = core.index(ids.MY_PAYLOAD_PERIOD_S)
        self._measure = ids.FUNCTION_MY_PAYLOAD_MEASURE
        self._stop = ids.FUNCTION_MY_PAYLOAD_STOP
        self._finished = ids.EVENT_MY_PAYLOAD_FINISHED
        self._stopped = ids.EVENT_MY_PAYLOAD_STOPPED
        self._slot = -1  # of the command whose end is still to be reported
        self._wanted = 0
        self._wait_s = 0

    def command(self, function, request):
        """Arguments are checked against the dictionary before they come here."""
        if function == self._measure:
            return self._begin(request)
        if function == self._stop:
            if self._slot >= 0:
                self._end(False)
            return DONE
        return UNKNOWN_FUNCTION

    def step_1hz(self):
        """One second has passed."""
        if self._slot < 0:
            return
        self._wait_s -= 1
        if self._wait_s > 0:
            return
        self._wait_s = self.values[self.period]
        self.values[self.taken] += 1  # here an instrument would be read
        self.values[self.total] += 1
        if self.values[self.taken] == self._wanted:
            self._end(True)

    def _begin(self, request):
        if self._slot >= 0:
            return BUSY
        slot = self.core.verification.defer(request)
        if slot < 0:
            return EXECUTIONS_FULL
        self._slot = slot
        self._wanted = request.args[0]
        self._wait_s = self.values[self.period]
        self.values[self.taken] = 0
        self.values[self.activity] = MEASURING
        return DEFERRED

    def _end(self, complete):
        taken = self.values[self.taken]
        if complete:
            self.core.verification.close(self._slot)
            self.core.events.raise_(self._finished, taken)
        else:
            self.core.verification.abort(self._slot, STOPPED, 0, taken)
            self.core.events.raise_(self._stopped, taken)
        self._slot = -1
        self.values[self.activity] = IDLE
