"""From packets to services: finds the command, judges its data by the table, reports each stage, calls the service.

ECSS-E-ST-70-41C 5.3.5.2 (acceptance checks), 6.1. Everything that holds telecommand packets gives them to execute():
the uplink, the schedule, event-actions, sequences. It is not re-entrant: a service never calls it.
"""

from micropython import const

from ..errors import OK, PACKET_APID
from ..hal.null import Clock
from ..limits import ARM_MS
from ..tables import (
    ALL_MODES,
    COMMAND_APP,
    COMMAND_ARGS,
    COMMAND_CHECKED,
    COMMAND_FLAGS,
    COMMAND_FORMAT,
    COMMAND_GROUP,
    COMMAND_HAZARDOUS,
    COMMAND_KEY,
    COMMAND_MODES,
    COMMAND_OPEN,
    COMMAND_SIZE,
    GROUP_COUNT_WIDTH,
    GROUP_ITEM,
    GROUP_LEAST,
    GROUP_MOST,
    Tables,
)
from .base import Service
from .failure import (
    DATA_LENGTH,
    DONE,
    ITEM_COUNT,
    MODE,
    NOT_ARMED,
    REPORTS_LOST,
    UNKNOWN_FUNCTION,
    UNKNOWN_SERVICE,
    UNKNOWN_SUBTYPE,
)
from .request import NOWHERE, Request
from .telemetry import Telemetry
from .verification import Verification

_FUNCTIONS = const(8)
_FUNCTION_KEY = const(8 << 8 | 1)
_TICKS_MASK = const(0x3FFFFFFF)


