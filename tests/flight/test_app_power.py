"""The power app: charge, charging, loads, forecast, modes, what survives a restart."""

import unittest

from flight.device.power import BUS_REGULATED, FEED_PRESENT, UNDERVOLTAGE
from flight.service.failure import DONE, STATE, STORAGE
from flight.tables import MODE_NOMINAL, MODE_SAFE, MODE_SURVIVAL
from heap import needs_heap_lock, run_locked
from power_bench import BEACON, CAMERA, HEATERS, INSTRUMENT, LIMITS_A, LOOK_S, RADIO, Bench, Store

COLD, HOT, UNKNOWN, COMMANDED, CELLS = 1, 2, 4, 8, 16
HOUR = 3600


class TestCharge(unittest.TestCase):
    def test_the_first_reading_says_the_charge(self):
        # 3.96 V a cell: 80 % of the reachable 99 % at 20 degC, that is 79.2 % + 1 %.
        bench = Bench()
        bench.run()
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 80.2, delta=0.1)

    def test_cold_hides_a_part_of_it(self):
        # 3.69 V: half of the reachable 93 % at 0 degC; the rest is there, but out of reach.
        bench = Bench()
        bench.celsius(0.0, 0.0, 0.0)
        bench.battery(8 * 3.69, 0.0)
        bench.run()
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 46.5 + 7.0, delta=0.1)
        self.assertAlmostEqual(bench.app.soc.usable_pct(0.0), 46.5, delta=0.1)

    def test_the_drop_over_the_resistance_is_no_charge(self):
        bench = Bench()
        # 4 A into 0.025 ohm * (1 + 0.07 * 5 K) lift the terminals by 0.135 V.
        bench.battery(8 * 3.96 + 0.135, 4.0)
        bench.run()
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 80.2, delta=0.1)

    def test_coulombs_are_counted(self):
        bench = Bench()
        bench.run()
        before = bench.value("BATTERY_SOC")
        bench.battery(8 * 3.9, -21.0)  # a fifth of the capacity in an hour
        bench.run(HOUR // 2)
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), before - 10.0, delta=0.05)
        bench.battery(8 * 4.0, 21.0)
        bench.run()
        before = bench.value("BATTERY_SOC")
        bench.run(HOUR // 2)
        # 0.5 % of what flows in is lost.
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), before + 9.95, delta=0.01)

    def test_a_small_current_is_not_lost(self):
        bench = Bench()
        bench.set("REST_A", 0.001)
        bench.run()
        before = bench.app.soc.charge_mas
        bench.battery(8 * 3.96, -0.02)
        bench.run(HOUR // 4)
        self.assertAlmostEqual(bench.app.soc.charge_mas - before, -18000, delta=150)

    def test_a_gap_is_counted_with_the_worse_current(self):
        bench = Bench()
        bench.run()
        bench.battery(8 * 3.9, -3.0)
        bench.run()
        before = bench.app.soc.charge_mas
        for _ in range(600):
            bench.app.step_1hz()
        bench.battery(8 * 3.9, 1.0)
        bench.look()
        bench.app.step_1hz()
        self.assertAlmostEqual(bench.app.soc.charge_mas - before, -601 * 3000, delta=1000)

    def test_the_voltage_at_rest_corrects_the_count(self):
        bench = Bench()
        bench.set("CORRECTION_S", 200.0)
        bench.run()
        bench.ask("SET_SOC", 70.0)
        bench.run(1700)
        self.assertEqual(bench.value("SOC_CORRECTIONS"), 0)
        bench.run(1200)
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 80.2, delta=0.2)

    def test_not_while_a_current_flows(self):
        bench = Bench()
        bench.battery(8 * 3.96, -1.0)
        bench.run()
        bench.ask("SET_SOC", 70.0)
        bench.run(2000)
        self.assertEqual(bench.value("SOC_CORRECTIONS"), 0)

    def test_a_jump_is_told_and_not_believed(self):
        bench = Bench()
        bench.run()
        bench.ask("SET_SOC", 40.0)
        bench.names()
        bench.run(2500)
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 40.0, delta=0.1)
        self.assertEqual(bench.names(), ["CHARGE_DISAGREES"])

    def test_a_lost_cell_is_found_and_found_back(self):
        bench = Bench()
        bench.set("REST_S", 60)
        bench.run()
        bench.battery(7 * 3.96, 0.0)
        bench.run(100)
        self.assertEqual(bench.value("CELLS_LOST"), 1)
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 80.2, delta=0.5)
        bench.battery(8 * 3.96, 0.0)
        bench.run(100)
        self.assertEqual(bench.value("CELLS_LOST"), 0)
        self.assertEqual(bench.names().count("CELLS_LOST"), 2)

    def test_it_stays_between_empty_and_full(self):
        bench = Bench()
        bench.run()
        bench.battery(8 * 4.1, 100.0)
        bench.run(HOUR // 2)
        self.assertEqual(bench.value("BATTERY_SOC"), 100.0)
        bench.battery(8 * 3.6, -300.0)
        bench.run(HOUR // 2)
        self.assertEqual(bench.value("BATTERY_SOC"), 0.0)


class TestLostCell(unittest.TestCase):
    """Voltages of the parameters are those of all cells; what is left of them is that much lower."""

    def setUp(self):
        self.bench = Bench()
        self.bench.run()
        self.bench.ask("SET_LOADS", 0xFF)

    def lose(self, cells):
        self.bench.app.soc.series_lost = cells
        self.bench.battery((8 - cells) * 3.55, -0.3)
        self.bench.unit.bus_v.value = (8 - cells) * 3.55 - 0.1
        self.bench.unit.status = 0
        self.bench.names()
        self.bench.run(60)

    def test_the_charge_voltage_is_that_of_the_cells_that_are_left(self):
        bench = self.bench
        self.assertAlmostEqual(bench.unit.charge_v, 32.8, places=3)
        self.lose(1)
        self.assertAlmostEqual(bench.unit.charge_v, 28.7, places=3)

    def test_below_what_the_unit_can_be_told_it_is_not_charged(self):
        bench = self.bench
        self.lose(2)  # 24.6 V
        self.assertEqual((bench.value("CHARGE_INHIBIT"), bench.unit.charger_wanted), (CELLS, False))
        self.assertIn("CHARGE_INHIBITED", bench.names())
        self.lose(0)
        self.assertEqual(bench.value("CHARGE_INHIBIT"), 0)

    def test_after_a_restart_the_unit_is_told_before_it_is_heard(self):
        self.lose(1)
        self.bench.ask("SET_CHARGER", 1)
        again = Bench(self.bench.store)
        again.app.step_1hz()
        self.assertAlmostEqual(again.unit.charge_v, 28.7, places=3)

    def test_a_healthy_charge_is_no_low_voltage(self):
        # 3.55 V a cell is a quarter of the charge; 7 of them are under the 25.0 V of eight.
        bench = self.bench
        bench.ask("SET_SOC", 40.0)
        self.lose(1)
        self.assertEqual((bench.value("STATE"), bench.value("LOAD_SHED")), (0, 0))
        self.assertNotIn("LOW_CHARGE", bench.names())

    def test_cells_that_are_low_are_told_as_with_all(self):
        bench = self.bench
        bench.ask("SET_SOC", 80.0)
        self.lose(1)
        bench.battery(7 * 3.1, -0.3)  # under 25.0 V / 8 = 3.125 V
        bench.run(10)
        self.assertEqual(bench.value("STATE"), 1)
        bench.unit.bus_v.value = 7 * 3.09  # under 24.8 V / 8 = 3.1 V
        bench.run(10)
        self.assertNotEqual(bench.value("LOAD_SHED"), 0)

    def test_the_energy_is_that_of_the_cells_that_are_left(self):
        bench = self.bench
        bench.ask("SET_SOC", 50.0)
        self.lose(0)
        whole = bench.value("ENERGY_WH")
        self.lose(1)
        self.assertAlmostEqual(bench.value("ENERGY_WH"), whole * 7 / 8, delta=2.0)

    def test_it_is_found_while_a_current_flows(self):
        bench = self.bench
        bench.unit.status = FEED_PRESENT
        bench.battery(7 * 3.96 + 0.135, 4.0)
        bench.names()
        bench.run(1790)
        self.assertEqual(bench.value("CELLS_LOST"), 0)
        bench.run(20)
        self.assertEqual(bench.value("CELLS_LOST"), 1)
        self.assertIn("CELLS_LOST", bench.names())
        self.assertAlmostEqual(bench.unit.charge_v, 28.7, places=3)

    def test_a_voltage_that_comes_and_goes_under_current_is_no_lost_cell(self):
        bench = self.bench
        for volts in (7, 8, 7, 8):
            bench.battery(volts * 3.96 + 0.135, 4.0)
            bench.run(1000)
        self.assertEqual(bench.value("CELLS_LOST"), 0)


class TestCharging(unittest.TestCase):
    def inhibit(self, *celsius, valid=(True, True, True)):
        bench = Bench()
        bench.celsius(*celsius)
        for k in range(3):
            bench.unit.battery_c[k].valid = valid[k]
        bench.run()
        self.assertEqual(bench.unit.charger_wanted, bench.value("CHARGE_INHIBIT") == 0)
        return bench.value("CHARGE_INHIBIT")

    def test_limits_have_a_margin(self):
        self.assertEqual(self.inhibit(1.6, 1.6, 1.6), 0)
        self.assertEqual(self.inhibit(1.4, 1.4, 1.4), COLD)
        self.assertEqual(self.inhibit(43.4, 43.4, 43.4), 0)
        self.assertEqual(self.inhibit(43.6, 43.6, 43.6), HOT)

    def test_of_three_the_median_counts(self):
        self.assertEqual(self.inhibit(-40.0, 20.0, 21.0), 0)
        self.assertEqual(self.inhibit(-1.0, 90.0, -2.0), COLD)
        for order in ((10.0, 20.0, 30.0), (30.0, 10.0, 20.0), (20.0, 30.0, 10.0), (30.0, 20.0, 10.0)):
            bench = Bench()
            bench.celsius(*order)
            bench.run()
            self.assertEqual(bench.value("BATTERY_C"), 20.0)

    def test_of_two_the_worse_counts(self):
        self.assertEqual(self.inhibit(-5.0, 20.0, 0.0, valid=(True, True, False)), COLD)
        self.assertEqual(self.inhibit(0.0, 20.0, 50.0, valid=(False, True, True)), HOT)

    def test_unknown_is_inhibited(self):
        self.assertEqual(self.inhibit(20.0, 20.0, 20.0, valid=(False, False, False)), UNKNOWN)
        self.assertEqual(self.inhibit(-200.0, 200.0, 1000.0), UNKNOWN)

    def test_hysteresis(self):
        bench = Bench()
        allowed = []
        for celsius in (2.0, 1.4, 2.0, 2.4, 2.6, 2.0):
            bench.celsius(celsius, celsius, celsius)
            bench.run()
            allowed.append(bench.unit.charger_wanted)
        self.assertEqual(allowed, [True, False, False, False, True, True])

    def test_a_sensor_of_the_pack_that_is_broken_or_apart_is_told(self):
        bench = Bench()
        bench.run(120)
        bench.names()
        bench.unit.battery_c[1].valid = False
        bench.run(55)
        self.assertEqual(bench.names(), [])
        bench.run(10)
        self.assertEqual(bench.events.raised, [("PACK_SENSOR_BAD", 2)])
        bench.names()
        bench.unit.battery_c[1].valid = True
        bench.run(300)
        self.assertEqual(bench.names(), ["PACK_SENSORS_GOOD"])
        bench.celsius(20.0, 26.0, 20.0)
        bench.run(70)
        self.assertEqual(bench.names(), ["PACK_SENSOR_BAD"])
        self.assertEqual(bench.value("CHARGE_INHIBIT"), 0)

    def test_a_pack_with_fewer_sensors_has_no_bad_one(self):
        bench = Bench()
        bench.set("PACK_SENSORS", 2)
        bench.unit.battery_c[2].valid = False
        bench.run(120)
        self.assertNotIn("PACK_SENSOR_BAD", bench.names())

    def test_a_silent_unit_shall_not_charge_when_it_comes_back(self):
        bench = Bench()
        bench.run()
        self.assertTrue(bench.unit.charger_wanted)
        bench.unit.link_ok = False
        bench.app.step_1hz()
        self.assertFalse(bench.unit.charger_wanted)
        self.assertEqual(bench.value("VALID"), 0)
        self.assertIn("LINK_LOST", bench.names())
        bench.unit.link_ok = True
        bench.run()
        self.assertTrue(bench.unit.charger_wanted)
        self.assertIn("LINK_BACK", bench.names())

    def test_a_unit_that_was_never_heard_is_lost_after_a_minute_of_the_board(self):
        bench = Bench()
        scale = bench.core.ids.DEVICE_TIME_SCALE
        self.assertEqual(bench.app._scale, scale)
        bench.core.values[scale] = 60
        bench.unit.link_ok = False
        for _ in range(59):
            bench.app.step_1hz()
        self.assertNotIn("LINK_LOST", bench.names())
        bench.app.step_1hz()
        self.assertIn("LINK_LOST", bench.names())

    def test_a_load_that_the_unit_tripped_is_told_with_its_last_current(self):
        bench = Bench()
        bench.run()
        bench.ask("LOAD_ON", RADIO)
        bench.run()
        bench.names()
        bench.unit.load_a[RADIO].value = 0.9
        bench.run()
        bench.unit.load_a[RADIO].value = 0.0
        bench.overload = RADIO
        bench.run()
        self.assertEqual(bench.names(), ["LOAD_TRIPPED"])
        self.assertEqual(round(bench.events.amperes[-1], 3), 0.9)

    def test_a_command_forbids_and_does_not_force(self):
        bench = Bench()
        self.assertEqual(bench.ask("SET_CHARGER", 0), DONE)
        bench.run()
        self.assertEqual(bench.value("CHARGE_INHIBIT"), COMMANDED)
        bench.celsius(-10.0, -10.0, -10.0)
        bench.ask("SET_CHARGER", 1)
        bench.run()
        self.assertFalse(bench.unit.charger_wanted)
        self.assertEqual(bench.value("CHARGE_INHIBIT"), COLD)


class TestLoads(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.bench.run()
        self.bench.names()

    def on(self, *loads):
        return self.bench.unit.load_wanted == sum([1 << load for load in loads])

    def soc(self, percent):
        self.bench.battery(8 * 3.7, -1.0)
        self.bench.ask("SET_SOC", percent)
        self.bench.run()

    def test_at_first_the_default_loads_are_on_with_their_limits(self):
        self.assertTrue(self.on(HEATERS))
        self.assertEqual(tuple(self.bench.unit.trip_a), LIMITS_A)

    def test_commands(self):
        self.assertEqual(self.bench.ask("LOAD_ON", INSTRUMENT), DONE)
        self.assertTrue(self.on(HEATERS, INSTRUMENT))
        self.bench.ask("LOAD_OFF", HEATERS)
        self.assertTrue(self.on(INSTRUMENT))
        self.bench.ask("SET_LOADS", 0x43)
        self.assertTrue(self.on(HEATERS, RADIO, BEACON))

    def test_shedding_by_priority_with_hysteresis(self):
        bench = self.bench
        bench.ask("SET_LOADS", 0x4F)
        for percent, loads in (
            (25.0, (HEATERS, RADIO, INSTRUMENT, CAMERA, BEACON)),
            (23.9, (HEATERS, RADIO, INSTRUMENT, BEACON)),  # priority 5: 12 + 4 * 3
            (20.9, (HEATERS, RADIO, BEACON)),
            (14.9, (HEATERS, BEACON)),
            (11.9, (HEATERS,)),
            (14.9, (HEATERS,)),  # back only 3 % above
            (15.1, (HEATERS, BEACON)),
            (18.1, (HEATERS, RADIO, BEACON)),
            (27.1, (HEATERS, RADIO, INSTRUMENT, CAMERA, BEACON)),
        ):
            self.soc(percent)
            self.assertTrue(self.on(*loads), percent)
        names = bench.names()
        self.assertEqual((names.count("LOAD_SHED"), names.count("LOAD_RESTORED")), (4, 4))

    def test_a_shed_load_is_not_switched_on(self):
        self.soc(11.0)
        self.assertEqual(self.bench.ask("LOAD_ON", RADIO), STATE)
        self.assertTrue(self.on(HEATERS))

    def test_a_low_bus_sheds_one_priority_after_the_other(self):
        bench = self.bench
        bench.ask("SET_LOADS", 0x4F)
        bench.run()
        bench.unit.bus_v.value = 24.7
        for loads in ((HEATERS, RADIO, INSTRUMENT, BEACON), (HEATERS, RADIO, BEACON), (HEATERS, BEACON), (HEATERS,)):
            bench.run()
            self.assertTrue(self.on(*loads))
        bench.run(60)
        self.assertTrue(self.on(HEATERS))
        bench.unit.bus_v.value = 25.4  # within the hysteresis
        bench.run(1000)
        self.assertTrue(self.on(HEATERS))
        bench.unit.bus_v.value = 25.6
        bench.run(310)
        self.assertTrue(self.on(HEATERS, BEACON))
        bench.run(5 * 310)
        self.assertTrue(self.on(HEATERS, RADIO, INSTRUMENT, CAMERA, BEACON))

    def test_over_current_is_tried_again_twice_and_then_latched(self):
        bench = self.bench
        bench.overload = RADIO
        bench.ask("LOAD_ON", RADIO)
        bench.run(LOOK_S)
        self.assertTrue(self.on(HEATERS))
        self.assertEqual(bench.names(), ["LOAD_TRIPPED"])
        bench.run(600)
        self.assertEqual(bench.names(), ["LOAD_TRIPPED", "LOAD_LATCHED"])
        self.assertEqual((bench.value("TRIPS"), bench.value("LOAD_LATCHED")), (3, 1 << RADIO))
        self.assertTrue(self.on(HEATERS))
        self.assertEqual(bench.ask("LOAD_ON", RADIO), STATE)
        bench.overload = -1
        bench.ask("CLEAR_LATCH", RADIO)
        bench.run()
        self.assertTrue(self.on(HEATERS, RADIO))

    def test_a_try_that_holds_is_forgotten(self):
        bench = self.bench
        bench.set("FORGIVE_S", 200)
        bench.ask("LOAD_ON", RADIO)
        for _ in range(4):
            bench.overload = RADIO
            bench.run()
            bench.overload = -1
            bench.run(300)
        self.assertTrue(self.on(HEATERS, RADIO))
        self.assertNotIn("LOAD_LATCHED", bench.names())

    def test_the_supply_of_the_heaters_is_tried_without_end(self):
        bench = self.bench
        bench.set("ESSENTIAL_RETRY_S", 100)
        bench.overload = HEATERS
        bench.run(1500)
        self.assertIn("LOAD_LATCHED", bench.names())
        self.assertGreater(bench.value("TRIPS"), 10)
        bench.overload = -1
        bench.run(105)
        self.assertTrue(self.on(HEATERS))

    def test_a_current_over_the_limit_counts_when_the_unit_does_not_trip(self):
        bench = self.bench
        bench.ask("LOAD_ON", RADIO)
        bench.unit.load_a[RADIO].value = 1.1
        bench.run(2 * LOOK_S)
        self.assertTrue(self.on(HEATERS, RADIO))
        bench.run(LOOK_S)
        self.assertTrue(self.on(HEATERS))

    def test_stuck_switches_are_told(self):
        bench = self.bench
        bench.unit.stuck = 1 << CAMERA
        bench.run(3 * LOOK_S)
        self.assertEqual((bench.names(), bench.value("LOAD_STUCK")), (["LOAD_STUCK_ON"], 1 << CAMERA))
        bench.ask("LOAD_ON", CAMERA)
        bench.run(3 * LOOK_S)
        self.assertEqual(bench.names(), ["LOAD_STUCK_OFF"])
        bench.unit.stuck = 0
        bench.run()
        self.assertEqual(bench.value("LOAD_STUCK"), 0)

    def test_the_thermal_app_may_hold_the_supply_back(self):
        bench = Bench(absent=("NIGHT_TO_SUNRISE_S", "NIGHT_TO_SUNSET_S"))
        wanted = bench.core.ids.THERMAL_SUPPLY_WANTED
        for value, on in ((0, True), (1, True), (0, False), (1, True)):
            bench.core.values[wanted] = value
            bench.run()
            self.assertEqual(bench.unit.load_wanted & 1 != 0, on)
            self.assertGreater(bench.value("HEATER_BUDGET_W"), 0)


class TestEnergy(unittest.TestCase):
    def night(self, bench, watts=6.0):
        bench.unit.status = 0
        bench.battery(8 * 3.69, -watts / (8 * 3.69))
        bench.unit.bus_v.value = 29.5
        bench.unit.bus_a.value = watts / 29.5

    def test_without_a_prediction_a_whole_night_is_expected(self):
        bench = Bench()
        bench.run()
        self.assertEqual(bench.value("DARK_S"), 1275721)
        # (80.2 - 1 - 5) % of 105 A h at 29 V, less 6 W for 354.4 h
        self.assertAlmostEqual(bench.value("ENERGY_WH"), 0.742 * 105 * 29, delta=5)
        self.assertAlmostEqual(bench.value("ENERGY_MARGIN_WH"), 0.742 * 105 * 29 - 6 * 354.367, delta=6)

    def test_the_dark_time_is_predicted(self):
        for sunset_s, sunrise_s, dark_s in ((0, 36000, 36000), (7200, 1282921, 1275721), (40000, 36000, 36000)):
            bench = Bench(absent=("THERMAL_SUPPLY_WANTED",))
            ids = bench.core.ids
            bench.core.values[ids.NIGHT_TO_SUNSET_S] = sunset_s
            bench.core.values[ids.NIGHT_TO_SUNRISE_S] = sunrise_s
            bench.run()
            self.assertEqual(bench.value("DARK_S"), dark_s)

    def test_a_polar_day_has_no_night_and_a_polar_night_no_end(self):
        bench = Bench(absent=("THERMAL_SUPPLY_WANTED",))
        ids, values = bench.core.ids, bench.core.values
        values[ids.NIGHT_TO_SUNRISE_S] = values[ids.NIGHT_TO_SUNSET_S] = 0x3FFFFFFF
        values[ids.NIGHT_HORIZON_DEG] = 0.5
        values[ids.NIGHT_SUN_ELEVATION_DEG] = 1.0
        bench.run()
        self.assertEqual(bench.value("DARK_S"), 0)
        self.assertAlmostEqual(bench.value("ENERGY_MARGIN_WH"), bench.value("ENERGY_WH"), delta=0.1)
        values[ids.NIGHT_SUN_ELEVATION_DEG] = 0.2
        bench.run()
        self.assertEqual(bench.value("DARK_S"), 0x3FFFFFFF)

    def test_while_the_unit_is_silent_the_clock_tells_what_the_heaters_may_take(self):
        bench = Bench(absent=("THERMAL_SUPPLY_WANTED", "NIGHT_TO_SUNSET_S"))
        ids, values = bench.core.ids, bench.core.values
        bench.run()
        bench.ask("SET_SOC", 56.0)
        bench.run()
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 37.0)
        values[ids.NIGHT_TO_SUNRISE_S] = 100 * HOUR
        values[ids.NIGHT_PHASE] = 0  # day
        bench.unit.link_ok = False
        for _ in range(120):
            bench.app.step_1hz()
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 37.0)
        values[ids.NIGHT_PHASE] = 2
        for _ in range(120):
            bench.app.step_1hz()
        # (56 - 1 - 5) % of 3045 W h in 100 h, times 1.5
        self.assertAlmostEqual(bench.value("HEATER_BUDGET_W"), 22.8, delta=0.1)
        # Ten hours of 6 W are 2 % of the battery.
        for _ in range(10 * HOUR):
            bench.app.step_1hz()
        self.assertAlmostEqual(bench.value("HEATER_BUDGET_W"), 21.9, delta=0.1)

    def test_without_a_clock_a_silent_unit_means_darkness(self):
        bench = Bench(absent=("THERMAL_SUPPLY_WANTED", "NIGHT_TO_SUNRISE_S", "NIGHT_TO_SUNSET_S", "NIGHT_PHASE"))
        bench.run()
        bench.unit.link_ok = False
        for _ in range(120):
            bench.app.step_1hz()
        self.assertLess(bench.value("HEATER_BUDGET_W"), 15.0)

    def test_the_nights_power_is_measured(self):
        bench = Bench()
        bench.set("NIGHT_MEAN_S", 600.0)
        bench.run()
        self.night(bench, 9.0)
        bench.run(3500)
        self.assertEqual(bench.value("NIGHT_W"), 6.0)
        bench.run(2500)
        self.assertAlmostEqual(bench.value("NIGHT_W"), 9.0, delta=0.2)

    def test_budget_of_the_heaters(self):
        bench = Bench(absent=("THERMAL_SUPPLY_WANTED", "NIGHT_TO_SUNSET_S"))
        bench.run()
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 37.0)
        self.night(bench, 2.0)
        bench.core.values[bench.core.ids.NIGHT_TO_SUNRISE_S] = 100 * HOUR
        bench.ask("SET_SOC", 56.0)
        bench.run()
        # (56 - 1 - 5) % of 3045 W h in 100 h, times 1.5, less the 2 W of the other loads
        self.assertAlmostEqual(bench.value("HEATER_BUDGET_W"), 20.8, delta=0.1)
        bench.core.values[bench.core.ids.NIGHT_TO_SUNRISE_S] = 350 * HOUR
        bench.run()
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 8.0)
        bench.ask("SET_SOC", 9.0)
        bench.run(2 * LOOK_S)
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 5.0)
        bench.ask("LOAD_OFF", HEATERS)
        bench.run()
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 0.0)


