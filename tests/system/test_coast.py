"""What the closed loop leaves out of virtual time: nobody can tell the difference but the clock on the wall."""

from __future__ import annotations

from typing import Any

import pytest
from flight.tables import ALL_MODES

from hil.closed_loop import ClosedLoop
from hil.coast import Coast
from hil.lunation import commission
from hil.plant.plant import Plant
from hil.seconds import second_idlers

HOUR_S = 3600.0
FAULTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "silent": [{"name": "slave_silent", "unit": "power_unit", "duration_s": 300.0}],
    "late": [{"name": "reply_late", "unit": "thermal_unit", "delay_s": 0.4, "share": 0.5}],
    "extended": [
        {"name": "reply_corrupted", "unit": unit, "how": "extend", "share": 0.4}
        for unit in ("power_unit", "thermal_unit")
    ],
}
# Seconds without a telecommand until SAFE; 0: any number. The board looks at them in a second that has nothing else.
LOSS_S = {"none": 606, "silent": 0, "late": 603, "extended": 0}


class Stranger:
    """A task of the 1 Hz group that nobody knows."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self) -> None:
        self.steps += 1


def fly(local_time_h: float, fault: str, **options: Any) -> tuple[ClosedLoop, bytes, list[list[float]]]:
    """Half an hour, with a fault in its middle; the loop, what came down, and the values on board at odd times."""
    loop = ClosedLoop(Plant(local_time_h=local_time_h), **options)
    heard = []
    receive = loop.board.receive

    def hear() -> bytes:
        heard.append(receive())
        return heard[-1]

    loop.board.receive = hear  # type: ignore[method-assign]
    commission(loop)
    assert not loop.set_parameter("modes.command_loss_s", LOSS_S[fault])
    loop.run(0.11 * HOUR_S)
    for arguments in FAULTS[fault]:
        loop.plant.faults.inject(**arguments)
    values = []
    for seconds in (200.05, 0.4, 0.37, 900.0, *(3.73,) * 30):
        loop.run(seconds)
        values.append(list(loop.board.core.values))
    return loop, b"".join(heard), values


def found(loop: ClosedLoop) -> dict[str, Any]:
    """All that can be told of a loop at its end."""
    core = loop.board.core
    return {
        "values": list(core.values),
        "events": loop.events,
        "modes": loop.modes,
        "plant": loop.plant.save(),
        "cycles": core.executive.cycles,
        "clock": (loop.board.clock.ticks_us(), loop.now_s),
        "kept": bytes(loop.board.storage.content),
        "counts": core.tm._writer._sequence_counts.next(0x64),
        "compared": core.parameters._next,
    }


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("local_time_h", [9.0, 20.0])
def test_what_is_left_out_changes_no_octet_and_no_value(local_time_h: float, fault: str) -> None:
    all_done, all_octets, all_values = fly(local_time_h, fault, listen=True, leave_out=False)
    left_out, octets, values = fly(local_time_h, fault, listen=True)
    assert len(octets) > 100_000
    assert octets == all_octets
    assert values == all_values
    assert found(left_out) == found(all_done)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("local_time_h", [9.0, 20.0])
def test_a_downlink_that_nobody_hears_changes_no_value(local_time_h: float, fault: str) -> None:
    heard, octets, values_heard = fly(local_time_h, fault, listen=True)
    unheard, unwritten, values = fly(local_time_h, fault)
    assert len(unwritten) == len(octets)
    assert values == values_heard
    assert found(unheard) == found(heard)


def test_most_seconds_cost_no_turn() -> None:
    loop = ClosedLoop(Plant(local_time_h=9.0))
    commission(loop)
    executive = loop.board.core.executive
    turn, turns = executive.turn, 0

    def count() -> int:
        nonlocal turns
        turns += 1
        return int(turn())

    executive.turn = count  # type: ignore[method-assign]
    loop.run(HOUR_S)
    assert turns < 1.3 * HOUR_S


def test_a_second_is_run_for_a_task_that_tells_nothing_of_itself() -> None:
    loop = ClosedLoop(Plant(local_time_h=9.0))
    core = loop.board.core
    assert second_idlers(core)
    stranger = Stranger()
    core.executive.groups[1].add(stranger.step, ALL_MODES)
    assert second_idlers(core) is None
    loop.board._coast = Coast(core, loop.board.clock, written=False)
    loop.run(100.0)
    assert stranger.steps == 100


def test_the_start_after_a_restart_is_left_out_of_as_the_first() -> None:
    ends = []
    for leave_out in (False, True):
        loop, _, _ = fly(9.0, "none", listen=True, leave_out=leave_out)
        loop.restart()
        loop.run(600.0)
        ends.append((found(loop), len(loop.reports)))
    assert ends[0] == ends[1]
