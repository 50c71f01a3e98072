"""A thermal unit made of the board's own parts, behind the interface of thermal.py.

Wiring (dictionary [[device]]): thermistors = analogue pins in the order of the channels (zone * 3 + sensor), "" = none;
heaters = pins of the heater switches, "" = none. Resistor, coefficients and shortest times of the switches are
parameters. Currents of the heaters are not measured: `heater_on` tells the switches.
"""

from micropython import const

from .heater_switch import HeaterSwitch
from .parts_power import wired
from .reading import AGE_MAX_S
from .thermal import CHANNELS, HEATERS, SUPPLY_PRESENT, ThermalUnit
from .thermistor import Thermistor

# A conversion takes some microseconds, its logarithm and what is around it some hundred.
_READ_PER_STEP: int = const(8)
_COUNT_MASK: int = const(0xFFFF)


class PartsThermalUnit(ThermalUnit):
    """devices: the board's; wiring: as above. Allocates when made, never after."""

    def __init__(self, devices, wiring) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self._values = devices.values
        parameter = devices.parameter
        self._resistor = parameter("NTC_RESISTOR_OHM")
        self._a = parameter("NTC_A")
        self._b = parameter("NTC_B")
        self._c = parameter("NTC_C")
        self._min_on = parameter("HEATER_MIN_ON_S")
        self._min_off = parameter("HEATER_MIN_OFF_S")
        self._thermistors: list[Thermistor] = []
        pins = wired(wiring, "thermistors")
        for channel in range(min(len(pins), CHANNELS)):
            if pins[channel]:
                part = Thermistor(devices.hal.adc(pins[channel]))
                self._thermistors.append(part)
                self.temperature_c[channel] = part.celsius
        self.all = self.temperature_c + self.heater_a + [self.unit_c]
        self._switches: list = [None] * HEATERS  # type: ignore[type-arg]
        pins = wired(wiring, "heaters")
        for heater in range(min(len(pins), HEATERS)):
            if pins[heater]:
                self._switches[heater] = HeaterSwitch(devices.hal.output(pins[heater]))
        self.status = SUPPLY_PRESENT
        self._next = 0
        self._answered = 0

    def set_duty(self, heater: int, duty: float) -> None:
        super().set_duty(heater, duty)
        if self._switches[heater] is not None:
            self._switches[heater].duty = self.duty[heater]

    def set_enable(self, heater: int, on: bool) -> None:
        super().set_enable(heater, on)
        if self._switches[heater] is not None:
            self._switches[heater].armed = on

    def step(self, elapsed_s: int) -> None:
        age_s = self.age_s + elapsed_s
        self.age_s = age_s if age_s < AGE_MAX_S else AGE_MAX_S
        parts = self._thermistors
        for part in parts:
            age_s = part.age_s + elapsed_s
            part.age_s = age_s if age_s < AGE_MAX_S else AGE_MAX_S
        for _ in range(min(_READ_PER_STEP, len(parts))):
            self._read(parts[self._next])
            self._next += 1
            if self._next == len(parts):
                self._next = 0
                self._round()
        self._switch(elapsed_s)

    def _read(self, part: Thermistor) -> None:
        values = self._values
        errors = self.errors
        errors.requests = (errors.requests + 1) & _COUNT_MASK
        if part.read(values[self._resistor], values[self._a], values[self._b], values[self._c]):
            errors.replies = (errors.replies + 1) & _COUNT_MASK
            self._answered += 1
        else:
            errors.corrupt = (errors.corrupt + 1) & _COUNT_MASK

    def _round(self) -> None:
        """All channels were read once: that is a set of readings, also when wires are broken."""
        self.age_s = 0
        self.link_ok = self._answered > 0
        self._answered = 0
        self.updates = (self.updates + 1) & _COUNT_MASK

    def _switch(self, elapsed_s: int) -> None:
        values = self._values
        on = 0
        for heater in range(HEATERS):
            switch = self._switches[heater]
            if switch is not None:
                switch.step(elapsed_s, values[self._min_on], values[self._min_off])
                if switch.on:
                    on |= 1 << heater
        self.heater_on = on