class TestModes(unittest.TestCase):
    def low(self, mode, percent, volts=8 * 3.7):
        bench = Bench()
        bench.run()
        bench.app.mode_changed(mode, True)
        bench.battery(volts, -1.0)
        bench.ask("SET_SOC", percent)
        bench.names()
        bench.run(130)
        return bench.names()

    def test_low_charge_asks_for_safe_each_minute(self):
        names = self.low(MODE_NOMINAL, 19.0)
        self.assertEqual((names.count("LOW_CHARGE"), names.count("CRITICAL_CHARGE")), (3, 0))
        self.assertEqual(names.count("STATE_CHANGED"), 1)

    def test_low_charge_in_safe_asks_for_nothing(self):
        self.assertEqual(self.low(MODE_SAFE, 19.0), ["STATE_CHANGED"])

    def test_critical_charge_asks_for_safe_first_and_for_survival_then(self):
        self.assertNotIn("CRITICAL_CHARGE", self.low(MODE_NOMINAL, 9.0))
        self.assertEqual(self.low(MODE_SAFE, 9.0).count("CRITICAL_CHARGE"), 3)
        self.assertNotIn("CRITICAL_CHARGE", self.low(MODE_SURVIVAL, 9.0))

    def test_undervoltage_counts_too(self):
        self.assertIn("LOW_CHARGE", self.low(MODE_NOMINAL, 80.0, volts=24.9))
        self.assertIn("CRITICAL_CHARGE", self.low(MODE_SAFE, 80.0, volts=24.2))

    def test_states_have_a_hysteresis(self):
        bench = Bench()
        bench.battery(8 * 3.7, -1.0)
        states = []
        for percent in (50.0, 19.0, 21.0, 23.5, 9.0, 12.0, 13.5, 50.0):
            bench.ask("SET_SOC", percent)
            bench.run()
            states.append(bench.value("STATE"))
        self.assertEqual(states, [0, 1, 1, 0, 2, 2, 1, 0])


