"""What every board says about its own start, whatever its dictionary: firmware/SPEC.md section 14 (W-125).

The event `core.boot` comes once, first of all; `core.health` says it again each second. Both are read here from octets,
because a link must know a restart of its board also when it has another dictionary.
"""

from __future__ import annotations

import struct

import msgspec

from ..errors import PacketError
from .pus import unpack_telemetry

BOOT_EVENT = 0x0001
HEALTH_SID = 1
_BOOT = struct.Struct(">HBH")
_HEALTH = struct.Struct(">HBIIH")


class StartReport(msgspec.Struct, frozen=True):
    """boot_count: starts since power-on, this one included; uptime_s: since then; is_new: it has started just now."""

    boot_count: int
    uptime_s: int
    is_new: bool = False


def read_start(packet: bytes) -> StartReport | None:
    """What a telemetry packet says about the board's start, None if nothing."""
    # Service and subtype, before the whole packet is read: nearly all packets say nothing.
    if packet[7:9] not in (b"\x05\x01", b"\x03\x19"):
        return None
    try:
        telemetry = unpack_telemetry(packet)
    except PacketError:
        return None
    data = telemetry.data
    if telemetry.service == 5 and len(data) >= _BOOT.size:
        event, _, count = _BOOT.unpack_from(data)
        return StartReport(count, 0, is_new=True) if event == BOOT_EVENT else None
    if telemetry.service == 3 and len(data) >= _HEALTH.size:
        sid, _, _, uptime_s, count = _HEALTH.unpack_from(data)
        return StartReport(count, uptime_s) if sid == HEALTH_SID else None
    return None
