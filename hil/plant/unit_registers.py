"""What stands in the units' registers, and what a master's writes ask for.

Lives here: the way between register banks and the plant's parts, by the names of the maps; the units' link timeouts.
Does not live here: storage and access rules (bank.py), errors of measurements (sensors.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hil.plant.bank import RegisterBank
from hil.plant.power import LOADS, Commands, PowerUnit
from hil.plant.sensors import PACK_CHANNELS, TEMPERATURES, VOLTAGES, ZONE_CHANNELS

OUTPUTS = 8
HEATER_SUPPLY = 0
# The array "produces" above this, W (register map of the power unit).
PRODUCING_W = 1.0


class _LinkWatch:
    """Tells when a unit has not been asked anything for longer than its link_timeout."""

    def __init__(self, bank: RegisterBank) -> None:
        self._bank = bank
        self._at = 2 * bank.unit.find("link_timeout").address
        self.requests = 0
        self.since_s = 0.0
        self.over = False

    def look(self, now_s: float) -> bool:
        """True once, when the time is over."""
        bank = self._bank
        if bank.requests != self.requests:
            self.requests, self.since_s, self.over = bank.requests, now_s, False
            return False
        timeout_s = bank.holding[self._at] << 8 | bank.holding[self._at + 1]
        if not timeout_s or self.over or now_s - self.since_s <= timeout_s:
            return False
        self.over = True
        return True

    def save(self) -> dict[str, Any]:
        return {"requests": self.requests, "since_s": self.since_s, "over": self.over}

    def restore(self, state: dict[str, Any]) -> None:
        self.requests, self.since_s, self.over = int(state["requests"]), float(state["since_s"]), bool(state["over"])


class UnitRegisters:
    """Both units' registers. `commands` and `duty` are what the units were told; `take_writes` brings them up to date.

    `duty` holds for each heater output whether it is armed and its share of time on.
    """

    def __init__(self, power: RegisterBank, thermal: RegisterBank) -> None:
        self.power, self.thermal = power, thermal
        self._seen = (-1, -1)
        unit = power.unit
        self._load_coils = unit.find("load_command").address
        self._clear_coils = unit.find("trip_clear").address
        self._charger_coil = unit.find("charger_enable").address
        self._feed_coil = unit.find("feed_enable").address
        self._current, self._voltage = unit.find("charge_current_limit"), unit.find("charge_voltage_limit")
        self._trip = unit.find("load_trip_current")
        self._duty, self._armed_coils = thermal.unit.find("heater_duty"), thermal.unit.find("heater_enable").address
        self._power_watch, self._thermal_watch = _LinkWatch(power), _LinkWatch(thermal)
        self._power_at = {r.name: r.address for r in unit.in_space("input")}
        self._thermal_at = {r.name: r.address for r in thermal.unit.in_space("input")}
        self._power_in, self._thermal_in = np.zeros(unit.extent("input")), np.zeros(thermal.unit.extent("input"))
        self._power_in[self._power_at["map_version"]] = unit.map_version
        self._thermal_in[self._thermal_at["map_version"]] = thermal.unit.map_version
        self._place_measurements()
        self.commands = self._read_commands()
        self.duty = self._read_duty()

    def _place_measurements(self) -> None:
        """Which measurement stands in which input register: addresses, and places in the order of sensors.py."""
        volts, amps, unit_c = TEMPERATURES, TEMPERATURES + VOLTAGES, ZONE_CHANNELS + PACK_CHANNELS
        power: list[tuple[int, int]] = []
        for k, source in enumerate(("bus", "array", "feed", "battery")):
            power += [(self._power_at[f"{source}_voltage"], volts + k), (self._power_at[f"{source}_current"], amps + k)]
        power += [(self._power_at["battery_temperature"] + k, ZONE_CHANNELS + k) for k in range(PACK_CHANNELS)]
        power += [(self._power_at["load_current"] + k, amps + 4 + k) for k in range(LOADS)]
        power.append((self._power_at["unit_temperature"], unit_c))
        thermal = [(self._thermal_at["temperature"] + k, k) for k in range(ZONE_CHANNELS)]
        thermal += [(self._thermal_at["heater_current"] + k, amps + 4 + LOADS + k) for k in range(OUTPUTS)]
        thermal.append((self._thermal_at["unit_temperature"], unit_c + 1))
        self._power_from = tuple(np.array(pairs, dtype=np.intp) for pairs in zip(*power, strict=True))
        self._thermal_from = tuple(np.array(pairs, dtype=np.intp) for pairs in zip(*thermal, strict=True))

    def take_writes(self, now_s: float, unit: PowerUnit) -> bool:
        """Carry out what was written since the last call, and the link timeouts; True when anything changed."""
        if self._power_watch.look(now_s):
            self.power.coil &= ~(0xFF << self._load_coils) | 1 << self._load_coils + HEATER_SUPPLY
            self._seen = (-1, self._seen[1])
        if self._thermal_watch.look(now_s):
            for k in range(OUTPUTS):
                self.thermal.set_holding(self._duty, k, 0.0)
            self._seen = (self._seen[0], -1)
        writes = (self.power.writes, self.thermal.writes)
        if writes == self._seen:
            return False
        if writes[0] != self._seen[0]:
            self._clear_trips(unit)
            self.commands = self._read_commands()
            if any(self.commands.load) and unit.powered:
                unit.undervoltage = False
        if writes[1] != self._seen[1]:
            self.duty = self._read_duty()
        self._seen = writes
        return True

    def power_on(self) -> None:
        """Both units were without power and start."""
        self.power.power_on()
        self.thermal.power_on()
        self._power_watch.over = self._thermal_watch.over = False
        self.forget()

    def forget(self) -> None:
        """Look at all registers again with the next `take_writes`."""
        self._seen = (-1, -1)

    def fill(self, m: NDArray[np.float64], unit: PowerUnit, uptime_s: int, heating: int) -> None:
        """Put measurements (in the order of sensors.py) and states in place; `heating` has a bit for each output."""
        on = _mask(unit.on)
        trips = _mask(unit.tripped)
        producing, charging = unit.array_available >= PRODUCING_W, unit.battery_current > 0.0
        at, si = self._power_at, self._power_in
        si[at["status"]] = (
            unit.feed_present
            | producing << 1
            | charging << 2
            | unit.undervoltage << 3
            | unit.charge_limited << 4
            | self._power_watch.over << 5
            | unit.regulated << 6
        )
        si[at["uptime"]], si[at["uptime"] + 1] = uptime_s >> 16, uptime_s & 0xFFFF
        registers, places = self._power_from
        si[registers] = m[places]
        si[at["load_on_mask"]], si[at["load_trip_mask"]] = on, trips
        si[at["trip_count"]] = unit.trip_count & 0xFFFF
        self.power.discrete = on | trips << 8 | unit.feed_present << 16 | producing << 17 | charging << 18
        self.power.discrete |= unit.undervoltage << 19
        at, si = self._thermal_at, self._thermal_in
        si[at["status"]] = unit.on[HEATER_SUPPLY] | self._thermal_watch.over << 1
        si[at["uptime"]], si[at["uptime"] + 1] = uptime_s >> 16, uptime_s & 0xFFFF
        registers, places = self._thermal_from
        si[registers] = m[places]
        self.thermal.discrete = heating

    def show_power(self) -> None:
        """Make the power unit's input registers those that were filled last."""
        self._power_in[self._power_at["write_count"]] = self.power.writes & 0xFFFF
        self.power.set_inputs(self._power_in)

    def show_thermal(self) -> None:
        """Make the thermal unit's input registers those that were filled last."""
        self._thermal_in[self._thermal_at["write_count"]] = self.thermal.writes & 0xFFFF
        self.thermal.set_inputs(self._thermal_in)

    def save(self) -> dict[str, Any]:
        """State for JSON."""
        return {
            "power": self.power.save(),
            "thermal": self.thermal.save(),
            "power_watch": self._power_watch.save(),
            "thermal_watch": self._thermal_watch.save(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take a state from `save`."""
        self.power.restore(state["power"])
        self.thermal.restore(state["thermal"])
        self._power_watch.restore(state["power_watch"])
        self._thermal_watch.restore(state["thermal_watch"])
        self.forget()

    def _clear_trips(self, unit: PowerUnit) -> None:
        for k in range(LOADS):
            if self.power.coil >> self._clear_coils + k & 1:
                unit.clear_trip(k)
        self.power.coil &= ~(0xFF << self._clear_coils)

    def _read_commands(self) -> Commands:
        bank = self.power
        return Commands(
            load=[bool(bank.coil >> self._load_coils + k & 1) for k in range(LOADS)],
            charger=bool(bank.coil >> self._charger_coil & 1),
            feed=bool(bank.coil >> self._feed_coil & 1),
            charge_current=bank.get_holding(self._current),
            charge_voltage=bank.get_holding(self._voltage),
            trip_current=[bank.get_holding(self._trip, k) for k in range(LOADS)],
        )

    def _read_duty(self) -> list[tuple[bool, float]]:
        bank = self.thermal
        return [(bool(bank.coil >> self._armed_coils + k & 1), bank.get_holding(self._duty, k)) for k in range(OUTPUTS)]


def _mask(flags: list[bool]) -> int:
    """Bit k of flag k."""
    mask, bit = 0, 1
    for flag in flags:
        if flag:
            mask |= bit
        bit <<= 1
    return mask
