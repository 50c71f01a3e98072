"""What the temperatures of the zones are: checks of each sensor, and the vote of a zone.

A sample counts unless the device does not vouch for it (open, short), it is out of range, it moved faster than it can,
it has not moved by a bit for a long time, or it stands apart from the median of the others. A sensor whose samples do
not count for reject_s is rejected; it comes back after return_s of samples that would all count.

Zone. Three that count: the median. Two: their mean, and when they stand apart, nobody can tell which is wrong: the zone
is doubtful, its value is the colder one, the hotter one decides over the cut-out, and no control goes by it. One:
that one. None: the last value, and after reject_s the zone is lost.
"""

from micropython import const

from ...device.reading import Reading
from .places import SENSORS, ZONES, Places

# Why a sample does not count.
GOOD = const(0)
INVALID = const(1)
RANGE = const(2)
RATE = const(3)
FLAT = const(4)
APART = const(5)

# State of a zone.
KNOWN = const(0)
DOUBTFUL = const(1)
LOST = const(2)
NEW = const(3)  # nothing has come yet

_CHANNELS = const(24)
_COUNT_MAX = const(0xFFFF)


class SensorListener:
    """Who is told what changes."""

    def sensor_rejected(self, zone: int, sensor: int, reason: int, value: float) -> None:
        """Sensor 0..2 of *zone* does not count any more."""

    def sensor_returned(self, zone: int, sensor: int) -> None:
        """It counts again."""

    def zone_changed(self, zone: int, state: int, value: float) -> None:
        """KNOWN, DOUBTFUL or LOST."""


