"""How hypothesis works in all tests.

No deadline for an example: time is not what these tests judge, and machines are shared. The daily run tries the same
examples every time, so that it fails by a change and not by chance; every other run looks for new ones.

And where the ground's tools keep their files in tests: in a folder that ends with the run.
"""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

_folders = tempfile.TemporaryDirectory(prefix="perilune-tests-")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile by what was asked for, and keep the ground's files out of the user's folders."""
    for name in ("RUNTIME", "STATE"):
        os.environ[f"PERILUNE_{name}_DIR"] = str(Path(_folders.name) / name.lower())
    settings.register_profile("same", deadline=None, derandomize=True)
    settings.register_profile("new", deadline=None)
    settings.load_profile("same" if config.getoption("markexpr") == "not long" else "new")
