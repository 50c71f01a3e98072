"""A plan by ST[11]: each request of a sequence file as a time-tagged request of the board's schedule.

A plan has requests alone: the schedule knows no WAIT and no ON_FAIL. Relative times count from the start of the plan,
absolute ones are what they are. The board keeps SCHEDULE_MAX requests; it is told in groups that fit into one frame.
"""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec
from flight.limits import APID, SCHEDULE_MAX, SCHEDULE_PACKET_MAX

from ..dictionary.model import Dictionary
from ..errors import PeriluneError, UsageError
from ..packet.pus import Telecommand
from ..telemetry.onboard_time import OnboardTime
from .board import Conversation, NoAnswer, RequestRefused, SentRequest, SequenceBoard
from .load import PATIENCE_S
from .moment import MomentError, read_absolute
from .octets import checksum, compile_steps, cuc
from .steps import SequenceText
from .text import load_sequence

SERVICE = 11
ENABLE, INSERT, SUMMARY = 1, 4, 12
# Requests of the ground's schedule are told apart by their counts; the source is the ground's.
GROUND_SOURCE = 0
_HEAD_OCTETS = 13 + 1  # headers and error control of the telecommand, number of requests
_GROUP_MOST = 10
_COUNTS = 0x4000


class ScheduleError(PeriluneError):
    """A plan that cannot be scheduled."""

    exit_status = 5


class Activity(msgspec.Struct, frozen=True):
    """A request and when it is released. count: sequence count by which the board knows it."""

    release: OnboardTime
    text: str
    line: int
    packet: bytes
    count: int


def activities(sequence: SequenceText, start: OnboardTime, first_count: int) -> list[Activity]:
    """The plan of a sequence that starts at *start*. Raises ScheduleError with everything that no schedule can do."""
    found: list[Activity] = []
    wrong: list[str] = []
    at = start
    for step in sequence.steps:
        at = step.moment if step.moment is not None else later(at, step.delay_ms)
        place = f"{sequence.path}:{step.line}"
        if step.command is None:
            wrong.append(f"{place}: a WAIT cannot be scheduled: load the file with `seq upload`, schedule its start")
            continue
        command = step.command.command
        count = (first_count + len(found)) % _COUNTS
        packet = Telecommand(
            APID, command.service, command.subtype, step.command.data, count, acknowledge=0, source=GROUND_SOURCE
        ).pack()
        if len(packet) > SCHEDULE_PACKET_MAX:
            wrong.append(f"{place}: {len(packet)} octets, the schedule takes {SCHEDULE_PACKET_MAX}")
        found.append(Activity(at, step.text, step.line, packet, count))
    if len(found) > SCHEDULE_MAX:
        wrong.append(f"{sequence.path}: {len(found)} requests, the schedule takes {SCHEDULE_MAX}")
    if wrong:
        raise ScheduleError("\n".join([f"{sequence.path} cannot be scheduled", *wrong]))
    return found


def plan_of(what: str, at: str | None, dictionary: Dictionary) -> tuple[list[Activity], list[str]]:
    """The plan of a file, or of the start of the sequence with that id; and names of its hazardous requests.

    at: YYYY-DDDTHH:MM:SS. The counts come from the plan itself, so that the same plan is known again.
    """
    start = _moment(at)
    if what.isascii() and what.isdecimal():
        if start is None:
            raise UsageError("the time is missing", next_step="add --at YYYY-DDDTHH:MM:SS")
        number = int(what)
        if not 1 <= number <= 0xFFFF:
            raise UsageError(f"{what} is no sequence id", expected="1 to 65535")
        return [activation(number, start, _first_count(cuc(start) + number.to_bytes(2, "big")))], []
    sequence, _ = load_sequence(Path(what), dictionary)
    steps = sequence.steps
    if start is None:
        if steps[0].moment is None:
            raise UsageError(f"{what} starts at no time", next_step="add --at YYYY-DDDTHH:MM:SS")
        start = steps[0].moment
    hazardous = [row.command.command.name.upper() for row in steps if row.command and row.command.is_hazardous]
    return activities(sequence, start, _first_count(cuc(start) + compile_steps(steps))), hazardous


def _moment(text: str | None) -> OnboardTime | None:
    try:
        return None if text is None else read_absolute(text.removeprefix("A"))
    except MomentError as error:
        raise UsageError(str(error), next_step="for example 2026-331T12:00:00") from error


