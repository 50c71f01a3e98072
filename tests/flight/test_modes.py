"""Modes: the transition table, entry and exit requests, command loss, what a start makes of the one before."""

import unittest

from bench import Bench, empty_storage, forget, ids, telecommand
from flash_model import FlashModel, PowerCut
from flight.hal.null import Storage
from flight.limits import RESETS_KEPT, STORE_MODE, STORE_RESETS
from flight.service import failure
from flight.tables import MODE_BOOT, MODE_NOMINAL, MODE_SAFE, MODE_SCIENCE, MODE_STANDBY, MODE_SURVIVAL
from heap import needs_heap_lock, run_locked

CHANGE = 0x0010
# Where each mode may go, as modes.toml says.
TABLE = {
    MODE_SAFE: (MODE_STANDBY, MODE_SURVIVAL),
    MODE_STANDBY: (MODE_SAFE, MODE_NOMINAL, MODE_SURVIVAL),
    MODE_NOMINAL: (MODE_SAFE, MODE_STANDBY, MODE_SCIENCE, MODE_SURVIVAL),
    MODE_SCIENCE: (MODE_SAFE, MODE_STANDBY, MODE_NOMINAL),
    MODE_SURVIVAL: (MODE_SAFE, MODE_STANDBY),
}
# From SAFE to each mode.
ROUTES = {
    MODE_SAFE: (),
    MODE_STANDBY: (MODE_STANDBY,),
    MODE_NOMINAL: (MODE_STANDBY, MODE_NOMINAL),
    MODE_SCIENCE: (MODE_STANDBY, MODE_NOMINAL, MODE_SCIENCE),
    MODE_SURVIVAL: (MODE_SURVIVAL,),
}


class Started(Bench):
    """first: what it reported from its start to the end of the first cycle."""

    first = None

    def take(self):
        reports = super().take()
        if self.first is None:
            self.first = reports
        return reports


class ModesCase(unittest.TestCase):
    def setUp(self):
        self.storage: Storage = empty_storage()
        self.boot()

    def boot(self):
        """A start on the same storage."""
        forget(self, "bench", "core", "modes")
        self.bench = Started(storage=self.storage)
        self.core = self.bench.core
        self.modes = self.core.modes

    def value(self, identifier):
        return self.core.values[self.core.pool.index_of(identifier)]

    def set(self, identifier, value):
        self.core.parameters.put(self.core.pool.index_of(identifier), value)

    def change(self, mode):
        """Command a change and let a cycle pass; the reports of both."""
        return self.bench.function(CHANGE, bytes((mode,))) + self.bench.run(100)

    def go(self, mode):
        for step in ROUTES[mode]:
            self.change(step)
        self.assertEqual(self.modes.mode, mode)

    def kinds(self, reports):
        return [report.kind for report in reports if report.kind[0] in (1, 5)]

    def code(self, report):
        return report.data[4] << 8 | report.data[5]

    def events(self, reports, number):
        """Fields of the events *number*, behind id and the count of those held back."""
        return [r.data[3:] for r in reports if r.kind[0] == 5 and r.data[:2] == bytes((number >> 8, number & 0xFF))]


