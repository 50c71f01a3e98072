"""`sitl`: the flight software in this process on CPython, in virtual time. Bytes in, bytes out; nothing runs by itself.

target = Sitl()
target.send(cltu)
target.run(0.5)              # half a second of board time, as fast as it goes
frames = target.receive()
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flight.hal.host import HostHal, MemoryPort, MemoryStorage, VirtualClock
from flight.hal.null import RESET_HARD, RESET_POWER_ON, Port
from flight.topology import Core, build
from perilune.dictionary import Dictionary, load
from perilune.dictionary.apps import app_classes, driver_classes
from perilune.dictionary.generate import modules
from perilune.dictionary.keys import BENCH_KEYS
from perilune.dictionary.load import CORE


class Sitl:
    """A board in this process. core: everything on board; hal: its surroundings; both are new after a restart.

    folders: dictionary folders. storage: what survives a restart and a power cycle. leave_out: cycles in which nothing
    is due are not run, which changes nothing but the time that it takes.
    """

    def __init__(
        self,
        folders: Iterable[Path] = (CORE,),
        storage: MemoryStorage | None = None,
        keys: tuple[bytes, bytes] = BENCH_KEYS,
        dictionary: Dictionary | None = None,
        leave_out: bool = True,
    ) -> None:
        folders = list(folders)
        self.dictionary = load(folders) if dictionary is None else dictionary
        self.storage = MemoryStorage() if storage is None else storage
        self._tables, self._ids = modules(self.dictionary)
        self._apps = app_classes(self.dictionary, folders)
        self._drivers = driver_classes(self.dictionary, folders)
        self._keys = keys
        self._leave_out = leave_out
        self._boot_count = 0
        self._ms = 0
        self.restart(RESET_POWER_ON)

    def restart(self, cause: int = RESET_HARD) -> None:
        """Start the board anew; the storage stays."""
        self._boot_count = 1 if cause == RESET_POWER_ON else self._boot_count + 1
        self.clock = VirtualClock()
        self.link = MemoryPort()
        self.bus = MemoryPort()
        self.hal = HostHal(self.clock, self.link, self.bus_port(), self.storage, cause, self._boot_count)
        self.core: Core = build(self._tables, self._ids, self.hal, self._keys, self._apps, self._drivers)
        self.made()
        self.core.start()

    def made(self) -> None:
        """Called when the board is made and has not started: for whoever wants to hear all that it does."""

    def bus_port(self) -> Port:
        """The payload-bus port of the board; another one where somebody answers on the bus."""
        return self.bus

    def send(self, octets: bytes) -> None:
        """Octets arrive at the board's link port."""
        self.link.put(octets)

    def receive(self) -> bytes:
        """Octets that the board sent since the last call."""
        return self.link.take()

    def run(self, seconds: float) -> None:
        """Let board time pass. A restart that the board asks for is carried out."""
        clock = self.clock
        executive = self.core.executive
        left_ms = round(seconds * 1000)
        while left_ms > 0:
            wait_ms = executive.turn()
            if self._leave_out:
                wait_ms = executive.leave_out(wait_ms, left_ms)
            wait_ms = min(wait_ms, left_ms)
            if not executive.running:
                self._restart_as_asked()
                clock, executive = self.clock, self.core.executive
                continue
            clock.wait(wait_ms)
            left_ms -= wait_ms
        executive.turn()

    def _restart_as_asked(self) -> None:
        """What Core.run() does at its end, with the octets kept."""
        self.core.farewell()
        sent = self.link.take()
        self.restart(RESET_HARD)
        self.link.write(bytearray(sent))
