"""A board as it stands on a bench: an emulated one whose three UARTs are serial devices and whose power is switched.

Pseudo terminals for the UARTs, and a control port on loopback for the commands of a bench file: `command("off")` is
what such a file names. The board's storage lasts, as on a real one; so do the devices while the power is off.
"""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from hil.outlet import PtyOutlet
from hil.targets.errors import TargetError
from hil.targets.qemu import UART_NAMES, Qemu

DONE = "done"
# Says a word to the control port, waits for the answer, fails with it when it is another one than DONE.
_SAY = 'exec 3<>"/dev/tcp/127.0.0.1/$0" && echo "$1" >&3 && read -r said <&3 && echo "$said" && [ "$said" = done ]'


class SerialBoard:
    """The board, off at first. Stop it at the end."""

    def __init__(self, elf: Path, storage: Path) -> None:
        self._elf, self._storage = elf, storage
        self.qemu = Qemu("netduinoplus2")
        self.outlets = {name: PtyOutlet(self.qemu.uarts[name]) for name in UART_NAMES}
        self._deeds: dict[str, Callable[[], object]] = {
            "off": self.qemu.stop,
            "on": self._power_on,
            "reset": self.qemu.reset,
        }
        self.told: list[str] = []
        board = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(f"{board._do(self.rfile.readline().decode().strip())}\n".encode())

        self._server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _power_on(self) -> None:
        self.qemu.boot(self._elf, storage=self._storage)

    def _do(self, deed: str) -> str:
        self.told.append(deed)
        try:
            self._deeds[deed]()
        except (TargetError, KeyError, OSError) as error:
            return f"{type(error).__name__}: {error}"
        return DONE

    def command(self, deed: str) -> list[str]:
        """A command that does it: off, on, reset."""
        return ["bash", "-c", _SAY, str(self._server.server_address[1]), deed]

    def bench(self, *missions: Path) -> str:
        """A bench file for it, with the plant on its bus."""
        lines = [
            'target = "serial"',
            f"missions = {json.dumps([str(path) for path in missions])}",
            f"reset = {json.dumps(self.command('reset'))}",
            "[plant]",
            "[power]",
            f"off = {json.dumps(self.command('off'))}",
            f"on = {json.dumps(self.command('on'))}",
            "settle_s = 0.1",
        ]
        for name, outlet in self.outlets.items():
            lines += [f"[{name}]", f'port = "{outlet.url}"']
        return "\n".join(lines) + "\n"

    def stop(self) -> None:
        """End everything."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for outlet in self.outlets.values():
            with contextlib.suppress(OSError):
                outlet.close()
        self.qemu.stop()
