"""The flight's Modbus master against pymodbus, and against anything that a line may bring."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from modbus_line import ANSWER, ASK, ATTEMPTS, TIMEOUT_MS, Line
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

FUNCTIONS = (1, 2, 3, 4, 5, 6, 15, 16)
ONE_ITEM = (5, 6)
BITS = (1, 2, 5, 15)


@st.composite
def requests(draw: st.DrawFn) -> tuple[int, int, int, int, bytes]:
    """Slave, function, address, count, data of a request that the master can make."""
    function = draw(st.sampled_from(FUNCTIONS))
    most = 1 if function in ONE_ITEM else 40
    count = draw(st.integers(1, most))
    octets = 0 if function < 5 else (count + 7) // 8 if function in BITS else 2 * count
    data = draw(st.binary(min_size=octets, max_size=octets))
    if function in (5, 15):
        # Bits behind the last one are not sent by pymodbus.
        data = (int.from_bytes(data, "little") & (1 << count) - 1).to_bytes(octets, "little")
    return draw(st.integers(1, 247)), function, draw(st.integers(0, 0xFF00)), count, data


@settings(deadline=None)
@given(requests())
def test_pymodbus_reads_every_request_and_the_master_its_answer(request: tuple[int, int, int, int, bytes]) -> None:
    slave, function, address, count, data = request
    line = Line()
    sent = line.ask(function, address, count, data, slave)
    assert FramerRTU.compute_CRC(sent[:-2]) == sent[-2] << 8 | sent[-1]
    used, pdu = FramerRTU(DecodePDU(True)).handleFrame(sent, 0, 0)
    assert used == len(sent)
    assert pdu is not None
    assert (pdu.dev_id, pdu.function_code, pdu.address) == (slave, function, address)
    if function not in ONE_ITEM:
        assert pdu.count == count
    # Its answer, made by pymodbus: reads bring octets that count up, writes their echo.
    registers = [(7 * k + 1) & 0xFFFF for k in range(count)]
    bits = [k % 3 == 0 for k in range(count)]
    answer = DecodePDU(False).lookupPduClass(bytes((slave, function)))()  # type: ignore[misc]
    answer.dev_id, answer.address, answer.count = slave, address, count
    answer.registers = registers if function in (3, 4) else pdu.registers
    answer.bits = bits if function in (1, 2) else pdu.bits
    frame = FramerRTU(DecodePDU(False)).buildFrame(answer)
    line.answer(frame)
    assert line.errors.corrupt == line.errors.strangers == 0
    assert line.client.answers == [frame[3:-2] if function < 5 else frame[2:-2]]
    if function in (3, 4):
        assert line.client.answers[0] == b"".join(value.to_bytes(2, "big") for value in registers)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 120), st.binary(max_size=300)), max_size=8))
def test_garbage_never_becomes_an_answer_and_never_lasts(pieces: list[tuple[int, bytes]]) -> None:
    line = Line()
    assert line.ask() == ASK
    for wait_ms, octets in pieces:
        line.answer(octets, wait_ms)
    line.run(ATTEMPTS * (TIMEOUT_MS + 100) + 500)
    errors = line.errors
    assert len(line.client.answers) + len(line.client.failures) == 1
    assert errors.requests <= ATTEMPTS
    assert line.client.answers == [] or any(ANSWER[:4] in octets for _, octets in pieces)
    # Afterwards the line works.
    line.port.take()
    line.master.submit(line.master._transactions[0])
    line.run(200)
    assert line.port.take() == ASK
    line.answer(ANSWER)
    assert line.client.answers[-1] == b"\x00\x0a"


@settings(deadline=None)
@given(st.data())
def test_a_changed_answer_is_never_taken(data: st.DataObject) -> None:
    line = Line()
    line.ask()
    changed = bytearray(ANSWER)
    # Three wrong bits in 56 are within what the CRC finds for certain.
    for bit in data.draw(st.sets(st.integers(0, 8 * len(ANSWER) - 1), min_size=1, max_size=3)):
        changed[bit >> 3] ^= 1 << (bit & 7)
    line.answer(bytes(changed), 5)
    assert line.client.answers == []
