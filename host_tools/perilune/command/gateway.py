"""Join a board's port to UDP, for mission control systems that speak frames.

Downwards every TM frame becomes one datagram (without sync marker, with FECF). Upwards every datagram is one CLTU,
or one TC frame with FECF if --tc-form frame. COP-1 is the mission control system's own business; the CLCW is in the
frames.

A target of perilune.toml has its port, baud and keys there: with --tc-form frame the gateway then protects AD and BD
frames, with the keys of the bench where the target names none; --unprotected leaves that to the mission control system.
The gateway owns the port: COP-1 has one user, so it does not attach to a `perilune link`, nor others to it.

example, the flight software in this process and Yamcs on this machine:

    perilune gateway sitl --tc-form frame

a board on a serial port:

    perilune gateway /dev/ttyUSB0 --tm 127.0.0.1:10015 --tc 127.0.0.1:10025

    Yamcs: UdpTmFrameLink, port 10015, frameType TM, frameLength 256, errorDetection CRC16, spacecraftId 165
           UdpTcFrameLink, host 127.0.0.1, port 10025, cltuEncoding BCH, useCop1 true, mapId 0
           (without cltuEncoding: --tc-form frame)

A board that wants authenticated telecommands, and a mission control system without SDLS:

    perilune gateway tcp://127.0.0.1:5001 --tc-form frame --key-file keys.toml

    keys.toml:   ad = "<64 hexadecimal digits>"
                 bd = "<64 hexadecimal digits>"
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.arguments import add_target_arguments, print_json
from ..command_line import positive_seconds
from ..housekeeping.duration import duration

if TYPE_CHECKING:
    from ..client.configuration import Target
    from ..client.port_lock import PortLock
    from ..link.transport import Transport
    from ..link.uplink import Authenticator

SUMMARY = "join a serial port or TCP socket to UDP: TM frames out, CLTUs or TC frames in"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "port", nargs="?", help="target of perilune.toml, sitl, serial port, pyserial URL, or tcp://HOST:PORT"
    )
    add_target_arguments(parser)
    parser.add_argument("--tm", metavar="HOST:PORT", default="127.0.0.1:10015", help="where TM frames go (%(default)s)")
    parser.add_argument("--tc", metavar="HOST:PORT", default="127.0.0.1:10025", help="where to take TC (%(default)s)")
    parser.add_argument("--tc-form", choices=["cltu", "frame"], default="cltu", help="what a TC datagram holds (cltu)")
    parser.add_argument("--key-file", help="TOML file with the SDLS keys; protects AD and BD frames (--tc-form frame)")
    parser.add_argument("--unprotected", action="store_true", help="pass frames on as they come: they are protected")
    parser.add_argument("--no-idle", action="store_true", help="do not pass idle frames on (they carry CLCWs too)")
    parser.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="end after this time (60s, 5m)")
    parser.add_argument(
        "--every", type=positive_seconds, default=10.0, metavar="SECONDS", help="report this often (10)"
    )
    parser.add_argument("--json", action="store_true", help="reports as one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    import time  # noqa: PLC0415  # imports of the work are made when there is work

    from ..client.open_ground import find_target  # noqa: PLC0415
    from ..errors import PortError, UsageError  # noqa: PLC0415
    from ..link.gateway import Gateway, GatewaySettings, GatewayStatus, TelecommandForm, run_gateway  # noqa: PLC0415
    from ..link.transport import ReconnectingTransport  # noqa: PLC0415

    if arguments.key_file and arguments.tc_form != "frame":
        raise UsageError(
            "--key-file needs TC frames, because a CLTU is protected already or never", next_step="add --tc-form frame"
        )
    if arguments.key_file and arguments.unprotected:
        raise UsageError("--key-file protects frames, --unprotected does not", next_step="leave one out")
    tm_host, tm_port = _address(arguments.tm)
    tc_host, tc_port = _address(arguments.tc)
    settings = GatewaySettings(
        tm_host, tm_port, tc_host, tc_port, TelecommandForm(arguments.tc_form), not arguments.no_idle
    )
    target = find_target(arguments.port or arguments.target, arguments.config, arguments.baud)
    authenticator = _authenticator(target, arguments)

    def report(status: GatewayStatus) -> None:
        if arguments.json:
            print_json(status)
        else:
            print(_line(status), flush=True)

    lock = None if target.is_in_process else _locked(target.port)
    try:
        transport = ReconnectingTransport(_opener(target), time.monotonic)
        gateway = Gateway(transport, settings, authenticator)
        told = (
            f"{target.name}: TM frames to udp {arguments.tm}, {arguments.tc_form}s from udp {tc_host}:{gateway.tc_port}"
        )
        print(told, file=sys.stderr, flush=True)
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            run_gateway(gateway, time.monotonic, for_s=arguments.for_s, report_every_s=arguments.every, report=report)
    finally:
        if lock is not None:
            lock.release()
    if not transport.counters.opened:
        raise PortError(
            f"{target.port} was never open",
            expected="a port that a board is behind",
            found=transport.counters.last_error or "no time to open it",
            next_step="check its name; `perilune targets` lists the targets",
        )
    return 0


def _authenticator(target: Target, arguments: argparse.Namespace) -> Authenticator | None:
    """What protects frames: the key file, else what the named target has; None for a plain port."""
    from ..client.open_ground import authenticator_of  # noqa: PLC0415
    from ..link.keys import load_authenticator  # noqa: PLC0415

    if arguments.key_file:
        return load_authenticator(Path(arguments.key_file))
    is_named = target.is_in_process or target.name != target.port
    if arguments.tc_form != "frame" or arguments.unprotected or not is_named:
        return None
    return authenticator_of(target)


def _opener(target: Target) -> Callable[[], Transport]:
    """Opens the target's port, or makes the board that flies in this process."""
    from ..link import transport  # noqa: PLC0415

    if target.is_in_process:
        from ..client.sitl_transport import SitlTransport  # noqa: PLC0415

        return lambda: SitlTransport(target.folders)
    return lambda: transport.open_port(target.port, target.baud)


