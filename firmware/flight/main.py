"""Start of the flight program on the board. The mission's modules are frozen beside it.

What lives here: the order of the start. What does not: wiring (topology.py).
"""

import gc
import sys

import mission_apps
import mission_ids
import mission_keys
import mission_tables

from .hal.board import BoardHal
from .topology import build


def main() -> None:
    """Build the board and run it; returns only after a commanded restart that did not happen."""
    global mission_ids  # noqa: PLW0603 - it has to go
    core = build(mission_tables, mission_ids, BoardHal(), mission_keys.KEYS, mission_apps.APPS, mission_apps.DRIVERS)
    # Names are for the start alone; their module is as large as a small app.
    core.ids = None
    del mission_ids
    del sys.modules["mission_ids"]
    gc.collect()
    # From here on nothing allocates; a collection by accident would stop everything for milliseconds.
    gc.disable()
    core.run()
