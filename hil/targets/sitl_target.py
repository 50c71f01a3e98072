"""`sitl` as a target: the flight software in this process, in virtual time, with the plant on its bus.

Nothing runs by itself and nothing is left to chance: the same calls give the same octets.
"""

from __future__ import annotations

from pathlib import Path

from flight.hal.host import HostHal, MemoryStorage
from flight.hal.null import PORT_COUNTERS, RESET_HARD, RESET_POWER_ON, Port
from perilune.dictionary.load import CORE

from hil.bench import Bench
from hil.plant.attached import AttachedPlant
from hil.plant.line import FRAME_GAP_S

from .channel import EVIDENCE_SIZE
from .errors import ControlError
from .line import MemoryLine
from .parts import MemoryParts, Parts
from .sitl import Sitl
from .target import LOOK_S, Target

_MASK = 0x3FFFFFFF


class BusRecord:
    """The last octets of the payload bus, over all starts. received: from the board; sent: to it."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.sent = bytearray()

    def take(self, data: bytes) -> None:
        """The board has said that."""
        self.received += data
        del self.received[:-EVIDENCE_SIZE]

    def give(self, data: bytes) -> None:
        """The board was told that."""
        self.sent += data
        del self.sent[:-EVIDENCE_SIZE]


class PlantPort(Port):
    """The payload-bus port of the board, with the plant at its other end."""

    def __init__(self, plant: AttachedPlant, record: BusRecord) -> None:
        self._plant = plant
        self._record = record
        self._counts = [0] * PORT_COUNTERS

    def read_into(self, buffer: bytearray) -> int:
        """What the plant has answered by now."""
        data = self._plant.read(len(buffer))
        buffer[: len(data)] = data
        self._record.give(data)
        self._counts[0] = (self._counts[0] + len(data)) & _MASK
        return len(data)

    def write(self, buffer: bytearray, start: int = 0, end: int = -1) -> bool:
        """A request to the plant."""
        end = len(buffer) if end < 0 else end
        data = bytes(buffer[start:end])
        self._plant.write(data)
        self._record.take(data)
        self._counts[1] = (self._counts[1] + end - start) & _MASK
        return True

    def counters(self, out: list[int]) -> None:
        """Octets in and out."""
        out[:PORT_COUNTERS] = self._counts


class Board(Sitl):
    """Sitl that tells its owner about its restarts and has a plant on its bus."""

    def __init__(self, owner: SitlTarget, folders: list[Path], storage: MemoryStorage) -> None:
        self._owner = owner
        super().__init__(folders, storage)

    def bus_port(self) -> Port:
        """The plant, where there is one."""
        return self.bus if self._owner.plant is None else PlantPort(self._owner.plant, self._owner.bus_record)

    def restart(self, cause: int = RESET_HARD) -> None:
        """A new board; its owner joins its line to it."""
        if hasattr(self, "clock"):
            self._owner.passed_s += uptime_s(self)
        super().restart(cause)
        self._owner.line.join(self.link)


def uptime_s(board: Sitl) -> float:
    """Seconds since the board's last start."""
    return board.clock.seconds + board.clock.microseconds / 1e6


class SitlTarget(Target):
    """The board in this process. board: everything on board, None while the power is off."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        super().__init__(bench, folder)
        self.missing = {
            "console": "a board in this process says everything over its link",
            "memory": "its memory is that of this process: no addresses, no regions",
        }
        self.line = self.link = MemoryLine()
        self.bus_record = BusRecord()
        self.storage = MemoryStorage()
        self.board: Board | None = None
        self._made: Board | None = None
        self.passed_s = 0.0  # until the last start

    def boot(self) -> None:
        """Start with what is in storage, after a power-on."""
        self.power_off()
        self.power_on()

    def power_off(self) -> None:
        """RAM is lost, storage stays."""
        if self.board is not None:
            self.line.join(None)
            self.passed_s += uptime_s(self.board)
            self.board.clock.seconds = self.board.clock.microseconds = 0
            self.board = None

    def power_on(self) -> None:
        """The board starts."""
        if self.board is not None:
            raise ControlError("power_on of a board that has power")
        if self.plant is not None:
            self.plant.start(self.now_s, FRAME_GAP_S)
        if self._made is None:
            self._made = Board(self, [CORE, *self.bench.mission_folders], self.storage)
        else:
            self._made.storage = self.storage
            self._made.restart(RESET_POWER_ON)
        self.board = self._made

    def reset(self) -> None:
        """As the reset pin does."""
        if self.board is None:
            raise ControlError("reset of a board that has no power")
        self.board.restart(RESET_HARD)

    def stop(self) -> None:
        """Nothing runs by itself."""
        self.power_off()

    def check_alive(self) -> None:
        """It cannot end by itself: what it raises, it raises here."""

    def now_s(self) -> float:
        """Board time over all starts."""
        return self.passed_s if self.board is None else self.passed_s + uptime_s(self.board)

    def run_for(self, seconds: float) -> None:
        """Let board time pass, as fast as it goes."""
        if self.board is None:
            self.passed_s += seconds
        else:
            # Whole milliseconds, and never none of them: a caller that waits for an end must come to it.
            self.board.run(max(seconds, 0.001))
        if self.plant is not None:
            self.plant.catch_up()

    def await_octets(self, timeout_s: float) -> None:
        """In steps of LOOK_S, so that nobody hears of an answer later than a real line would tell."""
        end_s = self.now_s() + timeout_s
        while not self.line.waiting and (left_s := end_s - self.now_s()) > 1e-6:
            self.run_for(min(left_s, LOOK_S))

    @property
    def parts(self) -> Parts:
        """A table in their place."""
        self.require("parts")
        return MemoryParts(self._hal)

    def _hal(self) -> HostHal:
        if self.board is None:
            raise ControlError("the parts of a board that has no power")
        return self.board.hal

    def read_storage(self) -> bytes:
        """Content of all sectors."""
        return bytes(self.storage.content)

    def write_storage(self, content: bytes) -> None:
        """Other content, as flash would hold it."""
        self.storage.content[:] = content.ljust(len(self.storage.content), b"\xff")[: len(self.storage.content)]

    def evidence(self) -> dict[str, bytes]:
        """What the link and the payload bus said and were told, and the storage."""
        return {
            "bus.received": bytes(self.bus_record.received),
            "bus.sent": bytes(self.bus_record.sent),
            "link.received": self.line.received,
            "link.sent": self.line.sent,
            "storage.bin": bytes(self.storage.content),
        }
