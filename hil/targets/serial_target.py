"""`serial` as a target: a real board on serial ports, its power and reset pin as the bench file says.

Nothing is assumed of the board before the first octet: it may have run for days. Its storage cannot be emptied from
here, so tests that need that are left out.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import serial

from hil.bench import Bench, BenchError, Line, Switch
from hil.plant.attached import AttachedPlant

from .bus_servant import BusServant
from .channel import Channel
from .errors import ControlError
from .target import Target

COMMAND_TIMEOUT_S = 60.0
LOOK_S = 0.1  # how long a reader may not notice that its port was closed


class SerialConnection:
    """A serial port that reads like a socket."""

    def __init__(self, line: Line) -> None:
        try:
            self._port = serial.serial_for_url(line.port, baudrate=line.baud, timeout=LOOK_S, write_timeout=10)
        except (serial.SerialException, OSError, ValueError) as error:
            raise BenchError(
                f"cannot open {line.port}",
                expected="a serial port or pyserial URL",
                found=str(error),
                next_step="check the bench file, the cable and the permissions (group dialout)",
            ) from error
        self._ended = False

    def recv(self, size: int, /) -> bytes:
        """The next octets, waiting for the first one; b"" after `shutdown`."""
        while not self._ended:
            try:
                if data := self._port.read(1):
                    return bytes(data + self._port.read(min(self._port.in_waiting, size - 1)))
            except (serial.SerialException, TypeError) as error:  # TypeError: closed under pyserial's hands
                raise OSError(str(error)) from error
        return b""

    def sendall(self, data: bytes, /) -> None:
        """Send all."""
        self._port.write(data)

    def shutdown(self, _how: int, /) -> None:
        """The reader ends."""
        self._ended = True

    def close(self) -> None:
        """Let go of the port."""
        self._ended = True
        self._port.close()


class SerialTarget(Target):
    """A real board."""

    link: Channel

    def __init__(self, bench: Bench, folder: Path) -> None:
        super().__init__(bench, folder)
        self._lines = {"link": bench.link, "bus": bench.bus, "console": bench.console}
        self._channels = {name: Channel(f"{bench.name} {name}") for name, line in self._lines.items() if line}
        self.link = self._channels["link"]
        self._servant: BusServant | None = None
        nowhere = f"bench {bench.name} names no [{{}}]"
        missing = {
            "storage": "the flash of a real board is the board's own",
            "memory": "a real board has no debug port that stays out of its time",
            "exact_time": "time is real",
            "fresh": "the storage of a real board cannot be emptied from here",
        }
        missing |= {name: nowhere.format(name) for name in ("bus", "console") if self._lines[name] is None}
        missing |= {"power": nowhere.format("power")} if bench.power is None else {}
        missing |= {"reset": f"bench {bench.name} has no reset command"} if bench.reset is None else {}
        self.missing = missing

    def attach(self, plant: AttachedPlant) -> None:
        """The plant's time begins now."""
        super().attach(plant)
        self._servant = BusServant(plant, self._channels["bus"])

    def boot(self) -> None:
        """Open the ports and start the board anew, as far as the bench can; else it goes on with what it does."""
        for name, channel in self._channels.items():
            line = self._lines[name]
            if line is not None and not channel.is_open:
                channel.attach(SerialConnection(line))
        if self.bench.power is not None:
            self.power_cut()
        elif self.bench.reset is not None:
            self.reset()

    def _switch(self) -> Switch:
        self.require("power")
        assert self.bench.power is not None
        return self.bench.power

    def power_off(self) -> None:
        """Run the bench's command for that, and wait until the capacitors are empty."""
        switch = self._switch()
        self._run(switch.off)
        time.sleep(switch.settle_s)

    def power_on(self) -> None:
        """Run the bench's command for that."""
        self._run(self._switch().on)

    def reset(self) -> None:
        """Run the bench's command for that."""
        self.require("reset")
        assert self.bench.reset is not None
        self._run(self.bench.reset)

    def _run(self, command: list[str]) -> None:
        try:
            subprocess.run(
                command,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_TIMEOUT_S,
                cwd=self.bench.folder or None,
            )
        except subprocess.CalledProcessError as error:
            said = error.stdout.decode(errors="replace").strip()[-200:]
            raise ControlError(f"{' '.join(command)} ended with {error.returncode}: {said}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ControlError(f"{' '.join(command)}: {error}") from error

    def stop(self) -> None:
        """Let go of the ports; the board goes on."""
        if self._servant is not None:
            self._servant.stop()
            self._servant = None
        for channel in self._channels.values():
            channel.detach()

    def check_alive(self) -> None:
        """Raise ControlError when the link's port has gone."""
        if not self.link.is_open:
            raise ControlError(f"bench {self.bench.name}: the port of the link has gone")

    def now_s(self) -> float:
        """The host's clock."""
        return time.monotonic()

    def run_for(self, seconds: float) -> None:
        """The board runs beside us."""
        time.sleep(seconds)

    def await_octets(self, timeout_s: float) -> None:
        """Wait for the reader thread of the link."""
        if not self.link.wait(timeout_s):
            self.check_alive()

    @property
    def console(self) -> Channel:
        """The console's port."""
        self.require("console")
        return self._channels["console"]

    def evidence(self) -> dict[str, bytes]:
        """What the lines said and were told."""
        found = {f"{name}.received": channel.received for name, channel in self._channels.items()}
        return found | {f"{name}.sent": channel.sent for name, channel in self._channels.items()}
