"""A reading of a device: an SI value, whether it counts, and how old it is."""

from micropython import const

# Age of what was never read; ages stop here.
AGE_MAX_S = const(0xFFFF)


class Source:
    """Where readings come from: a unit, or one part. age_s: since the last one came, at most AGE_MAX_S."""

    def __init__(self) -> None:
        self.age_s = AGE_MAX_S


class Reading:
    """Made once and changed in place by its device; apps only look. All readings of one source have one age.

    value: V, A, W; temperatures in degC. valid: the device vouches for the value; when False, `value` is the last valid
    one. age_s: since the source was read, 0..AGE_MAX_S.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.value = 0.0
        self.valid = False

    @property
    def age_s(self) -> int:
        return self._source.age_s


def readings(count: int, source: Source) -> "list[Reading]":
    """*count* readings of one source. Allocates."""
    made = []
    for _ in range(count):
        made.append(Reading(source))
    return made


class Errors:
    """What went wrong with a device and what went right, each mod 65536.

    requests: asked, repetitions included. replies: good answers. timeouts: nothing came in time. corrupt: CRC or length
    wrong. strangers: answers of another slave, or to another question; also requests before which something came that
    nobody asked for. exceptions: refused by the device. retries: repetitions. failures: given up after all repetitions.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.replies = 0
        self.timeouts = 0
        self.corrupt = 0
        self.strangers = 0
        self.exceptions = 0
        self.retries = 0
        self.failures = 0
