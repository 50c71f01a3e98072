"""Every bound and mission constant of the link and of the packets, each with its reason.

What lives here: numbers that a mission may change, and numbers that fix the size of a buffer made at start.
What does not: field layouts (they stand beside the code that reads them) and anything computed at run time.
The host tools import these same names, so both ends agree by construction. Bytes: firmware/SPEC.md.
"""

from micropython import const

# --- identity -------------------------------------------------------------------------------------------------

# Spacecraft identifier, 10 bits. A bench number: a flying mission gets its own from the SANA registry.
SCID = const(0x0A5)

# --- uplink: CLTU and TC transfer frames (231.0-B, 232.0-B) ---------------------------------------------------

# Octets of the longest TC frame accepted, header and FECF included; at most 1024. 256 is 27 ms at 115200 baud, so a
# frame lost costs little time, and 13 octets of telecommand in it are never hurried by a long neighbour.
TC_FRAME_MAX = const(256)

# The one telecommand virtual channel (6 bits) and the one MAP (6 bits) in use.
TC_VCID = const(0)
TC_MAP_ID = const(0)

# BCH(63,56) decoder: 1 = single error correction (SEC), 0 = triple error detection (TED). The FECF behind it catches a
# wrong correction, so correcting is worth more than detecting.
TC_BCH_MODE = const(1)

# Pseudo-randomisers, 1 = on. Off: a UART carries its own clock and needs no bit transitions.
TC_RANDOMISED = const(0)
TM_RANDOMISED = const(0)

# --- COP-1 (232.1-B) ------------------------------------------------------------------------------------------

# FARM_Sliding_Window_Width W: even, 2..254. PW = NW = W/2 = 64 frames in flight cover 200 telecommands a second,
# one to a frame, over a 300 ms round trip; the 128 numbers left over still show a foreign sequence.
FARM_WINDOW = const(128)

# Accepted AD data waits here, in octets: 20 telecommands a 100 ms cycle at 200 a second, 100 octets each,
# and as much again for a cycle that comes late. When it is full FARM-1 goes to Wait and the ground repeats.
TC_AD_BUFFER = const(4096)

# Accepted BD data: room for a few frames. When it is full the oldest is erased (232.1-B 6.2.2) and counted.
TC_BD_BUFFER = const(1024)

# BC frames accepted in one second. They carry no authentication (355.0-B), so anyone in range can send them; a ground
# station needs one or two per initialisation and a few repetitions.
BC_RATE_MAX = const(8)

# --- uplink authentication (355.0-B) ----------------------------------------------------------------------------

# 1 = AD and BD frames carry a security header and trailer and are refused without. The key is no constant: the topology
# gives it.
TC_SDLS = const(1)

# Security Parameter Index of each service. They differ so that a captured AD frame cannot be turned into a BD
# frame by its bypass flag, which the authentication mask leaves out, and because BD frames overtake AD frames.
SDLS_SPI_AD = const(1)
SDLS_SPI_BD = const(2)

# How far a sequence number may be ahead of the last accepted one: more than all frames a pass loses, little enough
# that no forged jump can use the number up.
SDLS_WINDOW = const(1000)

# --- downlink: TM transfer frames (132.0-B, 131.0-B) -----------------------------------------------------------

# Octets of every TM frame, header, OCF and FECF included, without the sync marker; 64..1024. 256 takes 23 ms at
# 115200 baud, so the wait for a frame to fill stays short; the 12 octets of overhead are 5 %.
TM_FRAME_LENGTH = const(256)

# Wrong bits in an attached sync marker that still counts as one. Searching: 0, because garbage is tried at every
# octet. In lock: 4, because it stands at one known place, where chance meets it once in 100 000.
TM_ASM_ERRORS_SEARCH = const(0)
TM_ASM_ERRORS_LOCK = const(4)

# Virtual channels (3 bits): real time, playback (known to the ground, sent by no board yet), and the one of frames that
# only carry the CLCW.
TM_VC_REALTIME = const(0)
TM_VC_PLAYBACK = const(1)
TM_VC_IDLE = const(7)

# Frames queued: one 100 ms cycle fills three at 115200 baud; the rest is for bursts of verification reports.
TM_REALTIME_FRAMES = const(16)

