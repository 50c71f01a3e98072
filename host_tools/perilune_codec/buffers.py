"""Pointers into the caller's buffers, with the checks of ranges that all functions share."""

from __future__ import annotations

from typing import Any

from ._codec import ffi

Readable = bytes | bytearray | memoryview
Writable = bytearray | memoryview

OCTETS = ffi.typeof("uint8_t[]")


def read(buf: Readable, start: int, end: int) -> Any:
    """Pointer to buf[start]; ValueError unless [start, end) lies in buf. The caller keeps buf alive."""
    data = ffi.from_buffer(OCTETS, buf)
    if not 0 <= start <= end <= len(data):
        raise ValueError("range")
    return data + start


def write(buf: Writable, start: int, end: int) -> Any:
    """Pointer to buf[start] for writing; otherwise as read()."""
    data = ffi.from_buffer(OCTETS, buf, require_writable=True)
    if not 0 <= start <= end <= len(data):
        raise ValueError("range")
    return data + start
