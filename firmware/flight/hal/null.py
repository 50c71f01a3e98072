"""The interface of the hardware, and one that has none: time stands still, nothing arrives, nothing is kept.

The dictionary's check starts the topology on it. hal/host.py and hal/board.py have the same classes and methods; none
of the methods allocates, also where the hardware fails: that is a status, never an exception.
"""

from micropython import const

# Storage status; the numbers are those of the port's storage.h.
STORAGE_OK = const(0)
STORAGE_ABSENT = const(-1)
STORAGE_RANGE = const(-2)
STORAGE_NOT_ERASED = const(-3)
STORAGE_FAILED = const(-4)

# Why the processor started; the numbers are those of the port's fault.h.
RESET_POWER_ON = const(1)
RESET_HARD = const(2)
RESET_WATCHDOG = const(3)
RESET_BROWN_OUT = const(4)
RESET_CRASH = const(5)

# What counters() of a port fills: rx_bytes, tx_bytes, rx_overflow, overrun, framing, noise, parity, tx_dropped.
PORT_COUNTERS = const(8)


class Clock:
    """Time since this start. Both ticks wrap at 2^30."""

    def ticks_ms(self) -> int:
        """Milliseconds."""
        return 0

    def ticks_us(self) -> int:
        """Microseconds; for differences below nine minutes."""
        return 0

    def uptime(self, out: "list[int]") -> None:
        """out[0] = seconds, out[1] = microseconds of the second."""
        out[0] = 0
        out[1] = 0

    def wait(self, ms: int) -> None:
        """Sleep at most *ms* milliseconds, less when octets arrive on the link port."""


class Port:
    """A serial port."""

    def read_into(self, buffer: bytearray) -> int:
        """Take up to len(buffer) octets that have arrived into buffer[0:n]; n. Never waits."""
        return 0

    def write(self, buffer: bytearray, start: int = 0, end: int = -1) -> bool:
        """Send buffer[start:end] (end -1 = all of it) whole and return True, or False: offer the same octets again."""
        return True

    def counters(self, out: "list[int]") -> None:
        """Fill out[0:PORT_COUNTERS]."""
        for index in range(PORT_COUNTERS):
            out[index] = 0


class Storage:
    """Flash-like sectors: erase makes all octets FF, programming only turns ones into zeros. Status: STORAGE_... ."""

    def __init__(self) -> None:
        self.sectors = 0
        self.sector_size = 0

    def erase(self, sector: int) -> int:
        """Erase one sector."""
        return STORAGE_ABSENT

    def program(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        """Write buffer[start:end] at *offset*, which runs through all sectors."""
        return STORAGE_ABSENT

    def read(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        """Read to buffer[start:end] from *offset*."""
        return STORAGE_ABSENT


class Watchdog:
    """Resets the processor when it is not fed in time."""

    def start(self, timeout_ms: int) -> None:
        """Start it; it cannot be stopped."""

    def feed(self) -> None:
        """Everything is well."""


class I2c:
    """Parts on the board's I2C bus: registers of several octets behind a 7-bit address."""

    def read(self, address: int, register: int, buffer: bytearray) -> bool:
        """Fill *buffer* from *register* of the part; False when it does not answer."""
        return False

    def write(self, address: int, register: int, buffer: bytearray) -> bool:
        """Write all of *buffer* to *register*; False when the part does not answer."""
        return False


class Adc:
    """An analogue input."""

    def read_u16(self) -> int:
        """0..65535 for 0 V to the reference; negative when the converter gave none."""
        return 0


class Output:
    """A digital output, off when made."""

    def set(self, on: bool) -> None:
        """High or low."""


class Hal:
    """All of it. reset_cause: RESET_... . boot_count: starts since power-on, this one included."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.link = Port()
        self.bus = Port()
        self.storage = Storage()
        self.watchdog = Watchdog()
        self.reset_cause = RESET_POWER_ON
        self.boot_count = 1

    def i2c(self, number: int) -> I2c:
        """The I2C bus of that number. At start only."""
        return I2c()

    def adc(self, pin: str) -> Adc:
        """The analogue input at *pin*, a name of the board's pins. At start only."""
        return Adc()

    def output(self, pin: str) -> Output:
        """The output at *pin*, a name of the board's pins. At start only."""
        return Output()

    def crash(self, out: "list[int]") -> bool:
        """What the run before left: out[0] = cause, out[1], out[2] = program counter (high, low half), out[3] = the app
        that was noted; False: nothing.

        Called once, at start.
        """
        return False

    def note_app(self, number: int) -> None:
        """The app whose code runs now, 0 = none, for the record of a crash."""

    def heap_free(self) -> int:
        """Octets of heap that are free. May allocate: at start only."""
        return 0

    def reset(self) -> None:
        """Restart the processor."""
