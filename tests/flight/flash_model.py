"""Flash that loses its power at a chosen octet: what was being written is torn, what was being erased is anything.

A step is one octet of a program, or one of the three moments of an erase (before, in the middle, at its end). All
random bits come from the seed.
"""

import random

from flight.hal.null import STORAGE_FAILED, STORAGE_NOT_ERASED, STORAGE_OK, STORAGE_RANGE, Storage

WORD = 4
ERASE_STEPS = 3


class PowerCut(Exception):
    """The power went away in the middle of a call."""


class FlashModel(Storage):
    """content: all sectors. steps: made so far. cut_at: the step at which the power goes, -1 = never.

    worn_program, worn_erase: sectors that refuse. silent: sectors that store a wrong octet and say OK;
    silent_headers: what begins a sector is stored wrong. dead: every call fails.
    """

    def __init__(self, sectors: int = 2, sector_size: int = 512, seed: int = 1) -> None:
        super().__init__()
        self.sectors = sectors
        self.sector_size = sector_size
        self.content = bytearray(b"\xff" * (sectors * sector_size))
        # MicroPython has one generator only.
        self.random = random.Random(seed) if hasattr(random, "Random") else random
        self.steps = 0
        self.cut_at = -1
        self.worn_program: set[int] = set()
        self.worn_erase: set[int] = set()
        self.silent: set[int] = set()
        self.silent_headers = False
        self.dead = False
        self.erasures = 0

    def erase(self, sector: int) -> int:
        if self.dead or sector in self.worn_erase:
            return STORAGE_FAILED
        if not 0 <= sector < self.sectors:
            return STORAGE_RANGE
        start = sector * self.sector_size
        end = start + self.sector_size
        left = self.cut_at - self.steps
        self.steps += ERASE_STEPS
        self.erasures += 1
        if self.cut_at >= 0 and left < ERASE_STEPS:
            if left == 1:
                # Any octet is old, erased, or in between.
                for at in range(start, end):
                    self.content[at] |= self.random.choice((0, 0xFF, self.random.getrandbits(8)))
            elif left == 2:
                self.content[start:end] = b"\xff" * self.sector_size
            raise PowerCut
        self.content[start:end] = b"\xff" * self.sector_size
        return STORAGE_OK

    def program(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        if self.dead or offset // self.sector_size in self.worn_program:
            return STORAGE_FAILED
        size = end - start
        if offset < 0 or offset + size > len(self.content):
            return STORAGE_RANGE
        for octet in self.content[offset : offset + size]:
            if octet != 0xFF:
                return STORAGE_NOT_ERASED
        left = self.cut_at - self.steps
        self.steps += size
        if self.cut_at >= 0 and left < size:
            self._tear(offset, buffer, start, end, left)
            raise PowerCut
        self.content[offset : offset + size] = buffer[start:end]
        if offset // self.sector_size in self.silent or (self.silent_headers and offset % self.sector_size == 0):
            self.content[offset] ^= 1
        return STORAGE_OK

    def _tear(self, offset: int, buffer: bytearray, start: int, end: int, whole: int) -> None:
        """*whole* octets are written; in the rest of their word some bits are."""
        self.content[offset : offset + whole] = buffer[start : start + whole]
        at = whole
        while at < end - start and (offset + at) % WORD:
            self.content[offset + at] = buffer[start + at] | self.random.getrandbits(8)
            at += 1
        if at == whole:
            for at in range(whole, min(whole + WORD, end - start)):
                self.content[offset + at] = buffer[start + at] | self.random.getrandbits(8)

    def read(self, offset: int, buffer: bytearray, start: int, end: int) -> int:
        if self.dead:
            return STORAGE_FAILED
        if offset < 0 or offset + end - start > len(self.content):
            return STORAGE_RANGE
        buffer[start:end] = self.content[offset : offset + end - start]
        return STORAGE_OK
