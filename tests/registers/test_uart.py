"""The UART driver on a model of the real USART: interrupts, flags, errors, break, change of speed.

What the emulators' pacing does to a line is in tests/board/test_uart.py.
"""

import ctypes
from collections.abc import Iterator

import pytest

from tests.registers.conftest import GPIO, GPIO_SIZE
from tests.registers.hardware import Hardware, Plain

USART1, USART2, USART3, NVIC = 0x40011000, 0x40004400, 0x40004800, 0xE000E000
BASES = {1: USART1, 2: USART2, 3: USART3}
SR, DR, BRR, CR1, CR2, CR3 = range(0, 0x18, 4)
PE, FE, NF, ORE, RXNE, TC, TXE = (1 << bit for bit in (0, 1, 2, 3, 5, 6, 7))
SBK, RE, TE, RXNEIE, TXEIE, PS, PCE, M, UE = (1 << bit for bit in (0, 2, 3, 5, 7, 9, 10, 12, 13))
ERRORS = PE | FE | NF | ORE
NONE, EVEN, ODD = range(3)
RING = 1024
RX_BYTES, TX_BYTES, RX_OVERFLOW, OVERRUN, FRAMING, NOISE, PARITY, TX_DROPPED = range(8)


class Config(ctypes.Structure):
    _fields_ = [
        ("baud", ctypes.c_uint32),
        ("data_bits", ctypes.c_uint8),
        ("stop_bits", ctypes.c_uint8),
        ("parity", ctypes.c_int),
    ]


class Usart:
    """RM0090 30: one byte in DR and one in the shift register on each side."""

    def __init__(self, hardware: Hardware, bit_ns: int) -> None:
        self.hardware, self.bit_ns = hardware, bit_ns
        self.words: dict[int, int] = {}
        self.flags = TXE | TC
        self.sent: list[int | str] = []
        self.waiting: int | None = None  # written to DR, behind the shift register
        self.shift: int | None = None
        self.done_ns = 0
        self.received = 0
        self.sr_seen = 0

    @property
    def cr1(self) -> int:
        return self.words.get(CR1, 0)

    @property
    def interrupt(self) -> bool:
        """Does the USART ask for its handler?"""
        self._advance()
        received = self.cr1 & RXNEIE and self.flags & (RXNE | ORE)
        return bool(received or (self.cr1 & TXEIE and self.flags & TXE))

    def _advance(self) -> None:
        while self.shift is not None and self.hardware.now_ns >= self.done_ns:
            self.sent.append(self.shift)
            self.shift = None
            if self.waiting is not None:
                self._load(self.waiting, self.done_ns)
                self.waiting = None
                self.flags |= TXE
            else:
                self.flags |= TC
        if self.cr1 & SBK and self.shift is None and self.hardware.now_ns >= self.done_ns:
            self.sent.append("break")
            self.done_ns = self.hardware.now_ns + 11 * self.bit_ns
            self.words[CR1] = self.cr1 & ~SBK

    def _load(self, byte: int, from_ns: int) -> None:
        self.shift = byte
        self.done_ns = from_ns + 10 * self.bit_ns

    def read(self, offset: int) -> int:
        self._advance()
        if offset == SR:
            self.sr_seen = self.flags
            return self.flags
        if offset == DR:
            self.flags &= ~(RXNE | (self.sr_seen & ERRORS))
            return self.received
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self._advance()
        if offset == DR:
            assert self.cr1 & UE and self.cr1 & TE and self.flags & TXE, "DR written while full"
            self.flags &= ~TC if self.sr_seen & TC else ~0
            if self.shift is None:
                self._load(value, self.hardware.now_ns)
            else:
                self.waiting = value
                self.flags &= ~TXE
        elif offset == CR1 and not value & UE:
            self.words[CR1] = value
            self.shift = self.waiting = None  # what was under way is cut off
            self.flags |= TXE | TC
        else:
            assert offset == CR1 or not self.cr1 & UE, "changed while enabled"
            self.words[offset] = value

    def arrive(self, byte: int, errors: int = 0) -> None:
        """A byte comes in on the line."""
        if self.flags & RXNE:
            self.flags |= ORE
            return
        self.received = byte
        self.flags |= RXNE | errors


