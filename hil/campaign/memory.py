"""Bit flips in the memory of flying boards: drawn, made, judged.

After each flip the board is watched for WINDOW_S while it sends housekeeping and executes telecommands; where something
is missing it gets DEAD_S, from the flip, to come back. What a flip sets free may show later: it is then put down to a
later flip.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import PeriluneError
from perilune.link.sequence_controlled import Phase
from perilune.telemetry.reports import EventReport

from hil.bench import load_bench
from hil.campaign.flying_board import RECOVERY_S, FlyingBoard, Signs, Watch
from hil.campaign.outcome import Judged, Outcome
from hil.campaign.regions import Flip, draw, find_ccm, regions_of, turn
from hil.plant.progress import Progress
from hil.targets.errors import DeadlinePassed, TargetDied, TargetError
from hil.targets.symbols import Symbols

WINDOW_S = 1.1  # a little more than the period of core.health
# A flip may do its harm a little later, when what it hit is used; and the board's housekeeping is a second apart.
SLACK_S = 2.0
DEAD_S = RECOVERY_S + SLACK_S
LOOP_STARTS = 4  # so many starts after one flip are a boot loop
BATCH = 25  # flips on one board, at most; then a new one with empty storage


class Batch(msgspec.Struct, frozen=True):
    """Flips for one board. first: number of the first one."""

    bench: str
    seed: int
    first: int
    count: int


def judge_flip(board: FlyingBoard, flip: Flip, number: int, place: str) -> Judged:
    """Turn a bit and see what comes of it."""
    watch = Watch(board)

    def say(outcome: Outcome, what: str = "", recovery_s: float = 0.0, reported: bool = False) -> Judged:
        return Judged(
            number=number,
            region=flip.region,
            place=place,
            outcome=outcome,
            what=what,
            recovery_s=round(recovery_s, 2),
            reported=reported,
        )

    try:
        turn(board.ground.target, flip)
        signs = look(watch)
        if signs.started:
            what, recovery_s, reported = recover(watch)
            return say(Outcome.RESET, what, recovery_s, reported)
        if not signs.heard or not signs.answered:
            missing = "no housekeeping" if not signs.heard else "no telecommand is executed"
            return say(Outcome.DEAD, "; ".join([missing, *signs.wrong]))
    except TargetDied as died:
        return say(Outcome.DEAD, str(died).splitlines()[0][:120])
    except (TargetError, PeriluneError) as error:
        return say(Outcome.DEAD, f"{type(error).__name__}: {str(error).splitlines()[0][:160]}")
    if signs.wrong:
        return say(Outcome.WRONG, f"{'; '.join(signs.wrong)} ({lasting(board)})")
    if signs.corrected:
        return say(Outcome.CORRECTED, signs.corrected)
    return say(Outcome.NO_EFFECT)


def look(watch: Watch) -> Signs:
    """Watch for WINDOW_S, and longer, up to DEAD_S, while something is missing."""
    while True:
        watch.step()
        if watch.age_s < WINDOW_S:
            continue
        signs = watch.signs()
        if signs.started or (signs.heard and signs.answered) or watch.age_s > DEAD_S:
            return signs


def recover(watch: Watch) -> tuple[str, float, bool]:
    """The board has started: it must be well again in time, without starting over and over.

    What it told of its start, when its housekeeping came, s after the flip, and whether it told of a crash.
    """
    ground = watch.ground
    while (health_s := watch.health_s()) is None and watch.age_s <= DEAD_S:
        ground.step()
    if health_s is None or health_s > DEAD_S:
        raise TargetError(f"started, but no housekeeping within {DEAD_S:g} s of the flip")
    ground.await_boot(RECOVERY_S)
    told = [r for r in ground.reports[watch.first :] if isinstance(r, EventReport)]
    crash = [event.text for event in told if event.name == "core.crash"]
    causes = [str(event.fields["cause"].text) for event in told if event.name == "core.boot"]
    try:
        watch.board.make_ready()
    except DeadlinePassed:
        # A link that gave up is started anew, as in Watch.step(). On one that stands, a board that does not answer is
        # dead.
        if ground.session.service.phase is Phase.ACTIVE:
            raise
        ground.session.start(RECOVERY_S)
        watch.board.make_ready()
    starts = [r for r in ground.reports[watch.first :] if isinstance(r, EventReport) and r.name == "core.boot"]
    if len(starts) >= LOOP_STARTS:
        raise TargetError(f"{len(starts)} starts in a row")
    return "; ".join([f"start by {', '.join(causes)}", *crash]), health_s, bool(crash)


def lasting(board: FlyingBoard) -> str:
    """Does what is wrong go on? A board on which it does gives way to another one."""
    try:
        for _ in range(board.rounds):
            signs = look(Watch(board))
            if signs.wrong or signs.started:
                break
        else:
            return "once"
        text = "lasting" if not signs.started else "then a start"
    except (TargetError, PeriluneError) as error:
        text = str(error)
    board.renew()
    return text


def fly(batch: Batch) -> list[Judged]:
    """Boot a board and turn bits of it, one after the other."""
    bench = load_bench(batch.bench)
    dictionary = load([CORE, *bench.mission_folders])
    symbols = Symbols(bench.image_path)
    source = random.Random(f"{batch.seed}/{batch.first}")
    folder = Path(tempfile.mkdtemp(prefix="perilune-campaign-"))
    judged: list[Judged] = []
    try:
        with FlyingBoard(bench, dictionary, folder) as board:
            regions = regions_of(bench.image_path, find_ccm(board.ground.target.memory), bench.target)
            for number in range(batch.first, batch.first + batch.count):
                flip = draw(source, regions)
                name = symbols.object_at(flip.address)
                place = f"{flip.region} {flip.address:#010x} bit {flip.bit}{f' ({name})' if name else ''}"
                judged.append(judge_flip(board, flip, number, place))
                if judged[-1].outcome is Outcome.DEAD:
                    board.renew()
        return judged
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def batches(bench: str, seed: int, flips: int, boards: int) -> list[Batch]:
    """The flips, shared out to boards so that all are busy to the end."""
    size = max(1, min(BATCH, -(-flips // boards)))
    return [Batch(bench, seed, first, min(size, flips - first)) for first in range(0, flips, size)]


def memory_campaign(bench: str, seed: int, flips: int, boards: int) -> list[Judged]:
    """Turn so many bits on so many boards at a time; what came of each, in order."""
    parts = batches(bench, seed, flips, boards)
    judged: list[Judged] = []
    with ProcessPoolExecutor(boards, mp_context=get_context("spawn")) as pool, Progress("bit flips", flips) as bar:
        bar.update(0)
        for part in pool.map(fly, parts):
            judged += part
            bar.update(len(judged), f"{sum(one.outcome is Outcome.RESET for one in judged)} resets")
    return judged
