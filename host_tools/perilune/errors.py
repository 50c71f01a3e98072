"""Errors of the ground side. Each names what was expected, what was found and what the user can do next.

PeriluneError
├── PacketError            a packet that cannot be built or read
│   └── FieldRangeError    a header field out of its range
├── LinkError
│   ├── PortError          a port that cannot be opened
│   │   └── PortBusyError  a port that another program has
│   ├── OwnerLostError     the program that owns the port has gone, or never was
│   ├── LinkLostError      a port that has gone while in use
│   ├── NoClcwError        nothing came down that says what the spacecraft expects
│   ├── NotDeliveredError  a telecommand without acknowledgement in the time given
│   └── KeyFileError       the keys of the uplink authentication cannot be read
├── ExpectationError       a file of expectations that cannot be used
├── ImageError             an image that is not what the board needs
├── FlashError             a board that could not be flashed
├── CommandError
│   ├── MismatchError      the board speaks another dictionary, or has not said which
│   ├── NotAllowedError    a command that is held back on the ground: mode, hazard
│   ├── CommandFailedError a command that the board refused or could not finish
│   └── NoAnswerError      a command that nobody answered in the time given
├── FileError              a file of this machine that cannot be read or written
├── ConfigurationError     a perilune.toml that cannot be used
└── UsageError             arguments that contradict each other

`exit_status` is what `perilune` ends with; perilune/cli.py lists them.
"""

from __future__ import annotations


class PeriluneError(Exception):
    """Base of all. `str()` is one line for the user: summary, expected, found, next step."""

    exit_status = 1

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

    @property
    def told(self) -> str:
        """What stands behind the tool's name on a terminal."""
        return str(self)

    def data(self) -> dict[str, object]:
        """For JSON."""
        return {
            "error": self.summary,
            "expected": self.expected,
            "found": self.found,
            "next_step": self.next_step,
            "exit_status": self.exit_status,
        }


class PacketError(PeriluneError):
    """A packet that cannot be built or read."""


class FieldRangeError(PacketError):
    """A header field out of its range."""


class LinkError(PeriluneError):
    """Something about the space link."""


class PortError(LinkError):
    """A port that cannot be opened."""


class PortBusyError(PortError):
    """A port that another program has."""


class OwnerLostError(LinkError):
    """Nobody owns the port that a tool wanted to share."""


class LinkLostError(LinkError):
    """A port that has gone while it was in use."""


class NoClcwError(LinkError):
    """No CLCW came down in the time given, so FOP-1 cannot start."""

    exit_status = 4


class NotDeliveredError(LinkError):
    """A telecommand that nobody acknowledged in the time given."""

    exit_status = 4


class KeyFileError(LinkError):
    """The key file of the uplink authentication is missing or malformed."""


class CommandError(PeriluneError):
    """Something about a command."""


class MismatchError(CommandError):
    """The board speaks another dictionary than we, or has not said which it speaks."""


class NotAllowedError(CommandError):
    """A command that is held back on the ground, because the board would refuse it or nobody has confirmed it."""


class CommandFailedError(CommandError):
    """A command that the board refused, or began and could not finish."""

    exit_status = 3


class NoAnswerError(CommandError):
    """A command that was not delivered, or not answered, in the time given."""

    exit_status = 4


class FileError(PeriluneError):
    """A file of this machine that cannot be read or written."""


def file_error(error: OSError, path: object = None) -> FileError:
    """What the system refused, in words. path: where it does not say itself."""
    name = path or error.filename
    return FileError(
        "the system refused" if name is None else f"cannot use {name}",
        expected="a file or folder that is there and yours",
        found=error.strerror or str(error) or type(error).__name__,
        next_step="check its name, its folder and your permissions",
    )


class ConfigurationError(PeriluneError):
    """A perilune.toml that cannot be read, or names something that is not there."""

    exit_status = 2


class UsageError(PeriluneError):
    """Arguments that contradict each other."""

    exit_status = 2


class ExpectationError(PeriluneError):
    """A file of expectations that cannot be used."""

    exit_status = 2


class ImageError(PeriluneError):
    """An image that cannot be read, or that is not what the board needs."""


class FlashError(PeriluneError):
    """A board that did not answer, is another one, or could not be written."""
