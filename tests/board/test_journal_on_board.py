"""The journal on the board's own storage: records outlive a power cut, in a new process on the same file."""

from collections.abc import Callable
from pathlib import Path

from tests.board.conftest import Board

START = """
from flight.hal.board import BoardStorage
from flight.journal import Journal
journal = Journal(BoardStorage())
print(journal.mount())
buffer = bytearray(64)
"""


def started(board: Board, storage: Path) -> Board:
    board.boot(storage=storage)
    assert board.exec(START) == "0"
    return board


def test_records_outlive_a_power_cut(new_board: Callable[[], Board], tmp_path: Path) -> None:
    storage = tmp_path / "storage.bin"
    first = started(new_board(), storage)
    assert (
        first.exec("print(journal.put(1, bytearray(b'old'), 0, 3), journal.put(2, bytearray(b'gone'), 0, 4))") == "0 0"
    )
    assert first.exec("print(journal.put(1, bytearray(b'kept'), 0, 4), journal.delete(2))") == "0 0"
    first.target.stop()
    # SPEC 15: three records of 12 + 4 octets and a deletion of 12 behind the header of 12.
    content = storage.read_bytes()
    assert content[:8] == b"PLJ\x01\x00\x00\x00\x01"
    assert content[12:16] == b"\x01\xd0\x00\x03"
    assert content[60:64] == b"\x02\xde\x00\x00"
    assert content[72:].count(0xFF) == len(content) - 72
    second = started(new_board(), storage)
    assert second.exec("print(journal.get(1, buffer), bytes(buffer[:4]), journal.get(2, buffer))") == "4 b'kept' -1"
    assert second.exec("print(journal.compact(), journal.damaged, journal.failures)") == "0 0 0"
    assert storage.read_bytes()[0x20000:0x20008] == b"PLJ\x01\x00\x00\x00\x02"


def test_a_record_cut_in_the_file_gives_the_one_before(new_board: Callable[[], Board], tmp_path: Path) -> None:
    storage = tmp_path / "storage.bin"
    first = started(new_board(), storage)
    assert (
        first.exec("print(journal.put(1, bytearray(b'old'), 0, 3), journal.put(1, bytearray(b'new'), 0, 3))") == "0 0"
    )
    first.target.stop()
    content = bytearray(storage.read_bytes())
    content[42:44] = b"\xff\xff"
    storage.write_bytes(content)
    second = started(new_board(), storage)
    assert second.exec("print(journal.get(1, buffer), bytes(buffer[:3]), journal.damaged)") == "3 b'old' 1"
