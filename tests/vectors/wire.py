"""Literal octets of the wire, written from firmware/SPEC.md by hand, with the invariant that each of them shows.

Data only, plain enough for every interpreter. checks.py says what each table means and compares; the check values come
from crcmod, FIPS 180-4, RFC 4231 and a bit-by-bit division, never from the code under test.
"""

# SPEC 11: field descriptors are (kind, width in bits, bit offset, number of the value), 6 octets each.
UNSIGNED = 1
SIGNED = 2
FLOAT = 3
HALVES = 4


def fields(*descriptors):
    """Octets of field descriptors."""
    octets = bytearray()
    for kind, width, bit, index in descriptors:
        octets += bytes((kind, width, bit >> 8, bit & 0xFF, index >> 8, index & 0xFF))
    return bytes(octets)


# --- SPEC 1: (invariant, octets, CRC-16, CRC-16/MODBUS, CRC-32) ---

CRC = [
    ("W-001 W-003 W-004", b"123456789", 0x29B1, 0x4B37, b"\xcb\xf4\x39\x26"),
    ("W-001 W-004", b"", 0xFFFF, 0xFFFF, b"\x00\x00\x00\x00"),
    ("W-001", b"\x00", 0xE1F0, 0x40BF, b"\xd2\x02\xef\x8d"),
    ("W-001", b"\xff\xff\xff\xff", 0x1D0F, 0xB001, b"\xff\xff\xff\xff"),
]

# (invariant, octets with CRC-16 behind them)
CRC16_BLOCKS = [
    (
        "W-002 W-073",
        b"\x18\x64"  # telecommand with secondary header, APID 0x064
        b"\xc0\x05"  # unsegmented, sequence count 5
        b"\x00\x06"  # 7 octets follow
        b"\x2f\x11\x01"  # PUS-C, all acknowledgements, 17/1
        b"\x00\x00"  # source 0
        b"\xd7\xc4",  # packet error control
    ),
    (
        "W-002 W-073",
        b"\x08\x64\xc0\x00\x00\x0f"  # telemetry, APID 0x064, count 0, 16 octets follow
        b"\x20\x11\x02\x00\x07\x00\x00"  # PUS-C, 17/2, message type counter 7, destination 0
        b"\x1e\x00\x00\x00\x01\x80\x00"  # CUC: 1.5 s
        b"\x1c\xd1",  # packet error control
    ),
    ("W-031", b"\x30\xa5\x00\x07\x00\x00\xad\x3f"),  # BC Unlock and FECF
    ("W-032", b"\x30\xa5\x00\x09\x00\x82\x00\x2a\xb3\x24"),  # BC Set V(R) = 0x2A and FECF
]

# (invariant, octets with CRC-16/MODBUS behind them, least significant octet first)
MODBUS_BLOCKS = [
    ("W-003 W-101", b"123456789\x37\x4b"),
    (
        "W-100 W-101",
        b"\x01"  # unit 1
        b"\x04"  # read input registers
        b"\x00\x10"  # from 0x0010
        b"\x00\x02"  # two of them
        b"\x70\x0e",  # CRC
    ),
]

# (invariant, message, SHA-256): FIPS 180-4 examples.
SHA256 = [
    (
        "W-005",
        b"abc",
        b"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
        b"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
    ),
    (
        "W-005",
        b"",
        b"\xe3\xb0\xc4\x42\x98\xfc\x1c\x14\x9a\xfb\xf4\xc8\x99\x6f\xb9\x24"
        b"\x27\xae\x41\xe4\x64\x9b\x93\x4c\xa4\x95\x99\x1b\x78\x52\xb8\x55",
    ),
    (
        "W-005",  # 56 octets: the length goes into a block of its own
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        b"\x24\x8d\x6a\x61\xd2\x06\x38\xb8\xe5\xc0\x26\x93\x0c\x3e\x60\x39"
        b"\xa3\x3c\xe4\x59\x64\xff\x21\x67\xf6\xec\xed\xd4\x19\xdb\x06\xc1",
    ),
]

