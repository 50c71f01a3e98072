"""Sectors behind the journal: erase, program, read, and what survives. In QEMU they are a file on the host."""

from pathlib import Path

import pytest

from tests.board.conftest import EMULATOR, Board

SECTOR_SIZE = 128 * 1024
OK, ABSENT, RANGE, NOT_ERASED = 0, -1, -2, -3  # storage.h
KIND = {"renode": 1, "qemu": 2}[EMULATOR]  # board.storage_kind(): internal flash, file of the host


def status(dev: Board, expression: str) -> int:
    return int(dev.exec(f"import board; print(board.storage_{expression})"))


def read(dev: Board, offset: int, size: int) -> bytes:
    data: bytes = eval(
        dev.exec(f"import board\nb = bytearray({size})\nprint(board.storage_read({offset}, b), bytes(b))").split(
            " ", 1
        )[1]
    )
    return data


def test_new_storage_is_erased_and_has_the_sectors_of_the_board(dev: Board) -> None:
    assert dev.exec(
        "import board; print(board.storage_kind(), board.storage_sectors(), board.STORAGE_SECTOR_SIZE)"
    ) == (f"{KIND} 2 {SECTOR_SIZE}")
    assert read(dev, SECTOR_SIZE - 8, 16) == b"\xff" * 16


@pytest.mark.qemu("storage is a file of the host")
def test_new_file_has_the_size_of_the_storage_and_is_erased(dev: Board, tmp_path: Path) -> None:
    assert (tmp_path / "storage.bin").read_bytes() == b"\xff" * 2 * SECTOR_SIZE


def test_programmed_bytes_are_read_back(dev: Board) -> None:
    assert status(dev, "program(1000, b'perilune')") == OK
    assert read(dev, 998, 12) == b"\xff\xffperilune\xff\xff"


@pytest.mark.qemu("storage is a file of the host")
def test_programmed_bytes_lie_in_the_file(dev: Board, tmp_path: Path) -> None:
    assert status(dev, "program(1000, b'perilune')") == OK
    assert (tmp_path / "storage.bin").read_bytes()[998:1010] == b"\xff\xffperilune\xff\xff"


def test_part_of_a_buffer_is_programmed_and_read(dev: Board) -> None:
    assert status(dev, "program(0, b'0123456789', 2, 5)") == OK
    assert (
        dev.exec("b = bytearray(b'abcdefgh')\nprint(board.storage_read(0, b, 1, 5), b)")
        == "0 bytearray(b'a234\\xfffgh')"
    )


def test_only_erased_bytes_are_programmed(dev: Board) -> None:
    assert status(dev, "program(64, b'one')") == OK
    assert status(dev, "program(66, b'two')") == NOT_ERASED
    assert read(dev, 64, 5) == b"one\xff\xff"


def test_erase_touches_one_sector(dev: Board) -> None:
    assert status(dev, f"program({SECTOR_SIZE - 2}, b'abcd')") == OK
    assert status(dev, "erase(1)") == OK
    assert read(dev, SECTOR_SIZE - 2, 4) == b"ab\xff\xff"
    assert status(dev, "erase(0)") == OK
    assert read(dev, SECTOR_SIZE - 2, 4) == b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    "call",
    [
        f"read({2 * SECTOR_SIZE - 3}, bytearray(4))",
        f"read({2 * SECTOR_SIZE + 1}, bytearray(0))",
        "read(-1, bytearray(4))",
        "read(0x3fffffff, bytearray(4))",
        "read(0, bytearray(4), 3, 2)",
        "read(0, bytearray(4), 0, 5)",
        "read(0, bytearray(4), -1, 2)",
        f"program({2 * SECTOR_SIZE - 3}, b'1234')",
        "program(-1, b'1234')",
        "erase(2)",
        "erase(-1)",
    ],
)
def test_what_lies_outside_is_refused(dev: Board, call: str) -> None:
    assert status(dev, call) == RANGE


def test_first_and_last_byte_can_be_used(dev: Board) -> None:
    assert status(dev, "program(0, b'F')") == OK
    assert status(dev, f"program({2 * SECTOR_SIZE - 1}, b'L')") == OK
    assert read(dev, 0, 1) + read(dev, 2 * SECTOR_SIZE - 1, 1) == b"FL"


def test_content_survives_reset_and_power_cut(dev: Board) -> None:
    assert status(dev, "program(16, b'kept')") == OK
    dev.reset()
    assert read(dev, 16, 4) == b"kept"
    dev.exec_until_reset("import board\nboard.provoke(4)")
    assert read(dev, 16, 4) == b"kept"
    dev.power_cut()
    assert read(dev, 16, 4) == b"kept"


@pytest.mark.qemu("storage is a file of the host")
def test_many_resets_leave_storage_usable(dev: Board) -> None:
    """A reset does not close the host's file; the next boot does, or the host runs out of handles."""
    for _ in range(20):
        dev.reset()
    assert status(dev, "program(0, b'x')") == OK
    files = [link.readlink() for link in Path(f"/proc/{dev.target.pid}/fd").iterdir()]
    assert sum(file.name == "storage.bin" for file in files) == 1


@pytest.mark.qemu("storage is a file of the host")
def test_shorter_file_grows_to_the_size_of_the_storage(board: Board, tmp_path: Path) -> None:
    path = tmp_path / "storage.bin"
    path.write_bytes(b"short")
    board.boot(storage=path)
    assert read(board, 0, 8) == b"short\xff\xff\xff"
    assert path.stat().st_size == 2 * SECTOR_SIZE


@pytest.mark.qemu("storage is a file of the host")
def test_path_with_comma_and_space_names_the_file(board: Board, tmp_path: Path) -> None:
    path = tmp_path / "a, b.bin"
    board.boot(storage=path)
    assert path.stat().st_size == 2 * SECTOR_SIZE
