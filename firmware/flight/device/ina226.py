"""INA226: voltage and current of one line. Texas Instruments SBOS547, register map.

The current is the shunt voltage (register 01, 2.5 uV a count, signed) over the shunt's resistance; so the part needs no
calibration register, and its own rounding is avoided. Bus voltage: register 02, 1.25 mV a count.
"""

from micropython import const

from ..hal.null import I2c
from .reading import Reading, Source

_CONFIGURATION: int = const(0x00)
_SHUNT: int = const(0x01)
_BUS: int = const(0x02)
_MANUFACTURER: int = const(0xFE)
# Averages of 16, 1.1 ms for each conversion, shunt and bus without end: new values each 35 ms.
_CONFIGURATION_HIGH: int = const(0x45)
_CONFIGURATION_LOW: int = const(0x27)
_TI_HIGH: int = const(0x54)  # "TI"
_TI_LOW: int = const(0x49)


class Ina226(Source):
    """volts, amperes: readings. i2c: the bus; address: 40 to 4F hex. Allocates when made, never after."""

    def __init__(self, i2c: I2c, address: int) -> None:
        super().__init__()
        self._i2c = i2c
        self._address = address
        self._word = bytearray(2)
        self._ready = False
        self.volts = Reading(self)
        self.amperes = Reading(self)

    def _signed(self) -> int:
        word = self._word
        value = word[0] << 8 | word[1]
        return value - 0x10000 if value & 0x8000 else value

    def _begin(self) -> bool:
        """Is it there and the right part? Set it up. Again after each time that it did not answer."""
        word = self._word
        if not self._i2c.read(self._address, _MANUFACTURER, word) or word[0] != _TI_HIGH or word[1] != _TI_LOW:
            return False
        word[0] = _CONFIGURATION_HIGH
        word[1] = _CONFIGURATION_LOW
        return self._i2c.write(self._address, _CONFIGURATION, word)

    def read(self, shunt_ohm: float) -> bool:
        """Take both readings; False, and they are not valid, when the part does not answer."""
        i2c = self._i2c
        word = self._word
        if not self._ready:
            self._ready = self._begin()
            # The first conversion is not yet there.
            self.volts.valid = self.amperes.valid = False
            return self._ready
        good = i2c.read(self._address, _SHUNT, word)
        if good:
            self.amperes.value = self._signed() * 2.5e-6 / shunt_ohm
            good = i2c.read(self._address, _BUS, word)
        if good:
            self.volts.value = self._signed() * 1.25e-3
            self.age_s = 0
        self.volts.valid = self.amperes.valid = self._ready = good
        return good