# (invariant, key, message, first octets of the MAC): RFC 4231 test cases 1 to 7.
HMAC = [
    (
        "W-006",
        b"\x0b" * 20,
        b"Hi There",
        b"\xb0\x34\x4c\x61\xd8\xdb\x38\x53\x5c\xa8\xaf\xce\xaf\x0b\xf1\x2b"
        b"\x88\x1d\xc2\x00\xc9\x83\x3d\xa7\x26\xe9\x37\x6c\x2e\x32\xcf\xf7",
    ),
    (
        "W-006",
        b"Jefe",
        b"what do ya want for nothing?",
        b"\x5b\xdc\xc1\x46\xbf\x60\x75\x4e\x6a\x04\x24\x26\x08\x95\x75\xc7"
        b"\x5a\x00\x3f\x08\x9d\x27\x39\x83\x9d\xec\x58\xb9\x64\xec\x38\x43",
    ),
    (
        "W-006",
        b"\xaa" * 20,
        b"\xdd" * 50,
        b"\x77\x3e\xa9\x1e\x36\x80\x0e\x46\x85\x4d\xb8\xeb\xd0\x91\x81\xa7"
        b"\x29\x59\x09\x8b\x3e\xf8\xc1\x22\xd9\x63\x55\x14\xce\xd5\x65\xfe",
    ),
    (
        "W-006",
        bytes(range(1, 26)),
        b"\xcd" * 50,
        b"\x82\x55\x8a\x38\x9a\x44\x3c\x0e\xa4\xcc\x81\x98\x99\xf2\x08\x3a"
        b"\x85\xf0\xfa\xa3\xe5\x78\xf8\x07\x7a\x2e\x3f\xf4\x67\x29\x66\x5b",
    ),
    (
        "W-006",
        b"\x0c" * 20,
        b"Test With Truncation",
        b"\xa3\xb6\x16\x74\x73\x10\x0e\xe0\x6e\x0c\x79\x6c\x29\x55\x55\x2b",
    ),
    (
        "W-006",
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        b"\x60\xe4\x31\x59\x1e\xe0\xb6\x7f\x0d\x8a\x26\xaa\xcb\xf5\xb7\x7f"
        b"\x8e\x0b\xc6\x21\x37\x28\xc5\x14\x05\x46\x04\x0f\x0e\xe3\x7f\x54",
    ),
    (
        "W-006",
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
        b"hashed before being used by the HMAC algorithm.",
        b"\x9b\x09\xff\xa7\x1b\x94\x2f\xcb\x27\x63\x5f\xbc\xd5\xb0\xe9\x44"
        b"\xbf\xdc\x63\x64\x4f\x07\x13\x93\x8a\x7f\x51\x53\x5c\x3a\x35\xe2",
    ),
]

# --- SPEC 2: (invariant, first octets of the TC sequence, of the TM sequence) ---

RANDOMISERS = [
    (
        "W-010 W-011 W-012",
        b"\xff\x39\x9e\x5a\x68\xe9\x06\xf5\x6c\x89",
        b"\xff\x48\x0e\xc0\x9a\x0d\x70\xbc\x8e\x2c",
    ),
]

# --- SPEC 3: (invariant, 7 octets of information, parity octet) ---

BCH = [
    ("W-020", b"\x00\x00\x00\x00\x00\x00\x00", 0xFE),
    ("W-020", b"\x00\x00\x00\x00\x00\x00\x01", 0x74),
    ("W-020", b"\x30\xa5\x00\x07\x00\x00\xad", 0x8A),
    ("W-020", b"\x3f\x55\x55\x55\x55\x55\x55", 0x86),
]

START = b"\xeb\x90"
TAIL = b"\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"
UNLOCK = b"\x30\xa5\x00\x07\x00\x00\xad\x3f"
UNLOCK_CLTU = (
    b"\xeb\x90"  # start sequence
    b"\x30\xa5\x00\x07\x00\x00\xad\x8a"  # block 0: 7 octets of the frame, parity
    b"\x3f\x55\x55\x55\x55\x55\x55\x86"  # block 1: the last octet, six octets of fill, parity
    b"\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"  # tail sequence
)
SEVEN = b"\x30\xa5\x00\x07\x00\x00\xad"
SEVEN_CLTU = b"\xeb\x90\x30\xa5\x00\x07\x00\x00\xad\x8a\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"

