"""What both units on the payload bus have in common: readings that are asked for, commands told until they hold.

One read of all input registers every `period_s`. Coils and holding registers that somebody wants are written when they
changed, again after a failure or a restart of the unit, and looked at every `verify_s`: what the unit then holds
otherwise is written anew. A unit whose map has another version is asked, not understood, and not commanded. Addresses,
scales and codes of open and short come from the unit's map (tables.DEVICES); nothing here knows a number of it.
"""

from micropython import const

from ..codec import FIELD_SIGNED, FIELD_UNSIGNED, field, unpack
from ..tables import (
    REGISTER_ADDRESS,
    REGISTER_COUNT,
    REGISTER_HIGH,
    REGISTER_I16,
    REGISTER_INVALID,
    REGISTER_KIND,
    REGISTER_LOW,
    REGISTER_NAME,
    REGISTER_OFFSET,
    REGISTER_SCALE,
    REGISTER_SPACE,
    REGISTER_U32,
    SPACE_COIL,
    SPACE_HOLDING,
    SPACE_INPUT,
    UNIT_REGISTERS,
    UNIT_SLAVE,
    UNIT_VERSION,
)
from .modbus import READ_COILS, READ_HOLDING, READ_INPUT, WRITE_COILS, WRITE_REGISTERS, Client, Master, Transaction
from .reading import AGE_MAX_S

_COUNT_MASK: int = const(0xFFFF)


class Told:
    """The holding registers of one name, written together. wanted: raw values."""

    def __init__(self, link, row, whole: bool) -> None:  # type: ignore[no-untyped-def]
        self.row = row
        self.address = row[REGISTER_ADDRESS]
        count = row[REGISTER_COUNT]
        self.wanted = [0] * count
        self._si = [0.0] * count
        self._missing = (1 << count) - 1 if whole else 0
        self.known = False  # somebody wants something, all of it when *whole*
        self.held = False  # and the unit has confirmed it
        self.write = Transaction(link, link.errors, link.slave, WRITE_REGISTERS, self.address, count)

    def want(self, k: int, si: float) -> None:
        """Tell value *k*; what is outside the unit's range is cut to it."""
        if si == self._si[k] and self.known:
            return
        self._si[k] = si
        row = self.row
        raw = int((si - row[REGISTER_OFFSET]) / row[REGISTER_SCALE] + 0.5)
        raw = min(max(raw, row[REGISTER_LOW]), row[REGISTER_HIGH])
        if raw != self.wanted[k] or not self.known:
            self.wanted[k] = raw
            self._missing &= ~(1 << k)
            self.known = self._missing == 0
            self.held = False


