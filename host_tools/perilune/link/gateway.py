"""Gateway between a board's port and UDP: one TM frame per datagram out, one CLTU or TC frame per datagram in.

For mission control systems that speak frames and have their own COP-1, such as Yamcs with UdpTmFrameLink and
UdpTcFrameLink. The gateway keeps no COP-1 state: it synchronises TM frames (frames with a wrong FECF do not pass), and
makes CLTUs of TC frames if asked to. The loop survives absent peers and restarts of either side.
"""

from __future__ import annotations

import contextlib
import enum
import selectors
import socket
from collections.abc import Callable

import flight.errors as reason
import msgspec
from flight.codec import cltu_size, crc16
from flight.limits import TC_FRAME_MAX

from ..errors import KeyFileError, PortError
from .downlink import ClcwReceived, DownlinkCounters, DownlinkDecoder, DownlinkEvent, FrameReceived
from .fop1 import FrameType
from .reason import DropAccounts
from .restart_watch import RestartWatch
from .transport import ReconnectingTransport, TransportCounters
from .uplink import FECF_LENGTH, HEADER_LENGTH, SEGMENT_HEADER, Authenticator, UplinkEncoder

CLTU_START = b"\xeb\x90"
CLTU_MIN = cltu_size(1)
CLTU_MAX = cltu_size(TC_FRAME_MAX)
FRAME_MIN = 8
DATAGRAM_MAX = 65535
# Longest sleep of the loop. Serial ports without a descriptor to wait on are looked at this often.
STEP_S = 0.02
# Datagrams taken in a row before the port is looked at again, so that a flood of them does not starve the downlink.
BATCH = 32


class TelecommandForm(enum.StrEnum):
    """What a datagram from the mission control system holds."""

    CLTU = "cltu"
    FRAME = "frame"


class GatewaySettings(msgspec.Struct, frozen=True):
    """Where the datagrams go and come from."""

    tm_host: str = "127.0.0.1"
    tm_port: int = 10015
    tc_host: str = "127.0.0.1"
    tc_port: int = 10025
    tc_form: TelecommandForm = TelecommandForm.CLTU
    idle_frames: bool = True


class GatewayCounters(msgspec.Struct):
    """What went through, and what did not."""

    tm_datagrams: int = 0
    tm_unsent: int = 0
    tc_datagrams: int = 0
    tc_forwarded: int = 0
    tc_no_port: int = 0
    tc_unnumbered: int = 0  # protected frames for which no sequence number could be noted


class GatewayStatus(msgspec.Struct):
    """One snapshot, for people and for `--json`. numbers_failure: why no sequence number can be noted, "" if it can."""

    tm_to: str
    tc_at: str
    tc_form: str
    port: TransportCounters
    gateway: GatewayCounters
    downlink: DownlinkCounters
    drops: dict[str, dict[str, int]]
    numbers_failure: str = ""


