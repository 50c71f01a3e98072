"""The Communications Link Control Word: CCSDS 232.0-B 4.2, SPEC 5. Written here, read on the ground."""

from micropython import const

from ..limits import TC_VCID

# Octet 0: control word type 0, version 00, status 000, COP in effect 01. Octet 1: VCID, two spare bits.
CLCW_OCTET_0 = const(0x01)
CLCW_OCTET_1 = TC_VCID << 2

# Flags of octet 2 that a radio interface may set; FARM-1 owns the others.
NO_RF_AVAILABLE = const(0x80)
NO_BIT_LOCK = const(0x40)


def write_clcw(buffer: bytearray, at: int, report: int, link_flags: int = 0) -> None:
    """Write the CLCW into *buffer* at octet *at*: *report* from Farm.report(), *link_flags* of the radio or 0."""
    buffer[at] = CLCW_OCTET_0
    buffer[at + 1] = CLCW_OCTET_1
    buffer[at + 2] = report >> 8 | link_flags
    buffer[at + 3] = report & 0xFF
