"""Errors of the ground side. Each names what was expected, what was found and what the user can do next.

PeriluneError
├── PacketError            a packet that cannot be built or read
│   └── FieldRangeError    a header field out of its range
├── LinkError
│   ├── PortError          a port that cannot be opened
│   ├── LinkLostError      a port that has gone while in use
│   ├── NoClcwError        nothing came down that says what the spacecraft expects
│   ├── NotDeliveredError  a telecommand without acknowledgement in the time given
│   └── KeyFileError       the keys of the uplink authentication cannot be read
├── ExpectationError       a file of expectations that cannot be used
├── ImageError             an image that is not what the board needs
├── FlashError             a board that could not be flashed
└── UsageError             arguments that contradict each other
"""

from __future__ import annotations


class PeriluneError(Exception):
    """Base of all. `str()` is one line for the user: summary, expected, found, next step."""

    def __init__(self, summary: str, *, expected: str = "", found: str = "", next_step: str = "") -> None:
        self.summary = summary
        self.expected = expected
        self.found = found
        self.next_step = next_step
        parts = [summary]
        if expected:
            parts.append(f"expected {expected}")
        if found:
            parts.append(f"found {found}")
        if next_step:
            parts.append(f"try: {next_step}")
        super().__init__("; ".join(parts))


class PacketError(PeriluneError):
    """A packet that cannot be built or read."""


class FieldRangeError(PacketError):
    """A header field out of its range."""


class LinkError(PeriluneError):
    """Something about the space link."""


class PortError(LinkError):
    """A port that cannot be opened."""


class LinkLostError(LinkError):
    """A port that has gone while it was in use."""


class NoClcwError(LinkError):
    """No CLCW came down in the time given, so FOP-1 cannot start."""


class NotDeliveredError(LinkError):
    """A telecommand that nobody acknowledged in the time given."""


class KeyFileError(LinkError):
    """The key file of the uplink authentication is missing or malformed."""


class UsageError(PeriluneError):
    """Arguments that contradict each other."""


class ExpectationError(PeriluneError):
    """A file of expectations that cannot be used."""


class ImageError(PeriluneError):
    """An image that cannot be read, or that is not what the board needs."""


class FlashError(PeriluneError):
    """A board that did not answer, is another one, or could not be written."""
