"""Octet transports of the link: serial ports by any pyserial URL, TCP connections. Opening, losing, opening again.

`open_port` gives a `Transport` or raises `PortError`. `ReconnectingTransport` wraps an opener and never raises while in
use: while the other side is absent it reads nothing, counts what it could not write, and tries again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from ..errors import LinkLostError, PeriluneError, PortBusyError, PortError

DEFAULT_BAUD = 115200
READ_OCTETS = 65536
CONNECT_TIMEOUT_S = 3.0
# A peer that does not take 64 KiB of telecommands in this time is not there any more.
WRITE_TIMEOUT_S = 5.0


class Transport(Protocol):
    """A two-way stream of octets."""

    def fileno(self) -> int | None:
        """A descriptor to wait on for reading, None if there is none."""

    def read(self, timeout_s: float) -> bytes:
        """Octets that are there, waiting at most `timeout_s` for the first; b"" if none came. Raises LinkLostError."""

    def write(self, data: bytes) -> bool:
        """Send all of `data`; False if there is nobody to take it. Raises LinkLostError."""

    def close(self) -> None:
        """Let go of the port. Twice is allowed."""


class TcpTransport:
    """A TCP connection that somebody else listens for."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(WRITE_TIMEOUT_S)
        self._connection = connection

    def fileno(self) -> int | None:
        return self._connection.fileno()

    def read(self, timeout_s: float) -> bytes:
        try:
            if not select.select([self._connection], [], [], timeout_s)[0]:
                return b""
            data = self._connection.recv(READ_OCTETS)
        except (OSError, ValueError) as error:
            raise LinkLostError("TCP connection failed", found=str(error)) from error
        if not data:
            raise LinkLostError("TCP connection was closed by the other side")
        return data

    def write(self, data: bytes) -> bool:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise LinkLostError("TCP connection failed", found=str(error)) from error
        return True

    def close(self) -> None:
        self._connection.close()


class SerialTransport:
    """A serial port, by any URL pyserial knows."""

    def __init__(self, url: str, baud: int) -> None:
        import serial  # noqa: PLC0415  # not needed for TCP

        self._failure: tuple[type[BaseException], ...] = (serial.SerialException, OSError, TypeError)
        try:
            self._port = serial.serial_for_url(
                url, baudrate=baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, do_not_open=True
            )
            if "://" not in url and os.name == "posix":
                self._port.exclusive = True  # nobody else may take octets away from us
            self._port.open()
        except (serial.SerialException, OSError, ValueError) as error:
            raise _serial_error(url, error) from error

    def fileno(self) -> int | None:
        try:
            descriptor: int = self._port.fileno()
        except (OSError, AttributeError, ValueError):
            return None
        return descriptor

    def read(self, timeout_s: float) -> bytes:
        try:
            if self._port.in_waiting == 0 and timeout_s > 0:
                self._port.timeout = timeout_s
                first: bytes = self._port.read(1)
                self._port.timeout = 0
                if not first:
                    return b""
                return first + bytes(self._port.read(READ_OCTETS))
            return bytes(self._port.read(READ_OCTETS))
        except self._failure as error:
            raise LinkLostError("serial port failed", found=str(error)) from error

    def write(self, data: bytes) -> bool:
        try:
            self._port.write(data)
        except self._failure as error:
            raise LinkLostError("serial port failed", found=str(error)) from error
        return True

    def close(self) -> None:
        with contextlib.suppress(*self._failure):
            self._port.close()


def _serial_error(url: str, error: Exception) -> PortError:
    """Why a serial port did not open, and what to do."""
    number = getattr(error, "errno", None)
    found = str(error)
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in found:
        return PortBusyError(
            f"{url} is in use",
            expected="a port that nobody else has open",
            found=found,
            next_step="end the program that has it (`fuser` names it), or share it with `perilune link`",
        )
    if number in (errno.EACCES, errno.EPERM):
        next_step = "become a member of the port's group (`ls -l` shows it; often dialout), then log in again"
        return PortError(f"no permission to open {url}", expected="the right to read and write", next_step=next_step)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return PortError(
            f"{url} is not there",
            expected="a serial port of this machine",
            found=_ports_here(),
            next_step="plug the adapter in, or check the name",
        )
    return PortError(
        f"cannot open {url}",
        expected="a serial port or pyserial URL",
        found=found,
        next_step="check the name, the cable and the permissions (group dialout)",
    )


