"""Faults for a test, by name: of the link's octets, and of the plant and its bus as its catalogue has them.

faults.plant("slave_silent", unit="power_unit")
faults.link_cut()                      # both ways, until clear()
faults.link_noise(bit_error_rate=1e-4, seed=3)
"""

from __future__ import annotations

import random
from collections.abc import Callable

from hil.ground import Ground
from hil.plant.faults import Value
from hil.targets.errors import CapabilityMissing


def nothing(_octets: bytes) -> bytes:
    """What a cut line lets through."""
    return b""


def noise(bit_error_rate: float, seed: int) -> Callable[[bytes], bytes]:
    """A line that turns bits, each with this probability; the same seed turns the same ones."""
    source = random.Random(seed)

    def through(octets: bytes) -> bytes:
        changed = bytearray(octets)
        for bit in range(8 * len(changed)):
            if source.random() < bit_error_rate:
                changed[bit >> 3] ^= 0x80 >> (bit & 7)
        return bytes(changed)

    return through


class Faults:
    """Faults of one board's surroundings."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def plant(self, name: str, duration_s: float | None = None, **parameters: Value) -> int:
        """A fault of the plant's catalogue, now; its number. Raises FaultError or CapabilityMissing."""
        plant = self._ground.target.plant
        if plant is None:
            raise CapabilityMissing(f"{self._ground.target.bench.name} has no plant on its payload bus")
        return plant.inject(name, duration_s, **parameters)

    def link_cut(self, up: bool = True, down: bool = True) -> None:
        """Nothing goes through any more."""
        transport = self._ground.transport
        transport.up = nothing if up else transport.up
        transport.down = nothing if down else transport.down

    def link_noise(self, bit_error_rate: float, seed: int = 1, up: bool = True, down: bool = True) -> None:
        """Bits are turned at random."""
        transport = self._ground.transport
        transport.up = noise(bit_error_rate, seed) if up else transport.up
        transport.down = noise(bit_error_rate, seed + 1) if down else transport.down

    def link_mended(self) -> None:
        """Everything goes through again."""
        self._ground.transport.up = self._ground.transport.down = bytes

    def clear(self) -> None:
        """Take back everything."""
        self.link_mended()
        if self._ground.target.plant is not None:
            self._ground.target.plant.clear()
