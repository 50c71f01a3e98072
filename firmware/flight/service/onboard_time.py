"""On-board time: uptime and an offset. ECSS-E-ST-70-41C 6.9; SPEC 10. Seconds since EPOCH and 1/65536 s.

Protocol timers never use it: they use the uptime, which no command moves.
"""

from ..hal.null import Clock as HalClock
from ..packet.telemetry import Clock


class TimeListener:
    """Whoever must know that on-board time jumped (ST[11])."""

    def time_set(self, moved_s: int, moved_fraction: int) -> None:
        """On-board time is *moved_s* seconds and *moved_fraction* (0..65535) of 1/65536 s later than without the jump;
        moved_s negative: earlier, however little.
        """


class OnboardTime(Clock):
    """The clock of reports and of the schedule. Allocates when made, never after.

    hal_clock: flight.hal clock, whose uptime() fills [seconds, microseconds]. offset_s, offset_fraction: on-board time
    at uptime 0. listener: told of every set().
    """

    def __init__(self, hal_clock: HalClock) -> None:
        super().__init__()
        self._clock = hal_clock
        self._uptime = [0, 0]
        self.offset_s = 0
        self.offset_fraction = 0
        self.listener: TimeListener | None = None

    def update(self) -> None:
        """Bring seconds and fraction up to date."""
        uptime = self._uptime
        self._clock.uptime(uptime)
        # Cut: 65536/10^6 = 1024/15625, which keeps the product a small integer.
        fraction = (uptime[1] << 10) // 15625 + self.offset_fraction
        self.seconds = uptime[0] + self.offset_s + (fraction >> 16)
        self.fraction = fraction & 0xFFFF

    def set(self, seconds: int, fraction: int, status: int) -> None:
        """On-board time is now *seconds* and *fraction*. status: SPEC 9."""
        self.update()
        before_s = self.seconds
        before_fraction = self.fraction
        self.offset_s = 0
        self.offset_fraction = 0
        self.update()
        seconds -= self.seconds
        fraction -= self.fraction
        if fraction < 0:
            seconds -= 1
            fraction += 0x10000
        self.offset_s = seconds
        self.offset_fraction = fraction
        self.status = status
        self.update()
        if self.listener is not None:
            moved_s = self.seconds - before_s
            moved_fraction = self.fraction - before_fraction
            if moved_fraction < 0:
                moved_s -= 1
                moved_fraction += 0x10000
            self.listener.time_set(moved_s, moved_fraction)
