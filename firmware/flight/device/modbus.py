"""Modbus RTU master on the payload bus: one request at a time, its answer in a later cycle, never a wait.

MODBUS over Serial Line V1.02 (2.5.1: frames end with 3.5 characters of silence, above 19 200 baud 1.75 ms; 6.2.2: CRC)
and MODBUS Application Protocol V1.1b3 (functions 01, 02, 03, 04, 05, 06, 15, 16).

States of the master: idle; quiet (a transaction waits for a silent line); asked (waits for the answer); turnaround
(after a broadcast). An answer counts when slave, function, length and CRC are those of the request, and a write's echo
is exact. Another slave's frame is told and waited past; everything else that is wrong, and silence, end the attempt.
A transaction is sent `attempts` times, then it has failed: a broken bus costs attempts * (timeout + quiet time) of line
time for each transaction, and of the processor's time one look at the port for each turn of the executive.

Modbus RTU numbers nothing, so an answer that comes after its timeout could be taken for that of a later request. The
line is emptied before each request and stays quiet for a while after each timeout; what still slips through has the
same slave, function and length, and with one read per unit is an older answer to the same question.
"""

from micropython import const

from ..codec import copy, crc16_modbus_check, crc16_modbus_put
from ..hal.null import Port
from .reading import Errors

READ_COILS = const(1)
READ_DISCRETE = const(2)
READ_HOLDING = const(3)
READ_INPUT = const(4)
WRITE_COIL = const(5)
WRITE_REGISTER = const(6)
WRITE_COILS = const(15)
WRITE_REGISTERS = const(16)
EXCEPTION = const(0x80)

# Why a transaction failed, beside exception codes (1..255).
FAILED_SILENT = const(-1)
FAILED_CORRUPT = const(-2)

# Longest frame; 1.75 ms of silence, seen by a clock of whole milliseconds.
FRAME_MAX = const(256)
_SILENCE_MS: int = const(3)
# Silence after a timeout: an answer that is late by less than this is not taken for the next one's.
_QUIET_MS: int = const(50)
# Units digest a broadcast for so long (2.4.1 names 100 to 200 ms).
_TURNAROUND_MS: int = const(150)
# Characters in a millisecond at 115200 baud, 8N1.
_OCTETS_PER_MS: int = const(11)
_LOOK_MS: int = const(20)
_NEVER_MS: int = const(1_000_000_000)
_TICKS_MASK = const(0x3FFFFFFF)
_COUNT_MASK: int = const(0xFFFF)

_IDLE: int = const(0)
_QUIET: int = const(1)
_ASKED: int = const(2)
_TURNAROUND: int = const(3)


class Client:
    """Who asks. Called from the master's poll; must be as short as a poll."""

    def answered(self, transaction, buffer: bytearray, start: int, end: int) -> None:  # type: ignore[no-untyped-def]
        """The answer came; of a read the data are buffer[start:end], until this returns."""

    def failed(self, transaction, reason: int) -> None:  # type: ignore[no-untyped-def]
        """All attempts failed: FAILED_... or the unit's exception code."""


class Transaction:
    """One kind of request, made once and used again and again. Change address, count and data only while not `busy`.

    slave: 0 (all, writes only)..247. count: of bits or registers. data: what a write carries (registers: high octet
    first; bits: the first in bit 0 of data[0]); writes of one item use data as the register, or its first bit.
    """

    def __init__(self, client: Client, errors: Errors, slave: int, function: int, address: int, count: int) -> None:
        self.client = client
        self.errors = errors
        self.slave = slave
        self.function = function
        self.address = address
        self.count = count
        self.busy = False
        self.attempts = 0
        is_bits = function in (READ_COILS, READ_DISCRETE, WRITE_COIL, WRITE_COILS)
        octets = (count + 7) // 8 if is_bits else 2 * count
        self.data = bytearray(octets if function >= WRITE_COIL else 0)
        # Octets of the answer, CRC included.
        self.answer = 8 if function >= WRITE_COIL else 5 + octets


