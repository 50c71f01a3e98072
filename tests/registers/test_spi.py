"""The SPI master on a model of the controller and of a device that answers each byte with its complement."""

import ctypes

import pytest

from tests.registers.conftest import GPIO, GPIO_SIZE
from tests.registers.hardware import Absent, Hardware, Plain

SPI1, SPI2, SPI3 = 0x40013000, 0x40003800, 0x40003C00
CR1, CR2, SR, DR = 0x00, 0x04, 0x08, 0x0C
CPHA, CPOL, MSTR, SPE, LSBFIRST, SSI, SSM = 1 << 0, 1 << 1, 1 << 2, 1 << 6, 1 << 7, 1 << 8, 1 << 9
RXNE, TXE, OVR, BSY = 1 << 0, 1 << 1, 1 << 6, 1 << 7
BIT_NS = 1000
LIMIT_NS = 2_000_000
PINS = {2: (29, 31, 30), 1: (5, 7, 6), 3: (42, 44, 43)}  # SCK, MOSI, MISO
FUNCTION = {1: 5, 2: 5, 3: 6}
DATA = bytes(range(100, 120))


class Config(ctypes.Structure):
    _fields_ = [
        ("sck", ctypes.c_uint8),
        ("mosi", ctypes.c_uint8),
        ("miso", ctypes.c_uint8),
        ("baud", ctypes.c_uint32),
        ("idle_high", ctypes.c_bool),
        ("second_edge", ctypes.c_bool),
        ("lsb_first", ctypes.c_bool),
    ]


