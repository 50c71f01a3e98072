"""Status of a request and failure codes of ST[01] reports. Numbers are those of firmware/SPEC.md section 14.

1..0x7F are drop reasons (flight/errors.py): the packet itself was not good. 0x80..0xFF are the services' own codes. An
app numbers its own from APP on. Numbers are never used anew.
"""

from micropython import const

# What a service returns: done, or on its way (it opened an execution and will close it).
DONE = const(0)
DEFERRED = const(-1)

# Acceptance (1/2).
UNKNOWN_SERVICE = const(0x80)
UNKNOWN_SUBTYPE = const(0x81)
UNKNOWN_FUNCTION = const(0x82)
DATA_LENGTH = const(0x83)
ARGUMENT_RANGE = const(0x84)
ARGUMENT_VALUE = const(0x85)
MODE = const(0x86)
NOT_ARMED = const(0x87)
ITEM_COUNT = const(0x88)

# Start of execution (1/4).
UNKNOWN_ID = const(0x90)
TABLE_FULL = const(0x91)
ALREADY_THERE = const(0x92)
STATE = const(0x93)
VALUE_RANGE = const(0x94)
TIME_PAST = const(0x95)
STORAGE = const(0x96)
EXECUTIONS_FULL = const(0x97)
REPORT_SIZE = const(0x98)
NOT_SETTABLE = const(0x99)
TRANSITION = const(0x9A)

# Progress and completion of execution (1/6, 1/8).
ABORTED = const(0xA0)
TIMEOUT = const(0xA1)
DEVICE = const(0xA2)
STEP_FAILED = const(0xA3)
REPORTS_LOST = const(0xA4)

APP = const(0x100)