def _ports_here() -> str:
    from serial.tools.list_ports import comports  # noqa: PLC0415  # slow, and only for this message

    names = sorted(port.device for port in comports())
    return ", ".join(names) if names else "no serial port at all"


def tcp_address(url: str) -> tuple[str, int] | None:
    """Host and port of `tcp://HOST:PORT` or `socket://HOST:PORT`, None for another kind of port. Raises ValueError."""
    if not url.startswith(("tcp://", "socket://")):
        return None
    address = urlsplit(url)
    if address.hostname is None or address.port is None:
        raise ValueError("no host or no port")
    return address.hostname, address.port


def open_port(url: str, baud: int = DEFAULT_BAUD) -> Transport:
    """The port of `url`: `tcp://HOST:PORT`, a device like `/dev/ttyUSB0` or `COM3`, or any pyserial URL."""
    try:
        address = tcp_address(url)
        if address is None:
            return SerialTransport(url, baud)
        return TcpTransport(socket.create_connection(address, CONNECT_TIMEOUT_S))
    except (OSError, ValueError) as error:
        raise PortError(
            f"cannot connect to {url}",
            expected=f"{url.partition('://')[0]}://HOST:PORT with somebody listening",
            found=str(error),
            next_step="start the emulator or serial server first, or check host and port",
        ) from error


class TransportCounters(msgspec.Struct):
    """What happened to the port."""

    connected: bool = False
    opened: int = 0
    lost: int = 0
    failed_opens: int = 0
    octets_in: int = 0
    octets_out: int = 0
    dropped_out: int = 0
    last_error: str = ""


class ReconnectingTransport:
    """A transport that comes and goes. `opener` raises PortError while the other side is absent."""

    def __init__(self, opener: Callable[[], Transport], clock: Callable[[], float], retry_s: float = 1.0) -> None:
        self._opener = opener
        self._clock = clock
        self._retry_s = retry_s
        self._port: Transport | None = None
        self._next_try = clock()
        self.counters = TransportCounters()

    def fileno(self) -> int | None:
        """The descriptor of the port that is open now; another one after a reconnection."""
        return self._port.fileno() if self._port is not None else None

    def ensure_open(self) -> bool:
        """Open the port if it is time to try; whether it is open now."""
        if self._port is None and self._clock() >= self._next_try:
            try:
                self._port = self._opener()
                self.counters.opened += 1
            except PortError as error:
                self._note_failure(error)
                self.counters.failed_opens += 1
        self.counters.connected = self._port is not None
        return self._port is not None

    def read(self, timeout_s: float) -> bytes:
        """Octets that are there; b"" while there is no port."""
        if not self.ensure_open() or self._port is None:
            return b""
        try:
            data = self._port.read(timeout_s)
        except LinkLostError as error:
            self._lose(error)
            return b""
        self.counters.octets_in += len(data)
        return data

    def write(self, data: bytes) -> bool:
        """Send `data`; False, and counted as dropped, while there is no port."""
        if self._port is not None:
            try:
                self._port.write(data)
            except LinkLostError as error:
                self._lose(error)
            else:
                self.counters.octets_out += len(data)
                return True
        self.counters.dropped_out += len(data)
        return False

    def close(self) -> None:
        """Let go of the port for good."""
        if self._port is not None:
            self._port.close()
            self._port = None
        self.counters.connected = False
        self._next_try = float("inf")

    def _lose(self, error: PeriluneError) -> None:
        assert self._port is not None  # only an open port can fail
        self._port.close()
        self._port = None
        self.counters.lost += 1
        self.counters.connected = False
        self._note_failure(error)

    def _note_failure(self, error: PeriluneError) -> None:
        self.counters.last_error = str(error)
        self._next_try = self._clock() + self._retry_s
