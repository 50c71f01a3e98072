"""What `perilune link` shows for people: a snapshot of a link in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clcw import Clcw

if TYPE_CHECKING:
    from ..client.link_protocol import ArchiveStatus, LinkStatus


def describe(status: LinkStatus) -> str:
    """A few lines for people."""
    down = status.downlink
    port = "open" if status.port.connected else f"gone ({status.port.last_error})"
    up = status.uplink
    lines = [
        f"state     {status.state}",
        f"port      {port}, opened {status.port.opened}, lost {status.port.lost}, octets {down.octets}",
        f"lock      {'yes' if down.lock else 'no'}, lost {down.lock_lost}, resynchronised {down.resynchronisations}, "
        f"markers with errors {down.marker_errors}",
        f"frames    {down.frames} ({down.idle_frames} idle), missing {down.missing_master}"
        + "".join(f", channel {vcid} missing {missing}" for vcid, missing in sorted(down.missing_channel.items())),
        f"packets   {down.packets} ({down.idle_packets} idle), missing {down.missing_packets}"
        + "".join(f", APID {apid}: {count}" for apid, count in sorted(status.apids.items())),
        f"CLCW      {_describe_clcw(status.clcw)}, {down.clcws} received",
    ]
    lines.append(
        f"uplink    {up.service}, FOP-1 {up.fop}, V(S) {up.next_sequence}, delivered {up.delivered}, "
        f"waiting {up.undelivered}, uncertain {up.uncertain}, frames {up.frames}, board restarts {status.restarts}"
    )
    missed = f", {status.sharing.missed} missed here" if status.sharing.missed else ""
    lines.append(
        f"sharing   {status.sharing.clients} attached, {status.sharing.dropped} events dropped for slow ones{missed}"
    )
    if status.archive is not None:
        lines.append(f"archive   {_describe_archive(status.archive)}")
    if status.drops:
        lines.append("dropped   " + ", ".join(
            f"{name} {account['count']} ({account['octets']} octets)" for name, account in status.drops.items()
        ))  # fmt: skip
    else:
        lines.append("dropped   nothing")
    return "\n".join(lines)


def _describe_archive(archive: ArchiveStatus) -> str:
    """Where it is, and what is wrong with it; a failure names the file itself."""
    lost = f", {archive.lost_frames} frames lost" if archive.lost_frames else ""
    return f"{archive.failure or archive.path}{lost}"


def _describe_clcw(clcw: Clcw | None) -> str:
    if clcw is None:
        return "none"
    flags = [name for name in ("lockout", "wait", "retransmit", "no_rf", "no_bit_lock") if getattr(clcw, name)]
    return f"V(R) {clcw.report_value}, {' '.join(flags) or 'no flags'}, FARM-B {clcw.farm_b_counter}"
