"""Communications Link Control Word: the 32 bits a spacecraft returns to FOP-1 in the OCF of a TM frame.

CCSDS 232.0-B-3 §4.2. Here lives only the unpacked word; which frame it came from is the downlink decoder's business.
"""

from __future__ import annotations

import msgspec


class Clcw(msgspec.Struct, frozen=True):
    """One CLCW. Flags are booleans, `report_value` is N(R), 0 to 255, `farm_b_counter` 0 to 3."""

    vcid: int = 0
    lockout: bool = False
    wait: bool = False
    retransmit: bool = False
    report_value: int = 0
    farm_b_counter: int = 0
    no_rf: bool = False
    no_bit_lock: bool = False
    control_word_type: int = 0
    version: int = 0
    status: int = 0
    cop_in_effect: int = 1
    spare: int = 0  # the three spare bits: two above the flags (values 2 and 4), one above N(R) (value 1)

    @property
    def is_valid_pattern(self) -> bool:
        """False for what event E15 calls an invalid CLCW: another version, or a spare bit set."""
        return self.version == 0 and self.spare == 0


def unpack_clcw(word: int) -> Clcw:
    """The 32-bit OCF `word` as a `Clcw`. Any value is unpacked; judging it is left to the caller."""
    return Clcw(
        control_word_type=word >> 31 & 1,
        version=word >> 29 & 3,
        status=word >> 26 & 7,
        cop_in_effect=word >> 24 & 3,
        vcid=word >> 18 & 0x3F,
        spare=(word >> 16 & 3) << 1 | word >> 8 & 1,
        no_rf=bool(word & 0x8000),
        no_bit_lock=bool(word & 0x4000),
        lockout=bool(word & 0x2000),
        wait=bool(word & 0x1000),
        retransmit=bool(word & 0x0800),
        farm_b_counter=word >> 9 & 3,
        report_value=word & 0xFF,
    )


def pack_clcw(clcw: Clcw) -> int:
    """The 32-bit word of `clcw`; the inverse of `unpack_clcw`."""
    return (
        (clcw.control_word_type & 1) << 31
        | (clcw.version & 3) << 29
        | (clcw.status & 7) << 26
        | (clcw.cop_in_effect & 3) << 24
        | (clcw.vcid & 0x3F) << 18
        | (clcw.spare >> 1 & 3) << 16
        | clcw.no_rf << 15
        | clcw.no_bit_lock << 14
        | clcw.lockout << 13
        | clcw.wait << 12
        | clcw.retransmit << 11
        | (clcw.farm_b_counter & 3) << 9
        | (clcw.spare & 1) << 8
        | clcw.report_value & 0xFF
    )