# Longest telemetry packet in octets, header and packet error control included: a quarter of the real-time queue.
TM_PACKET_MAX = const(1024)

# A partly filled frame is closed with an idle packet this long after it was first seen so.
FLUSH_MS = const(200)

# A frame, and with it a CLCW, leaves at least this often. 900 and not 1000: the executive looks every 100 ms, and the
# ground counts on one a second.
CLCW_PERIOD_MS = const(900)

# A CLCW that says something new waits no longer than this for a frame: FOP-1 on the ground frees its window by it.
CLCW_CHANGE_MS = const(100)

# --- packets (133.0-B, ECSS-E-ST-70-41C) -----------------------------------------------------------------------

# Application processes on board that own a sequence count.
APID_MAX = const(8)

# Message type counters, one per (destination, service, subtype): a power of two. The services have about
# 60 report types, and beside the ground few users ask for more than verification reports.
MESSAGE_TYPES_MAX = const(128)

# --- time (301.0-B) -----------------------------------------------------------------------------------------------

# On board, seconds are small integers since this epoch; on the wire they count from 1958-01-01 TAI in 32 bits,
# which a 31-bit small integer cannot hold. 2020-01-01T00:00:00 TAI = 1 956 528 000 s, as two 16-bit halves;
# the range is then 2020 to 2054.
EPOCH_HIGH = const(29854)
EPOCH_LOW = const(16256)

# Latest time that can be set: half a year before the small integer that counts seconds is full.
TIME_SET_MAX = const(0x3F000000)

# ST[09]: rate exponent of a report every 256 s, the slowest of ECSS-E-ST-70-41C 6.9.4.1, and the one that means none.
TIME_REPORT_RATE_MAX = const(8)
TIME_REPORT_OFF = const(255)

# --- on board: executive ------------------------------------------------------------------------------------------

# The fastest rate group, and the grain of every period on board.
CYCLE_MS = const(100)

# Rate groups 10 Hz, 1 Hz, 0.1 Hz: period in cycles, first cycle (so that the slow ones never meet), and what one run
# may take. A quarter of a cycle each for the first two leaves half of it for telecommands; the slowest may do longer
# work.
GROUP_CYCLES = (1, 10, 100)
GROUP_PHASES = (0, 3, 7)
GROUP_BUDGETS_US = (25_000, 25_000, 40_000)

# The watchdog bites after this long without every group in its window: many cycles, so that erasing a flash sector
# (2 s, DS8626 table 40), during which nothing runs, does not end in a reset.
WATCHDOG_MS = const(8000)

# Cycles for which the self-check vouches: it looks every ten, and may come a little late. Seconds in which no octet has
# left for the ground until it vouches no more: three periods of the CLCW. With WATCHDOG_MS that is 13 s until a silent
# board restarts.
VOUCHED_CYCLES = const(13)
LINK_SILENT_S = const(3)

# Settable parameters whose three copies are compared in a second: all of 240 within 20 s, at 10 us each.
PARAMETERS_COMPARED = const(12)

# A commanded restart waits this long, so that its own report leaves: flush time and 40 frames of queue at 115200 baud.
FAREWELL_MS = const(1000)

# Octets taken from the link port at once: 22 ms at 115200 baud.
LINK_READ = const(256)

# Telecommand frames executed before the executive looks at the clock again: at 1 ms each a cycle starts 16 ms late at
# most.
TC_PER_POLL = const(16)

# --- on board: services ---------------------------------------------------------------------------------------------

# The application process that all telecommands and reports of the board belong to.
APID = const(0x064)

# Values of the fixed arguments of one request; a 32-bit integer takes two.
TC_ARGS_MAX = const(24)

# Requests whose execution goes on after they were taken: sequences, moves, journeys through the modes.
EXECUTIONS_MAX = const(16)

# A hazardous request must follow its arming within this time: long enough to type, too short to forget.
ARM_MS = const(60_000)

# Housekeeping structures that 3/1 can make, and parameters in each: a few for an investigation, 200 octets of memory
# each.
HOUSEKEEPING_CREATED_MAX = const(4)
HOUSEKEEPING_CREATED_FIELDS = const(32)

