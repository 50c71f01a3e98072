"""Campaigns: how they judge, on boards in this process that are damaged in known ways, and what they find elsewhere."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.telemetry.reports import HousekeepingReport, Report

from hil.bench import load_bench
from hil.campaign import memory
from hil.campaign.flying_board import FlyingBoard
from hil.campaign.memory import BATCH, DEAD_S, batches, judge_flip, memory_campaign
from hil.campaign.outcome import Judged, Outcome, table, write_report
from hil.campaign.power import SEQUENCE, Load, power_campaign
from hil.campaign.regions import Flip, Region, draw, regions_of
from hil.campaign.soak import UNRULY, Soak, board_of, fly_quietly, hang, soak, write_soak
from hil.ground import Ground
from hil.plant.progress import Progress
from hil.targets.sitl_target import SitlTarget

FLIP = Flip("heap", 0x2001_0000, 3)
BOARDS = 2 * (os.cpu_count() or 1)  # boards wait more than they compute
LEAK_SLOWLY = 6  # of unruly.deed
SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))


# ---- how faults are judged ------------------------------------------------------------------------------------------


@pytest.fixture
def board(tmp_path: Path) -> Iterator[FlyingBoard]:
    """A board in this process; what a flip does to it is up to the test."""
    bench = load_bench("sitl")
    with FlyingBoard(bench, load([CORE, *bench.mission_folders]), tmp_path) as board:
        yield board


@pytest.fixture
def judge(board: FlyingBoard, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[SitlTarget], object]], Judged]:
    """Do this to the board instead of a flip, and judge."""

    def one(damage: Callable[[SitlTarget], object]) -> Judged:
        monkeypatch.setattr(memory, "turn", lambda target, _flip: damage(target))
        return judge_flip(board, FLIP, 1, "somewhere")

    return one


Judge = Callable[[Callable[[SitlTarget], object]], Judged]


def core(target: SitlTarget):  # type: ignore[no-untyped-def]
    assert target.board is not None
    return target.board.core


def test_a_board_that_goes_on_shows_no_effect(judge: Judge) -> None:
    assert judge(lambda target: None).outcome is Outcome.NO_EFFECT


def test_a_board_that_starts_anew_was_reset(judge: Judge) -> None:
    judged = judge(lambda target: target.reset())
    assert (judged.outcome, judged.reported) == (Outcome.RESET, False)
    assert judged.what == "start by HARD"
    assert 0.0 < judged.recovery_s < 1.5  # housekeeping is a second apart; what else makes the board ready is not in it


@pytest.mark.parametrize(("health_s", "outcome"), [(DEAD_S - 2.0, Outcome.RESET), (DEAD_S + 3.0, Outcome.DEAD)])
def test_a_board_that_comes_back_late_is_dead(
    board: FlyingBoard, judge: Judge, monkeypatch: pytest.MonkeyPatch, health_s: float, outcome: Outcome
) -> None:
    """It is silent for 8 s, starts, and its housekeeping comes at health_s."""
    take, begin_s = board.ground._take, board.ground.target.now_s()
    resets: list[float] = []

    def late(report: Report) -> None:
        age_s = board.ground.target.now_s() - begin_s
        if age_s > 8.0 and not resets:
            resets.append(age_s)
            board.ground.target.reset()
        if resets and (age_s > health_s or not isinstance(report, HousekeepingReport)):
            take(report)

    monkeypatch.setattr(board.ground, "_take", late)
    judged = judge(lambda target: None)
    assert judged.outcome is outcome
    assert abs(judged.recovery_s - health_s) < 1.5 if outcome is Outcome.RESET else "no housekeeping" in judged.what


def test_a_hang_lasts_until_housekeeping_comes_from_the_board_that_was_started_anew(
    board: FlyingBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is healthy for 2 s, starts, tells that it crashed, and its housekeeping comes 6 s after the command."""
    ground, target = board.ground, board.ground.target
    assert isinstance(target, SitlTarget)
    assert target.board is not None
    made = target.board
    monkeypatch.setattr(made, "made", lambda: setattr(made.hal, "crashed", (7, 0, 0, 0)))
    take, begin_s = ground._take, target.now_s()
    resets: list[float] = []

    def late(report: Report) -> None:
        age_s = target.now_s() - begin_s
        if age_s > 2.0 and not resets:
            resets.append(age_s)
            target.reset()
        if not resets or age_s > 6.0 or not isinstance(report, HousekeepingReport):
            take(report)

    monkeypatch.setattr(ground, "_take", late)
    monkeypatch.setattr(Ground, "set", lambda self, values: None)
    found = Soak(seconds=0.0)
    hang(ground, found)
    assert len(resets) == 1
    assert 6.0 < found.recoveries_s[0] < 7.5
    assert found.wrong == []


