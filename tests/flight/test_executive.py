"""The executive: rate groups at their times, budgets, load, lateness, watchdog; and virtual time."""

import unittest

from flight.executive import Executive
from flight.hal.host import CountingWatchdog, VirtualClock
from flight.idle import Idler
from flight.limits import CYCLE_MS, GROUP_BUDGETS_US, GROUP_CYCLES, WATCHDOG_MS

MODE_A = 1
MODE_B = 2


class Worker:
    """A task that takes time."""

    def __init__(self, clock, takes_ms=0):
        self.clock = clock
        self.takes_ms = takes_ms
        self.at_ms = []

    def step(self):
        self.at_ms.append(self.clock.ticks_ms())
        self.clock.advance_ms(self.takes_ms)


class ExecutiveCase(unittest.TestCase):
    def setUp(self):
        self.clock = VirtualClock()
        self.watchdog = CountingWatchdog()
        self.executive = Executive(self.clock, self.watchdog, MODE_A)
        self.overruns: list[tuple[int, int]] = []
        self.executive.add_overrun_listener(lambda group, took_us: self.overruns.append((group, took_us)))

    def worker(self, group, takes_ms=0, modes=MODE_A | MODE_B):
        worker = Worker(self.clock, takes_ms)
        self.executive.groups[group].add(worker.step, modes)
        return worker

    def run_until(self, ms):
        """Turn until the clock shows *ms*."""
        while True:
            wait = self.executive.turn()
            now = self.clock.ticks_ms()
            if now + wait >= ms:
                self.clock.wait(max(ms - now, 0))
                return
            self.clock.wait(wait)


class TestGroups(ExecutiveCase):
    def test_each_group_runs_at_its_rate_and_no_two_slow_ones_together(self):
        workers = [self.worker(group) for group in range(len(GROUP_CYCLES))]
        self.executive.start()
        self.run_until(20_000)
        self.assertEqual([len(worker.at_ms) for worker in workers], [200, 20, 2])
        self.assertEqual(workers[0].at_ms, list(range(0, 20_000, 100)))
        self.assertEqual(workers[1].at_ms, list(range(300, 20_000, 1000)))
        self.assertEqual(workers[2].at_ms, [700, 10_700])

    def test_tasks_run_in_their_order(self):
        order = []
        for name in "abc":
            self.executive.groups[0].add(lambda name=name: order.append(name), MODE_A)
        self.executive.start()
        self.executive.turn()
        self.assertEqual(order, ["a", "b", "c"])

    def test_tasks_run_in_their_modes_only(self):
        always = self.worker(0)
        only_b = self.worker(0, modes=MODE_B)
        self.executive.start()
        self.run_until(500)
        self.executive.mode_bit = MODE_B
        self.run_until(800)
        self.assertEqual((len(always.at_ms), len(only_b.at_ms)), (8, 3))

    def test_a_change_of_mode_counts_for_the_rest_of_its_cycle(self):
        def change():
            self.executive.mode_bit = MODE_B

        self.executive.groups[0].add(change, MODE_A)
        only_a = self.worker(0, modes=MODE_A)
        only_b = self.worker(0, modes=MODE_B)
        self.executive.start()
        self.executive.turn()
        self.assertEqual((len(only_a.at_ms), len(only_b.at_ms)), (0, 1))


