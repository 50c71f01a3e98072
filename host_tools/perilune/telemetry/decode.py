"""Telemetry packets to typed reports (reports.py), one at a time. firmware/SPEC.md sections 8 to 10 and 14.

Nothing that comes down raises: what cannot be read is an `Undecodable` with its reason and its octets.

The board tells in `core.health` which dictionary it speaks. When that is not ours, reports that need the dictionary are
not guessed at: they come as `Undecodable("dictionary_mismatch")` until a health report fits again, or with `force`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ..dictionary.model import Dictionary, Point
from ..dictionary.vocabulary import SEVERITY_NAMES
from ..errors import PacketError
from ..packet.pus import Telemetry, unpack_telemetry
from . import reports as r
from .autonomy_reports import AutonomyReports
from .codes import failure_name
from .octets import LayoutError, Octets
from .onboard_time import OnboardTime
from .requests import Requests
from .values import StructureReader, event_fields, event_text, laid_out, point_value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEALTH = "core.health"
_TIME_REPORT_OFF = 255
_NOWHERE = 0xFFFF
_FAILURE_LENGTH = 9
_COUNTER_MODULUS = 1 << 16


class DictionaryState(enum.StrEnum):
    """Whether the board speaks our dictionary."""

    UNKNOWN = "unknown"
    MATCH = "match"
    MISMATCH = "mismatch"


class _Refused(Exception):
    """A report that this dictionary cannot read: reason, and detail for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class DecoderCounters(msgspec.Struct):
    """Since the decoder was made. undecodable: by reason."""

    reports: int = 0
    missing: int = 0
    undecodable: dict[str, int] = {}


