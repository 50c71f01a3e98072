"""How hypothesis works in all tests.

No deadline for an example: time is not what these tests judge, and machines are shared. The daily run tries the same
examples every time, so that it fails by a change and not by chance; every other run looks for new ones.
"""

import pytest
from hypothesis import settings


def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile by what was asked for."""
    settings.register_profile("same", deadline=None, derandomize=True)
    settings.register_profile("new", deadline=None)
    settings.load_profile("same" if config.getoption("markexpr") == "not long" else "new")
