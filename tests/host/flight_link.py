"""The flight link stage as a peer for the ground's tests: octets in, octets out, and what it received.

It is the code that flies, on CPython, with a topology of its own: accepted telecommands are noted, and each is answered
by a small telemetry packet so that both directions carry traffic. No I/O here; `TcpPeer` puts it behind a socket.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import TracebackType

from flight.errors import DropCounters
from flight.limits import SDLS_SPI_AD, SDLS_SPI_BD
from flight.link.downlink import Downlink
from flight.link.sdls import SecurityAssociation
from flight.link.uplink import Uplink
from perilune.packet.pus import CucTime, Telemetry, unpack_telecommand
from perilune.packet.space_packet import SequenceCounts, unpack_header

TICKS_MASK = (1 << 30) - 1


class FlightLink:
    """Uplink and downlink of the flight software, joined by an application that answers every telecommand.

    `number`: the last anti-replay number of both associations.
    """

    def __init__(
        self, *, ad_key: bytes | None = None, bd_key: bytes | None = None, answers: bool = True, number: int = 0
    ) -> None:
        self.drops = DropCounters()
        associations: tuple[SecurityAssociation | None, SecurityAssociation | None] = (None, None)
        if ad_key is not None and bd_key is not None:
            associations = (
                SecurityAssociation(SDLS_SPI_AD, ad_key, 0, number),
                SecurityAssociation(SDLS_SPI_BD, bd_key, 0, number),
            )
        self.associations = associations
        self.uplink = Uplink(self.drops, *associations)
        self.downlink = Downlink(self.uplink.farm, self.drops, 0)
        self.received: list[bytes] = []
        self._answers = answers
        self._counts = SequenceCounts()
        self._out = bytearray()

    def exchange(self, data: bytes, now_ms: int) -> bytes:
        """Take octets that arrived by `now_ms`, work, and give the octets to send."""
        self.uplink.feed(bytearray(data), 0, len(data), now_ms & TICKS_MASK)
        while self.uplink.next():
            unit = bytes(self.uplink.buffer[self.uplink.start : self.uplink.end])
            self.uplink.release()
            for packet in split(unit):
                self.received.append(packet)
                if self._answers:
                    self._answer(packet, now_ms)
        self.downlink.poll(now_ms & TICKS_MASK, self._write)
        out = bytes(self._out)
        self._out.clear()
        return out

    def send(self, packet: bytes) -> None:
        """Queue a telemetry packet."""
        self.downlink.realtime.send(bytearray(packet), 0, len(packet))

    def _answer(self, packet: bytes, now_ms: int) -> None:
        telecommand = unpack_telecommand(packet)
        time_of_answer = CucTime(now_ms // 1000, now_ms % 1000 * 65536 // 1000)
        report = Telemetry(
            telecommand.apid,
            17,
            2,
            time_of_answer,
            telecommand.request_id.to_bytes(4, "big"),
            sequence_count=self._counts.take(telecommand.apid),
        )
        self.send(report.pack())

    def _write(self, frame: bytearray) -> bool:
        self._out += frame
        return True


def split(unit: bytes) -> Iterator[bytes]:
    """The packets of a data unit, which stand one behind the other."""
    position = 0
    while position < len(unit):
        length = unpack_header(unit, position).data_length + 6
        yield unit[position : position + length]
        position += length


class TcpPeer:
    """A `FlightLink` behind a TCP port of the loopback interface, in a thread of its own.

    One connection at a time; when it ends, the next one is served by the same link, as a board that stays powered.
    """

    def __init__(self, link: FlightLink | None = None) -> None:
        self.link = link or FlightLink()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="flight link", daemon=True)

    @property
    def url(self) -> str:
        """Where the ground connects to."""
        return f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def received(self) -> list[bytes]:
        """Telecommand packets that the board's link has handed on, in order."""
        return list(self.link.received)

    def __enter__(self) -> TcpPeer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection, contextlib.suppress(ConnectionError):
                self._serve_one(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        connection.settimeout(0.01)
        while not self._stopping.is_set():
            try:
                data = connection.recv(4096)
                if not data:
                    return
            except TimeoutError:
                data = b""
            out = self.link.exchange(data, time.monotonic_ns() // 1_000_000)
            if out:
                connection.settimeout(5)
                connection.sendall(out)
                connection.settimeout(0.01)
