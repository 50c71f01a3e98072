"""Drivers of the port, compiled for this machine, on models of their peripherals (``registers.c`` says how)."""

import ctypes
import subprocess
from pathlib import Path
from typing import Any, Protocol

from perilune.boards import generate, load_board

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PORT = ROOT / "firmware/stm32f4"
DRIVERS = ("adc.c", "exti.c", "i2c.c", "pin.c", "spi.c", "storage.c", "uart.c")
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-missing-field-initializers",
    "-Wno-attributes",
]
SANITIZER = ["-fsanitize=thread", "--param=tsan-distinguish-volatile=1"]
COMPILER = ["gcc", "-std=gnu11", "-O1", "-fPIC", *WARNINGS]

ACCESS_NS = 50  # of one register access, or look at the clock


class Device(Protocol):
    """A peripheral's model. Offsets are those of the reference manual."""

    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...


class Plain:
    """Registers that keep what is written and do nothing."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}

    def read(self, offset: int) -> int:
        return self.words.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        self.words[offset] = value


class Absent:
    """Registers of a peripheral that an emulator lacks: zero, and writes are lost."""

    def read(self, offset: int) -> int:
        return 0

    def write(self, offset: int, value: int) -> None:
        pass


class Hardware:
    """The bus between drivers and models, and the time, which goes on with each access."""

    def __init__(self, folder: Path) -> None:
        self.library = ctypes.CDLL(str(self._build(folder)))
        self._hooks = (
            ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)(self._on_read),
            ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)(self._on_write),
            ctypes.CFUNCTYPE(ctypes.c_uint32)(self._on_time),
            ctypes.CFUNCTYPE(None, ctypes.c_int)(self._on_mask),
        )
        self.library.registers_at.restype = ctypes.c_void_p
        self.library.registers_open(*self._hooks)
        self.reset()

    def reset(self) -> None:
        """Forget all models and what was seen."""
        self.now_ns = 0
        self.access_ns = ACCESS_NS
        self.devices: dict[int, tuple[int, Device]] = {}
        self.writes: list[tuple[int, int]] = []
        self.accesses = 0
        self.masked = False
        self.failures: list[BaseException] = []
        self.interrupt_at: int | None = None  # number of the access before which the driver is interrupted ...
        self.interrupt_ns = 0  # ... for so long, unless it masks interrupts there

    @staticmethod
    def _build(folder: Path) -> Path:
        generate(load_board("netduinoplus2"), "dev", folder)
        includes = [f"-I{folder}", f"-I{PORT}"]
        objects = []
        for name in DRIVERS:
            objects.append(folder / f"{name}.o")
            source = ["-include", str(HERE / "cpu.h"), "-c", str(PORT / name), "-o", str(objects[-1])]
            subprocess.run([*COMPILER, *SANITIZER, *includes, *source], check=True)
        library = folder / "drivers.so"
        stub = [str(HERE / "registers.c"), "-shared", "-o", str(library)]
        subprocess.run([*COMPILER, *includes, *stub, *map(str, objects)], check=True)
        return library

    def attach(self, address: int, device: Device, size: int = 0x400) -> None:
        """Put *device* at *address*."""
        self.devices[address] = (size, device)

    def memory(self, address: int) -> int:
        """Where what the bus has at *address* lies in this process."""
        return int(self.library.registers_at(ctypes.c_uint32(address)))

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the driver function *name*; raise what a model raised meanwhile."""
        result = getattr(self.library, name)(*arguments)
        self.library.registers_settle()
        if self.failures:
            raise self.failures[0]
        assert self.library.registers_narrow_accesses() == 0
        return result

    def _spend(self) -> None:
        self.accesses += 1
        self.now_ns += self.access_ns
        if self.interrupt_at is not None and self.accesses >= self.interrupt_at and not self.masked:
            self.interrupt_at = None
            self.now_ns += self.interrupt_ns

    def _find(self, address: int) -> tuple[Device, int]:
        for base, (size, device) in self.devices.items():
            if base <= address < base + size:
                return device, address - base
        raise LookupError(f"nothing is at {address:#x}")

    def _on_read(self, address: int) -> int:
        try:
            self._spend()
            device, offset = self._find(address)
            return device.read(offset) & 0xFFFFFFFF
        except BaseException as failure:  # must not pass through C
            self.failures.append(failure)
            return 0

    def _on_write(self, address: int, value: int) -> None:
        try:
            self._spend()
            self.writes.append((address, value))
            device, offset = self._find(address)
            device.write(offset, value)
        except BaseException as failure:
            self.failures.append(failure)

    def _on_time(self) -> int:
        self._spend()
        return self.now_ns // 1000 & 0xFFFFFFFF

    def _on_mask(self, masked: int) -> None:
        self.masked = bool(masked)
