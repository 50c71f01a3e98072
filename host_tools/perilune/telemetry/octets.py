"""Octets of a report read from front to back, and numbers of the dictionary's types out of them."""

from __future__ import annotations

import math
import struct

import msgspec
from flight.packet.cuc import P_FIELD, TIME_LENGTH

from ..dictionary.types import RawType
from .onboard_time import OnboardTime


class LayoutError(Exception):
    """The octets do not have the layout of their report. Stays in this package: the decoder makes it a reason."""


class Octets:
    """A cursor. Every read raises LayoutError where octets are missing."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> bytes:
        """The next `count` octets."""
        end = self.at + count
        if end > len(self.data):
            raise LayoutError(f"expected {end} octets, found {len(self.data)}")
        octets = self.data[self.at : end]
        self.at = end
        return octets

    def u8(self) -> int:
        """An octet."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Two octets."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """Four octets."""
        return int.from_bytes(self.take(4), "big")

    def time(self, status: int) -> OnboardTime:
        """A CUC time."""
        octets = self.take(TIME_LENGTH)
        if octets[0] != P_FIELD:
            raise LayoutError(f"expected a time of P-field {P_FIELD:02X}, found {octets[0]:02X}")
        return OnboardTime(int.from_bytes(octets[1:5], "big"), int.from_bytes(octets[5:7], "big"), status)

    def number(self, raw: RawType) -> int | float:
        """A number in whole octets of its own type."""
        return number_of(self.take((raw.width + 7) // 8), raw)

    def real_or_integer(self, is_float: bool) -> int | float:
        """Four octets: f32 or i32."""
        octets = self.take(4)
        if is_float:
            value: float = struct.unpack(">f", octets)[0]
            return value
        return int.from_bytes(octets, "big", signed=True)

    def packet(self) -> bytes:
        """A whole space packet, as long as its header says."""
        header = self.take(6)
        self.at -= 6
        return self.take(int.from_bytes(header[4:6], "big") + 7)

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self.data) - self.at)

    def end(self) -> None:
        """Nothing may be left."""
        if self.at != len(self.data):
            raise LayoutError(f"expected {self.at} octets, found {len(self.data)}")


def number_of(octets: bytes, raw: RawType) -> int | float:
    """The number in these octets."""
    if raw.is_float:
        value: float = struct.unpack(">f" if raw.width == 32 else ">d", octets)[0]
        return value
    return int.from_bytes(octets, "big", signed=raw.low < 0)


class BitField(msgspec.Struct, frozen=True):
    """Where a number stands in a structure: bits from its first one."""

    bit: int
    raw: RawType


def decimal(value: float) -> str:
    """The shortest decimal, of six digits at least where it has them, that reads back as the same f32; else as f64."""
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if _f32(float(text)) == value:
            return "-0.0" if text == "-0" else text  # an integer would lose its sign
    return repr(value)


def _f32(value: float) -> float:
    """The f32 nearest to *value*; infinite beyond its range."""
    try:
        rounded: float = struct.unpack(">f", struct.pack(">f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded


def numbers_at(data: bytes, fields: tuple[BitField, ...]) -> list[int | float]:
    """The numbers of a structure that starts at data[0]; the caller has checked that it is long enough."""
    whole = int.from_bytes(data, "big")
    bits = 8 * len(data)
    numbers: list[int | float] = []
    for field in fields:
        width = field.raw.width
        number = whole >> (bits - field.bit - width) & (1 << width) - 1
        if field.raw.is_float:
            numbers.append(number_of(number.to_bytes(width // 8, "big"), field.raw))
        elif field.raw.low < 0 and number >> (width - 1):
            numbers.append(number - (1 << width))
        else:
            numbers.append(number)
    return numbers
