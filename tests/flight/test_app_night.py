"""The night app: solar time, the sun, phases, wake-ups, the return, what survives a restart."""

import math
import unittest

from flight.app.lunar_day import DAWN, DAY, DUSK, NEVER_S, NIGHT
from flight.app.night import Night
from flight.app.night.solar_time import ESTIMATED, KNOWN, UNKNOWN
from flight.app.night.sun import Sun
from flight.device.power import ARRAY_PRODUCING, FEED_PRESENT, PowerUnit
from flight.limits import STORE_NIGHT
from flight.service.failure import DONE, STATE
from flight.tables import MODE_NOMINAL, MODE_STANDBY, MODE_SURVIVAL
from heap import needs_heap_lock, run_locked

DAY_S = 2551443
HOUR = 3600
# Defaults of dictionary/payload/night.toml that the tests count on (tests/host compares them).
SETTINGS = {
    "LATITUDE_DEG": 0.0,
    "DECLINATION_DEG": 0.0,
    "HORIZON_DEG": 0.0,
    "SYNODIC_DAY_S": DAY_S,
    "AUTOMATIC": 1,
    "DUSK_S": 86400,
    "DARK_S": 3600,
    "LIT_S": 3600,
    "TRUST_S": 86400,
    "AGAIN_S": 3600,
    "KEEP_S": 600,
    "WAKE_PERIOD_S": 21600,
    "WAKE_S": 300,
    "RETURN_LIT_S": 1800,
    "RETURN_BATTERY_C": 2.0,
    "RETURN_W": 15.0,
    "RETURN_SOC_PCT": 60.0,
    "RETURN_HOLD_S": 600,
    "DAWN_MAX_S": 604800,
}


class Ids:
    """Any name of the dictionary is there: numbers from 1 on, in the order in which they are asked for."""

    def __init__(self):
        self.numbers = {}

    def __getattr__(self, name):
        return self.numbers.setdefault(name, len(self.numbers) + 1)


class Store:
    def __init__(self):
        self.records = {}

    def get(self, key, buffer):
        record = self.records.get(key)
        if record is None:
            return -1
        buffer[: len(record)] = record
        return len(record)

    def put(self, key, buffer, start, end):
        self.records[key] = bytes(buffer[start:end])
        return 0


class Clock:
    seconds = 1000
    status = 1

    def update(self):
        pass


class Executor:
    count = 0

    def running(self):
        return self.count


class Board:
    """What the app sees of the board."""

    def __init__(self, store):
        self.ids = Ids()
        self.values = [0] * 100
        self.store = store
        self.time = Clock()
        self.events = self
        self.devices = self
        self.sequencing = self
        self.executor = Executor()
        self.power = PowerUnit()
        self.raised = [0] * 64
        self.count = 0

    def index(self, number):
        return number

    supply = index

    def raise_(self, event, a=0, b=0):
        self.raised[self.count % 64] = event
        self.count += 1


class Request:
    def __init__(self, *args):
        self.args = args
        self.code = 0

    def blame(self, code, item, value):
        return code


def ask(app, function, *args):
    """A request of the app's, as the router hands it over."""
    return app.command(function, Request(*args))


def refuse_nothing(store):
    """A store that takes everything and keeps nothing."""
    store.put = lambda key, buffer, start, end: 0


