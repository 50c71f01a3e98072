"""``machine`` as programs see it: arguments, exceptions and their texts, what allocates, and that every wait ends.

QEMU has no GPIO, ADC, I2C and watchdog hardware: their registers read zero. What the drivers do with real ones is in
tests/registers.
"""

from collections.abc import Iterator

import pytest

from hil.targets.errors import ControlError
from tests.board.conftest import Board

IMPORTS = "import machine, micropython, time, board\nfrom machine import *\n"
EXTI = ("/machine/soc/exti", "/machine/unattached/device[0]/exti")  # later QEMU, and 7.2


@pytest.fixture(scope="module")
def shared_dev() -> Iterator[Board]:
    """One ``dev`` board for the tests that leave nothing behind."""
    board = Board()
    try:
        yield board.boot()
    finally:
        board.target.stop()


def outcome(dev: Board, code: str) -> str:
    """What the expression *code* is on the board, or the exception that it raises."""
    report = "except Exception as e:\n print(type(e).__name__, e, sep=': ')"
    return dev.exec(f"{IMPORTS}try:\n print(({code}))\n{report}")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # a name that the board prints stands before the port's own
        ("Pin('A0')", "Pin('PC0', mode=IN)"),
        ("Pin('LED')", "Pin('PA10', mode=IN)"),
        ("Pin('PA0'), Pin('B13'), Pin(50)", "(Pin('PA0', mode=IN), Pin('PB13', mode=IN), Pin('PD2', mode=IN))"),
        ("Pin(Pin('PB3')) is Pin('PB3')", "True"),
        ("Pin('PD3')", "ValueError: Pin('PD3') doesn't exist"),  # not on the 64-pin package
        ("Pin('X1')", "ValueError: Pin('X1') doesn't exist"),
        ("Pin('PA16')", "ValueError: Pin('PA16') doesn't exist"),
        ("Pin('PA01')", "ValueError: Pin('PA01') doesn't exist"),
        ("Pin('P')", "ValueError: Pin('P') doesn't exist"),
        ("Pin('')", "ValueError: Pin('') doesn't exist"),
        ("Pin(144)", "ValueError: Pin(144) doesn't exist"),
        ("Pin(-1)", "ValueError: Pin(-1) doesn't exist"),
        ("Pin(None)", "TypeError: can't convert NoneType to int"),
        ("Pin('PA0', 9)", "ValueError: invalid pin mode: 9"),
        ("Pin('PA0', Pin.IN, 3)", "ValueError: invalid pin pull: 3"),
        ("Pin('PA0', Pin.ALT)", "ValueError: alt must be 0..15"),
        ("Pin('PA0', Pin.ALT, alt=16)", "ValueError: alt must be 0..15"),
        ("Pin('PA0', Pin.OUT, None, 1)", "TypeError: extra positional arguments given"),
        ("Pin('PA0', Pin.OUT, drive=1)", "TypeError: extra keyword arguments given"),
        ("Pin('PA0').irq(5)", "ValueError: handler must be None or callable"),
        ("Pin('PA0').irq(print, 4)", "ValueError: trigger must be made of IRQ_RISING and IRQ_FALLING"),
        ("Pin('PA0').irq(print, priority=2)", "ValueError: priority must be 1 and wake None"),
        # UART
        (
            "UART(1)",
            "UART(1, baudrate=115200, bits=8, parity=None, stop=1, timeout=0, timeout_char=0, txbuf=1024, rxbuf=1024)",
        ),
        (
            "UART(2, 9600, 7, 1, 2, timeout=5, timeout_char=6)",
            "UART(2, baudrate=9600, bits=7, parity=1, stop=2, timeout=5, timeout_char=6, txbuf=512, rxbuf=512)",
        ),
        ("UART(1, txbuf=10, rxbuf=1024, tx='PB6', rx=Pin('PB7')) is UART(1)", "True"),
        ("UART(0)", "ValueError: UART(0) doesn't exist"),
        ("UART(4)", "ValueError: UART(4) doesn't exist"),
        ("UART(3)", "ValueError: UART(3) is the REPL's"),
        ("UART(1, bits=9)", "ValueError: bits must be 8, or 7 with parity"),
        ("UART(1, bits=7)", "ValueError: bits must be 8, or 7 with parity"),
        ("UART(1, parity=2)", "ValueError: parity must be None, 0 (even) or 1 (odd)"),
        ("UART(1, stop=3)", "ValueError: stop must be 1 or 2"),
        ("UART(1, timeout=-5)", "ValueError: timeout must not be negative"),
        ("UART(1, timeout_char=-2)", "ValueError: timeout_char must not be negative"),
        ("UART(1, rxbuf=1025)", "ValueError: rxbuf must be 0..1024, the board's size"),
        ("UART(1, tx='PA9')", "ValueError: tx is fixed by the board: PB6"),
        ("UART('1')", "TypeError: can't convert str to int"),
        # ADC
        ("ADC('A0')", "ADC(10, sample_ns=4000)"),
        ("ADC(Pin('PA3'), sample_ns=0)", "ADC(3, sample_ns=0)"),
        ("ADC(ADC.CORE_TEMP), ADC.CORE_VREF, ADC.CORE_VBAT", "(ADC(16, sample_ns=4000), 17, 18)"),
        ("ADC('PB3')", "ValueError: PB3 has no ADC channel"),
        ("ADC(19)", "ValueError: ADC channel must be 0..18, not 19"),
        ("ADC(0, sample_ns=22001)", "ValueError: sample_ns must be 0..22000"),
        # I2C
        ("I2C(1)", "I2C(1, scl=PB8, sda=PB9, freq=400000, timeout=50000)"),
        ("I2C(1, freq=100000, scl='PB8', timeout=9)", "I2C(1, scl=PB8, sda=PB9, freq=100000, timeout=9)"),
        ("I2C(2)", "ValueError: I2C(2) doesn't exist"),  # no such table in board.toml
        ("I2C(0)", "ValueError: I2C(0) doesn't exist"),
        ("I2C(1, sda='PB7')", "ValueError: sda is fixed by the board: PB9"),
        ("I2C(1, freq=400001)", "ValueError: freq must be 10000..400000"),
        ("I2C(1, timeout=-1)", "ValueError: timeout must be 0..10000000 us"),
        # SPI
        (
            "SPI(2)",
            "SPI(2, baudrate=656250, polarity=0, phase=0, bits=8, firstbit=0, sck=PB13, mosi=PB15, miso=PB14)",
        ),
        (
            "SPI(2, 21000000, polarity=1, phase=1, firstbit=SPI.LSB)",
            "SPI(2, baudrate=21000000, polarity=1, phase=1, bits=8, firstbit=1, sck=PB13, mosi=PB15, miso=PB14)",
        ),
        ("SPI(1)", "ValueError: SPI(1) doesn't exist"),
        ("SPI(2, 164061)", "ValueError: baudrate must be at least 164062"),
        ("SPI(2, bits=16)", "ValueError: bits must be 8"),
        ("SPI(2, phase=2)", "ValueError: phase must be 0 or 1"),
        ("SPI(2, miso='A0')", "ValueError: miso is fixed by the board: PB14"),
        ("SPI(2).write_readinto(b'12', bytearray(3))", "ValueError: buffers must be the same length"),
        # WDT
        ("WDT(1)", "ValueError: WDT(1) doesn't exist"),
        ("WDT(0, 9)", "ValueError: timeout must be 10..22000 ms"),
        ("WDT(timeout=22001)", "ValueError: timeout must be 10..22000 ms"),
        # what MicroPython brings along, on our pins
        ("SoftI2C(scl='A0', sda='A1')", "SoftI2C(scl=PC0, sda=PC1, freq=500000)"),
        ("Signal('LED', invert=True).value()", "1"),
    ],
)
def test_arguments(shared_dev: Board, code: str, expected: str) -> None:
    assert outcome(shared_dev, code) == expected


