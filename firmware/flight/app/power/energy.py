"""Will the charge last until sunrise, and what may the heaters take?

Forecast: what the battery can give at its present temperature down to `reserve_pct`, less what the dark time still
takes. The dark time is night.to_sunrise_s, less the day that is left until night.to_sunset_s; where no app tells
them, a whole night (`night_s`): too much rather than too little; none where the sun stays up. What the night takes is
`night_power_w` until an hour of it has been measured, then the mean of the measured discharge with `night_mean_s` as
time constant.

Budget of the heaters: by day `heater_max_w`. On the battery an even share of what can be given over the dark time,
times `heater_peak`, less the other loads, and never below `heater_min_w`; when the charge is critical
`heater_critical_w`. Nothing while the heaters' supply may not be on.
"""

from micropython import const

from ..lunar_day import NEVER_S

STATE_NORMAL = const(0)
STATE_LOW = const(1)
STATE_CRITICAL = const(2)

_MEASURED_AFTER_S: int = const(3600)
_LONG_S: int = const(1_000_000_000)


class Energy:
    """margin_wh, available_wh, dark_s, night_w, budget_w: results. state: STATE_... . Allocates when made."""

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        ids = core.ids
        index = core.index
        self._values = core.values
        self._capacity = index(ids.POWER_CAPACITY_AH)
        self._nominal_v = index(ids.POWER_NOMINAL_V)
        self._reserve = index(ids.POWER_RESERVE_PCT)
        self._night_s = index(ids.POWER_NIGHT_S)
        self._night_power = index(ids.POWER_NIGHT_POWER_W)
        self._night_mean = index(ids.POWER_NIGHT_MEAN_S)
        self._heater_max = index(ids.POWER_HEATER_MAX_W)
        self._heater_min = index(ids.POWER_HEATER_MIN_W)
        self._heater_critical = index(ids.POWER_HEATER_CRITICAL_W)
        self._heater_peak = index(ids.POWER_HEATER_PEAK)
        self._low_pct = index(ids.POWER_LOW_CHARGE_PCT)
        self._critical_pct = index(ids.POWER_CRITICAL_CHARGE_PCT)
        self._charge_back = index(ids.POWER_CHARGE_BACK_PCT)
        self._low_v = index(ids.POWER_LOW_V)
        self._critical_v = index(ids.POWER_CRITICAL_V)
        self._back_v = index(ids.POWER_BACK_V)
        # Of another app, which a mission may not have.
        sunrise = getattr(ids, "NIGHT_TO_SUNRISE_S", 0)
        sunset = getattr(ids, "NIGHT_TO_SUNSET_S", 0)
        self._sunrise = index(sunrise) if sunrise else -1
        self._sunset = index(sunset) if sunset else -1
        elevation = getattr(ids, "NIGHT_SUN_ELEVATION_DEG", 0)
        self._elevation = index(elevation) if sunset and elevation else -1
        self._horizon = index(ids.NIGHT_HORIZON_DEG) if self._elevation >= 0 else -1
        self.state = STATE_NORMAL
        self.margin_wh = self.available_wh = self.budget_w = 0.0
        self.dark_s = 0
        self.night_w = 0.0
        self._measured_s = 0

    def _dark(self) -> int:
        """Seconds of darkness until the next sunrise."""
        values = self._values
        night_s = int(values[self._night_s])
        to_sunrise_s = int(values[self._sunrise]) if self._sunrise >= 0 else 0
        if to_sunrise_s <= 0:
            return night_s
        to_sunset_s = int(values[self._sunset]) if self._sunset >= 0 else _LONG_S
        if self._elevation >= 0 and to_sunrise_s == to_sunset_s == NEVER_S:
            return 0 if values[self._elevation] > values[self._horizon] else to_sunrise_s
        # By day the next sunset is before the next sunrise.
        dark_s = to_sunrise_s - to_sunset_s if 0 < to_sunset_s < to_sunrise_s else to_sunrise_s
        return dark_s

    def battery_wh(self, share_left: float) -> float:
        """Of a full battery."""
        values = self._values
        return float(values[self._capacity] * values[self._nominal_v] * share_left)

    def update(
        self, usable_pct: float, share_left: float, discharge_w: float, others_w: float, supply_on: bool, elapsed_s: int
    ) -> None:
        """New readings. share_left: of the cells. discharge_w: out of the battery, 0 while sources carry the bus.

        others_w: loads but heaters.
        """
        values = self._values
        available = (usable_pct - values[self._reserve]) * 0.01 * self.battery_wh(share_left)
        self.available_wh = available
        self._measure(discharge_w, elapsed_s)
        dark_s = self._dark()
        self.dark_s = dark_s
        hours = dark_s / 3600.0
        self.margin_wh = available - self.night_w * hours
        if not supply_on:
            self.budget_w = 0.0
            return
        high = values[self._heater_max]
        if self.state == STATE_CRITICAL:
            high = values[self._heater_critical]
        elif discharge_w > 0.0:
            share = available / (hours if hours > 1.0 else 1.0) * values[self._heater_peak] - others_w
            least = values[self._heater_min]
            high = min(high, share if share > least else least)
        self.budget_w = float(high)

    def _measure(self, discharge_w: float, elapsed_s: int) -> None:
        values = self._values
        if discharge_w <= 0.0:
            # A new night begins with what is expected of it.
            self._measured_s = 0
            self.night_w = values[self._night_power]
            return
        part = elapsed_s / values[self._night_mean]
        if self._measured_s == 0:
            self.night_w = values[self._night_power]
        if self._measured_s < _MEASURED_AFTER_S:
            self._measured_s += elapsed_s
            return
        self.night_w += (discharge_w - self.night_w) * (part if part < 1.0 else 1.0)

    def judge(self, soc_pct: float, soc_known: bool, battery_v: float, volts_valid: bool) -> bool:
        """Find the state anew; True when it changed. It gets better only `charge_back_pct`, `back_v` above.

        A voltage that is not valid says nothing.
        """
        values = self._values
        before = self.state
        low = values[self._low_pct] + (values[self._charge_back] if before >= STATE_LOW else 0)
        critical = values[self._critical_pct] + (values[self._charge_back] if before == STATE_CRITICAL else 0)
        percent = soc_pct if soc_known else 100.0
        back_v = values[self._back_v]
        critical_v = values[self._critical_v] + (back_v if before == STATE_CRITICAL else 0)
        low_v = values[self._low_v] + (back_v if before >= STATE_LOW else 0)
        if percent < critical or (volts_valid and battery_v < critical_v):
            self.state = STATE_CRITICAL
        elif percent < low or (volts_valid and battery_v < low_v):
            self.state = STATE_LOW
        else:
            self.state = STATE_NORMAL
        return self.state != before
