"""Steps in the octets of the board (flight/service/sequence_steps.py), and back.

Step: kind (1), when: delay in ms (4) or on-board time (7), then for a request its length (1), service type, subtype and
application data, for a wait relation (1), on-board parameter (2), raw value (4: i32, f32 for a float), timeout (4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec
from flight import tables
from flight.codec import crc16

from ..dictionary.model import Dictionary
from ..dictionary.vocabulary import RELATIONS
from ..packet.pus import CUC_P_FIELD
from ..telemetry.octets import LayoutError, Octets
from ..telemetry.onboard_time import OnboardTime
from ..telemetry.requests import Requests
from .moment import write_absolute, write_duration
from .steps import SequenceStep

_SIGNS = {"equal": "==", "not_equal": "!=", "below": "<", "above": ">"}
_RELATION_NAMES = {number: name for name, number in RELATIONS.items()}


class CompiledSequence(msgspec.Struct, frozen=True):
    """A sequence as it goes up. crc: CRC-16 of octets."""

    id: int
    name: str
    steps: int
    octets: bytes

    @property
    def crc(self) -> int:
        return checksum(self.octets)


def checksum(octets: bytes) -> int:
    """CRC-16 as 21/10 tells it (SPEC.md section 1)."""
    return crc16(octets, 0, len(octets))


def compile_steps(steps: Iterable[SequenceStep]) -> bytes:
    """All steps, one behind the other."""
    return b"".join(step_octets(step) for step in steps)


def step_octets(step: SequenceStep) -> bytes:
    """One step."""
    flags = tables.STEP_GO_ON if step.go_on else 0
    delay = step.delay_ms.to_bytes(4, "big")
    if step.condition is not None:
        wait = step.condition
        raw = struct.pack(">f", wait.raw) if wait.point.type.is_float else int(wait.raw).to_bytes(4, "big", signed=True)
        relation = bytes((RELATIONS[wait.relation],))
        identifier = wait.point.id.to_bytes(2, "big")
        timeout = step.timeout_ms.to_bytes(4, "big")
        return bytes((tables.STEP_WAIT | flags,)) + delay + relation + identifier + raw + timeout
    assert step.command is not None  # a step is a request or a wait
    definition = step.command.command
    request = bytes((definition.service, definition.subtype)) + step.command.data
    request = bytes((len(request),)) + request
    if step.moment is None:
        return bytes((tables.STEP_REQUEST | flags,)) + delay + request
    return bytes((tables.STEP_REQUEST_AT | flags,)) + cuc(step.moment) + request


def cuc(moment: OnboardTime) -> bytes:
    """A time in seven octets."""
    return bytes((CUC_P_FIELD,)) + moment.seconds.to_bytes(4, "big") + moment.fraction.to_bytes(2, "big")


def listing(octets: bytes, dictionary: Dictionary) -> list[tuple[bytes, str]]:
    """Each step's octets and how it is typed. What is no step comes as the last one, with the reason as its text."""
    rows = []
    reader = Octets(octets)
    requests = Requests(dictionary)
    while reader.at < len(octets):
        start = reader.at
        try:
            text = _step_text(reader, dictionary, requests)
        except LayoutError as error:
            rows.append((octets[start:], f"no step: {error}"))
            break
        rows.append((octets[start : reader.at], text))
    return rows


def _step_text(reader: Octets, dictionary: Dictionary, requests: Requests) -> str:
    kind = reader.u8()
    on_fail = " ON_FAIL CONTINUE" if kind & tables.STEP_GO_ON else ""
    kind &= ~tables.STEP_GO_ON
    if kind == tables.STEP_REQUEST_AT:
        when = f"A{write_absolute(reader.time(1))}"
    elif kind in (tables.STEP_REQUEST, tables.STEP_WAIT):
        when = f"R{write_duration(reader.u16() << 16 | reader.u16())}"
    else:
        raise LayoutError(f"kind {kind}")
    if kind == tables.STEP_WAIT:
        return f"{when} {_wait_text(reader, dictionary)}{on_fail}"
    length = reader.u8()
    request = reader.take(length)
    if length < 2:
        raise LayoutError(f"a request of {length} octets")
    return f"{when} {requests.text(request[0], request[1], request[2:])}{on_fail}"


def _wait_text(reader: Octets, dictionary: Dictionary) -> str:
    relation, identifier, value = reader.u8(), reader.u16(), reader.take(4)
    timeout = write_duration(reader.u16() << 16 | reader.u16())
    sign = _SIGNS.get(_RELATION_NAMES.get(relation, ""), f"relation {relation}")
    point = dictionary.point(identifier)
    if point is None:
        return f"WAIT 0x{identifier:04X} {sign} {value.hex()} TIMEOUT {timeout}"
    raw = struct.unpack(">f", value)[0] if point.type.is_float else int.from_bytes(value, "big", signed=True)
    if len(point.coefficients) == 2 and point.coefficients[1] < 0:
        sign = {"<": ">", ">": "<"}.get(sign, sign)
    shown = point.enumeration.text_of(raw) if point.enumeration is not None else None
    return f"WAIT {point.name} {sign} {shown or f'{point.engineering(raw):.7g}{point.unit}'} TIMEOUT {timeout}"
