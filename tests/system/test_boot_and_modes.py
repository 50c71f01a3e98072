"""Start of the board and its modes, over the whole link: reset cause and boot count, restarts, transitions."""

from __future__ import annotations

import pytest

from tests.system.core_link import Ground, data_of, time_ms

ARM_RESTART, RESTART = "08 01 00 02", 2
ARM, MODE = 1, 0x10
SAFE, STANDBY, NOMINAL, SCIENCE = 1, 2, 3, 4
SAFE_ONLY = 0x204
POWER_ON, HARD = "01", "02"
GAIN = "10 10"


def change(ground: Ground, mode: int) -> list[str]:
    """Go to a mode; source data of the event."""
    answer = ground.function(MODE, f"{mode:02x}")
    assert answer.stages == [1, 3, 7]
    return [text for text in answer.data(5, 1) if text.startswith("00 40")]


def test_power_on_is_told(fresh_ground: Ground) -> None:
    # The first report of all: event 0001, none held back, start 1, power-on. Then BOOT (0) ends in SAFE (1), by start.
    assert data_of(fresh_ground.reports, 5, 1) == ["00 01 00 00 01 " + POWER_ON, "00 40 00 00 01 00"]
    assert (fresh_ground.reports[0].service, fresh_ground.reports[0].seq_count) == (5, 0)
    # Housekeeping follows at once; a busy host may stop the emulated board in between.
    first = next(report for report in fresh_ground.reports if report.service == 3)
    assert 0 <= time_ms(first) < (100 if fresh_ground.exact else 2000)
    health = fresh_ground.until_data(3, 25, "00 01", limit_s=3)
    # Behind SID, wire version, dictionary's hash and uptime: boot count 1, cause.
    assert {text[33:41] for text in data_of(health, 3, 25) if text.startswith("00 01")} == {"00 01 " + POWER_ON}


def test_a_commanded_restart_is_told(fresh_ground: Ground) -> None:
    ground = fresh_ground
    ground.execute(20, 3, "01" + GAIN + "2a")
    for count in (2, 3):
        assert ground.function(ARM, ARM_RESTART).stages == [1, 3, 7]
        reports = ground.restart(RESTART)
        assert data_of(reports, 5, 1) == [f"00 01 00 00 {count:02x} " + HARD, "00 40 00 00 01 00"]
        assert reports[0].seq_count == 0
        # What was persistent is there again.
        assert ground.execute(20, 1, "01" + GAIN).data(20, 2) == ["01 10 10 2a"]


def test_the_mode_goes_on_after_a_restart(fresh_ground: Ground) -> None:
    ground = fresh_ground
    change(ground, STANDBY)
    ground.function(ARM, ARM_RESTART)
    assert "00 40 00 00 02 00" in data_of(ground.restart(RESTART), 5, 1)
    assert "00 40 00 00 02 00" in data_of(ground.power_cut(), 5, 1)


def test_repeated_resets_lead_to_safe(fresh_ground: Ground) -> None:
    ground = fresh_ground
    change(ground, STANDBY)
    assert data_of(ground.power_cut(), 5, 4) == []
    reports = ground.power_cut()
    # The third start that nobody commanded within 600 s: event 0042, high severity, 3 starts; SAFE by REPEATED_RESETS.
    assert data_of(reports, 5, 4) == ["00 42 00 03 02 58"]
    assert "00 40 00 00 01 03" in data_of(reports, 5, 1)
    # The trial app is not needed to survive: its 10 Hz step stands still until a mode is commanded.
    read = [ground.execute(20, 1, "02 10 04 00 85").data(20, 2) for _ in range(2)]
    assert read[0] == read[1]
    assert read[0][0].endswith("00 85 01")
    change(ground, SAFE)
    assert ground.execute(20, 1, "01 00 85").data(20, 2) == ["01 00 85 00"]


def test_transitions(ground: Ground) -> None:
    assert change(ground, STANDBY) == ["00 40 00 01 02 01"]
    refused = ground.function(MODE, f"{SCIENCE:02x}")
    assert (refused.stages, refused.notice) == ([1, 4], "00 9a 00 00 01 00 00 00 04")
    assert change(ground, NOMINAL) == ["00 40 00 02 03 01"]
    # Entry requests of NOMINAL that fail are told and stop nothing: requests 0, 1, 2 of the trial mission.
    failed = data_of(ground.reports, 5, 3)
    assert failed[-3:] == ["00 43 00 03 00 01 2c", "00 43 00 03 01 01 2d", "00 43 00 03 02 00 87"]
    assert change(ground, SAFE) == ["00 40 00 03 01 01"]


def test_a_request_in_the_wrong_mode(ground: Ground) -> None:
    assert ground.function(SAFE_ONLY).stages == [1, 3, 7]
    change(ground, STANDBY)
    refused = ground.function(SAFE_ONLY)
    # Bit 2 = STANDBY.
    assert (refused.stages, refused.notice) == ([2], "00 86 ff ff 01 00 00 00 04")
    change(ground, SAFE)
    assert ground.function(SAFE_ONLY).stages == [1, 3, 7]


@pytest.mark.parametrize("data", ["06", "ff"])
def test_an_unknown_mode(ground: Ground, data: str) -> None:
    refused = ground.function(MODE, data)
    assert (refused.stages, refused.notice) == ([2], f"00 85 00 00 01 00 00 00 {data}")
