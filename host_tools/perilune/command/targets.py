"""List the targets of perilune.toml and whether a program shares their port now.

    default = "bench"
    [targets.bench]
    port = "/dev/ttyACM0"            # serial port, pyserial URL, tcp://HOST:PORT, or sitl
    baud = 115200
    missions = ["../my_mission"]     # dictionary folders beside the core's; paths are relative to the file
    keys = "keys.toml"               # keys of the uplink; without it the bench's, which everybody knows
    archive = "bench.sqlite"         # where `perilune link` keeps everything

The file is --config FILE, $PERILUNE_CONFIG, or the first perilune.toml in this folder and those above it. The target
`sitl`, the flight software in the process, is always there.

example:

    perilune targets --json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..client.arguments import print_json, print_table

SUMMARY = "list the boards that perilune.toml names"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration instead of the perilune.toml found")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    from ..client.configuration import load_configuration  # noqa: PLC0415
    from ..client.local_address import LocalAddress  # noqa: PLC0415

    configuration = load_configuration(arguments.config)
    rows = []
    for target in configuration.targets.values():
        found = LocalAddress(target.address).connect()
        if found is not None:
            found[0].close()
        rows.append((target, found is not None))
    if arguments.json:
        print_json(
            {
                "file": None if configuration.path is None else str(configuration.path),
                "default": configuration.default,
                "targets": [
                    {
                        "name": target.name,
                        "port": target.port,
                        "baud": target.baud,
                        "missions": [str(mission) for mission in target.missions],
                        "keys": None if target.keys is None else str(target.keys),
                        "archive": None if target.archive is None else str(target.archive),
                        "text": target.text,
                        "shared": shared,
                    }
                    for target, shared in rows
                ],
            }
        )
        return 0
    print(f"configuration: {configuration.path or 'none found; see perilune targets --help'}")
    print_table(
        ["", "target", "port", "baud", "shared", "text"],
        [
            [
                "*" if target.name == configuration.default else "",
                target.name,
                target.port,
                "" if target.is_in_process else str(target.baud),
                "yes" if shared else "no",
                target.text,
            ]
            for target, shared in rows
        ],
    )
    return 0
