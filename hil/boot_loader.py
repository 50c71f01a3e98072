"""The boot loader in the ROM of an STM32F405/F407, simulated: its USART protocol over a pseudo-terminal.

Lives here: AN3155's commands Get, Get Version, Get ID, Read Memory, Write Memory, Extended Erase and Go over flash that
behaves like flash (erased by sectors to FF, programming only clears bits), and what can go wrong. Not simulated:
protection commands (answered with NACK, like all that the part does not know), waiting times.

    with BootLoader() as board:                       # board.port is what to open
        ...
    board.flash[:4]; board.started_at

Sources: ST AN3155 (frames, checksums, answers), AN2606 (version 3.1, memory map), RM0090 table 5 (sectors).
"""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable, Generator
from functools import reduce
from operator import xor
from types import TracebackType

ACK, NACK = 0x79, 0x1F
SYNCHRONISE = 0x7F
GET, GET_VERSION, GET_ID, READ, GO, WRITE, EXTENDED_ERASE = 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44
COMMANDS = bytes((GET, GET_VERSION, GET_ID, READ, GO, WRITE, EXTENDED_ERASE))
VERSION = 0x31
F405 = 0x413
FLASH_BASE, FLASH_SIZE = 0x0800_0000, 0x10_0000
SYSTEM_BASE = 0x1FFF_7A00  # the page with the unique id (from 10) and the flash size (22)
SECTOR_STARTS = [0, 0x4000, 0x8000, 0xC000, 0x1_0000, *range(0x2_0000, FLASH_SIZE, 0x2_0000)]
GLOBAL_ERASE = 0xFFFF

_Wants = Generator[int, bytes, None]


class BootLoader:
    """One part in its boot loader. port: path of the terminal to open.

    device_id: what Get ID answers. refuse: commands that are answered with NACK. silent_after: octets that arrive
    before the line is lost for good (None: never). wear: offsets in flash whose lowest bit cannot be programmed to 0.
    """

    def __init__(
        self,
        device_id: int = F405,
        refuse: frozenset[int] = frozenset(),
        silent_after: int | None = None,
        wear: frozenset[int] = frozenset(),
    ) -> None:
        self.flash = bytearray(b"\xff" * FLASH_SIZE)
        self.erased: list[int] = []  # sectors, in order
        self.started_at: int | None = None
        self._device_id = device_id
        self._refuse = refuse
        self._left = silent_after
        self._wear = wear
        self._out = bytearray()
        self._system = bytearray(b"\xff" * 256)
        self._system[0x10:0x1C] = b"PERILUNE-SIM"
        self._system[0x22:0x24] = (FLASH_SIZE // 1024).to_bytes(2, "little")
        self._machine = self._run()
        self._wanted = next(self._machine)
        self._in = bytearray()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="boot loader", daemon=True)

    def __enter__(self) -> BootLoader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            os.write(self._master, self.feed(os.read(self._master, 4096)))

    def feed(self, octets: bytes) -> bytes:
        """Octets arrive; what the boot loader answers."""
        if self._left is not None:
            octets = octets[: self._left]
            self._left -= len(octets)
        self._in += octets
        while len(self._in) >= self._wanted:
            taken, self._in = bytes(self._in[: self._wanted]), self._in[self._wanted :]
            self._wanted = self._machine.send(taken)
        answer, self._out = bytes(self._out), bytearray()
        return answer

    # ---- the protocol: every `yield n` waits for n octets ----

    def _run(self) -> _Wants:
        while (yield 1)[0] != SYNCHRONISE:
            pass
        self._out.append(ACK)
        commands: dict[int, Callable[[], _Wants]] = {
            GET: self._get,
            GET_VERSION: self._get_version,
            GET_ID: self._get_id,
            READ: self._read,
            GO: self._go,
            WRITE: self._write,
            EXTENDED_ERASE: self._erase,
        }
        while True:
            command, complement = yield 2
            if command ^ complement != 0xFF or command in self._refuse or command not in commands:
                self._out.append(NACK)
                continue
            self._out.append(ACK)
            yield from commands[command]()

    def _get(self) -> _Wants:
        self._out += bytes((len(COMMANDS), VERSION)) + COMMANDS + bytes((ACK,))
        yield from ()

    def _get_version(self) -> _Wants:
        self._out += bytes((VERSION, 0, 0, ACK))
        yield from ()

    def _get_id(self) -> _Wants:
        self._out += bytes((1, *self._device_id.to_bytes(2, "big"), ACK))
        yield from ()

    def _address(self, answer: list[int]) -> _Wants:
        octets = yield 5
        if reduce(xor, octets):
            self._out.append(NACK)
            return
        self._out.append(ACK)
        answer.append(int.from_bytes(octets[:4], "big"))

    def _memory(self, address: int, size: int) -> tuple[bytearray, int] | None:
        """What holds these octets, and the offset in it."""
        for memory, base in ((self.flash, FLASH_BASE), (self._system, SYSTEM_BASE)):
            if base <= address and address + size <= base + len(memory):
                return memory, address - base
        return None

    def _read(self) -> _Wants:
        address: list[int] = []
        yield from self._address(address)
        if not address:
            return
        count, complement = yield 2
        place = self._memory(address[0], count + 1)
        if count ^ complement != 0xFF or place is None:
            self._out.append(NACK)
            return
        memory, offset = place
        self._out += bytes((ACK,)) + memory[offset : offset + count + 1]

    def _write(self) -> _Wants:
        address: list[int] = []
        yield from self._address(address)
        if not address:
            return
        (count,) = yield 1
        octets = yield count + 2
        place = self._memory(address[0], count + 1)
        whole_words = (count + 1) % 4 == 0 and address[0] % 4 == 0
        if reduce(xor, octets, count) or not whole_words or place is None or place[0] is not self.flash:
            self._out.append(NACK)
            return
        offset = place[1]
        for index, octet in enumerate(octets[:-1], start=offset):
            self.flash[index] &= octet | (index in self._wear)
        self._out.append(ACK)

    def _go(self) -> _Wants:
        address: list[int] = []
        yield from self._address(address)
        if address:
            self.started_at = address[0]

    def _erase(self) -> _Wants:
        head = yield 2
        count = int.from_bytes(head, "big")
        if count == GLOBAL_ERASE:
            (check,) = yield 1
            sectors, wrong = list(range(len(SECTOR_STARTS))), check != reduce(xor, head)
        else:
            body = yield 2 * (count + 1) + 1
            sectors = [int.from_bytes(body[index : index + 2], "big") for index in range(0, len(body) - 1, 2)]
            wrong = bool(reduce(xor, body, reduce(xor, head)))
        if wrong or any(sector >= len(SECTOR_STARTS) for sector in sectors):
            self._out.append(NACK)
            return
        for sector in sectors:
            start = SECTOR_STARTS[sector]
            end = SECTOR_STARTS[sector + 1] if sector + 1 < len(SECTOR_STARTS) else FLASH_SIZE
            self.flash[start:end] = b"\xff" * (end - start)
        self.erased += sectors
        self._out.append(ACK)