def test_a_board_that_says_nothing_any_more_is_dead(judge: Judge) -> None:
    def dumb(target: SitlTarget) -> None:
        core(target).link_loop._write = lambda frame: True

    judged = judge(dumb)
    assert judged.outcome is Outcome.DEAD
    assert judged.what.startswith("no housekeeping")


def test_a_board_that_obeys_no_more_is_dead(judge: Judge) -> None:
    def deaf(target: SitlTarget) -> None:
        core(target).uplink.feed = lambda *_: None

    judged = judge(deaf)
    assert judged.outcome is Outcome.DEAD
    assert judged.what.startswith("no telecommand is executed")


def test_a_parameter_that_changes_and_stays_so_is_wrong_for_good(judge: Judge) -> None:
    judged = judge(lambda t: [core(t).parameters.put(row[0], row[2] + 1) for row in core(t).parameters._rows])
    assert judged.outcome is Outcome.WRONG
    assert judged.what.endswith("(lasting)")


def test_a_parameter_that_the_board_mends_was_corrected(judge: Judge) -> None:
    def damage(target: SitlTarget) -> None:
        parameters = core(target).parameters
        index = parameters._rows[parameters._next][0]
        core(target).values[index] += 1

    assert judge(damage).outcome in (Outcome.CORRECTED, Outcome.WRONG)
    assert judge(lambda target: None).outcome is Outcome.NO_EFFECT


def test_a_frame_that_is_lost_is_wrong_once(judge: Judge) -> None:
    def skip(target: SitlTarget) -> None:
        core(target).downlink._mc_count = (core(target).downlink._mc_count + 1) & 0xFF

    judged = judge(skip)
    assert judged.outcome is Outcome.WRONG
    assert judged.what == "1 frames lost or damaged (once)"


def test_flips_are_the_same_for_the_same_seed_and_every_region_has_its_part() -> None:
    regions = [Region("small", 0, 4), Region("large", 100, 100_100)]
    first, second = ([draw(source, regions) for _ in range(400)] for source in (random.Random(3), random.Random(3)))
    assert first == second
    assert 150 < sum(flip.region == "small" for flip in first) < 250
    assert {flip.bit for flip in first} == set(range(8))
    assert all(0 <= f.address < 4 if f.region == "small" else 100 <= f.address < 100_100 for f in first)


@pytest.mark.board
def test_code_is_turned_where_its_flash_can_be_written() -> None:
    elf = load_bench("qemu").image_path
    names = {kind: [region.name for region in regions_of(elf, 0, kind)] for kind in ("qemu", "renode")}
    assert names["renode"] == [*names["qemu"], "code"]
    code = regions_of(elf, 0, "renode")[-1]
    assert code.start == 0x0800_0000
    assert 100_000 < code.end - code.start < 512 * 1024


def test_flips_are_shared_out_to_boards() -> None:
    parts = batches("qemu", 1, 100, 6)
    assert sum(part.count for part in parts) == 100
    assert [part.first for part in parts] == [17 * n for n in range(6)]
    assert max(part.count for part in batches("qemu", 1, 2000, 4)) == BATCH


def test_the_table_counts_every_outcome() -> None:
    judged = [
        Judged(number=n, region=region, place="", outcome=outcome)
        for n, (region, outcome) in enumerate([("heap", Outcome.DEAD), ("heap", Outcome.RESET), ("bss", Outcome.RESET)])
    ]
    lines = [line.split() for line in table(judged).splitlines()[1:]]
    assert lines == [
        ["bss", "1", "0", "0", "1", "0", "0"],
        ["heap", "2", "0", "0", "1", "0", "1"],
        ["all", "3", "0", "0", "2", "0", "1"],
    ]


# ---- on boards ------------------------------------------------------------------------------------------------------


def dead(judged: list[Judged]) -> list[Judged]:
    return [one for one in judged if one.outcome is Outcome.DEAD]


def unreported(judged: list[Judged]) -> list[Judged]:
    return [one for one in judged if one.outcome is Outcome.RESET and not one.reported]


@pytest.mark.board
@pytest.mark.timeout(300)
@pytest.mark.qemu("only its memory can be written while it runs")
def test_no_flip_of_a_hundred_kills_a_board() -> None:
    judged = memory_campaign("qemu", seed=7, flips=100, boards=BOARDS)
    write_report("memory-100", "Memory campaign: 100 bit flips", judged, {"seed": 7})
    assert len(judged) == 100
    assert dead(judged) == []
    assert unreported(judged) == []


