"""TM transfer frame: CCSDS 132.0-B 4.1, with its sync marker (131.0-B). SPEC 7. Layout and header, written in place.

A frame buffer holds the sync marker and the frame: octet numbers here count from the marker.
"""

from micropython import const

from ..codec import randomise_tm, tm_frame_seal
from ..limits import SCID, TM_FRAME_LENGTH, TM_RANDOMISED
from .clcw import CLCW_OCTET_0, CLCW_OCTET_1, write_clcw

ASM_LENGTH = const(4)
DATA_START = const(10)  # behind the marker (4) and the primary header (6)
# Octets of the data field: the frame without primary header (6), OCF (4) and FECF (2).
DATA_LENGTH = TM_FRAME_LENGTH - 12

# First header pointers with a meaning of their own.
FHP_NONE = const(0x7FF)  # no packet starts in this frame
FHP_IDLE = const(0x7FE)  # idle frame: no packets at all

_OCF_START = ASM_LENGTH + TM_FRAME_LENGTH - 6
_END = ASM_LENGTH + TM_FRAME_LENGTH

# Version b00 and SCID in octets 0 and 1; the OCF flag is the last bit of octet 1.
_OCTET_0 = SCID >> 4
_OCTET_1 = (SCID & 0x0F) << 4 | 0x01


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
    # The head anew each time, as prepare() writes it: it may be randomised, and a damaged octet costs all later frames.
    frame[0] = 0x1A
    frame[1] = 0xCF
    frame[2] = 0xFC
    frame[3] = 0x1D
    frame[4] = _OCTET_0
    frame[5] = _OCTET_1 | vcid << 1
    frame[_OCF_START] = CLCW_OCTET_0
    frame[_OCF_START + 1] = CLCW_OCTET_1
    tm_frame_seal(frame, ASM_LENGTH, _END, mc_count, vc_count, fhp, report)
    if TM_RANDOMISED:
        randomise_tm(frame, ASM_LENGTH, _END)
