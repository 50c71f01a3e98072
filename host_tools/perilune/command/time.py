"""The board's clock: how far it is from UTC and how it drifts, or set it to UTC.

The round trip is measured with each look; an offset is known to half of the shortest one. `sync` sets the clock twice,
the second time by what the first was off.

example:

    perilune time status --samples 10 --interval 2
    perilune time sync
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, open_ground, print_json

if TYPE_CHECKING:
    from ..client.round_trip import ClockFit

SUMMARY = "compare the board's clock with UTC, or set it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["status", "sync"], nargs="?", default="status", help="(status)")
    parser.add_argument("--samples", type=int, default=5, metavar="N", help="looks at the clock (5)")
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="pause between them (1)")
    add_command_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..client.round_trip import measure, synchronise  # noqa: PLC0415

    with open_ground(arguments) as ground:
        if arguments.action == "status":
            found = {"now": measure(ground, arguments.samples, arguments.interval)}
        else:
            before, after = synchronise(ground, arguments.samples, arguments.interval)
            found = {"before": before, "after": after}
    if arguments.json:
        print_json(found)
    else:
        for name, clock in found.items():
            print(f"{name:7}{_line(clock)}")
    return 0


def _line(clock: ClockFit) -> str:
    from ..telemetry.onboard_time import STATUS_TEXTS  # noqa: PLC0415

    drift = "drift unknown (more samples)"
    if clock.drift_ppm is not None:
        drift = f"drift {clock.drift_ppm:+.1f} ppm (deviation {clock.drift_deviation_ppm:.1f})"
    status = STATUS_TEXTS.get(clock.status, str(clock.status))
    return (
        f"clock {status}, offset from UTC {clock.offset_s:+.3f} s, known to {clock.uncertainty_s:.3f} s, "
        f"round trip {clock.round_trip_s * 1000:.0f} ms, {drift}, {clock.samples} samples"
    )
