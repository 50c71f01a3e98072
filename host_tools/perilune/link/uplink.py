"""The way up on the ground: telecommand packets to TC frames, authentication, CLTUs. No I/O, no COP-1.

CCSDS 232.0-B-3 §4.1, 355.0-B-2 §4, 231.0-B-4 §5; firmware/SPEC.md sections 3, 4 and 6. FOP-1 stands between `data_unit`
and `frame`: a data unit is made and authenticated once, and gets its N(S) when FOP-1 transmits it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from flight.codec import HmacSha256, cltu_encode, cltu_size, crc16
from flight.limits import (
    SCID,
    SDLS_SPI_AD,
    SDLS_SPI_BD,
    TC_FRAME_MAX,
    TC_MAP_ID,
    TC_RANDOMISED,
    TC_VCID,
)

from ..errors import PacketError
from .fop1 import FrameType

HEADER_LENGTH = 5
FECF_LENGTH = 2
SECURITY_HEADER_LENGTH = 6
MAC_LENGTH = 16
SEGMENT_HEADER = bytes([0xC0 | TC_MAP_ID])
_FLAGS = {FrameType.AD: 0x00, FrameType.BD: 0x20, FrameType.BC: 0x30}
_MASKED_HEADER = bytes([0, 0, TC_VCID << 2, 0, 0])


class SequenceNumbers(Protocol):
    """Where the numbers of the security associations come from; each is higher than any given before, for ever."""

    def take(self, spi: int) -> int:
        """The next number of this association, 1 to 2^32 - 1."""

    def skip(self) -> None:
        """Leave out NUMBERS_AHEAD numbers of each association before its next one: the board may have restarted."""

    def confirm(self) -> None:
        """The board has accepted a number taken after the last skip."""


class Authenticator:
    """Sending end of the two security associations, one for Type-AD and one for Type-BD frames."""

    def __init__(self, ad_key: bytes, bd_key: bytes, numbers: SequenceNumbers) -> None:
        self._spis = {FrameType.AD: SDLS_SPI_AD, FrameType.BD: SDLS_SPI_BD}
        self._hmacs = {FrameType.AD: HmacSha256(ad_key), FrameType.BD: HmacSha256(bd_key)}
        self.numbers = numbers

    def protect(self, frame_type: FrameType, packets: bytes) -> bytes:
        """`packets` between segment and security header and MAC, under a new sequence number."""
        spi = self._spis[frame_type]
        header = spi.to_bytes(2, "big") + self.numbers.take(spi).to_bytes(4, "big")
        authenticated = SEGMENT_HEADER + header + packets
        hmac = self._hmacs[frame_type]
        mac = bytearray(MAC_LENGTH)
        hmac.start()
        hmac.update(_MASKED_HEADER, 0, len(_MASKED_HEADER))
        hmac.update(authenticated, 0, len(authenticated))
        hmac.put(mac, 0, MAC_LENGTH)
        return authenticated + bytes(mac)


class UplinkEncoder:
    """Makes data units, frames and CLTUs of the mission's one telecommand virtual channel.

    Without `authenticator` the frames carry no security header and trailer; the board must be set the same.
    """

    def __init__(self, authenticator: Authenticator | None = None) -> None:
        self.authenticator = authenticator
        overhead = HEADER_LENGTH + len(SEGMENT_HEADER) + FECF_LENGTH
        if authenticator is not None:
            overhead += SECURITY_HEADER_LENGTH + MAC_LENGTH
        self.room = TC_FRAME_MAX - overhead

    def data_unit(self, packets: Iterable[bytes], frame_type: FrameType = FrameType.AD) -> bytes:
        """Whole packets as the data field of one frame. Raises PacketError if they do not fit into `room` octets."""
        octets = b"".join(packets)
        if not 1 <= len(octets) <= self.room:
            raise PacketError(
                "telecommand packets do not fit into one frame",
                expected=f"1 to {self.room} octets",
                found=f"{len(octets)}",
                next_step="shorten the arguments; a packet is never split over frames",
            )
        if self.authenticator is None:
            return SEGMENT_HEADER + octets
        return self.authenticator.protect(frame_type, octets)

    def frame(self, frame_type: FrameType, sequence: int, data: bytes) -> bytes:
        """The TC frame: `data` is a data unit, or a control command for Type-BC; `sequence` is N(S)."""
        length = HEADER_LENGTH + len(data) + FECF_LENGTH
        octets = (
            bytes(
                [
                    _FLAGS[frame_type] | SCID >> 8,
                    SCID & 0xFF,
                    TC_VCID << 2 | (length - 1) >> 8,
                    (length - 1) & 0xFF,
                    sequence,
                ]
            )
            + data
        )
        crc: int = crc16(octets, 0, len(octets))
        return octets + crc.to_bytes(2, "big")

    def cltu(self, frame: bytes) -> bytes:
        """The CLTU that carries `frame`."""
        octets = bytearray(cltu_size(len(frame)))
        cltu_encode(frame, 0, len(frame), octets, 0, bool(TC_RANDOMISED))
        return bytes(octets)