# (invariant, frame, randomised, CLTU)
CLTUS = [
    ("W-021", SEVEN, False, SEVEN_CLTU),
    ("W-021 W-031", UNLOCK, False, UNLOCK_CLTU),
    (
        "W-010 W-021",
        UNLOCK,
        True,  # frame and fill xor FF 39 9E 5A 68 E9 06, F5 6C 89 2F A1 31 5E
        b"\xeb\x90\xcf\x9c\x9e\x5d\x68\xe9\xab\xd2\xca\x39\xdc\x7a\xf4\x64\x0b\xca\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79",
    ),
]

# Streams: (invariant, correct, octets of the frame buffer, stream, frames with fill, counters in the order of SPEC 3:
# starts, search octets, blocks, corrected, tails, rejected, delivered, empty, overlong, untaken).
_FILLED = b"\x30\xa5\x00\x07\x00\x00\xad\x3f\x55\x55\x55\x55\x55\x55"
_BIT_WRONG = b"\xeb\x90\x30\xa5\x00\x07\x00\x01\xad\x8a\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"  # one bit of block 0
_FILLER_WRONG = b"\xeb\x90\x30\xa5\x00\x07\x00\x00\xad\x8b\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"  # the filler bit alone
_TWO_WRONG = b"\xeb\x90\x30\xa5\x00\x07\x00\x03\xad\x8a\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79"
CLTU_STREAMS = [
    ("W-028", True, 14, UNLOCK_CLTU, [_FILLED], (1, 0, 2, 0, 1, 0, 1, 0, 0, 0)),
    # Idle octets around it: the last one waits, it may begin a start sequence.
    ("W-028", False, 14, b"\x55\x55" + UNLOCK_CLTU + b"\x55\x55", [_FILLED], (1, 3, 2, 0, 1, 0, 1, 0, 0, 0)),
    ("W-022", True, 14, _BIT_WRONG, [SEVEN], (1, 0, 1, 1, 1, 0, 1, 0, 0, 0)),
    ("W-022", True, 14, _FILLER_WRONG, [SEVEN], (1, 0, 1, 1, 1, 0, 1, 0, 0, 0)),
    # Refused in block 0: nothing was decoded; its 8 octets and the tail are searched, the last octet waits.
    ("W-022", False, 14, _BIT_WRONG, [], (1, 15, 0, 0, 0, 1, 0, 1, 0, 0)),
    ("W-022", False, 14, _FILLER_WRONG, [], (1, 15, 0, 0, 0, 1, 0, 1, 0, 0)),
    ("W-023", True, 14, _TWO_WRONG, [], (1, 15, 0, 0, 0, 1, 0, 1, 0, 0)),
    # A start sequence with one, then with two wrong bits.
    ("W-025", True, 14, b"\xeb\x91" + SEVEN_CLTU[2:], [SEVEN], (1, 0, 1, 0, 1, 0, 1, 0, 0, 0)),
    ("W-025", False, 14, b"\xeb\x91" + SEVEN_CLTU[2:], [], (0, 17, 0, 0, 0, 0, 0, 0, 0, 0)),
    ("W-025", True, 14, b"\xea\x91" + SEVEN_CLTU[2:], [], (0, 17, 0, 0, 0, 0, 0, 0, 0, 0)),
    # A tail with one wrong bit still ends the CLTU; its octets are searched.
    (
        "W-024",
        True,
        14,
        SEVEN_CLTU[:10] + b"\xc5\xc5\xc4\xc5\xc5\xc5\xc5\x79",
        [SEVEN],
        (1, 7, 1, 0, 0, 1, 1, 0, 0, 0),
    ),
    # The tail is missing: the block that ends the first CLTU holds the start sequence of the second.
    (
        "W-026",
        False,
        14,
        SEVEN_CLTU[:10] + b"\x00\x00\x00" + UNLOCK_CLTU,
        [SEVEN, _FILLED],
        (2, 3, 3, 0, 1, 1, 2, 0, 0, 0),
    ),
    # Two blocks do not fit in 13 octets; the CLTU after it is received. Block 1, tail: 16 octets searched.
    ("W-029", True, 13, UNLOCK_CLTU + SEVEN_CLTU, [SEVEN], (2, 16, 2, 0, 1, 0, 1, 0, 1, 0)),
    # Start and tail with nothing between.
    ("W-024", True, 14, START + TAIL, [], (1, 0, 0, 0, 1, 0, 0, 1, 0, 0)),
]

