"""The flight software in this process as a port. Board time runs as the given clock does.

It needs the `hil` package of the same distribution.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.targets.sitl import Sitl

# A caller that was away for longer does not make the board catch up: it stood still meanwhile.
LATE_MAX_S = 2.0
TURN_S = 0.02


class SitlTransport:
    """A board made of dictionary folders. clock, sleep: what time is; a test moves its own."""

    def __init__(
        self,
        folders: Sequence[Path],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.board = Sitl(folders)
        self._clock = clock
        self._sleep = sleep
        self._last_s = clock()

    def fileno(self) -> int | None:
        """Nothing to wait on."""
        return None

    def read(self, timeout_s: float) -> bytes:
        """Let the board run up to now, and on until it says something or `timeout_s` have passed."""
        end_s = self._clock() + timeout_s
        while True:
            now_s = self._clock()
            self._last_s = max(self._last_s, now_s - LATE_MAX_S)
            whole_ms = int((now_s - self._last_s) * 1000)
            self.board.run(whole_ms / 1000)
            self._last_s += whole_ms / 1000
            data = self.board.receive()
            if data or now_s >= end_s:
                return data
            self._sleep(min(TURN_S, end_s - now_s))

    def write(self, data: bytes) -> bool:
        """Octets arrive at the board."""
        self.board.send(data)
        return True

    def close(self) -> None:
        """Nothing runs by itself."""
