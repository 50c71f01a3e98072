"""A heater behind a switch that is on for a share of the time.

What the heater is owed grows by the duty and shrinks while it is on: it is switched on when it is owed `min_on_s`, and
off when it is owed nothing, but never sooner after the last change than the shortest times allow. So any duty is met in
the mean, small ones too. Disarmed it is off at once.
"""

from micropython import const

from ..hal.null import Output

# More than this is not owed, in units of the shortest time on: old debts would overheat.
_DEBT_MAX: int = const(3)


class HeaterSwitch:
    """duty: 0..1. armed. on: as switched. Allocates when made, never after."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.duty = 0.0
        self.armed = False
        self.on = False
        self._owed_s = 0.0
        self._since_s = 0

    def step(self, elapsed_s: int, min_on_s: int, min_off_s: int) -> None:
        """Time goes on."""
        self._since_s += elapsed_s
        if not self.armed:
            self._owed_s = 0.0
            self._switch(False)
            return
        owed_s = self._owed_s + elapsed_s * (self.duty - (1.0 if self.on else 0.0))
        most_s = _DEBT_MAX * min_on_s
        self._owed_s = most_s if owed_s > most_s else -most_s if owed_s < -most_s else owed_s
        if self.on:
            if self._since_s >= min_on_s and self._owed_s <= 0.0 and self.duty < 1.0:
                self._switch(False)
        elif self._since_s >= min_off_s and (self._owed_s >= min_on_s or self.duty >= 1.0):
            self._switch(True)

    def _switch(self, on: bool) -> None:
        if on != self.on:
            self._since_s = 0
        self.on = on
        self._output.set(on)
