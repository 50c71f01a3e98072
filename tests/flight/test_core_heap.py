"""The steady state allocates nothing: 10 000 cycles of the whole board with the heap locked.

Housekeeping of every kind, events in a flood, points that cross their limits, telecommands over CLTU, authentication
and FARM-1, good and bad ones, of every service that is at work by itself; scheduled requests, event-actions and
sequences that fall due meanwhile.
"""

import gc
import unittest

import uplink_bytes as ground
from bench import KEYS, empty_storage, ids, mission_apps, tables, telecommand
from flight.hal.host import VirtualClock
from flight.hal.null import Hal, Port
from flight.limits import CYCLE_MS
from flight.topology import build
from heap import HAVE_HEAP_LOCK, needs_heap_lock

if HAVE_HEAP_LOCK:
    from micropython import heap_lock, heap_unlock  # type: ignore[attr-defined]

CYCLES = 10_000
BATCH = 250  # cycles whose telecommands are made at once: as many as a board's memory holds
TELECOMMAND_EVERY = 5
# EPOCH (SPEC 10): 2020-01-01T00:00:00 TAI in seconds since 1958.
EPOCH = 1_956_528_000
DUE_S = 3
# A request that asks for a ping DUE_S after it was sent; the time is written when it is made.
SCHEDULED = b"when"
REQUESTS = (
    (17, 1, b""),
    (3, 27, b"\x01\x00\x64"),
    (20, 3, b"\x01\x10\x10\x14"),
    (20, 1, b"\x02\x10\x10\x10\x12"),
    (8, 1, b"\x02\x01\x03\x00\x00"),
    (3, 1, b"\x01\x00\x00\x00\x00\xc8\x02\x10\x10\x10\x02"),
    (3, 5, b"\x01\x01\x00"),
    (3, 6, b"\x01\x01\x00"),
    (3, 3, b"\x01\x01\x00"),
    (5, 6, b"\x01\x01\x01"),
    (5, 7, b""),
    (5, 5, b"\x01\x01\x01"),
    (20, 128, b""),
    (20, 129, b"\x00"),
    (9, 1, b"\x00"),
    (9, 129, b""),
    (9, 1, b"\xff"),
    (11, 1, b""),
    (11, 4, SCHEDULED),
    (11, 15, b"\x00\x00\x00\x64"),  # 100 ms
    (11, 16, b""),
    (11, 17, b""),
    (12, 1, b"\x03\x00\x02\x00\x03\x00\x04"),
    (12, 8, b"\x00"),
    (12, 13, b""),
    (12, 10, b""),
    (19, 6, b""),
    (19, 10, b"\x00"),
    (21, 4, b"\x00\x01"),
    (21, 6, b""),
    (21, 9, b"\x00\x01"),
    (17, 7, b""),  # unknown subtype
    (99, 1, b""),  # unknown service
    (20, 3, b"\x01\x10\x10\xff"),  # out of range
    (3, 5, b"\x01\x77\x77"),  # unknown structure
)


LEVELS = (0, 300, 0, -300)


class FixedPort(Port):
    """A port without memory of its own: reads from octets prepared before, counts what is written."""

    def __init__(self):
        self.octets = b""
        self.at = 0
        self.end = 0
        self.written = 0

    def read_into(self, buffer):
        count = min(self.end - self.at, len(buffer))
        octets = self.octets
        at = self.at
        for i in range(count):
            buffer[i] = octets[at + i]
        self.at = at + count
        return count

    def write(self, buffer, start=0, end=-1):
        self.written += 1
        return True


class FixedHal(Hal):
    def __init__(self):
        super().__init__()
        self.clock = VirtualClock()
        self.link = self.port = FixedPort()
        self.storage = empty_storage()


