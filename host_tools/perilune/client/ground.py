"""The ground in one object: a link, the dictionary, what the board says as typed reports, commands and what became of
them.

    with open_ground("bench") as ground:                       # a target of perilune.toml, or a port
        result = ground.command("POWER.LOAD_ON load=instrument")
        ground.run(60.0)                                       # listen; ground.values has the latest of everything
        ground.subscribe(print)

It owns the port, or shares it with the program that does (`perilune link`); the difference is open_ground.py's. One
thread uses it; nothing happens but in `step` and what calls it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from flight.limits import APID, SDLS_SPI_AD

from ..dictionary.encode import Item, encode
from ..dictionary.model import Dictionary
from ..errors import MismatchError, NoAnswerError, NotAllowedError
from ..link.keys import CATCH_UP
from ..link.link_state import Condition, LinkState
from ..link.packet_extractor import PacketReceived
from ..link.reason import REASON_NAMES
from ..packet.pus import ACK_ALL, Telecommand
from ..telemetry.decode import HEALTH, Decoder, DictionaryState
from ..telemetry.onboard_time import OnboardTime
from ..telemetry.reports import EventReport, HousekeepingReport, ParameterReport, Report, Undecodable, Value
from ..telemetry.reports import VerificationReport as Verification
from .command_run import CommandResult, CommandRun, Outcome, StageSeen
from .command_text import CommandText, parse_command
from .link_protocol import Clock, Link, LinkStatus

AnyReport = Report | Undecodable
R = TypeVar("R", bound=Report)

COMMAND_S = 10.0
STEP_S = 0.1
# A board sends core.health each second; it may be busy, and a report may be lost.
HEALTH_S = 4.0
MODE = "modes.mode"
ARM = "core.arm"


class Latest(msgspec.Struct, frozen=True):
    """The latest value of a point. time: on board; received_s: by the ground's clock; source: which report had it."""

    value: Value
    time: OnboardTime
    received_s: float
    source: str


