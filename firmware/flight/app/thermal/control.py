"""How much heat a zone should have: PI control by heater, with deadband and anti-windup.

duty = gain * error + integral; the integral grows by gain * error * dt / integral_s, stays within 0..1, and stands
still while the heater gets less than was asked (budget, cut-out, supply) or is at an end of its range.
"""

from .places import HEATERS, Places


class Control:
    """Allocates when made, never after. integral: by heater, 0..1."""

    def __init__(self, values: "list[float]", places: Places) -> None:
        self._values = values
        self._places = places
        self.integral = [0.0] * HEATERS

    def duty(self, heater: int, error_k: float, dt_s: int, limited: bool) -> float:
        """Duty 0..1 for *heater* whose zone is *error_k* too cold. limited: it did not get what it asked for."""
        values = self._values
        places = self._places
        band = values[places.deadband_k]
        if error_k > band:
            error_k -= band
        elif error_k < -band:
            error_k += band
        else:
            error_k = 0.0
        share = values[places.gain + heater] * error_k
        integral = self.integral[heater]
        wanted = share + integral
        up = error_k > 0
        if not (up and (limited or wanted >= 1.0)):
            integral += share * dt_s / values[places.integral + heater]
            integral = min(1.0, max(0.0, integral))
            self.integral[heater] = integral
            wanted = share + integral
        return min(1.0, max(0.0, wanted))

    def hold(self, heater: int, duty: float) -> None:
        """Begin at *duty* when control comes back: somebody else decides now."""
        self.integral[heater] = duty
