"""What the system tests fly on: `sitl` and `qemu`, with the mission of the flight tests and storage that is kept."""

from __future__ import annotations

import time
from pathlib import Path

from flight.hal.null import RESET_POWER_ON
from perilune.dictionary.load import CORE

from hil.targets.qemu import Qemu
from hil.targets.sitl import Sitl

ROOT = Path(__file__).resolve().parents[2]
TRIAL = ROOT / "tests" / "flight" / "trial"
BOARD = "netduinoplus2"
ELF = ROOT / f"build/{BOARD}-trial/firmware.elf"


class SitlTarget(Sitl):
    """The board in this process, in virtual time."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        super().__init__([CORE, TRIAL])

    def run(self, seconds: float) -> None:
        """Let board time pass."""
        self._passed_s += seconds
        super().run(seconds)

    def now_s(self) -> float:
        """Seconds of a clock beside the board's."""
        return self._passed_s

    def power_cut(self) -> None:
        """Power goes and comes back; storage is kept."""
        self.restart(RESET_POWER_ON)

    def stop(self) -> None:
        """Nothing runs by itself."""


class QemuTarget:
    """The emulated board with its `flight` image. Its time runs beside ours."""

    def __init__(self, folder: Path) -> None:
        """folder: where storage is kept."""
        if not ELF.is_file():
            raise FileNotFoundError(f"{ELF} is not built: make test-images")
        self._qemu = Qemu(BOARD)
        self._received = b""
        self._qemu.boot(ELF, storage=folder / "storage.bin")

    def send(self, octets: bytes) -> None:
        """Octets go up the space link."""
        self._qemu.link.write(octets)

    def receive(self) -> bytes:
        """Octets that have come down the space link since the last call."""
        received, self._received = self._received + self._qemu.link.read(), b""
        return received

    def now_s(self) -> float:
        """Seconds of a clock beside the board's."""
        return time.monotonic()

    def run(self, seconds: float) -> None:
        """Listen for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._received += self._qemu.link.read_some(left)

    def power_cut(self) -> None:
        """Power goes and comes back; storage is kept."""
        self._qemu.power_cut()
        self._received = b""

    def stop(self) -> None:
        """End the machine."""
        self._qemu.stop()