class Gateway:
    """One board, one mission control system. Call `step` in a loop, `close` at the end.

    `authenticator` protects the AD and BD frames of a mission control system that knows no SDLS; frames only. Its
    numbers are left out at the start and whenever the board says that it has restarted (SPEC.md section 6).
    """

    def __init__(
        self,
        transport: ReconnectingTransport,
        settings: GatewaySettings,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.counters = GatewayCounters()
        self._transport = transport
        self._settings = settings
        self._authenticator = authenticator
        self._encoder = UplinkEncoder()
        self._decoder = DownlinkDecoder()
        self._watch = RestartWatch()
        self._expected: int | None = None  # V(R) of the latest CLCW
        self._tc_drops = DropAccounts()
        self._numbers_failure = ""
        self._watched: int | None = None
        if authenticator is not None:
            authenticator.numbers.skip()
        # What can fail comes first, so that nothing is left open behind an exception.
        self._tm_address = _resolve(settings.tm_host, settings.tm_port)
        self._tc = _bind(settings.tc_host, settings.tc_port)
        self._tm = socket.socket(self._tm_address[0], socket.SOCK_DGRAM)
        self._tm.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._tc, selectors.EVENT_READ)

    @property
    def tc_port(self) -> int:
        """The port telecommands are taken at; the system's choice if the settings say 0."""
        port: int = self._tc.getsockname()[1]
        return port

    def step(self, timeout_s: float = STEP_S) -> None:
        """Wait at most `timeout_s` for something to arrive, then pass it on."""
        self._transport.ensure_open()
        self._watch_port()
        self._selector.select(timeout_s)
        self._pass_telecommands()
        self._pass_telemetry()

    def status(self) -> GatewayStatus:
        """A snapshot of everything counted."""
        accounts = self._decoder.drops
        for why, account in self._tc_drops.by_reason.items():
            accounts.add(why, account.octets, account.count)
        settings = self._settings
        return GatewayStatus(
            tm_to=f"{settings.tm_host}:{settings.tm_port}",
            tc_at=f"{settings.tc_host}:{self.tc_port}",
            tc_form=settings.tc_form.value,
            port=self._transport.counters,
            gateway=self.counters,
            downlink=self._decoder.counters,
            drops=accounts.named(),
            numbers_failure=self._numbers_failure,
        )

    def close(self) -> None:
        """Let go of sockets and port."""
        self._selector.close()
        self._tm.close()
        self._tc.close()
        self._transport.close()

    def _watch_port(self) -> None:
        """Wait on the port that is open now; a descriptor number may come back for another port, so look each time."""
        if self._watched is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(self._watched)
            self._watched = None
        descriptor = self._transport.fileno()
        if descriptor is not None and descriptor >= 0:
            # A descriptor that select cannot wait on (a Windows handle) is polled at STEP_S instead.
            with contextlib.suppress(OSError, ValueError, KeyError):
                self._selector.register(descriptor, selectors.EVENT_READ)
                self._watched = descriptor

    # -- down ----------------------------------------------------------------------------------------------------------

    def _pass_telemetry(self) -> None:
        for event in self._decoder.feed(self._transport.read(0.0)):
            if isinstance(event, FrameReceived) and (self._settings.idle_frames or event.vcid != 7):
                self._send_frame(event.octets)
            if self._authenticator is not None:
                self._follow_numbers(event, self._authenticator)

    def _follow_numbers(self, event: DownlinkEvent, authenticator: Authenticator) -> None:
        """The board is ahead of the numbers after a restart; it has caught up when V(R) moves."""
        if self._watch.sees_restart(event):
            self._expected = None
            authenticator.numbers.skip()
        elif isinstance(event, ClcwReceived):
            if self._expected not in (None, event.clcw.report_value):
                authenticator.numbers.confirm()
            self._expected = event.clcw.report_value

    def _send_frame(self, frame: bytes) -> None:
        try:
            self._tm.sendto(frame, self._tm_address[1])
            self.counters.tm_datagrams += 1
        except OSError:
            # Nobody listens (the answer to an earlier datagram), or the system's buffer is full: this frame is lost.
            self.counters.tm_unsent += 1

    # -- up ------------------------------------------------------------------------------------------------------------

    def _pass_telecommands(self) -> None:
        for _ in range(BATCH):
            try:
                datagram = self._tc.recv(DATAGRAM_MAX)
            except (BlockingIOError, ConnectionError):
                return
            self.counters.tc_datagrams += 1
            octets = self._octets_for(datagram)
            if octets is None:
                continue
            if self._transport.write(octets):
                self.counters.tc_forwarded += 1
            else:
                self.counters.tc_no_port += 1

    def _octets_for(self, datagram: bytes) -> bytes | None:
        if self._settings.tc_form is TelecommandForm.CLTU:
            fault = _fault_of_cltu(datagram)
        else:
            fault = _fault_of_frame(datagram)
        if fault is not None:
            self._tc_drops.add(fault, len(datagram))
            return None
        if self._settings.tc_form is TelecommandForm.CLTU:
            return datagram
        try:
            frame = datagram if self._authenticator is None else self._protected(datagram, self._authenticator)
        except KeyFileError as error:
            self.counters.tc_unnumbered += 1
            self._numbers_failure = str(error)
            return None
        if len(frame) > TC_FRAME_MAX:
            self._tc_drops.add(reason.TC_LENGTH, len(datagram))
            return None
        return self._encoder.cltu(frame)

    def _protected(self, frame: bytes, authenticator: Authenticator) -> bytes:
        """An AD or BD frame with security header and trailer; a BC frame as it is (355.0-B protects none)."""
        flags = frame[0] & 0x30
        if flags == 0x30:
            return frame
        frame_type = FrameType.BD if flags & 0x20 else FrameType.AD
        packets = frame[HEADER_LENGTH + len(SEGMENT_HEADER) : -FECF_LENGTH]
        data = authenticator.protect(frame_type, packets)
        self._numbers_failure = ""
        return self._encoder.frame(frame_type, frame[4], data)


def _fault_of_cltu(datagram: bytes) -> int | None:
    if not datagram.startswith(CLTU_START):
        return reason.CLTU_SEARCH
    if len(datagram) < CLTU_MIN:
        return reason.CLTU_EMPTY
    return reason.CLTU_OVERLONG if len(datagram) > CLTU_MAX else None


def _fault_of_frame(datagram: bytes) -> int | None:
    if len(datagram) < FRAME_MIN:
        return reason.TC_SHORT
    if ((datagram[2] & 3) << 8 | datagram[3]) + 1 != len(datagram) or len(datagram) > TC_FRAME_MAX:
        return reason.TC_LENGTH
    return reason.TC_FECF if crc16(datagram, 0, len(datagram)) != 0 else None


Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def _resolve(host: str, port: int) -> Address:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except (OSError, OverflowError) as error:
        raise PortError(
            f"cannot use {host}:{port} for UDP",
            expected="a host name or address, and a port of 0 to 65535",
            found=str(error),
            next_step="check --tm and --tc",
        ) from error
    return family, address


def _bind(host: str, port: int) -> socket.socket:
    family, address = _resolve(host, port)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    try:
        receiver.bind(address)
    except OSError as error:
        receiver.close()
        raise PortError(
            f"cannot take telecommands at {host}:{port}",
            expected="a free UDP port of this machine",
            found=str(error),
            next_step="choose another port with --tc, or end the program that holds it",
        ) from error
    receiver.setblocking(False)
    return receiver


def run_gateway(
    gateway: Gateway,
    clock: Callable[[], float],
    *,
    for_s: float | None,
    report_every_s: float,
    report: Callable[[GatewayStatus], None],
) -> None:
    """Run until `for_s` seconds have passed (None: for ever), with a report now and then and one at the end."""
    end = None if for_s is None else clock() + for_s
    next_report = clock() + report_every_s
    try:
        while end is None or clock() < end:
            gateway.step()
            if clock() >= next_report:
                next_report += report_every_s
                report(gateway.status())
    finally:
        report(gateway.status())
        gateway.close()