class TestTransitions(ModesCase):
    def test_every_pair_of_modes(self):
        for before, allowed in TABLE.items():
            for after in TABLE:
                self.storage = empty_storage()
                self.boot()
                self.go(before)
                reports = self.change(after)
                if after in allowed or after == before:
                    self.assertEqual((before, after, self.modes.mode), (before, after, after))
                    self.assertIn((1, 7), self.kinds(reports))
                    self.assertEqual(self.modes.refused, 0)
                else:
                    self.assertEqual((before, after, self.modes.mode), (before, after, before))
                    self.assertEqual(self.kinds(reports), [(1, 1), (1, 4)])
                    refusal = next(report for report in reports if report.kind == (1, 4))
                    self.assertEqual(self.code(refusal), failure.TRANSITION)
                    self.assertEqual(refusal.data[-4:], bytes((0, 0, 0, after)))
                    self.assertEqual(self.modes.refused, 1)

    def test_nobody_goes_to_boot_and_no_mode_is_unknown(self):
        self.assertEqual(self.code(self.change(MODE_BOOT)[1]), failure.TRANSITION)
        self.assertEqual(self.code(self.change(6)[0]), failure.ARGUMENT_VALUE)
        self.assertEqual(self.code(self.change(255)[0]), failure.ARGUMENT_VALUE)
        self.assertEqual(self.modes.mode, MODE_SAFE)

    def test_reports_and_event_of_a_change(self):
        reports = self.bench.function(CHANGE, bytes((MODE_STANDBY,)))
        self.assertEqual(self.kinds(reports), [(1, 1), (1, 3)])
        reports = self.bench.run(100)
        self.assertEqual(self.kinds(reports), [(5, 1), (1, 7)])
        self.assertEqual(self.events(reports, ids.EVENT_MODES_CHANGED), [bytes((MODE_SAFE, MODE_STANDBY, 1))])

    def test_executive_and_router_keep_in_step(self):
        for mode in (MODE_STANDBY, MODE_NOMINAL, MODE_SCIENCE, MODE_SAFE, MODE_SURVIVAL):
            self.change(mode)
            self.assertEqual((self.core.router.mode_bit, self.core.executive.mode_bit), (1 << mode, 1 << mode))
        reports = self.bench.function(0x0204)  # SAFE only
        self.assertEqual(self.code(reports[0]), failure.MODE)

    def test_a_second_change_before_the_first_is_carried_out(self):
        self.bench.function(CHANGE, bytes((MODE_STANDBY,)))
        reports = self.bench.function(CHANGE, bytes((MODE_SURVIVAL,)))
        self.assertEqual([self.code(report) for report in reports if report.kind == (1, 4)], [failure.STATE])
        self.bench.run(100)
        self.assertEqual(self.modes.mode, MODE_STANDBY)

    def test_apps_are_told_and_their_steps_follow(self):
        trial = self.bench.trial
        self.assertEqual((trial.mode, trial.active), (MODE_SAFE, True))
        steps = self.value(ids.TRIAL_STEPS)
        self.bench.function(CHANGE, bytes((MODE_STANDBY,)))
        self.bench.run(1000)
        self.assertEqual((trial.mode, trial.active), (MODE_STANDBY, False))
        self.assertEqual(self.value(ids.TRIAL_STEPS), steps)
        self.change(MODE_NOMINAL)
        self.assertEqual((trial.mode, trial.active), (MODE_NOMINAL, True))
        self.bench.run(1000)
        self.assertGreaterEqual(self.value(ids.TRIAL_STEPS), steps + 10)


class TestActions(ModesCase):
    def test_exit_requests_are_executed_in_the_old_mode(self):
        calls = self.bench.trial.calls
        self.change(MODE_STANDBY)
        # The function is allowed in SAFE only.
        self.assertEqual((self.bench.trial.calls, self.modes.actions_failed), (calls + 1, 0))

    def test_entry_requests_are_executed_in_the_new_mode_and_a_failure_stops_nothing(self):
        self.change(MODE_STANDBY)
        calls = self.bench.trial.calls
        reports = self.change(MODE_NOMINAL)
        self.assertEqual(self.bench.trial.calls, calls + 2)
        failed = self.events(reports, ids.EVENT_MODES_ACTION_FAILED)
        expected = [(0, 300), (1, 301), (2, failure.NOT_ARMED)]
        self.assertEqual(failed, [bytes((MODE_NOMINAL, number, code >> 8, code & 0xFF)) for number, code in expected])
        self.assertEqual((self.modes.mode, self.modes.actions_failed), (MODE_NOMINAL, 3))
        self.assertEqual(self.kinds(reports)[-1], (1, 7))

    def test_the_same_mode_again_does_nothing(self):
        calls = self.bench.trial.calls
        reports = self.change(MODE_SAFE)
        self.assertEqual(self.kinds(reports), [(1, 1), (1, 3), (1, 7)])
        self.assertEqual(self.bench.trial.calls, calls)


