"""The registers of one unit as its Modbus side sees them.

Lives here: storage, access rules, exceptions. Does not live here: frames (rtu.py) and what the values mean (plant.py).
One bank serves both ways: the in-process slave and the pymodbus servers.

Addresses and exceptions: see the head of firmware/dictionary/units/power_unit.toml.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hil.plant.units import TYPES, Register, UnitMap

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3

# Readings far outside any type: they saturate to the type's ends, which are the codes for open and short.
OPEN = 1e9
SHORT = -1e9


class ModbusError(Exception):
    """A request that the unit refuses; `code` is the Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def _nothing() -> None:
    return


class RegisterBank:
    """Registers and bits of a unit.

    `before_read` is called before input registers or discrete inputs are read: whoever owns the plant brings them up
    to date. `writes` counts accepted writes, `requests` all that were served.
    """

    def __init__(self, unit: UnitMap) -> None:
        self.unit = unit
        self.before_read: Callable[[], None] = _nothing
        self.writes = 0
        self.requests = 0
        self.input = bytearray(2 * unit.extent("input"))
        self.holding = bytearray(2 * unit.extent("holding"))
        self.coil = 0
        self.discrete = 0
        self._has_input = self._presence("input")
        self._has_holding = self._presence("holding")
        self._holding_at: dict[int, Register] = {
            a: r for r in unit.in_space("holding") for a in range(r.address, r.end)
        }
        self._coil_mask = 0
        for r in unit.in_space("coil"):
            self._coil_mask |= ((1 << r.count) - 1) << r.address
        self._make_encoder()
        self.power_on()

    def _presence(self, space: str) -> bytes:
        present = bytearray(self.unit.extent(space))
        for r in self.unit.in_space(space):
            present[r.address : r.end] = b"\x01" * (r.end - r.address)
        return bytes(present)

    def _make_encoder(self) -> None:
        n = self.unit.extent("input")
        scale, offset = np.ones(n), np.zeros(n)
        low, high = np.zeros(n), np.full(n, 65535.0)
        for r in self.unit.in_space("input"):
            if r.width == 1:
                place = slice(r.address, r.end)
                scale[place], offset[place] = 1.0 / r.scale, -r.offset / r.scale
                low[place], high[place] = TYPES[r.type][1], TYPES[r.type][2]
        self._encode: tuple[NDArray[np.float64], ...] = (scale, offset, low, high)
        self._raw, self._whole = np.zeros(n), np.zeros(n, dtype=np.int64)
        # The same memory as `input`, which is therefore filled in place.
        self._words = np.frombuffer(self.input, dtype=">u2")

    def power_on(self) -> None:
        """Holding registers, coils and counters as after power-on."""
        self.writes = 0
        self.coil = 0
        for r in self.unit.in_space("holding"):
            for k in range(r.count):
                self.set_holding(r, k, r.default)
        if self.unit.loads:
            trip = self.unit.find("load_trip_current")
            for load in self.unit.loads:
                self.set_holding(trip, load.index, load.trip_current)
        for r in self.unit.in_space("coil"):
            if r.default:
                self.coil |= ((1 << r.count) - 1) << r.address

    def set_holding(self, register: Register, k: int, si: float) -> None:
        """Put an SI value into a holding register from the unit's own side."""
        at = 2 * (register.address + k)
        self.holding[at : at + 2] = (register.to_raw(si) & 0xFFFF).to_bytes(2, "big")

    def get_holding(self, register: Register, k: int = 0) -> float:
        """SI value of a holding register."""
        at = 2 * (register.address + k)
        return register.to_si(int.from_bytes(self.holding[at : at + 2], "big", signed=register.type[0] == "i"))

    def set_inputs(self, si: NDArray[np.float64]) -> None:
        """All input registers at once: SI values by address.

        Halves of 32-bit values come as they are. OPEN and SHORT saturate.
        """
        scale, offset, low, high = self._encode
        raw = np.multiply(si, scale, out=self._raw)
        raw += offset
        np.rint(raw, out=raw)
        np.maximum(raw, low, out=raw)
        np.minimum(raw, high, out=raw)
        self._whole[:] = raw
        self._words[:] = self._whole

    def read_registers(self, function: int, address: int, count: int) -> bytes:
        """Bytes of `count` registers, high byte first. Raises ModbusError."""
        if function == 4:
            present, store = self._has_input, self.input
            self.before_read()
        else:
            present, store = self._has_holding, self.holding
        if not 1 <= count <= 125:
            raise ModbusError(ILLEGAL_VALUE)
        there = present[address : address + count]
        if len(there) != count or 0 in there:
            raise ModbusError(ILLEGAL_ADDRESS)
        self.requests += 1
        return bytes(store[2 * address : 2 * (address + count)])

    def read_bits(self, function: int, address: int, count: int) -> int:
        """`count` bits as an integer, the first in bit 0. Raises ModbusError."""
        space = "coil" if function == 1 else "discrete"
        if function == 2:
            self.before_read()
        if not 1 <= count <= 2000:
            raise ModbusError(ILLEGAL_VALUE)
        if address + count > self.unit.extent(space):
            raise ModbusError(ILLEGAL_ADDRESS)
        self.requests += 1
        return ((self.coil if function == 1 else self.discrete) >> address) & ((1 << count) - 1)

    def write_registers(self, address: int, data: bytes) -> None:
        """Write holding registers, all or none. Raises ModbusError."""
        count = len(data) // 2
        if not 1 <= count <= 123 or len(data) % 2:
            raise ModbusError(ILLEGAL_VALUE)
        for k in range(count):
            register = self._holding_at.get(address + k)
            if register is None or register.access == "r":
                raise ModbusError(ILLEGAL_ADDRESS)
            raw = int.from_bytes(data[2 * k : 2 * k + 2], "big", signed=register.type[0] == "i")
            si = register.to_si(raw)
            half = 0.5 * register.scale
            if (register.minimum is not None and si < register.minimum - half) or (
                register.maximum is not None and si > register.maximum + half
            ):
                raise ModbusError(ILLEGAL_VALUE)
        self.holding[2 * address : 2 * (address + count)] = data
        self._wrote()

    def write_bits(self, address: int, count: int, bits: int) -> None:
        """Write coils; bits that nothing names ignore it. Raises ModbusError."""
        if not 1 <= count <= 1968:
            raise ModbusError(ILLEGAL_VALUE)
        if address + count > self.unit.extent("coil"):
            raise ModbusError(ILLEGAL_ADDRESS)
        window = ((1 << count) - 1) << address
        self.coil = (self.coil & ~window) | (bits << address & window & self._coil_mask)
        self._wrote()

    def _wrote(self) -> None:
        self.writes += 1
        self.requests += 1

    def save(self) -> dict[str, object]:
        """State for JSON; inputs are made again."""
        return {"holding": self.holding.hex(), "coil": self.coil, "writes": self.writes, "requests": self.requests}

    def restore(self, state: dict[str, object]) -> None:
        """Take a state from `save` of the same map."""
        holding = bytes.fromhex(str(state["holding"]))
        if len(holding) != len(self.holding):
            raise ValueError(
                f"{self.unit.name}: expected {len(self.holding)} bytes of holding registers, found {len(holding)}"
            )
        self.holding[:] = holding
        self.coil = int(str(state["coil"]))
        self.writes = int(str(state["writes"]))
        self.requests = int(str(state["requests"]))
