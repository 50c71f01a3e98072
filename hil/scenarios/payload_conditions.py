"""What scenarios with the plant have in common: units that are read each second, times of detection made short.

The times are parameters of the mission; a scenario that waits for minutes shows no more than one that waits for
seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from hil.ground import Ground

READ_S = 30.0  # a unit that is read each second has long been read

QUICK = {
    "device.period_s": 1,
    "device.stale_s": 5,
    "power.retry_s": 5,
    "thermal.settle_s": 10,
    "thermal.fault_s": 10,
    "thermal.reject_s": 10,
    "thermal.silent_s": 20,
    "thermal.min_on_s": 10,
    "thermal.min_off_s": 10,
}


def quicken(ground: Ground) -> None:
    """Find faults within seconds, and wait until both units were read."""
    ground.set(QUICK)
    for unit in ("power", "thermal"):
        ground.wait_value(f"device.{unit}_link_ok", 1, READ_S, ask=True)
    ground.wait_value("power.bus_v", lambda volts: volts > 20, READ_S, ask=True)


def near(value: float, slack: float) -> Callable[[float], bool]:
    """Is a number so close to *value*?"""
    return lambda found: abs(found - value) <= slack