class TestTime(ExecutiveCase):
    def test_a_budget_kept_is_no_overrun(self):
        self.worker(0, takes_ms=GROUP_BUDGETS_US[0] // 1000)
        self.executive.start()
        self.run_until(1000)
        self.assertEqual(self.overruns, [])
        self.assertEqual(self.executive.groups[0].worst_us, GROUP_BUDGETS_US[0])

    def test_an_overrun_is_counted_and_told(self):
        worker = self.worker(1, takes_ms=GROUP_BUDGETS_US[1] // 1000 + 1)
        self.executive.start()
        self.run_until(1000)
        self.assertEqual(len(worker.at_ms), 1)
        self.assertEqual(self.overruns, [(1, GROUP_BUDGETS_US[1] + 1000)])
        self.assertEqual(self.executive.groups[1].overruns, 1)

    def test_a_late_cycle_is_not_made_up_for_and_the_next_is_where_it_belongs(self):
        worker = self.worker(0)
        self.executive.start()
        self.run_until(100)
        self.clock.advance_ms(250)  # somebody took the processor
        self.run_until(600)
        self.assertEqual(worker.at_ms, [0, 350, 400, 500])
        self.assertEqual(self.executive.late, 2)

    def test_load_is_busy_time_of_the_last_second(self):
        self.worker(0, takes_ms=10)
        self.executive.start()
        self.run_until(3000)
        self.assertEqual(self.executive.load_permille, 100)

    def test_the_clock_may_wrap(self):
        self.clock.advance_ms((1 << 30) - 250)
        self.assertGreater(self.clock.ticks_ms(), 1 << 29)
        worker = self.worker(0)
        self.executive.start()
        for _ in range(10):
            self.clock.wait(self.executive.turn())
        self.assertEqual(len(worker.at_ms), 10)
        self.assertEqual((worker.at_ms[9] - worker.at_ms[0]) & 0x3FFFFFFF, 900)


class TestPollers(ExecutiveCase):
    def test_called_between_cycles_when_it_wants_to_be(self):
        at_ms = []

        def poll(now_ms):
            at_ms.append(now_ms)
            return 30

        self.executive.add_poller(poll)
        self.executive.start()
        self.run_until(200)
        self.assertEqual(at_ms, [0, 30, 60, 90, 100, 130, 160, 190])

    def test_the_earliest_decides(self):
        self.executive.add_poller(lambda now_ms: 70)
        self.executive.add_poller(lambda now_ms: 40)
        self.executive.start()
        self.assertEqual(self.executive.turn(), 40)

    def test_nobody_waits_longer_than_to_the_next_cycle(self):
        self.executive.add_poller(lambda now_ms: 5000)
        self.executive.start()
        self.assertEqual(self.executive.turn(), CYCLE_MS)


class Sleeper(Idler):
    """Works in every tenth cycle and counts the others."""

    def __init__(self):
        self.left = 1
        self.worked = 0

    def step(self):
        self.left -= 1
        if self.left == 0:
            self.worked += 1
            self.left = 10

    def idle_cycles(self):
        return self.left - 1

    def leave_out(self, cycles):
        self.left -= cycles


class TestLeavingOut(ExecutiveCase):
    def setUp(self):
        super().setUp()
        self.sleeper = Sleeper()
        self.executive.groups[0].add(self.sleeper.step, MODE_A, self.sleeper)

    def turns(self, ms):
        """Turns that it takes until *ms* with what is idle left out."""
        turns = 0
        while self.clock.ticks_ms() < ms:
            left_ms = ms - self.clock.ticks_ms()
            self.clock.wait(min(left_ms, self.executive.leave_out(self.executive.turn(), left_ms)))
            turns += 1
        return turns

    def test_nothing_but_the_rate_groups_and_what_is_due_costs_a_turn(self):
        self.executive.start()
        # At 0, 300, 700, 1000, 1300, 2000, 2300 ... ms.
        self.assertEqual(self.turns(10_000), 21)
        self.assertEqual((self.sleeper.worked, self.executive.cycles, self.watchdog.fed > 0), (10, 100, True))

    def test_an_idle_cycle_is_left_out_that_begins_when_the_pollers_time_is_up(self):
        at_ms = []

        def poll(now_ms):
            at_ms.append(now_ms)
            return 100 - now_ms % 100

        self.executive.add_poller(poll)
        self.executive.start()
        self.executive.turn()
        self.assertEqual(self.executive.leave_out(100, 1000), 100)
        self.assertEqual(self.executive.cycles, 2)
        self.clock.wait(100)
        self.executive.turn()
        self.assertEqual((self.executive.cycles, at_ms), (2, [0, 100]))

    def test_a_cycle_is_not_left_out_behind_a_pollers_time(self):
        self.executive.add_poller(lambda now_ms: 70)
        self.executive.start()
        self.executive.turn()
        self.assertEqual(self.executive.leave_out(70, 1000), 70)
        self.assertEqual(self.executive.cycles, 1)

    def test_a_task_that_tells_nothing_of_itself_is_never_left_out(self):
        worker = self.worker(0)
        self.executive.start()
        self.turns(1000)
        self.assertEqual(len(worker.at_ms), 10)


class TestWatchdog(ExecutiveCase):
    def test_fed_every_cycle_while_all_groups_report(self):
        self.executive.start()
        self.run_until(10_000)
        self.assertEqual((self.watchdog.timeout_ms, self.watchdog.fed), (WATCHDOG_MS, 100))

    def test_not_fed_when_a_group_does_not_report_in_its_window(self):
        self.executive.start()
        self.run_until(1000)
        fed = self.watchdog.fed
        self.executive.groups[1].left = 1_000_000  # as if something had broken its schedule
        self.run_until(10_000)
        # It last ran at 300 ms and is given its own period and one cycle.
        self.assertLess(self.watchdog.fed, fed + 6)

    def test_not_fed_by_polling_alone(self):
        self.executive.start()
        self.executive.turn()
        fed = self.watchdog.fed
        for _ in range(100):
            self.executive.turn()
        self.assertEqual(self.watchdog.fed, fed)


class TestRun(ExecutiveCase):
    def test_ends_when_it_is_told_to(self):
        def stop():
            self.executive.running = False

        self.executive.groups[1].add(stop, MODE_A)
        self.executive.start()
        self.executive.run()
        self.assertEqual(self.clock.ticks_ms(), 400)


if __name__ == "__main__":
    unittest.main()