class UnitLink(Client):
    """Talks to one unit for *target*, which gets received() after each set of readings.

    values: raw input registers by address. coils: wanted, bit 0 is the coil of the lowest address that is used.
    """

    def __init__(self, devices, unit, target) -> None:  # type: ignore[no-untyped-def]
        self.master: Master = devices.master()
        self._pool = devices.values
        self._period = devices.parameter("PERIOD_S")
        self._stale = devices.parameter("STALE_S")
        self._verify = devices.parameter("VERIFY_S")
        self._target = target
        self.errors = target.errors
        self.slave = unit[UNIT_SLAVE]
        self._version = unit[UNIT_VERSION]
        self._rows = unit[UNIT_REGISTERS]
        self._input_format()
        self._version_at = self.find(SPACE_INPUT, "map_version")[REGISTER_ADDRESS]
        self._uptime_at = self.find(SPACE_INPUT, "uptime")[REGISTER_ADDRESS]
        self.told: list[Told] = []
        self.coils = 0
        self._coils_held = False
        self._coils_sent = 0
        self._coil_mask = 0
        self._write_coils: Transaction | None = None
        self._see_coils: Transaction | None = None
        self._see_holding: Transaction | None = None
        self._next_s = 0
        self._verify_s = 0
        self._uptime_high = 0
        self._uptime_low = 0
        self.commandable = False

    # --- made at start ------------------------------------------------------------------------------------------------

    def find(self, space: int, name: str):  # type: ignore[no-untyped-def]
        """The row of a register."""
        for row in self._rows:
            if row[REGISTER_SPACE] == space and row[REGISTER_NAME] == name:
                return row
        raise LookupError(name)

    def places(self, names: "tuple[str, ...]") -> "list[tuple]":  # type: ignore[type-arg]
        """For fill(), the rows of input registers. At start only."""
        return [self.find(SPACE_INPUT, name) for name in names]

    def _input_format(self) -> None:
        """Every input register as one field, in the order of addresses."""
        fmt = b""
        end = 0
        for row in self._rows:
            if row[REGISTER_SPACE] != SPACE_INPUT:
                continue
            kind = FIELD_SIGNED if row[REGISTER_KIND] == REGISTER_I16 else FIELD_UNSIGNED
            width = 2 if row[REGISTER_KIND] >= REGISTER_U32 else 1
            for number in range(row[REGISTER_COUNT] * width):
                at = row[REGISTER_ADDRESS] + number
                fmt += field(kind, 16, 16 * at, at)
            end = max(end, row[REGISTER_ADDRESS] + row[REGISTER_COUNT] * width)
        self._format = fmt
        self.values = [0] * end
        self._read = self._add(Transaction(self, self.errors, self.slave, READ_INPUT, 0, end))

    def use_coils(self, names: "tuple[str, ...]") -> "list[int]":
        """Coils by name are written together; the bit of `coils` where each name begins. At start only."""
        rows = [self.find(SPACE_COIL, name) for name in names]
        first = min([row[REGISTER_ADDRESS] for row in rows])
        end = max([row[REGISTER_ADDRESS] + row[REGISTER_COUNT] for row in rows])
        for row in rows:
            self._coil_mask |= ((1 << row[REGISTER_COUNT]) - 1) << (row[REGISTER_ADDRESS] - first)
        self._write_coils = self._add(Transaction(self, self.errors, self.slave, WRITE_COILS, first, end - first))
        self._see_coils = self._add(Transaction(self, self.errors, self.slave, READ_COILS, first, end - first))
        return [row[REGISTER_ADDRESS] - first for row in rows]

    def use_holding(self, name: str, whole: bool = False) -> Told:
        """The holding registers of one name; *whole*: not written before each of them is wanted. At start only."""
        told = Told(self, self.find(SPACE_HOLDING, name), whole)
        self._add(told.write)
        self.told.append(told)
        return told

    def ready(self) -> None:
        """All registers are named. At start only."""
        end = max([told.address + len(told.wanted) for told in self.told])
        self._see_holding = self._add(Transaction(self, self.errors, self.slave, READ_HOLDING, 0, end))

    def _add(self, transaction: Transaction) -> Transaction:
        self.master.add(transaction)
        return transaction

    # --- steady state -------------------------------------------------------------------------------------------------

    def want_coil(self, bit: int, on: bool) -> None:
        """Tell one coil."""
        coils = self.coils | 1 << bit if on else self.coils & ~(1 << bit)
        if coils != self.coils:
            self.coils = coils
            self._coils_held = False

    def fill(self, made, places) -> None:  # type: ignore[no-untyped-def]
        """Put input registers into the readings *made*, one after the other; places: whose they are (places())."""
        values = self.values
        number = 0
        for row in places:
            scale = row[REGISTER_SCALE]
            offset = row[REGISTER_OFFSET]
            invalid = row[REGISTER_INVALID]
            address = row[REGISTER_ADDRESS]
            for at in range(address, address + row[REGISTER_COUNT]):
                reading = made[number]
                number += 1
                raw = values[at]
                if raw in invalid:
                    reading.valid = False
                else:
                    reading.value = raw * scale + offset
                    reading.valid = True

    def step(self, elapsed_s: int) -> None:
        """Readings age; what is due is submitted."""
        target = self._target
        age_s = target.age_s + elapsed_s
        target.age_s = age_s if age_s < AGE_MAX_S else AGE_MAX_S
        if target.link_ok and age_s > self._pool[self._stale]:
            target.link_ok = False
            for reading in target.all:
                reading.valid = False
        self._next_s -= elapsed_s
        self._verify_s -= elapsed_s
        due = self._next_s <= 0
        if due:
            self._next_s = self._pool[self._period]
            self.master.submit(self._read)
        # A unit that does not answer is told again no more often than it is asked.
        if self.commandable and (due or target.link_ok):
            self._tell()
            if self._verify_s <= 0:
                self._verify_s = self._pool[self._verify]
                self._look()

    def _tell(self) -> None:
        write = self._write_coils
        if not self._coils_held and write is not None and not write.busy:
            self._coils_sent = self.coils
            data = write.data
            for i in range(len(data)):
                data[i] = self.coils >> 8 * i & 0xFF
            self.master.submit(write)
        for told in self.told:
            if told.known and not told.held and not told.write.busy:
                data = told.write.data
                for k in range(len(told.wanted)):
                    data[2 * k] = told.wanted[k] >> 8 & 0xFF
                    data[2 * k + 1] = told.wanted[k] & 0xFF
                self.master.submit(told.write)

    def _look(self) -> None:
        if self._see_coils is not None:
            self.master.submit(self._see_coils)
        if self._see_holding is not None:
            self.master.submit(self._see_holding)

    def answered(self, transaction: Transaction, buffer: bytearray, start: int, end: int) -> None:
        if transaction is self._read:
            self._received(buffer, start, end)
        elif transaction is self._write_coils:
            self._coils_held = self._coils_sent == self.coils
        elif transaction is self._see_coils:
            bits = 0
            for i in range(end - start):
                bits |= buffer[start + i] << 8 * i
            if (bits ^ self.coils) & self._coil_mask:
                self._coils_held = False
        elif transaction is self._see_holding:
            for told in self.told:
                if not self._holds(told.wanted, buffer, start + 2 * told.address):
                    told.held = False
        else:
            for told in self.told:
                if transaction is told.write:
                    told.held = self._holds(told.wanted, transaction.data, 0)

    def _holds(self, wanted: "list[int]", octets: bytearray, at: int) -> bool:
        different = 0
        for k in range(len(wanted)):
            different |= (octets[at + 2 * k] << 8 | octets[at + 2 * k + 1]) ^ wanted[k]
        return different == 0

    def _received(self, buffer: bytearray, start: int, end: int) -> None:
        values = self.values
        unpack(self._format, buffer, start, end, values)
        target = self._target
        self.commandable = values[self._version_at] == self._version
        if not self.commandable:
            # What its registers mean is not known: nothing was read.
            target.link_ok = False
            for reading in target.all:
                reading.valid = False
            return
        # By halves: 32 bits are no small integer.
        high = values[self._uptime_at]
        low = values[self._uptime_at + 1]
        if high < self._uptime_high or (high == self._uptime_high and low < self._uptime_low):
            target.restarts = (target.restarts + 1) & _COUNT_MASK
            self.tell_all()
        self._uptime_high = high
        self._uptime_low = low
        target.age_s = 0
        target.link_ok = True
        target.updates = (target.updates + 1) & _COUNT_MASK
        target.received()

    def tell_all(self) -> None:
        """The unit has forgotten: tell it everything anew."""
        self._coils_held = False
        for told in self.told:
            told.held = False

    def failed(self, transaction: Transaction, reason: int) -> None:
        """The counters tell; what was not confirmed is told again."""