# ---- every wait ends ----


@pytest.mark.parametrize(
    ("code", "limit_ms"),
    [
        ("ADC(5).read_u16()", 50),
        ("I2C(1).readfrom(0x48, 2)", 200),
        ("I2C(1).writeto(0x48, b'12')", 200),
        ("I2C(1).readfrom_mem(0x48, 0, 2)", 200),
        ("I2C(1, timeout=1000).writeto_mem(0x48, 0, b'1')", 100),
    ],
)
def test_missing_hardware_ends_in_a_timeout(shared_dev: Board, code: str, limit_ms: int) -> None:
    program = f"start = time.ticks_ms()\ntry:\n {code}\nexcept OSError as e:\n print(e.errno, time.ticks_ms() - start)"
    errno, took_ms = shared_dev.exec(IMPORTS + program).split()
    assert int(errno) == 110  # ETIMEDOUT
    assert int(took_ms) <= limit_ms


def test_parts_that_do_not_answer_are_a_status_and_take_no_heap(shared_dev: Board) -> None:
    program = """
from flight.hal.board import BoardAdc, BoardI2c
adc, i2c = BoardAdc('A0'), BoardI2c(1)
b = bytearray(2)
found = [0] * 3
def turn():
    found[0] = adc.read_u16()
    found[1] = i2c.read(0x48, 0, b)
    found[2] = i2c.write(0x48, 0, b)
turn()
micropython.heap_lock()
try:
    turn()
finally:
    micropython.heap_unlock()
print(found, i2c._i2c)
"""
    found, bus = shared_dev.exec(IMPORTS + program).split(" I2C")
    assert found == "[-1, False, False]"
    assert "timeout=2000)" in bus  # microseconds: a bus that is held takes no time of the control loop that matters
    assert outcome(shared_dev, "board.adc_read(I2C(1))") == "TypeError: expected an ADC"
    assert outcome(shared_dev, "board.i2c_read(ADC(0), 0x48, 0, bytearray(2))") == "TypeError: expected an I2C"


