"""Entries to definitions, with their checks: enumerations, points, parameters, commands, housekeeping, events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter
from typing import TypeVar

import msgspec
from flight.limits import PERSISTENT_MAX, TC_ARGS_MAX, TC_FRAME_MAX, TM_PACKET_MAX

from . import model, schema
from .encode import ArgumentError, number_of
from .problem import Place, Problem
from .schema import Entry
from .source import Located, Source
from .types import BOARD_MAX, BOARD_MIN, RawType, raw_type
from .vocabulary import MODE_NAMES, SEVERITIES

Number = int | float
E = TypeVar("E", bound=Entry)

TYPES = "u1 to u32, i2 to i32, f32, f64, bool"
# What a telecommand can carry: frame header 5, segment header 1, security 22, FECF 2; packet headers 11, error control
# 2.
TC_DATA_MAX = TC_FRAME_MAX - 30 - 13
# Headers 20, SID or event id and count 3, error control 2.
TM_DATA_MAX = TM_PACKET_MAX - 25
FUNCTION_SERVICE = (8, 1)


class Definitions(msgspec.Struct):
    """What other entries refer to, by full name."""

    enumerations: dict[str, model.Enumeration] = {}
    points: dict[str, model.Point] = {}
    commands: dict[str, model.Command] = {}
    housekeeping: dict[str, model.Housekeeping] = {}
    events: dict[str, model.Event] = {}


def full_name(reference: str, subsystem: str) -> str:
    """A reference as written in the file of *subsystem*, with its subsystem."""
    return reference if "." in reference else f"{subsystem}.{reference}"


class Resolver:
    """Makes Definitions of sources; problems go to the list it is given."""

    def __init__(self, sources: Sequence[Source], problems: list[Problem]) -> None:
        self._sources = sources
        self._problems = problems
        self._persistent = 0
        self.definitions = Definitions()

    def run(self) -> Definitions:
        """All of them, in the order in which they refer to each other."""
        found = self.definitions
        for enumeration in self._named(schema.Enumeration, "enumeration"):
            self._enumeration(enumeration)
        self._points()
        keys: dict[object, Place] = {}
        for command in self._named(schema.Command, "command"):
            self._command(command, keys)
        sids: dict[object, Place] = {}
        for structure in self._named(schema.Housekeeping, "housekeeping structure"):
            self._unique(sids, structure.entry.sid, structure.at("sid ="), f"SID {structure.entry.sid}")
            self._structure(structure)
        ids: dict[object, Place] = {}
        for event in self._named(schema.Event, "event"):
            self._unique(ids, event.entry.id, event.at("id ="), f"event id {event.entry.id}")
            self._event(event)
        return found

    # --- what all share ---------------------------------------------------------------------------------------------

    def problem(self, place: Place, kind: str, text: str, mend: str) -> None:
        """Note a problem."""
        self._problems.append(Problem(place, kind, text, mend))

    def _named(self, kind: type[E], what: str) -> list[Located[E]]:
        """All entries of a kind; names that stand twice are problems."""
        places: dict[object, Place] = {}
        entries = []
        for source in self._sources:
            for located in source.of(kind):
                name = full_name(located.entry.name, located.subsystem)  # type: ignore[attr-defined]
                self._unique(places, name, located.at("name ="), f"{what} {name}")
                entries.append(located)
        return entries

    def _unique(self, places: dict[object, Place], key: object, place: Place, what: str) -> None:
        if key in places:
            other = places[key]
            self.problem(place, "duplicate", f"{what} is also in {other.path}:{other.line}", "Give one of them another")
        else:
            places[key] = place

    def _type(self, name: str, place: Place) -> RawType | None:
        found = raw_type(name)
        if found is None:
            self.problem(place, "type", f"unknown type {name}", f"Types are {TYPES}")
        return found

    def _enumeration_of(self, reference: str | None, subsystem: str, place: Place) -> model.Enumeration | None:
        if reference is None:
            return None
        found = self.definitions.enumerations.get(full_name(reference, subsystem))
        if found is None:
            known = ", ".join(self.definitions.enumerations) or "none"
            self.problem(place, "reference", f"unknown enumeration {reference}", f"Enumerations are {known}")
        return found

    def _range(
        self, place: Place, what: str, low: Number | None, high: Number | None, raw: RawType
    ) -> tuple[Number, Number]:
        """Range in raw units, the type's where it is not given."""
        for bound in (low, high):
            if bound is None:
                continue
            if isinstance(bound, float) and not raw.is_float:
                self.problem(place, "range", f"{what}: {bound} for a field of type {raw.name}", "Give an integer")
            elif not raw.low <= bound <= raw.high:
                mend = f"{raw.name} takes {raw.low} to {raw.high}"
                if not raw.is_float and not BOARD_MIN <= bound <= BOARD_MAX:
                    mend += "; the board's integers end there: make it two u16"
                self.problem(place, "range", f"{what}: {bound} does not fit {raw.name}", mend)
        least = raw.low if low is None else low
        most = raw.high if high is None else high
        if least > most:
            self.problem(place, "range", f"{what}: min {least} is above max {most}", "Exchange them")
        return least, most

    def _values(
        self, place: Place, what: str, enumeration: model.Enumeration | None, low: Number, high: Number
    ) -> None:
        if enumeration is not None:
            for name, value in enumeration.values.items():
                if not low <= value <= high:
                    self.problem(
                        place,
                        "range",
                        f"{what}: {enumeration.name} has {name} = {value}, outside {low} to {high}",
                        "Take a wider type or range",
                    )

    def _start(
        self,
        place: Place,
        what: str,
        value: schema.Scalar,
        raw: RawType,
        bounds: tuple[Number, Number],
        enumeration: model.Enumeration | None,
    ) -> Number:
        """A default as a raw number."""
        try:
            return number_of(what, value, raw, *bounds, enumeration)
        except ArgumentError as error:
            self.problem(place, "default", str(error), "Correct the default or the range")
            return 0

    # --- definitions ----------------------------------------------------------------------------------------------

    def _enumeration(self, located: Located[schema.Enumeration]) -> None:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        numbers = list(entry.values.values())
        if len(set(numbers)) != len(numbers):
            self.problem(located.at("values"), "duplicate", f"{name} gives two names to one value", "Remove one")
        if not numbers:
            self.problem(located.at("values"), "range", f"{name} has no values", "Give it some")
        self.definitions.enumerations[name] = model.Enumeration(name, entry.values, entry.text)

    def _points(self) -> None:
        ids: dict[object, Place] = {}
        names: dict[object, Place] = {}
        points: list[model.Point] = []
        for source in self._sources:
            for point in source.of(schema.Point):
                self._unique(ids, point.entry.id, point.at("id ="), f"on-board parameter id {point.entry.id}")
                name = full_name(point.entry.name, point.subsystem)
                self._unique(names, name, point.at("name ="), f"on-board parameter {name}")
                points += self._point(point)
            for parameter in source.of(schema.Parameter):
                self._unique(
                    ids, parameter.entry.id, parameter.at("id ="), f"on-board parameter id {parameter.entry.id}"
                )
                name = full_name(parameter.entry.name, parameter.subsystem)
                self._unique(names, name, parameter.at("name ="), f"on-board parameter {name}")
                points += self._parameter(parameter)
        points.sort(key=lambda point: point.id)
        for index, definition in enumerate(points):
            self.definitions.points[definition.name] = msgspec.structs.replace(definition, index=index)

    def _point(self, located: Located[schema.Point]) -> list[model.Point]:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        raw = self._type(entry.type, located.at("type ="))
        enumeration = self._enumeration_of(entry.enumeration, located.subsystem, located.at("enumeration ="))
        if raw is None:
            return []
        self._values(located.at("enumeration ="), name, enumeration, raw.low, raw.high)
        if enumeration is not None and (entry.yellow or entry.red or entry.calibration):
            self.problem(
                located.at("enumeration ="), "limit", f"{name} is an enumeration", "Remove calibration and limits"
            )
        definition = model.Point(
            id=entry.id,
            index=0,
            name=name,
            text=entry.text,
            type=raw,
            unit=entry.unit,
            low=raw.low,
            high=raw.high,
            settable=False,
            coefficients=tuple(entry.calibration or ()),
            enumeration=enumeration,
            yellow=entry.yellow,
            red=entry.red,
        )
        # What it can be, in engineering units: as given, else what the ends of the type's range mean.
        ends = sorted((definition.engineering(raw.low), definition.engineering(raw.high)))
        for key, bound in (("min", entry.min), ("max", entry.max)):
            if bound is not None and len(definition.coefficients) <= 2 and not ends[0] <= bound <= ends[1]:
                self.problem(
                    located.at(f"{key} ="),
                    "range",
                    f"{name}: {key} {bound} does not fit {raw.name}",
                    f"With its calibration {raw.name} says {ends[0]} to {ends[1]}",
                )
        low = ends[0] if entry.min is None else entry.min
        high = ends[1] if entry.max is None else entry.max
        if low > high:
            self.problem(located.at("min ="), "range", f"{name}: min {low} is above max {high}", "Exchange them")
        known_range = len(definition.coefficients) <= 2 or (entry.min is not None and entry.max is not None)
        self._limits(located, name, (low, high) if known_range else None)
        return [msgspec.structs.replace(definition, low=low, high=high)]

    def _limits(self, located: Located[schema.Point], name: str, bounds: tuple[Number, Number] | None) -> None:
        entry = located.entry
        for colour, limits in (("yellow", entry.yellow), ("red", entry.red)):
            if limits is None:
                continue
            place = located.at(f"{colour} =")
            if limits[0] > limits[1]:
                self.problem(place, "limit", f"{name}: {colour} begins above its end", "Exchange them")
            for limit in limits:
                if bounds is not None and not bounds[0] <= limit <= bounds[1]:
                    self.problem(
                        place,
                        "limit",
                        f"{name}: {colour} limit {limit} is outside the range {bounds[0]} to {bounds[1]}",
                        "Move the limit, or give min and max",
                    )
        if entry.yellow and entry.red and not entry.red[0] <= entry.yellow[0] <= entry.yellow[1] <= entry.red[1]:
            self.problem(located.at("yellow ="), "limit", f"{name}: yellow is not inside red", "Make red the wider one")

    def _parameter(self, located: Located[schema.Parameter]) -> list[model.Point]:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        raw = self._type(entry.type, located.at("type ="))
        enumeration = self._enumeration_of(entry.enumeration, located.subsystem, located.at("enumeration ="))
        if raw is None:
            return []
        if raw.width not in (8, 16, 32) or raw.name == "f64":
            self.problem(
                located.at("type ="),
                "type",
                f"{name}: {raw.name} in a telecommand",
                "Take u8, u16, u32, i8, i16, i32, f32 or bool",
            )
        bounds = self._range(located.at("min =" if entry.min is not None else "max ="), name, entry.min, entry.max, raw)
        self._values(located.at("enumeration ="), name, enumeration, *bounds)
        start = self._start(located.at("default ="), name, entry.default, raw, bounds, enumeration)
        self._persistent += entry.persistent
        if entry.persistent and self._persistent == PERSISTENT_MAX + 1:
            self.problem(
                located.at("persistent ="),
                "persistent",
                f"{name}: more than {PERSISTENT_MAX} persistent parameters do not fit into their record",
                "Let those that a start may forget be without `persistent`",
            )
        return [
            model.Point(
                entry.id,
                0,
                name,
                entry.text,
                raw,
                entry.unit,
                *bounds,
                settable=True,
                start=start,
                persistent=entry.persistent,
                enumeration=enumeration,
            )
        ]

    def fields(self, located: Located[E], rows: Sequence[schema.Field], what: str) -> tuple[model.Field, ...]:
        """Arguments or event fields, each at whole octets, one behind the other."""
        fields: list[model.Field] = []
        offset = 0
        names: set[str] = set()
        for row in rows:
            place = located.at(f'"{row.name}"')
            if row.name in names:
                self.problem(place, "duplicate", f"{what} has two fields {row.name}", "Rename one")
            names.add(row.name)
            raw = self._type(row.type, place)
            enumeration = self._enumeration_of(row.enumeration, located.subsystem, place)
            if raw is None:
                continue
            if raw.width not in (8, 16, 32) or raw.name == "f64":
                self.problem(
                    place,
                    "type",
                    f"{what}: {row.name} is {raw.name}",
                    "Fields here are u8, u16, u32, i8, i16, i32, f32, bool",
                )
            bounds = self._range(place, f"{what}: {row.name}", row.min, row.max, raw)
            self._values(place, f"{what}: {row.name}", enumeration, *bounds)
            default = None
            if row.default is not None:
                default = self._start(place, f"{what}: {row.name}", row.default, raw, bounds, enumeration)
            fields.append(model.Field(row.name, raw, offset, *bounds, row.unit, enumeration, default, row.text))
            offset += raw.width // 8
        return tuple(fields)

    def _command(self, located: Located[schema.Command], keys: dict[object, Place]) -> None:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        if entry.function is not None:
            if entry.service is not None or entry.subtype is not None:
                self.problem(located.at("function ="), "command", f"{name} has a function and a service", "Keep one")
            service, subtype = FUNCTION_SERVICE
        elif entry.service is None or entry.subtype is None:
            self.problem(
                located.at("name ="), "command", f"{name} has no number", "Give service and subtype, or function"
            )
            return
        else:
            service, subtype = entry.service, entry.subtype
        key = (service, subtype, entry.function or 0)
        what = f"function 0x{entry.function:04X}" if entry.function else f"request {service}/{subtype}"
        self._unique(keys, key, located.at("function =" if entry.function else "subtype ="), what)
        rows = list(entry.args)
        is_open = bool(rows) and rows[-1].type == "octets"
        if is_open:
            rows.pop()
        args = self.fields(located, rows, name)
        octets = sum(field.type.width // 8 for field in args)
        slots = sum(2 if field.type.width == 32 and not field.type.is_float else 1 for field in args)
        if octets > TC_DATA_MAX or slots > TC_ARGS_MAX:
            self.problem(
                located.at("args ="),
                "size",
                f"{name}: arguments take {octets} octets and {slots} places",
                f"At most {TC_DATA_MAX} octets, {TC_ARGS_MAX} places (32-bit integers take two)",
            )
        group = self._group(located, name, octets) if entry.group is not None else None
        if group is not None and is_open:
            self.problem(located.at("group"), "command", f"{name} has octets and a group", "Keep one")
        self.definitions.commands[name] = model.Command(
            name,
            entry.text,
            service,
            subtype,
            entry.function or 0,
            args,
            group,
            octets,
            entry.hazardous,
            entry.checked,
            is_open,
            MODE_NAMES if entry.modes is None else tuple(entry.modes),
            located.subsystem,
        )

    def _group(self, located: Located[schema.Command], name: str, octets: int) -> model.Group | None:
        row = located.entry.group
        assert row is not None
        if row.count not in ("u8", "u16"):
            self.problem(located.at("count ="), "type", f"{name}: count is {row.count}", "Take u8 or u16")
            return None
        fixed = [field for field in row.fields if field.type != "value"]
        fields = self.fields(located, fixed, name)
        item = sum(field.type.width // 8 for field in fields)
        if len(fixed) != len(row.fields) or not fixed:
            # The item's length is known to its service alone.
            item = 0
        if octets + item * row.most > TC_DATA_MAX:
            self.problem(
                located.at("most ="),
                "size",
                f"{name}: {row.most} items of {item} octets",
                f"At most {TC_DATA_MAX} octets",
            )
        sets = len(fixed) != len(row.fields)
        if sets and (row.fields[:-1] != fixed or "parameter" not in [field.name for field in fixed]):
            self.problem(
                located.at('"value"'),
                "command",
                f"{name}: of which parameter is the value",
                "Give a field `parameter` before it, and nothing behind it",
            )
        return model.Group(row.name, 1 if row.count == "u8" else 2, row.least, row.most, fields, item, sets)

    def _structure(self, located: Located[schema.Housekeeping]) -> None:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        bit = 0
        fields: list[tuple[model.Point, int]] = []
        seen: set[str] = set()
        for reference in entry.fields:
            point = self.definitions.points.get(full_name(reference, located.subsystem))
            place = located.at(f'"{reference}"')
            if point is None:
                self.problem(
                    place, "reference", f"{name}: unknown point {reference}", self.nearest(reference, located.subsystem)
                )
                continue
            if point.name in seen:
                self.problem(place, "duplicate", f"{name} has {point.name} twice", "Remove one")
            seen.add(point.name)
            if point.type.is_float:
                bit = (bit + 7) & ~7
            fields.append((point, bit))
            bit += point.type.width
        octets = (bit + 7) // 8
        if octets > TM_DATA_MAX:
            self.problem(
                located.at("fields ="), "size", f"{name} has {octets} octets", f"At most {TM_DATA_MAX}: split it"
            )
        self.definitions.housekeeping[name] = model.Housekeeping(
            entry.sid, name, entry.text, entry.period_ms, entry.enabled, entry.on_change, tuple(fields), octets
        )

    def nearest(self, reference: str, subsystem: str) -> str:
        """What may have been meant by a point that does not exist."""
        wanted = full_name(reference, subsystem)
        stem = wanted.split(".")[-1].split("_")[0]
        like = [name for name in self.definitions.points if stem in name][:5]
        return f"Define it as [[point]] or [[parameter]]{'; there are ' + ', '.join(like) if like else ''}"

    def _event(self, located: Located[schema.Event]) -> None:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        fields = self.fields(located, entry.fields, name)
        try:
            used = {field for _, field, _, _ in Formatter().parse(entry.text) if field is not None}
        except ValueError as error:
            self.problem(located.at("text ="), "event", f"{name}: {error}", "Write fields as {name}")
            used = set()
        for field in sorted(used - {row.name for row in entry.fields}):
            self.problem(
                located.at("text ="), "event", f"{name}: its text names {{{field}}}", "Add the field or remove it"
            )
        if not re.search(r"\w", entry.text):
            self.problem(located.at("text ="), "event", f"{name} has no text", "Say what happened")
        self.definitions.events[name] = model.Event(
            entry.id,
            name,
            SEVERITIES[entry.severity],
            entry.text,
            fields,
            sum(field.type.width // 8 for field in fields),
        )