class Sensors:
    """Allocates when made, never after.

    readings: 24, zone * 3 + sensor. c: voted temperature by zone, the last one when there is none. hot: the same, in
    doubt the hottest. state: by zone.
    rejected: by channel the reason, GOOD = it counts. rejections: mod 65536.
    """

    def __init__(self, values: "list[float]", places: Places, readings: "list[Reading]", listener: SensorListener):
        self._values = values
        self._places = places
        self._readings = readings
        self._listener = listener
        self.c = [0.0] * ZONES
        self.hot = [0.0] * ZONES
        self.state = bytearray([NEW] * ZONES)
        self.rejected = bytearray(_CHANNELS)
        self.rejections = 0
        self._known_before = bytearray(_CHANNELS)  # is there a sample to compare with?
        self._last = [0.0] * _CHANNELS
        self._flat_s = [0] * _CHANNELS
        self._bad_s = [0] * _CHANNELS
        self._good_s = [0] * _CHANNELS
        self._found = bytearray(_CHANNELS)
        self._unsure_s = [0] * ZONES

    def update(self, dt_s: int) -> None:
        """New readings have come, *dt_s* after the ones before."""
        minutes = dt_s / 60
        for zone in range(ZONES):
            self._check(zone, dt_s, minutes)
            self._vote(zone, dt_s)
            self._judge(zone, dt_s)

    def silent(self) -> None:
        """No readings come any more: every zone is lost, no sensor is to blame."""
        for channel in range(_CHANNELS):
            self._known_before[channel] = 0
        for zone in range(ZONES):
            self._enter(zone, LOST)

    def trust(self, zone: int) -> None:
        """Count every sensor of *zone* again, until it fails anew."""
        for channel in range(SENSORS * zone, SENSORS * zone + SENSORS):
            self.rejected[channel] = GOOD
            self._bad_s[channel] = self._flat_s[channel] = 0
            self._known_before[channel] = 0
        self._unsure_s[zone] = 0

    def mask(self) -> int:
        """Bit i = channel i is rejected."""
        bits = 0
        for channel in range(_CHANNELS):
            if self.rejected[channel]:
                bits |= 1 << channel
        return bits

    def zones(self, state: int) -> int:
        """Bit i = zone i is in *state*."""
        bits = 0
        for zone in range(ZONES):
            if self.state[zone] == state:
                bits |= 1 << zone
        return bits

    def _check(self, zone: int, dt_s: int, minutes: float) -> None:
        """What each sample is worth by itself, into _found."""
        values = self._values
        places = self._places
        readings = self._readings
        found = self._found
        last = self._last
        low = values[places.low + zone]
        high = values[places.high + zone]
        most = values[places.noise_k] + values[places.rate + zone] * minutes
        for channel in range(SENSORS * zone, SENSORS * zone + SENSORS):
            reading = readings[channel]
            value = reading.value
            if not reading.valid:
                found[channel] = INVALID
                self._known_before[channel] = 0
            elif not low <= value <= high:
                found[channel] = RANGE
                self._known_before[channel] = 0
            else:
                change = value - last[channel]
                last[channel] = value
                found[channel] = GOOD
                if not self._known_before[channel]:
                    self._known_before[channel] = 1
                    self._flat_s[channel] = 0
                elif change == 0.0:
                    self._still(channel, dt_s)
                else:
                    self._flat_s[channel] = 0
                    if change > most or -change > most:
                        found[channel] = RATE

    def _still(self, channel: int, dt_s: int) -> None:
        """The sample is the one before, to the bit."""
        limit_s = self._values[self._places.flat_s]
        flat_s = self._flat_s[channel]
        if flat_s < _COUNT_MAX - dt_s:
            self._flat_s[channel] = flat_s = flat_s + dt_s
        if limit_s and flat_s >= limit_s:
            self._found[channel] = FLAT

    def _vote(self, zone: int, dt_s: int) -> None:
        """The zone's value out of what counts; three that count may put one apart."""
        found = self._found
        last = self._last
        used = int(self._values[self._places.sensors + zone])
        first = SENSORS * zone
        count = 0
        a = b = c = 0.0
        for sensor in range(SENSORS):
            if used >> sensor & 1 and not found[first + sensor] and not self.rejected[first + sensor]:
                c = b
                b = a
                a = last[first + sensor]
                count += 1
        apart = self._values[self._places.disagree_k]
        if count == 1:
            self._sure(zone, a)
        elif count == 0:
            self._unsure(zone, dt_s, LOST, self.c[zone], self.hot[zone])
        elif count == 2:
            if -apart <= a - b <= apart:
                self._sure(zone, (a + b) / 2)
            else:
                self._unsure(zone, dt_s, DOUBTFUL, min(a, b), max(a, b))
        else:
            middle = max(min(a, b), min(max(a, b), c))
            lowest = min(a, b, c)
            highest = max(a, b, c)
            if middle - lowest > apart and highest - middle > apart:
                self._unsure(zone, dt_s, DOUBTFUL, lowest, highest)
            else:
                self._sure(zone, middle)

    def _sure(self, zone: int, value: float) -> None:
        self.c[zone] = self.hot[zone] = value
        self._unsure_s[zone] = 0
        if self.state[zone] != KNOWN:
            self._enter(zone, KNOWN)

    def _unsure(self, zone: int, dt_s: int, state: int, value: float, hottest: float) -> None:
        """Not known what the zone has; for a while that is as before."""
        unsure_s = self._unsure_s[zone] + dt_s
        if unsure_s <= _COUNT_MAX:
            self._unsure_s[zone] = unsure_s
        if unsure_s >= self._values[self._places.reject_s] or DOUBTFUL <= self.state[zone] <= LOST:
            self.c[zone] = value
            self.hot[zone] = hottest
            self._enter(zone, state)

    def _enter(self, zone: int, state: int) -> None:
        if self.state[zone] != state:
            self.state[zone] = state
            self._listener.zone_changed(zone, state, self.c[zone])

    def _judge(self, zone: int, dt_s: int) -> None:
        """Persistence of what was found: reject, and take back."""
        used = int(self._values[self._places.sensors + zone])
        known = self.state[zone] == KNOWN and not self._unsure_s[zone]
        apart = self._values[self._places.disagree_k]
        middle = self.c[zone]
        first = SENSORS * zone
        for sensor in range(SENSORS):
            channel = first + sensor
            if not used >> sensor & 1:
                continue
            reason = self._found[channel]
            if known and not reason and not -apart <= self._last[channel] - middle <= apart:
                reason = APART
            if self.rejected[channel]:
                self._try_return(zone, sensor, reason, dt_s)
            elif reason:
                self._bad_s[channel] += dt_s
                if self._bad_s[channel] >= self._values[self._places.reject_s]:
                    self._reject(zone, sensor, reason)
            elif self._bad_s[channel]:
                # Slower than it grew: a noisy sensor is good now and then.
                self._bad_s[channel] = max(0, self._bad_s[channel] - dt_s // 4)

    def _reject(self, zone: int, sensor: int, reason: int) -> None:
        channel = SENSORS * zone + sensor
        self.rejected[channel] = reason
        self._good_s[channel] = 0
        self.rejections = (self.rejections + 1) & 0xFFFF
        self._listener.sensor_rejected(zone, sensor, reason, self._readings[channel].value)

    def _try_return(self, zone: int, sensor: int, reason: int, dt_s: int) -> None:
        """A rejected sensor comes back when all its samples would count for long enough."""
        channel = SENSORS * zone + sensor
        if reason or self.state[zone] == DOUBTFUL:
            self._good_s[channel] = 0
            return
        self._good_s[channel] += dt_s
        if self._good_s[channel] >= self._values[self._places.return_s]:
            self.rejected[channel] = GOOD
            self._bad_s[channel] = 0
            self._listener.sensor_returned(zone, sensor)
