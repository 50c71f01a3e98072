"""The power unit: bus, sources, charger, eight switches with over-current trips.

Lives here: who feeds whom in a step, and what is lost on the way. Does not live here: registers (plant.py joins them).

Bus: while array and feed carry all loads it is regulated and the charger may use what is left over; else the battery is
switched onto it directly and its voltage is the battery's less the harness. The array is used before the feed, the feed
before the battery. When the battery's protection opens and nothing else carries the essential loads, everything goes
dark; power comes back with the sources, and then the unit starts with its defaults.
A trip is faster than a step: a load over its limit draws nothing in the step in which it trips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hil.plant.battery import Battery
from hil.plant.payload import Payload

LOADS = 8
# Sources must carry this much more than the essential loads before a dark unit starts, so that it does not fall back
# at once.
RESTART_MARGIN = 1.2


@dataclass
class LoadFaults:
    """What is wrong with a switch: forced on or off, or an extra current in A while it is on."""

    stuck_on: bool = False
    stuck_off: bool = False
    extra_current: float = 0.0


@dataclass
class Commands:
    """What the unit was told: switches, charger, feed, limits in A and V."""

    load: list[bool]
    charger: bool
    feed: bool
    charge_current: float
    charge_voltage: float
    trip_current: list[float]


@dataclass
class Budget:
    """Powers of the last step, W. sources = array + feed + battery discharge; the rest is where they went."""

    array: float = 0.0
    feed: float = 0.0
    battery_out: float = 0.0
    battery_in: float = 0.0
    essential: float = 0.0
    loads: list[float] = field(default_factory=lambda: [0.0] * LOADS)
    charger_loss: float = 0.0
    harness_loss: float = 0.0
    array_converter_loss: float = 0.0
    battery_heat: float = 0.0


class PowerUnit:
    """The unit's electrical state after the last step: voltages in V, currents in A."""

    def __init__(self, payload: Payload, battery: Battery) -> None:
        self._bus = payload.bus
        self._feed = payload.feed
        self._essential = payload.essential.power
        self._max_discharge = payload.battery.max_discharge_current
        self.battery = battery
        self.load_power = [0.0] * LOADS
        self.load_faults = [LoadFaults() for _ in range(LOADS)]
        self.feed_present = False
        self.powered = True
        self.undervoltage = False
        self.tripped = [False] * LOADS
        self.trip_count = 0
        self.on = [False] * LOADS
        self.bus_voltage = payload.bus.regulated_voltage
        self.regulated = True
        self.battery_voltage = battery.ocv(20.0)
        self.battery_current = 0.0
        self.charge_limited = False
        self.array_available = 0.0
        self.load_current = [0.0] * LOADS
        self.budget = Budget()

    @property
    def feed_voltage(self) -> float:
        """Voltage at the feed's input, V."""
        return self._feed.voltage if self.feed_present else 0.0

    def clear_trip(self, index: int) -> None:
        """Take back a latched trip."""
        self.tripped[index] = False

    def step(self, commands: Commands, array_available: float, battery_c: float, step_s: float) -> Budget:
        """One step; `load_power` holds what each load draws while on. Returns the powers, which are also kept."""
        self.array_available = array_available
        feed_available = self._feed.power if self.feed_present and commands.feed else 0.0
        sources = array_available + feed_available
        if not self.powered and sources < RESTART_MARGIN * self._essential:
            return self._dark(battery_c)
        if not self.powered:
            self.powered = True
            self.bus_voltage = self._bus.regulated_voltage
        budget = Budget(essential=self._essential)
        total = self._essential + self._switch(commands, budget)
        if sources >= total:
            self._regulated(commands, budget, sources, total, array_available, battery_c)
        elif not self._discharge(budget, total - sources, array_available, feed_available, battery_c):
            return self._dark(battery_c)
        budget.battery_heat = self.battery.step(self.battery_current, battery_c, step_s)
        for i in range(LOADS):
            self.load_current[i] = budget.loads[i] / self.bus_voltage
        self.budget = budget
        return budget

    def _switch(self, commands: Commands, budget: Budget) -> float:
        total = 0.0
        for i in range(LOADS):
            fault = self.load_faults[i]
            closed = fault.stuck_on or (commands.load[i] and not self.tripped[i] and not fault.stuck_off)
            power = 0.0
            if closed:
                power = self.load_power[i] + fault.extra_current * self.bus_voltage
                if power > commands.trip_current[i] * self.bus_voltage and not fault.stuck_on:
                    self.tripped[i] = True
                    self.trip_count += 1
                    closed, power = False, 0.0
            self.on[i] = closed
            budget.loads[i] = power
            total += power
        return total

    def _regulated(
        self, commands: Commands, budget: Budget, sources: float, total: float, array_available: float, battery_c: float
    ) -> None:
        self.regulated = True
        self.bus_voltage = self._bus.regulated_voltage
        ocv = self.battery.ocv(battery_c)
        resistance = self.battery.resistance(battery_c)
        current = 0.0
        self.charge_limited = False
        if commands.charger:
            left = (sources - total) * self._bus.charger_efficiency
            by_power = (math.sqrt(ocv * ocv + 4.0 * resistance * left) - ocv) / (2.0 * resistance)
            by_voltage = max(0.0, (commands.charge_voltage - ocv) / resistance)
            current = min(commands.charge_current, by_power, by_voltage, self.battery.accepted_current(battery_c))
            self.charge_limited = current < commands.charge_current
        self.battery_current = current
        self.battery_voltage = ocv + current * resistance
        if commands.charger and self.battery.is_full:
            # No more charge goes in, so that nothing keeps the charger from its voltage.
            self.battery_voltage = max(ocv, commands.charge_voltage)
        budget.battery_in = current * self.battery_voltage
        charger_input = budget.battery_in / self._bus.charger_efficiency
        budget.charger_loss = charger_input - budget.battery_in
        drawn = total + charger_input
        budget.array = min(array_available, drawn)
        # What is left of the array in rounding is not drawn from a feed that is not there.
        budget.feed = min(drawn - budget.array, sources - array_available)

    def _discharge(
        self, budget: Budget, missing: float, array_available: float, feed_available: float, battery_c: float
    ) -> bool:
        ocv = self.battery.ocv(battery_c)
        inner = self.battery.resistance(battery_c)
        resistance = inner + self._bus.harness_resistance
        root = ocv * ocv - 4.0 * resistance * missing
        if root < 0.0:
            return False
        current = (ocv - math.sqrt(root)) / (2.0 * resistance)
        voltage = ocv - current * inner
        if current > self._max_discharge or voltage < self.battery.cutoff_voltage() or self.battery.charge_ah <= 0.0:
            return False
        self.regulated = False
        self.charge_limited = False
        self.battery_current = -current
        self.battery_voltage = voltage
        self.bus_voltage = ocv - current * resistance
        budget.array = array_available
        budget.feed = feed_available
        budget.battery_out = current * voltage
        budget.harness_loss = current * current * self._bus.harness_resistance
        return True

    def _dark(self, battery_c: float) -> Budget:
        self.powered = False
        self.undervoltage = True
        self.regulated = False
        self.charge_limited = False
        self.bus_voltage = 0.0
        self.battery_current = 0.0
        self.battery_voltage = self.battery.ocv(battery_c)
        self.on = [False] * LOADS
        self.tripped = [False] * LOADS
        self.load_current = [0.0] * LOADS
        self.budget = Budget()
        return self.budget

    def save(self) -> dict[str, object]:
        """State for JSON that the next step depends on."""
        return {
            "powered": self.powered,
            "undervoltage": self.undervoltage,
            "tripped": list(self.tripped),
            "trip_count": self.trip_count,
            "on": list(self.on),
            "bus_voltage": self.bus_voltage,
            "regulated": self.regulated,
            "battery_voltage": self.battery_voltage,
            "battery_current": self.battery_current,
            "charge_limited": self.charge_limited,
            "array_available": self.array_available,
            "load_current": list(self.load_current),
            "load_power": list(self.load_power),
            "feed_present": self.feed_present,
            "budget": dict(vars(self.budget)),
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save`."""
        for name, value in state.items():
            if name not in vars(self):
                raise ValueError(f"power unit: expected a state made by this version, found {name!r}; save again")
            setattr(self, name, Budget(**value) if name == "budget" and isinstance(value, dict) else value)
