"""How hypothesis works in all tests.

No deadline for an example: time is not what these tests judge, and machines are shared. The daily run tries the same
examples every time, so that it fails by a change and not by chance; every other run looks for new ones.

Where the ground's tools keep their files in tests: in a folder that ends with the run.

And who runs what where there are several workers: tests that share a board or a flight of their module go to one, so
that it is made once; and what takes long begins first, so that no worker has it left at the end.

And what the thousands of collected tests cost: they are no garbage, so no collection looks at them again (in flights
of a test, that was a quarter of the processor's time).
"""

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests import ctrl_c

# Folders whose tests wait for boards or fly for long.
BEGIN_WITH = ("micropython", "system", "board", "plant")

_folders = tempfile.TemporaryDirectory(prefix="perilune-tests-")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile by what was asked for, and keep the ground's files out of the user's folders."""
    ctrl_c.heed()
    for name in ("RUNTIME", "STATE"):
        os.environ[f"PERILUNE_{name}_DIR"] = str(Path(_folders.name) / name.lower())
    settings.register_profile("same", deadline=None, derandomize=True)
    settings.register_profile("new", deadline=None)
    settings.load_profile("same" if config.getoption("markexpr") == "not long" else "new")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests with a limit of their own first, then those of BEGIN_WITH; one group for what is shared in a module."""
    usual_s = float(config.getini("timeout"))

    def place(item: pytest.Item) -> tuple[float, bool]:
        mark = item.get_closest_marker("timeout")
        limit_s = float(mark.args[0]) if mark is not None and mark.args else usual_s
        return -max(limit_s, usual_s), item.path.parent.name not in BEGIN_WITH

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("xdist_group") is None and (shared := _shared(item)):
            item.add_marker(pytest.mark.xdist_group(shared))


def pytest_collection_finish() -> None:
    """From now on the garbage collector does not look at what is there."""
    gc.collect()
    gc.freeze()


def _shared(item: pytest.Item) -> str:
    """The module, with the parameters of the fixtures that its tests share; "" where they share none."""
    if not isinstance(item, pytest.Function):
        return ""
    fixtures = item._fixtureinfo.name2fixturedefs
    names = sorted(name for name, found in fixtures.items() if found[-1].scope == "module")
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return " ".join([item.path.stem, *(str(parameters.get(name, name)) for name in names)]) if names else ""
