"""Keys of the uplink authentication for the board: from a key file (as link/keys.py has it), or the bench's own."""

from __future__ import annotations

import tomllib
from pathlib import Path

# Known to everybody, so they protect nothing: for benches and tests. A mission gives its own file.
BENCH_KEYS = (bytes(range(32)), bytes(range(32, 64)))


def read_keys(path: Path | None) -> tuple[bytes, bytes]:
    """The keys of AD and of BD frames. Raises KeyError, ValueError or OSError for a file that has none."""
    if path is None:
        return BENCH_KEYS
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return bytes.fromhex(table["ad"]), bytes.fromhex(table["bd"])
