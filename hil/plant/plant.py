"""The lunar plant: sun, ground, payload, battery, power unit and thermal unit as one thing that is stepped in time.

Lives here: the order of a step, the units' registers, state that is saved and restored. This file joins the parts;
each part has a file of its own. Does not live here: lines (line.py, serve.py) and clocks (runner.py).

A step from t to t + step_s: faults that are due; sun and ground (every ENVIRONMENT_S); what the units were told;
electrical powers; heat; temperatures. What a master writes takes effect with the next step; what it reads are the
last step's values, measured once in each step. The plant is a function of its arguments, its seed and what is written
to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.plant import ground_cache, units
from hil.plant.array import SolarArray
from hil.plant.bank import RegisterBank
from hil.plant.battery import Battery
from hil.plant.faults import Faults, Names
from hil.plant.line import PayloadBus
from hil.plant.payload import DEFAULT_PAYLOAD, KELVIN, Payload, load_payload
from hil.plant.power import LOADS, Budget, LoadFaults, PowerUnit
from hil.plant.regolith import STEPS_PER_LUNATION
from hil.plant.sensors import (
    CURRENTS,
    PACK_CHANNELS,
    SENSORS_PER_ZONE,
    TEMPERATURES,
    VOLTAGES,
    ZONE_CHANNELS,
    Sensors,
)
from hil.plant.sun import SYNODIC_DAY_S, Sun, hour_angle, sun_direction
from hil.plant.thermal import ThermalNetwork
from hil.plant.unit_registers import HEATER_SUPPLY, OUTPUTS, UnitRegisters

STATE_VERSION = 2
# The sun moves half a degree in an hour: a minute of standing still moves no temperature by 0.01 K.
ENVIRONMENT_S = 60.0
LONGEST_STEP_S = 60.0


class StateError(ValueError):
    """A saved state that does not fit this plant: names what was expected and what was found."""


@dataclass
class Energy:
    """Energies since the start, W h."""

    array: float = 0.0
    feed: float = 0.0
    battery_in: float = 0.0
    battery_out: float = 0.0
    heaters: float = 0.0
    loads: float = 0.0


@dataclass
class Extremes:
    """Lowest and highest of every step since the start: node temperatures in K, state of charge, V of a cell."""

    low: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    high: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    soc_low: float = 1.0
    cell_high_v: float = 0.0


class Plant:
    """A payload at a site on the Moon.

    latitude_deg: -90 to 90. local_time_h: lunar hours at the start, sunrise 6, noon 12. seed: any whole number from 0.
    step_s: length of a step, above 0 to 60 s. start_soc: 0 to 1, else the payload's. progress: see
    Regolith.equilibrate.

    `faults`, `bus`, `power_bank` and `thermal_bank` are the interfaces; `truth()` is for tests and plots.
    """

    def __init__(
        self,
        latitude_deg: float = 0.0,
        local_time_h: float = 7.0,
        *,
        declination_deg: float = 0.0,
        payload: str | Path | Payload = DEFAULT_PAYLOAD,
        seed: int = 1,
        step_s: float = 10.0,
        start_soc: float | None = None,
        progress: Callable[[int, float], None] | None = None,
    ) -> None:
        if not -90.0 <= latitude_deg <= 90.0:
            raise ValueError(f"latitude_deg: expected -90 to 90, found {latitude_deg}")
        if not 0.0 < step_s <= LONGEST_STEP_S:
            raise ValueError(f"step_s: expected above 0 to {LONGEST_STEP_S}, found {step_s}")
        self.payload = payload if isinstance(payload, Payload) else load_payload(payload)
        self.latitude_deg, self.declination_deg = latitude_deg, declination_deg
        self.start_local_time_h = local_time_h % 24.0
        self.seed, self.step_s = seed, step_s
        self.step_count = 0
        self.power_map, self.thermal_map = units.power_unit(), units.thermal_unit()
        self._check_names()
        self.battery = Battery(self.payload.battery)
        if start_soc is not None:
            self.battery.charge_ah = self.battery.full_ah * min(1.0, max(0.0, start_soc))
        self.power = PowerUnit(self.payload, self.battery)
        self.thermal = ThermalNetwork(self.payload, step_s)
        self.array = SolarArray(self.payload.array, latitude_deg)
        self.sensors = Sensors(self.payload.sensors, self.thermal_map, seed)
        self.faults = Faults(self._names())
        self.power_bank, self.thermal_bank = RegisterBank(self.power_map), RegisterBank(self.thermal_map)
        banks = {bank.unit.slave: bank for bank in (self.power_bank, self.thermal_bank)}
        self.bus = PayloadBus(banks, self.faults, seed)
        self.bus.powered = lambda: self.power.powered
        self.registers = UnitRegisters(self.power_bank, self.thermal_bank)
        self.power_bank.before_read = self._refresh_power
        self.thermal_bank.before_read = self._refresh_thermal
        self.energy = Energy()
        self.extremes = Extremes(self.thermal.temperature.copy(), self.thermal.temperature.copy(), self.battery.soc)
        self.heater_power = [0.0] * OUTPUTS
        self._power_on_step = 0
        self._environment_every = max(1, round(ENVIRONMENT_S / step_s))
        self.regolith = ground_cache.equilibrated(
            latitude_deg, declination_deg, progress=progress, place=self._ground_place(self._environment_middle_s())
        )
        self.ground_k = self.regolith.surface_k
        self._ground_before = self.ground_k
        self._index_nodes()
        self._faults_seen = -1
        self._fresh = -1
        self.sun = self._sun_at(0.0)
        self._set_environment()
        self.power.feed_present = self._feed_there()
        self.power.array_available = self.array.available(self.node_c(self.payload.array.node))

    # --- time -----------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Plant time since the start, s."""
        return self.step_count * self.step_s

    @property
    def local_time_h(self) -> float:
        """Local solar time in lunar hours, 0 to 24; sunrise at 6, noon at 12."""
        return self.local_time_at(self.now_s)

    def local_time_at(self, time_s: float) -> float:
        """Local solar time in lunar hours at a plant time."""
        return (self.start_local_time_h + 24.0 * time_s / SYNODIC_DAY_S) % 24.0

    def advance(self, seconds: float) -> None:
        """Run on for a time: as many whole steps as end within it."""
        self.advance_to(self.now_s + seconds)

    def advance_to(self, time_s: float) -> None:
        """Run to a plant time: as many whole steps as end by then; none when it has passed."""
        # A thousandth of a step absorbs the rounding of callers that add up their time.
        last = math.floor(time_s / self.step_s + 1e-3)
        while self.step_count < last:
            self.step()

    def step(self) -> None:
        """Run one step."""
        now = self.now_s
        if self.faults.update(now) or self.faults.changes != self._faults_seen:
            self._take_faults()
        if self.step_count % self._environment_every == 0:
            self._set_environment()
        if self.registers.take_writes(now, self.power):
            self._take_heaters()
        temperature = self.thermal.temperature
        battery_c = float(temperature[self._battery_node]) - KELVIN
        array_c = float(temperature[self._array_node]) - KELVIN
        was_powered = self.power.powered
        self._load_power_now()
        budget = self.power.step(self.registers.commands, self.array.available(array_c), battery_c, self.step_s)
        if was_powered != self.power.powered:
            self._power_changed()
        self.thermal.step(self._heat(budget))
        self._account(budget)
        self.step_count += 1

    # --- looking --------------------------------------------------------------------------------------------------

    def node_c(self, name: str) -> float:
        """True temperature of a node, degC."""
        return float(self.thermal.temperature[self.payload.node_index(name)]) - KELVIN

    def truth(self) -> dict[str, float]:
        """True values now, by name with the unit at the end of the name."""
        p, b = self.power, self.power.budget
        values = {
            "time_s": self.now_s,
            "local_time_h": self.local_time_h,
            "sun_elevation_deg": self.sun.elevation_deg,
            "ground_c": self.ground_k - KELVIN,
            "soc": self.battery.soc,
            "bus_v": p.bus_voltage,
            "battery_v": p.battery_voltage,
            "battery_a": p.battery_current,
            "array_available_w": p.array_available,
            "array_w": b.array,
            "feed_w": b.feed,
            "battery_out_w": b.battery_out,
            "battery_in_w": b.battery_in,
            "essential_w": b.essential,
            "loads_w": sum(b.loads),
            "heaters_w": sum(self.heater_power),
            "powered": float(p.powered),
        }
        for name, kelvin in zip(self.thermal.names, self.thermal.temperature, strict=True):
            values[f"{name}_c"] = float(kelvin) - KELVIN
        for heater in self.thermal_map.heaters:
            values[f"heater_{heater.zone}_w"] = self.heater_power[heater.index]
        for load in self.power_map.loads:
            values[f"load_{load.name}_w"] = b.loads[load.index]
        return values

    def limit_violations(self) -> list[str]:
        """Zones and battery cells that left their limits in any step so far, in words."""
        found = []
        for k, node in enumerate(self.payload.node):
            low, high = float(self.extremes.low[k]) - KELVIN, float(self.extremes.high[k]) - KELVIN
            if low < node.limits[0]:
                found.append(f"{node.name}: {low:.1f} degC, limit {node.limits[0]:.1f}")
            if high > node.limits[1]:
                found.append(f"{node.name}: {high:.1f} degC, limit {node.limits[1]:.1f}")
        limit_v = self.payload.battery.cell_max_voltage
        if self.extremes.cell_high_v > limit_v:
            found.append(f"battery cell: {self.extremes.cell_high_v:.2f} V, limit {limit_v:.2f} V")
        return found

    # --- state ----------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """State as data for JSON; a plant restored from it goes on bit for bit."""
        return {
            "version": STATE_VERSION,
            "arguments": {
                "latitude_deg": self.latitude_deg,
                "local_time_h": self.start_local_time_h,
                "declination_deg": self.declination_deg,
                "payload": self.payload.name,
                "seed": self.seed,
                "step_s": self.step_s,
            },
            "step_count": self.step_count,
            "power_on_step": self._power_on_step,
            "battery": self.battery.save(),
            "power": self.power.save(),
            "thermal": self.thermal.save(),
            "regolith": self.regolith.save(),
            "ground_before_k": self._ground_before,
            "ground_k": self.ground_k,
            "sun": list(self.sun),
            "sunlight": self.array.sunlight,
            "feed_present": self.power.feed_present,
            "faults": self.faults.save(),
            "bus": self.bus.save(),
            "registers": self.registers.save(),
            "heater_power": list(self.heater_power),
            "heater_conductance": list(self._output_conductance),
            "energy": dict(vars(self.energy)),
            "extremes": {
                "low": self.extremes.low.tolist(),
                "high": self.extremes.high.tolist(),
                "soc_low": self.extremes.soc_low,
                "cell_high_v": self.extremes.cell_high_v,
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state from `save` of a plant with the same arguments. Raises StateError."""
        if state.get("version") != STATE_VERSION:
            raise StateError(f"plant state: expected version {STATE_VERSION}, found {state.get('version')}; save again")
        mine = {k: v for k, v in self.save()["arguments"].items() if state["arguments"].get(k) != v}
        if mine:
            raise StateError(
                f"plant state: expected a plant with {mine}, found {state['arguments']}; make it with Plant.from_state"
            )
        self.step_count, self._power_on_step = state["step_count"], state["power_on_step"]
        for part, name in (
            (self.battery, "battery"),
            (self.power, "power"),
            (self.thermal, "thermal"),
            (self.regolith, "regolith"),
            (self.faults, "faults"),
            (self.bus, "bus"),
            (self.registers, "registers"),
        ):
            part.restore(state[name])
        self._ground_before, self.ground_k = state["ground_before_k"], state["ground_k"]
        self.sun, self.array.sunlight = Sun(*state["sun"]), state["sunlight"]
        self.heater_power = list(state["heater_power"])
        self._set_outputs(list(state["heater_conductance"]))
        self.energy = Energy(**state["energy"])
        e = state["extremes"]
        self.extremes = Extremes(np.array(e["low"]), np.array(e["high"]), e["soc_low"], e["cell_high_v"])
        self._faults_seen, self._fresh = -1, -1

    @classmethod
    def from_state(cls, state: dict[str, Any], payload: str | Path | Payload | None = None) -> Plant:
        """A plant from a saved state; `payload` when it was not one of payloads/."""
        arguments = dict(state.get("arguments", {}))
        name = arguments.pop("payload", DEFAULT_PAYLOAD)
        plant = cls(payload=payload or name, **arguments)
        plant.restore(state)
        return plant

    # --- set-up ---------------------------------------------------------------------------------------------------

    def _check_names(self) -> None:
        zones = [z.name for z in self.thermal_map.zones]
        for zone in zones:
            self.payload.node_index(zone)
        known = {load.name for load in self.power_map.loads}
        if stray := {load.name for load in self.payload.load} - known:
            raise ValueError(
                f"payload {self.payload.name}: expected loads out of {', '.join(sorted(known))}, "
                f"found {', '.join(sorted(stray))}"
            )

    def _names(self) -> Names:
        return Names(
            sensors=tuple(self.sensors.names),
            heaters=tuple(h.zone for h in self.thermal_map.heaters),
            loads=tuple(x.name for x in self.power_map.loads),
            cells_in_series=self.payload.battery.cells_in_series,
            cells_in_parallel=self.payload.battery.cells_in_parallel,
        )

    def _index_nodes(self) -> None:
        p = self.payload
        self._battery_node, self._array_node = p.node_index(p.battery.node), p.node_index(p.array.node)
        unit = p.node_index(p.bus.unit_node)
        # Columns: essential, loads, heater outputs, losses in the power unit, array, battery.
        matrix = np.zeros((len(p.node), 1 + LOADS + OUTPUTS + 3))
        for name, share in p.essential.heat.items():
            matrix[p.node_index(name), 0] = share
        self._nominal_load = [0.0] * LOADS
        index = {load.name: load.index for load in self.power_map.loads}
        for load in p.load:
            self._nominal_load[index[load.name]] = load.power
            for name, share in load.heat.items():
                matrix[p.node_index(name), 1 + index[load.name]] = share
        matrix[unit, 1 + HEATER_SUPPLY] = 1.0
        self._heater_conductance = [0.0] * OUTPUTS
        for heater in self.thermal_map.heaters:
            self._heater_conductance[heater.index] = 1.0 / heater.resistance_ohm
            matrix[p.node_index(heater.zone), 1 + LOADS + heater.index] = 1.0
        matrix[unit, 1 + LOADS + OUTPUTS] = 1.0
        matrix[self._array_node, 2 + LOADS + OUTPUTS] = 1.0
        matrix[self._battery_node, 3 + LOADS + OUTPUTS] = 1.0
        self._heat_matrix = matrix
        self._sources, self._node_heat = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[0])
        zone_nodes = np.zeros(ZONE_CHANNELS, dtype=np.intp)
        for zone in self.thermal_map.zones:
            first = SENSORS_PER_ZONE * zone.index
            zone_nodes[first : first + SENSORS_PER_ZONE] = p.node_index(zone.name)
        tail = [self._battery_node] * PACK_CHANNELS + [unit, unit]
        self._temperature_nodes = np.concatenate([zone_nodes, np.array(tail, dtype=np.intp)])
        self._measured = np.zeros(TEMPERATURES + VOLTAGES + CURRENTS)
        self._set_outputs([0.0] * OUTPUTS)

    # --- one step -------------------------------------------------------------------------------------------------

    def _sun_at(self, time_s: float) -> Sun:
        angle = hour_angle(self.start_local_time_h) + 2.0 * math.pi * time_s / SYNODIC_DAY_S
        return sun_direction(math.radians(self.latitude_deg), math.radians(self.declination_deg), angle)

    def _environment_middle_s(self) -> float:
        """Middle of the steps that have the same environment, from now on, s."""
        return self.now_s + 0.5 * self._environment_every * self.step_s

    def _ground_place(self, time_s: float) -> float:
        """Steps of the ground's lunation from the noon before the start."""
        phase = ((self.start_local_time_h - 12.0) / 24.0) % 1.0 + time_s / SYNODIC_DAY_S
        return phase * STEPS_PER_LUNATION

    def _set_environment(self) -> None:
        middle = self._environment_middle_s()
        self.sun = self._sun_at(middle)
        place = self._ground_place(middle)
        while self.regolith.index < place:
            self._ground_before = self.regolith.surface_k
            self.regolith.step()
        after = self.regolith.surface_k
        self.ground_k = after + (self.regolith.index - place) * (self._ground_before - after)
        self.thermal.set_environment(self.sun, self.ground_k)
        self.array.set_sun(self.sun)
        self.power.feed_present = self._feed_there()

    def _feed_there(self) -> bool:
        return not self.faults.effects.feed_lost and self.sun.elevation_deg > self.payload.feed.above_sun_elevation

    def _take_faults(self) -> None:
        effects = self.faults.effects
        for name, faults in effects.sensors.items():
            for fault in faults:
                if fault.name == "sensor_stuck" and fault.held is None:
                    value = float(fault.parameters["value_c"])
                    fault.held = self._measure()[self.sensors.names[name]] if math.isnan(value) else value
                    fault.held = float(fault.held)
        cells = self.payload.battery
        # Several faults may add up to more than there is: one group and one cell are left.
        self.battery.lost_series = min(effects.lost_series, cells.cells_in_series - 1)
        self.battery.lost_parallel = min(effects.lost_parallel, cells.cells_in_parallel - 1)
        self.array.health = effects.array_share
        self.power.feed_present = self._feed_there()
        for load in self.power_map.loads:
            self.power.load_faults[load.index] = LoadFaults(
                load.name in effects.load_on, load.name in effects.load_off, effects.load_extra.get(load.name, 0.0)
            )
        self._faults_seen = self.faults.changes
        self.registers.forget()
        self._fresh = -1

    def _set_outputs(self, conductance: list[float]) -> None:
        """Conductance of each heater output, mean over time, S."""
        self._output_conductance = conductance
        self._conductance = sum(conductance)

    def _take_heaters(self) -> None:
        effects = self.faults.effects
        conductance = [0.0] * OUTPUTS
        for heater in self.thermal_map.heaters:
            armed, share = self.registers.duty[heater.index]
            if heater.zone in effects.heater_on:
                share = 1.0
            if not armed and heater.zone not in effects.heater_armed:
                share = 0.0
            share *= effects.heater_share.get(heater.zone, 1.0)
            conductance[heater.index] = share * self._heater_conductance[heater.index]
        self._set_outputs(conductance)

    def _load_power_now(self) -> None:
        voltage = self.power.bus_voltage
        self.power.load_power = list(self._nominal_load)
        self.power.load_power[HEATER_SUPPLY] = voltage * voltage * self._conductance

    def _heat(self, budget: Budget) -> NDArray[np.float64]:
        loads = budget.loads
        total = self._conductance
        drawn = min(loads[HEATER_SUPPLY], self.power.load_power[HEATER_SUPPLY])
        scale = drawn / total if total > 0.0 else 0.0
        self.heater_power = [g * scale for g in self._output_conductance]
        # What the supply draws beyond its heaters (a fault) is lost in the unit.
        other = loads[HEATER_SUPPLY] - drawn
        panel = self.array.panel_power(budget.array)
        budget.array_converter_loss = panel - budget.array
        losses = budget.charger_loss + budget.harness_loss + budget.array_converter_loss
        sources = self._sources
        sources[:] = (
            budget.essential,
            other,
            *loads[1:],
            *self.heater_power,
            losses,
            self.array.heat(budget.array),
            budget.battery_heat,
        )
        return np.dot(self._heat_matrix, sources, out=self._node_heat)

    def _power_changed(self) -> None:
        if not self.power.powered:
            return
        self.registers.power_on()
        self._power_on_step = self.step_count

    def _account(self, budget: Budget) -> None:
        hours = self.step_s / 3600.0
        e = self.energy
        e.array += budget.array * hours
        e.feed += budget.feed * hours
        e.battery_in += budget.battery_in * hours
        e.battery_out += budget.battery_out * hours
        e.heaters += sum(self.heater_power) * hours
        e.loads += (budget.essential + sum(budget.loads)) * hours
        x, t = self.extremes, self.thermal.temperature
        np.minimum(x.low, t, out=x.low)
        np.maximum(x.high, t, out=x.high)
        soc = self.battery.soc
        x.soc_low = min(soc, x.soc_low)
        x.cell_high_v = max(x.cell_high_v, self.power.battery_voltage / self.battery.series)

    # --- registers ------------------------------------------------------------------------------------------------

    def _measure(self) -> NDArray[np.float64]:
        p, b = self.power, self.power.budget
        array_c = float(self.thermal.temperature[self._array_node]) - KELVIN
        array_v = self.array.voltage(array_c)
        bus_a = (b.essential + sum(b.loads)) / p.bus_voltage if p.bus_voltage > 0.0 else 0.0
        array_a = self.array.panel_power(b.array) / array_v if array_v > 0.0 else 0.0
        feed_a = b.feed / p.feed_voltage if p.feed_present else 0.0
        heater_v = p.bus_voltage if p.on[HEATER_SUPPLY] else 0.0
        electrical = [
            p.bus_voltage,
            array_v,
            p.feed_voltage,
            p.battery_voltage,
            bus_a,
            array_a,
            feed_a,
            p.battery_current,
            *p.load_current,
            *[g * heater_v for g in self._output_conductance],
        ]
        truth = self._measured
        truth[:TEMPERATURES] = self.thermal.temperature[self._temperature_nodes]
        truth[:TEMPERATURES] -= KELVIN
        truth[TEMPERATURES:] = electrical
        return self.sensors.measure(truth, self.step_count, self.now_s, self.faults.effects)

    def _refresh_power(self) -> None:
        self._refresh()
        self.registers.show_power()

    def _refresh_thermal(self) -> None:
        self._refresh()
        self.registers.show_thermal()

    def _refresh(self) -> None:
        if self.faults.changes != self._faults_seen:
            self._take_faults()
        if self._fresh == self.step_count:
            return
        uptime_s = int((self.step_count - self._power_on_step) * self.step_s)
        heating = 0
        if self.power.on[HEATER_SUPPLY]:
            heating = sum(1 << k for k in range(OUTPUTS) if self._output_conductance[k] > 0.0)
        self.registers.fill(self._measure(), self.power, uptime_s, heating)
        self._fresh = self.step_count
