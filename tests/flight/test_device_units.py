"""A unit on the payload bus, its map made up: readings with codes, commands until they hold, restarts, other maps."""

import unittest

from flight.codec import crc16_modbus_put
from flight.device.modbus import Master
from flight.device.modbus_unit import UnitLink
from flight.device.reading import Errors, Source, readings
from flight.hal.null import Port
from flight.tables import (
    REGISTER_BIT,
    REGISTER_I16,
    REGISTER_U16,
    REGISTER_U32,
    SPACE_COIL,
    SPACE_HOLDING,
    SPACE_INPUT,
)
from heap import needs_heap_lock, run_locked

SLAVE = 0x21
VERSION = 7
OPEN = 32767
NONE = ()
# space, name, address, kind, count, scale, offset, lowest and highest raw value, codes that are no readings
UNIT = (
    SLAVE,
    VERSION,
    20,
    (
        (SPACE_INPUT, "map_version", 0, REGISTER_U16, 1, 1.0, 0.0, 0, 65535, NONE),
        (SPACE_INPUT, "uptime", 1, REGISTER_U32, 1, 1.0, 0.0, 0, 65535, NONE),
        (SPACE_INPUT, "celsius", 3, REGISTER_I16, 2, 0.01, -5.0, -32768, 32767, (OPEN,)),
        (SPACE_HOLDING, "limit", 0, REGISTER_U16, 1, 0.001, 0.0, 0, 10000, NONE),
        (SPACE_HOLDING, "duty", 2, REGISTER_U16, 2, 0.001, 0.0, 0, 1000, NONE),
        (SPACE_HOLDING, "trip", 4, REGISTER_U16, 2, 0.001, 0.0, 50, 6000, NONE),
        (SPACE_COIL, "first", 4, REGISTER_BIT, 2, 1.0, 0.0, 0, 1, NONE),
        (SPACE_COIL, "second", 8, REGISTER_BIT, 1, 1.0, 0.0, 0, 1, NONE),
    ),
)
SETTINGS = {"PERIOD_S": 10, "STALE_S": 60, "VERIFY_S": 120}


class Slave(Port):
    """The unit: registers and coils. silent: says nothing. Allocates nothing while it answers."""

    def __init__(self):
        self.inputs = [VERSION, 0, 100, 2500, OPEN]
        self.holding = [0, 0, 0, 0, 0, 0]
        self.coils = 0
        self.silent = False
        self.reads = 0
        self.writes = 0
        self._answer = bytearray(64)
        self._length = 0

    def read_into(self, buffer):
        length = self._length
        for i in range(length):
            buffer[i] = self._answer[i]
        self._length = 0
        return length

    def write(self, buffer, start=0, end=-1):
        if self.silent or buffer[start] != SLAVE:
            return True
        answer = self._answer
        for i in range(6):
            answer[i] = buffer[start + i]
        function = buffer[start + 1]
        address = buffer[start + 3]
        count = buffer[start + 5]
        size = 6
        if function in (3, 4):
            self.reads += 1
            source = self.inputs if function == 4 else self.holding
            answer[2] = 2 * count
            for k in range(count):
                answer[3 + 2 * k] = source[address + k] >> 8 & 0xFF
                answer[4 + 2 * k] = source[address + k] & 0xFF
            size = 3 + 2 * count
        elif function == 1:
            self.reads += 1
            answer[2] = 1
            answer[3] = self.coils >> address & 0xFF
            size = 4
        else:
            self.writes += 1
            self._take(function, address, count, buffer, start + 7)
        self._length = crc16_modbus_put(answer, 0, size)
        return True

    def _take(self, function, address, count, buffer, at):
        if function == 15:
            self.coils = buffer[at] << address
            return
        for k in range(count):
            self.holding[address + k] = buffer[at + 2 * k] << 8 | buffer[at + 2 * k + 1]


