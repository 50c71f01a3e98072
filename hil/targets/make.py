"""From a bench to its target: the one place that knows all kinds."""

from __future__ import annotations

from pathlib import Path

from hil.bench import Bench
from hil.plant.attached import AttachedPlant
from hil.plant.plant import Plant

from .qemu_target import QemuTarget
from .renode_target import RenodeTarget
from .serial_target import SerialTarget
from .sitl_target import SitlTarget
from .target import Target

KINDS: dict[str, type[Target]] = {
    "sitl": SitlTarget,
    "qemu": QemuTarget,
    "renode": RenodeTarget,
    "serial": SerialTarget,
}


def make_target(bench: Bench, folder: Path) -> Target:
    """A target that is not booted yet. folder: its own, for what it keeps."""
    return KINDS[bench.target](bench, folder)


def make_plant(bench: Bench) -> AttachedPlant | None:
    """The plant of a bench, None where it has none."""
    data = bench.plant
    if data is None:
        return None
    plant = Plant(
        data.latitude_deg,
        data.local_time_h,
        declination_deg=data.declination_deg,
        payload=data.payload,
        seed=data.seed,
        step_s=data.step_s,
        start_soc=data.start_soc,
    )
    return AttachedPlant(plant, data.speed)
