"""Bad input over the whole link: whatever comes up, the board says what is wrong, goes on, and loses no report."""

from __future__ import annotations

import itertools
import random

import pytest
from flight import errors
from flight.service import failure
from perilune.dictionary.load import CORE, load
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm

from tests.system.core_link import APID, Ground, data_of, verification
from tests.system.made_telecommands import TelecommandMaker
from tests.system.targets import TRIAL

# On `sitl` time costs nothing, on `qemu` the link has its 115200 baud.
RANDOM_EXACT, RANDOM_REAL = 10_000, 2000
CHANGED_REAL = 1000
ANSWER_TRIES = 40
ON_BOARD = [pytest.param("qemu", marks=pytest.mark.board)]
BATCH = 64  # packets that are answered before more go up: less than the board's buffers hold
KNOWN_CODES = {
    value
    for name, value in [*vars(failure).items(), *vars(errors).items()]
    if name.isupper() and isinstance(value, int)
}


def random_packet(source: random.Random) -> bytes:
    """A telecommand that is almost right, or nothing of the kind."""
    packet = PusTc(
        apid=source.choice([APID, APID, APID, source.randrange(2047)]),
        service=source.choice([1, 3, 5, 8, 9, 11, 12, 17, 19, 20, 21, source.randrange(256)]),
        message_subtype=source.choice([1, 3, 4, 5, 6, 7, 27, 31, 128, source.randrange(256)]),
        app_data=source.randbytes(source.randrange(0, 12)),
        seq_count=source.randrange(16384),
        ack_flags=source.randrange(16),
    )
    octets = bytearray(packet.pack())
    for _ in range(source.choice([0, 0, 0, 1, 3])):
        octets[source.randrange(len(octets))] ^= 1 << source.randrange(8)
    return bytes(octets)


def uptimes(reports: list[PusTm]) -> list[int]:
    """Uptime in s of each report of the board's health (SID 1), which must come from a board that never restarted."""
    found = []
    for report in reports:
        data = report.source_data
        if (report.service, report.message_subtype) == (3, 25) and data.startswith(b"\x00\x01"):
            assert data[11:14] == b"\x00\x01\x01", "the board restarted"
            found.append(int.from_bytes(data[7:11], "big"))
    return found


def test_random_packets(fresh_ground: Ground) -> None:
    send_random(fresh_ground, RANDOM_EXACT if fresh_ground.exact else RANDOM_REAL)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("fresh_ground", ON_BOARD, indirect=True)
def test_ten_thousand_random_packets_on_the_emulated_board(fresh_ground: Ground) -> None:
    send_random(fresh_ground, RANDOM_EXACT)


def send_random(ground: Ground, total: int) -> None:
    """Counts of frames and of reports are looked at by the ground for each one that comes down."""
    source = random.Random(20281)
    for _ in range(0, total, BATCH):
        ground.send_packets(random_packet(source) for _ in range(BATCH))
        assert ground.execute(17, 1).stages == [1, 3, 7]
    failures = [report for report in verification(ground.reports) if report.error_code is not None]
    assert len(failures) > total // 3
    codes = {report.error_code.val for report in failures if report.error_code is not None}
    assert codes <= KNOWN_CODES
    assert {failure.UNKNOWN_SERVICE, failure.UNKNOWN_SUBTYPE, failure.DATA_LENGTH, errors.PACKET_APID} <= codes
    counts = [
        report.pus_tm_sec_header.message_counter
        for report in ground.reports
        if (report.service, report.message_subtype, report.pus_tm_sec_header.dest_id) == (3, 25, 0)
    ]
    assert {(later - earlier) & 0xFFFF for earlier, later in itertools.pairwise(counts)} == {1}
    seen = uptimes(ground.reports)
    assert seen[-1] > 3
    assert seen == sorted(seen)
    # Every second has its report; a host that stands still for one makes the emulated board skip it.
    assert not ground.exact or set(seen) == set(range(seen[-1] + 1))
    # Nothing that was to be reported found the downlink full.
    [lost] = ground.execute(20, 1, "01 00 26").data(20, 2)
    assert lost == "01 00 26 00 00"


def test_commands_with_changed_octets(fresh_ground: Ground) -> None:
    send_changed(fresh_ground, RANDOM_EXACT if fresh_ground.exact else CHANGED_REAL)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("fresh_ground", ON_BOARD, indirect=True)
def test_ten_thousand_commands_with_changed_octets_on_the_emulated_board(fresh_ground: Ground) -> None:
    send_changed(fresh_ground, RANDOM_EXACT)


