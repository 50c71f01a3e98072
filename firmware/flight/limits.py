"""Every bound and mission constant of the link and of the packets, each with its reason.

What lives here: numbers that a mission may change, and numbers that fix the size of a buffer made at start.
What does not: field layouts (they belong to the standards and stand beside the code that reads them) and
anything computed at run time. The host tools import these same names, so both ends agree by construction.

Bytes: firmware/SPEC.md. Standards: CCSDS 131.0-B, 132.0-B, 133.0-B, 231.0-B, 232.0-B, 232.1-B, 301.0-B, 355.0-B.
"""

from micropython import const

# --- identity -------------------------------------------------------------------------------------------------

# 10 bits. A bench number: a flying mission gets its own from the SANA spacecraft registry.
SPACECRAFT_ID = const(0x2A5)

# --- uplink: CLTU and TC transfer frames (231.0-B, 232.0-B) ---------------------------------------------------

# Octets of the longest TC frame accepted, header and FECF included. 256 keeps the loss of one frame at bit error
# rate 1e-4 near 1 in 5 without BCH and rare with it, and one frame under 23 ms at 115200 baud. May go up to 1024.
TC_FRAME_MAX = const(256)

# The one telecommand virtual channel (6 bits) and the one MAP (6 bits) in use.
TC_VCID = const(0)
TC_MAP_ID = const(0)

# BCH(63,56) decoder: True = single error correction (231.0-B SEC), False = triple error detection (TED).
# With the FECF behind it a wrong correction is still caught, so correction is worth more than detection.
BCH_CORRECT = const(True)

# Pseudo-randomisers (231.0-B §6, 131.0-B §10). Off: a UART carries its own clock and needs no bit transitions.
TC_RANDOMISE = const(False)
TM_RANDOMISE = const(False)

# --- COP-1 (232.1-B) ------------------------------------------------------------------------------------------

# FARM_Sliding_Window_Width W: even, 2..254. PW = NW = W/2 = 64 frames in flight cover 200 telecommands a second,
# one to a frame, over a 300 ms round trip; the 128 numbers left over still detect a foreign frame sequence.
FARM_WINDOW = const(128)

# Accepted Type-AD data waits here, in octets: 20 telecommands a 100 ms cycle at 200 a second, 100 octets each,
# and as much again for a cycle that comes late. When it is full FARM-1 goes to Wait and the ground repeats.
TC_AD_BUFFER = const(4096)

# Accepted Type-BD data: room for a few frames. When it is full the oldest is erased (232.1-B §6.2.2), counted.
TC_BD_BUFFER = const(1024)

# Control (BC) frames carry no authentication (355.0-B), so anyone in range can send them. A ground station
# needs one or two per initialisation; more than this many in a period are dropped and counted.
BC_FRAMES_MAX = const(8)
BC_PERIOD_MS = const(1000)

# --- uplink authentication (355.0-B), when the topology wires a security association -----------------------------

# Security Parameter Index of each service. They differ so that a captured AD frame cannot be turned into a BD
# frame by flipping its bypass flag, which the authentication mask leaves out.
SDLS_SPI_AD = const(1)
SDLS_SPI_BD = const(2)

# --- downlink: TM transfer frames (132.0-B, 131.0-B) -----------------------------------------------------------

# Octets of every TM frame, header, OCF and FECF included, without the sync marker. 256 fills in 22 ms at 115200 baud,
# so the wait for a frame to fill stays short; 16 octets of overhead are 6 %.
TM_FRAME_LENGTH = const(256)

# Bits of the attached sync marker that may be wrong and still count as one (0..7). 3 of 32 is met by chance once
# in 780 000 octet positions, and a true marker at bit error rate 1e-4 is missed once in 3e11.
ASM_TOLERANCE = const(3)

# Markers missed in a row before the receiver gives up the frame grid and searches anew.
ASM_LOSS_FRAMES = const(3)

# Virtual channels (3 bits).
TM_VC_REALTIME = const(0)
TM_VC_PLAYBACK = const(1)

# Frames queued per virtual channel. Real time: two full 100 ms cycles at 921600 baud. Playback refills itself from
# the store, so it needs only what one cycle sends.
TM_REALTIME_FRAMES = const(16)
TM_PLAYBACK_FRAMES = const(8)

# Real-time frames sent in a row while playback waits; then playback gets one. Stops a chatty real-time channel
# from starving playback, and costs real time at most one frame in five.
TM_REALTIME_BURST = const(4)

# Longest telemetry packet, in octets, header and packet error control included: a quarter of the real-time queue.
TM_PACKET_MAX = const(1024)

# A partly filled frame is closed with an idle packet this long after its first octet was written.
FLUSH_MS = const(200)

# A frame, and so a CLCW, leaves at least this often. 900 and not 1000: the executive looks every 100 ms, and the
# ground counts on one a second.
CLCW_PERIOD_MS = const(900)

# A CLCW that says something new waits no longer than this for a frame: FOP-1 on the ground frees its window by it.
CLCW_CHANGE_MS = const(100)

# --- packets (133.0-B, ECSS-E-ST-70-41C) -----------------------------------------------------------------------

# Telecommand packet, octets: primary header 6 + secondary header 5 + packet error control 2, and what one frame
# holds beside its own header 5, segment header 1 and FECF 2 (packets are never split over frames).
TC_PACKET_MIN = const(13)
TC_PACKET_MAX = const(248)

# Application processes on board that own a sequence count.
APID_MAX = const(8)

# Slots for message type counters, one per (destination, service, subtype): a power of two. The full set of
# services has about 60 report types; three users of them fill half, which keeps the probing short.
MESSAGE_TYPES_MAX = const(256)

# --- time (301.0-B, CUC with P-field 1E) ---------------------------------------------------------------------------

# On board, seconds are small integers since this epoch; on the wire they count from 1958-01-01 TAI in 32 bits,
# which a 31-bit small integer cannot hold. 2020-01-01T00:00:00 TAI = 1 956 528 000 s, as two 16-bit halves;
# the range is then 2020 to 2054.
EPOCH_HIGH = const(29854)
EPOCH_LOW = const(16256)
