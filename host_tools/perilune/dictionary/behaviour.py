"""What the board does by itself: monitors, event-actions, sequences, modes. Resolved and checked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from . import model, schema
from .definitions import Definitions, full_name
from .encode import ArgumentError, number_of, packet
from .problem import Place, Problem
from .source import Located, Source
from .types import BOARD_MAX
from .vocabulary import MODES, ON_BOARD_SOURCE

Number = int | float


class Behaviour(msgspec.Struct):
    """Monitors, event-actions, sequences, modes."""

    monitors: dict[str, model.Monitor] = {}
    event_actions: tuple[model.EventAction, ...] = ()
    sequences: dict[str, model.Sequence] = {}
    modes: tuple[model.Mode, ...] = ()


class _Resolver:
    def __init__(self, definitions: Definitions, problems: list[Problem]) -> None:
        self._definitions = definitions
        self._problems = problems

    def problem(self, place: Place, kind: str, text: str, mend: str) -> None:
        self._problems.append(Problem(place, kind, text, mend))

    def point(self, reference: str, subsystem: str, place: Place) -> model.Point | None:
        found = self._definitions.points.get(full_name(reference, subsystem))
        if found is None:
            self.problem(place, "reference", f"unknown point {reference}", "Define it as [[point]] or [[parameter]]")
        return found

    def event(self, reference: str | None, subsystem: str, place: Place) -> model.Event | None:
        if reference is None:
            return None
        found = self._definitions.events.get(full_name(reference, subsystem))
        if found is None:
            known = ", ".join(self._definitions.events) or "none"
            self.problem(place, "reference", f"unknown event {reference}", f"Events are {known}")
        return found

    def request(self, request: schema.Request, subsystem: str, place: Place) -> tuple[bytes, str]:
        """The packet of a stored request, and how it reads; b"" when it cannot be made."""
        command = self._definitions.commands.get(full_name(request.command, subsystem))
        if command is None:
            self.problem(place, "reference", f"unknown command {request.command}", "Define it as [[command]]")
            return b"", ""
        try:
            octets = packet(command, request.args, source=ON_BOARD_SOURCE, items=request.items)
        except ArgumentError as error:
            self.problem(place, "argument", f"{command.name}: {error}", "Correct the arguments")
            return b"", ""
        arguments = ", ".join(
            f"{name} = {value}" for fields in (request.args, *request.items) for name, value in fields.items()
        )
        return octets, f"{command.name}({arguments})"

    def monitor(self, located: Located[schema.Monitor]) -> model.Monitor | None:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        point = self.point(entry.point, located.subsystem, located.at("point ="))
        low_event = self.event(entry.event_low, located.subsystem, located.at("event_low ="))
        high_event = self.event(entry.event_high, located.subsystem, located.at("event_high ="))
        valid = None
        if entry.valid is not None:
            condition = self.point(entry.valid.point, located.subsystem, located.at("valid"))
            if condition is not None:
                valid = (condition, entry.valid.mask, entry.valid.value)
                self._condition(located, name, valid)
        if point is None:
            return None
        if entry.engineering and not point.coefficients:
            self.problem(located.at("engineering ="), "monitor", f"{point.name} has no calibration", "Use raw values")
        a: Number
        b: Number
        if entry.check == "expected":
            if entry.value is None or entry.low is not None or entry.high is not None:
                self.problem(
                    located.at("check ="), "monitor", f"{name}: an expected-value check", "Give value (and mask) only"
                )
            if point.type.is_float:
                self.problem(located.at("point ="), "monitor", f"{name}: {point.name} is a float", "Use a limit check")
            a, b = entry.mask, entry.value or 0
        else:
            if entry.low is None or entry.high is None or entry.value is not None:
                self.problem(
                    located.at("check ="), "monitor", f"{name}: a {entry.check} check", "Give low and high only"
                )
            a, b = entry.low or 0, entry.high or 0
            if a > b:
                self.problem(located.at("low ="), "monitor", f"{name}: low {a} is above high {b}", "Exchange them")
            if entry.check == "limit":
                self._range(located, name, point, (a, b))
        if entry.event_low is None and entry.event_high is None:
            self.problem(located.at("name ="), "monitor", f"{name} raises no event", "Give event_low or event_high")
        return model.Monitor(
            entry.id,
            name,
            point,
            entry.check,
            a,
            b,
            entry.engineering,
            entry.repetition,
            entry.period_ms,
            low_event,
            high_event,
            valid,
            entry.enabled,
            entry.text,
        )

    def _condition(self, located: Located[schema.Monitor], name: str, valid: tuple[model.Point, int, int]) -> None:
        """An integer point, and bits that it has: the board compares small integers."""
        point, mask, value = valid
        top = BOARD_MAX if point.type.low < 0 else point.type.high
        text, mend = "", ""
        if point.type.is_float:
            text, mend = f"{point.name} is a float", "Use an integer point"
        elif not 0 <= value <= top:
            text, mend = f"value {value} is outside 0 to {top}", f"Give value bits of {point.name}"
        elif mask != BOARD_MAX and not 1 <= mask <= top:
            text, mend = f"mask {mask} is outside 1 to {top}", f"Give mask bits of {point.name}"
        elif value & ~mask:
            text, mend = f"value {value} has bits that mask {mask} has not", "Give value bits of the mask only"
        if text:
            self.problem(located.at("valid ="), "monitor", f"{name}: valid: {text}", mend)

    def _range(
        self, located: Located[schema.Monitor], name: str, point: model.Point, limits: tuple[Number, Number]
    ) -> None:
        if len(point.coefficients) > 2:
            return
        if located.entry.engineering or point.settable or not point.coefficients:
            low, high = point.low, point.high
        else:
            low, high = point.type.low, point.type.high
        for key, limit in zip(("low", "high"), limits, strict=True):
            if not low <= limit <= high:
                self.problem(
                    located.at(f"{key} ="),
                    "limit",
                    f"{name}: {key} {limit} is outside {low} to {high}",
                    "Move the limit",
                )

    def sequence(self, located: Located[schema.Sequence]) -> model.Sequence:
        entry = located.entry
        name = full_name(entry.name, located.subsystem)
        steps = []
        for number, row in enumerate(entry.steps):
            place = located.at(f'"{row.request.command}"' if row.request else f'"{row.wait}"')
            if (row.request is None) == (row.wait is None):
                self.problem(place, "sequence", f"{name}: step {number} is not one thing", "Give request or wait")
                continue
            if row.request is not None:
                octets, reads = self.request(row.request, located.subsystem, place)
                steps.append(model.Step(row.delay_ms, octets, reads))
                continue
            point = self.point(row.wait or "", located.subsystem, place)
            if point is None:
                continue
            if row.value is None:
                self.problem(place, "sequence", f"{name}: step {number} waits for no value", "Give value")
                continue
            try:
                value = number_of(point.name, row.value, point.type, point.type.low, point.type.high, point.enumeration)
            except ArgumentError as error:
                self.problem(place, "sequence", f"{name}: step {number}: {error}", "Correct the value")
                continue
            steps.append(
                model.Step(
                    row.delay_ms,
                    point=point,
                    relation=row.relation,
                    value=value,
                    timeout_ms=row.timeout_ms,
                    go_on=row.go_on,
                )
            )
        return model.Sequence(entry.id, name, entry.text, entry.abort_on_failure, tuple(steps))

    def mode(self, located: Located[schema.Mode]) -> model.Mode:
        entry = located.entry
        packets = []
        for requests in (entry.entry, entry.exit):
            made = [self.request(row, located.subsystem, located.at(f'"{row.command}"'))[0] for row in requests]
            packets.append(tuple(made))
        return model.Mode(
            MODES[entry.name],
            entry.name,
            entry.text,
            tuple(sorted(MODES[name] for name in entry.next or ())),
            packets[0],
            packets[1],
            MODES[entry.resume],
        )

    def modes(self, rows: Sequence[Located[schema.Mode]]) -> tuple[model.Mode, ...]:
        """Each mode once, by number: as the file says that has its `next`, with the requests of the others behind."""
        defined: dict[str, model.Mode] = {}
        places: dict[object, Place] = {}
        for located in rows:
            if located.entry.next is not None:
                name = located.entry.name
                self.unique(places, name, located.at("name ="), f"mode {name}")
                defined.setdefault(name, self.mode(located))
        for located in rows:
            name = located.entry.name
            if located.entry.next is not None:
                continue
            if name not in defined:
                self.problem(located.at("name ="), "reference", f"mode {name} is defined nowhere", "Give it `next`")
                continue
            added = self.mode(located)
            base = defined[name]
            defined[name] = msgspec.structs.replace(base, entry=base.entry + added.entry, exit=base.exit + added.exit)
        return tuple(sorted(defined.values(), key=lambda row: row.number))

    def unique(self, places: dict[object, Place], key: object, place: Place, what: str) -> None:
        if key in places:
            other = places[key]
            self.problem(place, "duplicate", f"{what} is also in {other.path}:{other.line}", "Give one of them another")
        places.setdefault(key, place)


def resolve_behaviour(sources: Sequence[Source], definitions: Definitions, problems: list[Problem]) -> Behaviour:
    """All of it; what is wrong is added to *problems*."""
    resolver = _Resolver(definitions, problems)
    behaviour = Behaviour()
    ids: dict[object, Place] = {}
    names: dict[object, Place] = {}
    actions: dict[object, Place] = {}
    event_actions = []
    mode_rows = []
    for source in sources:
        for monitor in source.of(schema.Monitor):
            resolver.unique(ids, ("monitor", monitor.entry.id), monitor.at("id ="), f"monitor id {monitor.entry.id}")
            made = resolver.monitor(monitor)
            if made is not None:
                resolver.unique(names, ("monitor", made.name), monitor.at("name ="), f"monitor {made.name}")
                behaviour.monitors[made.name] = made
        for sequence in source.of(schema.Sequence):
            resolver.unique(
                ids, ("sequence", sequence.entry.id), sequence.at("id ="), f"sequence id {sequence.entry.id}"
            )
            row = resolver.sequence(sequence)
            resolver.unique(names, ("sequence", row.name), sequence.at("name ="), f"sequence {row.name}")
            behaviour.sequences[row.name] = row
        for action in source.of(schema.EventAction):
            event = resolver.event(action.entry.event, action.subsystem, action.at("event ="))
            octets, reads = resolver.request(action.entry.request, action.subsystem, action.at("request"))
            if event is not None:
                resolver.unique(actions, event.id, action.at("event ="), f"an action of {event.name}")
                event_actions.append(model.EventAction(event, octets, reads, action.entry.enabled))
        for mode in source.of(schema.Mode):
            mode_rows.append(mode)
    behaviour.event_actions = tuple(sorted(event_actions, key=lambda action: action.event.id))
    behaviour.modes = resolver.modes(mode_rows)
    return behaviour