def send_changed(ground: Ground, total: int) -> None:
    """Good telecommands of every command of the dictionary, up to three octets of their arguments replaced.

    They switch, load, schedule and start everything: reports may be more than the line carries, the board must go on.
    """
    source = random.Random(20282)
    dictionary = load([CORE, TRIAL])
    maker = TelecommandMaker(dictionary, source)
    every = b"".join(structure.sid.to_bytes(2, "big") for structure in dictionary.housekeeping.values())
    ground.may_lose = True
    codes = set()
    answered = 0
    for _ in range(0, total, BATCH):
        before = len(ground.reports)
        ground.send_packets(
            maker.packet(source.choice(maker.commands), flips=source.choice([0, 0, 1, 3])) for _ in range(BATCH)
        )
        # Quiet again, but for the board's health every second.
        ground.send(21, 13)
        ground.send(3, 6, bytes((len(every) // 2,)) + every)
        ground.send(3, 31, bytes.fromhex("01 0001 000003e8"))
        ground.send(3, 128, bytes.fromhex("01 0001 00"))
        ground.send(3, 5, bytes.fromhex("01 0001"))
        await_answer(ground)
        reports = verification(ground.reports[before:])
        codes |= {report.error_code.val for report in reports if report.error_code is not None}
        answered += len(reports)
    assert codes <= KNOWN_CODES | set(range(failure.APP, 0x10000))
    assert len(codes) > 20
    assert answered > total
    seen = uptimes(ground.reports)
    assert seen == sorted(seen)
    assert seen[-1] > 3


def await_answer(ground: Ground) -> None:
    """The board answers, as soon as its queue of reports is empty enough."""
    for _ in range(ANSWER_TRIES):
        request = bytes(ground.send(17, 1).pack())[:4].hex(" ")
        ground.run(0.5)
        if request in data_of(ground.reports[-200:], 1, 7):
            return
    raise AssertionError(f"no answer to {ANSWER_TRIES} pings")


def test_octets_that_are_no_frames(fresh_ground: Ground) -> None:
    """Noise, cut CLTUs, CLTUs of garbage; between them the board answers."""
    ground = fresh_ground
    source = random.Random(4)
    for _ in range(8):
        ground.target.send(source.randbytes(source.randrange(1, 600)))
        ground.target.send(b"\xeb\x90" + source.randbytes(source.randrange(1, 300)))
        # What ends the last CLTU for certain, so that the next one is found.
        ground.target.send(b"\xc5\xc5\xc5\xc5\xc5\xc5\xc5\x79" + b"\x55" * 8)
        assert ground.execute(17, 1).stages == [1, 3, 7]
    assert uptimes(ground.reports)


@pytest.mark.parametrize(
    ("name", "packet", "code"),
    [
        ("foreign APID", "18 65 c0 00 00 06 2f 11 01 00 00", "00 49"),
        ("PUS version 1", "18 64 c0 00 00 06 1f 11 01 00 00", "00 4a"),
    ],
)
def test_packets_with_headers_that_are_not_ours(ground: Ground, name: str, packet: str, code: str) -> None:
    octets = bytes.fromhex(packet)
    ground.send_packets([octets + crc(octets)])
    reports = ground.until_data(1, 2, packet[:11])
    assert data_of(reports, 1, 2)[0].startswith(packet[:11] + " " + code), name


def test_packets_that_name_nobody_are_counted(ground: Ground) -> None:
    """No report can say whose request it was: each is one more drop, and the point beside it has the latest reason."""
    packets = [
        "08 64 c0 00 00 06 2f 11 01 00 00",  # telemetry
        "10 64 c0 00 00 06 2f 11 01 00 00",  # no secondary header
        "18 64 40 00 00 06 2f 11 01 00 00",  # segmented
        "38 64 c0 00 00 06 2f 11 01 00 00",  # packet version 1
        "18 64 c0 00 00 04 2f 11 01",  # too short
        "18 64 c0 00 00 ff 2f 11 01 00 00",  # longer than the frame
    ]
    ground.run(1.2)  # what earlier tests sent is counted
    before = drops(ground)[0]
    for packet in packets:
        octets = bytes.fromhex(packet)
        ground.send_packets([octets + crc(octets)])
    ground.send_packets([bytes.fromhex("18 64 c0 00 00 06 2f 11 01 00 00 00 00")])  # packet error control
    reports = ground.until(lambda _: drops(ground)[0] >= before + 7)
    assert drops(ground) == (before + 7, errors.PACKET_CRC)
    assert data_of(reports, 1, 2) == []


def drops(ground: Ground) -> tuple[int, int]:
    """Everything dropped, and the latest reason, as the board counts them once a second."""
    [text] = ground.execute(20, 1, "02 00 30 00 31").data(20, 2)
    octets = bytes.fromhex(text)
    return int.from_bytes(octets[3:5], "big"), octets[7]


def crc(octets: bytes) -> bytes:
    """CRC-16 of the standards (polynomial 1021, start FFFF), bit by bit."""
    register = 0xFFFF
    for octet in octets:
        register ^= octet << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    return register.to_bytes(2, "big")
