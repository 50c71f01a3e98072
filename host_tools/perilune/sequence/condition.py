"""What a WAIT waits for: a point, a relation, a value in engineering units, made to the raw comparison of the board.

The board compares raw values and knows ==, !=, < and > (flight/service/sequence_steps.py). A linear calibration is
turned round exactly: for whole raw numbers `> 40 degC` becomes `> the largest raw number that is not above it`, so the
board's answer is the same as the ground's. >= and <= exist for whole raw numbers only.
"""

from __future__ import annotations

import math
import struct
import sys
from fractions import Fraction

import msgspec

from ..dictionary.model import Number, Point

RELATIONS = {"==": "equal", "!=": "not_equal", "<": "below", ">": "above"}
SIGNS = {"==", "!=", "<", ">", "<=", ">="}
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


class ConditionError(ValueError):
    """A condition that the board cannot judge; its text is for the user."""


class Condition(msgspec.Struct, frozen=True):
    """point, sign as typed, value in engineering units; relation and raw: what the board compares."""

    point: Point
    sign: str
    value: Number
    relation: str
    raw: Number

    @property
    def text(self) -> str:
        """As it is typed."""
        value = self.value
        shown = self.point.enumeration.text_of(int(value)) if self.point.enumeration is not None else None
        return f"{self.point.name} {self.sign} {shown or f'{value:.9g}'}"


def condition(point: Point, sign: str, value: Number) -> Condition:
    """The condition *point* *sign* *value* (engineering). Raises ConditionError when the board cannot judge it."""
    if not abs(value) <= sys.float_info.max:
        raise ConditionError(f"that is nothing that {point.name} could be compared with")
    raw_sign, raw = _in_raw(point, sign, value)
    if point.type.is_float:
        if raw_sign in ("<=", ">="):
            raise ConditionError(f"{point.name} is a float: the board knows {raw_sign[0]} for it")
        number: Number = struct.unpack(">f", struct.pack(">f", float(raw)))[0] if abs(raw) < 2**128 - 2**103 else 0.0
        if abs(raw) >= 2**128 - 2**103:
            raise ConditionError(f"{value:g} is more than a float can hold")
        return Condition(point, sign, value, RELATIONS[raw_sign], number)
    relation, whole = _whole(point, raw_sign, raw, value)
    low, high = point.type.low, point.type.high
    if relation == "equal" and not low <= whole <= high:
        raise ConditionError(f"{point.name} can never be {value:g}: {_span(point)}")
    if (relation == "above" and whole >= high) or (relation == "below" and whole <= low):
        raise ConditionError(f"{point.name} can never be {sign} {value:g}: {_span(point)}")
    outside = not low <= whole <= high
    if outside and relation != "equal":
        raise ConditionError(f"{point.name} is always {sign} {value:g}: {_span(point)}")
    return Condition(point, sign, value, relation, whole)


def _in_raw(point: Point, sign: str, value: Number) -> tuple[str, Fraction]:
    """Relation and value in raw units, as a fraction."""
    exact = Fraction(value)
    coefficients = point.coefficients
    if not coefficients:
        return sign, exact
    if len(coefficients) != 2 or not coefficients[1]:
        raise ConditionError(f"the calibration of {point.name} is no straight line: wait for another point")
    slope = Fraction(coefficients[1]).limit_denominator(10**12)
    offset = Fraction(coefficients[0]).limit_denominator(10**12)
    raw = (Fraction(value).limit_denominator(10**9) - offset) / slope
    return (sign if slope > 0 else _MIRROR[sign]), raw


def _whole(point: Point, sign: str, raw: Fraction, value: Number) -> tuple[str, int]:
    """The same for a raw number that is whole."""
    if sign in ("==", "!="):
        if raw.denominator != 1:
            raise ConditionError(f"{point.name} is never exactly {value:g}: take < or >")
        return RELATIONS[sign], int(raw)
    if sign == ">":
        return "above", math.floor(raw)
    if sign == "<":
        return "below", math.ceil(raw)
    if sign == ">=":
        return "above", math.ceil(raw) - 1
    return "below", math.floor(raw) + 1


def _span(point: Point) -> str:
    ends = sorted((point.engineering(point.type.low), point.engineering(point.type.high)))
    return f"it is {ends[0]:g} to {ends[1]:g} {point.unit}".rstrip()
