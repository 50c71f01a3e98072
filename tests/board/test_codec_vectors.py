"""The octets of tests/vectors/wire.py on the emulated board: its C codec, and the Python twin."""

import inspect
from typing import Any

import pytest

from tests.board.conftest import Board
from tests.board.upload import upload_twin
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


@pytest.mark.parametrize(("module", "backend"), [("perilune_codec", "c"), ("twin", "twin")])
def test_board_agrees_with_every_vector(dev: Board, module: str, backend: str) -> None:
    if backend == "twin":
        upload_twin(dev)
    dev.exec(inspect.getsource(checks))
    assert dev.exec(f"import {module} as codec\nprint(codec.BACKEND)") == backend
    done = 0
    for check, rows in TABLES:
        for row in rows:
            assert dev.exec(f"{check}(codec, {row!r})\nprint('same')", timeout_s=60) == "same"
            done += 1
    assert done == ROWS
