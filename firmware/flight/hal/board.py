"""Hardware of the STM32F4 port: modules `machine` and `board`, which exist only there.

USART1 is the space link, USART2 the payload bus.
"""

import gc
import time

import board
import machine

from .null import Adc, Clock, Hal, I2c, Output, Port, Storage, Watchdog

_LINK = 1
_BUS = 2
# The parts stretch no clock; a bus that is held may not take the control loop's time (four transfers in a second).
_I2C_PATIENCE_US = 2000


class BoardClock(Clock):
    """Microsecond counter of the port; waiting is WFI, which SysTick ends after a millisecond at most."""

    def __init__(self, link) -> None:  # type: ignore[no-untyped-def]
        self._link = link

    def ticks_ms(self) -> int:
        return time.ticks_ms()

    def ticks_us(self) -> int:
        return time.ticks_us()

    def uptime(self, out: "list[int]") -> None:
        board.uptime(out)

    def wait(self, ms: int) -> None:
        begin = time.ticks_ms()
        link = self._link
        while not link.any() and time.ticks_diff(time.ticks_ms(), begin) < ms:
            machine.idle()


class BoardPort(Port):
    """A UART with rings of the port behind it."""

    def __init__(self, number: int, uart) -> None:  # type: ignore[no-untyped-def]
        self._number = number
        self._uart = uart
        self._done = 0  # octets of the offered ones that are in the ring already

    def read_into(self, buffer: bytearray) -> int:
        # Asked first: reading nothing from a stream answers None, not 0.
        if not self._uart.any():
            return 0
        return self._uart.readinto(buffer) or 0

    def write(self, buffer: bytearray, start: int = 0, end: int = -1) -> bool:
        if end < 0:
            end = len(buffer)
        start += self._done
        count = self._uart.write(buffer, start, end - start) or 0
        if count < end - start:
            self._done += count
            return False
        self._done = 0
        return True

    def counters(self, out: "list[int]") -> None:
        board.uart_counters(self._number, out)


class BoardStorage(Storage):
    """The port's flash sectors, or its host file in QEMU."""

    def __init__(self) -> None:
        self.sectors = board.storage_sectors()
        self.sector_size = board.STORAGE_SECTOR_SIZE

    def erase(self, sector: int) -> int:
        return board.storage_erase(sector)

    def program(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        return board.storage_program(offset, buffer, start, end)

    def read(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        return board.storage_read(offset, buffer, start, end)


class BoardWatchdog(Watchdog):
    """The port's watchdog."""

    def __init__(self) -> None:
        self._watchdog: machine.WDT | None = None

    def start(self, timeout_ms: int) -> None:
        self._watchdog = machine.WDT(timeout=timeout_ms)

    def feed(self) -> None:
        if self._watchdog is not None:
            self._watchdog.feed()


class BoardI2c(I2c):
    """An I2C bus of the port; each transfer takes some 100 us per octet, and little more on a bus that is held."""

    def __init__(self, number: int) -> None:
        self._i2c = machine.I2C(number, timeout=_I2C_PATIENCE_US)  # type: ignore[call-overload]

    def read(self, address: int, register: int, buffer: bytearray) -> bool:
        return board.i2c_read(self._i2c, address, register, buffer) == 0

    def write(self, address: int, register: int, buffer: bytearray) -> bool:
        return board.i2c_write(self._i2c, address, register, buffer) == 0


class BoardAdc(Adc):
    """An analogue input of the port."""

    def __init__(self, pin: str) -> None:
        self._adc = machine.ADC(machine.Pin(pin))

    def read_u16(self) -> int:
        return board.adc_read(self._adc)


class BoardOutput(Output):
    """A pin of the port."""

    def __init__(self, pin: str) -> None:
        self._pin = machine.Pin(pin, machine.Pin.OUT, value=0)

    def set(self, on: bool) -> None:
        self._pin.value(1 if on else 0)


class BoardHal(Hal):
    """The whole board. Allocates when made."""

    def __init__(self) -> None:
        link = machine.UART(_LINK, timeout=0)
        self.clock = BoardClock(link)
        self.link = BoardPort(_LINK, link)
        self.bus = BoardPort(_BUS, machine.UART(_BUS, timeout=0))
        self.storage = BoardStorage()
        self.watchdog = BoardWatchdog()
        self.reset_cause = board.reset_cause()
        self.boot_count = board.boot_count() & 0xFFFF
        self._crumb = bytearray(8)

    def i2c(self, number: int) -> I2c:
        return BoardI2c(number)

    def adc(self, pin: str) -> Adc:
        return BoardAdc(pin)

    def output(self, pin: str) -> Output:
        return BoardOutput(pin)

    def crash(self, out: "list[int]") -> bool:
        record = board.crash_record()
        if record is None:
            return False
        out[0] = record["cause"]
        out[1] = record["pc"] >> 16
        out[2] = record["pc"] & 0xFFFF
        out[3] = record["breadcrumb"][0]
        board.crash_clear()
        return True

    def note_app(self, number: int) -> None:
        self._crumb[0] = number
        board.breadcrumb(self._crumb)

    def heap_free(self) -> int:
        gc.collect()
        return gc.mem_free()

    def reset(self) -> None:
        machine.reset()
