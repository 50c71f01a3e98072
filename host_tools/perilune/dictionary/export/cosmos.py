"""OpenC3 COSMOS: a target's cmd.txt and tlm.txt, and the plugin.txt that joins it to a line.

COSMOS tells packets apart by their identifying items: service, subtype, and the SID, event or function behind them. The
error control of a telecommand, its length and its count are added on the way out by COSMOS's own protocols.
"""

from __future__ import annotations

from collections.abc import Iterable

from flight.limits import APID

from .. import model
from ..model import Dictionary
from ..types import RawType
from ..vocabulary import SEVERITY_NAMES
from .names import flat, flat_points, unique_arguments
from .xtce import _NOTICE, _REQUEST, _STAGES, ERROR_CONTROL, HEADER, REPORTS, SECONDARY, _Field

TARGET = "PERILUNE"
_IDENTIFYING = {"PKT_TYPE": 0, "PKT_APID": APID}


def cosmos_files(dictionary: Dictionary) -> dict[str, str]:
    """The files of the plugin, by their path. Raises ExportError for names that are the same without dots."""
    flat_points(dictionary)
    folder = f"targets/{TARGET}/cmd_tlm"
    digest = dictionary.content_hash.hex()[:8]
    head = f"# Perilune dictionary {digest}\n\n"
    return {
        "plugin.txt": _plugin(),
        f"{folder}/cmd.txt": head + "\n".join(_commands(dictionary)) + "\n",
        f"{folder}/tlm.txt": head + "\n".join(_telemetry(dictionary)) + "\n",
    }


def _plugin() -> str:
    return (
        "# Packets over a line that carries space packets (behind a gateway that does frames and COP-1).\n"
        "VARIABLE perilune_host localhost\n"
        "VARIABLE perilune_port 10030\n"
        f"TARGET {TARGET} {TARGET}\n"
        "INTERFACE PERILUNE_INT tcpip_client_interface.rb <%= perilune_host %> <%= perilune_port %> "
        "<%= perilune_port %> 10.0 nil LENGTH 32 16 7 1\n"
        f"  MAP_TARGET {TARGET}\n"
        "  # Length field and CRC-16 (polynomial 1021, initial value FFFF) of what goes up.\n"
        "  PROTOCOL WRITE CrcProtocol nil false ERROR -16 16 BIG_ENDIAN 0x1021 0xFFFF false false\n"
    )


def _text(text: str) -> str:
    """A quoted argument."""
    return '"' + text.replace('"', "'").replace("\n", " ") + '"'


def _kind(raw: RawType) -> str:
    return "FLOAT" if raw.is_float else "INT" if raw.low < 0 else "UINT"


# --- telemetry --------------------------------------------------------------------------------------------------------


def _item(field: _Field, identity: int | None = None) -> str:
    kind = {"unsigned": "UINT", "signed": "INT", "float": "FLOAT"}[field.kind]
    if identity is None:
        return f'  APPEND_ITEM {field.name} {field.bits} {kind} ""'
    return f'  APPEND_ID_ITEM {field.name} {field.bits} {kind} {identity} ""'


def _head(name: str, text: str, service: int, subtype: int) -> list[str]:
    identity = {**_IDENTIFYING, "SERVICE": service, "SUBTYPE": subtype}
    lines = [f"TELEMETRY {TARGET} {name.upper()} BIG_ENDIAN {_text(text)}"]
    return lines + [_item(field, identity.get(field.name)) for field in HEADER + SECONDARY]


def _telemetry(dictionary: Dictionary) -> list[str]:
    lines: list[str] = []
    for subtype, name in _STAGES.items():
        fields = _REQUEST + ((_Field("REQUEST_STEP", 16),) if subtype in (5, 6) else ())
        fields += () if subtype % 2 else (*_NOTICE, _Field("FAILURE_VALUE", 32))
        lines += [*_head(f"request_{name}", "", 1, subtype), *map(_item, fields), _item(ERROR_CONTROL), ""]
    for (service, subtype), (name, fields, has_items) in REPORTS.items():
        lines += [*_head(name, "", service, subtype), *map(_item, fields)]
        if has_items:
            # All but the last two octets, and then those.
            lines += ['  APPEND_ITEM ITEMS -16 BLOCK "Octets of the items."', '  ITEM ERROR_CONTROL -16 16 UINT ""', ""]
        else:
            lines += [_item(ERROR_CONTROL), ""]
    for row in sorted(dictionary.housekeeping.values(), key=lambda row: row.sid):
        lines += _structure(row)
    for event in sorted(dictionary.events.values(), key=lambda event: event.id):
        lines += _head(
            f"event_{flat(event.name)}", f"{SEVERITY_NAMES[event.severity].upper()}: {event.text}", 5, event.severity
        )
        lines += [_item(_Field("EVENT_ID", 16), event.id), _item(_Field("EVENT_HELD_BACK", 8))]
        for field in event.fields:
            lines.append(
                f"  APPEND_ITEM {field.name.upper()} {field.type.width} {_kind(field.type)} {_text(field.text)}"
            )
            lines += _meaning(field.enumeration, field.unit)
        lines += [_item(ERROR_CONTROL), ""]
    return lines


