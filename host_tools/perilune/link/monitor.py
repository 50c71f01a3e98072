"""What `perilune link` shows: the state of a downlink that is only listened to."""

from __future__ import annotations

import time

import msgspec

from .clcw import Clcw
from .downlink import ClcwReceived, DownlinkCounters, DownlinkDecoder
from .packet_extractor import PacketReceived
from .transport import ReconnectingTransport, TransportCounters

IDLE_S = 0.05


class LinkStatus(msgspec.Struct):
    """One snapshot. `clcw` is the last one, None before the first; `drops` has every reason that has occurred."""

    port: TransportCounters
    downlink: DownlinkCounters
    clcw: Clcw | None
    apids: dict[int, int]
    drops: dict[str, dict[str, int]]


class LinkMonitor:
    """Decodes what comes down and counts it."""

    def __init__(self, transport: ReconnectingTransport) -> None:
        self._transport = transport
        self._decoder = DownlinkDecoder()
        self._clcw: Clcw | None = None
        self._apids: dict[int, int] = {}

    def step(self, timeout_s: float) -> None:
        """Wait at most `timeout_s` for octets and decode them."""
        if not self._transport.ensure_open():
            time.sleep(min(timeout_s, IDLE_S))  # nothing to wait on while the port is gone
            return
        for event in self._decoder.feed(self._transport.read(timeout_s)):
            if isinstance(event, ClcwReceived):
                self._clcw = event.clcw
            elif isinstance(event, PacketReceived):
                self._apids[event.apid] = self._apids.get(event.apid, 0) + 1

    def status(self) -> LinkStatus:
        """A snapshot of everything counted."""
        return LinkStatus(
            self._transport.counters, self._decoder.counters, self._clcw, self._apids, self._decoder.drops.named()
        )


def describe(status: LinkStatus) -> str:
    """A few lines for people."""
    down = status.downlink
    port = "open" if status.port.connected else f"gone ({status.port.last_error})"
    lines = [
        f"port      {port}, opened {status.port.opened}, lost {status.port.lost}, octets {down.octets}",
        f"lock      {'yes' if down.lock else 'no'}, lost {down.lock_lost}, resynchronised {down.resynchronisations}, "
        f"markers with errors {down.marker_errors}",
        f"frames    {down.frames} ({down.idle_frames} idle), missing {down.missing_master}"
        + "".join(f", channel {vcid} missing {missing}" for vcid, missing in sorted(down.missing_channel.items())),
        f"packets   {down.packets} ({down.idle_packets} idle), missing {down.missing_packets}"
        + "".join(f", APID {apid}: {count}" for apid, count in sorted(status.apids.items())),
        f"CLCW      {_describe_clcw(status.clcw)}, {down.clcws} received",
    ]
    if status.drops:
        lines.append("dropped   " + ", ".join(
            f"{name} {account['count']} ({account['octets']} octets)" for name, account in status.drops.items()
        ))  # fmt: skip
    else:
        lines.append("dropped   nothing")
    return "\n".join(lines)


def _describe_clcw(clcw: Clcw | None) -> str:
    if clcw is None:
        return "none"
    flags = [name for name in ("lockout", "wait", "retransmit", "no_rf", "no_bit_lock") if getattr(clcw, name)]
    return f"V(R) {clcw.report_value}, {' '.join(flags) or 'no flags'}, FARM-B {clcw.farm_b_counter}"
