"""What owner and attached programs say to each other over the local socket: length (4 octets), then a message.

attached -> owner   Hello, Submit, Withdraw
owner -> attached   Welcome, Down, Delivery, Status, Missed
"""

from __future__ import annotations

import contextlib
import socket
from typing import Generic, TypeVar

import msgspec

from ..errors import OwnerLostError
from ..link.downlink import DownlinkEvent
from ..link.session import TelecommandState
from ..packet.pus import Telecommand
from .link_protocol import LinkStatus

VERSION = 1
MESSAGE_MAX = 1 << 20
READ_OCTETS = 1 << 16


class Hello(msgspec.Struct, tag=True):
    """The first word of an attached program. token: from the address file, where there are no local sockets."""

    version: int = VERSION
    token: str = ""


class Submit(msgspec.Struct, tag=True):
    """A telecommand; its sequence count does not matter. number: the sender's own."""

    number: int
    telecommand: Telecommand
    expedited: bool = False


class Withdraw(msgspec.Struct, tag=True):
    """Take a telecommand back if it never left."""

    number: int


class Welcome(msgspec.Struct, tag=True):
    """The owner takes the program in."""

    version: int
    status: LinkStatus
    health: bytes = b""  # the latest core.health, so that a guest knows the board's dictionary at once


class Down(msgspec.Struct, tag=True):
    """What came down, in order."""

    events: list[DownlinkEvent]


class Delivery(msgspec.Struct, tag=True):
    """Where a telecommand is."""

    number: int
    request_id: int | None
    state: TelecommandState
    refused: str = ""


class Status(msgspec.Struct, tag=True):
    """Everything counted, now and then."""

    status: LinkStatus


class Missed(msgspec.Struct, tag=True):
    """So many events were not sent, because they were not read."""

    events: int


ToOwner = Hello | Submit | Withdraw
ToAttached = Welcome | Down | Delivery | Status | Missed
Message = ToOwner | ToAttached

M = TypeVar("M", bound=Message)


class Reader(Generic[M]):
    """Reads what one side may say to the other."""

    def __init__(self, kind: object) -> None:
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(kind)

    def decode(self, octets: bytes) -> M:
        """The message in *octets*, whatever these are. Raises OwnerLostError when there is none."""
        try:
            return self._decoder.decode(octets)
        except (msgspec.DecodeError, RecursionError) as error:  # the latter for arrays in arrays in arrays ...
            raise OwnerLostError("the other program talks nonsense", expected="a message", found=str(error)) from error


_encoder = msgspec.msgpack.Encoder()
TO_OWNER: Reader[ToOwner] = Reader(ToOwner)
TO_ATTACHED: Reader[ToAttached] = Reader(ToAttached)


class MessageStream:
    """Whole messages over a connected socket, without waiting. `waiting`: octets not yet taken by the other side."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self._in = bytearray()
        self._out = bytearray()

    @property
    def waiting(self) -> int:
        """Octets that the other side has not taken."""
        return len(self._out)

    def put(self, message: Message) -> int:
        """Queue a message and send what goes; its length in octets. Raises OwnerLostError."""
        octets = _encoder.encode(message)
        self._out += len(octets).to_bytes(4, "big") + octets
        self.flush()
        return len(octets)

    def flush(self) -> None:
        """Send what the other side takes now. Raises OwnerLostError."""
        try:
            while self._out:
                sent = self.connection.send(self._out[:READ_OCTETS])
                del self._out[:sent]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise OwnerLostError("the other program has gone", found=str(error)) from error

    def take(self) -> list[bytes]:
        """The messages that have come. Raises OwnerLostError when the other side has gone or talks nonsense."""
        gone = self._read()
        messages = []
        while len(self._in) >= 4:
            length = int.from_bytes(self._in[:4], "big")
            if length > MESSAGE_MAX:
                raise OwnerLostError("the other program talks nonsense", expected="a message", found=f"{length} octets")
            if len(self._in) < 4 + length:
                break
            messages.append(bytes(self._in[4 : 4 + length]))
            del self._in[: 4 + length]
        if gone and not messages:
            raise OwnerLostError("the other program has gone")
        return messages

    def _read(self) -> bool:
        """Take what is there; is the other side gone?"""
        try:
            while len(self._in) <= MESSAGE_MAX:
                data = self.connection.recv(READ_OCTETS)
                if not data:
                    return True
                self._in += data
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            return True
        return False

    def close(self) -> None:
        """End the connection. Twice is allowed."""
        with contextlib.suppress(OSError):
            self.connection.close()
