"""`renode` as a target: the bench's image in Renode, in Renode's virtual time.

Time moves only in `run_for`, in slices: behind each one the plant takes what the board has sent and the answer goes
back. Octets cross sockets, so what was sent at the end of a slice may arrive in the next one.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from hil.bench import Bench
from hil.plant.attached import AttachedPlant

from .channel import Channel
from .errors import TargetError
from .parts import Parts, RenodeParts
from .renode import Renode
from .target import LOOK_S, Memory, Target

STORAGE_NAME = "storage.bin"


class RenodeTarget(Target):
    """One emulated board. renode: the emulation itself, for what only Renode can do."""

    link: Channel

    def __init__(self, bench: Bench, folder: Path) -> None:
        super().__init__(bench, folder)
        self.renode = Renode(bench.board)
        self.link = self.renode.link
        self.bus = self.renode.bus
        self._now_s = 0.0

    @property
    def storage_path(self) -> Path:
        """The file with the flash sectors behind the board's storage."""
        return self.folder / STORAGE_NAME

    def attach(self, plant: AttachedPlant) -> None:
        """The plant's time is Renode's."""
        super().attach(plant)
        plant.start(self.now_s)

    def boot(self) -> None:
        """A new emulation that stands still."""
        scripts = [] if self.bench.parts is None else [self.bench.path(self.bench.parts)]
        self.renode.boot(self.bench.image_path, storage=self.storage_path, paused=True, scripts=scripts)
        # Else `RunFor` takes as long as the time that it lets pass. Boards for people keep the pace of the host.
        self.renode.execute("emulation SetGlobalAdvanceImmediately true")

    def power_off(self) -> None:
        """The emulation ends in the middle of whatever it does; flash is kept as far as it was written."""
        self.renode.stop()

    def power_on(self) -> None:
        """A new emulation."""
        self.boot()

    def reset(self) -> None:
        """As the reset pin does."""
        self.renode.reset()

    def stop(self) -> None:
        """End Renode."""
        self.renode.stop()

    def check_alive(self) -> None:
        """Raise TargetDied when Renode ended by itself."""
        self.renode.check_alive()

    def now_s(self) -> float:
        """Renode's time over all boots."""
        return self._now_s

    def run_for(self, seconds: float) -> None:
        """Let Renode's time pass in slices."""
        left_s = seconds
        while left_s > 1e-6:
            slice_s = min(left_s, LOOK_S)
            if self.renode.pid is not None:
                self.renode.run_for(slice_s)
            self._now_s += slice_s
            left_s -= slice_s
            self._serve_bus()

    def _serve_bus(self) -> None:
        if self.plant is None:
            return
        self.plant.catch_up()
        if data := self.bus.read():
            self.plant.write(data)
        if (answer := self.plant.read()) and self.bus.is_open:
            self.bus.write(answer)

    def await_octets(self, timeout_s: float) -> None:
        """Let time pass in slices until the link said something."""
        end_s = self._now_s + timeout_s
        while not self.link.wait(0) and end_s - self._now_s > 1e-6:
            self.run_for(min(end_s - self._now_s, LOOK_S))

    @property
    def console(self) -> Channel:
        """USART3."""
        return self.renode.console

    @property
    def memory(self) -> Memory:
        """Memory of the machine."""
        return self.renode.memory

    @property
    def parts(self) -> Parts:
        """Models of them."""
        self.require("parts")
        return RenodeParts(self.renode.execute)

    def read_storage(self) -> bytes:
        """Content of the file; empty when the board has never run."""
        return self.storage_path.read_bytes() if self.storage_path.is_file() else b""

    def write_storage(self, content: bytes) -> None:
        """Other content of the file."""
        self.storage_path.write_bytes(content)

    def evidence(self) -> dict[str, bytes]:
        """What the lines and Renode said, and the storage: that of a running board is still in its flash."""
        storage = self.read_storage()
        if self.renode.pid is not None:
            with contextlib.suppress(TargetError):  # a Renode that is dead or hangs has the file of its start
                storage = self.renode.read_flash()
        return self.renode.evidence() | {"storage.bin": storage}
