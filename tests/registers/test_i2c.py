"""The I2C master on models of the real controller and of the emulators' (``i2c_models``), and on none."""

import ctypes
import itertools
from collections.abc import Callable

import pytest

from tests.registers.conftest import GPIO, GPIO_SIZE
from tests.registers.hardware import Absent, Device, Hardware
from tests.registers.i2c_models import CCR, CR2, TRISE, Renode1_16, RenodeLater, Silicon, Slave

I2C1 = 0x40005400
SCL, SDA = 8, 9  # of port B, netduinoplus2
BUS = 1
OK, NO_DEVICE, TIMEOUT, ARBITRATION_LOST, REFUSED = 0, -1, -2, -3, -4
TIMEOUT_US = 1000
DATA = bytes(range(0x10, 0x30))
LENGTHS = [1, 2, 3, 4, 5, 20]
INTERRUPT_NS = 300_000  # thirteen bytes at 400 kHz
SLOW_ACCESS_NS = 300  # fewer polls, so fewer moments to try

Controller = Silicon | Renode1_16 | RenodeLater
ALL = pytest.mark.parametrize("model", [Silicon, Renode1_16, RenodeLater])


class Config(ctypes.Structure):
    _fields_ = [
        ("scl", ctypes.c_uint8),
        ("sda", ctypes.c_uint8),
        ("freq", ctypes.c_uint32),
        ("timeout_us", ctypes.c_uint32),
    ]


class Piece(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("bytes", ctypes.c_void_p)]


class Lines:
    """Port B with the two open lines. A device may hold SDA down for some clocks; while it holds SCL nothing moves."""

    MODER, IDR, BSRR = 0x00, 0x10, 0x18

    def __init__(self, hold_sda_clocks: int = 0) -> None:
        self.hold_sda_clocks = hold_sda_clocks
        self.clocks = self.stops = 0
        self.driven = {SCL: 1, SDA: 1}
        self.words: dict[int, int] = {}

    def level(self, pin: int) -> int:
        held = pin == SDA and self.hold_sda_clocks > 0
        return 0 if held else self.driven[pin]

    def read(self, offset: int) -> int:
        if offset == self.IDR:
            return self.level(SCL) << SCL | self.level(SDA) << SDA
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset != self.BSRR:
            self.words[offset] = value
            return
        for pin in (SCL, SDA):
            before = self.level(pin)
            self.driven[pin] = 1 if value >> pin & 1 else 0 if value >> pin + 16 & 1 else self.driven[pin]
            rises = self.level(pin) > before
            if pin == SCL and rises:
                self.clocks += 1
                self.hold_sda_clocks = max(0, self.hold_sda_clocks - 1)
            if pin == SDA and rises and self.level(SCL):
                self.stops += 1


class Master:
    """The driver, opened on bus 1."""

    def __init__(self, hardware: Hardware, device: Device, lines: Lines | None = None, freq: int = 400_000) -> None:
        self.hardware = hardware
        self.lines = lines or Lines()
        hardware.attach(GPIO + GPIO_SIZE, self.lines)
        hardware.attach(I2C1, device)
        self.device = device
        hardware.call("i2c_open", BUS, ctypes.byref(Config(16 + SCL, 16 + SDA, freq, TIMEOUT_US)))

    def write(self, data: bytes, stop: bool = True, address: int = 0x48, cuts: tuple[int, ...] = ()) -> tuple[int, int]:
        """Status and number of acknowledged bytes. *cuts* split the data into pieces."""
        buffer = ctypes.create_string_buffer(data, len(data))
        acknowledged = ctypes.c_size_t()
        pieces = self._pieces(buffer, len(data), cuts)
        status = self.hardware.call("i2c_write", BUS, address, pieces, len(pieces), stop, ctypes.byref(acknowledged))
        return status, acknowledged.value

    def read(self, size: int, stop: bool = True, address: int = 0x48, cuts: tuple[int, ...] = ()) -> tuple[int, bytes]:
        """Status and what was read."""
        buffer = ctypes.create_string_buffer(size)
        pieces = self._pieces(buffer, size, cuts)
        status = self.hardware.call("i2c_read", BUS, address, pieces, len(pieces), stop)
        return status, buffer.raw

    def read_register(self, register: bytes, size: int, address: int = 0x48) -> tuple[int, bytes]:
        """Status and what was read from *register*."""
        first = ctypes.create_string_buffer(register, len(register))
        buffer = ctypes.create_string_buffer(size)
        pieces = self._pieces(first, len(register), ()), self._pieces(buffer, size, ())
        status = self.hardware.call("i2c_write_read", BUS, address, *pieces, 1, True)
        return status, buffer.raw

    def idle(self) -> None:
        """Let what was asked for last, a STOP, come to its end."""
        self.hardware.now_ns += 100_000
        self.device.read(CR2)

    @staticmethod
    def _pieces(buffer: ctypes.Array[ctypes.c_char], size: int, cuts: tuple[int, ...]) -> ctypes.Array[Piece]:
        ends = (0, *cuts, size)
        start = ctypes.addressof(buffer)
        return (Piece * (len(ends) - 1))(*(Piece(b - a, start + a) for a, b in itertools.pairwise(ends)))


