"""A board that flies while faults come: housekeeping by itself, telecommands from us, and what of it goes wrong.

`ask` reads settable parameters, which nobody changes here: a telecommand that has to go through all stages and whose
answer is known. `Watch` gathers what of the board's doings is not as it should be.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from flight.limits import WATCHDOG_MS
from perilune.dictionary import Dictionary
from perilune.errors import PeriluneError
from perilune.link.sequence_controlled import Phase
from perilune.telemetry.decode import HEALTH
from perilune.telemetry.reports import EventReport, HousekeepingReport, ParameterReport, Value

from hil.bench import Bench
from hil.ground import Ground, Request
from hil.targets.make import make_plant, make_target

# A board that came to harm is back after so long: the watchdog's time, and the start.
RECOVERY_S = WATCHDOG_MS / 1000 + 5.0
SETTLING_S = 2.5  # after a start, until units on the payload bus were found and told of
ASKED = 56  # parameters in one telecommand
TO_NOMINAL = {"SAFE": ("STANDBY", "NOMINAL"), "SURVIVAL": ("STANDBY", "NOMINAL"), "STANDBY": ("NOMINAL",)}
# Events by which the board tells that it found a fault of its memory and mended it.
CORRECTIONS = frozenset({"core.memory_mended"})
STARTED = frozenset({"core.boot", "core.crash", "modes.changed", "modes.repeated_resets"})


class FlyingBoard:
    """One board of a bench, in a folder of its own, with the plant on its bus."""

    def __init__(self, bench: Bench, dictionary: Dictionary, folder: Path) -> None:
        self.bench = bench
        self.dictionary = dictionary
        self._folder = folder
        self._settable = [point for point in dictionary.points.values() if point.settable]
        self._asked = 0
        self.known: dict[str, Value] = {}
        self.ground = self._make()

    def _make(self) -> Ground:
        target = make_target(self.bench, Path(tempfile.mkdtemp(dir=self._folder)))
        if not target.why_not("bus") and (plant := make_plant(self.bench)) is not None:
            target.attach(plant)
        return Ground(target, self.dictionary)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.ground.target.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.ground.target.stop()

    @property
    def rounds(self) -> int:
        """Telecommands after which every settable parameter was asked for."""
        return -(-len(self._settable) // ASKED)

    def start(self) -> None:
        """First boot: parameters are read as they should stay."""
        self.ground.target.boot()
        self.ground.await_boot()
        self.make_ready()
        for _ in range(self.rounds):
            request = self.ask()
            self.ground.finish(request)
            self.known |= self.answer(request)

    def renew(self) -> None:
        """Another board in its place, with empty storage."""
        self.ground.target.stop()
        self.ground = self._make()
        self.ground.target.boot()
        self.ground.await_boot()
        self.make_ready()

    def make_ready(self) -> None:
        """After a start: out of isolation, and to NOMINAL, so that every app runs."""
        ground = self.ground
        ground.run_for(SETTLING_S)
        now = str(ground.value("modes.mode"))
        if ground.value("modes.isolated"):
            ground.do("modes.change", mode=now)
        for mode in TO_NOMINAL.get(now, ()):
            ground.do("modes.change", mode=mode)
        ground.run_for(0.5)

    def ask(self) -> Request:
        """Send a telecommand that reads the next parameters."""
        points = [self._settable[(self._asked + n) % len(self._settable)] for n in range(ASKED)]
        self._asked = (self._asked + ASKED) % len(self._settable)
        return self.ground.send("core.read_parameters", [{"parameter": point.id} for point in points])

    def answer(self, request: Request) -> dict[str, Value]:
        """What it answered, since the mark that sending set."""
        return {name: value for report in self.ground.of_kind(ParameterReport) for name, value in report.values.items()}


def health_s(ground: Ground, first: int) -> float | None:
    """When the first housekeeping since the last start came, in s of the target's time; None while there is none.

    first: index in `ground.reports` of the first report that is looked at.
    """
    came_s: float | None = None
    for report, time_s in zip(ground.reports[first:], ground.times_s[first:], strict=True):
        if isinstance(report, EventReport) and report.name == "core.boot":
            came_s = None
        elif isinstance(report, HousekeepingReport) and report.name == HEALTH and came_s is None:
            came_s = time_s
    return came_s


class Signs(msgspec.Struct):
    """What was seen of a board in a time. wrong: what was not as it should be. started: its boot event came."""

    wrong: list[str] = []
    started: bool = False
    answered: bool = False
    heard: bool = False  # health came
    corrected: str = ""


class Watch:
    """Looks at a board from now on: what of its doings is wrong."""

    def __init__(self, board: FlyingBoard) -> None:
        self.board = board
        self.ground = board.ground
        self.first = len(self.ground.reports)
        self._losses = dict(self.ground.lost)
        self.start_s = self.ground.target.now_s()
        self.request: Request | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the look began."""
        return self.ground.target.now_s() - self.start_s

    def step(self) -> None:
        """Take in what comes. A link that gave up is started anew. Raises TargetDied."""
        self.ground.step()
        if self.ground.session.service.phase is not Phase.ACTIVE:
            try:
                self.ground.session.start(2.0)
            except PeriluneError:
                self.ground.target.check_alive()
            self.request = None
        if self.request is None:
            self.request = self.board.ask()

    def health_s(self) -> float | None:
        """Seconds from the look's begin to the first housekeeping since the last start; None while there is none."""
        came_s = health_s(self.ground, self.first)
        return None if came_s is None else came_s - self.start_s

    def signs(self) -> Signs:
        """What there is to see so far."""
        reports = self.ground.reports[self.first :]
        signs = Signs()
        events = [report for report in reports if isinstance(report, EventReport)]
        signs.started = any(event.name == "core.boot" for event in events)
        signs.heard = any(isinstance(report, HousekeepingReport) and report.name == HEALTH for report in reports)
        request = self.request
        if request is not None and request.is_over:
            signs.answered = request.failure is None
            if request.failure is not None:
                signs.wrong.append(f"a telecommand failed: {request.failure.shown}")
            elif signs.answered:
                signs.wrong += self._wrong_values()
        if not signs.started:
            signs.wrong += [f"event {e.name}: {e.text}" for e in events if e.name not in STARTED | CORRECTIONS]
        signs.corrected = "; ".join(e.text for e in events if e.name in CORRECTIONS)
        for kind, count in self.ground.lost.items():
            if count > self._losses[kind] and not signs.started:
                signs.wrong.append(f"{count - self._losses[kind]} {kind} lost or damaged")
        return signs

    def _wrong_values(self) -> list[str]:
        if self.request is None:
            return []
        return [
            f"{name} is {value.shown}, was {self.board.known[name].shown}"
            for name, value in self.board.answer(self.request).items()
            if name in self.board.known and value.raw != self.board.known[name].raw
        ]
