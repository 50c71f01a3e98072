"""Peers of the link tests: whatever speaks the flight side of the space link and can tell what it received.

`PEERS` maps a name to something that makes one, as a context manager. To add a board in an emulator or on a bench,
write a class with the three methods of `Peer` and put it there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

from perilune.link.transport import Transport, open_port
from perilune.link.uplink import Authenticator, UplinkEncoder

from tests.host.flight_link import FlightLink, TcpPeer
from tests.system.board_peer import BoardPeer
from tests.system.fingerprint import Fingerprint, Numbers


class Peer(Protocol):
    """The flight side of a link."""

    def connect(self) -> Transport:
        """The ground's end of the line."""

    def encoder(self) -> UplinkEncoder:
        """What makes frames this peer accepts: with its keys, if it wants authentication."""

    def received(self) -> list[Fingerprint]:
        """Fingerprints of the telecommand packets that were handed on, in order. Asked once, at the end."""


KEYS = (b"key of the AD association, bench", b"key of the BD association, bench")


class FlightLinkPeer:
    """The flight link on CPython, behind TCP. It answers every telecommand, so that the downlink is busy."""

    def __init__(self, *, authenticated: bool) -> None:
        self._authenticated = authenticated
        self._peer = TcpPeer(FlightLink(ad_key=KEYS[0], bd_key=KEYS[1]) if authenticated else FlightLink())

    def __enter__(self) -> FlightLinkPeer:
        self._peer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._peer.__exit__(kind, error, traceback)

    def connect(self) -> Transport:
        return open_port(self._peer.url)

    def encoder(self) -> UplinkEncoder:
        return UplinkEncoder(Authenticator(*KEYS, Numbers()) if self._authenticated else None)

    def received(self) -> list[Fingerprint]:
        return [Fingerprint.of(packet) for packet in self._peer.received()]


PEERS: dict[str, Callable[[], AbstractContextManager[Peer]]] = {
    "flight-link": lambda: FlightLinkPeer(authenticated=False),
    "flight-link-authenticated": lambda: FlightLinkPeer(authenticated=True),
    "qemu": BoardPeer,
}
