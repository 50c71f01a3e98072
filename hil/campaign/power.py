"""Power cuts at random instants while a board stores all the time: what it finds afterwards is the old or the new.

The load: pairs of parameters that are set together, requests for the schedule, sequences that are unloaded and loaded.
Every telecommand carries a number, so what a start finds tells which was the last one that was stored. It must lie
between the last one that the board reported as completed and the last one that was sent.

In `sitl` the power goes in the middle of a write to storage, at an octet that the seed chooses, or at a random instant;
on other targets at a random instant. Every tenth cut is followed by a brown-out: on-times too short to start.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from flight.codec import crc16
from flight.hal.host import MemoryStorage
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.errors import PeriluneError
from perilune.sequence.octets import compile_steps
from perilune.sequence.text import read_sequence
from perilune.telemetry.onboard_time import OnboardTime
from perilune.telemetry.reports import Failure, SequenceChecksumReport

from hil.bench import load_bench
from hil.campaign.outcome import Judged, Outcome
from hil.faults import brown_out
from hil.ground import Ground, Request
from hil.plant.progress import Progress
from hil.targets.errors import TargetError
from hil.targets.make import make_plant, make_target
from hil.targets.sitl_target import SitlTarget

LOSS, WINDOW = "modes.command_loss_s", "modes.reset_window_s"
LOSS_BASE, WINDOW_BASE = 10_000, 1_000
SEQUENCE = 200
SEQUENCE_EVERY = 5  # parameters
SCHEDULED_MOST = 40
LOAD_S = 1.2  # longest time under load before a cut
OCTETS_MOST = 1500  # longest way to a cut in octets written
# SURVIVAL is not among them: it is for the night, and nothing here commands it.
SAFE_OR_BETTER = ("SAFE", "STANDBY", "NOMINAL", "SCIENCE")


class PowerGone(Exception):
    """The power of a board in this process went in the middle of a write."""


class CutStorage(MemoryStorage):
    """left: octets that can still be written before the power goes; None = any number."""

    left: int | None = None

    def program(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        """Write as far as the power lasts."""
        if self.left is not None:
            if end - start > self.left:
                super().program(offset, buffer, start, start + self.left)
                raise PowerGone
            self.left -= end - start
        return super().program(offset, buffer, start, end)

    def erase(self, sector: int) -> int:
        """An erasure is begun or done, and takes as long as many octets."""
        if self.left is not None:
            if self.left < OCTETS_MOST // 4:
                raise PowerGone
            self.left -= OCTETS_MOST // 4
        return super().erase(sector)


class Load:
    """What is stored, by number. done: the last of each kind that was reported as completed; sent: the last sent.

    An unload has the number of the load that follows it.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.done = {"parameters": 0, "schedule": 0, "sequence": 0, "unload": 0}
        self.sent = dict(self.done)
        self._open: list[tuple[str, int, Request]] = []
        self._base = OnboardTime(0, 0, 0)

    def begin(self) -> None:
        """After a start: nothing is under way, numbers go on from what was found."""
        ground = self._ground
        self._open.clear()
        ground.do("schedule.reset")
        ground.do("schedule.enable")
        self.done["schedule"] = self.sent["schedule"] = 0
        self._base = ground.onboard_now()

    def step(self) -> None:
        """Keep a few telecommands under way; note those that are over."""
        for kind, number, request in list(self._open):
            if request.is_over:
                self._open.remove((kind, number, request))
                if request.failure is None:
                    self.done[kind] = max(self.done[kind], number)
        if len(self._open) < 4:
            self._send()
        self._ground.step(0.005)

    def _send(self) -> None:
        ground = self._ground
        number = self.sent["parameters"] = self.sent["parameters"] + 1
        values = {LOSS: LOSS_BASE + number, WINDOW: WINDOW_BASE + number}
        self._note("parameters", number, ground.send("core.set_parameters", ground.items(values)))
        if number % 2 and self.sent["schedule"] < SCHEDULED_MOST:
            self.sent["schedule"] += 1
            at = OnboardTime(self._base.seconds + 36_000 + number, 0, self._base.status)
            octets = at.seconds.to_bytes(4, "big") + bytes(2) + ground.packet("core.ping", source=5).pack()
            insert = ground.dictionary.commands["schedule.insert"]
            packet = ground.any_packet(insert.service, insert.subtype, b"\x01" + octets)
            self._note("schedule", self.sent["schedule"], ground.send_packet(packet, insert.name))
        if number % SEQUENCE_EVERY == 0:
            self.sent["sequence"] = self.sent["unload"] = number
            self._note("unload", number, ground.send("sequence.unload", sequence=SEQUENCE))
            steps, octets = self.sequence(number)
            loading = ground.send("sequence.load", sequence=SEQUENCE, steps=steps, octets=octets)
            self._note("sequence", number, loading)

    def _note(self, kind: str, number: int, request: Request) -> None:
        self._open.append((kind, number, request))

    def sequence(self, number: int) -> tuple[int, bytes]:
        """Steps and octets of the sequence of that number."""
        text = f"SEQUENCE {SEQUENCE}\n" + f"R00:00:0{number % 9} CORE.PING\n" * (3 + number % 7)
        sequence, problems = read_sequence(text + f"R00:{number % 60:02}:00 CORE.PING\n", self._ground.dictionary)
        assert sequence is not None, problems
        return len(sequence.steps), compile_steps(sequence.steps)

    def found_wrong(self) -> list[str]:
        """What a start finds that is neither the old nor the new."""
        ground = self._ground
        wrong = []
        mode = ground.value("modes.mode")
        if mode not in SAFE_OR_BETTER:
            wrong.append(f"mode {mode}")
        if ground.value("modes.isolated"):
            wrong.append("apps are isolated")
        loss, window = ground.number(LOSS), ground.number(WINDOW)
        number = int(loss) - LOSS_BASE
        if self.sent["parameters"] and window - WINDOW_BASE != number:
            wrong.append(f"{LOSS} is of {number}, {WINDOW} of {window - WINDOW_BASE:g}")
        if not self.done["parameters"] <= number <= self.sent["parameters"] and self.done["parameters"]:
            wrong.append(f"parameters of {number}, {self.done['parameters']} to {self.sent['parameters']} can be")
        self.done["parameters"] = max(number, 0)
        waiting = ground.wait_value("schedule.waiting", lambda _: True, ask=True)
        if not self.done["schedule"] <= waiting <= self.sent["schedule"]:
            wrong.append(f"{waiting} requests wait, {self.done['schedule']} to {self.sent['schedule']} can be")
        wrong += self._wrong_sequence()
        return wrong

    def _wrong_sequence(self) -> list[str]:
        """Of a number between the last that was loaded or unloaded and the last sent; absent after an unload only.

        What is found is what the next cut begins with.
        """
        ground, done = self._ground, self.done
        request = ground.finish(ground.send("sequence.checksum", sequence=SEQUENCE))
        loaded, begun = done["sequence"], self.sent["unload"]
        if request.failure is not None:
            done["sequence"] = done["unload"] = 0
            if not _is_unknown(request.failure):
                return [f"sequence: {request.failure.shown}"]
            return [f"sequence {loaded} is gone, and nothing unloaded it"] if loaded and begun <= loaded else []
        [report] = ground.of_kind(SequenceChecksumReport)
        can_be = [
            n for n in range(max(loaded, done["unload"]), self.sent["sequence"] + 1) if n and not n % SEQUENCE_EVERY
        ]
        found = [n for n in can_be if report.crc == _crc(self.sequence(n)[1])]
        if not found:
            return [f"the sequence is none of {', '.join(map(str, can_be))}, which can be"]
        done["sequence"] = done["unload"] = self.sent["unload"] = found[0]
        return []


