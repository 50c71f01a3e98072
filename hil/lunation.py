"""A whole lunation in closed loop: python -m hil.lunation --latitude 45; drawn and judged.

The ground sets the clocks after the landing, brings the board to NOMINAL, and says nothing more for 29.5 days. What is
expected: no zone and no cell outside its limits, no charging below 0 degC, state of charge never under 10 %, no drop,
and the modes of MODES in this order.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perilune.plot import write_html, write_png
from perilune.run_record import read_run

from hil.closed_loop import SPEED_MAX, SPEED_MIN, ClosedLoop, ModeChange, check_speed
from hil.plant.plant import Plant
from hil.plant.progress import Progress
from hil.plant.sun import SYNODIC_DAY_S

# Landed in the morning, so that a whole day and a whole night follow.
LANDING_H = 7.0
LUNATION_D = SYNODIC_DAY_S / 86400.0  # Earth days
# On-board time of the landing, s since the board's epoch: a date like any other.
LANDING_S = 220_000_000
SETTLE_S = 60.0
# START; ground; ground; dusk; sunset; and back, stage by stage.
MODES = ["SAFE", "STANDBY", "NOMINAL", "STANDBY", "SURVIVAL", "STANDBY", "NOMINAL"]


def commission(loop: ClosedLoop) -> None:
    """What the ground does once after the landing. Raises RuntimeError when the board refuses any of it."""
    plant = loop.plant
    loop.run(SETTLE_S)
    failures = loop.set_time(LANDING_S)
    failures += loop.set_parameter("night.latitude_deg", plant.latitude_deg)
    failures += loop.set_parameter("night.declination_deg", plant.declination_deg)
    # Nobody speaks to the board for a lunation.
    failures += loop.set_parameter("modes.command_loss_s", 0)
    angle = (plant.local_time_at(loop.now_s) - 12.0) * 15.0
    failures += loop.command("night.set_solar_time", epoch_s=0, hour_angle_deg=angle)
    for mode in ("STANDBY", "NOMINAL"):
        if loop.mode != mode:
            failures += loop.command("modes.change", mode=mode)
    if failures:
        raise RuntimeError(f"the board refused {failures} requests of the commissioning; events: {loop.events[-5:]}")


def fly(
    loop: ClosedLoop, seconds: float, progress: Callable[[float], None] | None = None, speed: float | None = None
) -> None:
    """Commission the board and let the time pass. speed: as of ClosedLoop.run."""
    commission(loop)
    loop.run(seconds - loop.now_s, speed, progress)


def mode_history(loop: ClosedLoop) -> list[str]:
    """Modes in their order."""
    return [change.mode for change in loop.modes]


def note(loop: ClosedLoop) -> str:
    """A word for who watches."""
    return f"{loop.mode} {loop.value('power.battery_soc'):.0f} %"


def speed(text: str) -> float:
    """An argument."""
    try:
        return check_speed(float(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected {SPEED_MIN:g} to {SPEED_MAX:g}, found {text}") from error


@dataclass(frozen=True)
class Lunation:
    """What came of it. findings: what was not as expected. plot: path without suffix of .png, .html and .npz."""

    seconds: float
    took_s: float
    soc_low_percent: float
    modes: list[ModeChange]
    findings: list[str]
    plot: Path


def fly_lunation(
    latitude_deg: float, days: float = LUNATION_D, *, out: Path, seed: int = 1, speed: float | None = None
) -> Lunation:
    """Fly it, draw it into the folder *out*, judge it. speed: as of ClosedLoop.run."""
    seconds = days * 86400.0
    path = out / f"lunation_{latitude_deg:g}.npz"
    plant = Plant(latitude_deg, LANDING_H, seed=seed)
    loop = ClosedLoop(plant, record=path, title=f"A lunation at latitude {latitude_deg:g} deg")
    began = time.monotonic()
    with Progress("lunation", seconds) as bar:
        # Drawn from the landing on, commissioning included.
        bar.update(0.0)
        fly(loop, seconds, lambda _: bar.update(loop.now_s, note(loop)), speed)
    took_s = time.monotonic() - began
    found = loop.findings()
    if days >= 0.99 * LUNATION_D and mode_history(loop) != MODES:
        found.append(f"modes: {mode_history(loop)}, expected {MODES}")
    soc_low = 100 * plant.extremes.soc_low
    assert loop.recorder is not None
    loop.recorder.facts["lowest state of charge"] = f"{soc_low:.1f} %"
    loop.recorder.flush()
    run = read_run(path)
    write_png(run, path.with_suffix(".png"))
    write_html(run, path.with_suffix(".html"))
    return Lunation(seconds, took_s, soc_low, loop.modes, found, path.with_suffix(""))


def main(argv: list[str] | None = None) -> int:
    """Entry; 0: as expected, 1: not."""
    parser = argparse.ArgumentParser(prog="python -m hil.lunation", description=__doc__)
    parser.add_argument("--latitude", type=float, default=0.0, help="degrees, north positive (default 0)")
    parser.add_argument("--days", type=float, default=LUNATION_D, help="Earth days (default: a lunation)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder of record and plots (default build)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default 1)")
    parser.add_argument(
        "--speed", type=speed, help="board seconds for each second, 1 to 10 000 (default: as fast as it goes)"
    )
    arguments = parser.parse_args(argv)
    result = fly_lunation(
        arguments.latitude, arguments.days, out=arguments.out, seed=arguments.seed, speed=arguments.speed
    )
    flown = f"{result.seconds / result.took_s:.0f} times real time"
    print(f"{arguments.days:.2f} days at {arguments.latitude:g} deg in {result.took_s:.0f} s, {flown}")
    print(f"lowest state of charge {result.soc_low_percent:.1f} %; {result.plot}.png, .html, .npz")
    for change in result.modes:
        print(f"{change.time_s / 86400.0:8.3f} d  {change.mode:9} {change.reason}")
    for line in result.findings:
        print(f"not as expected: {line}")
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
