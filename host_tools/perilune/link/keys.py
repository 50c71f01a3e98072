"""Keys and sequence numbers of the uplink authentication, as files: firmware/SPEC.md section 6.

The key file is TOML with the two keys in hexadecimal, at least 16 octets each:

    ad = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    bd = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

Beside it, in `<name>.numbers.json`, stands the highest number that was ever handed out for each association, or one
ahead of it: the file is written before the numbers are used, a block at a time. Beside each stands how often
NUMBERS_AHEAD numbers were left out since the board last accepted something: a board takes no number more than
SDLS_WINDOW ahead, so what is left out for nothing must have an end.
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from pathlib import Path

import msgspec
from flight.limits import NUMBERS_AHEAD, SDLS_SPI_AD, SDLS_SPI_BD, SDLS_WINDOW

from ..errors import KeyFileError
from .uplink import Authenticator

KEY_MIN_LENGTH = 16
# Numbers reserved with one write of the file. A crash skips the rest of a block, and the board accepts a step of at
# most SDLS_WINDOW; so a block is a small part of it.
BLOCK = SDLS_WINDOW // 100
# Skips without anything accepted between them: a board that restarts and accepts nothing is not further ahead for it,
# so one would do if every number handed out were lost; four cost a quarter of SDLS_WINDOW.
SKIPS_MAX = 4
# What a user may add for a board that is ahead: it is where our last number was at least, so half of what it takes is
# never too much, whatever was reserved or left out meanwhile.
CATCH_UP = SDLS_WINDOW // 2
MAX_NUMBER = (1 << 32) - 1
_SKIPS = " skips"


class NumberFile:
    """Sequence numbers that survive the program. One program at a time uses the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reserved: dict[str, int] = {}
        if path.exists():
            try:
                self._reserved = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
            except (msgspec.DecodeError, OSError) as error:
                raise KeyFileError(
                    f"cannot read the sequence numbers in {path}",
                    expected="a JSON object of numbers",
                    found=str(error),
                    next_step="restore the file; without it the board refuses every frame as a replay",
                ) from error
        self._next = {key: number + 1 for key, number in self._reserved.items() if not key.endswith(_SKIPS)}
        self._to_skip: set[str] = set()

    def take(self, spi: int) -> int:
        """The next number of this association, 1 to 2^32 - 1. Raises KeyFileError: what cannot be noted is none."""
        key = str(spi)
        skips = self._reserved.get(key + _SKIPS, 0)
        is_skip = key in self._to_skip and skips < SKIPS_MAX
        number = self._next.get(key, 1) + (NUMBERS_AHEAD if is_skip else 0)
        if number > MAX_NUMBER:
            raise KeyFileError(
                f"the sequence numbers of association {spi} are used up", next_step="give board and ground new keys"
            )
        if is_skip or number > self._reserved.get(key, 0):
            noted = {key: max(self._reserved.get(key, 0), min(number + BLOCK - 1, MAX_NUMBER))}
            try:
                self._write({**self._reserved, **noted, **({key + _SKIPS: skips + 1} if is_skip else {})})
            except OSError as error:
                raise KeyFileError(
                    f"cannot note the sequence numbers in {self._path}",
                    found=str(error),
                    next_step="make room for the file, then command again",
                ) from error
        self._to_skip.discard(key)
        self._next[key] = number + 1
        return number

    def skip(self) -> None:
        """Leave out NUMBERS_AHEAD numbers of each association before its next one: the board may have restarted.

        Repeated skips of numbers that nobody takes are one. After SKIPS_MAX without `confirm` there are no more.
        """
        self._to_skip = {str(SDLS_SPI_AD), str(SDLS_SPI_BD)}

    def confirm(self) -> None:
        """The board has accepted a number taken after the last skip. What cannot be noted now is at the next call."""
        kept = {key: number for key, number in self._reserved.items() if not key.endswith(_SKIPS)}
        if len(kept) < len(self._reserved):
            with contextlib.suppress(OSError):
                self._write(kept)

    def _write(self, reserved: dict[str, int]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(reserved))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self._reserved = reserved


class VolatileNumbers:
    """Sequence numbers from 1, for a board that is made and ends with this program."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._ahead: dict[int, int] = {}

    def take(self, spi: int) -> int:
        """The next number of this association."""
        self._last[spi] = self._last.get(spi, 0) + self._ahead.pop(spi, 0) + 1
        return self._last[spi]

    def skip(self) -> None:
        """Leave out NUMBERS_AHEAD numbers: the board may have restarted."""
        self._ahead = {SDLS_SPI_AD: NUMBERS_AHEAD, SDLS_SPI_BD: NUMBERS_AHEAD}

    def confirm(self) -> None:
        """Nothing to note."""


def read_key_file(path: Path) -> tuple[bytes, bytes]:
    """The keys of AD and of BD frames in `path`, KEY_MIN_LENGTH octets each or more. Raises KeyFileError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {name: bytes.fromhex(table[name]) for name in ("ad", "bd")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeyFileError(
            f"cannot read the keys in {path}",
            expected='TOML with ad = "<hex>" and bd = "<hex>"',
            found=f"{type(error).__name__}: {error}",
            next_step="make the file as `perilune gateway --help` shows",
        ) from error
    for name, key in keys.items():
        if len(key) < KEY_MIN_LENGTH:
            raise KeyFileError(
                f"key {name} in {path} is too short", expected=f"{KEY_MIN_LENGTH} octets or more", found=str(len(key))
            )
    return keys["ad"], keys["bd"]


def number_file_beside(path: Path) -> Path:
    """Where the numbers of the keys in *path* stand."""
    return path.with_suffix(".numbers.json")


def load_authenticator(path: Path) -> Authenticator:
    """The authenticator with the keys in `path` and the numbers beside it. Raises KeyFileError."""
    return Authenticator(*read_key_file(path), NumberFile(number_file_beside(path)))
