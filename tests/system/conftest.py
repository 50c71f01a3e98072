"""A ground with a board to talk to, on `sitl` and on `qemu`: every test that asks for one runs on both."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.system.core_link import Ground
from tests.system.targets import QemuTarget, SitlTarget

TARGETS = ["sitl", pytest.param("qemu", marks=pytest.mark.board)]


@contextlib.contextmanager
def _powered(name: str, folders: pytest.TempPathFactory) -> Iterator[SitlTarget | QemuTarget]:
    target = SitlTarget() if name == "sitl" else QemuTarget(folders.mktemp("board"))
    try:
        yield target
    finally:
        target.stop()


def _boot(name: str, folders: pytest.TempPathFactory) -> Iterator[Ground]:
    with _powered(name, folders) as target:
        ground = Ground(target)
        ground.await_start()
        yield ground
        ground.receive()


@pytest.fixture(scope="module", params=TARGETS)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A board that the tests of a module share: each leaves it as it found it."""
    yield from _boot(request.param, tmp_path_factory)


@pytest.fixture(params=TARGETS)
def fresh_ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A board of the test's own, just started, nothing in its storage."""
    yield from _boot(request.param, tmp_path_factory)


@pytest.fixture(params=TARGETS)
def fresh_target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SitlTarget | QemuTarget]:
    """The same without a ground: octets up and down."""
    with _powered(request.param, tmp_path_factory) as target:
        yield target