def _locked(port: str) -> PortLock:
    from ..client.port_lock import PortLock  # noqa: PLC0415
    from ..errors import PortBusyError  # noqa: PLC0415

    try:
        return PortLock(port)
    except PortBusyError as error:
        raise PortBusyError(
            f"{port} is in use by another perilune",
            expected="to own the port: a gateway and `perilune link` cannot share one, COP-1 has one user",
            next_step="end the other one first",
        ) from error


def _address(text: str) -> tuple[str, int]:
    from ..errors import UsageError  # noqa: PLC0415

    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise UsageError("not an address", expected="HOST:PORT", found=text, next_step="for example 127.0.0.1:10015")
    return host.strip("[]"), int(port)


def _line(status: object) -> str:
    from ..link.gateway import GatewayStatus  # noqa: PLC0415

    assert isinstance(status, GatewayStatus)  # run_gateway reports nothing else
    port = "up" if status.port.connected else f"down ({status.port.last_error or 'not opened yet'})"
    down = status.downlink
    counters = status.gateway
    unnumbered = f", {counters.tc_unnumbered} without number" if counters.tc_unnumbered else ""
    failure = f" | {status.numbers_failure}" if status.numbers_failure else ""
    drops = ", ".join(f"{name} {account['count']}" for name, account in status.drops.items()) or "none"
    return (
        f"port {port} | down: {down.frames} frames, {'lock' if down.lock else 'no lock'}, "
        f"{down.missing_master} missing, {counters.tm_datagrams} datagrams, {counters.tm_unsent} unsent | "
        f"up: {counters.tc_forwarded} of {counters.tc_datagrams} forwarded, {counters.tc_no_port} without port"
        f"{unnumbered} | drops: {drops}{failure}"
    )
