"""A board in Renode 1.16.1 or later, driven headless through its XML-RPC server for Robot Framework.

The scripts and platforms are in boards/; lines that differ between versions are chosen by asking the running Renode.
Each UART is a TCP port of Renode. Time is Renode's virtual clock: it runs beside the host's (``start``) or for an exact
while (``run_for``). Renode listens on all interfaces of the machine: keep hosts that run it closed.
"""

import os
import re
import socket
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from perilune.boards import BOARDS_DIR, LARGE_SECTOR_SIZE, Board, BoardError, load_board, sector_address

from hil.renode_package import check_version, find_renode

from .channel import Channel
from .errors import ControlError, TargetDied
from .process import EmulatorProcess

UART_NAMES = ("link", "bus", "console")  # USART1, 2, 3
START_TIMEOUT_S = 120.0  # the first start after an installation is slow
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 120.0  # host time for one keyword, e.g. a platform whose device models are compiled first
# Renode knows this class since the I2C model was renamed, after 1.16.1.
PROBE = "probe: I2C.STM32F1_I2C @ sysbus 0x40005400"
ERASED = 0xFF
READ_AT_ONCE = 4096


def monitor_path(path: Path) -> str:
    """Return *path* as Renode's monitor takes it."""
    return "@" + str(path.resolve()).replace(" ", "\\ ")


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.create_server(("", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class LimitedTransport(xmlrpc.client.Transport):
    """XML-RPC whose answers come in time or not at all: a Renode that hangs must not hang the tests."""

    def make_connection(self, host: Any) -> HTTPConnection:
        """The connection that the calls share."""
        connection = super().make_connection(host)
        connection.timeout = ANSWER_TIMEOUT_S
        return connection


def hexadecimal(said: str, count: int) -> list[int]:
    """So many numbers that the monitor printed; decimal ones, as a user's setting may have it, are not taken."""
    found = [int(value, 16) for value in re.findall(r"0x[0-9A-Fa-f]+", said)]
    if len(found) != count:
        raise ControlError(f"expected {count} numbers of Renode, 0x..., found {len(found)} in {said.strip()[:80]!r}")
    return found


class Memory:
    """Memory as the processor's bus sees it."""

    def __init__(self, target: "Renode") -> None:
        self._target = target

    def read_word(self, address: int) -> int:
        """Read 32 bits."""
        return hexadecimal(self._target.execute(f"sysbus ReadDoubleWord {address:#x}"), 1)[0]

    def write_word(self, address: int, value: int) -> None:
        """Write 32 bits."""
        self._target.execute(f"sysbus WriteDoubleWord {address:#x} {value:#x}")

    def read(self, address: int, size: int) -> bytes:
        """Read *size* bytes."""
        data = b""
        while len(data) < size:
            count = min(READ_AT_ONCE, size - len(data))
            listed = self._target.execute(f"sysbus ReadBytes {address + len(data):#x} {count}")
            data += bytes(hexadecimal(listed, count))
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write *data*."""
        for offset, value in enumerate(data):
            self._target.execute(f"sysbus WriteByte {address + offset:#x} {value:#x}")


class Renode:
    """One emulated board; as ``Qemu``, with Renode's time."""

    def __init__(self, board: str | Board) -> None:
        self.board = load_board(board) if isinstance(board, str) else board
        if self.board.renode is None:
            raise BoardError(f"board '{self.board.name}' names no Renode platform in its board.toml ([renode])")
        self.link, self.bus, self.console = (Channel(name, self._ending) for name in UART_NAMES)
        self.memory = Memory(self)
        self._process: EmulatorProcess | None = None
        self._server: xmlrpc.client.ServerProxy | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._program: tuple[Path, Path | None] | None = None
        self._scripts: tuple[Path, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def uarts(self) -> Mapping[str, Channel]:
        """The three UARTs by name."""
        return dict(zip(UART_NAMES, (self.link, self.bus, self.console), strict=True))

    # ---- life and death -------------------------------------------------------------------------------------------

    def boot(self, elf: Path, storage: Path | None = None, paused: bool = False, scripts: Sequence[Path] = ()) -> None:
        """Start a new machine with the program *elf*; one that runs is stopped first.

        *storage* is a file with the content of the flash sectors behind the board's storage; it is read at the start,
        when it is there, and written by ``stop`` and ``power_cut``. With *paused* time stands still until ``resume`` or
        ``run_for``. *scripts* are included behind the board's. Raises EmulatorMissing, FileNotFoundError, ControlError
        or TargetDied.
        """
        self.stop()
        if not elf.is_file():
            raise FileNotFoundError(f"{elf} is not there; `make firmware` builds programs for boards")
        self._program, self._scripts = (elf, storage), tuple(scripts)
        try:
            self._start_server()
            self._load(elf, storage)
        except BaseException:
            self._program = None  # nothing to save
            self.stop()
            raise
        if not paused:
            self.resume()

    def _start_server(self) -> None:
        command = find_renode()
        check_version(command)
        self._folder = tempfile.TemporaryDirectory(prefix="perilune-renode-")
        arguments = [command, "--disable-gui", "--hide-log", "--plain", "--robot-server-port", "0"]
        # A new one, with Renode's own settings: the user's may print numbers in another way.
        arguments += ["--config", str(Path(self._folder.name) / "config")]
        # Renode writes the number of its port into a folder of its own in TMPDIR.
        self._process = EmulatorProcess(arguments, {**os.environ, "TMPDIR": self._folder.name})
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            for file in Path(self._folder.name).glob("renode-*/robot_port"):
                if text := file.read_text(encoding="ascii").strip():
                    self._server = xmlrpc.client.ServerProxy(
                        f"http://127.0.0.1:{text}", transport=LimitedTransport(), allow_none=True
                    )
                    return
            if reason := self._ending():
                raise TargetDied(reason)
            time.sleep(0.05)
        raise TargetDied(f"Renode did not open its server within {START_TIMEOUT_S:g} s")

    def _load(self, elf: Path, storage: Path | None) -> None:
        versioned = BOARDS_DIR / f"stm32f4_i2c_spi_rng_{'later' if self._is_later() else '1.16'}.repl"
        ports = {name: free_port() for name in UART_NAMES}
        self.execute(f"$elf={monitor_path(elf)}")
        self.execute(f"$versioned={monitor_path(versioned)}")
        for name, port in ports.items():
            self.execute(f"${name}_port={port}")
        assert self.board.renode is not None
        self.execute(f"include {monitor_path(BOARDS_DIR / self.board.name / self.board.renode.script)}")
        for script in self._scripts:
            self.execute(f"include {monitor_path(script)}")
        self._load_storage(storage)
        for name, channel in self.uarts.items():
            channel.attach(socket.create_connection(("127.0.0.1", ports[name]), CONNECT_TIMEOUT_S))

    def _is_later(self) -> bool:
        self.execute("mach create")
        try:
            self.execute(f'machine LoadPlatformDescriptionFromString "{PROBE}"')
        except ControlError:
            return False
        finally:
            self.keyword("ResetEmulation")
        return True

    def _storage_area(self) -> tuple[int, int]:
        sectors = self.board.storage.sectors
        return sector_address(sectors[0]), len(sectors) * LARGE_SECTOR_SIZE

    def _load_storage(self, storage: Path | None) -> None:
        # Renode's flash starts as zeros, a part's as ones.
        address, size = self._storage_area()
        content = storage.read_bytes() if storage is not None and storage.is_file() else b""
        assert self._folder is not None
        image = Path(self._folder.name) / "storage.bin"
        image.write_bytes(content[:size].ljust(size, bytes([ERASED])))
        self.execute(f"sysbus LoadBinary {monitor_path(image)} {address:#x}")

    def _save_storage(self) -> None:
        if self._program is None or self._program[1] is None or self._ending():
            return
        self.pause()
        self._program[1].write_bytes(self.read_flash())

    def read_flash(self) -> bytes:
        """The flash sectors behind the board's storage, as they are now."""
        return self.memory.read(*self._storage_area())

    def stop(self) -> None:
        """End the machine. What its UARTs said stays readable. May be called at any time, also twice."""
        try:
            if self._server is not None:
                self._save_storage()
        finally:
            process, self._process = self._process, None
            self._server = None
            if process is not None:
                process.stop()
            for channel in self.uarts.values():
                channel.detach()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def power_cut(self) -> None:
        """Take the power away at this instant and give it back: RAM is lost, flash is as far as it was written."""
        if self._program is None:
            raise ControlError("power_cut before boot: no machine has been started")
        elf, storage = self._program
        if storage is not None:
            self.boot(elf, storage, scripts=self._scripts)
            return
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "storage.bin"
            self._program = (elf, kept)
            self.boot(elf, kept, scripts=self._scripts)
        self._program = (elf, None)

    @property
    def pid(self) -> int | None:
        """Process id of the running emulator."""
        return None if self._process is None else self._process.pid

    def _ending(self) -> str:
        if self._process is None or self._process.exit_code is None:
            return ""
        return f"Renode ended, exit code {self._process.exit_code}: {self._process.output.strip()[:400]}"

    def check_alive(self) -> None:
        """Raise TargetDied, with the reason, when the machine ended by itself."""
        if reason := self._ending():
            raise TargetDied(reason)

    # ---- the running machine --------------------------------------------------------------------------------------

    def keyword(self, name: str, *arguments: str) -> Any:
        """Run one of Renode's keywords for Robot Framework. Raises ControlError with Renode's words."""
        if self._server is None:
            raise ControlError("no machine is running")
        try:
            answer: Any = self._server.run_keyword(name, list(arguments))
        except (OSError, xmlrpc.client.Error) as error:
            raise ControlError(f"Renode did not take {name} {' '.join(arguments)}: {error} {self._ending()}") from error
        if answer["status"] != "PASS":
            raise ControlError(f"Renode refused {name} {' '.join(arguments)}: {answer.get('error', '').strip()}")
        return answer.get("return", "")

    def execute(self, command: str) -> str:
        """Run one command of Renode's monitor and return what it printed."""
        return str(self.keyword("ExecuteCommand", command))

    def reset(self) -> None:
        """Reset as the reset pin does: RAM and flash are kept."""
        self.execute("machine Reset")

    def pause(self) -> None:
        """Let time stand still."""
        self.execute("pause")

    def resume(self) -> None:
        """Let time run beside the host's."""
        self.execute("start")

    def run_for(self, seconds: float) -> None:
        """Let a paused machine run for exactly *seconds* of its time, and stand still again."""
        self.execute(f'emulation RunFor "{seconds:.6f}"')

    def evidence(self) -> dict[str, bytes]:
        """What every UART said and was told, and what the emulator printed."""
        found = {f"{name}.received": channel.received for name, channel in self.uarts.items()}
        found |= {f"{name}.sent": channel.sent for name, channel in self.uarts.items()}
        if self._process is not None:
            found["renode.output"] = self._process.output.encode()
        return found