class TestNotValid(unittest.TestCase):
    """A monitor that does not answer has the value 0, or the last one, and is not valid."""

    def setUp(self):
        self.bench = Bench()
        self.bench.run()
        self.bench.ask("SET_LOADS", 0x7F)
        self.bench.run()
        self.bench.app.mode_changed(MODE_NOMINAL, True)
        self.bench.names()

    def invalid(self, *readings):
        for reading in readings:
            reading.valid = False
            reading.value = 0.0

    def test_a_battery_that_is_not_measured_drives_no_mode_and_is_told(self):
        bench = self.bench
        self.invalid(bench.unit.battery_v, bench.unit.battery_a)
        bench.run(LOOK_S)
        self.assertEqual(bench.value("VALID"), 0)
        bench.run(120)
        self.assertEqual((bench.names(), bench.value("STATE")), (["BATTERY_UNKNOWN"], 0))
        bench.unit.battery_v.valid = bench.unit.battery_a.valid = True
        bench.battery(8 * 3.96, 0.0)
        bench.run(LOOK_S)
        self.assertEqual((bench.names(), bench.value("VALID")), (["BATTERY_KNOWN"], 1))

    def test_low_charge_counts_all_the_same(self):
        bench = self.bench
        bench.ask("SET_SOC", 15.0)
        self.invalid(bench.unit.battery_v)
        bench.run(LOOK_S)
        self.assertIn("LOW_CHARGE", bench.names())

    def test_a_short_gap_is_not_told(self):
        bench = self.bench
        self.invalid(bench.unit.battery_a)
        bench.run(2 * LOOK_S)
        bench.unit.battery_a.valid = True
        bench.run(2 * LOOK_S)
        self.assertEqual(bench.names(), [])

    def test_a_gap_is_counted(self):
        bench = self.bench
        bench.battery(8 * 3.9, -3.0)
        bench.run()
        before = bench.app.soc.charge_mas
        bench.unit.battery_a.valid = False
        bench.run(600)
        bench.unit.battery_a.valid = True
        bench.run()
        self.assertAlmostEqual(bench.app.soc.charge_mas - before, -605 * 3000, delta=1000)

    def test_a_bus_that_is_not_measured_sheds_nothing(self):
        bench = self.bench
        self.invalid(bench.unit.bus_v)
        bench.run(120)
        self.assertEqual((bench.value("LOAD_SHED"), bench.names()), (0, []))

    def test_in_the_dark_the_heaters_get_their_share_of_the_night(self):
        bench = self.bench
        self.assertEqual(bench.value("HEATER_BUDGET_W"), 37.0)
        self.invalid(bench.unit.battery_v, bench.unit.battery_a)
        bench.unit.status = 0
        bench.ask("SET_SOC", 56.0)
        bench.run()
        # (56 - 1 - 5) % of 3045 W h in 354 h, times 1.5
        self.assertAlmostEqual(bench.value("HEATER_BUDGET_W"), 8.0, delta=1.0)
        self.assertEqual(bench.value("NIGHT_W"), 6.0)


