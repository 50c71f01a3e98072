"""The Communications Link Control Word: CCSDS 232.0-B 4.2, SPEC 5. Written here, read on the ground."""

from micropython import const

from ..limits import TC_VCID

# Octet 0: control word type 0, version 00, status 000, COP in effect 01. Octet 1: VCID, two spare bits.
CLCW_OCTET_0 = const(0x01)
CLCW_OCTET_1 = TC_VCID << 2


def write_clcw(buffer: bytearray, at: int, report: int) -> None:
    """Write the CLCW into *buffer* at octet *at*: *report* from Farm.report()."""
    buffer[at] = CLCW_OCTET_0
    buffer[at + 1] = CLCW_OCTET_1
    buffer[at + 2] = report >> 8  # FARM-1's flags; the two of a radio are 0
    buffer[at + 3] = report & 0xFF
