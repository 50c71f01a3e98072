"""ST[01] request verification: reports 1/1 to 1/8 and the table of executions that take longer than one call.

ECSS-E-ST-70-41C 6.1, 8.1; SPEC 14. Successes are reported when the request's acknowledgement flags ask for them,
failures always. Report data: request identifier (4 octets), for 1/5 and 1/6 the step (2), for failures the failure
notice.
"""

from array import array

from micropython import const

from ..codec import copy
from ..limits import EXECUTIONS_MAX
from ..packet.telecommand import ACK_ACCEPTANCE, ACK_COMPLETION, ACK_PROGRESS, ACK_START
from .request import NOWHERE, Request
from .telemetry import Telemetry

_SERVICE = const(1)
_ID_LENGTH = const(4)


class Verification:
    """Allocates when made, never after.

    accepted, rejected, completed, failed: requests, mod 65536. last_code: the latest failure code, of a step too.
    """

    def __init__(self, tm: Telemetry) -> None:
        self._tm = tm
        self.accepted = 0
        self.rejected = 0
        self.completed = 0
        self.failed = 0
        self.last_code = 0
        # Open executions: request identifiers, 4 octets each; acknowledgement flags | 0x80, 0 = free; destinations.
        self._ids = bytearray(_ID_LENGTH * EXECUTIONS_MAX)
        self._acks = bytearray(EXECUTIONS_MAX)
        self._sources = array("H", [0] * EXECUTIONS_MAX)

    # --- within one call ----------------------------------------------------------------------------------------------

    def accept(self, request: Request) -> None:
        """1/1."""
        self.accepted = (self.accepted + 1) & 0xFFFF
        if request.ack & ACK_ACCEPTANCE:
            self._success(1, request)

    def reject(self, request: Request, code: int) -> None:
        """1/2 with the failure notice of *request*."""
        self.rejected = (self.rejected + 1) & 0xFFFF
        self._failure(2, request, code)

    def started(self, request: Request) -> None:
        """1/3; a service calls it itself only when it can still fail afterwards."""
        request.started = True
        if request.ack & ACK_START:
            self._success(3, request)

    def fail(self, request: Request, code: int) -> None:
        """1/4, or 1/8 when the start was reported."""
        self.failed = (self.failed + 1) & 0xFFFF
        self._failure(8 if request.started else 4, request, code)

    def complete(self, request: Request) -> None:
        """1/7."""
        self.completed = (self.completed + 1) & 0xFFFF
        if request.ack & ACK_COMPLETION:
            self._success(7, request)

    def _success(self, subtype: int, request: Request) -> None:
        tm = self._tm
        at = tm.begin(_SERVICE, subtype, request.source)
        tm.at = copy(request.buffer, request.start, request.start + _ID_LENGTH, tm.buffer, at)
        tm.send()

    def _failure(self, subtype: int, request: Request, code: int) -> None:
        self.last_code = code
        tm = self._tm
        at = tm.begin(_SERVICE, subtype, request.source)
        tm.at = copy(request.buffer, request.start, request.start + _ID_LENGTH, tm.buffer, at)
        tm.u16(code)
        tm.u16(request.where)
        tm.u8(request.kind)
        tm.at = copy(request.value, 0, 4, tm.buffer, tm.at)
        tm.send()

    # --- executions that go on after the call -----------------------------------------------------------------------

    def defer(self, request: Request) -> int:
        """Keep *request* open; the number of the execution, -1 when EXECUTIONS_MAX are open."""
        for slot in range(EXECUTIONS_MAX):
            if not self._acks[slot]:
                self._acks[slot] = request.ack | 0x80
                self._sources[slot] = request.source
                copy(request.buffer, request.start, request.start + _ID_LENGTH, self._ids, slot * _ID_LENGTH)
                return slot
        return -1

    def progress(self, slot: int, step: int) -> None:
        """1/5 of the open execution *slot*. step: 0..65535."""
        if self._acks[slot] & ACK_PROGRESS:
            self._begin(5, slot)
            self._tm.u16(step)
            self._tm.send()

    def progress_failed(self, slot: int, step: int, code: int) -> None:
        """1/6 of the open execution *slot*, which goes on. step: 0..65535."""
        self.last_code = code
        self._begin(6, slot)
        tm = self._tm
        tm.u16(step)
        tm.u16(code)
        tm.u16(NOWHERE)
        tm.u8(0)
        tm.u32(0)
        tm.send()

    def close(self, slot: int) -> None:
        """1/7 of the open execution *slot*, which is then free."""
        self.completed = (self.completed + 1) & 0xFFFF
        if self._acks[slot] & ACK_COMPLETION:
            self._begin(7, slot)
            self._tm.send()
        self._acks[slot] = 0

    def abort(self, slot: int, code: int, where: int = NOWHERE, number: int = 0) -> None:
        """1/8 of the open execution *slot*, which is then free. where, number: offending place and integer."""
        self.failed = (self.failed + 1) & 0xFFFF
        self.last_code = code
        self._begin(8, slot)
        tm = self._tm
        tm.u16(code)
        tm.u16(where)
        tm.u8(0 if where == NOWHERE else 2 if number < 0 else 1)
        tm.u16(number >> 16)
        tm.u16(number)
        tm.send()
        self._acks[slot] = 0

    def _begin(self, subtype: int, slot: int) -> None:
        tm = self._tm
        at = tm.begin(_SERVICE, subtype, self._sources[slot])
        tm.at = copy(self._ids, slot * _ID_LENGTH, (slot + 1) * _ID_LENGTH, tm.buffer, at)
