"""A sequence flown before it is loaded: the flight software in this process against the lunar plant, in virtual time.

The board gets the same octets that `seq upload` sends, by the same requests. Reported: the time of each step and what
came of it, energy, state of charge, temperatures, modes, limits that were left, requests that failed, events.

Start: the plant is made at the state's place, hour, temperatures and state of charge; the board starts on it, is
brought to the state's time, mode, loads and parameters, and hears its units for SETTLE_S; then the plant is put back to
the state, and the sequence begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dictionary.model import Dictionary
from ..dictionary.vocabulary import MODES, ON_BOARD_SOURCE
from ..telemetry.codes import failure_name
from ..telemetry.onboard_time import BOARD_EPOCH_S, OnboardTime
from .limit_watch import LimitWatch
from .load import PART_OCTETS
from .octets import checksum, compile_steps, cuc
from .rehearsal import Energy, Happening, LimitTrip, Rehearsal, RehearsalError, RequestFailure, StepRun, Temperature
from .start_state import StartState
from .steps import SequenceText

if TYPE_CHECKING:
    from hil.closed_loop import ClosedLoop

SETTLE_S = 60.0
TAIL_S = 600.0
PIECE_S = 10.0
# Pictures need no more samples.
SAMPLES = 600
LONGEST_S = 35 * 86400.0
KELVIN = 273.15
_DONE = 0


def rehearse(
    sequence: SequenceText,
    start: StartState,
    dictionary: Dictionary,
    folders: Sequence[Path],
    *,
    tail_s: float = TAIL_S,
    for_s: float = 0.0,
    record: Path | None = None,
    told: Callable[[float, float], None] = lambda _done, _total: None,
) -> Rehearsal:
    """Fly it. start: a checked one. tail_s: how long to watch after its end; for_s: at least so long in all.

    told: hears (time that was flown, of about so much).
    Raises RehearsalError when the board does not take the state or the sequence.
    """
    began = time.monotonic()
    try:
        from hil.closed_loop import ClosedLoop  # noqa: PLC0415  # takes a second, and the plant's packages
        from hil.plant.plant import Plant  # noqa: PLC0415
    except ImportError as error:
        raise RehearsalError(
            "the plant is not installed", found=str(error), next_step="pip install 'perilune[hil]'"
        ) from error
    plant = Plant(
        start.latitude_deg,
        start.local_time_h % 24.0,
        start_soc=None if start.battery_soc is None else start.battery_soc / 100.0,
    )
    expected_s = max(for_s, min(sequence.least_ms / 1000 + tail_s, LONGEST_S))
    loop = ClosedLoop(
        plant,
        folders,
        dictionary=dictionary,
        record=record,
        sample_s=max(PIECE_S, round(expected_s / SAMPLES / PIECE_S) * PIECE_S),
        title=f"rehearsal of {sequence.name or sequence.path}",
    )
    flight = _Flight(loop, sequence, start, dictionary)
    flight.prepare()
    flight.activate()
    flight.fly(tail_s, for_s, expected_s, told)
    if loop.recorder is not None:
        loop.recorder.facts.update(sequence=sequence.name or sequence.path, start=start.source)
        loop.recorder.flush()
    return flight.result(time.monotonic() - began, record)


class _Flight:
    """One rehearsal under way."""

    def __init__(self, loop: ClosedLoop, sequence: SequenceText, start: StartState, dictionary: Dictionary) -> None:
        self._loop = loop
        self._sequence = sequence
        self._start = start
        self._dictionary = dictionary
        self._id = sequence.id or _free_id(dictionary)
        self._steps: list[StepRun] = []
        self._failures: list[RequestFailure] = []
        self._limits = LimitWatch(loop, dictionary)
        self._ended: str | None = None
        self._core: Any = None
        self._t0 = 0.0  # of the loop, when the sequence is activated
        self._epoch_at_t0 = 0.0  # on-board time then, seconds since 1958
        self._epoch = start.moment or _first_moment(sequence) or OnboardTime(BOARD_EPOCH_S, 0, 1)

    # --- before -------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """The board on the plant, in the state, with the sequence loaded."""
        loop, start = self._loop, self._start
        recorder, loop.recorder = loop.recorder, None  # nobody wants to see the board being made ready
        self._put_plant()
        loop.run(1.0)
        self._command("time.set_time", octets=cuc(self._epoch))
        commands = self._dictionary.commands
        if "night.latitude_deg" in self._dictionary.points:
            self._parameter("night.latitude_deg", start.latitude_deg)
        if "night.set_solar_time" in commands:
            angle = (start.local_time_h - 12.0) * 15.0
            self._command("night.set_solar_time", epoch_s=0, hour_angle_deg=angle)
        for name, value in start.parameters.items():
            self._parameter(name, value)
        if start.battery_soc is not None and "power.set_soc" in commands:
            self._command("power.set_soc", percent=start.battery_soc)
        for load in start.loads:
            self._command("power.load_on", load=load.upper())
        self._go_to(start.mode)
        loop.run(max(0.0, SETTLE_S - loop.now_s))
        self._put_plant()
        self._load()
        self._core = loop.board.core
        self._listen()
        loop.recorder = recorder
        if recorder is not None:
            recorder.mode(loop.now_s, loop.mode)

    def _put_plant(self) -> None:
        plant, start = self._loop.plant, self._start
        for zone, celsius in start.temperatures.items():
            if zone in plant.thermal.names:
                plant.thermal.temperature[plant.payload.node_index(zone)] = celsius + KELVIN
        if start.battery_soc is not None:
            plant.battery.charge_ah = plant.battery.full_ah * start.battery_soc / 100.0

    def _command(self, name: str, **arguments: Any) -> None:
        command = self._dictionary.commands[name]
        if command.hazardous:
            self._command("core.arm", service=command.service, subtype=command.subtype, function=command.function)
        failed = self._loop.command(name, 0.2, **arguments)
        if failed:
            code = failure_name(self._loop.board.core.verification.last_code)
            text = " ".join([name.upper(), *(f"{key}={value}" for key, value in arguments.items() if key != "octets")])
            raise RehearsalError(
                f"the rehearsed board does not take {text}", found=code, next_step="correct the start state"
            )

    def _parameter(self, name: str, value: float) -> None:
        point = self._dictionary.points[name]
        self._command("core.set_parameters", items=[{"parameter": point.id, "value": value}])

    def _go_to(self, mode: str | None) -> None:
        """By the shortest way that the transition table has."""
        if mode is None:
            return
        for name in _way(self._dictionary, self._loop.mode, mode):
            self._command("modes.change", mode=name)
            self._loop.run(1.0)
        if self._loop.mode != mode:
            raise RehearsalError(
                "the rehearsed board does not reach the mode of the start", expected=mode, found=self._loop.mode
            )

    def _load(self) -> None:
        octets = compile_steps(self._sequence.steps)
        self._command(
            "sequence.begin_load",
            sequence=self._id,
            steps=len(self._sequence.steps),
            length=len(octets),
            crc=checksum(octets),
        )
        for at in range(0, len(octets), PART_OCTETS):
            part = octets[at : at + PART_OCTETS]
            self._command("sequence.load_part", sequence=self._id, offset=at, octets=part)
        self._command("sequence.end_load", sequence=self._id)

    # --- what the board does ------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Hear the ends of steps and the failures of requests where the board finds them.

        Decoding the downlink would tell the same and take ten times the rest.
        """
        core = self._core
        executor, verification = core.sequencing.executor, core.verification
        next_step, end, failure, abort = executor._next, executor._end, verification._failure, verification.abort

        def is_ours(execution: int) -> bool:
            return bool(executor.table.ids[executor.place_of(execution)] == self._id)

        def heard_next(execution: int, behind: int, now_ms: int, code: int) -> None:
            if is_ours(execution):
                self._step_ended(executor.number_of(execution), code, executor._step.go_on)
            next_step(execution, behind, now_ms, code)

        def heard_end(execution: int, code: int, why: int) -> None:
            if is_ours(execution):
                self._ended = f"ended at step {executor.number_of(execution) + 1} with {failure_name(why)}"
            end(execution, code, why)

        def heard_failure(subtype: int, request: Any, code: int) -> None:
            function = request.function if (request.service, request.subtype) == (8, 1) else 0
            self._failed(self._name(request.service, request.subtype, function), code)
            failure(subtype, request, code)

        def heard_abort(slot: int, code: int, *rest: int) -> None:
            # The execution of the sequence itself belongs to the ground.
            if verification._sources[slot] == ON_BOARD_SOURCE:
                self._failed("a request that had been started", code)
            abort(slot, code, *rest)

        executor._next, executor._end = heard_next, heard_end
        verification._failure, verification.abort = heard_failure, heard_abort

    def _name(self, service: int, subtype: int, function: int) -> str:
        command = self._dictionary.request(service, subtype, function)
        return f"{service}/{subtype}" if command is None else command.name.upper()

    def _failed(self, request: str, code: int) -> None:
        self._failures.append(RequestFailure(self._since(), request, failure_name(code)))

    def _since(self) -> float:
        return round(self._loop.now_s - self._t0, 3)

    def _step_ended(self, number: int, code: int, go_on: bool) -> None:
        step = self._sequence.steps[number]
        outcome = "done" if code == _DONE else failure_name(code)
        at_s = self._since()
        self._steps.append(StepRun(number + 1, step.line, step.text, at_s, self._utc(at_s), outcome, go_on))
        if number + 1 == len(self._sequence.steps) and (code == _DONE or go_on):
            self._ended = ""
        if self._loop.recorder is not None:
            severity = "info" if code == _DONE else "medium"
            self._loop.recorder.event(self._loop.now_s, severity, f"step {number + 1}", f"{step.text}: {outcome}")

    def _utc(self, at_s: float) -> str:
        whole = self._epoch_at_t0 + at_s + 0.0005  # to the nearest millisecond
        return OnboardTime(int(whole), int(whole % 1 * 65536), 1).iso

    # --- the flight ---------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        """Begin."""
        loop = self._loop
        board_time = self._core.time
        board_time.update()
        self._epoch_at_t0 = float(BOARD_EPOCH_S + board_time.seconds + board_time.fraction / 65536)
        self._t0 = loop.now_s
        plant = loop.plant
        plant.extremes.low[:] = plant.extremes.high[:] = plant.thermal.temperature
        plant.extremes.soc_low = plant.battery.soc
        self._energy0 = dict(vars(plant.energy))
        self._soc0 = plant.battery.soc
        self._temperatures0 = plant.thermal.temperature.copy()
        self._modes0, self._events0 = len(loop.modes), len(loop.events)
        self._mode0 = loop.mode
        loop.command("sequence.activate", 0.0, sequence=self._id)

    def fly(self, tail_s: float, for_s: float, expected_s: float, told: Callable[[float, float], None]) -> None:
        """To its end and *tail_s* more."""
        loop = self._loop
        end_s: float | None = None
        longest_s = min(LONGEST_S, self._longest_s())
        while end_s is None or loop.now_s < end_s:
            left_s = PIECE_S if end_s is None else end_s - loop.now_s
            loop.run(min(PIECE_S, left_s))
            self._limits.look(loop.now_s - self._t0)
            done_s = loop.now_s - self._t0
            told(done_s, max(expected_s, done_s))
            if loop.board.core is not self._core:
                self._ended = self._ended or "was stopped by a restart of the board"
                self._core = loop.board.core
            if end_s is None and (self._ended is not None or done_s >= longest_s):
                end_s = max(loop.now_s + tail_s, self._t0 + for_s)

    def _longest_s(self) -> float:
        """When every WAIT has timed out and every time has come, it is over."""
        steps = self._sequence.steps
        moments = [step.moment.tai_s - self._epoch_at_t0 for step in steps if step.moment is not None]
        return max([0.0, *moments]) + self._sequence.most_ms / 1000 + SETTLE_S

    # --- after --------------------------------------------------------------------------------------------------------

    def result(self, wall_s: float, record: Path | None) -> Rehearsal:
        """What is predicted."""
        loop = self._loop
        trips = tuple(self._limits.trips())
        modes = (
            Happening(0.0, self._mode0, "info", "at the start"),
            *(Happening(round(m.time_s - self._t0, 1), m.mode, "info", m.reason) for m in loop.modes[self._modes0 :]),
        )
        events = tuple(
            Happening(round(e.time_s - self._t0, 1), e.name, e.severity, e.text) for e in loop.events[self._events0 :]
        )
        return Rehearsal(
            sequence=self._sequence.name or self._sequence.path,
            start=self._start,
            start_utc=self._utc(0.0),
            duration_s=round(loop.now_s - self._t0, 1),
            completed=self._ended == "",
            steps=tuple(self._steps),
            energy=self._energy(),
            temperatures=self._temperatures(),
            modes=modes,
            limit_trips=trips,
            failures=tuple(self._failures),
            events=events,
            verdict=tuple(self._verdict(trips, events)),
            wall_s=round(wall_s, 2),
            record=None if record is None else str(record),
        )

    def _energy(self) -> Energy:
        plant = self._loop.plant
        used = {name: round(value - self._energy0[name], 2) for name, value in vars(plant.energy).items()}
        soc = (self._soc0, min(plant.extremes.soc_low, self._soc0), plant.battery.soc)
        start, low, end = (round(100.0 * value, 2) for value in soc)
        return Energy(**used, soc_start=start, soc_low=low, soc_end=end)

    def _temperatures(self) -> tuple[Temperature, ...]:
        plant = self._loop.plant
        rows = []
        for k, node in enumerate(plant.payload.node):
            low, high = plant.extremes.low[k] - KELVIN, plant.extremes.high[k] - KELVIN
            start, end = self._temperatures0[k] - KELVIN, plant.thermal.temperature[k] - KELVIN
            start, low, high, end = (round(float(value), 2) for value in (start, low, high, end))
            rows.append(Temperature(node.name, start, low, high, end, (node.limits[0], node.limits[1])))
        return tuple(rows)

    def _verdict(self, trips: Sequence[LimitTrip], events: Sequence[Happening]) -> list[str]:
        found = []
        if self._ended != "":
            found.append(f"the sequence {self._ended or 'does not end'}")
        for step in self._steps:
            if not step.ok and step.went_on:
                found.append(
                    f"step {step.number} (line {step.line}) fails with {step.outcome}, and the sequence goes on"
                )
        found += [f"{row.request} fails with {row.failure} after {row.at_s:g} s" for row in self._failures]
        found += _red(trips)
        found += [f"{row.name} after {row.at_s:g} s: {row.text}" for row in events if row.severity == "high"]
        found += [row for row in self._loop.findings() if not row.startswith("sequences aborted")]
        return list(dict.fromkeys(found))


