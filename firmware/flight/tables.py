"""Shape of the tables that the dictionary's generator makes and the services read. No table lives here, and no text.

The tables come as a module (frozen in flash on the board) and are given to topology.build(); flight code never imports
them. Rows are tuples, descriptors are bytes (firmware/SPEC.md section 11); whatever flight does not need (names, units,
texts, calibrations for the ground) is not in them.
"""

from micropython import const

# --- COMMANDS: one row per request, sorted by key -------------------------------------------------------------------

# Row. key: service << 8 | subtype, in FUNCTIONS the function id. flags: COMMAND_... . modes: bit n = allowed in mode n.
# app: row of APPS, NO_APP for the core. size: octets of the fixed arguments. fmt: descriptors of the fixed arguments.
# args: one row per fixed argument. group: () or a row GROUP_... of what repeats behind the fixed arguments.
COMMAND_KEY = const(0)
COMMAND_FLAGS = const(1)
COMMAND_MODES = const(2)
COMMAND_APP = const(3)
COMMAND_SIZE = const(4)
COMMAND_FORMAT = const(5)
COMMAND_ARGS = const(6)
COMMAND_GROUP = const(7)

NO_APP = const(255)

# Must be armed before; octets of any number follow the fixed arguments; the service looks at the data before
# acceptance.
COMMAND_HAZARDOUS = const(1)
COMMAND_OPEN = const(2)
COMMAND_CHECKED = const(4)

# Argument row. slot: place in request.args. kind: ARG_... . at, width: octets from the start of the application data.
# low, high: range, both allowed. values: () or the allowed values in ascending order.
ARG_SLOT = const(0)
ARG_KIND = const(1)
ARG_AT = const(2)
ARG_WIDTH = const(3)
ARG_LOW = const(4)
ARG_HIGH = const(5)
ARG_VALUES = const(6)

# Integers that the codec reads into one small integer; 32-bit integers that it reads as halves into two slots; floats.
ARG_UNSIGNED = const(1)
ARG_SIGNED = const(2)
ARG_FLOAT = const(3)
ARG_UNSIGNED_32 = const(4)
ARG_SIGNED_32 = const(5)

# Group row. count_width: octets of the number of items (1 or 2). item: octets of one item, 0 = its service knows.
# least, most: how many items are allowed.
GROUP_COUNT_WIDTH = const(0)
GROUP_ITEM = const(1)
GROUP_LEAST = const(2)
GROUP_MOST = const(3)

# --- HOUSEKEEPING: one row per structure of the dictionary, sorted by SID -------------------------------------------

# period_ms: a multiple of 100. size: octets of the fields. fmt: descriptors that index pool.values.
HOUSEKEEPING_SID = const(0)
HOUSEKEEPING_PERIOD_MS = const(1)
HOUSEKEEPING_FLAGS = const(2)
HOUSEKEEPING_SIZE = const(3)
HOUSEKEEPING_FORMAT = const(4)

HOUSEKEEPING_ENABLED = const(1)
HOUSEKEEPING_ON_CHANGE = const(2)

# --- EVENTS: one row per event, sorted by id ------------------------------------------------------------------------

# severity: 1 informative, 2 low, 3 medium, 4 high: the message subtype of its report. size, fmt: its fields; value n of
# raise_() is value n of the descriptors.
EVENT_ID = const(0)
EVENT_SEVERITY = const(1)
EVENT_SIZE = const(2)
EVENT_FORMAT = const(3)

# --- PARAMETERS: one row per settable parameter, sorted by pool index ------------------------------------------------

PARAMETER_INDEX = const(0)
PARAMETER_FLAGS = const(1)
PARAMETER_LOW = const(2)
PARAMETER_HIGH = const(3)
PARAMETER_VALUES = const(4)

PARAMETER_PERSISTENT = const(1)

# --- MONITORS: one row per parameter monitoring definition, sorted by id ---------------------------------------------

# index: of the point in the pool. period_ms: a multiple of 100. repetition: samples in a row before the check changes
# its state. a, b: limit: low, high; expected: mask, value; delta: least, most change between two samples.
# event_low, event_high: event ids raised on the way out, 0 = none (expected value: event_low alone).
# coefficients: () = a and b are raw values; else the polynomial c0, c1, ... from raw to engineering value.
# valid: () or (index, mask, value): the check runs only while values[index] & mask == value.
MONITOR_ID = const(0)
MONITOR_CHECK = const(1)
MONITOR_INDEX = const(2)
MONITOR_FLAGS = const(3)
MONITOR_PERIOD_MS = const(4)
MONITOR_REPETITION = const(5)
MONITOR_A = const(6)
MONITOR_B = const(7)
MONITOR_EVENT_LOW = const(8)
MONITOR_EVENT_HIGH = const(9)
MONITOR_COEFFICIENTS = const(10)
MONITOR_VALID = const(11)

