"""Measure the flight program on the emulated board: ``make bench-board``.

The processor of the board is taken as one instruction a cycle at 168 MHz. QEMU counts instructions, so the same program
gives the same figures in every run and on every machine. Exit status 1 when a goal is missed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from flight.packet.telecommand import ACK_ACCEPTANCE
from perilune.boards import load_board
from perilune.dictionary.load import CORE, load
from perilune.image import KIB, read_image
from spacepackets.ecss.tc import PusTc

from hil.targets.qemu import Qemu
from hil.targets.raw_repl import RawRepl
from tests.bench.figures import Figure, run_alone
from tests.board.upload import upload

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "flight"))

import downlink_bytes
import uplink_bytes

ROOT = Path(__file__).resolve().parents[2]
APID = 0x64
BOARD = "netduinoplus2"
LOAD = ROOT / "tests/bench/load"
ON_BOARD = ROOT / "tests/bench/load_on_board.py"
FLIGHT_ELF = ROOT / f"build/{BOARD}-load/firmware.elf"
DEV_ELF = ROOT / f"build/{BOARD}-load-dev/firmware.elf"
# 100 fields of housekeeping and 50 monitors at 1 Hz, 6 PI loops at 10 Hz, authenticated uplink.
TITLE = f"Flight program with a load of its own on {BOARD} in QEMU, one instruction a cycle at 168 MHz"
OWN_FLASH_KIB = 320  # its share of the flash; the rest of the budget is the mission's

CLOCK_HZ = 168_000_000
CCM_OCTETS = 64 * KIB
BAUD = 460_800  # 46 kB a second: not the limit of 200 telecommands, whose reports are 24 kB
LOAD_S = 20  # two periods of the slowest rate group
WAYS = 65  # telecommands one by one; one in 64 of a burst has a number written to storage
STEADY = 200
STEADY_PERIOD_MS = 5
STRUCTURE = 100  # SID
SID_OCTETS = STRUCTURE.to_bytes(2, "big")
REPORT = bytes((3, 25))
FRAME = 260  # with its marker
NS_A_US = 1000  # and as many instructions
TIMEOUT_S = 300.0
OCTETS_A_LINE = 1024


def cltus(every: int, alone: int) -> tuple[bytes, list[int]]:
    """Authenticated BD frames, one request in each; where each ends in octets.

    every: requests 17/1 that want all reports, five with the answer. alone: requests 3/5 of a structure that is
    enabled, which want the acceptance report and cause no other.
    """
    octets = b""
    ends = []
    for number in range(every + alone):
        if number < every:
            packet = PusTc(apid=APID, service=17, message_subtype=1, seq_count=number & 0x3FFF)
        else:
            packet = PusTc(
                apid=APID,
                service=3,
                message_subtype=5,
                seq_count=number & 0x3FFF,
                app_data=b"\x01" + STRUCTURE.to_bytes(2, "big"),
                ack_flags=ACK_ACCEPTANCE,
            )
        frame = uplink_bytes.protect(uplink_bytes.BD, 0, bytes(packet.pack()), number + 1)
        octets += uplink_bytes.cltu(frame)
        ends.append(len(octets))
    return octets, ends


def measure(folder: Path) -> list[list[int]]:
    """What load_on_board.measure() prints."""
    octets, ends = cltus(STEADY + WAYS, 2 * WAYS)
    with Qemu(BOARD) as target:
        target.boot(DEV_ELF, storage=folder / "dev.bin", icount=0, skip_sleep=True)
        target.console.read_until(b">>> ", TIMEOUT_S)
        repl = RawRepl(target.console)
        repl.enter()
        upload(repl, ON_BOARD.stem, ON_BOARD)
        repl.exec(f"octets = bytearray({len(octets)})")
        for at in range(0, len(octets), OCTETS_A_LINE):
            repl.exec(f"octets[{at}:{at + OCTETS_A_LINE}] = {octets[at : at + OCTETS_A_LINE]!r}")
        repl.exec(f"from array import array\nends = array('H', {ends})\nimport {ON_BOARD.stem}")
        arguments = f"octets, ends, {BAUD}, {LOAD_S}, {STEADY}, {STEADY_PERIOD_MS}, {WAYS}"
        printed = repl.exec(f"{ON_BOARD.stem}.measure({arguments})", TIMEOUT_S)
    return [[int(word) for word in line.split()] for line in printed.splitlines()]


def load_rows(folder: Path) -> list[Figure]:
    """What is counted at the prompt of the `dev` image."""
    (awake, turns), (steady, seconds), (completed, lost), all_reports, acceptance, in_burst = measure(folder)
    if (completed, lost) != (STEADY, 0):
        raise SystemExit(f"of {STEADY} telecommands {completed} were completed, and {lost} reports were lost")
    idle_hz = awake / LOAD_S
    one = (steady - idle_hz * seconds) / STEADY
    return [
        Figure("CPU load", percent(idle_hz), "%", at_most=5),
        Figure("  of it in turns of the executive, the rest is waiting", percent(turns / LOAD_S), "%"),
        Figure("telecommand in to acceptance report out, worst", max(acceptance), "instructions", at_most=120_000),
        Figure("  the same, best", min(acceptance), "instructions"),
        Figure("  the same, in a burst that waits for a number to be kept", max(in_burst), "instructions"),
        Figure("telecommand in to its four reports and answer out, worst", max(all_reports), "instructions"),
        Figure(
            "telecommands sustained, four reports and answer each", int((CLOCK_HZ - idle_hz) / one), "1/s", at_least=200
        ),
        Figure("  CPU load at 200 a second", percent(steady / seconds - one * (STEADY / seconds - 200)), "%"),
    ]


def percent(instructions_a_second: float) -> float:
    """Part of the processor."""
    return round(100 * instructions_a_second / CLOCK_HZ, 2)


def start_rows(folder: Path) -> list[Figure]:
    """What the `flight` image says of itself in housekeeping."""
    structure = load([CORE, LOAD]).housekeeping["load.all"]
    with Qemu(BOARD) as target:
        target.boot(FLIGHT_ELF, storage=folder / "flight.bin", icount=0, skip_sleep=True)
        ground = downlink_bytes.Ground()
        found: list[bytes] = []
        # Two may be made before the first frame leaves; the third tells when that was.
        while len(found) < 3:
            ground.take(target.link.read_exactly(FRAME, TIMEOUT_S))
            found = [packet for packet in ground.packets[0] if packet[7:9] == REPORT and packet[20:22] == SID_OCTETS]
    values = {}
    data = int.from_bytes(found[2][22 : 22 + structure.octets], "big")
    for point, bit in structure.fields:
        width = point.type.width
        values[point.name] = data >> (8 * structure.octets - bit - width) & (1 << width) - 1
    first_frame_ms = values["load.first_frame_us"] * NS_A_US / CLOCK_HZ * 1000
    heap = values["core.heap_free"]
    return [
        Figure("reset to the first octet of the first housekeeping frame", round(first_frame_ms, 2), "ms", at_most=100),
        Figure("free heap after the start, every service enabled", round(heap / KIB, 1), "KiB", at_least=60),
        Figure("  of it in SRAM, had it the core-coupled memory not", round((heap - CCM_OCTETS) / KIB, 1), "KiB"),
    ]


def image_rows() -> list[Figure]:
    """What images take: Perilune's own, and with the apps for power, heat and night."""
    own, payload = (read_image(ROOT / f"build/{BOARD}-{name}/firmware.elf") for name in ("flight", "payload"))
    budget = load_board(BOARD).budget
    return [
        Figure("flash of Perilune's own image", round(own.flash / KIB, 1), "KiB", at_most=OWN_FLASH_KIB),
        Figure("heap that its static memory leaves in SRAM", round(own.heap / KIB, 1), "KiB", at_least=budget.heap_kib),
        Figure("flash with power, heat and night", round(payload.flash / KIB, 1), "KiB", at_most=budget.flash_kib),
    ]


def figures() -> list[Figure]:
    """All of it."""
    with TemporaryDirectory() as name:
        return load_rows(Path(name)) + start_rows(Path(name)) + image_rows()


if __name__ == "__main__":
    sys.exit(run_alone("board", TITLE, figures))
