"""Telemetry packet: 133.0-B primary and ECSS-E-ST-70-41C 7.4.3 secondary header around a report's data. SPEC 8, 9.

at = writer.begin(apid, 17, 2, destination)
... data from writer.buffer[at] on ...
length = writer.end(at + size)
downlink.realtime.send(writer.buffer, 0, length)
"""

from micropython import const

from ..codec import tm_packet_begin, tm_packet_end
from ..limits import EPOCH_HIGH, EPOCH_LOW, TM_PACKET_MAX
from .counters import MessageTypeCounters, SequenceCounts

DATA_START = const(20)  # primary header 6, secondary header 14
_ERROR_CONTROL_LENGTH = const(2)
DATA_MAX = TM_PACKET_MAX - DATA_START - _ERROR_CONTROL_LENGTH


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
        clock = self._clock
        return tm_packet_begin(
            self.buffer,
            apid,
            self._sequence_counts.next(apid),
            service,
            subtype,
            self._message_types.next(destination, service, subtype),
            destination,
            clock.status,
            EPOCH_HIGH,
            EPOCH_LOW,
            clock.seconds,
            clock.fraction,
        )

    def end(self, at: int) -> int:
        """The data ends before octet *at* (20..1022): write length and error control; returns the packet's length."""
        return tm_packet_end(self.buffer, at)
