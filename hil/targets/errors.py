"""What can go wrong with a target.

TargetError
├── EmulatorMissing     the emulator is not installed, or too old
├── TargetDied          the emulator's process ended by itself
├── ChannelTimeout      the board did not say what was waited for
├── ChannelClosed       nobody is at the other end of a UART
├── ControlError        the emulator refused a command, or answered none
├── ProgramFailed       Python code on the board raised
├── CapabilityMissing   the target cannot do what was asked for, by its nature or by its bench
└── DeadlinePassed      what was waited for did not come in time
"""


class TargetError(Exception):
    """Anything that went wrong with a target."""


class EmulatorMissing(TargetError):
    """The emulator is not installed or cannot be used. The text is one line that says what to do."""


class TargetDied(TargetError):
    """The emulator's process ended although nobody stopped it."""


class ChannelTimeout(TargetError):
    """The expected bytes did not come in time. The text gives what was expected and what was found."""


class ChannelClosed(TargetError):
    """The UART has no other end any more."""


class ControlError(TargetError):
    """The emulator's control port refused a command or did not answer it."""


class ProgramFailed(TargetError):
    """Code that ran on the board raised; the text is its traceback."""


class CapabilityMissing(TargetError):
    """The target has no such capability. The text says why."""


class DeadlinePassed(TargetError):
    """What was waited for did not come in time. The text gives what was expected and what was found."""
