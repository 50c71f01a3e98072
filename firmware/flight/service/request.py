"""One request on its way through the services: the telecommand packet, its arguments, and what was wrong with it.

One object serves all requests, one after the other. ECSS-E-ST-70-41C 5.3.5: a telecommand packet holds one request.
"""

from ..codec import unpack
from ..errors import DropCounters
from ..limits import TC_ARGS_MAX
from ..packet.telecommand import Telecommand
from ..tables import (
    ARG_AT,
    ARG_FLOAT,
    ARG_HIGH,
    ARG_KIND,
    ARG_LOW,
    ARG_SIGNED,
    ARG_SIGNED_32,
    ARG_SLOT,
    ARG_UNSIGNED,
    ARG_UNSIGNED_32,
    ARG_VALUES,
    ARG_WIDTH,
)
from .failure import ARGUMENT_RANGE, ARGUMENT_VALUE, DONE

# Field kinds of an offending value (SPEC 14); 0 = none.
_KIND_OF = (0, 1, 2, 3, 1, 2)
NOWHERE = 0xFFFF


class Request(Telecommand):
    """The request that is being executed. Allocates when made, never after.

    buffer: holds the packet. args: fixed arguments by number, a 32-bit one at its first slot. at: octet behind the
    fixed arguments, where items begin; items: how many there are. function: function id of 8/1, else 0. command: its
    row of the table. where, kind, value: place (argument or item from 0, NOWHERE), field kind and 32 bits of the
    offending value of a failure.
    """

    def __init__(self, apids: "tuple[int, ...]", drops: DropCounters) -> None:
        super().__init__(apids, drops)
        self.buffer = bytearray(0)
        self.args: list[float] = [0] * TC_ARGS_MAX
        self.at = 0
        self.items = 0
        self.function = 0
        self.command: tuple = ()  # type: ignore[type-arg]
        self.started = False
        self.where = NOWHERE
        self.kind = 0
        self.value = bytearray(4)

    def fresh(self) -> None:
        """Nothing is wrong yet."""
        if self.kind or self.where != NOWHERE:
            # Somebody was to blame, which has left a value.
            self.where = NOWHERE
            self.kind = 0
            self.value[0] = self.value[1] = self.value[2] = self.value[3] = 0
        self.items = 0
        self.function = 0
        self.started = False

    def blame(self, code: int, where: int, number: int) -> int:
        """Note that *number* (an integer, -2^30..2^30-1) at *where* is why the request fails; returns *code*."""
        self.where = where
        self.kind = ARG_SIGNED if number < 0 else ARG_UNSIGNED
        value = self.value
        value[0] = number >> 24 & 0xFF
        value[1] = number >> 16 & 0xFF
        value[2] = number >> 8 & 0xFF
        value[3] = number & 0xFF
        return code

    def blame_octets(self, code: int, where: int, kind: int, at: int, width: int) -> int:
        """Note that the value of *width* octets (1..4) and field kind *kind* at buffer[at] is why; returns *code*."""
        self.where = where
        self.kind = kind
        value = self.value
        fill = 0xFF if kind == ARG_SIGNED and self.buffer[at] & 0x80 else 0
        for i in range(4):
            value[i] = fill if i < 4 - width else self.buffer[at + i - 4 + width]
        return code

    def u8(self, at: int) -> int:
        """The octet at buffer[at]."""
        return self.buffer[at]

    def u16(self, at: int) -> int:
        """The two octets at buffer[at]."""
        return self.buffer[at] << 8 | self.buffer[at + 1]

    def read_arguments(
        self,
        start: int,
        end: int,
        fmt: bytes,
        rows: "tuple[tuple, ...]",  # type: ignore[type-arg]
    ) -> int:
        """Read the fixed arguments in buffer[start:end] after *fmt* and check each against its row. DONE or a code."""
        args = self.args
        unpack(fmt, self.buffer, start, end, args)
        for number in range(len(rows)):
            row = rows[number]
            slot = row[ARG_SLOT]
            kind = row[ARG_KIND]
            if kind >= ARG_UNSIGNED_32:
                high = int(args[slot])
                if kind == ARG_SIGNED_32 and high >= 0x8000:
                    high -= 0x10000
                if not -0x4000 <= high <= 0x3FFF:
                    return self.blame_octets(ARGUMENT_RANGE, number, _KIND_OF[kind], start + row[ARG_AT], 4)
                args[slot] = high << 16 | int(args[slot + 1])
            value = args[slot]
            if not row[ARG_LOW] <= value <= row[ARG_HIGH]:
                return self.blame_octets(ARGUMENT_RANGE, number, _KIND_OF[kind], start + row[ARG_AT], row[ARG_WIDTH])
            if row[ARG_VALUES] and kind != ARG_FLOAT and value not in row[ARG_VALUES]:
                return self.blame_octets(ARGUMENT_VALUE, number, _KIND_OF[kind], start + row[ARG_AT], row[ARG_WIDTH])
        return DONE