def _crc(octets: bytes) -> int:
    return crc16(octets, 0, len(octets))


def _is_unknown(failure: Failure) -> bool:
    return "unknown" in failure.shown.lower()


def judge_cut(ground: Ground, work: Load, source: random.Random, number: int) -> Judged:
    """Load the board, cut its power, look at what its start finds."""
    target = ground.target
    storage = target.storage if isinstance(target, SitlTarget) else None
    inside = isinstance(storage, CutStorage) and source.random() < 0.7
    begin_s, after_s = target.now_s(), source.uniform(0.0, LOAD_S)
    if inside and isinstance(storage, CutStorage):
        storage.left = source.randrange(OCTETS_MOST)
    place = "in a write" if inside else f"{after_s:.3f} s into the load"
    try:
        while inside or target.now_s() - begin_s < after_s:
            work.step()
    except PowerGone:
        pass
    if isinstance(storage, CutStorage):
        storage.left = None
    ground.mark()
    target.power_off()
    if number % 10 == 9:
        place += ", then a brown-out"
        brown_out(target, source.randrange(3, 8), source.randrange(1 << 16))
    else:
        target.power_on()
    try:
        ground.await_boot()
        wrong = work.found_wrong()
        work.begin()
    except (TargetError, PeriluneError) as error:
        return Judged(number=number, region="power", place=place, outcome=Outcome.DEAD, what=str(error)[:200])
    outcome = Outcome.WRONG if wrong else Outcome.NO_EFFECT
    return Judged(number=number, region="power", place=place, outcome=outcome, what="; ".join(wrong))


def power_campaign(bench_name: str, seed: int, cuts: int) -> list[Judged]:
    """Cut the power of one board so many times; ends at the first cut that it did not survive."""
    bench = load_bench(bench_name)
    source = random.Random(seed)
    judged: list[Judged] = []
    with (
        tempfile.TemporaryDirectory(prefix="perilune-campaign-") as folder,
        make_target(bench, Path(folder)) as target,
        Progress("power cuts", cuts) as bar,
    ):
        if isinstance(target, SitlTarget):
            target.storage = CutStorage()
        if not target.why_not("bus") and (plant := make_plant(bench)) is not None:
            target.attach(plant)
        target.boot()
        ground = Ground(target, load([CORE, *bench.mission_folders]))
        ground.await_boot()
        # Cuts are starts that nobody commanded: three of them isolate a board, as they should; not this one, as long
        # as it keeps this.
        ground.set({"modes.reset_limit": 0})
        work = Load(ground)
        work.begin()
        for number in range(cuts):
            bar.update(number)
            judged.append(judge_cut(ground, work, source, number))
            if judged[-1].outcome is Outcome.DEAD:
                break
    return judged
