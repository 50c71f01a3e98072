"""On-board time as people read it: CUC (TAI since 1958-01-01, SPEC.md section 10) to UTC and back.

Leap seconds: IERS Bulletin C. Before 1972 UTC had no whole seconds to TAI; the difference of 1972 is taken there,
because no board says such a time.
"""

from __future__ import annotations

import bisect
import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from flight.limits import EPOCH_HIGH, EPOCH_LOW

from ..packet.pus import CucTime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# UTC dates from which TAI - UTC is one second more; the first is 10 s. None is announced after the last one.
_LEAPS = (
    "1972-01-01", "1972-07-01", "1973-01-01", "1974-01-01", "1975-01-01", "1976-01-01", "1977-01-01",
    "1978-01-01", "1979-01-01", "1980-01-01", "1981-07-01", "1982-07-01", "1983-07-01", "1985-07-01",
    "1988-01-01", "1990-01-01", "1991-01-01", "1992-07-01", "1993-07-01", "1994-07-01", "1996-01-01",
    "1997-07-01", "1999-01-01", "2006-01-01", "2009-01-01", "2012-07-01", "2015-07-01", "2017-01-01",
)  # fmt: skip
_FIRST_DIFFERENCE_S = 10
_EPOCH = datetime.datetime(1958, 1, 1, tzinfo=datetime.UTC)
_SECOND = datetime.timedelta(seconds=1)

# Seconds since 1958 at which each difference begins, counted in UTC (86400 a day) and in TAI.
_UTC_STARTS = [
    int((datetime.datetime.fromisoformat(day + "T00:00:00+00:00") - _EPOCH) / datetime.timedelta(seconds=1))
    for day in _LEAPS
]
_TAI_STARTS = [start + _FIRST_DIFFERENCE_S + number for number, start in enumerate(_UTC_STARTS)]

# Seconds from 1958 to the board's own epoch, from which it counts while nobody has set its time.
BOARD_EPOCH_S = EPOCH_HIGH << 16 | EPOCH_LOW

STATUS_TEXTS = {0: "free running", 1: "set", 2: "correlated"}


class OnboardTime(msgspec.Struct, frozen=True, order=True):
    """A time that the board wrote. status: 0 counts since its start (so UTC means nothing), 1 set, 2 correlated."""

    seconds: int
    fraction: int = 0
    status: int = 0

    @property
    def cuc(self) -> CucTime:
        """The same without status."""
        return CucTime(self.seconds, self.fraction)

    @property
    def tai_s(self) -> float:
        """Seconds since 1958-01-01T00:00:00 TAI as one number; a double keeps 1/65536 s exactly."""
        return self.seconds + self.fraction / 65536

    @property
    def is_set(self) -> bool:
        """Did somebody set the clock, so that UTC means something?"""
        return self.status != 0

    @property
    def utc(self) -> datetime.datetime:
        """UTC; within a leap second the last microsecond before it, which `datetime` can say."""
        utc_s, leap = _utc_seconds(self.seconds)
        if leap:
            return _EPOCH + (utc_s + 1) * _SECOND - datetime.timedelta(microseconds=1)
        return _EPOCH + utc_s * _SECOND + datetime.timedelta(microseconds=self.fraction * 1_000_000 >> 16)

    @property
    def unix_s(self) -> float:
        """POSIX time, as a receive time is: leap seconds not counted."""
        return _utc_seconds(self.seconds)[0] - UNIX_S + self.fraction / 65536

    @property
    def iso(self) -> str:
        """UTC as 2026-11-21T04:36:08.123Z, a leap second as 23:59:60."""
        utc_s, leap = _utc_seconds(self.seconds)
        text = (_EPOCH + utc_s * _SECOND).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{text[:-2]}60.{_ms(self.fraction)}Z" if leap else f"{text}.{_ms(self.fraction)}Z"

    @property
    def shown(self) -> str:
        """The best that can be said: UTC, or the time since the start while nobody has set the clock."""
        return self.iso if self.is_set else self.onboard

    @property
    def onboard(self) -> str:
        """On-board time beside UTC: seconds since the start while nobody has set it, else CUC seconds."""
        if self.is_set or self.seconds < BOARD_EPOCH_S:
            return f"CUC {self.seconds}.{_ms(self.fraction)}"
        return f"start + {self.seconds - BOARD_EPOCH_S}.{_ms(self.fraction)} s"


def shown_unix(us: int, status: int) -> tuple[str, str | None]:
    """A time kept as POSIX microseconds, as `OnboardTime.shown`, and its UTC; None while nobody has set it."""
    if status:
        text = iso_of_unix(us / 1_000_000)
        return text, text
    since_ms = us // 1000 - round(1000 * OnboardTime(BOARD_EPOCH_S).unix_s)
    return f"start + {since_ms // 1000}.{since_ms % 1000:03} s", None


UNIX_S = 4383 * 86400  # 1958-01-01 to 1970-01-01 in days of 86400 s


def _ms(fraction: int) -> str:
    return f"{fraction * 1000 >> 16:03}"


def _utc_seconds(tai_s: int) -> tuple[int, bool]:
    """Seconds of UTC since 1958 (86400 a day); true for the second that a leap second has inserted."""
    number = bisect.bisect_right(_TAI_STARTS, tai_s) - 1
    difference = _FIRST_DIFFERENCE_S + max(number, 0)
    following = number + 1
    if 0 < following < len(_TAI_STARTS) and tai_s == _TAI_STARTS[following] - 1:
        return tai_s - difference - 1, True
    return tai_s - difference, False


def posix_us(seconds: NDArray[Any], fraction: NDArray[Any]) -> NDArray[np.int64]:
    """Many times as POSIX microseconds (leap seconds not counted), cut."""
    import numpy as np  # noqa: PLC0415  # takes longer to import than all the rest

    tai_s = seconds.astype(np.int64)
    numbers = np.searchsorted(np.array(_TAI_STARTS), tai_s, side="right") - 1
    utc_s = tai_s - _FIRST_DIFFERENCE_S - np.maximum(numbers, 0)
    result: NDArray[np.int64] = (utc_s - UNIX_S) * 1_000_000 + (fraction.astype(np.int64) * 1_000_000 >> 16)
    return result


def from_utc(utc: datetime.datetime, status: int = 1) -> OnboardTime:
    """The on-board time of *utc*, which must know its time zone; the fraction is rounded to 1/65536 s."""
    if utc.tzinfo is None:
        raise ValueError("expected a time with its time zone, found one without; give UTC")
    since = utc - _EPOCH
    seconds = since.days * 86400 + since.seconds
    number = bisect.bisect_right(_UTC_STARTS, seconds) - 1
    fraction = round(since.microseconds * 65536 / 1_000_000)
    seconds += _FIRST_DIFFERENCE_S + max(number, 0) + (fraction >> 16)
    return OnboardTime(seconds, fraction & 0xFFFF, status)


def from_unix(unix_s: float, status: int = 1) -> OnboardTime:
    """The on-board time of a POSIX time."""
    return from_utc(datetime.datetime.fromtimestamp(unix_s, datetime.UTC), status)


def iso_of_unix(unix_s: float) -> str:
    """A POSIX time as 2026-11-21T04:36:08.123Z, cut to milliseconds."""
    whole = int(unix_s // 1)
    text = datetime.datetime.fromtimestamp(whole, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{int((unix_s - whole) * 1000):03}Z"
