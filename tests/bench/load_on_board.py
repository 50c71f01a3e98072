"""Runs on the emulated board: the whole flight program with the benchmark's mission, its instructions counted.

The machine counts one instruction as 1 ns, and its TIM5 counts ns. Time that the processor sleeps is left out, so is
what the counting itself costs. Telecommands come from memory, one after the other at known times, since octets of the
host arrive when they like; reports leave through the port. Interrupts are outside of what is counted.
"""

import gc
from time import ticks_add, ticks_diff, ticks_ms  # type: ignore[attr-defined]

import flight.hal.board
import machine
import mission_apps
import mission_ids
import mission_keys
import mission_tables
from flight.codec import copy
from flight.hal.board import BoardHal
from flight.hal.null import Port, Watchdog
from flight.limits import FLUSH_MS, LINK_READ
from flight.topology import build

TIM5_CR1 = 0x40000C00
TIM5_EGR = 0x40000C14
TIM5_CNT = 0x40000C24
WORD = 0xFFFFFFFF
COLLECT_EVERY = 64  # sleeps; readings of the counter are objects on the heap
CALIBRATION = 100
FRAMES_LEAVE_MS = 20
AFTER_ALL_MS = 1000  # until the reports of the last telecommand have left

memory = machine.mem32


def start_counter():
    memory[TIM5_CR1] = 1
    memory[TIM5_EGR] = 1


class Sleep:
    """Stands for the module `machine` in the clock: counts what was done between two sleeps.

    port: octets arrive there while the processor sleeps. awake: instructions so far. sleeps: how many there were.
    """

    def __init__(self, port):
        self._port = port
        self.begin()

    def begin(self):
        """Count from here on."""
        self.awake = 0
        self.sleeps = 0
        gc.collect()
        machine.idle()
        self.since = memory[TIM5_CNT]

    def idle(self):
        self.awake += (memory[TIM5_CNT] - self.since) & WORD
        self.sleeps += 1
        if self.sleeps % COLLECT_EVERY == 0:
            gc.collect()
        machine.idle()
        self._port.arrive()
        self.since = memory[TIM5_CNT]


class FromMemory(Port):
    """The link's port, with telecommands that are here already, at the price of the real one. ends: where each ends.

    next: the first that has not arrived. write: the real port's.
    """

    def __init__(self, port):
        self._port = port
        self.write = port.write  # type: ignore[method-assign]
        self.counters = port.counters  # type: ignore[method-assign]
        self.octets = b""
        self.ends = []
        self.next = 0
        self.last = 0
        self.period_ms = 0
        self.due_ms = 0
        self.at = 0  # of the octets: taken,
        self.arrived = 0  # arrived

    def offer(self, period_ms):
        """Let a telecommand arrive every *period_ms* from now on; 0 = none."""
        self.period_ms = period_ms
        self.due_ms = ticks_ms()

    def arrive(self):
        """Let arrive what is due; what an interrupt does, so it is not counted."""
        while self.period_ms and self.next < self.last and ticks_diff(ticks_ms(), self.due_ms) >= 0:
            self.due_ms = ticks_add(self.due_ms, self.period_ms)
            self.arrived = self.ends[self.next]
            self.next += 1
            assert self.arrived - self.at <= LINK_READ, "the program must keep up"

    def any(self):
        return self.arrived - self.at

    def read_into(self, buffer):
        count = self.arrived - self.at
        if not count:
            return 0
        at = self.at
        self.at = at + copy(self.octets, at, at + count, buffer, 0)
        return count


class Bench:
    """The program, made and started, on the space link at *baud*."""

    def __init__(self, baud):
        start_counter()
        hal = BoardHal()
        machine.UART(1, baud, timeout=0)
        hal.watchdog = Watchdog()
        self.port = hal.link = FromMemory(hal.link)
        self.core = build(mission_tables, mission_ids, hal, mission_keys.KEYS, mission_apps.APPS)
        self.core.ids = None
        self.sleep = Sleep(self.port)
        for _ in range(CALIBRATION):
            self.sleep.idle()
        self.overhead = self.sleep.awake // CALIBRATION
        reading = memory[TIM5_CNT]
        self.reading = (memory[TIM5_CNT] - reading) & WORD
        flight.hal.board.machine = self.sleep  # type: ignore[attr-defined]
        hal.clock._link = self.port  # type: ignore[attr-defined]
        gc.collect()
        self.core.start()

    def run(self, seconds):
        """Let the program run. (instructions awake, in turns of the executive) without what counting costs."""
        executive = self.core.executive
        clock = self.core.hal.clock
        sleep = self.sleep
        turns = number = 0
        begin_ms = ticks_ms()
        sleep.begin()
        while ticks_diff(ticks_ms(), begin_ms) < 1000 * seconds:
            start = memory[TIM5_CNT]
            wait_ms = executive.turn()
            turns += ((memory[TIM5_CNT] - start) & WORD) - self.reading
            number += 1
            clock.wait(wait_ms)
        return sleep.awake - sleep.sleeps * self.overhead, turns

    def way(self, in_burst=False):
        """One telecommand from octets to accepted and executed, and its reports from there to octets: instructions.

        Time is what this says, so that nothing else is in it. in_burst: as if less than a second had passed.
        """
        link_loop = self.core.link_loop
        port = self.port
        now_ms = ticks_ms() + 10_000 * (port.next + 1)
        link_loop.poll(now_ms)  # what else was due
        if not in_burst:
            self.core.numbers.step_1hz()  # type: ignore[union-attr]
        for _ in range(FRAMES_LEAVE_MS):
            machine.idle()
        port.last = port.next + 1
        port.offer(1)
        port.arrive()
        frames = self.core.downlink.frames
        gc.collect()
        machine.idle()
        start = memory[TIM5_CNT]
        link_loop.poll(now_ms)
        link_loop.poll(now_ms + FLUSH_MS)
        spent = ((memory[TIM5_CNT] - start) & WORD) - self.reading
        assert self.core.downlink.frames == frames + 1, "the reports must be out"
        port.offer(0)
        return spent

    def sustained(self, count, period_ms):
        """So many telecommands at a steady rate: (instructions awake, seconds)."""
        seconds = (count * period_ms + AFTER_ALL_MS + 999) // 1000
        self.port.last = count
        self.port.offer(period_ms)
        awake, _ = self.run(seconds)
        return awake, seconds


def measure(octets, ends, baud, load_s, steady, steady_period_ms, ways):
    """Everything at one go, so that when the host asks does not matter. Prints a line for each measurement."""
    machine.idle()
    bench = Bench(baud)
    bench.port.octets = octets
    bench.port.ends = ends
    load = bench.run(load_s)
    sustained = bench.sustained(steady, steady_period_ms)
    counted = bench.core.verification.completed, bench.core.tm.lost
    every = [bench.way() for _ in range(ways)]
    alone = [bench.way() for _ in range(ways)]
    burst = [bench.way(in_burst=True) for _ in range(ways)]
    for line in (load, sustained, counted, every, alone, burst):
        print(*line)
