"""Ask the board whether it is alive (17/1), so many times, and tell how long its answers took.

example:

    perilune ping
    perilune ping -t bench --count 20 --interval 0.2 --json
"""

from __future__ import annotations

import argparse

from ..client.arguments import add_command_arguments, open_ground, print_json

SUMMARY = "is the board alive, and how long do answers take"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=4, metavar="N", help="pings to send (4)")
    parser.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="pause between them (1)")
    add_command_arguments(parser, 5.0)


def run(arguments: argparse.Namespace) -> int:
    from ..client.round_trip import statistics_of  # noqa: PLC0415
    from ..telemetry.reports import PingReport  # noqa: PLC0415

    took_s: list[float] = []
    with open_ground(arguments) as ground:
        for number in range(arguments.count):
            if number:
                ground.run(arguments.interval)
            began_s = ground.clock()
            result = ground.request("core.ping", timeout_s=arguments.timeout)
            answer = next((report for report in result.reports if isinstance(report, PingReport)), None)
            if result.success and answer is not None:
                took_s.append(ground.clock() - began_s)
                if not arguments.json:
                    time = answer.header.time
                    shown = time.iso if time.is_set else time.onboard
                    print(f"answer {number + 1}: {took_s[-1] * 1000:.0f} ms, board time {shown}", flush=True)
            elif not arguments.json:
                print(f"no answer {number + 1}: {result.line()}", flush=True)
    found = statistics_of(arguments.count, took_s)
    if arguments.json:
        print_json(found)
    else:
        print(f"{found.answered} of {found.sent} answered", end="")
        if found.mean_s is not None and found.least_s is not None and found.most_s is not None:
            times = f"{found.least_s * 1000:.0f}/{found.mean_s * 1000:.0f}/{found.most_s * 1000:.0f}"
            print(f", least/mean/most {times} ms, deviation {(found.deviation_s or 0.0) * 1000:.0f} ms", end="")
        print()
    return 0 if found.answered == found.sent else 4
