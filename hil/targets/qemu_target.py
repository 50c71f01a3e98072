"""`qemu` as a target: the bench's image in qemu-system-arm. Its time is the host's; the plant answers from a thread."""

from __future__ import annotations

import time
from pathlib import Path

from hil.bench import Bench
from hil.plant.attached import AttachedPlant

from .bus_servant import BusServant
from .channel import Channel
from .qemu import Qemu
from .target import Memory, Target

STORAGE_NAME = "storage.bin"


class QemuTarget(Target):
    """One emulated board. qemu: the machine itself, for what only QEMU can do."""

    link: Channel

    def __init__(self, bench: Bench, folder: Path) -> None:
        super().__init__(bench, folder)
        self.missing = {"exact_time": "the emulator's clock follows the host's"}
        self.qemu = Qemu(bench.board)
        self.link = self.qemu.link
        self.bus = self.qemu.bus
        self._servant: BusServant | None = None

    @property
    def storage_path(self) -> Path:
        """The file behind the board's storage."""
        return self.folder / STORAGE_NAME

    def attach(self, plant: AttachedPlant) -> None:
        """The plant's time begins now."""
        super().attach(plant)
        self._servant = BusServant(plant, self.bus)

    def boot(self) -> None:
        """A new machine, with access to its memory."""
        self.qemu.boot(self.bench.image_path, storage=self.storage_path, qtest=True)

    def power_off(self) -> None:
        """The machine ends in the middle of whatever it does."""
        self.qemu.stop()

    def power_on(self) -> None:
        """A new machine."""
        self.boot()

    def reset(self) -> None:
        """As the reset pin does."""
        self.qemu.reset()

    def stop(self) -> None:
        """End the machine and the plant's thread."""
        if self._servant is not None:
            self._servant.stop()
            self._servant = None
        self.qemu.stop()

    def check_alive(self) -> None:
        """Raise TargetDied when the machine ended by itself."""
        self.qemu.check_alive()

    def now_s(self) -> float:
        """The host's clock."""
        return time.monotonic()

    def run_for(self, seconds: float) -> None:
        """The board runs beside us; reader threads take what it says."""
        time.sleep(seconds)
        self.qemu.check_alive()

    def await_octets(self, timeout_s: float) -> None:
        """Wait for the reader thread of the link."""
        if not self.link.wait(timeout_s):
            self.qemu.check_alive()
            if not self.link.is_open:
                time.sleep(timeout_s)  # the power is off

    @property
    def console(self) -> Channel:
        """USART3."""
        return self.qemu.console

    @property
    def memory(self) -> Memory:
        """Memory of the running machine."""
        return self.qemu.memory

    def read_storage(self) -> bytes:
        """Content of the file; empty when the board has never run."""
        return self.storage_path.read_bytes() if self.storage_path.is_file() else b""

    def write_storage(self, content: bytes) -> None:
        """Other content of the file."""
        self.storage_path.write_bytes(content)

    def evidence(self) -> dict[str, bytes]:
        """What the lines and QEMU said, and the storage."""
        return self.qemu.evidence() | {"storage.bin": self.read_storage()}
