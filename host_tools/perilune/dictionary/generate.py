"""Flight tables from the dictionary: mission_tables.py, mission_ids.py, mission_apps.py and mission_keys.py, as
flight/tables.py lays them out.

Text for the board is not in them. The modules are plain literals, so that they freeze into flash.
"""

from __future__ import annotations

import os
import pprint
import struct
import types
from collections.abc import Iterable
from pathlib import Path

from flight import tables as layout
from flight.codec import FIELD_HALVES, field

from ..errors import FileError
from . import model
from .constants import constants
from .folders import named
from .model import Dictionary
from .vocabulary import CHECKS, RELATIONS, mode_bits

# Names of mission_ids.py that a frozen image needs, one a line: all others stand in its code as numbers.
ASKED = "asked_names.txt"
_HEADER = '"""{what} of the mission dictionary {digest}. Generated from its TOML files."""\n\n'

# By: is it a 32-bit integer, has it a sign.
_ARG_KINDS = {
    (False, False): layout.ARG_UNSIGNED,
    (False, True): layout.ARG_SIGNED,
    (True, False): layout.ARG_UNSIGNED_32,
    (True, True): layout.ARG_SIGNED_32,
}

_ROLES = {"power": layout.DEVICE_POWER, "thermal": layout.DEVICE_THERMAL}
_SPACES = {
    "input": layout.SPACE_INPUT,
    "holding": layout.SPACE_HOLDING,
    "coil": layout.SPACE_COIL,
    "discrete": layout.SPACE_DISCRETE,
}
_REGISTERS = {
    "bit": layout.REGISTER_BIT,
    "u16": layout.REGISTER_U16,
    "i16": layout.REGISTER_I16,
    "u32": layout.REGISTER_U32,
    "i32": layout.REGISTER_I32,
}


def _literal(value: object) -> str:
    return pprint.pformat(_for_flash(value), width=118, compact=True)


def _for_flash(value: object) -> object:
    """The same, with whole negative numbers as integers.

    MicroPython's compiler keeps a tuple in flash when everything in it is a constant. `-20.0` is none: it is 20.0 and
    an operation, and costs a copy of its tuple, and of all around it, in RAM.
    """
    if isinstance(value, tuple):
        return tuple(_for_flash(part) for part in value)
    if isinstance(value, float) and value < 0 and value.is_integer():
        return int(value)
    return value


def _format(fields: tuple[model.Field, ...]) -> bytes:
    """Descriptors of event fields: value n is field n."""
    return b"".join(field(row.type.kind, row.type.width, 8 * row.offset, n) for n, row in enumerate(fields))


