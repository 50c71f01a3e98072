"""Pins and their interrupts: which bits of which registers, and in which order."""

import ctypes

import pytest

from tests.registers.conftest import GPIO, GPIO_SIZE, RCC
from tests.registers.hardware import Hardware, Plain

SYSCFG, EXTI, NVIC = 0x40013800, 0x40013C00, 0xE000E000
MODER, OTYPER, OSPEEDR, PUPDR, IDR, BSRR, AFRL, AFRH = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x18, 0x20, 0x24
IMR, RTSR, FTSR, PR = 0x00, 0x08, 0x0C, 0x14
INPUT, OUTPUT, ALTERNATE, ANALOG = range(4)
PUSH_PULL, OPEN_DRAIN = range(2)
NO_PULL, PULL_UP, PULL_DOWN = range(3)
PB6, PC13 = 22, 45
ALL_ONES = 0xFFFFFFFF


class Config(ctypes.Structure):
    _fields_ = [
        ("mode", ctypes.c_int),
        ("drive", ctypes.c_int),
        ("pull", ctypes.c_int),
        ("alternate", ctypes.c_uint32),
    ]


class Lines:
    """EXTI: bits of PR go by writing one."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}

    def read(self, offset: int) -> int:
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.words[offset] = self.words.get(PR, 0) & ~value if offset == PR else value


class Routes(Plain):
    """SYSCFG: another port on a line may look like an edge to it."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        self.lines.words[PR] = self.lines.words.get(PR, 0) | 1 << 6


@pytest.fixture
def ports(hardware: Hardware) -> dict[int, int]:
    ports = Plain()
    hardware.attach(GPIO, ports, 9 * GPIO_SIZE)
    return ports.words


@pytest.fixture
def lines(hardware: Hardware, ports: dict[int, int]) -> Lines:
    lines = Lines()
    hardware.attach(EXTI, lines)
    hardware.attach(SYSCFG, Routes(lines))
    hardware.attach(NVIC, Plain(), 0x1000)
    return lines


def at(pin: int, register: int) -> int:
    return pin // 16 * GPIO_SIZE + register


def test_only_the_pin_s_own_bits_change(hardware: Hardware, ports: dict[int, int]) -> None:
    registers = [at(PB6, register) for register in (MODER, OTYPER, OSPEEDR, PUPDR, AFRL)]
    ports.update(dict.fromkeys(registers, ALL_ONES))
    hardware.call("pin_configure", PB6, ctypes.byref(Config(ALTERNATE, PUSH_PULL, PULL_UP, 7)))
    assert ports[at(PB6, MODER)] == ALL_ONES & ~(1 << 12)
    assert ports[at(PB6, OTYPER)] == ALL_ONES & ~(1 << 6)
    assert ports[at(PB6, OSPEEDR)] == ALL_ONES & ~(1 << 12)
    assert ports[at(PB6, PUPDR)] == ALL_ONES & ~(1 << 13)
    assert ports[at(PB6, AFRL)] == ALL_ONES & ~(8 << 24)
    assert at(PB6, AFRH) not in ports


def test_clock_comes_first_and_mode_last(hardware: Hardware, ports: dict[int, int]) -> None:
    hardware.call("pin_configure", PC13, ctypes.byref(Config(OUTPUT, OPEN_DRAIN, NO_PULL, 0)))
    addresses = [address for address, _ in hardware.writes]
    assert hardware.writes[0] == (RCC + 0x30, 1 << 2)
    assert addresses[-1] == GPIO + at(PC13, MODER)
    assert ports[at(PC13, OTYPER)] == 1 << 13


@pytest.mark.parametrize(
    "config",
    [
        (INPUT, PUSH_PULL, PULL_DOWN, 0),
        (OUTPUT, OPEN_DRAIN, PULL_UP, 0),
        (ALTERNATE, OPEN_DRAIN, NO_PULL, 15),
        (ANALOG, PUSH_PULL, NO_PULL, 0),
    ],
)
def test_what_is_set_is_read_back(hardware: Hardware, ports: dict[int, int], config: tuple[int, int, int, int]) -> None:
    hardware.call("pin_configure", PC13, ctypes.byref(Config(*config)))
    found = Config()
    hardware.call("pin_get_config", PC13, ctypes.byref(found))
    assert (found.mode, found.drive, found.pull, found.alternate) == config


@pytest.mark.parametrize(
    ("pin", "exists"),
    [(0, True), (47, True), (48, False), (50, True), (51, False), (112, True), (114, False), (144, False)],
)
def test_pins_of_the_package(hardware: Hardware, pin: int, exists: bool) -> None:
    """STM32F405RG, 64 pins: ports A to C, PD2, PH0, PH1."""
    assert bool(hardware.call("pin_exists", pin) & 0xFF) == exists


# ---- interrupts ----


@pytest.mark.parametrize(
    ("pin", "irq", "exticr", "shift"),
    [(0, 6, 0x08, 0), (20, 10, 0x0C, 0), (PB6, 23, 0x0C, 8), (9, 23, 0x10, 4), (10, 40, 0x10, 8), (PC13, 40, 0x14, 4)],
)
def test_line_is_routed_and_its_interrupt_enabled(
    hardware: Hardware, lines: Lines, pin: int, irq: int, exticr: int, shift: int
) -> None:
    hardware.call("exti_enable", pin, True, False)
    writes = dict(hardware.writes)
    assert writes[SYSCFG + exticr] >> shift & 15 == pin // 16
    assert writes[NVIC + 0x100 + irq // 32 * 4] == 1 << irq % 32
    assert writes[NVIC + 0x400 + irq // 4 * 4] >> irq % 4 * 8 & 0xFF == 0x80
    bit = 1 << pin % 16
    assert (lines.words[RTSR], lines.words[FTSR], lines.words[IMR]) == (bit, 0, bit)


def test_edge_from_before_is_forgotten(hardware: Hardware, lines: Lines) -> None:
    lines.words[PR] = 1 << 6 | 1 << 3
    hardware.call("exti_enable", PB6, False, True)
    assert lines.words[PR] == 1 << 3
    addresses = [address for address, _ in hardware.writes]
    assert max(i for i, a in enumerate(addresses) if a == EXTI + PR) < max(
        i for i, a in enumerate(addresses) if a == EXTI + IMR
    )


def test_only_enabled_lines_of_the_vector_are_served(hardware: Hardware, lines: Lines) -> None:
    lines.words |= {IMR: 1 << 5 | 1 << 9 | 1 << 12, PR: 1 << 5 | 1 << 7 | 1 << 9 | 1 << 12}
    hardware.call("exti9_5_irq_handler")
    assert hardware.call("registers_lines_fired") == 1 << 5 | 1 << 9
    assert lines.words[PR] == 1 << 7 | 1 << 12


def test_disabled_line_is_silent(hardware: Hardware, lines: Lines) -> None:
    hardware.call("exti_enable", PB6, True, True)
    hardware.call("exti_disable", PB6 % 16)
    assert (lines.words[RTSR], lines.words[FTSR], lines.words[IMR]) == (0, 0, 0)
