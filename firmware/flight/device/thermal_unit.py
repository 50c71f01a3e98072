"""The thermal unit on the payload bus, behind the interface of thermal.py.

Its map: dictionary/units/thermal_unit.toml.
"""

from micropython import const

from ..tables import REGISTER_ADDRESS, SPACE_INPUT
from .modbus_unit import Told, UnitLink
from .thermal import HEATERS, ThermalUnit

# A heater carries current above this: errors of the measurement are a third of it.
_CARRIES_MA: int = const(15)


class ModbusThermalUnit(ThermalUnit):
    """devices: the board's; unit: its map. Allocates when made, never after."""

    def __init__(self, devices, unit) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        link = UnitLink(devices, unit, self)
        self._link = link
        self._places = link.places(("temperature", "heater_current", "unit_temperature"))
        self._status_at = link.find(SPACE_INPUT, "status")[REGISTER_ADDRESS]
        self._enable_bit = link.use_coils(("heater_enable",))[0]
        self._duty: Told = link.use_holding("heater_duty")
        self._timeout: Told = link.use_holding("link_timeout")
        self._timeout_s = devices.parameter("LINK_TIMEOUT_S")
        self._values = devices.values
        link.ready()

    def set_duty(self, heater: int, duty: float) -> None:
        super().set_duty(heater, duty)
        self._duty.want(heater, self.duty[heater])

    def set_enable(self, heater: int, on: bool) -> None:
        super().set_enable(heater, on)
        self._link.want_coil(self._enable_bit + heater, on)

    def step(self, elapsed_s: int) -> None:
        self._link.step(elapsed_s)

    def received(self) -> None:
        """A set of raw readings has come."""
        link = self._link
        link.fill(self.all, self._places)
        self._timeout.want(0, self._values[self._timeout_s])
        on = 0
        for heater in range(HEATERS):
            if self.heater_a[heater].value * 1000 > _CARRIES_MA:
                on |= 1 << heater
        self.heater_on = on
        self.status = link.values[self._status_at]