class Controller:
    """RM0090 28.3: DR before a shift register in both directions; a byte that is not fetched in time is an overrun."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware
        self.cr1 = self.cr2 = 0
        self.flags = TXE
        self.wire: list[int] = []
        self.shift: int | None = None
        self.done_ns = 0
        self.received = 0
        self.stuck = False

    def _advance(self) -> None:
        if self.shift is not None and not self.stuck and self.hardware.now_ns >= self.done_ns:
            self.wire.append(self.shift)
            if self.flags & RXNE:
                self.flags |= OVR
            else:
                self.received = self.shift ^ 0xFF
            self.flags |= RXNE
            self.shift = None
        if self.shift is None and self.hardware.now_ns >= self.done_ns + BIT_NS:
            self.flags &= ~BSY  # the last clock edge comes after the last bit was sampled

    def read(self, offset: int) -> int:
        self._advance()
        if offset == DR:
            self.flags &= ~RXNE
            return self.received
        return {CR1: self.cr1, CR2: self.cr2, SR: self.flags}[offset]

    def write(self, offset: int, value: int) -> None:
        self._advance()
        if offset == CR1:
            assert not (self.cr1 & SPE and value & SPE and value != self.cr1), "changed while enabled"
            self.cr1 = value
        elif offset == CR2:
            self.cr2 = value
        else:
            assert self.cr1 & SPE and self.shift is None
            self.shift = value & 0xFF
            self.flags |= BSY
            self.done_ns = self.hardware.now_ns + 8 * BIT_NS


@pytest.fixture
def controller(hardware: Hardware) -> Controller:
    hardware.attach(GPIO, Plain(), 9 * GPIO_SIZE)
    controller = Controller(hardware)
    for base in (SPI1, SPI2, SPI3):
        hardware.attach(base, controller)
    return controller


def open_bus(hardware: Hardware, bus: int = 2, baud: int = 1_000_000, **options: bool) -> None:
    hardware.call("spi_open", bus, ctypes.byref(Config(*PINS[bus], baud, **options)))


def transfer(hardware: Hardware, data: bytes, keep: bool = True, bus: int = 2) -> tuple[bool, bytes]:
    answer = ctypes.create_string_buffer(len(data))
    done = hardware.call("spi_transfer", bus, data, answer if keep else None, ctypes.c_size_t(len(data)))
    return bool(done & 0xFF), answer.raw


def test_bytes_go_out_and_answers_come_in(hardware: Hardware, controller: Controller) -> None:
    open_bus(hardware)
    assert transfer(hardware, DATA) == (True, bytes(byte ^ 0xFF for byte in DATA))
    assert controller.wire == list(DATA)


def test_chip_select_may_rise_when_the_call_returns(hardware: Hardware, controller: Controller) -> None:
    open_bus(hardware)
    transfer(hardware, DATA, keep=False)
    assert controller.flags & BSY == 0


def test_interrupt_at_any_moment_loses_no_byte(hardware: Hardware, controller: Controller) -> None:
    open_bus(hardware)
    before = hardware.accesses
    transfer(hardware, DATA[:3])
    for moment in range(hardware.accesses - before):
        controller.wire.clear()
        hardware.interrupt_at, hardware.interrupt_ns = hardware.accesses + moment, 20 * 8 * BIT_NS
        assert transfer(hardware, DATA[:3]) == (True, bytes(byte ^ 0xFF for byte in DATA[:3]))
        assert controller.wire == list(DATA[:3])
    assert not controller.flags & OVR


def test_byte_that_never_ends_ends_the_call_and_leaves_nothing_behind(
    hardware: Hardware, controller: Controller
) -> None:
    open_bus(hardware)
    controller.stuck = True
    start_ns = hardware.now_ns
    assert transfer(hardware, DATA)[0] is False
    assert LIMIT_NS < hardware.now_ns - start_ns < LIMIT_NS + 100_000
    controller.stuck = False
    hardware.now_ns += 100_000
    assert transfer(hardware, DATA[:2]) == (True, bytes(byte ^ 0xFF for byte in DATA[:2]))


def test_without_a_controller_the_call_ends(hardware: Hardware) -> None:
    hardware.attach(GPIO, Absent(), 9 * GPIO_SIZE)
    hardware.attach(SPI2, Absent())
    open_bus(hardware)
    assert transfer(hardware, DATA)[0] is False


@pytest.mark.parametrize(
    ("options", "bits"),
    [
        ({}, 0),
        ({"idle_high": True}, CPOL),
        ({"second_edge": True}, CPHA),
        ({"lsb_first": True}, LSBFIRST),
        ({"idle_high": True, "second_edge": True, "lsb_first": True}, CPOL | CPHA | LSBFIRST),
    ],
)
def test_modes(hardware: Hardware, controller: Controller, options: dict[str, bool], bits: int) -> None:
    open_bus(hardware, **options)
    assert controller.cr1 & ~(7 << 3) == MSTR | SPE | SSM | SSI | bits


@pytest.mark.parametrize(
    ("bus", "asked", "code", "actual"),
    [
        (1, 42_000_000, 0, 42_000_000),  # PCLK2 84 MHz over 2
        (1, 41_999_999, 1, 21_000_000),
        (2, 100_000_000, 0, 21_000_000),  # PCLK1 42 MHz over 2: the fastest there is
        (2, 1_000_000, 5, 656_250),
        (3, 164_062, 7, 164_062),
    ],
)
def test_clock_is_not_faster_than_asked(
    hardware: Hardware, controller: Controller, bus: int, asked: int, code: int, actual: int
) -> None:
    open_bus(hardware, bus, asked)
    assert controller.cr1 >> 3 & 7 == code
    assert hardware.call("spi_actual_baud", bus) == actual


@pytest.mark.parametrize("bus", [1, 2, 3])
def test_pins_get_their_function_after_the_clock_idles(hardware: Hardware, controller: Controller, bus: int) -> None:
    open_bus(hardware, bus)
    enabled = max(i for i, (address, _) in enumerate(hardware.writes) if address in (SPI1, SPI2, SPI3))
    for pin in PINS[bus]:
        base = GPIO + pin // 16 * GPIO_SIZE
        moder, afr = base, base + 0x20 + 4 * (pin % 16 // 8)
        assert [value >> 2 * (pin % 16) & 3 for address, value in hardware.writes if address == moder][-1] == 2
        found = [value >> 4 * (pin % 8) & 15 for address, value in hardware.writes if address == afr]
        assert found[-1] == FUNCTION[bus]
    assert all(address < GPIO or address >= GPIO + 9 * GPIO_SIZE for address, _ in hardware.writes[:enabled])
