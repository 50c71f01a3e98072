"""The lunar plant on the command line: python -m hil.plant serve | run | inspect | equilibrate."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hil.plant import CATALOGUE, FaultError, Plant, StateError, ground_cache, units
from hil.plant.faults import parse_fault
from hil.plant.payload import DEFAULT_PAYLOAD, PAYLOADS_DIR, PayloadError
from hil.plant.progress import Progress
from hil.plant.pty_pair import PtyPair
from hil.plant.recording import recorder
from hil.plant.reference import ReferenceController
from hil.plant.regolith import MAX_LUNATIONS, Regolith
from hil.plant.serve import PlantServer
from hil.plant.sun import SYNODIC_DAY_S

DAY_S = 86400.0
# The search for a ground profile takes about this many lunations.
USUAL_LUNATIONS = 9
# The status line of `serve` is written this often, s.
STATUS_PERIOD_S = 1.0


def make_plant(arguments: argparse.Namespace) -> Plant:
    """The plant that the arguments describe, from a saved state or new, with its faults."""
    with Progress("ground ", USUAL_LUNATIONS) as bar:

        def progress(lunation: int, change_k: float) -> None:
            bar.update(min(lunation, USUAL_LUNATIONS - 1), f"{change_k:.3f} K in a lunation")

        if arguments.state and arguments.state.exists():
            plant = Plant.from_state(json.loads(arguments.state.read_text()))
        else:
            plant = Plant(
                arguments.latitude,
                arguments.local_time,
                payload=arguments.payload,
                seed=arguments.seed,
                step_s=arguments.step,
                start_soc=arguments.soc,
                progress=progress,
            )
    for text in arguments.fault:
        name, at_s, duration_s, parameters = parse_fault(text)
        plant.faults.inject(name, at_s, duration_s, **parameters)
    return plant


def save_plant(plant: Plant, path: Path | None) -> None:
    """Write the state, where one was asked for."""
    if path:
        path.write_text(json.dumps(plant.save()))


def status_line(plant: Plant) -> str:
    """Where the plant stands, in a line."""
    t = plant.truth()
    return (
        f"{plant.now_s / DAY_S:8.3f} d  {plant.local_time_h:5.2f} h local  sun {t['sun_elevation_deg']:6.1f} deg  "
        f"ground {t['ground_c']:7.1f} degC  battery {100 * t['soc']:5.1f} % {t['battery_c']:6.1f} degC  "
        f"bus {t['bus_v']:5.2f} V"
    )


def serve(arguments: argparse.Namespace) -> int:
    """Serve the plant on lines until the user ends it."""
    plant = make_plant(arguments)
    with contextlib.ExitStack() as stack:
        serial = arguments.serial
        if arguments.pty:
            cable = stack.enter_context(PtyPair())
            serial = cable.left
            print(f"serial line: {cable.right}")
        tcp = None
        if arguments.tcp:
            host, _, port = arguments.tcp.rpartition(":")
            tcp = (host or "127.0.0.1", int(port))
        server = stack.enter_context(PlantServer(plant, tcp=tcp, serial=serial, speed=arguments.speed))
        if tcp:
            print(f"Modbus RTU over TCP: {tcp[0]}:{server.port}", flush=True)
        end = time.monotonic() + arguments.seconds if arguments.seconds else None
        try:
            while end is None or time.monotonic() < end:
                time.sleep(STATUS_PERIOD_S if end is None else min(STATUS_PERIOD_S, max(0.0, end - time.monotonic())))
                if sys.stderr.isatty():
                    behind = f"  {server.lag_s:.0f} s behind" if server.lag_s > plant.step_s else ""
                    print(f"\r{server.call(status_line)}{behind}", end="", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            print(file=sys.stderr)
    save_plant(plant, arguments.state)
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Run the plant in process, with the reference controller or without, and record it."""
    plant = make_plant(arguments)
    controller = None if arguments.no_control else ReferenceController(plant)
    total = arguments.days * DAY_S
    step: Callable[[float], None] = controller.run if controller else plant.advance
    start = time.monotonic()
    title = f"{arguments.days:g} days at latitude {plant.latitude_deg:g} deg"
    with Progress("run    ", total) as bar, recorder(arguments.out, plant, title) as record:
        begin = plant.now_s
        for fault in plant.faults.listing():
            record.event(float(str(fault["at_s"])), "medium", str(fault["name"]), str(fault["parameters"]))
            if fault["until_s"] is not None:
                record.event(float(str(fault["until_s"])), "info", f"{fault['name']} over")
        while plant.now_s - begin < total - 0.5 * plant.step_s:
            record.sample(plant.now_s, plant.truth())
            step(min(arguments.record_every, max(plant.step_s, total - (plant.now_s - begin))))
            bar.update(plant.now_s - begin, f"local time {plant.local_time_h:4.1f} h")
        record.sample(plant.now_s, plant.truth())
        for time_s, name in controller.mode_history if controller else ():
            record.mode(time_s, name)
        record.facts["lowest state of charge"] = round(plant.extremes.soc_low, 4)
    took = time.monotonic() - start
    save_plant(plant, arguments.state)
    print(f"{arguments.out}: {arguments.days:g} days in {took:.1f} s, {total / took:.0f} times real time")
    print(f"lowest state of charge {100 * plant.extremes.soc_low:.1f} %, charged below 0 degC: ", end="")
    print(f"{plant.battery.cold_charge_ah:.2f} A h")
    for violation in plant.limit_violations():
        print(f"outside limits: {violation}")
    return 1 if plant.limit_violations() else 0


