"""A downlink for measurements: housekeeping packets of 86 octets with 20 fields, in frames that follow on each other.

A block is BLOCK packets in a multiple of 256 frames, so that blocks one behind the other have no gap in any count.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from flight.codec import crc16_put
from flight.limits import APID, EPOCH_HIGH, EPOCH_LOW, SCID, TM_FRAME_LENGTH
from perilune.dictionary import Dictionary, load
from perilune.dictionary.load import CORE

BLOCK = 1 << 14  # packets: the modulus of the sequence count
SID = 200
NAME = "bench.many"
EPOCH = EPOCH_HIGH << 16 | EPOCH_LOW
_KINDS = {"u8": "B", "u16": "H", "i16": "h", "u32": "I", "f64": "d"}
# 64 octets; with SID, header and error control a packet of 88.
_FIELDS = ["u8"] * 4 + ["u16"] * 6 + ["i16"] * 4 + ["u32"] * 2 + ["f64"] * 4
_ROOM = TM_FRAME_LENGTH - 12


def dictionary(folder: Path) -> Dictionary:
    """The core and one structure of 20 fields, those of 16 bits calibrated. folder: where its file may stand."""
    lines = ['[subsystem]\nname = "bench"\ntitle = "Measurements"\n']
    for number, kind in enumerate(_FIELDS):
        calibration = "calibration = [-40.0, 0.0625]\n" if kind.endswith("16") else ""
        point = f'[[point]]\nid = {0x1000 + number}\nname = "p{number}"\ntype = "{kind}"\ntext = "One of the fields."\n'
        lines.append(point + calibration)
    names = ", ".join(f'"p{number}"' for number in range(len(_FIELDS)))
    lines.append(
        f'[[housekeeping]]\nsid = {SID}\nname = "many"\nperiod_ms = 1000\ntext = "All of them."\nfields = [{names}]\n'
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.toml").write_text("\n".join(lines), encoding="utf-8")
    return load([CORE, folder])


def packets(count: int = BLOCK, step_s: int = 1) -> list[bytes]:
    """Packets with counts from 0 on, on-board times step_s apart."""
    pack_fields = struct.Struct(">" + "".join(_KINDS[kind] for kind in _FIELDS)).pack
    size = struct.calcsize(">" + "".join(_KINDS[kind] for kind in _FIELDS)) + 24
    made = []
    for i in range(count):
        values: list[int | float] = [*(i + k & 255 for k in range(4)), *(i * 7 + k & 65535 for k in range(6))]
        values += [*((i * 3 + k & 65535) - 32768 for k in range(4)), i, i * 1000 & 0x3FFFFFFF]
        head = struct.pack(">HHHBBBHH", 0x0800 | APID, 0xC000 | i & 0x3FFF, size - 7, 0x21, 3, 25, i & 65535, 0)
        octets = bytearray(head + struct.pack(">BIHH", 0x1E, EPOCH + 200_000_000 + i * step_s, 0, SID))
        octets += pack_fields(*values, i * 0.5, i * 0.25, -i * 1.0, 1e6 / (i + 1)) + b"\0\0"
        crc16_put(octets, 0, size - 2)
        made.append(bytes(octets))
    return made


def frames(contents: list[bytes]) -> list[bytes]:
    """The packets in frames, filled up with idle packets to a multiple of 256 frames."""
    size = len(contents[0])
    stream = bytearray(b"".join(contents))
    used = len(stream)
    count = -(-(used + 7) // (_ROOM * 256)) * 256
    starts: set[int] = set()
    while len(stream) < count * _ROOM:
        # An idle packet to the end of the frame; one of less than 7 octets goes into the next.
        starts.add(len(stream))
        left = _ROOM - len(stream) % _ROOM
        length = left if left >= 7 else left + _ROOM
        stream += struct.pack(">HHH", 0x07FF, 0xC000, length - 7) + b"\x55" * (length - 6)
    made = []
    idle = np.array(sorted(starts))
    for number in range(count):
        at = number * _ROOM
        first = -at % size
        if at + first >= used:
            following = idle[np.searchsorted(idle, at) :]
            first = int(following[0]) - at if following.size and following[0] < at + _ROOM else 0x7FF
        elif first >= _ROOM:
            first = 0x7FF
        head = struct.pack(">HBBH", SCID << 4 | 1, number & 255, number & 255, 0x1800 | first)
        frame = bytearray(head + stream[at : at + _ROOM] + b"\x01\0\0\0\0\0")
        crc16_put(frame, 0, TM_FRAME_LENGTH - 2)
        made.append(bytes(frame))
    return made