class Target(Source):
    """A unit with two temperatures."""

    def __init__(self, devices):
        super().__init__()
        self.errors = devices.errors
        self.link_ok = False
        self.updates = 0
        self.restarts = 0
        self.all = readings(2, self)
        self.link = UnitLink(devices, UNIT, self)
        self.places = self.link.places(("celsius",))
        self.bits = self.link.use_coils(("first", "second"))
        self.limit = self.link.use_holding("limit")
        self.duty = self.link.use_holding("duty")
        self.trip = self.link.use_holding("trip", whole=True)
        self.link.ready()

    def received(self):
        self.link.fill(self.all, self.places)


class Bench:
    """devices for the link; a slave; time."""

    def __init__(self):

        self.errors = Errors()
        self._names = list(SETTINGS)
        self.values = [SETTINGS[name] for name in self._names]
        self.slave = Slave()
        self._master = Master(self.slave, 300, 2)
        self.now_ms = 1000
        self.target = Target(self)
        self.link = self.target.link

    def master(self):
        return self._master

    def parameter(self, name):
        return self._names.index(name)

    def run(self, seconds):
        for _ in range(seconds):
            self.link.step(1)
            for _ in range(20):
                self._master.poll(self.now_ms)
                self.now_ms += 50


class TestReadings(unittest.TestCase):
    def test_scale_offset_and_codes(self):
        bench = Bench()
        target = bench.target
        self.assertEqual((target.link_ok, target.age_s), (False, 65535))
        bench.run(2)
        self.assertTrue(target.link_ok)
        self.assertEqual((target.all[0].valid, target.all[1].valid), (True, False))
        self.assertAlmostEqual(target.all[0].value, 20.0, places=4)
        bench.slave.inputs[3] = 65036  # -500
        bench.run(10)
        self.assertAlmostEqual(target.all[0].value, -10.0, places=4)
        self.assertEqual(target.updates, 2)

    def test_ages_and_what_is_too_old(self):
        bench = Bench()
        bench.run(2)
        bench.slave.silent = True
        bench.run(50)
        self.assertTrue(bench.target.all[0].valid)
        self.assertGreater(bench.target.all[0].age_s, 40)
        bench.run(20)
        self.assertFalse(bench.target.all[0].valid or bench.target.link_ok)
        bench.slave.silent = False
        bench.run(11)
        self.assertTrue(bench.target.all[0].valid and bench.target.link_ok)
        self.assertLess(bench.target.all[0].age_s, 11)

    def test_a_period_can_be_changed(self):
        bench = Bench()
        bench.run(2)
        bench.values[0] = 2
        bench.run(30)
        self.assertGreater(bench.target.updates, 10)


