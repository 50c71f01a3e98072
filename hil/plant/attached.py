"""A plant at the payload bus of a board: answers its requests and keeps its time.

Lives here: the plant between two looks of a board, its lock, what tests change in it. Does not live here: whose time it
is (targets/) and what the line does to octets (line.py).

    plant = AttachedPlant(Plant(step_s=1.0))
    plant.start(clock)                     # the board's seconds
    plant.inject("feed_lost")
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from hil.plant.faults import Value
from hil.plant.line import BusPort
from hil.plant.payload import KELVIN
from hil.plant.plant import Plant

Result = TypeVar("Result")

# A sender whose octets come through an emulator, sockets and threads pauses longer within a frame than a line does.
LOOSE_GAP_S = 0.1


class AttachedPlant:
    """A plant with a serial line. Every method may be called from any thread.

    speed: plant seconds for each second of the board.
    """

    def __init__(self, plant: Plant, speed: float = 1.0) -> None:
        self.speed = speed
        self._plant = plant
        self._lock = threading.RLock()
        self._clock: Callable[[], float] = lambda: 0.0
        self._clock_start = 0.0
        self._plant_start = plant.now_s
        self._port = BusPort(plant.bus, lambda: 0.0)

    def start(self, clock: Callable[[], float], gap_s: float = LOOSE_GAP_S) -> None:
        """Take *clock* for the board's seconds from now on. gap_s: silence that ends a frame."""
        with self._lock:
            self._clock, self._clock_start = clock, clock()
            self._plant_start = self._plant.now_s
            self._port = BusPort(self._plant.bus, clock, gap_s=gap_s)

    # ---- the line -------------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Run the plant up to the board's time."""
        with self._lock:
            self._plant.advance_to(self._plant_start + (self._clock() - self._clock_start) * self.speed)

    def write(self, data: bytes) -> None:
        """Octets from the board."""
        with self._lock:
            self.catch_up()
            self._port.write(data)

    def read(self, most: int = 256) -> bytes:
        """Octets that have come to the board by now, at most *most*."""
        with self._lock:
            return self._port.read(most)

    @property
    def is_answering(self) -> bool:
        """Are octets under way to the board?"""
        with self._lock:
            return self._port.is_answering

    # ---- what tests see and change --------------------------------------------------------------------------------

    def call(self, function: Callable[[Plant], Result]) -> Result:
        """Run a function on the plant between two steps, at the board's time, and return its result."""
        with self._lock:
            self.catch_up()
            return function(self._plant)

    def truth(self) -> dict[str, float]:
        """True values now, by name with the unit at the end of the name."""
        return self.call(Plant.truth)

    def inject(self, name: str, duration_s: float | None = None, **parameters: Value) -> int:
        """Inject a fault of the catalogue now, for plant seconds or for ever; returns its number. Raises FaultError."""
        return self.call(lambda plant: plant.faults.inject(name, None, duration_s, **parameters))

    def clear(self, which: int | str | None = None) -> int:
        """Take faults back, by number, by name or all; returns how many."""
        return self.call(lambda plant: plant.faults.clear(which))

    def set_charge(self, share: float) -> None:
        """Give the battery a state of charge, 0 to 1."""

        def charge(plant: Plant) -> None:
            plant.battery.charge_ah = plant.battery.full_ah * min(1.0, max(0.0, share))

        self.call(charge)

    def set_temperature(self, node: str, celsius: float) -> None:
        """Give a node of the payload a temperature; the physics goes on from there. Raises KeyError."""

        def heat(plant: Plant) -> None:
            plant.thermal.temperature[plant.payload.node_index(node)] = celsius + KELVIN

        self.call(heat)
