"""Instructions of the codec on the emulated board, for C and for the Python twin.

QEMU counts one instruction as 1 ns (-icount shift=0) and TIM5 of the machine counts ns, so a reading is exact and the
same in every run. Figures an octet are differences of two lengths, so what the call itself costs is not in them.
"""

from __future__ import annotations

from pathlib import Path

from hil.targets.qemu import Qemu
from hil.targets.raw_repl import RawRepl
from tests.bench.figures import Figure
from tests.board.upload import TWIN, upload_twin

ROOT = Path(__file__).resolve().parents[2]
ELF = ROOT / "build/netduinoplus2-dev/firmware.elf"
TIMEOUT_S = 120.0

PROLOGUE = """
import machine
from array import array
import {module} as codec
_T = machine.mem32
_T[0x40000C28] = 0
_T[0x40000C14] = 1
def count(f, *a):
    f(*a)
    state = machine.disable_irq()
    start = _T[0x40000C24]
    f(*a)
    n = _T[0x40000C24] - start
    machine.enable_irq(state)
    return n
def reading():
    start = _T[0x40000C24]
    return _T[0x40000C24] - start
def field(kind, width, bit, index):
    return bytes((kind, width, bit >> 8, bit & 255, index >> 8, index & 255))
data = bytearray(bytes(range(256)) * 2)
out = bytearray(700)
hmac = codec.HmacSha256(b"key")
def mac(n):
    hmac.start()
    hmac.update(data, 0, n)
    hmac.put(out, 0, 16)
frame = bytearray(259)
rx = codec.CltuReceiver(frame, True)
def uplink(n):
    rx.feed(out, 0, codec.cltu_size(n))
    rx.take()
sync = codec.TmFrameSync(bytearray(264), 256, 0, 4, False)
tm = bytearray(b"\\x1a\\xcf\\xfc\\x1d") + bytearray(256)
codec.crc16_put(tm, 4, 258)
def downlink(n):
    sync.feed(tm, 0, 260)
    sync.take()
fmt = b"".join([field(1, 16, 16 * i, i) for i in range(100)])
values = [i * 300 for i in range(100)]
mixed = b"".join(
    [field(1, 8, 8 * i, i) for i in range(4)] + [field(1, 16, 32 + 16 * i, i) for i in range(6)]
    + [field(2, 16, 128 + 16 * i, i) for i in range(4)] + [field(4, 32, 192 + 32 * i, i) for i in range(2)]
    + [field(3, 32, 256 + 32 * i, 50 + i) for i in range(4)])
values[50:54] = [0.5, 1.5, -2.5, 1e6]
"""
# (name, statement before, call of n octets, lengths between which the difference is taken)
PER_OCTET = [
    ("CRC-16", "", "codec.crc16, data, 0, {n}", (64, 448)),
    ("CRC-16/MODBUS", "", "codec.crc16_modbus, data, 0, {n}", (64, 448)),
    ("CRC-32", "", "codec.crc32_put, data, 0, {n}, out, 0", (64, 448)),
    ("SHA-256", "", "codec.sha256, data, 0, {n}, out, 0", (64, 448)),
    ("TM randomiser", "", "codec.randomise_tm, out, 0, {n}", (64, 448)),
    ("CLTU, encode (octets of the frame)", "", "codec.cltu_encode, data, 0, {n}, out, 0, False", (70, 252)),
    (
        "CLTU, receive (octets of the frame)",
        "codec.cltu_encode(data, 0, {n}, out, 0, False)",
        "uplink, {n}",
        (70, 252),
    ),
]
PER_CALL = [
    ("CRC-16 of 64 octets", "codec.crc16, data, 0, 64"),
    ("HMAC-SHA-256 of 64 octets", "mac, 64"),
    ("TM frame of 256 octets, synchronised and checked", "downlink, 0"),
    ("pack 20 mixed fields", "codec.pack, mixed, values, out, 0, 64"),
    ("pack 100 fields of 16 bits", "codec.pack, fmt, values, out, 0, 200"),
    ("unpack 100 fields of 16 bits", "codec.unpack, fmt, out, 0, 200, values"),
]


class Counter:
    """A codec on the board whose calls are counted."""

    def __init__(self, repl: RawRepl, module: str) -> None:
        self._repl = repl
        if module == TWIN.stem:
            upload_twin(repl)
        repl.exec(PROLOGUE.format(module=module), TIMEOUT_S)

    def call(self, arguments: str) -> int:
        """Instructions of a call from Python, the reading of the counter apart."""
        counted = self._repl.exec(f"print(count({arguments}), reading())", TIMEOUT_S).split()
        return int(counted[0]) - int(counted[1])

    def per_octet(self, before: str, call: str, lengths: tuple[int, int]) -> float:
        """Instructions that one octet more costs."""
        counts = []
        for n in lengths:
            if before:
                self._repl.exec(before.format(n=n), TIMEOUT_S)
            counts.append(self.call(call.format(n=n)))
        return (counts[1] - counts[0]) / (lengths[1] - lengths[0])


def board_rows() -> list[Figure]:
    """Print the instructions of C and twin; figures with goals."""
    results: dict[str, list[float]] = {}
    for module in ("perilune_codec", TWIN.stem):
        with Qemu("netduinoplus2") as target:
            target.boot(ELF, icount=0)
            target.console.read_until(b">>> ")
            repl = RawRepl(target.console)
            repl.enter()
            counter = Counter(repl, module)
            for name, before, call, lengths in PER_OCTET:
                results.setdefault(f"{name}, an octet", []).append(counter.per_octet(before, call, lengths))
            for name, call in PER_CALL:
                results.setdefault(name, []).append(counter.call(call))
    print("\nEmulated board, instructions (QEMU -icount shift=0)")
    for name, (in_c, in_python) in results.items():
        print(f"  {name:52} C {in_c:11,.1f}   twin {in_python:13,.1f}   {in_python / in_c:8.0f} x")
    crc_c, crc_python = results["CRC-16, an octet"]
    return [
        Figure("CRC-16 on the board", round(crc_c, 2), "instr./octet", at_most=11),
        Figure(
            "CRC-16 on the board beside the Python twin, times faster", round(crc_python / crc_c, 1), "x", at_least=50
        ),
    ]
