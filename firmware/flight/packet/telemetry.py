"""Telemetry packet: 133.0-B primary and ECSS-E-ST-70-41C 7.4.3 secondary header around a report's data. SPEC 8, 9.

at = writer.begin(apid, 17, 2, destination)
... data from writer.buffer[at] on ...
length = writer.end(at + size)
downlink.send(TM_VC_REALTIME, writer.buffer, 0, length)
"""

from micropython import const

from ..codec import FIELD_UNSIGNED, crc16_put, field, pack
from ..limits import EPOCH_HIGH, EPOCH_LOW, TM_PACKET_MAX
from .counters import MessageTypeCounters, SequenceCounts
from .cuc import P_FIELD

DATA_START = const(20)  # primary header 6, secondary header 14
_ERROR_CONTROL_LENGTH = const(2)
DATA_MAX = TM_PACKET_MAX - DATA_START - _ERROR_CONTROL_LENGTH
# Primary header: telemetry with secondary header, unsegmented.
_HEADER_LENGTH = const(6)
_SECONDARY = const(0x0800)
_UNSEGMENTED = const(0xC000)
_PUS_VERSION = const(0x20)

# Octet and width of the header's fields, but for the length: one call of the codec writes them all. Identification,
# sequence control, version and time status, service, subtype, counter, destination, P-field, seconds (two halves),
# fraction.
_HEADER = b"".join(
    field(FIELD_UNSIGNED, width, 8 * octet, number)
    for number, (octet, width) in enumerate(
        ((0, 16), (2, 16), (6, 8), (7, 8), (8, 8), (9, 16), (11, 16), (13, 8), (14, 16), (16, 16), (18, 16))
    )
)


class Clock:
    """What the writer reads: the board's time. Whoever keeps it sets these three.

    seconds: since EPOCH, 0..2^30-1. fraction: 1/65536 s. status: time reference status 0..15 (SPEC 9).
    """

    def __init__(self) -> None:
        self.seconds = 0
        self.fraction = 0
        self.status = 0


class TelemetryWriter:
    """Writes one packet at a time into `buffer`. Allocates when made, never after. Not safe from an interrupt."""

    def __init__(self, clock: Clock, sequence_counts: SequenceCounts, message_types: MessageTypeCounters) -> None:
        self._clock = clock
        self._sequence_counts = sequence_counts
        self._message_types = message_types
        self.buffer = bytearray(TM_PACKET_MAX)
        self._values = [0] * 11
        self._values[7] = P_FIELD

    def begin(self, apid: int, service: int, subtype: int, destination: int) -> int:
        """Write the headers of the report *service*/*subtype* to *destination*; returns where its data starts.

        The packet takes its numbers here: one that is begun and not sent shows on the ground as a gap.
        """
        clock = self._clock
        values = self._values
        values[0] = _SECONDARY | apid
        values[1] = _UNSEGMENTED | self._sequence_counts.next(apid)
        values[2] = _PUS_VERSION | clock.status
        values[3] = service
        values[4] = subtype
        values[5] = self._message_types.next(destination, service, subtype)
        values[6] = destination
        seconds = clock.seconds
        low = EPOCH_LOW + (seconds & 0xFFFF)  # as cuc.write_time() does, without its call
        values[8] = EPOCH_HIGH + (seconds >> 16) + (low >> 16)
        values[9] = low & 0xFFFF
        values[10] = clock.fraction
        pack(_HEADER, values, self.buffer, 0, DATA_START)
        return DATA_START

    def end(self, at: int) -> int:
        """The data ends before octet *at* (20..1022): write length and error control; returns the packet's length."""
        length = at + _ERROR_CONTROL_LENGTH - _HEADER_LENGTH - 1
        self.buffer[4] = length >> 8
        self.buffer[5] = length & 0xFF
        return crc16_put(self.buffer, 0, at)