class Line:
    """One opened port: its model and the driver."""

    def __init__(self, hardware: Hardware, port: int = 1, baud: int = 115_200) -> None:
        self.hardware, self.port = hardware, port
        self.usart = Usart(hardware, 1_000_000_000 // baud)
        hardware.attach(GPIO, Plain(), 9 * GPIO_SIZE)
        hardware.attach(NVIC, Plain(), 0x1000)
        hardware.attach(BASES[port], self.usart)
        hardware.call("uart_close", port)
        self.before = self._raw_counters()
        self.open(baud)

    def open(self, baud: int, bits: int = 8, stop: int = 1, parity: int = NONE) -> None:
        self.hardware.call("uart_open", self.port, ctypes.byref(Config(baud, bits, stop, parity)))

    def serve(self, limit: int = 10_000) -> int:
        """Call the handler as often as the USART asks for it now; the number of calls."""
        for calls in range(limit):
            if not self.usart.interrupt:
                return calls
            self.hardware.call(f"usart{self.port}_irq_handler")
        raise AssertionError("the interrupt never goes away")

    def pass_time(self, bits: int) -> None:
        """Let the line run, serving interrupts."""
        for _ in range(bits):
            self.hardware.now_ns += self.usart.bit_ns
            self.serve()

    def send(self, data: bytes) -> int:
        return int(self.hardware.call("uart_write", self.port, data, ctypes.c_size_t(len(data))))

    def take(self, size: int = 2000) -> bytes:
        buffer = ctypes.create_string_buffer(size)
        n = self.hardware.call("uart_read", self.port, buffer, ctypes.c_size_t(size))
        return buffer.raw[:n]

    def idle(self) -> bool:
        return bool(self.hardware.call("uart_tx_idle", self.port) & 0xFF)

    def _raw_counters(self) -> list[int]:
        self.hardware.library.uart_counters.restype = ctypes.POINTER(ctypes.c_uint32 * 8)
        return list(self.hardware.call("uart_counters", self.port).contents)

    def counters(self) -> list[int]:
        """Since this line was opened."""
        return [now - then for now, then in zip(self._raw_counters(), self.before, strict=True)]


def counted(**expected: int) -> list[int]:
    found = [0] * 8
    for name, value in expected.items():
        found[globals()[name.upper()]] = value
    return found


@pytest.fixture
def line(hardware: Hardware) -> Iterator[Line]:
    hardware.call("registers_set_emulated", False)
    yield Line(hardware)


# ---- sending ----


def test_bytes_leave_in_order_and_the_interrupt_ends(line: Line) -> None:
    data = bytes(range(200))
    assert line.send(data) == 200
    line.pass_time(200 * 10 + 5)
    assert line.usart.sent == list(data)
    assert not line.usart.cr1 & TXEIE
    assert line.counters() == counted(tx_bytes=200)


def test_idle_only_after_the_last_stop_bit(line: Line) -> None:
    assert line.idle()
    line.send(b"ab")
    line.pass_time(19)
    assert line.usart.sent == [ord("a")]
    assert not line.idle()
    line.pass_time(2)
    assert line.idle()


def test_full_ring_takes_what_fits(line: Line) -> None:
    assert line.send(bytes(3000)) == RING
    line.pass_time(30)
    assert 1 <= line.send(bytes(3000)) <= 6


def test_bytes_stay_in_order_over_the_end_of_the_ring(line: Line) -> None:
    data = bytes(value % 251 for value in range(3 * RING))
    for at in range(0, len(data), 300):
        assert line.send(data[at : at + 300]) == len(data[at : at + 300])
        line.pass_time(300 * 10 + 20)
    assert line.usart.sent == list(data)
    assert line.counters() == counted(tx_bytes=len(data))
    assert line.idle()


def test_change_of_speed_lets_the_rest_of_the_ring_go_on(line: Line) -> None:
    line.send(b"abcdef")
    line.pass_time(12)
    line.open(9600)
    line.pass_time(80)
    assert line.usart.sent[-3:] == list(b"def")
    assert line.idle()


def test_break_is_sent_once(line: Line) -> None:
    line.hardware.call("uart_send_break", line.port)
    line.send(b"x")
    line.pass_time(40)
    assert line.usart.sent == ["break", ord("x")]


def test_break_does_not_cut_into_bytes(line: Line) -> None:
    line.send(b"x")
    line.hardware.call("uart_send_break", line.port)
    line.pass_time(40)
    assert line.usart.sent == [ord("x")]


def test_break_ends_where_nobody_takes_it_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Usart, "_advance", lambda self: None)
    start_ns = line.hardware.now_ns
    line.hardware.call("uart_send_break", line.port)
    assert line.hardware.now_ns - start_ns < 4 * 10 * line.usart.bit_ns
    assert not line.usart.cr1 & SBK


