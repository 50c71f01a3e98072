"""Peers of the link tests: whatever speaks the flight side of the space link and can tell what it received.

`PEERS` maps a name to something that makes one. A peer is a context manager with `url`, where the ground connects to,
and `received()`, the telecommand packets the flight link has handed on so far, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from tests.host.flight_link import FlightLink, TcpPeer


class Peer(Protocol):
    """The flight side of a link."""

    @property
    def url(self) -> str:
        """Where the ground connects to, as `perilune link` takes it."""

    def received(self) -> list[bytes]:
        """Telecommand packets handed on so far, in order."""


def flight_link_in_this_process() -> AbstractContextManager[Peer]:
    """The flight link on CPython, behind TCP. It answers every telecommand, so that the downlink is busy."""
    return TcpPeer(FlightLink(answers=True))


PEERS: dict[str, Callable[[], AbstractContextManager[Peer]]] = {
    "in-process": flight_link_in_this_process,
}
