"""An hour around sunset on the emulated board, the plant sixty times faster, the feed lost in it; and on `sitl`.

The apps reckon with the payload's time (device.time_scale), everything else with the board's: a delay of a sequence or
the period of housekeeping takes sixty times as long for the payload.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE
from perilune.telemetry.reports import EventReport

from hil.bench import PlantData, load_bench
from hil.closed_loop import PAYLOAD
from hil.ground import Ground, plain
from hil.plant.sun import SYNODIC_DAY_S
from hil.targets.make import make_plant, make_target

SPEED = 60.0
# Plant times. Until the first the board is set up, which takes an emulator longer; the hour is from there to the end.
FIRST_S = 1000.0
SUNSET_S = FIRST_S + 1800.0
END_S = FIRST_S + 3600.0
FEED_LOST_S = SUNSET_S - 300.0
DUSK_S = 900  # before sunset
# When each is due. A phase is looked for every ten seconds of the board, and a report waits for its frame.
DUE_S = {
    "night.dusk_began NOMINAL": SUNSET_S - DUSK_S,
    "power.feed_lost STANDBY": FEED_LOST_S,
    "night.night_began STANDBY": SUNSET_S,
}
LOOK_S = 10.0 * SPEED
REPORT_S = 2.0 * SPEED
# Two boards that look every ten seconds, begun at different times, see a thing at most so far apart.
TOLERANCE_S = LOOK_S
SOC_LOW = 0.10


class History(NamedTuple):
    """Modes and events in their order, with the plant time at which each was told."""

    modes: list[object]
    events: list[str]
    times_s: dict[str, float]


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load([CORE, PAYLOAD])


def fly(kind: str, dictionary: Dictionary, folder: Path) -> History:
    data = PlantData(local_time_h=18.0 - 24.0 * SUNSET_S / SYNODIC_DAY_S, step_s=10.0, start_soc=0.9, speed=SPEED)
    bench = msgspec.structs.replace(load_bench(kind), plant=data)
    plant = make_plant(bench)
    assert plant is not None
    target = make_target(bench, folder)
    target.attach(plant)
    try:
        target.boot()
        ground = Ground(target, dictionary)
        ground.await_boot()
        plant.call(lambda moon: moon.faults.inject("feed_lost", FEED_LOST_S))
        ground.set({"device.time_scale": int(SPEED), "device.period_s": 1, "device.stale_s": 30})
        # Its own readings are ten minutes apart.
        ground.set({"thermal.silent_s": 3600, "night.dusk_s": DUSK_S})
        hour_angle = (plant.truth()["local_time_h"] - 12.0) * 15.0
        ground.do("night.set_solar_time", epoch_s=0, hour_angle_deg=hour_angle)
        for mode in ("STANDBY", "NOMINAL"):
            ground.do("modes.change", mode=mode)
        begin_s = target.now_s() - plant.truth()["time_s"] / SPEED
        ground.run_for((END_S - plant.truth()["time_s"]) / SPEED)
        # Over the whole run, every step of it.
        assert plant.call(lambda moon: moon.limit_violations()) == []
        assert plant.call(lambda moon: moon.battery.cold_charge_ah) == 0.0
        assert plant.call(lambda moon: moon.extremes.soc_low) >= SOC_LOW
        overruns = [ground.number(f"core.overruns_{group}") for group in ("10hz", "1hz", "01hz")]
        assert overruns == [0.0, 0.0, 0.0]
        assert not any(ground.lost.values())
    finally:
        target.stop()
    modes, events, times_s = [], [], {}
    for report, told_s in zip(ground.reports, ground.times_s, strict=True):
        if isinstance(report, EventReport):
            time_s = (told_s - begin_s) * SPEED
            if report.name == "modes.changed":
                modes.append(plain(report.fields["after"]))
            elif time_s >= FIRST_S:
                events.append(report.name)
            if time_s >= FIRST_S:
                times_s[f"{report.name} {modes[-1]}"] = time_s
    return History(modes, events, times_s)


@pytest.mark.board
@pytest.mark.long  # a minute of the emulator's time
@pytest.mark.timeout(300)
def test_an_hour_around_sunset_is_the_same_on_the_board_and_on_sitl(dictionary: Dictionary, tmp_path: Path) -> None:
    histories = {}
    for kind in ("sitl", "qemu"):
        (tmp_path / kind).mkdir()
        histories[kind] = fly(kind, dictionary, tmp_path / kind)
    here, there = histories["sitl"], histories["qemu"]
    assert here.modes[-4:] == ["STANDBY", "NOMINAL", "STANDBY", "SURVIVAL"]
    assert [name for name in here.events if name.startswith(("power", "night"))] == [
        "night.dusk_began",
        "power.feed_lost",
        "night.night_began",
    ]
    for history in (here, there):
        after = {name: history.times_s[name] - due_s for name, due_s in DUE_S.items()}
        assert {name: by for name, by in after.items() if not -REPORT_S < by < LOOK_S + REPORT_S} == {}
    assert there.modes == here.modes
    assert there.events == here.events
    assert set(there.times_s) == set(here.times_s)
    late = {name: there.times_s[name] - time_s for name, time_s in here.times_s.items()}
    assert {name: by for name, by in late.items() if abs(by) > TOLERANCE_S} == {}
