"""Show what comes down a board's port: link state, gaps, and every dropped octet with its reason. Sends nothing.

example:

    perilune link /dev/ttyUSB0 --for 10
    perilune link tcp://127.0.0.1:5001 --json --for 5
"""

from __future__ import annotations

import argparse

SUMMARY = "show link state and every counter of the downlink"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("port", help="serial port, pyserial URL, or tcp://HOST:PORT")
    parser.add_argument("--baud", type=int, default=115200, help="baud rate of a serial port (default 115200)")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after this time")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="report this often (1)")
    parser.add_argument("--json", action="store_true", help="reports as one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    import time  # noqa: PLC0415  # imports of the work are made when there is work

    import msgspec  # noqa: PLC0415

    from ..link.monitor import LinkMonitor, describe  # noqa: PLC0415
    from ..link.transport import ReconnectingTransport, open_port  # noqa: PLC0415

    # The first opening may fail loudly: a mistyped port is a mistake, a port that goes away later is an event.
    first = open_port(arguments.port, arguments.baud)
    ports = [first]
    transport = ReconnectingTransport(
        lambda: ports.pop() if ports else open_port(arguments.port, arguments.baud), time.monotonic
    )
    monitor = LinkMonitor(transport)

    def report() -> None:
        status = monitor.status()
        print(msgspec.json.encode(status).decode() if arguments.json else describe(status), flush=True)

    now = time.monotonic()
    end = float("inf") if arguments.for_s is None else now + arguments.for_s
    next_report = now + arguments.every
    try:
        while now < end:
            monitor.step(max(0.0, min(0.1, end - now, next_report - now)))
            now = time.monotonic()
            if now >= next_report and now < end:
                next_report += arguments.every
                report()
    finally:
        report()
        transport.close()
    return 0