# ---- receiving ----


def test_bytes_come_in_through_the_interrupt(line: Line) -> None:
    data = bytes(reversed(range(256)))
    for byte in data:
        line.usart.arrive(byte)
        assert line.serve() == 1
    assert line.take() == data
    assert line.counters() == counted(rx_bytes=256)


def test_full_ring_drops_the_newest_and_counts(line: Line) -> None:
    for n in range(RING + 5):
        line.usart.arrive(n & 0xFF)
        line.serve()
    assert line.take() == bytes(n & 0xFF for n in range(RING))
    assert line.counters() == counted(rx_bytes=RING, rx_overflow=5)


@pytest.mark.parametrize(("flag", "name"), [(FE, "framing"), (NF, "noise"), (PE, "parity")])
def test_errors_are_counted_and_the_byte_is_delivered(line: Line, flag: int, name: str) -> None:
    line.usart.arrive(0x55, flag)
    line.serve()
    line.usart.arrive(0x66)
    line.serve()
    assert line.take() == b"\x55\x66"
    assert line.counters() == counted(rx_bytes=2, **{name: 1})


def test_overrun_is_counted_once_and_reception_goes_on(line: Line) -> None:
    for byte in b"abc":
        line.usart.arrive(byte)
    line.serve()
    line.usart.arrive(ord("d"))
    line.serve()
    assert line.take() == b"ad"
    assert line.counters() == counted(rx_bytes=2, overrun=1)


def test_overrun_without_a_byte_is_cleared(line: Line) -> None:
    line.usart.flags |= ORE
    assert line.serve() == 1
    assert line.take() == b""


def test_both_directions_at_once(line: Line) -> None:
    line.send(bytes(range(50)))
    for n in range(50):
        line.usart.arrive(n)
        line.pass_time(10)
    line.pass_time(20)
    assert line.usart.sent == list(range(50))
    assert line.take() == bytes(range(50))


def test_interrupt_character_is_not_for_the_ring(hardware: Hardware) -> None:
    console = Line(hardware, port=3)
    for byte in b"a\x03b":
        console.usart.arrive(byte)
        console.serve()
    assert console.take() == b"ab"


def test_closed_port_neither_takes_nor_asks(line: Line) -> None:
    line.hardware.call("uart_close", line.port)
    assert line.send(b"x") == 0
    line.usart.arrive(1)
    assert not line.usart.interrupt


# ---- frame and speed (RM0090 30.6, tables 147 and 136) ----


@pytest.mark.parametrize(
    ("bits", "stop", "parity", "cr1", "cr2"),
    [
        (8, 1, NONE, 0, 0),
        (8, 2, NONE, 0, 2 << 12),
        (8, 1, EVEN, PCE | M, 0),  # nine bits on the line
        (8, 1, ODD, PCE | PS | M, 0),
        (7, 1, EVEN, PCE, 0),
        (7, 2, ODD, PCE | PS, 2 << 12),
    ],
)
def test_frame(line: Line, bits: int, stop: int, parity: int, cr1: int, cr2: int) -> None:
    line.open(115_200, bits, stop, parity)
    assert line.usart.cr1 == UE | TE | RE | RXNEIE | cr1
    assert line.usart.words[CR2] == cr2
    assert line.usart.words[CR3] == 0


def test_parity_bit_is_not_data(line: Line) -> None:
    line.open(115_200, 7, 1, EVEN)
    line.usart.arrive(0x80 | ord("C"))
    line.serve()
    assert line.take() == b"C"


@pytest.mark.parametrize(("port", "clock"), [(1, 84_000_000), (2, 42_000_000), (3, 42_000_000)])
@pytest.mark.parametrize("baud", [9600, 115_200, 460_800, 921_600])
def test_speed_is_right_within_one_percent(hardware: Hardware, port: int, clock: int, baud: int) -> None:
    line = Line(hardware, port, baud)
    assert abs(clock / line.usart.words[BRR] / baud - 1) < 0.01


def test_time_of_a_full_ring(line: Line) -> None:
    assert 1024 * 86.8 <= line.hardware.call("uart_ring_time_us", line.port) <= 1025 * 88
    line.open(9600, 8, 2, EVEN)
    assert 1024 * 1250 <= line.hardware.call("uart_ring_time_us", line.port) <= 1025 * 1251
