"""From a wanted duty to one that a heater is told: small steps are left out, switches get their rest.

Where the unit modulates, a heater that was off stays off for min_off_s and one that was on is not off before min_on_s
(it keeps one step of duty); a new duty is told when it is a step away from the old one. Where somebody has to switch
(`switched`, or a heater that only its arm switch can hold), the output is 0 or 1: the heat that is owed is counted in
seconds of the heater, on when min_on_s are owed, off when nothing is.
"""

from .places import HEATERS, Places

_TIME_MAX_S = 0x7FFF


class Switching:
    """Allocates when made, never after. output: what the heater was told last, by heater; set it with told()."""

    def __init__(self, values: "list[float]", places: Places) -> None:
        self._values = values
        self._places = places
        self.output = [0.0] * HEATERS
        self._since_s = [_TIME_MAX_S] * HEATERS
        self._owed_s = [0.0] * HEATERS

    def duty(self, heater: int, wanted: float, dt_s: int, switched: bool) -> float:
        """What to tell *heater*, *dt_s* after the call before. switched: 0 or 1."""
        values = self._values
        places = self._places
        output = self.output[heater]
        since_s = self._since_s[heater]
        if since_s < _TIME_MAX_S - dt_s:
            self._since_s[heater] = since_s = since_s + dt_s
        if switched:
            return self._switch(heater, wanted, dt_s)
        step = values[places.duty_step]
        if wanted < step / 2:
            # Off, as soon as it has been on for long enough.
            return 0.0 if output == 0.0 or since_s >= values[places.min_on_s] else min(output, step)
        if output == 0.0:
            return max(wanted, step) if since_s >= values[places.min_off_s] else 0.0
        if wanted >= 1.0 or wanted - output >= step or output - wanted >= step:
            return max(wanted, step) if wanted < 1.0 else 1.0
        return output

    def _switch(self, heater: int, wanted: float, dt_s: int) -> float:
        values = self._values
        places = self._places
        output = self.output[heater]
        since_s = self._since_s[heater]
        on_s = values[places.min_on_s]
        # Bounded: what a long want of power has left undone is not made up for.
        owed_s = self._owed_s[heater] + (wanted - output) * dt_s
        owed_s = min(2.0 * on_s, max(-2.0 * on_s, owed_s))
        self._owed_s[heater] = owed_s
        if output:
            return 0.0 if owed_s <= 0.0 and since_s >= on_s else 1.0
        return 1.0 if wanted > 0.0 and owed_s >= on_s and since_s >= values[places.min_off_s] else 0.0

    def told(self, heater: int, output: float) -> None:
        """*heater* has been told *output*, by whoever decided last."""
        if (output > 0.0) != (self.output[heater] > 0.0):
            self._since_s[heater] = 0
        self.output[heater] = output
