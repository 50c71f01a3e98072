"""The payload bus: the units on one RS-485 line, and what the line does to their replies.

Lives here: silence, delay, corruption, wrong addresses, at the level of bytes; a serial port in memory.
Does not live here: sockets and ttys (serve.py).

What a link fault does is drawn from the seed and the count of replies, so that a run repeats itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from hil.plant import rtu
from hil.plant.bank import RegisterBank
from hil.plant.faults import Faults, LinkFault

# 8N1: ten bits on the line for each byte.
BITS_PER_BYTE = 10
# Silence that ends a frame above 19 200 baud (MODBUS over Serial Line V1.02, 2.5.1.1), s.
FRAME_GAP_S = 0.00175
# Longest frame of Modbus RTU, bytes.
LONGEST_FRAME = 256
# Tag of the link's random numbers, so that they are not those of the sensors.
LINK_STREAM = 2


class Reply(NamedTuple):
    """Bytes that a master receives, and how much later than from a healthy unit, s."""

    delay_s: float
    data: bytes


class PayloadBus:
    """The units behind one line, in process.

    `powered` says whether the units have power at all.
    """

    def __init__(self, banks: Mapping[int, RegisterBank], faults: Faults, seed: int) -> None:
        self._banks = banks
        self._faults = faults
        self._seed = seed
        self.replies = 0
        self.powered: Callable[[], bool] = lambda: True

    def exchange(self, request: bytes) -> Reply | None:
        """The reply to one whole request; None when nothing comes back."""
        return self.exchange_frame(request) if rtu.is_frame(request) else None

    def exchange_frame(self, request: bytes) -> Reply | None:
        """As exchange(), of a request whose CRC was looked at."""
        data = rtu.reply_to(self.hearing(), request)
        return self.distort(data) if data else None

    def transact(self, request: bytes) -> bytes:
        """The bytes of the reply without its delay; empty when nothing comes back."""
        reply = self.exchange(request)
        return reply.data if reply else b""

    def hearing(self) -> Mapping[int, RegisterBank]:
        """The units that have power and are not silent."""
        if not self.powered():
            return {}
        if not self._faults.effects.links:
            return self._banks
        return {slave: bank for slave, bank in self._banks.items() if not self._silent(bank)}

    def listening(self, slave: int) -> bool:
        """True when the unit of an address would take a request; broadcasts always go out."""
        return slave == rtu.BROADCAST or slave in self.hearing()

    def distort(self, data: bytes) -> Reply:
        """What the line makes of a reply."""
        bank = self._banks.get(data[0])
        links = self._faults.effects.links.get(bank.unit.name) if bank else None
        if not links:
            return Reply(0.0, data)
        self.replies += 1
        random = np.random.Generator(np.random.PCG64([self._seed, LINK_STREAM, self.replies]))
        delay = 0.0
        for link in links:
            if random.random() >= link.share:
                continue
            if link.name == "reply_late":
                delay += link.delay_s
            elif link.name == "reply_wrong_slave":
                data = rtu.frame(bytes((link.as_slave,)) + data[1:-2])
            elif link.name == "reply_corrupted":
                data = _corrupt(data, link, random)
        return Reply(delay, data)

    def _silent(self, bank: RegisterBank) -> bool:
        links = self._faults.effects.links.get(bank.unit.name, ())
        return any(link.name == "slave_silent" for link in links)

    def save(self) -> dict[str, object]:
        """State for JSON."""
        return {"replies": self.replies}

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save`."""
        self.replies = int(str(state["replies"]))


def _corrupt(data: bytes, link: LinkFault, random: np.random.Generator) -> bytes:
    if link.how == "truncate":
        return data[: int(random.integers(1, len(data)))]
    if link.how == "extend":
        return data + random.bytes(int(random.integers(1, 9)))
    if link.how == "garbage":
        return bytes(random.bytes(len(data)))
    changed = bytearray(data)
    for bit in random.choice(8 * len(data), size=int(random.integers(1, 4)), replace=False):
        changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


class BusPort:
    """The master's end of the line as a serial port in memory, for targets that run in this process.

    `clock` gives the bus's time in s. Written bytes form a frame when the line was silent for `gap_s` or when
    `write` got a whole frame; the reply's bytes come after the unit's reply time and no faster than the baud rate.
    """

    def __init__(
        self,
        bus: PayloadBus,
        clock: Callable[[], float],
        baud: int = 115200,
        reply_s: float = 0.002,
        gap_s: float = FRAME_GAP_S,
    ) -> None:
        self._gap_s = gap_s
        self._bus = bus
        self._clock = clock
        self._byte_s = BITS_PER_BYTE / baud
        self._reply_s = reply_s
        self._request = bytearray()
        self._last_byte_s = -1.0
        self._coming: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> int:
        """Put bytes on the line; returns how many."""
        now = self._clock()
        if self._request and now - self._last_byte_s > self._gap_s:
            self._request.clear()
        self._request += data
        self._last_byte_s = max(now, self._last_byte_s) + len(data) * self._byte_s
        if rtu.is_frame(self._request):
            request = bytes(self._request)
            self._request.clear()
            reply = self._bus.exchange_frame(request)
            if reply:
                self._coming.append((self._last_byte_s + self._reply_s + reply.delay_s, reply.data))
                self._coming.sort(key=lambda coming: coming[0])
        elif len(self._request) > LONGEST_FRAME:
            self._request.clear()
        return len(data)

    @property
    def is_answering(self) -> bool:
        """Are bytes under way to the master?"""
        return bool(self._coming)

    def read(self, most: int = LONGEST_FRAME) -> bytes:
        """Bytes that have come by now, at most `most`; empty when there are none."""
        now = self._clock()
        out = bytearray()
        while self._coming and len(out) < most:
            start, data = self._coming[0]
            here = min(len(data), int((now - start) / self._byte_s + 1e-6), most - len(out))
            if here <= 0:
                break
            out += data[:here]
            if here == len(data):
                self._coming.pop(0)
            else:
                self._coming[0] = (start + here * self._byte_s, data[here:])
                break
        return bytes(out)