CHECK_LIMIT = const(0)
CHECK_EXPECTED = const(1)
CHECK_DELTA = const(2)

MONITOR_ENABLED = const(1)

# --- EVENT_ACTIONS: one row per event-action definition, sorted by event id -----------------------------------------

# request: a whole telecommand packet.
ACTION_EVENT = const(0)
ACTION_FLAGS = const(1)
ACTION_REQUEST = const(2)

ACTION_ENABLED = const(1)

# --- SEQUENCES: (id, number of steps, octets of the steps), sorted by id ---------------------------------------------

SEQUENCE_ID = const(0)
SEQUENCE_STEPS = const(1)
SEQUENCE_OCTETS_AT = const(2)

# Kinds of steps (service/sequence_steps.py): request after a delay, request at an on-board time, wait for a condition;
# and the bit of those whose failure does not end the sequence.
STEP_REQUEST = const(0)
STEP_REQUEST_AT = const(1)
STEP_WAIT = const(2)
STEP_GO_ON = const(16)

RELATION_EQUAL = const(0)
RELATION_NOT_EQUAL = const(1)
RELATION_BELOW = const(2)
RELATION_ABOVE = const(3)

# --- MODES: (mode, entry requests, exit requests, mode after a restart), sorted --------------------------------------

# TRANSITIONS: for each mode the bits of the modes it may go to.

MODE_NUMBER = const(0)
MODE_ENTRY = const(1)
MODE_EXIT = const(2)
MODE_RESUME = const(3)

# Mode numbers are the framework's own: the dictionary gives each its actions and its ways out.
MODE_BOOT = const(0)
MODE_SAFE = const(1)
MODE_STANDBY = const(2)
MODE_NOMINAL = const(3)
MODE_SCIENCE = const(4)
MODE_SURVIVAL = const(5)
MODES_MAX = const(6)
ALL_MODES = const(0x3F)


# --- DEVICES: (role, data), in the order of the drivers ---------------------------------------------------------------

DEVICE_ROLE = const(0)
DEVICE_DATA = const(1)

DEVICE_POWER = const(0)
DEVICE_THERMAL = const(1)

# data: what the driver is made with: the map of a unit, or how the board's own parts are wired: rows (name, values).
# Map of a Modbus slave. slave: its address. version: of the map. reply_ms: within which it answers. registers: rows,
# sorted by space and address.
UNIT_SLAVE = const(0)
UNIT_VERSION = const(1)
UNIT_REPLY_MS = const(2)
UNIT_REGISTERS = const(3)

# A register, or `count` of them in a row. space: SPACE_... . kind: REGISTER_... . SI value = raw * scale + offset. low,
# high: raw values that may be written. invalid: raw values that are no readings.
REGISTER_SPACE = const(0)
REGISTER_NAME = const(1)
REGISTER_ADDRESS = const(2)
REGISTER_KIND = const(3)
REGISTER_COUNT = const(4)
REGISTER_SCALE = const(5)
REGISTER_OFFSET = const(6)
REGISTER_LOW = const(7)
REGISTER_HIGH = const(8)
REGISTER_INVALID = const(9)

SPACE_INPUT = const(0)
SPACE_HOLDING = const(1)
SPACE_COIL = const(2)
SPACE_DISCRETE = const(3)

REGISTER_BIT = const(0)
REGISTER_U16 = const(1)
REGISTER_I16 = const(2)
REGISTER_U32 = const(3)
REGISTER_I32 = const(4)


class Tables:
    """What every generated module has. Read once, at start.

    HASH: SHA-256 of the dictionary. POOL_IDS: ids of all on-board parameters, ascending, two octets each. POOL_TYPES:
    for each the field kind and the width in bits. POOL_START: for each its value at start. APP_MODES: for each app the
    bits of the modes in which its steps run.
    """

    HASH: bytes
    POOL_IDS: bytes
    POOL_TYPES: bytes
    POOL_START: tuple[float, ...]
    COMMANDS: tuple[tuple, ...]  # type: ignore[type-arg]
    FUNCTIONS: tuple[tuple, ...]  # type: ignore[type-arg]
    HOUSEKEEPING: tuple[tuple, ...]  # type: ignore[type-arg]
    EVENTS: tuple[tuple, ...]  # type: ignore[type-arg]
    PARAMETERS: tuple[tuple, ...]  # type: ignore[type-arg]
    MONITORS: tuple[tuple, ...]  # type: ignore[type-arg]
    EVENT_ACTIONS: tuple[tuple, ...]  # type: ignore[type-arg]
    SEQUENCES: tuple[tuple, ...]  # type: ignore[type-arg]
    MODES: tuple[tuple, ...]  # type: ignore[type-arg]
    TRANSITIONS: tuple[int, ...]
    APP_MODES: bytes
    DEVICES: tuple[tuple, ...]  # type: ignore[type-arg]