def inspect(arguments: argparse.Namespace) -> int:
    """Show a plant, the catalogue of faults or the register maps."""
    if arguments.what == "faults":
        for fault in CATALOGUE.values():
            print(f"{fault.name:20} {fault.description}")
            for name, parameter in fault.parameters.items():
                default = "" if parameter.default is None else f" (default {parameter.default})"
                print(f"{'':20}   {name}: {parameter.description}{default}")
        return 0
    if arguments.what == "registers":
        for unit in (units.power_unit(), units.thermal_unit()):
            print(f"{unit.title}, slave {unit.slave:#04x}")
            for r in unit.registers:
                where = f"{r.address}" if r.count * r.width == 1 else f"{r.address}..{r.end - 1}"
                print(f"  {r.space:9} {where:>7} {r.type:4} {r.access:3} {r.name:22} {r.scale:g} {r.unit}")
        return 0
    plant = make_plant(arguments)
    for name, value in plant.truth().items():
        print(f"{name:24} {value:12.4f}")
    return 0


def equilibrate(arguments: argparse.Namespace) -> int:
    """Find the ground's periodic profiles for latitudes, keep them, and show their surface temperatures."""
    print("latitude       noon   midnight        max        min       mean   K")
    for latitude in arguments.latitudes:
        with Progress(f"{latitude:6.1f} deg", USUAL_LUNATIONS) as bar:

            def progress(lunation: int, change_k: float, bar: Progress = bar) -> None:
                bar.update(min(lunation, USUAL_LUNATIONS - 1), f"{change_k:.3f} K in a lunation")

            regolith = ground_cache.equilibrated(latitude, progress=progress)
        surface = Regolith.run_lunation(regolith).surface
        noon, midnight = surface[-1], surface[len(surface) // 2 - 1]
        shown = (noon, midnight, surface.max(), surface.min(), surface.mean())
        print(f"{latitude:8.1f}" + "".join(f"{value:11.1f}" for value in shown))
    print(f"kept in {ground_cache.cache_dir()} (at most {MAX_LUNATIONS} lunations each)")
    return 0


def _add_plant(parser: argparse.ArgumentParser, step_s: float) -> None:
    payloads = ", ".join(sorted(p.stem for p in PAYLOADS_DIR.glob("*.toml")))
    parser.add_argument("--latitude", type=float, default=0.0, help="degrees, north positive (default 0)")
    parser.add_argument("--local-time", type=float, default=7.0, help="lunar hours at the start, noon 12 (default 7)")
    parser.add_argument("--payload", default=DEFAULT_PAYLOAD, help=f"{payloads}, or a file (default {DEFAULT_PAYLOAD})")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random (default 1)")
    parser.add_argument("--step", type=float, default=step_s, help=f"step in s, up to 60 (default {step_s:g})")
    parser.add_argument("--soc", type=float, help="state of charge at the start, 0 to 1 (default: the payload's)")
    parser.add_argument("--state", type=Path, help="file to go on from, when it is there, and to save to at the end")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME:KEY=VALUE,...@START+DURATION", help="may be repeated"
    )


def make_parser() -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog="python -m hil.plant", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    one = commands.add_parser("serve", help="serve the units as Modbus RTU over TCP or a serial line")
    _add_plant(one, 1.0)
    one.add_argument("--tcp", metavar="HOST:PORT", help="listen here; port 0 takes a free one")
    one.add_argument("--serial", metavar="DEVICE", help="serve on this serial device, 115200 8N1")
    one.add_argument("--pty", action="store_true", help="make a pseudo-terminal and serve on it")
    one.add_argument("--speed", type=float, default=1.0, help="plant seconds for each second, 1 to 60 (default 1)")
    one.add_argument("--seconds", type=float, help="end after this time (default: when interrupted)")
    one.set_defaults(do=serve)

    one = commands.add_parser("run", help="run in process under the reference controller and record")
    _add_plant(one, 10.0)
    one.add_argument("--days", type=float, default=SYNODIC_DAY_S / DAY_S, help="Earth days (default: a lunation)")
    one.add_argument(
        "--out", type=Path, default=Path("build/plant_run.npz"), help="record (default build/plant_run.npz)"
    )
    one.add_argument("--record-every", type=float, default=600.0, help="seconds between samples (default 600)")
    one.add_argument("--no-control", action="store_true", help="without the reference controller")
    one.set_defaults(do=run)

    one = commands.add_parser("inspect", help="show the start of a run, the faults, or the registers")
    one.add_argument("what", nargs="?", choices=("plant", "faults", "registers"), default="plant")
    _add_plant(one, 10.0)
    one.set_defaults(do=inspect)

    one = commands.add_parser("equilibrate", help="find the ground's profile for latitudes and keep it")
    one.add_argument("latitudes", type=float, nargs="+", help="degrees")
    one.set_defaults(do=equilibrate)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Entry; returns the exit code: 0 well, 1 a run left its limits, 2 wrong arguments."""
    arguments = make_parser().parse_args(argv)
    try:
        return int(arguments.do(arguments))
    except (FaultError, PayloadError, StateError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
