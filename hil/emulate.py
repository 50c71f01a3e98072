"""``make emulate``: one emulated board for as long as somebody wants it, its UARTs as TCP ports on loopback.

``python -m hil.emulate BOARD ELF`` prints the address of each UART as pyserial wants it and runs until Ctrl-C. A port
takes one client at a time, who may go and come again; what the board says while nobody listens is lost, as on a line
that ends in the air. The board never waits for a client.
"""

import argparse
import contextlib
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

from perilune.boards import BoardError

from .targets.channel import Channel
from .targets.errors import ChannelClosed, TargetError
from .targets.qemu import Qemu
from .targets.renode import Renode

LOOK_S = 0.2  # how often a quiet port looks whether it should end
USES = {"link": "USART1, space link", "bus": "USART2, payload bus", "console": "USART3, console"}


class Outlet:
    """Serves one UART of a target to one client at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._listener.settimeout(LOOK_S)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Address for ``serial.serial_for_url``."""
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Part from the client and stop to listen."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._end.is_set():
            try:
                client = self._listener.accept()[0]
            except TimeoutError:
                self._channel.read()  # nobody there to hear it
                continue
            with client:
                self._couple(client)

    def _couple(self, client: socket.socket) -> None:
        """Move bytes both ways until the client or the board goes."""
        gone = threading.Event()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upward = threading.Thread(target=self._to_board, args=(client, gone), daemon=True)
        upward.start()
        try:
            while not (gone.is_set() or self._end.is_set()):
                client.sendall(self._channel.read_some(LOOK_S))
        except (OSError, ChannelClosed):
            pass
        finally:
            gone.set()
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            upward.join()

    def _to_board(self, client: socket.socket, gone: threading.Event) -> None:
        with contextlib.suppress(OSError, ChannelClosed):
            while data := client.recv(4096):
                self._channel.write(data)
        gone.set()


def run(target: Qemu | Renode, elf: Path, storage: Path | None, end: threading.Event) -> None:
    """Boot *elf*, print where its UARTs are, and serve them until *end* or the emulator's death (TargetDied)."""
    with target:
        target.boot(elf, storage=storage)
        outlets = {name: Outlet(channel) for name, channel in target.uarts.items()}
        try:
            for name, outlet in outlets.items():
                print(f"{name:8} {outlet.url}  ({USES[name]})")
            print(f"{target.board.description} runs {elf}; Ctrl-C ends it.", flush=True)
            while not end.wait(LOOK_S):
                target.check_alive()
        finally:
            for outlet in outlets.values():
                outlet.close()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.emulate", description="Run one emulated board until Ctrl-C.")
    parser.add_argument("board")
    parser.add_argument("elf", type=Path)
    parser.add_argument("--emulator", choices=["qemu", "renode"], default="qemu")
    parser.add_argument("--storage", type=Path, help="file behind the board's flash storage (default: none kept)")
    args = parser.parse_args(argv)
    end = threading.Event()

    def finish(_signal: int, _frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, finish)
    try:
        target = Qemu(args.board) if args.emulator == "qemu" else Renode(args.board)
        run(target, args.elf, args.storage, end)
    except (BoardError, TargetError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
