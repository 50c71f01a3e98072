"""Headers of frames and packets (SPEC.md sections 4, 6 to 9) in C; interface and rules: flight/codec/twin.py."""

from __future__ import annotations

from array import array
from typing import Any, Protocol

from ._codec import ffi, lib
from .buffers import Readable, Writable, read, write

TM_COUNT_NEW: int = lib.PL_TM_COUNT_NEW
TM_COUNT_FULL: int = lib.PL_TM_COUNT_FULL

_HEAD = 5  # octets of the masked primary header


class Hmac(Protocol):
    """An HmacSha256."""

    _hmac: Any


def _bits(value: int, width: int) -> int:
    if not 0 <= value < 1 << width:
        raise ValueError("value")
    return value


def _room(out: list[int], count: int) -> None:
    if len(out) < count:
        raise ValueError("list")


def tc_frame_read(frame: Readable, count: int, longest: int, scid: int, vcid: int, map_id: int, out: list[int]) -> int:
    """Check the TC frame in frame[0:count], fill octets included: OK or the first failed check's reason."""
    data = read(frame, 0, count)
    link = ffi.new("pl_tc_link_t *", (_bits(longest, 16), _bits(scid, 10), _bits(vcid, 6), _bits(map_id, 6)))
    _room(out, 6)
    found = ffi.new("pl_tc_frame_t *")
    status: int = lib.pl_tc_frame_read(data, count, link, found)
    if status == lib.PL_OK:
        out[:6] = [found.kind, found.n_s, found.start, found.end, found.command, found.v_r]
    return status


def sdls_check(
    hmac: Hmac,
    head: Readable,
    frame: Readable,
    first: int,
    start: int,
    mac: int,
    spi: int,
    high: int,
    low: int,
    window: int,
) -> int:
    """Check security header and MAC: how far the frame's number is ahead of the last one, or minus the reason."""
    last = _bits(high, 16) << 16 | _bits(low, 16)
    _bits(spi, 16)
    _bits(window, 30)
    if not 0 <= first <= start:
        raise ValueError("range")
    if mac - start <= lib.PL_SDLS_HEADER_LENGTH:
        return -int(lib.PL_TC_DATA_SHORT)
    masked = read(head, 0, _HEAD)
    covered = read(frame, first, mac + lib.PL_SDLS_MAC_LENGTH)
    ahead: int = lib.pl_sdls_check(hmac._hmac, masked, covered, mac - first, start - first, spi, last, window)
    return ahead


def tc_packet_read(buf: Readable, start: int, end: int, longest: int, out: list[int]) -> int:
    """Check the telecommand packet at buf[start], whose APID may be any but the idle one: OK or the reason."""
    data = read(buf, start, end)
    _bits(longest, 16)
    _room(out, 9)
    found = ffi.new("pl_tc_packet_t *")
    status: int = lib.pl_tc_packet_read(data, end - start, longest, found)
    out[0] = start + found.size
    if status in (lib.PL_OK, lib.PL_PUS_VERSION):
        out[1:7] = [found.apid, found.count, found.ack, found.service, found.subtype, found.source]
        out[7:9] = [start + found.data_start, start + found.data_end]
    return status


def tm_count(table: array[int], destination: int, service: int, subtype: int) -> int:
    """Number of the next report of this type, and move it on; TM_COUNT_NEW or TM_COUNT_FULL for 0."""
    rows = len(table) // 3
    if not isinstance(table, array) or table.typecode != "H":
        raise ValueError("table")
    if rows == 0 or rows & (rows - 1) or len(table) != 3 * rows:
        raise ValueError("table")
    _bits(destination, 16)
    _bits(subtype, 8)
    if _bits(service, 8) == 0:
        raise ValueError("value")
    words = ffi.from_buffer("uint16_t[]", table, require_writable=True)
    number: int = lib.pl_tm_count(words, rows, destination, service, subtype)
    return number


def tm_packet_begin(
    buf: Writable,
    apid: int,
    count: int,
    service: int,
    subtype: int,
    counter: int,
    destination: int,
    status: int,
    epoch_high: int,
    epoch_low: int,
    seconds: int,
    fraction: int,
) -> int:
    """Write both headers of a telemetry packet to buf[0:20]; 20, where its data starts."""
    data = write(buf, 0, lib.PL_TM_HEADER_LENGTH)
    epoch = _bits(epoch_high, 16) << 16 | _bits(epoch_low, 16)
    header = ffi.new(
        "pl_tm_header_t *",
        {
            "apid": _bits(apid, 11),
            "count": _bits(count, 14),
            "service": _bits(service, 8),
            "subtype": _bits(subtype, 8),
            "counter": _bits(counter, 16),
            "destination": _bits(destination, 16),
            "status": _bits(status, 4),
            "seconds": epoch + _bits(seconds, 30) & 0xFFFFFFFF,
            "fraction": _bits(fraction, 16),
        },
    )
    lib.pl_tm_packet_begin(data, header)
    length: int = lib.PL_TM_HEADER_LENGTH
    return length


def tm_packet_end(buf: Writable, at: int) -> int:
    """The packet's data ends before octet *at*: write length and error control; the octets of the whole packet."""
    if not lib.PL_TM_HEADER_LENGTH <= at <= 0xFFFF:
        raise ValueError("range")
    length: int = lib.pl_tm_packet_end(write(buf, 0, at + 2), at)
    return length


def idle_packet(buf: Writable, start: int, end: int) -> None:
    """Write an idle packet of 7 to 65535 octets to buf[start:end]."""
    data = write(buf, start, end)
    if not lib.PL_IDLE_MIN <= end - start <= 0xFFFF:
        raise ValueError("range")
    lib.pl_idle_packet(data, end - start)


def tm_frame_seal(buf: Writable, start: int, end: int, mc_count: int, vc_count: int, fhp: int, report: int) -> None:
    """Write into the TM frame buf[start:end] what differs between frames of a virtual channel, and its FECF."""
    data = write(buf, start, end)
    if end - start < lib.PL_TM_LENGTH_MIN:
        raise ValueError("range")
    lib.pl_tm_frame_seal(data, end - start, _bits(mc_count, 8), _bits(vc_count, 8), _bits(fhp, 11), _bits(report, 16))
