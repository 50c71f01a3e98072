"""UARTs: every byte that goes in comes out once, in order, and what is lost is counted."""

import pytest

from hil.targets.channel import Channel
from tests.board.conftest import Board

RING_SIZE = 1024  # rx_size of board.toml
BURST_US = 20_000  # time that a paced line may make up for (uart.c)
USARTS = {"link": 1, "bus": 2}
ALL_BYTES = bytes(range(256))
COUNTERS = ("rx_bytes", "tx_bytes", "rx_overflow", "overrun", "framing", "noise", "parity", "tx_dropped")

ECHO = """
import machine, board
uart = machine.UART({usart}, 115200)
buffer = bytearray(200)
view = memoryview(buffer)
def echo(total):
    done = 0
    while done < total:
        n = uart.readinto(buffer)
        if not n:
            machine.idle()
            continue
        sent = 0
        while sent < n:
            sent += uart.write(view[sent:n]) or 0
        done += n
"""
COUNT = "out = [0] * 8; board.uart_counters({usart}, out); print(out)"


def counters(dev: Board, usart: int) -> dict[str, int]:
    values: list[int] = eval(dev.exec("import board; " + COUNT.format(usart=usart)))
    return dict(zip(COUNTERS, values, strict=True))


def port(dev: Board, name: str) -> Channel:
    found: Channel = dev.target.uarts[name]
    return found


@pytest.mark.parametrize("name", USARTS)
def test_every_byte_comes_back_in_order(dev: Board, name: str) -> None:
    usart, data = USARTS[name], ALL_BYTES * 12
    dev.exec(ECHO.format(usart=usart))
    dev.repl.start(f"echo({len(data)})")
    port(dev, name).write(data)
    assert port(dev, name).read_exactly(len(data)) == data
    dev.repl.finish()
    assert port(dev, name).read() == b""
    found = counters(dev, usart)
    assert found == dict.fromkeys(COUNTERS, 0) | {"rx_bytes": len(data), "tx_bytes": len(data)}


def test_both_ports_run_side_by_side_and_do_not_mix(dev: Board) -> None:
    program = ECHO.format(usart=1) + "link, bus = uart, machine.UART(2, 115200)\n"
    program += """
def cross(total):
    done = [0, 0]
    while min(done) < total:
        for i, (source, sink) in enumerate(((link, bus), (bus, link))):
            n = source.readinto(buffer) or 0
            sent = 0
            while sent < n:
                sent += sink.write(view[sent:n]) or 0
            done[i] += n
"""
    dev.exec(program)
    up, down = ALL_BYTES * 4, bytes(reversed(ALL_BYTES)) * 4
    dev.repl.start(f"cross({len(up)})")
    port(dev, "link").write(up)
    port(dev, "bus").write(down)
    assert port(dev, "bus").read_exactly(len(up)) == up
    assert port(dev, "link").read_exactly(len(down)) == down
    dev.repl.finish()


def test_what_the_ring_cannot_hold_is_counted(dev: Board) -> None:
    surplus = 300
    dev.exec("import machine, board; uart = machine.UART(1, 115200); out = [0] * 8")
    size = RING_SIZE + surplus
    data = (ALL_BYTES * 6)[:size]
    dev.repl.start(f"while out[0] + out[2] < {size}:\n    machine.idle(); board.uart_counters(1, out)")
    port(dev, "link").write(data)
    dev.repl.finish()
    found = counters(dev, 1)
    assert (found["rx_bytes"], found["rx_overflow"], found["overrun"]) == (RING_SIZE, surplus, 0)
    kept = eval(dev.exec("print(uart.read(2000))"))
    assert kept == data[:RING_SIZE]


def test_bytes_take_the_time_of_the_line(dev: Board) -> None:
    """Emulated lines are paced: a kilobyte takes 88 ms at 115200 baud, however fast the emulator is."""
    size, byte_us = 1000, 10 * 1_000_000 / 115_200
    dev.exec("import machine, time, board; uart = machine.UART(1, 115200)")
    took_us = int(
        dev.exec(
            "start = board.uptime_us()\n"
            f"uart.write(bytes({size}))\n"
            "while not uart.txdone(): machine.idle()\n"
            "print(board.uptime_us() - start)"
        )
    )
    assert took_us >= 0.95 * (size * byte_us - BURST_US)
    assert port(dev, "link").read_exactly(size) == bytes(size)


@pytest.mark.parametrize("baud", [9599, 921601, 0, -9600])
def test_speed_out_of_range_is_refused(dev: Board, baud: int) -> None:
    program = f"import machine\ntry:\n    machine.UART(1, {baud})\nexcept ValueError as error:\n    print(error)"
    assert dev.exec(program) == "baudrate must be 9600..921600"


@pytest.mark.parametrize("baud", [9600, 921600])
def test_ends_of_the_speed_range_work(dev: Board, baud: int) -> None:
    data = ALL_BYTES[:100]
    dev.exec(ECHO.format(usart=2).replace("115200", str(baud)))
    dev.repl.start(f"echo({len(data)})")
    port(dev, "bus").write(data)
    assert port(dev, "bus").read_exactly(len(data)) == data
    dev.repl.finish()