class TestCommands(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.bench.run(2)
        self.slave = self.bench.slave
        self.target = self.bench.target

    def test_coils_lie_where_the_map_says(self):
        self.assertEqual(self.target.bits, [0, 4])
        self.bench.link.want_coil(1, True)
        self.bench.link.want_coil(4, True)
        self.bench.run(2)
        self.assertEqual(self.slave.coils, 1 << 5 | 1 << 8)

    def test_registers_are_cut_to_their_range(self):
        self.target.limit.want(0, 2.5)
        self.target.duty.want(0, 0.25)
        self.target.duty.want(1, 3.0)
        self.bench.run(2)
        self.assertEqual(self.slave.holding, [2500, 0, 250, 1000, 0, 0])

    def test_what_nobody_wants_is_not_written(self):
        writes = self.slave.writes
        self.bench.run(100)
        self.target.limit.want(0, 1.0)
        self.bench.run(100)
        self.assertEqual(self.slave.writes, writes + 1)

    def test_what_only_counts_as_a_whole_is_written_when_each_of_it_is_wanted(self):
        writes = self.slave.writes
        self.target.trip.want(1, 2.0)
        self.bench.run(100)
        self.assertEqual((self.slave.writes, self.slave.holding[4:]), (writes, [0, 0]))
        self.target.trip.want(0, 1.0)
        self.bench.run(100)
        self.assertEqual((self.slave.writes, self.slave.holding[4:]), (writes + 1, [1000, 2000]))
        self.target.trip.want(0, 1.5)
        self.bench.run(100)
        self.assertEqual((self.slave.writes, self.slave.holding[4:]), (writes + 2, [1500, 2000]))

    def test_what_is_wanted_is_told_until_it_holds(self):
        self.slave.silent = True
        self.target.limit.want(0, 1.0)
        self.bench.link.want_coil(0, True)
        self.bench.run(100)
        self.assertEqual(self.slave.holding[0], 0)
        self.slave.silent = False
        self.bench.run(30)
        self.assertEqual((self.slave.holding[0], self.slave.coils), (1000, 1 << 4))

    def test_a_unit_that_forgot_is_told_again(self):
        self.target.limit.want(0, 1.0)
        self.bench.link.want_coil(0, True)
        self.bench.run(2)
        self.slave.holding[0] = self.slave.coils = 0
        self.bench.run(130)  # looked at each 120 s
        self.assertEqual((self.slave.holding[0], self.slave.coils), (1000, 1 << 4))
        self.assertEqual(self.target.restarts, 0)

    def test_a_restart_is_seen_and_mended_with_the_next_reading(self):
        self.target.limit.want(0, 1.0)
        self.bench.run(2)
        self.slave.holding[0] = 0
        self.slave.inputs[2] = 3  # uptime
        self.bench.run(12)
        self.assertEqual((self.slave.holding[0], self.target.restarts), (1000, 1))

    def test_a_unit_with_another_map_is_not_commanded(self):
        self.slave.inputs[0] = VERSION + 1
        self.bench.run(11)
        self.target.limit.want(0, 1.0)
        self.bench.run(100)
        self.assertEqual((self.slave.writes, self.target.link_ok), (1, False))

    def test_nothing_new_is_read_from_it(self):
        self.bench.run(11)
        updates = self.target.updates
        self.slave.inputs[0] = VERSION + 1
        self.bench.run(100)
        self.assertTrue(updates > 0)
        self.assertEqual(self.target.updates, updates)
        self.assertEqual([reading.valid for reading in self.target.all], [False, False])
        self.slave.inputs[0] = VERSION
        self.bench.run(11)
        self.assertTrue(self.target.updates > updates and self.target.link_ok)

    def test_its_restarts_are_not_counted(self):
        self.slave.inputs[0] = VERSION + 1
        for uptime in (90, 60, 30):
            self.slave.inputs[2] = uptime
            self.bench.run(10)
        self.assertEqual(self.target.restarts, 0)

    def test_an_uptime_of_32_bits(self):
        for uptime, restarts in ((0xFFFF, 0), (0x10000, 0), (0x80000000, 0), (0x80000001, 0), (0x7FFFFFFF, 1), (5, 2)):
            self.slave.inputs[1:3] = uptime >> 16, uptime & 0xFFFF
            self.bench.run(11)
            self.assertEqual((uptime, self.target.restarts), (uptime, restarts))


class Steady:
    def __init__(self):
        self.bench = Bench()

    def __call__(self):
        bench = self.bench
        for turn in range(20):
            bench.slave.silent = turn % 4 == 3
            bench.slave.inputs[2] = turn
            bench.target.limit.want(0, turn * 0.1)
            bench.link.want_coil(turn % 5, turn & 1 != 0)
            bench.run(20)
        return bench.target.updates


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_nothing_is_allocated(self):
        steady = Steady()
        self.assertGreater(run_locked(steady), 10)
        self.assertGreater(steady.bench.target.restarts, 0)

    @needs_heap_lock
    def test_nothing_is_allocated_for_a_long_uptime_or_a_unit_that_is_not_understood(self):
        for version in (VERSION, VERSION + 1):
            bench = Bench()
            bench.slave.inputs[:3] = version, 0xFFFF, 0xFFFF
            run_locked(lambda bench=bench: bench.run(50))
            self.assertEqual(bench.link.commandable, version == VERSION)


if __name__ == "__main__":
    unittest.main()
