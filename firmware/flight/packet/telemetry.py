"""Telemetry packet: 133.0-B primary and ECSS-E-ST-70-41C 7.4.3 secondary header around a report's data. SPEC 8, 9.

at = writer.begin(apid, 17, 2, destination)
... data from writer.buffer[at] on ...
length = writer.end(at + size)
downlink.send(TM_VC_REALTIME, writer.buffer, 0, length)
"""

from micropython import const

from ..codec import crc16_put
from ..limits import TM_PACKET_MAX
from .counters import MessageTypeCounters, SequenceCounts
from .cuc import write_time

DATA_START = const(20)  # primary header 6, secondary header 14
_ERROR_CONTROL_LENGTH = const(2)
DATA_MAX = TM_PACKET_MAX - DATA_START - _ERROR_CONTROL_LENGTH
# Primary header: telemetry with secondary header, unsegmented.
_HEADER_LENGTH = const(6)
_SECONDARY = const(0x08)
_UNSEGMENTED = const(0xC0)
_PUS_VERSION = const(0x20)
_TIME_START = const(13)


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

    def begin(self, apid: int, service: int, subtype: int, destination: int) -> int:
        """Write the headers of the report *service*/*subtype* to *destination*; returns where its data starts.

        The packet takes its numbers here: one that is begun and not sent shows on the ground as a gap.
        """
        buffer = self.buffer
        clock = self._clock
        count = self._sequence_counts.next(apid)
        counter = self._message_types.next(destination, service, subtype)
        buffer[0] = _SECONDARY | apid >> 8
        buffer[1] = apid & 0xFF
        buffer[2] = _UNSEGMENTED | count >> 8
        buffer[3] = count & 0xFF
        buffer[6] = _PUS_VERSION | clock.status
        buffer[7] = service
        buffer[8] = subtype
        buffer[9] = counter >> 8
        buffer[10] = counter & 0xFF
        buffer[11] = destination >> 8
        buffer[12] = destination & 0xFF
        write_time(buffer, _TIME_START, clock.seconds, clock.fraction)
        return DATA_START

    def end(self, at: int) -> int:
        """The data ends before octet *at* (20..1022): write length and error control; returns the packet's length."""
        length = at + _ERROR_CONTROL_LENGTH - _HEADER_LENGTH - 1
        self.buffer[4] = length >> 8
        self.buffer[5] = length & 0xFF
        return crc16_put(self.buffer, 0, at)