class Master:
    """Owns the port. Allocates when made and by add(), never after.

    timeout_ms: from the end of the request to the last octet of the answer. attempts: how often a request is sent.
    """

    def __init__(self, port: Port, timeout_ms: int = 300, attempts: int = 3) -> None:
        self._port = port
        self.timeout_ms = timeout_ms
        self.attempts = attempts
        self._stray = False  # came octets that nobody asked for, since the last request?
        self._transactions: list[Transaction] = []
        self._next = 0
        self._waiting = False  # may one of them be busy?
        self._state = _IDLE
        self._active: Transaction | None = None
        self._request = bytearray(FRAME_MAX)
        self._length = 0
        self._chunk = bytearray(FRAME_MAX)
        self._answer = bytearray(FRAME_MAX)
        self._fill = 0
        self._heard_ms = 0
        self._since_ms = 0
        self._quiet_ms = _SILENCE_MS

    def add(self, transaction: Transaction) -> None:
        """Make a transaction known. At start only."""
        self._transactions.append(transaction)

    def submit(self, transaction: Transaction) -> None:
        """Carry it out when its turn comes; nothing happens while it is busy."""
        if not transaction.busy:
            transaction.attempts = 0
            transaction.busy = True
            self._waiting = True

    def poll(self, now_ms: int) -> int:
        """Look at the port and go on; milliseconds until it should be called again. For Executive.add_poller."""
        if self._state == _IDLE and not self._waiting:
            # What nobody asked for lies in the port until the next request, which empties it first.
            return _NEVER_MS
        count = self._port.read_into(self._chunk)
        if count:
            self._heard_ms = now_ms
        if self._state == _ASKED:
            wait_ms = self._listen(now_ms, count)
            if wait_ms:
                return wait_ms
        elif count:
            self._stray = True
        if self._state == _TURNAROUND:
            left_ms = _TURNAROUND_MS - ((now_ms - self._since_ms) & _TICKS_MASK)
            if left_ms > 0:
                return left_ms
            self._done(0, 0)
        if self._state == _IDLE and not (self._waiting and self._choose(now_ms)):
            return _NEVER_MS
        return self._send(now_ms)

    def _choose(self, now_ms: int) -> bool:
        """The next transaction that waits, in turn."""
        transactions = self._transactions
        for _ in range(len(transactions)):
            self._next += 1
            if self._next >= len(transactions):
                self._next = 0
            transaction = transactions[self._next]
            if transaction.busy:
                self._active = transaction
                self._length = self._write_request(transaction)
                self._state = _QUIET
                self._since_ms = now_ms
                return True
        self._waiting = False
        return False

    def _write_request(self, transaction: Transaction) -> int:
        """The frame in _request; its length."""
        request = self._request
        function = transaction.function
        data = transaction.data
        request[0] = transaction.slave
        request[1] = function
        request[2] = transaction.address >> 8
        request[3] = transaction.address & 0xFF
        end = 6
        if function == WRITE_COIL:
            request[4] = 0xFF if data[0] & 1 else 0
            request[5] = 0
        elif function == WRITE_REGISTER:
            request[4] = data[0]
            request[5] = data[1]
        else:
            request[4] = transaction.count >> 8
            request[5] = transaction.count & 0xFF
            if function >= WRITE_COILS:
                request[6] = len(data)
                copy(data, 0, len(data), request, 7)
                end = 7 + len(data)
        crc16_modbus_put(request, 0, end)
        return end + 2

    def _send(self, now_ms: int) -> int:
        """Send when the line has been silent for long enough; a line that is never silent ends the attempt."""
        left_ms = self._quiet_ms - ((now_ms - self._heard_ms) & _TICKS_MASK)
        transaction = self._active
        assert transaction is not None
        if left_ms > 0:
            if (now_ms - self._since_ms) & _TICKS_MASK > self.timeout_ms + _QUIET_MS:
                transaction.errors.corrupt = (transaction.errors.corrupt + 1) & _COUNT_MASK
                self._attempt_failed(now_ms, FAILED_CORRUPT)
            return left_ms
        if not self._port.write(self._request, 0, self._length):
            if (now_ms - self._since_ms) & _TICKS_MASK > self.timeout_ms + _QUIET_MS:
                self._attempt_failed(now_ms, FAILED_SILENT)
            return _LOOK_MS
        errors = transaction.errors
        errors.requests = (errors.requests + 1) & _COUNT_MASK
        if self._stray:
            self._stray = False
            errors.strangers = (errors.strangers + 1) & _COUNT_MASK
        transaction.attempts += 1
        if transaction.attempts > 1:
            errors.retries = (errors.retries + 1) & _COUNT_MASK
        self._fill = 0
        self._since_ms = (now_ms + self._length // _OCTETS_PER_MS) & _TICKS_MASK
        self._quiet_ms = _SILENCE_MS
        if transaction.slave == 0:
            self._state = _TURNAROUND
            return _TURNAROUND_MS
        self._state = _ASKED
        return (self._length + transaction.answer) // _OCTETS_PER_MS + _SILENCE_MS

    def _listen(self, now_ms: int, count: int) -> int:
        """Take *count* octets of the answer; milliseconds to wait for more, 0 = this attempt is over."""
        transaction = self._active
        assert transaction is not None
        if count:
            room = FRAME_MAX - self._fill
            self._fill = copy(self._chunk, 0, count if count < room else room, self._answer, self._fill)
        fill = self._fill
        if fill:
            expected = 5 if fill > 1 and self._answer[1] & EXCEPTION else transaction.answer
            silent = not count and (now_ms - self._heard_ms) & _TICKS_MASK >= _SILENCE_MS
            if fill == expected or silent:
                whole = fill > 4 and crc16_modbus_check(self._answer, 0, fill)
                if whole and self._of_another(transaction):
                    transaction.errors.strangers = (transaction.errors.strangers + 1) & _COUNT_MASK
                    self._fill = 0
                elif whole and fill == expected:
                    return self._take(transaction, now_ms)
                elif silent:
                    transaction.errors.corrupt = (transaction.errors.corrupt + 1) & _COUNT_MASK
                    self._attempt_failed(now_ms, FAILED_CORRUPT)
                    return 0
        waited_ms = (now_ms - self._since_ms) & _TICKS_MASK
        # The request may still be leaving: then the difference is negative, that is large.
        if self.timeout_ms <= waited_ms < _TICKS_MASK >> 1:
            transaction.errors.timeouts = (transaction.errors.timeouts + 1) & _COUNT_MASK
            self._attempt_failed(now_ms, FAILED_SILENT)
            return 0
        return _SILENCE_MS if self._fill else _LOOK_MS

    def _of_another(self, transaction: Transaction) -> bool:
        """A good frame, but of another slave or to another question."""
        answer = self._answer
        if answer[0] != transaction.slave or answer[1] & ~EXCEPTION != transaction.function:
            return True
        if answer[1] & EXCEPTION or self._fill != transaction.answer:
            return False
        if transaction.function < WRITE_COIL:
            return answer[2] != transaction.answer - 5
        request = self._request
        different = 0
        for i in range(2, 6):
            different |= answer[i] ^ request[i]
        return different != 0

    def _take(self, transaction: Transaction, now_ms: int) -> int:
        """A good frame of this slave to this question."""
        if self._answer[1] & EXCEPTION:
            errors = transaction.errors
            errors.exceptions = (errors.exceptions + 1) & _COUNT_MASK
            # Asked again it would refuse again.
            transaction.attempts = self.attempts
            self._attempt_failed(now_ms, self._answer[2])
        else:
            self._done(3 if transaction.function < WRITE_COIL else 2, self._fill - 2)
        return 0

    def _done(self, start: int, end: int) -> None:
        transaction = self._active
        assert transaction is not None
        self._state = _IDLE
        transaction.busy = False
        transaction.errors.replies = (transaction.errors.replies + 1) & _COUNT_MASK
        transaction.client.answered(transaction, self._answer, start, end)

    def _attempt_failed(self, now_ms: int, reason: int) -> None:
        transaction = self._active
        assert transaction is not None
        self._quiet_ms = _QUIET_MS
        self._heard_ms = self._since_ms = now_ms
        if self._state == _QUIET:
            transaction.attempts += 1  # it could not be sent
        if transaction.attempts < self.attempts:
            self._state = _QUIET
            return
        self._state = _IDLE
        transaction.busy = False
        transaction.errors.failures = (transaction.errors.failures + 1) & _COUNT_MASK
        transaction.client.failed(transaction, reason)
