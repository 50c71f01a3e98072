"""Time on the board against the emulator's clock: TIM5, which the firmware leaves alone, counts its nanoseconds.

Machines run with ``icount``: an instruction takes a fixed time, so a loaded host changes nothing.
"""

import pytest

from tests.board.conftest import Board

pytestmark = pytest.mark.qemu("counts nanoseconds with a timer that runs from reset on")

ICOUNT_SHIFT = 3
TIM2_COUNT = 0x4000_0024
WRAP_US = 1 << 32
CALL_US = 200  # emulated time of a call and of the interpreter around it
# While the processor sleeps the emulator's clock follows the host's, and a loaded host wakes it late. The two clocks
# must agree on how late.
LATE_US = 100_000

TIMED = """
import machine, time, board
def tim5():
    return machine.mem32[0x40000C24]
def timed(wait, *args):
    start, us, ms = tim5(), time.ticks_us(), time.ticks_ms()
    wait(*args)
    ms, us, end = time.ticks_diff(time.ticks_ms(), ms), time.ticks_diff(time.ticks_us(), us), tim5()
    print((end - start & 0xFFFFFFFF) // 1000, us, ms)
"""
TURNS = """
n, end = 0, time.ticks_add(time.ticks_ms(), 200)
while time.ticks_diff(end, time.ticks_ms()) > 0:
    %s
    n += 1
print(n)
"""


@pytest.fixture
def clock(board: Board) -> Board:
    board.boot(icount=ICOUNT_SHIFT, qtest=True)
    board.exec(TIMED)
    return board


def timed(clock: Board, call: str) -> tuple[int, int, int]:
    """Emulator's microseconds, ticks_us and ticks_ms around *call*."""
    real_us, us, ms = (int(word) for word in clock.exec(f"timed({call})").split())
    return real_us, us, ms


@pytest.mark.parametrize("ms", [1, 5, 100, 700])
def test_sleep_takes_its_time_and_the_ticks_agree(clock: Board, ms: int) -> None:
    real_us, ticks_us, ticks_ms = timed(clock, f"time.sleep_ms, {ms}")
    assert ms * 1000 <= ticks_us <= ms * 1000 + LATE_US
    assert abs(real_us - ticks_us) <= CALL_US
    assert abs(ticks_us / 1000 - ticks_ms) <= 1


@pytest.mark.parametrize("us", [0, 50, 1500])
def test_sleep_us_takes_its_time(clock: Board, us: int) -> None:
    real_us, ticks_us, _ = timed(clock, f"time.sleep_us, {us}")
    assert us <= ticks_us <= us + CALL_US
    assert abs(real_us - ticks_us) <= CALL_US


def test_waiting_sleeps_the_processor(clock: Board) -> None:
    """Idle time is WFI: some thousand instructions a second, not a million."""
    idle_turns = int(clock.exec(TURNS % "machine.idle()"))
    spin_turns = int(clock.exec(TURNS % "pass"))
    assert idle_turns <= 200 * 2  # one turn a tick; a late tick may come right behind the one before
    assert spin_turns > 20 * idle_turns


def test_uptime_is_monotonic_over_the_wrap_of_the_counter(clock: Board) -> None:
    """TIM2 is set to shortly before its wrap after 71.6 minutes."""
    clock.exec(f"machine.mem32[{TIM2_COUNT}] = 0x100000000 - 100000")
    back, turns, last = (
        int(word)
        for word in clock.exec(
            "last = board.uptime_us(); back = turns = 0\n"
            "while last < 0x100000000 + 100000:\n"
            "    now = board.uptime_us(); back += now < last; turns += 1; last = now\n"
            "print(back, turns, last)"
        ).split()
    )
    assert back == 0
    assert turns > 1000
    assert WRAP_US + 100_000 <= last < WRAP_US + 100_000 + CALL_US


def test_wrap_is_counted_while_the_program_sleeps(clock: Board) -> None:
    clock.exec(f"machine.mem32[{TIM2_COUNT}] = 0x100000000 - 50000")
    real_us, ticks_us, ticks_ms = timed(clock, "time.sleep_ms, 100")
    assert abs(real_us - ticks_us) <= CALL_US
    assert 100_000 <= ticks_us <= 100_000 + LATE_US
    assert abs(ticks_us / 1000 - ticks_ms) <= 1
    assert WRAP_US + 50_000 <= int(clock.exec("print(board.uptime_us())")) < WRAP_US + 2_000_000


def test_second_wrap_counts_too(clock: Board) -> None:
    for _ in range(2):
        clock.exec(f"machine.mem32[{TIM2_COUNT}] = 0x100000000 - 10000\ntime.sleep_ms(20)")
    assert 2 * WRAP_US < int(clock.exec("print(board.uptime_us())")) < 2 * WRAP_US + 2_000_000


def test_uptime_in_two_small_integers_agrees(clock: Board) -> None:
    clock.exec(f"machine.mem32[{TIM2_COUNT}] = 0x100000000 - 1000\ntime.sleep_ms(2)")
    seconds, micros, uptime_us = eval(
        clock.exec("out = [0, 0]; board.uptime(out); now = board.uptime_us(); print((out[0], out[1], now))")
    )
    assert 0 <= micros < 1_000_000
    assert 0 <= uptime_us - (seconds * 1_000_000 + micros) <= CALL_US


def test_uptime_begins_anew_at_every_boot(clock: Board) -> None:
    clock.exec("time.sleep_ms(300)")
    clock.reset()
    assert int(clock.exec("import board; print(board.uptime_us())")) < 300_000
