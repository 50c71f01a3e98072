"""A sequence that was read: its steps, each with the place in the file that it came from."""

from __future__ import annotations

import msgspec

from ..client.command_text import CommandText
from ..telemetry.onboard_time import OnboardTime
from .condition import Condition
from .moment import write_absolute, write_duration


class SequenceStep(msgspec.Struct, frozen=True):
    """A request (command) or a wait (condition, timeout_ms). line: of the file, from 1; text: of the step alone.

    delay_ms: after the end of the step before; moment: when, for a request at a time, and then delay_ms is 0.
    """

    line: int
    text: str
    delay_ms: int = 0
    moment: OnboardTime | None = None
    command: CommandText | None = None
    condition: Condition | None = None
    timeout_ms: int = 0
    go_on: bool = False

    @property
    def when(self) -> str:
        """As it is typed."""
        return f"R{write_duration(self.delay_ms)}" if self.moment is None else f"A{write_absolute(self.moment)}"


class SequenceText(msgspec.Struct, frozen=True):
    """A sequence from a file. id: None when neither the file nor its user gave one."""

    path: str
    id: int | None
    name: str
    steps: tuple[SequenceStep, ...]

    @property
    def least_ms(self) -> int:
        """How long it takes at least, as far as its relative times tell: no WAIT waits."""
        return sum(step.delay_ms for step in self.steps)

    @property
    def most_ms(self) -> int:
        """The same when every WAIT waits for its timeout."""
        return self.least_ms + sum(step.timeout_ms for step in self.steps)

    @property
    def is_hazardous(self) -> bool:
        """Is there a hazardous request in it?"""
        return any(step.command is not None and step.command.is_hazardous for step in self.steps)
