"""What the units measure: truth plus offset, noise and steps, and what broken sensors make of it.

Lives here: the errors. Does not live here: registers and their codes for open and short (bank.py).

Offsets are drawn once, noise for every step, both as functions of the seed and the step's number alone: a run
restored in the middle measures what the run that went through measured, and reading twice in a step gives the same
value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hil.plant.bank import OPEN, SHORT
from hil.plant.faults import Effects, Fault
from hil.plant.payload import SensorErrors
from hil.plant.units import UnitMap

Vector = NDArray[np.float64]

SENSORS_PER_ZONE = 3
ZONE_CHANNELS = 24
PACK_CHANNELS = 3
TEMPERATURES = ZONE_CHANNELS + PACK_CHANNELS + 2
VOLTAGES = 4
CURRENTS = 20
# Steps of noise that are drawn at once.
NOISE_BLOCK = 256
# Tags of the random numbers.
OFFSET_STREAM = 0
NOISE_STREAM = 1


def sensor_names(thermal: UnitMap) -> dict[str, int]:
    """Fitted temperature sensors by name with their place among the temperatures: zone.k, and pack.k behind them."""
    names = {
        f"{zone.name}.{k}": SENSORS_PER_ZONE * zone.index + k for zone in thermal.zones for k in range(zone.sensors)
    }
    names |= {f"pack.{k}": ZONE_CHANNELS + k for k in range(PACK_CHANNELS)}
    return names


class Sensors:
    """Errors of all measurements of a plant. Temperatures in degC, voltages in V, currents in A."""

    def __init__(self, errors: SensorErrors, thermal: UnitMap, seed: int) -> None:
        self._errors = errors
        self._seed = seed
        self.names = sensor_names(thermal)
        offsets = self._random(OFFSET_STREAM, 0).standard_normal(TEMPERATURES + VOLTAGES + CURRENTS)
        self._scale = np.concatenate(
            [
                np.full(TEMPERATURES, errors.temperature_noise),
                np.full(VOLTAGES, errors.voltage_noise),
                np.full(CURRENTS, errors.current_noise),
            ]
        )
        self._offset = offsets * np.concatenate(
            [
                np.full(TEMPERATURES, errors.temperature_offset),
                np.full(VOLTAGES, errors.voltage_offset),
                np.full(CURRENTS, errors.current_offset),
            ]
        )
        fitted = {*self.names.values(), *range(ZONE_CHANNELS + PACK_CHANNELS, TEMPERATURES)}
        self._unfitted = np.array([k for k in range(TEMPERATURES) if k not in fitted], dtype=np.intp)
        self._block_number = -1
        self._block: Vector = np.zeros((NOISE_BLOCK, self._scale.size))

    def measure(self, truth: Vector, step: int, now_s: float, effects: Effects) -> Vector:
        """All measurements in a step from all true values: temperatures, voltages, currents, in this order.

        Channels with nothing connected read OPEN.
        """
        value: Vector = truth + self._offset
        value += self._noise(step)
        grain = self._errors.temperature_step
        celsius = value[:TEMPERATURES]
        celsius *= 1.0 / grain
        np.rint(celsius, out=celsius)
        celsius *= grain
        celsius[self._unfitted] = OPEN
        for name, faults in effects.sensors.items():
            place = self.names[name]
            for fault in faults:
                value[place] = self._broken(float(value[place]), fault, place, step, now_s)
        return value

    def _broken(self, value: float, fault: Fault, place: int, step: int, now_s: float) -> float:
        match fault.name:
            case "sensor_open":
                return OPEN
            case "sensor_short":
                return SHORT
            case "sensor_stuck":
                return value if fault.held is None else fault.held
            case "sensor_drift":
                return value + float(fault.parameters["rate_k_per_h"]) * (now_s - fault.at_s) / 3600.0
            case _:
                noise = self._noise(step)[place] / self._errors.temperature_noise
                return value + float(fault.parameters["sigma_k"]) * float(noise)

    def _noise(self, step: int) -> Vector:
        block, row = divmod(step, NOISE_BLOCK)
        if block != self._block_number:
            shape = (NOISE_BLOCK, self._scale.size)
            self._block = self._random(NOISE_STREAM, block).standard_normal(shape) * self._scale
            self._block_number = block
        noise: Vector = self._block[row]
        return noise

    def _random(self, stream: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([self._seed, stream, number]))