# --- SPEC 7: frames of 24 octets ---

ASM = b"\x1a\xcf\xfc\x1d"
FRAME = (
    b"\x0a\x51"  # SCID 0x0A5, VCID 0, OCF
    b"\x00\x00"  # master and virtual channel count
    b"\x18\x00"  # segment length b11, first header pointer 0
    b"\x07\xff\xc0\x00\x00\x05\x55\x55\x55\x55\x55\x55"  # idle packet of 12 octets
    b"\x01\x00\x00\x00"  # CLCW: COP-1, VCID 0, V(R) 0
    b"\x0a\xc4"  # FECF
)
FRAME_RANDOMISED = b"\xf5\x19\x0e\xc0\x82\x0d\x77\x43\x4e\x2c\x93\xa8\xf2\xe2\x13\x9b\x0f\xc2\x7c\xcc\x32\xa2\xb5\xfa"
# Counts and V(R) 1.
FRAME_2 = b"\x0a\x51\x01\x01\x18\x00\x07\xff\xc0\x00\x00\x05\x55\x55\x55\x55\x55\x55\x01\x00\x00\x01\xf1\x49"
_BAD = b"\x0a\x51\x00\x00\x18\x00\x07\xff\xc0\x00\x00\x05\x55\x55\x55\x55\x55\x54\x01\x00\x00\x00\x0a\xc4"
_ASM_1 = b"\x1a\xcf\xfc\x1c"  # one bit wrong
_ASM_4 = b"\x1a\xcf\xfc\xed"  # four bits wrong
_ASM_5 = b"\x1a\xcf\xfd\xed"  # five

# (invariant, search errors, lock errors, randomised, stream, frames, locked at the end, counters as in SPEC 7:
# frames, fecf, search octets, asm errors, lock lost, resync, untaken).
TM_STREAMS = [
    ("W-061 W-065", 0, 4, False, ASM + FRAME + ASM + FRAME_2, [FRAME, FRAME_2], True, (2, 0, 0, 0, 0, 0, 0)),
    ("W-010 W-061", 0, 4, True, ASM + FRAME_RANDOMISED, [FRAME], True, (1, 0, 0, 0, 0, 0, 0)),
    # Garbage before, and behind: the last three octets wait.
    ("W-065", 0, 4, False, b"\x1a\xcf" + ASM + FRAME + b"\x00" * 5, [FRAME], False, (1, 0, 4, 0, 1, 0, 0)),
    # Wrong FECF, and the next ASM where it should be.
    ("W-061", 0, 4, False, ASM + FRAME + ASM + _BAD + ASM + FRAME_2, [FRAME, FRAME_2], True, (2, 1, 0, 0, 0, 0, 0)),
    # While searching no wrong bit is taken, or as many as asked for.
    ("W-062", 0, 4, False, _ASM_1 + FRAME, [], False, (0, 0, 25, 0, 0, 0, 0)),
    ("W-062", 1, 4, False, _ASM_1 + FRAME, [FRAME], True, (1, 0, 0, 1, 0, 0, 0)),
    # In lock four are, five are not.
    ("W-062", 0, 4, False, ASM + FRAME + _ASM_4 + FRAME_2, [FRAME, FRAME_2], True, (2, 0, 0, 1, 0, 0, 0)),
    ("W-062", 0, 4, False, ASM + FRAME + _ASM_5 + FRAME_2, [FRAME], False, (1, 0, 25, 0, 1, 0, 0)),
    # One octet of the second frame is lost: that frame costs its 4 + 23 octets.
    (
        "W-063",
        0,
        4,
        False,
        ASM + FRAME + ASM + FRAME[:-1] + ASM + FRAME_2 + ASM + FRAME,
        [FRAME, FRAME_2, FRAME],
        True,
        (3, 0, 27, 0, 1, 1, 0),
    ),
    # One octet is inserted.
    (
        "W-063",
        0,
        4,
        False,
        ASM + FRAME + ASM + FRAME[:9] + b"\x00" + FRAME[9:] + ASM + FRAME_2,
        [FRAME, FRAME_2],
        True,
        (2, 0, 29, 0, 1, 1, 0),
    ),
    # A false ASM just before the true one: 4 octets of search.
    ("W-063", 0, 4, False, ASM + ASM + FRAME + ASM + FRAME_2, [FRAME, FRAME_2], True, (2, 0, 4, 0, 0, 1, 0)),
]

