"""A small Modbus master that reads and writes by the names of the register maps, for tests and the reference
controller.

Works over anything that takes the bytes of a request and gives the bytes of the reply: `plant.bus.transact`, or a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.plant import rtu
from hil.plant.units import Register, UnitMap


class NoReply(Exception):
    """Nothing came back, or nothing that is a frame of this slave and function."""


class Refused(Exception):
    """The unit answered with an exception; `code` is its number."""

    def __init__(self, unit: str, function: int, code: int) -> None:
        super().__init__(f"{unit}: function {function:02d} refused with exception {code}")
        self.code = code


class Master:
    """Talks to one unit."""

    def __init__(self, transact: Callable[[bytes], bytes], unit: UnitMap) -> None:
        self._transact = transact
        self.unit = unit
        self._inputs = [(r, r.address) for r in unit.in_space("input")]
        self._words = unit.extent("input")

    def request(self, function: int, data: bytes) -> bytes:
        """Send a request and return what stands between function and CRC. Raises NoReply and Refused."""
        reply = self._transact(rtu.frame(bytes((self.unit.slave, function)) + data))
        if not rtu.is_frame(reply) or reply[0] != self.unit.slave or reply[1] & 0x7F != function:
            raise NoReply(
                f"{self.unit.name}: expected a reply to function {function:02d}, found {reply.hex(' ') or 'nothing'}"
            )
        if reply[1] & rtu.EXCEPTION:
            raise Refused(self.unit.name, function, reply[2])
        return reply[2:-2]

    def read_all(self) -> dict[str, list[float | None]]:
        """All input registers as SI values by name; None where the raw value is no reading."""
        data = self.request(4, bytes((0, 0)) + self._words.to_bytes(2, "big"))[1:]
        return {r.name: self._values(r, data) for r, _ in self._inputs}

    def write(self, name: str, values: Sequence[float], first: int = 0) -> None:
        """Write SI values into holding registers or coils from element `first` of a name."""
        register = next(r for r in self.unit.registers if r.name == name and r.access != "r")
        start = (register.address + first).to_bytes(2, "big") + len(values).to_bytes(2, "big")
        if register.space == "coil":
            bits = sum(1 << k for k, value in enumerate(values) if value)
            body = bits.to_bytes((len(values) + 7) // 8, "little")
            self.request(15, start + bytes((len(body),)) + body)
            return
        body = b"".join((register.to_raw(value) & 0xFFFF).to_bytes(2, "big") for value in values)
        self.request(16, start + bytes((len(body),)) + body)

    @staticmethod
    def _values(register: Register, data: bytes) -> list[float | None]:
        size = 2 * register.width
        bad = set(register.invalid.values())
        out: list[float | None] = []
        for k in range(register.count):
            at = 2 * register.address + k * size
            raw = int.from_bytes(data[at : at + size], "big", signed=register.type[0] == "i")
            out.append(None if raw in bad else register.to_si(raw))
        return out
