"""Status codes, drop reasons, and the counters behind them.

A function that judges something from outside returns OK or one of these numbers. Every number is a row of
firmware/SPEC.md section 13, is never used anew, and is what telemetry, events and the host's link report carry.
What does not live here: exceptions. Flight code raises none for what the world sends.
"""

from array import array

from micropython import const

OK = const(0)

# CLTU receiver (SPEC 3). Counted by the codec in its own counters.
CLTU_SEARCH = const(0x01)
CLTU_REJECTED = const(0x02)
CLTU_EMPTY = const(0x03)
CLTU_OVERLONG = const(0x04)
CLTU_UNTAKEN = const(0x05)

# TC transfer frame (SPEC 4), in the order of the checks.
TC_SHORT = const(0x10)
TC_LENGTH = const(0x11)
TC_FECF = const(0x12)
TC_VERSION = const(0x13)
TC_RESERVED = const(0x14)
TC_SCID = const(0x15)
TC_VCID = const(0x16)
TC_FLAGS = const(0x17)
TC_CONTROL = const(0x18)
TC_CONTROL_RATE = const(0x19)
TC_DATA_SHORT = const(0x1A)
TC_SEGMENT = const(0x1B)

# Authentication of the uplink (SPEC 6).
SDLS_SPI = const(0x20)
SDLS_MAC = const(0x21)
SDLS_REPLAY = const(0x22)
SDLS_WINDOW = const(0x23)

# FARM-1 (SPEC 4). FARM_BD_ERASED: an unread BD data unit gave way to a newer one.
FARM_RETRANSMIT = const(0x30)
FARM_WAIT = const(0x31)
FARM_NEGATIVE = const(0x32)
FARM_OUTSIDE = const(0x33)
FARM_LOCKOUT = const(0x34)
FARM_BD_ERASED = const(0x35)

# CLCW on the ground (SPEC 5).
CLCW_FORMAT = const(0x38)
CLCW_VCID = const(0x39)

# Space packet and PUS-C header (SPEC 8, 9), in the order of the checks. PACKET_IDLE is counted but is no drop.
PACKET_SHORT = const(0x40)
PACKET_LENGTH = const(0x41)
PACKET_VERSION = const(0x42)
PACKET_IDLE = const(0x43)
PACKET_TYPE = const(0x44)
PACKET_SECONDARY = const(0x45)
PACKET_SEGMENTED = const(0x46)
PACKET_SIZE = const(0x47)
PACKET_CRC = const(0x48)
PACKET_APID = const(0x49)
PUS_VERSION = const(0x4A)

# TM frames on the ground (SPEC 7).
TM_SEARCH = const(0x50)
TM_FECF = const(0x51)
TM_UNTAKEN = const(0x52)
TM_VERSION = const(0x58)
TM_SCID = const(0x59)
TM_VCID = const(0x5A)
TM_FORMAT = const(0x5B)
TM_FHP = const(0x5C)
TM_PACKET_CUT = const(0x5D)
TM_PACKET_TAIL = const(0x5E)

# Time (SPEC 10).
TIME_FORMAT = const(0x60)
TIME_RANGE = const(0x61)

# Downlink on board: a telemetry packet that was not queued (SPEC 7).
DOWNLINK_FULL = const(0x68)
DOWNLINK_SIZE = const(0x69)
# A report went out with message type counter 0 because the table of counters was full: counted, and no drop.
MESSAGE_TYPES_FULL = const(0x6A)

# One counter for every number up to here.
REASONS = const(0x80)


class DropCounters:
    """A 16-bit counter for every drop reason, wrapping at 65536; their total, and the latest drop's reason.

    One object serves the whole board: the topology makes it and gives it to the link and to the packets.
    Allocates when made, never after. Not safe from an interrupt.
    """

    def __init__(self) -> None:
        self.counts = array("H", bytes(2 * REASONS))
        self.last = OK
        self.total = 0

    def count(self, reason: int) -> int:
        """Count one drop for *reason* (1..0x7F) and return *reason*; what is no drop has its own counter only."""
        self.counts[reason] = (self.counts[reason] + 1) & 0xFFFF
        if reason not in (PACKET_IDLE, MESSAGE_TYPES_FULL):
            self.total = (self.total + 1) & 0xFFFF
            self.last = reason
        return reason