# --- SPEC 4 to 10: headers as fields: (invariant, descriptors, values, octets) ---

TC_HEADER = fields(
    (UNSIGNED, 2, 0, 0),  # transfer frame version number
    (UNSIGNED, 1, 2, 1),  # bypass flag
    (UNSIGNED, 1, 3, 2),  # control command flag
    (UNSIGNED, 2, 4, 3),  # reserved spare
    (UNSIGNED, 10, 6, 4),  # SCID
    (UNSIGNED, 6, 16, 5),  # VCID
    (UNSIGNED, 10, 22, 6),  # frame length - 1
    (UNSIGNED, 8, 32, 7),  # N(S)
)
CLCW = fields(
    (UNSIGNED, 1, 0, 0),  # control word type
    (UNSIGNED, 2, 1, 1),  # version
    (UNSIGNED, 3, 3, 2),  # status
    (UNSIGNED, 2, 6, 3),  # COP in effect
    (UNSIGNED, 6, 8, 4),  # VCID
    (UNSIGNED, 2, 14, 5),  # spare
    (UNSIGNED, 1, 16, 6),  # no RF available
    (UNSIGNED, 1, 17, 7),  # no bit lock
    (UNSIGNED, 1, 18, 8),  # lockout
    (UNSIGNED, 1, 19, 9),  # wait
    (UNSIGNED, 1, 20, 10),  # retransmit
    (UNSIGNED, 2, 21, 11),  # FARM-B counter
    (UNSIGNED, 1, 23, 12),  # spare
    (UNSIGNED, 8, 24, 13),  # N(R)
)
TM_HEADER = fields(
    (UNSIGNED, 2, 0, 0),  # transfer frame version number
    (UNSIGNED, 10, 2, 1),  # SCID
    (UNSIGNED, 3, 12, 2),  # VCID
    (UNSIGNED, 1, 15, 3),  # OCF flag
    (UNSIGNED, 8, 16, 4),  # master channel frame count
    (UNSIGNED, 8, 24, 5),  # virtual channel frame count
    (UNSIGNED, 1, 32, 6),  # secondary header flag
    (UNSIGNED, 1, 33, 7),  # synchronisation flag
    (UNSIGNED, 1, 34, 8),  # packet order flag
    (UNSIGNED, 2, 35, 9),  # segment length identifier
    (UNSIGNED, 11, 37, 10),  # first header pointer
)
PACKET_HEADER = fields(
    (UNSIGNED, 3, 0, 0),  # packet version number
    (UNSIGNED, 1, 3, 1),  # type
    (UNSIGNED, 1, 4, 2),  # secondary header flag
    (UNSIGNED, 11, 5, 3),  # APID
    (UNSIGNED, 2, 16, 4),  # sequence flags
    (UNSIGNED, 14, 18, 5),  # sequence count
    (UNSIGNED, 16, 32, 6),  # data length - 1
)
TC_SECONDARY = fields(
    (UNSIGNED, 4, 0, 0),  # PUS version
    (UNSIGNED, 1, 4, 1),  # acknowledge completion
    (UNSIGNED, 1, 5, 2),  # progress
    (UNSIGNED, 1, 6, 3),  # start
    (UNSIGNED, 1, 7, 4),  # acceptance
    (UNSIGNED, 8, 8, 5),  # service
    (UNSIGNED, 8, 16, 6),  # subtype
    (UNSIGNED, 16, 24, 7),  # source
)
TM_SECONDARY = fields(
    (UNSIGNED, 4, 0, 0),  # PUS version
    (UNSIGNED, 4, 4, 1),  # time reference status
    (UNSIGNED, 8, 8, 2),  # service
    (UNSIGNED, 8, 16, 3),  # subtype
    (UNSIGNED, 16, 24, 4),  # message type counter
    (UNSIGNED, 16, 40, 5),  # destination
    (UNSIGNED, 8, 56, 6),  # P-field
    (HALVES, 32, 64, 7),  # seconds, two halves
    (UNSIGNED, 16, 96, 9),  # fraction
)
CUC = fields((UNSIGNED, 8, 0, 0), (HALVES, 32, 8, 1), (UNSIGNED, 16, 40, 3))

