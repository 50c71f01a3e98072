"""Times of steps: R[DDDT]HH:MM:SS[.fff] after the end of the step before, AYYYY-DDDTHH:MM:SS[.fff] UTC, durations.

DDD of an absolute time is the day of the year from 001. Fractions are kept to a millisecond; what is finer is refused.
"""

from __future__ import annotations

import datetime
import re

from flight.limits import EPOCH_HIGH, EPOCH_LOW

from ..telemetry.onboard_time import OnboardTime, from_utc

_DURATION = re.compile(r"(?:(\d{1,3})T)?(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?")
_ABSOLUTE = re.compile(r"(\d{4})-(\d{3})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z?")
_BOARD_SECONDS = 1 << 30

DURATION_FORM = "HH:MM:SS, with .fff for milliseconds"
ABSOLUTE_FORM = "AYYYY-DDDTHH:MM:SS, UTC with the day of the year from 001"


class MomentError(ValueError):
    """A time that cannot be read; its text is for the user."""


def read_duration(text: str) -> int:
    """Milliseconds of [DDDT]HH:MM:SS[.fff]. Raises MomentError."""
    match = _DURATION.fullmatch(text)
    if match is None or not text.isascii():
        raise MomentError(f"{text} is no duration: {DURATION_FORM}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    _check_clock(hours, minutes, seconds, most_hours=99 if match[1] is None else 23)
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + _milliseconds(match[5])


def read_absolute(text: str) -> OnboardTime:
    """The on-board time of YYYY-DDDTHH:MM:SS[.fff] UTC. Raises MomentError."""
    match = _ABSOLUTE.fullmatch(text)
    if match is None or not text.isascii():
        raise MomentError(f"A{text} is no absolute time: {ABSOLUTE_FORM}")
    year, day, hours, minutes, seconds = (int(part) for part in match.groups()[:5])
    _check_clock(hours, minutes, seconds, most_hours=23)
    if not 1958 < year < 9999:
        raise _unsaid(year)
    start = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC)
    days = (datetime.datetime(year + 1, 1, 1, tzinfo=datetime.UTC) - start).days
    if not 1 <= day <= days:
        raise MomentError(f"{year} has the days 001 to {days}, found {match[2]}")
    clock = datetime.timedelta(
        days=day - 1, hours=hours, minutes=minutes, seconds=seconds, milliseconds=_milliseconds(match[6])
    )
    return on_board(start + clock)


def on_board(utc: datetime.datetime) -> OnboardTime:
    """The on-board time of *utc*, which must know its time zone. Raises MomentError for one that no board can say."""
    moment = from_utc(utc)
    if not 0 <= moment.seconds - (EPOCH_HIGH << 16 | EPOCH_LOW) < _BOARD_SECONDS:
        raise _unsaid(utc.year)
    return moment


def _unsaid(year: int) -> MomentError:
    return MomentError(f"year {year} cannot be said on board: 2020 to 2053")


def write_duration(milliseconds: int) -> str:
    """HH:MM:SS, with .fff where there are milliseconds; from 100 hours on with days."""
    seconds, rest = divmod(milliseconds, 1000)
    hours, seconds = divmod(seconds, 3600)
    days, hours = divmod(hours, 24) if hours > 99 else (0, hours)
    text = f"{days:03}T" if days else ""
    text += f"{hours:02}:{seconds // 60:02}:{seconds % 60:02}"
    return f"{text}.{rest:03}" if rest else text


def write_absolute(moment: OnboardTime) -> str:
    """YYYY-DDDTHH:MM:SS, with .fff where there are milliseconds."""
    utc = moment.utc + datetime.timedelta(microseconds=500)  # 1/65536 s is not a whole number of milliseconds
    text = utc.strftime("%Y-%jT%H:%M:%S")
    return f"{text}.{utc.microsecond // 1000:03}" if utc.microsecond >= 1000 else text


def _check_clock(hours: int, minutes: int, seconds: int, most_hours: int) -> None:
    for name, value, most in (("hours", hours, most_hours), ("minutes", minutes, 59), ("seconds", seconds, 59)):
        if value > most:
            raise MomentError(f"{value} {name}: 0 to {most}")


def _milliseconds(fraction: str | None) -> int:
    if fraction is None:
        return 0
    if fraction[3:].strip("0"):
        raise MomentError(f".{fraction} is finer than a millisecond")
    return int(fraction[:3].ljust(3, "0"))