def written(data: bytes) -> list[tuple[str, int]]:
    return [("byte", byte) for byte in data]


def acks(size: int) -> list[tuple[str]]:
    return [("ack",)] * (size - 1) + [("nack",)]


# ---- writing ----


@ALL
@pytest.mark.parametrize("size", [0, *LENGTHS])
def test_device_gets_what_is_written(hardware: Hardware, model: Callable[..., Controller], size: int) -> None:
    slave = Slave()
    master = Master(hardware, model(hardware, slave))
    assert master.write(DATA[:size]) == (OK, size)
    master.idle()
    assert slave.seen == [("write", 0x48), *written(DATA[:size]), ("stop",)]


@ALL
def test_pieces_are_one_transfer(hardware: Hardware, model: Callable[..., Controller]) -> None:
    slave = Slave()
    master = Master(hardware, model(hardware, slave))
    assert master.write(DATA[:7], cuts=(0, 1, 1, 4)) == (OK, 7)
    master.idle()
    assert slave.seen == [("write", 0x48), *written(DATA[:7]), ("stop",)]


def test_refused_byte_ends_the_transfer_and_is_told(hardware: Hardware) -> None:
    slave = Slave(takes=2)
    master = Master(hardware, Silicon(hardware, slave))
    assert master.write(DATA[:5], stop=False) == (OK, 2)
    master.idle()
    assert slave.seen == [("write", 0x48), *written(DATA[:3]), ("stop",)]
    assert master.write(DATA[:2]) == (OK, 2)


# ---- reading ----


@ALL
@pytest.mark.parametrize("size", LENGTHS)
def test_what_the_device_sends_is_read(hardware: Hardware, model: Callable[..., Controller], size: int) -> None:
    slave = Slave(sends=DATA[:size])
    assert Master(hardware, model(hardware, slave)).read(size) == (OK, DATA[:size])


@pytest.mark.parametrize("size", LENGTHS)
def test_all_bytes_but_the_last_are_acknowledged_and_none_is_fetched_in_vain(hardware: Hardware, size: int) -> None:
    slave = Slave(sends=DATA)
    master = Master(hardware, Silicon(hardware, slave))
    master.read(size)
    master.idle()
    assert slave.seen == [("read", 0x48), *acks(size), ("stop",)]


@ALL
def test_pieces_are_filled_in_order(hardware: Hardware, model: Callable[..., Controller]) -> None:
    assert Master(hardware, model(hardware, Slave(sends=DATA[:6]))).read(6, cuts=(0, 2, 2, 5)) == (OK, DATA[:6])


@ALL
def test_reading_nothing_asks_for_the_device(hardware: Hardware, model: Callable[..., Controller]) -> None:
    slave = Slave()
    master = Master(hardware, model(hardware, slave))
    assert master.read(0) == (OK, b"")
    master.idle()
    assert slave.seen == [("write", 0x48), ("stop",)]


@ALL
def test_transfers_follow_each_other(hardware: Hardware, model: Callable[..., Controller]) -> None:
    slave = Slave(sends=DATA[:3])
    master = Master(hardware, model(hardware, slave))
    for size in (1, 3, 2, 3, 1):
        slave.sends = DATA[:size]
        assert master.read(size) == (OK, DATA[:size])
        assert master.write(DATA[:size]) == (OK, size)


# ---- repeated START ----


