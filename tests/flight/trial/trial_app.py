"""The app of the trial mission: shows what an app can do, and lets tests look at what it was told."""

from flight.app.base import App
from flight.service.failure import APP, DEFERRED, DONE, EXECUTIONS_FULL, UNKNOWN_FUNCTION


class Trial(App):
    """calls: how often each function was performed; arguments: of the latest call."""

    def __init__(self, core):
        super().__init__(core)
        ids = core.ids
        self.values = core.values
        self.steps = core.supply(ids.TRIAL_STEPS)
        self.modes = core.supply(ids.TRIAL_MODES)
        for point in (ids.TRIAL_FLAG, ids.TRIAL_SMALL, ids.TRIAL_LEVEL, ids.TRIAL_REAL):
            core.supply(point)
        self.mode = -1
        self.active = False
        self.calls = 0
        self.arguments = [0] * 12
        self.octets = bytearray(32)
        self.count = 0
        self._slot = -1
        self._left = 0
        self._step = 0
        self._code = 0
        self._slow = ids.FUNCTION_TRIAL_SLOW
        self._fail = ids.FUNCTION_TRIAL_FAIL
        self._load = ids.FUNCTION_TRIAL_LOAD
        self._others = (ids.FUNCTION_TRIAL_EVERY_TYPE, ids.FUNCTION_TRIAL_DANGEROUS, ids.FUNCTION_TRIAL_SAFE_ONLY)

    def command(self, function, request):
        self.calls += 1
        args = request.args
        for i in range(len(self.arguments)):
            self.arguments[i] = args[i]
        if function in self._others:
            return DONE
        if function == self._slow:
            return self._begin(request)
        if function == self._fail:
            if args[1]:
                self.core.verification.started(request)
            return request.blame(int(args[0]), 1, int(args[0]))
        if function == self._load:
            self.count = request.data_end - request.at
            for i in range(self.count):
                self.octets[i] = request.u8(request.at + i)
            return DONE
        return UNKNOWN_FUNCTION

    def _begin(self, request):
        slot = self.core.verification.defer(request)
        if slot < 0:
            return EXECUTIONS_FULL
        self._slot = slot
        self._left = int(request.args[0])
        code = int(request.args[1])
        self._code = code and code | APP  # an app's own codes begin there
        self._step = 0
        return DEFERRED

    def step_10hz(self):
        self.values[self.steps] += 1
        if self._slot < 0:
            return
        self._step += 1
        self._left -= 1
        if self._left:
            self.core.verification.progress(self._slot, self._step)
            return
        if self._code:
            self.core.verification.abort(self._slot, self._code, 0, self._step)
        else:
            self.core.verification.close(self._slot)
        self._slot = -1

    def mode_changed(self, mode, active):
        self.values[self.modes] += 1
        self.mode = mode
        self.active = active
