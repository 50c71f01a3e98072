"""What a test sees of a board, whichever it is: the few things that every target does, and who says what it cannot do.

    with make_target(load_bench("qemu"), folder) as target:
        target.attach(plant)                 # before boot; where the target has a payload bus
        target.boot()
        target.link.write(cltu)
        target.run_for(1.5)                  # board time
        target.link.read()

`folder` is the target's own: storage lies in it. A target starts nothing before `boot` and leaves nothing after `stop`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from hil.bench import Bench
from hil.deadline import Deadline
from hil.plant.attached import AttachedPlant

from .capability import CAPABILITIES
from .errors import CapabilityMissing
from .line import Line
from .parts import Parts

LOOK_S = 0.01  # board time between two looks at a condition


class Memory(Protocol):
    """Memory as the processor's bus sees it, while the program runs."""

    def read_word(self, address: int) -> int:
        """Read 32 bits."""

    def write_word(self, address: int, value: int) -> None:
        """Write 32 bits."""

    def read(self, address: int, size: int) -> bytes:
        """Read *size* bytes."""

    def write(self, address: int, data: bytes) -> None:
        """Write *data*."""


class Target(ABC):
    """One board. link, bus, console: its lines; `bus` is taken by a plant that is attached."""

    link: Line

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.folder = folder
        self.plant: AttachedPlant | None = None
        self.missing: Mapping[str, str] = {}  # capability: why not

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    # ---- what it can do -------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """sitl, qemu, renode or serial."""
        return self.bench.target

    @property
    def capabilities(self) -> frozenset[str]:
        """What this target can do, of `CAPABILITIES`."""
        return frozenset(name for name in CAPABILITIES if self.can(name))

    def can(self, capability: str) -> bool:
        """Has the target a capability? Raises KeyError for one that there is not."""
        return not self.why_not(capability)

    def why_not(self, capability: str) -> str:
        """Why the target lacks a capability; empty when it has it. Raises KeyError for one that there is not."""
        if capability not in CAPABILITIES:
            raise KeyError(f"no capability {capability!r}; there are {', '.join(CAPABILITIES)}")
        if capability == "parts" and self.bench.parts is None:
            return "its bench names none"
        return self.missing.get(capability, "")

    def require(self, capability: str) -> None:
        """Raises CapabilityMissing, with the reason, when the target cannot do it."""
        if reason := self.why_not(capability):
            raise CapabilityMissing(f"{self.bench.name} has no {capability}: {reason}")

    # ---- life and death -------------------------------------------------------------------------------------------

    @abstractmethod
    def boot(self) -> None:
        """Start the bench's program with what is in storage. Raises TargetError."""

    @abstractmethod
    def power_off(self) -> None:
        """Take the power away at this instant. RAM is lost, storage is as far as it was written."""

    @abstractmethod
    def power_on(self) -> None:
        """Give the power back."""

    def power_cut(self, off_s: float = 0.0) -> None:
        """Take the power away at this instant for *off_s* seconds; the plant goes on."""
        self.power_off()
        if off_s > 0:
            self.run_for(off_s)
        self.power_on()

    @abstractmethod
    def reset(self) -> None:
        """Reset as the reset pin does."""

    @abstractmethod
    def stop(self) -> None:
        """End everything that the target started. At any time, also twice. What was said stays readable."""

    @abstractmethod
    def check_alive(self) -> None:
        """Raise TargetDied, with the reason, when the board ended by itself."""

    # ---- time -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def now_s(self) -> float:
        """Seconds of the target's time, from anywhere; it goes on over resets and while the power is off."""

    @abstractmethod
    def run_for(self, seconds: float) -> None:
        """Let so much time of the board pass."""

    @abstractmethod
    def await_octets(self, timeout_s: float) -> None:
        """Let time pass until octets have come down the link, *timeout_s* at most."""

    def deadline(self, timeout_s: float) -> Deadline:
        """One that ends in so many seconds of the target's time."""
        return Deadline(self.now_s, timeout_s)

    def run_until(self, condition: Callable[[], bool], deadline: Deadline, expected: str) -> None:
        """Let time pass until *condition* holds. Raises DeadlinePassed."""
        while not condition():
            deadline.check(expected, "not so")
            self.run_for(LOOK_S)

    # ---- what not every target has --------------------------------------------------------------------------------

    def attach(self, plant: AttachedPlant) -> None:
        """Put a plant on the payload bus; before `boot`."""
        self.require("bus")
        self.plant = plant

    @property
    def console(self) -> Line:
        """The console of the board."""
        self.require("console")
        raise AssertionError("a target that has it says so")

    @property
    def memory(self) -> Memory:
        """Memory of the running board."""
        self.require("memory")
        raise AssertionError("a target that has it says so")

    @property
    def parts(self) -> Parts:
        """The parts of the board's own, from outside."""
        self.require("parts")
        raise AssertionError("a target that has them says so")

    def read_storage(self) -> bytes:
        """Content of the storage; while the board is off."""
        self.require("storage")
        raise AssertionError("a target that has it says so")

    def write_storage(self, content: bytes) -> None:
        """Put other content into the storage; while the board is off."""
        self.require("storage")
        raise AssertionError("a target that has it says so")

    @abstractmethod
    def evidence(self) -> dict[str, bytes]:
        """What every line said and was told, and what the target's program printed, by file name."""
