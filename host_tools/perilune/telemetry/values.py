"""Raw numbers to values with calibration, names and limits after the dictionary; event texts with their fields."""

from __future__ import annotations

from ..dictionary import model
from .codes import failure_name
from .octets import BitField, number_of, numbers_at
from .reports import LimitState, Number, Value

_STATES = {"ok": LimitState.OK, "yellow": LimitState.YELLOW, "red": LimitState.RED}
# An event field of this name carries a failure code (SPEC.md section 14).
CODE_FIELD = "code"


def point_value(point: model.Point, raw: Number) -> Value:
    """The value of an on-board parameter."""
    text = None
    if point.enumeration is not None:
        text = point.enumeration.text_of(int(raw)) or f"{raw} (unknown)"
    state = LimitState.NONE
    if point.yellow is not None or point.red is not None:
        state = _STATES[point.state(raw)]
    return Value(raw, point.engineering(raw), point.unit, state, text)


class StructureReader:
    """Reads the data of one housekeeping structure (behind the SID)."""

    def __init__(self, points: tuple[tuple[model.Point, int], ...]) -> None:
        self.placed = points
        self.points = tuple(point for point, _ in points)
        self._fields = tuple(BitField(bit, point.type) for point, bit in points)
        self.octets = max(((bit + point.type.width + 7) // 8 for point, bit in points), default=0)

    def read(self, data: bytes) -> dict[str, Value]:
        """Values by name; data is `octets` long."""
        numbers = numbers_at(data, self._fields)
        return {point.name: point_value(point, raw) for point, raw in zip(self.points, numbers, strict=True)}


def laid_out(points: list[model.Point]) -> tuple[tuple[model.Point, int], ...]:
    """Points and the bits at which a structure made of them has each: bit behind bit, a float at the next octet."""
    placed = []
    bit = 0
    for point in points:
        if point.type.is_float:
            bit = (bit + 7) & ~7
        placed.append((point, bit))
        bit += point.type.width
    return tuple(placed)


class _Shown(float):
    """A float in an event's text: six digits, unless the text asks for others."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec or ".6g")


def field_value(field: model.Field, octets: bytes) -> Value:
    """The value of a field of an event."""
    raw = number_of(octets, field.type)
    text = None
    if field.enumeration is not None:
        text = field.enumeration.text_of(int(raw)) or f"{raw} (unknown)"
    elif field.name == CODE_FIELD:
        text = failure_name(int(raw))
    return Value(raw, raw, field.unit, LimitState.NONE, text)


def event_fields(event: model.Event, data: bytes) -> dict[str, Value]:
    """The fields of an event; data is `event.octets` long."""
    found = {}
    for field in event.fields:
        found[field.name] = field_value(field, data[field.offset : field.offset + field.type.width // 8])
    return found


def event_text(event: model.Event, fields: dict[str, Value]) -> str:
    """The event's text with its fields: names where there are, else numbers. Never raises for what came down."""
    shown: dict[str, object] = {}
    for name, value in fields.items():
        if value.text is not None:
            shown[name] = value.text
        else:
            shown[name] = _Shown(value.raw) if isinstance(value.raw, float) else value.raw
    try:
        return event.message(shown)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        # A number format in the text and an enumeration's name do not go together.
        listed = ", ".join(f"{name} {value.shown}" for name, value in fields.items())
        return f"{event.text} ({listed}; {error})"
