"""Words of the dictionary files and the numbers that flight code gives them (flight/tables.py)."""

from __future__ import annotations

from flight import tables

MODES = {
    "BOOT": tables.MODE_BOOT,
    "SAFE": tables.MODE_SAFE,
    "STANDBY": tables.MODE_STANDBY,
    "NOMINAL": tables.MODE_NOMINAL,
    "SCIENCE": tables.MODE_SCIENCE,
    "SURVIVAL": tables.MODE_SURVIVAL,
}
MODE_NAMES = tuple(MODES)
SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4}
SEVERITY_NAMES = {number: name for name, number in SEVERITIES.items()}
CHECKS = {"limit": tables.CHECK_LIMIT, "expected": tables.CHECK_EXPECTED, "delta": tables.CHECK_DELTA}
RELATIONS = {
    "equal": tables.RELATION_EQUAL,
    "not_equal": tables.RELATION_NOT_EQUAL,
    "below": tables.RELATION_BELOW,
    "above": tables.RELATION_ABOVE,
}
# The source identifier of requests that are stored on board; their reports go to the ground, which knows them by it.
ON_BOARD_SOURCE = 1


def mode_bits(names: tuple[str, ...]) -> int:
    """One bit for each mode."""
    return sum(1 << MODES[name] for name in names)