def _first_count(plan: bytes) -> int:
    return checksum(plan) % _COUNTS


def activation(identifier: int, release: OnboardTime, count: int) -> Activity:
    """The start of a sequence that is on board, as an activity."""
    data = identifier.to_bytes(2, "big")
    packet = Telecommand(APID, 21, 4, data, count, acknowledge=0, source=GROUND_SOURCE).pack()
    return Activity(release, f"SEQUENCE.ACTIVATE sequence={identifier}", 0, packet, count)


def later(moment: OnboardTime, milliseconds: int) -> OnboardTime:
    """A time so much later."""
    ticks = (moment.seconds << 16) + moment.fraction + (milliseconds * 65536 + 500) // 1000
    return OnboardTime(ticks >> 16, ticks & 0xFFFF, moment.status)


def groups(plan: list[Activity], room: int) -> list[list[Activity]]:
    """The plan in parts, each of which fits into one request 11/4: the board takes such a part whole or not at all."""
    made: list[list[Activity]] = []
    left = 0
    for activity in plan:
        length = len(_entry(activity))
        if not made or length > left or len(made[-1]) == _GROUP_MOST:
            made.append([])
            left = room - _HEAD_OCTETS
        made[-1].append(activity)
        left -= length
    return made


def _entry(activity: Activity) -> bytes:
    return cuc(activity.release) + activity.packet


def insertion(group: list[Activity]) -> bytes:
    """Data of the request 11/4 that inserts a group."""
    return bytes((len(group),)) + b"".join(_entry(activity) for activity in group)


def insert(board: SequenceBoard, plan: list[Activity], *, enable: bool = True, patience_s: float = PATIENCE_S) -> int:
    """Put a plan into the board's schedule and read it back; how many requests the board has of it then.

    What is there already is not sent again: a plan whose insertion was broken off can be given again.
    Raises RequestRefused, NoAnswer.
    """
    if not plan:
        raise UsageError("the plan is empty", next_step="write at least one request")
    talk = Conversation(board, patience_s)
    if enable:
        _done(board, talk, ENABLE, b"", "enable the schedule")
    for group in groups(plan, board.room):
        _insert_group(board, talk, group)
    return len(plan)


def _insert_group(board: SequenceBoard, talk: Conversation, group: list[Activity]) -> None:
    for _ in range(_TRIES):
        if _is_there(board, talk, group):
            return
        request = board.request(SERVICE, INSERT, insertion(group), "schedule requests")
        talk.finish([request])
        _check(request)
    raise NoAnswer("a part of the plan does not stay on board", next_step="`perilune schedule list` tells what does")


def _is_there(board: SequenceBoard, talk: Conversation, group: list[Activity]) -> bool:
    """Does the board know the identifiers of a group? It refuses the question when it does not know one."""
    identifiers = b"".join(struct.pack(">HHH", GROUND_SOURCE, APID, activity.count) for activity in group)
    data = bytes((len(group),)) + identifiers
    request = _done(board, talk, SUMMARY, data, "read the schedule back", but_for="UNKNOWN_ID")
    return request.refusal is None


def _done(
    board: SequenceBoard, talk: Conversation, subtype: int, data: bytes, text: str, but_for: str = ""
) -> SentRequest:
    """A request that may be repeated until its end is known. but_for: a failure that is an answer."""
    for _ in range(_TRIES):
        request = board.request(SERVICE, subtype, data, text)
        talk.finish([request])
        _check(request, but_for)
        if request.is_over:
            return request
    raise NoAnswer(f"no answer: {text}", expected=f"one in {_TRIES} tries", next_step="look at `perilune link PORT`")


def _check(request: SentRequest, but_for: str = "") -> None:
    refusal = request.refusal
    failure = None if refusal is None else refusal.failure
    if refusal is None or (failure is not None and failure.name == but_for):
        return
    name = "" if failure is None else failure.name
    found = "a failure" if failure is None else failure.shown
    raise RequestRefused(f"the board refused to {request.text}", found=found, next_step=_NEXT_STEPS.get(name, ""))


_TRIES = 12
_NEXT_STEPS = {
    "TABLE_FULL": "`perilune schedule list`, then delete what is over",
    "TIME_PAST": "give a later start: the board's clock is ahead of the plan",
    "STORAGE": "the plan runs, but a restart forgets it: look at the board's storage",
}
