"""TM transfer frame: CCSDS 132.0-B 4.1, with its sync marker (131.0-B). SPEC 7. Layout and header, written in place.

A frame buffer holds the sync marker and the frame: octet numbers here count from the marker.
"""

from micropython import const

from ..codec import crc16_put, randomise_tm
from ..limits import SCID, TM_FRAME_LENGTH, TM_RANDOMISED
from .clcw import CLCW_LENGTH, write_clcw

ASM_LENGTH = const(4)
DATA_START = const(10)  # behind the marker (4) and the primary header (6)
# Octets of the data field: the frame without primary header (6), OCF (4) and FECF (2).
DATA_LENGTH = TM_FRAME_LENGTH - 12

# First header pointers with a meaning of their own.
FHP_NONE = const(0x7FF)  # no packet starts in this frame
FHP_IDLE = const(0x7FE)  # idle frame: no packets at all

_OCF_START = ASM_LENGTH + TM_FRAME_LENGTH - 6
# The half of the CLCW that FARM-1 owns.
_REPORT_HIGH = _OCF_START + 2
_REPORT_LOW = _OCF_START + 3
_FECF_START = _OCF_START + CLCW_LENGTH
_END = ASM_LENGTH + TM_FRAME_LENGTH

# Version b00 and SCID in octets 0 and 1; the OCF flag is the last bit of octet 1.
_OCTET_0 = SCID >> 4
_OCTET_1 = (SCID & 0x0F) << 4 | 0x01
# No secondary header, packets in order, segment length identifier b11; the FHP follows in the last three bits.
_OCTET_4 = const(0x18)


def prepare(frame: bytearray, vcid: int) -> None:
    """Write what is the same in every frame of the virtual channel *vcid*: marker, identification, head of the OCF."""
    frame[0] = 0x1A
    frame[1] = 0xCF
    frame[2] = 0xFC
    frame[3] = 0x1D
    frame[4] = _OCTET_0
    frame[5] = _OCTET_1 | vcid << 1
    write_clcw(frame, _OCF_START, 0)


def seal(frame: bytearray, vcid: int, mc_count: int, vc_count: int, fhp: int, report: int) -> None:
    """Write all but the data into *frame*: head, counts, pointer, Farm.report(), FECF; then randomise."""
    # Each time anew: it may have been randomised, and a damaged octet of it would cost every later frame.
    prepare(frame, vcid)
    frame[6] = mc_count
    frame[7] = vc_count
    frame[8] = _OCTET_4 | fhp >> 8
    frame[9] = fhp & 0xFF
    frame[_REPORT_HIGH] = report >> 8
    frame[_REPORT_LOW] = report & 0xFF
    crc16_put(frame, ASM_LENGTH, _FECF_START)
    if TM_RANDOMISED:
        randomise_tm(frame, ASM_LENGTH, _END)
