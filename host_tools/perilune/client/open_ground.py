"""From a target's name to a ground: who owns the port, with which keys and numbers, and which dictionary counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ..dictionary.keys import BENCH_KEYS
from ..dictionary.load import load
from ..dictionary.model import Dictionary
from ..errors import PortBusyError
from ..link.keys import NumberFile, VolatileNumbers, load_authenticator, number_file_beside
from ..link.transport import ReconnectingTransport, Transport, open_port
from ..link.uplink import Authenticator, UplinkEncoder
from .attached_link import RETRY_S, AttachedLink
from .configuration import Target, check_baud, load_configuration
from .ground import Ground
from .link_protocol import Link, LinkStatus
from .local_address import LocalAddress
from .own_folders import lasting_name_of, state_folder
from .owned_link import OwnedLink
from .port_lock import PortLock

# A program that owns a port begins to share it within this time.
STARTING_S = 1.0


class OwnerLink(OwnedLink):
    """An owned link of *target* with the lock that keeps other programs from the port."""

    def __init__(
        self, target: Target, transport: ReconnectingTransport, lock: PortLock | None, encoder: UplinkEncoder
    ) -> None:
        super().__init__(transport, name=target.name if target.is_in_process else target.port, encoder=encoder)
        self._lock = lock
        self._numbers = str(number_file_of(target) or "")

    def status(self) -> LinkStatus:
        """Everything counted."""
        status = super().status()
        return msgspec.structs.replace(status, uplink=msgspec.structs.replace(status.uplink, numbers=self._numbers))

    def close(self) -> None:
        """Let go of port and lock."""
        super().close()
        if self._lock is not None:
            self._lock.release()


def find_target(
    name: str | None, configuration: Path | None = None, baud: int | None = None, missions: Sequence[Path] = ()
) -> Target:
    """The target of that name, or the default one. baud, missions: in place of its own. Raises ConfigurationError."""
    target = load_configuration(configuration).target(name)
    if baud is not None:
        check_baud(baud, "baud rate")
        target = msgspec.structs.replace(target, baud=baud)
    return msgspec.structs.replace(target, missions=tuple(missions)) if missions else target


def dictionary_of(target: Target) -> Dictionary:
    """The dictionary that a target's board should speak. Raises DictionaryError."""
    return load(target.folders)


def authenticator_of(target: Target) -> Authenticator:
    """Keys and numbers of a target. Raises KeyFileError."""
    path = number_file_of(target)
    if path is None:
        return Authenticator(*BENCH_KEYS, VolatileNumbers())
    if target.keys is not None:
        return load_authenticator(target.keys)
    return Authenticator(*BENCH_KEYS, NumberFile(path))


def number_file_of(target: Target) -> Path | None:
    """Where a target's sequence numbers are kept; None for a board of this process, which takes them along.

    They belong to keys and board: beside the key file, else by the serial adapter or TCP address.
    """
    if target.is_in_process:
        return None
    if target.keys is not None:
        return number_file_beside(target.keys)
    return state_folder() / f"numbers-{lasting_name_of(target.port)}.json"


def own_link(target: Target) -> OwnerLink:
    """Open the target's port and own it. Raises PortError, PortBusyError, KeyFileError."""
    if target.is_in_process:
        from .sitl_transport import SitlTransport  # noqa: PLC0415  # the flight software, only where it runs here

        board = SitlTransport(target.folders)
        encoder = UplinkEncoder(authenticator_of(target))
        return OwnerLink(target, ReconnectingTransport(lambda: board, time.monotonic), None, encoder)
    lock = PortLock(target.port)
    try:
        encoder = UplinkEncoder(authenticator_of(target))
        # A port that cannot be opened now is a mistake of the user; one that goes away later is an event.
        ports: list[Transport] = [open_port(target.port, target.baud)]
    except BaseException:
        lock.release()
        raise
    transport = ReconnectingTransport(
        lambda: ports.pop() if ports else open_port(target.port, target.baud), time.monotonic
    )
    transport.ensure_open()
    return OwnerLink(target, transport, lock, encoder)


def link_to(target: Target, *, share: bool = True) -> Link:
    """A link to the target: attached to the program that owns the port, or owned. Raises as own_link."""
    if not share:
        return own_link(target)
    attached = AttachedLink(target.port, LocalAddress(target.address))
    if attached.attach():
        return attached
    try:
        return own_link(target)
    except PortBusyError:
        # Its owner may just be starting.
        for _ in range(round(STARTING_S / RETRY_S)):
            time.sleep(RETRY_S)
            if attached.attach():
                return attached
        raise


def open_ground(
    target: str | None = None,
    *,
    configuration: Path | None = None,
    baud: int | None = None,
    missions: Sequence[Path] = (),
    share: bool = True,
    override_dictionary: bool = False,
) -> Ground:
    """The ground of a target. baud, missions: as `find_target`'s; share: attach to a program that owns the port.

    Raises ConfigurationError, DictionaryError, and as own_link.
    """
    found = find_target(target, configuration, baud, missions)
    dictionary = dictionary_of(found)
    return Ground(link_to(found, share=share), dictionary, override_dictionary=override_dictionary)
