"""Authentication of the uplink: CCSDS 355.0-B, authentication only, with HMAC-SHA-256 cut to 128 bits. SPEC 6.

One SecurityAssociation per SPI. The key and the last accepted sequence number come from the caller, which also keeps
the number over resets: it must store `number_high`, `number_low` or a number ahead of them before a reset can come.
"""

from micropython import const

from ..codec import HmacSha256, sdls_check
from ..errors import OK
from ..limits import SDLS_WINDOW as WINDOW
from ..limits import TC_VCID

# Security header: SPI (2), sequence number (4). Trailer: MAC.
HEADER_LENGTH = const(6)
MAC_LENGTH = const(16)
_SEGMENT_HEADER = const(5)
# The primary header under the authentication mask: only the VCID is left, and there is only one. In flash on the board.
_MASKED_HEADER = b"\x00\x00\x00\x00\x00"
assert TC_VCID == 0, TC_VCID
_HALF_MAX = const(0xFFFF)


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
        self._ahead = 0  # of the last number, the frame verified last
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
        ahead = sdls_check(
            self._hmac,
            _MASKED_HEADER,
            frame,
            _SEGMENT_HEADER,
            start,
            end - MAC_LENGTH,
            self._spi,
            self.number_high,
            self.number_low,
            WINDOW,
        )
        if ahead < 0:
            return -ahead
        self._ahead = ahead
        return OK

    def accept(self) -> None:
        """The frame verified last was accepted as a whole: its number is now the last one."""
        high = self.number_high
        low = self.number_low + self._ahead
        if low > _HALF_MAX:
            low &= _HALF_MAX
            high += 1
            self.number_high = high
        self.number_low = low
        if self.keeper is not None and (high > self.kept_high or (high == self.kept_high and low > self.kept_low)):
            self.keeper.passed(self)