def _red(trips: Sequence[LimitTrip]) -> list[str]:
    """Each point that was red once, with its worst value."""
    found = []
    for point in dict.fromkeys(trip.point for trip in trips if trip.state == "red"):
        rows = [trip for trip in trips if (trip.point, trip.state) == (point, "red")]
        worst = max(rows, key=lambda trip: trip.excess)
        times = "" if len(rows) == 1 else f", {len(rows)} times"
        found.append(f"{point} is red{times}: {worst.worst:g} {worst.unit}".rstrip())
    return found


def _free_id(dictionary: Dictionary) -> int:
    taken = {row.id for row in dictionary.sequences.values()}
    return next(number for number in range(1000, 2000) if number not in taken)


def _first_moment(sequence: SequenceText) -> OnboardTime | None:
    """A minute before the first absolute time, less what the steps above it take at least."""
    before_ms = 0
    for step in sequence.steps:
        if step.moment is not None:
            back_s = int(SETTLE_S) * 2 + before_ms // 1000
            return OnboardTime(step.moment.seconds - back_s, step.moment.fraction, 1)
        before_ms += step.delay_ms
    return None


def _way(dictionary: Dictionary, start: str, goal: str) -> list[str]:
    """Modes on the shortest way from *start* to *goal*, without the first; empty when there is none."""
    ways: dict[str, list[str]] = {start: []}
    fresh = [start]
    following = {mode.number: mode.next for mode in dictionary.modes}
    names = {mode.number: mode.name for mode in dictionary.modes}
    while fresh and goal not in ways:
        reached = []
        for mode in fresh:
            for number in following.get(MODES[mode], ()):
                if names[number] not in ways:
                    ways[names[number]] = [*ways[mode], names[number]]
                    reached.append(names[number])
        fresh = reached
    return ways.get(goal, [])