class TestCommandLoss(ModesCase):
    def test_without_frames_to_safe(self):
        self.go(MODE_NOMINAL)
        self.set(ids.MODES_COMMAND_LOSS_S, 20)
        for _ in range(3):
            self.bench.run(15_000)
            self.assertEqual(self.modes.mode, MODE_NOMINAL)
            self.core.uplink.frames_bd += 1
        self.bench.run(2_000)
        self.assertLessEqual(abs(self.value(ids.MODES_COMMAND_LOSS_LEFT_S) - 18), 1)
        reports = self.bench.run(20_000)
        self.assertEqual(self.modes.mode, MODE_SAFE)
        self.assertEqual(self.events(reports, ids.EVENT_MODES_COMMAND_LOSS), [b"\x00\x00\x00\x14"])
        self.assertEqual(self.events(reports, ids.EVENT_MODES_CHANGED), [bytes((MODE_NOMINAL, MODE_SAFE, 2))])

    def test_frames_of_both_services_count(self):
        self.go(MODE_STANDBY)
        self.set(ids.MODES_COMMAND_LOSS_S, 4)
        for number in range(8):
            self.bench.run(3_000)
            if number % 2:
                self.core.uplink.frames_ad += 1
            else:
                self.core.uplink.frames_bd += 1
        self.assertEqual(self.modes.mode, MODE_STANDBY)

    def test_changes_that_the_board_asks_for_itself_do_not_count(self):
        self.go(MODE_NOMINAL)
        self.set(ids.MODES_COMMAND_LOSS_S, 6)
        for mode in (MODE_SCIENCE, MODE_NOMINAL):
            self.bench.run(2_000)
            self.change(mode)
        self.bench.run(3_000)
        self.assertEqual(self.modes.mode, MODE_SAFE)

    def test_it_begins_with_the_way_out_of_a_mode_that_waits(self):
        for mode in (MODE_SURVIVAL, MODE_SAFE):
            self.go(mode)
            self.set(ids.MODES_COMMAND_LOSS_S, 4)
            self.bench.run(6_000)
            self.change(MODE_STANDBY)
            self.bench.run(3_000)
            self.assertEqual(self.modes.mode, MODE_STANDBY)
            self.bench.run(3_000)
            self.assertEqual(self.modes.mode, MODE_SAFE)

    def test_not_in_survival_and_never_when_switched_off(self):
        for mode, limit in ((MODE_SURVIVAL, 2), (MODE_NOMINAL, 0)):
            self.storage = empty_storage()
            self.boot()
            self.go(mode)
            self.set(ids.MODES_COMMAND_LOSS_S, limit)
            self.bench.run(20_000)
            self.assertEqual(self.modes.mode, mode)
            self.assertEqual(self.value(ids.MODES_COMMAND_LOSS_LEFT_S), 0)


class TestStart(ModesCase):
    def test_first_start_is_safe(self):
        self.assertEqual((self.modes.mode, self.modes.starts), (MODE_SAFE, 1))

    def test_what_a_start_reports(self):
        self.go(MODE_NOMINAL)
        self.boot()
        reports = self.bench.first
        self.assertEqual(self.events(reports, ids.EVENT_CORE_BOOT), [b"\x00\x01\x01"])
        self.assertEqual(self.events(reports, ids.EVENT_MODES_CHANGED), [bytes((MODE_BOOT, MODE_NOMINAL, 0))])

    def test_each_mode_is_resumed_as_the_table_says(self):
        for mode, resumed in (
            (MODE_SAFE, MODE_SAFE),
            (MODE_STANDBY, MODE_STANDBY),
            (MODE_NOMINAL, MODE_NOMINAL),
            (MODE_SCIENCE, MODE_NOMINAL),
            (MODE_SURVIVAL, MODE_SURVIVAL),
        ):
            self.storage = empty_storage()
            self.boot()
            self.go(mode)
            self.boot()
            self.assertEqual((mode, self.modes.mode, self.modes.starts), (mode, resumed, 2))

    def test_a_record_of_no_mode_is_safe(self):
        for octets in (b"\x06", b"\xff", b"\x00", b"\x03\x03", b""):
            self.core.journal.put(STORE_MODE, bytearray(octets), 0, len(octets))
            self.core.journal.delete(STORE_RESETS)
            self.boot()
            self.assertEqual((octets, self.modes.mode), (octets, MODE_SAFE))

    def test_without_storage_every_start_is_the_first(self):
        self.storage = Storage()
        for _ in range(5):
            self.boot()
            self.assertEqual((self.modes.mode, self.modes.starts, self.modes.isolated), (MODE_SAFE, 1, False))
            self.go(MODE_NOMINAL)


