"""What tells one telecommand packet of a test from another; sequence numbers for a session that nobody continues."""

from __future__ import annotations

from typing import NamedTuple

from flight.limits import NUMBERS_AHEAD, SDLS_SPI_AD, SDLS_SPI_BD


class Fingerprint(NamedTuple):
    """Sequence count, length in octets, and packet error control, which depends on every octet."""

    sequence_count: int
    length: int
    crc: int

    @classmethod
    def of(cls, packet: bytes) -> Fingerprint:
        """Of one whole space packet."""
        return cls(int.from_bytes(packet[2:4], "big") & 0x3FFF, len(packet), int.from_bytes(packet[-2:], "big"))


class Numbers:
    """Sequence numbers of the authentication, from 1."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._ahead: dict[int, int] = {}

    def take(self, spi: int) -> int:
        """The next number of this association."""
        self._last[spi] = self._last.get(spi, 0) + self._ahead.pop(spi, 0) + 1
        return self._last[spi]

    def skip(self) -> None:
        """Leave out as many numbers of each association as a restart of the board costs."""
        self._ahead = {SDLS_SPI_AD: NUMBERS_AHEAD, SDLS_SPI_BD: NUMBERS_AHEAD}

    def confirm(self) -> None:
        """Nothing to note: the numbers end with the program."""
