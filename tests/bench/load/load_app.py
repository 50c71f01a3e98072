"""The app of the benchmark: six heaters under PI control at 10 Hz, each with its telemetry, in a model of their plates.

It also notes when the first frame of the start went to the link's port.
"""

from flight.app.base import App
from flight.hal.null import Port

LOOPS = 6
POINTS = 8  # of a loop: temperature, set point, power, integral, reading, voltage, current, state
STEP_S = 0.1
POWER_MAX_W = 20.0
# Plate of the model.
CAPACITY_J_K = 50.0
LOSS_W_K = 0.2
AMBIENT_DEGC = -20.0


class FirstFrame(Port):
    """Stands before the link's port until the first frame has gone there; leaves its time in `values[index]`."""

    def __init__(self, core, index):
        self._core = core
        self._port = core.hal.link
        self._index = index

    def read_into(self, buffer):
        return self._port.read_into(buffer)

    def write(self, buffer, start=0, end=-1):
        taken = self._port.write(buffer, start, end)
        self._core.values[self._index] = self._core.hal.clock.ticks_us()
        self._core.link_loop._port = self._port
        return taken

    def counters(self, out):
        self._port.counters(out)


class Load(App):
    """Allocates when made, never after."""

    def __init__(self, core):
        super().__init__(core)
        ids = core.ids
        core.link_loop._port = FirstFrame(core, core.supply(ids.LOAD_FIRST_FRAME_US))
        self._values = values = core.values
        # Ids of the loops follow each other, and so do their places.
        self._first = core.index(ids.LOAD_TEMP_0)
        for place in range(LOOPS * POINTS):
            core.supply(ids.LOAD_TEMP_0 + place)
        for loop in range(LOOPS):
            values[self._first + POINTS * loop] = AMBIENT_DEGC
            values[self._first + POINTS * loop + 1] = 5.0 * loop
            values[self._first + POINTS * loop + 3] = 0.0

    def step_10hz(self):
        values = self._values
        for loop in range(LOOPS):
            at = self._first + POINTS * loop
            temp = values[at]
            error = values[at + 1] - temp
            integral = values[at + 3] + 0.02 * error * STEP_S
            power = 1.5 * error + integral
            if power > POWER_MAX_W:
                power = POWER_MAX_W
                integral = values[at + 3]
            elif power < 0.0:
                power = 0.0
                integral = values[at + 3]
            temp += (power - LOSS_W_K * (temp - AMBIENT_DEGC)) * STEP_S / CAPACITY_J_K
            values[at] = temp
            values[at + 2] = power
            values[at + 3] = integral
            values[at + 4] = int((temp + 40.0) * 32.0)
            values[at + 5] = 28000 - int(power * 20.0)
            values[at + 6] = int(power * 35.0)
            values[at + 7] = 1
