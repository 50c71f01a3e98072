"""``make emulate``: one board for as long as somebody wants it, its lines as TCP ports on loopback or as devices.

    python -m hil.emulate --bench qemu                    what a bench file says, plant and all
    python -m hil.emulate --target sitl --plant           the flight software without a processor
    python -m hil.emulate BOARD ELF --plant               a program on an emulated board

It prints the address of each line as pyserial wants it and runs until Ctrl-C. A line takes one client at a time, who
may go and come again. With a plant, power and thermal unit answer on the payload bus, and that line leads nowhere else.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec
from perilune.boards import BoardError
from perilune.errors import PeriluneError

from .bench import Bench, PlantData, load_bench
from .outlet import Outlet, PtyOutlet, Source
from .plant.attached import AttachedPlant
from .plant.faults import FaultError, Value, parse_fault
from .plant.plant import Plant
from .targets.bus_servant import BusServant
from .targets.errors import TargetError
from .targets.live_sitl import LiveSitl
from .targets.make import make_plant
from .targets.qemu import Qemu
from .targets.renode import Renode
from .targets.sitl_target import SitlTarget

LOOK_S = 0.2
USES = {"link": "USART1, space link", "bus": "USART2, payload bus", "console": "USART3, console"}


def serve(
    lines: Mapping[str, Source], board: Qemu | Renode | LiveSitl, title: str, pty: bool, end: threading.Event
) -> None:
    """Print where the lines are, and serve them until *end* or the board's death (TargetDied)."""
    outlets = {name: PtyOutlet(line) if pty else Outlet(line) for name, line in lines.items()}
    try:
        for name, outlet in outlets.items():
            print(f"{name:8} {outlet.url}  ({USES[name]})")
        print(f"{title}; Ctrl-C ends it.", flush=True)
        while not end.wait(LOOK_S):
            board.check_alive()
    finally:
        for outlet in outlets.values():
            outlet.close()


def run_emulator(
    bench: Bench, storage: Path | None, plant: AttachedPlant | None, pty: bool, end: threading.Event
) -> None:
    """A board in QEMU or Renode."""
    with contextlib.ExitStack() as stack:
        target: Qemu | Renode = Qemu(bench.board) if bench.target == "qemu" else Renode(bench.board)
        stack.callback(target.stop)
        target.boot(bench.image_path, storage=storage)
        lines: dict[str, Source] = dict(target.uarts)
        if plant is not None:
            del lines["bus"]
            stack.callback(BusServant(plant, target.bus).stop)
        serve(lines, target, f"{target.board.description} runs {bench.image}", pty, end)


def run_sitl(bench: Bench, plant: AttachedPlant | None, pty: bool, speed: float, end: threading.Event) -> None:
    """The flight software in this process."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        target = SitlTarget(bench, Path(folder))
        if plant is not None:
            target.attach(plant)
        live = LiveSitl(target, speed)
        stack.callback(live.stop)
        pace = "" if speed == 1.0 else f" at {speed:g} times real time"
        serve(live.uarts, live, f"The flight software runs in this process{pace}", pty, end)


def inject(plant: AttachedPlant, texts: list[str]) -> None:
    """Faults as typed. Raises FaultError."""
    for text in texts:
        name, at_s, duration_s, parameters = parse_fault(text)
        plant.call(partial(_inject, name=name, at_s=at_s, duration_s=duration_s, parameters=parameters))


def _inject(
    plant: Plant, name: str, at_s: float | None, duration_s: float | None, parameters: Mapping[str, Value]
) -> None:
    plant.faults.inject(name, at_s, duration_s, **parameters)


def make_parser() -> argparse.ArgumentParser:
    """All arguments."""
    parser = argparse.ArgumentParser(prog="python -m hil.emulate", description="Run one board until Ctrl-C.")
    parser.add_argument("board", nargs="?", help="board of an emulator")
    parser.add_argument("elf", type=Path, nargs="?", help="program for it")
    parser.add_argument("--bench", help="bench by name or file: board, program, missions and plant in one")
    parser.add_argument("--target", "--emulator", choices=["qemu", "renode", "sitl"], default="qemu")
    parser.add_argument("--mission", type=Path, action="append", default=[], help="sitl: dictionary folder; repeatable")
    parser.add_argument("--storage", type=Path, help="file behind the board's flash storage (default: none kept)")
    parser.add_argument("--plant", action="store_true", help="put power and thermal unit on the payload bus")
    parser.add_argument("--local-time", type=float, help="plant: lunar hours at the start, noon 12")
    parser.add_argument("--soc", type=float, help="plant: state of charge at the start, 0 to 1")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME:KEY=VALUE,...@START+DURATION", help="plant; repeatable"
    )
    parser.add_argument("--pty", action="store_true", help="serial devices instead of TCP ports")
    parser.add_argument("--speed", type=float, default=1.0, help="sitl: board seconds for each second, 1 to 1000")
    return parser


def bench_of(args: argparse.Namespace, parser: argparse.ArgumentParser) -> Bench:
    """The bench that the arguments say."""
    if args.bench:
        bench = load_bench(args.bench)
        if bench.target == "serial":
            parser.error("a serial bench has a real board, there is nothing to emulate")
    elif args.target == "sitl":
        bench = Bench(target="sitl", missions=[str(path.resolve()) for path in args.mission], folder="/", name="sitl")
    else:
        if args.board is None or args.elf is None:
            parser.error("BOARD and ELF, or --bench, or --target sitl")
        bench = Bench(target=args.target, board=args.board, image=str(args.elf), name=args.target)
    if not 1.0 <= args.speed <= 1000.0:
        parser.error(f"--speed: expected 1 to 1000, found {args.speed:g}")
    if args.speed != 1.0 and bench.target != "sitl":
        parser.error("--speed: only sitl runs faster than the clock")
    plant = bench.plant or (PlantData() if args.plant or args.fault or args.local_time or args.soc else None)
    if plant is not None and args.local_time is not None:
        plant = msgspec.structs.replace(plant, local_time_h=args.local_time % 24.0)
    if plant is not None and args.soc is not None:
        plant = msgspec.structs.replace(plant, start_soc=args.soc)
    return msgspec.structs.replace(bench, plant=plant)


def main(argv: list[str] | None = None) -> int:
    """Entry; 0 after Ctrl-C, 2 when something is wrong."""
    parser = make_parser()
    args = parser.parse_args(argv)
    end = threading.Event()

    def finish(_signal: int, _frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, finish)
    try:
        bench = bench_of(args, parser)
        plant = make_plant(bench)
        if plant is not None:
            inject(plant, args.fault)
        if bench.target == "sitl":
            run_sitl(bench, plant, args.pty, args.speed, end)
        else:
            run_emulator(bench, args.storage, plant, args.pty, end)
    except (BoardError, TargetError, PeriluneError, FaultError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
