"""What the closed loop leaves out of virtual time: nobody can tell the difference but the clock on the wall."""

from __future__ import annotations

from typing import Any

import pytest

from hil.closed_loop import ClosedLoop
from hil.lunation import commission
from hil.plant.plant import Plant

HOUR_S = 3600.0
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "silent": {"name": "slave_silent", "unit": "power_unit"},
    "late": {"name": "reply_late", "unit": "thermal_unit", "delay_s": 0.4, "share": 0.5},
}


def fly(local_time_h: float, fault: str, **options: bool) -> tuple[ClosedLoop, bytes]:
    """Half an hour, with a fault in its middle; the loop and what came down."""
    loop = ClosedLoop(Plant(local_time_h=local_time_h), **options)
    heard = []
    receive = loop.board.receive

    def hear() -> bytes:
        heard.append(receive())
        return heard[-1]

    loop.board.receive = hear  # type: ignore[method-assign]
    commission(loop)
    loop.run(0.11 * HOUR_S)
    if FAULTS[fault]:
        loop.plant.faults.inject(**FAULTS[fault], duration_s=300.0)
    for seconds in (200.05, 0.4, 0.37, 900.0):
        loop.run(seconds)
    return loop, b"".join(heard)


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
    }


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("local_time_h", [9.0, 20.0])
def test_what_is_left_out_changes_no_octet_and_no_value(local_time_h: float, fault: str) -> None:
    all_done, all_octets = fly(local_time_h, fault, listen=True, leave_out=False)
    left_out, octets = fly(local_time_h, fault, listen=True)
    assert len(octets) > 100_000
    assert octets == all_octets
    assert found(left_out) == found(all_done)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("local_time_h", [9.0, 20.0])
def test_a_downlink_that_nobody_hears_changes_no_value(local_time_h: float, fault: str) -> None:
    heard, octets = fly(local_time_h, fault, listen=True)
    unheard, unwritten = fly(local_time_h, fault)
    assert len(unwritten) == len(octets)
    assert found(unheard) == found(heard)


def test_a_quiet_second_costs_less_than_two_turns() -> None:
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
    assert turns < 2 * HOUR_S


def test_the_start_after_a_restart_is_left_out_of_as_the_first() -> None:
    ends = []
    for leave_out in (False, True):
        loop, _ = fly(9.0, "none", listen=True, leave_out=leave_out)
        loop.restart()
        loop.run(600.0)
        ends.append((found(loop), len(loop.reports)))
    assert ends[0] == ends[1]
