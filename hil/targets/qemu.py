"""A board in ``qemu-system-arm``.

UARTs 1, 2 and 3 are TCP connections that QEMU opens to sockets of ours, so no port number is fixed and no byte is
missed. QMP stops, continues and resets the machine; the qtest port, on demand, reads and writes its memory. Time is the
emulator's own clock, which follows the host's; with ``icount`` it counts instructions instead (2**icount ns each) and
two runs take the same time. The machine's name comes from ``board.toml``.
"""

import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from perilune.boards import Board, BoardError, load_board

from .channel import Channel
from .errors import ControlError, EmulatorMissing, TargetDied, TargetError
from .process import EmulatorProcess
from .qmp import Qmp
from .qtest import Qtest

UART_NAMES = ("link", "bus", "console")  # USART1, 2, 3
CONNECT_TIMEOUT_S = 20.0
EXIT_TIMEOUT_S = 2.0
OUTPUT_SHOWN = 400  # of what QEMU printed; the reason comes first, then registers
LOCKUP_EXIT_CODE = -6  # QEMU aborts when a fault handler faults
STORAGE_PATH_MAX = 480  # the firmware keeps 512 bytes for the whole semihosting command line


@dataclass(frozen=True)
class Boot:
    """What a machine was started with; ``Qemu.boot`` explains the fields."""

    elf: Path
    storage: Path | None
    icount: int | None
    qtest: bool
    semihosting: bool
    console_pty: bool
    skip_sleep: bool


def find_qemu() -> str:
    """Path of ``qemu-system-arm``. Raises EmulatorMissing."""
    path = shutil.which("qemu-system-arm")
    if path is None:
        raise EmulatorMissing("qemu-system-arm is not installed; `make setup` installs it (package qemu-system-arm)")
    return path


def escape(value: str) -> str:
    """Return *value* as QEMU's option parser wants it: a comma is doubled."""
    return value.replace(",", ",,")


