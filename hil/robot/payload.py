"""Keywords for Robot Framework: a payload on any target, in the language of those who operate it.

    *** Settings ***
    Library    hil.robot.payload.Payload    ${TARGET}

    *** Test Cases ***
    The Instrument Can Be Switched On
        Boot Payload
        Send Telecommand    MODES.CHANGE mode=STANDBY
        Send Telecommand    POWER.LOAD_ON load=instrument
        Housekeeping Should Show    power.instrument_a    >    0.1    within=30 s

The argument is a bench: sitl, qemu, renode, or the file of a real one (hil/benches). Times are the board's, as Robot
writes them (`10 s`, `2 minutes`). Every test has a board of its own, which is stopped at its end; a test that fails
leaves its evidence in hil/out. Works with Robot Framework 6.1, which renode-test brings, and later.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from perilune.client.command_text import parse_command
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE
from perilune.sequence.execute import activate, follow
from perilune.sequence.load import Loader
from perilune.sequence.octets import CompiledSequence, compile_steps
from perilune.sequence.problem import SequenceError
from perilune.sequence.text import load_sequence, read_sequence
from perilune.telemetry.reports import HousekeepingReport, ParameterReport
from robot.api import SkipExecution, logger
from robot.api.deco import keyword, library
from robot.utils import timestr_to_secs  # type: ignore[import-untyped]

from hil.bench import load_bench
from hil.evidence import folder_of, keep
from hil.faults import Faults
from hil.ground import Ground, Request, plain
from hil.plant.attached import AttachedPlant
from hil.robot.conditions import between, condition, parameters
from hil.robot.sequence_board import GroundBoard
from hil.targets.errors import EmulatorMissing
from hil.targets.make import make_plant, make_target
from hil.targets.required import VARIABLE, is_required
from hil.targets.target import Target

_SEQUENCE = 100  # id of a sequence whose text names none
_dictionaries: dict[str, Dictionary] = {}


def seconds(text: str | float) -> float:
    """A time as Robot writes it."""
    return float(timestr_to_secs(text))


@library(scope="TEST", version="1")
class Payload:
    """One board with its ground. bench: name or file."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, bench: str = "qemu") -> None:
        self.ROBOT_LIBRARY_LISTENER = self
        self._bench = load_bench(bench)
        self._target: Target | None = None
        self._ground: Ground | None = None
        self._board: GroundBoard | None = None
        self._faults: Faults | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._told = 0

    # ---- for Robot Framework ----------------------------------------------------------------------------------------

    def _end_test(self, data: Any, result: Any) -> None:
        """Keep the evidence of a test that failed; stop its board."""
        try:
            if self._target is not None and result.failed:
                kept = keep(folder_of(f"robot/{data.longname}"), self._target, self._ground, result.message)
                result.message += f"\n\nEvidence: {kept}"
        finally:
            self._stop()

    def _close(self) -> None:
        self._stop()

    def _stop(self) -> None:
        target, self._target, self._ground, self._faults, self._board = self._target, None, None, None, None
        if target is not None:
            target.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    # ---- the board --------------------------------------------------------------------------------------------------

    def make_target(self, folder: Path) -> Target:
        """The board that is booted; libraries for special benches make another one."""
        return make_target(self._bench, folder)

    @keyword
    def boot_payload(self) -> None:
        """Start a board with empty storage, with its plant, and wait for housekeeping and the link."""
        self._stop()
        self._folder = tempfile.TemporaryDirectory(prefix="perilune-robot-")
        try:
            target = self.make_target(Path(self._folder.name))
            self._target = target
            plant = None if target.why_not("bus") else make_plant(self._bench)
            if plant is not None:
                target.attach(plant)
            target.boot()
        except EmulatorMissing as missing:
            if is_required(self._bench.target):
                raise AssertionError(f"{VARIABLE} names {self._bench.target}: {missing}") from missing
            raise SkipExecution(str(missing)) from missing
        name = self._bench.name
        if name not in _dictionaries:
            _dictionaries[name] = load([CORE, *self._bench.mission_folders])
        self._ground = Ground(target, _dictionaries[name])
        self._board = GroundBoard(self._ground)
        self._faults = Faults(self._ground)
        self._ground.await_boot()

    @property
    def target(self) -> Target:
        """The board. Raises AssertionError before `Boot Payload`."""
        if self._target is None:
            raise AssertionError("there is no board yet: `Boot Payload` comes first")
        return self._target

    @property
    def ground(self) -> Ground:
        """The ground. Raises AssertionError before `Boot Payload`."""
        if self._ground is None:
            raise AssertionError("there is no board yet: `Boot Payload` comes first")
        return self._ground

    @keyword
    def target_should_offer(self, capability: str) -> None:
        """Leave the test out, with the reason, where the target has no such capability (reset, power, bus...)."""
        if reason := self.target.why_not(capability):
            raise SkipExecution(f"{self._bench.name} has no {capability}: {reason}")

    @keyword
    def let_time_pass(self, duration: str) -> None:
        """Let so much of the board's time pass."""
        self.ground.run_for(seconds(duration))

    @keyword
    def reset_payload(self) -> None:
        """Reset as the reset pin does, and wait until the board is back."""
        self.target_should_offer("reset")
        self.ground.mark()
        self.target.reset()
        self.ground.await_boot()

    @keyword
    def cut_power_for(self, duration: str) -> None:
        """Take the power away at this instant, give it back after the time, and wait until the board is back."""
        self.target_should_offer("power")
        self.ground.mark()
        self.target.power_cut(seconds(duration))
        self.ground.await_boot()

    # ---- commands ---------------------------------------------------------------------------------------------------

    def _request(self, text: str) -> Request:
        command = parse_command(text, self.ground.dictionary)
        name, data = command.command.name, command.data
        packet = self.ground.packet("core.ping")  # the next sequence count
        request = command.telecommand(packet.sequence_count)
        logger.info(f"{name}: {command.command.key} {data.hex(' ')}")
        return self.ground.send_packet(request, text)

    @keyword
    def send_telecommand(self, text: str, within: str = "10 s") -> None:
        """Send a command as operators type it and wait until it is executed; fails with the board's reason."""
        request = self.ground.finish(self._request(text), seconds(within))
        if request.failure is not None:
            raise AssertionError(f"{text}: {request.failure.shown}")

    @keyword
    def send_hazardous_telecommand(self, text: str) -> None:
        """Arm a hazardous command and send it. It is not waited for: some end the board's run."""
        command = parse_command(text, self.ground.dictionary).command
        self.ground.do("core.arm", service=command.service, subtype=command.subtype, function=command.function)
        self._request(text)

    @keyword
    def telecommand_should_be_refused(self, text: str, reason: str = "", within: str = "10 s") -> str:
        """Send a command that the board must not execute; returns why it did not. reason: words of that."""
        request = self.ground.finish(self._request(text), seconds(within))
        if request.failure is None:
            raise AssertionError(f"{text} was executed: {', '.join(request.stages)}")
        if reason.lower() not in request.failure.shown.lower():
            raise AssertionError(f"{text} was refused: expected {reason}, found {request.failure.shown}")
        return request.failure.shown

    @keyword
    def set_parameter(self, name: str, value: str) -> None:
        """Set an on-board parameter and wait until it is set."""
        self.send_telecommand(f"CORE.SET_PARAMETERS (parameter={name} value={value})")

    # ---- housekeeping and events ------------------------------------------------------------------------------------

    @keyword
    def housekeeping_should_show(self, point: str, sign: str, value: str, within: str = "10 s") -> object:
        """Wait for a report since the last telecommand in which a point stands so; returns its value.

        Signs: > >= < <= is, is not.
        """
        self._check_point(point)
        return self.ground.wait_value(point, condition(sign, value), seconds(within), ask=True)

    @keyword
    def housekeeping_should_lie_in(self, point: str, low: float, high: float, within: str = "10 s") -> object:
        """Wait for a report since the last telecommand in which a number lies between two; returns it."""
        self._check_point(point)
        return self.ground.wait_value(point, between(low, high), seconds(within), ask=True)

    @keyword
    def housekeeping_should_keep_showing(self, point: str, sign: str, value: str, duration: str) -> None:
        """Every value of a point that comes in the time stands so, and one comes at least."""
        self._check_point(point)
        holds = condition(sign, value)
        reports = self.ground.run_for(seconds(duration))
        values = [
            plain(report.values[point])
            for report in reports
            if isinstance(report, (HousekeepingReport, ParameterReport)) and point in report.values
        ]
        values = values or [self.ground.value(point)]
        for found in values:
            if not holds(found):
                raise AssertionError(f"{point}: expected {sign} {value}, found {found}")

    @keyword
    def read_value(self, point: str) -> object:
        """A point now, asked for: a number, or the name of an enumerated value."""
        self._check_point(point)
        return self.ground.value(point)

    def _check_point(self, point: str) -> None:
        from perilune.client.command_text import did_you_mean  # noqa: PLC0415  # for mistakes

        if point not in self.ground.dictionary.points:
            raise AssertionError(f"no point {point}. {did_you_mean(point, self.ground.dictionary.points)}")

    @keyword
    def from_now_on(self) -> None:
        """Events and housekeeping before this are forgotten; each telecommand does the same."""
        self.ground.mark()

    @keyword
    def wait_for_event(self, name: str, *fields: str, within: str = "10 s") -> dict[str, object]:
        """Wait for an event since the last telecommand, with these fields (name=value); returns all its fields."""
        wanted = parameters(fields)
        try:
            event = self.ground.wait_event(name, seconds(within), **wanted)
        except KeyError as error:
            raise AssertionError(str(error)) from error
        return {field: plain(value) for field, value in event.fields.items()}

    @keyword
    def event_should_not_come(self, name: str, duration: str) -> None:
        """Let the time pass; the event does not come in it."""
        if name not in self.ground.dictionary.events:
            raise AssertionError(f"the dictionary has no event {name}")
        self.ground.mark()
        self.ground.run_for(seconds(duration))
        if found := self.ground.events(name):
            raise AssertionError(f"{name} came: {found[0].text}")

    @keyword
    def nothing_should_be_lost(self) -> None:
        """By all counters of the downlink: no frame, no packet and no report was lost or damaged."""
        lost = {name: count for name, count in self.ground.lost.items() if count}
        if lost:
            raise AssertionError(f"lost: {lost}")

    @keyword
    def payload_should_be_alive(self, within: str = "10 s") -> None:
        """It answers a ping."""
        self.send_telecommand("CORE.PING", within)

    # ---- sequences --------------------------------------------------------------------------------------------------

    @keyword
    def upload_sequence(self, *lines: str) -> int:
        """Load a sequence: a file (one argument that ends in .seq) or its lines; returns its id on board."""
        assert self._board is not None
        dictionary = self.ground.dictionary
        if len(lines) == 1 and lines[0].endswith(".seq"):
            text, _ = load_sequence(Path(lines[0]), dictionary)
        else:
            read, problems = read_sequence("\n".join(lines), dictionary)
            if read is None:
                raise SequenceError("sequence", problems)
            text = read
        identifier = _SEQUENCE if text.id is None else text.id
        compiled = CompiledSequence(identifier, text.name, len(text.steps), compile_steps(text.steps))
        result = Loader(self._board, compiled, replace=True).load()
        logger.info(f"sequence {identifier}: {result.octets} octets, CRC {result.crc:04X}")
        return identifier

    @keyword
    def run_sequence(self, identifier: int) -> None:
        """Execute a sequence that is on board and wait for its end; fails when it does."""
        assert self._board is not None
        ending = follow(self._board, identifier, activate(self._board, identifier))
        if not ending.completed:
            raise AssertionError(f"sequence {identifier} ended at step {ending.step}: {ending.failure}")

    @keyword
    def upload_and_run_sequence(self, *lines: str) -> None:
        """Both."""
        self.run_sequence(self.upload_sequence(*lines))

    @keyword
    def sequence_should_fail(self, identifier: int) -> str:
        """Execute a sequence that must not come to its end; returns why it did not."""
        assert self._board is not None
        ending = follow(self._board, identifier, activate(self._board, identifier))
        if ending.completed:
            raise AssertionError(f"sequence {identifier} came to its end")
        return ending.failure

    # ---- faults and the plant ---------------------------------------------------------------------------------------

    @property
    def faults(self) -> Faults:
        """Faults of link and plant."""
        self.ground  # noqa: B018  # says what comes first
        assert self._faults is not None
        return self._faults

    @property
    def plant(self) -> AttachedPlant:
        """The plant. Leaves the test out where there is none."""
        self.target_should_offer("bus")
        if self.target.plant is None:
            raise SkipExecution(f"bench {self._bench.name} has no [plant]")
        return self.target.plant

    @keyword
    def inject_fault(self, name: str, *words: str) -> None:
        """A fault of the plant's catalogue with its parameters: `Inject Fault    heater_stuck_on    heater=battery`."""
        self.plant  # noqa: B018  # leaves the test out where there is none
        self.ground.mark()
        self.faults.plant(name, **parameters(words))  # type: ignore[arg-type]  # duration_s is among them

    @keyword
    def break_link(self) -> None:
        """Nothing goes through any more, either way."""
        self.faults.link_cut()

    @keyword
    def make_link_noisy(self, bit_error_rate: float, seed: int = 1) -> None:
        """Bits turn at random, both ways."""
        self.faults.link_noise(bit_error_rate, seed)

    @keyword
    def mend_link(self) -> None:
        """Everything goes through again."""
        self.faults.link_mended()

    @keyword
    def clear_faults(self) -> None:
        """Take back all faults of link and plant."""
        self.faults.clear()

    @keyword
    def set_battery_charge(self, percent: float) -> None:
        """Give the plant's battery a state of charge."""
        self.plant.set_charge(percent / 100)

    @keyword
    def plant_should_show(self, name: str, sign: str, value: str, within: str = "10 s") -> None:
        """A true value of the plant stands so (names: `python -m hil.plant --help`)."""
        plant, holds = self.plant, condition(sign, value)
        if name not in plant.truth():
            raise AssertionError(f"the plant has no {name}; it has {', '.join(plant.truth())}")
        deadline = self.target.deadline(seconds(within))
        while not holds(plant.truth()[name]):
            deadline.check(f"{name} {sign} {value}", f"{plant.truth()[name]:g}")
            self.ground.step()
