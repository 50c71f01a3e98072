"""The octets of tests/vectors/wire.py on the emulated board: its C codec, and the Python twin."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.board.conftest import ROOT, Board
from tests.board.upload import upload
from tests.vectors import checks, wire

TABLES: list[tuple[str, list[Any]]] = [
    ("crc", wire.CRC),
    ("crc16_block", wire.CRC16_BLOCKS),
    ("modbus_block", wire.MODBUS_BLOCKS),
    ("sha256", wire.SHA256),
    ("hmac", wire.HMAC),
    ("randomiser", wire.RANDOMISERS),
    ("bch", wire.BCH),
    ("bch_two_wrong", wire.BCH[:1]),
    ("tail", [wire.TAIL]),
    ("cltu", wire.CLTUS),
    ("cltu_stream", wire.CLTU_STREAMS),
    ("tm_stream", wire.TM_STREAMS),
    ("structure", wire.STRUCTURES),
    ("clamped", wire.CLAMPED),
    ("refused", wire.REFUSED),
]
ROWS = sum(len(rows) for _, rows in TABLES)


TWIN = ROOT / "firmware/flight/codec/twin.py"


@pytest.mark.parametrize(("module", "backend"), [("perilune_codec", "c"), ("twin", "twin")])
def test_board_agrees_with_every_vector(dev: Board, module: str, backend: str, tmp_path: Path) -> None:
    if backend == "twin":
        # Alone on the board, outside of its package.
        alone = tmp_path / "twin.py"
        alone.write_text(
            TWIN.read_text(encoding="utf-8").replace("from ..errors", "from flight.errors"), encoding="utf-8"
        )
        upload(dev, "twin", alone)
    dev.exec(inspect.getsource(checks))
    assert dev.exec(f"import {module} as codec\nprint(codec.BACKEND)") == backend
    done = 0
    for check, rows in TABLES:
        for row in rows:
            assert dev.exec(f"{check}(codec, {row!r})\nprint('same')", timeout_s=60) == "same"
            done += 1
    assert done == ROWS
