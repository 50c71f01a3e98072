"""ST[09] time management: time report at a rate, on-board time set by the ground. ECSS-E-ST-70-41C 6.9, 8.9; SPEC 10.

Report 9/2: rate exponent (1 octet), on-board time (7), time reference status (1). Unlike 6.9.4.2.1 it comes from the
board's own application process and with a secondary header, so that one reader serves all reports. 9/1 sets its rate:
every 2^exponent seconds, 255 = off. The standard leaves to the mission how time is set: here 9/128, and 9/129 asks for
one report.

Setting time moves no protocol timer (they use uptime) and decides on no scheduled request: schedule.py does, and writes
down how.
"""

from micropython import const

from ..limits import TIME_REPORT_OFF, TIME_REPORT_RATE_MAX, TIME_SET_MAX
from ..packet.cuc import TIME_LENGTH, read_fraction, read_seconds, write_time
from .base import Service
from .event import Events
from .failure import ARGUMENT_RANGE, DATA_LENGTH, DONE, UNKNOWN_SUBTYPE
from .onboard_time import OnboardTime
from .request import Request
from .telemetry import Telemetry

_RATE = const(1)
_REPORT = const(2)
_SET = const(128)  # of this mission framework: subtypes from 128 on are free (ECSS-E-ST-70-41C 5.3.4)
_ONCE = const(129)

# Time reference status (SPEC 9): 0 = counts since the start, 1 = set by the ground.
STATUS_SET = const(1)


class TimeManagement(Service):
    """Allocates when made, never after. exponent: of the rate, TIME_REPORT_OFF at the start."""

    service_type = 9

    def __init__(self, time: OnboardTime, tm: Telemetry, events: Events, event_set: int) -> None:
        self._time = time
        self._tm = tm
        self._events = events
        self._event_set = event_set
        self.exponent = TIME_REPORT_OFF
        self._left_s = 0

    def step_1hz(self) -> None:
        """One second is over: send the report that is due."""
        if self.exponent == TIME_REPORT_OFF:
            return
        self._left_s -= 1
        if self._left_s <= 0:
            self._left_s = 1 << self.exponent
            self.report(0)

    def report(self, destination: int) -> None:
        """9/2, now."""
        tm = self._tm
        time = self._time
        tm.begin(9, _REPORT, destination)
        tm.u8(self.exponent)
        write_time(tm.buffer, tm.at, time.seconds, time.fraction)
        tm.at += TIME_LENGTH
        tm.u8(time.status)
        tm.send()

    def check(self, request: Request) -> int:
        if request.subtype == _RATE:
            exponent = int(request.args[0])
            if TIME_REPORT_RATE_MAX < exponent != TIME_REPORT_OFF:
                return request.blame(ARGUMENT_RANGE, 0, exponent)
        elif request.subtype == _SET:
            length = request.data_end - request.at
            if length != TIME_LENGTH:
                return request.blame(DATA_LENGTH, TIME_LENGTH, length)
            seconds = read_seconds(request.buffer, request.at)
            if seconds < 0:
                return request.blame_octets(-seconds, 0, 1, request.at + 1, 4)
            if seconds > TIME_SET_MAX:
                return request.blame_octets(ARGUMENT_RANGE, 0, 1, request.at + 1, 4)
        return DONE

    def handle(self, request: Request) -> int:
        subtype = request.subtype
        if subtype == _RATE:
            self.exponent = int(request.args[0])
            self._left_s = 0
        elif subtype == _SET:
            self._set(request)
        elif subtype == _ONCE:
            self.report(request.source)
        else:
            return UNKNOWN_SUBTYPE
        return DONE

    def _set(self, request: Request) -> None:
        time = self._time
        time.update()
        before_s = time.seconds
        buffer = request.buffer
        time.set(read_seconds(buffer, request.at), read_fraction(buffer, request.at), STATUS_SET)
        self._events.raise_(self._event_set, time.seconds - before_s)