def test_spi_exchanges_as_many_bytes_as_it_is_given(shared_dev: Board) -> None:
    """QEMU's controller, with nothing attached, answers zeros at once."""
    code = "s = SPI(2)\nb = bytearray(b'abc')\ns.write_readinto(b'123', b)\nprint(s.read(2, 0xFF), b)"
    assert shared_dev.exec(IMPORTS + code) == "b'\\x00\\x00' bytearray(b'\\x00\\x00\\x00')"


# ---- UART timeouts ----


def test_read_without_timeout_takes_what_is_there(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1)\nb = bytearray(8)")
    assert dev.exec("print(u.read(3), u.readinto(b), u.any())") == "None None 0"
    dev.target.link.write(b"12345")
    assert dev.exec("while u.any() < 5: idle()\nprint(u.read(3), u.readinto(b), b[:2], u.any())") == (
        "b'123' 2 bytearray(b'45') 0"
    )


def test_read_waits_for_the_first_byte_and_between_bytes(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1, timeout=150, timeout_char=50)")
    took = "start = time.ticks_ms(); r = u.read(4); print(r, time.ticks_ms() - start)"
    assert 150 <= int(dev.exec(took).split()[1]) < 400
    dev.repl.start("u.init(timeout=20_000); print('ready')\n" + took)
    dev.target.console.read_until(b"ready")
    dev.target.link.write(b"abcd")
    assert dev.repl.finish().split()[0] == "b'abcd'"