class TestRepeatedResets(ModesCase):
    def resume_nominal(self):
        self.go(MODE_NOMINAL)
        self.bench.run(1000)

    def test_the_third_start_within_the_window_is_safe_and_isolated(self):
        self.resume_nominal()
        self.boot()
        self.assertEqual((self.modes.mode, self.modes.isolated), (MODE_NOMINAL, False))
        self.boot()
        self.bench.run(1000)
        self.assertEqual((self.modes.mode, self.modes.isolated), (MODE_SAFE, True))
        self.assertEqual((self.value(ids.MODES_RECENT_RESETS), self.value(ids.MODES_ISOLATED)), (3, 1))
        self.assertEqual(self.value(ids.MODES_STARTS), 3)

    def test_it_is_told(self):
        self.boot()
        self.assertEqual(self.events(self.bench.first, ids.EVENT_MODES_REPEATED_RESETS), [])
        self.boot()
        reports = self.bench.first
        self.assertEqual(self.events(reports, ids.EVENT_MODES_REPEATED_RESETS), [b"\x03\x02\x58"])
        self.assertEqual(self.events(reports, ids.EVENT_MODES_CHANGED), [bytes((MODE_BOOT, MODE_SAFE, 3))])

    def test_isolated_runs_what_is_needed_to_survive(self):
        self.boot()
        self.boot()
        trial = self.bench.trial
        self.assertTrue(self.modes.isolated)
        self.assertEqual((trial.mode, trial.active), (MODE_SAFE, False))
        steps = self.value(ids.TRIAL_STEPS)
        reports = self.bench.run(3000)
        self.assertEqual(self.value(ids.TRIAL_STEPS), steps)
        self.assertIn((3, 25), [report.kind for report in reports])
        self.assertEqual(self.core.router.mode_bit, 1 << MODE_SAFE)
        reports = self.change(MODE_SAFE)
        self.assertIn((1, 7), self.kinds(reports))
        self.assertEqual((trial.mode, trial.active, self.modes.isolated), (MODE_SAFE, True, False))
        self.bench.run(1000)
        self.assertGreaterEqual(self.value(ids.TRIAL_STEPS), steps + 10)

    def blamed(self, app):
        """What ran of two apps' tasks in isolation after a crash in *app*."""
        ran = []
        group = self.core.executive.groups[0]
        for number in (1, 2):
            group.add(lambda number=number: ran.append(number), 1 << MODE_SAFE | 1 << MODE_SURVIVAL, None, number)
        self.core.journal.put(STORE_RESETS, bytearray(b"\x00\x00\x02\x02\x00\x01\x00\x00"), 0, 8)
        if app:
            self.modes.blame(app)
        self.modes.start()
        self.bench.run(500)
        self.assertTrue(self.modes.isolated)
        return sorted(set(ran))

    def test_an_app_that_crashed_the_board_does_not_run_in_isolation(self):
        self.assertEqual(self.blamed(2), [1])

    def test_a_crash_of_the_core_blames_no_app(self):
        self.assertEqual(self.blamed(0), [1, 2])

    def test_the_blame_outlives_a_start_until_the_ground_takes_it_away(self):
        self.blamed(2)
        self.boot()
        self.assertEqual(self.blamed(0), [1])
        self.change(MODE_SAFE)
        self.boot()
        self.assertEqual(self.blamed(0), [1, 2])

    def isolate(self):
        """A third start, in isolation, after a crash in the trial's app; requests for it come from the board itself."""
        self.core.journal.put(STORE_RESETS, bytearray(b"\x00\x00\x02\x02\x00\x01\x00\x00"), 0, 8)
        self.modes.blame(len(self.core.apps))
        self.modes.start()
        self.bench.run(100)
        self.assertTrue(self.modes.isolated)
        self.packet = telecommand(8, 1, b"\x02\x04", ack=0, source=1)
        self.bench.command(19, 1, b"\x01\x01\x01" + self.packet)
        self.bench.command(19, 4, b"\x01\x01\x01")

    def react(self):
        """What became of the request that an event starts: codes of its failures."""
        self.core.events.raise_(0x101)
        return [self.code(report) for report in self.bench.run(100) if report.kind == (1, 4)]

    def test_functions_of_a_blamed_app_are_refused_to_the_board_itself(self):
        self.isolate()
        self.assertEqual((self.react(), self.bench.trial.calls), ([failure.STATE], 0))
        # Its own exit request of SAFE, while the ground's command ends the isolation.
        self.change(MODE_STANDBY)
        self.assertEqual((self.modes.actions_failed, self.bench.trial.calls), (1, 0))
        self.change(MODE_SAFE)
        self.assertEqual((self.react(), self.bench.trial.calls), ([], 1))

    def test_the_ground_may_use_functions_of_a_blamed_app(self):
        self.isolate()
        buffer = self.core.uplink.buffer
        for at in range(len(self.packet)):
            buffer[at] = self.packet[at]
        self.assertEqual(self.core.router.execute(buffer, 0, len(self.packet)), failure.DONE)
        self.assertEqual(self.bench.trial.calls, 1)

    def test_a_survival_app_goes_on(self):
        ran = []
        group = self.core.executive.groups[0]
        group.add(lambda: ran.append("both"), 1 << MODE_SAFE | 1 << MODE_SURVIVAL)
        group.add(lambda: ran.append("safe"), 1 << MODE_SAFE)
        group.add(lambda: ran.append("survival"), 1 << MODE_SURVIVAL)
        self.core.journal.put(STORE_RESETS, bytearray(b"\x00\x00\x02\x02\x00\x01\x00\x00"), 0, 8)
        self.modes.start()
        self.bench.run(500)
        self.assertTrue(self.modes.isolated)
        ran.clear()
        self.bench.run(500)
        self.assertEqual(set(ran), {"both"})

    def test_starts_further_apart_than_the_window_are_none(self):
        self.resume_nominal()
        for _ in range(4):
            self.bench.run(361_000)
            self.boot()
        self.assertEqual((self.modes.mode, self.value(ids.MODES_RECENT_RESETS)), (MODE_NOMINAL, 2))

    def test_starts_within_the_window_count_however_the_time_is_shared(self):
        self.resume_nominal()
        self.bench.run(181_000)
        self.boot()
        self.bench.run(181_000)
        self.boot()
        self.assertTrue(self.modes.isolated)

    def test_commanded_restarts_do_not_count(self):
        self.resume_nominal()
        for _ in range(5):
            self.modes.restart_commanded()
            self.boot()
        self.assertEqual((self.modes.mode, self.value(ids.MODES_STARTS)), (MODE_NOMINAL, 6))

    def test_limit_and_window_are_parameters(self):
        self.bench.command(20, 3, b"\x02\x00\x89\x05\x00\x8a\x00\x3c")
        for number in range(4):
            self.assertFalse(self.modes.isolated)
            self.boot()
            self.assertEqual(self.modes.isolated, number == 3)

    def test_more_starts_than_are_kept(self):
        self.set(ids.MODES_RESET_LIMIT, 0)
        self.core.parameters.save()
        self.bench.command(20, 3, b"\x01\x00\x89\x00")
        for _ in range(2 * RESETS_KEPT):
            self.boot()
        self.assertFalse(self.modes.isolated)
        self.assertEqual(self.modes.starts, 2 * RESETS_KEPT + 1)

    def test_power_may_fail_at_any_step_of_a_start(self):
        """A start that is cut counts or does not; the next one is a start like any other."""
        flash = FlashModel(2, 4096)
        Bench(storage=flash)
        before = bytes(flash.content)
        cuts = 0
        for cut in range(0, 64, 3):
            flash.content[:] = before
            flash.steps = 0
            flash.cut_at = cut
            try:
                Bench(storage=flash)
            except PowerCut:
                cuts += 1
            flash.cut_at = -1
            modes = Bench(storage=flash).core.modes
            self.assertEqual(modes.mode, MODE_SAFE)
            self.assertIn(modes.starts, (2, 3))
        self.assertGreater(cuts, 5)


class TestHeap(ModesCase):
    ROUTE = (MODE_SAFE, MODE_STANDBY, MODE_NOMINAL, MODE_SCIENCE, MODE_NOMINAL)

    def work(self):
        """Five hundred seconds, a change of the mode in every tenth."""
        modes = self.modes
        request = self.core.request
        worst = 0
        for number in range(500):
            if number % 10 == 0:
                request.args[0] = self.ROUTE[number // 10 % 5]
                worst = max(worst, modes.command(CHANGE, request))
            modes.step_10hz()
            self.bench.clock.advance_ms(1000)
            modes.step_1hz()
        return worst

    @needs_heap_lock
    def test_changes_and_timers_allocate_nothing(self):
        self.bench.catcher.keep = False
        self.set(ids.MODES_COMMAND_LOSS_S, 1000)
        self.set(ids.MODES_RESET_WINDOW_S, 36_000)
        self.go(MODE_NOMINAL)
        writes = self.core.journal.writes
        self.assertEqual(run_locked(self.work), 0)
        self.assertEqual(self.modes.refused, 0)
        self.assertGreater(self.core.journal.writes, writes + 100)


if __name__ == "__main__":
    unittest.main()
