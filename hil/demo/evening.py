"""One evening of a payload: from the first housekeeping into the lunar night, with a heater that fails on the way.

Everything goes the way that operators go: the ground of their tools over the board's serial link, commands by COP-1 and
authenticated, the sequence loaded in parts and read back, housekeeping checked, everything archived. What is true, the
plant tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec
from perilune.archive.recording_link import RecordingLink
from perilune.archive.writer import ArchiveWriter
from perilune.client.ground import AnyReport, Ground
from perilune.client.owned_link import OwnedLink
from perilune.dictionary import Dictionary
from perilune.errors import PeriluneError
from perilune.housekeeping.ask import ask_structures
from perilune.housekeeping.check import Checker, Verdict
from perilune.housekeeping.expectation import Expectation, read_expectation
from perilune.link.transport import ReconnectingTransport
from perilune.link.uplink import UplinkEncoder
from perilune.run_record import RunRecorder
from perilune.sequence.execute import Execution, StepDone, activate, follow
from perilune.sequence.ground_board import GroundBoard
from perilune.sequence.load import Loader, LoadProgress
from perilune.sequence.octets import CompiledSequence, compile_steps
from perilune.sequence.text import load_sequence
from perilune.telemetry.reports import EventReport, HousekeepingReport, Report

from hil.bench import Bench
from hil.demo.findings import Finding, Watch
from hil.ground import TargetTransport, authenticator
from hil.plant.attached import AttachedPlant
from hil.plant.recording import recorder
from hil.targets.errors import TargetError
from hil.targets.target import Target

HERE = Path(__file__).resolve().parent
# The Moon's time goes so many times faster than the board's; the board knows.
SPEED = 60
SYNODIC_HOUR_S = 2_551_443 / 24
# The evening begins so long before sunset, and the payload goes to rest by itself so long before it.
BEFORE_SUNSET_S = 4200.0
DUSK_S = 900
NIGHT_S = 30.0  # of the board: how long the night is looked at
# Whose heater fails, when a step of the sequence that begins so is over: then it should be off.
FAULT_ZONE = "radio"
FAULT_AFTER = "WAIT thermal.battery_heater_a"
# How long housekeeping is looked at before anything is commanded to change the payload.
BEGINNING_S = 6.0
# Units are read each second of the board; housekeeping comes often enough to be looked at.
SETTINGS = {"device.time_scale": SPEED, "device.period_s": 1, "night.dusk_s": DUSK_S}
PERIODS_MS = {
    "core.health": 1000, "power.main": 2000, "power.energy": 5000, "thermal.zones": 2000, "thermal.heaters": 2000,
    "thermal.state": 5000, "night.main": 2000, "modes.modes": 2000,
}  # fmt: skip


class Shown(Protocol):
    """Whoever shows the evening to people."""

    def stage(self, text: str) -> None:
        """A new part of the evening begins."""

    def line(self, text: str) -> None:
        """Something happened."""

    def look(self, ground: Ground, truth: dict[str, float]) -> None:
        """Time has passed; the latest values."""


class Plan(msgspec.Struct, frozen=True):
    """What is done. expect: of housekeeping by night; settings: parameters beside SETTINGS."""

    sequence: Path = HERE / "evening.seq"
    expect: Path = HERE / "expect.toml"
    settings: dict[str, float] = {}


USUAL = Plan()


class Outcome(msgspec.Struct, frozen=True):
    """What came of it. verdicts: on housekeeping, by what was looked at. took_s: wall time."""

    findings: list[Finding]
    verdicts: dict[str, Verdict]
    events: list[tuple[float, str, str, str]]
    steps: list[tuple[float, str]]
    commands: int
    frames: int
    took_s: float

    @property
    def passed(self) -> bool:
        """Everything is as it should be."""
        return all(finding.ok for finding in self.findings)


class Evening:
    """target: booted by run(), with a plant attached. folder: where the archive and the record go."""

    def __init__(
        self,
        target: Target,
        dictionary: Dictionary,
        folder: Path,
        shown: Shown,
        plan: Plan = Plan(),  # noqa: B008
    ) -> None:
        if target.plant is None:
            raise ValueError("the demo needs a plant on the payload bus")
        self._target = target
        self._plant: AttachedPlant = target.plant
        self._dictionary = dictionary
        self._folder = folder
        self._shown = shown
        self._plan = plan
        self._started = time.monotonic()
        self._events: list[tuple[float, str, str, str]] = []
        self._steps: list[tuple[float, str]] = []
        self._watch = Watch(self._plant.call(lambda plant: {n.name: n.limits for n in plant.payload.node}))
        self._record: RunRecorder | None = None
        self._commands = 0
        self._loaded = -1
        self._found_stuck: set[str] = set()  # zones whose heater the board found to be on by itself
        self.transport = TargetTransport(target)

    # --- the evening --------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """From power-on to the verdict. Raises PeriluneError or TargetError when the board does not start."""
        self._shown.stage("power on")
        self._target.boot()
        wall = time.time() - self._target.now_s()
        archive = ArchiveWriter(self._folder / "archive.sqlite", self._dictionary)
        owned = OwnedLink(
            ReconnectingTransport(lambda: self.transport, self._target.now_s),
            self._target.now_s,
            name=self._target.bench.name,
            encoder=UplinkEncoder(authenticator(self._target.bench, self._target.folder)),
            sleep=self._target.run_for,
        )
        link = RecordingLink(
            owned, archive, source="demo", wall=lambda: wall + self._target.now_s(), clock=self._target.now_s
        )
        ground = Ground(link, self._dictionary, clock=self._target.now_s, wall=lambda: wall + self._target.now_s())
        self._record = self._plant.call(lambda plant: recorder(self._folder / "run.npz", plant, "An evening"))
        self._plant_start_s = self._plant.call(lambda plant: plant.now_s)
        with ground, self._record:
            ground.subscribe(self._heard)
            findings: list[Finding] = []
            verdicts: dict[str, Verdict] = {}
            try:
                self._evening(ground, findings, verdicts)
            except (PeriluneError, TargetError) as error:
                # What was found until then is worth a report; that it ended early is a finding.
                findings.append(Finding("the evening went on to its end", "the night", str(error), False))
                self._shown.line(findings[-1].line)
            status = owned.status()
        findings += self._watch.findings()
        lost = status.downlink.missing_master + status.downlink.missing_packets + ground.decoder.counters.missing
        findings.append(Finding("nothing lost on the link", "0", f"{lost} frames, packets and reports", lost == 0))
        frames = status.downlink.frames
        took_s = time.monotonic() - self._started
        return Outcome(findings, verdicts, self._events, self._steps, self._commands, frames, took_s)

    def _evening(self, ground: Ground, findings: list[Finding], verdicts: dict[str, Verdict]) -> None:
        """Fly it. findings, verdicts on housekeeping by name: what was found, as it is found."""

        def judged(*rows: Finding) -> None:
            for row in rows:
                findings.append(row)
                self._shown.line(row.line)

        def checked(name: str, verdict: Verdict) -> None:
            verdicts[name] = verdict
            judged(_checked(f"housekeeping {name}", verdict))

        ground.await_link(self._target.bench.boot_s)
        ground.check_dictionary(self._target.bench.boot_s)
        self._shown.line(f"housekeeping comes: {ground.state.text}")
        self._commission(ground)
        beginning = self._begin_check(ground, Expectation())
        self._let_pass(ground, BEGINNING_S)
        checked("before the evening", beginning())
        self._shown.stage("the operator's evening")
        day = self._begin_check(ground, Expectation())
        uploaded = self._upload(ground)
        judged(_ended(self._run_sequence(ground, uploaded)))
        self._shown.stage("night falls")
        self._until(ground, lambda: ground.mode == "SURVIVAL", BEFORE_SUNSET_S / SPEED + 30)
        checked("by day", day())
        truth = self._plant.truth()
        judged(*self._sunset(ground, truth))
        judged(*self._fault_findings(truth))
        self._shown.stage("the night")
        # SURVIVAL has changed the intervals; the board tells which they are now.
        self._set_periods(ground)
        self._let_pass(ground, 3.0)
        night = self._begin_check(ground, read_expectation(self._plan.expect, self._dictionary))
        self._let_pass(ground, NIGHT_S)
        checked("by night", night())

    def _commission(self, ground: Ground) -> None:
        """What the ground does once after the landing: parameters, intervals, where the sun stands."""
        self._shown.stage("commissioning")
        settings = {**SETTINGS, **self._plan.settings}
        values = " ".join(f"(parameter={name} value={value})" for name, value in settings.items())
        self._command(ground, f"CORE.SET_PARAMETERS {values}")
        self._set_periods(ground)
        self._command(ground, "MODES.CHANGE mode=STANDBY")
        hour = self._plant.call(lambda plant: plant.local_time_h)
        self._command(ground, f"NIGHT.SET_SOLAR_TIME epoch_s=0 hour_angle_deg={(hour - 12.0) * 15.0:.4f}")

    def _set_periods(self, ground: Ground) -> None:
        sids = {name: row.sid for name, row in self._dictionary.housekeeping.items() if name in PERIODS_MS}
        items = " ".join(f"(sid={sid} period_ms={PERIODS_MS[name]})" for name, sid in sids.items())
        self._command(ground, f"CORE.CHANGE_PERIOD {items}")

    def _command(self, ground: Ground, text: str) -> None:
        """Send a command and show its stages. Raises PeriluneError when the board does not execute it."""
        result = ground.command(text)
        self._commands += 1
        stages = ", ".join(str(seen.stage) for seen in result.stages)
        self._shown.line(f"{text.split(' (', maxsplit=1)[0]}: {stages}")
        result.check()

    def _upload(self, ground: Ground) -> CompiledSequence:
        sequence, _ = load_sequence(self._plan.sequence, self._dictionary)
        assert sequence.id is not None
        compiled = CompiledSequence(sequence.id, sequence.name, len(sequence.steps), compile_steps(sequence.steps))
        self._texts = [step.text for step in sequence.steps]
        result = Loader(GroundBoard(ground), compiled, told=self._loading).load()
        self._shown.line(
            f"sequence {compiled.name}: {result.steps} steps, {result.octets} octets on board, CRC {result.crc:04X}"
        )
        return compiled

    def _loading(self, progress: LoadProgress) -> None:
        if progress.octets != self._loaded:
            self._loaded = progress.octets
            self._shown.line(f"upload: {progress.octets} of {progress.total} octets")

    def _run_sequence(self, ground: Ground, sequence: CompiledSequence) -> Execution:
        """Run the sequence; a heater fails on the way, while it should be off."""
        board = GroundBoard(ground)
        injected = False

        def heard(_report: Report) -> None:
            nonlocal injected
            if not injected and any(text.startswith(FAULT_AFTER) for _, text in self._steps):
                injected = True
                self._plant.inject("heater_stuck_on", heater=FAULT_ZONE)
                self._shown.line(f"FAULT INJECTED: the heater of the {FAULT_ZONE} is stuck on")
            self._looked(ground)

        def done(step: StepDone) -> None:
            text = self._texts[step.step] if step.step < len(self._texts) else ""
            self._steps.append((self._target.now_s(), text))
            self._shown.line(f"step {step.step + 1}: {text}")

        ending = follow(board, sequence.id, activate(board, sequence.id), told=done, on_report=heard)
        self._commands += 1
        return ending

    # --- looking ------------------------------------------------------------------------------------------------------

    def _heard(self, report: AnyReport) -> None:
        if isinstance(report, EventReport):
            plant_s = self._plant.call(lambda plant: plant.now_s) - self._plant_start_s
            self._events.append((plant_s, report.severity, report.name, report.text))
            self._shown.line(f"event [{report.severity}] {report.name}: {report.text}")
            if report.name == "thermal.heater_stuck_on":
                self._found_stuck.add(str(report.fields["zone"].text).lower())
            if self._record is not None:
                self._record.event(plant_s, report.severity, report.name, report.text)
                if report.name == "modes.changed" and report.fields["after"].text is not None:
                    self._record.mode(plant_s, report.fields["after"].text)
        elif isinstance(report, HousekeepingReport) and report.name == "core.health":
            self._sample()

    def _sample(self) -> None:
        truth = self._plant.truth()
        self._watch.look(truth)
        if self._record is not None:
            now_s = truth["time_s"] - self._plant_start_s
            self._record.sample(now_s, truth)

    def _looked(self, ground: Ground) -> None:
        self._shown.look(ground, self._plant.truth())

    def _let_pass(self, ground: Ground, seconds: float) -> None:
        self._until(ground, lambda: False, seconds)

    def _until(self, ground: Ground, is_done: Callable[[], bool], seconds: float) -> None:
        end_s = ground.clock() + seconds
        while not is_done() and (left_s := end_s - ground.clock()) > 0:
            ground.run(min(left_s, 0.5))
            self._looked(ground)

    def _begin_check(self, ground: Ground, expectation: Expectation) -> Callable[[], Verdict]:
        """Check housekeeping from now until the function is called."""
        checker = Checker(self._dictionary, expectation)
        start_s = ground.clock()
        end = ground.subscribe(lambda report: checker.add(report, ground.clock()))
        ask_structures(ground)

        def verdict() -> Verdict:
            end()
            return checker.verdict(start_s, ground.clock())

        return verdict

    # --- judging ------------------------------------------------------------------------------------------------------

    def _sunset(self, ground: Ground, truth: dict[str, float]) -> list[Finding]:
        elevation = truth["sun_elevation_deg"]
        mode = ground.mode or "unknown"
        return [
            Finding("the sun has set", "below the horizon", f"{elevation:.2f} deg", elevation < 0),
            Finding("the board is in SURVIVAL", "SURVIVAL", mode, mode == "SURVIVAL"),
        ]

    def _fault_findings(self, truth: dict[str, float]) -> list[Finding]:
        found = ", ".join(sorted(self._found_stuck)) or "none"
        watts = truth[f"heater_{FAULT_ZONE}_w"]
        return [
            Finding(
                "the stuck heater was found",
                f"event thermal.heater_stuck_on of {FAULT_ZONE} alone",
                found,
                self._found_stuck == {FAULT_ZONE},
            ),
            Finding("the stuck heater was isolated", "0 W", f"{watts:.1f} W", watts < 0.1),
        ]


def _ended(ending: Execution) -> Finding:
    found = "completed" if ending.completed else f"ended at step {ending.step}: {ending.failure}"
    return Finding("the sequence came to its end", "completed", found, ending.completed)


def _checked(name: str, verdict: Verdict) -> Finding:
    failing = [f"{row.kind} {row.subject} {row.detail}" for row in verdict.findings if row.fails]
    found = "; ".join(failing[:4]) or f"all {sum(row.received for row in verdict.structures)} reports as they should be"
    return Finding(name, "passed", found, verdict.passed)


def bench_of_the_evening(bench: Bench) -> Bench:
    """The bench with its plant shortly before sunset, in the fast time of the demo."""
    if bench.plant is None:
        raise PeriluneError(f"bench {bench.name} has no [plant]", next_step="use a bench with one")
    hour = 18.0 - BEFORE_SUNSET_S / SYNODIC_HOUR_S
    plant = msgspec.structs.replace(bench.plant, latitude_deg=0.0, local_time_h=hour, start_soc=0.9, speed=float(SPEED))
    return msgspec.structs.replace(bench, plant=plant)
