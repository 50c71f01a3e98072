"""The whole flight program on the emulated board as a peer of the link tests.

It runs on the `dev` image, whose prompt starts it and asks afterwards what it received: a way that the noise of the
link does not touch. Between link and router stands a recorder that notes every packet in the order of its arrival; the
rest is the board as it flies, but for the watchdog, since the program is stopped at the end.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from flight.limits import TM_FRAME_LENGTH
from flight.link.tm_frame import ASM_LENGTH
from perilune.dictionary.keys import BENCH_KEYS
from perilune.link.transport import Transport
from perilune.link.uplink import Authenticator, UplinkEncoder

from hil.targets.errors import ChannelClosed
from hil.targets.qemu import Qemu
from hil.targets.raw_repl import CTRL_C, RawRepl
from tests.system.fingerprint import Fingerprint, Numbers

ELF = Path(__file__).resolve().parents[2] / "build/netduinoplus2-dev/firmware.elf"
FRAME = ASM_LENGTH + TM_FRAME_LENGTH
GAP_S = 0.02  # silence that ends a piece
BAUD = 460800  # a thousand telecommands and as many repetitions in half a minute
ROOM = 1200  # packets that the recorder can note

PROGRAM = f"""
import gc, machine
from array import array
import mission_apps, mission_ids, mission_keys, mission_tables
from flight.hal.board import BoardHal
from flight.hal.null import Watchdog
from flight.topology import build

class Recorder:
    def __init__(self, router):
        self.router = router
        self.notes = array("H", bytes(6 * {ROOM}))
        self.count = 0

    def packets(self, buffer, start, end):
        at = start
        while at < end:
            length = (buffer[at + 4] << 8 | buffer[at + 5]) + 7
            note = 3 * self.count
            self.notes[note] = (buffer[at + 2] & 0x3F) << 8 | buffer[at + 3]
            self.notes[note + 1] = length
            self.notes[note + 2] = buffer[at + length - 2] << 8 | buffer[at + length - 1]
            self.count += 1
            at += length
        self.router.packets(buffer, start, end)

hal = BoardHal()
machine.UART(1, {BAUD}, timeout=0)
hal.watchdog = Watchdog()
core = build(mission_tables, mission_ids, hal, mission_keys.KEYS, mission_apps.APPS)
core.ids = None
recorder = Recorder(core.router)
core.link_loop._router = recorder
gc.collect()
"""
RUN = """
try:
    core.run()
except KeyboardInterrupt:
    pass
"""
REPORT = """
for n in range(3 * recorder.count):
    print(recorder.notes[n])
"""


class BoardTransport:
    """The space link of the emulated board, as the ground's transport."""

    def __init__(self, target: Qemu) -> None:
        self._channel = target.link

    def fileno(self) -> int | None:
        return None

    def read(self, timeout_s: float) -> bytes:
        data = self._channel.read_some(timeout_s)
        # The line gives a few octets each millisecond; noise is dealt out by the piece, so pieces are frames.
        while data and len(data) < FRAME and (more := self._channel.read_some(GAP_S)):
            data += more
        return data

    def write(self, data: bytes) -> bool:
        try:
            self._channel.write(data)
        except ChannelClosed:
            return False
        return True

    def close(self) -> None:
        """The target closes its end."""


class BoardPeer:
    """The flight program in QEMU, with authentication."""

    def __init__(self) -> None:
        self._target = Qemu("netduinoplus2")
        self._repl = RawRepl(self._target.console)

    def __enter__(self) -> BoardPeer:
        try:
            self._target.boot(ELF)
            self._target.console.read_until(b">>> ")
            self._repl.enter()
            self._repl.exec(PROGRAM, timeout_s=60)
            self._repl.start(RUN)
        except BaseException:
            self._target.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._target.stop()

    def connect(self) -> Transport:
        return BoardTransport(self._target)

    def encoder(self) -> UplinkEncoder:
        return UplinkEncoder(Authenticator(*BENCH_KEYS, Numbers()))

    def received(self) -> list[Fingerprint]:
        """Stop the program and ask what it received."""
        self._target.console.write(CTRL_C)
        self._repl.finish()
        notes = iter(map(int, self._repl.exec(REPORT, timeout_s=60).split()))
        return [Fingerprint(*note) for note in zip(notes, notes, notes, strict=True)]
