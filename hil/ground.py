"""The ground in a test: commands by name, what came of them, reports as they come, waits with an end.

    ground.do("modes.change", mode="STANDBY")              # executed to its end, or CommandFailed
    ground.refused("sequence.activate", sequence=9)        # the failure that the board gives
    ground.wait_event("modes.changed")                     # since the last command was sent
    ground.value("modes.mode"), ground.housekeeping("core.traffic")

Below it is the ground's own link: COP-1, authentication, typed reports. Every wait is over the target's time and lets
it pass. Reports are searched from the last `mark`, which every command sets where it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from flight.limits import APID
from perilune.dictionary import Dictionary
from perilune.dictionary.encode import Item, encode
from perilune.dictionary.keys import read_keys
from perilune.errors import PeriluneError
from perilune.link.downlink import DownlinkEvent
from perilune.link.keys import NumberFile
from perilune.link.restart_watch import RestartWatch
from perilune.link.sequence_controlled import Phase
from perilune.link.session import Fop1Settings, LinkSession, SentTelecommand
from perilune.link.uplink import Authenticator, UplinkEncoder
from perilune.packet.pus import Telecommand
from perilune.sequence.octets import compile_steps, cuc
from perilune.sequence.text import read_sequence
from perilune.telemetry import Decoder, OnboardTime, Report, Undecodable
from perilune.telemetry.decode import HEALTH, DictionaryState
from perilune.telemetry.reports import (
    EventReport,
    Failure,
    HousekeepingReport,
    ParameterReport,
    Stage,
    TimeReport,
    Value,
    VerificationReport,
)

from hil.bench import Bench
from hil.targets.target import Target

R = TypeVar("R", bound=Report)

COMMAND_S = 10.0  # the longest command of the core, compaction, takes 2 s
STEP_S = 0.05
ROUNDS = 3
# The board is on the same table: an answer takes milliseconds, and a CLCW that does not fit comes from a board that has
# started anew, not from one on the far side of a light time.
NEAR = Fop1Settings(t1_s=1.5, foreign_report_s=2.0)


class CommandFailed(PeriluneError):
    """A command that was expected to be executed was not, or one that was expected to be refused was executed."""


class BoardMismatch(PeriluneError):
    """The board was built with another dictionary than the bench names."""


class Request(msgspec.Struct, eq=False):
    """A command that was sent. reports: its verification so far."""

    text: str
    request_id: int
    reports: list[VerificationReport]
    sent: SentTelecommand

    @property
    def stages(self) -> list[str]:
        """Stages as they came: "acceptance", "start", "progress", "completion"; a failed one with "no " before it."""
        return [str(report.stage) if report.success else f"no {report.stage}" for report in self.reports]

    @property
    def is_over(self) -> bool:
        """Does nothing come any more?"""
        return any(report.is_final for report in self.reports)

    @property
    def failure(self) -> Failure | None:
        """Why it failed, None when it did not. A step that failed and was gone on from is in `stages` alone."""
        return next((report.failure for report in self.reports if report.is_final and not report.success), None)


class TargetTransport:
    """The link of a target as the session's transport: waiting lets the target's time pass.

    up, down: what becomes of octets on their way; faults of the link are put here.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self.up: Callable[[bytes], bytes] = bytes
        self.down: Callable[[bytes], bytes] = bytes

    def fileno(self) -> int | None:
        """Nothing to select on."""
        return None

    def read(self, timeout_s: float) -> bytes:
        """What came down, after what the link makes of it."""
        self._target.await_octets(timeout_s)
        return self.down(self._target.link.read())

    def write(self, data: bytes) -> bool:
        """Send up what the link makes of it."""
        if octets := self.up(data):
            self._target.link.write(octets)
        return True

    def close(self) -> None:
        """The target is its maker's."""


def authenticator(bench: Bench, folder: Path) -> Authenticator:
    """Keys of the bench's image. Its numbers lie with what has to agree with them: the board's storage."""
    lasting = bench.target == "serial"
    numbers = Path(bench.folder) / f"{bench.name}.numbers.json" if lasting else folder / "numbers.json"
    keys = read_keys(bench.path(bench.keys) if bench.keys else None)
    return Authenticator(*keys, NumberFile(numbers))


