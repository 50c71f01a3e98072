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
