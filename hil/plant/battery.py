"""The lithium-ion battery: charge, open-circuit voltage, resistance, what cold and age take away.

Lives here: the pack as its terminals and its heat see it. Does not live here: who charges it (power.py).

State is the charge in the pack as if no cell were lost; lost cells scale what the terminals see, so that a fault that
is cleared leaves no trace. Cold leaves part of the charge out of reach: the open-circuit voltage is read at the share
of the reachable charge. Charging below 0 degC plates lithium: part of the charge and of the capacity is gone for ever.
Currents: positive charges. Temperatures in degC, charge in A h.
"""

from __future__ import annotations

from hil.plant.payload import BatteryData
from hil.plant.tables import Table

# Even steps of the tables: 0.1 % of charge, 0.5 K.
OCV_SAMPLES = 1000
TEMPERATURE_STEP_K = 0.5


class Battery:
    """The pack. `lost_series` groups are shorted, `lost_parallel` cells of the weakest group are open."""

    def __init__(self, data: BatteryData) -> None:
        samples = round((data.table_temp[-1] - data.table_temp[0]) / TEMPERATURE_STEP_K)
        self._data = data
        self._ocv = Table(data.ocv_soc, data.ocv_volt, OCV_SAMPLES)
        self._capacity_factor = Table(data.table_temp, data.capacity_factor, samples)
        self._resistance_factor = Table(data.table_temp, data.resistance_factor, samples)
        self._charge_rate = Table(data.table_temp, data.charge_rate, samples)
        self.full_ah = data.cell_capacity_ah * data.cells_in_parallel * data.ageing
        self.charge_ah = self.full_ah * data.start_soc
        self.cold_charge_ah = 0.0
        self.lost_series = 0
        self.lost_parallel = 0

    @property
    def soc(self) -> float:
        """State of charge, 0 to 1, of what the pack can still hold at 25 degC."""
        return self.charge_ah / self.full_ah

    @property
    def is_full(self) -> bool:
        """Nothing more goes in."""
        return self.charge_ah >= self.full_ah

    @property
    def series(self) -> int:
        """Cells in series that are left."""
        return self._data.cells_in_series - self.lost_series

    @property
    def capacity_ah(self) -> float:
        """Charge that the terminals could take out at 25 degC from full."""
        return self.full_ah * self._parallel_share

    @property
    def _parallel_share(self) -> float:
        return (self._data.cells_in_parallel - self.lost_parallel) / self._data.cells_in_parallel

    def ocv(self, temp_c: float) -> float:
        """Voltage at rest, V."""
        reach = self._capacity_factor(temp_c)
        return self.series * self._ocv((self.soc - 1.0 + reach) / reach)

    def resistance(self, temp_c: float) -> float:
        """Resistance of the pack, ohm."""
        share = self.series / self._data.cells_in_series / self._parallel_share
        return self._data.resistance_25c * self._resistance_factor(temp_c) * share

    def cutoff_voltage(self) -> float:
        """Terminal voltage at which the protection opens, V."""
        return self._data.cell_cutoff_voltage * self.series

    def accepted_current(self, temp_c: float) -> float:
        """Charge current that the cells accept, A: nothing when full or much too cold."""
        if self.is_full:
            return 0.0
        return self._charge_rate(temp_c) * self.capacity_ah

    def stored_wh(self) -> float:
        """Energy of the charge at 25 degC, measured at rest down to empty, W h."""
        steps = 400
        soc = self.soc
        total = sum(self._ocv(soc * (k + 0.5) / steps) for k in range(steps)) / steps
        return total * self.series * soc * self.capacity_ah

    def step(self, current: float, temp_c: float, step_s: float) -> float:
        """Let a current flow for a step; returns the heat in W that it makes in the pack."""
        heat = current * current * self.resistance(temp_c)
        hours = step_s / 3600.0 / self._parallel_share
        if current <= 0.0:
            self.charge_ah = max(0.0, self.charge_ah + current * hours)
            return heat
        stored = current * self._data.charge_efficiency
        heat += (current - stored) * self.ocv(temp_c)
        if temp_c < 0.0:
            lost = stored * self._data.cold_charge_loss
            self.full_ah = max(0.01, self.full_ah - lost * hours)
            self.cold_charge_ah += current * hours
            stored -= lost
        self.charge_ah = min(self.full_ah, self.charge_ah + stored * hours)
        return heat

    def save(self) -> dict[str, object]:
        """State for JSON; lost cells belong to the faults."""
        return {"charge_ah": self.charge_ah, "full_ah": self.full_ah, "cold_charge_ah": self.cold_charge_ah}

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save`."""
        self.charge_ah = float(str(state["charge_ah"]))
        self.full_ah = float(str(state["full_ah"]))
        self.cold_charge_ah = float(str(state["cold_charge_ah"]))
