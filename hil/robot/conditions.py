"""Conditions as operators write them (`> 40`, `is NOMINAL`), and parameters of faults (`heater=battery`)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from hil.plant.faults import Value

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_EQUAL = {"is": True, "==": True, "is not": False, "!=": False}


def condition(sign: str, wanted: str) -> Callable[[object], bool]:
    """Does a value (a number, or the name of an enumerated one) stand so to *wanted*? Raises ValueError for a sign."""
    if sign in _EQUAL:
        return lambda value: _same(value, wanted) is _EQUAL[sign]
    if sign not in _SIGNS:
        raise ValueError(f"no sign {sign!r}; there are {', '.join((*_SIGNS, *_EQUAL))}")
    number = float(wanted)
    return lambda value: isinstance(value, (int, float)) and _SIGNS[sign](value, number)


def between(low: float, high: float) -> Callable[[object], bool]:
    """Is a value a number above *low* and below *high*?"""
    return lambda value: isinstance(value, (int, float)) and low < value < high


def _same(value: object, wanted: str) -> bool:
    if isinstance(value, str):
        return value.upper() == wanted.upper()
    try:
        return value == float(wanted)
    except ValueError:
        return False


def parameters(words: Sequence[str]) -> dict[str, Value]:
    """name=value words; a value that reads as a number is one. Raises ValueError."""
    found: dict[str, Value] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ValueError(f"expected name=value, found {word!r}")
        found[name.strip()] = _value(text.strip())
    return found


def _value(text: str) -> Value:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    return text
