"""Ask the board whether it is alive (17/1), so many times, and tell how long its answers took.

example:

    perilune ping
    perilune ping -t bench --count 20 --interval 0.2 --json
"""

from __future__ import annotations

import argparse
from typing import Any

from ..client.arguments import add_command_arguments, open_ground, print_json
from ..command_line import pause_seconds, positive_count

SUMMARY = "is the board alive, and how long do answers take"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=positive_count, default=4, metavar="N", help="pings to send (4)")
    parser.add_argument("--interval", type=pause_seconds, default=1.0, metavar="SECONDS", help="pause between them (1)")
    add_command_arguments(parser, 5.0)


def run(arguments: argparse.Namespace) -> int:
    import msgspec  # noqa: PLC0415  # imports of the work are made for the work

    from ..client.round_trip import statistics_of  # noqa: PLC0415
    from ..telemetry.onboard_time import iso_of_unix  # noqa: PLC0415
    from ..telemetry.reports import PingReport  # noqa: PLC0415

    took_s: list[float] = []
    answers: list[dict[str, Any]] = []
    with open_ground(arguments) as ground:
        for number in range(1, arguments.count + 1):
            if number > 1:
                ground.run(arguments.interval)
            began_s = ground.clock()
            result = ground.request("core.ping", timeout_s=arguments.timeout)
            answer = next((report for report in result.reports if isinstance(report, PingReport)), None)
            if result.success and answer is not None:
                took_s.append(ground.clock() - began_s)
                received, time = iso_of_unix(ground.wall()), answer.header.time
                utc = time.iso if time.is_set else None
                row = {"number": number, "took_s": took_s[-1], "received": received}
                answers.append({**row, "onboard": time.onboard, "onboard_utc": utc})
                if not arguments.json:
                    line = f"answer {number}: {took_s[-1] * 1000:.0f} ms, received {received}, board time {time.shown}"
                    print(line, flush=True)
            elif not arguments.json:
                print(f"no answer {number}: {result.line()}", flush=True)
    found = statistics_of(arguments.count, took_s)
    if arguments.json:
        print_json({**msgspec.structs.asdict(found), "answers": answers})
    else:
        print(f"{found.answered} of {found.sent} answered", end="")
        if found.mean_s is not None and found.least_s is not None and found.most_s is not None:
            times = f"{found.least_s * 1000:.0f}/{found.mean_s * 1000:.0f}/{found.most_s * 1000:.0f}"
            print(f", least/mean/most {times} ms, deviation {(found.deviation_s or 0.0) * 1000:.0f} ms", end="")
        print()
    return 0 if found.answered == found.sent else 4