@ALL
@pytest.mark.parametrize("size", LENGTHS)
def test_register_address_then_data(hardware: Hardware, model: Callable[..., Controller], size: int) -> None:
    slave = Slave(sends=DATA[:size])
    master = Master(hardware, model(hardware, slave))
    assert master.read_register(b"\x05", size) == (OK, DATA[:size])
    master.idle()
    assert slave.seen[:3] == [("write", 0x48), ("byte", 5), ("read", 0x48)]
    assert slave.seen.count(("stop",)) == 1


@ALL
def test_register_of_an_absent_device(hardware: Hardware, model: Callable[..., Controller]) -> None:
    slave = Slave(sends=DATA[:2])
    master = Master(hardware, model(hardware, slave))
    assert master.read_register(b"\x05", 2, address=0x11)[0] == NO_DEVICE
    assert master.read_register(b"\x05", 2) == (OK, DATA[:2])


def test_register_that_is_refused_is_not_read(hardware: Hardware) -> None:
    slave = Slave(sends=DATA[:2], takes=0)
    master = Master(hardware, Silicon(hardware, slave))
    assert master.read_register(b"\x05", 2) == (REFUSED, bytes(2))
    master.idle()
    assert slave.seen == [("write", 0x48), ("byte", 5), ("stop",)]


@pytest.mark.parametrize("size", LENGTHS)
def test_read_that_keeps_the_bus(hardware: Hardware, size: int) -> None:
    slave = Slave(sends=DATA)
    master = Master(hardware, Silicon(hardware, slave))
    assert master.read(size, stop=False) == (OK, DATA[:size])
    assert master.read(3) == (OK, DATA[:3])
    master.idle()
    assert slave.seen == [("read", 0x48), *acks(size), ("read", 0x48), *acks(3), ("stop",)]


# ---- interrupts ----


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("stop", [True, False])
def test_interrupt_at_any_moment_of_a_read_does_no_harm(hardware: Hardware, size: int, stop: bool) -> None:
    slave = Slave(sends=DATA)
    master = Master(hardware, Silicon(hardware, slave))
    hardware.access_ns = SLOW_ACCESS_NS
    before = hardware.accesses
    assert master.read(size) == (OK, DATA[:size])
    length = hardware.accesses - before
    master.idle()
    for moment in range(length):
        slave.seen.clear()
        hardware.interrupt_at, hardware.interrupt_ns = hardware.accesses + moment, INTERRUPT_NS
        assert master.read(size, stop) == (OK, DATA[:size]), moment
        hardware.interrupt_at = None
        assert master.write(b"x") == (OK, 1), moment
        master.idle()
        between = [("stop",)] if stop else []
        assert slave.seen == [("read", 0x48), *acks(size), *between, ("write", 0x48), ("byte", 120), ("stop",)], moment


def test_interrupt_at_any_moment_of_a_write_does_no_harm(hardware: Hardware) -> None:
    slave = Slave()
    master = Master(hardware, Silicon(hardware, slave))
    hardware.access_ns = SLOW_ACCESS_NS
    before = hardware.accesses
    master.write(DATA[:3])
    length = hardware.accesses - before
    master.idle()
    for moment in range(length):
        slave.seen.clear()
        hardware.interrupt_at, hardware.interrupt_ns = hardware.accesses + moment, INTERRUPT_NS
        assert master.write(DATA[:3]) == (OK, 3), moment
        hardware.interrupt_at = None
        assert master.write(b"x") == (OK, 1)
        master.idle()
        once = [("write", 0x48), *written(DATA[:3]), ("stop",)]
        assert slave.seen == [*once, ("write", 0x48), ("byte", 120), ("stop",)], moment


# ---- what goes wrong ----


@ALL
@pytest.mark.parametrize("transfer", ["write", "read"])
def test_absent_device_is_told_and_frees_the_bus(
    hardware: Hardware, model: Callable[..., Controller], transfer: str
) -> None:
    slave = Slave(sends=DATA[:2])
    master = Master(hardware, model(hardware, slave))
    for _ in range(3):
        status = master.write(DATA[:2], address=0x11) if transfer == "write" else master.read(2, address=0x11)
        assert status[0] == NO_DEVICE
    assert master.read(2) == (OK, DATA[:2])
    assert master.write(DATA[:2]) == (OK, 2)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_stretched_clock_ends_in_a_timeout_and_the_next_transfer_works(hardware: Hardware, size: int) -> None:
    slave = Slave(sends=DATA, stretch_ns=10**9)
    master = Master(hardware, Silicon(hardware, slave))
    start_ns = hardware.now_ns
    assert master.read(size)[0] == TIMEOUT
    assert master.write(DATA[:size])[0] == TIMEOUT
    assert TIMEOUT_US * 2000 < hardware.now_ns - start_ns < TIMEOUT_US * 2000 + 2_000_000
    slave.stretch_ns = 0
    assert master.read(size) == (OK, DATA[:size])


