"""Plants for the tests of this folder."""

import json
from collections.abc import Callable

import pytest

from hil.plant import Plant
from hil.plant.master import Master


@pytest.fixture
def make_plant() -> Callable[..., Plant]:
    """Makes a plant on the equator in the morning; arguments as of Plant."""

    def make(latitude_deg: float = 0.0, local_time_h: float = 8.0, **arguments: object) -> Plant:
        return Plant(latitude_deg, local_time_h, **arguments)  # type: ignore[arg-type]

    return make


@pytest.fixture
def plant(make_plant: Callable[..., Plant]) -> Plant:
    """A plant on the equator in the morning."""
    return make_plant()


@pytest.fixture
def night(make_plant: Callable[..., Plant]) -> Plant:
    """A plant on the equator after sunset, heaters armed and supplied."""
    plant = make_plant(local_time_h=19.0)
    switch_on(plant, "heater_supply")
    thermal(plant).write("heater_enable", [1] * 8)
    plant.advance(60.0)
    return plant


def power(plant: Plant) -> Master:
    """A master for the power unit."""
    return Master(plant.bus.transact, plant.power_map)


def thermal(plant: Plant) -> Master:
    """A master for the thermal unit."""
    return Master(plant.bus.transact, plant.thermal_map)


def switch_on(plant: Plant, *names: str) -> None:
    """Command these loads on and all others off."""
    power(plant).write("load_command", [load.name in names for load in plant.power_map.loads])


def state_text(plant: Plant) -> str:
    """The state as JSON: equal texts are equal states, bit for bit."""
    return json.dumps(plant.save())
