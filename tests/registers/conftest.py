"""The drivers are built once for a run."""

from collections.abc import Iterator

import pytest

from tests.registers.hardware import Hardware, Plain

RCC, GPIO, GPIO_SIZE = 0x40023800, 0x40020000, 0x400


@pytest.fixture(scope="session")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> Hardware:
    return Hardware(tmp_path_factory.mktemp("drivers"))


@pytest.fixture
def hardware(drivers: Hardware) -> Iterator[Hardware]:
    """A part with its clock control and nothing else."""
    drivers.reset()
    drivers.attach(RCC, Plain())
    yield drivers
    drivers.reset()
