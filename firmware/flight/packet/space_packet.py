"""Space packet primary header: CCSDS 133.0-B 4.1.3. SPEC 8. Layout shared by telecommands and telemetry."""

from micropython import const

PRIMARY_HEADER_LENGTH = const(6)
ERROR_CONTROL_LENGTH = const(2)
IDLE_APID = const(0x7FF)

# Octet 0: version (3 bits), type, secondary header flag, APID bits 10..8.
VERSION_MASK = const(0xE0)
TYPE_TELECOMMAND = const(0x10)
SECONDARY_HEADER = const(0x08)
APID_HIGH_MASK = const(0x07)
# Octet 2: sequence flags (2 bits), count bits 13..8.
UNSEGMENTED = const(0xC0)
COUNT_MASK = const(0x3FFF)


def packet_length(buffer: bytes | bytearray | memoryview, at: int) -> int:
    """Octets of the whole packet at *at*, after its length field: 7..65542. Its six header octets must be there."""
    return (buffer[at + 4] << 8 | buffer[at + 5]) + PRIMARY_HEADER_LENGTH + 1
