"""A plan by ST[11]: each request of a sequence file as a time-tagged request of the board's schedule.

A plan has requests alone: the schedule knows no WAIT and no ON_FAIL. Relative times count from the start of the plan,
absolute ones are what they are. The board keeps SCHEDULE_MAX requests; it is told in groups that fit into one frame.

Requests of the schedule are named by their sequence counts, which come from the plan, so that the same plan is known
again. A count says nothing by itself: another request may have it. So times and octets are read back (11/9), and a
request whose count is another one's takes the count of the next numbering.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import msgspec
from flight.limits import APID, SCHEDULE_MAX, SCHEDULE_PACKET_MAX

from ..dictionary.model import Dictionary
from ..errors import PeriluneError, UsageError
from ..packet.pus import Telecommand
from ..telemetry.onboard_time import OnboardTime
from ..telemetry.reports import ScheduleEntry, ScheduleReport
from .board import Conversation, NoAnswer, RequestRefused, SentRequest, SequenceBoard
from .load import PATIENCE_S
from .moment import MomentError, read_absolute
from .octets import checksum, compile_steps, cuc
from .steps import SequenceText
from .text import load_sequence

SERVICE = 11
ENABLE, INSERT, DELETE, DETAIL = 1, 4, 5, 9
GROUND_SOURCE = 0  # the source of all requests of the ground's schedule
_HEAD_OCTETS = 13 + 1  # headers and error control of the telecommand, number of requests
_GROUP_MOST = 10
_COUNTS = 0x4000
# Three counts that all are another request's: that is no chance any more. A plan's numberings do not overlap.
_NUMBERINGS = 3


class ScheduleError(PeriluneError):
    """A plan that cannot be scheduled."""

    exit_status = 2


class Activity(msgspec.Struct, frozen=True):
    """A request and when it is released. data: application data; count: sequence count by which the board knows it."""

    release: OnboardTime
    text: str
    line: int
    service: int
    subtype: int
    data: bytes
    count: int

    @property
    def packet(self) -> bytes:
        """The whole request, as the board keeps it."""
        return Telecommand(
            APID, self.service, self.subtype, self.data, self.count, acknowledge=0, source=GROUND_SOURCE
        ).pack()


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
        activity = Activity(at, step.text, step.line, command.service, command.subtype, step.command.data, count)
        if len(activity.packet) > SCHEDULE_PACKET_MAX:
            wrong.append(f"{place}: {len(activity.packet)} octets, the schedule takes {SCHEDULE_PACKET_MAX}")
        found.append(activity)
    if len(found) > SCHEDULE_MAX:
        wrong.append(f"{sequence.path}: {len(found)} requests, the schedule takes {SCHEDULE_MAX}")
    if wrong:
        raise ScheduleError("\n".join([f"{sequence.path} cannot be scheduled", *wrong]))
    return found


def plan_of(what: str, at: str | None, dictionary: Dictionary) -> tuple[list[Activity], list[str]]:
    """The plan of a file, or of the start of the sequence with that id; and names of the file's hazardous requests.

    What a sequence that is on board executes, the board alone knows. at: YYYY-DDDTHH:MM:SS. The counts come from the
    plan itself, so that the same plan is known again. Raises UsageError, SequenceError, ScheduleError.
    """
    start = _moment(at)
    number = sequence_of(what)
    if number is not None:
        if start is None:
            raise UsageError("the time is missing", next_step="add --at YYYY-DDDTHH:MM:SS")
        return [activation(number, start, _first_count(cuc(start) + number.to_bytes(2, "big")))], []
    sequence, _ = load_sequence(Path(what), dictionary)
    steps = sequence.steps
    if start is None:
        if steps[0].moment is None:
            raise UsageError(f"{what} starts at no time", next_step="add --at YYYY-DDDTHH:MM:SS")
        start = steps[0].moment
    hazardous = [row.command.command.name.upper() for row in steps if row.command and row.command.is_hazardous]
    return activities(sequence, start, _first_count(cuc(start) + compile_steps(steps))), hazardous


def sequence_of(what: str) -> int | None:
    """The id that a plan's name is, None for a file's. Raises UsageError."""
    if not (what.isascii() and what.isdecimal()):
        return None
    number = int(what)
    if not 1 <= number <= 0xFFFF:
        raise UsageError(f"{what} is no sequence id", expected="1 to 65535")
    return number


def _moment(text: str | None) -> OnboardTime | None:
    try:
        return None if text is None else read_absolute(text.removeprefix("A"))
    except MomentError as error:
        raise UsageError(str(error), next_step="for example 2026-331T12:00:00") from error


def _first_count(plan: bytes) -> int:
    return checksum(plan) % _COUNTS


def activation(identifier: int, release: OnboardTime, count: int) -> Activity:
    """The start of a sequence that is on board, as an activity."""
    text = f"SEQUENCE.ACTIVATE sequence={identifier}"
    return Activity(release, text, 0, 21, 4, identifier.to_bytes(2, "big"), count)


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


def insert(
    board: SequenceBoard, plan: list[Activity], *, enable: bool = True, patience_s: float = PATIENCE_S
) -> list[Activity]:
    """Put a plan into the board's schedule and read it back; the plan with the counts that the board knows it by.

    What is there already is not sent again: a plan whose insertion was broken off can be given again. When the board
    refuses a part, what this call has inserted is taken back, so that no half of a plan runs; not so where the plan
    only cannot be stored. Raises RequestRefused, NoAnswer.
    """
    if not plan:
        raise UsageError("the plan is empty", next_step="write at least one request")
    talk = Conversation(board, patience_s)
    if enable:
        _done(board, talk, ENABLE, b"", "enable the schedule")
    plan, missing = _numbered(board, talk, plan)
    inserted: dict[int, Activity] = {}
    for _ in range(_TRIES):
        if not missing:
            return plan
        for group in groups(missing, board.room):
            request = board.request(SERVICE, INSERT, insertion(group), "schedule requests")
            talk.finish([request])
            try:
                _check(request)
            except RequestRefused as refused:
                if not inserted or _name(request) == "STORAGE":
                    raise
                _take_back(board, talk, list(inserted.values()), refused)
                summary = f"{refused.summary}; what it had taken of the plan is deleted again"
                raise RequestRefused(summary, found=refused.found, next_step=refused.next_step) from refused
            inserted |= {activity.count: activity for activity in group}
        there = _entries(board, talk, missing)
        missing = [activity for activity in missing if not _is_there(activity, there)]
    raise NoAnswer("a part of the plan does not stay on board", next_step="`perilune schedule list` tells what does")


def _take_back(board: SequenceBoard, talk: Conversation, plan: list[Activity], refused: RequestRefused) -> None:
    """Delete these from the board's schedule; some may never have come, or have been released since."""
    wanted = [plan[at : at + _GROUP_MOST] for at in range(0, len(plan), _GROUP_MOST)]
    for _ in range(_TRIES):
        asked, wanted = wanted, []
        for group in asked:
            request = board.request(SERVICE, DELETE, _identifiers(group), "take requests back")
            talk.finish([request])
            _check(request, but_for="UNKNOWN_ID")
            if not request.is_over:
                wanted.append(group)
            elif request.refusal is not None and len(group) > 1:  # one of them is not there: each by itself
                wanted += [[activity] for activity in group]
        if not wanted:
            return
    raise NoAnswer(
        f"{refused.summary}, and what was inserted before cannot be taken back",
        found=refused.found,
        next_step="`perilune schedule list`, then delete the plan's requests",
    ) from refused