class Decoder:
    """Decodes the packets of one board. force: use the dictionary though the board speaks another one.

    Remembers the counters of each report type (so that `missing` can be told), structures that the board made at run
    time, as its 3/10 reports tell them, and which dictionary the board says it speaks.
    """

    def __init__(self, dictionary: Dictionary, *, force: bool = False) -> None:
        self.dictionary = dictionary
        self.force = force
        self.state = DictionaryState.UNKNOWN
        self.board_hash = b""  # first four octets of its dictionary's hash
        self.counters = DecoderCounters()
        self.requests = Requests(dictionary)
        self._points = {point.id: point for point in dictionary.points.values()}
        self._events = {event.id: event for event in dictionary.events.values()}
        self._structures = {
            row.sid: (row.name, StructureReader(row.fields)) for row in dictionary.housekeeping.values()
        }
        self._health = next((row for row in dictionary.housekeeping.values() if row.name == HEALTH), None)
        self._own_sids = set(self._structures)
        self._counts: dict[tuple[int, int, int, int, int], int] = {}
        self._readers = self._table()

    def _table(self) -> dict[tuple[int, int], Callable[[r.Header, bytes, Octets], r.Report]]:
        """Who reads what."""
        table: dict[tuple[int, int], Callable[[r.Header, bytes, Octets], r.Report]] = {
            (3, 10): self._structure,
            (3, 25): self._housekeeping,
            (5, 8): self._disabled_events,
            (9, 2): self._time,
            (17, 2): self._ping,
            (20, 2): self._parameters,
        }
        table |= {(1, subtype): self._verification for subtype in range(1, 9)}
        table |= {(5, severity): self._event for severity in SEVERITY_NAMES}
        table |= AutonomyReports(self.dictionary, self.requests).table()
        return table

    # --- for those who decode many at once (batch.py) -----------------------------------------------------------------

    @property
    def health_sid(self) -> int:
        """SID of the report that tells the board's dictionary, -1 when there is none."""
        return -1 if self._health is None else self._health.sid

    def structure(self, sid: int) -> tuple[str, StructureReader] | None:
        """Name and reader of a housekeeping structure, also of one made at run time."""
        return self._structures.get(sid)

    def speaks(self, hashes: set[bytes]) -> bool:
        """Do all reports of a batch with these dictionary hashes speak our dictionary? False: decode them in order."""
        if hashes - {self.dictionary.content_hash[:4]} and not self.force:
            return False
        if self.state is DictionaryState.MISMATCH and not self.force:
            return False
        for board_hash in hashes:
            self._note_hash(board_hash)
        return True

    def note_counts(
        self, vcid: int, apid: int, destination: int, service: int, subtype: int, counts: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Message type counters of many reports of one type; how many are missing before each."""
        import numpy as np  # noqa: PLC0415  # takes longer to import than all the rest

        key = (vcid, apid, destination, service, subtype)
        numbers = counts.astype(np.int64)
        last = self._counts.get(key, int(numbers[0]) - 1)
        missing = np.diff(numbers, prepend=last) - 1 & _COUNTER_MODULUS - 1
        missing[(numbers == 0) | (missing > _COUNTER_MODULUS // 2)] = 0
        self._counts[key] = int(numbers[-1])
        self.counters.missing += int(missing.sum())
        result: NDArray[np.int64] = missing
        return result

    # --- a packet -----------------------------------------------------------------------------------------------------

    def decode(self, packet: bytes, vcid: int = 0, *, counted: bool = False) -> r.Report | r.Undecodable:
        """The report in a whole packet. vcid: of the frame it came in; each channel has counters of its own.

        counted: note_counts() knows of it already.
        """
        try:
            telemetry = unpack_telemetry(packet)
        except PacketError as error:
            return self._undecodable(packet, "packet", str(error), None)
        header = self._header(telemetry, 0 if counted else self._missing(telemetry, vcid))
        self.counters.missing += header.missing
        reader = self._readers.get((header.service, header.subtype))
        if reader is None:
            detail = f"no report {header.service}/{header.subtype} is known"
            return self._undecodable(packet, "report_type", detail, header)
        try:
            report = reader(header, packet, Octets(telemetry.data))
        except LayoutError as error:
            return self._undecodable(packet, "layout", str(error), header)
        except _Refused as error:
            return self._undecodable(packet, error.reason, error.detail, header)
        self.counters.reports += 1
        return report

    def _undecodable(self, packet: bytes, reason: str, detail: str, header: r.Header | None) -> r.Undecodable:
        self.counters.undecodable[reason] = self.counters.undecodable.get(reason, 0) + 1
        return r.Undecodable(reason=reason, detail=detail, raw=packet, header=header)

    def _missing(self, telemetry: Telemetry, vcid: int) -> int:
        """Reports of this type lost since the last one."""
        key = (vcid, telemetry.apid, telemetry.destination, telemetry.service, telemetry.subtype)
        last = self._counts.get(key)
        self._counts[key] = telemetry.message_count
        missing = 0
        # Zero begins anew: the board has started, or has no counter for this type.
        if last is not None and telemetry.message_count:
            missing = (telemetry.message_count - last - 1) % _COUNTER_MODULUS
            if missing > _COUNTER_MODULUS // 2:
                missing = 0  # the count went back: a start between the two
        return missing

    def _header(self, telemetry: Telemetry, missing: int) -> r.Header:
        time = OnboardTime(telemetry.time.seconds, telemetry.time.fraction, telemetry.time_status)
        return r.Header(
            telemetry.apid,
            telemetry.service,
            telemetry.subtype,
            telemetry.sequence_count,
            telemetry.message_count,
            telemetry.destination,
            time,
            missing,
        )

    def _needs_dictionary(self) -> None:
        if self.state is DictionaryState.MISMATCH and not self.force:
            ours = self.dictionary.content_hash[:4].hex()
            raise _Refused(
                "dictionary_mismatch", f"expected the dictionary {ours}, found {self.board_hash.hex()} on board"
            )

    # --- ST[01], ST[03] -----------------------------------------------------------------------------------------------

    def _verification(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        stage = list(r.Stage)[(header.subtype - 1) // 2]
        success = header.subtype % 2 == 1
        request_id = octets.u32()
        step = octets.u16() if stage is r.Stage.PROGRESS else None
        failure = None if success else _failure(octets)
        octets.end()
        return r.VerificationReport(
            header=header, raw=raw, request_id=request_id, stage=stage, success=success, step=step, failure=failure
        )

    def _structure(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        sid = octets.u16()
        enabled, on_change, period_ms = octets.u8() != 0, octets.u8() != 0, octets.u32()
        ids = [octets.u16() for _ in range(octets.u16())]
        octets.end()
        if self.state is not DictionaryState.MISMATCH or self.force:
            self._learn(sid, ids)
        name = self._structures[sid][0] if sid in self._structures else ""
        parameters = tuple((identifier, self._point_name(identifier)) for identifier in ids)
        return r.StructureReport(
            header=header,
            raw=raw,
            sid=sid,
            name=name,
            enabled=enabled,
            on_change=on_change,
            period_ms=period_ms,
            parameters=parameters,
        )

    def _learn(self, sid: int, ids: list[int]) -> None:
        """A structure made at run time: its reports can be read from now on, if all its points are known."""
        if sid in self._own_sids:
            return
        points = [self._points[identifier] for identifier in ids if identifier in self._points]
        if len(points) == len(ids):
            self._structures[sid] = (f"structure_{sid}", StructureReader(laid_out(points)))

    def _housekeeping(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        sid = octets.u16()
        data = octets.rest()
        if self._health is not None and sid == self._health.sid:
            self._take_hash(data)
        self._needs_dictionary()
        if sid not in self._structures:
            raise _Refused("structure", f"no structure has the SID {sid}; 3/9 asks the board for it")
        name, reader = self._structures[sid]
        if len(data) != reader.octets:
            raise LayoutError(f"expected {reader.octets} octets of {name}, found {len(data)}")
        return r.HousekeepingReport(header=header, raw=raw, sid=sid, name=name, values=reader.read(data))

    def _take_hash(self, data: bytes) -> None:
        """Wire version and hash are the first values of core.health in every dictionary."""
        if len(data) < 5:
            return
        self._note_hash(data[1:5])

    def _note_hash(self, board_hash: bytes) -> None:
        self.board_hash = board_hash
        match = self.board_hash == self.dictionary.content_hash[:4]
        self.state = DictionaryState.MATCH if match else DictionaryState.MISMATCH

    # --- ST[05], ST[09], ST[17], ST[20] -------------------------------------------------------------------------------

    def _event(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        identifier = octets.u16()
        held_back = octets.u8()
        self._needs_dictionary()
        event = self._events.get(identifier)
        if event is None:
            raise _Refused("event", f"no event has the id 0x{identifier:04X}")
        data = octets.take(event.octets)
        octets.end()
        fields = event_fields(event, data)
        return r.EventReport(
            header=header,
            raw=raw,
            id=identifier,
            name=event.name,
            severity=SEVERITY_NAMES[header.subtype],
            text=event_text(event, fields),
            fields=fields,
            held_back=held_back,
        )

    def _disabled_events(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        ids = [octets.u16() for _ in range(octets.u16())]
        octets.end()
        named = tuple((number, self._events[number].name if number in self._events else "") for number in ids)
        return r.DisabledEventsReport(header=header, raw=raw, events=named)

    def _time(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        exponent = octets.u8()
        time = octets.time(0)
        time = msgspec.structs.replace(time, status=octets.u8())
        octets.end()
        period_s = None if exponent == _TIME_REPORT_OFF else 1 << exponent
        return r.TimeReport(header=header, raw=raw, time=time, period_s=period_s)

    def _ping(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        octets.end()
        return r.PingReport(header=header, raw=raw)

    def _parameters(self, header: r.Header, raw: bytes, octets: Octets) -> r.Report:
        self._needs_dictionary()
        values = {}
        for _ in range(octets.u8()):
            identifier = octets.u16()
            point = self._points.get(identifier)
            if point is None:
                raise _Refused("parameter", f"no on-board parameter has the id 0x{identifier:04X}")
            values[point.name] = point_value(point, octets.number(point.type))
        octets.end()
        return r.ParameterReport(header=header, raw=raw, values=values)

    def _point_name(self, identifier: int) -> str:
        point: Point | None = self._points.get(identifier)
        return "" if point is None else point.name


def _failure(octets: Octets) -> r.Failure:
    notice = Octets(octets.take(_FAILURE_LENGTH))
    code, where, kind = notice.u16(), notice.u16(), notice.u8()
    if kind > 3:
        raise LayoutError(f"expected a kind of value of 0 to 3, found {kind}")
    value: int | float | None = None
    if kind == 1:
        value = notice.u32()
    elif kind:
        value = notice.real_or_integer(kind == 3)
    return r.Failure(code, failure_name(code), None if where == _NOWHERE else where, value)
