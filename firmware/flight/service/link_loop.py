"""The link's turn: octets of the port to telecommands executed, reports to frames on the port.

Called between the 10 Hz cycles, as often as octets arrive. Bounded: one call takes at most TC_PER_POLL frames of
telecommands, so a full uplink delays a cycle by a known time.
"""

from micropython import const

from ..hal.null import Port
from ..limits import LINK_READ, TC_PER_POLL
from ..link.downlink import Downlink
from ..link.uplink import Uplink
from .router import Router

# A port whose transmit ring was full is looked at again when some frames' octets have left.
_BLOCKED_MS = const(10)


class LinkLoop:
    """port: flight.hal port. Allocates when made, never after."""

    def __init__(self, port: Port, uplink: Uplink, downlink: Downlink, router: Router) -> None:
        self._port = port
        self._uplink = uplink
        self._downlink = downlink
        self._router = router
        self._buffer = bytearray(LINK_READ)
        # Bound once: binding allocates.
        self._read = port.read_into
        self._write = self._write_frame
        self._blocked = False

    def poll(self, now_ms: int) -> int:
        """Do what is there; milliseconds until it should be called again although nothing arrives."""
        uplink = self._uplink
        buffer = self._buffer
        count = self._read(buffer)
        if count:
            uplink.feed(buffer, 0, count, now_ms)
        left = TC_PER_POLL
        while uplink.waiting and left:
            uplink.next()
            self._router.packets(uplink.buffer, uplink.start, uplink.end)
            uplink.release()
            left -= 1
        self._blocked = False
        self._downlink.poll(now_ms, self._write)
        if count or left < TC_PER_POLL:
            return 0  # what was executed may have work for the others that are polled
        return _BLOCKED_MS if self._blocked else self._downlink.left_ms(now_ms)

    def _write_frame(self, frame: bytearray) -> bool:
        taken = self._port.write(frame)
        self._blocked = not taken
        return taken
