"""Two pseudo-terminals joined back to back: a serial cable in this machine.

For programs that want to open a device by name.
"""

from __future__ import annotations

import os
import select
import threading
import tty
from types import TracebackType

READ_SIZE = 1024


class PtyPair:
    """A cable with ends `left` and `right` (paths). `close` ends its thread and both ends."""

    def __init__(self) -> None:
        self._masters: list[int] = []
        self._slaves: list[int] = []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            # Held open, so that a program that closes its end does not hang the line up.
            self._slaves.append(slave)
        self.left, self.right = (os.ttyname(slave) for slave in self._slaves)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._pump, name="pty pair", daemon=True)
        self._thread.start()

    def __enter__(self) -> PtyPair:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cut the cable; doing it twice is allowed."""
        if not self._masters:
            return
        os.write(self._wake_write, b"x")
        self._thread.join()
        for descriptor in (*self._masters, *self._slaves, self._wake_read, self._wake_write):
            os.close(descriptor)
        self._masters = []

    def _pump(self) -> None:
        a, b = self._masters
        while True:
            ready, _, _ = select.select([a, b, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            for source, sink in ((a, b), (b, a)):
                if source in ready:
                    self._copy(source, sink)

    @staticmethod
    def _copy(source: int, sink: int) -> None:
        data = os.read(source, READ_SIZE)
        while data:
            _, writable, _ = select.select([], [sink], [], 1.0)
            if not writable:
                # Nobody reads at the other end: bytes on a line without a listener are lost.
                return
            data = data[os.write(sink, data) :]
