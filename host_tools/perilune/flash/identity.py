"""What an image says of itself: board, part and variant, behind its vector table (`identity` in stm32f4/startup.c)."""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec

from ..boards import FLASH_BASE, PARTS, Board
from ..errors import ImageError

MAGIC = b"PERILUNE"
FORMAT = 1
# magic, format, address behind the last octet of the image, board, part, variant
_LAYOUT = struct.Struct("<8sII32s16s8s")
# The vector table of 98 words comes first; more is not searched, so that the same octets in frozen code are not taken.
_SEARCHED = 1024


class Identity(msgspec.Struct, frozen=True):
    """Of one image. size: octets in flash, from FLASH_BASE."""

    board: str
    mcu: str
    variant: str
    size: int


def read_identity(image: bytes, name: str = "the image") -> Identity:
    """Identity of a raw image (`firmware.bin`). Raises ImageError when there is none or the file is not whole."""
    place = image.find(MAGIC, 0, _SEARCHED)
    if place < 0 or place + _LAYOUT.size > len(image):
        raise ImageError(
            f"{name} is no image of this firmware",
            expected="a raw image that `make firmware` built (firmware.bin)",
            found=f"{len(image)} octets without an identity",
            next_step="make firmware BOARD=...",
        )
    _, version, end, board, mcu, variant = _LAYOUT.unpack_from(image, place)
    if version != FORMAT:
        raise ImageError(
            f"{name} has an identity of another format",
            expected=str(FORMAT),
            found=str(version),
            next_step="build the image and run this tool from the same version",
        )
    size = end - FLASH_BASE
    if size != len(image):
        raise ImageError(
            f"{name} is not whole",
            expected=f"{size} octets",
            found=f"{len(image)} octets",
            next_step="build it anew: make firmware BOARD=...",
        )
    return Identity(_text(board), _text(mcu), _text(variant), size)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("ascii", "replace")


def check_image(path: Path, board: Board) -> Identity:
    """Read the image that is meant for *board*. Raises ImageError when it is for another one, or cannot be read."""
    try:
        image = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read", found=error.strerror or str(error), next_step=f"make firmware BOARD={board.name}"
        ) from error
    identity = read_identity(image, str(path))
    if (identity.board, identity.mcu) != (board.name, board.mcu):
        raise ImageError(
            f"{path} is for another board",
            expected=f"{board.name} ({board.mcu})",
            found=f"{identity.board} ({identity.mcu})",
            next_step=f"make firmware BOARD={board.name}, or name the board that is connected",
        )
    limit = PARTS[board.mcu].flash_kib * 1024
    if identity.size > limit:
        raise ImageError(f"{path} does not fit", expected=f"at most {limit} octets", found=f"{identity.size}")
    return identity