def scheduled(number):
    """11/4 of telecommand *number*: two pings, DUE_S and one second more after it is sent."""
    seconds = EPOCH + number * TELECOMMAND_EVERY * CYCLE_MS // 1000 + DUE_S
    ping = telecommand(17, 1, count=number & 0x3FFF)
    octets = b"\x02"
    for due in (seconds, seconds + 1):
        octets += b"\x1e" + due.to_bytes(4, "big") + b"\0\0" + ping
    return octets


def prepare(core_hal, first, count):
    """CLTUs of *count* BD frames from number *first* on, one after the other; where each ends."""
    octets = bytearray()
    ends = []
    for number in range(first, first + count):
        service, subtype, data = REQUESTS[number % len(REQUESTS)]
        if data is SCHEDULED:
            data = scheduled(number)
        packet = telecommand(service, subtype, data, count=number)
        octets.extend(ground.cltu(ground.protect(ground.BD, 0, packet, number + 1)))
        ends.append(len(octets))
    port = core_hal.port
    port.octets = octets
    port.at = port.end = 0
    return ends


def run_cycles(core, hal, ends, cycles):
    """The executive's loop, a telecommand every few cycles."""
    executive = core.executive
    clock = hal.clock
    port = hal.port
    events = core.events
    level = core.pool.index_of(ids.TRIAL_LEVEL)
    sent = 0
    for cycle in range(cycles):
        if cycle % TELECOMMAND_EVERY == 0:
            port.end = ends[sent]
            sent += 1
        events.raise_(ids.EVENT_TRIAL_FULL, cycle & 0xFF, -1, cycle, 0.5)
        if cycle % 10 == 0:
            events.raise_(ids.EVENT_REACT_PING)
            # Below, within and above the limits, for as long as the slowest monitor needs to see it.
            core.values[level] = LEVELS[cycle // 10 % len(LEVELS)]
        left = CYCLE_MS
        while left > 0:
            wait = min(executive.turn(), left)
            clock.wait(wait)
            left -= wait


class TestSteadyState(unittest.TestCase):
    @needs_heap_lock
    def test_ten_thousand_cycles_with_the_heap_locked(self):
        self.assertTrue(HAVE_HEAP_LOCK)
        hal = FixedHal()
        core = build(tables, ids, hal, KEYS, mission_apps.APPS)
        core.start()
        sent = len(REQUESTS)  # every request once, to bind what binds late
        run_cycles(core, hal, prepare(hal, 0, sent), sent * TELECOMMAND_EVERY)
        while sent < CYCLES // TELECOMMAND_EVERY:
            count = min(BATCH, CYCLES - sent * TELECOMMAND_EVERY) // TELECOMMAND_EVERY
            ends = prepare(hal, sent, count)
            sent += count
            gc.collect()
            heap_lock()
            try:
                run_cycles(core, hal, ends, count * TELECOMMAND_EVERY)
            finally:
                heap_unlock()
        self.assertEqual(core.uplink.frames_bd, CYCLES // TELECOMMAND_EVERY)
        verification = core.verification
        rounds = CYCLES // TELECOMMAND_EVERY // len(REQUESTS)
        self.assertGreaterEqual(verification.rejected, 3 * rounds)
        self.assertGreaterEqual(verification.completed, 10 * rounds)
        self.assertEqual(core.executive.cycles, CYCLES)
        self.assertEqual(core.tm.lost, 0)
        self.assertGreaterEqual(core.schedule.released, 2 * rounds - 2)
        self.assertEqual(core.schedule.failed, 0)
        self.assertGreater(core.monitoring.table.transitions, 10 * rounds)
        self.assertGreater(core.event_actions.started, 10 * rounds)
        self.assertGreaterEqual(core.sequencing.executor.completed + core.sequencing.executor.aborted, rounds - 1)
        self.assertGreater(hal.port.written, CYCLES // 10)

    @needs_heap_lock
    def test_an_allocation_would_be_seen(self):
        seen = False
        heap_lock()
        try:
            bytearray(64)
        except MemoryError:
            seen = True
        finally:
            heap_unlock()
        self.assertTrue(seen)


if __name__ == "__main__":
    unittest.main()
