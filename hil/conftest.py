"""Tests below this folder run on boards: the plugin gives them."""

from hil.plugin import (
    breakages,
    dictionaries,
    faults,
    ground,
    hil_state,
    make_target,
    new_ground,
    plant,
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_generate_tests,
    pytest_runtest_makereport,
    target,
)

__all__ = [
    "breakages",
    "dictionaries",
    "faults",
    "ground",
    "hil_state",
    "make_target",
    "new_ground",
    "plant",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_runtest_makereport",
    "target",
]
