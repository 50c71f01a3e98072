"""`sitl` in real time, or faster, for programs outside this process: a thread lets its time follow the host's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from .errors import ChannelClosed, TargetDied
from .sitl_target import SitlTarget

SLICE_S = 0.02  # host time between two looks; octets from outside are taken at once
LONGEST_S = 1.0  # board time in one look, so that a fast board still listens


class LiveLine:
    """The link of a board that runs in a thread."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._up = bytearray()
        self._down = bytearray()
        self._closed = False

    def write(self, data: bytes) -> None:
        """To the board."""
        with self.changed:
            if self._closed:
                raise ChannelClosed("the board has ended")
            self._up += data
            self.changed.notify_all()

    def read(self) -> bytes:
        """From the board, what is there."""
        with self.changed:
            data = bytes(self._down)
            self._down.clear()
            return data

    def read_some(self, timeout_s: float) -> bytes:
        """The same, waiting for the first octet."""
        with self.changed:
            if not self._down and not self._closed:
                self.changed.wait_for(lambda: self._down or self._closed, timeout_s)
            if self._closed and not self._down:
                raise ChannelClosed("the board has ended")
        return self.read()

    def await_up(self, timeout_s: float) -> bytes:
        """For the board: what came for it, waiting for that."""
        with self.changed:
            if not self._up:
                self.changed.wait_for(lambda: self._up or self._closed, timeout_s)
            data = bytes(self._up)
            self._up.clear()
            return data

    def put_down(self, data: bytes) -> None:
        """For the board: what it sends."""
        if data:
            with self.changed:
                self._down += data
                self.changed.notify_all()

    def close(self) -> None:
        """The board has ended."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()


class LiveSitl:
    """Runs a `SitlTarget` at *speed* seconds for each second of *clock* until `stop`."""

    def __init__(self, target: SitlTarget, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.link = LiveLine()
        self._target = target
        self._speed = speed
        self._clock = clock
        self._end = threading.Event()
        self._failure: BaseException | None = None
        target.boot()
        self._thread = threading.Thread(target=self._run, name="sitl", daemon=True)
        self._thread.start()

    @property
    def uarts(self) -> Mapping[str, LiveLine]:
        """The lines of the board that lead outside."""
        return {"link": self.link}

    def check_alive(self) -> None:
        """Raise TargetDied when the flight software raised."""
        if self._failure is not None:
            raise TargetDied(f"the flight software raised {type(self._failure).__name__}: {self._failure}")

    def stop(self) -> None:
        """End the board; doing it twice is allowed."""
        self._end.set()
        self.link.close()
        self._thread.join()
        self._target.stop()

    def _run(self) -> None:
        # Task boundary: what the flight software raises is handed to check_alive().
        try:
            self._follow()
        except BaseException as error:
            self._failure = error
            self.link.close()

    def _follow(self) -> None:
        target = self._target
        begin_s, board_s = self._clock(), target.now_s()
        while not self._end.is_set():
            if data := self.link.await_up(SLICE_S):
                target.link.write(data)
            due_s = board_s + (self._clock() - begin_s) * self._speed - target.now_s()
            if due_s > LONGEST_S * max(1.0, self._speed):
                # The host stood still or cannot follow: time is lost, it is not made up for.
                begin_s, board_s = self._clock(), target.now_s()
            if due_s >= 0.001:
                target.run_for(min(due_s, LONGEST_S))
            self.link.put_down(target.link.read())
