"""Where the owner of a port is found by other programs of the same user, and by nobody else.

A socket in the user's runtime folder (0700), itself 0600; on Linux the other side's user is looked at too. Where there
are no such sockets, or the folder's name is too long for one: a TCP port of the loopback interface, and beside it a
file (0600) with its number and a random token that must be said first.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import socket
import struct
from pathlib import Path

import msgspec

from .own_folders import name_of, runtime_folder

# Octets of a socket's path: 104 on macOS, 108 on Linux, with the zero at the end.
PATH_MAX = 103
CONNECT_S = 2.0


class _TcpAddress(msgspec.Struct):
    port: int
    token: str


class LocalAddress:
    """The meeting point of one port's owner and its guests. local_sockets: False to do without."""

    def __init__(self, port: str, local_sockets: bool = hasattr(socket, "AF_UNIX")) -> None:
        stem = runtime_folder() / name_of(port)
        self._socket: Path = stem.with_suffix(".socket")
        self._file: Path = stem.with_suffix(".address")
        self._local = local_sockets and len(os.fsencode(self._socket)) <= PATH_MAX
        self._token = ""

    def listen(self) -> socket.socket:
        """Begin to listen. Only who holds the port's lock may: what an owner before left is removed."""
        self.forget()
        if self._local:
            listener = socket.socket(socket.AF_UNIX)
            mask = os.umask(0o177)
            try:
                listener.bind(str(self._socket))
            finally:
                os.umask(mask)
        else:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            self._token = secrets.token_hex(16)
            address = msgspec.json.encode(_TcpAddress(listener.getsockname()[1], self._token))
            new = self._file.with_suffix(".new")
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(address)
            new.replace(self._file)
        listener.listen(16)
        listener.setblocking(False)
        return listener

    def connect(self) -> tuple[socket.socket, str] | None:
        """A connection to the owner and the token to say; None when there is no owner."""
        try:
            if self._local:
                connection = socket.socket(socket.AF_UNIX)
                token = ""
                target: str | tuple[str, int] = str(self._socket)
            else:
                address = msgspec.json.decode(self._file.read_bytes(), type=_TcpAddress)
                connection = socket.socket()
                token = address.token
                target = ("127.0.0.1", address.port)
        except (OSError, msgspec.DecodeError):
            return None
        connection.settimeout(CONNECT_S)
        try:
            connection.connect(target)
        except OSError:
            connection.close()
            return None
        return connection, token

    def is_welcome(self, connection: socket.socket, token: str) -> bool:
        """May this program attach: is it the same user's, does it know the token?"""
        if not self._local:
            return hmac.compare_digest(token.encode(), self._token.encode())  # of texts it takes ASCII alone
        option = getattr(socket, "SO_PEERCRED", None)
        if option is None:
            return True  # the folder and the socket are closed to others
        _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, 12))
        return user in (os.getuid(), 0)

    def forget(self) -> None:
        """Remove what tells others of an owner."""
        for path in (self._socket, self._file):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
