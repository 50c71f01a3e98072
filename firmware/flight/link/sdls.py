"""Authentication of the uplink: CCSDS 355.0-B, authentication only, with HMAC-SHA-256 cut to 128 bits. SPEC 6.

One SecurityAssociation per SPI. The key and the last accepted sequence number come from the caller, which also keeps
the number over resets: it must store `number_high`, `number_low` or a number ahead of them before a reset can come.
"""

from micropython import const

from ..codec import HmacSha256
from ..errors import OK, SDLS_MAC, SDLS_REPLAY, SDLS_SPI, SDLS_WINDOW, TC_DATA_SHORT
from ..limits import SDLS_WINDOW as WINDOW
from ..limits import TC_VCID

# Security header: SPI (2), sequence number (4). Trailer: MAC.
HEADER_LENGTH = const(6)
MAC_LENGTH = const(16)
_SEGMENT_HEADER = const(5)
# The primary header under the authentication mask: only the VCID is left, and there is only one. In flash on the board.
_MASKED_HEADER = b"\x00\x00\x00\x00\x00"
assert TC_VCID == 0, TC_VCID


class NumberKeeper:
    """Keeps numbers over a restart."""

    def passed(self, association: "SecurityAssociation") -> None:
        """*association* has accepted a number above its kept one."""


class SecurityAssociation:
    """One security association of the receiving end.

    spi: 1..65534. key: any length, 32 octets or more advised; worked into the MAC at once and not kept.
    number_high, number_low: the last accepted sequence number as two 16-bit halves (32 bits are no small integer).
    kept_high, kept_low: the number at which a restart would go on; keeper is told when it is passed.
    Allocates when made, never after (with the C codec).
    """

    def __init__(self, spi: int, key: bytes, number_high: int = 0, number_low: int = 0) -> None:
        assert 1 <= spi <= 0xFFFE, spi
        assert 0 <= number_high <= 0xFFFF and 0 <= number_low <= 0xFFFF, (number_high, number_low)
        self._spi = spi
        self._hmac = HmacSha256(key)
        # What the key makes of a known message, to see later that it still does.
        self._known = bytearray(MAC_LENGTH)
        self._hmac.start()
        self._hmac.update(_MASKED_HEADER, 0, 5)
        self._hmac.put(self._known, 0, MAC_LENGTH)
        self.number_high = number_high
        self.number_low = number_low
        self._new_high = 0
        self._new_low = 0
        self.kept_high = number_high
        self.kept_low = number_low
        self.keeper: NumberKeeper | None = None

    def is_intact(self, spi: int) -> bool:
        """Would a good frame still be taken as one? The SPI is *spi*, and the key makes of a message what it made."""
        hmac = self._hmac
        hmac.start()
        hmac.update(_MASKED_HEADER, 0, 5)
        return self._spi == spi and hmac.check(self._known, 0, MAC_LENGTH)

    def verify(self, frame: bytes | bytearray | memoryview, start: int, end: int) -> int:
        """Check the frame whose security header is at *start* and whose MAC ends at *end*. Moves no number.

        The packets are then frame[start + HEADER_LENGTH : end - MAC_LENGTH].
        """
        mac = end - MAC_LENGTH
        if mac <= start + HEADER_LENGTH:
            return TC_DATA_SHORT
        if frame[start] << 8 | frame[start + 1] != self._spi:
            return SDLS_SPI
        hmac = self._hmac
        hmac.start()
        hmac.update(_MASKED_HEADER, 0, 5)
        hmac.update(frame, _SEGMENT_HEADER, mac)
        if not hmac.check(frame, mac, MAC_LENGTH):
            return SDLS_MAC
        self._new_high = frame[start + 2] << 8 | frame[start + 3]
        self._new_low = frame[start + 4] << 8 | frame[start + 5]
        # The difference of two 32-bit numbers, held to what a small integer takes: beyond one step of the high half
        # it is a replay or outside the window whatever the low halves are.
        high = self._new_high - self.number_high
        if high < 0:
            return SDLS_REPLAY
        if high > 1:
            return SDLS_WINDOW
        ahead = (high << 16) + self._new_low - self.number_low
        if ahead <= 0:
            return SDLS_REPLAY
        return OK if ahead <= WINDOW else SDLS_WINDOW

    def accept(self) -> None:
        """The frame verified last was accepted as a whole: its number is now the last one."""
        high = self._new_high
        low = self._new_low
        self.number_high = high
        self.number_low = low
        if self.keeper is not None and (high > self.kept_high or (high == self.kept_high and low > self.kept_low)):
            self.keeper.passed(self)
