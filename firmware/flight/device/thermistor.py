"""Thermistor between an analogue input and ground, a resistor from the input to the converter's reference.

1/T = A + B ln R + C (ln R)^3 (Steinhart and Hart, Deep-Sea Research 15 (1968) 497); A, B, C and the resistor are
parameters. The reference cancels: R = resistor * part / (1 - part), where part is what is read of the full range.
"""

from math import log

from micropython import const

from ..hal.null import Adc
from .reading import Reading, Source

_FULL: int = const(65535)
# Nearer to an end than this there is no thermistor: a broken or a shorted wire, or a converter that gave nothing (< 0).
_SHORT: int = const(300)
_OPEN: int = const(65235)
_KELVIN = 273.15


class Thermistor(Source):
    """celsius: the reading. Allocates when made, never after."""

    def __init__(self, adc: Adc) -> None:
        super().__init__()
        self._adc = adc
        self.celsius = Reading(self)

    def read(self, resistor_ohm: float, a: float, b: float, c: float) -> bool:
        """Take the reading; False, and it is not valid: wire or converter broken, settings that give no temperature."""
        raw = self._adc.read_u16()
        if not _SHORT < raw < _OPEN or resistor_ohm <= 0.0:
            self.celsius.valid = False
            return False
        logarithm = log(resistor_ohm * raw / (_FULL - raw))
        per_kelvin = a + b * logarithm + c * logarithm * logarithm * logarithm
        if per_kelvin <= 0.0:
            self.celsius.valid = False
            return False
        self.celsius.value = 1.0 / per_kelvin - _KELVIN
        self.celsius.valid = True
        self.age_s = 0
        return True