class Bench:
    """The app with the sun in its sky. lit: array producing; follows the true sun while `true` is a time."""

    def __init__(self, store=None, true=None):
        self.store = Store() if store is None else store
        self.board = Board(self.store)
        self.app = Night(self.board)
        for name, value in SETTINGS.items():
            self.set(name, value)
        self.board.values[self.board.ids.DEVICE_TIME_SCALE] = 1
        self.true = true
        self.board.power.link_ok = True
        self.board.power.updates = 1
        self.lit(True)
        self.mode = MODE_NOMINAL
        self.app.mode_changed(MODE_NOMINAL, True)

    def set(self, name, value):
        self.board.values[getattr(self.board.ids, "NIGHT_" + name)] = value

    def value(self, name):
        return self.board.values[getattr(self.board.ids, "NIGHT_" + name)]

    def power(self, name, value):
        self.board.values[getattr(self.board.ids, "POWER_" + name)] = value

    def lit(self, lit):
        self.board.power.status = ARRAY_PRODUCING if lit else 0

    def know(self, since_noon_s):
        """The ground says what time it is, and it is right."""
        self.true = since_noon_s
        return ask(self.app, self.board.ids.FUNCTION_NIGHT_SET_SOLAR_TIME, 0, 0, since_noon_s * 360.0 / DAY_S)

    def run(self, seconds):
        """Names of the events in it."""
        begin = self.board.count
        for _ in range(seconds // 10):
            if self.true is not None:
                self.true += 10
                self.lit(not DAY_S // 4 <= self.true % DAY_S < DAY_S * 3 // 4)
            self.app.step_01hz()
        names = {number: name for name, number in self.board.ids.numbers.items()}
        found = [names[self.board.raised[k % 64]] for k in range(begin, self.board.count)]
        return [name.replace("EVENT_NIGHT_", "") for name in found]

    def mode_is(self, mode):
        self.mode = mode
        self.app.mode_changed(mode, True)


class TestSun(unittest.TestCase):
    def sun(self, since_noon_s, latitude=0.0, declination=0.0, mask=0.0):
        sun = Sun()
        sun.update(since_noon_s, DAY_S, latitude, declination, mask)
        return sun

    def test_elevation(self):
        # h = asin(sin phi sin delta + cos phi cos delta cos H), by hand.
        for since_noon_s, latitude, declination, expected in (
            (0, 0.0, 0.0, 90.0),
            (DAY_S // 4, 0.0, 0.0, 0.0),
            (DAY_S // 2, 0.0, 0.0, -90.0),
            (0, 45.0, 1.5, 46.5),
            (DAY_S // 8, 60.0, 0.0, 20.705),
            (DAY_S * 7 // 8, 60.0, 0.0, 20.705),
            (DAY_S // 2, 80.0, 1.5, -8.5),
        ):
            sun = self.sun(since_noon_s, latitude, declination)
            self.assertAlmostEqual(sun.elevation_deg, expected, delta=0.05)

    def test_sunset_and_sunrise(self):
        quarter = DAY_S // 4
        sun = self.sun(0)
        self.assertAlmostEqual(sun.to_sunset_s, quarter, delta=5)
        self.assertAlmostEqual(sun.to_sunrise_s, 3 * quarter, delta=5)
        self.assertTrue(sun.is_up)
        sun = self.sun(quarter + 100)
        self.assertFalse(sun.is_up)
        self.assertAlmostEqual(sun.to_sunrise_s, 2 * quarter - 100, delta=5)
        self.assertAlmostEqual(sun.to_sunset_s, DAY_S - 100, delta=5)

    def test_a_mask_makes_the_day_shorter(self):
        # At the equator the sun moves 360 degrees a day straight up: 3 degrees are 1/120 of it.
        sun = self.sun(0, mask=3.0)
        self.assertAlmostEqual(sun.to_sunset_s, DAY_S // 4 - DAY_S // 120, delta=20)

    def test_a_sun_that_never_sets_or_never_rises(self):
        up = self.sun(12345, 89.0, 1.5)
        down = self.sun(12345, 89.0, -1.5)
        self.assertEqual((up.is_up, up.to_sunset_s, up.to_sunrise_s), (True, NEVER_S, NEVER_S))
        self.assertEqual((down.is_up, down.to_sunset_s, down.to_sunrise_s), (False, NEVER_S, NEVER_S))

    def test_hour_angle_is_positive_in_the_afternoon(self):
        self.assertAlmostEqual(self.sun(DAY_S // 12).hour_angle_deg, 30.0, delta=0.01)
        self.assertAlmostEqual(self.sun(DAY_S - DAY_S // 12).hour_angle_deg, -30.0, delta=0.01)


class TestSolarTime(unittest.TestCase):
    def test_the_ground_sets_it_and_it_goes_on(self):
        bench = Bench()
        bench.run(100)
        self.assertEqual(bench.value("TIME_STATE"), UNKNOWN)
        self.assertEqual((bench.value("TO_SUNSET_S"), bench.value("TO_SUNRISE_S")), (0, 0))
        self.assertEqual(bench.know(0), DONE)
        before = bench.value("TO_SUNSET_S")
        bench.run(10_000)
        self.assertEqual(bench.value("TIME_STATE"), KNOWN)
        self.assertAlmostEqual(before - bench.value("TO_SUNSET_S"), 10_000, delta=3)

    def test_an_epoch_in_the_past(self):
        bench = Bench()
        command = bench.board.ids.FUNCTION_NIGHT_SET_SOLAR_TIME
        self.assertEqual(ask(bench.app, command, 0, 400, 0.0), DONE)
        self.assertEqual(bench.app.time.since_noon_s, 600)  # on-board time is 1000 s
        bench.board.time.status = 0
        self.assertEqual(ask(bench.app, command, 0, 400, 0.0), STATE)

    def test_it_survives_a_restart_as_an_estimate(self):
        bench = Bench()
        bench.know(5000)
        bench.run(1990)
        after = Bench(bench.store)
        after.run(10)
        self.assertEqual(after.value("TIME_STATE"), ESTIMATED)
        # Kept every 600 s: what passed since is not known.
        self.assertTrue(5000 + 1200 <= after.app.time.since_noon_s <= 5000 + 2000)

    def test_a_damaged_record_is_no_time(self):
        bench = Bench()
        bench.know(5000)
        for octets in (b"", b"\x03\x02\0\0\x13\x88\0\0", b"\x02\x02\xff\0\x13\x88\0\0", b"\x01\x02\0\0\x13\x88"):
            bench.store.records[STORE_NIGHT] = octets
            after = Bench(bench.store)
            after.run(10)
            self.assertEqual(after.value("TIME_STATE"), UNKNOWN)

    def test_a_sunrise_puts_an_estimate_right(self):
        bench = Bench()
        bench.know(DAY_S // 2)
        after = Bench(bench.store, true=DAY_S * 3 // 4 - 40 * HOUR)  # it was off for long
        after.app.time.set(DAY_S * 3 // 4 - 50 * HOUR, DAY_S, ESTIMATED)
        after.mode_is(MODE_SURVIVAL)
        after.app._started = True
        after.app.phase = NIGHT
        after.run(42 * HOUR)
        self.assertAlmostEqual(after.app.time.since_noon_s, after.true, delta=HOUR + 60)

    def test_light_in_the_night_of_the_clock_ends_its_time(self):
        bench = Bench()
        bench.know(DAY_S // 2)
        bench.true = None
        bench.lit(True)
        self.assertIn("SOLAR_TIME_LOST", bench.run(2 * HOUR))
        self.assertEqual(bench.value("TIME_STATE"), UNKNOWN)

    def test_the_feed_in_a_night_says_nothing_about_the_time(self):
        bench = Bench()
        bench.know(DAY_S // 4 - HOUR)
        bench.true = None
        bench.run(HOUR)
        bench.board.power.status = FEED_PRESENT
        self.assertEqual(bench.run(30 * HOUR), [])
        self.assertEqual((bench.value("TIME_STATE"), bench.value("PHASE")), (KNOWN, DAY))
        bench.lit(False)
        self.assertEqual((bench.run(10), bench.value("PHASE")), (["NIGHT_BEGAN"], NIGHT))

    def test_the_feed_is_no_sunrise_for_an_estimate(self):
        bench = Bench(true=DAY_S // 2)
        bench.app.time.set(DAY_S * 3 // 4 - 10 * HOUR, DAY_S, ESTIMATED)
        bench.run(100)
        bench.true = None
        bench.board.power.status = FEED_PRESENT
        self.assertIn("DAWN_BEGAN", bench.run(2 * HOUR))
        self.assertAlmostEqual(bench.app.time.since_noon_s, DAY_S * 3 // 4 - 8 * HOUR, delta=200)

    def test_darkness_in_the_day_of_a_known_clock_is_night_and_no_doubt(self):
        bench = Bench()
        bench.know(0)
        bench.run(100)
        bench.true = None
        bench.lit(False)
        self.assertEqual(bench.run(2 * HOUR)[0], "NIGHT_BEGAN")
        self.assertEqual(bench.value("TIME_STATE"), KNOWN)


class TestPhases(unittest.TestCase):
    def test_a_day_in_its_order(self):
        bench = Bench()
        bench.set("WAKE_PERIOD_S", 0)
        bench.know(DAY_S // 4 - 90_000)
        bench.run(100)
        self.assertEqual(bench.value("PHASE"), DAY)
        self.assertEqual(bench.run(3700), ["DUSK_BEGAN"])
        self.assertEqual(bench.value("PHASE"), DUSK)
        self.assertEqual(bench.run(86_400), ["NIGHT_BEGAN"])
        self.assertEqual(bench.value("PHASE"), NIGHT)
        bench.mode_is(MODE_SURVIVAL)
        bench.know(DAY_S * 3 // 4 - 8000)
        self.assertEqual([name for name in bench.run(7900) if name != "SOLAR_TIME_SET"], [])
        self.assertEqual(bench.run(200), ["DAWN_BEGAN"])
        self.assertEqual(bench.value("PHASE"), DAWN)

    def test_without_a_clock_light_tells(self):
        bench = Bench()
        bench.run(HOUR)
        bench.lit(False)
        self.assertEqual(bench.run(3500), [])
        self.assertEqual(bench.run(200), ["NIGHT_BEGAN"])
        bench.mode_is(MODE_SURVIVAL)
        bench.lit(True)
        self.assertEqual(bench.run(100), ["DAWN_BEGAN"])

    def test_a_flash_in_the_night_is_no_day(self):
        bench = Bench()
        bench.know(DAY_S // 2)
        bench.run(100)
        bench.mode_is(MODE_SURVIVAL)
        bench.true = None
        bench.lit(True)
        self.assertEqual(bench.run(3000), [])
        bench.lit(False)
        self.assertEqual((bench.run(1000), bench.value("PHASE")), ([], NIGHT))

    def test_a_silent_unit_leaves_it_to_the_clock(self):
        bench = Bench()
        bench.know(DAY_S // 4 - 1000)
        bench.run(100)
        bench.board.power.link_ok = False
        self.assertEqual(bench.run(2000), ["NIGHT_BEGAN"])

    def test_a_unit_that_has_answered_any_number_of_times_is_heard(self):
        bench = Bench()
        bench.run(HOUR)
        bench.lit(False)
        bench.run(3500)
        bench.board.power.updates = 0  # of 65536
        self.assertEqual(bench.run(200), ["NIGHT_BEGAN"])

    def test_what_did_not_happen_is_asked_for_again(self):
        bench = Bench()
        bench.know(DAY_S // 2)
        bench.run(20)
        bench.mode_is(MODE_STANDBY)
        self.assertEqual(bench.run(3 * HOUR).count("NIGHT_BEGAN"), 3)
        bench.mode_is(MODE_SURVIVAL)
        self.assertEqual(bench.run(HOUR).count("NIGHT_BEGAN"), 0)

    def test_survival_by_day_is_led_out_of_unless_a_sequence_is_at_it(self):
        bench = Bench()
        bench.know(0)
        bench.mode_is(MODE_SURVIVAL)
        bench.board.executor.count = 1
        self.assertNotIn("DAWN_BEGAN", bench.run(2 * HOUR))
        bench.board.executor.count = 0
        self.assertIn("DAWN_BEGAN", bench.run(2 * HOUR))

    def test_the_ground_may_lead(self):
        bench = Bench()
        bench.set("AUTOMATIC", 0)
        bench.know(DAY_S // 4 - 90_000)
        self.assertEqual(bench.run(100_000), [])
        self.assertEqual(bench.value("PHASE"), NIGHT)

    def test_a_polar_day_has_no_dusk(self):
        bench = Bench()
        bench.set("LATITUDE_DEG", 89.0)
        bench.set("DECLINATION_DEG", 1.5)
        bench.know(DAY_S // 2)
        bench.true = None
        self.assertEqual((bench.run(1000), bench.value("PHASE")), ([], DAY))
        self.assertEqual(bench.value("TO_SUNSET_S"), NEVER_S)


class TestWakeUps(unittest.TestCase):
    def night(self):
        bench = Bench()
        bench.know(DAY_S // 2)
        bench.run(20)
        bench.mode_is(MODE_SURVIVAL)
        return bench

    def test_every_period_for_its_time(self):
        bench = self.night()
        self.assertEqual(bench.run(6 * HOUR - 30), [])
        self.assertEqual((bench.run(30), bench.value("AWAKE")), (["WAKE_UP"], 1))
        bench.run(280)
        self.assertEqual(bench.value("AWAKE"), 1)
        bench.run(30)
        self.assertEqual(bench.value("AWAKE"), 0)
        self.assertEqual(bench.run(18 * HOUR), ["WAKE_UP"] * 3)
        self.assertEqual(bench.value("WAKE_UPS"), 4)

    def test_none_by_day_or_in_another_mode_or_with_period_zero(self):
        bench = Bench()
        bench.know(0)
        self.assertEqual(bench.run(7 * HOUR), [])
        bench = self.night()
        bench.mode_is(MODE_STANDBY)
        self.assertNotIn("WAKE_UP", bench.run(7 * HOUR))
        bench = self.night()
        bench.set("WAKE_PERIOD_S", 0)
        self.assertEqual(bench.run(7 * HOUR), [])

    def test_one_by_command(self):
        bench = self.night()
        command = bench.board.ids.FUNCTION_NIGHT_WAKE_UP
        self.assertEqual(bench.app.command(command, Request()), DONE)
        self.assertEqual(bench.app.command(command, Request()), STATE)
        self.assertEqual(bench.value("AWAKE"), 1)


class TestReturn(unittest.TestCase):
    def dawn(self):
        bench = Bench()
        bench.know(DAY_S * 3 // 4 - 100)
        bench.power("BATTERY_C", -4.0)
        bench.power("BATTERY_C_VALID", 3)
        bench.power("BATTERY_SOC", 30.0)
        bench.run(20)
        bench.mode_is(MODE_SURVIVAL)
        self.assertEqual(bench.run(200), ["DAWN_BEGAN"])
        bench.board.executor.count = 1  # the sequence that it started
        return bench

    def test_stage_by_stage(self):
        bench = self.dawn()
        self.assertEqual((bench.run(2000), bench.value("STAGE")), (["STAGE_REACHED"], 1))
        self.assertEqual(bench.run(2000), [])  # too cold
        bench.power("BATTERY_C", 2.5)
        self.assertEqual((bench.run(700), bench.value("STAGE")), (["STAGE_REACHED"], 2))
        self.assertEqual(bench.run(1000), [])  # no power
        bench.power("ARRAY_W", 10.0)
        bench.power("FEED_W", 10.0)
        self.assertEqual((bench.run(700), bench.value("STAGE")), (["STAGE_REACHED"], 3))
        bench.mode_is(MODE_STANDBY)
        self.assertEqual((bench.run(1000), bench.value("PHASE")), ([], DAWN))
        bench.power("BATTERY_SOC", 61.0)
        self.assertEqual(bench.run(700), ["STAGE_REACHED", "DAY_BEGAN"])
        # The sequence that waits for the last stage looks at it later.
        self.assertEqual((bench.value("STAGE"), bench.value("PHASE")), (4, DAY))

    def standby(self):
        """The board is in STANDBY and waits for its charge."""
        bench = self.dawn()
        bench.run(2000)
        bench.power("BATTERY_C", 2.5)
        bench.power("ARRAY_W", 20.0)
        bench.run(1400)
        bench.mode_is(MODE_STANDBY)
        self.assertEqual(bench.value("STAGE"), 3)
        return bench

    def again(self, bench, mode=MODE_STANDBY):
        after = Bench(bench.store, true=bench.true)
        after.power("BATTERY_C", 2.5)
        after.power("BATTERY_C_VALID", 3)
        after.power("BATTERY_SOC", 30.0)
        after.power("ARRAY_W", 20.0)
        after.mode_is(mode)
        return after

    def test_it_goes_on_after_a_restart(self):
        after = self.again(self.standby())
        self.assertEqual(after.run(30), ["DAWN_BEGAN"])
        self.assertEqual((after.value("PHASE"), after.value("STAGE")), (DAWN, 3))
        after.board.executor.count = 1
        self.assertEqual(after.run(2 * HOUR), [])
        after.power("BATTERY_SOC", 61.0)
        self.assertEqual(after.run(700), ["STAGE_REACHED", "DAY_BEGAN"])
        # A day that follows it has nothing to lead back from.
        self.assertEqual(self.again(after).run(2 * HOUR), [])

    def test_it_goes_on_after_a_restart_without_a_clock(self):
        bench = self.standby()
        bench.app.time.forget()
        self.assertEqual(self.again(bench).run(30), ["DAWN_BEGAN"])

    def test_after_a_restart_in_nominal_nothing_is_asked_for(self):
        after = self.again(self.standby(), MODE_NOMINAL)
        self.assertEqual((after.run(2 * HOUR), after.value("PHASE")), ([], DAWN))

    def test_a_sunrise_during_a_restart_is_a_dawn(self):
        bench = Bench()
        bench.know(DAY_S * 3 // 4 - 8000)
        bench.run(100)
        bench.mode_is(MODE_SURVIVAL)
        bench.run(1000)
        self.assertEqual(bench.value("PHASE"), NIGHT)
        after = Bench(bench.store, true=DAY_S * 3 // 4 + 100)
        after.app.time.set(DAY_S * 3 // 4 + 100, DAY_S, ESTIMATED)
        after.mode_is(MODE_STANDBY)
        self.assertEqual((after.run(30), after.value("PHASE")), (["DAWN_BEGAN"], DAWN))

    def test_a_return_that_was_given_up_is_asked_for_again(self):
        bench = self.standby()
        bench.board.executor.count = 0
        self.assertEqual(bench.run(HOUR + 20), ["DAWN_BEGAN"])

    def test_with_little_charge_it_waits_in_survival(self):
        bench = self.dawn()
        bench.power("STATE", 1)  # LOW: in STANDBY it would ask for SAFE
        bench.run(2000)
        bench.power("BATTERY_C", 2.5)
        bench.power("ARRAY_W", 20.0)
        bench.run(2 * HOUR)
        self.assertEqual(bench.value("STAGE"), 2)
        bench.power("STATE", 0)
        self.assertEqual((bench.run(700), bench.value("STAGE")), (["STAGE_REACHED"], 3))

    def test_a_condition_that_does_not_last_counts_for_nothing(self):
        bench = self.dawn()
        bench.run(2000)
        for _ in range(5):
            bench.power("BATTERY_C", 2.5)
            bench.run(500)
            bench.power("BATTERY_C", 1.5)
            bench.run(20)
        self.assertEqual(bench.value("STAGE"), 1)

    def test_a_temperature_that_is_not_known_is_not_warm(self):
        bench = self.dawn()
        bench.run(2000)
        bench.power("BATTERY_C", 20.0)
        bench.power("BATTERY_C_VALID", 0)
        bench.run(2000)
        self.assertEqual(bench.value("STAGE"), 1)

    def test_time_can_run_faster_on_a_bench(self):
        bench = Bench()
        bench.know(0)
        bench.true = None
        bench.board.values[bench.board.ids.DEVICE_TIME_SCALE] = 60
        bench.run(100)
        self.assertAlmostEqual(bench.app.time.since_noon_s, 6000, delta=2)


@needs_heap_lock
class TestHeap(unittest.TestCase):
    def test_a_turn_allocates_nothing(self):
        bench = Bench()
        bench.set("WAKE_PERIOD_S", 10)
        bench.know(DAY_S // 4 - 20)
        bench.run(60)
        bench.mode_is(MODE_SURVIVAL)
        refuse_nothing(bench.store)
        for lit in (False, True):
            bench.lit(lit)
            run_locked(bench.app.step_01hz)
        self.assertTrue(bench.app.wake_ups > 0)


class TestNumbers(unittest.TestCase):
    def test_floats_of_a_board_are_good_enough(self):
        # A third of a second of solar time in 22 bits of 29.5 days: whole seconds are integers.
        sun = Sun()
        last = 0.0
        for since_noon_s in range(0, DAY_S // 4, DAY_S // 40):
            sun.update(since_noon_s, DAY_S, 45.0, 0.0, 0.0)
            expected = math.degrees(
                math.asin(math.cos(math.radians(45.0)) * math.cos(2 * math.pi * since_noon_s / DAY_S))
            )
            last = max(last, abs(sun.elevation_deg - expected))
        self.assertTrue(last < 0.01)


if __name__ == "__main__":
    unittest.main()
