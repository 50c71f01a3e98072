"""QEMU's qtest protocol (docs/devel/qtest.rst): memory access while the machine runs.

Reads and writes see what the processor's bus sees. Flash is read-only there too; writes to it have no effect.
"""

import socket

from .errors import ControlError


class Qtest:
    """A client on a connected socket. Not safe for more than one thread."""

    def __init__(self, connection: socket.socket, timeout_s: float = 10.0) -> None:
        connection.settimeout(timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._lines = connection.makefile("rb")

    def _command(self, text: str) -> str:
        try:
            self._connection.sendall(text.encode() + b"\n")
            answer = self._lines.readline().decode().strip()
        except OSError as error:
            raise ControlError(f"qtest did not answer '{text[:40]}': {error}") from error
        status, _, rest = answer.partition(" ")
        if status != "OK":
            raise ControlError(f"qtest refused '{text[:40]}': {answer or 'connection ended'}")
        return rest

    def read_word(self, address: int) -> int:
        """Read 32 bits."""
        return int(self._command(f"readl {address:#x}"), 16)

    def write_word(self, address: int, value: int) -> None:
        """Write 32 bits."""
        self._command(f"writel {address:#x} {value:#x}")

    def read(self, address: int, size: int) -> bytes:
        """Read *size* bytes (1 or more)."""
        return bytes.fromhex(self._command(f"read {address:#x} {size:#x}").removeprefix("0x"))

    def write(self, address: int, data: bytes) -> None:
        """Write *data* (1 byte or more)."""
        self._command(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def set_input(self, device: str, number: int, high: bool) -> None:
        """Drive input *number* of *device*, a path in QEMU's object tree such as ``/machine/soc/exti``."""
        self._command(f"set_irq_in {device} unnamed-gpio-in {number} {int(high)}")

    def close(self) -> None:
        self._lines.close()
        self._connection.close()