def _numbered(board: SequenceBoard, talk: Conversation, plan: list[Activity]) -> tuple[list[Activity], list[Activity]]:
    """The plan with counts that no other request on board has; what of it is not there yet. Raises RequestRefused."""
    numberings = [
        [msgspec.structs.replace(row, count=(row.count + number * SCHEDULE_MAX) % _COUNTS) for row in plan]
        for number in range(_NUMBERINGS)
    ]
    there = _entries(board, talk, [row for rows in numberings for row in rows])
    numbered, missing = [], []
    for rows in zip(*numberings, strict=True):
        # It may be there by a later count, though an earlier one has become free since.
        chosen = next((row for row in rows if _is_there(row, there)), None)
        if chosen is None:
            chosen = next((row for row in rows if row.count not in there), None)
            if chosen is None:
                raise RequestRefused(
                    "the schedule has other requests by each count that this one could have",
                    found=rows[0].text,
                    next_step=_NEXT_STEPS["TABLE_FULL"],
                )
            missing.append(chosen)
        numbered.append(chosen)
    return numbered, missing


def _is_there(activity: Activity, there: dict[int, list[ScheduleEntry]]) -> bool:
    """Has the board this very request at this very time?"""
    wanted = activity.release.cuc, activity.packet
    return any(wanted == (entry.release.cuc, entry.request.packet) for entry in there.get(activity.count, ()))


