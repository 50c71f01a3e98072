"""Telecommand packets as an operator would write them: the dictionary's encoding, backwards.

text_of(dictionary, packet)     "POWER.LOAD_ON load=instrument", or "8/1 0123..." for what it does not know
"""

from __future__ import annotations

import msgspec

from ..dictionary.model import Command, Dictionary, Field
from ..errors import PacketError
from ..packet.pus import unpack_telecommand
from .octets import LayoutError, Octets, decimal
from .reports import Number

FUNCTION_SERVICE = (8, 1)


class Request(msgspec.Struct, frozen=True):
    """A telecommand, read. command: None for one that the dictionary does not have; octets: what was left unread."""

    command: Command | None
    args: dict[str, Number]
    items: tuple[dict[str, Number], ...] = ()
    octets: bytes = b""


class Requests:
    """Reads telecommands with one dictionary."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._commands = {(row.service, row.subtype, row.function): row for row in dictionary.commands.values()}
        self._points = {point.id: point for point in dictionary.points.values()}

    def read(self, service: int, subtype: int, data: bytes) -> Request:
        """The request of this type with this application data. What does not fit its layout is left in `octets`."""
        function = 0
        octets = Octets(data)
        if (service, subtype) == FUNCTION_SERVICE and len(data) >= 2:
            function = octets.u16()
        command = self._commands.get((service, subtype, function))
        if command is None:
            return Request(None, {}, (), data)
        args: dict[str, Number] = {}
        items: list[dict[str, Number]] = []
        good = octets.at
        try:
            for field in command.args:
                args[field.name] = octets.number(field.type)
                good = octets.at
            if command.group is not None:
                count = octets.u8() if command.group.count_octets == 1 else octets.u16()
                for _ in range(count):
                    items.append(self._item(command, octets))
                good = octets.at
        except LayoutError:
            items = []
        return Request(command, args, tuple(items), data[good:])

    def _item(self, command: Command, octets: Octets) -> dict[str, Number]:
        group = command.group
        assert group is not None  # only commands with items get here
        if not group.fields:
            raise LayoutError("only the service knows these items")
        item = {field.name: octets.number(field.type) for field in group.fields}
        if group.sets_parameters:
            point = self._points.get(int(item.get("parameter", -1)))
            if point is None:
                raise LayoutError("no such parameter")
            item["value"] = octets.number(point.type)
        return item

    def text(self, service: int, subtype: int, data: bytes) -> str:
        """As an operator writes it."""
        request = self.read(service, subtype, data)
        if request.command is None:
            return f"{service}/{subtype} {data.hex()}".rstrip()
        parts = [request.command.name.upper()]
        parts += _arguments(request.command.args, request.args)
        if request.command.group is not None:
            for item in request.items:
                parts.append("(" + " ".join(_arguments(request.command.group.fields, item)) + ")")
        if request.octets:
            parts.append(request.octets.hex())
        return " ".join(parts)

    def packet_text(self, packet: bytes) -> str:
        """The same for a whole telecommand packet; why it cannot be read, if it cannot."""
        try:
            telecommand = unpack_telecommand(packet)
        except PacketError as error:
            return f"unreadable telecommand: {error.summary}"
        return self.text(telecommand.service, telecommand.subtype, telecommand.data)


def _arguments(fields: tuple[Field, ...], values: dict[str, Number]) -> list[str]:
    known = {field.name: field for field in fields}
    parts = []
    for name, value in values.items():
        field = known.get(name)
        text = field.enumeration.text_of(int(value)) if field is not None and field.enumeration is not None else None
        number = decimal(value) if isinstance(value, float) else str(value)
        parts.append(f"{name}={text or number}")
    return parts
