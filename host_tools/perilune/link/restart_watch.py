"""Has the board restarted? Told from what comes down: its boot event, its boot count and uptime, gaps in its frames.

After a restart FARM-1 expects N(S) = 0, and the anti-replay numbers are ahead (SPEC.md section 6). An N(R) of 0 may by
chance lie among the frames that were sent, and would be taken for an acknowledgement; the board's own word decides.
"""

from __future__ import annotations

from ..packet.start_report import StartReport, read_start
from .downlink import DownlinkEvent, FrameGap
from .packet_extractor import PacketReceived

# Health reports are made each second and may be read twice, or come late through playback: uptime going back by less
# than this is not a start.
_UPTIME_SLACK_S = 2


class RestartWatch:
    """Give it every downlink event; it answers whether that one tells of a restart since the watch began."""

    def __init__(self) -> None:
        self.restarts = 0
        self.health = b""  # the latest core.health
        self._last: StartReport | None = None
        self._gap = False  # frames were missing since the watch began, so a start may have been among them

    def sees_restart(self, event: DownlinkEvent) -> bool:
        """Does this event tell that the board has restarted?"""
        if isinstance(event, FrameGap):
            self._gap = True
            return False
        if not isinstance(event, PacketReceived) or event.vcid != 0:
            return False
        report = read_start(event.packet)
        if report is None:
            return False
        if not report.is_new:
            self.health = event.packet
        last, self._last = self._last, report
        restarted = self._gap if last is None and report.is_new else last is not None and self._differs(last, report)
        self.restarts += restarted
        return restarted

    @staticmethod
    def _differs(last: StartReport, report: StartReport) -> bool:
        if report.is_new:
            return True
        return report.boot_count != last.boot_count or report.uptime_s < last.uptime_s - _UPTIME_SLACK_S