def test_write_without_timeout_takes_what_fits(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1, 9600)\nbig = bytes(3000)\nu.flush()")
    first = int(dev.exec("start = time.ticks_ms(); n = u.write(big); took = time.ticks_ms() - start; print(n)"))
    # A full ring, and what the line may make up for at 9600 baud: 20 ms.
    assert 1024 <= first <= 1024 + 21
    assert int(dev.exec("print(took)")) < 100
    assert dev.exec("n = u.write(big) or 0; print(n < 1024, u.txdone())") == "True False"


def test_write_is_bounded_by_one_ring_and_its_timeout(dev: Board) -> None:
    """At 115200 baud the ring leaves in 89 ms; three of them do not fit into that and 50 ms."""
    dev.exec(IMPORTS + "u = UART(1, timeout=50)\nbig = bytes(8000)")
    n, took_ms = map(
        int, dev.exec("start = time.ticks_ms(); n = u.write(big); print(n, time.ticks_ms() - start)").split()
    )
    assert 1024 < n < 4000
    assert 120 <= took_ms < 1000
    assert dev.exec("u.flush(); print(u.txdone())") == "True"
    assert dev.target.link.read_exactly(n) == bytes(n)


def test_write_with_enough_time_takes_all(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1, 921600, timeout=2000)\nbig = bytes(range(256)) * 16")
    assert dev.exec("print(u.write(big))") == "4096"
    assert dev.target.link.read_exactly(4096) == bytes(range(256)) * 16


def test_slice_that_begins_where_the_last_write_ended_is_a_new_write(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1, timeout=1)\nbig = memoryview(bytes(range(256)) * 16)\ndone = 0")
    dev.exec("while done < 4096:\n done += u.write(big[done:]) or 0")
    assert dev.target.link.read_exactly(4096) == bytes(range(256)) * 16


def test_closed_uart_refuses(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1)\nu.deinit()")
    for code in ("u.read(1)", "u.write(b'1')"):
        assert dev.exec(f"try:\n {code}\nexcept OSError as e:\n print(e.errno)") == "9"
    assert dev.exec("print(u, u.any())") == "UART(1) 0"
    assert dev.exec("print(UART(1).write(b'1'), u.any())") == "1 0"


def test_change_of_speed_sends_what_was_written_first(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1)\nu.write(bytes(500))\nu.init(9600)")
    assert dev.exec("print(u.txdone(), u.write(b'end'), u.flush())") == "True 3 None"
    assert dev.target.link.read_exactly(503) == bytes(500) + b"end"


def test_poll_tells_when_to_read_and_write(dev: Board) -> None:
    dev.exec(IMPORTS + "import select\nu = UART(1, 9600)\np = select.poll()\np.register(u)")
    flags = "print([e for _, e in p.poll(0)] == {expected})"
    assert dev.exec(flags.format(expected="[select.POLLOUT]")) == "True"
    dev.target.link.write(b"1")
    assert dev.exec("while not u.any(): idle()\n" + flags.format(expected="[select.POLLIN | select.POLLOUT]")) == "True"
    dev.exec("p.modify(u, select.POLLIN); u.read()")
    assert dev.exec(flags.format(expected="[]")) == "True"


def test_program_begins_with_uarts_closed_and_pins_quiet(dev: Board) -> None:
    dev.exec(IMPORTS + "u = UART(1, 9600, timeout=7)\nPin('PA3').irq(print)")
    dev.repl.soft_reset()
    assert "baudrate=115200" in dev.exec(IMPORTS + "print(UART(1))")
    assert dev.exec("print(Pin('PB3').irq(print).trigger())") == "3"  # the line is free again


# ---- nothing allocates ----


def test_steady_state_allocates_nothing(dev: Board) -> None:
    program = """
u = UART(1)
p = Pin('LED', Pin.OUT)
s = SPI(2)
w = WDT(0, 20_000)
b = bytearray(64)
out = [0] * 8
def turn():
    u.readinto(b)
    u.write(b)
    u.any()
    u.txdone()
    p.value(1)
    p.value()
    p.on()
    p.off()
    p.toggle()
    p(0)
    s.write(b)
    s.readinto(b)
    s.write_readinto(b, b)
    w.feed()
    board.uart_counters(1, out)
    idle()
turn()
micropython.heap_lock()
try:
    for _ in range(200):
        turn()
finally:
    micropython.heap_unlock()
print('done')
"""
    dev.target.link.write(bytes(5000))
    assert dev.exec(IMPORTS + program) == "done"


