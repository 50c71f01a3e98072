"""Hardware of a workstation: virtual or real time, ports in memory, storage in memory. CPython and unix MicroPython.

Ports and storage are plain objects that a target (hil/targets) or a test reads and fills; nothing here opens anything.
"""

from micropython import const

from .null import (
    PORT_COUNTERS,
    RESET_POWER_ON,
    STORAGE_NOT_ERASED,
    STORAGE_OK,
    STORAGE_RANGE,
    Adc,
    Clock,
    Hal,
    I2c,
    Output,
    Port,
    Storage,
    Watchdog,
)

_TICKS_MASK = const(0x3FFFFFFF)
# Two sectors take little enough of a board's memory that its tests run there, too.
_SECTOR_SIZE = const(0x2000)


class VirtualClock(Clock):
    """Time that moves only when somebody waits: a second costs what is computed in it and nothing else.

    seconds, microseconds: now.
    """

    def __init__(self) -> None:
        self.seconds = 0
        self.microseconds = 0
        # Kept beside them, because 2^30 ms and 2^30 us are no multiples of a second.
        self._ms = 0
        self._us = 0

    def ticks_ms(self) -> int:
        return self._ms

    def ticks_us(self) -> int:
        return self._us

    def uptime(self, out: "list[int]") -> None:
        out[0] = self.seconds
        out[1] = self.microseconds

    def wait(self, ms: int) -> None:
        self.advance_ms(ms)

    def advance_ms(self, ms: int) -> None:
        """Let *ms* (0..1 000 000) pass."""
        microseconds = self.microseconds + ms % 1000 * 1000
        self.seconds += ms // 1000 + microseconds // 1_000_000
        self.microseconds = microseconds % 1_000_000
        self._ms = (self._ms + ms) & _TICKS_MASK
        self._us = (self._us + ms * 1000) & _TICKS_MASK


class MemoryPort(Port):
    """A port whose other end is this program: put() what shall arrive, take() what was sent.

    capacity: octets that may lie in the transmit ring; 0 = any number.
    """

    def __init__(self, capacity: int = 0) -> None:
        self._arrived = bytearray()
        self._sent = bytearray()
        self._capacity = capacity
        self._counts = [0] * PORT_COUNTERS

    def put(self, octets: bytes) -> None:
        """Let *octets* arrive."""
        self._arrived.extend(octets)

    def take(self) -> bytes:
        """All that was sent since the last call."""
        sent = bytes(self._sent)
        self._sent = bytearray()
        return sent

    def waiting(self) -> int:
        """Octets that have arrived and were not read."""
        return len(self._arrived)

    def read_into(self, buffer: bytearray) -> int:
        arrived = self._arrived
        if not arrived:
            return 0
        count = min(len(arrived), len(buffer))
        buffer[:count] = arrived[:count]
        self._arrived = arrived[count:]
        self._counts[0] = (self._counts[0] + count) & _TICKS_MASK
        return count

    def write(self, buffer: bytearray, start: int = 0, end: int = -1) -> bool:
        if end < 0:
            end = len(buffer)
        if self._capacity and len(self._sent) + end - start > self._capacity:
            return False
        self._sent.extend(buffer[start:end])
        self._counts[1] = (self._counts[1] + end - start) & _TICKS_MASK
        return True

    def counters(self, out: "list[int]") -> None:
        for index in range(PORT_COUNTERS):
            out[index] = self._counts[index]


class MemoryStorage(Storage):
    """Sectors in memory with the rules of flash. content: all of them, one behind the other."""

    def __init__(self, sectors: int = 2, sector_size: int = _SECTOR_SIZE) -> None:
        self.sectors = sectors
        self.sector_size = sector_size
        self.content = bytearray(sectors * sector_size)
        for sector in range(sectors):
            self.erase(sector)

    def erase(self, sector: int) -> int:
        if not 0 <= sector < self.sectors:
            return STORAGE_RANGE
        start = sector * self.sector_size
        for at in range(start, start + self.sector_size):
            self.content[at] = 0xFF
        return STORAGE_OK

    def program(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        if offset < 0 or offset + end - start > len(self.content):
            return STORAGE_RANGE
        for index in range(end - start):
            if buffer[start + index] & ~self.content[offset + index]:
                return STORAGE_NOT_ERASED
        for index in range(end - start):
            self.content[offset + index] = buffer[start + index]
        return STORAGE_OK

    def read(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        if offset < 0 or offset + end - start > len(self.content):
            return STORAGE_RANGE
        for index in range(end - start):
            buffer[start + index] = self.content[offset + index]
        return STORAGE_OK


class CountingWatchdog(Watchdog):
    """Never bites. fed: how often it was fed; timeout_ms: what it was started with, 0 = not."""

    def __init__(self) -> None:
        self.fed = 0
        self.timeout_ms = 0

    def start(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms

    def feed(self) -> None:
        self.fed = (self.fed + 1) & _TICKS_MASK


class MemoryI2c(I2c):
    """Parts as a table. registers: by address << 8 | register, octets; absent: addresses that do not answer."""

    def __init__(self) -> None:
        self.registers: dict[int, bytearray] = {}
        self.absent: list[int] = []

    def read(self, address: int, register: int, buffer: bytearray) -> bool:
        octets = self.registers.get(address << 8 | register)
        if octets is None or address in self.absent:
            return False
        for i in range(len(buffer)):
            buffer[i] = octets[i]
        return True

    def write(self, address: int, register: int, buffer: bytearray) -> bool:
        octets = self.registers.get(address << 8 | register)
        if octets is None or address in self.absent:
            return False
        for i in range(len(buffer)):
            octets[i] = buffer[i]
        return True


class MemoryAdc(Adc):
    """value: what it reads."""

    def __init__(self) -> None:
        self.value = 0

    def read_u16(self) -> int:
        return self.value


class MemoryOutput(Output):
    """on: as it was set."""

    def __init__(self) -> None:
        self.on = False

    def set(self, on: bool) -> None:
        self.on = on


class HostHal(Hal):
    """A board in this process. resets: how often it asked for a restart; whoever runs it carries that out.

    crashed: what crash() tells, where the run before has crashed. running_app: as noted. parts: of its I2C bus. adcs,
    outputs: by the names of their pins, as drivers have asked for them.
    """

    def __init__(
        self,
        clock: Clock,
        link: Port,
        bus: Port,
        storage: Storage,
        reset_cause: int = RESET_POWER_ON,
        boot_count: int = 1,
    ) -> None:
        self.clock = clock
        self.link = link
        self.bus = bus
        self.storage = storage
        self.watchdog = CountingWatchdog()
        self.reset_cause = reset_cause
        self.boot_count = boot_count
        self.resets = 0
        self.running_app = 0
        self.crashed: tuple[int, int, int, int] | None = None
        self.parts = MemoryI2c()
        self.adcs: dict[str, MemoryAdc] = {}
        self.outputs: dict[str, MemoryOutput] = {}

    def i2c(self, number: int) -> MemoryI2c:
        return self.parts

    def adc(self, pin: str) -> MemoryAdc:
        return self.adcs.setdefault(pin, MemoryAdc())

    def output(self, pin: str) -> MemoryOutput:
        return self.outputs.setdefault(pin, MemoryOutput())

    def heap_free(self) -> int:
        return _TICKS_MASK  # CPython has no bound; the largest number that a point can say

    def crash(self, out: "list[int]") -> bool:
        if self.crashed is None:
            return False
        out[:4] = self.crashed
        return True

    def note_app(self, number: int) -> None:
        self.running_app = number

    def reset(self) -> None:
        self.resets += 1