STRUCTURES = [
    ("W-030", TC_HEADER, [0, 0, 0, 0, 0x0A5, 0, 7, 0], b"\x00\xa5\x00\x07\x00"),
    ("W-031", TC_HEADER, [0, 1, 1, 0, 0x0A5, 0, 7, 0], b"\x30\xa5\x00\x07\x00"),
    ("W-032", TC_HEADER, [0, 1, 1, 0, 0x0A5, 0, 9, 0], b"\x30\xa5\x00\x09\x00"),
    ("W-030", TC_HEADER, [0, 1, 0, 0, 0x3FF, 63, 1023, 255], b"\x23\xff\xff\xff\xff"),  # BD, everything at its most
    ("W-040", CLCW, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], b"\x01\x00\x00\x00"),
    ("W-040", CLCW, [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 255], b"\x01\x00\x38\xff"),
    ("W-040", CLCW, [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 3, 0, 1], b"\x01\x04\x06\x01"),
    ("W-060", TM_HEADER, [0, 0x0A5, 0, 1, 0, 0, 0, 0, 0, 3, 0], b"\x0a\x51\x00\x00\x18\x00"),
    ("W-066", TM_HEADER, [0, 0x0A5, 7, 1, 2, 1, 0, 0, 0, 3, 0x7FE], b"\x0a\x5f\x02\x01\x1f\xfe"),  # idle frame
    ("W-070", PACKET_HEADER, [0, 1, 1, 0x064, 3, 5, 10], b"\x18\x64\xc0\x05\x00\x0a"),
    ("W-071", PACKET_HEADER, [0, 0, 0, 0x7FF, 3, 0, 0], b"\x07\xff\xc0\x00\x00\x00"),
    ("W-080 W-082", TC_SECONDARY, [2, 1, 1, 1, 1, 17, 1, 0], b"\x2f\x11\x01\x00\x00"),
    ("W-082", TC_SECONDARY, [2, 0, 0, 0, 1, 3, 5, 0x1234], b"\x21\x03\x05\x12\x34"),
    (
        "W-081",
        TM_SECONDARY,
        [2, 0, 17, 2, 7, 0, 0x1E, 0, 1, 0x8000],
        b"\x20\x11\x02\x00\x07\x00\x00\x1e\x00\x00\x00\x01\x80\x00",
    ),
    ("W-085", CUC, [0x1E, 0x83AA, 0x7E80, 0], b"\x1e\x83\xaa\x7e\x80\x00\x00"),
    ("W-086", CUC, [0x1E, 0, 0, 0x8000], b"\x1e\x00\x00\x00\x00\x80\x00"),
    ("W-094", fields((HALVES, 32, 0, 0)), [0x1234, 0x5678], b"\x12\x34\x56\x78"),
    ("W-094", fields((HALVES, 20, 4, 0)), [0xA, 0xBCDE], b"\x0a\xbc\xde"),
    ("W-094", fields((HALVES, 64, 0, 0)), [1, 2, 3, 0xFFFF], b"\x00\x01\x00\x02\x00\x03\xff\xff"),
    ("W-095", fields((SIGNED, 8, 0, 0)), [-2], b"\xfe"),
    ("W-095", fields((FLOAT, 32, 0, 0)), [1.5], b"\x3f\xc0\x00\x00"),
    ("W-095", fields((FLOAT, 64, 8, 0)), [1.5], b"\x00\x3f\xf8\x00\x00\x00\x00\x00\x00"),
    ("W-091", fields((SIGNED, 3, 1, 1), (SIGNED, 12, 4, 0)), [-2048, 3], b"\x38\x00"),
    ("W-091", fields((SIGNED, 64, 0, 0)), [-9223372036854775808], b"\x80\x00\x00\x00\x00\x00\x00\x00"),
    ("W-091", fields((UNSIGNED, 64, 0, 0)), [18446744073709551615], b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    ("W-091", fields((UNSIGNED, 33, 7, 0)), [0x123456789], b"\x01\x23\x45\x67\x89"),
]