def _entries(board: SequenceBoard, talk: Conversation, plan: Sequence[Activity]) -> dict[int, list[ScheduleEntry]]:
    """What the board's schedule has under the counts of a plan, by count. Raises RequestRefused, NoAnswer."""
    found: dict[int, list[ScheduleEntry]] = {}
    unknown = [list(plan[at : at + _GROUP_MOST]) for at in range(0, len(plan), _GROUP_MOST)]
    for _ in range(_TRIES):
        asked, unknown = unknown, []
        requests = [board.request(SERVICE, DETAIL, _identifiers(group), "read the schedule back") for group in asked]
        for report in talk.finish(requests):
            if isinstance(report, ScheduleReport) and report.detail:
                for entry in report.entries:
                    if (entry.request.source, entry.request.apid) == (GROUND_SOURCE, APID):
                        found.setdefault(entry.request.sequence_count, []).append(entry)
        for group, request in zip(asked, requests, strict=True):
            _check(request, but_for="UNKNOWN_ID")
            if request.refusal is None:
                unknown += [group] if any(activity.count not in found for activity in group) else []
            elif len(group) > 1:  # the board does not have one of them; which others it has, each tells alone
                unknown += [[activity] for activity in group]
        if not unknown:
            return found
    raise NoAnswer("the schedule cannot be read back", expected=f"it in {_TRIES} tries", next_step=_LOOK)


def _identifiers(group: list[Activity]) -> bytes:
    """Data of the request 11/9 that asks for a group."""
    rows = [struct.pack(">HHH", GROUND_SOURCE, APID, activity.count) for activity in group]
    return bytes((len(rows),)) + b"".join(rows)


def _done(board: SequenceBoard, talk: Conversation, subtype: int, data: bytes, text: str) -> None:
    """A request that may be repeated until its end is known."""
    for _ in range(_TRIES):
        request = board.request(SERVICE, subtype, data, text)
        talk.finish([request])
        _check(request)
        if request.is_over:
            return
    raise NoAnswer(f"no answer: {text}", expected=f"one in {_TRIES} tries", next_step=_LOOK)


def _check(request: SentRequest, but_for: str = "") -> None:
    """Raise RequestRefused for a request that was refused. but_for: a failure that is an answer."""
    refusal, name = request.refusal, _name(request)
    if refusal is None or (name and name == but_for):
        return
    found = "a failure" if refusal.failure is None else refusal.failure.shown
    raise RequestRefused(f"the board refused to {request.text}", found=found, next_step=_NEXT_STEPS.get(name, ""))


def _name(request: SentRequest) -> str:
    """The failure that refused a request; "" for none, or one without a name."""
    failure = None if request.refusal is None else request.refusal.failure
    return "" if failure is None else failure.name


_TRIES = 12
_LOOK = "look at `perilune link PORT`"
_NEXT_STEPS = {
    "TABLE_FULL": "`perilune schedule list`, then delete what is over",
    "TIME_PAST": "give a later start: the board's clock is ahead of the plan",
    "STORAGE": "the plan runs, but a restart forgets it: look at the board's storage",
}