def test_stretching_within_the_timeout_is_borne(hardware: Hardware) -> None:
    master = Master(hardware, Silicon(hardware, Slave(sends=DATA, stretch_ns=100_000)))
    assert master.read(4) == (OK, DATA[:4])


def test_hung_controller_is_reset(hardware: Hardware) -> None:
    controller = Silicon(hardware, Slave(sends=DATA))
    master = Master(hardware, controller)
    controller.hung = True
    assert master.read(2)[0] == TIMEOUT
    assert master.read(2) == (OK, DATA[:2])


def test_lost_arbitration_is_told_and_the_next_transfer_works(hardware: Hardware) -> None:
    controller = Silicon(hardware, Slave(sends=DATA))
    master = Master(hardware, controller)
    controller.flags |= 1 << 9
    assert master.write(DATA[:2])[0] == ARBITRATION_LOST
    assert master.write(DATA[:2]) == (OK, 2)


def test_spurious_bus_error_is_passed_over(hardware: Hardware) -> None:
    controller = Silicon(hardware, Slave(sends=DATA))
    master = Master(hardware, controller)
    controller.flags |= 1 << 8
    assert master.read(4) == (OK, DATA[:4])
    assert not controller.flags & 1 << 8


@pytest.mark.parametrize("clocks", [1, 5, 9])
def test_held_data_line_is_clocked_free_at_the_beginning(hardware: Hardware, clocks: int) -> None:
    lines = Lines(hold_sda_clocks=clocks)
    master = Master(hardware, Silicon(hardware, Slave(sends=DATA)), lines)
    assert lines.clocks == clocks + 1  # and the one of the STOP
    assert lines.stops >= 1
    assert master.read(2) == (OK, DATA[:2])


def test_free_bus_is_left_alone_at_the_beginning(hardware: Hardware) -> None:
    lines = Lines()
    Master(hardware, Silicon(hardware, Slave()), lines)
    assert (lines.clocks, lines.stops) == (0, 0)


def test_without_a_controller_every_call_ends(hardware: Hardware) -> None:
    """As in QEMU: all registers, pins too, read zero."""
    hardware.attach(GPIO + GPIO_SIZE, Absent())
    hardware.attach(I2C1, Absent())
    hardware.call("i2c_open", BUS, ctypes.byref(Config(16 + SCL, 16 + SDA, 400_000, TIMEOUT_US)))
    start_ns = hardware.now_ns
    buffer = ctypes.create_string_buffer(1)
    piece = Piece(1, ctypes.addressof(buffer))
    assert hardware.call("i2c_read", BUS, 0x48, ctypes.byref(piece), 1, True) == TIMEOUT
    assert hardware.now_ns - start_ns < TIMEOUT_US * 1000 + 8_000_000


# ---- speed (RM0090 27.6.8, 27.6.9; PCLK1 42 MHz) ----


@pytest.mark.parametrize(
    ("freq", "ccr", "trise", "actual"),
    [
        (400_000, 1 << 15 | 35, 13, 400_000),  # 42 MHz / (3 * 35); 300 ns
        (399_999, 1 << 15 | 36, 13, 388_888),
        (100_000, 210, 43, 100_000),  # 42 MHz / (2 * 210); 1000 ns
        (10_000, 2100, 43, 10_000),
    ],
)
def test_clock_is_not_faster_than_asked(hardware: Hardware, freq: int, ccr: int, trise: int, actual: int) -> None:
    controller = Silicon(hardware, Slave())
    Master(hardware, controller, freq=freq)
    assert (controller.words[CR2], controller.words[CCR], controller.words[TRISE]) == (42, ccr, trise)
    assert hardware.call("i2c_actual_freq", BUS) == actual
