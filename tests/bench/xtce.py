"""The packet of bench_codec for space_packet_parser: an XTCE document made from the columns."""

from __future__ import annotations

import io
from typing import Any

import perilune_codec as c
from perilune_codec.batch import Column
from space_packet_parser.xtce.definitions import XtcePacketDefinition  # type: ignore[import-untyped]

HEADER = (
    ("VERSION", 3), ("TYPE", 1), ("SEC_HDR_FLG", 1), ("PKT_APID", 11), ("SEQ_FLGS", 2), ("SRC_SEQ_CTR", 14),
    ("PKT_LEN", 16), ("PUS", 4), ("STATUS", 4), ("SERVICE", 8), ("SUBTYPE", 8), ("COUNTER", 16), ("DESTINATION", 16),
    ("P_FIELD", 8), ("SECONDS", 32), ("FRACTION", 16),
)  # fmt: skip
ENCODINGS = {c.FIELD_UNSIGNED: ("Integer", "unsigned"), c.FIELD_SIGNED: ("Integer", "twosComplement")}


def parser(columns: list[Column]) -> XtcePacketDefinition:
    """Definition of the packet: header, columns, error control."""
    fields = [(name, ("Integer", "unsigned"), width) for name, width in HEADER]
    fields += [(x.name, ENCODINGS.get(x.kind, ("Float", "IEEE754")), x.width) for x in columns]
    fields.append(("PEC", ("Integer", "unsigned"), 16))
    types = "".join(
        f'<xtce:{kind}ParameterType name="{name}_T">'
        f'<xtce:{kind}DataEncoding sizeInBits="{width}" encoding="{encoding}"/></xtce:{kind}ParameterType>'
        for name, (kind, encoding), width in fields
    )
    parameters = "".join(f'<xtce:Parameter name="{name}" parameterTypeRef="{name}_T"/>' for name, _, _ in fields)
    entries = "".join(f'<xtce:ParameterRefEntry parameterRef="{name}"/>' for name, _, _ in fields)
    document = (
        '<xtce:SpaceSystem xmlns:xtce="http://www.omg.org/space/xtce" name="BENCH"><xtce:TelemetryMetaData>'
        f"<xtce:ParameterTypeSet>{types}</xtce:ParameterTypeSet><xtce:ParameterSet>{parameters}</xtce:ParameterSet>"
        '<xtce:ContainerSet><xtce:SequenceContainer name="CCSDSPacket"><xtce:EntryList>'
        f"{entries}</xtce:EntryList></xtce:SequenceContainer></xtce:ContainerSet>"
        "</xtce:TelemetryMetaData></xtce:SpaceSystem>"
    )
    return XtcePacketDefinition.from_xtce(io.StringIO(document), root_container_name="CCSDSPacket")


def parse(definition: XtcePacketDefinition, packets: list[bytes]) -> list[Any]:
    """All fields of all packets."""
    return [definition.parse_bytes(packet) for packet in packets]
