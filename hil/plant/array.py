"""The solar array: fixed panels in the sun.

Lives here: sunlight on the panels, power at the converter's output, heat left in the panels.
"""

from __future__ import annotations

import math

from hil.plant.payload import Array, Panel
from hil.plant.sun import SOLAR_CONSTANT_W_M2, Sun

REFERENCE_C = 28.0


def panel_normal(panel: Panel, latitude_deg: float) -> tuple[float, float, float]:
    """Unit normal (east, north, up); a panel that faces the noon sun leans towards the equator by the latitude."""
    azimuth, elevation = panel.azimuth, panel.elevation
    if panel.faces_noon_sun:
        azimuth = 180.0 if latitude_deg >= 0.0 else 0.0
        elevation = 90.0 - abs(latitude_deg)
    a, e = math.radians(azimuth), math.radians(elevation)
    return (math.sin(a) * math.cos(e), math.cos(a) * math.cos(e), math.sin(e))


class SolarArray:
    """All panels as one source.

    `sunlight` is what falls on them in W, set by `set_sun`; `health` scales what the cells give.
    """

    def __init__(self, data: Array, latitude_deg: float) -> None:
        self._data = data
        self._panels = [(p.area, panel_normal(p, latitude_deg)) for p in data.panel]
        self.sunlight = 0.0
        self.health = 1.0

    def set_sun(self, sun: Sun) -> None:
        """Light on the panels from now until the next call; none when the sun is below the horizon."""
        self.sunlight = 0.0
        if sun.up > 0.0:
            for area, (east, north, up) in self._panels:
                self.sunlight += (
                    SOLAR_CONSTANT_W_M2 * area * max(0.0, sun.east * east + sun.north * north + sun.up * up)
                )

    def available(self, temp_c: float) -> float:
        """Largest power at the converter's output, W."""
        if self.sunlight <= 0.0:
            return 0.0
        d = self._data
        efficiency = (
            d.cell_efficiency * (1.0 + d.temperature_coefficient * (temp_c - REFERENCE_C)) * d.packing_and_degradation
        )
        return self.sunlight * efficiency * self.health * d.converter_efficiency

    def panel_power(self, output_w: float) -> float:
        """Power that the panels give for an output of the converter, W."""
        return output_w / self._data.converter_efficiency

    def heat(self, output_w: float) -> float:
        """Heat that the sun leaves in the panels while the converter puts out `output_w`, W."""
        return self.sunlight * self._data.absorptivity - self.panel_power(output_w)

    def voltage(self, temp_c: float) -> float:
        """Voltage at the converter's input, V; 0 in the dark."""
        if self.sunlight <= 1.0:
            return 0.0
        return self._data.voltage_28c * (1.0 + self._data.voltage_coefficient * (temp_c - REFERENCE_C))
