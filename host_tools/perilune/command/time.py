"""The board's clock: how far it is from UTC and how it drifts, or set it to UTC.

The round trip is measured with each look; an offset is known to half of the shortest one. `sync` sets the clock twice,
the second time by what the first was off.

Without an action the clock is compared.

example:

    perilune time
    perilune time status --samples 10 --interval 2
    perilune time sync
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..client.arguments import add_command_arguments, open_ground, print_json
from ..command_line import Actions, pause_seconds, positive_count, run_action

if TYPE_CHECKING:
    from ..client.round_trip import ClockFit

SUMMARY = "compare the board's clock with UTC, or set it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, __doc__, default="status")
    for name, summary in (("status", "compare the board's clock with UTC"), ("sync", "set the board's clock to UTC")):
        sub = actions.add(name, summary, _look)
        sub.add_argument("--samples", type=positive_count, default=5, metavar="N", help="looks at the clock (5)")
        sub.add_argument(
            "--interval", type=pause_seconds, default=1.0, metavar="SECONDS", help="pause between them (1)"
        )
        add_command_arguments(sub)


run = run_action


def _look(arguments: argparse.Namespace) -> int:
    from ..client.round_trip import measure, synchronise  # noqa: PLC0415  # imports of the work, for the work

    with open_ground(arguments) as ground:
        if arguments.action == "status":
            found = {"now": measure(ground, arguments.samples, arguments.interval, arguments.timeout)}
        else:
            before, after = synchronise(ground, arguments.samples, arguments.interval, arguments.timeout)
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
