"""CUC time: CCSDS 301.0-B 3.2, P-field 1E, 4 octets of seconds since 1958-01-01 TAI, 2 octets of fraction. SPEC 10.

On board seconds count from EPOCH (limits.py) in 0..2^30-1, because 32 bits are no small integer.
"""

from micropython import const

from ..errors import TIME_FORMAT, TIME_RANGE
from ..limits import EPOCH_HIGH, EPOCH_LOW

TIME_LENGTH = const(7)
P_FIELD = const(0x1E)


def write_time(buffer: bytearray, at: int, seconds: int, fraction: int) -> None:
    """Write the time to buffer[at:at+7]. seconds: since EPOCH, 0..2^30-1; fraction: 1/65536 s, 0..65535."""
    low = EPOCH_LOW + (seconds & 0xFFFF)
    high = EPOCH_HIGH + (seconds >> 16) + (low >> 16)
    buffer[at] = P_FIELD
    buffer[at + 1] = high >> 8
    buffer[at + 2] = high & 0xFF
    buffer[at + 3] = low >> 8 & 0xFF
    buffer[at + 4] = low & 0xFF
    buffer[at + 5] = fraction >> 8
    buffer[at + 6] = fraction & 0xFF


def read_seconds(buffer: bytes | bytearray | memoryview, at: int) -> int:
    """Seconds since EPOCH of the time in buffer[at:at+7], or -TIME_FORMAT, or -TIME_RANGE when not in 0..2^30-1."""
    if buffer[at] != P_FIELD:
        return -TIME_FORMAT
    high = (buffer[at + 1] << 8 | buffer[at + 2]) - EPOCH_HIGH
    low = (buffer[at + 3] << 8 | buffer[at + 4]) - EPOCH_LOW
    if low < 0:
        low += 0x10000
        high -= 1
    if not 0 <= high < 0x4000:
        return -TIME_RANGE
    return high << 16 | low


def read_fraction(buffer: bytes | bytearray | memoryview, at: int) -> int:
    """Fraction of the time in buffer[at:at+7], 1/65536 s."""
    return buffer[at + 5] << 8 | buffer[at + 6]
