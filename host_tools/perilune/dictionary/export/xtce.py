"""XTCE 1.2 (OMG formal/18-10-04, CCSDS 660.0-B-2): containers with inheritance, commands with arguments and ranges.

Telemetry: CCSDSPacket, from it TM (the secondary header of SPEC.md section 9), from it one container for each report
type, from 3/25 one for each structure, from 5/1 to 5/4 one for each event. Lists of items, whose number only the board
knows, are a count and the octets of the items. Commands: TC, from it each request. The error control of both is
described at CCSDSPacket; that of a command is added by who sends it.

Plain types only, so that simple readers can use it: integers, floats with polynomials, enumerations, binary.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree

from flight.limits import APID

from .. import model
from ..model import Dictionary
from ..types import RawType
from ..vocabulary import SEVERITY_NAMES
from .names import flat, flat_points, unique_arguments

NAMESPACE = "http://www.omg.org/spec/XTCE/20180204"
SCHEMA = f"{NAMESPACE} https://www.omg.org/spec/XTCE/20180204/SpaceSystem.xsd"
ROOT = "CCSDSPacket"
HEADER_OCTETS = 20
ERROR_CONTROL_OCTETS = 2

Element = ElementTree.Element


class _Field(NamedTuple):
    """A plain number of a report that the dictionary does not name."""

    name: str
    bits: int
    kind: str = "unsigned"


HEADER = (
    _Field("PKT_VERSION", 3), _Field("PKT_TYPE", 1), _Field("PKT_SEC_HDR", 1), _Field("PKT_APID", 11),
    _Field("PKT_SEQ_FLAGS", 2), _Field("PKT_SEQ_COUNT", 14), _Field("PKT_LENGTH", 16),
)  # fmt: skip
SECONDARY = (
    _Field("PUS_VERSION", 4), _Field("TIME_STATUS", 4), _Field("SERVICE", 8), _Field("SUBTYPE", 8),
    _Field("MESSAGE_COUNT", 16), _Field("DESTINATION", 16), _Field("TIME_P_FIELD", 8), _Field("TIME_SECONDS", 32),
    _Field("TIME_FRACTION", 16),
)  # fmt: skip
ERROR_CONTROL = _Field("ERROR_CONTROL", 16)
_NOTICE = (_Field("FAILURE_CODE", 16), _Field("FAILURE_WHERE", 16), _Field("FAILURE_VALUE_KIND", 8))
_NOTICE_VALUES = {
    0: _Field("FAILURE_NO_VALUE", 32),
    1: _Field("FAILURE_VALUE_UNSIGNED", 32),
    2: _Field("FAILURE_VALUE_SIGNED", 32, "signed"),
    3: _Field("FAILURE_VALUE_FLOAT", 32, "float"),
}
_REQUEST = (_Field("REQUEST_ID", 32),)
_COUNT = (_Field("ITEM_COUNT", 8),)
_ID = (_Field("ITEM_ID", 16),)
# Report types with a fixed beginning; true: octets of items follow.
REPORTS: dict[tuple[int, int], tuple[str, tuple[_Field, ...], bool]] = {
    (3, 10): (
        "structure",
        (
            _Field("STRUCTURE_SID", 16),
            _Field("STRUCTURE_ENABLED", 8),
            _Field("STRUCTURE_ON_CHANGE", 8),
            _Field("STRUCTURE_PERIOD_MS", 32),
            _Field("STRUCTURE_PARAMETERS", 16),
        ),
        True,
    ),
    (5, 8): ("disabled_events", (_Field("DISABLED_EVENTS", 16),), True),
    (9, 2): (
        "time",
        (
            _Field("RATE_EXPONENT", 8),
            _Field("REPORTED_P_FIELD", 8),
            _Field("REPORTED_SECONDS", 32),
            _Field("REPORTED_FRACTION", 16),
            _Field("REPORTED_STATUS", 8),
        ),
        False,
    ),
    (11, 10): ("schedule_detail", _COUNT, True),
    (11, 13): ("schedule_summary", _COUNT, True),
    (12, 9): ("monitor_definitions", (_Field("MONITOR_DELAY_MS", 32), *_COUNT), True),
    (12, 11): ("out_of_limits", _COUNT, True),
    (12, 12): ("transitions", _COUNT, True),
    (12, 14): ("monitor_status", _COUNT, True),
    (17, 2): ("ping", (), False),
    (19, 7): ("event_action_status", _COUNT, True),
    (19, 11): ("event_action_definitions", _COUNT, True),
    (20, 2): ("parameter_values", _COUNT, True),
    (21, 7): ("sequence_status", _COUNT, True),
    (21, 10): ("sequence_checksum", (*_ID, _Field("SEQUENCE_LENGTH", 16), _Field("SEQUENCE_CRC", 16)), False),
    (21, 12): ("sequence_content", (*_ID, _Field("SEQUENCE_STEPS", 8), _Field("SEQUENCE_OFFSET", 16)), True),
    (21, 14): ("sequence_abort", _COUNT, True),
}
_STAGES = {
    1: "accepted", 2: "refused", 3: "started", 4: "start_failed", 5: "progress", 6: "progress_failed", 7: "completed",
    8: "failed",
}  # fmt: skip


def xtce_text(dictionary: Dictionary, name: str = "perilune", *, error_control: bool = True) -> str:
    """The whole document. Raises ExportError for names that XTCE cannot tell apart.

    error_control: describe the CRC of packets at CCSDSPacket. That needs the size of a packet, which its length field
    tells; Yamcs takes constant sizes of containers alone, and checks the CRC before it reads packets.
    """
    root = ElementTree.Element(
        "SpaceSystem",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": SCHEMA,
            "name": name,
            "shortDescription": f"Dictionary {dictionary.content_hash.hex()[:8]}",
        },
    )
    ElementTree.SubElement(
        root, "Header", {"version": dictionary.content_hash.hex()[:8], "date": "", "validationStatus": "Released"}
    )
    _Telemetry(dictionary, root, error_control)
    _commands(dictionary, root)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _sub(parent: Element, tag: str, text: str | None = None, **attributes: object) -> Element:
    """A child; an attribute that is None is left out."""
    given = {key: str(value) for key, value in attributes.items() if value is not None}
    child = ElementTree.SubElement(parent, tag, given)
    child.text = text
    return child


def _described(parent: Element, text: str) -> None:
    if text:
        _sub(parent, "LongDescription", text)


def _number(value: float) -> str:
    return repr(value) if isinstance(value, float) else str(value)


# --- types ------------------------------------------------------------------------------------------------------------


def _encoding(parent: Element, raw: RawType) -> Element:
    if raw.is_float:
        return _sub(parent, "FloatDataEncoding", sizeInBits=raw.width, encoding="IEEE754_1985")
    kind = "twosComplement" if raw.low < 0 else "unsigned"
    return _sub(parent, "IntegerDataEncoding", sizeInBits=raw.width, encoding=kind)


def _units(parent: Element, unit: str) -> None:
    units = _sub(parent, "UnitSet")
    if unit:
        _sub(units, "Unit", unit)


def _names(parent: Element, enumeration: model.Enumeration) -> None:
    listed = _sub(parent, "EnumerationList")
    for label, value in enumeration.values.items():
        _sub(listed, "Enumeration", value=value, label=label)


class _Telemetry:
    """TelemetryMetaData: types, parameters and containers as they are needed."""

    def __init__(self, dictionary: Dictionary, root: Element, error_control: bool) -> None:
        top = _sub(root, "TelemetryMetaData")
        self._types = _sub(top, "ParameterTypeSet")
        self._parameters = _sub(top, "ParameterSet")
        self._containers = _sub(top, "ContainerSet")
        self._known: set[str] = set()
        self._error_control = error_control
        for name, point in flat_points(dictionary).items():
            self._point(name, point)
        self._headers()
        self._verification()
        for (service, subtype), (name, fields, has_items) in REPORTS.items():
            self._report(service, subtype, name, fields, has_items)
        self._housekeeping(dictionary)
        self._events(dictionary)

    # --- parameters -----------------------------------------------------------------------------------------------

    def _parameter(self, name: str, text: str) -> None:
        self._known.add(name)
        parameter = _sub(self._parameters, "Parameter", name=name, parameterTypeRef=f"{name}_type")
        _described(parameter, text)

    def _point(self, name: str, point: model.Point) -> None:
        if point.enumeration is not None:
            kind = _sub(self._types, "EnumeratedParameterType", name=f"{name}_type")
            _units(kind, point.unit)
            _encoding(kind, point.type)
            _names(kind, point.enumeration)
        else:
            is_float = point.type.is_float or bool(point.coefficients)
            if is_float:
                kind = _sub(self._types, "FloatParameterType", name=f"{name}_type", sizeInBits=64)
            else:
                signed = "true" if point.type.low < 0 else "false"
                kind = _sub(self._types, "IntegerParameterType", name=f"{name}_type", signed=signed, sizeInBits=32)
            _units(kind, point.unit)
            encoding = _encoding(kind, point.type)
            if point.coefficients:
                polynomial = _sub(_sub(encoding, "DefaultCalibrator"), "PolynomialCalibrator")
                for power, coefficient in enumerate(point.coefficients):
                    _sub(polynomial, "Term", coefficient=_number(coefficient), exponent=power)
            if point.yellow or point.red:
                ranges = _sub(_sub(kind, "DefaultAlarm"), "StaticAlarmRanges")
                for tag, limits in (("WarningRange", point.yellow), ("CriticalRange", point.red)):
                    if limits is not None:
                        _sub(ranges, tag, minInclusive=_number(limits[0]), maxInclusive=_number(limits[1]))
        self._parameter(name, point.text)

    def _field(self, field: _Field) -> str:
        """A plain number; its name."""
        if field.name in self._known:
            return field.name
        name = f"{field.name}_type"
        if field.kind == "float":
            kind = _sub(self._types, "FloatParameterType", name=name, sizeInBits=field.bits)
            _units(kind, "")
            _sub(kind, "FloatDataEncoding", sizeInBits=field.bits, encoding="IEEE754_1985")
        else:
            signed = field.kind == "signed"
            kind = _sub(
                self._types,
                "IntegerParameterType",
                name=name,
                signed=str(signed).lower(),
                sizeInBits=max(field.bits, 32),
            )
            _units(kind, "")
            encoding = "twosComplement" if signed else "unsigned"
            _sub(kind, "IntegerDataEncoding", sizeInBits=field.bits, encoding=encoding)
        self._parameter(field.name, "")
        return field.name

    def _argument(self, name: str, field: model.Field) -> str:
        """A field of an event; its name."""
        if field.enumeration is not None:
            kind = _sub(self._types, "EnumeratedParameterType", name=f"{name}_type")
            _units(kind, field.unit)
            _encoding(kind, field.type)
            _names(kind, field.enumeration)
        elif field.type.is_float:
            kind = _sub(self._types, "FloatParameterType", name=f"{name}_type", sizeInBits=field.type.width)
            _units(kind, field.unit)
            _encoding(kind, field.type)
        else:
            signed = "true" if field.type.low < 0 else "false"
            kind = _sub(self._types, "IntegerParameterType", name=f"{name}_type", signed=signed, sizeInBits=32)
            _units(kind, field.unit)
            _encoding(kind, field.type)
        self._parameter(name, field.text)
        return name

    def _items(self, octets_before: int) -> str:
        """All octets from there on to the error control; the name of the parameter."""
        name = f"ITEMS_FROM_{octets_before}"
        if name not in self._known:
            kind = _sub(self._types, "BinaryParameterType", name=f"{name}_type")
            _units(kind, "")
            size = _sub(_sub(kind, "BinaryDataEncoding"), "SizeInBits")
            value = _sub(size, "DynamicValue")
            _sub(value, "ParameterInstanceRef", parameterRef="PKT_LENGTH")
            # Packet data length is octets of the whole packet - 7.
            rest = 7 - octets_before - ERROR_CONTROL_OCTETS
            _sub(value, "LinearAdjustment", slope=8, intercept=8 * rest)
            self._parameter(name, "Octets of the items.")
        return name

    # --- containers -----------------------------------------------------------------------------------------------

    def _container(
        self,
        name: str,
        entries: list[str],
        base: str = "",
        criteria: dict[str, int] | None = None,
        *,
        abstract: bool = False,
        text: str = "",
    ) -> None:
        container = _sub(self._containers, "SequenceContainer", name=name, abstract=str(abstract).lower())
        _described(container, text)
        if name == ROOT and self._error_control:
            _error_control(container, "ParameterInstanceRef", {"parameterRef": "PKT_LENGTH"})
        listed = _sub(container, "EntryList")
        for entry in entries:
            _sub(listed, "ParameterRefEntry", parameterRef=entry)
        if base:
            inherited = _sub(container, "BaseContainer", containerRef=base)
            comparisons = _sub(_sub(inherited, "RestrictionCriteria"), "ComparisonList")
            for parameter, value in (criteria or {}).items():
                _sub(comparisons, "Comparison", parameterRef=parameter, value=value)

    def _headers(self) -> None:
        self._container(ROOT, [self._field(field) for field in HEADER], abstract=True, text="CCSDS 133.0-B-2.")
        telemetry = {"PKT_TYPE": 0, "PKT_SEC_HDR": 1, "PKT_APID": APID}
        names = [self._field(field) for field in SECONDARY]
        self._container("TM", names, ROOT, telemetry, abstract=True, text="ECSS-E-ST-70-41C 7.4.3.")
        self._field(ERROR_CONTROL)

    def _report(
        self, service: int, subtype: int, name: str, fields: tuple[_Field, ...], has_items: bool = False
    ) -> None:
        entries = [self._field(field) for field in fields]
        if has_items:
            entries.append(self._items(HEADER_OCTETS + sum(field.bits for field in fields) // 8))
        entries.append(ERROR_CONTROL.name)
        criteria = {"SERVICE": service, "SUBTYPE": subtype}
        self._container(f"TM_{service}_{subtype}_{name}", entries, "TM", criteria)

    def _verification(self) -> None:
        step = (_Field("REQUEST_STEP", 16),)
        for subtype, name in _STAGES.items():
            fields = _REQUEST + (step if subtype in (5, 6) else ())
            if subtype % 2:
                self._report(1, subtype, name, fields)
                continue
            full = f"TM_1_{subtype}_{name}"
            entries = [self._field(field) for field in fields + _NOTICE]
            self._container(full, entries, "TM", {"SERVICE": 1, "SUBTYPE": subtype}, abstract=True)
            for kind, field in _NOTICE_VALUES.items():
                entries = [self._field(field), ERROR_CONTROL.name]
                self._container(f"{full}_{kind}", entries, full, {"FAILURE_VALUE_KIND": kind})

    def _housekeeping(self, dictionary: Dictionary) -> None:
        base = "TM_3_25_housekeeping"
        sid = self._field(_Field("SID", 16))
        self._container(base, [sid], "TM", {"SERVICE": 3, "SUBTYPE": 25}, abstract=True)
        for row in sorted(dictionary.housekeeping.values(), key=lambda row: row.sid):
            entries = []
            end = 0
            for point, bit in row.fields:
                if bit > end:
                    entries.append(self._field(_Field(f"PAD_{bit - end}", bit - end)))
                entries.append(flat(point.name))
                end = bit + point.type.width
            if 8 * row.octets > end:
                entries.append(self._field(_Field(f"PAD_{8 * row.octets - end}", 8 * row.octets - end)))
            self._container(f"HK_{flat(row.name)}", [*entries, ERROR_CONTROL.name], base, {sid: row.sid}, text=row.text)

    def _events(self, dictionary: Dictionary) -> None:
        identifier, held = self._field(_Field("EVENT_ID", 16)), self._field(_Field("EVENT_HELD_BACK", 8))
        for severity, name in SEVERITY_NAMES.items():
            base = f"TM_5_{severity}_event_{name}"
            self._container(base, [identifier, held], "TM", {"SERVICE": 5, "SUBTYPE": severity}, abstract=True)
            for event in sorted(dictionary.events.values(), key=lambda event: event.id):
                if event.severity != severity:
                    continue
                own = f"EVENT_{flat(event.name)}"
                entries = [self._argument(f"{own}_{field.name}", field) for field in event.fields]
                self._container(own, [*entries, ERROR_CONTROL.name], base, {identifier: event.id}, text=event.text)


def _error_control(container: Element, reference: str, attributes: dict[str, str]) -> None:
    """CRC-16 of the whole packet (SPEC.md section 1)."""
    encoding = _sub(container, "BinaryEncoding")
    detect = _sub(_sub(encoding, "ErrorDetectCorrect"), "CRC", width=16, reflectData="false", reflectRemainder="false")
    _sub(detect, "Polynomial", "1021")
    _sub(detect, "InitRemainder", "FFFF")
    _sub(detect, "FinalXOR", "0000")
    value = _sub(_sub(encoding, "SizeInBits"), "DynamicValue")
    ElementTree.SubElement(value, reference, attributes)
    _sub(value, "LinearAdjustment", slope=8, intercept=56)


# --- commands ---------------------------------------------------------------------------------------------------------


def _commands(dictionary: Dictionary, root: Element) -> None:
    top = _sub(root, "CommandMetaData")
    types = _sub(top, "ArgumentTypeSet")
    listed = _sub(top, "MetaCommandSet")
    base = _sub(listed, "MetaCommand", name="TC", abstract="true")
    names = (("TC_ACKNOWLEDGE", 4, 15), ("TC_SERVICE", 8, 255), ("TC_SUBTYPE", 8, 255), ("TC_SOURCE", 16, 65535))
    for name, bits, most in names:
        kind = _sub(types, "IntegerArgumentType", name=f"{name}_type", signed="false", sizeInBits=32)
        _units(kind, "")
        _sub(kind, "IntegerDataEncoding", sizeInBits=bits, encoding="unsigned")
        _sub(_sub(kind, "ValidRangeSet"), "ValidRange", minInclusive=0, maxInclusive=most)
    arguments = _sub(base, "ArgumentList")
    initial = {"TC_ACKNOWLEDGE": 15, "TC_SOURCE": 0}
    for name, _, _ in names:
        _sub(arguments, "Argument", name=name, argumentTypeRef=f"{name}_type", initialValue=initial.get(name))
    container = _sub(base, "CommandContainer", name="TC")
    entries = _sub(container, "EntryList")
    # Type telecommand, secondary header, APID; unsegmented, count and length are filled in by who sends it.
    fixed = (("packet_identification", f"{0x1800 | APID:04X}"), ("sequence_control", "C000"), ("data_length", "0000"))
    for name, octets in fixed:
        _sub(entries, "FixedValueEntry", name=name, binaryValue=octets, sizeInBits=16)
    _sub(entries, "FixedValueEntry", name="pus_version", binaryValue="02", sizeInBits=4)
    for name, _, _ in names:
        _sub(entries, "ArgumentRefEntry", argumentRef=name)
    for command in dictionary.commands.values():
        if not (command.is_open and command.args == () and (command.service, command.subtype) == (8, 1)):
            _command(listed, types, command)


def _command(listed: Element, types: Element, command: model.Command) -> None:
    name = flat(command.name)
    text = command.text + (" Hazardous: arm it with core.arm first." if command.hazardous else "")
    meta = _sub(listed, "MetaCommand", name=name, shortDescription=command.key)
    _described(meta, text)
    base = _sub(meta, "BaseMetaCommand", metaCommandRef="TC")
    assigned = _sub(base, "ArgumentAssignmentList")
    for argument, value in (("TC_SERVICE", command.service), ("TC_SUBTYPE", command.subtype)):
        _sub(assigned, "ArgumentAssignment", argumentName=argument, argumentValue=value)
    arguments = ElementTree.Element("ArgumentList")
    entries = ElementTree.Element("EntryList")
    if command.function:
        _sub(entries, "FixedValueEntry", name="function", binaryValue=f"{command.function:04X}", sizeInBits=16)
    for field in command.args:
        _command_argument(name, types, arguments, entries, field)
    if command.group is not None:
        _group(name, types, arguments, entries, command.group)
    elif command.is_open:
        _octets(name, types, arguments, entries, "octets", "octets_count", 8, None)
    unique_arguments(command, (argument.get("name", "") for argument in arguments))
    if len(arguments):
        meta.append(arguments)
    container = _sub(meta, "CommandContainer", name=name)
    container.append(entries)
    _sub(container, "BaseContainer", containerRef="TC")
    if command.hazardous:
        _sub(
            meta,
            "DefaultSignificance",
            consequenceLevel="critical",
            reasonForWarning="Hazardous: must be armed before.",
        )


def _command_argument(command: str, types: Element, arguments: Element, entries: Element, field: model.Field) -> None:
    kind_name = f"{command}_{field.name}_type"
    if field.enumeration is not None:
        kind = _sub(types, "EnumeratedArgumentType", name=kind_name)
        _units(kind, field.unit)
        _encoding(kind, field.type)
        _names(kind, field.enumeration)
    else:
        if field.type.is_float:
            kind = _sub(types, "FloatArgumentType", name=kind_name, sizeInBits=field.type.width)
        else:
            signed = "true" if field.type.low < 0 else "false"
            kind = _sub(types, "IntegerArgumentType", name=kind_name, signed=signed, sizeInBits=32)
        _units(kind, field.unit)
        _encoding(kind, field.type)
        bounds = {"minInclusive": _number(field.low), "maxInclusive": _number(field.high)}
        _sub(_sub(kind, "ValidRangeSet"), "ValidRange", **bounds)
    initial = field.default
    if initial is not None and field.enumeration is not None:
        initial = field.enumeration.text_of(int(initial))  # type: ignore[assignment]  # labels stand for values
    argument = _sub(arguments, "Argument", name=field.name, argumentTypeRef=kind_name, initialValue=initial)
    _described(argument, field.text)
    _sub(entries, "ArgumentRefEntry", argumentRef=field.name)


def _group(command: str, types: Element, arguments: Element, entries: Element, group: model.Group) -> None:
    """A count and the octets of the items."""
    kind = _sub(types, "IntegerArgumentType", name=f"{command}_count_type", signed="false", sizeInBits=32)
    _units(kind, "")
    _sub(kind, "IntegerDataEncoding", sizeInBits=8 * group.count_octets, encoding="unsigned")
    _sub(_sub(kind, "ValidRangeSet"), "ValidRange", minInclusive=group.least, maxInclusive=group.most)
    _sub(arguments, "Argument", name="count", argumentTypeRef=f"{command}_count_type")
    _sub(entries, "ArgumentRefEntry", argumentRef="count")
    if group.item_octets:
        _octets(command, types, arguments, entries, group.name, "count", 8 * group.item_octets, group)
    else:
        _octets(command, types, arguments, entries, group.name, "octets_count", 8, group)


def _octets(
    command: str,
    types: Element,
    arguments: Element,
    entries: Element,
    name: str,
    size_of: str,
    slope: int,
    group: model.Group | None,
) -> None:
    """Octets whose number another argument tells; that of `octets_count` itself is not sent."""
    if size_of == "octets_count":
        kind = _sub(types, "IntegerArgumentType", name=f"{command}_octets_count_type", signed="false", sizeInBits=32)
        _units(kind, "")
        _sub(kind, "IntegerDataEncoding", sizeInBits=16, encoding="unsigned")
        argument = _sub(arguments, "Argument", name="octets_count", argumentTypeRef=f"{command}_octets_count_type")
        _described(argument, "How many octets follow; not sent.")
    kind = _sub(types, "BinaryArgumentType", name=f"{command}_{name}_type")
    _units(kind, "")
    size = _sub(_sub(kind, "BinaryDataEncoding"), "SizeInBits")
    value = _sub(size, "DynamicValue")
    _sub(value, "ArgumentInstanceRef", argumentRef=size_of)
    _sub(value, "LinearAdjustment", slope=slope, intercept=0)
    argument = _sub(arguments, "Argument", name=name, argumentTypeRef=f"{command}_{name}_type")
    if group is not None and group.fields:
        fields = ", ".join(f"{field.name} ({field.type.name})" for field in group.fields)
        _described(argument, f"Items of {fields}{', value' if group.sets_parameters else ''}.")
    _sub(entries, "ArgumentRefEntry", argumentRef=name)