class Router:
    """Allocates when made and by add(), never after.

    mode_bit: bit of the present mode (ALL_MODES before modes are kept). status: how the last request went: DONE,
    DEFERRED or its failure code. request: the request last executed.
    """

    def __init__(
        self, tables: Tables, request: Request, tm: Telemetry, verification: Verification, clock: Clock
    ) -> None:
        self.request = request
        self._tm = tm
        self._verification = verification
        self._clock = clock
        self._commands = {row[COMMAND_KEY]: row for row in tables.COMMANDS}
        self._functions = {row[COMMAND_KEY]: row for row in tables.FUNCTIONS}
        self._services: dict[int, Service] = {}
        # Where to look again when one of the three above does not know a key: a bit of their memory may have turned.
        self._command_rows = tables.COMMANDS
        self._function_rows = tables.FUNCTIONS
        self._added: list[Service] = []
        self._service = Service()  # of the request that _judge() has accepted
        self.mode_bit = ALL_MODES
        self.status = DONE
        self._armed_key = -1
        self._armed_function = 0
        self._armed_ms = 0

    def add(self, service: Service) -> None:
        """Give the requests of service.service_type to *service*."""
        assert service.service_type not in self._services, service.service_type
        self._services[service.service_type] = service
        self._added.append(service)

    def arm(self, service: int, subtype: int, function: int) -> None:
        """The next hazardous request of this kind is executed if it comes within ARM_MS."""
        self._armed_key = service << 8 | subtype
        self._armed_function = function
        self._armed_ms = self._clock.ticks_ms()

    def packets(self, buffer: bytearray, start: int, end: int) -> None:
        """Execute every packet in buffer[start:end], one frame's data."""
        request = self.request
        while start < end:
            self.execute(buffer, start, end)
            start = request.next

    def execute(self, buffer: bytearray, start: int, end: int) -> int:
        """Execute the telecommand packet at buffer[start]; DONE, DEFERRED, a failure code or a drop reason."""
        request = self.request
        request.buffer = buffer
        request.fresh()
        status = request.read(buffer, start, end)
        if status != OK:
            if status >= PACKET_APID:
                # Only here can the request identifier be trusted (SPEC 8); who sent it is not known.
                request.source = 0
                self._verification.reject(request, status)
            self.status = status
            return status
        self.status = status = self._execute(request)
        return status

    def _execute(self, request: Request) -> int:
        verification = self._verification
        code = self._judge(request)
        if code != DONE:
            verification.reject(request, code)
            return code
        verification.accept(request)
        tm = self._tm
        lost = tm.lost
        status = self._service.handle(request)
        if tm.lost != lost and status == DONE:
            status = self._miss(request, (tm.lost - lost) & 0xFFFF)
        if status > DONE:
            verification.fail(request, status)
            return status
        if not request.started:
            verification.started(request)
        if status == DONE:
            verification.complete(request)
        return status

    def _miss(self, request: Request, lost: int) -> int:
        """*lost* reports found the downlink's queue full while *request* was carried out: DONE or REPORTS_LOST.

        A request whose answer is not whole must not be reported as completed, or the ground takes a part for the whole.
        What was asked for is done all the same (ECSS-E-ST-70-41C 6.1.5; SPEC 14). Functions are not answered: what they
        lose are events.
        """
        if request.service == _FUNCTIONS:
            return DONE
        if not request.started:
            self._verification.started(request)
        return request.blame(REPORTS_LOST, NOWHERE, lost)

    def _judge(self, request: Request) -> int:
        """Acceptance: DONE or the code of the first check that fails."""
        service = self._services.get(request.service)
        if service is None:
            service = self._find_service(request.service)
            if service is None:
                return request.blame(UNKNOWN_SERVICE, NOWHERE, request.service)
        self._service = service
        key = request.service << 8 | request.subtype
        row = self._commands.get(key) or _find(self._command_rows, key)
        if row is None:
            return request.blame(UNKNOWN_SUBTYPE, NOWHERE, request.subtype)
        start = request.data_start
        length = request.data_end - start
        if key == _FUNCTION_KEY:
            if length < 2:
                return request.blame(DATA_LENGTH, 2, length)
            request.function = request.u16(start)
            row = self._functions.get(request.function) or _find(self._function_rows, request.function)
            if row is None:
                return request.blame_octets(UNKNOWN_FUNCTION, 0, 1, start, 2)
            start += 2
            length -= 2
        request.command = row
        if not row[COMMAND_MODES] & self.mode_bit:
            return request.blame(MODE, NOWHERE, self.mode_bit)
        size = row[COMMAND_SIZE]
        group = row[COMMAND_GROUP]
        flags = row[COMMAND_FLAGS]
        request.at = start + size
        if length != size and (length < size or not (group or flags & COMMAND_OPEN)):
            return request.blame(DATA_LENGTH, size, length)
        if size:
            code = request.read_arguments(start, start + size, row[COMMAND_FORMAT], row[COMMAND_ARGS])
            if code != DONE:
                return code
        if group:
            code = self._judge_items(request, group)
            if code != DONE:
                return code
        if flags & COMMAND_CHECKED:
            code = service.check(request)
            if code != DONE:
                return code
        if flags & COMMAND_HAZARDOUS and not self._disarm(key, request.function):
            return request.blame(NOT_ARMED, NOWHERE, request.function or request.subtype)
        return DONE

    def _find_service(self, service_type: int) -> Service | None:
        """The service, whether or not the dictionary still knows it."""
        for service in self._added:
            if service.service_type == service_type:
                return service
        return None

    def _judge_items(self, request: Request, group: "tuple[int, ...]") -> int:
        """Read the number of items and compare it with the octets that are there."""
        at = request.at
        width = group[GROUP_COUNT_WIDTH]
        left = request.data_end - at - width
        if left < 0:
            return request.blame(DATA_LENGTH, at + width - request.data_start, request.data_end - request.data_start)
        count = request.buffer[at] if width == 1 else request.u16(at)
        if not group[GROUP_LEAST] <= count <= group[GROUP_MOST]:
            return request.blame(ITEM_COUNT, NOWHERE, count)
        if group[GROUP_ITEM] and left != count * group[GROUP_ITEM]:
            return request.blame(DATA_LENGTH, count * group[GROUP_ITEM], left)
        request.items = count
        request.at = at + width
        return DONE

    def _disarm(self, key: int, function: int) -> bool:
        """True once, when this hazardous request was armed and its time is not over."""
        armed = self._armed_key == key and self._armed_function == function
        self._armed_key = -1
        return armed and (self._clock.ticks_ms() - self._armed_ms) & _TICKS_MASK <= ARM_MS

    def app_of(self, request: Request) -> int:
        """Row of APPS that the function of *request* belongs to, NO_APP for the core."""
        return int(request.command[COMMAND_APP])


def _find(rows: "tuple[tuple, ...]", key: int) -> "tuple | None":  # type: ignore[type-arg]
    """The row with this key, in flash: a bit that turns over in the dictionary must not make a command unknown."""
    for row in rows:
        if row[COMMAND_KEY] == key:
            return row
    return None
