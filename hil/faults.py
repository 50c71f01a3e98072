"""Faults for a test, by name: of the link's octets, and of the plant and its bus as its catalogue has them.

faults.plant("slave_silent", unit="power_unit")
faults.link_cut()                      # both ways, until clear()
faults.link_noise(bit_error_rate=1e-4, seed=3)
faults.link(up=loss(0.001, 40, seed=5))  # any of the lines below; each is drawn from its seed alone
"""

from __future__ import annotations

import random
from collections.abc import Callable

from hil.ground import Ground
from hil.plant.faults import Value
from hil.targets.errors import CapabilityMissing
from hil.targets.target import Target

Through = Callable[[bytes], bytes]


def nothing(_octets: bytes) -> bytes:
    """What a cut line lets through."""
    return b""


def noise(bit_error_rate: float, seed: int) -> Through:
    """A line that turns bits, each with this probability; the same seed turns the same ones."""
    source = random.Random(seed)

    def through(octets: bytes) -> bytes:
        changed = bytearray(octets)
        for bit in range(8 * len(changed)):
            if source.random() < bit_error_rate:
                changed[bit >> 3] ^= 0x80 >> (bit & 7)
        return bytes(changed)

    return through


def bursts(rate: float, longest: int, seed: int) -> Through:
    """A line on which, at each octet with this probability, up to *longest* octets in a row become something else."""
    source = random.Random(seed)
    left = 0

    def through(octets: bytes) -> bytes:
        nonlocal left
        changed = bytearray(octets)
        for at in range(len(changed)):
            if not left and source.random() < rate:
                left = source.randint(1, longest)
            if left:
                left -= 1
                changed[at] ^= source.randint(1, 255)
        return bytes(changed)

    return through


def loss(rate: float, longest: int, seed: int) -> Through:
    """A line that loses, at each octet with this probability, up to *longest* octets in a row."""
    source = random.Random(seed)
    left = 0

    def through(octets: bytes) -> bytes:
        nonlocal left
        kept = bytearray()
        for octet in octets:
            if not left and source.random() < rate:
                left = source.randint(1, longest)
            if left:
                left -= 1
            else:
                kept.append(octet)
        return bytes(kept)

    return through


def duplication(rate: float, longest: int, seed: int) -> Through:
    """A line that says, at each octet with this probability, up to *longest* octets that it has said once more."""
    source = random.Random(seed)
    said = bytearray()

    def through(octets: bytes) -> bytes:
        out = bytearray()
        for octet in octets:
            out.append(octet)
            said.append(octet)
            if source.random() < rate:
                out += said[-source.randint(1, longest) :]
        del said[:-longest]
        return bytes(out)

    return through


def repetition(rate: float, seed: int) -> Through:
    """A line that delivers what is written at once twice, each time with this probability: for whole telecommands."""
    source = random.Random(seed)
    return lambda octets: octets * 2 if octets and source.random() < rate else octets


def garbage(rate: float, longest: int, seed: int) -> Through:
    """A line that says something of its own, 1 to *longest* octets, before an octet with this probability."""
    source = random.Random(seed)

    def through(octets: bytes) -> bytes:
        out = bytearray()
        for octet in octets:
            if source.random() < rate:
                out += source.randbytes(source.randint(1, longest))
            out.append(octet)
        return bytes(out)

    return through


def delay(seconds: float, clock: Callable[[], float]) -> Through:
    """A line that takes so long. What waits comes when the line is next asked, with or without new octets."""
    waiting: list[tuple[float, bytes]] = []

    def through(octets: bytes) -> bytes:
        now_s = clock()
        if octets:
            waiting.append((now_s + seconds, octets))
        come = b""
        while waiting and waiting[0][0] <= now_s:
            come += waiting.pop(0)[1]
        return come

    return through


def wrong_baud(ratio: float) -> Through:
    """What a receiver makes of 8N1 octets that come *ratio* times as fast as it listens, one after the other.

    It samples each of its bits in the middle; an octet without a stop bit is delivered as it is, as the parts do.
    """

    def through(octets: bytes) -> bytes:
        levels = [level for octet in octets for level in (0, *((octet >> bit) & 1 for bit in range(8)), 1)]
        heard = bytearray()
        at = 0.0  # in bits as they are sent
        while (start := _falling(levels, at)) is not None:
            bits = [_level(levels, start + (bit + 1.5) * ratio) for bit in range(8)]
            heard.append(sum(level << bit for bit, level in enumerate(bits)))
            at = start + 9.5 * ratio
        return bytes(heard)

    return through


def _level(levels: list[int], at: float) -> int:
    return levels[int(at)] if at < len(levels) else 1


def _falling(levels: list[int], at: float) -> float | None:
    """Where the next start bit begins at or after *at*; None when the line stays idle."""
    if at < len(levels) and not _level(levels, at):
        return at
    return next((float(n) for n in range(int(at) + 1, len(levels)) if not levels[n] and levels[n - 1]), None)


def brown_out(target: Target, times: int, seed: int, longest_s: float = 0.3) -> None:
    """Give a board that has no power power for a moment, several times, and then for good."""
    source = random.Random(seed)
    for _ in range(times):
        target.power_on()
        target.run_for(source.uniform(0.0, longest_s))
        target.power_off()
    target.power_on()


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

    def link(self, up: Through | None = None, down: Through | None = None) -> None:
        """Lines of one's own, each way; None leaves a way as it is."""
        transport = self._ground.transport
        transport.up = transport.up if up is None else up
        transport.down = transport.down if down is None else down

    def link_delay(self, seconds: float, up: bool = True, down: bool = True) -> None:
        """Octets take so long."""
        clock = self._ground.target.now_s
        self.link(delay(seconds, clock) if up else None, delay(seconds, clock) if down else None)

    def brown_out(self, times: int, seed: int = 1, longest_s: float = 0.3) -> None:
        """The power goes, and comes back for moments, several times, before it stays."""
        self._ground.target.power_off()
        brown_out(self._ground.target, times, seed, longest_s)

    def link_mended(self) -> None:
        """Everything goes through again."""
        self._ground.transport.up = self._ground.transport.down = bytes

    def clear(self) -> None:
        """Take back everything."""
        self.link_mended()
        if self._ground.target.plant is not None:
            self._ground.target.plant.clear()