def _arguments(command: model.Command) -> tuple[bytes, tuple[object, ...]]:
    """Descriptors and rows of the fixed arguments; a slot is the argument's number plus the 32-bit ones before it."""
    fmt = b""
    rows = []
    slot = 0
    for row in command.args:
        raw = row.type
        wide = raw.argument_kind == FIELD_HALVES
        kind = layout.ARG_FLOAT if raw.is_float else _ARG_KINDS[wide, raw.low < 0]
        values = tuple(sorted(row.enumeration.values.values())) if row.enumeration is not None else ()
        fmt += field(raw.argument_kind, raw.width, 8 * row.offset, slot)
        rows.append((slot, kind, row.offset, raw.width // 8, row.low, row.high, values))
        slot += 2 if wide else 1
    return fmt, tuple(rows)


def _command(command: model.Command, apps: list[str]) -> tuple[object, ...]:
    fmt, rows = _arguments(command)
    flags = layout.COMMAND_HAZARDOUS * command.hazardous | layout.COMMAND_OPEN * command.is_open
    flags |= layout.COMMAND_CHECKED * command.checked
    group = command.group
    app = apps.index(command.subsystem) if command.function and command.subsystem in apps else layout.NO_APP
    return (
        command.function or command.service << 8 | command.subtype,
        flags,
        mode_bits(command.modes),
        app,
        command.octets,
        fmt,
        rows,
        () if group is None else (group.count_octets, group.item_octets, group.least, group.most),
    )


def _structure(row: model.Housekeeping) -> tuple[object, ...]:
    flags = layout.HOUSEKEEPING_ENABLED * row.enabled | layout.HOUSEKEEPING_ON_CHANGE * row.on_change
    fmt = b"".join(field(point.type.kind, point.type.width, bit, point.index) for point, bit in row.fields)
    return (row.sid, row.period_ms, flags, row.octets, fmt)


def _monitor(row: model.Monitor) -> tuple[object, ...]:
    return (
        row.id,
        CHECKS[row.check],
        row.point.index,
        layout.MONITOR_ENABLED * row.enabled,
        row.period_ms,
        row.repetition,
        row.a,
        row.b,
        row.event_low.id if row.event_low else 0,
        row.event_high.id if row.event_high else 0,
        tuple(float(number) for number in row.point.coefficients) if row.engineering else (),
        (row.valid[0].index, row.valid[1], row.valid[2]) if row.valid else (),
    )


def _step(row: model.Step, abort_on_failure: bool) -> bytes:
    """One step in the octets of flight/service/sequence_steps.py."""
    when = row.delay_ms.to_bytes(4, "big")
    if row.point is None:
        # Of the packet its service type, subtype and application data; the board writes the rest.
        data = row.packet[7:9] + row.packet[11:-2]
        kind = layout.STEP_REQUEST | (0 if abort_on_failure else layout.STEP_GO_ON)
        return bytes((kind,)) + when + bytes((len(data),)) + data
    kind = layout.STEP_WAIT | (layout.STEP_GO_ON if row.go_on else 0)
    value = struct.pack(">f" if row.point.type.is_float else ">i", row.value)
    condition = bytes((RELATIONS[row.relation],)) + row.point.id.to_bytes(2, "big") + value
    return bytes((kind,)) + when + condition + row.timeout_ms.to_bytes(4, "big")


def _transitions(dictionary: Dictionary) -> tuple[int, ...]:
    bits = [0] * layout.MODES_MAX
    for mode in dictionary.modes:
        bits[mode.number] = sum(1 << number for number in mode.next)
    return tuple(bits)


def _unit(unit: model.UnitMap | None) -> tuple[object, ...]:
    """The map of a unit; its discrete inputs say nothing that its input registers do not."""
    if unit is None:
        return ()
    rows = [
        (
            _SPACES[row.space],
            row.name,
            row.address,
            _REGISTERS[row.type],
            row.count,
            row.scale,
            row.offset,
            row.low,
            row.high,
            row.invalid,
        )
        for row in unit.registers
        if row.space != "discrete"
    ]
    return unit.slave, unit.map_version, unit.reply_ms, tuple(sorted(rows, key=lambda row: (row[0], row[2])))


def table_values(dictionary: Dictionary) -> dict[str, object]:
    """Every name of the tables module and its value."""
    pool = dictionary.pool
    apps = [app.subsystem for app in dictionary.apps]
    commands = [command for command in dictionary.commands.values() if not command.function]
    functions = [command for command in dictionary.commands.values() if command.function]
    return {
        "HASH": dictionary.content_hash,
        "POOL_IDS": b"".join(point.id.to_bytes(2, "big") for point in pool),
        "POOL_TYPES": bytes(octet for point in pool for octet in (point.type.kind, point.type.width)),
        "POOL_START": tuple(float(point.start) if point.type.is_float else point.start for point in pool),
        "COMMANDS": tuple(sorted(_command(command, apps) for command in commands)),
        "FUNCTIONS": tuple(sorted(_command(command, apps) for command in functions)),
        "HOUSEKEEPING": tuple(sorted(map(_structure, dictionary.housekeeping.values()))),
        "EVENTS": tuple(
            (event.id, event.severity, event.octets, _format(event.fields))
            for event in sorted(dictionary.events.values(), key=lambda event: event.id)
        ),
        "PARAMETERS": tuple(
            (
                point.index,
                layout.PARAMETER_PERSISTENT * point.persistent,
                point.low,
                point.high,
                tuple(sorted(point.enumeration.values.values())) if point.enumeration else (),
            )
            for point in pool
            if point.settable
        ),
        "MONITORS": tuple(sorted(map(_monitor, dictionary.monitors.values()))),
        "EVENT_ACTIONS": tuple(
            (action.event.id, layout.ACTION_ENABLED * action.enabled, action.packet)
            for action in dictionary.event_actions
        ),
        "SEQUENCES": tuple(
            (row.id, len(row.steps), b"".join(_step(step, row.abort_on_failure) for step in row.steps))
            for row in sorted(dictionary.sequences.values(), key=lambda row: row.id)
        ),
        "MODES": tuple((mode.number, mode.entry, mode.exit, mode.resume) for mode in dictionary.modes),
        "TRANSITIONS": _transitions(dictionary),
        "APP_MODES": bytes(mode_bits(app.modes) for app in dictionary.apps),
        "DEVICES": tuple((_ROLES[device.role], _unit(device.unit) or device.wiring) for device in dictionary.devices),
    }


def id_values(dictionary: Dictionary) -> dict[str, int]:
    """Every name of the ids module and its number."""
    return {name: number for name, number, _, _ in constants(dictionary)}


def modules(dictionary: Dictionary) -> tuple[types.ModuleType, types.ModuleType]:
    """The tables and the ids as modules, for targets in this process."""
    tables = types.ModuleType("mission_tables")
    vars(tables).update(table_values(dictionary))
    ids = types.ModuleType("mission_ids")
    vars(ids).update(id_values(dictionary))
    return tables, ids


def tables_source(dictionary: Dictionary) -> str:
    """Text of mission_tables.py."""
    body = "".join(f"{name} = {_literal(value)}\n" for name, value in table_values(dictionary).items())
    return _HEADER.format(what="Flight tables", digest=dictionary.content_hash.hex()[:8]) + body


def ids_source(dictionary: Dictionary) -> str:
    """Text of mission_ids.py."""
    body = "".join(f"{name} = {value}\n" for name, value in id_values(dictionary).items())
    return _HEADER.format(what="Names", digest=dictionary.content_hash.hex()[:8]) + body


def apps_source(dictionary: Dictionary) -> str:
    """Text of mission_apps.py: the classes of apps and drivers, in the order that the tables count them."""
    imports = ""
    lists = ""
    apps = [(app.module, app.name) for app in dictionary.apps]
    drivers = [(device.module, device.name) for device in dictionary.devices]
    for name, kind, rows in (("APPS", "App", apps), ("DRIVERS", "Driver", drivers)):
        imports += "".join(f"from {row[0]} import {row[1]} as {kind}{n}\n" for n, row in enumerate(rows))
        lists += f"{name} = ({''.join(f'{kind}{n}, ' for n in range(len(rows)))})\n"
    header = _HEADER.format(what="Apps and drivers", digest=dictionary.content_hash.hex()[:8])
    return f"{header}{imports}\n{lists}"


def keys_source(keys: tuple[bytes, bytes]) -> str:
    """Text of mission_keys.py."""
    header = '"""Keys of the uplink authentication: of AD and of BD frames. Generated; secret."""'
    return f"{header}\n\nKEYS = {_literal(keys)}\n"


def app_sources(dictionary: Dictionary, folders: Iterable[Path]) -> dict[str, str]:
    """The Python files of apps and drivers that are not part of the flight package, by their path in the image.

    An app `demo:Demo` is demo.py, or the folder demo, in one of *folders*. Raises FileError.
    """
    folders = named(folders)
    found: dict[str, str] = {}
    modules = [app.module for app in dictionary.apps] + [device.module for device in dictionary.devices]
    for top in sorted({module.split(".")[0] for module in modules} - {"flight"}):
        for folder in folders:
            files = sorted((folder / top).rglob("*.py")) or [path for path in [folder / f"{top}.py"] if path.is_file()]
            found |= {str(path.relative_to(folder)): _source(path) for path in files}
            if files:
                break
        else:
            looked = ", ".join(map(str, folders))
            raise FileError(f"module {top} is in none of {looked}", next_step=f"put {top}.py beside the dictionary")
    return found


def _source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8", found=error.reason, next_step="save the file as UTF-8") from error


def write(
    dictionary: Dictionary,
    folder: Path,
    keys: tuple[bytes, bytes],
    folders: Iterable[Path] = (),
    asked: Iterable[str] | None = None,
) -> list[Path]:
    """Write the modules, and the mission's own apps found in *folders*, into *folder*.

    asked: names that are asked for by names put together; they go to the file ASKED, for those who freeze;
    None: not known, all names stay.
    A file whose text is the same is left alone, so nothing is built for nothing. Returns what was written.
    """
    written = []
    names = () if asked is None else ((ASKED, "".join(f"{name}\n" for name in sorted(asked))),)
    for name, text in (
        *app_sources(dictionary, list(folders)).items(),
        ("mission_tables.py", tables_source(dictionary)),
        ("mission_ids.py", ids_source(dictionary)),
        ("mission_apps.py", apps_source(dictionary)),
        ("mission_keys.py", keys_source(keys)),
        *names,
    ):
        path = folder / name
        if not path.exists() or path.read_bytes() != text.encode():
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f"{path.name}.{os.getpid()}")
            new.write_text(text, encoding="utf-8")
            new.replace(path)
            written.append(path)
    return written