def _structure(row: model.Housekeeping) -> list[str]:
    lines = [*_head(f"hk_{flat(row.name)}", row.text, 3, 25), _item(_Field("SID", 16), row.sid)]
    end = 0
    for point, bit in row.fields:
        if bit > end:
            lines.append(f'  APPEND_ITEM PAD_{end} {bit - end} UINT ""')
        lines.append(
            f"  APPEND_ITEM {flat(point.name).upper()} {point.type.width} {_kind(point.type)} {_text(point.text)}"
        )
        lines += _meaning(point.enumeration, point.unit)
        if point.coefficients:
            lines.append("    POLY_READ_CONVERSION " + " ".join(map(repr, point.coefficients)))
        lines += _limits(point)
        end = bit + point.type.width
    if 8 * row.octets > end:
        lines.append(f'  APPEND_ITEM PAD_{end} {8 * row.octets - end} UINT ""')
    return [*lines, _item(ERROR_CONTROL), ""]


def _meaning(enumeration: model.Enumeration | None, unit: str) -> Iterable[str]:
    if enumeration is not None:
        yield from (f"    STATE {name} {value}" for name, value in enumeration.values.items())
    if unit:
        yield f"    UNITS {_text(unit)} {_text(unit)}"


def _limits(point: model.Point) -> Iterable[str]:
    """COSMOS wants red and yellow: where one is missing the other stands for it."""
    if point.yellow is None and point.red is None:
        return
    yellow = point.yellow or point.red
    red = point.red or point.yellow
    assert yellow is not None  # one of them is there
    assert red is not None
    yield f"    LIMITS DEFAULT 1 ENABLED {red[0]} {yellow[0]} {yellow[1]} {red[1]}"


# --- commands ---------------------------------------------------------------------------------------------------------


def _commands(dictionary: Dictionary) -> list[str]:
    lines: list[str] = []
    for command in dictionary.commands.values():
        if not (command.is_open and not command.args and (command.service, command.subtype) == (8, 1)):
            lines += _command(command)
    return lines


def _command(command: model.Command) -> list[str]:
    lines = [
        f"COMMAND {TARGET} {flat(command.name).upper()} BIG_ENDIAN {_text(command.text)}",
        '  APPEND_PARAMETER PKT_VERSION 3 UINT 0 0 0 ""',
        '  APPEND_PARAMETER PKT_TYPE 1 UINT 1 1 1 ""',
        '  APPEND_PARAMETER PKT_SEC_HDR 1 UINT 1 1 1 ""',
        f'  APPEND_ID_PARAMETER PKT_APID 11 UINT {APID} {APID} {APID} ""',
        '  APPEND_PARAMETER PKT_SEQ_FLAGS 2 UINT 3 3 3 ""',
        '  APPEND_PARAMETER PKT_SEQ_COUNT 14 UINT 0 16383 0 ""',
        '  APPEND_PARAMETER PKT_LENGTH 16 UINT 0 65535 0 ""',
        '  APPEND_PARAMETER PUS_VERSION 4 UINT 2 2 2 ""',
        '  APPEND_PARAMETER TC_ACKNOWLEDGE 4 UINT 0 15 15 ""',
        f'  APPEND_ID_PARAMETER TC_SERVICE 8 UINT {command.service} {command.service} {command.service} ""',
        f'  APPEND_ID_PARAMETER TC_SUBTYPE 8 UINT {command.subtype} {command.subtype} {command.subtype} ""',
        '  APPEND_PARAMETER TC_SOURCE 16 UINT 0 65535 0 ""',
    ]
    if command.hazardous:
        lines.insert(1, '  HAZARDOUS "Arm it with CORE_ARM first."')
    if command.function:
        number = command.function
        lines.append(f'  APPEND_ID_PARAMETER TC_FUNCTION 16 UINT {number} {number} {number} ""')
    for field in command.args:
        default = field.low if field.default is None else field.default
        lines.append(
            f"  APPEND_PARAMETER {field.name.upper()} {field.type.width} {_kind(field.type)} {field.low} {field.high} "
            f"{default} {_text(field.text)}"
        )
        lines += _meaning(field.enumeration, field.unit)
    if command.group is not None:
        group = command.group
        bits = 8 * group.count_octets
        lines.append(f'  APPEND_PARAMETER ITEM_COUNT {bits} UINT {group.least} {group.most} {group.least} ""')
        items = ", ".join(f"{field.name} ({field.type.name})" for field in group.fields)
        lines.append(
            f'  APPEND_PARAMETER {group.name.upper()} 0 BLOCK "" {_text("Items of " + items if items else "")}'
        )
    elif command.is_open:
        lines.append('  APPEND_PARAMETER OCTETS 0 BLOCK "" "Any octets."')
    unique_arguments(command, (line.split()[1] for line in lines if line.startswith("  APPEND_")))
    return [*lines, ""]
