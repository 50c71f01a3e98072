"""Raw types of fields: u1 to u32, i2 to i32, f32, f64, bool. Their width, codec kind and range. firmware/SPEC.md
section 11.

On board an integer stays in -2^30 .. 2^30-1; what needs 32 full bits is two u16 fields.
"""

from __future__ import annotations

import re

import msgspec
from flight.codec import FIELD_FLOAT, FIELD_HALVES, FIELD_SIGNED, FIELD_UNSIGNED

BOARD_MIN = -(1 << 30)
BOARD_MAX = (1 << 30) - 1
_FLOAT_MAX = {32: 3.4028234663852886e38, 64: 1.7976931348623157e308}
_PATTERN = re.compile(r"^(?:([ui])([1-9]|[12]\d|3[0-2])|f(32|64)|bool)$")


class RawType(msgspec.Struct, frozen=True):
    """A raw type. `low`, `high`: what its bits can say and the board can hold."""

    name: str
    kind: int
    width: int
    low: int | float
    high: int | float

    @property
    def is_float(self) -> bool:
        """True for f32 and f64."""
        return self.kind == FIELD_FLOAT

    @property
    def argument_kind(self) -> int:
        """Codec kind with which the board reads it: 32-bit integers come as halves."""
        return FIELD_HALVES if self.width == 32 and not self.is_float else self.kind


def raw_type(name: str) -> RawType | None:
    """The type of that name, None when there is none."""
    match = _PATTERN.match(name)
    if not match:
        return None
    if match[3]:
        width = int(match[3])
        # The board's floats have 32 bits whatever the width on the wire.
        return RawType(name, FIELD_FLOAT, width, -_FLOAT_MAX[32], _FLOAT_MAX[32])
    if name == "bool":
        return RawType(name, FIELD_UNSIGNED, 8, 0, 1)
    width = int(match[2])
    if match[1] == "u":
        return RawType(name, FIELD_UNSIGNED, width, 0, min((1 << width) - 1, BOARD_MAX))
    if width < 2:
        return None
    return RawType(
        name, FIELD_SIGNED, width, max(-(1 << (width - 1)), BOARD_MIN), min((1 << (width - 1)) - 1, BOARD_MAX)
    )
