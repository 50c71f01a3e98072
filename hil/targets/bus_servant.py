"""A thread that lets a plant answer on the payload bus of a board whose time is the host's."""

from __future__ import annotations

import threading
import time

from hil.plant.attached import AttachedPlant

from .channel import Channel
from .errors import ChannelClosed

# A quiet bus is looked at so often, for the plant's time to go on; one with an answer under way, so often.
QUIET_S = 0.05
ANSWERING_S = 0.002


class BusServant:
    """Serves *plant* on *bus* until `stop`. The channel may lose its board and get another one meanwhile."""

    def __init__(self, plant: AttachedPlant, bus: Channel) -> None:
        self._plant = plant
        self._bus = bus
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="payload bus", daemon=True)
        plant.start(time.monotonic)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; doing it twice is allowed."""
        self._end.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._end.is_set():
            self._plant.catch_up()
            if not self._bus.is_open:
                self._end.wait(QUIET_S)  # the board is off, or on its way
                continue
            try:
                data = self._bus.read_some(ANSWERING_S if self._plant.is_answering else QUIET_S)
                if data:
                    self._plant.write(data)
                if answer := self._plant.read():
                    self._bus.write(answer)
            except ChannelClosed:
                self._end.wait(QUIET_S)  # it has just been switched off
