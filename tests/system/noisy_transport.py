"""A transport that spoils what passes: bit errors at a rate, bursts, and garbage between frames, in both directions.

It stands on the ground's side, so that any peer can be behind it: the flight link in this process, a board in an
emulator, a real one. The dice are seeded: the same seed flips the same bits.
"""

from __future__ import annotations

import math
import random

import msgspec
from perilune.link.transport import Transport


class Noise(msgspec.Struct, frozen=True):
    """How bad a direction is. Lengths in octets; burst and garbage chances are per read or write with octets in it."""

    bit_error_rate: float = 0.0
    burst_chance: float = 0.0
    burst_length: int = 0
    garbage_chance: float = 0.0
    garbage_length: int = 0


class NoiseCounters(msgspec.Struct):
    """What was done to the octets that passed."""

    octets: int = 0
    flipped_bits: int = 0
    bursts: int = 0
    garbage_octets: int = 0

    @property
    def measured_bit_error_rate(self) -> float:
        """Flipped bits by all bits, bursts not counted."""
        return self.flipped_bits / (8 * self.octets) if self.octets else 0.0


class NoisyDirection:
    """One direction of the line."""

    def __init__(self, noise: Noise, seed: int) -> None:
        self._noise = noise
        self._dice = random.Random(seed)
        self._bit_dice = random.Random(seed + 1_000_003)  # apart, so that bit errors do not depend on the pieces
        self._good_bits = self._draw_good_bits()
        self.counters = NoiseCounters()

    def spoil(self, data: bytes) -> bytes:
        """`data` as it arrives."""
        noise = self._noise
        dice = self._dice
        octets = bytearray(data)
        self.counters.octets += len(octets)
        self._flip(octets)
        if octets and dice.random() < noise.burst_chance:
            self.counters.bursts += 1
            start = dice.randrange(len(octets))
            end = min(len(octets), start + dice.randrange(1, noise.burst_length + 1))
            octets[start:end] = dice.randbytes(end - start)
        if octets and dice.random() < noise.garbage_chance:
            garbage = dice.randbytes(dice.randrange(1, noise.garbage_length + 1))
            self.counters.garbage_octets += len(garbage)
            octets += garbage
        return bytes(octets)

    def _flip(self, octets: bytearray) -> None:
        """Flip bits at the error rate: the number of good bits before a bad one is geometrically distributed."""
        bits = 8 * len(octets)
        position = 0
        while self._good_bits < bits - position:
            position += self._good_bits
            octets[position // 8] ^= 0x80 >> position % 8
            self.counters.flipped_bits += 1
            position += 1
            self._good_bits = self._draw_good_bits()
        self._good_bits -= bits - position

    def _draw_good_bits(self) -> int:
        rate = self._noise.bit_error_rate
        if rate <= 0:
            return 1 << 62
        return int(math.log(1.0 - self._bit_dice.random()) / math.log(1.0 - rate))


class NoisyTransport:
    """A transport with noise in both directions."""

    def __init__(self, transport: Transport, up: Noise, down: Noise, seed: int) -> None:
        self._transport = transport
        self.up = NoisyDirection(up, seed)
        self.down = NoisyDirection(down, seed + 1)

    def fileno(self) -> int | None:
        return self._transport.fileno()

    def read(self, timeout_s: float) -> bytes:
        return self.down.spoil(self._transport.read(timeout_s))

    def write(self, data: bytes) -> bool:
        return self._transport.write(self.up.spoil(data))

    def close(self) -> None:
        self._transport.close()