class TestUnit(unittest.TestCase):
    def test_loss_of_the_feed(self):
        bench = Bench()
        bench.run()
        bench.unit.status = BUS_REGULATED
        bench.run()
        self.assertEqual(bench.value("FEED_PRESENT"), 0)
        bench.unit.status = FEED_PRESENT | BUS_REGULATED
        bench.run()
        self.assertEqual([name for name in bench.names() if "FEED" in name], ["FEED_BACK", "FEED_LOST", "FEED_BACK"])

    def test_after_a_cut_off_only_the_default_loads_come_back(self):
        bench = Bench()
        bench.ask("SET_LOADS", 0x07)
        bench.run()
        bench.unit.status |= UNDERVOLTAGE
        bench.run(2 * LOOK_S)
        self.assertEqual((bench.unit.load_wanted, bench.unit.again), (0x01, 2))
        self.assertEqual(bench.names().count("UNDERVOLTAGE"), 1)

    def test_a_restart_of_the_unit_is_told(self):
        bench = Bench()
        bench.run()
        bench.unit.restarts = 1
        bench.run(2 * LOOK_S)
        self.assertEqual(bench.names().count("UNIT_RESTARTED"), 1)


class TestRestart(unittest.TestCase):
    def test_what_was_known_is_known_again(self):
        store = Store()
        bench = Bench(store)
        bench.run()
        bench.ask("SET_LOADS", 0x05)
        bench.ask("SET_CHARGER", 0)
        bench.ask("SET_SOC", 55.5)
        bench.overload = INSTRUMENT
        bench.run(300)
        self.assertEqual(bench.value("LOAD_LATCHED"), 1 << INSTRUMENT)
        bench = Bench(store)
        bench.app.step_1hz()
        self.assertAlmostEqual(bench.app.soc.percent(), 55.5, delta=0.5)
        self.assertEqual(bench.unit.load_wanted, 0x01)
        bench.run(300)
        self.assertEqual((bench.unit.load_wanted, bench.value("CHARGE_INHIBIT")), (0x01, COMMANDED))

    def test_what_is_commanded_before_the_unit_is_heard_is_kept_too(self):
        store = Store()
        bench = Bench(store)
        self.assertEqual(bench.ask("LOAD_ON", INSTRUMENT), DONE)
        bench.app.step_1hz()
        self.assertEqual(bench.unit.load_wanted, 1 | 1 << INSTRUMENT)
        bench = Bench(store)
        self.assertFalse(bench.app.soc.known)
        bench.app.step_1hz()
        self.assertEqual((bench.unit.load_wanted, bench.app.soc.known), (1 | 1 << INSTRUMENT, False))
        bench.run()
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 80.2, delta=0.1)

    def test_a_feed_that_is_not_wanted_stays_so(self):
        store = Store()
        bench = Bench(store)
        bench.run()
        self.assertTrue(bench.unit.feed_wanted)
        for wanted in (False, True):
            self.assertEqual(bench.ask("SET_FEED", int(wanted)), DONE)
            self.assertEqual(bench.unit.feed_wanted, wanted)
            bench = Bench(store)
            bench.app.step_1hz()
            self.assertEqual((bench.unit.feed_wanted, bench.app.soc.series_lost), (wanted, 0))

    def test_a_store_that_refuses_is_told(self):
        bench = Bench()
        bench.store.status = -3
        self.assertEqual(bench.ask("LOAD_ON", INSTRUMENT), STORAGE)

    def test_a_load_that_waits_for_its_next_try_is_not_latched_by_a_restart(self):
        store = Store()
        bench = Bench(store)
        bench.run()
        bench.ask("SET_LOADS", 0x05)
        bench.overload = INSTRUMENT
        bench.run(LOOK_S)
        self.assertEqual(bench.value("LOAD_LATCHED"), 1 << INSTRUMENT)
        bench.ask("LOAD_OFF", CAMERA)  # keeps the record
        bench = Bench(store)
        bench.run(2 * LOOK_S)
        self.assertEqual((bench.unit.load_wanted, bench.value("LOAD_LATCHED")), (0x05, 0))

    def test_the_charge_is_kept_as_it_changes_and_not_more_often(self):
        bench = Bench()
        bench.run()
        bench.battery(8 * 3.96, -21.0)  # 2 % in six minutes
        before = bench.store.puts
        bench.run(HOUR // 10)
        self.assertIn(bench.store.puts - before, (3, 4))

    def test_a_record_of_another_version_is_not_used(self):
        store = Store()
        store.put(0, b"\x63\xff\x00\x01\x01\x02\x03\x04", 0, 8)
        bench = Bench(store)
        bench.run()
        self.assertEqual(bench.unit.load_wanted, 1)
        self.assertAlmostEqual(bench.value("BATTERY_SOC"), 80.2, delta=0.1)


class Steady:
    """Day and night, trips, retries, shedding, loss of the link."""

    def __init__(self):
        self.bench = Bench()
        self.bench.events.keep = False

    def __call__(self):
        bench = self.bench
        unit = bench.unit
        for turn in range(12):
            unit.battery_a.value = -3.0 if turn & 1 else 2.0
            unit.status = 0 if turn & 1 else FEED_PRESENT
            unit.bus_v.value = 24.0 if turn % 5 == 4 else 28.0
            unit.link_ok = turn % 3 != 2
            bench.overload = RADIO if turn & 2 else -1
            bench.app.loads.wanted = 0x0F
            bench.app.mode_changed(turn % 6, True)
            bench.run(100)
        return bench.events.count


class TestHeap(unittest.TestCase):
    @needs_heap_lock
    def test_nothing_is_allocated(self):
        self.assertGreater(run_locked(Steady()), 10)


if __name__ == "__main__":
    unittest.main()