# ---- pin interrupts ----


def edge(dev: Board, line: int, high: bool) -> None:
    """Move the pins of *line*. The controller sees a level; before the first call it is unknown which."""
    try:
        dev.target.memory.set_input(EXTI[0], line, high)
    except ControlError:
        dev.target.memory.set_input(EXTI[1], line, high)


@pytest.mark.parametrize(
    ("trigger", "expected"), [("IRQ_RISING", 2), ("IRQ_FALLING", 1), ("IRQ_RISING | Pin.IRQ_FALLING", 3)]
)
@pytest.mark.parametrize("hard", [False, True])
def test_handler_hears_its_edges(dev: Board, trigger: str, expected: int, hard: bool) -> None:
    dev.exec(
        f"{IMPORTS}count = 0\ndef seen(pin):\n global count\n count += pin is me\n"
        f"me = Pin('PB12', Pin.IN)\nirq = me.irq(seen, Pin.{trigger}, hard={hard})"
    )
    for high in (True, False, True):
        edge(dev, 12, high)
        dev.exec("idle()")
    assert dev.exec("print(count)") == str(expected)


def test_handlers_of_all_vectors(dev: Board) -> None:
    dev.exec(
        f"{IMPORTS}heard = []\nfor n in range(16):\n Pin(32 + n).irq(lambda pin, n=n: heard.append(n), Pin.IRQ_RISING)"
    )
    for line in range(16):
        edge(dev, line, True)
        dev.exec("idle()")
    assert dev.exec("print(heard)") == str(list(range(16)))


def test_silenced_line_is_not_heard_and_free_for_another_port(dev: Board) -> None:
    dev.exec(IMPORTS + "heard = []\na, b = Pin('PA4'), Pin('PB4')\na.irq(heard.append, Pin.IRQ_RISING)")
    assert outcome(dev, "b.irq(heard.append)") == "ValueError: interrupt line 4 is used by PA4"
    dev.exec("a.irq(None)")
    edge(dev, 4, True)
    assert dev.exec("idle(); print(heard)") == "[]"
    dev.exec("irq = b.irq(heard.append, Pin.IRQ_FALLING)")
    edge(dev, 4, False)
    assert dev.exec("idle(); print(heard == [b], irq.flags() == Pin.IRQ_FALLING, irq.trigger())") == "True True 2"


def test_failing_hard_handler_is_taken_off(dev: Board) -> None:
    dev.exec(IMPORTS + "p = Pin('PB12')\nirq = p.irq(lambda pin: 1 / 0, Pin.IRQ_RISING, hard=True)")
    edge(dev, 12, True)
    told = dev.target.console.read_until(b"ZeroDivisionError: divide by zero\r\n")
    assert told.startswith(b"Uncaught exception in IRQ callback handler")
    edge(dev, 12, False)
    edge(dev, 12, True)
    assert dev.exec("print(irq.trigger())") == "0"


def test_handler_that_prints_does_not_disturb_the_console(dev: Board) -> None:
    dev.exec(
        IMPORTS
        + "n = 0\ndef tell(pin):\n global n\n n += 1\n print('!')\nPin('PB12').irq(tell, Pin.IRQ_RISING, hard=True)"
    )
    dev.repl.start("while n < 20:\n print('.' * 100)")
    for _ in range(20):
        edge(dev, 12, True)
        edge(dev, 12, False)
        dev.target.console.read_until(b"!")
    output = dev.repl.finish()
    assert set(output) <= set(".!\n")