class Qemu:
    """One emulated board. Use it as a context manager, or call ``stop``.

    >>> with Qemu("netduinoplus2") as target:            # doctest: +SKIP
    ...     target.boot(Path("build/netduinoplus2-dev/firmware.elf"))
    ...     target.console.read_until(b">>> ")
    """

    def __init__(self, board: str | Board = "netduinoplus2") -> None:
        self.board = load_board(board) if isinstance(board, str) else board
        if self.board.qemu is None:
            raise BoardError(f"board '{self.board.name}' names no QEMU machine in its board.toml ([qemu] machine)")
        self.link, self.bus, self.console = (Channel(name, self._why_closed) for name in UART_NAMES)
        self._process: EmulatorProcess | None = None
        self._qmp: Qmp | None = None
        self._qtest: Qtest | None = None
        self._boot: Boot | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def uarts(self) -> Mapping[str, Channel]:
        """The three UARTs by name."""
        return dict(zip(UART_NAMES, (self.link, self.bus, self.console), strict=True))

    # ---- life and death -------------------------------------------------------------------------------------------

    def boot(
        self,
        elf: Path,
        storage: Path | None = None,
        icount: int | None = None,
        qtest: bool = False,
        semihosting: bool = True,
        console_pty: bool = False,
        skip_sleep: bool = False,
    ) -> None:
        """Start a new machine with the program *elf*; one that runs is stopped first.

        *storage* is the host file behind the board's flash storage; it is made when it is not there, and outlives the
        machine. Without it, or with ``semihosting=False``, the board has no storage. *icount*: 2**icount ns for each
        instruction. *qtest* opens the port for memory access. *console_pty* gives the console to a pseudo terminal
        (``console_pty`` names it) instead of ``console``, for programs that want a device; they must always read, since
        the whole machine waits for them. *skip_sleep*, with *icount*: while the processor sleeps, the machine's time
        jumps to what wakes it, so that only work takes time. Raises EmulatorMissing, FileNotFoundError or TargetDied.
        """
        if storage is not None and len(str(storage)) > STORAGE_PATH_MAX:
            raise ValueError(f"storage path has {len(str(storage))} characters, the board takes {STORAGE_PATH_MAX}")
        self._start(Boot(elf, storage, icount, qtest, semihosting, console_pty, skip_sleep))

    def _start(self, boot: Boot) -> None:
        self.stop()
        if not boot.elf.is_file():
            raise FileNotFoundError(f"{boot.elf} is not there; `make firmware` builds programs for boards")
        self._boot = boot
        try:
            self._connect(boot)
        except BaseException as error:
            reason = self._why_closed() if isinstance(error, TargetError) else ""
            self.stop()
            if reason:
                raise TargetDied(reason) from error
            raise

    def _connect(self, boot: Boot) -> None:
        connections: dict[str, socket.socket] = {}
        names = ["link", "bus", *([] if boot.console_pty else ["console"]), "qmp", *(["qtest"] if boot.qtest else [])]
        listeners = {name: socket.create_server(("127.0.0.1", 0), backlog=1) for name in names}
        try:
            ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
            self._process = EmulatorProcess(self._command_line(boot, ports))
            for name, listener in listeners.items():
                connections[name] = self._accept(name, listener)
        except BaseException:
            for connection in connections.values():
                connection.close()
            raise
        finally:
            for listener in listeners.values():
                listener.close()
        for name, channel in self.uarts.items():
            if name in connections:
                channel.attach(connections[name])
        self._qmp = Qmp(connections["qmp"])
        if boot.qtest:
            self._qtest = Qtest(connections["qtest"])

    def _command_line(self, boot: Boot, ports: dict[str, int]) -> list[str]:
        assert self.board.qemu is not None
        arguments = [find_qemu(), "-M", self.board.qemu.machine, "-nodefaults", "-display", "none"]
        arguments += ["-kernel", str(boot.elf)]
        for name, port in ports.items():
            if name != "qtest":
                arguments += ["-chardev", f"socket,id={name},host=127.0.0.1,port={port},nodelay=on"]
        if boot.console_pty:
            arguments += ["-chardev", "pty,id=console"]
        for name in UART_NAMES:
            arguments += ["-serial", f"chardev:{name}"]
        arguments += ["-mon", "chardev=qmp,mode=control"]
        if "qtest" in ports:
            arguments += ["-accel", "tcg", "-qtest-log", "none"]
            arguments += ["-qtest", f"tcp:127.0.0.1:{ports['qtest']},nodelay=on"]
        if boot.semihosting:
            option = "enable=on,target=native,arg=perilune"
            if boot.storage is not None:
                option += f",arg=storage={escape(str(boot.storage))}"
            arguments += ["-semihosting-config", option]
        if boot.icount is not None:
            arguments += ["-icount", f"shift={boot.icount}" + (",sleep=off" if boot.skip_sleep else "")]
        return arguments

    def _accept(self, name: str, listener: socket.socket) -> socket.socket:
        listener.settimeout(0.1)
        for _ in range(int(CONNECT_TIMEOUT_S / 0.1)):
            try:
                return listener.accept()[0]
            except TimeoutError:
                self.check_alive()
        raise TargetDied(f"QEMU did not connect its {name} port within {CONNECT_TIMEOUT_S:g} s")

    def stop(self) -> None:
        """End the machine. What its UARTs said stays readable. May be called at any time, also twice."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        for channel in self.uarts.values():
            channel.detach()
        for port in (self._qmp, self._qtest):
            if port is not None:
                port.close()
        self._qmp = self._qtest = None

    def power_cut(self) -> None:
        """Take the power away at this instant and give it back: RAM is lost, storage is as far as it was written."""
        if self._boot is None:
            raise ControlError("power_cut before boot: no machine has been started")
        self._start(self._boot)

    @property
    def pid(self) -> int | None:
        """Process id of the running machine."""
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code of a machine that ended by itself; None while it runs or after ``stop``."""
        return None if self._process is None else self._process.exit_code

    @property
    def locked_up(self) -> bool:
        """True when a fault inside a fault handler ended the machine."""
        return self.exit_code == LOCKUP_EXIT_CODE

    def _why_closed(self) -> str:
        # A connection ends a moment before the process does.
        if self._process is not None:
            self._process.wait(EXIT_TIMEOUT_S)
        return self._ending()

    def _ending(self) -> str:
        code = self.exit_code
        if code is None or self._process is None:
            return ""
        what = "the processor locked up: a fault handler faulted" if code == LOCKUP_EXIT_CODE else "QEMU ended"
        return f"{what}, exit code {code}: {self._process.output.strip()[:OUTPUT_SHOWN]}"

    def check_alive(self) -> None:
        """Raise TargetDied, with the reason, when the machine ended by itself."""
        if reason := self._ending():
            raise TargetDied(reason)

    # ---- the running machine --------------------------------------------------------------------------------------

    def _control(self) -> Qmp:
        if self._qmp is None:
            raise ControlError("no machine is running")
        return self._qmp

    def reset(self) -> None:
        """Reset as the reset pin does: RAM is kept."""
        self._control().execute("system_reset")

    def pause(self) -> None:
        """Let the machine's time stand still; bytes for it are kept."""
        self._control().execute("stop")

    def resume(self) -> None:
        """Let it go on."""
        self._control().execute("cont")

    @property
    def console_pty(self) -> str:
        """Path of the console's pseudo terminal; needs ``boot(..., console_pty=True)``."""
        for device in self._control().execute("query-chardev"):
            if device["label"] == "console" and device["filename"].startswith("pty:"):
                return str(device["filename"].removeprefix("pty:"))
        raise ControlError("the console is no pseudo terminal: boot with console_pty=True")

    @property
    def memory(self) -> Qtest:
        """Memory access; needs ``boot(..., qtest=True)``."""
        if self._qtest is None:
            raise ControlError("memory access needs a machine that was booted with qtest=True")
        return self._qtest

    def evidence(self) -> dict[str, bytes]:
        """What every UART said and was told, and what the emulator printed."""
        found = {f"{name}.received": channel.received for name, channel in self.uarts.items()}
        found |= {f"{name}.sent": channel.sent for name, channel in self.uarts.items()}
        if self._process is not None:
            found["qemu.output"] = self._process.output.encode()
        return found
