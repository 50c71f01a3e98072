"""Power and heat, from the payload's units or the simulated Moon on the payload bus."""

import pytest
from hil.ground import Ground
from hil.plant.attached import AttachedPlant

pytestmark = pytest.mark.needs("bus")


def test_a_load_is_switched_on(ground: Ground, plant: AttachedPlant) -> None:
    ground.set({"device.period_s": 1})  # the units are read each second, not each minute
    ground.wait_value("device.power_link_ok", 1, timeout_s=30, ask=True)
    ground.do("modes.change", mode="STANDBY")
    ground.do("power.load_on", load="INSTRUMENT")
    ground.wait_value("power.instrument_a", lambda amperes: amperes > 0.1, timeout_s=60, ask=True)
    assert plant.truth()["load_instrument_w"] > 3.0
