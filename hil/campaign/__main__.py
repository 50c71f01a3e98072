"""``python -m hil.campaign memory|power|soak``: faults by the hundred, judged, with a table."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from hil.bench import load_bench
from hil.campaign.memory import memory_campaign
from hil.campaign.outcome import Outcome, write_report
from hil.campaign.power import power_campaign
from hil.campaign.regions import why_no_code
from hil.campaign.soak import UNRULY, soak, write_soak


def fly_memory(options: argparse.Namespace) -> int:
    """Bit flips; 1 when a board died."""
    begin_s = time.monotonic()
    judged = memory_campaign(options.bench, options.seed, options.flips, options.boards)
    reason = why_no_code(load_bench(options.bench).target)
    resets = [one for one in judged if one.outcome is Outcome.RESET]
    facts: dict[str, object] = {
        "seed": options.seed,
        "bench": options.bench,
        "boards at a time": options.boards,
        "took": f"{time.monotonic() - begin_s:.0f} s",
        "code": f"not flipped: {reason}" if reason else "flipped, too",
        "resets with a crash report": f"{sum(one.reported for one in resets)} of {len(resets)}",
        "longest recovery": f"{max((one.recovery_s for one in resets), default=0.0):.1f} s",
    }
    path = write_report("memory", f"Memory campaign: {len(judged)} bit flips", judged, facts)
    print(path.read_text(encoding="utf-8"))
    return int(any(one.outcome is Outcome.DEAD for one in judged))


def fly_power(options: argparse.Namespace) -> int:
    """Power cuts; 1 when a board died or found what it must not."""
    judged = power_campaign(options.bench, options.seed, options.cuts)
    facts: dict[str, object] = {"seed": options.seed, "bench": options.bench}
    path = write_report(f"power-{Path(options.bench).stem}", f"Power campaign: {len(judged)} cuts", judged, facts)
    print(path.read_text(encoding="utf-8"))
    return int(len(judged) < options.cuts or any(one.outcome is not Outcome.NO_EFFECT for one in judged))


def fly_soak(options: argparse.Namespace) -> int:
    """A long flight; 1 when anything went wrong."""
    found = soak(options.quiet_bench, options.bench, options.seconds, options.hang_every)
    path = write_soak(found)
    print(path.read_text(encoding="utf-8"))
    return int(bool(found.wrong))


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m hil.campaign", description=__doc__)
    campaigns = parser.add_subparsers(required=True, metavar="CAMPAIGN")
    memory = campaigns.add_parser("memory", help="turn bits of a flying board's memory")
    memory.add_argument("--flips", type=int, default=2000)
    memory.add_argument("--bench", default="qemu", help="name or file of a bench whose target has memory access")
    memory.add_argument("--boards", type=int, default=4, help="boards at a time")
    memory.add_argument("--seed", type=int, default=1)
    memory.set_defaults(fly=fly_memory)
    power = campaigns.add_parser("power", help="cut a board's power while it stores")
    power.add_argument("--cuts", type=int, default=200)
    power.add_argument("--bench", default="qemu", help="name or file of a bench whose target's power can be cut")
    power.add_argument("--seed", type=int, default=1)
    power.set_defaults(fly=fly_power)
    flight = campaigns.add_parser("soak", help="fly for a long time: undisturbed, then with a hang now and then")
    flight.add_argument("--seconds", type=float, default=3600.0)
    flight.add_argument("--hang-every", type=float, default=300.0, help="seconds of flight between two hangs")
    flight.add_argument("--quiet-bench", default="qemu", help="bench that flies undisturbed")
    flight.add_argument("--bench", default=str(UNRULY), help="bench whose image has the app that misbehaves")
    flight.set_defaults(fly=fly_soak)
    options = parser.parse_args(arguments)
    return int(options.fly(options))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("campaign: ended with Ctrl-C; nothing was judged", file=sys.stderr)
        sys.exit(130)
