"""Storage: what survives a power cut, whenever it comes, and what becomes of storage that is damaged."""

from __future__ import annotations

import pytest

from hil.faults import Faults
from hil.ground import Ground

LOSS_S, LIMIT, WINDOW_S = "modes.command_loss_s", "modes.reset_limit", "modes.reset_window_s"
ALL_ONES = b"\xff"


def cut(ground: Ground, off_s: float = 0.2) -> None:
    """Power goes and comes back; the board has started."""
    ground.mark()
    ground.target.power_cut(off_s)
    ground.await_boot()


@pytest.mark.needs("power")
def test_parameters_survive_a_power_cut(ground: Ground) -> None:
    ground.set({LOSS_S: 5000, LIMIT: 5})
    cut(ground)
    assert (ground.number(LOSS_S), ground.number(LIMIT)) == (5000, 5)


@pytest.mark.needs("power")
def test_defaults_are_restored_for_good(ground: Ground) -> None:
    ground.set({LIMIT: 6})
    ground.do("core.restore_defaults")
    cut(ground)
    assert ground.number(LIMIT) == ground.dictionary.points[LIMIT].start


@pytest.mark.needs("power")
def test_starts_are_counted_over_power_cuts(ground: Ground) -> None:
    before = ground.wait_value("modes.starts", lambda count: count > 0, ask=True)
    for number in range(1, 4):
        cut(ground)
        ground.wait_value("modes.starts", before + number, ask=True)


@pytest.mark.needs("power")
def test_compaction_keeps_everything(ground: Ground) -> None:
    for value in range(20):
        ground.set({LOSS_S: 1000 + value})
    ground.run_for(1.2)
    before = ground.read("storage.used_octets", "storage.compactions")
    used, count = (value.raw for value in before.values())
    ground.do("storage.compact")
    ground.wait_value("storage.compactions", count + 1, ask=True)
    ground.wait_value("storage.used_octets", lambda octets: octets < used, ask=True)
    cut(ground)
    assert ground.number(LOSS_S) == 1019
    assert ground.number("storage.failures") == 0


@pytest.mark.sample
@pytest.mark.needs("power")
@pytest.mark.parametrize("after_s", [0.0, 0.004, 0.015, 0.06])
def test_a_power_cut_while_parameters_are_written_leaves_the_old_or_the_new(ground: Ground, after_s: float) -> None:
    ground.set({LOSS_S: 2000, WINDOW_S: 800})
    ground.send("core.set_parameters", ground.items({LOSS_S: 3000, WINDOW_S: 900}))
    ground.session.step(0)
    ground.target.run_for(after_s)
    cut(ground)
    found = ground.read(LOSS_S, WINDOW_S)
    assert (found[LOSS_S].raw, found[WINDOW_S].raw) in ((2000, 800), (3000, 900))
    assert ground.value("modes.mode") == "SAFE"


@pytest.mark.sample
@pytest.mark.needs("power")
@pytest.mark.parametrize("longest_s", [0.05, 0.5])
def test_what_was_stored_outlasts_a_brown_out(ground: Ground, faults: Faults, longest_s: float) -> None:
    """The power comes back for moments that are too short to start in, or for just long enough."""
    ground.set({LOSS_S: 2000, LIMIT: 0})
    ground.do("modes.change", mode="STANDBY")
    starts = ground.wait_value("modes.starts", lambda count: count > 0, ask=True)
    ground.mark()
    faults.brown_out(times=6, seed=5, longest_s=longest_s)
    ground.await_boot()
    assert (ground.number(LOSS_S), ground.number(LIMIT), ground.value("modes.mode")) == (2000, 0, "STANDBY")
    ground.wait_value("modes.starts", lambda count: starts + 1 <= count <= starts + 7, ask=True)
    assert ground.number("storage.failures") == 0
    ground.set({LOSS_S: 3000})
    cut(ground)
    assert ground.number(LOSS_S) == 3000


@pytest.mark.needs("power", "storage")
def test_a_board_whose_storage_was_emptied_starts_as_a_new_one(ground: Ground) -> None:
    ground.set({LIMIT: 7})
    ground.do("modes.change", mode="STANDBY")
    ground.mark()
    ground.target.power_off()
    content = ground.target.read_storage()
    assert content.strip(ALL_ONES)
    ground.target.write_storage(ALL_ONES * len(content))
    ground.target.power_on()
    ground.await_boot()
    assert ground.value("modes.mode") == "SAFE"
    assert ground.number(LIMIT) == ground.dictionary.points[LIMIT].start
    ground.set({LIMIT: 4})
    cut(ground)
    assert ground.number(LIMIT) == 4


@pytest.mark.sample
@pytest.mark.needs("power", "storage")
def test_a_damaged_record_is_found_and_its_predecessor_holds(ground: Ground) -> None:
    ground.set({LOSS_S: 2000})
    before = ground.number("storage.damaged")
    ground.target.power_off()
    old = ground.target.read_storage()
    ground.mark()
    ground.target.power_on()
    ground.await_boot()
    ground.set({LOSS_S: 3000})
    ground.target.power_off()
    new = bytearray(ground.target.read_storage())
    # The octets that the last record added: one of them loses bits.
    added = [at for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    last = added[-1] - 3
    new[last] &= 0x55 if new[last] & 0xAA else 0xAA
    new[last - 1] = 0
    ground.mark()
    ground.target.write_storage(bytes(new))
    ground.target.power_on()
    ground.await_boot()
    ground.wait_value("storage.damaged", lambda count: count > before, ask=True)
    assert ground.number(LOSS_S) in (2000, 3000)
    assert ground.number("storage.refused") == 0
