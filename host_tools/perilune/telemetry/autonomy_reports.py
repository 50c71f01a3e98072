"""Reports about what the board does by itself: schedule, monitors, event-actions, sequences. ST[11], [12], [19], [21].

Layouts: flight/service/scheduling.py, monitoring.py, monitor_table.py, event_action.py, sequencing.py.
"""

from __future__ import annotations

from collections.abc import Callable

from flight.codec import FIELD_FLOAT

from ..dictionary.model import Dictionary
from ..dictionary.vocabulary import CHECKS
from . import reports as r
from .octets import Octets
from .requests import Requests

_CHECK_NAMES = {number: name for name, number in CHECKS.items()}
_STATUS_NAMES = {0: "good", 1: "unchecked", 2: "invalid", 3: "low", 4: "high"}
_SEQUENCE_STATES = {1: "loading", 2: "loaded", 3: "executed"}
_SET = 1  # release times are times that the ground gave


class AutonomyReports:
    """Readers of these reports."""

    def __init__(self, dictionary: Dictionary, requests: Requests) -> None:
        self._requests = requests
        self._points = {point.id: point for point in dictionary.points.values()}
        self._events = {event.id: event.name for event in dictionary.events.values()}
        self._monitors = {monitor.id: monitor for monitor in dictionary.monitors.values()}
        self._sequences = {sequence.id: sequence.name for sequence in dictionary.sequences.values()}

    def table(self) -> dict[tuple[int, int], Callable[[r.Header, bytes, Octets], r.Report]]:
        """Who reads what, by service and subtype."""
        return {
            (11, 10): self._schedule,
            (11, 13): self._schedule,
            (12, 9): self._monitor_definitions,
            (12, 11): self._out_of_limits,
            (12, 12): self._transitions,
            (12, 14): self._monitor_status,
            (19, 7): self._event_actions,
            (19, 11): self._event_actions,
            (21, 7): self._sequence_status,
            (21, 10): self._sequence_checksum,
            (21, 12): self._sequence_content,
            (21, 14): self._sequence_abort,
        }

    # --- ST[11] -------------------------------------------------------------------------------------------------------

    def _schedule(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        detail = header.subtype == 10
        entries = []
        for _ in range(octets.u8()):
            release = octets.time(_SET)
            held = octets.u8() == 1
            if detail:
                request = self._stored(octets.packet())
            else:
                request = r.StoredRequest(octets.u16(), octets.u16(), octets.u16())
            entries.append(r.ScheduleEntry(release, held, request))
        octets.end()
        return r.ScheduleReport(header=header, raw=raw, detail=detail, entries=tuple(entries))

    def _stored(self, packet: bytes) -> r.StoredRequest:
        identification, sequence = int.from_bytes(packet[:2], "big"), int.from_bytes(packet[2:4], "big")
        source = int.from_bytes(packet[9:11], "big")
        text = self._requests.packet_text(packet)
        return r.StoredRequest(source, identification & 0x7FF, sequence & 0x3FFF, text, packet)

    # --- ST[12] -------------------------------------------------------------------------------------------------------

    def _monitor(self, number: int) -> str:
        return self._monitors[number].name if number in self._monitors else ""

    def _point(self, number: int) -> str:
        return self._points[number].name if number in self._points else ""

    def _monitor_definitions(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        delay_ms = octets.u32()
        definitions = tuple(self._definition(octets) for _ in range(octets.u8()))
        octets.end()
        return r.MonitorDefinitionsReport(header=header, raw=raw, delay_ms=delay_ms, definitions=definitions)

    def _definition(self, octets: Octets) -> r.MonitorDefinition:
        identifier, point_id, valid_point = octets.u16(), octets.u16(), octets.u16()
        valid_mask, valid_value, period_ms = octets.u32(), octets.u32(), octets.u32()
        repetition, check, engineering = octets.u8(), octets.u8(), octets.u8() != 0
        point = self._points.get(point_id)
        is_float = engineering or (point is not None and point.type.is_float)
        a, b = octets.real_or_integer(is_float), octets.real_or_integer(is_float)
        event_low, event_high = octets.u16(), octets.u16()
        enabled, status = octets.u8() != 0, octets.u8()
        return r.MonitorDefinition(
            identifier,
            self._monitor(identifier),
            point_id,
            self._point(point_id),
            _named(_CHECK_NAMES, check),
            engineering,
            a,
            b,
            repetition,
            period_ms,
            self._event(event_low),
            self._event(event_high),
            enabled,
            _named(_STATUS_NAMES, status),
            (self._point(valid_point), valid_mask, valid_value) if valid_point else None,
        )

    def _event(self, number: int) -> str:
        if not number:
            return ""
        return self._events.get(number, f"0x{number:04X}")

    def _out_of_limits(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        items = []
        for _ in range(octets.u8()):
            monitor, point, check, status = octets.u16(), octets.u16(), octets.u8(), octets.u8()
            value = octets.real_or_integer(octets.u8() == FIELD_FLOAT)
            items.append(
                r.OutOfLimits(
                    monitor,
                    self._monitor(monitor),
                    self._point(point),
                    _named(_CHECK_NAMES, check),
                    _named(_STATUS_NAMES, status),
                    value,
                )
            )
        octets.end()
        return r.OutOfLimitsReport(header=header, raw=raw, items=tuple(items))

    def _transitions(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        transitions = []
        for _ in range(octets.u8()):
            monitor, point, check = octets.u16(), octets.u16(), octets.u8()
            is_float = octets.u8() == FIELD_FLOAT
            value, limit = octets.real_or_integer(is_float), octets.real_or_integer(is_float)
            before, after = octets.u8(), octets.u8()
            transitions.append(
                r.Transition(
                    monitor,
                    self._monitor(monitor),
                    self._point(point),
                    _named(_CHECK_NAMES, check),
                    value,
                    limit,
                    _named(_STATUS_NAMES, before),
                    _named(_STATUS_NAMES, after),
                    octets.time(header.time.status),
                )
            )
        octets.end()
        return r.TransitionsReport(header=header, raw=raw, transitions=tuple(transitions))

    def _monitor_status(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        monitors = []
        for _ in range(octets.u8()):
            identifier = octets.u16()
            enabled = octets.u8() != 0
            status = _named(_STATUS_NAMES, octets.u8())
            monitors.append(r.MonitorStatus(identifier, self._monitor(identifier), enabled, status))
        octets.end()
        return r.MonitorStatusReport(header=header, raw=raw, monitors=tuple(monitors))

    # --- ST[19] -------------------------------------------------------------------------------------------------------

    def _event_actions(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        definition = header.subtype == 11
        actions = []
        for _ in range(octets.u8()):
            event = octets.u16()
            enabled = octets.u8() != 0
            request = self._stored(octets.packet()) if definition else None
            actions.append(r.EventActionEntry(event, self._event(event), enabled, request))
        octets.end()
        return r.EventActionsReport(header=header, raw=raw, definition=definition, actions=tuple(actions))

    # --- ST[21] -------------------------------------------------------------------------------------------------------

    def _sequence(self, number: int) -> str:
        return self._sequences.get(number, "")

    def _sequence_status(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        sequences = []
        for _ in range(octets.u8()):
            identifier, state, step = octets.u16(), octets.u8(), octets.u8()
            named = _named(_SEQUENCE_STATES, state)
            sequences.append(r.SequenceStatus(identifier, self._sequence(identifier), named, step))
        octets.end()
        return r.SequenceStatusReport(header=header, raw=raw, sequences=tuple(sequences))

    def _sequence_checksum(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        identifier, length, crc = octets.u16(), octets.u16(), octets.u16()
        octets.end()
        return r.SequenceChecksumReport(
            header=header, raw=raw, id=identifier, name=self._sequence(identifier), length=length, crc=crc
        )

    def _sequence_content(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        identifier, steps, offset = octets.u16(), octets.u8(), octets.u16()
        return r.SequenceContentReport(
            header=header,
            raw=raw,
            id=identifier,
            name=self._sequence(identifier),
            steps=steps,
            offset=offset,
            octets=octets.rest(),
        )

    def _sequence_abort(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        ids = [octets.u16() for _ in range(octets.u8())]
        octets.end()
        return r.SequenceAbortReport(
            header=header, raw=raw, sequences=tuple((number, self._sequence(number)) for number in ids)
        )


def _named(names: dict[int, str], number: int) -> str:
    return names.get(number, f"{number} (unknown)")
