"""The payload bus on real lines: Modbus RTU over TCP and over a serial device, by pymodbus.

Lives here: pymodbus devices that show our register banks, and a thread that runs the plant against the clock.
Does not live here: registers (bank.py), faults of the line (line.py).

pymodbus (3.16) keeps registers of its own in SimDevice. Its documented hooks make ours the truth:
  action        called before every access: refreshes pymodbus' registers on a read, passes writes on to the bank;
  trace_packet  sees the bytes of every reply: link faults change them; an empty reply is no reply. A late one is sent
  later.
Addresses that nobody has fall to a device 0 (pymodbus' catch-all), whose replies are dropped: an RS-485 line stays
silent. TCP carries the bare bytes of the serial line (RTU frames, no MBAP header), as QEMU's and Renode's sockets
give them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hil.plant import rtu
from hil.plant.bank import ILLEGAL_FUNCTION, ModbusError, RegisterBank
from hil.plant.line import PayloadBus
from hil.plant.plant import Plant
from hil.plant.runner import RealTimeRunner

Server = ModbusTcpServer | ModbusSerialServer
Result = TypeVar("Result")
Action = Callable[
    [int, int, int, int, list[int], list[int] | list[bool] | None], Coroutine[None, None, ExcCodes | None]
]

# The plant is looked after this often, s; shorter where its steps come faster.
TICK_S = 0.02
# Opening a port and ending the thread are quick or broken.
START_STOP_TIMEOUT_S = 10.0


def _words(bits: int, count: int) -> list[int]:
    return [bits >> 16 * k & 0xFFFF for k in range(count)]


def _registers(data: bytes | bytearray) -> list[int]:
    return [data[k] << 8 | data[k + 1] for k in range(0, len(data), 2)]


def _refresh(bank: RegisterBank, function: int, registers: list[int]) -> None:
    bank.requests += 1
    if function in (2, 4):
        bank.before_read()
    if function in (1, 5, 15):
        fresh = _words(bank.coil, bank.unit.extent("coil") // 16)
    elif function == 2:
        fresh = _words(bank.discrete, bank.unit.extent("discrete") // 16)
    else:
        fresh = _registers(bank.input if function == 4 else bank.holding)
    registers[: len(fresh)] = fresh


def _action(bank: RegisterBank, bus: PayloadBus) -> Action:
    async def action(
        function: int,
        _start: int,
        address: int,
        _count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        if not bus.listening(bank.unit.slave):
            return ExcCodes.DEVICE_BUSY
        if function not in rtu.FUNCTIONS:
            return ExcCodes.ILLEGAL_FUNCTION
        try:
            if values is None:
                _refresh(bank, function, registers)
            elif function in (5, 15):
                bank.write_bits(address, len(values), sum(1 << k for k, value in enumerate(values) if value))
            else:
                bank.write_registers(address, b"".join(int(value).to_bytes(2, "big") for value in values))
        except ModbusError as error:
            return ExcCodes(error.code)
        return None

    return action


def _space(bank: RegisterBank, space: str) -> list[SimData]:
    if space in ("coil", "discrete"):
        return [SimData(0, values=[False] * bank.unit.extent(space), datatype=DataType.BITS)]
    return [SimData(r.address, count=r.end - r.address, datatype=DataType.REGISTERS) for r in bank.unit.in_space(space)]


def sim_devices(plant: Plant) -> list[SimDevice]:
    """pymodbus devices that show the units of a plant, and the catch-all for addresses that nobody has."""
    devices = [
        SimDevice(
            bank.unit.slave,
            (_space(bank, "coil"), _space(bank, "discrete"), _space(bank, "holding"), _space(bank, "input")),
            action=_action(bank, plant.bus),
        )
        for bank in (plant.power_bank, plant.thermal_bank)
    ]
    return [*devices, SimDevice(0, [SimData(0, datatype=DataType.REGISTERS)])]


class _Line:
    """One pymodbus server; distorts what it sends as the plant's link faults say."""

    def __init__(self, plant: Plant) -> None:
        self._bus = plant.bus
        self.server: Server | None = None
        self._request = b""

    def trace_packet(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            self._request = data
            return data
        if data[1] == rtu.EXCEPTION:
            # pymodbus could not decode the request and has lost its function: our own slave says what is wrong.
            data = rtu.serve(self._bus.hearing(), self._request)
        if not data or not self._bus.listening(data[0]):
            return b""
        if data[1] & ~rtu.EXCEPTION not in rtu.FUNCTIONS:
            data = rtu.frame(bytes((data[0], data[1] | rtu.EXCEPTION, ILLEGAL_FUNCTION)))
        reply = self._bus.distort(data)
        if reply.delay_s <= 0.0:
            return reply.data
        asyncio.get_running_loop().call_later(reply.delay_s, self._send_late, reply.data)
        return b""

    def _send_late(self, data: bytes) -> None:
        if self.server:
            for connection in self.server.active_connections.values():
                connection.send(data)


class PlantServer:
    """Serves a plant on TCP and serial lines and runs it against the clock, in a thread of its own.

        with PlantServer(plant, tcp=("127.0.0.1", 0), speed=60.0) as server:
            connect to server.port
            with server.paused() as plant: plant.faults.inject("feed_lost")

    speed: 1 to 60. tcp: host and port, port 0 for a free one. serial: path of a device. clock: seconds, monotonic.
    The plant belongs to the thread while it runs: use `call` or `paused`.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        tcp: tuple[str, int] | None = None,
        serial: str | None = None,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if tcp is None and serial is None:
            raise ValueError("plant server: expected a TCP address or a serial device, found neither")
        self._plant = plant
        self._tcp, self._serial = tcp, serial
        self._runner = RealTimeRunner(plant, clock, speed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._pause = threading.Lock()
        self.port = 0

    def start(self) -> PlantServer:
        """Open the lines and go. Raises OSError when a line cannot be opened."""
        self._runner.hold()
        self._thread = threading.Thread(target=self._run, name="lunar plant", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_STOP_TIMEOUT_S):
            raise TimeoutError(
                f"plant server: expected the lines open within {START_STOP_TIMEOUT_S:g} s; "
                f"check {self._tcp or self._serial}"
            )
        if self._failure:
            raise self._failure
        return self

    def stop(self) -> None:
        """Close the lines and end the thread; doing it twice is allowed. Raises what ended the thread early."""
        if self._thread is None:
            return
        if self._loop and self._stop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_STOP_TIMEOUT_S)
        self._thread = None
        if self._failure:
            raise self._failure

    def __enter__(self) -> PlantServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def call(self, function: Callable[[Plant], Result]) -> Result:
        """Run a function on the plant between two steps and return its result."""
        with self._pause:
            return function(self._plant)

    @contextmanager
    def paused(self) -> Iterator[Plant]:
        """The plant, standing still while the block runs; its clock stands still with it."""
        with self._pause:
            yield self._plant
            self._runner.hold()

    @property
    def lag_s(self) -> float:
        """Plant time by which the plant is behind its clock, s."""
        return self._runner.lag_s

    def _run(self) -> None:
        # Task boundary: whatever ends the thread is handed to start() or stop().
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        servers = [await self._open(kind) for kind in ("tcp", "serial") if getattr(self, f"_{kind}") is not None]
        try:
            self._ready.set()
            tick = min(TICK_S, self._plant.step_s / self._runner.speed)
            while not self._stop.is_set():
                if self._pause.acquire(blocking=False):
                    try:
                        self._runner.catch_up()
                    finally:
                        self._pause.release()
                try:
                    await asyncio.wait_for(self._stop.wait(), tick)
                except TimeoutError:
                    continue
        finally:
            # shutdown has no annotations in pymodbus.
            untyped: list[Any] = list(servers)
            for server in untyped:
                await server.shutdown()

    async def _open(self, kind: str) -> Server:
        line = _Line(self._plant)
        options: dict[str, Any] = {
            "framer": FramerType.RTU,
            "trace_packet": line.trace_packet,
            "broadcast_enable": True,
        }
        if kind == "tcp":
            server: Server = ModbusTcpServer(sim_devices(self._plant), address=self._tcp or ("", 0), **options)
        else:
            server = ModbusSerialServer(sim_devices(self._plant), port=self._serial or "", baudrate=115200, **options)
        line.server = server
        if not await server.listen():
            raise OSError(
                f"plant server: expected to open {self._tcp if kind == 'tcp' else self._serial}; "
                "is it in use, or not there?"
            )
        if kind == "tcp":
            self.port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        return server
