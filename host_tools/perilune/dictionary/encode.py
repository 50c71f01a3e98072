"""Arguments by name to application data of a telecommand, checked against the dictionary as the board will."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from flight.limits import APID

from ..errors import PeriluneError
from ..packet.pus import Telecommand
from .model import Command, Enumeration, Field, Number, Point
from .types import RawType

Item = Mapping[str, object]
_SHOWN_BITS_MAX = 128


class ArgumentError(PeriluneError):
    """An argument that is missing, unknown, or out of its range."""


def number_of(
    name: str, value: object, raw: RawType, low: Number, high: Number, enumeration: Enumeration | None
) -> Number:
    """*value* (number, bool, or name of the enumeration) as the raw number. Raises ArgumentError."""
    if isinstance(value, str):
        if enumeration is None:
            raise ArgumentError(f"{name} is a number", expected=f"{low} to {high}", found=repr(value))
        if value not in enumeration.values:
            raise ArgumentError(f"{name} has no value {value}", expected=", ".join(enumeration.values), found=value)
        value = enumeration.values[value]
    if not isinstance(value, (int, float)) or (isinstance(value, float) and not raw.is_float):
        expected = "a number" if raw.is_float else "an integer"
        raise ArgumentError(f"{name} has the wrong type", expected=expected, found=repr(value))
    # Compared as it is: float() of a long integer overflows. A not-a-number is in no range.
    if not low <= value <= high:
        raise ArgumentError(f"{name} is out of range", expected=f"{low} to {high}", found=_shown(value))
    number = float(value) if raw.is_float else int(value)
    if enumeration is not None and number not in enumeration.values.values():
        names = ", ".join(f"{name} = {value}" for name, value in enumeration.values.items())
        raise ArgumentError(f"{name} has no value {value}", expected=names, found=str(value))
    return number


def _shown(number: Number) -> str:
    """For people, who read no integer of thousands of digits, nor does Python write it."""
    if isinstance(number, int) and number.bit_length() > _SHOWN_BITS_MAX:
        return f"an integer of {number.bit_length()} bits"
    return str(number)


def octets_of(number: Number, raw: RawType) -> bytes:
    """A raw number in whole octets, most significant first."""
    if raw.is_float:
        return struct.pack(">f" if raw.width == 32 else ">d", number)
    return int(number).to_bytes((raw.width + 7) // 8, "big", signed=raw.low < 0)


def _field(field: Field, args: Mapping[str, object]) -> bytes:
    value = args.get(field.name, field.default)
    if value is None:
        raise ArgumentError(
            f"argument {field.name} is missing", expected=f"{field.low} to {field.high} {field.unit}".rstrip()
        )
    return octets_of(number_of(field.name, value, field.type, field.low, field.high, field.enumeration), field.type)


def encode(
    command: Command,
    args: Mapping[str, object],
    items: Sequence[Item] = (),
    octets: bytes = b"",
    points: Mapping[str, Point] | None = None,
) -> bytes:
    """Application data of *command*. items: of its group; octets: of an open command. Raises ArgumentError.

    points: by name, for items that set parameters: such an item has the keys `parameter` (name or id) and `value`.
    """
    known = {field.name for field in command.args}
    unknown = sorted(set(args) - known)
    if unknown:
        raise ArgumentError(f"{command.name} has no argument {unknown[0]}", expected=", ".join(sorted(known)) or "none")
    data = command.function.to_bytes(2, "big") if command.function else b""
    data += b"".join(_field(field, args) for field in command.args)
    group = command.group
    if group is None:
        if items:
            raise ArgumentError(f"{command.name} has no items", found=str(len(items)))
        if octets and not command.is_open:
            raise ArgumentError(f"{command.name} takes no further octets", found=str(len(octets)))
        return data + octets
    if not group.least <= len(items) <= group.most:
        raise ArgumentError(
            f"{command.name}: number of {group.name}", expected=f"{group.least} to {group.most}", found=str(len(items))
        )
    data += len(items).to_bytes(group.count_octets, "big")
    for item in items:
        data += _item(command, item, points or {})
    return data


def _item(command: Command, item: Item, points: Mapping[str, Point]) -> bytes:
    assert command.group is not None
    data = b"".join(_field(field, item) for field in command.group.fields)
    if command.group.sets_parameters:
        identifier = item.get("parameter")
        point = next((point for point in points.values() if point.id == identifier), None)
        if point is None:
            raise ArgumentError(f"no parameter {identifier}", next_step="look it up in the dictionary's reference")
        data += octets_of(
            number_of(point.name, item.get("value"), point.type, point.low, point.high, point.enumeration), point.type
        )
    return data


def packet(
    command: Command, args: Mapping[str, object], source: int = 0, acknowledge: int = 0, items: Sequence[Item] = ()
) -> bytes:
    """A whole telecommand packet as it is stored on board: sequence count 0."""
    data = encode(command, args, items)
    return Telecommand(APID, command.service, command.subtype, data, acknowledge=acknowledge, source=source).pack()
