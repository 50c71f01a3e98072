"""What tells one telecommand packet of a test from another; sequence numbers for a session that nobody continues."""

from __future__ import annotations

from typing import NamedTuple


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

    def take(self, spi: int) -> int:
        """The next number of this association."""
        self._last[spi] = self._last.get(spi, 0) + 1
        return self._last[spi]
