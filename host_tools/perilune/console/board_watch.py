"""Everything that the console shows of a board, kept by one thread that uses the ground; the screen takes copies.

    watch = BoardWatch(opener, dictionary, name="bench")
    watch.run(end)                                    # in a thread of its own, until `end` is set
    watch.send("CORE.PING", parsed)                   # from any thread
    watch.snapshot()

Knows no terminal. All that grows has a bound: logs, histories, the last value of each point.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

import msgspec

from ..client.command_run import CommandRun, StageSeen
from ..client.command_text import CommandText, parse_command
from ..client.ground import ARM, COMMAND_S, AnyReport, Ground
from ..client.link_protocol import Clock
from ..dictionary.model import Dictionary
from ..errors import NoAnswerError, PeriluneError
from ..housekeeping.table import LiveTable, Row
from ..link.link_state import Condition, LinkState
from ..link.monitor import describe
from ..packet.pus import Telecommand
from ..telemetry.decode import HEALTH, DictionaryState
from ..telemetry.onboard_time import OnboardTime, iso_of_unix
from ..telemetry.reports import (
    EventReport,
    HousekeepingReport,
    LimitState,
    Report,
    SequenceStatusReport,
    Stage,
    Undecodable,
    VerificationReport,
)
from .log import Log
from .sequence_book import SequenceBook, SequenceRow

# The longest that a command waits until the thread takes it.
TURN_S = 0.05
# A port that could not be opened is tried again so often.
OPEN_AGAIN_S = 2.0
# Counters of the link are drawn up so often.
STATUS_S = 0.5
# While a sequence is executed and shown, the board is asked so often how far it is: reports of steps may be lost.
SEQUENCES_S = 10.0
# Samples of a point; a sparkline is never wider.
HISTORY = 240
# A sequence under way ends when it ends.
FOREVER_S = float("inf")

SEVERITY_STYLES = {"info": "", "low": "cyan", "medium": "yellow", "high": "bold red"}
BAD, GOOD, FAINT = "bold red", "green", "dim"

Act = Callable[[Ground], None]


class Snapshot(msgspec.Struct, frozen=True):
    """What is known now. time: the board's, as it last said it, so long ago; link_text: every counter of the link.

    under_way: commands that have not ended.
    """

    state: LinkState
    mode: str | None
    time: OnboardTime | None
    time_age_s: float
    rows: tuple[Row, ...]
    sequences: tuple[SequenceRow, ...]
    under_way: int
    dictionary: DictionaryState
    link_text: str

    def count(self, state: LimitState) -> int:
        """Values in this state."""
        return sum(row.value.limit_state is state for row in self.rows)


class _Asked(msgspec.Struct, frozen=True):
    """What the screen asked for. text: the command; "" for what is asked again when it could not be done."""

    act: Act
    text: str = ""


class _Followed(msgspec.Struct, eq=False):
    """A command under way. number: 0 when the console itself asked; sequence: that it activates.

    then: what comes after its success; arms: then comes the command that it is for.
    """

    run: CommandRun
    number: int
    then: Act | None = None
    arms: bool = False
    sequence: int | None = None


class BoardWatch:
    """opener: makes the ground; tried again and again while it raises.

    commands, events: logs. sleep: waits while there is no ground.
    """

    def __init__(
        self,
        opener: Callable[[], Ground],
        dictionary: Dictionary,
        *,
        name: str,
        timeout_s: float = COMMAND_S,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.dictionary = dictionary
        self.name = name
        self.commands = Log()
        self.events = Log()
        self.failure: Exception | None = None
        self._opener = opener
        self._timeout_s = timeout_s
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._ground: Ground | None = None
        self._next_open_s = clock()
        self._asked: deque[_Asked] = deque()
        self._lock = threading.Lock()
        self._table = LiveTable(dictionary)
        self._histories: dict[str, deque[float]] = {}
        self._book = SequenceBook(dictionary)
        self._followed: list[_Followed] = []
        self._own: deque[int | None] = deque(maxlen=256)  # request ids that are not others'
        self._number = 0
        self._sequences_shown = False
        self._sequences_due_s = FOREVER_S
        self._clock_point = dictionary.housekeeping[HEALTH].fields[0][0].name
        self._state = LinkState(Condition.OPENING, f"opening {name}")
        self._link_text = str(self._state)
        self._status_due_s = clock()

    # -- from the screen -----------------------------------------------------------------------------------------------

    def send(self, text: str, parsed: CommandText) -> None:
        """Send a command that was read, and was confirmed if it is hazardous."""
        self._asked.append(_Asked(partial(self._send, text=text.strip(), parsed=parsed), text.strip()))

    def show_sequences(self, shown: bool) -> None:
        """Are sequences looked at? Only then the board is asked for them."""
        if shown and not self._sequences_shown:
            self._asked.append(_Asked(self._ask_sequences))
        self._sequences_shown = shown

    def read_sequences(self) -> None:
        """Ask for everything about sequences anew."""

        def again(ground: Ground) -> None:
            with self._lock:
                self._book.forget_contents()
            self._ask_sequences(ground)

        self._asked.append(_Asked(again))

    def snapshot(self) -> Snapshot:
        """A copy of what is known."""
        with self._lock:
            now_s = self._clock()
            ground = self._ground
            latest = None if ground is None else ground.values.get(self._clock_point)
            return Snapshot(
                state=self._state,
                mode=None if ground is None else ground.mode,
                time=None if latest is None else latest.time,
                time_age_s=0.0 if latest is None else now_s - latest.received_s,
                rows=tuple(self._table.rows(now_s)),
                sequences=tuple(self._book.rows[number] for number in sorted(self._book.rows)),
                under_way=sum(bool(followed.number) for followed in self._followed),
                dictionary=DictionaryState.UNKNOWN if ground is None else ground.decoder.state,
                link_text=self._link_text,
            )

    def history(self, name: str, most: int) -> list[float]:
        """The latest values of a point, oldest first."""
        with self._lock:
            values = self._histories.get(name)
            return [] if values is None else [values[index] for index in range(max(0, len(values) - most), len(values))]

    # -- in the thread -------------------------------------------------------------------------------------------------

    def run(self, end: threading.Event) -> None:
        """Work until `end`. What goes wrong beyond all that is foreseen stands in `failure`."""
        try:
            while not end.is_set():
                self.turn(TURN_S)
        except Exception as error:  # a thread's boundary: the screen tells it and ends
            self.failure = error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the link."""
        if self._ground is not None:
            self._ground.close()

    def turn(self, timeout_s: float = TURN_S) -> None:
        """Do what was asked for, listen at most `timeout_s`, and note what came."""
        ground = self._open()
        if ground is None:
            self._refuse_all()
            self._sleep(timeout_s)
            return
        while self._asked:
            self._try(self._asked.popleft().act, ground, 0)
        ground.step(timeout_s)
        self._follow(ground)
        self._note_state(ground)
        if self._sequences_shown and self._clock() >= self._sequences_due_s:
            self._ask_sequences(ground)

    def _open(self) -> Ground | None:
        if self._ground is None and self._clock() >= self._next_open_s:
            try:
                ground = self._opener()
            except PeriluneError as error:
                self._next_open_s = self._clock() + OPEN_AGAIN_S
                found = f": {error.found}" if error.found else ""
                next_step = f"{error.next_step}; " if error.next_step else ""
                self._set_state(
                    LinkState(Condition.NO_PORT, error.summary + found, f"{next_step}it is tried again by itself")
                )
                with self._lock:
                    self._link_text = str(self._state)
                return None
            ground.subscribe(self._take)
            with self._lock:
                self._ground = ground
        return self._ground

    def _refuse_all(self) -> None:
        """Nothing can be sent; what the console asks by itself is asked again when it can."""
        while self._asked:
            asked = self._asked.popleft()
            if asked.text:
                self._say(self.commands, f"{asked.text}: not sent: {self._state}", BAD)
            else:
                self._sequences_due_s = self._clock()

    def _say(self, log: Log, text: str, style: str = "") -> None:
        log.add(f"{iso_of_unix(self._wall())[11:19]} {text}", style)

    def _set_state(self, state: LinkState) -> None:
        before, self._state = self._state, state
        if state.condition is before.condition or state.condition is Condition.OPENING:
            return
        self._say(self.events, f"link {state.condition}: {state}", GOOD if state.condition is Condition.UP else BAD)

    def _note_state(self, ground: Ground) -> None:
        state = ground.state
        if state.condition is Condition.NO_PORT and not state.next_step:
            state = msgspec.structs.replace(
                state, next_step="plug it in, or check its name; it is opened again by itself"
            )
        self._set_state(state)
        if self._clock() < self._status_due_s:
            return
        self._status_due_s = self._clock() + STATUS_S
        status = ground.status
        text = str(state) if status is None else describe(status)
        counters = ground.decoder.counters
        text += f"\ndecoded   {counters.reports} reports, missing {counters.missing}, dictionary {ground.decoder.state}"
        for reason, count in counters.undecodable.items():
            text += f", {reason} {count}"
        with self._lock:
            self._link_text = text

    # -- down ----------------------------------------------------------------------------------------------------------

    def _take(self, report: AnyReport) -> None:
        ground = self._ground
        assert ground is not None  # it calls us
        if isinstance(report, HousekeepingReport):
            self._take_housekeeping(ground, report)
        elif isinstance(report, EventReport):
            self._take_event(report)
        elif isinstance(report, VerificationReport):
            self._take_verification(report)
        elif isinstance(report, Undecodable):
            self._say(self.events, f"undecodable packet, {report.reason}: {report.detail}", "yellow")
        elif isinstance(report, Report):
            with self._lock:
                self._book.take(report)
            if isinstance(report, SequenceStatusReport):
                self._after_status(ground)

    def _take_housekeeping(self, ground: Ground, report: HousekeepingReport) -> None:
        first = next(iter(report.values), "")
        latest = ground.values.get(first)
        if latest is None or latest.time is not report.header.time:
            return  # played back from the board's store: it was so, it is not so now
        with self._lock:
            self._table.add(report, ground.clock())
            for name, value in report.values.items():
                if value.text is None:
                    self._histories.setdefault(name, deque(maxlen=HISTORY)).append(float(value.engineering))
        if report.name == "sequence.sequence":
            self._sequences_changed(ground)

    def _take_event(self, report: EventReport) -> None:
        time = report.header.time
        when = time.iso[11:19] if time.is_set else time.onboard.removeprefix("start + ")
        held = f" ({report.held_back} held back)" if report.held_back else ""
        self._say(
            self.events,
            f"{report.severity:6} {report.name}: {report.text}{held} [{when}]",
            SEVERITY_STYLES[report.severity],
        )

    def _take_verification(self, report: VerificationReport) -> None:
        """A failure of what somebody else has sent, on board or at another desk."""
        if report.success or report.request_id in self._own:
            return
        if any(followed.run.submission.request_id in (report.request_id, None) for followed in self._followed):
            return
        failure = "" if report.failure is None else f": {report.failure.shown}"
        self._say(self.commands, f"request {report.request_id:08X} of another sender NOT {report.stage}{failure}", BAD)

    # -- up ------------------------------------------------------------------------------------------------------------

    def _send(self, ground: Ground, text: str, parsed: CommandText) -> None:
        self._number += 1
        number = self._number
        self._say(self.commands, f"#{number} {text}", "bold")
        self._try(partial(self._arm_or_begin, number=number, text=text, parsed=parsed), ground, number)

    def _try(self, act: Act, ground: Ground, number: int) -> None:
        try:
            act(ground)
        except PeriluneError as error:
            self._say(self.commands, f"#{number} not sent: {error}" if number else f"not sent: {error}", BAD)

    def _arm_or_begin(self, ground: Ground, number: int, text: str, parsed: CommandText) -> None:
        """Raises what Ground.command raises before anything has left."""
        state = ground.state
        if state.condition is not Condition.UP:
            raise NoAnswerError(state.text, next_step=state.next_step or "wait for frames, then send it again")
        ground.check_dictionary()
        ground.check_allowed(parsed, hazardous=True, ask=False)
        begin = partial(self._begin, number=number, text=text, parsed=parsed)
        if not parsed.is_hazardous:
            begin(ground)
            return
        command = parsed.command
        args = {"service": command.service, "subtype": command.subtype, "function": command.function}
        self._go(ground, ground.telecommand(ARM, args), ARM.upper(), number, then=begin, arms=True)

    def _begin(self, ground: Ground, number: int, text: str, parsed: CommandText) -> None:
        sequence = int(parsed.args["sequence"]) if parsed.command.name == "sequence.activate" else None
        then = self._sequences_changed if parsed.command.subsystem == "sequence" else None
        self._go(ground, parsed.telecommand(), text, number, then=then, sequence=sequence)

    def _go(
        self,
        ground: Ground,
        telecommand: Telecommand,
        text: str,
        number: int,
        *,
        then: Act | None = None,
        arms: bool = False,
        sequence: int | None = None,
    ) -> None:
        on_stage = partial(self._stage, number, sequence, "arming " if arms else "") if number else None
        run = ground.begin(telecommand, text, self._timeout_s, on_stage)
        self._followed.append(_Followed(run, number, then, arms, sequence))

    def _stage(self, number: int, sequence: int | None, of: str, seen: StageSeen) -> None:
        onboard = "" if seen.onboard is None or not seen.onboard.is_set else f" [{seen.onboard.iso[11:23]}]"
        style = "" if seen.success else BAD
        self._say(self.commands, f"#{number}   {of}{seen.what}, {seen.after_s:.2f} s{onboard}", style)
        if sequence is None or (not seen.success and seen.stage != Stage.PROGRESS):
            return
        with self._lock:
            if seen.stage == Stage.START:
                self._book.begun(sequence)
            elif seen.stage == Stage.PROGRESS and seen.step is not None:
                self._book.step_done(sequence, seen.step)
        for followed in self._followed:
            if followed.number == number and seen.stage == Stage.START:
                followed.run.timeout_s = FOREVER_S

    def _follow(self, ground: Ground) -> None:
        """What has ended, and what comes after it."""
        for followed in list(self._followed):
            result = followed.run.result
            # A sequence may run for days: what is reported meanwhile is not its answer.
            followed.run.reports.clear()
            if result is None:
                continue
            self._followed.remove(followed)
            self._own.append(result.request_id)
            if followed.sequence is not None:
                with self._lock:
                    self._book.ended(followed.sequence, str(result.outcome))
            name = f"#{followed.number} " if followed.number else ""
            if not result.success:
                self._say(self.commands, name + result.line(), BAD)
            elif followed.number and not followed.arms:
                self._say(self.commands, f"{name}{result.text}: {result.outcome}", GOOD)
            if followed.then is not None and (result.success or not followed.arms):
                self._try(followed.then, ground, followed.number)

    # -- sequences -----------------------------------------------------------------------------------------------------

    def _ask_sequences(self, ground: Ground) -> None:
        """Ask for their state, unless the answer to that is on its way."""
        self._sequences_due_s = FOREVER_S
        if any(followed.run.text == "sequence states" for followed in self._followed):
            return
        spoken = ground.override_dictionary or ground.decoder.state is DictionaryState.MATCH
        if ground.state.condition is not Condition.UP or not spoken:
            self._sequences_due_s = self._clock() + 1.0
            return
        self._go(ground, ground.telecommand("sequence.report_status"), "sequence states", 0)

    def _sequences_changed(self, _ground: Ground) -> None:
        if self._sequences_shown:
            self._sequences_due_s = self._clock()

    def _after_status(self, ground: Ground) -> None:
        executed = any(row.is_executed for row in self._book.rows.values())
        self._sequences_due_s = self._clock() + SEQUENCES_S if executed else FOREVER_S
        for identifier in self._book.unread():
            text = f"steps of sequence {identifier}"
            if not any(followed.run.text == text for followed in self._followed):
                content = ground.telecommand("sequence.report_content", {"sequence": identifier})
                self._go(ground, content, text, 0)


def activation(dictionary: Dictionary, identifier: int) -> tuple[str, CommandText]:
    """The command that starts a sequence."""
    text = f"SEQUENCE.ACTIVATE sequence={identifier}"
    return text, parse_command(text, dictionary)


def abortion(dictionary: Dictionary, identifier: int) -> tuple[str, CommandText]:
    """The command that stops one."""
    text = f"SEQUENCE.ABORT sequence={identifier}"
    return text, parse_command(text, dictionary)