class Ground:
    """The ground of one target. reports: everything that came since `Ground` was made, in its order."""

    def __init__(self, target: Target, dictionary: Dictionary) -> None:
        self.target = target
        self.dictionary = dictionary
        self.transport = TargetTransport(target)
        self.decoder = Decoder(dictionary)
        self.reports: list[Report] = []
        self.undecodable: list[Undecodable] = []
        self.times_s: list[float] = []  # when each report came, in the target's time
        self.latest: dict[str, Value] = {}
        self.session = LinkSession(
            self.transport,
            target.now_s,
            encoder=UplinkEncoder(authenticator(target.bench, target.folder)),
            settings=NEAR,
            on_event=self._take_event,
        )
        self._restarts = RestartWatch()
        self._requests: dict[int, Request] = {}
        self._mark = 0
        self._count = 0

    # ---- the link -------------------------------------------------------------------------------------------------

    def step(self, timeout_s: float = STEP_S) -> None:
        """Wait at most so long for octets, and take in what they say."""
        self.session.step(timeout_s)
        while self.session.packets:
            packet = self.session.packets.popleft()
            report = self.decoder.decode(packet.packet, packet.vcid)
            if isinstance(report, Undecodable):
                self.undecodable.append(report)
            else:
                self._take(report)

    def _take_event(self, event: DownlinkEvent) -> None:
        if self._restarts.sees_restart(event):
            self.session.board_restarted()

    def _take(self, report: Report) -> None:
        self.reports.append(report)
        self.times_s.append(self.target.now_s())
        if isinstance(report, (HousekeepingReport, ParameterReport)):
            self.latest |= report.values
        elif isinstance(report, VerificationReport) and report.header.destination == 0:
            request = self._requests.get(report.request_id)
            if request is not None:
                request.reports.append(report)

    def await_boot(self, timeout_s: float | None = None) -> None:
        """Wait for the first housekeeping since the mark, and for the link's sequence-controlled service."""
        timeout_s = self.target.bench.boot_s if timeout_s is None else timeout_s
        deadline = self.target.deadline(timeout_s)
        while not any(report.name == HEALTH for report in self.of_kind(HousekeepingReport)):
            if self.decoder.state is DictionaryState.MISMATCH:
                raise BoardMismatch(
                    "the board speaks another dictionary",
                    expected=self.dictionary.content_hash[:4].hex(),
                    found=self.decoder.board_hash.hex(),
                    next_step="build the bench's image anew with the bench's missions (`make hil` does)",
                )
            deadline.check("housekeeping", self._shown())
            self.step()
        if self.session.service.phase is not Phase.ACTIVE:
            self.session.start(timeout_s)

    def run_for(self, seconds: float) -> list[Report]:
        """Let so much time pass while reports are taken in; those that came."""
        first = len(self.reports)
        end_s = self.target.now_s() + seconds
        while (left_s := end_s - self.target.now_s()) > 1e-6:
            self.step(min(left_s, STEP_S))
        return self.reports[first:]

    # ---- commands -------------------------------------------------------------------------------------------------

    def packet(
        self,
        name: str,
        items: Sequence[Item] = (),
        octets: bytes = b"",
        source: int = 0,
        **arguments: object,
    ) -> Telecommand:
        """A command of the dictionary as a packet, with the next sequence count."""
        command = self.dictionary.commands[name]
        data = encode(command, arguments, items, octets, self.dictionary.points)
        return self.any_packet(command.service, command.subtype, data, source)

    def any_packet(self, service: int, subtype: int, data: bytes = b"", source: int = 0) -> Telecommand:
        """Any packet, whatever the dictionary says, with the next sequence count."""
        self._count = (self._count + 1) & 0x3FFF
        return Telecommand(APID, service, subtype, data, sequence_count=self._count, source=source)

    def send(self, name: str, items: Sequence[Item] = (), octets: bytes = b"", **arguments: object) -> Request:
        """Send a command and do not wait. Sets the mark."""
        return self.send_packet(self.packet(name, items, octets, 0, **arguments), name)

    def send_packet(self, packet: Telecommand, text: str = "") -> Request:
        """Send a packet and do not wait. Sets the mark."""
        self.mark()
        request = Request(
            text or f"{packet.service}/{packet.subtype}", packet.request_id, [], self.session.send(packet.pack())
        )
        self._requests[packet.request_id] = request
        return request

    def finish(self, request: Request, timeout_s: float = COMMAND_S) -> Request:
        """Wait until a request is over. Raises DeadlinePassed."""
        deadline = self.target.deadline(timeout_s)
        while not request.is_over:
            deadline.check(f"the end of {request.text}", f"{request.sent.state}, stages {request.stages}")
            self.step()
        return request

    def do(
        self,
        name: str,
        items: Sequence[Item] = (),
        octets: bytes = b"",
        timeout_s: float = COMMAND_S,
        **arguments: object,
    ) -> Request:
        """Send a command and wait until it is executed. Raises CommandFailed when it fails."""
        request = self.finish(self.send(name, items, octets, **arguments), timeout_s)
        if request.failure is not None:
            raise CommandFailed(f"{name} failed", expected="completion", found=request.failure.shown)
        return request

    def refused(
        self,
        name: str,
        items: Sequence[Item] = (),
        octets: bytes = b"",
        timeout_s: float = COMMAND_S,
        **arguments: object,
    ) -> Failure:
        """Send a command that the board does not execute; what it gives as the reason. Raises CommandFailed."""
        request = self.finish(self.send(name, items, octets, **arguments), timeout_s)
        if request.failure is None:
            raise CommandFailed(f"{name} was executed", expected="a refusal", found=", ".join(request.stages))
        return request.failure

    def hazardous(self, name: str, **arguments: object) -> Request:
        """Arm a hazardous command, then send it; not waited for, since some end the board's run."""
        command = self.dictionary.commands[name]
        self.do("core.arm", service=command.service, subtype=command.subtype, function=command.function)
        return self.send(name, (), b"", **arguments)

    def make_as_new(self) -> None:
        """Bring a board that others have used to where a new one starts: SAFE, defaults, no schedule, restarted."""
        self.do("schedule.reset")
        self.do("core.restore_defaults")
        if self.value("modes.mode") != "SAFE":
            self.do("modes.change", mode="SAFE")
        self.hazardous("core.restart")
        self.wait_event("core.boot", timeout_s=self.target.bench.boot_s)
        self.await_boot()

    # ---- what is stored on board ------------------------------------------------------------------------------------

    def load_sequence(self, text: str) -> int:
        """Load a sequence written as operators write it (perilune/sequence/text.py); its id. Raises CommandFailed."""
        sequence, problems = read_sequence(text, self.dictionary)
        if sequence is None or sequence.id is None:
            raise CommandFailed(
                "sequence cannot be loaded",
                expected="SEQUENCE and an id, then steps",
                found="; ".join(str(problem) for problem in problems),
            )
        self.do("sequence.load", sequence=sequence.id, steps=len(sequence.steps), octets=compile_steps(sequence.steps))
        return sequence.id

    def onboard_now(self) -> OnboardTime:
        """On-board time, asked for."""
        self.do("time.report_time")
        return self.wait_report(TimeReport, "the time report").time

    def schedule(self, *activities: tuple[OnboardTime, Telecommand]) -> Request:
        """Send requests for the schedule and wait for the end of that. A source of their own tells their reports."""
        octets = b"".join(cuc(at) + packet.pack() for at, packet in activities)
        insert = self.dictionary.commands["schedule.insert"]
        data = bytes([len(activities)]) + octets
        return self.finish(self.send_packet(self.any_packet(insert.service, insert.subtype, data), insert.name))

    # ---- reports --------------------------------------------------------------------------------------------------

    def mark(self) -> None:
        """From here on reports are searched."""
        self._mark = len(self.reports)

    @property
    def since_mark(self) -> list[Report]:
        """Reports that came since the mark."""
        return self.reports[self._mark :]

    def of_kind(self, kind: type[R]) -> Iterator[R]:
        """Reports of a kind since the mark."""
        return (report for report in self.since_mark if isinstance(report, kind))

    def events(self, name: str = "") -> list[EventReport]:
        """Events since the mark, or those of a name."""
        return [report for report in self.of_kind(EventReport) if name in ("", report.name)]

    def wait_report(
        self, kind: type[R], expected: str, match: Callable[[R], bool] = lambda _: True, timeout_s: float = COMMAND_S
    ) -> R:
        """The first report of a kind since the mark that matches; waits for it. Raises DeadlinePassed."""
        deadline = self.target.deadline(timeout_s)
        looked = self._mark
        while True:
            for report in self.reports[looked:]:
                if isinstance(report, kind) and match(report):
                    return report
            looked = len(self.reports)
            deadline.check(expected, self._shown())
            self.step()

    def _shown(self) -> str:
        names = [getattr(report, "name", "") or report.key for report in self.since_mark]
        unread = f", and {len(self.undecodable)} that cannot be read" if self.undecodable else ""
        return f"{len(names)} reports: {', '.join(names[-12:]) or 'none'}{unread}"

    def wait_event(self, name: str, timeout_s: float = COMMAND_S, **fields: object) -> EventReport:
        """The first event of this name since the mark, with these fields (engineering value or name of it)."""
        if name not in self.dictionary.events:
            raise KeyError(f"the dictionary has no event {name}")

        def match(report: EventReport) -> bool:
            return report.name == name and all(plain(report.fields[key]) == value for key, value in fields.items())

        return self.wait_report(EventReport, f"event {name} {fields or ''}".rstrip(), match, timeout_s)

    def wait_value(
        self, name: str, match: Callable[[Any], bool] | object, timeout_s: float = COMMAND_S, ask: bool = False
    ) -> Any:
        """Wait until a report since the mark says that a point matches (a value, or a function of it); the value.

        ask: with a telecommand every second, for points that no housekeeping is due for.
        """
        deadline = self.target.deadline(timeout_s)
        holds: Callable[[Any], bool] = match if callable(match) else lambda value: value == match
        looked, asked_s, found = self._mark, self.target.now_s(), "nothing"
        while True:
            for report in self.reports[looked:]:
                if isinstance(report, (HousekeepingReport, ParameterReport)) and name in report.values:
                    value = plain(report.values[name])
                    if holds(value):
                        return value
                    found = str(value)
            looked = len(self.reports)
            deadline.check(f"{name} {'as asked' if callable(match) else match}", found)
            if ask and self.target.now_s() - asked_s >= 1.0:
                asked_s = self.target.now_s()
                point = self.dictionary.points[name]
                self.session.send(self.packet("core.read_parameters", [{"parameter": point.id}]).pack())
            self.step()

    def read(self, *names: str) -> dict[str, Value]:
        """Values of points now, asked for."""
        self.do("core.read_parameters", [{"parameter": self.dictionary.points[name].id} for name in names])
        [report] = self.of_kind(ParameterReport)
        return report.values

    def value(self, name: str) -> Any:
        """A point as the board has it now, asked for: the name of an enumerated value, else the engineering value.

        Many points are renewed once a second: where something has just happened, `wait_value` is meant.
        """
        return plain(self.read(name)[name])

    def number(self, name: str) -> float:
        """The same for a number."""
        value = self.read(name)[name]
        return float(value.engineering)

    def set(self, values: Mapping[str, object]) -> Request:
        """Set parameters by name, all or none."""
        return self.do("core.set_parameters", self.items(values))

    def items(self, values: Mapping[str, object]) -> list[Item]:
        """Parameters and values as the items of core.set_parameters."""
        return [{"parameter": self.dictionary.points[name].id, "value": value} for name, value in values.items()]

    @property
    def rounds(self) -> int:
        """How often a test may look: once, and more where a busy host holds the board up, which costs a round."""
        return 1 if self.target.can("exact_time") else ROUNDS

    def housekeeping(self, name: str) -> dict[str, Value]:
        """A structure now, asked for."""
        self.do("core.report_once", [{"sid": self.dictionary.housekeeping[name].sid}])
        return self.wait_report(HousekeepingReport, f"structure {name}", lambda report: report.name == name).values

    @property
    def lost(self) -> dict[str, int]:
        """What was lost or damaged on the way down, by kind."""
        counters = self.session.decoder.counters
        return {
            "reports": self.decoder.counters.missing,
            "undecodable": len(self.undecodable),
            "frames": counters.missing_master,
            "packets": counters.missing_packets,
        }


def plain(value: Value) -> object:
    """The name of an enumerated value, else the engineering value."""
    return value.engineering if value.text is None else value.text


COMPLETED = [str(Stage.ACCEPTANCE), str(Stage.START), str(Stage.COMPLETION)]
