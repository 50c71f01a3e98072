"""MicroPython's own tests on the dev image: a part every day, all in the long run and with `make test-micropython`."""

import os
from pathlib import Path

import pytest

from tests.board.conftest import firmware
from tests.micropython import suite

EVERY_DAY = ("micropython", "float", "misc", "stress", "inlineasm/thumb")  # where a port goes wrong first
EVERY_NTH = 3  # of the others
MINIMUM = 300  # tests that must have passed, so that an empty run is no success


def every_day() -> list[str]:
    """Return the tests of the short run: some folders whole, and every third test of the others."""
    others = [folder for folder in suite.FOLDERS if folder not in EVERY_DAY]
    return suite.all_tests(EVERY_DAY) + suite.all_tests(others)[::EVERY_NTH]


def check(tests: list[str], parts: int, name: str, minimum: int) -> None:
    outcome, groups = suite.run(firmware("dev"), tests, parts, name)
    print(suite.report(outcome, tests, groups))
    assert outcome.failed == []
    assert suite.complaints(outcome, tests, groups) == []
    assert len(outcome.passed) >= minimum


@pytest.mark.board
@pytest.mark.timeout(400)
def test_every_day_part_passes() -> None:
    check(every_day(), 1, "short", MINIMUM)


@pytest.mark.board
@pytest.mark.long
@pytest.mark.timeout(600)
def test_all_pass() -> None:
    check(suite.all_tests(), os.cpu_count() or 1, "all", 2 * MINIMUM)


LOG = """platform=perilune arch=armv7emsp inlineasm=thumb
pass  basics/0prelim.py 
skip  basics/nanbox_smallint.py
FAIL  basics/andor.py 
FAIL  extmod/machine1.py (unittest: 3 ran, 1 failures, 0 errors)
pass  extmod/vfs_rom.py (unittest: 3 ran)
"""  # noqa: W291 - run-tests.py ends its lines so
GROUPS = [suite.Group("left out", ["misc/rge_sm.py"], run=False), suite.Group("steps aside", ["basics/nanbox_*.py"])]


def test_the_log_is_read() -> None:
    outcome = suite.parse(LOG)
    assert outcome.passed == ["basics/0prelim.py", "extmod/vfs_rom.py"]
    assert outcome.failed == ["basics/andor.py", "extmod/machine1.py"]
    assert outcome.skipped == ["basics/nanbox_smallint.py"]


def test_a_group_that_does_not_run_is_left_out() -> None:
    assert suite.chosen(["misc/rge_sm.py", "basics/nanbox_smallint.py"], GROUPS) == ["basics/nanbox_smallint.py"]


def test_a_skip_needs_a_reason() -> None:
    outcome = suite.Outcome(skipped=["basics/nanbox_smallint.py", "basics/new.py"])
    assert suite.complaints(outcome, [], GROUPS) == ["basics/new.py stepped aside, and skips.toml has no reason"]


def test_a_reason_needs_a_skip() -> None:
    tests = suite.all_tests()
    outcome = suite.Outcome(passed=[test for test in tests if test != "misc/rge_sm.py"])
    assert suite.complaints(outcome, tests, GROUPS) == [
        "skips.toml: no test of 'basics/nanbox_*.py' is skipped any more"
    ]


def test_the_report_counts_what_was_left_out() -> None:
    tests = ["basics/0prelim.py", "basics/andor.py", "basics/nanbox_smallint.py", "misc/rge_sm.py"]
    outcome = suite.Outcome(passed=tests[:1], failed=tests[1:2], skipped=tests[2:3])
    assert suite.report(outcome, tests, GROUPS).splitlines() == [
        "skipped   1: left out",
        "skipped   1: steps aside",
        "FAILED: basics/andor.py",
        "1 passed, 1 failed, 2 skipped",
    ]


def test_every_reason_names_tests_that_exist() -> None:
    for group in suite.read_groups():
        for pattern in group.tests:
            assert list(suite.SOURCES.glob(pattern)), f"no file for '{pattern}'"
    assert Path(suite.SKIPS).is_file()