class Ground:
    """A link and a dictionary, joined. override_dictionary: command and decode though the board speaks another one.

    clock: monotonic seconds, the link's own; wall: POSIX seconds. state: how the link is; values: latest by name.
    progress: told again and again what is waited for, and "" when nothing is any more.
    """

    def __init__(
        self,
        link: Link,
        dictionary: Dictionary,
        *,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        override_dictionary: bool = False,
    ) -> None:
        self.link = link
        self.dictionary = dictionary
        self.decoder = Decoder(dictionary, force=override_dictionary)
        self.values: dict[str, Latest] = {}
        self.clock = clock
        self.wall = wall
        self.override_dictionary = override_dictionary
        self.progress: Callable[[str], object] = lambda _: None
        self._runs: list[CommandRun] = []
        self._subscribers: list[Callable[[AnyReport], object]] = []
        self._doing: list[str] = []
        if link.health:
            # It was received before us: it tells the board's dictionary and is no report of ours, so what came between
            # it and our first one is not missing.
            self.decoder.decode(link.health, counted=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the link. Twice is allowed."""
        self.link.close()

    # -- down ----------------------------------------------------------------------------------------------------------

    def subscribe(self, callback: Callable[[AnyReport], object]) -> Callable[[], None]:
        """Call `callback` with every report as it comes; the function that ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def step(self, timeout_s: float = STEP_S) -> list[AnyReport]:
        """Wait at most `timeout_s` for something to come, and work; the reports that came, oldest first."""
        reports = []
        for event in self.link.step(timeout_s):
            if isinstance(event, PacketReceived):
                report = self.decoder.decode(event.packet, event.vcid)
                self._take(report, event.vcid)
                reports.append(report)
        now_s = self.clock()
        for run in self._runs:
            run.look(now_s)
            if run.is_due(now_s):
                self._expire(run)
        self._runs = [run for run in self._runs if not run.is_over]
        if self._doing:
            self.progress(": ".join(self._doing))
        return reports

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """While it lasts, `progress` is told what is waited for; what is within it is told behind it."""
        self._doing.append(what)
        try:
            yield
        finally:
            self._doing.pop()
            if not self._doing:
                self.progress("")

    def run(self, seconds: float) -> list[AnyReport]:
        """Listen for so long; everything that came."""
        reports: list[AnyReport] = []
        end_s = self.clock() + seconds
        while (left_s := end_s - self.clock()) > 0:
            reports += self.step(min(left_s, STEP_S))
        return reports

    def run_until(self, is_done: Callable[[], object], timeout_s: float) -> bool:
        """Listen until `is_done` says something true, at most `timeout_s`; whether it did."""
        end_s = self.clock() + timeout_s
        while not is_done():
            left_s = end_s - self.clock()
            if left_s <= 0:
                return False
            self.step(min(left_s, STEP_S))
        return True

    def wait(self, kind: type[R], match: Callable[[R], bool] = lambda _: True, timeout_s: float = COMMAND_S) -> R:
        """Listen until a report of this kind comes that matches. Raises NoAnswerError."""
        found: list[R] = []

        def look(report: AnyReport) -> None:
            if isinstance(report, kind) and match(report):
                found.append(report)

        end = self.subscribe(look)
        try:
            self.run_until(lambda: found, timeout_s)
        finally:
            end()
        if not found:
            raise NoAnswerError(
                f"no {kind.__struct_config__.tag} report came",
                expected=f"one within {timeout_s:g} s",
                found=str(self.state),
                next_step="look at `perilune link`",
            )
        return found[0]

    def _take(self, report: AnyReport, vcid: int) -> None:
        now_s = self.clock()
        if isinstance(report, Verification):
            for run in self._runs:
                if run.submission.request_id == report.request_id:
                    run.take(report, now_s)
        elif isinstance(report, Report):
            if vcid == 0 and isinstance(report, (HousekeepingReport, ParameterReport)):
                source = report.name if isinstance(report, HousekeepingReport) else "core.read_parameters"
                for name, value in report.values.items():
                    self.values[name] = Latest(value, report.header.time, now_s, source)
            elif vcid == 0 and isinstance(report, EventReport) and report.name == "modes.changed":
                self._note_mode(report, now_s)
            for run in self._runs:
                run.reports.append(report)
        for call in list(self._subscribers):
            call(report)

    def _note_mode(self, report: EventReport, now_s: float) -> None:
        """The mode is known at once, not with the next housekeeping."""
        if MODE in self.values and "after" in report.fields:
            self.values[MODE] = Latest(report.fields["after"], report.header.time, now_s, report.name)

    # -- what is known -------------------------------------------------------------------------------------------------

    @property
    def state(self) -> LinkState:
        """How the link is, in words, with a next step when it is not well."""
        return self.link.state()

    @property
    def status(self) -> LinkStatus | None:
        """Everything that the owner of the port has counted; None while there is no owner."""
        return self.link.status()

    def age_s(self, name: str) -> float | None:
        """Seconds since a point's latest value came, None if none has."""
        latest = self.values.get(name)
        return None if latest is None else self.clock() - latest.received_s

    @property
    def mode(self) -> str | None:
        """The board's mode as it last said it."""
        latest = self.values.get(MODE)
        return None if latest is None else latest.value.text

    def await_link(self, timeout_s: float = HEALTH_S, waited_s: float = 0.0) -> None:
        """Wait until frames come. waited_s: already. Raises NoAnswerError with the state of the link."""
        with self.doing("waiting for frames of the board"):
            is_up = self.run_until(lambda: self.state.condition is Condition.UP, timeout_s)
        if not is_up:
            state = self.state
            raise NoAnswerError(
                "the board is not heard",
                expected=f"frames within {waited_s + timeout_s:g} s",
                found=state.text,
                next_step=state.next_step or "`perilune link` shows what comes down",
            )

    # -- up ------------------------------------------------------------------------------------------------------------

    def parse(self, text: str) -> CommandText:
        """The command that *text* says, checked against the dictionary. Raises CommandTextError."""
        return parse_command(text, self.dictionary)

    def command(
        self,
        command: str | CommandText,
        *,
        text: str = "",
        timeout_s: float = COMMAND_S,
        hazardous: bool = False,
        on_stage: Callable[[StageSeen], None] | None = None,
        ask_mode: bool = True,
    ) -> CommandResult:
        """Check a command, arm it if it is hazardous, deliver it by COP-1, and follow it to its end.

        text: how results name it. hazardous: somebody has confirmed it. ask_mode: ask the board for its mode if it is
        not known and matters.
        Raises CommandTextError, NotAllowedError, MismatchError or NoAnswerError before anything has left.
        """
        parsed = self.parse(command) if isinstance(command, str) else command
        text = text or (command if isinstance(command, str) else parsed.command.name.upper())
        self.check_dictionary()
        self.check_allowed(parsed, hazardous=hazardous, ask=ask_mode)
        if parsed.is_hazardous:
            self.arm(parsed)
        return self.follow([self.begin(parsed.telecommand(), text.strip(), timeout_s, on_stage)])[0]

    def request(
        self,
        name: str,
        args: Mapping[str, object] | None = None,
        items: Sequence[Item] = (),
        octets: bytes = b"",
        *,
        timeout_s: float = COMMAND_S,
        on_stage: Callable[[StageSeen], None] | None = None,
    ) -> CommandResult:
        """A command of the dictionary by name and values, for tools; not hazardous. Raises ArgumentError, KeyError."""
        self.check_dictionary()
        run = self.begin(self.telecommand(name, args, items, octets), name.upper(), timeout_s, on_stage)
        return self.follow([run])[0]

    def telecommand(
        self, name: str, args: Mapping[str, object] | None = None, items: Sequence[Item] = (), octets: bytes = b""
    ) -> Telecommand:
        """A telecommand of the dictionary, not numbered yet. Raises ArgumentError, KeyError."""
        command = self.dictionary.command(name)
        data = encode(command, args or {}, items, octets, self.dictionary.points)
        return Telecommand(APID, command.service, command.subtype, data, acknowledge=ACK_ALL)

    def begin(
        self,
        telecommand: Telecommand,
        text: str,
        timeout_s: float = COMMAND_S,
        on_stage: Callable[[StageSeen], None] | None = None,
        *,
        expedited: bool = False,
    ) -> CommandRun:
        """Give a telecommand to the link and do not wait. Nothing is checked but its length (PacketError)."""
        submission = self.link.submit(telecommand, expedited=expedited)
        run = CommandRun(text, submission, self.clock(), timeout_s, self.wall, on_stage)
        self._runs.append(run)
        return run

    def follow(self, runs: Iterable[CommandRun]) -> list[CommandResult]:
        """Listen until each of these is over; each has its own time limit."""
        runs = list(runs)
        with self.doing(f"waiting for {runs[0].text}" if runs else ""):
            while any(not run.is_over for run in runs):
                self.step(STEP_S)
        return [run.result for run in runs if run.result is not None]

    def arm(self, parsed: CommandText) -> None:
        """Arm a hazardous command. Raises CommandFailedError or NoAnswerError."""
        command = parsed.command
        args = {"service": command.service, "subtype": command.subtype, "function": command.function}
        self.request(ARM, args).check()

    def check_dictionary(self, timeout_s: float = HEALTH_S) -> None:
        """Wait until the board has said which dictionary it speaks. Raises MismatchError, or NoAnswerError if silent.

        With override_dictionary nothing is waited for.
        """
        if self.override_dictionary:
            return
        with self.doing("waiting for the board to say which dictionary it speaks"):
            self.run_until(lambda: self.decoder.state is not DictionaryState.UNKNOWN, timeout_s)
        if self.decoder.state is DictionaryState.UNKNOWN:
            self.await_link(0.0, timeout_s)
            raise MismatchError(
                "the board has not said which dictionary it speaks",
                expected=f"a report of {HEALTH} within {timeout_s:g} s",
                found="other reports only",
                next_step="enable that report, or override with --override-dictionary if you know what the board is",
            )
        mismatch = self.mismatch
        if mismatch is not None:
            raise mismatch

    @property
    def mismatch(self) -> MismatchError | None:
        """The error that says so while the board speaks another dictionary, whatever overrides it."""
        if self.decoder.state is not DictionaryState.MISMATCH:
            return None
        return MismatchError(
            "the board speaks another dictionary",
            expected=f"hash {self.dictionary.content_hash[:4].hex()}",
            found=f"hash {self.decoder.board_hash.hex()}",
            next_step="name the board's missions in perilune.toml; --override-dictionary goes on nevertheless",
        )

    def check_allowed(self, parsed: CommandText, *, hazardous: bool, ask: bool = True) -> None:
        """Raises NotAllowedError for a hazardous command that nobody confirmed, or one the board's mode forbids."""
        name = parsed.command.name.upper()
        if parsed.is_hazardous and not hazardous:
            raise NotAllowedError(
                f"{name} is hazardous",
                expected="somebody who confirms it",
                found="nobody",
                next_step="add --hazardous if you are sure",
            )
        if not parsed.only_in:
            return
        if self.mode is None and ask and MODE in self.dictionary.points:
            self.request("core.read_parameters", items=[{"parameter": self.dictionary.points[MODE].id}])
        if self.mode is not None and self.mode not in parsed.only_in:
            raise NotAllowedError(
                f"{name} is not allowed in mode {self.mode}",
                expected=" or ".join(parsed.only_in),
                found=f"{self.mode}, {self.age_s(MODE) or 0.0:.0f} s ago",
                next_step=f"MODES.CHANGE mode={parsed.only_in[0]}",
            )

    def _expire(self, run: CommandRun) -> None:
        if not run.submission.is_decided:
            self.link.withdraw(run.submission)
        run.expire(self.clock())
        why = self._refused_frames()
        if why and run.result is not None and run.result.outcome is not Outcome.NO_REPORT:
            run.result = msgspec.structs.replace(run.result, detail=f"{run.result.detail}; {why}")

    def _refused_frames(self) -> str:
        """What the board says of frames that it does not take, "" when it says nothing."""
        latest = self.values.get("core.last_drop")
        name = "" if latest is None else REASON_NAMES.get(int(latest.value.raw), "")
        if name == "sdls_mac":
            return "the board drops frames for sdls_mac: it has other keys than this target"
        why = {
            "sdls_window": "its sequence numbers are far behind ours (was its storage erased?); try: remove",
            "sdls_replay": "its sequence numbers are ahead of ours (did others command it?); try: add"
            f' {CATCH_UP} to "{SDLS_SPI_AD}", again until it answers, in',
        }.get(name)
        if why is None or self.status is None:
            return ""
        return f"the board drops frames for {name}: {why} {self.status.uplink.numbers}, with no program on the port"
