"""What is wrong with a link, from what comes down: no port, silence, octets that are no frames. Words for people."""

from __future__ import annotations

import enum

import msgspec
from flight.limits import CLCW_PERIOD_MS, TM_FRAME_LENGTH

# So many octets hold some frames whole, wherever they begin; fewer may be the rest of one, or noise of plugging in.
NO_FRAMES_OCTETS = 4 * (TM_FRAME_LENGTH + 4)
# A board sends a frame each CLCW_PERIOD_MS at least; a few may be lost.
SILENT_S = 3 * CLCW_PERIOD_MS / 1000


class Condition(enum.StrEnum):
    """Conditions of a link, from worst to best."""

    NO_OWNER = "no owner"
    NO_PORT = "no port"
    SILENT = "silent"
    NO_FRAMES = "no frames"
    OPENING = "opening"
    UP = "up"


class LinkState(msgspec.Struct, frozen=True):
    """condition, what it means, and what to do about it (empty when all is well)."""

    condition: Condition
    text: str
    next_step: str = ""

    def __str__(self) -> str:
        return f"{self.text}; try: {self.next_step}" if self.next_step else self.text


class LinkObserver:
    """Judges a link by its octets and frames. Times are seconds of one monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._connected = False
        self._since_s = now_s  # of the connection, or of its loss
        self._octets = 0  # since the port was opened, or since the last frame
        self._octet_s = now_s
        self._frame_s: float | None = None

    def note(self, now_s: float, connected: bool, octets: int, frames: int) -> None:
        """What came since the last note."""
        if connected != self._connected:
            self._connected = connected
            self._since_s = self._octet_s = now_s
            self._octets = 0
            self._frame_s = None
        if octets:
            self._octet_s = now_s
            self._octets += octets
        if frames:
            self._frame_s = now_s
            self._octets = 0

    def state(self, now_s: float, port: str, last_error: str = "") -> LinkState:
        """The state now. port: its name; last_error: why it could not be opened, or was lost."""
        if not self._connected:
            return LinkState(Condition.NO_PORT, f"{port} is not open: {last_error or 'not tried yet'}")
        if self._octets >= NO_FRAMES_OCTETS and (self._frame_s is None or now_s - self._frame_s > SILENT_S):
            return LinkState(
                Condition.NO_FRAMES,
                f"{self._octets} octets came from {port} and no frame in them: wrong baud rate, or not the space link",
                "check the baud rate (--baud, or baud in perilune.toml) and that the cable is on the link's UART",
            )
        if now_s - max(self._octet_s, self._since_s) > SILENT_S:
            return LinkState(
                Condition.SILENT,
                f"nothing came from {port} for {now_s - max(self._octet_s, self._since_s):.0f} s",
                "check power and cable of the board; it sends a frame each second",
            )
        if self._frame_s is None:
            return LinkState(Condition.OPENING, f"{port} is open, no frame yet")
        return LinkState(Condition.UP, f"frames come from {port}")
