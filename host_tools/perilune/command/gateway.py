"""Join a board's port to UDP, for mission control systems that speak frames.

Downwards every TM frame becomes one datagram (without sync marker, with FECF). Upwards every datagram is one CLTU,
or one TC frame with FECF if --tc-form frame. COP-1 is the mission control system's own business; the CLCW is in the
frames.

example, a board on a serial port and Yamcs on this machine:

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
import sys

SUMMARY = "join a serial port or TCP socket to UDP: TM frames out, CLTUs or TC frames in"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("port", help="serial port, pyserial URL, or tcp://HOST:PORT")
    parser.add_argument("--baud", type=int, default=115200, help="baud rate of a serial port (default 115200)")
    parser.add_argument("--tm", metavar="HOST:PORT", default="127.0.0.1:10015", help="where TM frames go (%(default)s)")
    parser.add_argument("--tc", metavar="HOST:PORT", default="127.0.0.1:10025", help="where to take TC (%(default)s)")
    parser.add_argument("--tc-form", choices=["cltu", "frame"], default="cltu", help="what a TC datagram holds (cltu)")
    parser.add_argument("--key-file", help="TOML file with the SDLS keys; protects AD and BD frames (--tc-form frame)")
    parser.add_argument("--no-idle", action="store_true", help="do not pass idle frames on (they carry CLCWs too)")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after this time")
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="report this often (10)")
    parser.add_argument("--json", action="store_true", help="reports as one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    import time  # noqa: PLC0415  # imports of the work are made when there is work
    from pathlib import Path  # noqa: PLC0415

    import msgspec  # noqa: PLC0415

    from ..client.port_lock import PortLock  # noqa: PLC0415
    from ..errors import UsageError  # noqa: PLC0415
    from ..link.gateway import Gateway, GatewaySettings, GatewayStatus, TelecommandForm, run_gateway  # noqa: PLC0415
    from ..link.keys import load_authenticator  # noqa: PLC0415
    from ..link.transport import ReconnectingTransport, open_port  # noqa: PLC0415

    if arguments.key_file and arguments.tc_form != "frame":
        raise UsageError(
            "--key-file needs TC frames, because a CLTU is protected already or never", next_step="add --tc-form frame"
        )
    tm_host, tm_port = _address(arguments.tm)
    tc_host, tc_port = _address(arguments.tc)
    settings = GatewaySettings(
        tm_host, tm_port, tc_host, tc_port, TelecommandForm(arguments.tc_form), not arguments.no_idle
    )
    authenticator = load_authenticator(Path(arguments.key_file)) if arguments.key_file else None

    def report(status: GatewayStatus) -> None:
        if arguments.json:
            print(msgspec.json.encode(status).decode(), flush=True)
        else:
            print(_line(status), flush=True)

    lock = PortLock(arguments.port)
    transport = ReconnectingTransport(lambda: open_port(arguments.port, arguments.baud), time.monotonic)
    gateway = Gateway(transport, settings, authenticator)
    print(
        f"{arguments.port}: TM frames to udp {arguments.tm}, {arguments.tc_form}s from udp {tc_host}:{gateway.tc_port}",
        file=sys.stderr,
        flush=True,
    )
    try:
        run_gateway(gateway, time.monotonic, for_s=arguments.for_s, report_every_s=arguments.every, report=report)
    except KeyboardInterrupt:
        pass  # the way to end it
    finally:
        lock.release()
    return 0


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
    drops = ", ".join(f"{name} {account['count']}" for name, account in status.drops.items()) or "none"
    return (
        f"port {port} | down: {down.frames} frames, {'lock' if down.lock else 'no lock'}, "
        f"{down.missing_master} missing, {counters.tm_datagrams} datagrams, {counters.tm_unsent} unsent | "
        f"up: {counters.tc_forwarded} of {counters.tc_datagrams} forwarded, {counters.tc_no_port} without port | "
        f"drops: {drops}"
    )
