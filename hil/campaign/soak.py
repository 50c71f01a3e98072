"""A long flight on a clean link: nothing is lost, no memory goes, the watchdog is quiet, each hang is recovered from.

First the reference payload flies without a disturbance for QUIET_SHARE of the time, the plant on its bus; then an app
that is told to hang now and then. The board is commanded once a second. At both ends of every time between two starts
its heap is collected and measured: what a start gives back must not hide what was lost before.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import PeriluneError

from hil.bench import load_bench
from hil.campaign.flying_board import RECOVERY_S, health_s
from hil.campaign.outcome import CAMPAIGN_DIR
from hil.ground import Ground
from hil.plant.progress import Progress
from hil.targets.errors import TargetError
from hil.targets.make import make_plant, make_target

UNRULY = Path(__file__).resolve().parent / "unruly.toml"
HANG = 2  # of unruly.deed
STARTING_S = 3.0  # after a start, until everything that comes once has come
QUIET_SHARE = 2 / 3
HEAP_SLACK = 64  # octets that a report under way may hold


class Soak(msgspec.Struct, kw_only=True):
    """What a flight has shown.

    heaps: free octets after a collection, at begin and end of each time without a start. recoveries_s: of each hang.
    """

    seconds: float
    telecommands: int = 0
    reports: int = 0
    heaps: list[tuple[int, int]] = []
    recoveries_s: list[float] = []
    wrong: list[str] = []


def soak(quiet_bench: str, bench: str, seconds: float, hang_every_s: float) -> Soak:
    """Fly for so many seconds of the board's time: *quiet_bench* undisturbed, then *bench* with hangs."""
    found = Soak(seconds=seconds)
    bar = Progress("flight", seconds)
    quiet_s = seconds * QUIET_SHARE

    def undisturbed(ground: Ground) -> None:
        fly_quietly(ground, quiet_s, found, bar)

    def with_hangs(ground: Ground) -> None:
        end_s = ground.target.now_s() + seconds - quiet_s
        while (left_s := end_s - ground.target.now_s()) > 0:
            fly_quietly(ground, min(hang_every_s, left_s), found, bar)
            hang(ground, found)

    with bar:
        for name, fly in ((quiet_bench, undisturbed), (bench, with_hangs)):
            try:
                with board_of(name) as ground:
                    first = len(ground.reports)
                    fly(ground)
                    found.reports += len(ground.reports) - first
            except (TargetError, PeriluneError) as error:
                found.wrong.append(f"{name}: {type(error).__name__}: {error}")
    return found


@contextmanager
def board_of(bench_name: str) -> Iterator[Ground]:
    """The ground of a new board of a bench, with the plant on its bus where the bench has one."""
    bench = load_bench(bench_name)
    with (
        tempfile.TemporaryDirectory(prefix="perilune-soak-") as folder,
        make_target(bench, Path(folder)) as target,
    ):
        if not target.why_not("bus") and (plant := make_plant(bench)) is not None:
            target.attach(plant)
        target.boot()
        ground = Ground(target, load([CORE, *bench.mission_folders]))
        ground.await_boot()
        yield ground


def free_heap(ground: Ground) -> int:
    """Free octets of the heap after a collection."""
    ground.do("core.collect_heap")
    return int(ground.number("core.heap_free"))


def fly_quietly(ground: Ground, seconds: float, found: Soak, bar: Progress) -> None:
    """Command the board once a second; nothing may be lost, and it may not start anew."""
    ground.run_for(STARTING_S)
    losses, first = dict(ground.lost), len(ground.reports)
    begin_free = free_heap(ground)
    end_s = ground.target.now_s() + seconds
    while ground.target.now_s() < end_s:
        ground.do("core.ping")
        found.telecommands += 1
        bar.update(found.telecommands, f"{len(found.recoveries_s)} hangs")  # one a second
        ground.run_for(1.0)
    end_free = free_heap(ground)
    found.heaps.append((begin_free, end_free))
    if end_free < begin_free - HEAP_SLACK:
        found.wrong.append(f"free heap fell from {begin_free} to {end_free} octets in {seconds:.0f} s")
    starts = [report for report in ground.reports[first:] if getattr(report, "name", "") == "core.boot"]
    if starts:
        found.wrong.append(f"{len(starts)} starts that nobody provoked")
    lost = {kind: count - losses[kind] for kind, count in ground.lost.items() if count != losses[kind]}
    if lost:
        found.wrong.append(f"lost on a clean link: {lost}")


def hang(ground: Ground, found: Soak) -> None:
    """Let the app hang; the time until housekeeping comes from a board that was started anew."""
    ground.set({"unruly.now": HANG})
    begin_s, first = ground.target.now_s(), len(ground.reports)
    ground.mark()
    ground.wait_event("core.crash", timeout_s=2 * RECOVERY_S)
    ground.wait_event("core.boot")
    deadline = ground.target.deadline(RECOVERY_S)
    while (came_s := health_s(ground, first)) is None:
        deadline.check("housekeeping of a board that was started anew", "none")
        ground.step()
    ground.await_boot(RECOVERY_S)  # its link
    took_s = came_s - begin_s
    found.recoveries_s.append(round(took_s, 2))
    if took_s > RECOVERY_S + 1.0:  # the app hangs with the second step from now, a second away or more
        found.wrong.append(f"a hang took {took_s:.1f} s")
    if ground.value("modes.isolated"):
        ground.do("modes.change", mode="SAFE")


def write_soak(found: Soak) -> Path:
    """Text and JSON in hil/out/campaign; the text's path."""
    CAMPAIGN_DIR.mkdir(parents=True, exist_ok=True)
    path = CAMPAIGN_DIR / "soak.txt"
    lines = [
        f"Soak: {found.seconds:g} s, {found.telecommands} telecommands, {found.reports} reports",
        f"free heap, begin and end of each time without a start: {found.heaps}",
        f"recoveries from hangs: {found.recoveries_s} s, {RECOVERY_S:g} s allowed",
        *(found.wrong or ["nothing lost, no start that nobody provoked, no heap gone"]),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(msgspec.to_builtins(found), indent=1), encoding="utf-8")
    return path
