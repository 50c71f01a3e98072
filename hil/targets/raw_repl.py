"""The prompt of a ``dev`` build, for programs instead of people (MicroPython reference, "The REPL: raw mode").

Code goes over in raw-paste mode: the board says how much it can take, so nothing is lost and no wait is a guess.
"""

import struct

from .channel import Channel
from .errors import ProgramFailed, TargetError

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"


class RawRepl:
    """Runs Python code on a board whose prompt is on *channel*."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def enter(self, timeout_s: float = 20.0) -> None:
        """Stop what runs and enter raw mode. Works at any moment after the first prompt."""
        self._channel.write(b"\r" + CTRL_C + CTRL_C + b"\r" + CTRL_A)
        self._channel.read_until(RAW_BANNER, timeout_s)

    def leave(self) -> None:
        """Back to the prompt for people."""
        self._channel.write(CTRL_B)

    def soft_reset(self, timeout_s: float = 20.0) -> None:
        """Start the interpreter anew, in raw mode."""
        self._channel.write(CTRL_D)
        self._channel.read_until(RAW_BANNER, timeout_s)

    def exec(self, code: str, timeout_s: float = 20.0) -> str:
        """Run *code* to its end and return what it printed. Raises ProgramFailed with the traceback."""
        self.start(code, timeout_s)
        return self.finish(timeout_s)

    def start(self, code: str, timeout_s: float = 20.0) -> None:
        """Begin to run *code* and do not wait: for code that never ends, or ends with a reset."""
        self._channel.write(CTRL_E + b"A" + CTRL_A)
        answer = self._channel.read_exactly(2, timeout_s)
        if answer != b"R\x01":
            raise TargetError(f"{self._channel.name}: expected raw-paste mode b'R\\x01', found {answer!r}")
        (window,) = struct.unpack("<H", self._channel.read_exactly(2, timeout_s))
        data = code.encode()
        room, wanted = window, True
        while data and wanted:
            self._channel.write(data[:room])
            data, room = data[room:], room - len(data[:room])
            if room == 0:
                wanted, room = self._granted(timeout_s), window
        # Not wanted any more: it does not compile, or not in this memory, and `finish` says which.
        self._channel.write(CTRL_D)
        while wanted:  # the board grants the rest of its window before it takes the end
            wanted = self._granted(timeout_s)

    def _granted(self, timeout_s: float) -> bool:
        """True: the board takes another window. False: it is done with the code."""
        byte = self._channel.read_exactly(1, timeout_s)
        if byte not in (b"\x01", CTRL_D):
            raise TargetError(f"{self._channel.name}: raw-paste mode answered {byte!r}")
        return byte == b"\x01"

    def finish(self, timeout_s: float = 20.0) -> str:
        """Wait for the end of what ``start`` began; as ``exec``."""
        output = self._channel.read_until(CTRL_D, timeout_s)[:-1].decode(errors="replace").replace("\r\n", "\n")
        failure = self._channel.read_until(CTRL_D, timeout_s)[:-1].decode(errors="replace").replace("\r\n", "\n")
        self._channel.read_until(b">", timeout_s)
        if failure:
            raise ProgramFailed(f"{failure.strip()}\nprinted before: {output!r}")
        return output
