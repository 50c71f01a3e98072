"""Thermal app: vote and checks of sensors, PI control, budget, cut-out, watch of the heaters, supply, commands."""

import gc
import unittest

from flight.app.thermal.budget import share
from flight.app.thermal.heating import AUTOMATIC, CUT_OUT, DISABLED, ISOLATED, MANUAL, OPEN_LOOP
from flight.app.thermal.places import HEATERS
from flight.app.thermal.sensors import APART, FLAT, INVALID, RANGE, RATE
from flight.app.thermal.watch import DEGRADED, OK, STUCK_OFF, STUCK_ON, UNCONTROLLED
from flight.service.failure import DONE, STATE, STORAGE, UNKNOWN_FUNCTION, VALUE_RANGE
from heap import HAVE_HEAP_LOCK, needs_heap_lock
from thermal_bench import BATTERY, ELECTRONICS, MAST, RADIO, STEP_S, STRUCTURE, SURVIVAL, Bench

if HAVE_HEAP_LOCK:
    from micropython import heap_lock, heap_unlock  # type: ignore[attr-defined]

ALL = 255
# Heater outputs.
H_ELECTRONICS, H_BATTERY, H_INSTRUMENT, H_RADIO, H_MAST = range(HEATERS)


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


class TestSensors(Case):
    def test_three_sensors_give_their_median(self):
        bench = self.bench
        bench.off[3 * BATTERY] = -2.0
        bench.off[3 * BATTERY + 1] = 0.5
        bench.off[3 * BATTERY + 2] = 1.5
        bench.run(20)
        self.near(bench.value("BATTERY_C"), 10.5, 0.02)
        self.assertEqual(bench.value("BATTERY_VALID"), 1)
        self.assertEqual(bench.raised(), [])

    def test_two_sensors_give_their_mean(self):
        bench = self.bench
        bench.off[3 * RADIO] = 1.0
        bench.run(20)
        self.near(bench.value("RADIO_C"), 10.5, 0.02)

    def test_open_or_short_is_rejected_and_comes_back(self):
        bench = self.bench
        bench.dead[3 * BATTERY + 1] = 1
        bench.run(50)
        self.assertEqual(bench.raised(), [])
        bench.run(10)
        name, values = bench.events()[0]
        self.assertEqual((name, values[:3]), ("SENSOR_REJECTED", (BATTERY, 1, INVALID)))
        self.assertEqual(bench.value("REJECTED_SENSORS"), 1 << 3 * BATTERY + 1)
        self.assertEqual(bench.value("REJECTIONS"), 1)
        self.assertEqual(bench.value("BATTERY_VALID"), 1)
        bench.dead[3 * BATTERY + 1] = 0
        bench.run(590)
        self.assertEqual(bench.raised(), [])
        bench.run(10)
        self.assertEqual(bench.raised(), ["SENSOR_RETURNED"])
        self.assertEqual(bench.value("REJECTED_SENSORS"), 0)

    def test_what_cannot_be_is_rejected(self):
        bench = self.bench
        for wrong in (90.0, -100.0, float("nan")):
            bench.off[3 * BATTERY] = wrong
            bench.run(60)
            self.assertEqual(bench.events()[0][1][:3], (BATTERY, 0, RANGE))
            self.near(bench.value("BATTERY_C"), 10.0, 0.02)
            bench.off[3 * BATTERY] = 0.0
            bench.run(660)
            bench.raised()

    def test_noise_is_rejected_by_its_rate(self):
        bench = self.bench
        for turn in range(24):
            bench.off[3 * BATTERY] = (0.0, 2.6, -1.0)[turn % 3]
            bench.turn()
            self.near(bench.value("BATTERY_C"), 10.0, 0.02)
        self.assertEqual(bench.events()[0][1][:3], (BATTERY, 0, RATE))

    def test_a_sensor_that_stands_still_is_rejected(self):
        bench = self.bench
        for _ in range(3600 // STEP_S):
            bench.off[3 * BATTERY] = 0.01 * (bench.turns & 1)
            bench.turn()
        self.assertEqual(bench.raised(), [])
        for _ in range(70 // STEP_S):
            bench.off[3 * BATTERY] = 0.01 * (bench.turns & 1)
            bench.turn()
        self.assertEqual(bench.events()[0][1][:3], (BATTERY, 0, FLAT))
        bench.set("FLAT_S", 0)
        bench.run(700)
        self.assertEqual(bench.raised(), ["SENSOR_RETURNED"])

    def test_drift_is_found_by_disagreement(self):
        bench = self.bench
        for _ in range(400):
            bench.off[3 * BATTERY] += 0.01
            bench.turn()
            self.near(bench.value("BATTERY_C"), 10.0, 0.02)
        self.assertEqual(bench.events()[0][1][:3], (BATTERY, 0, APART))

    def test_two_that_stand_apart_are_in_doubt(self):
        bench = self.bench
        bench.off[3 * RADIO] = 5.0
        bench.run(200)
        self.assertEqual(bench.raised(), ["ZONE_DOUBTFUL"])
        self.assertEqual(bench.value("DOUBTFUL_ZONES"), 1 << RADIO)
        self.assertEqual(bench.value("RADIO_VALID"), 0)
        self.near(bench.value("RADIO_C"), 10.0, 0.02)
        self.assertEqual(bench.value("RADIO_HEATER"), OPEN_LOOP)
        self.near(bench.unit.duty[H_RADIO], 0.05, 1e-5)
        bench.set("RADIO_SENSORS", 2)
        bench.run(20)
        self.assertEqual(bench.raised(), ["ZONE_KNOWN"])
        self.assertEqual(bench.value("RADIO_HEATER"), AUTOMATIC)

    def test_three_that_all_stand_apart_are_in_doubt(self):
        bench = self.bench
        bench.off[3 * BATTERY] = 8.0
        bench.off[3 * BATTERY + 1] = -8.0
        bench.run(200)
        self.assertEqual(bench.raised(), ["ZONE_DOUBTFUL"])
        self.assertEqual(bench.value("REJECTIONS"), 0)

    def test_a_zone_without_sensors_is_lost_and_heated_open_loop(self):
        bench = self.bench
        for sensor in range(3):
            bench.dead[3 * BATTERY + sensor] = 1
        bench.run(60)
        names = bench.raised()
        self.assertEqual(names.count("SENSOR_REJECTED"), 3)
        self.assertEqual(names.count("ZONE_LOST"), 1)
        bench.run(100)
        self.assertEqual(bench.value("LOST_ZONES"), 1 << BATTERY)
        self.near(bench.unit.duty[H_BATTERY], 0.28, 1e-5)
        bench.power.status = 1  # the feed is there: day
        bench.run(200)
        self.near(bench.unit.duty[H_BATTERY], 0.1, 1e-5)

    def test_a_sensor_that_ground_does_not_want_does_not_count(self):
        bench = self.bench
        bench.set("BATTERY_SENSORS", 1)
        bench.off[3 * BATTERY] = 1.0
        bench.dead[3 * BATTERY + 1] = 1
        bench.run(100)
        self.near(bench.value("BATTERY_C"), 11.0, 0.02)
        self.assertEqual(bench.raised(), [])

    def test_a_silent_unit_is_told_once_and_no_sensor_is_blamed(self):
        bench = self.bench
        bench.silent = True
        bench.run(110)
        self.assertEqual(bench.raised(), [])
        bench.run(1000)
        self.assertEqual(bench.raised(), ["UNIT_SILENT"])
        self.assertEqual(bench.value("LOST_ZONES"), 0xFF)
        self.assertEqual(bench.value("UNIT_SILENT"), 1)
        bench.silent = False
        bench.c[BATTERY] = 30.0
        bench.run(100)
        self.assertEqual(bench.raised(), ["UNIT_HEARD"])
        self.assertEqual(bench.value("LOST_ZONES"), 0)
        self.near(bench.value("BATTERY_C"), 30.0, 0.02)
        self.assertEqual(bench.value("REJECTIONS"), 0)

    def test_rates_are_of_the_payloads_time_where_it_runs_faster(self):
        bench = self.bench
        bench.run(100)
        bench.core.values[bench.app.places.scale] = 60
        # 1.5 K a minute of the payload; it may change by 5.
        bench.c[STRUCTURE] -= 15.0
        bench.run(10)
        self.assertEqual(bench.raised(), [])
        bench.c[STRUCTURE] -= 60.0
        bench.run(10)
        self.assertIn("ZONE_LOST", bench.raised())

    def test_before_anything_is_heard_nothing_is_heated_closed_loop(self):
        bench = Bench()
        bench.silent = True
        bench.run(100)
        self.assertEqual(bench.value("BATTERY_HEATER"), OPEN_LOOP)
        self.assertEqual(bench.value("BATTERY_VALID"), 0)


class TestControl(Case):
    def test_setpoints_are_those_of_mode_and_light(self):
        bench = self.bench
        bench.raised()
        self.near(bench.value("BATTERY_SETPOINT_C"), -4, 0)
        bench.power.status = 2  # the array produces
        bench.run(110)
        self.near(bench.value("BATTERY_SETPOINT_C"), -4, 0)
        bench.run(10)
        self.near(bench.value("BATTERY_SETPOINT_C"), 4, 0)
        bench.app.mode_changed(SURVIVAL, True)
        bench.run(10)
        self.near(bench.value("BATTERY_SETPOINT_C"), -5, 0)
        self.assertEqual(bench.events(), [("SETPOINTS_CHANGED", (0, 0, 0, 0)), ("SETPOINTS_CHANGED", (2, 0, 0, 0))])

    def test_while_the_power_unit_is_silent_the_clock_tells_the_light(self):
        bench = self.bench
        bench.power.status = 1
        bench.run(200)
        self.assertEqual((bench.value("LIT"), bench.value("BATTERY_SETPOINT_C")), (1, 4))
        bench.power.link_ok = False
        bench.core.values[bench.core.ids.NIGHT_PHASE] = 1  # dusk
        bench.run(200)
        self.assertEqual(bench.value("LIT"), 1)
        bench.core.values[bench.core.ids.NIGHT_PHASE] = 2
        bench.run(200)
        self.assertEqual((bench.value("LIT"), bench.value("BATTERY_SETPOINT_C")), (0, -4))

    def test_minimum_times_on_and_off(self):
        bench = self.bench
        bench.set("MIN_ON_S", 300)
        bench.set("MIN_OFF_S", 200)
        bench.c[MAST] = -62.0
        bench.run(20)
        self.assertTrue(bench.unit.duty[H_MAST] > 0.4)
        bench.c[MAST] = -50.0
        bench.run(20)  # the jump is held back for a turn
        bench.run(240)
        self.near(bench.unit.duty[H_MAST], 0.02, 1e-6)
        bench.run(60)
        self.assertEqual(bench.unit.duty[H_MAST], 0.0)
        bench.c[MAST] = -62.0
        bench.run(150)
        self.assertEqual(bench.unit.duty[H_MAST], 0.0)
        bench.run(70)
        self.assertTrue(bench.unit.duty[H_MAST] > 0.4)


class TestBudget(Case):
    def test_the_first_in_rank_is_served_first(self):
        duty = [1.0] * 5
        watts = [10.0, 12.0, 6.0, 5.0, 4.0]
        self.assertTrue(share(duty, watts, [2, 1, 3, 4, 5], bytearray(5), 20.0, 0.02))
        self.assertEqual(duty[1], 1.0)
        self.near(duty[0], 0.8, 1e-5)
        self.assertEqual(duty[2:], [0.0, 0.0, 0.0])

    def test_equals_share_in_proportion(self):
        duty = [0.5, 1.0, 0.0, 0.0, 0.0]
        share(duty, [10.0, 10.0, 6.0, 5.0, 4.0], [1, 1, 1, 1, 1], bytearray(5), 7.5, 0.02)
        self.near(duty[0], 0.24, 1e-5)
        self.near(duty[1], 0.5, 1e-5)

    def test_a_switched_heater_gets_all_or_nothing(self):
        duty = [1.0, 1.0, 1.0, 0.0, 0.0]
        share(duty, [10.0, 12.0, 6.0, 5.0, 4.0], [1, 1, 1, 1, 1], bytearray(b"\1\1\1\1\1"), 17.0, 0.02)
        self.assertEqual(duty, [1.0, 0.0, 1.0, 0.0, 0.0])

    def test_what_an_equal_that_is_switched_has_taken_is_not_shared_again(self):
        duty = [0.0, 1.0, 0.0, 0.0, 1.0]
        watts = [10.0, 12.0, 6.0, 5.0, 4.0]
        self.assertTrue(share(duty, watts, [1] * HEATERS, bytearray((0, 1, 0, 0, 0)), 13.0, 0.02))
        self.assertEqual(duty[1], 1.0)
        self.near(duty[4], 0.24, 1e-6)  # 1 W is left of 4

    def test_never_more_than_there_is(self):
        number = 12345
        for _ in range(200):
            duty, rank = [], []
            for _ in range(5):
                number = (number * 1103 + 12345) & 0xFFFF
                duty.append(number / 65535)
                rank.append(1 + number % 5)
            watts = [10.0, 12.0, 6.0, 5.0, 4.0]
            budget = number % 38 * 1.0
            before = list(duty)
            share(duty, watts, rank, bytearray(5), budget, 0.02)
            total = 0.0
            for heater in range(5):
                self.assertTrue(0.0 <= duty[heater] <= before[heater])
                total += duty[heater] * watts[heater]
            self.assertTrue(total <= budget + 1e-3, (total, budget))

    def test_less_than_nothing_and_no_number_are_nothing(self):
        bench = self.bench
        bench.c[BATTERY] = -20.0
        for none in (0.0, -5.0, float("nan")):
            bench.budget(37.0)
            bench.run(300)
            self.assertTrue(bench.unit.duty[H_BATTERY] > 0.5)
            bench.budget(none)
            bench.run(20)
            self.assertEqual(bench.unit.duty, [0.0] * 8)

    def test_a_long_shortage_is_told_once(self):
        bench = self.bench
        bench.budget(3.0)
        bench.c[BATTERY] = -20.0
        bench.run(1500)
        self.assertEqual(bench.raised().count("SHORT_OF_POWER"), 1)


class TestCutOut(Case):
    def heat(self):
        """The battery is as hot as its cut-out."""
        bench = self.bench
        bench.c[BATTERY] = 40.5
        bench.run(20)
        bench.run(100)

    def test_it_wins_over_every_command(self):
        bench = self.bench
        self.assertEqual(bench.command("SET_DUTY", BATTERY, 1.0, 21600), DONE)
        bench.run(100)
        self.assertEqual(bench.unit.duty[H_BATTERY], 1.0)
        bench.app.sensors.trust(BATTERY)
        bench.c[BATTERY] = 40.5
        bench.run(10)
        bench.run(10)
        self.assertEqual(bench.raised(), ["CUT_OUT"])
        for name, args in (
            ("SET_DUTY", (BATTERY, 1.0, 3600)),
            ("SET_SETPOINT", (BATTERY, 60.0)),
            ("HEATER_ENABLE", (BATTERY,)),
            ("RESET_FAULT", (ALL,)),
            ("CLEAR_SETPOINT", (ALL,)),
            ("RESET_SENSORS", (ALL,)),
        ):
            code = bench.command(name, *args)
            self.assertEqual(code, {"SET_DUTY": STATE, "SET_SETPOINT": VALUE_RANGE}.get(name, DONE))
            bench.run(20)
            self.assertEqual(bench.unit.duty[H_BATTERY], 0.0)
            self.assertEqual(bench.unit.enable >> H_BATTERY & 1, 0)
        self.assertEqual(bench.value("BATTERY_HEATER"), CUT_OUT)
        self.assertEqual(bench.value("CUT_OUTS"), 1 << H_BATTERY)

    def lose(self, zone):
        for sensor in range(3):
            self.bench.dead[3 * zone + sensor] = 1

    def test_losing_the_sensors_does_not_end_it(self):
        bench = self.bench
        self.heat()
        bench.raised()
        self.lose(BATTERY)
        bench.run(3600)
        self.assertEqual((bench.value("BATTERY_HEATER"), bench.unit.duty[H_BATTERY]), (CUT_OUT, 0.0))
        self.assertNotIn("CUT_OUT_OVER", bench.raised())
        self.assertEqual(bench.command("SET_DUTY", BATTERY, 1.0, 3600), STATE)

    def test_a_known_temperature_ends_it_after_that(self):
        bench = self.bench
        self.heat()
        self.lose(BATTERY)
        bench.run(3600)
        bench.c[BATTERY] = 20.0
        bench.app.sensors.trust(BATTERY)
        bench.dead[3 * BATTERY] = bench.dead[3 * BATTERY + 1] = 0
        bench.run(20)
        self.assertEqual(bench.value("BATTERY_HEATER"), AUTOMATIC)

    def test_without_sensors_it_ends_after_a_time_into_open_loop(self):
        bench = self.bench
        bench.set("CUT_OUT_BLIND_S", 1800)
        self.heat()
        self.lose(BATTERY)
        bench.run(1700)
        self.assertEqual(bench.value("BATTERY_HEATER"), CUT_OUT)
        bench.raised()
        bench.run(300)
        self.assertEqual(bench.value("BATTERY_HEATER"), OPEN_LOOP)
        self.assertEqual(bench.raised(), ["CUT_OUT_OVER"])
        self.near(bench.unit.duty[H_BATTERY], 0.28, 1e-5)

    def test_wanting_no_sensor_is_no_way_round(self):
        bench = self.bench
        self.heat()
        bench.set("BATTERY_SENSORS", 0)
        bench.run(600)
        self.assertEqual(bench.value("BATTERY_HEATER"), CUT_OUT)
        self.assertEqual(bench.command("SET_DUTY", BATTERY, 1.0, 3600), STATE)

    def test_a_zone_that_is_not_known_takes_no_duty(self):
        bench = self.bench
        self.assertEqual(bench.command("SET_DUTY", BATTERY, 1.0, 3600), DONE)
        bench.run(100)
        self.assertEqual(bench.value("BATTERY_HEATER"), MANUAL)
        self.lose(BATTERY)
        bench.run(100)
        self.assertEqual(bench.value("BATTERY_HEATER"), OPEN_LOOP)
        self.near(bench.unit.duty[H_BATTERY], 0.28, 1e-5)
        self.assertEqual(bench.command("SET_DUTY", BATTERY, 1.0, 3600), STATE)

    def test_in_doubt_the_hotter_sensor_decides(self):
        bench = self.bench
        bench.dead[3 * BATTERY + 2] = 1
        bench.run(200)
        bench.c[BATTERY] = 38.0
        bench.off[3 * BATTERY] = -50.0
        bench.run(400)
        self.assertEqual((bench.value("DOUBTFUL_ZONES"), bench.value("BATTERY_HEATER")), (1 << BATTERY, OPEN_LOOP))
        self.near(bench.value("BATTERY_C"), -12.0, 0.02)
        bench.raised()
        for celsius in (39.3, 40.5):
            bench.c[BATTERY] = celsius
            bench.run(20)
        self.assertEqual(bench.value("BATTERY_HEATER"), CUT_OUT)
        [(name, (zone, celsius, _, _))] = bench.events()
        self.assertEqual((name, zone), ("CUT_OUT", BATTERY))
        self.near(celsius, 40.5, 0.02)
        for celsius in (39.3, 38.0, 36.8, 35.6, 34.5):
            bench.c[BATTERY] = celsius
            bench.run(20)
        self.assertEqual(bench.value("BATTERY_HEATER"), OPEN_LOOP)

    def test_it_ends_a_band_below(self):
        bench = self.bench
        self.heat()
        self.assertEqual(bench.raised(), ["CUT_OUT"])
        for celsius in (38.0, 36.5, 35.2):
            bench.c[BATTERY] = celsius
            bench.run(200)
            self.assertEqual(bench.value("BATTERY_HEATER"), CUT_OUT)
        bench.c[BATTERY] = 34.5
        bench.run(20)
        self.assertEqual(bench.raised(), ["CUT_OUT_OVER"])
        self.assertEqual(bench.value("BATTERY_HEATER"), AUTOMATIC)
        self.assertEqual(bench.value("CUT_OUT_COUNT"), 1)

    def test_minimum_on_time_does_not_hold_it_up(self):
        bench = self.bench
        bench.set("MIN_ON_S", 3600)
        bench.c[BATTERY] = -20.0
        bench.run(200)
        self.assertEqual(bench.unit.duty[H_BATTERY], 1.0)
        bench.app.sensors.trust(BATTERY)
        bench.c[BATTERY] = 41.0
        bench.turn()
        self.assertEqual(bench.unit.duty[H_BATTERY], 0.0)


class TestWatch(Case):
    def setUp(self):
        super().setUp()
        self.bench.command("SET_DUTY", BATTERY, 0.5, 21600)
        self.bench.command("SET_DUTY", MAST, 0.5, 21600)
        self.bench.run(200)
        self.bench.raised()

    def test_a_heater_that_stays_on_is_disarmed(self):
        bench = self.bench
        bench.shorted[H_BATTERY] = 1
        bench.run(50)
        self.assertEqual(bench.raised(), [])
        bench.run(20)
        name, values = bench.events()[0]
        self.assertEqual((name, values[0]), ("HEATER_STUCK_ON", BATTERY))
        self.near(values[1], 28 / 65.3, 1e-3)
        self.near(values[2], 14 / 65.3, 1e-3)
        bench.run(600)
        self.assertEqual(bench.watt[H_BATTERY], 0.0)
        self.assertEqual(bench.value("BATTERY_HEATER"), ISOLATED)
        self.assertEqual(bench.value("BATTERY_FAULT"), STUCK_ON)
        self.assertEqual(bench.value("FAULTY_HEATERS"), 1 << H_BATTERY)
        self.assertEqual(bench.raised(), [])
        self.assertTrue(bench.app.supply.wanted)
        bench.shorted[H_BATTERY] = 0
        self.assertEqual(bench.command("RESET_FAULT", BATTERY), DONE)
        bench.run(100)
        self.assertTrue(bench.watt[H_BATTERY] > 0.0)
        self.assertEqual(bench.value("BATTERY_FAULT"), OK)

    def test_a_heater_without_current_is_told_and_recovers(self):
        bench = self.bench
        bench.conducts[H_BATTERY] = 0.0
        bench.run(70)
        self.assertEqual(bench.raised(), ["HEATER_STUCK_OFF"])
        self.assertEqual(bench.value("BATTERY_FAULT"), STUCK_OFF)
        self.assertEqual(bench.value("BATTERY_HEATER"), MANUAL)
        bench.conducts[H_BATTERY] = 1.0
        bench.run(120)
        self.assertEqual(bench.raised(), ["HEATER_RECOVERED"])

    def test_a_degraded_heater_is_told_and_still_used(self):
        bench = self.bench
        bench.conducts[H_BATTERY] = 0.5
        bench.run(70)
        self.assertEqual(bench.raised(), ["HEATER_DEGRADED"])
        self.assertEqual(bench.value("BATTERY_FAULT"), DEGRADED)
        self.assertTrue(bench.watt[H_BATTERY] > 2.0)
        # It needs half the power for the same duty.
        bench.budget(5.3)
        bench.run(100)
        self.near(bench.unit.duty[H_BATTERY], 0.5, 1e-6)
        self.near(bench.unit.duty[H_MAST], 0.5, 1e-6)

    def test_nothing_is_found_without_supply(self):
        bench = self.bench
        bench.conducts[H_BATTERY] = 0.0
        bench.unit.status = 0
        for _ in range(30):
            bench.turns += 1
            bench.unit.updates += 1
            bench.app.step_01hz()
        self.assertEqual(bench.raised(), [])

    def test_nothing_is_found_while_the_duty_moves(self):
        bench = self.bench
        bench.conducts[H_BATTERY] = 0.0
        for number in range(30):
            bench.command("SET_DUTY", BATTERY, 0.5 + 0.1 * (number & 1), 21600)
            bench.run(20)
        self.assertEqual(bench.raised(), [])

    def test_a_dead_heater_takes_nothing_from_the_others(self):
        bench = self.bench
        bench.conducts[H_BATTERY] = 0.0
        bench.run(200)
        bench.budget(3.0)
        bench.run(20)
        self.near(bench.unit.duty[H_MAST], 0.5, 0.01)


class TestSupply(Case):
    def stick(self):
        """The battery's heater is on and cannot be disarmed."""
        bench = self.bench
        bench.shorted[H_BATTERY] = bench.welded[H_BATTERY] = 1
        bench.c[BATTERY] = 0.0
        bench.app.sensors.trust(BATTERY)
        bench.run(300)

    def test_what_cannot_be_disarmed_loses_its_supply(self):
        bench = self.bench
        self.stick()
        self.assertEqual(bench.raised(), ["HEATER_STUCK_ON", "HEATER_UNCONTROLLED", "SUPPLY_HELD"])
        self.assertEqual(bench.value("SUPPLY_WANTED"), 0)
        self.assertEqual(bench.value("BATTERY_FAULT"), UNCONTROLLED)
        self.assertEqual(bench.watt[H_BATTERY], 0.0)

    def test_a_cold_neighbour_is_not_starved(self):
        bench = self.bench
        self.stick()
        bench.c[MAST] = -65.0
        bench.app.sensors.trust(MAST)
        bench.run(200)
        self.assertEqual(bench.value("SUPPLY_WANTED"), 1)
        self.assertTrue(bench.watt[H_MAST] > 1.0)

    def test_a_cold_neighbour_does_not_overheat_it(self):
        bench = self.bench
        self.stick()
        bench.c[MAST] = -65.0
        bench.app.sensors.trust(MAST)
        bench.run(200)
        for celsius in (10.0, 11.0, 40.5):
            bench.c[BATTERY] = celsius
            bench.app.sensors.trust(BATTERY)
            bench.run(20)
        self.assertEqual(bench.value("SUPPLY_WANTED"), 0)

    def test_others_keep_their_part_of_the_budget(self):
        bench = self.bench
        self.stick()
        bench.budget(8.0)
        bench.c[MAST] = -65.0
        bench.app.sensors.trust(MAST)
        bench.run(200)
        self.near(bench.watt[H_MAST], 4.0, 0.1)

    def test_supply_that_does_not_come_is_told(self):
        bench = self.bench
        for _ in range(100):
            bench.turns += 1
            bench._read()
            bench.unit.status = 0
            bench.app.step_01hz()
        self.assertEqual(bench.raised(), ["SUPPLY_MISSING"])


class TestCommands(Case):
    def test_setpoint_until_it_is_cleared(self):
        bench = self.bench
        self.assertEqual(bench.command("SET_SETPOINT", BATTERY, 12.0), DONE)
        bench.run(100)
        self.near(bench.value("BATTERY_SETPOINT_C"), 12.0, 0)
        self.assertTrue(bench.unit.duty[H_BATTERY] > 0.4)
        self.assertEqual(bench.command("SET_SETPOINT", BATTERY, 35.5), VALUE_RANGE)
        self.assertEqual(bench.command("CLEAR_SETPOINT", ALL), DONE)
        bench.run(100)
        self.near(bench.value("BATTERY_SETPOINT_C"), -4, 0)

    def test_a_duty_for_a_time(self):
        bench = self.bench
        self.assertEqual(bench.command("SET_DUTY", MAST, 0.3, 600), DONE)
        bench.run(600)
        self.near(bench.unit.duty[H_MAST], 0.3, 1e-6)
        self.assertEqual(bench.value("MAST_HEATER"), MANUAL)
        bench.run(100)
        self.assertEqual(bench.unit.duty[H_MAST], 0.0)
        bench.command("SET_DUTY", MAST, 0.3, 600)
        bench.run(20)
        self.assertEqual(bench.command("CLEAR_DUTY", ALL), DONE)
        bench.run(100)
        self.assertEqual(bench.value("MAST_HEATER"), AUTOMATIC)

    def test_a_disabled_heater_is_off_and_kept_so(self):
        bench = self.bench
        bench.c[ELECTRONICS] = -40.0
        bench.run(200)
        self.assertTrue(bench.watt[H_ELECTRONICS] > 1.0)
        self.assertEqual(bench.command("HEATER_DISABLE", ELECTRONICS), DONE)
        bench.run(20)
        self.assertEqual(bench.watt[H_ELECTRONICS], 0.0)
        self.assertEqual(bench.value("ELECTRONICS_HEATER"), DISABLED)
        self.assertEqual(bench.value("ENABLED_HEATERS"), 30)
        self.assertEqual(bench.core.parameters.saved, 1)
        bench.run(200)  # long enough for every parameter to be compared with its copies
        self.assertEqual(bench.value("ELECTRONICS_HEATER"), DISABLED)
        self.assertEqual(bench.command("HEATER_ENABLE", ALL), DONE)
        bench.run(100)
        self.assertTrue(bench.watt[H_ELECTRONICS] > 1.0)

    def test_a_store_that_refuses_is_told(self):
        self.bench.core.parameters.status = -3
        self.assertEqual(self.bench.command("HEATER_DISABLE", MAST), STORAGE)

    def test_sensors_are_trusted_again(self):
        bench = self.bench
        bench.dead[3 * BATTERY] = 1
        bench.run(100)
        bench.dead[3 * BATTERY] = 0
        self.assertEqual(bench.command("RESET_SENSORS", BATTERY), DONE)
        bench.run(20)
        self.assertEqual(bench.value("REJECTED_SENSORS"), 0)

    def test_what_it_does_not_know(self):
        self.assertEqual(self.bench.command("NO_SUCH", BATTERY), UNKNOWN_FUNCTION)

    def test_a_longer_period_is_kept(self):
        bench = self.bench
        bench.set("PERIOD_S", 60)
        bench.run(60)
        bench.c[BATTERY] = 9.0
        bench.run(50)
        self.near(bench.value("BATTERY_C"), 10.0, 0.02)
        bench.run(10)
        self.near(bench.value("BATTERY_C"), 9.0, 0.02)


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_a_day_with_every_fault_allocates_nothing(self):
        bench = Bench()
        bench.core.events.keep = False
        bench.command("SET_DUTY", MAST, 0.5, 21600)
        for locked in (False, True):
            gc.collect()
            if locked:
                heap_lock()
            try:
                self.troubles(bench)
            finally:
                if locked:
                    heap_unlock()
        self.assertTrue(bench.core.events.count > 20, bench.core.events.count)

    def troubles(self, bench):
        """Each kind of fault, and its end."""
        bench.budget(37.0)
        bench.c[BATTERY] = -9.0
        bench.run(400)
        bench.budget(2.0)
        bench.run(900)
        bench.budget(37.0)
        bench.off[3 * BATTERY] = 6.0
        bench.off[3 * RADIO] = 6.0
        bench.dead[3 * MAST] = 1
        bench.conducts[H_BATTERY] = 0.0
        bench.run(400)
        bench.conducts[H_BATTERY] = 0.5
        bench.off[3 * BATTERY] = bench.off[3 * RADIO] = 0.0
        bench.dead[3 * MAST] = 0
        bench.run(900)
        bench.silent = True
        bench.run(400)
        bench.silent = False
        bench.conducts[H_BATTERY] = 1.0
        bench.shorted[H_BATTERY] = bench.welded[H_BATTERY] = 1
        bench.run(900)
        bench.c[BATTERY] = 41.0
        bench.run(200)
        bench.c[BATTERY] = -9.0
        bench.shorted[H_BATTERY] = bench.welded[H_BATTERY] = 0
        bench.run(200)
        bench.app.watch.reset(H_BATTERY)
        bench.app.sensors.trust(BATTERY)
        bench.core.values[bench.app.places.switched] = 1
        bench.run(400)
        bench.core.values[bench.app.places.switched] = 0


if __name__ == "__main__":
    unittest.main()