@pytest.mark.long
@pytest.mark.board
@pytest.mark.timeout(3600)
@pytest.mark.qemu("only its memory can be written while it runs")
def test_no_flip_of_two_thousand_kills_a_board() -> None:
    judged = memory_campaign("qemu", seed=1, flips=2000, boards=BOARDS)
    print(write_report("memory", "Memory campaign: 2000 bit flips", judged, {"seed": 1}).read_text(encoding="utf-8"))
    assert [one.number for one in judged] == list(range(2000))
    assert dead(judged) == []
    assert unreported(judged) == []


def test_power_cuts_in_this_process_leave_the_old_or_the_new() -> None:
    judged = power_campaign("sitl", seed=2, cuts=60)
    assert [one for one in judged if one.outcome is not Outcome.NO_EFFECT] == []
    assert sum("in a write" in one.place for one in judged) >= 30


@pytest.mark.long
@pytest.mark.board
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("target", ["qemu", "sitl"])
def test_two_hundred_power_cuts_leave_the_old_or_the_new(target: str) -> None:
    judged = power_campaign(target, seed=1, cuts=200)
    write_report(f"power-{target}", f"Power campaign: {len(judged)} cuts", judged, {"seed": 1})
    assert [one for one in judged if one.outcome is not Outcome.NO_EFFECT] == []
    assert len(judged) == 200


def test_a_store_that_loses_what_it_said_was_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from flight.journal import Journal  # noqa: PLC0415

    put = Journal.put
    count = iter(range(1 << 30))
    monkeypatch.setattr(
        Journal, "put", lambda self, key, *rest: 0 if key == 1 and next(count) % 3 else put(self, key, *rest)
    )
    judged = power_campaign("sitl", seed=2, cuts=10)
    assert any(one.outcome is Outcome.WRONG and "parameters of" in one.what for one in judged)


def test_a_sequence_that_is_not_kept_though_it_was_said_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from flight.service.sequence_table import SequenceTable  # noqa: PLC0415

    monkeypatch.setattr(SequenceTable, "keep", lambda self, place: 0)
    judged = power_campaign("sitl", seed=2, cuts=20)
    assert any(one.outcome is Outcome.WRONG and "is gone" in one.what for one in judged)


def test_a_sequence_that_is_there_after_its_unload_is_found(board: FlyingBoard) -> None:
    work = Load(board.ground)
    work.begin()
    steps, octets = work.sequence(5)
    board.ground.do("sequence.load", sequence=SEQUENCE, steps=steps, octets=octets)
    work.done["unload"] = work.sent["unload"] = work.sent["sequence"] = 10
    assert work.found_wrong() == ["the sequence is none of 10, which can be"]


@pytest.mark.parametrize(
    ("point", "value", "what"), [("modes.mode", "SURVIVAL", "mode SURVIVAL"), ("modes.isolated", 1, "isolated")]
)
def test_a_start_in_isolation_or_for_the_night_is_found(
    monkeypatch: pytest.MonkeyPatch, point: str, value: object, what: str
) -> None:
    shown = Ground.value
    monkeypatch.setattr(Ground, "value", lambda self, name: value if name == point else shown(self, name))
    assert what in power_campaign("sitl", seed=2, cuts=1)[0].what


@pytest.mark.board
@pytest.mark.timeout(200)
@pytest.mark.qemu("a hang needs a processor")
def test_a_short_flight_loses_nothing_and_recovers_from_a_hang() -> None:
    found = soak("qemu", str(UNRULY), 12.0, 4.0)
    write_soak(found)
    assert found.wrong == []
    assert len(found.recoveries_s) == 1
    assert len(found.heaps) == 2
    assert found.telecommands >= 9


@pytest.mark.board
@pytest.mark.qemu("a leak needs a heap of its own")
def test_a_flight_finds_an_app_that_leaks_slowly() -> None:
    found = Soak(seconds=8.0)
    with board_of(str(UNRULY)) as ground:
        ground.set({"unruly.now": LEAK_SLOWLY})
        fly_quietly(ground, 8.0, found, Progress("flight", 8.0))
    assert [what[:14] for what in found.wrong] == ["free heap fell"]


@pytest.mark.long
@pytest.mark.board
@pytest.mark.timeout(SECONDS + 900)
@pytest.mark.qemu("a hang needs a processor")
def test_a_long_flight_loses_nothing_and_recovers_from_every_hang() -> None:
    """An hour; SOAK_SECONDS makes it another time."""
    found = soak("qemu", str(UNRULY), SECONDS, 300.0)
    write_soak(found)
    assert found.wrong == []
    assert len(found.recoveries_s) >= SECONDS / 3 / 400
