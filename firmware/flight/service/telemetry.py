"""Reports on their way out: one packet at a time, written in place and queued on the real-time channel.

    at = tm.begin(17, 2, destination)
    ... tm.buffer[at] and on, or tm.u8(), tm.u16(), tm.pack() ...
    tm.send()

Between begin() and send() nobody else may begin one: no event is raised there.
"""

from ..codec import copy, pack
from ..errors import OK
from ..link.virtual_channel import VirtualChannel
from ..packet.telemetry import DATA_MAX, DATA_START, TelemetryWriter
from .onboard_time import OnboardTime

__all__ = ["DATA_MAX", "Telemetry"]

_ZEROS = bytes(64)


class Telemetry:
    """The one writer of reports. Allocates when made, never after. Not safe from an interrupt.

    channel: the real-time one. buffer: the packet. at: where the next field goes. sent, lost: reports queued, and
    refused by the channel, mod 65536.
    """

    def __init__(self, writer: TelemetryWriter, time: OnboardTime, channel: VirtualChannel, apid: int) -> None:
        self._writer = writer
        self._time = time
        self._channel = channel
        self._apid = apid
        self._open = False
        self.buffer = writer.buffer
        self.at = DATA_START
        self.sent = 0
        self.lost = 0

    def use(self, channel: VirtualChannel) -> None:
        """Send reports to *channel* from now on; for tests, which look at packets and not at frames."""
        self._channel = channel

    def begin(self, service: int, subtype: int, destination: int = 0) -> int:
        """Write the headers of a report; returns where its data starts. destination: 0..65535, 0 = ground."""
        assert not self._open, (service, subtype)
        self._open = True
        self._time.update()
        self.at = self._writer.begin(self._apid, service, subtype, destination)
        return self.at

    def u8(self, value: int) -> None:
        """Append one octet."""
        self.buffer[self.at] = value & 0xFF
        self.at += 1

    def u16(self, value: int) -> None:
        """Append two octets."""
        at = self.at
        self.buffer[at] = value >> 8 & 0xFF
        self.buffer[at + 1] = value & 0xFF
        self.at = at + 2

    def u32(self, value: int) -> None:
        """Append four octets of an integer in 0..2^30-1."""
        self.u16(value >> 16)
        self.u16(value)

    def pack(self, fmt: "bytes | bytearray", values: "list[float]", size: int) -> None:
        """Append a structure of *size* octets: *values* after the descriptors *fmt*. Bits without a field are 0."""
        start = self.at
        buffer = self.buffer
        self.at = end = start + size
        at = start
        while at < end:
            at = copy(_ZEROS, 0, 64 if end - at > 64 else end - at, buffer, at)
        pack(fmt, values, buffer, start, end)

    def draft(self, fmt: "bytes | bytearray", values: "list[float]", size: int) -> int:
        """Pack a structure where a report's data begins, to look at it; the octet behind it. begin() overwrites it."""
        assert not self._open, size
        self.at = DATA_START
        self.pack(fmt, values, size)
        return self.at

    def room(self) -> int:
        """Octets of data that still fit."""
        return DATA_START + DATA_MAX - self.at

    def send(self) -> int:
        """Close the report and queue it. Returns OK or why the channel refused it (counted there)."""
        self._open = False
        status = self._channel.send(self.buffer, 0, self._writer.end(self.at))
        if status == OK:
            self.sent = (self.sent + 1) & 0xFFFF
        else:
            self.lost = (self.lost + 1) & 0xFFFF
        return status
