"""Modbus RTU frames: CRC, and a slave as a function from the bytes of a request to the bytes of the reply.

Lives here: what stands between slave address and CRC. Does not live here: registers (bank.py), lines and their faults
(line.py). Source: MODBUS Application Protocol V1.1b3; MODBUS over Serial Line V1.02, 6.2.2 (CRC: polynomial A001
reflected, initial FFFF, low byte first). The slave never raises on what it is sent: a request that is broken or for
others is answered with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from flight.codec import crc16_modbus

from hil.plant.bank import ILLEGAL_FUNCTION, ILLEGAL_VALUE, ModbusError, RegisterBank

BROADCAST = 0
SHORTEST_FRAME = 4
FUNCTIONS = (1, 2, 3, 4, 5, 6, 15, 16)
EXCEPTION = 0x80


def crc16(data: bytes | bytearray) -> int:
    """CRC-16/MODBUS."""
    return crc16_modbus(data, 0, len(data))


def frame(body: bytes) -> bytes:
    """Slave address and protocol data, with the CRC behind."""
    return body + crc16(body).to_bytes(2, "little")


def is_frame(data: bytes | bytearray) -> bool:
    """True when the length and the CRC are those of a frame."""
    # Over the CRC as well it is 0.
    return len(data) >= SHORTEST_FRAME and crc16(data) == 0


def serve(banks: Mapping[int, RegisterBank], request: bytes) -> bytes:
    """The reply of the slave that a request is for; empty for broken requests, other slaves and broadcasts."""
    return reply_to(banks, request) if is_frame(request) else b""


def reply_to(banks: Mapping[int, RegisterBank], request: bytes) -> bytes:
    """As serve(), to a request that is_frame()."""
    slave, function = request[0], request[1]
    if slave == BROADCAST:
        for bank in banks.values():
            _answer(bank, function, request[2:-2])
        return b""
    if slave not in banks:
        return b""
    body = _answer(banks[slave], function, request[2:-2])
    return frame(bytes((slave,)) + body)


def _answer(bank: RegisterBank, function: int, data: bytes) -> bytes:
    try:
        return bytes((function,)) + _execute(bank, function, data)
    except ModbusError as error:
        return bytes((function | EXCEPTION, error.code))


def _execute(bank: RegisterBank, function: int, data: bytes) -> bytes:
    if function not in FUNCTIONS:
        raise ModbusError(ILLEGAL_FUNCTION)
    fixed = 5 if function in (15, 16) else 4
    if len(data) < fixed or (fixed == 4 and len(data) != 4):
        raise ModbusError(ILLEGAL_VALUE)
    address, value = data[0] << 8 | data[1], data[2] << 8 | data[3]
    if function in (3, 4):
        registers = bank.read_registers(function, address, value)
        return bytes((len(registers),)) + registers
    if function in (1, 2):
        bits = bank.read_bits(function, address, value)
        size = (value + 7) // 8
        return bytes((size,)) + bits.to_bytes(size, "little")
    if function == 5:
        if value not in (0x0000, 0xFF00):
            raise ModbusError(ILLEGAL_VALUE)
        bank.write_bits(address, 1, 1 if value else 0)
    elif function == 6:
        bank.write_registers(address, data[2:4])
    else:
        payload = data[5:]
        expected = 2 * value if function == 16 else (value + 7) // 8
        if data[4] != len(payload) or len(payload) != expected:
            raise ModbusError(ILLEGAL_VALUE)
        if function == 16:
            bank.write_registers(address, payload)
        else:
            bank.write_bits(address, value, int.from_bytes(payload, "little"))
    return data[:4]
