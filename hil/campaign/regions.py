"""Regions of a board's memory by name, taken from the image's symbols and from what is mapped behind them."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from hil.targets.symbols import Symbols
from hil.targets.target import Memory, Target

FLASH_BASE = 0x0800_0000
SRAM_END = 0x2002_0000
# Core-coupled memory: QEMU 7 has it behind the SRAM, silicon where the part has it (firmware/stm32f4/main.c).
CCM_BASES = (0x1000_0000, 0x2002_0000)
CCM_SIZE = 0x1_0000


class Region(msgspec.Struct, frozen=True):
    """Addresses start..end-1."""

    name: str
    start: int
    end: int


class Flip(msgspec.Struct, frozen=True):
    """One bit of memory."""

    region: str
    address: int
    bit: int


def why_no_code(kind: str) -> str:
    """Why bits of code are not turned on a target of this kind; empty where they are."""
    return "" if kind == "renode" else "flash is read-only in QEMU"


def regions_of(elf: Path, ccm_base: int, kind: str = "qemu") -> list[Region]:
    """Regions of an image. ccm_base: where its core-coupled memory lies, 0 = nowhere. kind: of the target; code lies in
    flash, which not every one lets us write."""
    at = Symbols(elf).address
    regions = [
        Region("stack", at("_stack_bottom"), at("_stack_top")),
        Region("noinit", at("_fault_stack_top"), at("_data_start")),
        Region("data", at("_data_start"), at("_data_end")),
        Region("bss", at("_bss_start"), at("_bss_end")),
        Region("heap", at("_heap_start"), SRAM_END),
    ]
    if not why_no_code(kind):
        regions.append(Region("code", FLASH_BASE, at("_image_end")))
    if ccm_base:
        regions.append(Region("ccm", ccm_base, ccm_base + CCM_SIZE))
    return [region for region in regions if region.end > region.start]


def find_ccm(memory: Memory) -> int:
    """Where core-coupled memory answers; 0: nowhere. Its first octets are a table of the heap, never all zero."""
    return next((base for base in CCM_BASES if any(memory.read(base, 1024))), 0)


def draw(source: random.Random, regions: list[Region]) -> Flip:
    """A bit at random: every region as often as the others, every bit of it as often as the others."""
    region = source.choice(regions)
    return Flip(region.name, source.randrange(region.start, region.end), source.randrange(8))


def turn(target: Target, flip: Flip) -> None:
    """Turn the bit over."""
    memory = target.memory
    octet = memory.read(flip.address, 1)[0]
    memory.write(flip.address, bytes([octet ^ 1 << flip.bit]))
