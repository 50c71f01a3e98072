"""The dictionary as a reference in Markdown: what an operator can send, and what will come back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import model
from .model import Dictionary
from .vocabulary import SEVERITY_NAMES

ALL_MODES = 6


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [str(cell).replace("|", "\\|").replace("\n", " ") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return lines if len(lines) > 2 else []


def _range(field: model.Field | model.Point) -> str:
    if field.enumeration is not None:
        return ", ".join(f"{name} = {value}" for name, value in field.enumeration.values.items())
    if (field.low, field.high) == (field.type.low, field.type.high):
        return ""
    return f"{field.low} … {field.high}"


def _command(command: model.Command) -> list[str]:
    lines = [f"### {command.name}", "", f"{command.key}. {command.text}", ""]
    if command.hazardous:
        lines += ["**Hazardous: arm it with core.arm first.**", ""]
    if len(command.modes) < ALL_MODES:
        lines += [f"Allowed in {', '.join(command.modes)}.", ""]
    rows = [
        (
            field.name,
            field.type.name,
            field.unit,
            _range(field),
            "" if field.default is None else field.default,
            field.text,
        )
        for field in command.args
    ]
    if command.is_open:
        rows.append(("(octets)", "octets", "", "", "", "Any number of octets."))
    table = _table(["argument", "type", "unit", "range", "default", "meaning"], rows)
    lines += [*table, ""] if table else []
    if command.group is not None:
        group = command.group
        items = ", ".join(f"{field.name} ({field.type.name})" for field in group.fields)
        if group.sets_parameters:
            items += ", value (of that parameter's type)"
        count = f"u{8 * group.count_octets}"
        lines += [f"Then {group.least} to {group.most} {group.name}, after their number ({count}): {items}.", ""]
    return lines


def _points(points: Iterable[model.Point]) -> list[str]:
    rows = []
    for point in points:
        calibration = " + ".join(
            f"{coefficient:g}" + (f"·x{'' if power == 1 else f'^{power}'}" if power else "")
            for power, coefficient in enumerate(point.coefficients)
        )
        limits = [
            f"{name} {pair[0]} … {pair[1]}" for name, pair in (("yellow", point.yellow), ("red", point.red)) if pair
        ]
        rows.append(
            (
                f"0x{point.id:04X}",
                point.name,
                point.type.name,
                point.unit,
                calibration,
                _range(point),
                ", ".join(limits),
                point.text,
            )
        )
    return _table(["id", "name", "type", "unit", "calibration", "range", "limits", "meaning"], rows)


def _parameters(points: Iterable[model.Point]) -> list[str]:
    rows = [
        (
            f"0x{point.id:04X}",
            point.name,
            point.type.name,
            point.unit,
            _range(point),
            point.start,
            "yes" if point.persistent else "",
            point.text,
        )
        for point in points
    ]
    return _table(["id", "name", "type", "unit", "range", "default", "persistent", "meaning"], rows)


def _structures(dictionary: Dictionary) -> list[str]:
    lines = []
    for row in sorted(dictionary.housekeeping.values(), key=lambda row: row.sid):
        how = "" if row.enabled else ", disabled at first"
        how += ", only on change" if row.on_change else ""
        lines += [
            f"### {row.name}",
            "",
            f"SID {row.sid}, every {row.period_ms / 1000:g} s{how}, {row.octets} octets. {row.text}",
        ]
        fields = [(f"{bit // 8}.{bit % 8}", point.name, point.type.name, point.unit) for point, bit in row.fields]
        lines += ["", *_table(["octet.bit", "point", "type", "unit"], fields), ""]
    return lines


def _behaviour(dictionary: Dictionary) -> list[str]:
    lines: list[str] = []
    monitors = [
        (
            row.id,
            row.name,
            row.point.name,
            row.check,
            f"{row.a} … {row.b}",
            row.repetition,
            row.period_ms,
            ", ".join(event.name for event in (row.event_low, row.event_high) if event),
        )
        for row in dictionary.monitors.values()
    ]
    if monitors:
        head = ["id", "name", "point", "check", "values", "repetition", "period in ms", "events"]
        lines += ["## Monitors", "", *_table(head, monitors), ""]
    if dictionary.event_actions:
        rows = [(action.event.name, f"`{action.request}`") for action in dictionary.event_actions]
        lines += ["## Event-actions", "", *_table(["event", "request"], rows), ""]
    for sequence in dictionary.sequences.values():
        steps = [(number, step.delay_ms, _step(step)) for number, step in enumerate(sequence.steps)]
        lines += [f"## Sequence {sequence.id}: {sequence.name}", "", sequence.text, ""]
        lines += [*_table(["step", "delay in ms", "what"], steps), ""]
    if dictionary.modes:
        names = {mode.number: mode.name for mode in dictionary.modes}
        ways = [(mode.name, ", ".join(names[number] for number in mode.next), mode.text) for mode in dictionary.modes]
        lines += ["## Modes", "", *_table(["mode", "may go to", "meaning"], ways), ""]
    return lines


def _step(step: model.Step) -> str:
    if step.point is None:
        return f"`{step.request}`"
    condition = f"{step.point.name} is {step.relation.replace('_', ' ')} {step.value}"
    return f"wait until {condition}; after {step.timeout_ms} ms {'go on' if step.go_on else 'abort'}"


def reference(dictionary: Dictionary) -> str:
    """The whole reference, one Markdown document."""
    lines = ["# Mission dictionary", "", f"Content hash `{dictionary.content_hash.hex()}`.", ""]
    lines += _table(["subsystem", "title"], dictionary.subsystems.items())
    lines += ["", "## Commands", ""]
    for command in sorted(dictionary.commands.values(), key=lambda row: (row.service, row.subtype, row.function)):
        lines += _command(command)
    pool = dictionary.pool
    lines += ["## Telemetry points", "", *_points(point for point in pool if not point.settable), ""]
    parameters = _parameters(point for point in pool if point.settable)
    if parameters:
        lines += ["## Parameters", "", *parameters, ""]
    lines += ["## Housekeeping", "", *_structures(dictionary)]
    events = [
        (
            f"0x{event.id:04X}",
            event.name,
            SEVERITY_NAMES[event.severity],
            event.text,
            ", ".join(f"{field.name} ({field.type.name})" for field in event.fields),
        )
        for event in sorted(dictionary.events.values(), key=lambda row: row.id)
    ]
    lines += ["## Events", "", *_table(["id", "name", "severity", "text", "fields"], events), ""]
    lines += _behaviour(dictionary)
    enumerations = [
        (row.name, ", ".join(f"{name} = {value}" for name, value in row.values.items()), row.text)
        for row in dictionary.enumerations.values()
    ]
    lines += ["## Enumerations", "", *_table(["name", "values", "meaning"], enumerations), ""]
    return "\n".join(lines).rstrip() + "\n"