# A structure that is sent on change only is sent after this many periods anyhow, so that the ground can tell it from a
# dead one.
HOUSEKEEPING_QUIET_PERIODS = const(60)

# Persistent parameters: 8 octets each in one record of the store, as many as it holds (JOURNAL_RECORD_MAX).
PERSISTENT_MAX = const(64)

# Apps that can be blamed for a crash: bits of one small integer.
BLAMED_MAX = const(24)

# Starts that are kept with their ages: the highest reset_limit (dictionary/modes.toml).
RESETS_KEPT = const(8)

# Keys of the store, 1..JOURNAL_KEYS.
STORE_PARAMETERS = const(1)
STORE_MODE = const(2)
STORE_RESETS = const(3)
STORE_NUMBERS = const(4)
STORE_BLAMED = const(5)
# The power app: charge, loads, charger.
STORE_POWER = const(16)
# The night app: local solar time.
STORE_NIGHT = const(17)
# Sequences that were loaded: SEQUENCE_RECORDS keys for each.
STORE_SEQUENCES = const(24)
# The schedule: switched on or off; a change of several requests that is under way; one key for each of its places.
STORE_SCHEDULE_STATE = const(8)
STORE_SCHEDULE_CHANGE = const(9)
STORE_SCHEDULE = const(64)

# Requests that wait in the schedule: some hours of a lunar day's plan, and as many as there are keys for them.
SCHEDULE_MAX = const(64)

# Octets of a request that is stored on board: headers and error control 13, and 51 octets of data.
SCHEDULE_PACKET_MAX = const(64)

# A request this late is held and not released: longer than the board may stand still (erasing a flash sector, 2 s),
# shorter than any wrong time.
SCHEDULE_LATE_MS = const(3000)

# Requests released before the uplink is looked at again.
SCHEDULE_PER_POLL = const(8)

# Monitoring definitions, those of the dictionary included, 60 octets each: every temperature, voltage and current of a
# small spacecraft.
MONITORS_MAX = const(64)

# Check transitions that wait for their report, and how long at most: a fault shows at many points at once, and one
# report tells them all.
MONITOR_TRANSITIONS_MAX = const(32)
MONITOR_DELAY_MS = const(1000)

# Event-actions, those of the dictionary included; and requests that they execute in one cycle, at 1 ms each.
EVENT_ACTIONS_MAX = const(32)
EVENT_ACTIONS_PER_CYCLE = const(4)

# Sequences that can be loaded beside those of the dictionary, steps in each, and octets for them: 16 a step on average.
SEQUENCES_MAX = const(8)
SEQUENCE_STEPS_MAX = const(64)
SEQUENCE_OCTETS = const(1024)

# Service type, subtype and application data of a step's request.
SEQUENCE_DATA_MAX = const(64)

# Records of the store for each of them: head and octets in records of JOURNAL_RECORD_MAX.
SEQUENCE_RECORDS = const(3)

# Sequences at work at the same time, each with an open execution.
SEQUENCES_RUNNING_MAX = const(4)

# Longest delay and timeout, a day; shortest timeout, the resolution of time on board.
SEQUENCE_DELAY_MAX_MS = const(86_400_000)
SEQUENCE_TIMEOUT_MIN_MS = const(10)

# Reports of one event in a row, and the time after which it may report once more. Ten events at their limit take 10 of
# the 40 packets of 100 octets that 115200 baud carry in a second.
EVENT_BURST = const(5)
EVENT_REFILL_MS = const(1000)

# --- on board: storage ----------------------------------------------------------------------------------------------

# Keys of the journal are 1..127: ten octets of memory each, enough for a schedule with a record for each activity.
JOURNAL_KEYS = const(127)

# Octets of one record: the persistent parameters, or a telecommand of the longest frame and its times.
JOURNAL_RECORD_MAX = const(512)

# Octets used of a sector, at most. All of 128 KiB would make each start read 5000 heads; a quarter, which is worn out
# after 10 000 erasures (DS8626 table 41) and 300 MB a sector, outlives every mission.
JOURNAL_LOG = const(32768)

# Anti-replay numbers are kept this far ahead of what was accepted: one record in flash for half as many frames or more,
# and so many numbers are lost by a restart. Below SDLS_WINDOW, or the ground could not go on after one.
NUMBERS_AHEAD = const(64)
