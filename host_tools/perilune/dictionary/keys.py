"""Keys of the uplink authentication for the board: from a key file (link/keys.py), or the bench's own."""

from __future__ import annotations

from pathlib import Path

from ..link.keys import read_key_file

# Known to everybody, so they protect nothing: for benches and tests. A mission gives its own file.
BENCH_KEYS = (bytes(range(32)), bytes(range(32, 64)))


def read_keys(path: Path | None) -> tuple[bytes, bytes]:
    """The keys of AD and of BD frames; without a file those of the bench. Raises KeyFileError."""
    return BENCH_KEYS if path is None else read_key_file(path)
