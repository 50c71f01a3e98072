"""What a ground needs of a link, whether this program owns the port (owned_link.py) or shares it (attached_link.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ..link.clcw import Clcw
from ..link.downlink import DownlinkCounters, DownlinkEvent
from ..link.link_state import LinkState
from ..link.session import TelecommandState
from ..link.transport import ReconnectingTransport, TransportCounters
from ..packet.pus import Telecommand

UNDECIDED = (TelecommandState.WAITING, TelecommandState.UNDER_WAY)


class Submission(msgspec.Struct, eq=False):
    """A telecommand given to a link. request_id: None until the owner has numbered it."""

    telecommand: Telecommand
    request_id: int | None = None
    state: TelecommandState = TelecommandState.WAITING
    refused: str = ""  # why the owner did not take it, or could not send it

    @property
    def is_decided(self) -> bool:
        """Is it known what became of its delivery?"""
        return self.state not in UNDECIDED


class UplinkStatus(msgspec.Struct):
    """The way up: COP-1 and what it carried. service: phase of the sequence-controlled service; fop: state of FOP-1.

    numbers: file of the sequence numbers of the authentication, "" where none is kept.
    """

    service: str
    fop: str
    next_sequence: int
    undelivered: int
    delivered: int
    uncertain: int
    frames: int
    octets: int
    numbers: str = ""


class SharingStatus(msgspec.Struct):
    """Programs that share the port. dropped: events that were not sent to slow ones, over all time.

    missed: those of them that the program which asks has not got; 0 for the owner.
    """

    clients: int = 0
    attached: int = 0
    dropped: int = 0
    missed: int = 0


class ArchiveStatus(msgspec.Struct):
    """The archive of what comes down. failure: why it cannot be written now, "" while it can.

    lost_frames: that came while it could not be written and were too many to wait for it, over all time.
    """

    path: str
    failure: str = ""
    lost_frames: int = 0


class LinkStatus(msgspec.Struct):
    """One snapshot. `clcw` is the last one, None before the first; `drops` has every reason that has occurred.

    archive: None where nothing is kept.
    """

    port: TransportCounters
    downlink: DownlinkCounters
    clcw: Clcw | None
    apids: dict[int, int]
    drops: dict[str, dict[str, int]]
    name: str
    state: LinkState
    uplink: UplinkStatus
    restarts: int = 0
    sharing: SharingStatus = msgspec.field(default_factory=SharingStatus)
    archive: ArchiveStatus | None = None


class Link(Protocol):
    """A link to one board. One thread uses it."""

    def step(self, timeout_s: float) -> list[DownlinkEvent]:
        """Wait at most `timeout_s` for something to come; what came. Never raises for what a port or a peer does."""

    @property
    def health(self) -> bytes:
        """The latest core.health packet that was there before this program, b"" if there was none."""

    def submit(self, telecommand: Telecommand, *, expedited: bool = False) -> Submission:
        """Give it a telecommand; the owner of the port numbers it. Raises PacketError (too long), KeyFileError."""

    def withdraw(self, submission: Submission) -> None:
        """Take back a telecommand that was never transmitted; its state tells whether that was so."""

    def state(self) -> LinkState:
        """How the link is."""

    def status(self) -> LinkStatus | None:
        """Everything counted; None while nobody can tell."""

    def close(self) -> None:
        """Let go of it. Twice is allowed."""


class PortLink(Link, Protocol):
    """A link whose port this program owns."""

    @property
    def transport(self) -> ReconnectingTransport:
        """The port."""

    def status(self) -> LinkStatus:
        """Everything counted."""

    def fileno(self) -> int | None:
        """A descriptor to wait on, None if there is none."""


Clock = Callable[[], float]
