"""State of charge: coulombs counted, corrected by the open-circuit voltage at rest, kept over a restart.

The charge is an integer of mA s (105 A h are 378 000 000), so that small currents are not lost beside it in the board's
floats. At rest (a small current for `rest_s`) the voltage less the drop over the resistance is looked up in the table
of open-circuit voltages; the count follows what that says with `correction_s` as time constant. A difference above
`jump_pct` is believed in one case only: as many cells less in series as make both agree. Else it is told and the
count goes on. While a current flows the voltage says less, so only lost cells are looked for, and they have to explain
it for `rest_s` without a break: a charger must not fill seven cells with the voltage of eight.

Cold leaves a part of the charge out of reach: the voltage is that of the share of the reachable charge.
"""

from micropython import const

# States of charge of the open-circuit voltages among the parameters, in percent: the curve is steep at its foot.
_OCV_PERCENT = (0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
# Temperatures at which the reachable shares of the parameters stand, degC.
_REACH_C = (-40, -20, 0, 20, 40)
_MAS_PER_AH: int = const(3_600_000)
# A gap in the readings up to this is counted with the worse of the currents around it.
_GAP_MAX_S: int = const(3600)
_CELLS_LOST_MAX: int = const(2)
_AGREES_PCT: int = const(8)
_NOBODY_KNOWS: int = const(-1)

NOTHING = const(0)
DISAGREES = const(1)
CELL_LOST = const(2)
CELL_BACK = const(3)


class StateOfCharge:
    """charge_mas: in the battery. series_lost: cells that do not add to the voltage. known: there is a state at all.

    mismatch_pct: open-circuit voltage less count, when last compared. corrections: mod 65536. Allocates when made.
    """

    def __init__(self, core) -> None:  # type: ignore[no-untyped-def]
        ids = core.ids
        index = core.index
        self._values = core.values
        self._capacity = index(ids.POWER_CAPACITY_AH)
        self._efficiency = index(ids.POWER_CHARGE_EFFICIENCY)
        self._series = index(ids.POWER_CELLS_IN_SERIES)
        self._resistance = index(ids.POWER_RESISTANCE_OHM)
        self._resistance_per_k = index(ids.POWER_RESISTANCE_PER_K)
        self._rest_a = index(ids.POWER_REST_A)
        self._rest_after_s = index(ids.POWER_REST_S)
        self._correction_s = index(ids.POWER_CORRECTION_S)
        self._jump = index(ids.POWER_JUMP_PCT)
        # Parameters with neighbouring ids have neighbouring places.
        self._ocv = index(ids.POWER_OCV_000_MV)
        self._reach = index(ids.POWER_REACH_M40_PCT)
        assert index(ids.POWER_OCV_100_MV) == self._ocv + len(_OCV_PERCENT) - 1
        assert index(ids.POWER_REACH_40_PCT) == self._reach + len(_REACH_C) - 1
        self.charge_mas = 0
        self.known = False
        self.series_lost = 0
        self.mismatch_pct = 0.0
        self.corrections = 0
        self._last_a = 0.0
        self._resting_s = 0
        self._suspected = _NOBODY_KNOWS
        self._suspected_s = 0

    def share_left(self) -> float:
        """Part of the cells in series that is left, by which all voltages of the battery are lower."""
        series = self._values[self._series]
        left = series - self.series_lost
        return float((left if left > 1 else 1) / series)

    def capacity_mas(self) -> int:
        """Charge of a full battery."""
        return int(self._values[self._capacity] * _MAS_PER_AH)

    def percent(self) -> float:
        """State of charge at 25 degC, 0..100."""
        return 100.0 * self.charge_mas / self.capacity_mas()

    def set_percent(self, percent: float) -> None:
        """The state of charge is known to be this."""
        self.charge_mas = int(self.capacity_mas() * (percent * 0.01))
        self.known = True

    def reach_pct(self, celsius: float) -> float:
        """Share of the capacity that can be taken out at this temperature."""
        values = self._values
        at = self._reach
        if celsius <= _REACH_C[0]:
            return float(values[at])
        for k in range(1, len(_REACH_C)):
            if celsius < _REACH_C[k]:
                low = _REACH_C[k - 1]
                share = (celsius - low) / (_REACH_C[k] - low)
                return float(values[at + k - 1] + share * (values[at + k] - values[at + k - 1]))
        return float(values[at + len(_REACH_C) - 1])

    def usable_pct(self, celsius: float) -> float:
        """Part of the capacity that can still be taken out at this temperature, 0..100."""
        usable = self.percent() - 100.0 + self.reach_pct(celsius)
        return usable if usable > 0.0 else 0.0

    def at_rest_pct(self, volts: float, amperes: float, celsius: float, series_lost: int) -> float:
        """State of charge that the voltage says."""
        values = self._values
        per_k = values[self._resistance_per_k] * (25.0 - celsius)
        ohms = values[self._resistance] * (1.0 + (per_k if per_k > 0.0 else 0.0))
        cell_mv = (volts - amperes * ohms) * 1000.0 / (values[self._series] - series_lost)
        at = self._ocv
        share = 100.0
        for k in range(len(_OCV_PERCENT)):
            if cell_mv < values[at + k]:
                if k == 0:
                    share = 0.0
                else:
                    part = (cell_mv - values[at + k - 1]) / (values[at + k] - values[at + k - 1])
                    share = _OCV_PERCENT[k - 1] + part * (_OCV_PERCENT[k] - _OCV_PERCENT[k - 1])
                break
        reach = self.reach_pct(celsius)
        percent = share * 0.01 * reach + 100.0 - reach
        return percent if percent > 0.0 else 0.0

    def update(self, volts: float, amperes: float, celsius: float, elapsed_s: int) -> int:
        """New readings, *elapsed_s* after those before: NOTHING, DISAGREES, CELL_LOST or CELL_BACK."""
        values = self._values
        if not self.known:
            self.set_percent(self.at_rest_pct(volts, amperes, celsius, 0))
            self._last_a = amperes
            return NOTHING
        mean_a = amperes
        if self._last_a < amperes:
            mean_a = self._last_a if elapsed_s > 60 else (self._last_a + amperes) * 0.5
        if mean_a > 0.0:
            mean_a *= values[self._efficiency]
        self._last_a = amperes
        added = mean_a * 1000.0 * (elapsed_s if elapsed_s < _GAP_MAX_S else _GAP_MAX_S)
        self._add(int(added + (0.5 if added > 0.0 else -0.5)))
        if abs(amperes) > values[self._rest_a]:
            self._resting_s = 0
            return self._suspect(volts, amperes, celsius, elapsed_s)
        self._resting_s += elapsed_s
        if self._resting_s < values[self._rest_after_s]:
            return NOTHING
        self._resting_s = int(values[self._rest_after_s])
        return self._correct(volts, amperes, celsius, elapsed_s)

    def _add(self, mas: int) -> None:
        charge = self.charge_mas + mas
        full = self.capacity_mas()
        self.charge_mas = 0 if charge < 0 else full if charge > full else charge

    def _correct(self, volts: float, amperes: float, celsius: float, elapsed_s: int) -> int:
        values = self._values
        percent = self.percent()
        difference = self.at_rest_pct(volts, amperes, celsius, self.series_lost) - percent
        self.mismatch_pct = difference
        if abs(difference) > values[self._jump]:
            lost = self._explanation(volts, amperes, celsius, percent)
            return self._believe(lost) if lost != _NOBODY_KNOWS else DISAGREES
        part = elapsed_s / values[self._correction_s]
        self._add(int(self.capacity_mas() * (difference * 0.01 * (part if part < 1.0 else 1.0))))
        self.corrections = (self.corrections + 1) & 0xFFFF
        return NOTHING

    def _explanation(self, volts: float, amperes: float, celsius: float, percent: float) -> int:
        """How many lost cells make voltage and count agree, other than those that are known; or _NOBODY_KNOWS."""
        for lost in range(_CELLS_LOST_MAX + 1):
            other = self.at_rest_pct(volts, amperes, celsius, lost) - percent
            if lost != self.series_lost and abs(other) < _AGREES_PCT:
                return lost
        return _NOBODY_KNOWS

    def _suspect(self, volts: float, amperes: float, celsius: float, elapsed_s: int) -> int:
        """Lost cells while a current flows."""
        values = self._values
        percent = self.percent()
        lost = _NOBODY_KNOWS
        if abs(self.at_rest_pct(volts, amperes, celsius, self.series_lost) - percent) > values[self._jump]:
            lost = self._explanation(volts, amperes, celsius, percent)
        if lost != self._suspected:
            self._suspected = lost
            self._suspected_s = 0
        if lost == _NOBODY_KNOWS:
            return NOTHING
        self._suspected_s += elapsed_s
        return self._believe(lost) if self._suspected_s >= values[self._rest_after_s] else NOTHING

    def _believe(self, lost: int) -> int:
        found = CELL_LOST if lost > self.series_lost else CELL_BACK
        self.series_lost = lost
        self._suspected = _NOBODY_KNOWS
        self._suspected_s = 0
        return found