# (invariant, descriptors, values, octets, clamped): what does not fit goes to the nearest end of the range.
CLAMPED = [
    ("W-092", fields((UNSIGNED, 8, 0, 0), (UNSIGNED, 8, 8, 1)), [256, -1], b"\xff\x00", 2),
    ("W-092", fields((SIGNED, 8, 0, 0), (SIGNED, 8, 8, 1)), [128, -129], b"\x7f\x80", 2),
    ("W-092", fields((SIGNED, 8, 0, 0), (SIGNED, 8, 8, 1)), [127, -128], b"\x7f\x80", 0),
    ("W-092", fields((UNSIGNED, 4, 0, 0), (UNSIGNED, 4, 4, 0)), [2.5], b"\x22", 0),  # half to even
    ("W-092", fields((UNSIGNED, 8, 0, 0), (UNSIGNED, 8, 8, 1)), [3.5, -0.25], b"\x04\x00", 0),
    ("W-092", fields((SIGNED, 8, 0, 0), (SIGNED, 8, 8, 1)), [1e30, -1e30], b"\x7f\x80", 2),
    ("W-092", fields((UNSIGNED, 64, 0, 0)), [18446744073709551616], b"\xff\xff\xff\xff\xff\xff\xff\xff", 1),
    ("W-092", fields((SIGNED, 64, 0, 0)), [-9223372036854775809], b"\x80\x00\x00\x00\x00\x00\x00\x00", 1),
    ("W-092", fields((HALVES, 32, 0, 0)), [65536, -1], b"\xff\xff\x00\x00", 2),
    ("W-092", fields((UNSIGNED, 1, 7, 0)), [True], b"\x01", 0),
]

# (invariant, descriptors, octets of the structure, number of values, status): refused without a touch outside.
REFUSED = [
    ("W-093", b"\x01\x08\x00\x00\x00", 8, 8, -1),  # five octets are no descriptor
    ("W-093", fields((0, 8, 0, 0)), 8, 8, -1),  # unknown kinds
    ("W-093", fields((5, 8, 0, 0)), 8, 8, -1),
    ("W-093", fields((UNSIGNED, 0, 0, 0)), 8, 8, -1),  # bad widths
    ("W-093", fields((UNSIGNED, 65, 0, 0)), 16, 8, -1),
    ("W-093", fields((FLOAT, 16, 0, 0)), 8, 8, -1),
    ("W-093", fields((FLOAT, 32, 1, 0)), 8, 8, -1),  # a float not at an octet
    ("W-093", fields((UNSIGNED, 8, 1, 0)), 1, 8, -2),  # one bit too far
    ("W-093", fields((UNSIGNED, 1, 65535, 0)), 64, 8, -2),
    ("W-093", fields((FLOAT, 64, 8, 0)), 8, 8, -2),
    ("W-093", fields((UNSIGNED, 8, 0, 8)), 8, 8, -3),  # value numbers past the end
    ("W-093", fields((UNSIGNED, 8, 0, 65535)), 8, 8, -3),
    ("W-093", fields((HALVES, 33, 0, 6)), 8, 8, -3),  # needs three
]
