"""TMP117: a temperature. Texas Instruments SNOSD82, register map: 00 has 7.8125 m degC a count, signed; 0F says who."""

from micropython import const

from ..hal.null import I2c
from .reading import Reading, Source

_RESULT: int = const(0x00)
_IDENTITY: int = const(0x0F)
_IDENTITY_LOW: int = const(0x117)  # in its lower 12 bits
# What the register has before the first conversion: -256 degC.
_NOT_YET: int = const(0x8000)


class Tmp117(Source):
    """celsius: the reading. i2c: the bus; address: 48 to 4B hex. Allocates when made, never after."""

    def __init__(self, i2c: I2c, address: int) -> None:
        super().__init__()
        self._i2c = i2c
        self._address = address
        self._word = bytearray(2)
        self._known = False
        self.celsius = Reading(self)

    def read(self) -> bool:
        """Take the reading; False, and it is not valid, when the part does not answer or has none."""
        word = self._word
        if not self._known:
            self._known = (
                self._i2c.read(self._address, _IDENTITY, word) and (word[0] << 8 | word[1]) & 0xFFF == _IDENTITY_LOW
            )
        good = self._known and self._i2c.read(self._address, _RESULT, word)
        value = word[0] << 8 | word[1]
        self._known = good
        if good and value != _NOT_YET:
            self.celsius.value = (value - 0x10000 if value & 0x8000 else value) * 0.0078125
            self.age_s = 0
        self.celsius.valid = good and value != _NOT_YET
        return self.celsius.valid
