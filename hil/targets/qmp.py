"""QEMU's machine protocol (docs/interop/qmp-spec.txt): stop, continue, reset a running machine."""

import json
import socket
from typing import Any

from .errors import ControlError


class Qmp:
    """A client on a connected socket. Not safe for more than one thread."""

    def __init__(self, connection: socket.socket, timeout_s: float = 10.0) -> None:
        connection.settimeout(timeout_s)
        self._connection = connection
        self._lines = connection.makefile("rb")
        try:
            self._receive()  # greeting
            self.execute("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError as error:
            raise ControlError(f"QMP did not answer: {error}. Is a UART of the machine not being read?") from error
        if not line:
            raise ControlError("QMP connection ended")
        message: dict[str, Any] = json.loads(line)
        return message

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run one command and return its result. Raises ControlError when it is refused or not answered."""
        request = {"execute": command, "arguments": arguments}
        try:
            self._connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise ControlError(f"QMP command {command} could not be sent: {error}") from error
        while True:
            message = self._receive()
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise ControlError(f"QMP command {command} refused: {message['error'].get('desc')}")
            # Anything else is an event: nobody here waits for one.

    def close(self) -> None:
        self._lines.close()
        self._connection.close()
