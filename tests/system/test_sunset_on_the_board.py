"""An hour around sunset on the emulated board, the plant sixty times faster, the feed lost before it; and on `sitl`.

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
SUNSET_S = 2400.0  # plant time
FEED_LOST_S = 1200.0
DUSK_S = 900  # before sunset
# Until then the board is set up, which takes an emulator longer.
FIRST_S = 1000.0
END_S = 4200.0
# A report waits for its frame and the emulator for its turn; a phase is looked for every ten seconds of the board.
TOLERANCE_S = 20.0 * SPEED


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
        assert plant.truth()["battery_c"] > -15.0
        assert plant.truth()["soc"] > 0.85
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
        "power.feed_lost",
        "night.dusk_began",
        "night.night_began",
    ]
    assert there.modes == here.modes
    assert there.events == here.events
    assert set(there.times_s) == set(here.times_s)
    late = {name: there.times_s[name] - time_s for name, time_s in here.times_s.items()}
    assert {name: by for name, by in late.items() if abs(by) > TOLERANCE_S} == {}
