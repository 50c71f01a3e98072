"""The part of MicroPython's ``micropython`` module that flight code uses, for CPython.

Flight files say ``from micropython import const``; on the board that is a compiler hint, here it is the identity.
Nothing else lives here.
"""

from typing import TypeVar

_T = TypeVar("_T")


def const(value: _T) -> _T:
    """Return *value* unchanged (on the board: a compile-time constant)."""
    return value
