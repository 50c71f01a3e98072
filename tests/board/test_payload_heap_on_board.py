"""The reference payload allocates nothing on the emulated board: its heap is locked from the first second on.

The whole board, no double: both UARTs, the journal in flash, the uplink with its keys, the plant at sixty times on the
payload bus through dusk and the loss of the feed. An allocation anywhere ends the program with MemoryError.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from perilune.dictionary import load
from perilune.dictionary.load import CORE
from perilune.telemetry.reports import EventReport

from hil.bench import PlantData, load_bench
from hil.closed_loop import PAYLOAD
from hil.ground import Ground, plain
from hil.plant.sun import SYNODIC_DAY_S
from hil.targets.errors import DeadlinePassed
from hil.targets.make import make_plant, make_target
from hil.targets.qemu_target import QemuTarget
from hil.targets.raw_repl import RawRepl

ELF = Path(__file__).resolve().parents[2] / "build/netduinoplus2-payload-dev/firmware.elf"
SPEED = 60.0
SUNSET_S = 1800.0  # plant time
DUSK_S = 1500  # before sunset
FEED_LOST_S = 600.0
LOCKED_S = 50  # the phase of the day is looked at every ten seconds, and commanding takes some on a busy machine
END_S = 30.0

# flight/main.py, which locks the heap behind its start and lets it run for so long.
PROGRAM = """
import gc
from micropython import heap_lock, heap_unlock
from time import ticks_diff, ticks_ms
import mission_apps, mission_ids, mission_keys, mission_tables
from flight.hal.board import BoardHal
from flight.topology import build

core = build(mission_tables, mission_ids, BoardHal(), mission_keys.KEYS, mission_apps.APPS, mission_apps.DRIVERS)

def fly(seconds):
    core.start()
    gc.collect()
    executive = core.executive
    clock = core.hal.clock
    begin_ms = ticks_ms()
    heap_lock()
    try:
        while ticks_diff(ticks_ms(), begin_ms) < 1000 * seconds:
            clock.wait(executive.turn())
    finally:
        heap_unlock()

fly({seconds})
print("locked to the end, drops:", core.drops.total)
"""


@pytest.mark.board
@pytest.mark.timeout(120)
def test_dusk_with_the_heap_locked(tmp_path: Path) -> None:
    if not ELF.is_file():
        pytest.fail(f"{ELF} is not built: make test-images", pytrace=False)
    data = PlantData(local_time_h=18.0 - 24.0 * SUNSET_S / SYNODIC_DAY_S, step_s=10.0, start_soc=0.9, speed=SPEED)
    bench = msgspec.structs.replace(load_bench("qemu"), image=str(ELF), plant=data)
    plant = make_plant(bench)
    target = make_target(bench, tmp_path)
    assert plant is not None and isinstance(target, QemuTarget)
    target.attach(plant)
    try:
        target.boot()
        repl = RawRepl(target.console)
        target.console.read_until(b">>> ")
        repl.enter()
        repl.start(PROGRAM.format(seconds=LOCKED_S))
        ground = Ground(target, load([CORE, PAYLOAD]))
        ground.await_boot()
        plant.call(lambda moon: moon.faults.inject("feed_lost", FEED_LOST_S))
        ground.set({"device.time_scale": int(SPEED), "device.period_s": 1, "device.stale_s": 30})
        ground.set({"thermal.silent_s": 3600, "night.dusk_s": DUSK_S})
        hour_angle = (plant.truth()["local_time_h"] - 12.0) * 15.0
        ground.do("night.set_solar_time", epoch_s=0, hour_angle_deg=hour_angle)
        for mode in ("STANDBY", "NOMINAL"):
            ground.do("modes.change", mode=mode)
        ground.do("power.load_on", load="INSTRUMENT")
        ground.do("thermal.set_setpoint", zone="BATTERY", celsius=8.0)
        ground.do("core.ping")
        ground.refused("sequence.activate", sequence=999)
        ground.run_for(LOCKED_S)
        printed = repl.finish(END_S)
    except DeadlinePassed:
        repl.finish(END_S)  # raises what ended the program
        raise
    finally:
        target.stop()
    assert printed == "locked to the end, drops: 0\n"
    events = [report for report in ground.reports if isinstance(report, EventReport)]
    assert {"power.feed_lost", "night.dusk_began", "night.night_began"} <= {event.name for event in events}
    assert [plain(event.fields["after"]) for event in events if event.name == "modes.changed"][-1] == "SURVIVAL"
    assert not any(ground.lost.values())
