"""Thermal app over hours: control that settles, heaters in switched operation, the supply as a thermostat.

Too many turns for an emulated board; test_app_thermal.py runs there.
"""

import gc
import unittest

from flight.app.thermal.places import HEATERS
from flight.app.thermal.watch import UNCONTROLLED
from thermal_bench import BATTERY, MAST, STEP_S, Bench

# Heater outputs.
H_ELECTRONICS, H_BATTERY, H_INSTRUMENT, H_RADIO, H_MAST = range(HEATERS)


class Room:
    """A zone as one heat capacity: warms by its heater, loses to the cold."""

    def __init__(self, bench, zone, heater, capacity=15000.0, loss=0.15, outside=-40.0):
        self.bench, self.zone, self.heater = bench, zone, heater
        self.capacity, self.loss, self.outside = capacity, loss, outside

    def run(self, seconds):
        """Lowest and highest temperature on the way."""
        bench = self.bench
        zone = self.zone
        low = high = bench.c[zone]
        for _ in range(seconds // STEP_S):
            flow = bench.watt[self.heater] - self.loss * (bench.c[zone] - self.outside)
            bench.c[zone] += flow * STEP_S / self.capacity
            bench.turn()
            low = min(low, bench.c[zone])
            high = max(high, bench.c[zone])
        return low, high


class Case(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.bench.run(200)
        self.bench.raised()

    def tearDown(self):
        del self.bench
        gc.collect()

    def near(self, found, expected, within):
        self.assertTrue(abs(found - expected) <= within, (found, expected))


class TestControl(Case):
    def test_a_zone_comes_to_its_setpoint_and_stays(self):
        bench = self.bench
        room = Room(bench, BATTERY, H_BATTERY)
        bench.c[BATTERY] = -8.0
        high = room.run(40000)[1]
        self.assertTrue(high < -4.0 + 1.0, high)
        low, high = room.run(20000)
        self.assertTrue(low > -4.3 and high < -3.7, (low, high))
        self.near(bench.watt[H_BATTERY], 5.4, 0.4)

    def test_want_of_power_does_not_wind_up(self):
        bench = self.bench
        room = Room(bench, BATTERY, H_BATTERY)
        bench.c[BATTERY] = -4.0
        room.run(20000)
        bench.budget(2.0)
        room.run(40000)
        self.assertTrue(bench.c[BATTERY] < -10.0)
        self.assertTrue(bench.watt[H_BATTERY] <= 2.0)
        bench.budget(37.0)
        high = room.run(40000)[1]
        self.assertTrue(high < -4.0 + 1.0, high)

    def test_small_errors_tell_the_heater_nothing(self):
        bench = self.bench
        room = Room(bench, BATTERY, H_BATTERY)
        bench.c[BATTERY] = -4.0
        room.run(40000)
        told = 0
        duty = bench.unit.duty[H_BATTERY]
        for _ in range(360):
            room.run(STEP_S)
            told += duty != bench.unit.duty[H_BATTERY]
            duty = bench.unit.duty[H_BATTERY]
        self.assertTrue(told <= 6, told)

    def test_switched_heaters_are_on_for_their_share_of_the_time(self):
        bench = self.bench
        bench.set("SWITCHED", 1)
        bench.set("MIN_ON_S", 120)
        for duty in (0.1, 0.37, 0.8):
            bench.command("SET_DUTY", MAST, duty, 21600)
            bench.run(2000)
            total = 0.0
            changes = 0
            last = bench.unit.duty[H_MAST]
            for _ in range(1200):
                bench.turn()
                told = bench.unit.duty[H_MAST]
                self.assertTrue(told in (0.0, 1.0))
                total += told
                changes += told != last
                last = told
            self.near(total / 1200, duty, 0.02)
            self.assertTrue(4 <= changes <= 1200 * STEP_S / 60, changes)


class TestSupply(Case):
    def stick(self):
        """The battery's heater is on and cannot be disarmed."""
        bench = self.bench
        bench.shorted[H_BATTERY] = bench.welded[H_BATTERY] = 1
        bench.c[BATTERY] = 0.0
        bench.app.sensors.trust(BATTERY)
        bench.run(300)

    def test_what_cannot_be_disarmed_is_held_by_the_supply(self):
        bench = self.bench
        self.stick()
        self.assertEqual(bench.raised(), ["HEATER_STUCK_ON", "HEATER_UNCONTROLLED", "SUPPLY_HELD"])
        self.assertEqual(bench.value("SUPPLY_WANTED"), 0)
        room = Room(bench, BATTERY, H_BATTERY)
        room.run(60000)
        low, high = room.run(60000)
        self.assertTrue(low > -6.0 and high < -2.0, (low, high))
        self.assertEqual(bench.value("BATTERY_FAULT"), UNCONTROLLED)
        self.assertEqual(bench.value("HEATER_FAULTS"), 2)

    def test_without_sensors_it_gets_its_open_loop_share(self):
        bench = self.bench
        self.stick()
        for sensor in range(3):
            bench.dead[3 * BATTERY + sensor] = 1
        bench.run(1800)
        wanted = 0
        for _ in range(1800):
            bench.turn()
            wanted += bench.value("SUPPLY_WANTED")
        self.near(wanted / 1800, 0.28, 0.01)

    def test_a_silent_unit_may_not_give_more_than_open_loop_in_the_mean(self):
        bench = self.bench
        bench.command("SET_DUTY", BATTERY, 1.0, 21600)
        bench.run(100)
        bench.silent = True
        bench.run(200)
        wanted = 0
        for _ in range(720):
            bench.turn()
            wanted += bench.value("SUPPLY_WANTED")
        # (10 * 0.05 + 12 * 0.28 + 6 * 0.05 + 5 * 0.05 + 4 * 0.2) * 1.5 = 7.8 of 12 W.
        self.near(wanted / 720, 0.651, 0.01)
        bench.silent = False
        bench.run(20)
        self.assertEqual(bench.value("SUPPLY_WANTED"), 1)


if __name__ == "__main__":
    unittest.main()
